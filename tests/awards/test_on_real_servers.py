"""Awards beside membership, on real servers: the tree comes over NATS, persons are asked for over gRPC."""

from collections.abc import AsyncIterator
from typing import Any
from unicodedata import normalize
from uuid import UUID, uuid4

import grpc
import pytest
from grpc import StatusCode

import awards.rpc
from chassis.clients import Refused
from chassis.rpc import needs_of
from chassis.security import Caller, Role
from congdoan.embedded import EmbeddedNats, EmbeddedPostgres
from federation.awards.v1 import awards_pb2 as pb
from tests.serving import VICE_CHAIR, Suite, suite_of

LAN, LEFT = UUID(int=1), UUID(int=2)
COMMANDS = sorted(name for name in needs_of([awards.rpc.SERVICE]) if f"Batch{name}" in needs_of([awards.rpc.SERVICE]))
GRASSROOTS = Caller("officer-so-y-te", Role.GRASSROOTS_OFFICER, "so-y-te", "en")
PROVINCE = Caller("officer-vinh-phuc", Role.PROVINCE_OFFICER, "vinh-phuc", "en")


@pytest.fixture
async def suite(postgres: EmbeddedPostgres, own_nats: EmbeddedNats) -> AsyncIterator[Suite]:
    """Both services with a few units and members."""
    async with suite_of(postgres, own_nats.url, "membership", "awards") as suite:
        await populate(suite)
        yield suite


async def populate(suite: Suite) -> None:
    """The confederation, the federation, a province with a grassroots union, and two members of it, one of whom left.

    Whoever feeds them is the chair of the federation, and so signs for it.
    """
    for code, level, parent in (("tld", 1, ""), ("cdvcvn", 2, "tld"), ("vinh-phuc", 3, "cdvcvn"), ("so-y-te", 5, "vinh-phuc")):
        await suite.establish(code, level, parent)
    await suite.appoint("cdvcvn")
    for member_id in (LAN, LEFT):
        await suite.do(
            "membership",
            "AdmitMember",
            member_id=str(member_id),
            unit="so-y-te",
            full_name="Nguyễn Thị Lan",
            national_id=f"{member_id.int:012d}",
            birth_date="1985-03-08",
            on="2010-01-01",
        )
    await suite.do("membership", "LeaveUnion", member_id=str(LEFT), reason="Nghỉ hưu", on="2020-01-01")


async def do(suite: Suite, rpc: str, on: str = "2024-12-20", **fields: Any) -> Any:
    """A command of awards on a day."""
    return await suite.do("awards", rpc, on=on, **fields)


FLAG: dict[str, Any] = {
    "unit": "so-y-te",
    "form": pb.AWARD_FORM_FLAG,
    "scope": pb.AWARD_SCOPE_COMPREHENSIVE,
    "year": 2024,
    "decider": "cdvcvn",
}
HONOUR: dict[str, Any] = {
    "form": pb.AWARD_FORM_PUBLIC_HONOUR,
    "scope": pb.AWARD_SCOPE_THEMATIC,
    "theme": "Tham mưu giỏi, phục vụ tốt",
    "year": 2024,
    "decider": "cdvcvn",
}


async def test_a_flag_and_an_honour_go_the_whole_way(suite: Suite) -> None:
    nominations = {str(uuid4()): FLAG, str(uuid4()): {**HONOUR, "member_id": str(LAN)}}
    await do(suite, "SetQuota", decider="cdvcvn", form=pb.AWARD_FORM_FLAG, year=2024, at_most=1)
    for nomination_id, fields in nominations.items():
        await do(suite, "ProposeAward", nomination_id=nomination_id, **fields)
        await do(suite, "EndorseAward", nomination_id=nomination_id, reviewer="vinh-phuc")
        await do(suite, "DecideAward", nomination_id=nomination_id, decision_number="345/QĐ-CĐVC")
        await do(suite, "PresentAward", nomination_id=nomination_id, presenter="tld")
    programme_id = str(uuid4())
    window: dict[str, Any] = {"opens_on": "2024-01-01", "closes_on": "2024-12-31"}
    opening: dict[str, Any] = {
        "programme_id": programme_id,
        "unit": "vinh-phuc",
        "year": 2024,
        "name": "01 triệu sáng kiến",
        "target": 3,
    }
    await suite.call("awards", "OpenInitiativeProgramme", command_id=str(uuid4()), **opening, **window)
    initiative_id = str(uuid4())
    await do(suite, "RegisterInitiative", initiative_id=initiative_id, programme_id=programme_id, unit="so-y-te", title="Số hóa")
    await do(suite, "AcceptInitiative", initiative_id=initiative_id)

    answer = await suite.call("awards", "GetFigures", unit="cdvcvn", year=2024)
    register = await suite.call("awards", "ListFlags", unit="tld", year=2024)

    assert {figure.name: figure.decimal or figure.count for figure in answer.figures} == {
        "flags_received": 1,
        "flags_by_confederation": 0,
        "flags_by_federation": 1,
        "certificates_of_merit": 0,
        "commendations": 0,
        "honoured_delegates": 1,
        "initiatives": 1,
        "initiative_target": 3,
        "initiative_percent": "33.33",
    }
    assert [(flag.unit, flag.presenter, flag.decision_number) for flag in register.flags] == [("so-y-te", "tld", "345/QĐ-CĐVC")]


