"""What does a unit owe until a day, on which days is it reminded of it, and how is that told?

A report: seven days and one day before its due day, one day after it; the line parent is told three days after it (the
federation's practice). A data request has two clocks (Law 91/2025/QH15, Decree 356/2025): it is answered within two
working days, of which the unit is reminded on the day of receipt and on the due day; and carried out in 15 days or 20, of
which it is reminded five days and one day before, and on the due day. The day after either, the line parent is told.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Protocol
from uuid import UUID

from chassis.events import Event
from notifications.events import (
    DataRequestClock,
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
    ReminderStep,
)

SCHEDULES: Mapping[Owed, Mapping[ReminderStep, int | None]] = MappingProxyType(
    {
        Owed.REPORT: {
            ReminderStep.WEEK_BEFORE: -7,
            ReminderStep.DAY_BEFORE: -1,
            ReminderStep.DAY_AFTER: 1,
            ReminderStep.ESCALATION: 3,
        },
        Owed.DATA_REQUEST_ANSWER: {
            ReminderStep.ON_RECEIPT: None,
            ReminderStep.DUE_DAY: 0,
            ReminderStep.ESCALATION: 1,
        },
        Owed.DATA_REQUEST_CARRYING_OUT: {
            ReminderStep.FIVE_DAYS_BEFORE: -5,
            ReminderStep.DAY_BEFORE: -1,
            ReminderStep.DUE_DAY: 0,
            ReminderStep.ESCALATION: 1,
        },
    }
)
"""The steps of each, in their order: days after the due day, or None for the day since which it is owed."""


class Duty(Protocol):
    """What a unit owes, without the day until which: that may change."""

    @property
    def owed(self) -> Owed:
        """What kind of thing; its schedule follows from that."""

    @property
    def unit(self) -> str:
        """Who owes it."""

    def scheduled(self, on: date, due_on: date, step: ReminderStep, fires_at: datetime) -> Event:
        """A step is planned."""

    def missed(self, on: date, due_on: date, steps: tuple[ReminderStep, ...]) -> Event:
        """Reminders were too late to be sent."""

    def fired(self, on: date, due_on: date, step: ReminderStep) -> Event:
        """The unit is reminded."""

    def escalated(self, on: date, due_on: date, superior: str, *, retrospective: bool, still_owed: bool) -> Event:
        """The superior is told."""

    def ended(self, on: date, due_on: date) -> Event:
        """It is owed no more."""


@dataclass(frozen=True, slots=True)
class Report:
    """A report on a year."""

    obligation_id: UUID
    unit: str
    title: str
    year: int

    @property
    def owed(self) -> Owed:
        """See :class:`Duty`."""
        return Owed.REPORT

    def scheduled(self, on: date, due_on: date, step: ReminderStep, fires_at: datetime) -> Event:
        """See :class:`Duty`."""
        return ReminderScheduled(
            unit=self.unit,
            on=on,
            obligation_id=self.obligation_id,
            title=self.title,
            year=self.year,
            due_on=due_on,
            step=step,
            fires_at=fires_at,
        )

    def missed(self, on: date, due_on: date, steps: tuple[ReminderStep, ...]) -> Event:
        """See :class:`Duty`."""
        return RemindersMissed(
            unit=self.unit, on=on, obligation_id=self.obligation_id, year=self.year, due_on=due_on, steps=steps
        )

    def fired(self, on: date, due_on: date, step: ReminderStep) -> Event:
        """See :class:`Duty`."""
        return ReminderFired(
            unit=self.unit,
            on=on,
            obligation_id=self.obligation_id,
            title=self.title,
            year=self.year,
            due_on=due_on,
            step=step,
        )

    def escalated(self, on: date, due_on: date, superior: str, *, retrospective: bool, still_owed: bool) -> Event:
        """See :class:`Duty`."""
        return EscalationRaised(
            unit=self.unit,
            on=on,
            obligation_id=self.obligation_id,
            title=self.title,
            year=self.year,
            due_on=due_on,
            superior=superior,
            retrospective=retrospective,
            still_out=still_owed,
        )

    def ended(self, on: date, due_on: date) -> Event:
        """See :class:`Duty`."""
        return RemindersEnded(unit=self.unit, on=on, obligation_id=self.obligation_id, year=self.year, due_on=due_on)


@dataclass(frozen=True, slots=True)
class DataRequest:
    """One of the two clocks of a data request; who asks is not known here."""

    request_id: UUID
    unit: str
    request_kind: str
    owed: DataRequestClock

    def scheduled(self, on: date, due_on: date, step: ReminderStep, fires_at: datetime) -> Event:
        """See :class:`Duty`."""
        return DataRequestReminderScheduled(
            unit=self.unit,
            on=on,
            request_id=self.request_id,
            request_kind=self.request_kind,
            owed=self.owed,
            due_on=due_on,
            step=step,
            fires_at=fires_at,
        )

    def missed(self, on: date, due_on: date, steps: tuple[ReminderStep, ...]) -> Event:
        """See :class:`Duty`."""
        return DataRequestRemindersMissed(
            unit=self.unit,
            on=on,
            request_id=self.request_id,
            request_kind=self.request_kind,
            owed=self.owed,
            due_on=due_on,
            steps=steps,
        )

    def fired(self, on: date, due_on: date, step: ReminderStep) -> Event:
        """See :class:`Duty`."""
        return DataRequestReminderFired(
            unit=self.unit,
            on=on,
            request_id=self.request_id,
            request_kind=self.request_kind,
            owed=self.owed,
            due_on=due_on,
            step=step,
        )

    def escalated(self, on: date, due_on: date, superior: str, *, retrospective: bool, still_owed: bool) -> Event:
        """See :class:`Duty`."""
        return DataRequestEscalated(
            unit=self.unit,
            on=on,
            request_id=self.request_id,
            request_kind=self.request_kind,
            owed=self.owed,
            due_on=due_on,
            superior=superior,
            retrospective=retrospective,
            still_owed=still_owed,
        )

    def ended(self, on: date, due_on: date) -> Event:
        """See :class:`Duty`."""
        return DataRequestRemindersEnded(
            unit=self.unit,
            on=on,
            request_id=self.request_id,
            request_kind=self.request_kind,
            owed=self.owed,
            due_on=due_on,
        )


def step_day(owed: Owed, step: ReminderStep, since: date, due_on: date) -> date:
    """The day of a step of something owed since a day until another."""
    days = SCHEDULES[owed][step]
    return since if days is None else due_on + timedelta(days=days)


def duty_of(event: ReminderScheduled | RemindersMissed | DataRequestReminderScheduled | DataRequestRemindersMissed) -> Duty:
    """What an event is about. That reminders of a report were missed says nothing of its title; the next event does."""
    match event:
        case ReminderScheduled():
            return Report(event.obligation_id, event.unit, event.title, event.year)
        case RemindersMissed():
            return Report(event.obligation_id, event.unit, "", event.year)
    return DataRequest(event.request_id, event.unit, event.request_kind, event.owed)
