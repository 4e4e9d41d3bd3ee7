"""What do we do when membership says something about a report or a data request, and when a reminder or an escalation
follows from it?

Pure: an event in, commands out. What happens when a planned moment comes is in :mod:`notifications.wake_ups`, what happens
when a member is erased in :mod:`notifications.forgetting`.
"""

from collections.abc import Iterable, Mapping
from uuid import UUID, uuid5

from chassis.commands import Command
from chassis.events import Event, topics_of
from chassis.reactions import NUMBERED_LATER, Reaction
from chassis.recorded import RecordedEvent
from membership.events import (
    DataRequestAnswered,
    DataRequestCarriedOut,
    DataRequestExtended,
    DataRequestReceived,
    ErasureCertified,
    ReportAccepted,
    ReportObligationSet,
    ReportReturned,
    ReportSubmitted,
)
from notifications.domain.calendar import hanoi_day
from notifications.domain.delivery import ChannelClosed, Parameter, RequestNotification
from notifications.domain.reminder import (
    AwaitUntil,
    EndReminders,
    NoStepLeft,
    NothingPlanned,
    WatchDataRequest,
    WatchReport,
)
from notifications.events import (
    Channel,
    DataRequestEscalated,
    DataRequestReminderFired,
    EscalationRaised,
    Owed,
    ReminderFired,
    ReminderStep,
    Template,
)

_DELIVERIES = UUID("f2b7b0a4-91c5-5b0d-a3b7-2f1d8e6c4a90")
_DUE: Mapping[Owed, Template] = {
    Owed.REPORT: Template.REPORT_DUE,
    Owed.DATA_REQUEST_ANSWER: Template.DATA_REQUEST_ANSWER_DUE,
    Owed.DATA_REQUEST_CARRYING_OUT: Template.DATA_REQUEST_CARRYING_OUT_DUE,
}
_LATE: Mapping[Owed, Template] = {
    Owed.REPORT: Template.REPORT_ESCALATED,
    Owed.DATA_REQUEST_ANSWER: Template.DATA_REQUEST_ANSWER_LATE,
    Owed.DATA_REQUEST_CARRYING_OUT: Template.DATA_REQUEST_CARRYING_OUT_LATE,
}

Told = ReminderFired | DataRequestReminderFired | EscalationRaised | DataRequestEscalated
"""What somebody is written to about."""


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
            yield _end(Owed.REPORT, event.obligation_id, event)
        case ReportReturned():
            yield AwaitUntil(
                command_id=NUMBERED_LATER, owed=Owed.REPORT, owed_id=event.obligation_id, due_on=event.due_on, on=event.on
            )


def on_data_request(at: RecordedEvent) -> Iterable[Command]:
    """A data request is watched until it is answered, and until it is carried out; one that is refused needs no more."""
    match event := at.event:
        case DataRequestReceived():
            yield _watch(Owed.DATA_REQUEST_ANSWER, event)
            yield _watch(Owed.DATA_REQUEST_CARRYING_OUT, event)
        case DataRequestAnswered():
            yield _end(Owed.DATA_REQUEST_ANSWER, event.request_id, event)
            yield _more_time(event) if event.accepted else _end(Owed.DATA_REQUEST_CARRYING_OUT, event.request_id, event)
        case DataRequestExtended():
            yield _more_time(event)
        case DataRequestCarriedOut() | ErasureCertified():
            yield _end(Owed.DATA_REQUEST_CARRYING_OUT, event.request_id, event)


def _watch(owed: Owed, event: DataRequestReceived) -> WatchDataRequest:
    return WatchDataRequest(
        command_id=NUMBERED_LATER,
        request_id=event.request_id,
        unit=event.unit,
        request_kind=event.kind.value,
        owed=owed,
        due_on=event.answer_due_on if owed is Owed.DATA_REQUEST_ANSWER else event.carry_out_due_on,
        on=event.received_on,
    )


