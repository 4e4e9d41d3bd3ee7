"""The rules of welfare; imports no I/O."""
