"""How much was announced, reminded, escalated in a unit's year? Counted per unit and day, so a figure is a short sum."""

from dataclasses import dataclass
from datetime import date

from chassis.database import Pool, fetch
from chassis.hierarchy import Hierarchy
from chassis.read_models import ReadModel
from chassis.recorded import RecordedEvent
from notifications.events import AnnouncementPublished, EscalationRaised, ReminderFired

FIGURES = ("announcements", "reminders_sent", "escalations")


@dataclass(frozen=True, slots=True)
class DayCount:
    """How often something happened in a unit on a day, counted for a year."""

    figure: str
    unit: str
    year: int
    day: date
    times: int


NOTICES = ReadModel("notices_by_day", 1, DayCount, key=("year", "unit", "figure", "day"), source="notifications")


@NOTICES.on(AnnouncementPublished, key=lambda event: (event.year, event.unit, "announcements", event.on))
def announced(row: DayCount | None, event: AnnouncementPublished, at: RecordedEvent) -> DayCount:
    """One more announcement."""
    return _one_more(row, "announcements", event.unit, event.year, event.on)


@NOTICES.on(ReminderFired, key=lambda event: (event.year, event.unit, "reminders_sent", event.on))
def reminded(row: DayCount | None, event: ReminderFired, at: RecordedEvent) -> DayCount:
    """One more reminder, of a report on this year."""
    return _one_more(row, "reminders_sent", event.unit, event.year, event.on)


@NOTICES.on(EscalationRaised, key=lambda event: (event.year, event.unit, "escalations", event.on))
def escalated(row: DayCount | None, event: EscalationRaised, at: RecordedEvent) -> DayCount:
    """One more escalation, of a report on this year."""
    return _one_more(row, "escalations", event.unit, event.year, event.on)


def _one_more(row: DayCount | None, figure: str, unit: str, year: int, day: date) -> DayCount:
    return DayCount(figure, unit, year, day, (row.times if row else 0) + 1)


async def figures(pool: Pool, tree: Hierarchy, unit: str, year: int, as_of: date) -> dict[str, int]:
    """Every figure of a unit with its subtree, as the tree stood on `as_of` or on the last day of the year.

    :raises UnitUnknown: there is no such unit.
    """
    tree.require(unit)
    units = tree.under(unit, min(as_of, date(year, 12, 31)), dissolved=True)
    query = (
        f"select figure, sum(times)::bigint from {NOTICES.table} where year = %s and unit = any(%s) and day <= %s group by figure"
    )
    counted = {str(figure): int(times) for figure, times in await fetch(pool, query, (year, units, as_of))}
    return {figure: counted.get(figure, 0) for figure in FIGURES}
