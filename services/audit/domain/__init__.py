"""What audit makes of an event: how it is sealed, what it contributes to which figure, and where units stand."""
