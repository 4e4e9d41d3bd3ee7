"""Consents, children and names on real servers: who agrees, who may know a name, and who read which."""

from collections.abc import AsyncIterator
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
from grpc import StatusCode

from chassis.clients import Refused
from chassis.security import Caller, Role
from congdoan.embedded import EmbeddedNats, EmbeddedPostgres
from federation.membership.v1 import consents_pb2 as pb
from federation.membership.v1 import personal_data_pb2
from tests.serving import Suite, suite_of

NUMBERS = count(1)
OFFICER = Caller("officer-y-te", Role.GRASSROOTS_OFFICER, "so-y-te", "en")
NEIGHBOUR = Caller("officer-noi-vu", Role.GRASSROOTS_OFFICER, "so-noi-vu", "en")
PROVINCE = Caller("officer-vinh-phuc", Role.PROVINCE_OFFICER, "vinh-phuc", "en")
MEMBER = Caller("a-member", Role.MEMBER, "so-y-te", "en")
AUDITOR = Caller("auditor-1", Role.AUDITOR, "", "en")
NOTIFICATIONS, AWARDS = Caller("notifications", Role.SERVICE, ""), Caller("awards", Role.SERVICE, "")
EMAIL, HONOUR = pb.CONSENT_PURPOSE_EMAIL_NOTICES, pb.CONSENT_PURPOSE_CHILD_HONOUR_PUBLICATION
SELF, GUARDIAN = pb.CONSENT_GIVER_SELF, pb.CONSENT_GIVER_GUARDIAN
FORM: dict[str, Any] = {"text_version": "2026-01", "evidence": "Phiếu 17"}


class Membership:
    """The service, and how the tests call it."""

    def __init__(self, suite: Suite) -> None:
        self.suite = suite

    async def call(self, rpc: str, caller: Caller = OFFICER, **fields: Any) -> Any:
        return await self.suite.call("membership", rpc, caller, **fields)

    async def do(self, rpc: str, caller: Caller = OFFICER, on: str = "2026-02-01", **fields: Any) -> Any:
        return await self.suite.do("membership", rpc, caller, on=on, **fields)

    async def admit(self, unit: str = "so-y-te", name: str = "Nguyễn Thị Lan") -> str:
        who = str(uuid4())
        person: dict[str, Any] = {"full_name": name, "national_id": f"{next(NUMBERS):012d}", "email": "l@x.vn"}
        fields = {"member_id": who, "unit": unit, "birth_date": "1985-03-08", **person}
        await self.do("AdmitMember", PROVINCE, "2020-01-01", **fields)
        return who

    async def register(self, parent: str, born: str = "2018-03-08") -> str:
        child = str(uuid4())
        fields: dict[str, Any] = {"child_id": child, "member_id": parent, "full_name": "Nguyễn Minh Anh", "birth_date": born}
        await self.do("RegisterChild", on="2025-01-01", **fields)
        return child

    async def give(self, person_id: str, purpose: Any = EMAIL, given_by: Any = SELF, **fields: Any) -> None:
        await self.do("GiveConsent", person_id=person_id, purpose=purpose, given_by=given_by, **{**FORM, **fields})

    async def withdraw(self, person_id: str, purpose: Any = EMAIL, given_by: Any = SELF, on: str = "2026-03-01") -> None:
        await self.do("WithdrawConsent", on=on, person_id=person_id, purpose=purpose, given_by=given_by)

    async def erase(self, person_id: str) -> None:
        """A member or a child, on a request that was accepted."""
        request_id, kind = str(uuid4()), personal_data_pb2.DATA_REQUEST_KIND_ERASURE
        await self.do("ReceiveDataRequest", on="2026-02-02", request_id=request_id, person_id=person_id, kind=kind)
        await self.do("AnswerDataRequest", on="2026-02-03", request_id=request_id, accepted=True)
        erasing: dict[str, Any] = {"on": "2026-02-04", "person_id": person_id, "request_id": request_id}
        await refused(self.do("EraseSubject", OFFICER, **erasing), StatusCode.PERMISSION_DENIED, "Forbidden")
        await self.do("EraseSubject", PROVINCE, **erasing)

    async def names(self, *ids: str, caller: Caller = OFFICER, reason: str = "") -> list[tuple[str, bool, str]]:
        """Name, whether erased, and the rule by which it is withheld, of each member asked for."""
        answer = await self.call("GetMemberNames", caller, member_ids=ids, reason=reason)
        assert [member.member_id for member in answer.members] == list(ids)
        return [(member.full_name, member.erased, member.refusal.rule) for member in answer.members]

    async def readings(self, caller: Caller = PROVINCE, unit: str = "vinh-phuc", **page: Any) -> list[Any]:
        return list((await self.call("ListReadings", caller, unit=unit, page=page)).readings)

    async def head(self) -> int:
        return await self.suite.services["membership"].store.head()


