"""How far is a message on its way, and may it be tried (again)?"""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import ValidationError

from chassis.events import Event
from chassis.hierarchy import Node, UnitUnknown
from notifications.domain import delivery, mailing
from notifications.domain.delivery import DELIVERY, Status
from notifications.domain.recipient import Circumstances, MemberNotActive, RecipientUnclear, at_recipient
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
    RecipientKind,
    Template,
)
from tests.given import given

WHICH, WHO = UUID(int=31), UUID(int=32)
NOW, ON = datetime(2025, 3, 1, 2, 0, tzinfo=UTC), date(2025, 3, 1)
BA_DINH = Node("ba-dinh", "CĐCS Ba Đình", "grassroots", 3, False, date(2010, 1, 1), None, "[]", "[]", 1)
PARAMETERS = {"unit": "ba-dinh", "title": "Báo cáo tổng kết", "year": "2023", "due_on": "2023-12-15"}
WAITS_S = (60, 120, 240, 480)


def now(seconds: float = 0, *open_channels: tuple[str, str, str]) -> Circumstances:
    moment = NOW + timedelta(seconds=seconds)
    return Circumstances(moment, {"ba-dinh": BA_DINH}, {WHO: "ba-dinh"}, frozenset(open_channels))


MAIL_OPEN = (("unit", "ba-dinh", "email"), ("member", str(WHO), "email"))


def command(cls: type[Any], **fields: Any) -> Any:
    return cls.model_validate({"command_id": uuid4(), "delivery_id": WHICH, **fields})


def request(channel: str = "email", **fields: Any) -> Any:
    parameters = [{"name": name, "value": value} for name, value in PARAMETERS.items()]
    plain = {"unit": "ba-dinh", "channel": channel, "template": "report_due", "parameters": parameters, "on": ON}
    return command(delivery.RequestNotification, **{**plain, **fields})


def requested(channel: Channel = Channel.EMAIL, kind: RecipientKind = RecipientKind.UNIT, who: str = "ba-dinh") -> Event:
    return NotificationRequested(
        unit="ba-dinh",
        on=ON,
        delivery_id=WHICH,
        recipient_kind=kind,
        recipient=who,
        channel=channel,
        template=Template.REPORT_DUE,
        parameters=PARAMETERS,
    )


def sending(attempt: int, seconds: float = 0, doubtful: bool = False) -> Event:
    until = NOW + timedelta(seconds=seconds + 120)
    return NotificationSending(**told(), attempt=attempt, until=until, doubtful=doubtful)


def failed(attempt: int, retry_s: float | None, reason: str = "smtp 451") -> Event:
    retry_at = None if retry_s is None else NOW + timedelta(seconds=retry_s)
    return NotificationFailed(**told(), attempt=attempt, reason=reason, retry_at=retry_at)


def parked(attempts: int, reason: str = "smtp 451") -> Event:
    return NotificationParked(**told(), attempts=attempts, reason=reason)


def told(channel: Channel = Channel.EMAIL) -> dict[str, Any]:
    return {"unit": "ba-dinh", "on": ON, "delivery_id": WHICH, "channel": channel}


def failure(attempt: int, *, permanent: bool = False, reason: str = "smtp 451") -> Any:
    return command(mailing.RecordFailure, attempt=attempt, reason=reason, permanent=permanent)


def tried(times: int) -> list[Event]:
    return [requested(), *(event for n in range(1, times + 1) for event in (sending(n), failed(n, 0)))]


SENT = NotificationSent(**told(), attempt=1, message_id="<m@x>")
IN_INBOX = NotificationDelivered(**told(Channel.IN_APP))


def test_what_goes_to_the_inbox_is_delivered_with_its_request() -> None:
    state = given(DELIVERY).when(delivery.request, request("in_app"), now()).then(requested(Channel.IN_APP), IN_INBOX)

    assert state.status is Status.DELIVERED


def test_a_mail_waits_for_its_sender() -> None:
    state = given(DELIVERY).when(delivery.request, request(), now(0, *MAIL_OPEN)).then(requested())

    assert state.status is Status.PENDING


