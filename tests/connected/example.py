"""A service made of two events, for the tests of everything that carries events."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from uuid import UUID, uuid4

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig

from chassis.appends import Append, NewEvent
from chassis.cloudevents import recorded_event
from chassis.database import AppendSignal, Connection, Pool, open_pool
from chassis.events import Event
from chassis.following import unprocessable
from chassis.publisher import Publisher
from chassis.recorded import Actor, Metadata, RecordedEvent
from chassis.store import EventStore
from chassis.streams import Connection as NatsConnection
from chassis.streams import ensure, stream_name, stream_of

SECRET = b"a secret of at least 32 bytes ..."
PATIENCE_S = 60.0
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Counted(Event, topic="example.counted"):
    """Something was counted."""

    number: int


class Noted(Event, topic="example.noted"):
    """Something was noted."""

    text: str


METADATA = Metadata("vp-001", date(2026, 1, 1), Actor("nguyễn.văn.ổn%", "member", "vp-001"), None, "c", "c", TRACEPARENT)


def counted(number: int, aggregate: UUID | None = None, version: int = 1, branch: str = "vinh-phuc") -> NewEvent:
    event = Counted(unit="vp-001", on=date(2026, 1, 1), number=number)
    return new_event(event, aggregate, version, branch)


def noted(text: str, aggregate: UUID | None = None, version: int = 1) -> NewEvent:
    return new_event(Noted(unit="vp-001", on=date(2026, 1, 1), text=text), aggregate, version)


def new_event(event: Event, aggregate: UUID | None = None, version: int = 1, branch: str = "vinh-phuc") -> NewEvent:
    return NewEvent(aggregate or uuid4(), version, event.topic, event.encode(), METADATA.encode(), branch)


async def until(condition: Callable[[], Awaitable[bool] | bool], what: str = "") -> None:
    """Wait until something is so."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            answer = condition()
            if answer if isinstance(answer, bool) else await answer:
                return
            await asyncio.sleep(0.01)


async def record(store: EventStore, events: Sequence[NewEvent], at_once: int = 500) -> None:
    """Append events, some a command."""
    appends = [Append(tuple(events[start : start + at_once])) for start in range(0, len(events), at_once)]
    await asyncio.gather(*[store.append(append) for append in appends])


@asynccontextmanager
async def opened(service: str, conninfo: str) -> AsyncIterator[EventStore]:
    """The started store of a service."""
    async with open_pool(conninfo) as pool:
        store = EventStore(service, conninfo, pool, secret=SECRET, clock=lambda: datetime.now(UTC))
        await store.start()
        try:
            yield store
        finally:
            await store.stop()


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[NatsConnection]:
    """A connection of the kind services have, once it stands."""
    connection = NatsConnection(url, "test")
    await connection.start()
    await until(lambda: connection.is_connected)
    try:
        yield connection
    finally:
        await connection.stop()


@asynccontextmanager
async def publishing(store: EventStore, conninfo: str, url: str) -> AsyncIterator[Publisher]:
    """A running publisher of a store, whose stream is set up."""
    signal = AppendSignal(conninfo)
    await signal.start()
    try:
        async with connected(url) as connection:
            await ensure(connection.client, stream_of(store.service))
            publisher = Publisher(store, connection, signal)
            await publisher.start()
            try:
                yield publisher
            finally:
                await publisher.stop()
    finally:
        await signal.stop()


async def published(client: Client, service: str) -> list[RecordedEvent]:
    """Every event on the stream of a service, in order; each must stand at the sequence that is its position."""
    return [received(message) for message in await announced(client, service)]


async def announced(client: Client, service: str) -> list[Msg]:
    """Every message on the stream of a service, in order."""
    js = client.jetstream()
    config = ConsumerConfig(
        ack_policy=AckPolicy.NONE,
        filter_subjects=[f"federation.{service}.>"],
        mem_storage=True,
        inactive_threshold=PATIENCE_S,  # on a busy machine, more than the five seconds after which the server forgets it
    )
    subscription = await js.pull_subscribe("", stream=stream_name(service), config=config)
    pending = (await subscription.consumer_info()).num_pending or 0
    messages: list[Msg] = []
    while len(messages) < pending:
        messages += await subscription.fetch(min(1_000, pending - len(messages)), timeout=10)
    await subscription.unsubscribe()
    return messages


def received(message: Msg) -> RecordedEvent:
    return recorded_event(message.subject, message.headers, message.data, message.metadata.sequence.stream)


async def everything(store: EventStore) -> list[RecordedEvent]:
    """Every event of a store, in order."""
    events: list[RecordedEvent] = []
    while batch := await store.read(events[-1].position if events else 0, 1_000):
        events += batch
    return events


class Sum:
    """An effect: adds up the numbers of counted events, by aggregate, in a table; it cannot take a number below zero."""

    topics = frozenset({Counted.topic})

    def __init__(self, source: str, name: str = "sum", *, floor: int = 0) -> None:
        self.name, self.source, self.floor = name, source, floor
        self.batches: list[list[int]] = []

    async def prepare(self, pool: Pool) -> None:
        async with pool.connection() as connection:
            await connection.execute(
                "create table if not exists sums (follower text, aggregate_id uuid, total bigint, times bigint,"
                " versions integer[], primary key (follower, aggregate_id))"
            )

    async def take(self, events: Sequence[RecordedEvent], transaction: Connection) -> None:
        taken = [(recorded.aggregate_id, self._number(recorded), recorded.version) for recorded in events]
        await transaction.execute(
            """insert into sums as s
               select %s, aggregate_id, sum(number), count(*), array_agg(version order by place)
               from unnest(%s::uuid[], %s::bigint[], %s::integer[]) with ordinality as t (aggregate_id, number, version, place)
               group by aggregate_id
               on conflict (follower, aggregate_id) do update set
               total = s.total + excluded.total, times = s.times + excluded.times, versions = s.versions || excluded.versions""",
            (self.name, *(list(column) for column in zip(*taken, strict=True))),
        )

    def _number(self, recorded: RecordedEvent) -> int:
        try:
            event = recorded.event
            assert isinstance(event, Counted)
            if event.number < self.floor:
                raise ValueError("below the floor")
        except Exception as error:
            raise unprocessable(recorded, error) from error
        return event.number

    async def taken(self, events: Sequence[RecordedEvent]) -> None:
        self.batches.append([event.position for event in events])


async def sums(pool: Pool, name: str = "sum") -> dict[UUID, tuple[int, list[int]]]:
    """Total and versions taken, by aggregate."""
    async with pool.connection() as connection:
        rows = await connection.execute("select aggregate_id, total, versions from sums where follower = %s", (name,))
        return {aggregate_id: (total, versions) for aggregate_id, total, versions in await rows.fetchall()}  # type: ignore[misc]
