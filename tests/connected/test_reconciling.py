"""Is damage to a stream found where it is, and put right so that everyone has each event once? Shown on real servers."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

import psycopg
import pytest
from nats.errors import Error as NatsError

from chassis import streams
from chassis.database import AppendSignal, Pool, open_pool
from chassis.ledger.leaf import leaf_hash
from chassis.publisher import Publisher
from chassis.reconciliation.reconciler import Reconciler
from chassis.reconciliation.remembered import Reconciliation, ask_for_sweep, reconciliation
from chassis.reconciliation.sealed import Agreement, NothingSealed, Sealed
from chassis.recorded import RecordedEvent
from chassis.store import EventStore
from chassis.streams import Connection, last_sequence, stream_name
from congdoan.embedded import EmbeddedNats
from tests.connected import damage
from tests.connected.example import (
    PATIENCE_S,
    Sum,
    announced,
    connected,
    counted,
    everything,
    opened,
    published,
    record,
    sums,
    until,
)
from tests.connected.test_feed import following

EVENTS = 30


class SealedBefore:
    """What was sealed of some events when they were announced."""

    def __init__(self, events: Sequence[RecordedEvent]) -> None:
        self._leaves = [(event.position, leaf_hash(event)) for event in events]

    async def after(self, position: int) -> list[tuple[int, bytes]]:
        """A page."""
        return self._leaves[position : position + 10]


@dataclass
class Kept:
    """A history whose stream is published and reconciled."""

    store: EventStore
    bus: Connection
    pool: Pool
    publisher: Publisher
    reconciler: Reconciler

    async def state(self) -> Reconciliation:
        """What is remembered."""
        return await reconciliation(self.pool)

    async def harmed(self, harm: damage.Damage) -> None:
        """Somebody damages the stream, quicker than anybody looks."""
        await self.reconciler.stop()
        await self.publisher.stop()
        await harm(self.bus.client, self.store.service)
        await self.publisher.start()
        await self.reconciler.start()

    async def swept(self) -> Reconciliation:
        """Once everything was compared, asked for now."""
        number = await ask_for_sweep(self.pool)
        self.reconciler.wake()

        async def answered() -> bool:
            return (await self.state()).answered >= number

        await until(answered)
        return await self.state()

    async def is_whole(self) -> bool:
        """Whether the stream says what is recorded, to everybody."""
        try:
            return await self.is_full() and await published(self.bus.client, self.store.service) == await everything(self.store)
        except NatsError:
            return False  # it is being taken away

    async def is_full(self) -> bool:
        """Whether the stream has as many events as are recorded, for everybody."""
        try:
            found = await streams.info(self.bus.client, stream_name(self.store.service))
        except (NatsError, streams.JetStreamError, OSError):
            return False
        return not streams.is_closed(found["config"]) and found["state"]["messages"] == await self.store.head()


@asynccontextmanager
async def kept(
    store: EventStore, conninfo: str, url: str, sealed: Sealed | None = None, every_s: float = 0.05
) -> AsyncIterator[Kept]:
    signals = AppendSignal(conninfo)
    await signals.start()
    agreement = Agreement(store, sealed or NothingSealed())
    async with open_pool(conninfo) as pool, connected(url) as bus:
        publisher = Publisher(store, bus, signals, agreement=agreement)
        reconciler = Reconciler(
            store,
            bus,
            conninfo,
            agreement,
            lambda: datetime.now(UTC),
            events_per_s=1_000,
            every_s=every_s,
            stopped=lambda: publisher.stopped,
            taken_away=publisher.wake,
        )
        publisher.on_disagreement = reconciler.wake
        await publisher.start()
        await reconciler.start()
        try:
            yield Kept(store, bus, pool, publisher, reconciler)
        finally:
            await reconciler.stop()
            await publisher.stop()
            await signals.stop()


@pytest.fixture
async def history(database: str) -> AsyncIterator[EventStore]:
    """Of a service, and so a stream, of the test's own."""
    async with opened(f"example-{uuid4().hex[:10]}", database) as store:
        await record(store, [counted(1) for _ in range(EVENTS)], at_once=3)
        yield store


async def taken_once(pool: Pool, events: int) -> bool:
    """Whether a follower has taken so many events, each of an aggregate of its own, once."""
    found = await sums(pool)
    return len(found) == events and all(taken == (1, [1]) for taken in found.values())


