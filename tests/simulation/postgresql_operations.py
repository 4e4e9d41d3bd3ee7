"""What is asked of PostgreSQL, simulated or real, to see whether both answer the same?

Operations drawn from a seed, by the product's own functions where it has them; see ``test_as_postgresql``.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from random import Random
from typing import Any, Literal
from uuid import UUID

import psycopg
from psycopg.conninfo import make_conninfo

from chassis import leaders, positions
from chassis.appends import Append, Arrangement, NewEvent
from chassis.batches import Plan
from chassis.claims import Claim, stored_key
from chassis.database import fetch_rows
from chassis.parking import PARK
from chassis.projector import Projection
from chassis.read_models import ReadModel
from chassis.standing_by import _WRITE_DOWN
from chassis.store import EventStore
from chassis.tally import Tally
from tests.simulation.compared import Told
from tests.simulation.nodes import SECRET

RECORDED_AT = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
SERVICE, APPENDS = "example", 60
MODES: tuple[Literal["share", "release", "unshare", "vacant"], ...] = ("share", "share", "release", "unshare", "vacant")


@dataclass(frozen=True)
class Row:
    """Of a read model with all kinds of statements."""

    unit: str
    day: date
    change: int
    position: int


MODEL = ReadModel("contract", 1, Row, key=("unit", "day"), source=SERVICE)


class Side(Told):
    """One of the two servers, and what it told.

    :param conninfo: of its database.
    :param pool: to it.
    """

    def __init__(self, conninfo: str, pool: Any, seed: int) -> None:
        super().__init__()
        self.conninfo, self.pool, self.random = conninfo, pool, Random(seed)
        self.somebody_waits: Callable[[], Awaitable[bool]]
        """Whether a transaction waits for another one."""
        self.claims: Callable[[], Awaitable[list[Any]]]
        """Who holds what; the product never asks."""
        self.store = EventStore(SERVICE, conninfo, pool, secret=SECRET, clock=lambda: RECORDED_AT)

    @asynccontextmanager
    async def session(self, name: str = "") -> AsyncIterator[Any]:
        """A connection of its own."""
        conninfo = make_conninfo(self.conninfo, **({"application_name": name} if name else {}))
        connection = await psycopg.AsyncConnection.connect(conninfo, autocommit=True)
        try:
            yield connection
        finally:
            await connection.close()

    async def until_somebody_waits(self) -> None:
        """Until a transaction waits for another one."""
        while not await self.somebody_waits():
            await asyncio.sleep(0.005)

    async def query(self, connection: Any, statement: str, values: Any = (), *, ordered: bool = True) -> Any:
        """The rows of a statement, as the product asks for them: in binary."""
        rows = await (await connection.cursor(binary=True).execute(statement.encode(), values)).fetchall()
        return list(rows) if ordered else sorted(rows, key=repr)


def drawn_append(random: Random, versions: dict[UUID, int], seen: tuple[int, int]) -> Append:
    """A command's events, most of which fit what was recorded."""
    aggregates = [UUID(int=number) for number in random.sample(range(1, 7), random.choice((1, 1, 2)))]
    events = []
    for aggregate in aggregates:
        base = versions.get(aggregate, 0) + random.choice((0, 0, 0, 0, 0, 0, 1, -1))
        for step in range(random.choice((1, 1, 2))):
            version = max(base, 0) + step + 1
            topic, branch = random.choice(("example.began", "example.ended")), random.choice(("p-1", "p-2", "tld"))
            events.append(NewEvent(aggregate, version, topic, b'{"schema_version":1}', b"{}", branch))
    named = random.random() < 0.8
    kinds = [Claim("name-1", "take"), *(Claim(f"key-{random.randrange(4)}", mode) for mode in MODES)]
    claims = random.sample(kinds, random.choice((0, 1, 1, 2)))
    if random.random() < 0.2:
        claims = [Claim("quota", "share", None, 2)]
    branches_at, places_at = seen
    right = Arrangement(branches_at)
    arrangement = random.choice((None, right, right, Arrangement(branches_at, places_at), Arrangement(branches_at - 1)))
    return Append(
        tuple(events),
        UUID(int=1_000 + random.randrange(60)) if named else None,
        bytes([random.randrange(2)]),
        tuple({claim.key: claim for claim in claims}.values()),
        arrangement,
        random.choice(("nothing", "nothing", "nothing", "places", "branches")),
    )


