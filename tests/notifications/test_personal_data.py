"""Is anything of a person kept, is nobody written to without consent, and does nothing reach a member who was erased?"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from chassis.recorded import RecordedEvent
from chassis.refusals import Unavailable
from congdoan.embedded.ports import ReservedPort, reserve_port
from federation.notifications.v1 import notifications_pb2 as pb
from membership.events import SubjectErased
from notifications.clients import Contact
from notifications.domain import delivery, forgotten, mailing
from notifications.domain.channel_preference import SetChannelPreference
from notifications.domain.delivery import DELIVERY, NothingToWithdraw, RequestNotification, WithdrawNotification
from notifications.domain.forgotten import FORGOTTEN, AlreadyForgotten, ForgetRecipient
from notifications.domain.mailing import PutAside, RetryNotification
from notifications.domain.recipient import MemberNotActive
from notifications.events import (
    Channel,
    NotificationParked,
    NotificationRead,
    NotificationRequested,
    NotificationSending,
    NotificationSent,
    NotificationWithdrawn,
    RecipientForgotten,
    RecipientKind,
)
from notifications.forgetting import ERASED
from notifications.sender import NO_CONSENT, Sender
from tests.given import given
from tests.notifications import test_delivery as of_mail
from tests.notifications.mailbox import Mailbox, listening
from tests.notifications.recorded import recorded
from tests.notifications.reports import days_from_due
from tests.notifications.running import SELF, Running, ShiftedClock, running

WHO, ON = UUID(int=91), date(2023, 11, 1)
NAME, ADDRESS = "Lê Văn Đức Xqzmark", "xqzmark.duc@example.vn"


@pytest.fixture
async def notifications(database: str) -> AsyncIterator[Running]:
    """A member in Ba Đình to whom mail is open, and whose name and address are marked."""
    clock = ShiftedClock()
    clock.show(days_from_due(-44, hour=10).now)
    async with running(database, clock) as service:
        service.members.units[WHO] = "ba-dinh"
        service.members.people[WHO] = Contact(NAME, ADDRESS)
        await service.do(SetChannelPreference, member_id=WHO, channel="email", open=True, on=ON)
        yield service


@pytest.fixture
def port() -> Iterator[ReservedPort]:
    reserved = reserve_port()
    yield reserved
    reserved.release()


async def to_member(service: Running, channel: str = "email") -> UUID:
    which = uuid4()
    values = {"unit": "ba-dinh", "title": "t", "year": "2023", "due_on": "2023-12-15"}
    parameters = [{"name": name, "value": value} for name, value in values.items()]
    fields: dict[str, Any] = {"channel": channel, "template": "report_due", "parameters": parameters, "on": ON}
    await service.do(RequestNotification, SELF, delivery_id=which, member_id=WHO, **fields)
    return which


def erased(position: int = 1) -> RecordedEvent:
    event = SubjectErased(unit="ba-dinh", on=ON, person_id=WHO, request_id=uuid4(), awaited=("notifications",))
    return recorded(event, position, "membership")


async def send(service: Running, sender: Sender) -> None:
    await sender.send_due()
    await service.settled()


def everything_in(database: str) -> str:
    """Every row of every table, as text."""
    with psycopg.connect(database) as connection:
        tables = [name for (name,) in connection.execute("select tablename from pg_tables where schemaname = 'public'")]
        rows = [row for table in tables for row in connection.execute(f"select * from {table}".encode()).fetchall()]
    shown = [bytes(value) if isinstance(value, memoryview) else value for row in rows for value in row]
    assert len(tables) > 8
    return "\n".join(value.decode(errors="replace") if isinstance(value, bytes) else str(value) for value in shown)


async def test_nothing_of_a_person_is_in_database_or_log_after_mails_that_left_failed_and_were_refused(
    notifications: Running, database: str, port: ReservedPort, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    mailbox = Mailbox()
    with caplog.at_level("DEBUG"), listening(mailbox, port.number) as url:
        sender = notifications.sender(url)
        await to_member(notifications)
        await send(notifications, sender)
        # A server may repeat in its answer to whom it does not deliver.
        mailbox.refuse_with = f"550 no such user {ADDRESS} ({NAME})"
        await to_member(notifications)
        await send(notifications, sender)
        notifications.members.people[WHO] = Contact(f"{NAME}\nBcc: x@y.vn", ADDRESS)
        await to_member(notifications)
        await send(notifications, sender)
    # And one whom nobody answers.
    notifications.members.people[WHO] = Contact(NAME, ADDRESS)
    await to_member(notifications)
    await send(notifications, sender)

    assert mailbox.recipients == [ADDRESS]
    assert mailbox.mails[0]["To"] == f"{NAME} <{ADDRESS}>"
    assert len(await notifications.history(NotificationSending)) == 4
    kept = everything_in(database)
    assert str(WHO) in kept
    # The mail server of the test tells what it hears; that is not ours.
    logged = "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith("mail."))
    for place in (kept, "".join(capfd.readouterr()), logged, str(notifications.members.people)):
        assert "xqzmark" not in place.lower()
        assert "Đức" not in place


async def test_without_consent_a_mail_is_put_aside_without_an_attempt_until_somebody_has_it_retried(
    notifications: Running, port: ReservedPort
) -> None:
    mailbox = Mailbox()
    which = await to_member(notifications)
    notifications.members.people[WHO] = Contact(NAME, "")
    with listening(mailbox, port.number) as url:
        sender = notifications.sender(url)
        await send(notifications, sender)
        assert await sender.send_due() == 0
        (parked,) = await notifications.history(NotificationParked)
        assert (parked.reason, parked.attempts) == (NO_CONSENT, 0)
        assert await notifications.history(NotificationSending) == []
        answer = await notifications.ask("ListDeliveries", pb.ListDeliveriesRequest(unit="ba-dinh"))
        assert [(row.delivery_id, row.reason) for row in answer.deliveries] == [(str(which), NO_CONSENT)]

        notifications.members.people[WHO] = Contact(NAME, ADDRESS)
        await notifications.do(RetryNotification, delivery_id=which, on=ON)
        await send(notifications, sender)
    assert mailbox.recipients == [ADDRESS]


async def test_a_consent_withdrawn_between_two_mails_of_a_page_holds_for_the_second(
    notifications: Running, port: ReservedPort
) -> None:
    mailbox = Mailbox()
    for _ in range(2):
        await to_member(notifications)
    contacts = notifications.members.contacts

    async def withdrawn_after_the_first(member_ids: Any) -> Any:
        found = await contacts(member_ids)
        notifications.members.people.pop(WHO, None)
        return found

    notifications.members.contacts = withdrawn_after_the_first  # type: ignore[method-assign]
    with listening(mailbox, port.number) as url:
        await send(notifications, notifications.sender(url, max_at_once=1))
    assert mailbox.recipients == [ADDRESS]
    assert [event.reason for event in await notifications.history(NotificationParked)] == [NO_CONSENT]


async def test_an_erased_member_gets_nothing_more_and_what_was_on_its_way_is_withdrawn_once(
    notifications: Running, port: ReservedPort
) -> None:
    mailbox = Mailbox()
    with listening(mailbox, port.number) as url:
        sender = notifications.sender(url)
        await to_member(notifications)
        await send(notifications, sender)
        open_ones = {await to_member(notifications), await to_member(notifications, "in_app")}
        await notifications.hear(erased())
        await notifications.hear(erased(2))
        await send(notifications, sender)

    withdrawn = await notifications.history(NotificationWithdrawn)
    assert {event.delivery_id for event in withdrawn} == open_ones
    assert {event.reason for event in withdrawn} == {ERASED}
    assert len(withdrawn) == 2
    assert len(await notifications.history(RecipientForgotten)) == len(await notifications.history(NotificationSent)) == 1
    assert len(mailbox.mails) == 1
    inbox = await notifications.ask("ListInbox", pb.ListInboxRequest(member_id=str(WHO)))
    assert list(inbox.items) == []
    for channel in ("email", "in_app"):
        with pytest.raises(MemberNotActive):
            await to_member(notifications, channel)
    with pytest.raises(MemberNotActive):
        await notifications.do(SetChannelPreference, member_id=WHO, channel="email", open=False, on=ON)


async def test_what_is_asked_for_while_a_member_is_erased_is_refused_or_withdrawn(notifications: Running) -> None:
    wanted = [to_member(notifications, "in_app") for _ in range(20)]
    outcomes = await asyncio.gather(*wanted, notifications.hear(erased()), return_exceptions=True)

    assert all(isinstance(outcome, UUID | MemberNotActive | None) for outcome in outcomes)
    await notifications.settled()
    requested = await notifications.history(NotificationRequested)
    withdrawn = await notifications.history(NotificationWithdrawn)
    assert {event.delivery_id for event in requested} == {event.delivery_id for event in withdrawn}


async def test_an_erasure_that_cannot_be_followed_just_now_is_taken_again_and_not_passed_over(
    notifications: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    await to_member(notifications, "in_app")
    follower, execute = notifications.listening["forget_members"], notifications.application.execute

    async def not_now(call: Any, command: Any) -> Any:
        if isinstance(command, WithdrawNotification):
            raise Unavailable(reason="database")
        return await execute(call, command)

    with monkeypatch.context() as patched:
        patched.setattr(notifications.application, "execute", not_now)
        with pytest.raises(Unavailable):
            await follower.take([erased()])
    assert follower.position == 0
    await notifications.hear(erased())
    assert len(await notifications.history(NotificationWithdrawn)) == 1


def test_a_mail_is_put_aside_only_while_it_waits_for_an_attempt() -> None:
    aside = of_mail.command(PutAside, reason=NO_CONSENT)
    given(DELIVERY, of_mail.requested()).when(mailing.put_aside, aside, of_mail.now()).then(of_mail.parked(0, NO_CONSENT))
    for history in ([of_mail.requested(), of_mail.sending(1)], [of_mail.requested(), of_mail.sending(1), of_mail.SENT]):
        given(DELIVERY, *history).when(mailing.put_aside, aside, of_mail.now(1)).refused(mailing.NotDueYet, "delivery_id")


def test_what_was_sent_or_withdrawn_is_not_withdrawn_and_a_withdrawn_one_is_neither_sent_nor_read_nor_retried() -> None:
    take_back = of_mail.command(WithdrawNotification, reason=ERASED, on=ON)
    withdrawn = NotificationWithdrawn(unit="ba-dinh", on=ON, delivery_id=of_mail.WHICH, channel=Channel.EMAIL, reason=ERASED)
    for history in ([of_mail.requested()], [of_mail.requested(), of_mail.sending(1)], [of_mail.requested(), of_mail.parked(0)]):
        given(DELIVERY, *history).when(delivery.withdraw, take_back).then(withdrawn)
    for history in ([of_mail.requested(), of_mail.sending(1), of_mail.SENT], [of_mail.requested(), withdrawn]):
        given(DELIVERY, *history).when(delivery.withdraw, take_back).refused(NothingToWithdraw, "delivery_id")
    gone = given(DELIVERY, of_mail.requested(), withdrawn)
    gone.when(mailing.begin, of_mail.command(mailing.BeginSending, attempt=1), of_mail.now(9)).refused(mailing.NotDueYet)
    gone.when(mailing.retry, of_mail.command(RetryNotification, on=ON), of_mail.now(9)).refused(mailing.NotParked)
    in_inbox = withdrawn.model_copy(update={"channel": Channel.IN_APP})
    read = NotificationRead(unit="ba-dinh", on=ON, delivery_id=of_mail.WHICH)
    for before in ([], [read]):
        history = [of_mail.requested(Channel.IN_APP), of_mail.IN_INBOX, *before]
        given(DELIVERY, *history).when(delivery.withdraw, take_back).then(in_inbox)
        marked = given(DELIVERY, *history, in_inbox).when(delivery.mark_read, of_mail.command(delivery.MarkInboxRead, on=ON))
        marked.refused(delivery.NotInInbox)


def test_a_member_is_forgotten_once_and_what_is_addressed_to_it_must_find_that_vacant() -> None:
    forget = ForgetRecipient(command_id=uuid4(), member_id=WHO, unit="ba-dinh", on=ON)
    event = RecipientForgotten(unit="ba-dinh", on=ON, member_id=WHO)
    given(FORGOTTEN).when(forgotten.forget, forget).then(event)
    given(FORGOTTEN, event).when(forgotten.forget, forget).refused(AlreadyForgotten, "member_id")

    (taken,) = FORGOTTEN.claims(None, event)
    (wanted,) = DELIVERY.claims(None, of_mail.requested(Channel.IN_APP, RecipientKind.MEMBER, str(WHO)))
    assert (taken.mode, wanted.mode, taken.key) == ("take", "vacant", wanted.key)
    assert list(DELIVERY.claims(None, of_mail.requested())) == []
