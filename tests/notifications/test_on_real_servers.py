"""Announcements, reminders and mails on a real PostgreSQL, NATS and SMTP server, through faults and redeliveries."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from chassis.commands import Call
from chassis.recorded import RecordedEvent
from chassis.refusals import Forbidden, Unavailable
from chassis.security import Caller, Role
from chassis.streams import SCHEDULES, Connection, api, cancel, schedule, set_up
from congdoan.embedded import EmbeddedNats
from congdoan.embedded.ports import ReservedPort, reserve_port
from federation.contract.v1.contract_pb2 import GetFiguresRequest, PageRequest
from federation.notifications.v1 import notifications_pb2 as pb
from membership.events import ReportObligationSet, ReportSubmitted
from notifications.clients import Contact
from notifications.domain.announcement import MarkAnnouncementRead, PublishAnnouncement
from notifications.domain.channel_preference import SetChannelPreference
from notifications.domain.delivery import MarkInboxRead, RequestNotification
from notifications.domain.mailing import RetryNotification
from notifications.domain.reminder import WatchReport
from notifications.events import (
    AnnouncementRead,
    ChannelPreferenceSet,
    EscalationRaised,
    NotificationFailed,
    NotificationParked,
    NotificationRequested,
    NotificationSending,
    NotificationSent,
    ReminderFired,
    ReminderScheduled,
    RemindersMissed,
)
from notifications.wake_ups import AskToBeWoken, JetStreamSchedules, Steps, WakeUps
from tests.notifications.mailbox import Mailbox, listening
from tests.notifications.recorded import recorded
from tests.notifications.reports import DUE_ON, SET_ON, WHICH, days_from_due
from tests.notifications.running import SELF, TOP, Running, ShiftedClock, at_work, eventually, running, unit

OFFICE = "vanphong@badinh.example"
ON = date(2023, 11, 1)
ROOT = Path(__file__).parents[2]


@pytest.fixture
def clock() -> ShiftedClock:
    """Shows November 2023, in Hà Nội, until told otherwise."""
    clock = ShiftedClock()
    clock.show(days_from_due(-44, hour=10).now)
    return clock


@pytest.fixture
async def notifications(database: str, clock: ShiftedClock) -> AsyncIterator[Running]:
    async with running(database, clock) as service:
        yield service


@pytest.fixture
def port() -> Iterator[ReservedPort]:
    reserved = reserve_port()
    yield reserved
    reserved.release()


def owed(position: int = 1, due_on: date = DUE_ON, which: UUID = WHICH) -> RecordedEvent:
    event = ReportObligationSet(
        unit="ba-dinh", on=SET_ON, obligation_id=which, title="Báo cáo tổng kết", year=2023, due_on=due_on
    )
    return recorded(event, position, "membership")


def handed_in(on: date, position: int = 2) -> RecordedEvent:
    event = ReportSubmitted(unit="ba-dinh", on=on, obligation_id=WHICH, year=2023, due_on=DUE_ON)
    return recorded(event, position, "membership")


async def figures(service: Running, unit: str, year: int, as_of: str) -> dict[str, int]:
    answer: Any = await service.ask("GetFigures", GetFiguresRequest(unit=unit, year=year, as_of=as_of))
    return {figure.name: figure.count for figure in answer.figures}


async def inbox(service: Running, unit: str, **fields: Any) -> list[pb.InboxItem]:
    answer: Any = await service.ask("ListInbox", pb.ListInboxRequest(unit=unit, **fields))
    return list(answer.items)


async def mail_to_ba_dinh(service: Running, number: int = 1) -> list[UUID]:
    """Some mails to Ba Đình's office are requested."""
    ids = [uuid4() for _ in range(number)]
    values = {"unit": "ba-dinh", "title": "Báo cáo tổng kết", "year": "2023", "due_on": "2023-12-15"}
    parameters = [{"name": name, "value": value} for name, value in values.items()]
    fields = {"unit": "ba-dinh", "channel": "email", "template": "report_due", "parameters": parameters, "on": ON}
    await asyncio.gather(*(service.do(RequestNotification, SELF, delivery_id=one, **fields) for one in ids))
    return ids


