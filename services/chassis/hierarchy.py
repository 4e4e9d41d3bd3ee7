"""Which units lie under which, on which day?

A unit has one line parent and at most one functional parent, both effective-dated. The tree is small (120,000 units)
and asked at every command, so each service keeps it in memory, fed by the rows of its ``units`` read model.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from itertools import chain
from time import monotonic

import orjson

from chassis.lease import Lease
from chassis.refusals import NotFound

_CODE = re.compile(r"[a-z0-9-]{1,40}")
NATIONAL = "national"
"""The branch of units that lie under no province and no central union."""


class UnitUnknown(NotFound):
    """Nobody can act at a unit that was never established. What does not look like a code is not repeated."""

    vi = "Không có đơn vị mang mã {code}."
    en = "There is no unit with the code {code}."

    def __init__(self, field: str = "", *, code: str) -> None:
        super().__init__(field, code=code if _CODE.fullmatch(code) else "…")


@dataclass(frozen=True, slots=True)
class Node:
    """A unit and every place it ever had in the tree.

    ``level`` is named by its service, ``depth`` counts its levels from 0 at the top; ``opens_branch`` says that its
    subtree is a branch of its own; ``line`` and ``functional`` are JSON lists of [day, parent], the parent empty from
    the day there was none; ``position`` is that of its last event.
    """

    code: str
    name: str
    level: str
    depth: int
    opens_branch: bool
    established_on: date
    dissolved_on: date | None
    line: str
    functional: str
    position: int

    def attached(self, kind: str, parent: str, on: date, position: int) -> "Node":
        """The unit with a new parent from a day on."""
        places = [place for place in orjson.loads(getattr(self, kind)) if place[0] < on.isoformat()]
        text = orjson.dumps([*places, [on.isoformat(), parent]]).decode()
        return (
            replace(self, position=position, line=text) if kind == "line" else replace(self, position=position, functional=text)
        )

    def exists(self, on: date | None, dissolved: bool = False) -> bool:
        """Whether it is there on a day, as of now when None; or was there before, if `dissolved` will do."""
        if on is not None and on < self.established_on:
            return False
        return dissolved or self.dissolved_on is None or (on is not None and on < self.dissolved_on)

    def place(self, kind: str, on: date | None = None) -> str:
        """The parent by line or by function, as of a day; empty when there is none, as of now when `on` is None."""
        return _place(self.line if kind == "line" else self.functional, on)

    def parents(self, on: date | None = None) -> list[str]:
        """Line parent first, then functional parent, as of a day; as of now when None."""
        return [parent for kind in ("line", "functional") if (parent := self.place(kind, on))]


def first_places(on: date, parent: str) -> str:
    """The JSON of a unit's first place."""
    return orjson.dumps([[on.isoformat(), parent]]).decode() if parent else "[]"


def _place(places: str, on: date | None) -> str:
    parent = ""
    for since, code in orjson.loads(places):
        if on is None or since <= on.isoformat():
            parent = code
    return parent


def upwards(units: Iterable[str], nodes: Mapping[str, Node], on: date | None = None) -> Iterator[Node]:
    """Some units and all above them that are among some nodes, the nearest first, by line before function; as of a day."""
    seen: set[str] = set()
    queue = list(units)
    for code in queue:
        if code not in seen and (node := nodes.get(code)) is not None:
            seen.add(code)
            yield node
            queue.extend(node.parents(on))


def branch_among(units: Iterable[str], nodes: Mapping[str, Node]) -> str:
    """The nearest branch at or above some units, by line before function; `NATIONAL` when there is none."""
    return next((node.code for node in upwards(units, nodes) if node.opens_branch), NATIONAL)


