"""Which hashes lead from the root of a tree down to some of its leaves, each told once, each proved before it is used?

Leaves are visited from left to right. On the way to a leaf every node that was not gone through before is opened: the
hashes of its left and of its right half are told, and together they must be its own, which is known already, since the
way begins at the root. So the first hash that is wrong is the first that is refused, and a leaf at which everybody
arrives is the one that stands in the tree. What stands beside the way, from the leaf upwards, is the inclusion proof of
RFC 6962 (2.1.1). At most one half a level is kept in between: O(log n).
"""

from collections.abc import Sequence

from chassis.ledger.merkle import HASH_BYTES, Nodes, Span, folded, node_hash, places

Opened = tuple[Span, Span]
"""The left and the right half of a node."""


class WayBroken(ValueError):
    """Two halves are not those of the node above them, or there are too few of them, or too many."""


def opened(before: int | None, index: int, size: int) -> list[Opened]:
    """The halves to be told on the way to a leaf, from the root down, after the way to an earlier one was told.

    :param before: the leaf to which the last way led; None for the first way.
    :raises ValueError: there is no such leaf, or it does not lie right of the one before.
    """
    if not (-1 if before is None else before) < index < size or index < 0:
        raise ValueError(f"there is no way to leaf {index} of {size} after {before}")
    start, end, found = 0, size, []
    while end - start > 1:
        middle = middle_of(start, end)
        if before is None or not start <= before < end:
            found.append(((start, middle), (middle, end)))
        start, end = (start, middle) if index < middle else (middle, end)
    return found


def halves(nodes: Nodes, ways: Sequence[Opened]) -> list[bytes]:
    """The hashes of opened nodes: of each its left half and its right half, one after the other."""
    return [_hash(nodes, left) + _hash(nodes, right) for left, right in ways]


class Descent:
    """Goes down from a root that is trusted, way after way."""

    def __init__(self, root: bytes, size: int) -> None:
        self._proved: list[tuple[int, int, bytes]] = [(0, size, root)]
        """What was told and not yet opened, the leftmost at the end."""

    def leaf(self, index: int, way: Sequence[bytes]) -> bytes:
        """The hash that stands in the tree at a leaf right of the last one, with the halves told on the way to it.

        :raises WayBroken: what is told is not what lies below the root.
        """
        while self._proved and self._proved[-1][1] <= index:
            self._proved.pop()
        if not self._proved or self._proved[-1][0] > index:
            raise WayBroken(f"no way leads to leaf {index}")
        start, end, found = self._proved.pop()
        told = iter(way)
        while end - start > 1:
            both = next(told, b"")
            left, right = both[:HASH_BYTES], both[HASH_BYTES:]
            if len(both) != 2 * HASH_BYTES or node_hash(left, right) != found:
                raise WayBroken(f"what is told of leaves {start} to {end - 1} is not what lies below the root")
            middle = middle_of(start, end)
            if index < middle:
                self._proved.append((middle, end, right))
                end, found = middle, left
            else:
                start, found = middle, right
        if next(told, None) is not None:
            raise WayBroken(f"more is told than leads to leaf {index}")
        return found


def middle_of(start: int, end: int) -> int:
    """Where the left half of at least two leaves ends: it has the largest power of two below their number (RFC 6962, 2.1)."""
    return start + (1 << (end - start - 1).bit_length() - 1)


def _hash(nodes: Nodes, span: Span) -> bytes:
    return folded([nodes(place) for place in places([span])])
