"""Membership over gRPC on a real PostgreSQL and NATS: bad input is refused clearly, and nothing is half-done."""

import asyncio
from collections.abc import AsyncIterator
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
from grpc import StatusCode

from chassis.clients import Refused
from chassis.security import Caller, Role
from congdoan.embedded import EmbeddedNats, EmbeddedPostgres
from tests.serving import FOUNDER, Suite, suite_of

NUMBERS = count(1)


def national_id() -> str:
    return f"{next(NUMBERS):012d}"


class Membership:
    """A running service, called as an officer does."""

    def __init__(self, suite: Suite) -> None:
        self.suite, self.service = suite, suite.services["membership"]

    async def call(self, rpc: str, caller: Caller = FOUNDER, **fields: Any) -> Any:
        return await self.suite.call("membership", rpc, caller, **fields)

    async def do(self, rpc: str, **fields: Any) -> Any:
        """A command with an id of its own."""
        return await self.suite.do("membership", rpc, **{"on": "2020-01-01", **fields})

    async def admit(self, **fields: Any) -> str:
        member_id = str(uuid4())
        plain = {"member_id": member_id, "unit": "so-y-te", "full_name": "Đỗ Thị Ế", "national_id": national_id()}
        await self.do("AdmitMember", **{**plain, "birth_date": "1990-01-01", **fields})
        return member_id

    async def figure(self, name: str, unit: str = "tld", year: int = 2020) -> int:
        await self.all_seen()
        answer = await self.call("GetFigures", unit=unit, year=year)
        return int(next(figure.count for figure in answer.figures if figure.name == name))

    async def all_seen(self) -> None:
        """Let the next answer have seen the whole history, whoever's call was answered last."""
        self.suite.seen["membership"] = await self.service.store.head()


@pytest.fixture
async def members(postgres: EmbeddedPostgres, own_nats: EmbeddedNats) -> AsyncIterator[Membership]:
    async with suite_of(postgres, own_nats.url, "membership") as suite:
        await suite.establish("tld", 1, on="1929-07-28")
        await suite.establish("cdvcvn", 2, "tld", on="1994-07-02")
        for code, level, parent in (("vinh-phuc", 3, "cdvcvn"), ("so-y-te", 5, "vinh-phuc"), ("so-noi-vu", 5, "vinh-phuc")):
            await suite.establish(code, level, parent, on="1997-01-01")
        yield Membership(suite)


async def refused(call: Any, status: StatusCode, rule: str, *fields: str) -> Refused:
    with pytest.raises(Refused) as caught:
        await call
    assert (caught.value.status, caught.value.rule) == (status, rule)
    assert [field for field, _ in caught.value.fields] == list(fields)
    return caught.value


async def test_what_does_not_exist_is_not_found(members: Membership) -> None:
    unit = members.do("EstablishUnit", unit="x-y", name="X", level=5, line_parent="nowhere")
    await refused(unit, StatusCode.NOT_FOUND, "UnitUnknown", "line_parent")
    await refused(members.admit(unit="nowhere"), StatusCode.NOT_FOUND, "UnitUnknown", "unit")
    leave = members.do("LeaveUnion", member_id=str(uuid4()), reason="x")
    await refused(leave, StatusCode.NOT_FOUND, "MemberUnknown", "member_id")
    await refused(members.call("GetFigures", unit="nowhere", year=2020), StatusCode.NOT_FOUND, "UnitUnknown", "unit")


async def test_a_cycle_in_the_tree_is_refused(members: Membership) -> None:
    moved = members.do("AttachUnit", unit="cdvcvn", attachment=1, parent="vinh-phuc")
    await refused(moved, StatusCode.FAILED_PRECONDITION, "CycleInTree", "parent")


async def test_of_many_who_bring_the_same_national_id_at_once_one_is_admitted(members: Membership) -> None:
    same = national_id()
    outcomes = await asyncio.gather(*[members.admit(national_id=same) for _ in range(12)], return_exceptions=True)
    refusals = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
    assert len(refusals) == 11
    assert {(refusal.status, refusal.rule) for refusal in refusals} == {(StatusCode.ALREADY_EXISTS, "NationalIdTaken")}
    assert all(same not in str(refusal) + refusal.sentence for refusal in refusals)
    assert await members.figure("members") == 1


async def test_who_left_can_be_admitted_again_and_who_is_there_cannot(members: Membership) -> None:
    same = national_id()
    first = await members.admit(national_id=same)
    await members.do("LeaveUnion", member_id=first, reason="Chuyển công tác", on="2021-01-01")
    await members.admit(national_id=same, on="2022-01-01")
    assert (await members.figure("members", year=2020), await members.figure("members", year=2021)) == (1, 0)


