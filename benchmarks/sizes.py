"""How much of everything is done in a run?"""

from dataclasses import dataclass

IN_FLIGHT = 128
"""Commands under way at once."""
THREADS = (8, 32)
"""The library is given each of these numbers of threads, other stores as many streams."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How often, how many."""

    rounds: int = 3
    commands: int = 12_800
    """Of ours, one by one; a multiple of `IN_FLIGHT`."""
    batches: int = 320
    """Of a hundred commands."""
    saves: int = 3_200
    """Of another store, and of ours against it; a multiple of the most `THREADS`."""
    stored: int = 20_000
    """Events in a store that is announced, replayed or folded."""
    stored_by_library: int = 4_000
    """A multiple of a hundred."""
    singly: int = 1_000
    """Events that are announced one by one."""
    young: int = 10_000
    old: int = 1_000_000
    """Events in a store at the beginning, and after years."""
    offered_s: float = 5.0
    """How long commands are offered at a steady rate."""


FULL = Sizes()
SHORT = Sizes(
    rounds=1,
    commands=IN_FLIGHT,
    batches=2,
    saves=max(THREADS),
    stored=300,
    stored_by_library=100,
    singly=20,
    young=100,
    old=300,
    offered_s=0.1,
)
"""Enough to show that a row is not broken."""
