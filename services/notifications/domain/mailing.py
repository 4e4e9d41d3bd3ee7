"""May this mail be tried (again), and what came of it?

A mail is tried up to five times, each attempt recorded **before** it begins and its outcome after. So a mail is sent at
least once, and at most once unless a sender died between the mail server's acceptance and the record of it: then, when
its lease is over, the mail goes again under the same Message-ID and the attempt says that it is ``doubtful``. A reminder
that may come twice was preferred to one that may never come.
"""

from datetime import timedelta

from chassis.events import Event
from chassis.fields import Day, Line
from chassis.refusals import RuleBroken
from notifications.domain.calendar import hanoi_day
from notifications.domain.delivery import Delivery, DeliveryCommand, Status, known
from notifications.domain.recipient import Circumstances
from notifications.events import (
    NotificationFailed,
    NotificationParked,
    NotificationRetried,
    NotificationSending,
    NotificationSent,
)

MAX_ATTEMPTS = 5


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


class PutAside(DeliveryCommand):
    """There is nowhere to send it: the recipient agrees to no mail, or has no address. No attempt is made."""

    reason: Line


class RetryNotification(DeliveryCommand):
    """Send what was given up again."""

    on: Day


def begin(state: Delivery | None, command: BeginSending, circumstances: Circumstances) -> list[Event]:
    """:raises DeliveryUnknown, NotDueYet, AttemptsUsedUp:"""
    delivery = _due(state, circumstances)
    if command.attempt != delivery.attempt + 1:
        raise NotDueYet("attempt")
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
            doubtful=delivery.status is Status.SENDING,
        )
    ]


def _due(state: Delivery | None, circumstances: Circumstances) -> Delivery:
    """:raises DeliveryUnknown, NotDueYet: no attempt may begin now."""
    delivery = known(state)
    if delivery.status not in (Status.PENDING, Status.SENDING):
        raise NotDueYet("delivery_id")
    if delivery.due_at is not None and circumstances.now < delivery.due_at:
        raise NotDueYet("delivery_id")
    return delivery


def _parked(delivery: Delivery, reason: str, circumstances: Circumstances) -> NotificationParked:
    return NotificationParked(
        unit=delivery.unit,
        on=hanoi_day(circumstances.now),
        delivery_id=delivery.delivery_id,
        channel=delivery.channel,
        attempts=delivery.tries,
        reason=reason,
    )


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
    failed = NotificationFailed(
        unit=delivery.unit,
        on=hanoi_day(circumstances.now),
        delivery_id=delivery.delivery_id,
        channel=delivery.channel,
        attempt=command.attempt,
        reason=command.reason,
        retry_at=None if last else circumstances.now + timedelta(seconds=wait_s),
    )
    return [failed, _parked(delivery, command.reason, circumstances)] if last else [failed]


def put_aside(state: Delivery | None, command: PutAside, circumstances: Circumstances) -> list[Event]:
    """:raises DeliveryUnknown, NotDueYet:"""
    return [_parked(_due(state, circumstances), command.reason, circumstances)]


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