async def test_a_batch_keeps_the_good_items_and_names_the_bad(members: Membership) -> None:
    taken = national_id()
    plain = {"unit": "so-y-te", "full_name": "Lê Ân", "birth_date": "1990-01-01", "on": "2020-01-01"}
    items = [{**plain, "command_id": str(uuid4()), "member_id": str(uuid4()), "national_id": national_id()} for _ in range(8)]
    items[1]["national_id"] = items[3]["national_id"] = taken
    items[5] |= {"national_id": "12", "birth_date": "yesterday"}
    items[6]["unit"] = "nowhere"
    answers = (await members.call("BatchAdmitMember", items=items)).items
    told = {number: (item.refusal.rule, item.refusal.field) for number, item in enumerate(answers) if item.HasField("refusal")}
    assert told == {3: ("NationalIdTaken", "national_id"), 5: ("Invalid", "national_id"), 6: ("UnitUnknown", "unit")}
    assert answers[5].refusal.status == StatusCode.INVALID_ARGUMENT.value[0]
    assert await members.figure("members") == 5
    again = (await members.call("BatchAdmitMember", items=items)).items
    assert [item.answer for item in again] == [item.answer for item in answers]
    assert await members.figure("members") == 5


async def test_a_repeated_command_gets_the_first_answer_also_when_its_rule_would_now_refuse_it(members: Membership) -> None:
    member_id, command_id = await members.admit(), str(uuid4())
    first = await members.do("LeaveUnion", command_id=command_id, member_id=member_id, reason="Nghỉ hưu")
    assert await members.do("LeaveUnion", command_id=command_id, member_id=member_id, reason="Nghỉ hưu") == first
    other = members.do("LeaveUnion", command_id=command_id, member_id=member_id, reason="Lý do khác")
    await refused(other, StatusCode.ALREADY_EXISTS, "CommandIdReused", "command_id")
    again = members.do("LeaveUnion", member_id=member_id, reason="Nghỉ hưu")
    await refused(again, StatusCode.FAILED_PRECONDITION, "MemberHasLeft", "member_id")


async def test_an_old_version_is_said_when_it_matters_and_retried_when_it_does_not(members: Membership) -> None:
    member_id = await members.admit()
    await members.do("RecordHardship", member_id=member_id, grade=1)
    old = members.do("LeaveUnion", member_id=member_id, reason="x", expected_version=1)
    await refused(old, StatusCode.ABORTED, "Conflict", "expected_version")
    grades = [members.do("RecordHardship", member_id=member_id, grade=2 - number % 2) for number in range(10)]
    outcomes = await asyncio.gather(*grades, return_exceptions=True)
    assert all(not isinstance(outcome, Refused) or outcome.rule == "NothingChanges" for outcome in outcomes)


async def test_a_unit_is_dissolved_only_when_nobody_is_left_and_then_nothing_new_happens_in_it(members: Membership) -> None:
    member_id = await members.admit()
    dissolve = {"unit": "so-y-te", "reason": "Sáp nhập", "on": "2021-01-01"}
    await refused(members.do("DissolveUnit", **dissolve), StatusCode.FAILED_PRECONDITION, "UnitNotEmpty")
    await members.do("LeaveUnion", member_id=member_id, reason="x")
    await members.do("DissolveUnit", **dissolve)
    report = members.do(
        "SetReportObligation", obligation_id=str(uuid4()), unit="so-y-te", title="Tổng kết", year=2021, due_on="2021-12-01"
    )
    await refused(report, StatusCode.FAILED_PRECONDITION, "UnitIsDissolved", "unit")
    await refused(members.admit(on="2021-06-01"), StatusCode.FAILED_PRECONDITION, "UnitIsDissolved", "unit")
    assert (await members.figure("grassroots_units", year=2020), await members.figure("grassroots_units", year=2021)) == (2, 1)


async def test_while_some_are_admitted_a_unit_is_dissolved_before_or_after_but_never_under_them(members: Membership) -> None:
    dissolve = members.do("DissolveUnit", unit="so-noi-vu", reason="Sáp nhập", on="2021-01-01")
    admissions = [members.admit(unit="so-noi-vu") for _ in range(20)]
    outcomes = await asyncio.gather(*admissions[:10], dissolve, *admissions[10:], return_exceptions=True)
    dissolved = not isinstance(outcomes[10], Refused)
    admitted = await members.figure("members")
    assert admitted == sum(isinstance(outcome, str) for outcome in outcomes)
    assert not (dissolved and admitted)


