"""Which hashes of a service's tree are stored, what is made of them, and when is a checkpoint due?

The leaves stand in the log. Of the complete subtrees above them those of every fourth level are stored, one row for
fifteen leaves in the end; each other is made of at most eight that are.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chassis.ledger.merkle import Nodes, Place, Span, node_hash, places
from chassis.ledger.note import Checkpoint

STRIDE = 4
"""Each so manieth level is stored."""
ARITY = 1 << STRIDE
"""How many stored subtrees make one of the next stored level."""


@dataclass(frozen=True, slots=True)
class Pace:
    """When a checkpoint is due, if anything is new: so long after the last one, or so many events."""

    interval: timedelta
    events: int

    def is_due(self, last: Checkpoint | None, size: int, now: datetime) -> bool:
        """Whether the first `size` events are to be put under a checkpoint; a clock that was set back delays none."""
        if last is None:
            return size > 0
        new = size - last.size
        return new >= self.events or (new > 0 and abs(now - last.at) >= self.interval)


def stored(spans: Iterable[Span]) -> list[Place]:
    """The stored subtrees of which parts of a tree are made, each once."""
    return list(dict.fromkeys(part for place in places(spans) for part in _parts(place)))


def nodes_of(found: Mapping[Place, bytes]) -> Nodes:
    """A reader over what was stored; it raises KeyError where something is not among it."""
    return lambda place: subtree([found[part] for part in _parts(place)])


def subtree(hashes: Sequence[bytes]) -> bytes:
    """The hash of the complete subtree above others of one level; their number is a power of two."""
    while len(hashes) > 1:
        hashes = [node_hash(*pair) for pair in zip(hashes[::2], hashes[1::2], strict=True)]
    return hashes[0]


def parents(children: Sequence[bytes]) -> list[bytes]:
    """The subtrees of the next stored level above complete groups of children."""
    return [subtree(children[first : first + ARITY]) for first in range(0, len(children), ARITY)]


def _parts(place: Place) -> list[Place]:
    level, index = place
    above = level % STRIDE
    return [(level - above, (index << above) + part) for part in range(1 << above)]
