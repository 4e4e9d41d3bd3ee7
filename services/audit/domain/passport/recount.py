"""What does a figure come to by some events alone, and which of them have a part in it?"""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from audit.domain import CONTRIBUTIONS
from audit.domain.contribution import STOCK, Contribution
from audit.domain.figures import AuditedFigure, Sum, audited
from audit.domain.membership_figures import unit_facts
from audit.domain.unit_tree import PLACING, UnitTree
from chassis.recorded import RecordedEvent

UNITS = "membership"
"""The service that says which units there are."""
_FIGURES = {
    "membership": (
        "grassroots_units", "members", "plan_items", "plan_items_key_task", "plan_items_focal", "plan_items_regular",
        "late_reports",
    ),
    "welfare": ("gift_shares", "gift_amount_vnd"),
    "awards": (
        "flags_received", "flags_by_confederation", "flags_by_federation", "certificates_of_merit", "commendations",
        "honoured_delegates", "initiatives", "initiative_target", "initiative_percent",
    ),
    "notifications": ("announcements", "reminders_sent", "escalations"),
}  # fmt: skip
SOURCES = {figure: service for service, figures in _FIGURES.items() for figure in figures}
"""The service whose events each figure is counted from."""
_PARTS = {"initiative_percent": ("initiatives", "initiative_target")}
_BY_DECIDER = frozenset({"flags_by_confederation", "flags_by_federation"})
_Key = tuple[str, str, str]
"""Figure, unit and decider."""
_At = tuple[str, str]
"""Unit and decider."""


@dataclass(frozen=True, slots=True)
class Query:
    """A figure of a unit with its subtree, for a year, as of a day."""

    figure: str
    unit: str
    year: int
    as_of: date

    @property
    def day(self) -> date:
        """The day whose subtree it is, and until which a stock counts."""
        return min(self.as_of, date(self.year, 12, 31))

    @property
    def parts(self) -> tuple[str, ...]:
        """The sums of which the figure is made."""
        return _PARTS.get(self.figure, (self.figure,))

    @property
    def services(self) -> list[str]:
        """Those by whose events it is counted: the figure's own, and the one that says which units there are."""
        return list(dict.fromkeys((UNITS, SOURCES[self.figure])))

    @property
    def asks_who_decided(self) -> bool:
        """Whether the units above count too: the figure is told apart by who decided."""
        return self.figure in _BY_DECIDER

    def counts(self, part: Contribution) -> bool:
        """Whether a contribution belongs to the figure, the unit and who decided left aside."""
        if part.figure not in self.parts:
            return False
        return part.day <= self.day if part.year == STOCK else part.year == self.year and part.day <= self.as_of


class Recount:
    """Counts a figure, event after event; what is kept grows with the units, not with the events."""

    def __init__(self, query: Query) -> None:
        self._query, self._source = query, SOURCES[query.figure]
        self._tree = UnitTree()
        self._late: set[UUID] = set()
        self._sums: dict[_Key, Sum] = {}
        self._counted: dict[frozenset[_At], str] = {}
        """Of every set of units and deciders at which one event counted the first such event."""
        self._told: dict[str, str] = {}
        """Of every unit the first event that told of its place."""

    def take(self, event: RecordedEvent) -> bool:
        """Count an event; whether it has a part in the figure, as far as the event alone tells.

        :raises NotReadable: it lacks what its topic promises.
        """
        facts = [fact for fact in unit_facts(event) if fact.kind in PLACING]
        for fact in facts:
            self._tree.learn([(self._tree.learned + 1, fact)])
            self._told.setdefault(fact.unit, event.id)
        parts = self._parts_of(event)
        for part in parts:
            key = (part.figure, part.unit, part.decider)
            self._sums[key] = self._sums.get(key, Sum()) + Sum(part.amount, 1)
        if parts:
            self._counted.setdefault(frozenset((part.unit, part.decider) for part in parts), event.id)
        return bool(facts or parts)

    def _parts_of(self, event: RecordedEvent) -> list[Contribution]:
        if event.service != self._source:
            return []
        return [part for part in CONTRIBUTIONS.derived(event, self._late) if self._query.counts(part)]

    def figure(self) -> AuditedFigure:
        """What it comes to."""
        units, lineage = self._places()
        found: dict[tuple[str, str], Sum] = {}
        for (figure, unit, decider), part in self._sums.items():
            if unit in units:
                found[figure, decider] = found.get((figure, decider), Sum()) + part
        return next(one for one in audited(found, lineage) if one.name == self._query.figure)

    def without_part(self) -> str:
        """An event that has no part in it after all, being of units elsewhere; empty when there is none."""
        units, lineage = self._places()
        for places, event in self._counted.items():
            if not any(unit in units and (not decider or decider in lineage) for unit, decider in places):
                return event
        shown = units | lineage if self._query.asks_who_decided else units
        return next((event for unit, event in self._told.items() if unit not in shown), "")

    def _places(self) -> tuple[set[str], set[str]]:
        unit, day = self._query.unit, self._query.day
        return set(self._tree.under(unit, day)), self._tree.lineage(unit, day)