async def open_mail(service: Running) -> None:
    await service.do(SetChannelPreference, unit="ba-dinh", channel="email", open=True, office_address=OFFICE, on=ON)


class TestAnnouncements:
    async def test_reach_is_what_the_audience_of_a_day_had_read_by_then(self, notifications: Running) -> None:
        which = uuid4()
        await notifications.do(PublishAnnouncement, announcement_id=which, unit="cdvcvn", title="Mời họp", body="Kính mời", on=ON)
        officer = Caller("x", Role.GRASSROOTS_OFFICER, "ba-dinh")
        await notifications.do(MarkAnnouncementRead, officer, announcement_id=which, reader="ba-dinh", on="2023-11-02")
        await notifications.do(MarkAnnouncementRead, announcement_id=which, reader="ha-noi", on="2023-11-03")

        async def reach(as_of: str) -> tuple[int, int, str]:
            answer: Any = await notifications.ask("GetReach", pb.GetReachRequest(announcement_id=str(which), as_of=as_of))
            return answer.audience, answer.read, answer.percent

        assert await reach("2023-11-01") == (3, 0, "0.00")
        assert await reach("2023-11-02") == (3, 1, "33.33")
        assert await reach("2023-11-03") == (3, 2, "66.67")

    async def test_a_unit_sees_what_was_announced_above_it_newest_first_and_what_it_has_read(
        self, notifications: Running
    ) -> None:
        which = [uuid4() for _ in range(5)]
        announcers = ["cdvcvn", "ha-noi", "ba-dinh", "cdvcvn", "ha-noi"]
        for number, (one, announcer) in enumerate(zip(which, announcers, strict=True)):
            await notifications.do(
                PublishAnnouncement, announcement_id=one, unit=announcer, title=f"Số {number}", body="b", on=ON
            )
        await notifications.do(MarkAnnouncementRead, announcement_id=which[0], reader="ha-noi", on=ON)

        seen: list[Any] = []
        page = PageRequest(size=2)
        while True:
            request = pb.ListAnnouncementsRequest(unit="ha-noi", page=page)
            answer: Any = await notifications.ask("ListAnnouncements", request)
            seen += answer.announcements
            if not answer.next:
                break
            page = PageRequest(size=2, after=answer.next)

        assert [(one.title, one.read_on) for one in seen] == [("Số 4", ""), ("Số 3", ""), ("Số 1", ""), ("Số 0", "2023-11-01")]

    async def test_an_officer_reads_and_announces_for_units_below_only(self, notifications: Running) -> None:
        which = uuid4()
        below = Caller("x", Role.GRASSROOTS_OFFICER, "ba-dinh")
        announced: dict[str, Any] = {"announcement_id": which, "unit": "ha-noi", "title": "t", "body": "b", "on": ON}
        with pytest.raises(Forbidden):
            await notifications.do(PublishAnnouncement, below, **announced)
        await notifications.do(PublishAnnouncement, **announced)
        with pytest.raises(Forbidden):
            await notifications.do(MarkAnnouncementRead, below, announcement_id=which, reader="ha-noi", on=ON)
        with pytest.raises(Forbidden):
            await notifications.do(
                WatchReport, below, obligation_id=WHICH, unit="ba-dinh", title="t", year=2023, due_on=ON, on=ON
            )

    async def test_many_read_at_once_and_none_waits_for_another(self, notifications: Running) -> None:
        codes = [f"cs-{number}" for number in range(300)]
        notifications.tree.put([unit(code, "ba-dinh") for code in codes])
        which = uuid4()
        await notifications.do(PublishAnnouncement, announcement_id=which, unit="ba-dinh", title="t", body="b", on=ON)

        fields: dict[str, Any] = {"announcement_id": which, "on": ON}
        commands = [MarkAnnouncementRead(command_id=uuid4(), reader=code, **fields) for code in codes for _ in range(2)]
        await notifications.application.execute_batch(Call(TOP), commands)
        await notifications.settled()

        assert sorted(event.unit for event in await notifications.history(AnnouncementRead)) == sorted(codes)
        answer: Any = await notifications.ask("GetReach", pb.GetReachRequest(announcement_id=str(which)))
        assert (answer.audience, answer.read, answer.percent) == (301, 300, "99.67")
        assert (await figures(notifications, "cdvcvn", 2023, "2023-12-31"))["announcements"] == 1