async def test_each_damage_is_found_where_it_is_and_put_right_and_nobody_takes_an_event_twice(
    history: EventStore, database: str, nats_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chassis.publisher.IDLE_CHECK_S", 0.1)
    monkeypatch.setattr("chassis.publisher.STOPPED_RETRY_S", 0.5)
    async with kept(history, database, nats_url) as one, following(nats_url, one.pool, Sum(history.service)) as (feed,):
        await feed.at_least(EVENTS, PATIENCE_S)
        assert (await one.swept()).repairs == 0
        total = EVENTS
        for harm in damage.EVERY_KIND:
            before = await one.state()
            await one.harmed(harm)
            await until(lambda before=before: came_back(one, before), harm.__name__)  # type: ignore[misc]
            await record(history, [counted(1)])
            total += 1
            state = await one.swept()
            assert await one.is_whole(), harm.__name__
            assert state.alarm == "", harm.__name__
            assert state.repairs > before.repairs, harm.__name__
        await feed.at_least(total, PATIENCE_S)
        assert await taken_once(one.pool, total)
    found = evidence(database)
    assert {position for position, kind in found if kind == "changed"} >= {damage.DAMAGED}
    assert (damage.DAMAGED, "missing") in found


async def test_who_publishes_and_who_compares_wait_for_each_other_and_for_no_time(
    history: EventStore, database: str, nats_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chassis.publisher.STOPPED_RETRY_S", 100 * PATIENCE_S)
    async with kept(history, database, nats_url, every_s=100 * PATIENCE_S) as one:
        await until(one.is_full)
        assert (await one.swept()).repairs == 0
        (said,) = (await announced(one.bus.client, history.service))[-1:]
        kept_headers = {name: value for name, value in (said.headers or {}).items() if not name.startswith("Nats-")}
        await one.bus.client.jetstream().publish(said.subject, said.data, headers=kept_headers)
        await record(history, [counted(1)])  # in the place of what nobody recorded
        await until(lambda: put_right(one))


async def put_right(one: Kept) -> bool:
    """Whether the stream was made anew, and is whole."""
    return (await one.state()).repairs == 1 and await one.is_whole()


async def came_back(one: Kept, before: Reconciliation) -> bool:
    """Whether the stream was put right, and is whole again."""
    return (await one.state()).repairs > before.repairs and await one.is_whole()


def evidence(database: str) -> list[tuple[int, str]]:
    """What was noted of the streams that were not as they had to be."""
    with psycopg.connect(database) as connection:
        return connection.execute("select position, kind from stream_differences order by found_at, position").fetchall()


async def test_a_store_that_was_tampered_with_is_not_copied_over_what_shows_it(
    history: EventStore, database: str, nats_url: str
) -> None:
    original = await everything(history)
    async with kept(history, database, nats_url, SealedBefore(original)) as one:
        await until(lambda: one.publisher.published == EVENTS)
        assert (await one.swept()).alarm == ""
    with psycopg.connect(database) as tampering:
        tampering.execute("update events set body = replace(convert_from(body, 'utf8'), ':1', ':2')::bytea where position = 11")
    async with kept(history, database, nats_url, SealedBefore(original)) as one:
        state = await one.swept()
        assert state.alarm == f"store differs from the ledger at {history.service}/11"
        assert (state.repairs, evidence(database)) == (0, [(11, "changed")])
        assert await published(one.bus.client, history.service) == original

        await one.harmed(damage.deleted)
        await until(lambda: one.publisher.trouble == f"store differs from the ledger at {history.service}/11")
        with pytest.raises(streams.JetStreamError):
            await last_sequence(one.bus.client, history.service)
        assert (await one.swept()).alarm == one.publisher.trouble

        with psycopg.connect(database) as mending:
            mending.execute("update events set body = %s where position = 11", (original[10].body,))
        await one.publisher.stop()
        await one.publisher.start()
        await until(one.is_whole)
        assert (await one.swept()).alarm == ""


async def test_a_store_restored_from_a_backup_is_told_and_nothing_is_overwritten(
    history: EventStore, database: str, nats_url: str
) -> None:
    original = await everything(history)
    async with kept(history, database, nats_url) as one:
        await until(lambda: one.publisher.published == EVENTS)
        await one.swept()
        with psycopg.connect(database) as restored:
            restored.execute("delete from events where position > 27")
            restored.execute("update head set position = 27")
        assert (await one.swept()).alarm == f"the stream is at {EVENTS} and the store at 27"
        assert await published(one.bus.client, history.service) == original
        assert (await one.state()).repairs == 0


async def test_who_fills_the_stream_anew_is_killed_and_the_next_one_completes_it(
    history: EventStore, database: str, nats_url: str
) -> None:
    await record(history, [counted(1) for _ in range(3_500 - EVENTS)])
    async with (
        connected(nats_url) as bus,
        open_pool(database) as pool,
        following(nats_url, pool, Sum(history.service)) as (feed,),
    ):
        program = [sys.executable, "-m", "tests.connected.doomed", "refill", history.service, database, nats_url]
        ended = await asyncio.to_thread(subprocess.run, program, timeout=PATIENCE_S, check=False)
        assert ended.returncode == -signal.SIGKILL
        half = await streams.info(bus.client, stream_name(history.service))
        assert 0 < half["state"]["last_seq"] < 3_500
        assert streams.is_closed(half["config"])
        await streams.ensure(bus.client, streams.stream_of(history.service))  # a step before the start leaves it closed
        async with kept(history, database, nats_url) as one:
            await until(one.is_full)
            await feed.at_least(3_500, PATIENCE_S)
            state = await one.swept()
            assert (state.repairs, state.differences) == (0, 0)
        assert await taken_once(pool, 3_500)


async def test_nats_is_killed_while_the_stream_is_filled_anew(history: EventStore, database: str, own_nats: EmbeddedNats) -> None:
    await record(history, [counted(1) for _ in range(5_000 - EVENTS)])
    async with kept(history, database, own_nats.url) as one:
        await until(one.is_full)
        await damage.deleted(one.bus.client, history.service)
        await until(lambda: half_full(one))
        await asyncio.to_thread(own_nats.kill)
        await asyncio.to_thread(own_nats.start)
        await until(one.is_full)
        assert (await one.swept()).differences == 0


async def half_full(one: Kept) -> bool:
    """Whether the new stream is being filled, or has been already."""
    try:
        found = await streams.info(one.bus.client, stream_name(one.store.service))
    except streams.JetStreamError:
        return False
    return bool(found["state"]["last_seq"])


async def test_one_process_compares_and_another_goes_on_when_it_ends(history: EventStore, database: str, nats_url: str) -> None:
    async with kept(history, database, nats_url) as other:
        async with kept(history, database, nats_url) as one:
            assert (await one.swept()).differences == 0
        await other.harmed(damage.one_changed)
        await until(other.is_whole)
        assert (await other.swept()).repairs == 1
