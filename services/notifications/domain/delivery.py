"""What is to reach whom, and how far is it on its way?

What lies in the inbox is delivered with its request; how a mail is tried is in :mod:`notifications.domain.mailing`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from chassis.claims import Claim
from chassis.commands import Aggregate, Command
from chassis.events import Event
from chassis.fields import Code, Day, Line
from chassis.refusals import AlreadyExists, Invalid, NotFound, Problem, RuleBroken
from notifications.domain.forgotten import still_reached
from notifications.domain.recipient import Circumstances
from notifications.events import (
    Channel,
    NotificationDelivered,
    NotificationFailed,
    NotificationParked,
    NotificationRead,
    NotificationRequested,
    NotificationRetried,
    NotificationSending,
    NotificationSent,
    NotificationWithdrawn,
    Template,
)

_OF_A_REPORT = frozenset({"unit", "title", "year", "due_on"})
_OF_A_DATA_REQUEST = frozenset({"unit", "request_id", "request_kind", "due_on"})

PARAMETERS: Mapping[Template, frozenset[str]] = {
    Template.REPORT_DUE: _OF_A_REPORT,
    Template.REPORT_OVERDUE: _OF_A_REPORT,
    Template.REPORT_ESCALATED: _OF_A_REPORT,
    Template.DATA_REQUEST_ANSWER_DUE: _OF_A_DATA_REQUEST,
    Template.DATA_REQUEST_ANSWER_LATE: _OF_A_DATA_REQUEST,
    Template.DATA_REQUEST_CARRYING_OUT_DUE: _OF_A_DATA_REQUEST,
    Template.DATA_REQUEST_CARRYING_OUT_LATE: _OF_A_DATA_REQUEST,
}
"""What each template takes, and nothing else: so no personal value finds a place in a message."""


class DeliveryExists(AlreadyExists):
    """A delivery id is given once."""

    vi = "Mã lượt gửi này đã được dùng."
    en = "This delivery id is already taken."


class DeliveryUnknown(NotFound):
    """No such message was requested."""

    vi = "Không có lượt gửi này."
    en = "There is no such delivery."


class ParametersDoNotFit(Invalid):
    """A template takes its own parameters, no more and no fewer."""

    def __init__(self, template: Template) -> None:
        names = ", ".join(sorted(PARAMETERS[template]))
        super().__init__(Problem("parameters", f"mẫu này cần đúng: {names}", f"this template takes exactly: {names}"))


class ChannelClosed(RuleBroken):
    """Nobody is reached through a channel that was not opened."""

    vi = "Kênh này chưa được bật cho người nhận."
    en = "This channel is not open to the recipient."


class NotInInbox(RuleBroken):
    """Only what lies unread in an inbox can be read."""

    vi = "Không có thư chưa đọc này trong hộp thư."
    en = "No such unread message lies in the inbox."


class NothingToWithdraw(RuleBroken):
    """What has left, or was taken back before, cannot be taken back."""

    vi = "Thư này đã được gửi đi hoặc đã được thu hồi."
    en = "The message has left, or was taken back already."


class Status(StrEnum):
    """Where a delivery stands."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    PARKED = "parked"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message on its way. ``attempt`` counts for ever, ``tries`` since it was requested or retried.

    ``due_at`` is when the next attempt may begin: while one is under way, when nobody will hear of it any more.
    """

    delivery_id: UUID
    unit: str
    channel: Channel
    status: Status
    attempt: int = 0
    tries: int = 0
    due_at: datetime | None = None
    read: bool = False


class Parameter(BaseModel):
    """A value for a template."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: Line
    value: Line


class DeliveryCommand(Command):
    """A command about one delivery."""

    delivery_id: UUID

    @property
    def aggregate_id(self) -> UUID:
        """The delivery's own id."""
        return self.delivery_id


class RequestNotification(DeliveryCommand):
    """Bring a message to somebody."""

    unit: Code | None = None
    member_id: UUID | None = None
    channel: Channel
    template: Template
    parameters: Annotated[tuple[Parameter, ...], Field(max_length=20)]
    on: Day


class MarkInboxRead(DeliveryCommand):
    """A message in an inbox was read."""

    on: Day


