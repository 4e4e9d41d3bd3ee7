"""Which units lay under which, on which day? Audit's own answer, from the unit events alone.

Every unit event leaves facts: from this day on the unit is there, lies under this parent. Where two facts of one kind
hold on a day, the one recorded last stands.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from chassis.hierarchy import UnitUnknown

MAX_DAYS_AT_HAND = 4


class FactKind(StrEnum):
    """What a unit event may say."""

    ESTABLISHED = "established"
    LINE = "line"
    FUNCTIONAL = "functional"


@dataclass(frozen=True, slots=True)
class UnitFact:
    """What holds of a unit from a day on; ``parent`` is empty where there is none from that day."""

    unit: str
    kind: FactKind
    day: date
    parent: str = ""


Children = Mapping[str, list[str]]


class UnitTree:
    """Every unit fact known so far; answers subtrees as of any day."""

    def __init__(self) -> None:
        self.learned = 0
        self._facts: dict[str, list[UnitFact]] = {}
        self._days: OrderedDict[date, Children] = OrderedDict()

    def learn(self, facts: Iterable[tuple[int, UnitFact]]) -> None:
        """Take further facts in, each with its number, from 1 and rising; those known already are passed over.

        Facts of one unit come in the order in which they were recorded.
        """
        for number, fact in facts:
            if number > self.learned:
                self._facts.setdefault(fact.unit, []).append(fact)
                self.learned = number
                self._days.clear()

    def require(self, unit: str) -> str:
        """The unit, whether or not it is still there.

        :raises UnitUnknown: it never was.
        """
        if unit not in self._facts:
            raise UnitUnknown("unit", code=unit)
        return unit

    def under(self, top: str, on: date) -> list[str]:
        """The codes of a unit's subtree on a day, itself first; none when it was not yet there.

        A unit that was dissolved stays where it lay last: what happened in it still counts.
        """
        if not self._there(top, on):
            return []
        children = self._children(on)
        found = {top: None}
        for code in (queue := [top]):
            for child in children.get(code, ()):
                if child not in found:
                    found[child] = None
                    queue.append(child)
        return list(found)

    def lineage(self, unit: str, on: date) -> set[str]:
        """A unit and every unit above it on a day, by line and by function."""
        found = {unit}
        for code in (queue := [unit]):
            facts = (self._latest(code, kind, on) for kind in (FactKind.LINE, FactKind.FUNCTIONAL))
            parents = {fact.parent for fact in facts if fact is not None and fact.parent} - found
            found |= parents
            queue += parents
        return found

    def _children(self, on: date) -> Children:
        """Who lay directly under whom on a day. The last days asked for are kept: most ask for today or a year's end."""
        children = self._days.get(on)
        if children is None:
            children = self._days[on] = self._gathered(on)
            if len(self._days) > MAX_DAYS_AT_HAND:
                self._days.popitem(last=False)
        self._days.move_to_end(on)
        return children

    def _gathered(self, on: date) -> Children:
        children: dict[str, list[str]] = {}
        for unit in self._facts:
            if self._there(unit, on):
                for kind in (FactKind.LINE, FactKind.FUNCTIONAL):
                    fact = self._latest(unit, kind, on)
                    if fact is not None and fact.parent:
                        children.setdefault(fact.parent, []).append(unit)
        return children

    def _there(self, unit: str, on: date) -> bool:
        return self._latest(unit, FactKind.ESTABLISHED, on) is not None

    def _latest(self, unit: str, kind: FactKind, on: date) -> UnitFact | None:
        return next((fact for fact in reversed(self._facts.get(unit, ())) if fact.kind is kind and fact.day <= on), None)
