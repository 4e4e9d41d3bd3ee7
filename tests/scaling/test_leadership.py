"""Of several processes of a service one leads, by turns with numbers; what was begun in an earlier turn never becomes true."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import psycopg
import pytest

from chassis.database import AppendSignal, Connection, Pool, open_pool
from chassis.ending import ended
from chassis.following import Deposed, Follower
from chassis.leadership import CHANNEL, Leadership
from chassis.recorded import RecordedEvent
from chassis.standing_by import write_down
from chassis.store import EventStore
from tests.connected.example import counted, noted, record, until

LONG_S = 3_600.0
"""A lease that ends in no test by itself."""


class Turn:
    """A part that tells when it runs, and in whose hands."""

    def __init__(self, told: list[str], name: str) -> None:
        self._told, self._name = told, name

    async def start(self) -> None:
        self._told.append(f"{self._name} begins")

    async def stop(self) -> None:
        self._told.append(f"{self._name} ends")


class Sum:
    """Adds up what was counted; does something else in the middle of its transaction."""

    source, topics = "example", frozenset({"example.counted"})

    def __init__(self, meanwhile: Callable[[], Awaitable[None]] | None = None, name: str = "sum") -> None:
        self.name, self._meanwhile = name, meanwhile

    async def take(self, events: Sequence[RecordedEvent], transaction: Connection) -> None:
        await transaction.execute("create table if not exists sums (number bigint)")
        for event in events:
            await transaction.execute("insert into sums values (%s)", (event.position,))
        if self._meanwhile:
            await self._meanwhile()

    async def taken(self, events: Sequence[RecordedEvent]) -> None:
        pass


@asynccontextmanager
async def pod(database: str, name: str, told: list[str] | None = None, **more: object) -> AsyncIterator[Leadership]:
    """A process of a service, as far as leading goes."""
    leadership = Leadership(database, name, f"example/{name}", **more)  # type: ignore[arg-type]
    leadership.led.append(Turn(told if told is not None else [], name))
    signal = AppendSignal(database)
    signal.tell(CHANNEL, lambda _: leadership.wake())
    await signal.start()
    await leadership.start()
    try:
        yield leadership
    finally:
        await leadership.stop()
        await signal.stop()


async def killed(leadership: Leadership) -> None:
    """As kill -9 does it: nothing is given back, and the session is gone."""
    for task in leadership.tasks:
        await ended(task)


@pytest.fixture
def long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chassis.leadership.LEASE_S", LONG_S)
    monkeypatch.setattr("chassis.leadership.RENEWED_EVERY_S", 0.05)
    monkeypatch.setattr("chassis.leadership.LOOKED_EVERY_S", 0.02)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chassis.leadership.LEASE_S", 1.5)
    monkeypatch.setattr("chassis.leadership.RENEWED_EVERY_S", 0.1)
    monkeypatch.setattr("chassis.leadership.LOOKED_EVERY_S", 0.02)


@pytest.mark.usefixtures("long")
async def test_one_leads_and_gives_it_back_when_it_stops(database: str) -> None:
    told: list[str] = []
    async with pod(database, "a", told) as a:
        assert (a.leads, a.term) == (True, 1), "as soon as it is started"
        async with pod(database, "b", told) as b, pod(database, "c", told) as c:
            await until(lambda: b.holder == c.holder == "a")
            assert not b.leads
            assert not c.leads
            await a.stop()
            await until(lambda: b.leads or c.leads)
            first, second = (b, c) if b.leads else (c, b)
            assert (first.term, second.leads) == (2, False)
            await until(lambda: second.holder == first.own_name)
    assert told[:3] == ["a begins", "a ends", f"{first.own_name} begins"]


@pytest.mark.usefixtures("long")
async def test_whoever_is_killed_is_followed_though_its_time_is_not_over(database: str) -> None:
    async with pod(database, "a") as a, pod(database, "b") as b:
        await killed(a)
        await until(lambda: b.leads)
        assert b.term == 2


@pytest.mark.usefixtures("long")
async def test_a_process_that_was_started_again_leads_at_once(database: str) -> None:
    async with pod(database, "a") as a:
        await killed(a)
        async with pod(database, "a") as again:
            await until(lambda: again.leads)
            assert again.term == 2


@pytest.mark.usefixtures("long")
async def test_a_session_that_is_cut_costs_the_leadership_only_if_somebody_else_was_quicker(database: str) -> None:
    told: list[str] = []
    async with pod(database, "a", told) as a, pod(database, "b", told) as b:
        for _ in range(5):
            with psycopg.connect(database, autocommit=True) as connection:
                connection.execute("select pg_terminate_backend(pid) from leaders")
            await until(lambda: a.leads != b.leads)
            await until(lambda: len(told) % 2 == 1)
        assert {each.removesuffix(" begins").removesuffix(" ends") for each in told} <= {"a", "b"}
        assert told[0] == "a begins"
        latest = max(a.latest, b.latest)
        assert len([each for each in told if each.endswith("begins")]) == latest, "each term had one holder"


@pytest.mark.usefixtures("short")
async def test_whose_time_is_over_ends_its_parts_and_is_followed(database: str) -> None:
    told: list[str] = []
    async with pod(database, "a", told) as a, pod(database, "b", told) as b:
        renewing, go_on = a._renew, asyncio.Event()

        async def paused(connection: Connection, term: int) -> None:
            await go_on.wait()
            await renewing(connection, term)

        a._renew = paused  # type: ignore[method-assign]
        await until(lambda: b.leads and b.term == 2)
        await until(lambda: told[:2] == ["a begins", "a ends"])
        assert not a.leads
        with pytest.raises(Deposed):
            _ = a.term
        a._renew = renewing  # type: ignore[method-assign]
        go_on.set()
        await until(lambda: a.holder == "b")
        assert a.latest == 2, "it only found out"


@pytest.mark.usefixtures("short")
async def test_alone_it_leads_on_after_a_pause_in_the_same_term(database: str) -> None:
    told: list[str] = []
    now = [0.0]
    async with pod(database, "a", told, clock=lambda: now[0]) as a:
        now[0] += 1_000.0
        assert not a.leads
        await until(lambda: a.leads)
        await until(lambda: told[-1] == "a begins")
        assert a.term == 1


async def test_what_the_leader_sees_is_told_to_the_others(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chassis.leadership.RENEWED_EVERY_S", 0.05)
    seen = [""]
    async with pod(database, "a", alarm=lambda: seen[0]) as a, pod(database, "b") as b:
        seen[0] = "membership/7: removed"
        assert a.alarm == "membership/7: removed"
        await until(lambda: b.alarm == "membership/7: removed")


async def test_a_part_that_dies_is_noticed_and_one_that_does_not_start_is_tried_again(database: str) -> None:
    class Doomed:
        task: asyncio.Task[None] | None = None
        refused = 0

        async def start(self) -> None:
            if self.refused < 2:
                self.refused += 1
                raise psycopg.OperationalError("not yet")
            self.task = asyncio.create_task(self._die())

        async def stop(self) -> None:
            await ended(self.task)

        async def _die(self) -> None:
            raise RuntimeError("what nobody foresaw")

    doomed = Doomed()
    async with pod(database, "a") as a:
        with pytest.raises(psycopg.OperationalError):
            await a.lead(doomed)
        with pytest.raises(psycopg.OperationalError):
            await doomed.start()
        await doomed.start()
        a._changed.set()
        (_, managing) = a.tasks
        with pytest.raises(RuntimeError, match="what nobody foresaw"):
            await managing


class Stuck:
    """A fence that goes on to believe in its term."""

    def __init__(self, term: int) -> None:
        self.term, self.times = term, 0

    def struck(self) -> None:
        self.times += 1


def follower(pool: Pool, effect: Sum, fence: object) -> Follower:
    return Follower(pool, effect, lambda: datetime.now(UTC), fence=fence)  # type: ignore[arg-type]


async def moved(pool: Pool) -> int:
    async with pool.connection() as connection:
        row = await (await connection.execute("select coalesce(max(position), 0) from followers")).fetchone()
    assert row
    return int(str(row[0]))


async def test_a_batch_of_an_earlier_term_is_stopped_before_it_begins_and_before_it_is_true(
    database: str, store: EventStore
) -> None:
    await record(store, [counted(number) for number in range(4)])
    events = await store.read(0, 10)

    async with open_pool(database) as pool:

        async def another_is_elected() -> None:
            async with pool.connection() as connection:
                await connection.execute("update leaders set term = term + 1")

        fence = Stuck(0)
        one = follower(pool, Sum(), fence)
        await one.load()
        await one.take(events[:2])
        assert await moved(pool) == 2

        late = follower(pool, Sum(another_is_elected), fence)
        await late.load()
        with pytest.raises(Deposed):
            await late.take(events[2:3])
        assert (fence.times, await moved(pool)) == (1, 2)

        with pytest.raises(Deposed):
            await one.take(events[2:])
        assert (fence.times, await moved(pool), one.position) == (2, 2, 2)

        newer = follower(pool, Sum(), Stuck(1))
        await newer.load()
        await newer.take(events[2:])
        assert await moved(pool) == 4
        async with pool.connection() as connection:
            rows = await (await connection.execute("select number from sums order by number")).fetchall()
        assert rows == [(1,), (2,), (3,), (4,)]


@pytest.mark.usefixtures("short")
async def test_what_a_paused_leader_left_open_is_ended_by_the_next(database: str, store: EventStore) -> None:
    """Its row would stay locked for as long as it is paused."""
    await record(store, [counted(number) for number in range(4)])
    events = await store.read(0, 10)
    stopped, go_on = asyncio.Event(), asyncio.Event()

    async def pause() -> None:
        stopped.set()
        await go_on.wait()

    async with (
        open_pool(database, name="example/a") as pool,
        open_pool(database, name="example/b") as other,
        pod(database, "a", clock=lambda: 0.0) as a,
    ):
        a._renew = lambda connection, term: pause()  # type: ignore[method-assign]
        late = follower(pool, Sum(pause), a)
        await late.load()
        taking = asyncio.create_task(late.take(events))
        await stopped.wait()
        async with pod(database, "b") as b:
            await until(lambda: b.leads)
            assert a.leads, "for all it can know: its clock stands still"
            newer = follower(other, Sum(), b)
            await newer.load()
            await newer.take(events)
            assert await moved(other) == 4
            go_on.set()
            with pytest.raises(psycopg.OperationalError):
                await taking
            await late.load()
            await record(store, [counted(9)])
            with pytest.raises(Deposed):
                await late.take(await store.read(4, 10))
            assert (a.fenced, await moved(other)) == (1, 4)


async def test_positions_that_were_passed_over_in_memory_are_written_down_in_the_term_alone(
    database: str, store: EventStore
) -> None:
    await record(store, [counted(1), *(noted("n") for _ in range(5))])
    events = await store.read(0, 10)
    async with open_pool(database) as pool:
        one, behind = follower(pool, Sum(), Stuck(0)), follower(pool, Sum(name="behind"), None)
        await one.load()
        await behind.load()
        await one.take(events)
        await one.take([], upto=6)
        assert (one.position, one.kept) == (6, 6), "what concerns it is written down with the last of its batch"
        await record(store, [noted("n")])
        await one.take([], upto=7)
        assert (one.position, one.kept, await moved(pool)) == (7, 6, 6)

        await write_down(pool, [one], term=3)
        assert (one.kept, await moved(pool)) == (6, 6)
        await write_down(pool, [one, behind], term=0)
        assert (one.kept, await moved(pool)) == (7, 7)

        await record(store, [counted(8)])
        await one.take(await store.read(7, 10))
        assert await moved(pool) == 8