class WithdrawNotification(DeliveryCommand):
    """Take a message back before anybody reads it."""

    reason: Line
    on: Day


def request(state: Delivery | None, command: RequestNotification, circumstances: Circumstances) -> list[Event]:
    """:raises DeliveryExists, RecipientUnclear, UnitUnknown, MemberNotActive, ParametersDoNotFit, ChannelClosed:"""
    if state is not None:
        raise DeliveryExists("delivery_id")
    recipient = circumstances.recipient(command)
    parameters = {parameter.name: parameter.value for parameter in command.parameters}
    if parameters.keys() != PARAMETERS[command.template] or len(parameters) != len(command.parameters):
        raise ParametersDoNotFit(command.template)
    channel = (recipient.kind.value, recipient.name, command.channel.value)
    if command.channel is not Channel.IN_APP and channel not in circumstances.open_channels:
        raise ChannelClosed("channel")
    requested = NotificationRequested(
        unit=recipient.unit,
        on=command.on,
        delivery_id=command.delivery_id,
        recipient_kind=recipient.kind,
        recipient=recipient.name,
        channel=command.channel,
        template=command.template,
        parameters=parameters,
    )
    if command.channel is not Channel.IN_APP:
        return [requested]
    delivered = NotificationDelivered(
        unit=recipient.unit, on=command.on, delivery_id=command.delivery_id, channel=command.channel
    )
    return [requested, delivered]


def mark_read(state: Delivery | None, command: MarkInboxRead, _: object) -> list[Event]:
    """:raises DeliveryUnknown, NotInInbox:"""
    delivery = known(state)
    if delivery.status is not Status.DELIVERED or delivery.read:
        raise NotInInbox("delivery_id")
    return [NotificationRead(unit=delivery.unit, on=command.on, delivery_id=delivery.delivery_id)]


def withdraw(state: Delivery | None, command: WithdrawNotification, _: object) -> list[Event]:
    """What is on its way is stopped, what lies in an inbox leaves it, read or not.

    :raises DeliveryUnknown, NothingToWithdraw:
    """
    delivery = known(state)
    if delivery.status in (Status.SENT, Status.WITHDRAWN):
        raise NothingToWithdraw("delivery_id")
    return [
        NotificationWithdrawn(
            unit=delivery.unit,
            on=command.on,
            delivery_id=delivery.delivery_id,
            channel=delivery.channel,
            reason=command.reason,
        )
    ]


def known(state: Delivery | None) -> Delivery:
    """:raises DeliveryUnknown: no such message was requested."""
    if state is None:
        raise DeliveryUnknown("delivery_id")
    return state


def at_delivery(state: Delivery | None, command: Command, _: object) -> str:
    """Where it is decided about a delivery: at the recipient's unit."""
    return known(state).unit


def evolve(state: Delivery | None, event: Event) -> Delivery:
    """The delivery after one more event."""
    match event:
        case NotificationRequested():
            return Delivery(event.delivery_id, event.unit, event.channel, Status.PENDING)
        case _ if state is None:
            raise AssertionError(f"{event.topic} without a delivery")
        case NotificationDelivered():
            return replace(state, status=Status.DELIVERED)
        case NotificationSending():
            return replace(state, status=Status.SENDING, attempt=event.attempt, tries=state.tries + 1, due_at=event.until)
        case NotificationSent():
            return replace(state, status=Status.SENT, due_at=None)
        case NotificationFailed():
            return replace(state, status=Status.PENDING, due_at=event.retry_at)
        case NotificationParked():
            return replace(state, status=Status.PARKED, due_at=None)
        case NotificationRetried():
            return replace(state, status=Status.PENDING, tries=0, due_at=event.retry_at)
        case NotificationRead():
            return replace(state, read=True)
        case NotificationWithdrawn():
            return replace(state, status=Status.WITHDRAWN, due_at=None)
    raise AssertionError(f"{event.topic} is no event of a delivery")


def claims(state: Delivery | None, event: Event) -> Iterable[Claim]:
    """Nothing is addressed to a member who was forgotten."""
    if isinstance(event, NotificationRequested):
        yield from still_reached(event.recipient_kind, event.recipient)


DELIVERY = Aggregate("delivery", evolve, lambda delivery: delivery.unit, claims, begins=(NotificationRequested,))
