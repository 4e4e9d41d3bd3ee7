"""When is a unit reminded of its report, and when is its superior told?

Seven days and one day before the due day, one day after it; three days after it the line parent is told. Each at 08:00
in Hà Nội, and only while the report is out by this service's own knowledge. One aggregate a report; at any time at most
one step is planned, and each step says what follows.

What lies in the past is not made up for by mail: a reminder whose day has passed before it could be sent is recorded as
missed. An escalation is recorded nonetheless, because it counts against the unit: at once when the report came in after
its day, else at the next 08:00, by which time a history that is being loaded has said whether it came in.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID, uuid5

from chassis.commands import Aggregate, Command
from chassis.events import Event
from chassis.fields import Code, Day, Line, Year
from chassis.hierarchy import Node
from chassis.refusals import NotFound, RuleBroken
from notifications.domain.calendar import hanoi_day, next_reminding_moment, reminding_moment
from notifications.events import (
    EscalationRaised,
    ReminderFired,
    ReminderScheduled,
    RemindersEnded,
    RemindersMissed,
    ReminderStep,
)

_REMINDERS = UUID("d1b8a7f5-7d0e-5d3b-8f4f-0f6a3a0d9b52")
_STEPS = tuple(ReminderStep)


class ReportNotWatched(NotFound):
    """Nobody is reminded of a report that was never asked for."""

    vi = "Không theo dõi báo cáo này."
    en = "This report is not watched."


class NothingPlanned(RuleBroken):
    """The report is in, or every step is done: nothing is planned that could end or happen."""

    vi = "Không còn lời nhắc nào được lên lịch cho báo cáo này."
    en = "Nothing is planned for this report any more."


class StepNotDue(RuleBroken):
    """No step is taken before its day."""

    vi = "Chưa đến ngày {day} của lời nhắc này."
    en = "The day of this step, {day}, has not come."


class NoStepLeft(RuleBroken):
    """Every step of this due day is planned or done already."""

    vi = "Các lời nhắc cho hạn nộp này đã được lên lịch hoặc đã thực hiện."
    en = "The steps of this due day are planned or done already."


@dataclass(frozen=True, slots=True)
class Planned:
    """The step that comes next. `late`: its day had passed when it was planned."""

    step: ReminderStep
    late: bool


@dataclass(frozen=True, slots=True)
class Reminders:
    """What has been and will be done about one report; `done` holds the steps per due day."""

    obligation_id: UUID
    unit: str
    title: str
    year: int
    due_on: date
    planned: Planned | None = None
    done: frozenset[tuple[date, ReminderStep]] = frozenset()


@dataclass(frozen=True, slots=True)
class Moment:
    """What decisions must see: the time, and the units of the reports."""

    now: datetime
    units: Mapping[str, Node]

    @property
    def today(self) -> date:
        """The day in Hà Nội."""
        return hanoi_day(self.now)

    def superior(self, unit: str, on: date) -> str:
        """The line parent of a unit on a day; empty at the top."""
        return self.units[unit].place("line", on)


def reminders_id(obligation_id: UUID) -> UUID:
    """The aggregate id of the reminders of a report."""
    return uuid5(_REMINDERS, str(obligation_id))


class ReportCommand(Command):
    """A command about the reminders of one report."""

    obligation_id: UUID

    @property
    def aggregate_id(self) -> UUID:
        """Follows from the obligation."""
        return reminders_id(self.obligation_id)


class WatchReport(ReportCommand):
    """A report is awaited."""

    unit: Code
    title: Line
    year: Year
    due_on: Day
    on: Day


class AwaitReportAgain(ReportCommand):
    """A report was returned; it is awaited by another day."""

    due_on: Day
    on: Day


class EndReminders(ReportCommand):
    """A report is in."""

    on: Day


class TakeReminderStep(ReportCommand):
    """The moment of a planned step has come."""

    due_on: Day
    step: ReminderStep


def watch(state: Reminders | None, command: WatchReport, moment: Moment) -> list[Event]:
    """:raises NoStepLeft: it is watched already."""
    if state is not None:
        raise NoStepLeft("obligation_id")
    return _plan(Reminders(command.obligation_id, command.unit, command.title, command.year, command.due_on), command.on, moment)


def await_again(state: Reminders | None, command: AwaitReportAgain, moment: Moment) -> list[Event]:
    """:raises ReportNotWatched, NoStepLeft:"""
    reminders = watched(state)
    if reminders.planned is not None:
        raise NoStepLeft("due_on")
    return _plan(replace(reminders, due_on=command.due_on), command.on, moment)


def end(state: Reminders | None, command: EndReminders, moment: Moment) -> list[Event]:
    """A report that came in after the day of its escalation is escalated in retrospect.

    :raises ReportNotWatched, NothingPlanned:
    """
    reminders = watched(state)
    if reminders.planned is None:
        raise NothingPlanned("obligation_id")
    events: list[Event] = []
    if command.on > ReminderStep.ESCALATION.day(reminders.due_on):
        events.append(_escalation(reminders, moment, retrospective=True, still_out=False))
    ended = RemindersEnded(
        unit=reminders.unit, on=command.on, obligation_id=reminders.obligation_id, year=reminders.year, due_on=reminders.due_on
    )
    return [*events, ended]


def take_step(state: Reminders | None, command: TakeReminderStep, moment: Moment) -> list[Event]:
    """The planned step happens now and the next one is planned; a reminder overtaken by the day of the next is missed.

    :raises ReportNotWatched, NothingPlanned: the report came in, or the step was taken before.
    :raises StepNotDue: its day has not come.
    """
    reminders = watched(state)
    planned = reminders.planned
    if planned is None or (reminders.due_on, planned.step) != (command.due_on, command.step):
        raise NothingPlanned("obligation_id")
    day = planned.step.day(reminders.due_on)
    if moment.today < day:
        raise StepNotDue("step", day=day)
    if planned.step is ReminderStep.ESCALATION:
        return [_escalation(reminders, moment, retrospective=planned.late, still_out=True)]
    following = _STEPS[_STEPS.index(planned.step) + 1]
    if moment.today >= following.day(reminders.due_on):
        return _plan(replace(reminders, planned=None), moment.today, moment)
    fired = ReminderFired(
        unit=reminders.unit,
        on=moment.today,
        obligation_id=reminders.obligation_id,
        title=reminders.title,
        year=reminders.year,
        due_on=reminders.due_on,
        step=planned.step,
    )
    return [fired, *_plan(evolve(reminders, fired), moment.today, moment)]


def watched(state: Reminders | None) -> Reminders:
    """:raises ReportNotWatched: nobody asked for such a report."""
    if state is None:
        raise ReportNotWatched("obligation_id")
    return state


def _plan(reminders: Reminders, on: date, moment: Moment) -> list[Event]:
    """Which steps were missed, and which comes next."""
    due_on = reminders.due_on
    left = [step for step in _STEPS if (due_on, step) not in reminders.done]
    missed = [step for step in left if step.day(due_on) < moment.today and step is not ReminderStep.ESCALATION]
    ahead = [step for step in left if step not in missed]
    if not ahead:
        raise NoStepLeft("due_on")
    events: list[Event] = []
    if missed:
        events.append(
            RemindersMissed(
                unit=reminders.unit,
                on=on,
                obligation_id=reminders.obligation_id,
                year=reminders.year,
                due_on=due_on,
                steps=tuple(missed),
            )
        )
    late = ahead[0].day(due_on) < moment.today
    scheduled = ReminderScheduled(
        unit=reminders.unit,
        on=on,
        obligation_id=reminders.obligation_id,
        title=reminders.title,
        year=reminders.year,
        due_on=due_on,
        step=ahead[0],
        fires_at=next_reminding_moment(moment.now) if late else reminding_moment(ahead[0].day(due_on)),
    )
    return [*events, scheduled]


def _escalation(reminders: Reminders, moment: Moment, *, retrospective: bool, still_out: bool) -> EscalationRaised:
    on = ReminderStep.ESCALATION.day(reminders.due_on) if retrospective else moment.today
    return EscalationRaised(
        unit=reminders.unit,
        on=on,
        obligation_id=reminders.obligation_id,
        title=reminders.title,
        year=reminders.year,
        due_on=reminders.due_on,
        superior=moment.superior(reminders.unit, on),
        retrospective=retrospective,
        still_out=still_out,
    )


def evolve(state: Reminders | None, event: Event) -> Reminders:
    """The reminders after one more event."""
    match event:
        case ReminderScheduled():
            known = state or Reminders(event.obligation_id, event.unit, event.title, event.year, event.due_on)
            late = reminding_moment(event.step.day(event.due_on)) < event.fires_at
            return replace(known, title=event.title, due_on=event.due_on, planned=Planned(event.step, late))
        case RemindersMissed():
            known = state or Reminders(event.obligation_id, event.unit, "", event.year, event.due_on)
            return _done(known, event.due_on, *event.steps)
        case ReminderFired() if state:
            return _done(state, event.due_on, event.step)
        case EscalationRaised() if state:
            return _done(state, event.due_on, ReminderStep.ESCALATION)
        case RemindersEnded() if state:
            return replace(state, planned=None)
    raise AssertionError(f"{event.topic} is no event of a report's reminders")


def _done(state: Reminders, due_on: date, *steps: ReminderStep) -> Reminders:
    return replace(state, planned=None, done=state.done | {(due_on, step) for step in steps})


REMINDERS = Aggregate("reminders", evolve, lambda reminders: reminders.unit)