class TestReports:
    async def test_a_history_that_is_loaded_years_later_escalates_what_was_late_and_writes_to_nobody(
        self, notifications: Running, clock: ShiftedClock
    ) -> None:
        clock.show(datetime.fromisoformat("2026-11-20T10:00:00+07:00"))
        await open_mail(notifications)
        for _ in range(3):
            await notifications.listening["watch_reports"].take([owed(), handed_in(date(2023, 12, 20))])
        await notifications.settled()

        (escalation,) = await notifications.history(EscalationRaised)
        assert (escalation.on, escalation.superior, escalation.still_out) == (date(2023, 12, 18), "ha-noi", False)
        assert await notifications.history(ReminderFired, NotificationRequested) == []
        assert len((await notifications.history(RemindersMissed))[0].steps) == 3
        counted = {"announcements": 0, "reminders_sent": 0, "escalations": 1}
        assert await figures(notifications, "cdvcvn", 2023, "2023-12-18") == counted
        assert await figures(notifications, "ha-noi", 2023, "2023-12-17") == {**counted, "escalations": 0}
        assert await figures(notifications, "ha-noi", 2024, "2024-12-17") == {**counted, "escalations": 0}

    async def test_events_that_come_again_after_the_position_was_lost_have_no_second_effect(self, notifications: Running) -> None:
        await notifications.hear(owed(), handed_in(date(2023, 11, 20)))
        before = await notifications.history()
        async with notifications.pool.connection() as connection:
            await connection.execute("update followers set position = 0 where follower = 'watch_reports'")
        await notifications.listening["watch_reports"].load()
        await notifications.hear(owed(), handed_in(date(2023, 11, 20)))

        assert await notifications.history() == before
        assert len(before) == 2

    async def test_a_report_of_a_unit_that_is_not_known_yet_waits_and_parks_nothing(self, notifications: Running) -> None:
        event = ReportObligationSet(unit="new", on=SET_ON, obligation_id=uuid4(), title="t", year=2023, due_on=DUE_ON)
        at = recorded(event, 1, "membership")
        with pytest.raises(Unavailable):
            await notifications.listening["watch_reports"].take([at])

        notifications.tree.put([unit("new", "ha-noi")])
        await notifications.hear(at)
        assert [event.unit for event in await notifications.history(ReminderScheduled)] == ["new"]


class Waking:
    """A service with a real NATS that wakes it."""

    def __init__(self, service: Running, nats: Connection, clock: ShiftedClock) -> None:
        self.service, self.clock = service, clock
        self.alarm_clock = JetStreamSchedules(nats, clock)
        steps = Steps(service.pool, service.application, service.reminders_seen, SELF, clock)
        self.wake_ups = WakeUps(nats, steps, self.alarm_clock)

    async def until(self, *kinds: Any) -> list[Any]:
        """Wait until something of this kind happened."""

        async def happened() -> bool:
            return bool(await self.service.history(*kinds))

        await eventually(happened)
        await self.service.settled()
        return await self.service.history(*kinds)


class Alarm:
    """An alarm clock set later: the service it belongs to comes after the effect that uses it."""

    behind: Any = None

    async def wake_at(self, moment: datetime, position: int) -> None:
        if self.behind is None:
            raise Unavailable(reason="nats")
        await self.behind.wake_at(moment, position)


