"""Was each event of a history applied exactly once? If not: which one was left out, and which one came twice?

A follower keeps, in the transaction that moves its position, a running hash of every position that concerns it, in order,
and three sums over those it applied: how many, their sum, the sum of their squares. Neither depends on how the history was
split into batches. What the sums should be follows from the history; by how much they are off gives the positions a name:
one missing is the difference itself, of two the sum and the sum of squares leave one pair, and what was left out or taken
again in one piece is the only piece of its length with these sums.

It tells of faults, not of forgers: whoever writes all of these columns by hand can write what fits.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import sha256
from math import isqrt


@dataclass(frozen=True, slots=True)
class Sums:
    """Of some positions: how many, their sum, the sum of their squares."""

    count: int = 0
    total: int = 0
    squares: int = 0

    def plus(self, positions: Collection[int]) -> "Sums":
        """With some more."""
        return Sums(self.count + len(positions), self.total + sum(positions), self.squares + sum([p * p for p in positions]))

    def __sub__(self, other: "Sums") -> "Sums":
        return Sums(self.count - other.count, self.total - other.total, self.squares - other.squares)


@dataclass(frozen=True, slots=True)
class Tally:
    """What a follower has done with the positions after `since` that concern it."""

    since: int = 0
    applied: Sums = Sums()
    chain: bytes = b""

    def moved(self, passed: Iterable[int], applied: Collection[int]) -> "Tally":
        """After a batch: the positions that were passed, in order, and those of them that were applied."""
        return replace(self, applied=self.applied.plus(applied), chain=chained(self.chain, passed))

    @property
    def columns(self) -> tuple[int, int, int, bytes]:
        """As they stand in the follower's row."""
        return self.applied.count, self.applied.total, self.applied.squares, self.chain


def chained(chain: bytes, positions: Iterable[int]) -> bytes:
    """The running hash after some more positions."""
    for position in positions:
        chain = sha256(chain + position.to_bytes(8, "big")).digest()
    return chain


class Verdict(StrEnum):
    """What came of the comparison with the history."""

    EXACTLY_ONCE = "exactly_once"
    MISSING = "missing"
    TWICE = "twice"
    MISSING_AND_TWICE = "missing_and_twice"
    OUT_OF_ORDER = "out_of_order"
    UNNAMED = "unnamed"
    """The sums are off, and more than one set of positions would explain it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict, with the positions that were left out and those that came twice, as far as they have a name."""

    verdict: Verdict
    missing: Sequence[int] = ()
    twice: Sequence[int] = ()


def judged(expected: Sums, chain: bytes, tally: Tally) -> Finding | None:
    """The finding, where the sums and the hash alone tell; None when the positions must be looked at.

    :param expected: over the positions that should have been applied; :param chain: the hash of all that should be passed.
    """
    if expected != tally.applied:
        return None
    return Finding(Verdict.EXACTLY_ONCE if chain == tally.chain else Verdict.OUT_OF_ORDER)


def named(positions: Sequence[int], tally: Tally) -> Finding:
    """Which of the positions that should have been applied were not, or came twice.

    :param positions: in order, without those that lie aside.
    """
    off = Sums().plus(positions) - tally.applied
    if off == Sums():
        return Finding(Verdict.OUT_OF_ORDER)
    if off.count == 0:
        return _one_for_another(positions, off)
    many, total, squares = abs(off.count), off.total, off.squares
    sign = 1 if off.count > 0 else -1
    found = _piece(positions, many, total * sign, squares * sign) or _pair(positions, many, total * sign, squares * sign)
    if not found:
        return Finding(Verdict.UNNAMED)
    return Finding(Verdict.MISSING, missing=found) if sign > 0 else Finding(Verdict.TWICE, twice=found)


def _one_for_another(positions: Sequence[int], off: Sums) -> Finding:
    """One left out and another one twice: a − b and a² − b² are known, so a + b is."""
    if off.total and off.squares % off.total == 0:
        both = off.squares // off.total
        missing, twice = (both + off.total) // 2, (both - off.total) // 2
        known = set(positions)
        if missing + twice == both and {missing, twice} <= known:
            return Finding(Verdict.MISSING_AND_TWICE, (missing,), (twice,))
    return Finding(Verdict.UNNAMED)


def _piece(positions: Sequence[int], many: int, total: int, squares: int) -> tuple[int, ...]:
    """The positions that follow each other and have these sums."""
    if many > len(positions):
        return ()
    window = sum(positions[:many])
    for start in range(len(positions) - many + 1):
        if start:
            window += positions[start + many - 1] - positions[start - 1]
        if window == total and sum([p * p for p in positions[start : start + many]]) == squares:
            return tuple(positions[start : start + many])
    return ()


def _pair(positions: Sequence[int], many: int, total: int, squares: int) -> tuple[int, ...]:
    """Two positions, apart from each other, with these sums."""
    root = isqrt(max(0, 2 * squares - total * total))
    pair = ((total - root) // 2, (total + root) // 2)
    if many != 2 or sum(pair) != total or pair[0] ** 2 + pair[1] ** 2 != squares or not set(pair) <= set(positions):
        return ()
    return pair
