"""Who may see and change what: the unit's own officers and those above it, nobody beside or below it."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest

from chassis.commands import Call
from chassis.refusals import Forbidden, Unavailable
from chassis.security import Caller, Role
from federation.contract.v1.contract_pb2 import GetFiguresRequest
from federation.notifications.v1 import notifications_pb2 as pb
from membership.events import ReportObligationSet
from notifications.domain.announcement import MarkAnnouncementRead, PublishAnnouncement
from notifications.domain.channel_preference import SetChannelPreference
from notifications.domain.delivery import MarkInboxRead, RequestNotification
from notifications.domain.mailing import RetryNotification
from tests.notifications.recorded import recorded
from tests.notifications.reports import days_from_due
from tests.notifications.running import SELF, TOP, Running, ShiftedClock, running, unit

ON = date(2023, 11, 1)
MEMBER = UUID(int=81)
ABOVE = Caller("above", Role.PROVINCE_OFFICER, "ha-noi")
OWN = Caller("own", Role.GRASSROOTS_OFFICER, "ba-dinh")
BELOW = Caller("below", Role.GRASSROOTS_OFFICER, "to-1")
BESIDE = Caller("beside", Role.PROVINCE_OFFICER, "hoan-kiem")
ANOTHER_BRANCH = Caller("another-branch", Role.FEDERATION_OFFICER, "hai-phong")
AUDITOR = Caller("auditor", Role.AUDITOR, "")
NOT_ALLOWED = (BELOW, BESIDE, ANOTHER_BRANCH)
ALLOWED = (OWN, ABOVE, TOP, AUDITOR)


@pytest.fixture
async def notifications(database: str) -> AsyncIterator[Running]:
    """cdvcvn above hà nội and hải phòng; Ba Đình with a group in it, and Hoàn Kiếm beside it; each with its messages."""
    clock = ShiftedClock()
    clock.show(days_from_due(-44, hour=10).now)
    async with running(database, clock) as service:
        service.tree.put([unit("to-1", "ba-dinh"), unit("hoan-kiem", "ha-noi"), unit("hai-phong", "cdvcvn")])
        service.members.units[MEMBER] = "ba-dinh"
        owed = []
        for number, code in enumerate(("cdvcvn", "ha-noi", "ba-dinh", "to-1", "hoan-kiem", "hai-phong"), 1):
            await message(service, unit=code)
            told: dict[str, Any] = {"obligation_id": UUID(int=number), "title": code, "year": 2023, "due_on": date(2023, 12, 15)}
            owed.append(recorded(ReportObligationSet(unit=code, on=ON, **told), number, "membership"))
        await message(service, member_id=MEMBER)
        await service.hear(*owed)
        yield service


async def message(service: Running, **recipient: Any) -> UUID:
    which = uuid4()
    values = {"unit": "ba-dinh", "title": "t", "year": "2023", "due_on": "2023-12-15"}
    parameters = [{"name": name, "value": value} for name, value in values.items()]
    fields: dict[str, Any] = {"channel": "in_app", "template": "report_due", "parameters": parameters, "on": ON}
    command = {"command_id": uuid4(), "delivery_id": which, **recipient, **fields}
    await service.application.execute(Call(SELF), RequestNotification.model_validate(command))
    return which


async def announced(service: Running, code: str) -> UUID:
    which = uuid4()
    await service.do(PublishAnnouncement, announcement_id=which, unit=code, title=code, body="b", on=ON)
    return which


QUESTIONS: list[tuple[str, Any]] = [
    ("ListAnnouncements", pb.ListAnnouncementsRequest(unit="ba-dinh")),
    ("ListInbox", pb.ListInboxRequest(unit="ba-dinh")),
    ("GetFigures", GetFiguresRequest(unit="ba-dinh", year=2023)),
]


@pytest.mark.parametrize(("rpc", "request_"), QUESTIONS)
async def test_what_is_about_one_unit_is_for_its_own_officers_and_those_above(
    notifications: Running, rpc: str, request_: Any
) -> None:
    for caller in ALLOWED:
        await notifications.ask(rpc, request_, caller)
    for caller in NOT_ALLOWED:
        with pytest.raises(Forbidden):
            await notifications.ask(rpc, request_, caller)


async def test_the_reach_of_an_announcement_is_for_the_announcing_unit_and_those_above(notifications: Running) -> None:
    request = pb.GetReachRequest(announcement_id=str(await announced(notifications, "ba-dinh")))
    for caller in ALLOWED:
        assert (await notifications.ask("GetReach", request, caller)).audience == 2
    for caller in NOT_ALLOWED:
        with pytest.raises(Forbidden):
            await notifications.ask("GetReach", request, caller)


async def test_a_member_sees_what_was_announced_to_its_unit_and_no_inbox(notifications: Running) -> None:
    await announced(notifications, "cdvcvn")
    member = Caller("member", Role.MEMBER, "ba-dinh")
    answer = await notifications.ask("ListAnnouncements", pb.ListAnnouncementsRequest(unit="ba-dinh"), member)
    assert [one.title for one in answer.announcements] == ["cdvcvn"]
    with pytest.raises(Forbidden):
        await notifications.ask("ListInbox", pb.ListInboxRequest(unit="ba-dinh"), member)


@pytest.mark.parametrize(
    ("caller", "seen"),
    [
        (TOP, ["ba-dinh", "cdvcvn", "ha-noi", "hai-phong", "hoan-kiem", "to-1"]),
        (AUDITOR, ["ba-dinh", "cdvcvn", "ha-noi", "hai-phong", "hoan-kiem", "to-1"]),
        (ABOVE, ["ba-dinh", "ha-noi", "hoan-kiem", "to-1"]),
        (OWN, ["ba-dinh", "to-1"]),
        (BELOW, ["to-1"]),
        (BESIDE, ["hoan-kiem"]),
    ],
)
async def test_lists_of_a_subtree_show_the_part_of_it_that_is_the_callers(
    notifications: Running, caller: Caller, seen: list[str]
) -> None:
    reminders = await notifications.ask("ListReminders", pb.ListRemindersRequest(unit="cdvcvn", year=2023), caller)
    assert [row.unit for row in reminders.reminders] == seen
    request = pb.ListDeliveriesRequest(unit="cdvcvn", status=pb.DELIVERY_STATUS_DELIVERED)
    deliveries = await notifications.ask("ListDeliveries", request, caller)
    assert sorted({row.unit for row in deliveries.deliveries if row.unit}) == seen
    assert any(row.member_id for row in deliveries.deliveries) == ("ba-dinh" in seen)


async def test_lists_of_a_subtree_in_which_nothing_is_the_callers_are_refused(notifications: Running) -> None:
    for caller in (BESIDE, ANOTHER_BRANCH):
        with pytest.raises(Forbidden):
            await notifications.ask("ListReminders", pb.ListRemindersRequest(unit="ba-dinh", year=2023), caller)
        with pytest.raises(Forbidden):
            await notifications.ask("ListDeliveries", pb.ListDeliveriesRequest(unit="ba-dinh"), caller)


async def test_the_inbox_of_a_member_shows_what_stands_at_units_that_are_the_callers(notifications: Running) -> None:
    request = pb.ListInboxRequest(member_id=str(MEMBER))
    for caller in ALLOWED:
        assert len((await notifications.ask("ListInbox", request, caller)).items) == 1
    for caller in NOT_ALLOWED:
        assert list((await notifications.ask("ListInbox", request, caller)).items) == []


async def test_after_a_move_each_unit_sees_the_messages_of_its_own_time(notifications: Running) -> None:
    notifications.members.units[MEMBER] = "hoan-kiem"
    await message(notifications, member_id=MEMBER)
    await notifications.settled()
    request = pb.ListInboxRequest(member_id=str(MEMBER))
    for caller, number in ((OWN, 1), (BESIDE, 1), (ABOVE, 2), (ANOTHER_BRANCH, 0)):
        assert len((await notifications.ask("ListInbox", request, caller)).items) == number


async def test_a_tree_that_nobody_confirmed_widens_no_right_and_takes_none_away_at_the_own_unit(notifications: Running) -> None:
    notifications.tree.lease.end()
    await notifications.ask("ListInbox", pb.ListInboxRequest(unit="ba-dinh"), OWN)
    with pytest.raises(Unavailable):
        await notifications.ask("ListInbox", pb.ListInboxRequest(unit="ba-dinh"), ABOVE)
    with pytest.raises(Unavailable):
        await notifications.ask("ListReminders", pb.ListRemindersRequest(unit="ba-dinh", year=2023), ABOVE)


async def test_commands_are_checked_at_the_unit_of_what_they_are_about_and_not_at_one_they_name(notifications: Running) -> None:
    which = await message(notifications, unit="ba-dinh")
    for caller in NOT_ALLOWED:
        with pytest.raises(Forbidden):
            await notifications.do(MarkInboxRead, caller, delivery_id=which, on=ON)
        with pytest.raises(Forbidden):
            await notifications.do(RetryNotification, caller, delivery_id=which, on=ON)
    of_the_member = await message(notifications, member_id=MEMBER)
    notifications.members.units[MEMBER] = "hoan-kiem"
    with pytest.raises(Forbidden):
        await notifications.do(MarkInboxRead, BESIDE, delivery_id=of_the_member, on=ON)
    await notifications.do(MarkInboxRead, OWN, delivery_id=of_the_member, on=ON)


async def test_nobody_takes_over_an_announcement_by_naming_an_own_unit(notifications: Running) -> None:
    which = await announced(notifications, "ba-dinh")
    with pytest.raises(Forbidden):
        await notifications.do(PublishAnnouncement, BESIDE, announcement_id=which, unit="hoan-kiem", title="t", body="b", on=ON)
    with pytest.raises(Forbidden):
        await notifications.do(MarkAnnouncementRead, BELOW, announcement_id=which, reader="ba-dinh", on=ON)
    await notifications.do(MarkAnnouncementRead, BELOW, announcement_id=which, reader="to-1", on=ON)


async def test_the_channel_of_a_member_is_opened_where_the_member_is_now(notifications: Running) -> None:
    choice: dict[str, Any] = {"member_id": MEMBER, "channel": "email", "on": ON}
    for caller in NOT_ALLOWED:
        with pytest.raises(Forbidden):
            await notifications.do(SetChannelPreference, caller, open=True, **choice)
    await notifications.do(SetChannelPreference, OWN, open=True, **choice)
    notifications.members.units[MEMBER] = "hoan-kiem"
    with pytest.raises(Forbidden):
        await notifications.do(SetChannelPreference, OWN, open=False, **choice)
    await notifications.do(SetChannelPreference, BESIDE, open=False, **choice)
