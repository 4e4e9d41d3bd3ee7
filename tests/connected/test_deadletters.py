"""Is what cannot be taken told, listed, and taken after all, in order? Shown on real servers."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from nats.js.api import AckPolicy, ConsumerConfig

from chassis.cloudevents import unescaped
from chassis.database import Connection as DatabaseConnection
from chassis.database import Pool, open_pool
from chassis.deadletters import DeadLetters, Replayed, dead_letter_subject, list_parked, replay
from chassis.feed import Feeds
from chassis.following import Follower, Unprocessable
from chassis.recorded import RecordedEvent
from chassis.store import EventStore
from chassis.streams import set_up
from tests.connected.example import (
    PATIENCE_S,
    Sum,
    connected,
    counted,
    opened,
    publishing,
    record,
    sums,
    until,
)


@pytest.fixture
def source() -> str:
    """A service, and so a stream, of the test's own."""
    return f"example-{uuid4().hex[:10]}"


@pytest.fixture
async def history(source: str, database: str) -> AsyncIterator[EventStore]:
    async with opened(source, database) as store:
        yield store


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    async with open_pool(database) as pool:
        yield pool


class Story:
    """Two aggregates: one whose second event cannot be taken, and one that goes on."""

    def __init__(self, history: EventStore, pool: Pool) -> None:
        self.sick, self.well = uuid4(), uuid4()
        self.history, self.pool = history, pool
        self.effect = Sum(history.service)
        self.follower = Follower(pool, self.effect, lambda: datetime.now(UTC))

    async def begin(self) -> None:
        """Record and take it; events 2, 4 and 5 lie aside then."""
        await self.effect.prepare(self.pool)
        await record(self.history, [counted(1, self.sick, 1), counted(-2, self.sick, 2), counted(1, self.well, 1)], at_once=1)
        await record(self.history, [counted(3, self.sick, 3), counted(4, self.sick, 4), counted(1, self.well, 2)], at_once=1)
        await self.take()

    async def take(self) -> None:
        """Take what was recorded, three events at a time."""
        await self.follower.load()
        while batch := await self.history.read(self.follower.position, 3):
            await self.follower.take(batch)


@pytest.fixture
async def story(history: EventStore, pool: Pool) -> Story:
    told = Story(history, pool)
    await told.begin()
    return told


async def test_poison_lies_aside_with_what_follows_it_and_the_rest_goes_on(story: Story) -> None:
    parked = await list_parked(story.pool, None, 10)
    assert [(one.position, one.aggregate_id, one.waits_for) for one in parked] == [
        (2, story.sick, None),
        (4, story.sick, 2),
        (5, story.sick, 2),
    ]
    assert {one.source for one in parked} == {story.history.service}
    assert "ValueError" in parked[0].reason
    assert await sums(story.pool) == {story.sick: (1, [1]), story.well: (2, [1, 2])}


async def test_parked_events_are_listed_page_by_page(story: Story) -> None:
    first = await list_parked(story.pool, None, 2)
    second = await list_parked(story.pool, first[-1].key, 2)
    assert [one.position for one in first + second] == [2, 4, 5]


async def test_replay_after_mending_takes_everything_in_order_and_the_aggregate_waits_no_more(story: Story) -> None:
    story.effect.floor = -10
    assert await replay(story.pool, story.follower) == Replayed(taken=3)
    assert await sums(story.pool) == {story.sick: (6, [1, 2, 3, 4]), story.well: (2, [1, 2])}
    assert await list_parked(story.pool, None, 10) == []
    await record(story.history, [counted(5, story.sick, 5)])
    await story.take()
    assert (await sums(story.pool))[story.sick] == (11, [1, 2, 3, 4, 5])


async def test_replay_without_mending_changes_nothing(story: Story) -> None:
    before = await list_parked(story.pool, None, 10)
    assert await replay(story.pool, story.follower, story.sick) == Replayed(parked=3)
    assert await list_parked(story.pool, None, 10) == before
    assert (await sums(story.pool))[story.sick] == (1, [1])


async def test_what_fails_again_stays_with_its_new_reason_and_the_rest_waits_for_it(story: Story) -> None:
    class Particular(Sum):
        async def take(self, events: Sequence[RecordedEvent], transaction: DatabaseConnection) -> None:
            for event in events:
                if event.version == 3:
                    raise Unprocessable(event, "not the third")
                await super().take([event], transaction)

    story.follower.effect = Particular(story.history.service, floor=-10)
    assert await replay(story.pool, story.follower) == Replayed(taken=1, parked=2)
    parked = await list_parked(story.pool, None, 10)
    assert [(one.position, one.waits_for) for one in parked] == [(4, None), (5, 4)]
    assert [one.reason for one in parked] == ["not the third", f"waits for {story.history.service}/4"]
    assert (await sums(story.pool))[story.sick] == (-1, [1, 2])


