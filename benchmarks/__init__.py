"""How fast is it, against what others do, in one run? ``make bench`` prints the table.

Machines are noisy, so every figure is a ratio: ours and the peer's are measured in turn, several times, and the medians
are compared. No test asserts a time; one runs each row at a tiny size, to show that none is broken.
"""
