"""How is one thing held against another? In turn, several times, by the ratio of the medians."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass

Measure = Callable[[], float]
"""Does the work once and answers a rate (per second), or, where less is better, an amount."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: ours against a peer.

    :param aim: the ratio to reach, None where there is nothing to reach.
    :param unit: of both figures.
    """

    name: str
    against: str
    ours: Measure
    peer: Measure | None = None
    aim: float | None = None
    unit: str = "/s"
    rounds: int = 3


@dataclass(frozen=True, slots=True)
class Result:
    """What came out of a row; `ratio` is ours to the peer's."""

    row: Row
    ours: float
    peer: float | None

    @property
    def ratio(self) -> float | None:
        """Ours to the peer's, None without a peer."""
        return self.ours / self.peer if self.peer else None

    @property
    def reached(self) -> bool | None:
        """Whether the aim was reached, None where there is none."""
        return None if self.row.aim is None or self.ratio is None else self.ratio >= self.row.aim


def measure(row: Row) -> Result:
    """Ours and the peer's in turn; the medians."""
    ours, peers = [], []
    for _ in range(row.rounds):
        ours.append(row.ours())
        if row.peer:
            peers.append(row.peer())
    return Result(row, statistics.median(ours), statistics.median(peers) if peers else None)
