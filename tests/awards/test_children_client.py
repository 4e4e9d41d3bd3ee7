"""What membership says over gRPC of children, and what its silence means."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import grpc
import pytest

from awards.clients import ChildrenOverGrpc
from awards.domain.child_honour import Word
from chassis.clients import RpcClient
from chassis.commands import Call
from chassis.refusals import Forbidden, Refusal, Unavailable
from chassis.rpc import Rpc
from chassis.security import Caller, Role
from federation.membership.v1 import consents_pb2 as pb
from tests.chassis.probe import around, credentials_of

CONSENTS = pb.DESCRIPTOR.services_by_name["ConsentsService"]
AWARDS = Caller("awards", Role.SERVICE, "awards")
KID, ON = UUID(int=1), date(2026, 3, 2)
Checks = Callable[[pb.CheckChildPublicationRequest], list[pb.ChildCheck]]


@asynccontextmanager
async def membership_that(checks: Checks, asked: list[int]) -> AsyncIterator[ChildrenOverGrpc]:
    """A membership that answers so, and the client that asks it."""

    async def answer(request: pb.CheckChildPublicationRequest, call: Call) -> Any:
        call.rights.nationwide()
        asked.append(len(request.child_ids))
        assert request.on == "2026-03-02"
        return pb.CheckChildPublicationResponse(children=checks(request))

    rpc = Rpc(around())
    rpc.queries(CONSENTS, {"CheckChildPublication": answer})
    ((path, handler),) = rpc.handlers.items()
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(CONSENTS.full_name, {path.split("/")[-1]: handler}),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    client = RpcClient(f"127.0.0.1:{port}", CONSENTS, credentials_of(AWARDS))
    yield ChildrenOverGrpc(client)
    await client.close()
    await server.stop(0)


def check(child_id: object, **fields: Any) -> pb.ChildCheck:
    return pb.ChildCheck(child_id=str(child_id), known=True, unit="so-y-te", parent_active=True, **fields)


async def test_membership_says_whose_a_child_is_and_who_agrees_and_nothing_of_the_unknown() -> None:
    small, unknown = uuid4(), uuid4()

    def checks(request: pb.CheckChildPublicationRequest) -> list[pb.ChildCheck]:
        everybody = check(KID, guardian_consent=True, child_consent_needed=True, child_consent=True)
        return [everybody, check(small), pb.ChildCheck(child_id=str(unknown))]

    async with membership_that(checks, []) as children:
        assert await children.words([KID, small, unknown], ON) == {
            KID: Word("so-y-te", parent_active=True, guardian_agrees=True, child_must_agree=True, child_agrees=True),
            small: Word("so-y-te", parent_active=True, guardian_agrees=False, child_must_agree=False, child_agrees=False),
        }


async def test_up_to_a_thousand_children_are_asked_about_in_one_call() -> None:
    asked: list[int] = []
    async with membership_that(lambda request: [check(one) for one in request.child_ids], asked) as children:
        assert len(await children.words([uuid4() for _ in range(1_001)], ON)) == 1_001
        assert await children.words([], ON) == {}
    assert asked == [1_000, 1]


def refusing(request: pb.CheckChildPublicationRequest) -> list[pb.ChildCheck]:
    raise Forbidden()


def failing(request: pb.CheckChildPublicationRequest) -> list[pb.ChildCheck]:
    raise ZeroDivisionError


@pytest.mark.parametrize(
    "checks",
    [refusing, failing, lambda request: [], lambda request: [check(uuid4())], lambda request: [check("Minh Anh")]],
    ids=["refuses", "fails", "says nothing", "speaks of another", "no id"],
)
async def test_an_answer_that_does_not_say_who_agrees_is_none(checks: Checks) -> None:
    async with membership_that(checks, []) as children:
        with pytest.raises(Refusal) as refused:
            await children.words([KID], ON)
    assert type(refused.value) is Unavailable


async def test_a_membership_that_is_not_there_makes_the_question_unavailable() -> None:
    client = RpcClient("127.0.0.1:1", CONSENTS, credentials_of(AWARDS))
    with pytest.raises(Unavailable):
        await ChildrenOverGrpc(client).words([KID], ON)
    await client.close()
