"""What proves that an entry stands in a log, and that a longer log begins with a shorter one? The hash tree of RFC 6962.

::

    root of no entries       SHA-256()
    leaf                     SHA-256(0x00 || entry)
    node                     SHA-256(0x01 || left || right)
    root of n > 1 entries    node(root of the first k, root of the others), k the largest power of two below n

A complete subtree of 2^level leaves, the index-th from the left, is a `Place`; its hash never changes. Everything here is
made of such hashes, which a reader (`Nodes`) knows; which places it will be asked for can be told before (`places`).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

HASH_BYTES = 32
EMPTY_ROOT = sha256().digest()
"""The root of a tree without a leaf."""

Place = tuple[int, int]
"""Level and index of a complete subtree; level 0 are the leaves."""
Span = tuple[int, int]
"""Leaves from the first to before the second, as a tree of RFC 6962 has them below one node."""
Nodes = Callable[[Place], bytes]
"""Knows the hash of each complete subtree."""


def leaf_hash(entry: bytes) -> bytes:
    """The leaf of an entry."""
    return sha256(b"\0" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The node above two others."""
    return sha256(b"\1" + left + right).digest()


def root(nodes: Nodes, size: int) -> bytes:
    """The root of the first `size` leaves."""
    return _hash(nodes, (0, size)) if size else EMPTY_ROOT


def inclusion_proof(nodes: Nodes, index: int, size: int) -> list[bytes]:
    """What shows that a leaf stands at an index of the first `size` leaves (RFC 6962, 2.1.1).

    :raises ValueError: there is no such leaf.
    """
    return [_hash(nodes, span) for span in inclusion_spans(index, size)]


def consistency_proof(nodes: Nodes, before: int, size: int) -> list[bytes]:
    """What shows that the first `size` leaves begin with the first `before` (RFC 6962, 2.1.2); empty from 0.

    :raises ValueError: `before` is larger.
    """
    return [_hash(nodes, span) for span in consistency_spans(before, size)]


def inclusion_spans(index: int, size: int) -> list[Span]:
    """The parts of the tree whose hashes are the proof of a leaf, in its order.

    :raises ValueError: there is no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"there is no leaf {index} among {size}")
    start, end, spans = 0, size, []
    while end - start > 1:
        middle = _middle(start, end)
        if index < middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((start, middle))
            start = middle
    return spans[::-1]


def consistency_spans(before: int, size: int) -> list[Span]:
    """The parts of the tree whose hashes are the proof of consistency, in its order.

    :raises ValueError: `before` is larger, or negative.
    """
    if not 0 <= before <= size:
        raise ValueError(f"a tree of {size} does not go on from {before}")
    if before == 0:
        return []
    start, end, spans = 0, size, []
    while before != end:
        middle = _middle(start, end)
        if before <= middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((start, middle))
            start = middle
    if start:
        spans.append((start, end))
    return spans[::-1]


def places(spans: Iterable[Span]) -> list[Place]:
    """The complete subtrees of which some parts of a tree are made."""
    return [place for start, end in spans for place in _subtrees(start, end)]


def includes(root: bytes, size: int, index: int, leaf: bytes, proof: Sequence[bytes]) -> bool:
    """Whether a proof shows that a leaf stands at an index of the tree with a root and size (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    at, last, found = index, size - 1, leaf
    for part in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            found = node_hash(part, found)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, part)
        at, last = at >> 1, last >> 1
    return last == 0 and found == root


def goes_on(before: int, before_root: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether a proof shows that a tree begins with the smaller one of a size and root (RFC 9162, 2.1.4.2).

    A tree of no leaf begins every other; a tree begins itself. Neither has a proof.
    """
    if before == 0 or before == size:
        return not proof and before_root == (root if before else EMPTY_ROOT)
    if not 0 < before < size or not proof:
        return False
    parts = list(proof) if before & (before - 1) else [before_root, *proof]
    at, last = before - 1, size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old = new = parts[0]
    for part in parts[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            old, new = node_hash(part, old), node_hash(part, new)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            new = node_hash(new, part)
        at, last = at >> 1, last >> 1
    return last == 0 and (old, new) == (before_root, root)


@dataclass(slots=True)
class Tree:
    """A tree that leaves are added to, of which only the complete subtrees at its right edge are kept: O(log n) of them."""

    size: int = 0
    edge: list[bytes] = field(default_factory=list)
    """The largest complete subtrees, from left to right."""

    def add(self, leaf: bytes) -> None:
        """One more leaf: O(1) hashes in the mean, O(log n) at most."""
        found, rest = leaf, self.size
        while rest & 1:
            found, rest = node_hash(self.edge.pop(), found), rest >> 1
        self.edge.append(found)
        self.size += 1

    def extend(self, leaves: Sequence[bytes]) -> None:
        """Some more leaves, level by level: less than half the time of adding each."""
        nodes, rest, alone = list(leaves), self.size, list[bytes]()
        while nodes:
            if rest & 1:
                nodes.insert(0, self.edge.pop())
            if len(nodes) & 1:
                alone.append(nodes.pop())
            nodes = [sha256(b"\1" + left + right).digest() for left, right in zip(nodes[::2], nodes[1::2], strict=True)]
            rest >>= 1
        self.edge += reversed(alone)
        self.size += len(leaves)

    def copy(self) -> "Tree":
        """The same leaves; what is added to one is not in the other."""
        return Tree(self.size, list(self.edge))

    @property
    def root(self) -> bytes:
        """The root of all leaves so far."""
        return folded(self.edge) if self.edge else EMPTY_ROOT


def folded(edge: Sequence[bytes]) -> bytes:
    """The hash above complete subtrees that stand side by side, each at most as large as the one before."""
    found = edge[-1]
    for left in reversed(edge[:-1]):
        found = node_hash(left, found)
    return found


def _hash(nodes: Nodes, span: Span) -> bytes:
    return folded([nodes(place) for place in _subtrees(*span)])


def _subtrees(start: int, end: int) -> list[Place]:
    found = []
    while start < end:
        level = (end - start).bit_length() - 1
        found.append((level, start >> level))
        start += 1 << level
    return found


def _middle(start: int, end: int) -> int:
    """Where the left part of a span of at least two leaves ends: it has the largest power of two below their number."""
    return start + (1 << (end - start - 1).bit_length() - 1)
