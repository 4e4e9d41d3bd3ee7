"""Which faults strike a schedule, and when? Drawn from the seed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from tests.simulation.weather import RATES

SERVICES = ("membership", "notifications")
KINDS: Mapping[str, float] = {
    "process killed": 4.0,
    "process paused": 2.0,
    "database killed": 1.0,
    "bus killed": 1.5,
    "stream lost": 0.7,
    "end of a stream lost": 0.5,
    "consumer deleted": 1.0,
    "recorded time jumps": 1.0,
    "connections of a process cut": 1.0,
}
"""What strikes at a moment, and how often in comparison."""


@dataclass(frozen=True)
class Fault:
    """Something strikes at a moment, for a while."""

    at: float
    kind: str
    service: str
    process: int
    lasts_s: float


@dataclass(frozen=True)
class Climate:
    """All that may go wrong in a schedule.

    ``processes``: how many of each service. ``rates``: how often single steps go wrong (:mod:`tests.simulation.weather`).
    """

    processes: int
    faults: Sequence[Fault]
    rates: Mapping[str, float]


def climate(random: Random, lasts_s: float, without: frozenset[str] = frozenset()) -> Climate:
    """A seed's faults.

    :param without: kinds that are left away, for whoever looks for the one that matters; the others stay as they were.
    """
    processes = random.choice((1, 1, 2))
    rates = {kind: rate * random.choice((0.0, 0.0, 1.0, 3.0)) for kind, rate in RATES.items()}
    many = random.choice((0, 1, 2, 3, 5, 8))
    faults = sorted((_fault(random, lasts_s) for _ in range(many)), key=lambda fault: fault.at)
    return Climate(
        processes,
        [fault for fault in faults if fault.kind not in without],
        {kind: rate for kind, rate in rates.items() if kind not in without},
    )


def _fault(random: Random, lasts_s: float) -> Fault:
    (kind,) = random.choices(list(KINDS), weights=list(KINDS.values()))
    lasts = random.choice((0.01, 0.1, 0.5, 1.5, 5.0)) * (0.5 + random.random())
    return Fault(random.random() * lasts_s, kind, random.choice(SERVICES), random.randrange(2), lasts)
