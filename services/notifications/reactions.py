"""What do we do when membership says something about a report, and when a reminder or an escalation follows from it?

Pure: an event in, commands out. What happens when a planned moment comes is in :mod:`notifications.wake_ups`.
"""

from collections.abc import Iterable
from uuid import UUID, uuid5

from chassis.commands import Command
from chassis.events import Event, RecordedEvent, topics_of
from chassis.reactions import NUMBERED_LATER, Reaction
from membership.events import ReportAccepted, ReportObligationSet, ReportReturned, ReportSubmitted
from notifications.domain.calendar import hanoi_day
from notifications.domain.delivery import ChannelClosed, Parameter, RequestNotification
from notifications.domain.reminder import AwaitReportAgain, EndReminders, NoStepLeft, NothingPlanned, WatchReport
from notifications.events import Channel, EscalationRaised, ReminderFired, ReminderStep, Template

_DELIVERIES = UUID("f2b7b0a4-91c5-5b0d-a3b7-2f1d8e6c4a90")


def on_report(at: RecordedEvent) -> Iterable[Command]:
    """A report is watched until it is in. That it was accepted changes nothing: it was in before."""
    match event := at.event:
        case ReportObligationSet():
            yield WatchReport(
                command_id=NUMBERED_LATER,
                obligation_id=event.obligation_id,
                unit=event.unit,
                title=event.title,
                year=event.year,
                due_on=event.due_on,
                on=event.on,
            )
        case ReportSubmitted():
            yield EndReminders(command_id=NUMBERED_LATER, obligation_id=event.obligation_id, on=event.on)
        case ReportReturned():
            yield AwaitReportAgain(command_id=NUMBERED_LATER, obligation_id=event.obligation_id, due_on=event.due_on, on=event.on)


def on_reminder(at: RecordedEvent) -> Iterable[Command]:
    """A reminder goes to the unit's inbox, and to its office by mail where that is open."""
    event = at.event
    assert isinstance(event, ReminderFired)
    template = Template.REPORT_OVERDUE if event.step is ReminderStep.DAY_AFTER else Template.REPORT_DUE
    for channel in Channel:
        yield _notification(at, event, event.unit, template, channel)


def on_escalation(at: RecordedEvent) -> Iterable[Command]:
    """An escalation goes to the superior; not when the report has come in since, and by mail only while it is new."""
    event = at.event
    assert isinstance(event, EscalationRaised)
    if not event.superior or not event.still_out:
        return
    for channel in [Channel.IN_APP] if event.retrospective else Channel:
        yield _notification(at, event, event.superior, Template.REPORT_ESCALATED, channel)


def _notification(
    at: RecordedEvent, event: ReminderFired | EscalationRaised, recipient: str, template: Template, channel: Channel
) -> RequestNotification:
    values = {"unit": event.unit, "title": event.title, "year": str(event.year), "due_on": event.due_on.isoformat()}
    return RequestNotification(
        command_id=NUMBERED_LATER,
        delivery_id=delivery_id(at, channel),
        unit=recipient,
        channel=channel,
        template=template,
        parameters=tuple(Parameter(name=name, value=value) for name, value in values.items()),
        on=hanoi_day(at.recorded_at),
    )


def delivery_id(cause: RecordedEvent, channel: Channel) -> UUID:
    """The id of the delivery that an event causes through a channel."""
    return uuid5(_DELIVERIES, f"{cause.id}/{channel}")


REPORTS: tuple[type[Event], ...] = (ReportObligationSet, ReportSubmitted, ReportReturned, ReportAccepted)

ALL: tuple[Reaction, ...] = (
    Reaction("watch_reports", "membership", topics_of(REPORTS), on_report, (NoStepLeft, NothingPlanned)),
    Reaction("remind", "notifications", topics_of([ReminderFired]), on_reminder, (ChannelClosed,)),
    Reaction("escalate", "notifications", topics_of([EscalationRaised]), on_escalation, (ChannelClosed,)),
)
