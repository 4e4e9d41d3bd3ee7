"""When is a unit reminded of what it owes, and when is its superior told?

On the days of the schedule of what it owes (:mod:`notifications.domain.duty`), each at 08:00 in Hà Nội, and only while it
is owed by this service's own knowledge. One aggregate for each thing that is owed; at any time at most one step is
planned, and each step says what follows.

What lies in the past is not made up for by mail: a reminder whose day has passed before it could be sent is recorded as
missed. An escalation is recorded nonetheless, because it counts against the unit: at once when it was dealt with after
that day, else at the next 08:00, by which time a history that is being loaded has said whether it was.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID, uuid5

from chassis.commands import Aggregate, Command
from chassis.events import Event
from chassis.fields import Code, Day, Line, Year
from chassis.hierarchy import Node
from chassis.refusals import NotFound, RuleBroken, Unavailable
from notifications.domain.calendar import hanoi_day, next_reminding_moment, reminding_moment
from notifications.domain.duty import SCHEDULES, DataRequest, Duty, Report, duty_of, step_day
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

_REMINDERS = UUID("d1b8a7f5-7d0e-5d3b-8f4f-0f6a3a0d9b52")


class NotWatched(NotFound):
    """Nobody is reminded of what was never asked for."""

    vi = "Không theo dõi việc này."
    en = "This is not watched."


class NothingPlanned(RuleBroken):
    """It is owed no more, or every step is done: nothing is planned that could end or happen."""

    vi = "Không còn lời nhắc nào được lên lịch cho việc này."
    en = "Nothing is planned for this any more."


class StepNotDue(RuleBroken):
    """No step is taken before its day."""

    vi = "Chưa đến ngày {day} của lời nhắc này."
    en = "The day of this step, {day}, has not come."


class NoStepLeft(RuleBroken):
    """Every step of this due day is planned or done already."""

    vi = "Các lời nhắc cho hạn này đã được lên lịch hoặc đã thực hiện."
    en = "The steps of this due day are planned or done already."


@dataclass(frozen=True, slots=True)
class Planned:
    """The step that comes next. `late`: its day had passed when it was planned."""

    step: ReminderStep
    late: bool


@dataclass(frozen=True, slots=True)
class Reminders:
    """What has been and will be done about one thing that is owed `since` a day; `done` holds the steps per due day."""

    duty: Duty
    since: date
    due_on: date
    planned: Planned | None = None
    done: frozenset[tuple[date, ReminderStep]] = frozenset()

    @property
    def steps(self) -> tuple[ReminderStep, ...]:
        """The steps there are, in their order."""
        return tuple(SCHEDULES[self.duty.owed])

    def day(self, step: ReminderStep) -> date:
        """The day of a step."""
        return step_day(self.duty.owed, step, self.since, self.due_on)


@dataclass(frozen=True, slots=True)
class Moment:
    """What decisions must see: the time, and the units that owe."""

    now: datetime
    units: Mapping[str, Node]

    @property
    def today(self) -> date:
        """The day in Hà Nội."""
        return hanoi_day(self.now)

    def superior(self, unit: str, on: date) -> str:
        """The line parent of a unit on a day; empty at the top.

        :raises Unavailable: it was not among the units looked up, for what it owes was watched only since: decide again.
        """
        if unit not in self.units:
            raise Unavailable(reason="units")
        return self.units[unit].place("line", on)


def reminders_id(owed: Owed, owed_id: UUID) -> UUID:
    """The aggregate id of the reminders of an obligation or a data request."""
    # Reports were the first, so their ids follow from the obligation alone.
    return uuid5(_REMINDERS, str(owed_id) if owed is Owed.REPORT else f"{owed_id}/{owed}")


class WatchReport(Command):
    """A report is awaited."""

    obligation_id: UUID
    unit: Code
    title: Line
    year: Year
    due_on: Day
    on: Day

    @property
    def aggregate_id(self) -> UUID:
        """Follows from the obligation."""
        return reminders_id(Owed.REPORT, self.obligation_id)

    @property
    def duty(self) -> Duty:
        """What is owed."""
        return Report(self.obligation_id, self.unit, self.title, self.year)


class WatchDataRequest(Command):
    """A data request was received on a day; it is to be answered, or carried out, by another."""

    request_id: UUID
    unit: Code
    request_kind: Line
    owed: DataRequestClock
    due_on: Day
    on: Day

    @property
    def aggregate_id(self) -> UUID:
        """Follows from the request and the clock."""
        return reminders_id(self.owed, self.request_id)

    @property
    def duty(self) -> Duty:
        """What is owed."""
        return DataRequest(self.request_id, self.unit, self.request_kind, self.owed)


Watch = WatchReport | WatchDataRequest


class ReminderCommand(Command):
    """A command about the reminders of one thing that is owed: an obligation or a data request."""

    owed: Owed
    owed_id: UUID

    @property
    def aggregate_id(self) -> UUID:
        """Follows from what is owed."""
        return reminders_id(self.owed, self.owed_id)


class AwaitUntil(ReminderCommand):
    """It is owed by another day: a report was returned, or a data request got more time."""

    due_on: Day
    on: Day


class EndReminders(ReminderCommand):
    """It is owed no more: a report is in, a data request was answered or carried out."""

    on: Day


class TakeReminderStep(ReminderCommand):
    """The moment of a planned step has come."""

    due_on: Day
    step: ReminderStep


def watch(state: Reminders | None, command: Watch, moment: Moment) -> list[Event]:
    """:raises NoStepLeft: it is watched already."""
    if state is not None:
        raise NoStepLeft("due_on")
    return _plan(Reminders(command.duty, command.on, command.due_on), command.on, moment)


def await_until(state: Reminders | None, command: AwaitUntil, moment: Moment) -> list[Event]:
    """:raises NotWatched, NoStepLeft:"""
    reminders = watched(state)
    if reminders.planned is not None and reminders.due_on == command.due_on:
        raise NoStepLeft("due_on")
    return _plan(replace(reminders, due_on=command.due_on), command.on, moment)


def end(state: Reminders | None, command: EndReminders, moment: Moment) -> list[Event]:
    """What was dealt with after the day of its escalation is escalated in retrospect.

    :raises NotWatched, NothingPlanned:
    """
    reminders = watched(state)
    if reminders.planned is None:
        raise NothingPlanned("owed_id")
    events: list[Event] = []
    if command.on > reminders.day(ReminderStep.ESCALATION):
        events.append(_escalation(reminders, moment, retrospective=True, still_owed=False))
    return [*events, reminders.duty.ended(command.on, reminders.due_on)]


def take_step(state: Reminders | None, command: TakeReminderStep, moment: Moment) -> list[Event]:
    """The planned step happens now and the next one is planned; a reminder overtaken by the day of the next is missed.

    :raises NotWatched, NothingPlanned: it was dealt with, or the step was taken before.
    :raises StepNotDue: its day has not come.
    """
    reminders = watched(state)
    planned = reminders.planned
    if planned is None or (reminders.due_on, planned.step) != (command.due_on, command.step):
        raise NothingPlanned("owed_id")
    day = reminders.day(planned.step)
    if moment.today < day:
        raise StepNotDue("step", day=day)
    if planned.step is ReminderStep.ESCALATION:
        return [_escalation(reminders, moment, retrospective=planned.late, still_owed=True)]
    following = reminders.steps[reminders.steps.index(planned.step) + 1]
    if moment.today >= reminders.day(following):
        return _plan(replace(reminders, planned=None), moment.today, moment)
    fired = reminders.duty.fired(moment.today, reminders.due_on, planned.step)
    return [fired, *_plan(evolve(reminders, fired), moment.today, moment)]


def watched(state: Reminders | None) -> Reminders:
    """:raises NotWatched: nobody asked for such a thing."""
    if state is None:
        raise NotWatched("owed_id")
    return state


def _plan(reminders: Reminders, on: date, moment: Moment) -> list[Event]:
    """Which steps were missed, and which comes next."""
    duty, due_on = reminders.duty, reminders.due_on
    left = [step for step in reminders.steps if (due_on, step) not in reminders.done]
    missed = tuple(step for step in left if reminders.day(step) < moment.today and step is not ReminderStep.ESCALATION)
    ahead = [step for step in left if step not in missed]
    if not ahead:
        raise NoStepLeft("due_on")
    day = reminders.day(ahead[0])
    fires_at = next_reminding_moment(moment.now) if day < moment.today else reminding_moment(day)
    scheduled = duty.scheduled(on, due_on, ahead[0], fires_at)
    return [duty.missed(on, due_on, missed), scheduled] if missed else [scheduled]


def _escalation(reminders: Reminders, moment: Moment, *, retrospective: bool, still_owed: bool) -> Event:
    duty, on = reminders.duty, reminders.day(ReminderStep.ESCALATION) if retrospective else moment.today
    superior = moment.superior(duty.unit, on)
    return duty.escalated(on, reminders.due_on, superior, retrospective=retrospective, still_owed=still_owed)


def evolve(state: Reminders | None, event: Event) -> Reminders:
    """The reminders after one more event."""
    match event:
        case ReminderScheduled() | DataRequestReminderScheduled():
            duty = duty_of(event)
            known = replace(state or Reminders(duty, event.on, event.due_on), duty=duty, due_on=event.due_on)
            late = reminding_moment(known.day(event.step)) < event.fires_at
            return replace(known, planned=Planned(event.step, late))
        case RemindersMissed() | DataRequestRemindersMissed():
            return _done(state or Reminders(duty_of(event), event.on, event.due_on), event.due_on, *event.steps)
        case ReminderFired() | DataRequestReminderFired() if state:
            return _done(state, event.due_on, event.step)
        case EscalationRaised() | DataRequestEscalated() if state:
            return _done(state, event.due_on, ReminderStep.ESCALATION)
        case RemindersEnded() | DataRequestRemindersEnded() if state:
            return replace(state, planned=None)
    raise AssertionError(f"{event.topic} is no event of reminders")


def _done(state: Reminders, due_on: date, *steps: ReminderStep) -> Reminders:
    return replace(state, planned=None, done=state.done | {(due_on, step) for step in steps})


REMINDERS = Aggregate(
    "reminders",
    evolve,
    lambda reminders: reminders.duty.unit,
    begins=(ReminderScheduled, DataRequestReminderScheduled, RemindersMissed, DataRequestRemindersMissed),
)
