"""Where is the first event that is not what was signed? Between two checkpoints; exactly, when somebody has the right leaves.

Somebody has them when the events, or the leaf hashes, that they have for this span make the very root that was signed: no
other events do. They are laid beside ours, and the first that differs is the one. The span is that between two
checkpoints, a thousand events or a minute, unless a witness kept few; only it is read again.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from chassis.ledger.merkle import Tree
from congdoan.auditing.walking import Compared, Kept, Start, Walk

Leaves = AsyncIterator[Sequence[bytes]]
Reader = Callable[[int, int], Leaves]
"""Gives the leaves after a position, until another one."""


@dataclass(frozen=True, slots=True)
class Span:
    """The first bad event is after `start` and not after `upto`; `by` is the checkpoint that says so, if one does."""

    start: Start
    upto: int
    by: Kept | None
    contradicted: tuple[str, ...] = ()
    """Sources whose checkpoints are those of the events that are there: they and `by` were signed for two histories."""


def span_of(walk: Walk) -> Span | None:
    """Where in a walk the first bad event must be; None when nothing speaks against any."""
    against = [compared.mismatched for compared in walk.compared.values() if compared.mismatched]
    first = min([*against, *walk.missing.values()], default=None)
    structural = [flaw.position for kind, flaw in walk.flaws.items() if kind in ("gap", "unreadable", "head", "behind")]
    if first is None and not structural:
        return None
    upto = min([*structural, *([first.size] if first else [])])
    start = max((here for compared in walk.compared.values() if (here := _good(compared, upto))), key=_size, default=walk.start)
    others = [compared.source for compared in walk.compared.values() if first and _agrees(compared, first)]
    return Span(start, upto, first, tuple(others))


async def first_difference(ours: Leaves, theirs: Leaves, span: Span) -> tuple[int | None, bytes]:
    """The position of the first leaf that differs, None when none does, and the root that theirs make.

    Ours may end too early, or in the middle of it; theirs must be all of them to make the root.
    """
    tree, mine, difference = Tree(span.start.size, list(span.start.edge)), _Buffer(ours), None
    async for batch in theirs:
        if difference is None:
            others = await mine.take(len(batch))
            for number, leaf in enumerate(batch):
                if number >= len(others) or others[number] != leaf:
                    difference = tree.size + number + 1
                    break
        tree.extend(batch)
    return difference, tree.root


class _Buffer:
    """Takes leaves in other numbers than they come."""

    def __init__(self, leaves: Leaves) -> None:
        self._leaves, self._held = leaves, list[bytes]()

    async def take(self, many: int) -> list[bytes]:
        """The next ones; fewer when there are no more."""
        while len(self._held) < many and (more := await anext(self._leaves, None)) is not None:
            self._held += more
        taken, self._held = self._held[:many], self._held[many:]
        return taken


def _good(compared: Compared, upto: int) -> Start | None:
    """What of a source's checkpoints is below the span; one that goes on matching beyond it is not relied on."""
    return compared.matched if compared.matched and compared.matched.size < upto else None


def _agrees(compared: Compared, first: Kept) -> bool:
    return bool(not compared.mismatched and compared.matched and compared.matched.size >= first.size)


def _size(start: Start) -> int:
    return start.size
