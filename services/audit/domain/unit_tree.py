"""Which units lay under which, on which day? Audit's own answer, from the unit events alone.

Every unit event leaves facts: from this day on the unit is there, lies under this parent. Where two facts of one kind
hold on a day, the one recorded last stands. Asked for a part of the history, later facts are passed over.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from chassis.hierarchy import UnitUnknown

MAX_TREES_AT_HAND = 8
EVERYTHING = 2**63 - 1
"""The position that no event is after."""


class FactKind(StrEnum):
    """What a unit event may say."""

    ESTABLISHED = "established"
    LINE = "line"
    FUNCTIONAL = "functional"
    LEVEL = "level"
    NAMED = "named"
    DISSOLVED = "dissolved"


PLACING = (FactKind.ESTABLISHED, FactKind.LINE, FactKind.FUNCTIONAL, FactKind.DISSOLVED)
"""The kinds from which it follows who is in the tree, and where."""


@dataclass(frozen=True, slots=True)
class UnitFact:
    """What an event of a position says of a unit from a day on.

    ``value`` is a parent, a name or a level; empty where there is no parent from that day, and where nothing more is said.
    """

    unit: str
    kind: FactKind
    day: date
    value: str = ""
    position: int = 0


Children = Mapping[str, list[str]]


class UnitTree:
    """Every unit fact known so far; answers subtrees as of any day, by the events up to any position (`upto`)."""

    def __init__(self) -> None:
        self.learned = 0
        self._last = 0
        self._facts: dict[str, list[UnitFact]] = {}
        self._trees: OrderedDict[tuple[date, int], Children] = OrderedDict()

    def learn(self, facts: Iterable[tuple[int, UnitFact]]) -> None:
        """Take further facts in, each with its number, from 1 and rising; those known already are passed over.

        Facts of one unit come in the order in which they were recorded.
        """
        for number, fact in facts:
            if number > self.learned:
                self._facts.setdefault(fact.unit, []).append(fact)
                self.learned, self._last = number, max(self._last, fact.position)
                self._trees.clear()

    def require(self, unit: str, upto: int = EVERYTHING) -> str:
        """The unit, whether or not it is still there.

        :raises UnitUnknown: it never was.
        """
        if not any(fact.position <= upto for fact in self._facts.get(unit, ())[:1]):
            raise UnitUnknown("unit", code=unit)
        return unit

    def under(self, top: str, on: date, upto: int = EVERYTHING) -> list[str]:
        """The codes of a unit's subtree on a day, itself first; none when it was not yet there.

        A unit that was dissolved stays where it lay last: what happened in it still counts.
        """
        return [unit for unit, _ in self.depths(top, on, upto)]

    def depths(self, top: str, on: date, upto: int = EVERYTHING) -> list[tuple[str, int]]:
        """As :meth:`under`, each unit with how far below the first it lies, by the shortest way; the nearest first."""
        if not self._there(top, on, upto):
            return []
        children = self._children(on, upto)
        found = {top: 0}
        for code in (queue := [top]):
            for child in children.get(code, ()):
                if child not in found:
                    found[child] = found[code] + 1
                    queue.append(child)
        return list(found.items())

    def lineage(self, unit: str, on: date, upto: int = EVERYTHING) -> set[str]:
        """A unit and every unit above it on a day, by line and by function."""
        found = {unit}
        for code in (queue := [unit]):
            facts = (self._latest(code, kind, on, upto) for kind in (FactKind.LINE, FactKind.FUNCTIONAL))
            parents = {fact.value for fact in facts if fact is not None and fact.value} - found
            found |= parents
            queue += parents
        return found

    def is_dissolved(self, unit: str, on: date, upto: int = EVERYTHING) -> bool:
        """Whether a unit is there no more on a day."""
        return self._latest(unit, FactKind.DISSOLVED, on, upto) is not None

    def _children(self, on: date, upto: int) -> Children:
        """Who lay directly under whom on a day. The last trees asked for are kept: most ask for today or a year's end."""
        key = on, min(upto, self._last)
        children = self._trees.get(key)
        if children is None:
            children = self._trees[key] = self._gathered(*key)
            if len(self._trees) > MAX_TREES_AT_HAND:
                self._trees.popitem(last=False)
        self._trees.move_to_end(key)
        return children

    def _gathered(self, on: date, upto: int) -> Children:
        children: dict[str, list[str]] = {}
        for unit in self._facts:
            if self._there(unit, on, upto):
                for kind in (FactKind.LINE, FactKind.FUNCTIONAL):
                    fact = self._latest(unit, kind, on, upto)
                    if fact is not None and fact.value:
                        children.setdefault(fact.value, []).append(unit)
        return children

    def _there(self, unit: str, on: date, upto: int) -> bool:
        return self._latest(unit, FactKind.ESTABLISHED, on, upto) is not None

    def _latest(self, unit: str, kind: FactKind, on: date, upto: int) -> UnitFact | None:
        facts = self._facts.get(unit, ())
        return next((fact for fact in reversed(facts) if fact.kind is kind and fact.day <= on and fact.position <= upto), None)