def test_a_member_is_written_to_and_the_message_stands_in_the_history_of_the_members_unit() -> None:
    to_member = request(unit=None, member_id=WHO)

    given(DELIVERY).when(delivery.request, to_member, now(0, *MAIL_OPEN)).then(requested(kind=RecipientKind.MEMBER, who=str(WHO)))
    assert at_recipient(None, to_member, now()) == "ba-dinh"


def test_nobody_is_reached_through_a_channel_that_was_not_opened() -> None:
    given(DELIVERY).when(delivery.request, request(), now(0, MAIL_OPEN[1])).refused(delivery.ChannelClosed, "channel")


def test_a_recipient_is_one_unit_or_one_active_member() -> None:
    for wrong in (request(member_id=WHO), request(unit=None)):
        given(DELIVERY).when(delivery.request, wrong, now()).refused(RecipientUnclear, "unit")
    given(DELIVERY).when(delivery.request, request(unit="nowhere"), now()).refused(UnitUnknown, "unit")
    given(DELIVERY).when(delivery.request, request(unit=None, member_id=uuid4()), now()).refused(MemberNotActive, "member_id")


@pytest.mark.parametrize(
    "wrong", [[], [("unit", "a1")], [*PARAMETERS.items(), ("name", "Lê")], [*PARAMETERS.items(), ("unit", "x1")]]
)
def test_a_template_takes_its_own_parameters_so_nothing_personal_finds_a_place(wrong: list[tuple[str, str]]) -> None:
    parameters = [{"name": name, "value": value} for name, value in wrong]
    given(DELIVERY).when(delivery.request, request("in_app", parameters=parameters), now()).refused(
        delivery.ParametersDoNotFit, "parameters"
    )


def test_a_delivery_is_requested_once() -> None:
    given(DELIVERY, requested()).when(delivery.request, request(), now(0, *MAIL_OPEN)).refused(
        delivery.DeliveryExists, "delivery_id"
    )


def test_an_attempt_is_recorded_before_it_is_made_and_nobody_else_makes_it() -> None:
    begin = command(mailing.BeginSending, attempt=1)

    given(DELIVERY, requested()).when(mailing.begin, begin, now()).then(sending(1))
    given(DELIVERY, requested(), sending(1)).when(mailing.begin, begin, now(1)).refused(mailing.NotDueYet)
    second = command(mailing.BeginSending, attempt=2)
    given(DELIVERY, requested(), sending(1)).when(mailing.begin, second, now(119)).refused(mailing.NotDueYet, "delivery_id")


def test_an_attempt_nobody_heard_of_again_is_followed_by_one_that_says_so() -> None:
    begin = command(mailing.BeginSending, attempt=2)
    given(DELIVERY, requested(), sending(1)).when(mailing.begin, begin, now(120)).then(sending(2, 120, doubtful=True))


def test_what_was_sent_delivered_or_parked_is_not_tried() -> None:
    for history in (
        [requested(), sending(1), SENT],
        [requested(Channel.IN_APP), IN_INBOX],
        [requested(), sending(1), failed(1, None), parked(1)],
    ):
        for attempt in (1, 2):
            begin = command(mailing.BeginSending, attempt=attempt)
            given(DELIVERY, *history).when(mailing.begin, begin, now(10**6)).refused(mailing.NotDueYet)


@pytest.mark.parametrize(("attempt", "wait_s"), list(enumerate(WAITS_S, 1)))
def test_each_retry_waits_twice_as_long_as_the_one_before(attempt: int, wait_s: int) -> None:
    history = [*tried(attempt - 1), sending(attempt)]
    state = given(DELIVERY, *history).when(mailing.record_failure, failure(attempt), now()).then(failed(attempt, wait_s))

    begin = command(mailing.BeginSending, attempt=attempt + 1)
    early = given(DELIVERY, *history, failed(attempt, wait_s)).when(mailing.begin, begin, now(wait_s - 1))
    early.refused(mailing.NotDueYet)
    assert state.status is Status.PENDING


def test_after_five_attempts_a_mail_is_parked_with_its_reason() -> None:
    state = (
        given(DELIVERY, *tried(4), sending(5)).when(mailing.record_failure, failure(5), now()).then(failed(5, None), parked(5))
    )
    assert state.status is Status.PARKED


