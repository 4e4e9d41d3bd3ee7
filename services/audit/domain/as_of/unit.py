"""How did a unit stand, by what was said of it up to a cut and a day?"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from audit.domain.unit_tree import FactKind, UnitFact


@dataclass(frozen=True, slots=True)
class UnitThen:
    """A unit as it stood; `depth` is how far below the unit that was asked for it lay."""

    unit: str
    name: str
    level: str
    line_parent: str
    functional_parent: str
    established_on: date | None
    dissolved_on: date | None
    depth: int


def unit_then(unit: str, depth: int, facts: Iterable[UnitFact], on: date) -> UnitThen:
    """A unit as of a day, where of each kind the fact recorded last stands.

    :param facts: of this unit, in the order in which they were recorded.
    """
    last = {fact.kind: fact for fact in facts if fact.day <= on}
    values = {kind: fact.value for kind, fact in last.items()}
    established, dissolved = last.get(FactKind.ESTABLISHED), last.get(FactKind.DISSOLVED)
    return UnitThen(
        unit,
        values.get(FactKind.NAMED, ""),
        values.get(FactKind.LEVEL, ""),
        values.get(FactKind.LINE, ""),
        values.get(FactKind.FUNCTIONAL, ""),
        established.day if established else None,
        dissolved.day if dissolved else None,
        depth,
    )