class Hierarchy:
    """The units in memory: current ancestors in a dictionary's time, subtrees as of any day.

    :param clock: monotonic seconds, for its lease.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self.lease = Lease(clock)
        """While it holds, this is the tree of just now, and rights may follow from it."""
        self.position = 0
        """Of the last unit event taken in."""
        self.changes = 0
        """How often a unit was changed here; whatever is derived from the tree is as good as before while this stays."""
        self._nodes: dict[str, Node] = {}
        self._children_ever: dict[str, set[str]] = {}
        self._ancestors: dict[str, tuple[str, ...]] = {}

    def put(self, nodes: Iterable[Node]) -> None:
        """Take changed units in; an older state than the one at hand is passed over."""
        for node in nodes:
            known = self._nodes.get(node.code)
            # What a process made of its own event may rest on an older state; the row of that event is right.
            if known is not None and (known.position > node.position or known == node):
                continue
            self._nodes[node.code] = node
            self.changes += 1
            self.position = max(self.position, node.position)
            for _, parent in chain(orjson.loads(node.line), orjson.loads(node.functional)):
                if parent:
                    self._children_ever.setdefault(parent, set()).add(node.code)
            if known is None or (known.line, known.functional) != (node.line, node.functional):
                self._ancestors.clear()

    def replace(self, nodes: Iterable[Node]) -> None:
        """Take every unit anew, for those known before may not be what their events say; what changed since stays."""
        read = {node.code: node for node in nodes}
        until = max((node.position for node in read.values()), default=0)
        later = [node for node in self._nodes.values() if node.position > until]
        self._nodes, self._children_ever = {}, {}
        self._ancestors.clear()
        self.changes += 1
        self.put((*read.values(), *later))

    def get(self, code: str) -> Node | None:
        """A unit, dissolved or not."""
        return self._nodes.get(code)

    def require(self, code: str, field: str = "unit") -> Node:
        """A unit, dissolved or not.

        :raises UnitUnknown: there is none with this code.
        """
        node = self._nodes.get(code)
        if node is None:
            raise UnitUnknown(field, code=code)
        return node

    def ancestors(self, unit: str) -> tuple[str, ...]:
        """The unit itself and all above it by line and by function, as of now; nothing for an unknown unit."""
        found = self._ancestors.get(unit)
        if found is None:
            found = self._ancestors[unit] = self.ancestors_on(unit)
        return found

    def ancestors_on(self, unit: str, on: date | None = None) -> tuple[str, ...]:
        """As :meth:`ancestors`, as of a day."""
        return tuple(node.code for node in upwards((unit,), self._nodes, on))

    def is_under(self, unit: str, top: str) -> bool:
        """Whether a unit is `top` or lies somewhere below it, as of now."""
        return top in self.ancestors(unit)

    def branch_of(self, unit: str) -> str:
        """The nearest branch at or above the unit, by line before function; `NATIONAL` when there is none."""
        return next((code for code in self.ancestors(unit) if self._nodes[code].opens_branch), NATIONAL)

    def branch_above(self, parents: Iterable[str]) -> str:
        """The branch of a unit that is about to lie under some parents, line before function."""
        return branch_among(parents, self._nodes)

    def around(self, unit: str, *others: str) -> dict[str, Node]:
        """A unit, everything under it as of now, dissolved too, and everything above any of these or above some others."""
        return {node.code: node for node in upwards((*self.under(unit, dissolved=True), *others), self._nodes)}

    def under(self, top: str, on: date | None = None, *, dissolved: bool = False) -> list[str]:
        """The codes of a unit's subtree on a day, itself first; each once, parents before children.

        :param dissolved: also units that were dissolved before, where they lay last: what happened in them still counts.
        """
        node = self._nodes.get(top)
        found = {top: None} if node is not None and node.exists(on, dissolved) else {}
        for code in (queue := list(found)):
            for child in sorted(self._children_ever.get(code, ())):
                place = self._nodes[child]
                if child not in found and place.exists(on, dissolved) and code in place.parents(on):
                    found[child] = None
                    queue.append(child)
        return list(found)

    def __contains__(self, unit: object) -> bool:
        return unit in self._nodes

    def __len__(self) -> int:
        return len(self._nodes)