@pytest.fixture
async def members(postgres: EmbeddedPostgres, own_nats: EmbeddedNats) -> AsyncIterator[Membership]:
    """Membership with a province and two grassroots unions."""
    async with suite_of(postgres, own_nats.url, "membership") as suite:
        await suite.establish("tld", 1)
        await suite.establish("vinh-phuc", 3, "tld")
        for code in ("so-y-te", "so-noi-vu"):
            await suite.establish(code, 5, "vinh-phuc")
        yield Membership(suite)


async def refused(call: Any, status: StatusCode, rule: str) -> None:
    with pytest.raises(Refused) as caught:
        await call
    assert (caught.value.status, caught.value.rule) == (status, rule)


async def test_a_consent_holds_from_the_day_it_is_given_until_it_is_taken_back(members: Membership) -> None:
    lan, silent = await members.admit(), await members.admit()
    await members.give(lan)
    await members.give(lan, text_version="2026-02", on="2026-02-10")
    await members.withdraw(lan)

    async def agrees(on: str) -> list[bool]:
        asked: dict[str, Any] = {"person_ids": [lan, silent, str(uuid4())], "purpose": EMAIL, "on": on}
        answer = await members.call("CheckConsents", NOTIFICATIONS, **asked)
        return [person.self for person in answer.persons]

    assert await agrees("2026-01-31") == [False, False, False]
    assert await agrees("2026-02-01") == [True, False, False]
    assert await agrees("2026-02-28") == [True, False, False]
    assert await agrees("2026-03-01") == [False, False, False]
    listed = (await members.call("ListConsents", person_id=lan)).consents
    assert [(one.text_version, one.evidence, one.given_on, one.withdrawn_on) for one in listed] == [
        ("2026-01", "Phiếu 17", "2026-02-01", "2026-03-01"),
        ("2026-02", "Phiếu 17", "2026-02-10", "2026-03-01"),
    ]


async def test_consents_are_recorded_and_seen_at_the_persons_own_unit(members: Membership) -> None:
    lan = await members.admit()
    kid = await members.register(lan)
    await members.give(lan)
    fields: dict[str, Any] = {"person_id": lan, "purpose": EMAIL, "given_by": SELF}
    for rpc, more in (("GiveConsent", FORM), ("WithdrawConsent", {})):
        denied = members.do(rpc, NEIGHBOUR, **fields, **more)
        await refused(denied, StatusCode.PERMISSION_DENIED, "Forbidden")
    for person in (lan, kid):
        await refused(members.call("ListConsents", NEIGHBOUR, person_id=person), StatusCode.PERMISSION_DENIED, "Forbidden")
    await refused(members.call("ListChildren", NEIGHBOUR, member_id=lan), StatusCode.PERMISSION_DENIED, "Forbidden")
    for asked in (MEMBER, AUDITOR):
        await refused(members.call("ListConsents", asked, person_id=lan), StatusCode.PERMISSION_DENIED, "Forbidden")
    unknown = members.call("ListConsents", person_id=str(uuid4()))
    await refused(unknown, StatusCode.NOT_FOUND, "PersonUnknown")
    children = (await members.call("ListChildren", member_id=lan)).children
    assert [(child.child_id, child.full_name, child.birth_date) for child in children] == [(kid, "Nguyễn Minh Anh", "2018-03-08")]


