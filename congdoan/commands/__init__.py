"""What can be typed: one module for each kind of user. Options and ways to a running suite: :mod:`~congdoan.commands.asking`."""
