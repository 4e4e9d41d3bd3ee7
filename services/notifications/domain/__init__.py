"""What notifications decides: one aggregate a file, no input or output."""