def _more_time(event: DataRequestAnswered | DataRequestExtended) -> AwaitUntil:
    """By its due day as it is now known; nothing happens when that is the one it was."""
    return AwaitUntil(
        command_id=NUMBERED_LATER,
        owed=Owed.DATA_REQUEST_CARRYING_OUT,
        owed_id=event.request_id,
        due_on=event.carry_out_due_on,
        on=event.on,
    )


def _end(owed: Owed, owed_id: UUID, event: Event) -> EndReminders:
    return EndReminders(command_id=NUMBERED_LATER, owed=owed, owed_id=owed_id, on=event.on)


def on_reminder(at: RecordedEvent) -> Iterable[Command]:
    """A reminder goes to the unit's inbox, and to its office by mail where that is open."""
    event = at.event
    assert isinstance(event, ReminderFired | DataRequestReminderFired)
    template = Template.REPORT_OVERDUE if event.step is ReminderStep.DAY_AFTER else _DUE[_owed(event)]
    for channel in Channel:
        yield _notification(at, event, event.unit, template, channel)


def on_escalation(at: RecordedEvent) -> Iterable[Command]:
    """An escalation goes to the superior; not when it was dealt with since, and by mail only while it is new."""
    event = at.event
    assert isinstance(event, EscalationRaised | DataRequestEscalated)
    still_owed = event.still_out if isinstance(event, EscalationRaised) else event.still_owed
    if not event.superior or not still_owed:
        return
    for channel in [Channel.IN_APP] if event.retrospective else Channel:
        yield _notification(at, event, event.superior, _LATE[_owed(event)], channel)


def _owed(event: Told) -> Owed:
    return event.owed if isinstance(event, DataRequestReminderFired | DataRequestEscalated) else Owed.REPORT


def _values(event: Told) -> dict[str, str]:
    """The parameters of a template: ids, codes, days and titles, nothing of a person."""
    if isinstance(event, DataRequestReminderFired | DataRequestEscalated):
        about = {"request_id": str(event.request_id), "request_kind": event.request_kind}
    else:
        about = {"title": event.title, "year": str(event.year)}
    return {"unit": event.unit, **about, "due_on": event.due_on.isoformat()}


def _notification(at: RecordedEvent, event: Told, recipient: str, template: Template, channel: Channel) -> RequestNotification:
    return RequestNotification(
        command_id=NUMBERED_LATER,
        delivery_id=delivery_id(at, channel),
        unit=recipient,
        channel=channel,
        template=template,
        parameters=tuple(Parameter(name=name, value=value) for name, value in _values(event).items()),
        on=hanoi_day(at.recorded_at),
    )


def delivery_id(cause: RecordedEvent, channel: Channel) -> UUID:
    """The id of the delivery that an event causes through a channel."""
    return uuid5(_DELIVERIES, f"{cause.id}/{channel}")


REPORTS: tuple[type[Event], ...] = (ReportObligationSet, ReportSubmitted, ReportReturned, ReportAccepted)
DATA_REQUESTS: tuple[type[Event], ...] = (
    DataRequestReceived,
    DataRequestAnswered,
    DataRequestExtended,
    DataRequestCarriedOut,
    ErasureCertified,
)
REMINDERS = topics_of([ReminderFired, DataRequestReminderFired])
ESCALATIONS = topics_of([EscalationRaised, DataRequestEscalated])

ALL: tuple[Reaction, ...] = (
    Reaction("watch_reports", "membership", topics_of(REPORTS), on_report, (NoStepLeft, NothingPlanned)),
    Reaction("watch_data_requests", "membership", topics_of(DATA_REQUESTS), on_data_request, (NoStepLeft, NothingPlanned)),
    Reaction("remind", "notifications", REMINDERS, on_reminder, (ChannelClosed,)),
    Reaction("escalate", "notifications", ESCALATIONS, on_escalation, (ChannelClosed,)),
)