@pytest.fixture
async def waking(database: str, clock: ShiftedClock, own_nats: EmbeddedNats) -> AsyncIterator[Waking]:
    await set_up(own_nats.url, ["notifications"])
    nats = Connection(own_nats.url, "notifications")
    await nats.start()
    alarm = Alarm()
    async with running(database, clock, AskToBeWoken(alarm)) as service:
        await eventually(lambda: asyncio.sleep(0, nats.is_connected))
        waking = Waking(service, nats, clock)
        alarm.behind = waking.alarm_clock
        yield waking
    await nats.stop()


class TestWakeUps:
    async def test_a_schedule_fires_and_the_unit_is_reminded_once_in_its_inbox(self, waking: Waking) -> None:
        service, soon = waking.service, days_from_due(-7).now - timedelta(seconds=1.5)
        waking.clock.show(soon)
        async with at_work(waking.wake_ups.run()), at_work(waking.wake_ups.run()):
            await service.hear(owed())
            assert await service.history(ReminderFired) == []
            (fired,) = await waking.until(ReminderFired)

        assert fired.step == "week_before"
        (item,) = await inbox(service, "ba-dinh")
        assert item.subject == "Nhắc nộp báo cáo: Báo cáo tổng kết"
        assert "CĐCS Ba Đình" in item.text
        assert [event.step for event in await service.history(ReminderScheduled)] == ["week_before", "day_before"]
        assert (await figures(service, "ha-noi", 2023, "2023-12-31"))["reminders_sent"] == 1
        await service.do(MarkInboxRead, delivery_id=item.delivery_id, on=ON)
        assert await inbox(service, "ba-dinh", unread_only=True) == []
        assert len(await inbox(service, "ba-dinh")) == 1

    async def test_nothing_fires_for_a_report_that_came_in_before(self, waking: Waking) -> None:
        service, other = waking.service, uuid4()
        waking.clock.show(days_from_due(-7).now - timedelta(seconds=1.5))
        async with at_work(waking.wake_ups.run()):
            # The other report is still out: its reminder tells that the wake-up came.
            await service.hear(owed(1), handed_in(date(2023, 12, 7), 2), owed(3, which=other))
            fired = await waking.until(ReminderFired)

        assert [event.obligation_id for event in fired] == [other]

    async def test_an_escalation_reaches_the_inbox_of_the_superior(self, waking: Waking) -> None:
        service = waking.service
        waking.clock.show(days_from_due(2).now)
        await service.hear(owed())
        waking.clock.show(days_from_due(3).now + timedelta(minutes=1))
        async with at_work(waking.wake_ups.run()):
            (escalation,) = await waking.until(EscalationRaised)

        assert (escalation.superior, escalation.retrospective) == ("ha-noi", False)
        (item,) = await inbox(service, "ha-noi")
        assert item.template == pb.TEMPLATE_REPORT_ESCALATED
        assert "CĐCS Ba Đình" in item.text
        assert await inbox(service, "ba-dinh") == []
        answer: Any = await service.ask("ListReminders", pb.ListRemindersRequest(unit="ha-noi", year=2023))
        assert [(row.escalated_to, row.next_step) for row in answer.reminders] == [("ha-noi", 0)]

    async def test_schedules_that_were_lost_are_asked_for_again(self, waking: Waking, own_nats: EmbeddedNats) -> None:
        service = waking.service
        waking.clock.show(days_from_due(-7).now - timedelta(seconds=1.5))
        await service.hear(owed())
        nats = Connection(own_nats.url, "operator")
        await nats.start()
        await eventually(lambda: asyncio.sleep(0, nats.is_connected))
        assert await cancel(nats.client, "notifications", "wake-20231208T0100")
        await nats.stop()
        async with at_work(waking.wake_ups.run()):
            assert len(await waking.until(ReminderFired)) == 1

    async def test_what_is_no_wake_up_is_put_aside_and_a_wake_up_too_many_does_nothing(
        self, waking: Waking, own_nats: EmbeddedNats
    ) -> None:
        service = waking.service
        waking.clock.show(days_from_due(-7).now - timedelta(seconds=1.5))
        nats = Connection(own_nats.url, "stranger")
        await nats.start()
        await eventually(lambda: asyncio.sleep(0, nats.is_connected))
        for number, body in enumerate((b"nonsense", b"{}", b'{"moment":"2023-12-08T01:00:00+00:00","position":0}')):
            await schedule(nats.client, "notifications", f"odd-{number}", days_from_due(-100).now, body)
        await eventually(lambda: due_messages(nats, 3))
        async with at_work(waking.wake_ups.run()):
            await service.hear(owed())
            assert len(await waking.until(ReminderFired)) == 1
        await nats.stop()


