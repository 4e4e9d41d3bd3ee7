"""What membership says over gRPC of nominees, and what its silence means."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import grpc
import pytest

from awards.clients import MembersOverGrpc
from awards.domain.nomination import Nominee
from chassis.clients import RpcClient
from chassis.commands import Call
from chassis.hierarchy import UnitUnknown
from chassis.refusals import Refusal, Unavailable
from chassis.rpc import Rpc
from chassis.security import Caller, Role
from federation.membership.v1 import membership_pb2 as pb
from tests.chassis.probe import around, credentials_of

MEMBERSHIP = pb.DESCRIPTOR.services_by_name["MembershipService"]
AWARDS = Caller("awards", Role.SERVICE, "awards")
WHO = UUID(int=1)
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
    client = RpcClient(f"127.0.0.1:{port}", MEMBERSHIP, credentials_of(AWARDS))
    yield MembersOverGrpc(client)
    await client.close()
    await server.stop(0)


def check(member_id: object, status: int = pb.MEMBER_STATUS_ACTIVE, unit: str = "so-y-te") -> pb.MemberCheck:
    return pb.MemberCheck(member_id=str(member_id), status=status, unit=unit)  # type: ignore[arg-type]


async def test_membership_says_who_is_active_and_who_left_and_nothing_of_the_unknown() -> None:
    left, unknown = uuid4(), uuid4()

    def checks(request: pb.CheckMembersRequest) -> list[pb.MemberCheck]:
        assert request.unit == "cdvcvn"
        return [check(WHO), check(left, pb.MEMBER_STATUS_LEFT, "so-noi-vu"), check(unknown, pb.MEMBER_STATUS_UNKNOWN, "")]

    async with membership_that(checks, []) as members:
        assert await members.nominees([WHO, left, unknown], "cdvcvn") == {
            WHO: Nominee("so-y-te", active=True),
            left: Nominee("so-noi-vu", active=False),
        }


async def test_up_to_a_thousand_persons_are_asked_about_in_one_call() -> None:
    asked: list[int] = []

    async with membership_that(lambda request: [check(one) for one in request.member_ids], asked) as members:
        assert len(await members.nominees([uuid4() for _ in range(1_000)], "cdvcvn")) == 1_000
        assert asked == [1_000]
        assert len(await members.nominees([uuid4() for _ in range(1_001)], "cdvcvn")) == 1_001
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
        lambda request: [check(WHO, 99)],
        lambda request: [check(WHO, pb.MEMBER_STATUS_UNSPECIFIED)],
        lambda request: [check("Lan")],
    ],
    ids=["refuses", "fails", "says nothing", "speaks of another", "a later status", "no status", "no id"],
)
async def test_an_answer_that_does_not_say_who_is_a_member_is_none(checks: Checks) -> None:
    async with membership_that(checks, []) as members:
        with pytest.raises(Refusal) as refused:
            await members.nominees([WHO], "cdvcvn")
    assert type(refused.value) is Unavailable


async def test_a_membership_that_is_not_there_makes_the_question_unavailable() -> None:
    client = RpcClient("127.0.0.1:1", MEMBERSHIP, credentials_of(AWARDS))

    with pytest.raises(Unavailable):
        await MembersOverGrpc(client).nominees([WHO], "cdvcvn")
    await client.close()
