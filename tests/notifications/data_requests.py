"""A data request in Ba Đình: received on Monday 2 November 2026, to be answered by Wednesday, carried out by the 17th."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from membership.events import DataRequestKind, DataRequestReceived
from notifications.domain.duty import step_day
from notifications.events import (
    DataRequestEscalated,
    DataRequestReminderFired,
    DataRequestReminderScheduled,
    DataRequestRemindersEnded,
    DataRequestRemindersMissed,
    Owed,
    ReminderStep,
)

PERSON = UUID(int=72)
RECEIVED_ON, ANSWER_DUE_ON, CARRY_OUT_DUE_ON = date(2026, 11, 2), date(2026, 11, 4), date(2026, 11, 17)
ANSWER, CARRYING_OUT = Owed.DATA_REQUEST_ANSWER, Owed.DATA_REQUEST_CARRYING_OUT
DUE_ON = {ANSWER: ANSWER_DUE_ON, CARRYING_OUT: CARRY_OUT_DUE_ON}


def asked() -> UUID:
    """The request."""
    return UUID(int=71)


ABOUT: dict[str, Any] = {"unit": "ba-dinh", "request_id": asked(), "person_id": PERSON, "kind": DataRequestKind.ERASURE}


def received(**fields: Any) -> DataRequestReceived:
    """What membership says of it."""
    days = {"received_on": RECEIVED_ON, "answer_due_on": ANSWER_DUE_ON, "carry_out_due_on": CARRY_OUT_DUE_ON}
    return DataRequestReceived(**{**ABOUT, "on": RECEIVED_ON, **days, **fields})


def request_scheduled(
    step: ReminderStep,
    on: date = RECEIVED_ON,
    owed: Any = ANSWER,
    due_on: date | None = None,
    fires_on: date | None = None,
) -> DataRequestReminderScheduled:
    """A step is planned for 08:00 in Hà Nội, which is 01:00 in UTC."""
    told = _told(on, owed, due_on)
    day = fires_on or step_day(owed, step, RECEIVED_ON, told["due_on"])
    return DataRequestReminderScheduled(**told, step=step, fires_at=datetime(day.year, day.month, day.day, 1, tzinfo=UTC))


def request_missed(*steps: ReminderStep, on: date, owed: Any = ANSWER, due_on: date | None = None) -> DataRequestRemindersMissed:
    """Reminders were too late to be sent."""
    return DataRequestRemindersMissed(**_told(on, owed, due_on), steps=steps)


def request_fired(
    step: ReminderStep, on: date | None = None, owed: Any = ANSWER, due_on: date | None = None
) -> DataRequestReminderFired:
    """A reminder went out, on its day unless told otherwise."""
    day = on or step_day(owed, step, RECEIVED_ON, due_on or DUE_ON[owed])
    return DataRequestReminderFired(**_told(day, owed, due_on), step=step)


def request_escalated(
    on: date, owed: Any = ANSWER, *, retrospective: bool = False, still_owed: bool = True
) -> DataRequestEscalated:
    """The superior is told: Hà Tây, to which Ba Đình belongs since 2024."""
    told = _told(on, owed, None)
    return DataRequestEscalated(**told, superior="ha-tay", retrospective=retrospective, still_owed=still_owed)


def request_ended(on: date, owed: Any = ANSWER, due_on: date | None = None) -> DataRequestRemindersEnded:
    """It was dealt with."""
    return DataRequestRemindersEnded(**_told(on, owed, due_on))


def _told(on: date, owed: Any, due_on: date | None) -> dict[str, Any]:
    told = {"unit": "ba-dinh", "on": on, "request_id": asked(), "request_kind": "erasure"}
    return {**told, "owed": owed, "due_on": due_on or DUE_ON[owed]}
