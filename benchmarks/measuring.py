"""How is one thing held against another? In turn, several times, by the ratio of the medians."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

Measure = Callable[[], float]
"""Does the work once and answers how much of it was done a second."""


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the table.

    :param against: the peer's name, or what limits us.
    :param theirs: the peer's figure, or the limit.
    :param aim: the ratio to reach, or to stay within where less is better; None where there is nothing to reach.
    """

    name: str
    against: str
    ours: float
    theirs: float
    aim: float | None = None
    unit: str = "/s"
    less_is_better: bool = False

    @property
    def ratio(self) -> float:
        """Ours to theirs."""
        return self.ours / self.theirs

    @property
    def reached(self) -> bool | None:
        """Whether the aim was reached, None where there is none."""
        if self.aim is None:
            return None
        return self.ratio <= self.aim if self.less_is_better else self.ratio >= self.aim


@dataclass(frozen=True, slots=True)
class Row:
    """Something to measure: so many rounds of it give one line or more."""

    name: str
    measure: Callable[[int], Sequence[Result]]


def race(name: str, ours: Measure, peers: Mapping[str, Measure], aim: float | None = None) -> Row:
    """Ours and each peer's in turn, round after round: a line a peer, of the medians."""

    def measure(rounds: int) -> list[Result]:
        rates: dict[str, list[float]] = {peer: [] for peer in peers}
        own = []
        for _ in range(rounds):
            own.append(ours())
            for peer, theirs in peers.items():
                rates[peer].append(theirs())
        return [Result(name, peer, median(own), median(rates[peer]), aim) for peer in peers]

    return Row(name, measure)


def within(name: str, amount: float, limit: float, unit: str) -> Result:
    """A line that is good when an amount stays within its limit."""
    return Result(name, "limit", amount, limit, aim=1, unit=unit, less_is_better=True)
