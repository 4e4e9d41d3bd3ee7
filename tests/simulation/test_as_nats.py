"""Does the simulated NATS answer as the real one does, to everything that the product asks of it?

The same operations, drawn from a seed, are done on both by the product's own publisher, reader and clients; what was answered,
which error was raised and what was delivered, in which order and with which numbers, must be the same.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any
from unittest.mock import patch
from uuid import UUID

import pytest
from nats.aio.client import Client as RealClient

from chassis import publisher, streams
from chassis.cloudevents import filters_for
from chassis.publisher import _Batch, _batch
from chassis.pulling import Interrupted, Pull
from chassis.recorded import Actor, Metadata, RecordedEvent
from tests.simulation.bus import Bus
from tests.simulation.bus_client import Client
from tests.simulation.compared import Told, differences
from tests.simulation.virtual_loop import VirtualLoop
from tests.simulation.weather import Weather

TOPICS = ("began", "ended", "paid")
ROUNDS, PATIENCE_S = 40, 60.0


class Side(Told):
    """One of the two servers, and what it told.

    :param service: whose stream it is; of this test alone.
    """

    def __init__(self, client: Any, service: str, seed: int) -> None:
        super().__init__()
        self.client, self.service, self.random = client, service, Random(seed)
        self.stream, self.last = streams.stream_of(service), 0
        self.lose_stream: Callable[[], Awaitable[object]]
        """Have the stream be gone."""

    def events(self, after: int, many: int) -> list[RecordedEvent]:
        """Some events as they follow on a position."""
        who = Metadata("p-1", datetime(2026, 3, 2, tzinfo=UTC).date(), Actor("nga", "officer", "p-1"), None, "c", "c")
        return [
            RecordedEvent(
                self.service, position, UUID(int=position % 5), position, f"{self.service}.{TOPICS[position % 3]}",
                b'{"schema_version":1,"n":%d}' % position, who.encode(), ("p-1", "tld")[position % 2], position,
                datetime(2026, 3, 2, 8, 30, tzinfo=UTC),
            )
            for position in range(after + 1, after + 1 + many)
        ]  # fmt: skip

    async def publish(self, what: str, batch: _Batch, frames: bytes | None = None) -> None:
        """Publish as the product does, and note the answer."""
        with self.refused(what):
            if sent := batch.frames if frames is None else frames:
                await self.client._send_command(sent)
            answer = await self.client.request(batch.subject, batch.last.body, timeout=PATIENCE_S, headers=batch.headers)
            self.last = int(streams.answer(answer.data)["seq"])
            self.tell("seq", self.last)


async def no_stream(side: Side) -> None:
    """What is asked of a stream that is not there."""
    with side.refused("info"):
        await streams.info(side.client, side.stream.name)
    await side.publish("alone", _batch(side.events(0, 1), 0))
    await side.publish("batch", _batch(side.events(0, 3), 0))
    with side.refused("message"):
        await side.client.jetstream().get_msg(side.stream.name, seq=1)
    with side.refused("consumer"):
        await Pull(side.stream.name, "reader", filters_for(side.service, frozenset())).open(side.client, 0)
    with side.refused("consumer info"):
        await side.client.jetstream().consumer_info(side.stream.name, "reader")


async def closed_stream(side: Side) -> None:
    """Made closed: it takes messages and gives them to nobody; then it is opened."""
    side.tell("made", await streams.ensure(side.client, streams.closed(side.stream)))
    side.tell("made again", await streams.ensure(side.client, side.stream))
    side.tell("closed", streams.is_closed((await streams.info(side.client, side.stream.name))["config"]))
    await side.publish("on a closed one", _batch(side.events(0, 1), 0))
    every = filters_for(side.service, frozenset())
    with side.refused("consumer that is kept for a while"):
        await Pull(side.stream.name, "kept", every, 60.0).open(side.client, 0)
    reader = Pull(side.stream.name, "reader", every)
    with side.refused("consumer"):
        await reader.open(side.client, 0)
        side.tell("read", numbers(await taken(reader, 1)))
    await streams.open_to_readers(side.client, side.stream)
    side.tell("closed", streams.is_closed((await streams.info(side.client, side.stream.name))["config"]))
    with side.refused("consumer"):
        await reader.open(side.client, 0)
    with side.refused("delete"):
        await side.client.jetstream().delete_consumer(side.stream.name, "reader")
    with side.refused("delete again"):
        await side.client.jetstream().delete_consumer(side.stream.name, "reader")


async def publishing(side: Side) -> None:
    """One by one and in batches, at the sequence that is named and beside it, whole and in part."""
    for number in range(ROUNDS):
        many = side.random.choice((1, 1, 2, 3, 7))
        after = side.last + side.random.choice((0, 0, 0, 0, 1, -1))
        batch = _batch(side.events(max(after, 0), many), max(after, 0))
        frames = batch.frames
        if many > 2 and side.random.random() < 0.3:
            frames = frames[frames.index(b"HPUB", 1) :]
        elif many > 2 and side.random.random() < 0.3:
            frames = frames[: frames.rindex(b"HPUB")]
        await side.publish(f"publish {number}", batch, frames)
        side.tell("state", (await streams.info(side.client, side.stream.name))["state"]["last_seq"])
    for sequence in (1, 2, side.last, side.last + 1):
        with side.refused("message"):
            found = await side.client.jetstream().get_msg(side.stream.name, seq=sequence)
            side.tell("message", (found.subject, dict(found.headers), found.data, found.seq))
    every, paid = filters_for(side.service, frozenset()), filters_for(side.service, frozenset({f"{side.service}.paid"}))
    for subject in (*every, *paid, f"federation.{side.service}.nobody.says"):
        for sequence in (1, 4, side.last, side.last + 1):
            with side.refused(f"next from {sequence}"):
                found = await side.client.jetstream().get_msg(side.stream.name, seq=sequence, subject=subject, next=True)
                side.tell("next", (found.seq, found.subject))


async def taken(reader: Pull, many: int) -> list[Any]:
    """So many messages of a reader."""
    messages: list[Any] = []
    async with asyncio.timeout(PATIENCE_S):
        while len(messages) < many:
            messages += await reader.read(0.2)
    return messages


def numbers(messages: Sequence[Any]) -> list[tuple[Any, ...]]:
    """What a reader knows of messages."""
    return [
        (each.subject, dict(each.headers), each.data, each.metadata.sequence.stream, each.metadata.sequence.consumer)
        for each in messages
    ]


async def reading(side: Side) -> None:
    """From the beginning and from the middle, all and by topic; what was acknowledged, and made anew."""
    topics = frozenset({f"{side.service}.began", f"{side.service}.paid"})
    every, some = filters_for(side.service, frozenset()), filters_for(side.service, topics)
    for name, filters, after in (
        ("all", every, 0),
        ("some", some, 0),
        ("late", some, side.last - 5),
        ("none", every, side.last),
        ("beyond", every, side.last + 7),
    ):
        reader, due = Pull(side.stream.name, name, filters), await matching(side, filters, after)
        await reader.open(side.client, after)
        side.tell("before", await state(reader))
        messages = await taken(reader, due)
        side.tell("read", numbers(messages))
        side.tell("pending", [each.metadata.num_pending for each in messages])
        side.tell("nothing more", await reader.read(0.01))
        for at in (due // 2, due - 1):
            if 0 <= at < due:
                await messages[at].ack()
                async with asyncio.timeout(PATIENCE_S):
                    while (found := await state(reader))[1] != due - 1 - at:
                        await asyncio.sleep(0.005)
                side.tell("acknowledged", found)
        await side.publish("while it waits", _batch(side.events(side.last, 3), side.last))
        side.tell("comes", numbers(await taken(reader, await matching(side, filters, side.last - 3))))
        await reader.unsubscribe()
        await reader.open(side.client, side.last - 2)
        side.tell("again", numbers(await taken(reader, await matching(side, filters, side.last - 2))))
        await reader.unsubscribe()


async def matching(side: Side, filters: Sequence[str], after: int) -> int:
    """How many messages after a sequence a reader is due, of those that this test has published."""
    endings = tuple(each.rpartition(".")[2] for each in filters)
    due = 0
    for sequence in range(after + 1, side.last + 1):
        found = await side.client.jetstream().get_msg(side.stream.name, seq=sequence)
        due += ">" in endings or found.subject.endswith(endings)
    return due


async def state(reader: Pull) -> tuple[int, int, int]:
    """What the server knows of a consumer: to be given, not acknowledged, given."""
    found = await reader.info()
    assert found.delivered is not None
    return found.num_pending or 0, found.num_ack_pending or 0, found.delivered.consumer_seq


async def standing(reader: Pull) -> None:
    """Have a reader ask, and wait until the server knows: a request that meets the end of its consumer is never answered."""
    async with asyncio.timeout(PATIENCE_S):
        assert not await reader.read(0.01)
        while (await reader.info()).num_waiting != 1:
            await asyncio.sleep(0.005)


async def losing(side: Side) -> None:
    """What a reader is told when its consumer is gone, or its stream, or when there never was one."""
    deleted = side.client.jetstream().delete_consumer
    reader = Pull(side.stream.name, "loser", filters_for(side.service, frozenset()))
    await reader.open(side.client, side.last)
    await standing(reader)
    await deleted(side.stream.name, "loser")
    with side.refused("deleted"):
        await taken(reader, 1)
    await reader.open(side.client, side.last)
    await deleted(side.stream.name, "loser")
    with side.refused("asked of a deleted one"):
        await taken(reader, 1)
    await reader.open(side.client, side.last)
    await standing(reader)
    created = (await streams.info(side.client, side.stream.name))["created"]
    await side.lose_stream()
    # Whether the server tells the reader, or is gone before it has, is not always the same.
    with pytest.raises(Interrupted, match=r"^(409 Consumer Deleted|no heartbeat)$"):
        await taken(reader, 1)
    side.last = 0
    await no_stream(side)
    side.tell("made", await streams.ensure(side.client, side.stream))
    side.tell("another one", (await streams.info(side.client, side.stream.name))["created"] != created)
    await side.publish("anew", _batch(side.events(0, 4), 0))
    await reader.open(side.client, 0)
    side.tell("anew", numbers(await taken(reader, 4)))
    await reader.unsubscribe()


PARTS = (no_stream, closed_stream, publishing, reading, losing)


async def real(url: str, service: str, seed: int) -> Side:
    """What NATS tells."""
    client = RealClient()
    await client.connect(url)
    try:
        side = Side(client, service, seed)
        side.lose_stream = lambda: client.jetstream().delete_stream(side.stream.name)
        for part in PARTS:
            await part(side)
        await side.lose_stream()
        return side
    finally:
        await client.close()


def simulated(service: str, seed: int) -> Side:
    """What the simulation tells."""
    loop = VirtualLoop(Random(seed))  # type: ignore[abstract]
    bus, process = Bus(loop, Weather(Random(seed), {})), loop.process("contract")

    async def all_parts() -> Side:
        client = Client(bus)
        await client.connect("nats://simulated")
        side = Side(client, service, seed)

        async def lose_stream() -> None:
            bus.lose_stream(side.stream.name)

        side.lose_stream = lose_stream
        for part in PARTS:
            await part(side)
        return side

    try:
        task = process.run(all_parts())
        assert loop.run_until(task.done, latest=3_600.0, max_steps=1_000_000), "it does not end"
        assert not loop.failures
        side: Side = task.result()
        return side
    finally:
        loop.end()


def same_batch_ids() -> Any:
    """Have the batches of both sides be called the same: the name stays on their messages."""
    ids = Random("batches")
    return patch.object(publisher, "uuid4", lambda: UUID(int=ids.getrandbits(128)))


@pytest.mark.parametrize("seed", [1, 2])
def test_the_simulated_bus_answers_as_nats_does(nats_url: str, seed: int) -> None:
    service = f"simulated{seed}"
    with same_batch_ids():
        ours = simulated(service, seed)
    with same_batch_ids():
        theirs = asyncio.run(real(nats_url, service, seed))
    assert len(theirs.told) > 100
    assert differences(ours, theirs) == []
