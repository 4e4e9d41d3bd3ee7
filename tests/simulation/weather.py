"""How long does each step take, and which of them go wrong? Drawn from the seed, and counted."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

RATES: Mapping[str, float] = {
    "answer delayed": 0.05,
    "database connection lost before the statement": 0.01,
    "database connection lost after the statement": 0.015,
    "bus connection lost before the request": 0.01,
    "bus connection lost after the request": 0.02,
    "message lost": 0.01,
    "message delivered again": 0.02,
    "call lost before it arrived": 0.02,
    "answer of a call lost": 0.05,
    "call sent twice": 0.1,
}
"""What may go wrong with a single step, and how often at most."""


@dataclass
class Weather:
    """What the surroundings do to those who live in them.

    :param rates: by kind, how often a step goes wrong while the weather is bad.
    """

    random: Random
    rates: Mapping[str, float]
    bad: bool = False
    struck: Counter[str] = field(default_factory=Counter)

    def strikes(self, kind: str) -> bool:
        """Whether this step goes wrong in this way."""
        if self.bad and (rate := self.rates.get(kind)) and self.random.random() < rate:
            self.struck[kind] += 1
            return True
        return False

    def latency(self) -> float:
        """Seconds until something arrives."""
        drawn = self.random.random()
        if self.strikes("answer delayed"):
            return drawn * 8.0 if drawn > 0.8 else drawn
        return 0.0002 + 0.004 * drawn * drawn