async def test_replay_of_another_aggregate_leaves_this_one(story: Story) -> None:
    story.effect.floor = -10
    assert await replay(story.pool, story.follower, story.well) == Replayed()
    assert len(await list_parked(story.pool, None, 10)) == 3


async def test_new_events_that_come_during_a_replay_neither_overtake_nor_get_lost(story: Story) -> None:
    reached, goes_on = asyncio.Event(), asyncio.Event()

    class Slow(Sum):
        async def take(self, events: Sequence[RecordedEvent], transaction: DatabaseConnection) -> None:
            await super().take(events, transaction)
            reached.set()
            await goes_on.wait()

    mended = Follower(story.pool, Slow(story.history.service, floor=-10), lambda: datetime.now(UTC))
    replaying = asyncio.create_task(replay(story.pool, mended))
    await reached.wait()
    await record(story.history, [counted(7, story.sick, 5), counted(1, story.well, 3)])
    taking = asyncio.create_task(story.take())
    await asyncio.sleep(0.3)
    assert not taking.done()
    goes_on.set()
    assert await replaying == Replayed(taken=3)
    await taking
    assert await sums(story.pool) == {story.sick: (13, [1, 2, 3, 4, 5]), story.well: (3, [1, 2, 3])}


async def test_parked_events_are_announced_once_on_the_stream_of_dead_letters(story: Story, nats_url: str) -> None:
    service = story.history.service
    await set_up(nats_url, [service])
    async with connected(nats_url) as connection:
        announcer = DeadLetters(service, story.pool, connection)
        await announcer.start()
        assert await announcer.announce() in (0, 3)
        await until(lambda: nothing_to_announce(story.pool))
        await announcer.announce()
        await announcer.stop()
        subject = dead_letter_subject(service, "sum")
        config = ConsumerConfig(ack_policy=AckPolicy.NONE)
        subscription = await connection.client.jetstream().pull_subscribe(subject, stream="DEADLETTERS", config=config)
        messages = await subscription.fetch(10, timeout=20)
    headers = [message.headers or {} for message in messages]
    assert [header["ce-id"] for header in headers] == [f"{service}/{position}" for position in (2, 4, 5)]
    assert "ValueError" in headers[0]["reason"]
    assert [header.get("waits-for") for header in headers] == [None, "2", "2"]
    kept = (await story.history.read(1, 1))[0]
    assert (messages[0].data, unescaped(headers[0]["ce-metadata"])) == (kept.body, kept.metadata_json)


async def nothing_to_announce(pool: Pool) -> bool:
    async with pool.connection() as connection:
        rows = await connection.execute("select count(*) from parked where not announced")
        return await rows.fetchone() == (0,)


async def test_poison_on_the_stream_ends_as_a_dead_letter_and_is_taken_after_mending(
    history: EventStore, database: str, nats_url: str, pool: Pool
) -> None:
    await set_up(nats_url, [history.service])
    sick = uuid4()
    effect = Sum(history.service)
    await effect.prepare(pool)
    follower = Follower(pool, effect, lambda: datetime.now(UTC))
    feeds = Feeds(nats_url, "reader", [follower])
    await record(history, [counted(-1, sick, 1), *[counted(1) for _ in range(20)], counted(2, sick, 2)])
    async with publishing(history, database, nats_url), connected(nats_url) as connection:
        announcer = DeadLetters("reader", pool, connection)
        await announcer.start()
        await feeds.start()
        try:
            await feeds.feeds[0].at_least(22, PATIENCE_S)
            await until(lambda: nothing_to_announce(pool))
            assert len(await sums(pool)) == 20
            effect.floor = -1
            outcome, _ = await asyncio.gather(
                replay(pool, follower), record(history, [counted(4, sick, version) for version in range(3, 30)], at_once=1)
            )
            await feeds.feeds[0].at_least(49, PATIENCE_S)
            assert outcome.taken >= 2
            await replay(pool, follower)
            assert await sums_of(pool, sick) == (1 + 4 * 27, list(range(1, 30)))
        finally:
            await feeds.stop()
            await announcer.stop()


async def sums_of(pool: Pool, aggregate_id: UUID) -> tuple[int, list[int]]:
    return (await sums(pool))[aggregate_id]