async def test_only_the_services_named_ask_who_agrees(members: Membership) -> None:
    lan = await members.admit()
    for caller in (OFFICER, PROVINCE, AUDITOR):
        asked = members.call("CheckConsents", caller, person_ids=[lan], purpose=EMAIL)
        await refused(asked, StatusCode.PERMISSION_DENIED, "Forbidden")
    child = members.call("CheckChildPublication", NOTIFICATIONS, child_ids=[str(uuid4())])
    await refused(child, StatusCode.PERMISSION_DENIED, "Forbidden")
    nothing = members.call("CheckConsents", NOTIFICATIONS, person_ids=[lan])
    await refused(nothing, StatusCode.INVALID_ARGUMENT, "Invalid")
    many = members.call("CheckConsents", NOTIFICATIONS, person_ids=[str(uuid4())] * 1_001, purpose=EMAIL)
    await refused(many, StatusCode.INVALID_ARGUMENT, "Invalid")


async def test_a_mail_address_is_told_only_while_its_owner_agrees_to_notices(members: Membership) -> None:
    lan = await members.admit()

    async def told() -> list[tuple[str, str]]:
        answer = await members.call("GetMemberContacts", NOTIFICATIONS, member_ids=[lan, str(uuid4())])
        return [(contact.full_name, contact.email) for contact in answer.contacts]

    assert await told() == []
    await members.give(lan)
    assert await told() == [("Nguyễn Thị Lan", "l@x.vn")]
    await members.withdraw(lan)
    assert await told() == []
    await refused(members.call("GetMemberContacts", AWARDS, member_ids=[lan]), StatusCode.PERMISSION_DENIED, "Forbidden")


async def test_of_a_child_services_learn_whose_it_is_and_who_agrees_and_never_when_it_was_born(members: Membership) -> None:
    lan = await members.admit()
    kid, baby = await members.register(lan), await members.register(lan, "2022-05-05")
    for child in (kid, baby):
        await members.give(child, HONOUR, GUARDIAN, guardian_id=lan)
    await members.give(kid, HONOUR)

    async def check(child: str, on: str) -> Any:
        (found,) = (await members.call("CheckChildPublication", AWARDS, child_ids=[child], on=on)).children
        return found

    whose: dict[str, Any] = {"known": True, "member_id": lan, "unit": "so-y-te", "parent_active": True}
    everybody = pb.ChildCheck(child_id=kid, **whose, guardian_consent=True, child_consent_needed=True, child_consent=True)
    assert await check(kid, "2026-02-01") == everybody
    assert await check(kid, "2026-01-31") == pb.ChildCheck(child_id=kid, **whose, child_consent_needed=True)
    assert not (await check(kid, "2025-03-07")).child_consent_needed
    assert (await check(kid, "2025-03-08")).child_consent_needed
    assert await check(baby, "2026-02-01") == pb.ChildCheck(child_id=baby, **whose, guardian_consent=True)
    stranger = str(uuid4())
    assert await check(stranger, "2026-02-01") == pb.ChildCheck(child_id=stranger)
    assert {field.name for field in pb.ChildCheck.DESCRIPTOR.fields if "birth" in field.name or "name" in field.name} == set()

    await members.withdraw(kid, HONOUR)
    # What goes on from a day must not have been taken back since, whatever was so on that day.
    assert not (await check(kid, "2026-02-01")).child_consent
    await members.do("LeaveUnion", on="2026-04-01", member_id=lan, reason="Nghỉ hưu")
    assert (await check(baby, "2026-03-31")).parent_active
    assert not (await check(baby, "2026-04-01")).parent_active


