"""How does an auditor get at the history, and what is made of it? One module a command of `congdoan audit`."""
