"""Awards beside membership, on real servers: the tree comes over NATS, persons are asked for over gRPC."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from unicodedata import normalize
from uuid import UUID, uuid4

import grpc
import psycopg
import pytest
from google.protobuf.message_factory import GetMessageClass
from grpc import StatusCode

import awards.rpc
import awards.settings
import awards.wiring
import membership.rpc
import membership.settings
import membership.wiring
from chassis.calls import path_of
from chassis.clients import Refused, RpcClient
from chassis.database import migrate
from chassis.rpc import needs_of
from chassis.security import Caller, Role
from chassis.service import Service
from chassis.streams import set_up
from congdoan.embedded import EmbeddedNats, EmbeddedPostgres
from federation.awards.v1 import awards_pb2 as pb

FEEDER = Caller("feeder", Role.SERVICE, "tld")
LAN, LEFT = UUID(int=1), UUID(int=2)
COMMANDS = sorted(name for name in needs_of([awards.rpc.SERVICE]) if f"Batch{name}" in needs_of([awards.rpc.SERVICE]))


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
    await asyncio.to_thread(migrate, database, service.schema)
    await service.start()
    try:
        yield service
    finally:
        await service.stop()


def target_of(service: Service) -> str:
    """Where a started service answers."""
    assert service.server is not None
    return f"127.0.0.1:{service.server.port}"


class Suite:
    """Both services and how to call them."""

    def __init__(self, members: Service, honours: Service) -> None:
        self.members, self.honours = members, honours
        self._membership = RpcClient(target_of(members), membership.rpc.SERVICE, FEEDER)
        self._awards = {FEEDER: RpcClient(target_of(honours), awards.rpc.SERVICE, FEEDER)}
        self.seen: dict[str, int] = {}

    async def tell(self, rpc: str, **fields: Any) -> None:
        """Tell membership something."""
        request = GetMessageClass(membership.rpc.SERVICE.methods_by_name[rpc].input_type)(command_id=str(uuid4()), **fields)
        self.seen["membership"] = (await self._membership.call(rpc, request)).position

    async def call(self, rpc: str, caller: Caller = FEEDER, **fields: Any) -> Any:
        """Call awards, which has seen everything that was answered before."""
        if caller not in self._awards:
            self._awards[caller] = RpcClient(target_of(self.honours), awards.rpc.SERVICE, caller)
        answer = await self._awards[caller].call(rpc, request_of(rpc, **fields), at_least=self.seen)
        if hasattr(answer, "position"):
            self.seen["awards"] = answer.position
        return answer

    async def do(self, rpc: str, on: str = "2024-12-20", **fields: Any) -> Any:
        """A command of awards with an id of its own."""
        return await self.call(rpc, command_id=str(uuid4()), on=on, **fields)

    async def close(self) -> None:
        """Close every connection."""
        for client in (self._membership, *self._awards.values()):
            await client.close()


def request_of(rpc: str, **fields: Any) -> Any:
    """A request of awards."""
    return GetMessageClass(awards.rpc.SERVICE.methods_by_name[rpc].input_type)(**fields)


@pytest.fixture
async def suite(postgres: EmbeddedPostgres, own_nats: EmbeddedNats) -> AsyncIterator[Suite]:
    """Both services with a few units and members."""
    await set_up(own_nats.url, ["membership", "awards"])
    with fresh_database(postgres) as members_database, fresh_database(postgres) as honours_database:
        told: dict[str, Any] = {"nats_url": own_nats.url, "secret": "ab" * 32, "drain_s": 0.5}
        of_members = membership.settings.Settings(database_url=members_database, **told)
        async with running(membership.wiring.real(of_members), members_database) as members:
            of_honours = awards.settings.Settings(database_url=honours_database, membership_target=target_of(members), **told)
            async with running(awards.wiring.real(of_honours), honours_database) as honours:
                suite = Suite(members, honours)
                await populate(suite)
                yield suite
                await suite.close()


async def populate(suite: Suite) -> None:
    """The confederation, the federation, a province with a grassroots union, and two members of it, one of whom left."""
    for code, level, parent in (("tld", 1, ""), ("cdvcvn", 2, "tld"), ("vinh-phuc", 3, "cdvcvn"), ("so-y-te", 5, "vinh-phuc")):
        await suite.tell("EstablishUnit", unit=code, name=code, level=level, line_parent=parent, on="2000-01-01")
    for member_id in (LAN, LEFT):
        await suite.tell(
            "AdmitMember",
            member_id=str(member_id),
            unit="so-y-te",
            full_name="Nguyễn Thị Lan",
            national_id=f"{member_id.int:012d}",
            birth_date="1985-03-08",
            on="2010-01-01",
        )
    await suite.tell("LeaveUnion", member_id=str(LEFT), reason="Nghỉ hưu", on="2020-01-01")


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
    await suite.do("SetQuota", decider="cdvcvn", form=pb.AWARD_FORM_FLAG, year=2024, at_most=1)
    for nomination_id, fields in nominations.items():
        await suite.do("ProposeAward", nomination_id=nomination_id, **fields)
        await suite.do("EndorseAward", nomination_id=nomination_id, reviewer="vinh-phuc")
        await suite.do("DecideAward", nomination_id=nomination_id, decision_number="345/QĐ-CĐVC")
        await suite.do("PresentAward", nomination_id=nomination_id, presenter="tld")
    programme_id = str(uuid4())
    window: dict[str, Any] = {"opens_on": "2024-01-01", "closes_on": "2024-12-31"}
    opening: dict[str, Any] = {
        "programme_id": programme_id,
        "unit": "vinh-phuc",
        "year": 2024,
        "name": "01 triệu sáng kiến",
        "target": 3,
    }
    await suite.call("OpenInitiativeProgramme", command_id=str(uuid4()), **opening, **window)
    initiative_id = str(uuid4())
    await suite.do("RegisterInitiative", initiative_id=initiative_id, programme_id=programme_id, unit="so-y-te", title="Số hóa")
    await suite.do("AcceptInitiative", initiative_id=initiative_id)

    answer = await suite.call("GetFigures", unit="cdvcvn", year=2024)
    register = await suite.call("ListFlags", unit="tld", year=2024)

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
                await suite.call("ProposeAward", **fields)
                found.append((0, "", ""))
            except Refused as refused:
                found.append((refused.status.value[0], refused.rule, refused.fields[0][0]))
    else:
        batch = await suite.call("BatchProposeAward", items=[request_of("ProposeAward", **fields) for fields in proposals])
        found = [(item.refusal.status, item.refusal.rule, item.refusal.field) for item in batch.items]

    assert found == expected
    assert await suite.honours.store.head() == 2


async def test_an_officer_decides_only_at_its_own_units(suite: Suite) -> None:
    nomination_id = str(uuid4())
    officer = Caller("o", Role.GRASSROOTS_OFFICER, "so-y-te")
    await suite.do("ProposeAward", caller=officer, nomination_id=nomination_id, **FLAG)
    await suite.do("EndorseAward", nomination_id=nomination_id, reviewer="vinh-phuc")

    officer = Caller("o", Role.PROVINCE_OFFICER, "vinh-phuc")
    with pytest.raises(Refused) as refused:
        await suite.do("DecideAward", caller=officer, nomination_id=nomination_id, decision_number="1")

    assert refused.value.status is StatusCode.PERMISSION_DENIED


async def test_without_membership_a_person_cannot_be_proposed_but_a_unit_can(suite: Suite) -> None:
    await suite.call("GetFigures", unit="so-y-te", year=2024)
    await suite.members.stop()

    # Asked once: our own clients would go on asking until their deadline.
    async with grpc.aio.insecure_channel(target_of(suite.honours)) as channel:
        ask: Any = channel.unary_unary(
            path_of(awards.rpc.SERVICE.methods_by_name["ProposeAward"]),
            request_serializer=pb.ProposeAwardRequest.SerializeToString,
        )
        metadata = (("caller-id", "feeder"), ("caller-role", "service"), ("caller-unit", "tld"))
        proposal: dict[str, Any] = {"command_id": str(uuid4()), "nomination_id": str(uuid4()), "on": "2024-11-20"}
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await ask(pb.ProposeAwardRequest(**proposal, **HONOUR, member_id=str(LAN)), metadata=metadata)
        assert refused.value.code() is StatusCode.UNAVAILABLE
        assert await suite.honours.store.head() == 0
        await ask(pb.ProposeAwardRequest(**proposal, **FLAG), metadata=metadata)
    assert await suite.honours.store.head() == 1


async def test_every_command_is_answered_clearly_when_it_is_empty_alone_and_in_a_batch(suite: Suite) -> None:
    assert len(COMMANDS) == 13
    for rpc in COMMANDS:
        with pytest.raises(Refused) as refused:
            await suite.call(rpc)
        assert (refused.value.status, refused.value.rule) == (StatusCode.INVALID_ARGUMENT, "Invalid"), rpc
        batch = await suite.call(f"Batch{rpc}", items=[request_of(rpc)])
        assert [item.refusal.rule for item in batch.items] == ["Invalid"], rpc
    assert await suite.honours.store.head() == 0
