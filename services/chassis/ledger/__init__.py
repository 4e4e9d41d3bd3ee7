"""What does a ledger say, and what may whoever keeps its checkpoints rely on? Pure: no input, no output, no clock."""
