"""The questions membership answers, one a file: rows, a pure evolve, the query."""
