"""Shelves with things on them: a read model, its history, and all that keeps it up in one process, for tests of rebuilding."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, ClassVar
from uuid import UUID, uuid4

import orjson

from chassis.appends import NewEvent
from chassis.database import AppendSignal, Pool, fetch, fetch_rows, open_pool
from chassis.events import Event, Personal, Upcaster
from chassis.feed import Feeds
from chassis.following import Follower
from chassis.generations.beside import SecondGenerations
from chassis.generations.differences import Comparison, compared
from chassis.past import AnothersPast, OwnPast, Past
from chassis.projector import Projection, Projector
from chassis.proving import Proof, proof
from chassis.read_models import ReadModel
from chassis.recorded import RecordedEvent
from chassis.store import EventStore
from chassis.streams import Connection
from tests.connected.example import METADATA, PATIENCE_S, new_event, record

READER = "reader"


class ThingPut(Event, topic="example.thing_put", subject="shelf_id"):
    """A thing was put on a shelf."""

    shelf_id: UUID
    thing: int
    keeper: Personal[str | None] = None


class ThingTagged(Event, topic="example.thing_tagged", schema_version=2):
    """The last thing has a tag; the first schema had it as a text of two words."""

    shelf_id: UUID
    tag: int
    upcasters: ClassVar[Mapping[int, Upcaster]] = {1: lambda fields: {**fields, "tag": int(fields["tagged"].split(" ")[1])}}


class ShelfCleared(Event, topic="example.shelf_cleared"):
    """A shelf is there no more."""

    shelf_id: UUID


@dataclass(frozen=True, slots=True)
class Shelf:
    """What stands on it, in order; who put the last thing there; the position of the last event."""

    shelf_id: UUID
    things: str
    many: int
    keeper: Personal[str | None]
    position: int


def model_of(source: str) -> ReadModel[Shelf]:
    """The read model of shelves, from the history of a service."""
    model = ReadModel(
        "shelves",
        3,
        Shelf,
        key=("shelf_id",),
        source=source,
        indexes=(("many",),),
        statements=("create index if not exists {table}_full on {table} (position) where many > 3",),
    )

    @model.on(ThingPut, key=lambda event: (event.shelf_id,))
    def put(row: Shelf | None, event: ThingPut, at: RecordedEvent) -> Shelf:
        if event.thing < 0:
            raise ValueError("there is no such thing")
        before = row or Shelf(event.shelf_id, "", 0, None, 0)
        things = f"{before.things} {event.thing}".strip()
        return replace(before, things=things, many=before.many + 1, keeper=event.keeper, position=at.position)

    @model.on(ThingTagged, key=lambda event: (event.shelf_id,))
    def tagged(row: Shelf | None, event: ThingTagged, at: RecordedEvent) -> Shelf:
        assert row is not None
        return replace(row, things=f"{row.things}#{event.tag}", position=at.position)

    @model.on(ShelfCleared, key=lambda event: (event.shelf_id,))
    def cleared(row: Shelf | None, event: ShelfCleared, at: RecordedEvent) -> None:
        return None

    return model


def put(shelf: UUID, thing: int, version: int = 1, keeper: str | None = None) -> NewEvent:
    event = ThingPut(unit="vp-001", on=date(2026, 1, 1), shelf_id=shelf, thing=thing, keeper=keeper)
    return new_event(event, shelf, version)


def tag_of_old(shelf: UUID, tagged: str, version: int) -> NewEvent:
    """A tag as it was recorded by the first schema."""
    fields = {"schema_version": 1, "unit": "vp-001", "on": "2026-01-01", "shelf_id": str(shelf), "tagged": tagged}
    return NewEvent(shelf, version, ThingTagged.topic, orjson.dumps(fields), METADATA.encode(), "vinh-phuc")


def clear_shelf(shelf: UUID, version: int) -> NewEvent:
    return new_event(ShelfCleared(unit="vp-001", on=date(2026, 1, 1), shelf_id=shelf), shelf, version)


async def record_shelves(store: EventStore, many: int, things: int) -> list[UUID]:
    """So many shelves with so many things each, thing by thing."""
    shelves = [uuid4() for _ in range(many)]
    for thing in range(1, things + 1):
        await record(store, [put(shelf, thing, thing, f"keeper {thing}") for shelf in shelves])
    return shelves


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Kept:
    """The read model on a database, followed, with its generations."""

    database: str
    pool: Pool
    model: ReadModel[Shelf]
    follower: Follower
    beside: SecondGenerations
    past: Past
    head: Any

    async def rows(self) -> dict[UUID, Shelf]:
        return {row.shelf_id: row for row in await fetch_rows(self.pool, self.model, "true")}

    async def run(self, statement: str, *values: object) -> None:
        """Do something by hand that nobody should."""
        async with self.pool.connection() as connection:
            await connection.execute(statement.encode(), values)

    async def caught_up(self) -> None:
        head = await self.head()
        for follower in (self.follower, *self.beside.followers):
            await self._at(follower, head)

    async def _at(self, follower: Follower, head: int) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while (await self.standing_of(follower)) < head:
                await asyncio.sleep(0.01)

    async def standing_of(self, follower: Follower) -> int:
        rows = await fetch(self.pool, "select position from followers where follower = %s", (follower.name,))
        return max(follower.position, rows[0][0] if rows else 0)

    async def build(self) -> None:
        await self.beside.begin(self.model)
        await self.caught_up()

    async def compare(self, most: int = 50) -> Comparison:
        return await compared(self.beside, self.model, most, PATIENCE_S)

    async def prove(self, follower: Follower | None = None) -> Proof:
        return await proof(self.pool, follower or self.follower, self.past)


@asynccontextmanager
async def kept_of_own(store: EventStore, database: str) -> AsyncIterator[Kept]:
    """Kept from the service's own history."""
    signal = AppendSignal(database)
    async with open_pool(database) as pool:
        model, past = model_of(store.service), OwnPast(store, pool)
        follower = Follower(pool, Projection(model), now)
        projector = Projector(store, signal, [follower])
        beside = SecondGenerations(pool, [model], lambda _: past, lambda one: Projector(store, signal, [one]), now)
        async with _started(signal, projector, beside):
            yield Kept(database, pool, model, follower, beside, past, store.head)


@asynccontextmanager
async def kept_of_another(source: EventStore, database: str, bus: Connection, url: str) -> AsyncIterator[Kept]:
    """Kept by another service, from the stream."""
    async with open_pool(database) as pool:
        model, past = model_of(source.service), AnothersPast(source.service, bus)
        follower = Follower(pool, Projection(model), now)
        feeds = Feeds(url, READER, [follower])
        beside = SecondGenerations(pool, [model], lambda _: past, lambda one: Feeds(url, READER, [one], instance="again"), now)
        async with _started(feeds, beside):
            yield Kept(database, pool, model, follower, beside, past, source.head)


@asynccontextmanager
async def _started(*parts: Any) -> AsyncIterator[None]:
    started: list[Any] = []
    try:
        for part in parts:
            started.append(part)
            await part.start()
        yield
    finally:
        for part in reversed(started):
            await part.stop()


def told(comparison: Comparison) -> dict[str, tuple[str, Sequence[int]]]:
    """The cause of each differing row and the positions of its events, by key."""
    found: dict[str, tuple[str, Sequence[int]]] = {}
    for difference in comparison.shown:
        assert difference.cause
        found[difference.key[0]] = (difference.cause.kind.value, [event.position for event in difference.cause.events])
    return found
