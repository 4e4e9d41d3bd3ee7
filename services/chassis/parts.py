"""What is started and stopped, maybe many times, by whoever puts a process together?"""

from typing import Protocol


class Part(Protocol):
    """Something that is started before, and stopped after, what stands on it."""

    async def start(self) -> None:
        """Begin."""

    async def stop(self) -> None:
        """End, having finished what was begun."""
