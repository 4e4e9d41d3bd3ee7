"""Welfare beside membership, on real servers: the tree comes over NATS, the members are asked for over gRPC."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import grpc
import pytest
from grpc import StatusCode

from chassis.clients import Refused
from chassis.security import Caller, Role
from congdoan.embedded import EmbeddedNats, EmbeddedPostgres
from federation.membership.v1 import membership_pb2 as members_pb
from federation.welfare.v1 import welfare_pb2 as pb
from tests.serving import Suite, suite_of
from tests.welfare import tet_campaign as tet

ELSEWHERE = uuid4()
SCHOOL = Caller("officer-school", Role.GRASSROOTS_OFFICER, tet.SCHOOL, "en")
HOLDER = Caller("officer-holder", Role.PROVINCE_OFFICER, tet.HOLDER, "en")


@pytest.fixture
async def suite(postgres: EmbeddedPostgres, own_nats: EmbeddedNats) -> AsyncIterator[Suite]:
    """Membership and welfare with a few units and members; whoever feeds them is the chair of Vĩnh Phúc."""
    async with suite_of(postgres, own_nats.url, "membership", "welfare") as suite:
        await populate(suite)
        yield suite


async def populate(suite: Suite) -> None:
    """Vĩnh Phúc with a school and a court, Hà Nội with a department; a member each."""
    await suite.establish("tld", members_pb.LEVEL_CONFEDERATION)
    for code, level, parent in (
        (tet.HOLDER, members_pb.LEVEL_PROVINCE, "tld"),
        ("ha-noi", members_pb.LEVEL_PROVINCE, "tld"),
        (tet.SCHOOL, members_pb.LEVEL_GRASSROOTS, tet.HOLDER),
        (tet.COURT, members_pb.LEVEL_GRASSROOTS, tet.HOLDER),
        ("ha-noi-so", members_pb.LEVEL_GRASSROOTS, "ha-noi"),
    ):
        await suite.establish(code, level, parent)
    for number, (member_id, unit) in enumerate(((tet.LAN, tet.SCHOOL), (tet.MINH, tet.COURT), (ELSEWHERE, "ha-noi-so"))):
        await suite.do(
            "membership",
            "AdmitMember",
            member_id=str(member_id),
            unit=unit,
            full_name="Nguyễn Thị Lan",
            national_id=f"00118500000{number}",
            birth_date="1985-03-08",
            on="2010-01-01",
        )
    await suite.appoint("tld")


def about(on: str, **fields: Any) -> dict[str, Any]:
    """A command about the campaign."""
    return {"command_id": str(uuid4()), "campaign_id": str(tet.CAMPAIGN), "on": on, **fields}


async def open_with_budget(suite: Suite) -> None:
    """A campaign of Vĩnh Phúc with ten million đồng."""
    opening = about("2024-01-02", unit=tet.HOLDER, year=2024, name="Tết sum vầy – Xuân ơn Đảng")
    await suite.call("welfare", "OpenGiftCampaign", **opening)
    await suite.call("welfare", "ApproveBudget", **about("2024-01-05", amount_vnd=10_000_000))


def proposal(**recipient: str) -> dict[str, Any]:
    return about("2024-01-08", amount_vnd=1_300_000, **recipient)


async def test_a_campaign_goes_through_both_services(suite: Suite) -> None:
    await open_with_budget(suite)

    items = [
        proposal(member_id=str(tet.LAN)),
        proposal(member_id=str(ELSEWHERE)),
        proposal(member_id=str(uuid4())),
        proposal(collective=tet.COURT),
        proposal(collective="ha-noi-so"),
        about("2024-01-08", amount_vnd=-1, member_id=str(tet.MINH)),
    ]
    proposals = await suite.call("welfare", "BatchProposeBeneficiary", items=items)
    assert [item.refusal.rule for item in proposals.items] == [
        "",
        "OutsideCampaign",
        "MemberUnknown",
        "",
        "OutsideCampaign",
        "Invalid",
    ]

    for recipient in ({"member_id": str(tet.LAN)}, {"collective": tet.COURT}):
        await suite.call("welfare", "ApproveBeneficiary", **about("2024-01-15", **recipient))
        given = about("2024-01-29", form=pb.GIFT_FORM_JOURNEY_HOME, amount_vnd=1_000_000, **recipient)
        await suite.call("welfare", "DistributeGift", **given)
        await suite.call("welfare", "ConfirmGiftReceipt", **about("2024-02-02", **recipient))
    await suite.call("welfare", "CloseGiftCampaign", **about("2024-02-20"))
    head = await suite.services["welfare"].store.head()
    suite.seen["welfare"] = head

    sheet = await suite.call("welfare", "GetCampaign", campaign_id=str(tet.CAMPAIGN))
    assert (sheet.confirmed, sheet.given_vnd, sheet.left_vnd, sheet.closed_on) == (2, 2_000_000, 8_000_000, "2024-02-20")
    figures = await suite.call("welfare", "GetFigures", unit="tld", year=2024)
    assert {figure.name: figure.count for figure in figures.figures} == {"gift_shares": 2, "gift_amount_vnd": 2_000_000}


async def test_whoever_left_membership_cannot_be_given_a_gift(suite: Suite) -> None:
    await open_with_budget(suite)
    await suite.call("welfare", "ProposeBeneficiary", **proposal(member_id=str(tet.LAN)))
    await suite.do("membership", "LeaveUnion", member_id=str(tet.LAN), reason="Nghỉ việc", on="2024-01-10")

    with pytest.raises(Refused) as refused:
        await suite.call("welfare", "ApproveBeneficiary", **about("2024-01-15", member_id=str(tet.LAN)))

    assert (refused.value.status, refused.value.rule) == (StatusCode.FAILED_PRECONDITION, "MemberHasLeft")


async def test_a_budget_is_approved_only_by_whoever_may_sign_there(suite: Suite) -> None:
    await suite.call("welfare", "OpenGiftCampaign", **about("2024-01-02", unit=tet.HOLDER, year=2024, name="Tết"))

    with pytest.raises(Refused) as refused:
        await suite.call("welfare", "ApproveBudget", HOLDER, **about("2024-01-05", amount_vnd=10_000_000))
    assert (refused.value.status, refused.value.rule) == (StatusCode.FAILED_PRECONDITION, "NoAuthority")

    await suite.appoint(tet.HOLDER, HOLDER)
    await suite.call("welfare", "ApproveBudget", HOLDER, **about("2024-01-05", amount_vnd=10_000_000))


async def test_without_membership_a_gift_is_unavailable_and_what_asks_nobody_goes_on(suite: Suite) -> None:
    await open_with_budget(suite)
    head = await suite.services["welfare"].store.head()
    await suite.services["membership"].stop()

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await suite.ask_once("welfare", "ProposeBeneficiary", SCHOOL, **proposal(member_id=str(tet.LAN)))

    assert refused.value.code() is StatusCode.UNAVAILABLE
    assert "membership" in (refused.value.details() or "")
    assert await suite.services["welfare"].store.head() == head
    await suite.call("welfare", "CloseGiftCampaign", HOLDER, **about("2024-02-20"))
