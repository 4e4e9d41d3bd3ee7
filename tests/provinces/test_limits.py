"""Does the server refuse what is beyond a branch's limits?"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import nats
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from chassis.streams import set_up
from congdoan.embedded import EmbeddedNats
from congdoan.provinces import Credentials, Limits, branch_streams, grant, limit
from congdoan.provinces.configuration import API
from congdoan.provinces.hub import monitored, server_id
from congdoan.provinces.listing import CLOSED, statuses
from congdoan.services import RECORDING
from tests.provinces.attacker import consumer
from tests.provinces.leaf import LeafNode
from tests.provinces.province import announce, patiently, province, read, services, silent, told

SMALL = Limits(
    connections=2, leaf_nodes=1, subscriptions=10, consumers=2, bytes=64 * 1024, acknowledgements=5, payload=1024
)  # fmt: skip


@pytest.fixture
async def given(own_nats: EmbeddedNats, tmp_path: Path) -> Credentials:
    await set_up(own_nats.url, RECORDING)
    return await grant(own_nats.hub, "ha-noi", tmp_path, limits=SMALL)


@pytest.fixture
async def system(given: Credentials) -> AsyncIterator[Client]:
    async with province(given) as client:
        yield client


async def asked(client: Client, request: str, body: object) -> dict[str, Any]:
    """What is answered."""
    answer: dict[str, Any] = json.loads((await client.request(f"{API}.{request}", json.dumps(body).encode(), timeout=20)).data)
    return answer


async def ended(hub: EmbeddedNats, given: Credentials, use: Callable[[Client], Awaitable[None]]) -> str:
    """Why the server ended the connection of somebody who used it so."""
    client = await nats.connect(given.url, nkeys_seed=str(given.file), allow_reconnect=False, error_cb=silent)
    with suppress(nats.errors.Error, OSError):
        await use(client)

    async def gone() -> bool:
        return not client.is_connected

    await patiently(gone)
    await client.close()
    async with hub.hub.system() as system:
        options = {"acc": given.account, "state": CLOSED}
        found = await monitored(system, await server_id(system), "CONNZ", options)
    return str(found["connections"][0]["reason"])


async def test_connections(given: Credentials, system: Client) -> None:
    async with province(given):
        with pytest.raises(nats.errors.Error, match="maximum account active connections exceeded"):
            await nats.connect(given.url, nkeys_seed=str(given.file), allow_reconnect=False, error_cb=silent)


async def test_consumers(system: Client) -> None:
    answers = [await asked(system, f"CONSUMER.CREATE.BRANCH.c{number}", consumer("BRANCH", f"c{number}")) for number in range(3)]
    assert [answer.get("error", {}).get("err_code") for answer in answers] == [None, None, 10026]


async def test_acknowledgements_in_flight(own_nats: EmbeddedNats, system: Client) -> None:
    many = consumer("BRANCH", "many") | {}
    many["config"] |= {"ack_policy": "explicit", "max_ack_pending": 6}
    assert (await asked(system, "CONSUMER.CREATE.BRANCH.many", many))["error"]["err_code"] == 10121
    async with services(own_nats) as client:
        await announce(client, "ha-noi", range(1, 11))
    few = await system.jetstream(domain="branch").pull_subscribe("", durable="few", stream="BRANCH")
    taken: list[Msg] = []
    while len(taken) < 5:
        taken += await few.fetch(5 - len(taken), timeout=20)
    assert (await system.jetstream(domain="branch").consumer_info("BRANCH", "few")).num_ack_pending == 5
    with pytest.raises(nats.errors.TimeoutError):
        await few.fetch(1, timeout=0.5)
    await taken[0].ack_sync()
    assert len(await few.fetch(1, timeout=20)) == 1


async def test_subscriptions(own_nats: EmbeddedNats, given: Credentials) -> None:
    async def subscribe(client: Client) -> None:
        for number in range(SMALL.subscriptions + 1):
            await client.subscribe(f"_INBOX.x.{number}")
        await client.flush()

    # The library ends the connection when it hears of it.
    assert await ended(own_nats, given, subscribe) == "Client Closed"
    assert "maximum subscriptions exceeded" in (own_nats.hub.data / "nats.log").read_text()


async def test_payload(own_nats: EmbeddedNats, given: Credentials) -> None:
    async def publish(client: Client) -> None:
        await client.publish("snapshot", bytes(SMALL.payload + 1))
        await client.flush()

    assert await ended(own_nats, given, publish) == "Maximum Message Payload Exceeded"


async def test_bytes_on_the_disk_and_more_of_them_later(own_nats: EmbeddedNats, given: Credentials) -> None:
    async with services(own_nats) as client:
        for number in range(1, 101):
            headers = {"ce-branchposition": str(number), "ce-id": "x" * 1000}
            await client.jetstream().publish("federation.membership.ha-noi.happened", b"%d" % number, headers=headers)

        async def seen() -> bool:
            [status] = [each async for each in statuses(own_nats.hub)]
            return status.behind > 0

        await patiently(seen)
        state = (await branch_streams.info(client, "ha-noi"))["state"]
        assert 0 < state["messages"] < 100
        assert state["bytes"] <= SMALL.bytes
        await limit(own_nats.hub, "ha-noi", asdict(Limits()))

        async def complete() -> bool:
            return bool((await branch_streams.info(client, "ha-noi"))["state"]["messages"] == 100)

        await patiently(complete)
    async with province(given) as system:
        assert told(await read(system, 100)) == [str(number) for number in range(1, 101)]


async def test_leaf_nodes(own_nats: EmbeddedNats, given: Credentials, tmp_path: Path) -> None:
    async def leaf_nodes() -> int:
        [status] = [each async for each in statuses(own_nats.hub)]
        return status.leaf_nodes

    async def one() -> bool:
        return await leaf_nodes() == 1

    async with LeafNode(given, tmp_path / "one"):
        await patiently(one)
        async with LeafNode(given, tmp_path / "two") as second:

            async def refused() -> bool:
                return "maximum account active connections exceeded" in second.log.lower()

            await patiently(refused)
            assert await leaf_nodes() == 1