async def test_the_unit_of_a_child_is_its_parents_on_the_day(members: Membership) -> None:
    lan = await members.admit()
    kid = await members.register(lan)
    move: dict[str, Any] = {"member_id": lan, "transfer_id": str(uuid4())}
    await members.do("RequestTransfer", to_unit="so-noi-vu", **move)
    await members.do("ReleaseMember", **move)
    await members.do("AcceptTransfer", NEIGHBOUR, "2026-02-02", **move)
    for on, unit in (("2026-02-01", "so-y-te"), ("2026-02-02", "so-noi-vu"), ("2019-12-31", "")):
        answer = await members.call("CheckChildPublication", AWARDS, child_ids=[kid], on=on)
        assert answer.children[0].unit == unit
    late = members.do("CorrectChildDetails", child_id=kid, full_name="Nguyễn Minh An")
    await refused(late, StatusCode.PERMISSION_DENIED, "Forbidden")
    await members.do("CorrectChildDetails", NEIGHBOUR, child_id=kid, full_name="Nguyễn Minh An")
    children = (await members.call("ListChildren", NEIGHBOUR, member_id=lan)).children
    assert [child.full_name for child in children] == ["Nguyễn Minh An"]


async def test_an_id_that_belongs_to_something_else_is_taken_or_is_nobody(members: Membership) -> None:
    lan = await members.admit()
    kid, obligation = await members.register(lan), str(uuid4())
    report: dict[str, Any] = {"unit": "so-y-te", "title": "Báo cáo năm", "year": 2026, "due_on": "2026-12-31"}
    await members.do("SetReportObligation", PROVINCE, obligation_id=obligation, **report)
    child: dict[str, Any] = {"member_id": lan, "full_name": "Nguyễn Minh Anh", "birth_date": "2018-03-08"}
    person = {"full_name": "Lê Hà", "national_id": f"{next(NUMBERS):012d}", "birth_date": "1985-03-08"}
    for taken, own_rule in ((lan, "MemberExists"), (kid, "ChildExists"), (obligation, "ObligationExists")):
        beginnings = {
            "MemberExists": members.do("AdmitMember", PROVINCE, member_id=taken, unit="so-y-te", **person),
            "ChildExists": members.do("RegisterChild", child_id=taken, **child),
            "ObligationExists": members.do("SetReportObligation", PROVINCE, obligation_id=taken, **report),
            "RequestExists": members.do("ReceiveDataRequest", request_id=taken, person_id=kid, kind=1),
        }
        for rule, beginning in beginnings.items():
            await refused(beginning, StatusCode.ALREADY_EXISTS, rule if rule == own_rule else "IdTaken")
    wrong = members.do("CorrectChildDetails", child_id=lan, full_name="Lê Hà")
    await refused(wrong, StatusCode.NOT_FOUND, "ChildUnknown")
    wrong = members.do("LeaveUnion", PROVINCE, member_id=kid, reason="Nghỉ hưu")
    await refused(wrong, StatusCode.NOT_FOUND, "MemberUnknown")
    wrong = members.do("ReceiveDataRequest", request_id=str(uuid4()), person_id=obligation, kind=1)
    await refused(wrong, StatusCode.NOT_FOUND, "PersonUnknown")
    hold: dict[str, Any] = {"hold_id": str(uuid4()), "field_class": 1, "basis": "Điều 14", "reason": "Hồ sơ 1"}
    wrong = members.do("PlaceLegalHold", PROVINCE, person_id=obligation, **hold)
    await refused(wrong, StatusCode.NOT_FOUND, "PersonUnknown")


async def test_nothing_is_left_of_an_erased_child(members: Membership) -> None:
    lan = await members.admit()
    kid = await members.register(lan)
    await members.give(kid, HONOUR, GUARDIAN)
    await members.erase(kid)
    answer = await members.call("CheckChildPublication", AWARDS, child_ids=[kid])
    assert list(answer.children) == [pb.ChildCheck(child_id=kid)]
    assert list((await members.call("ListChildren", member_id=lan)).children) == []
    consent: dict[str, Any] = {"person_id": kid, "purpose": HONOUR, "given_by": GUARDIAN, **FORM}
    await refused(members.do("GiveConsent", **consent), StatusCode.FAILED_PRECONDITION, "SubjectIsErased")
    await refused(members.call("ListConsents", person_id=kid), StatusCode.NOT_FOUND, "PersonUnknown")