async def appends(side: Side) -> None:
    """Batches that are taken, and batches against which something stands; then everything that is asked of the history."""
    call = "select * from append_batch(" + ",".join(["%b"] * 20) + ")"
    async with side.session() as connection:
        for number in range(APPENDS):
            versions = {UUID(int=each): await side.store.version(UUID(int=each)) for each in range(1, 7)}
            seen = await side.store.arrangement()
            assert seen.places_at is not None
            plan = Plan()
            for _ in range(side.random.choice((1, 2, 3, 5))):
                append = drawn_append(side.random, versions, (seen.branches_at, seen.places_at))
                if plan.fits(append):
                    plan.add(append)
                    versions |= {event.aggregate_id: event.version for event in append.events}
            values = plan.arrays(RECORDED_AT, lambda key: stored_key(key, SECRET))
            with side.refused(f"append {number}"):
                side.tell("answer", await side.query(connection, call, values, ordered=False))
        twice = [UUID(int=5_000), UUID(int=5_000)], [b"", b""], [1, 1]
        one = [UUID(int=77)], [1], ["example.began"], [b"{}"], [b"{}"], ["tld"]
        nothing: tuple[object, ...] = ([], [], [], [], None, None, False, False)
        with side.refused("one command id twice"):
            await side.query(connection, call, (*twice, [UUID(int=77)], [0], *one, RECORDED_AT, *nothing))
        with side.refused("one version twice"):
            double = tuple(column * 2 for column in one)
            await side.query(connection, call, ([], [], [], [UUID(int=77)], [0], *double, RECORDED_AT, *nothing))
        with side.refused("given back what nobody holds"):
            values = ([], [], [], [UUID(int=77)], [0], *one, RECORDED_AT, [b"k"], ["unclosed"], [-2], [9], *nothing[4:])
            await side.query(connection, call, values)
    await asked_of_the_history(side)


async def asked_of_the_history(side: Side) -> None:
    """Every question to the store."""
    store = side.store
    side.tell("head", (await store._head([]), await store.arrangement(), await store.branches()))
    side.tell("claims", sorted(await side.claims()))
    side.tell("history", [vars(event) for event in await store.read(0, 10_000)])
    side.tell("page", [event.position for event in await store.read(7, 5)])
    side.tell("topics", [event.position for event in await store.read(3, 9, frozenset({"example.ended"}))])
    side.tell("none", await store.read(10_000, 5))
    loaded = await store.load_many([UUID(int=number) for number in (3, 1, 99)])
    side.tell("histories", {key: [(each.position, each.version) for each in history] for key, history in loaded.items()})
    for number in range(70):
        with side.refused(f"answer {number}"):
            side.tell("answer to", await store.answer_to(UUID(int=1_000 + number), b"\0", UUID(int=1)))


async def followers(side: Side) -> None:
    """Positions, what lies aside, and who waits for whom."""
    async with side.session() as one, side.session() as other:
        for name in ("a", "a", "b", "c"):
            side.tell("first position", await positions.first_position(one, name))
        side.tell("locked", (await positions.locked_position(one, "b"), await positions.locked_position(one, "nobody")))
        side.tell("standing", [await positions.standing(one, name, lock=False) for name in ("a", "nobody")])
        tally = Tally().moved([3, 5], [5])
        for term in (None, 0, 7):
            side.tell("moved", (term, await positions.move(one, "a", 5, tally, term)))
        side.tell("moved nobody", await positions.move(one, "nobody", 5, tally, None))
        side.tell("standing", await positions.standing(one, "a", lock=True))
        parked = [("a", at, UUID(int=at % 2), "t", "why", None, b"{}", RECORDED_AT) for at in (4, 2, 3, 2, 8)]
        async with one.transaction():
            await one.cursor().executemany(PARK, parked)
            blocked = "select aggregate_id, min(position) from parked where follower = %s group by aggregate_id"
            side.tell("blocked inside", await side.query(one, blocked, ("a",), ordered=False))
            side.tell("blocked outside", await side.query(other, blocked, ("a",), ordered=False))
        side.tell("blocked", await side.query(other, blocked, ("a",), ordered=False))
        await who_waits(side, one, other)
        await written_down(side, one, other)
        await rolled_back(side, one, other)
        side.tell("positions", await side.query(one, positions.POSITIONS, ordered=False))


async def who_waits(side: Side, one: Any, other: Any) -> None:
    """Whoever wants a row that another transaction holds gets it as that one left it, and all else as it was when he asked."""
    tally = Tally().moved([9], [9])
    async with side.session() as third:
        async with one.transaction():
            await positions.standing(one, "b", lock=True)
            waiting = asyncio.create_task(within(other, positions.standing(other, "b", lock=True)))
            await side.until_somebody_waits()
            side.tell("term taken", await leaders.take(third, "meanwhile", "", [], 3_600.0))
            side.tell("moved", await positions.move(one, "b", 9, tally, None))
        side.tell("standing after waiting", await waiting)
        await leaders.give_back(third, 1)


async def within(connection: Any, doing: Awaitable[Any]) -> Any:
    """What comes of something in a transaction."""
    async with connection.transaction():
        return await doing


async def written_down(side: Side, one: Any, other: Any) -> None:
    """Positions that were only passed: those that nobody holds, that are where they were left, in the term."""
    columns = [["a", "b", "c"], [5, 9, 1], [11, 12, 13]]
    for term in (9, 1):
        side.tell("written down", await side.query(one, _WRITE_DOWN, (*columns, term), ordered=False))
    async with other.transaction():
        await positions.standing(other, "c", lock=True)
        columns = [["a", "b", "c"], [11, 12, 0], [21, 22, 23]]
        side.tell("written down", await side.query(one, _WRITE_DOWN, (*columns, 1), ordered=False))


