"""Does a caller come through restarts and busy moments, and learn why where it does not?"""

import asyncio
from contextlib import AsyncExitStack
from time import monotonic
from typing import Any

import pytest
from grpc import StatusCode

from chassis import refusals
from chassis.appends import Answer
from chassis.clients import Refused, RpcClient
from chassis.commands import Call
from chassis.security import Role
from congdoan.embedded.ports import reserve_port
from tests.chassis.probe import Obedient, credentials_of, officer, place, served
from tests.protos import PROBE_SERVICE, message


def refusing_first(times: int, refusal: refusals.Refusal) -> Obedient:
    left = [times]

    def decide(command: Any) -> Answer:
        if left[0]:
            left[0] -= 1
            raise refusal
        return Answer(9, command.aggregate_id, 1)

    return Obedient(decide)


async def test_a_call_that_a_busy_or_broken_server_refuses_in_passing_is_repeated_by_the_channel() -> None:
    for refusal in (refusals.Unavailable(reason="bus"), refusals.Overloaded(retry_after_s=0.2)):
        async with served(refusing_first(2, refusal)) as probe:
            began = monotonic()

            answer = await probe.client().call("PlaceThing", place())

            assert answer.position == 9
            assert len({command.command_id for _, command in probe.application.asked}) == 1
            assert len(probe.application.asked) == 3
            if isinstance(refusal, refusals.Overloaded):
                assert monotonic() - began >= 0.4, "waits as long as the server says"


async def test_a_large_batch_is_repeated_too() -> None:
    async with served(refusing_first(1, refusals.Unavailable(reason="bus"))) as probe:
        items = [place(note="x" * 3_500) for _ in range(1_000)]

        answer = await probe.client().call("BatchPlaceThing", message("BatchPlaceThingRequest", items=items))

        assert len(answer.items) == 1_000


async def test_what_will_not_change_is_not_repeated() -> None:
    async with served(refusing_first(1, refusals.NotFound("thing_id"))) as probe:
        with pytest.raises(Refused, match="NOT_FOUND NotFound: Not found") as caught:
            await probe.client().call("PlaceThing", place())

        assert len(probe.application.asked) == 1
        assert not caught.value.transient


async def test_every_call_has_a_deadline_and_never_a_later_one_than_its_cause() -> None:
    async with served(Obedient(hold=asyncio.Event())) as probe:
        client = probe.client()
        late: tuple[dict[str, Any], ...] = ({"timeout_s": 0.1}, {"cause": Call(officer(), deadline_s=0.1)})
        for options in late:
            began = monotonic()
            with pytest.raises(Refused) as caught:
                await client.call("PlaceThing", place(), **options)
            assert caught.value.status == StatusCode.DEADLINE_EXCEEDED
            assert monotonic() - began < 2


async def test_a_service_that_needs_an_answer_it_cannot_have_is_unavailable_itself() -> None:
    held = reserve_port()
    nobody = RpcClient(held.address, PROBE_SERVICE, credentials_of(officer(Role.SERVICE)))

    with pytest.raises(refusals.Unavailable, match="probe"):
        await nobody.ask("FindThings", message("FindThingsRequest"), timeout_s=0.3)
    await nobody.close()


async def test_a_refused_question_stays_refused() -> None:
    async with served() as probe:
        with pytest.raises(Refused) as caught:
            await probe.client(officer(Role.MEMBER)).ask("FindThings", message("FindThingsRequest"))

        assert (caught.value.status, caught.value.rule) == (StatusCode.PERMISSION_DENIED, "Forbidden")


async def test_a_patient_client_waits_for_a_server_that_is_not_there_yet() -> None:
    held = reserve_port()
    client = RpcClient(held.address, PROBE_SERVICE, credentials_of(officer()), wait_for_ready=True)
    early = asyncio.ensure_future(client.call("PlaceThing", place(), timeout_s=10))
    await asyncio.sleep(0.5)

    async with served(port=held.number):
        assert (await early).position == 7
        await client.close()


async def test_calls_take_turns_between_the_addresses_of_a_target() -> None:
    async with served() as one, served() as two:
        client = RpcClient(f"ipv4:{one.target},{two.target}", PROBE_SERVICE, credentials_of(officer()))
        for _ in range(10):
            await client.call("PlaceThing", place())
        await client.close()

        assert min(len(one.application.asked), len(two.application.asked)) >= 4


async def test_a_rolling_restart_under_load_fails_no_call() -> None:
    ports = [reserve_port(), reserve_port()]
    client = RpcClient("ipv4:" + ",".join(port.address for port in ports), PROBE_SERVICE, credentials_of(officer()))
    working, answered = True, 0

    async def work() -> None:
        nonlocal answered
        while working:
            await client.call("PlaceThing", place())
            answered += 1

    async with AsyncExitStack() as stack:
        running = [await stack.enter_async_context(served(port=port.number)) for port in ports]
        workers = [asyncio.ensure_future(work()) for _ in range(32)]
        for turn, port in enumerate(ports * 2):
            await asyncio.sleep(0.3)
            await running[turn % 2].server.stop(5)
            running[turn % 2] = await stack.enter_async_context(served(port=port.number))
        working = False
        async with asyncio.timeout(20):
            await asyncio.gather(*workers)

    await client.close()
    assert answered > 100