async def test_an_officer_reads_the_names_of_its_own_members_without_a_reason_and_that_is_recorded(members: Membership) -> None:
    lan, minh = await members.admit(), await members.admit(name="Trần Văn Minh")
    assert await members.names(minh, lan) == [("Trần Văn Minh", False, ""), ("Nguyễn Thị Lan", False, "")]
    assert await members.names(lan, caller=PROVINCE) == [("Nguyễn Thị Lan", False, "")]
    readings = await eventually_readings(members, 2)
    assert [(one.unit, one.reader, one.reason, set(one.member_ids)) for one in readings] == [
        ("so-y-te", OFFICER.id, "", {minh, lan}),
        ("so-y-te", PROVINCE.id, "", {lan}),
    ]


async def test_whatever_is_told_of_a_person_is_recorded_whoever_is_told(members: Membership) -> None:
    lan, kid = await members.admit(), str(uuid4())
    await members.do("RegisterChild", child_id=kid, member_id=lan, full_name="Lê Bé", birth_date="2015-06-01")
    consent: dict[str, Any] = {"person_id": lan, "purpose": 1, "given_by": 1, "text_version": "2026-01"}
    await members.do("GiveConsent", **consent, evidence="Công văn 2")
    await members.call("GetMember", member_id=lan)
    await members.call("ListMembers", PROVINCE, unit="vinh-phuc", page={})
    await members.call("ListChildren", member_id=lan)
    await members.call("ListConsents", person_id=lan)
    await members.call("GetMemberContacts", NOTIFICATIONS, member_ids=[lan])
    readings = await eventually_readings(members, 5)
    whole = ["full_name", "birth_date", "phone", "email"]
    assert [(one.reader, list(one.fields), list(one.member_ids)) for one in readings] == [
        (OFFICER.id, whole, [lan]),
        (PROVINCE.id, whole, [lan]),
        (OFFICER.id, ["full_name", "birth_date"], [kid]),
        (OFFICER.id, ["evidence"], [lan]),
        (NOTIFICATIONS.id, ["full_name", "email"], [lan]),
    ]


async def test_a_foreign_member_and_one_that_is_not_there_look_the_same(members: Membership) -> None:
    lan, stranger = await members.admit("so-noi-vu"), str(uuid4())
    head = await members.head()
    for reason in ("", "Đối chiếu"):
        answer = await members.call("GetMemberNames", member_ids=[lan, stranger], reason=reason)
        foreign, unknown = answer.members
        assert foreign.refusal == unknown.refusal
        assert (foreign.refusal.rule, foreign.full_name, foreign.erased) == ("NameWithheld", "", False)
    assert await members.head() == head
    await refused(members.call("GetMemberNames", MEMBER, member_ids=[lan]), StatusCode.PERMISSION_DENIED, "Forbidden")
    await refused(members.call("GetMemberNames", AWARDS, member_ids=[lan]), StatusCode.PERMISSION_DENIED, "Forbidden")


async def test_an_auditor_reads_any_name_for_a_reason_and_each_unit_is_told(members: Membership) -> None:
    lan, minh, ha = await members.admit(), await members.admit("so-noi-vu", "Trần Văn Minh"), await members.admit(name="Lê Hà")
    without = members.call("GetMemberNames", AUDITOR, member_ids=[lan])
    await refused(without, StatusCode.INVALID_ARGUMENT, "ReasonMissing")
    head = await members.head()

    told = await members.names(lan, minh, ha, str(uuid4()), caller=AUDITOR, reason="Kiểm toán 2025")

    assert [name for name, *_ in told] == ["Nguyễn Thị Lan", "Trần Văn Minh", "Lê Hà", ""]
    assert told[3] == ("", False, "NameWithheld")
    assert await members.head() == head + 2
    readings = await eventually_readings(members, 2)
    assert [(one.unit, one.reader, one.reader_role, one.reason, list(one.fields)) for one in readings] == [
        ("so-noi-vu", "auditor-1", "auditor", "Kiểm toán 2025", ["full_name"]),
        ("so-y-te", "auditor-1", "auditor", "Kiểm toán 2025", ["full_name"]),
    ]
    assert [set(one.member_ids) for one in readings] == [{minh}, {lan, ha}]
    assert len({one.reading_id for one in readings}) == 1
    (event,) = await members.suite.services["membership"].store.read(head, 1)
    assert (event.metadata.actor.id, event.metadata.actor.role) == ("auditor-1", "auditor")


