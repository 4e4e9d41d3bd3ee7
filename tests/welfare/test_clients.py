"""What membership says over gRPC, and what its silence means."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import grpc
import pytest

from chassis.clients import RpcClient
from chassis.commands import Call
from chassis.hierarchy import UnitUnknown
from chassis.refusals import Refusal, Unavailable
from chassis.rpc import Rpc
from chassis.security import Caller, Role
from federation.membership.v1 import membership_pb2 as pb
from tests.chassis.probe import around, credentials_of
from tests.welfare import tet_campaign as tet
from welfare.application import Membership
from welfare.clients import MembersOverGrpc

MEMBERSHIP = pb.DESCRIPTOR.services_by_name["MembershipService"]
WELFARE = Caller("welfare", Role.SERVICE, "welfare")
Checks = Callable[[pb.CheckMembersRequest], list[pb.MemberCheck]]


@asynccontextmanager
async def membership_that(checks: Checks, asked: list[int]) -> AsyncIterator[MembersOverGrpc]:
    """A membership that answers so, and the client that asks it."""

    async def answer(request: pb.CheckMembersRequest, call: Call) -> Any:
        call.rights.nationwide()
        asked.append(len(request.member_ids))
        return pb.CheckMembersResponse(members=checks(request))

    rpc = Rpc(around())
    rpc.queries(MEMBERSHIP, {"CheckMembers": answer})
    ((path, handler),) = rpc.handlers.items()
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(MEMBERSHIP.full_name, {path.split("/")[-1]: handler}),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    client = RpcClient(f"127.0.0.1:{port}", MEMBERSHIP, credentials_of(WELFARE))
    yield MembersOverGrpc(client)
    await client.close()
    await server.stop(0)


def all_active(request: pb.CheckMembersRequest) -> list[pb.MemberCheck]:
    return [check(member_id) for member_id in request.member_ids]


def check(
    member_id: object, status: int = pb.MEMBER_STATUS_ACTIVE, unit: str = tet.SCHOOL, in_subtree: bool = True
) -> pb.MemberCheck:
    return pb.MemberCheck(member_id=str(member_id), status=status, unit=unit, in_subtree=in_subtree)  # type: ignore[arg-type]


async def test_membership_says_who_is_active_who_left_and_who_is_unknown() -> None:
    left, unknown = uuid4(), uuid4()

    def checks(request: pb.CheckMembersRequest) -> list[pb.MemberCheck]:
        assert request.unit == tet.HOLDER
        return [
            check(tet.LAN),
            check(left, pb.MEMBER_STATUS_LEFT, tet.COURT, in_subtree=False),
            check(unknown, pb.MEMBER_STATUS_UNKNOWN, "", in_subtree=False),
        ]

    async with membership_that(checks, []) as members:
        assert await members.check([tet.LAN, left, unknown], tet.HOLDER) == {
            tet.LAN: Membership("active", tet.SCHOOL, in_subtree=True),
            left: Membership("left", tet.COURT, in_subtree=False),
            unknown: Membership("unknown", "", in_subtree=False),
        }


async def test_up_to_a_thousand_members_are_asked_about_in_one_call() -> None:
    asked: list[int] = []

    async with membership_that(all_active, asked) as members:
        assert len(await members.check([uuid4() for _ in range(1_000)], tet.HOLDER)) == 1_000
        assert asked == [1_000]
        assert len(await members.check([uuid4() for _ in range(1_001)], tet.HOLDER)) == 1_001
    assert asked[1:] == [1_000, 1]


def refusing(request: pb.CheckMembersRequest) -> list[pb.MemberCheck]:
    raise UnitUnknown("unit", code=request.unit)


def failing(request: pb.CheckMembersRequest) -> list[pb.MemberCheck]:
    raise ZeroDivisionError


@pytest.mark.parametrize(
    "checks",
    [
        refusing,
        failing,
        lambda request: [],
        lambda request: [check(uuid4())],
        lambda request: [check(tet.LAN, 99)],
        lambda request: [check(tet.LAN, pb.MEMBER_STATUS_UNSPECIFIED)],
        lambda request: [check("Lan")],
    ],
    ids=["refuses", "fails", "says nothing", "speaks of another", "a later status", "no status", "no id"],
)
async def test_an_answer_that_does_not_say_who_is_a_member_is_none(checks: Checks) -> None:
    async with membership_that(checks, []) as members:
        with pytest.raises(Refusal) as refused:
            await members.check([tet.LAN], tet.HOLDER)
    assert type(refused.value) is Unavailable


async def test_a_membership_that_is_not_there_makes_the_question_unavailable() -> None:
    client = RpcClient("127.0.0.1:1", MEMBERSHIP, credentials_of(WELFARE))

    with pytest.raises(Unavailable):
        await MembersOverGrpc(client).check([tet.LAN], tet.HOLDER)
    await client.close()