def test_a_sixth_attempt_is_not_begun_even_when_nobody_heard_of_the_fifth() -> None:
    begin = command(mailing.BeginSending, attempt=6)
    given(DELIVERY, *tried(4), sending(5)).when(mailing.begin, begin, now(500)).refused(mailing.AttemptsUsedUp)


def test_what_is_refused_for_good_is_parked_at_once() -> None:
    given(DELIVERY, requested(), sending(1)).when(
        mailing.record_failure, failure(1, permanent=True, reason="smtp 550"), now()
    ).then(failed(1, None, "smtp 550"), parked(1, "smtp 550"))


def test_an_outcome_is_recorded_once_and_for_the_attempt_it_belongs_to() -> None:
    sent = command(mailing.RecordSent, attempt=1, message_id="<m@x>")
    given(DELIVERY, requested(), sending(1)).when(mailing.record_sent, sent, now()).then(SENT)
    given(DELIVERY, requested(), sending(1), SENT).when(mailing.record_sent, sent, now()).refused(
        mailing.NoSuchAttempt, "attempt"
    )
    given(DELIVERY, requested()).when(mailing.record_sent, sent, now()).refused(mailing.NoSuchAttempt)
    given(DELIVERY, requested(), sending(1), SENT).when(mailing.record_failure, failure(1), now()).refused(mailing.NoSuchAttempt)
    given(DELIVERY, requested(), sending(1)).when(mailing.record_failure, failure(2), now()).refused(mailing.NoSuchAttempt)


def test_the_late_word_that_a_doubtful_attempt_succeeded_still_counts() -> None:
    sent = command(mailing.RecordSent, attempt=1, message_id="<m@x>")
    given(DELIVERY, requested(), sending(1), sending(2, 120, True)).when(mailing.record_sent, sent, now(130)).then(SENT)


def test_what_was_parked_is_retried_at_once_with_all_its_attempts() -> None:
    history = [*tried(4), sending(5), failed(5, None), parked(5)]
    retry = command(mailing.RetryNotification, on=ON)
    again = NotificationRetried(**told(), retry_at=NOW)

    state = given(DELIVERY, *history).when(mailing.retry, retry, now()).then(again)
    assert (state.status, state.attempt, state.tries) == (Status.PENDING, 5, 0)
    begin = command(mailing.BeginSending, attempt=6)
    given(DELIVERY, *history, again).when(mailing.begin, begin, now()).then(sending(6))
    given(DELIVERY, requested()).when(mailing.retry, retry, now()).refused(mailing.NotParked, "delivery_id")


def test_a_message_in_the_inbox_is_read_once_and_a_mail_not_at_all() -> None:
    mark, read = command(delivery.MarkInboxRead, on=ON), NotificationRead(unit="ba-dinh", on=ON, delivery_id=WHICH)
    given(DELIVERY, requested(Channel.IN_APP), IN_INBOX).when(delivery.mark_read, mark).then(read)
    given(DELIVERY, requested(Channel.IN_APP), IN_INBOX, read).when(delivery.mark_read, mark).refused(delivery.NotInInbox)
    given(DELIVERY, requested(), sending(1), SENT).when(delivery.mark_read, mark).refused(delivery.NotInInbox, "delivery_id")


def test_nothing_happens_to_a_message_nobody_requested() -> None:
    for decide, asked in (
        (mailing.begin, command(mailing.BeginSending, attempt=1)),
        (mailing.record_sent, command(mailing.RecordSent, attempt=1, message_id="<m@x>")),
        (mailing.record_failure, failure(1)),
        (mailing.retry, command(mailing.RetryNotification, on=ON)),
        (delivery.mark_read, command(delivery.MarkInboxRead, on=ON)),
    ):
        given(DELIVERY).when(decide, asked, now()).refused(delivery.DeliveryUnknown, "delivery_id")


def test_more_parameters_than_any_template_takes_are_not_even_looked_at() -> None:
    with pytest.raises(ValidationError):
        request(parameters=[{"name": f"p{n}", "value": "x"} for n in range(21)])
