"""A report of Ba Đình, due on 15 December 2023, and the moments at which something is decided about it."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from chassis.hierarchy import Node, first_places
from notifications.domain.calendar import HANOI
from notifications.domain.duty import step_day
from notifications.domain.reminder import Moment, ReminderCommand
from notifications.events import (
    EscalationRaised,
    Owed,
    ReminderFired,
    ReminderScheduled,
    RemindersEnded,
    RemindersMissed,
    ReminderStep,
)

WHICH = UUID(int=21)
SET_ON, DUE_ON = date(2023, 11, 1), date(2023, 12, 15)
WEEK, DAY = ReminderStep.WEEK_BEFORE, ReminderStep.DAY_BEFORE
AFTER, ESCALATION = ReminderStep.DAY_AFTER, ReminderStep.ESCALATION
UNITS = {
    "ba-dinh": Node("ba-dinh", "CĐCS Ba Đình", "grassroots", 3, False, date(2010, 1, 1), None,
                    '[["2010-01-01","ha-noi"],["2024-06-01","ha-tay"]]', "[]", 1),
    "top": Node("top", "TLĐ", "confederation", 0, False, date(1929, 7, 28), None, first_places(date(1929, 7, 28), ""), "[]", 2),
}  # fmt: skip


def at(day: date, hour: int = 8, minute: int = 0) -> Moment:
    """A moment in Hà Nội."""
    return Moment(datetime(day.year, day.month, day.day, hour, minute, tzinfo=HANOI), UNITS)


def days_from_due(days: int, hour: int = 8) -> Moment:
    """A moment so many days after the due day."""
    return at(DUE_ON + timedelta(days=days), hour)


def day_of(step: ReminderStep, due_on: date = DUE_ON) -> date:
    """The day of a step of the report."""
    return step_day(Owed.REPORT, step, SET_ON, due_on)


def about(cls: type[ReminderCommand], **fields: Any) -> Any:
    """A command about the report."""
    return cls.model_validate({"command_id": uuid4(), "owed": "report", "owed_id": WHICH, **fields})


def scheduled(step: ReminderStep, on: date = SET_ON, due_on: date = DUE_ON, fires_on: date | None = None) -> ReminderScheduled:
    """A step is planned for 08:00 in Hà Nội, which is 01:00 in UTC."""
    day = fires_on or day_of(step, due_on)
    fires_at = datetime(day.year, day.month, day.day, 1, tzinfo=UTC)
    return ReminderScheduled(**_told(on, due_on), title="Báo cáo tổng kết", step=step, fires_at=fires_at)


def fired(step: ReminderStep, on: date | None = None, due_on: date = DUE_ON) -> ReminderFired:
    """A reminder went out, on its day unless told otherwise."""
    return ReminderFired(**_told(on or day_of(step, due_on), due_on), title="Báo cáo tổng kết", step=step)


def missed(*steps: ReminderStep, on: date, due_on: date = DUE_ON) -> RemindersMissed:
    """Reminders were too late to be sent."""
    return RemindersMissed(**_told(on, due_on), steps=steps)


def ended(on: date, due_on: date = DUE_ON) -> RemindersEnded:
    """The report is in."""
    return RemindersEnded(**_told(on, due_on))


def escalated(on: date, *, retrospective: bool = False, still_out: bool = True, superior: str = "ha-noi") -> EscalationRaised:
    """The superior is told."""
    told = _told(on, DUE_ON)
    return EscalationRaised(**told, title="Báo cáo tổng kết", superior=superior, retrospective=retrospective, still_out=still_out)


def _told(on: date, due_on: date) -> dict[str, Any]:
    return {"unit": "ba-dinh", "on": on, "obligation_id": WHICH, "year": 2023, "due_on": due_on}
