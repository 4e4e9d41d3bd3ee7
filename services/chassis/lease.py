"""Until when may what we know of another's record be relied upon? As long as somebody has just confirmed it."""

from collections.abc import Callable
from math import inf
from time import monotonic


class Lease:
    """Holds until a moment that is moved on; one that nobody ever grants for a time always holds.

    :param clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock, self._until = clock, inf

    @property
    def now(self) -> float:
        """Its own clock, monotonic seconds."""
        return self._clock()

    @property
    def holds(self) -> bool:
        """Whether it may be relied upon now."""
        return self._clock() < self._until

    def until(self, moment: float) -> None:
        """It may be relied upon until then, on its own clock."""
        self._until = moment

    def end(self) -> None:
        """It may not be relied upon any more."""
        self._until = -inf
