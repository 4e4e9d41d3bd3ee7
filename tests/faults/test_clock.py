"""Does anything depend on what time it is said to be? The clock jumps by two days, ahead and back, all the time."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from uuid import uuid4

import pytest

from chassis.database import AppendSignal, open_pool
from chassis.feed import Feeds
from chassis.following import Follower
from chassis.projector import Projector
from chassis.store import EventStore
from tests.connected.example import SECRET, Sum, connected, counted, everything, published, publishing, record, sums, until
from tests.faults.arena import Arena
from tests.faults.clock import Clocks, Jumping, faults
from tests.faults.rounds import Scope, drill
from tests.folders import fast_folder

AGGREGATES, VERSIONS = 20, 50


@pytest.fixture
async def jumping(database: str) -> AsyncIterator[tuple[EventStore, Jumping]]:
    """A store by whose clock it is any of three days."""
    clock = Jumping(Random(7))
    async with open_pool(database) as pool:
        store = EventStore(f"example-{uuid4().hex[:10]}", database, pool, secret=SECRET, clock=clock)
        await store.start()
        yield store, clock
        await store.stop()


async def test_order_follows_from_positions_whatever_time_was_written_down(
    jumping: tuple[EventStore, Jumping], database: str, nats_url: str
) -> None:
    store, clock = jumping
    aggregates, signal = [uuid4() for _ in range(AGGREGATES)], AppendSignal(database)
    async with publishing(store, database, nats_url) as publisher, open_pool(database) as pool:
        own, other = Sum(store.service, "own"), Sum(store.service, "other")
        for effect in (own, other):
            await effect.prepare(pool)
        followers = [Follower(pool, effect, clock) for effect in (own, other)]
        parts = (signal, Projector(store, signal, followers[:1]), Feeds(nats_url, "reader", followers[1:]))
        for part in parts:
            await part.start()
        for version in range(1, VERSIONS + 1):
            await record(store, [counted(version, aggregate, version) for aggregate in aggregates], at_once=3)
        recorded = AGGREGATES * VERSIONS
        await until(lambda: publisher.published == recorded and all(one.position == recorded for one in followers))
        taken = {name: await sums(pool, name) for name in ("own", "other")}
        for part in reversed(parts):
            await part.stop()
        history = await everything(store)
        async with connected(nats_url) as connection:
            assert await published(connection.client, store.service) == history
    times = [event.recorded_at for event in history]
    assert clock.back > 10, "the clock never went back"
    assert sum(later < earlier for earlier, later in pairwise(times)) > 10
    assert max(times) - min(times) > timedelta(days=3)
    assert max(times) < datetime.now(UTC) + timedelta(days=3)
    expected = {aggregate: list(range(1, VERSIONS + 1)) for aggregate in aggregates}
    assert [{aggregate: versions for aggregate, (_, versions) in one.items()} for one in taken.values()] == [expected] * 2


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_services_whose_clocks_jump_refuse_tokens_clearly_and_lose_nothing() -> None:
    random = Random(7)
    with fast_folder() as folder, fast_folder() as files:
        clocks = Clocks(files)
        async with Arena(folder, random, environment=clocks.environment) as arena:
            outcome = await drill(arena, faults(clocks), random, Scope(before=60, after=60, clients=2, batch=20, pause_s=0.3))
    assert not outcome.broken, outcome.told
    assert outcome.strikes["clock-jumps"] == 6