async def due_messages(nats: Connection, number: int) -> bool:
    return int((await api(nats.client, f"STREAM.INFO.{SCHEDULES}"))["state"]["messages"]) >= number


class TestMails:
    async def test_a_mail_is_delivered_once_however_many_senders_there_are(
        self, notifications: Running, port: ReservedPort
    ) -> None:
        mailbox = Mailbox()
        await open_mail(notifications)
        ids = await mail_to_ba_dinh(notifications, 25)
        with listening(mailbox, port.number) as url:
            senders = [notifications.sender(url) for _ in range(3)]
            async with at_work(senders[0].run()), at_work(senders[1].run()), at_work(senders[2].run()):
                await eventually(lambda: sent(notifications, 25))

        assert sorted(mailbox.ids) == sorted(f"<{one}@example.vn>" for one in ids)
        assert set(mailbox.recipients) == {OFFICE}
        assert {event.attempt for event in await notifications.history(NotificationSending)} == {1}
        assert "Kính gửi CĐCS Ba Đình" in mailbox.mails[0].get_content()

    async def test_while_the_server_is_down_it_is_tried_five_times_then_parked_until_it_is_retried(
        self, notifications: Running, port: ReservedPort
    ) -> None:
        mailbox, url = Mailbox(), f"smtp://127.0.0.1:{port.number}"
        await open_mail(notifications)
        (which,) = await mail_to_ba_dinh(notifications)
        async with at_work(notifications.sender(url).run()):
            await eventually(lambda: some(notifications, NotificationParked))
            failures = await notifications.history(NotificationFailed)
            retries = [event.retry_at for event in failures[:4]]
            assert [event.attempt for event in failures] == [1, 2, 3, 4, 5]
            assert retries == sorted(retries)
            assert failures[-1].retry_at is None

            await notifications.settled()
            answer: Any = await notifications.ask("ListDeliveries", pb.ListDeliveriesRequest(unit="ha-noi"))
            ((parked, reason),) = ((row.delivery_id, row.reason) for row in answer.deliveries)
            assert (parked, reason) == (str(which), "SMTPConnectError")

            with listening(mailbox, port.number):
                officer = Caller("x", Role.GRASSROOTS_OFFICER, "ba-dinh")
                await notifications.do(RetryNotification, officer, delivery_id=which, on=ON)
                await eventually(lambda: sent(notifications, 1))
        assert mailbox.ids == [f"<{which}@example.vn>"]

    @pytest.mark.parametrize(
        ("answer", "attempts", "reason"), [("451 later", 5, "smtp 451"), ("550 who is vanphong@x", 1, "smtp 550")]
    )
    async def test_what_the_server_refuses_for_good_is_not_repeated_and_its_words_are_not_kept(
        self, notifications: Running, port: ReservedPort, answer: str, attempts: int, reason: str
    ) -> None:
        mailbox = Mailbox()
        mailbox.refuse_with = answer
        await open_mail(notifications)
        await mail_to_ba_dinh(notifications)
        with listening(mailbox, port.number) as url:
            async with at_work(notifications.sender(url).run()):
                await eventually(lambda: some(notifications, NotificationParked))

        (parked,) = await notifications.history(NotificationParked)
        assert (parked.attempts, parked.reason) == (attempts, reason)

    async def test_a_unit_that_closed_its_mail_in_the_meantime_gets_none(
        self, notifications: Running, port: ReservedPort
    ) -> None:
        mailbox = Mailbox()
        await open_mail(notifications)
        await mail_to_ba_dinh(notifications)
        await notifications.do(SetChannelPreference, unit="ba-dinh", channel="email", open=False, on=ON)
        with listening(mailbox, port.number) as url:
            async with at_work(notifications.sender(url).run()):
                await eventually(lambda: some(notifications, NotificationParked))

        assert mailbox.mails == []
        (parked,) = await notifications.history(NotificationParked)
        assert (parked.reason, parked.attempts) == ("NoAddress", 0)

    async def test_mails_to_members_wait_for_membership_without_using_up_attempts_and_units_do_not_wait(
        self, notifications: Running, port: ReservedPort, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        who, mailbox = uuid4(), Mailbox()
        notifications.members.units[who] = "ba-dinh"
        await notifications.do(SetChannelPreference, member_id=who, channel="email", open=True, on=ON)
        await open_mail(notifications)
        values = {"unit": "ba-dinh", "title": "t", "year": "2023", "due_on": "2023-12-15"}
        parameters = [{"name": name, "value": value} for name, value in values.items()]
        fields = {"channel": "email", "template": "report_due", "parameters": parameters, "on": ON}
        await notifications.do(RequestNotification, SELF, delivery_id=uuid4(), member_id=who, **fields)
        (to_unit,) = await mail_to_ba_dinh(notifications)

        async def nobody_answers(member_ids: Any) -> Any:
            raise Unavailable(reason="membership")

        with listening(mailbox, port.number) as url:
            async with at_work(notifications.sender(url).run()):
                with monkeypatch.context() as patched:
                    patched.setattr(notifications.members, "contacts", nobody_answers)
                    await eventually(lambda: sent(notifications, 1))
                assert mailbox.ids == [f"<{to_unit}@example.vn>"]
                notifications.members.people[who] = Contact("Lê Văn Đức", "duc@example.vn")
                await eventually(lambda: sent(notifications, 2))
        assert {event.attempt for event in await notifications.history(NotificationSending)} == {1}

    async def test_a_sender_killed_after_the_server_took_the_mail_repeats_it_knowingly_under_the_same_id(
        self, notifications: Running, database: str, port: ReservedPort, clock: ShiftedClock
    ) -> None:
        mailbox = Mailbox()
        await open_mail(notifications)
        (which,) = await mail_to_ba_dinh(notifications)
        with listening(mailbox, port.number) as url:
            command = [sys.executable, "-m", "tests.notifications.doomed", database, url, str(clock.shift.total_seconds())]
            environment = {"PYTHONPATH": "services:proto/stubs:."}
            victim = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=environment)
            mailbox.kill = victim.pid
            assert await victim.wait() == -9

            assert mailbox.ids == [f"<{which}@example.vn>"]
            assert [event.doubtful for event in await notifications.history(NotificationSending)] == [False]
            assert await notifications.history(NotificationSent) == []
            async with at_work(notifications.sender(url).run()):
                await eventually(lambda: sent(notifications, 1))

        assert mailbox.ids == [f"<{which}@example.vn>"] * 2
        assert [event.doubtful for event in await notifications.history(NotificationSending)] == [False, True]


class TestTwoProcesses:
    async def test_a_process_refuses_nothing_on_a_state_that_another_has_moved_on(
        self, notifications: Running, database: str, clock: ShiftedClock
    ) -> None:
        which = uuid4()
        await notifications.do(PublishAnnouncement, announcement_id=which, unit="ba-dinh", title="t", body="b", on=ON)
        await open_mail(notifications)
        async with running(database, clock) as other:
            closed: dict[str, Any] = {"unit": "ba-dinh", "channel": "email", "on": ON}
            await other.do(SetChannelPreference, **closed, open=False)
            # In this process mail still looks open, so opening it would seem to change nothing.
            await notifications.do(SetChannelPreference, **closed, open=True, office_address=OFFICE)

        preferences = await notifications.history(ChannelPreferenceSet)
        assert [event.open for event in preferences] == [True, False, True]


async def sent(service: Running, number: int) -> bool:
    return len(await service.history(NotificationSent)) == number


async def some(service: Running, kind: Any) -> bool:
    return bool(await service.history(kind))