async def rolled_back(side: Side, one: Any, other: Any) -> None:
    """A transaction that fails, a part of one that fails, and one whose connection is gone, leave nothing."""
    tally = Tally()
    with side.refused("rolled back"):
        async with one.transaction():
            await positions.move(one, "a", 91, tally, None)
            raise psycopg.DataError
    async with one.transaction():
        await positions.move(one, "a", 92, tally, None)
        with side.refused("part rolled back"):
            async with one.transaction():
                await positions.move(one, "a", 93, tally, None)
                raise psycopg.DataError
        side.tell("inside", await positions.locked_position(one, "a"))
    async with side.session("doomed") as doomed:
        with side.refused("ended"):
            async with doomed.transaction():
                await positions.move(doomed, "a", 94, tally, None)
                side.tell("sessions ended", await leaders.end_sessions(other, "doomed"))
                await positions.move(doomed, "a", 95, tally, None)
        with side.refused("after the end"):
            await positions.locked_position(doomed, "a")
        side.tell("closed", doomed.closed)
    side.tell("sessions ended", await leaders.end_sessions(other, "nobody"))
    side.tell("as it was", await positions.locked_position(other, "a"))


async def leadership(side: Side) -> None:
    """Looked at, taken, renewed, run out, given back, and free when its session is gone."""
    async with side.session() as one, side.session() as other:
        side.tell("look", await leaders.look(one))
        side.tell("take", await leaders.take(one, "pod-1", "s-1", ["x", "y"], 3_600.0))
        side.tell("taken", (await leaders.look(other), await leaders.take(other, "pod-2", "s-2", [], 3_600.0)))
        for term, alarm, seconds in ((1, "wrong term", 3_600.0), (2, "look here", 3_600.0), (2, "late", -1.0)):
            side.tell("renew", (await leaders.renew(one, term, alarm, seconds), await leaders.look(other)))
        side.tell("run out", (await leaders.take(other, "pod-2", "s-2", [], 3_600.0), await leaders.look(one)))
        side.tell("too late", await leaders.renew(one, 2, "", 3_600.0))
        await leaders.give_back(one, 2)
        side.tell("given back by another", await leaders.look(one))
        await leaders.give_back(other, 3)
        side.tell("given back", await leaders.look(one))
        async with side.session() as third:
            side.tell("take", await leaders.take(third, "pod-3", "s-3", ["z"], 3_600.0))
        while not (seen := await leaders.look(one)).free:
            await asyncio.sleep(0.01)
        side.tell("gone", seen)
        async with one.transaction():
            side.tell("take", await leaders.take(one, "pod-1", "s-1", [], 3_600.0))
            waiting = asyncio.create_task(leaders.take(other, "pod-2", "s-2", [], 3_600.0))
            await side.until_somebody_waits()
        side.tell("second", await waiting)


async def read_models(side: Side) -> None:
    """Rows that are put, put again, and taken away."""
    projection, days = Projection(MODEL), [date(2026, 3, day) for day in (1, 2, 3)]
    keys = [(f"p-{number}", day) for number in range(3) for day in days]
    async with side.session() as one, side.session() as other:
        for at in range(12):
            before = await projection._rows(keys, one)
            rows: dict[Any, Any] = dict(before)
            for key in side.random.sample(keys, 4):
                rows[key] = None if side.random.random() < 0.3 else Row(*key, side.random.randint(-9, 9), at)
            with side.refused(f"round {at}"):
                async with one.transaction():
                    await projection._write(before, rows, one)
                    side.tell("inside", sorted((await projection._rows(keys, one)).items()))
                    side.tell("outside", sorted((await projection._rows(keys, other)).items()))
                    if at % 3 == 2:
                        raise psycopg.DataError
            side.tell("all", sorted(await fetch_rows(side.pool, MODEL, "true"), key=repr))
            side.tell("later", sorted(await fetch_rows(side.pool, MODEL, "position > %s", (at - 2,)), key=repr))


async def notifications(side: Side) -> None:
    """Told in the order in which it became true, to whoever listens."""
    async with side.session() as listening, side.session() as one:
        for channel in ("events", "leaders", "awaited"):
            await listening.execute(f"listen {channel}".encode())
        for number in range(10):
            await side.query(one, "select pg_notify(%s, %s)", (side.random.choice(("awaited", "nobody")), str(number)))
        term = (await leaders.look(one)).term
        await leaders.give_back(one, term)
        await leaders.give_back(one, term + 5)
        await side.query(one, "select pg_notify(%s, %s)", ("awaited", "end"))
        async for heard in listening.notifies():
            side.tell("heard", (heard.channel, heard.payload))
            if heard.payload == "end":
                break


PARTS: tuple[Callable[[Side], Awaitable[None]], ...] = (followers, appends, leadership, read_models, notifications)