async def test_a_transfer_moves_the_member_when_the_new_unit_accepts(members: Membership) -> None:
    member_id, move = await members.admit(), {"transfer_id": str(uuid4())}
    await members.do("RequestTransfer", member_id=member_id, to_unit="so-noi-vu", **move)
    early = members.do("AcceptTransfer", member_id=member_id, **move)
    await refused(early, StatusCode.FAILED_PRECONDITION, "NotReleased", "transfer_id")
    await members.do("ReleaseMember", member_id=member_id, **move)
    stranger = Caller("officer-2", Role.GRASSROOTS_OFFICER, "so-y-te", "en")
    accept: dict[str, Any] = {"command_id": str(uuid4()), "member_id": member_id, "on": "2020-02-01", **move}
    await refused(members.call("AcceptTransfer", stranger, **accept), StatusCode.PERMISSION_DENIED, "Forbidden")
    neighbour = Caller("officer-3", Role.GRASSROOTS_OFFICER, "so-noi-vu", "en")
    await members.call("AcceptTransfer", neighbour, **accept)
    checks = await members.call("CheckMembers", member_ids=[member_id], unit="so-noi-vu")
    assert [(check.unit, check.in_subtree) for check in checks.members] == [("so-noi-vu", True)]


async def test_members_are_found_without_diacritics_and_listed_as_a_vietnamese_reader_expects(members: Membership) -> None:
    for name in ("Nguyễn Văn Đức", "Trần Thị Ánh", "Lê Thị Dung", "Phạm Văn Ân", "Bùi Thị An"):
        await members.admit(full_name=name)
    await members.all_seen()
    listed, after = [], ""
    while True:
        page = await members.call("ListMembers", unit="vinh-phuc", page={"size": 2, "after": after})
        listed += [member.full_name for member in page.members]
        after = page.next
        if not after:
            break
    assert listed == ["Bùi Thị An", "Trần Thị Ánh", "Phạm Văn Ân", "Lê Thị Dung", "Nguyễn Văn Đức"]
    found = await members.call("ListMembers", unit="vinh-phuc", name="duc")
    assert [member.full_name for member in found.members] == ["Nguyễn Văn Đức"]
    none = await members.call("ListMembers", unit="vinh-phuc", name="%")
    assert not none.members


@pytest.mark.parametrize(
    ("rpc", "fields", "field"),
    [
        ("ListMembers", {"unit": "vinh-phuc", "page": {"size": 1001}}, "page.size"),
        ("ListMembers", {"unit": "vinh-phuc", "page": {"after": "x"}}, "page.after"),
        ("ListUnits", {"unit": "tld", "as_of": "31/12/2024"}, "as_of"),
        ("CheckMembers", {"unit": "tld", "member_ids": ["1"]}, "member_ids"),
        ("CheckMembers", {"unit": "tld", "member_ids": [str(uuid4())] * 1001}, "member_ids"),
        ("GetFigures", {"unit": "tld", "year": 24}, "year"),
        ("ListPlanItems", {"unit": "tld", "year": 0}, "year"),
    ],
)
async def test_a_bad_question_is_refused_with_its_field(members: Membership, rpc: str, fields: Any, field: str) -> None:
    await refused(members.call(rpc, **fields), StatusCode.INVALID_ARGUMENT, "Invalid", field)


async def test_only_a_service_learns_where_to_reach_members(members: Membership) -> None:
    member_id = await members.admit(email="e@example.vn")
    consent: dict[str, Any] = {"person_id": member_id, "purpose": 1, "given_by": 1, "text_version": "1", "evidence": "Phiếu 1"}
    await members.do("GiveConsent", **consent)
    await refused(members.call("GetMemberContacts", member_ids=[member_id]), StatusCode.PERMISSION_DENIED, "Forbidden")
    service = Caller("notifications", Role.SERVICE, "")
    await members.all_seen()
    told = await members.call("GetMemberContacts", service, member_ids=[member_id, str(uuid4())])
    assert [(contact.full_name, contact.email) for contact in told.contacts] == [("Đỗ Thị Ế", "e@example.vn")]


async def test_the_tree_is_told_as_of_a_day(members: Membership) -> None:
    await members.do("AttachUnit", unit="so-y-te", attachment=1, parent="cdvcvn", on="2022-01-01")
    await members.all_seen()

    async def under(unit: str, as_of: str) -> list[str]:
        answer = await members.call("ListUnits", unit=unit, as_of=as_of)
        return [each.unit for each in answer.units]

    assert await under("vinh-phuc", "2021-12-31") == ["so-noi-vu", "so-y-te", "vinh-phuc"]
    assert await under("vinh-phuc", "2022-01-01") == ["so-noi-vu", "vinh-phuc"]
    assert await under("vinh-phuc", "1990-01-01") == []
    moved = await members.call("GetUnit", unit="so-y-te", as_of="2022-01-01")
    assert (moved.line_parent, moved.branch) == ("cdvcvn", "national")
