"""Is a history what the ledger signed? It is walked once, in order of position, with its tree's edge in memory and no more.

Every checkpoint that anybody kept is met at its size, and its root compared with that of the events walked so far. What
the walk itself sees of an event: its place, and its leaf hash (:mod:`chassis.ledger.leaf`).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from chassis.ledger.merkle import Tree
from congdoan.auditing.versions import Versions

LEDGER = "ledger"
"""The source of those checkpoints that stand on the ledger's stream."""


@dataclass(slots=True)
class Part:
    """Some events that follow one another, in columns; a key is what :data:`congdoan.auditing.versions.KEY` describes."""

    positions: list[int] = field(default_factory=list)
    leaves: list[bytes] = field(default_factory=list)
    branches: list[bytes] = field(default_factory=list)
    branch_positions: list[int] = field(default_factory=list)
    keys: list[bytes] = field(default_factory=list)

    def first(self, many: int) -> "Part":
        """Its first events."""
        columns = (self.positions, self.leaves, self.branches, self.branch_positions, self.keys)
        return Part(*(column[:many] for column in columns))  # type: ignore[arg-type]


class Kept(NamedTuple):
    """A checkpoint as somebody kept it; `at` in seconds since 1970."""

    size: int
    root: bytes
    source: str
    at: int


@dataclass(frozen=True, slots=True)
class Start:
    """From where a history is walked: after so many events, whose tree has this edge and whose branches end so."""

    size: int = 0
    edge: tuple[bytes, ...] = ()
    branches: Mapping[bytes, int] = field(default_factory=dict)

    @property
    def root(self) -> bytes:
        """The root of the tree there."""
        return Tree(self.size, list(self.edge)).root


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something that must not be: of which kind, at which position, and the numbers that belong to it."""

    kind: str
    position: int
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(slots=True)
class Compared:
    """How the checkpoints of one source compare: how many, the largest that matched, the first that did not."""

    source: str
    many: int = 0
    matched: Start | None = None
    matched_at: int = 0
    mismatched: Kept | None = None


class Walk:
    """One walk along the history of one service.

    :param kept: checkpoints by size, from every source together.
    """

    def __init__(self, start: Start, kept: Iterable[Kept]) -> None:
        self.start = start
        self.tree = Tree(start.size, list(start.edge))
        self.branches = dict(start.branches)
        self.flaws: dict[str, Flaw] = {}
        self.compared: dict[str, Compared] = {}
        self.missing: dict[str, Kept] = {}
        """The first checkpoint of each source that has more events than there are."""
        self._versions = Versions(whole=start.size == 0)
        self._kept: Iterator[Kept] = iter(kept)
        self._next = next(self._kept, None)
        self._compare()

    @property
    def size(self) -> int:
        """How many events were walked, from the first of all."""
        return self.tree.size

    def note(self, kind: str, position: int, **facts: object) -> None:
        """Note a flaw; of each kind the first is enough."""
        self.flaws.setdefault(kind, Flaw(kind, position, facts))

    def take(self, part: Part) -> bool:
        """Walk along some events; False when one does not follow on, so that nothing after it has a place in the tree."""
        whole = self._until_gap(part)
        follows = whole is part
        self._versions.take(whole.keys)
        at, many = 0, len(whole.leaves)
        while at < many:
            wanted = self._next.size - self.size if self._next else many
            upto = min(many, at + wanted)
            self._take_branches(whole, at, upto)
            self.tree.extend(whole.leaves[at:upto])
            at = upto
            self._compare()
        return follows

    def end(self) -> None:
        """Nothing comes any more: what of the checkpoints remains is of events that are not there."""
        if flaw := self._versions.first_flaw():
            position, version, before = flaw
            self.note("version", position, version=version, before=before)
        while self._next:
            if "gap" not in self.flaws:
                self._of(self._next.source).many += 1
                self.missing.setdefault(self._next.source, self._next)
            self._next = next(self._kept, None)

    def _until_gap(self, part: Part) -> Part:
        first = self.size + 1
        if part.positions == list(range(first, first + len(part.positions))):
            return part
        at = next(at for at, position in enumerate(part.positions) if position != first + at)
        self.note("gap", first + at, found=part.positions[at])
        return part.first(at)

    def _take_branches(self, part: Part, first: int, upto: int) -> None:
        last, numbers = self.branches, part.branch_positions[first:upto]
        for at, (branch, number) in enumerate(zip(part.branches[first:upto], numbers, strict=True), first):
            before = last.get(branch, 0)
            if number != before + 1:
                told = branch.decode(errors="replace")
                self.note("branch", part.positions[at], branch=told, found=number, before=before)
            last[branch] = number

    def _compare(self) -> None:
        """Meet every checkpoint of this size; those of before the start were met earlier."""
        while self._next and self._next.size <= self.size:
            if self._next.size == self.size:
                self._meet(self._next)
            self._next = next(self._kept, None)

    def _meet(self, kept: Kept) -> None:
        compared = self._of(kept.source)
        compared.many += 1
        if kept.root != self.tree.root:
            compared.mismatched = compared.mismatched or kept
        elif not compared.mismatched:
            compared.matched, compared.matched_at = self.here, kept.at

    def _of(self, source: str) -> Compared:
        return self.compared.setdefault(source, Compared(source))

    @property
    def here(self) -> Start:
        """Where the walk is, to go on from there another time."""
        return Start(self.size, tuple(self.tree.edge), dict(self.branches))
