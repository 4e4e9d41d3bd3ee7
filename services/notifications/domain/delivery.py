"""How far is this message on its way, and may it be tried (again)?

What lies in the inbox is delivered with its request. A mail is tried up to five times, each attempt recorded **before**
it begins and its outcome after. So a mail is sent at least once, and at most once unless a sender died between the mail
server's acceptance and the record of it: then, when its lease is over, the mail goes again under the same Message-ID and
the attempt says that it is ``doubtful``. A reminder that may come twice was preferred to one that may never come.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from chassis.commands import Aggregate, Command
from chassis.events import Event
from chassis.fields import Code, Day, Line
from chassis.refusals import AlreadyExists, Invalid, NotFound, Problem, RuleBroken
from notifications.domain.calendar import hanoi_day
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
    Template,
)

MAX_ATTEMPTS = 5
PARAMETERS: Mapping[Template, frozenset[str]] = {
    template: frozenset({"unit", "title", "year", "due_on"}) for template in Template
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


class NotDueYet(RuleBroken):
    """An attempt waits for its time, and for the outcome of the one before."""

    vi = "Chưa đến lúc gửi."
    en = "The attempt is not due."


class AttemptsUsedUp(RuleBroken):
    """After five attempts a message is given up."""

    vi = "Đã gửi đủ {attempts} lần."
    en = "All {attempts} attempts were made."


class NoSuchAttempt(RuleBroken):
    """An outcome is recorded once, for an attempt that began."""

    vi = "Không có lần gửi nào đang chờ kết quả này."
    en = "No attempt awaits this outcome."


class NotParked(RuleBroken):
    """Only what was given up is retried."""

    vi = "Lượt gửi này không bị tạm dừng."
    en = "The delivery is not parked."


class NotInInbox(RuleBroken):
    """Only what lies unread in an inbox can be read."""

    vi = "Không có thư chưa đọc này trong hộp thư."
    en = "No such unread message lies in the inbox."


class Status(StrEnum):
    """Where a delivery stands."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    PARKED = "parked"


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
    read: bool = field(default=False)


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


class AttemptCommand(DeliveryCommand):
    """A command about an attempt; the first is 1."""

    attempt: int


class BeginSending(AttemptCommand):
    """Announce an attempt before it is made."""


class RecordSent(AttemptCommand):
    """The mail server took it over."""

    message_id: Line


class RecordFailure(AttemptCommand):
    """It did not; when `permanent`, no repetition helps (RFC 5321, 4.2.1: a reply of 5yz)."""

    reason: Line
    permanent: bool


class RetryNotification(DeliveryCommand):
    """Send what was given up again."""

    on: Day


class MarkInboxRead(DeliveryCommand):
    """A message in an inbox was read."""

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


def begin(state: Delivery | None, command: BeginSending, circumstances: Circumstances) -> list[Event]:
    """:raises DeliveryUnknown, NotDueYet, AttemptsUsedUp:"""
    delivery = known(state)
    doubtful = delivery.status is Status.SENDING
    if delivery.status not in (Status.PENDING, Status.SENDING) or command.attempt != delivery.attempt + 1:
        raise NotDueYet("delivery_id")
    if delivery.due_at is not None and circumstances.now < delivery.due_at:
        raise NotDueYet("delivery_id")
    if delivery.tries >= MAX_ATTEMPTS:
        raise AttemptsUsedUp("delivery_id", attempts=MAX_ATTEMPTS)
    return [
        NotificationSending(
            unit=delivery.unit,
            on=hanoi_day(circumstances.now),
            delivery_id=delivery.delivery_id,
            channel=delivery.channel,
            attempt=command.attempt,
            until=circumstances.now + timedelta(seconds=circumstances.sending_lease_s),
            doubtful=doubtful,
        )
    ]


def record_sent(state: Delivery | None, command: RecordSent, circumstances: Circumstances) -> list[Event]:
    """An attempt that was given up as doubtful may still report its success.

    :raises DeliveryUnknown, NoSuchAttempt:
    """
    delivery = known(state)
    if delivery.status is Status.SENT or not 1 <= command.attempt <= delivery.attempt:
        raise NoSuchAttempt("attempt")
    return [
        NotificationSent(
            unit=delivery.unit,
            on=hanoi_day(circumstances.now),
            delivery_id=delivery.delivery_id,
            channel=delivery.channel,
            attempt=command.attempt,
            message_id=command.message_id,
        )
    ]


def record_failure(state: Delivery | None, command: RecordFailure, circumstances: Circumstances) -> list[Event]:
    """The next attempt waits twice as long as the one before; after the last one the message is parked.

    :raises DeliveryUnknown, NoSuchAttempt:
    """
    delivery = known(state)
    if delivery.status is not Status.SENDING or command.attempt != delivery.attempt:
        raise NoSuchAttempt("attempt")
    last = command.permanent or delivery.tries >= MAX_ATTEMPTS
    wait_s = circumstances.first_retry_s * 2 ** (delivery.tries - 1)
    on = hanoi_day(circumstances.now)
    failed = NotificationFailed(
        unit=delivery.unit,
        on=on,
        delivery_id=delivery.delivery_id,
        channel=delivery.channel,
        attempt=command.attempt,
        reason=command.reason,
        retry_at=None if last else circumstances.now + timedelta(seconds=wait_s),
    )
    if not last:
        return [failed]
    parked = NotificationParked(
        unit=delivery.unit,
        on=on,
        delivery_id=delivery.delivery_id,
        channel=delivery.channel,
        attempts=delivery.tries,
        reason=command.reason,
    )
    return [failed, parked]


def retry(state: Delivery | None, command: RetryNotification, circumstances: Circumstances) -> list[Event]:
    """:raises DeliveryUnknown, NotParked:"""
    delivery = known(state)
    if delivery.status is not Status.PARKED:
        raise NotParked("delivery_id")
    return [
        NotificationRetried(
            unit=delivery.unit,
            on=command.on,
            delivery_id=delivery.delivery_id,
            channel=delivery.channel,
            retry_at=circumstances.now,
        )
    ]


def mark_read(state: Delivery | None, command: MarkInboxRead, _: object) -> list[Event]:
    """:raises DeliveryUnknown, NotInInbox:"""
    delivery = known(state)
    if delivery.channel is not Channel.IN_APP or delivery.read:
        raise NotInInbox("delivery_id")
    return [NotificationRead(unit=delivery.unit, on=command.on, delivery_id=delivery.delivery_id)]


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
    raise AssertionError(f"{event.topic} is no event of a delivery")


DELIVERY = Aggregate("delivery", evolve, lambda delivery: delivery.unit)
