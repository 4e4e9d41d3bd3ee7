"""Does this caller ask for more than its share?

A token bucket for each caller: it fills by so many a second up to a burst, and whatever the caller wants is taken out
of it; a command in a batch costs as much as one alone. Besides, so many of its calls at once. Whoever is over is told
when to come again, and what was refused costs nothing. Services are not limited here: what they ask follows from what
officers were let in for.
"""

import time
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable
from types import TracebackType

from chassis.refusals import Overloaded

MAX_CALLERS = 100_000
"""Callers remembered at once, some 30 MB of them."""

WHEN_ONE_LEAVES_S = 0.1
"""After which a caller with all its calls inside may try again: when one of them ends is not known."""

WAITS_S = tuple(round(digit * 10.0**power, 2) for power in range(-2, 4) for digit in (1, 2, 5))
"""The times that are told, each rounded up to one of these: so few that the refusal itself is made once and kept."""

_LOOKED_AT = 8
_ROUNDING_S = 1e-6


class Allowance:
    """What one caller has left, and how many of its calls are inside; left by the end of the ``with``."""

    __slots__ = ("_limits", "at", "inside", "level")

    def __init__(self, limits: "Limits", at: float) -> None:
        self._limits, self.level, self.at, self.inside = limits, limits.burst, at, 0

    def charge(self, cost: float) -> None:
        """Take more, once it is known how much a call wants: the items of a batch.

        :raises Overloaded: there is not so much left; nothing is taken then.
        """
        limits = self._limits
        now = limits.clock()
        level = self.level + (now - self.at) * limits.per_second
        if level > limits.burst:
            level = limits.burst
        if cost > level:
            raise Overloaded(retry_after_s=rounded_up((cost - level) / limits.per_second))
        self.level, self.at = level - cost, now

    def would_be_full(self, now: float) -> bool:
        """Whether nothing would be known of it that is not true of a new one."""
        limits = self._limits
        return not self.inside and self.level + (now - self.at) * limits.per_second >= limits.burst

    def __enter__(self) -> "Allowance":
        return self

    def __exit__(self, kind: type[BaseException] | None, raised: BaseException | None, trace: TracebackType | None) -> None:
        self.inside -= 1


class Limits:
    """The allowances of all callers, in bounded memory.

    :param per_second: what comes back to each caller in a second, in calls or items.
    :param burst: what a caller that was silent has; nothing that costs more is ever let in.
    :param at_once: calls of a caller that may be inside at the same time.
    :param clock: seconds that never go back.
    :param max_callers: how many are remembered. One whose allowance is not full is not forgotten for another's sake: that
        would hand it a new one.
    """

    def __init__(
        self,
        per_second: float,
        burst: float,
        at_once: int,
        clock: Callable[[], float] = time.monotonic,
        max_callers: int = MAX_CALLERS,
    ) -> None:
        self.per_second, self.burst, self.at_once, self.clock, self.max_callers = per_second, burst, at_once, clock, max_callers
        self._allowances: OrderedDict[str, Allowance] = OrderedDict()

    def __len__(self) -> int:
        return len(self._allowances)

    def entered(self, caller_id: str, cost: float = 1.0) -> Allowance:
        """Let a call in, and out again by ``with``; what it turns out to want besides is charged to what comes back.

        :raises Overloaded: the caller has too little left, too many calls inside, or there are too many callers.
        """
        allowance = self._allowances.get(caller_id)
        if allowance is None:
            allowance = self._remember(caller_id)
        else:
            self._allowances.move_to_end(caller_id)
        if allowance.inside >= self.at_once:
            raise Overloaded(retry_after_s=WHEN_ONE_LEAVES_S)
        allowance.charge(cost)
        allowance.inside += 1
        return allowance

    def _remember(self, caller_id: str) -> Allowance:
        now = self.clock()
        if len(self._allowances) >= self.max_callers:
            self._forget_one(now)
        allowance = self._allowances[caller_id] = Allowance(self, now)
        return allowance

    def _forget_one(self, now: float) -> None:
        """Of those that were silent longest one that is full again; those met on the way are looked at last next time."""
        for _ in range(min(_LOOKED_AT, len(self._allowances))):
            caller_id, allowance = next(iter(self._allowances.items()))
            if allowance.would_be_full(now):
                del self._allowances[caller_id]
                return
            self._allowances.move_to_end(caller_id)
        raise Overloaded(retry_after_s=rounded_up(self.burst / self.per_second))


def rounded_up(seconds: float) -> float:
    """The shortest of `WAITS_S` after which it is surely so; the longest for whatever is beyond."""
    return WAITS_S[min(bisect_left(WAITS_S, seconds + _ROUNDING_S), len(WAITS_S) - 1)]
