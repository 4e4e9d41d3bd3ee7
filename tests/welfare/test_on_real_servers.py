"""Welfare beside membership, on real servers: the tree comes over NATS, the members are asked for over gRPC."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from uuid import uuid4

import grpc
import psycopg
import pytest
from grpc import StatusCode

import membership.rpc
import membership.settings
import membership.wiring
import welfare.rpc
import welfare.settings
import welfare.wiring
from chassis.calls import path_of
from chassis.clients import Refused, RpcClient
from chassis.database import migrate
from chassis.security import Caller, Role
from chassis.service import Service
from chassis.streams import set_up
from congdoan.embedded import EmbeddedNats, EmbeddedPostgres
from federation.contract.v1.contract_pb2 import GetFiguresRequest
from federation.membership.v1 import membership_pb2 as members_pb
from federation.welfare.v1 import welfare_pb2 as pb
from tests.welfare import tet_campaign as tet

FEEDER = Caller("feeder", Role.SERVICE, "tld")
ELSEWHERE = uuid4()


@contextmanager
def fresh_database(postgres: EmbeddedPostgres) -> Iterator[str]:
    """An empty database, as a conninfo."""
    name = f"test_{uuid4().hex}"
    postgres.create_database(name)
    yield postgres.conninfo(name)
    with psycopg.connect(postgres.conninfo("postgres"), autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)".encode())


@asynccontextmanager
async def running(service: Service, database: str) -> AsyncIterator[Service]:
    """A migrated and started service."""
    migrate(database, service.schema)
    await service.start()
    try:
        yield service
    finally:
        await service.stop()


class Suite:
    """Both services and how to call them."""

    def __init__(self, members: Service, gifts: Service) -> None:
        self.members, self.gifts = members, gifts
        self._membership = RpcClient(target_of(members), membership.rpc.SERVICE, FEEDER)
        self._welfare = RpcClient(target_of(gifts), welfare.rpc.SERVICE, FEEDER)
        self.seen: dict[str, int] = {}

    async def membership(self, rpc: str, request: Any) -> Any:
        """Call membership, which has seen everything that was answered before."""
        return await self._call("membership", self._membership, rpc, request)

    async def welfare(self, rpc: str, request: Any) -> Any:
        """Call welfare, which has seen everything that was answered before."""
        return await self._call("welfare", self._welfare, rpc, request)

    async def _call(self, name: str, client: RpcClient, rpc: str, request: Any) -> Any:
        seen = {"membership": self.seen["membership"]} if name == "membership" and self.seen else self.seen
        answer = await client.call(rpc, request, at_least=seen)
        if hasattr(answer, "position"):
            self.seen[name] = answer.position
        return answer

    async def close(self) -> None:
        """Close both connections."""
        await self._membership.close()
        await self._welfare.close()


def target_of(service: Service) -> str:
    """Where a started service answers."""
    assert service.server is not None
    return f"127.0.0.1:{service.server.port}"


@pytest.fixture
async def suite(postgres: EmbeddedPostgres, own_nats: EmbeddedNats) -> AsyncIterator[Suite]:
    """Both services with a few units and members."""
    await set_up(own_nats.url, ["membership", "welfare"])
    with fresh_database(postgres) as members_database, fresh_database(postgres) as gifts_database:
        told: dict[str, Any] = {"nats_url": own_nats.url, "secret": "ab" * 32, "drain_s": 0.5}
        of_members = membership.settings.Settings(database_url=members_database, **told)
        async with running(membership.wiring.real(of_members), members_database) as members:
            of_gifts = welfare.settings.Settings(database_url=gifts_database, membership_target=target_of(members), **told)
            async with running(welfare.wiring.real(of_gifts), gifts_database) as gifts:
                suite = Suite(members, gifts)
                await populate(suite)
                yield suite
                await suite.close()


async def populate(suite: Suite) -> None:
    """Vĩnh Phúc with a school and a court, Hà Nội with a department; a member each."""
    units = [
        ("tld", members_pb.LEVEL_CONFEDERATION, ""),
        (tet.HOLDER, members_pb.LEVEL_PROVINCE, "tld"),
        ("ha-noi", members_pb.LEVEL_PROVINCE, "tld"),
        (tet.SCHOOL, members_pb.LEVEL_GRASSROOTS, tet.HOLDER),
        (tet.COURT, members_pb.LEVEL_GRASSROOTS, tet.HOLDER),
        ("ha-noi-so", members_pb.LEVEL_GRASSROOTS, "ha-noi"),
    ]
    for code, level, parent in units:
        await suite.membership(
            "EstablishUnit",
            members_pb.EstablishUnitRequest(
                command_id=str(uuid4()), unit=code, name=code, level=level, line_parent=parent, on="2000-01-01"
            ),
        )
    for number, (member_id, unit) in enumerate(((tet.LAN, tet.SCHOOL), (tet.MINH, tet.COURT), (ELSEWHERE, "ha-noi-so"))):
        await suite.membership(
            "AdmitMember",
            members_pb.AdmitMemberRequest(
                command_id=str(uuid4()),
                member_id=str(member_id),
                unit=unit,
                full_name="Nguyễn Thị Lan",
                national_id=f"00118500000{number}",
                birth_date="1985-03-08",
                on="2010-01-01",
            ),
        )
    await suite.membership("GetMember", members_pb.GetMemberRequest(member_id=str(ELSEWHERE)))


def about(request: type[Any], on: str, **fields: Any) -> Any:
    """A request about the campaign."""
    return request(command_id=str(uuid4()), campaign_id=str(tet.CAMPAIGN), on=on, **fields)


async def open_with_budget(suite: Suite) -> None:
    """A campaign of Vĩnh Phúc with ten million đồng."""
    opening = about(pb.OpenGiftCampaignRequest, "2024-01-02", unit=tet.HOLDER, year=2024, name="Tết sum vầy – Xuân ơn Đảng")
    await suite.welfare("OpenGiftCampaign", opening)
    await suite.welfare("ApproveBudget", about(pb.ApproveBudgetRequest, "2024-01-05", amount_vnd=10_000_000))


def proposal(**recipient: str) -> Any:
    return about(pb.ProposeBeneficiaryRequest, "2024-01-08", amount_vnd=1_300_000, **recipient)


async def test_a_campaign_goes_through_both_services(suite: Suite) -> None:
    await open_with_budget(suite)

    items = [
        proposal(member_id=str(tet.LAN)),
        proposal(member_id=str(ELSEWHERE)),
        proposal(member_id=str(uuid4())),
        proposal(collective=tet.COURT),
        proposal(collective="ha-noi-so"),
        about(pb.ProposeBeneficiaryRequest, "2024-01-08", amount_vnd=-1, member_id=str(tet.MINH)),
    ]
    proposals = await suite.welfare("BatchProposeBeneficiary", pb.BatchProposeBeneficiaryRequest(items=items))
    assert [item.refusal.rule for item in proposals.items] == [
        "",
        "OutsideCampaign",
        "MemberUnknown",
        "",
        "OutsideCampaign",
        "Invalid",
    ]

    for recipient in ({"member_id": str(tet.LAN)}, {"collective": tet.COURT}):
        await suite.welfare("ApproveBeneficiary", about(pb.ApproveBeneficiaryRequest, "2024-01-15", **recipient))
        given = about(pb.DistributeGiftRequest, "2024-01-29", form=pb.GIFT_FORM_JOURNEY_HOME, amount_vnd=1_000_000, **recipient)
        await suite.welfare("DistributeGift", given)
        await suite.welfare("ConfirmGiftReceipt", about(pb.ConfirmGiftReceiptRequest, "2024-02-02", **recipient))
    await suite.welfare("CloseGiftCampaign", about(pb.CloseGiftCampaignRequest, "2024-02-20"))

    sheet = await suite.welfare("GetCampaign", pb.GetCampaignRequest(campaign_id=str(tet.CAMPAIGN)))
    assert (sheet.confirmed, sheet.given_vnd, sheet.left_vnd, sheet.closed_on) == (2, 2_000_000, 8_000_000, "2024-02-20")
    figures = await suite.welfare("GetFigures", GetFiguresRequest(unit="tld", year=2024))
    assert {figure.name: figure.count for figure in figures.figures} == {"gift_shares": 2, "gift_amount_vnd": 2_000_000}


async def test_whoever_left_membership_cannot_be_given_a_gift(suite: Suite) -> None:
    await open_with_budget(suite)
    await suite.welfare("ProposeBeneficiary", proposal(member_id=str(tet.LAN)))
    leaving = members_pb.LeaveUnionRequest(command_id=str(uuid4()), member_id=str(tet.LAN), reason="Nghỉ việc", on="2024-01-10")
    await suite.membership("LeaveUnion", leaving)
    await suite.membership("GetMember", members_pb.GetMemberRequest(member_id=str(tet.LAN)))

    with pytest.raises(Refused) as refused:
        await suite.welfare("ApproveBeneficiary", about(pb.ApproveBeneficiaryRequest, "2024-01-15", member_id=str(tet.LAN)))

    assert (refused.value.status, refused.value.rule) == (StatusCode.FAILED_PRECONDITION, "MemberHasLeft")


async def test_without_membership_a_gift_is_unavailable_and_nothing_happened(suite: Suite) -> None:
    await open_with_budget(suite)
    head = await suite.gifts.store.head()
    await suite.members.stop()

    # Asked once: our own clients would go on asking until their deadline.
    async with grpc.aio.insecure_channel(target_of(suite.gifts)) as channel:
        ask: Any = channel.unary_unary(
            path_of(welfare.rpc.SERVICE.methods_by_name["ProposeBeneficiary"]),
            request_serializer=pb.ProposeBeneficiaryRequest.SerializeToString,
        )
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await ask(
                proposal(member_id=str(tet.LAN)),
                metadata=(("caller-id", "feeder"), ("caller-role", "service"), ("caller-unit", "tld")),
            )

    assert refused.value.code() is StatusCode.UNAVAILABLE
    assert "membership" in (refused.value.details() or "")
    assert await suite.gifts.store.head() == head
    await suite.welfare("AdjustBudget", about(pb.AdjustBudgetRequest, "2024-01-06", amount_vnd=1, reason="Giảm nguồn"))
