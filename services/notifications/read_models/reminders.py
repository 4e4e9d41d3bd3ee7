"""What does each unit owe until when, what comes next for it, and which steps are due at a moment?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from chassis.database import Pool, fetch, fetch_rows
from chassis.read_models import Key, ReadModel
from chassis.recorded import RecordedEvent
from notifications.events import (
    DataRequestEscalated,
    DataRequestReminderFired,
    DataRequestReminderScheduled,
    DataRequestRemindersEnded,
    DataRequestRemindersMissed,
    EscalationRaised,
    Owed,
    ReminderFired,
    ReminderScheduled,
    RemindersEnded,
    RemindersMissed,
)


@dataclass(frozen=True, slots=True)
class ReminderRow:
    """Something that is owed, and what is done about it.

    `owed_id` is that of the obligation or the data request, `name` the report's title or what the request asks for;
    `year` is the one reported on, or of the due day. `step` and `fires_at` tell what comes next, and are None when nothing
    does. `position` is that of the event that planned it, `correlation_id` the chain of causes it stands in.
    """

    owed_id: UUID
    owed: str
    unit: str
    name: str
    year: int
    due_on: date
    step: str | None
    fires_at: datetime | None
    sent: int
    escalated_to: str
    escalated_on: date | None
    position: int
    correlation_id: str


Scheduled = ReminderScheduled | DataRequestReminderScheduled
Missed = RemindersMissed | DataRequestRemindersMissed
Fired = ReminderFired | DataRequestReminderFired
Escalated = EscalationRaised | DataRequestEscalated
Ended = RemindersEnded | DataRequestRemindersEnded
DataRequestEvent = (
    DataRequestReminderScheduled
    | DataRequestRemindersMissed
    | DataRequestReminderFired
    | DataRequestEscalated
    | DataRequestRemindersEnded
)

REMINDER_ROWS = ReadModel(
    "reminders",
    2,
    ReminderRow,
    key=("owed_id", "owed"),
    source="notifications",
    indexes=(("year", "unit", "owed_id", "owed"),),
    statements=("create index if not exists {table}_due on {table} (fires_at, owed_id, owed) where fires_at is not null",),
)


def scheduled(row: ReminderRow | None, event: Scheduled, at: RecordedEvent) -> ReminderRow:
    """A step is planned."""
    told = _unplanned(event)
    return replace(
        row or told,
        name=told.name,
        year=told.year,
        due_on=event.due_on,
        step=event.step.value,
        fires_at=event.fires_at,
        position=at.position,
        correlation_id=at.metadata.correlation_id,
    )


def missed(row: ReminderRow | None, event: Missed, at: RecordedEvent) -> ReminderRow:
    """Nothing is sent for what was missed."""
    return replace(row or _unplanned(event), step=None, fires_at=None)


def fired(row: ReminderRow | None, event: Fired, at: RecordedEvent) -> ReminderRow:
    """One more reminder was sent."""
    assert row is not None
    return replace(row, step=None, fires_at=None, sent=row.sent + 1)


def escalated(row: ReminderRow | None, event: Escalated, at: RecordedEvent) -> ReminderRow:
    """The superior was told."""
    assert row is not None
    return replace(row, step=None, fires_at=None, escalated_to=event.superior, escalated_on=event.on)


def ended(row: ReminderRow | None, event: Ended, at: RecordedEvent) -> ReminderRow:
    """It is owed no more."""
    assert row is not None
    return replace(row, step=None, fires_at=None)


def _unplanned(event: Scheduled | Missed) -> ReminderRow:
    if isinstance(event, ReminderScheduled | RemindersMissed):
        owed_id, owed = _report(event)
        name, year = event.title if isinstance(event, ReminderScheduled) else "", event.year
    else:
        owed_id, owed = _data_request(event)
        name, year = event.request_kind, event.due_on.year
    return ReminderRow(owed_id, owed, event.unit, name, year, event.due_on, None, None, 0, "", None, 0, "")


def _report(event: ReminderScheduled | RemindersMissed | ReminderFired | EscalationRaised | RemindersEnded) -> tuple[UUID, str]:
    """The row of a report."""
    return event.obligation_id, Owed.REPORT.value


def _data_request(event: DataRequestEvent) -> tuple[UUID, str]:
    """The row of one clock of a data request."""
    return event.request_id, event.owed.value


REMINDER_ROWS.on(ReminderScheduled, _report)(scheduled)
REMINDER_ROWS.on(RemindersMissed, _report)(missed)
REMINDER_ROWS.on(ReminderFired, _report)(fired)
REMINDER_ROWS.on(EscalationRaised, _report)(escalated)
REMINDER_ROWS.on(RemindersEnded, _report)(ended)
REMINDER_ROWS.on(DataRequestReminderScheduled, _data_request)(scheduled)
REMINDER_ROWS.on(DataRequestRemindersMissed, _data_request)(missed)
REMINDER_ROWS.on(DataRequestReminderFired, _data_request)(fired)
REMINDER_ROWS.on(DataRequestEscalated, _data_request)(escalated)
REMINDER_ROWS.on(DataRequestRemindersEnded, _data_request)(ended)


async def steps_due(pool: Pool, moment: datetime, size: int, after: Key | None) -> list[ReminderRow]:
    """One page of the steps due by a moment, the oldest first.

    :param after: moment, id and kind of the last row of the page before.
    """
    beyond = "and (fires_at, owed_id, owed) > (%s, %s, %s)" if after else ""
    condition = f"fires_at <= %s {beyond} order by fires_at, owed_id, owed limit %s"
    return await fetch_rows(pool, REMINDER_ROWS, condition, (moment, *(after or ()), size))


async def moments_planned(pool: Pool) -> list[tuple[datetime, int]]:
    """Every moment for which a step is planned, with the last position at which one was; as many as there are days."""
    query = f"select fires_at, max(position) from {REMINDER_ROWS.table} where fires_at is not null group by fires_at"
    return [(moment, int(position)) for moment, position in await fetch(pool, query)]


async def reminders_of(pool: Pool, units: Sequence[str], year: int, size: int, after: Key | None) -> list[ReminderRow]:
    """One page of what some units owe in a year, by unit, id and kind.

    :param after: unit, id and kind of the last row of the page before.
    """
    beyond = "and (unit, owed_id, owed) > (%s, %s, %s)" if after else ""
    condition = f"year = %s and unit = any(%s) {beyond} order by unit, owed_id, owed limit %s"
    return await fetch_rows(pool, REMINDER_ROWS, condition, (year, list(units), *(after or ()), size))
