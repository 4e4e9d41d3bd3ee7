"""Which faults of the bus are there? Streams and consumers deleted, readers that stand still, messages nobody said.

The stores are the record: everything on NATS is made again from them, by the services themselves.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random
from typing import Any

import psycopg
from grpc import StatusCode
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from chassis.clients import Refused
from chassis.streams import NOT_FOUND, JetStreamError, api, info, is_closed, stream_name
from tests.faults.arena import DEADLINE_S, Arena, Fault, NotRecovered
from tests.faults.processes import LOADED

READER = "audit"
"""It follows every other service, and the load does not command it."""
BUSY = (StatusCode.UNAVAILABLE, StatusCode.RESOURCE_EXHAUSTED, StatusCode.DEADLINE_EXCEEDED)
PAUSED_S = 6.5
"""Longer than a reader waits for a heartbeat."""
COMPARED = 5_000
"""How many of the last events are compared with the stream, byte for byte, once it is made again."""


@asynccontextmanager
async def on_the_bus(arena: Arena) -> AsyncIterator[Client]:
    """A connection of the services' account."""
    client = Client()
    await client.connect(arena.suite.nats.url, connect_timeout=10)
    try:
        yield client
    finally:
        await client.close()


async def until(condition: Callable[[], Awaitable[bool]], why: str) -> None:
    """Wait until something is so; a stream may be away meanwhile, and a service busy, but nothing else may go wrong.

    :raises NotRecovered: it is not in time, or something else is wrong.
    """
    met = "it is not so"
    try:
        async with asyncio.timeout(DEADLINE_S):
            while True:
                try:
                    if await condition():
                        return
                except (JetStreamError, NatsError, OSError, Refused) as error:
                    met = f"{type(error).__name__} {error}"
                    if not _passes(error):
                        raise NotRecovered(f"{why}: {met}") from error
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise NotRecovered(f"{why}: {met}") from None


def _passes(error: Exception) -> bool:
    """Whether somebody may meet this for a while whose stream is made anew just now; a service must never tell INTERNAL."""
    match error:
        case Refused():
            return error.status in BUSY
        case JetStreamError():
            return error.code == NOT_FOUND
        case _:
            return isinstance(error, NatsTimeoutError | OSError)


@dataclass(frozen=True, slots=True)
class StreamLost:
    """The stream of a service is gone with everything on it; it is filled again from the store, and says the same."""

    name: str = "stream-lost"

    async def strike(self, arena: Arena, random: Random) -> int:
        """Delete it, and wait for another one that is open to readers."""
        service = random.choice(LOADED)
        stream = stream_name(service)
        async with on_the_bus(arena) as client:
            lost = await info(client, stream)
            await api(client, f"STREAM.DELETE.{stream}")
            arena.fault_over()

            async def filled() -> bool:
                found = await info(client, stream)
                if found["created"] == lost["created"] or is_closed(found["config"]):
                    return False
                return bool(found["state"]["last_seq"] >= lost["state"]["last_seq"])

            await until(filled, f"{stream} is not filled again")
            await agree(arena, client, service, lost["state"]["last_seq"])
        return 1


@dataclass(frozen=True, slots=True)
class DuplicatesOnStream:
    """Somebody says again on a stream what was said there before: it is seen, and the stream put right."""

    name: str = "duplicates-on-stream"

    async def strike(self, arena: Arena, random: Random) -> int:
        """Publish the last event of a service again; nobody may take it for another one."""
        service = random.choice(LOADED)
        stream = stream_name(service)
        async with on_the_bus(arena) as client:
            found = await info(client, stream)
            message = await client.jetstream().get_msg(stream, seq=found["state"]["last_seq"])
            kept = {name: value for name, value in (message.headers or {}).items() if not name.startswith("Nats-")}
            said = await client.jetstream().publish(message.subject or "", message.data or b"", headers=kept)
            arena.fault_over()

            async def put_right() -> bool:
                now = await info(client, stream)
                return not is_closed(now["config"]) and now["created"] != found["created"]

            await until(put_right, f"{stream} is not put right")
            await agree(arena, client, service, found["state"]["last_seq"])
        return int(said.seq > found["state"]["last_seq"])


@dataclass(frozen=True, slots=True)
class ConsumersDeleted:
    """Every consumer of a service's stream is deleted while it runs: who reads makes it anew, from where he is."""

    name: str = "consumers-deleted"

    async def strike(self, arena: Arena, random: Random) -> int:
        """Delete them; answers how many there were."""
        stream = stream_name(random.choice(LOADED))
        async with on_the_bus(arena) as client:
            names = await _durable(client, stream)
            for name in names:
                await api(client, f"CONSUMER.DELETE.{stream}.{name}")
            arena.fault_over()

            async def back() -> bool:
                return names <= await _durable(client, stream)

            await until(back, f"consumers of {stream} do not come back")
        return len(names)


@dataclass(frozen=True, slots=True)
class SlowConsumer:
    """A service stands still with its connections open, while the others go on; then it reads what it has missed."""

    name: str = "slow-consumer"

    async def strike(self, arena: Arena, random: Random) -> int:
        """SIGSTOP, SIGCONT; answers how many events waited for it."""
        pid = arena.services[READER].pid
        assert pid
        os.kill(pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(PAUSED_S)
            async with on_the_bus(arena) as client:
                waiting = [await _waiting(client, stream_name(service)) for service in LOADED]
        finally:
            os.kill(pid, signal.SIGCONT)
        return sum(waiting)


async def _durable(client: Client, stream: str) -> set[str]:
    """The consumers by which services follow; who reads only once is left alone."""
    consumers = (await api(client, f"CONSUMER.LIST.{stream}"))["consumers"] or []
    return {found["name"] for found in consumers if found["config"].get("durable_name")}


async def _waiting(client: Client, stream: str) -> int:
    """How many messages of a stream the reader has not taken."""
    consumers = (await api(client, f"CONSUMER.LIST.{stream}"))["consumers"] or []
    return max((found["num_pending"] + found["num_ack_pending"] for found in consumers if READER in found["name"]), default=0)


async def agree(arena: Arena, client: Client, service: str, up_to: int) -> None:
    """The stream holds the same bytes at the sequences that are the positions.

    :raises NotRecovered: it does not.
    """
    first = max(1, up_to - COMPARED + 1)
    with psycopg.connect(arena.suite.postgres.conninfo(service)) as connection:
        query = "select position, body from events where position between %s and %s order by position"
        recorded = [(position, bytes(body)) for position, body in connection.execute(query, (first, up_to))]
    told = [(message.metadata.sequence.stream, message.data) async for message in messages(client, stream_name(service), first)]
    if told[: len(recorded)] != recorded:
        raise NotRecovered(f"{service}: stream and store differ from {first} to {up_to}")


async def messages(client: Client, stream: str, first: int = 1) -> AsyncIterator[Any]:
    """Every message of a stream from a sequence on, as it is now."""
    config = ConsumerConfig(
        ack_policy=AckPolicy.NONE,
        deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
        opt_start_seq=first,
        mem_storage=True,
        inactive_threshold=60.0,
    )
    subscription = await client.jetstream().pull_subscribe("", stream=stream, config=config)
    left = (await subscription.consumer_info()).num_pending or 0
    while left > 0:
        for message in await subscription.fetch(min(1_000, left), timeout=30):
            left -= 1
            yield message
    await subscription.unsubscribe()


FAULTS: Sequence[Fault] = (StreamLost(), DuplicatesOnStream(), ConsumersDeleted(), SlowConsumer())