async def test_an_officer_reads_who_is_about_to_come_for_a_reason_that_is_recorded(members: Membership) -> None:
    lan, minh = await members.admit(), await members.admit(name="Trần Văn Minh")
    move: dict[str, Any] = {"member_id": lan, "transfer_id": str(uuid4())}
    await members.do("RequestTransfer", to_unit="so-noi-vu", **move)
    head = await members.head()
    assert await members.names(lan, minh, caller=NEIGHBOUR) == [("", False, "ReasonMissing"), ("", False, "NameWithheld")]
    assert await members.head() == head
    asked: dict[str, Any] = {"caller": NEIGHBOUR, "reason": "Tiếp nhận chuyển sinh hoạt"}
    assert await members.names(lan, minh, **asked) == [("Nguyễn Thị Lan", False, ""), ("", False, "NameWithheld")]
    (reading,) = await eventually_readings(members, 1)
    assert (reading.unit, reading.reader, reading.reader_role, reading.reader_unit, list(reading.member_ids)) == (
        "so-y-te",
        "officer-noi-vu",
        "grassroots_officer",
        "so-noi-vu",
        [lan],
    )
    await members.do("RefuseTransfer", NEIGHBOUR, reason="Không đủ hồ sơ", **move)
    assert await members.names(lan, **asked) == [("", False, "NameWithheld")]


async def test_an_erased_member_has_no_name_for_anybody_and_nothing_is_read(members: Membership) -> None:
    lan = await members.admit()
    await members.erase(lan)
    head = await members.head()
    assert await members.names(lan) == [("", True, "")]
    assert await members.names(lan, caller=AUDITOR, reason="Kiểm toán 2025") == [("", True, "")]
    assert await members.names(lan, caller=NEIGHBOUR, reason="Đối chiếu") == [("", False, "NameWithheld")]
    assert [one.topic for one in await members.suite.services["membership"].store.read(head, 10)] == []


async def test_a_reading_that_cannot_be_recorded_tells_nothing(members: Membership) -> None:
    lan = await members.admit()
    head = await members.head()
    for reason in ("Gọi 0912345678", "x" * 201):
        asked = members.call("GetMemberNames", AUDITOR, member_ids=[lan], reason=reason)
        await refused(asked, StatusCode.INVALID_ARGUMENT, "Invalid")
    assert await members.head() == head


async def test_readings_are_seen_by_officers_of_the_subtree_and_auditors_page_by_page(members: Membership) -> None:
    lan, minh = await members.admit(), await members.admit("so-noi-vu")
    for number in range(3):
        await members.names(lan, minh, caller=AUDITOR, reason=f"Lần {number}")
    everything = await eventually_readings(members, 6)
    assert [one.unit for one in everything] == ["so-noi-vu"] * 3 + ["so-y-te"] * 3
    assert [one.reason for one in everything[:3]] == ["Lần 0", "Lần 1", "Lần 2"]
    assert [one.unit for one in await members.readings(OFFICER, "so-y-te")] == ["so-y-te"] * 3
    assert len(await members.readings(AUDITOR, "tld")) == 6
    denied = members.call("ListReadings", OFFICER, unit="so-noi-vu")
    await refused(denied, StatusCode.PERMISSION_DENIED, "Forbidden")
    by_page, after = [], ""
    while True:
        page = await members.call("ListReadings", PROVINCE, unit="vinh-phuc", page={"size": 4, "after": after})
        by_page += page.readings
        if not (after := page.next):
            break
    assert by_page == everything


async def eventually_readings(members: Membership, number: int) -> list[Any]:
    """The readings in the province, as soon as the read model shows every one that was recorded."""
    members.suite.seen["membership"] = await members.head()
    readings = await members.readings()
    assert len(readings) == number
    return readings