@pytest.mark.parametrize("single", [True, False])
async def test_bad_proposals_are_refused_by_rule_and_field_alone_and_in_a_batch(suite: Suite, single: bool) -> None:
    honour = {**HONOUR, "member_id": str(LAN)}
    items: list[tuple[dict[str, Any], StatusCode, str, str]] = [
        (FLAG, StatusCode.OK, "", ""),
        ({**FLAG, "decider": "so-y-te"}, StatusCode.FAILED_PRECONDITION, "DeciderNotAbove", "decider"),
        ({**FLAG, "unit": "nowhere"}, StatusCode.NOT_FOUND, "UnitUnknown", "unit"),
        ({**FLAG, "form": 9}, StatusCode.INVALID_ARGUMENT, "Invalid", "form"),
        ({**FLAG, "member_id": str(LAN)}, StatusCode.INVALID_ARGUMENT, "Invalid", "member_id"),
        ({**FLAG, "citation": normalize("NFD", "Xuất sắc")}, StatusCode.INVALID_ARGUMENT, "Invalid", "citation"),
        ({**honour, "form": pb.AWARD_FORM_FLAG}, StatusCode.FAILED_PRECONDITION, "FlagsAreForUnits", "member_id"),
        ({**honour, "member_id": str(LEFT)}, StatusCode.FAILED_PRECONDITION, "MemberNotActive", "member_id"),
        ({**honour, "member_id": str(uuid4())}, StatusCode.NOT_FOUND, "MemberUnknown", "member_id"),
        (honour, StatusCode.OK, "", ""),
    ]
    proposals: list[dict[str, Any]] = [
        {"command_id": str(uuid4()), "nomination_id": str(uuid4()), "on": "2024-11-20", **fields} for fields, *_ in items
    ]
    expected = [(status.value[0], rule, field) for _, status, rule, field in items]

    if single:
        found = []
        for fields in proposals:
            try:
                await suite.call("awards", "ProposeAward", **fields)
                found.append((0, "", ""))
            except Refused as refused:
                found.append((refused.status.value[0], refused.rule, refused.fields[0][0]))
    else:
        batch = await suite.call("awards", "BatchProposeAward", items=proposals)
        found = [(item.refusal.status, item.refusal.rule, item.refusal.field) for item in batch.items]

    assert found == expected
    assert await suite.services["awards"].store.head() == 2


async def test_an_officer_decides_only_at_its_own_units(suite: Suite) -> None:
    nomination_id = str(uuid4())
    await suite.do("awards", "ProposeAward", GRASSROOTS, nomination_id=nomination_id, on="2024-12-20", **FLAG)
    await do(suite, "EndorseAward", nomination_id=nomination_id, reviewer="vinh-phuc")

    with pytest.raises(Refused) as refused:
        await suite.do("awards", "DecideAward", PROVINCE, nomination_id=nomination_id, on="2024-12-20", decision_number="1")

    assert refused.value.status is StatusCode.PERMISSION_DENIED


async def test_an_award_is_decided_only_by_whoever_may_sign_there(suite: Suite) -> None:
    nomination_id, officer = str(uuid4()), Caller("officer-cdvcvn", Role.FEDERATION_OFFICER, "cdvcvn", "en")
    await do(suite, "ProposeAward", nomination_id=nomination_id, **FLAG)
    await do(suite, "EndorseAward", nomination_id=nomination_id, reviewer="vinh-phuc")
    decision: dict[str, Any] = {"nomination_id": nomination_id, "on": "2024-12-20", "decision_number": "1"}

    with pytest.raises(Refused) as refused:
        await suite.do("awards", "DecideAward", officer, **decision)
    assert (refused.value.status, refused.value.rule) == (StatusCode.FAILED_PRECONDITION, "NoAuthority")

    await suite.appoint("cdvcvn", officer, office=VICE_CHAIR)
    await suite.do("awards", "DecideAward", officer, **decision)


async def test_without_membership_a_person_cannot_be_proposed_but_a_unit_can(suite: Suite) -> None:
    await suite.call("awards", "GetFigures", GRASSROOTS, unit="so-y-te", year=2024)
    await suite.services["membership"].stop()
    proposal: dict[str, Any] = {"command_id": str(uuid4()), "nomination_id": str(uuid4()), "on": "2024-11-20"}

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await suite.ask_once("awards", "ProposeAward", GRASSROOTS, **proposal, **HONOUR, member_id=str(LAN))
    assert refused.value.code() is StatusCode.UNAVAILABLE
    assert await suite.services["awards"].store.head() == 0

    await suite.ask_once("awards", "ProposeAward", GRASSROOTS, **proposal, **FLAG)
    assert await suite.services["awards"].store.head() == 1


async def test_every_command_is_answered_clearly_when_it_is_empty_alone_and_in_a_batch(suite: Suite) -> None:
    assert len(COMMANDS) == 13
    for rpc in COMMANDS:
        with pytest.raises(Refused) as refused:
            await suite.call("awards", rpc)
        assert (refused.value.status, refused.value.rule) == (StatusCode.INVALID_ARGUMENT, "Invalid"), rpc
        batch = await suite.call("awards", f"Batch{rpc}", items=[{}])
        assert [item.refusal.rule for item in batch.items] == ["Invalid"], rpc
    assert await suite.services["awards"].store.head() == 0
