"""Which reports are awaited, what comes next for each, and which steps are due at a moment?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from chassis.database import Pool, fetch, fetch_rows
from chassis.events import RecordedEvent
from chassis.read_models import Key, ReadModel
from notifications.events import EscalationRaised, ReminderFired, ReminderScheduled, RemindersEnded, RemindersMissed


@dataclass(frozen=True, slots=True)
class ReminderRow:
    """A report and what is done about it.

    `step` and `fires_at` tell what comes next, and are None when nothing does. `position` is that of the event that
    planned it, `correlation_id` the chain of causes it stands in.
    """

    obligation_id: UUID
    unit: str
    title: str
    year: int
    due_on: date
    step: str | None
    fires_at: datetime | None
    sent: int
    escalated_to: str
    escalated_on: date | None
    position: int
    correlation_id: str


REMINDER_ROWS = ReadModel(
    "reminders",
    1,
    ReminderRow,
    key=("obligation_id",),
    source="notifications",
    indexes=(("year", "unit", "obligation_id"),),
    statements=("create index if not exists {table}_due on {table} (fires_at, obligation_id) where fires_at is not null",),
)


@REMINDER_ROWS.on(ReminderScheduled, key=lambda event: (event.obligation_id,))
def scheduled(row: ReminderRow | None, event: ReminderScheduled, at: RecordedEvent) -> ReminderRow:
    """A step is planned."""
    known = row or _unplanned(event.obligation_id, event.unit, event.year, event.due_on)
    return replace(
        known,
        title=event.title,
        due_on=event.due_on,
        step=event.step.value,
        fires_at=event.fires_at,
        position=at.position,
        correlation_id=at.metadata.correlation_id,
    )


@REMINDER_ROWS.on(RemindersMissed, key=lambda event: (event.obligation_id,))
def missed(row: ReminderRow | None, event: RemindersMissed, at: RecordedEvent) -> ReminderRow:
    """Nothing is sent for what was missed."""
    return replace(row or _unplanned(event.obligation_id, event.unit, event.year, event.due_on), step=None, fires_at=None)


@REMINDER_ROWS.on(ReminderFired, key=lambda event: (event.obligation_id,))
def fired(row: ReminderRow | None, event: ReminderFired, at: RecordedEvent) -> ReminderRow:
    """One more reminder was sent."""
    assert row is not None
    return replace(row, step=None, fires_at=None, sent=row.sent + 1)


@REMINDER_ROWS.on(EscalationRaised, key=lambda event: (event.obligation_id,))
def escalated(row: ReminderRow | None, event: EscalationRaised, at: RecordedEvent) -> ReminderRow:
    """The superior was told."""
    assert row is not None
    return replace(row, step=None, fires_at=None, escalated_to=event.superior, escalated_on=event.on)


@REMINDER_ROWS.on(RemindersEnded, key=lambda event: (event.obligation_id,))
def ended(row: ReminderRow | None, event: RemindersEnded, at: RecordedEvent) -> ReminderRow:
    """The report is in."""
    assert row is not None
    return replace(row, step=None, fires_at=None)


def _unplanned(obligation_id: UUID, unit: str, year: int, due_on: date) -> ReminderRow:
    return ReminderRow(obligation_id, unit, "", year, due_on, None, None, 0, "", None, 0, "")


async def steps_due(pool: Pool, moment: datetime, size: int, after: Key | None) -> list[ReminderRow]:
    """One page of the steps due by a moment, the oldest first.

    :param after: moment and obligation of the last row of the page before.
    """
    beyond = "and (fires_at, obligation_id) > (%s, %s)" if after else ""
    condition = f"fires_at <= %s {beyond} order by fires_at, obligation_id limit %s"
    return await fetch_rows(pool, REMINDER_ROWS, condition, (moment, *(after or ()), size))


async def moments_planned(pool: Pool) -> list[tuple[datetime, int]]:
    """Every moment for which a step is planned, with the last position at which one was; as many as there are days."""
    query = f"select fires_at, max(position) from {REMINDER_ROWS.table} where fires_at is not null group by fires_at"
    return [(moment, int(position)) for moment, position in await fetch(pool, query)]


async def reminders_of(pool: Pool, units: Sequence[str], year: int, size: int, after: Key | None) -> list[ReminderRow]:
    """One page of the reports of some units on a year, by unit and obligation.

    :param after: unit and obligation of the last row of the page before.
    """
    beyond = "and (unit, obligation_id) > (%s, %s)" if after else ""
    condition = f"year = %s and unit = any(%s) {beyond} order by unit, obligation_id limit %s"
    return await fetch_rows(pool, REMINDER_ROWS, condition, (year, list(units), *(after or ()), size))
