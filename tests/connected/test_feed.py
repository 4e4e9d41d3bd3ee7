"""Does what one service says take effect in another exactly once, in order, whatever happens? Shown on real servers."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import orjson
import psycopg
import pytest
from nats.aio.client import Client
from nats.js.api import ConsumerInfo
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from chassis.cloudevents import filters_for
from chassis.database import Connection, Pool, open_pool
from chassis.feed import TICK_S, Feed, Feeds
from chassis.following import Follower
from chassis.pulling import Pull
from chassis.recorded import RecordedEvent
from chassis.refusals import DeadlinePassed
from chassis.store import EventStore
from chassis.streams import api, ensure, stream_name, stream_of
from congdoan.embedded import EmbeddedNats
from tests.connected.example import (
    PATIENCE_S,
    Counted,
    Sum,
    connected,
    counted,
    noted,
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


def follower_of(pool: Pool, effect: Sum) -> Follower:
    return Follower(pool, effect, lambda: datetime.now(UTC))


@asynccontextmanager
async def following(
    url: str, pool: Pool, *effects: Sum, instance: str = "", tracer_provider: TracerProvider | None = None
) -> AsyncIterator[list[Feed]]:
    for effect in effects:
        await effect.prepare(pool)
    followers = [follower_of(pool, effect) for effect in effects]
    feeds = Feeds(url, "reader", followers, instance=instance, tracer_provider=tracer_provider)
    await feeds.start()
    try:
        yield feeds.feeds
    finally:
        await feeds.stop()


async def taken_in_order(pool: Pool, numbers: int, name: str = "sum") -> bool:
    """Whether each of the counted events, of any aggregate, was taken once and in order."""
    found = await sums(pool, name)
    assert all(versions == sorted(set(versions)) for _, versions in found.values())
    return sum(len(versions) for _, versions in found.values()) == numbers


async def test_events_take_effect_once_and_in_order(history: EventStore, database: str, nats_url: str, pool: Pool) -> None:
    aggregates = [uuid4() for _ in range(7)]
    await record(history, [counted(1, aggregates[n % 7], n // 7 + 1) for n in range(3_500)])
    async with publishing(history, database, nats_url), following(nats_url, pool, Sum(history.service)) as (feed,):
        await feed.at_least(3_500, PATIENCE_S)
        assert await sums(pool) == {aggregate: (500, list(range(1, 501))) for aggregate in aggregates}
        await record(history, [counted(1, aggregates[0], 501)])
        await feed.at_least(3_501, PATIENCE_S)
        assert (await sums(pool))[aggregates[0]] == (501, list(range(1, 502)))
        await until(lambda: feed.lag == 0)
        assert feed.healthy


async def test_events_that_do_not_concern_a_follower_are_not_sent_to_it_and_still_looked_at(
    history: EventStore, database: str, nats_url: str, pool: Pool
) -> None:
    await record(history, [counted(5), *[noted("x") for _ in range(300)]])
    async with publishing(history, database, nats_url), following(nats_url, pool, Sum(history.service)) as (feed,):
        await feed.at_least(301, PATIENCE_S)
        assert feed.follower.position == 301
        with pytest.raises(DeadlinePassed):
            await feed.at_least(302, 0.3)
        await record(history, [noted("y")])
        await feed.at_least(302, PATIENCE_S)
        assert [batch for batch in feed.follower.effect.batches if batch] == [[1]]  # type: ignore[attr-defined]


async def test_what_the_server_has_stored_and_not_counted_yet_is_not_passed_over(
    history: EventStore, database: str, nats_url: str, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    effect, asked = Sum(history.service), Pull.info
    await effect.prepare(pool)

    async def too_early(self: Pull) -> ConsumerInfo:
        # A server under load tells this for some of the time, with messages on the stream that match.
        found = await asked(self)
        found.num_pending = found.num_ack_pending = 0
        return found

    monkeypatch.setattr(Pull, "info", too_early)
    async with publishing(history, database, nats_url) as publisher, connected(nats_url) as bus:
        feed = Feed("reader", follower_of(pool, effect))
        feed._client = bus.client
        await record(history, [noted("x")])
        await until(lambda: publisher.published == 1)
        await feed._pull.open(bus.client, 0)
        await feed._look()
        assert feed.follower.position == 1  # nothing there concerns it
        await record(history, [counted(5), *[noted("x") for _ in range(3)]])
        await until(lambda: publisher.published == 5)
        await feed._look()
        assert (feed.follower.position, feed.lag) == (1, 1)
        await feed._pull.unsubscribe()


async def test_a_new_follower_begins_at_the_first_event_and_an_old_one_where_it_was(
    history: EventStore, database: str, nats_url: str, pool: Pool
) -> None:
    await record(history, [counted(1) for _ in range(100)])
    async with publishing(history, database, nats_url):
        async with following(nats_url, pool, Sum(history.service, "old")) as (feed,):
            await feed.at_least(100, PATIENCE_S)
        await record(history, [counted(1) for _ in range(50)])
        async with following(nats_url, pool, Sum(history.service, "old"), Sum(history.service, "new")) as (old, new):
            await old.at_least(150, PATIENCE_S)
            await new.at_least(150, PATIENCE_S)
            assert min(old.follower.effect.batches[0]) == 101  # type: ignore[attr-defined]
        assert await taken_in_order(pool, 150, "old")
        assert await taken_in_order(pool, 150, "new")


async def test_a_consumer_deleted_while_running_is_made_anew(
    history: EventStore, database: str, nats_url: str, pool: Pool
) -> None:
    await record(history, [counted(1) for _ in range(20)])
    async with (
        publishing(history, database, nats_url),
        following(nats_url, pool, Sum(history.service)) as (feed,),
        connected(nats_url) as connection,
    ):
        await feed.at_least(20, PATIENCE_S)
        await connection.client.jetstream().delete_consumer(stream_name(history.service), "reader-sum")
        await record(history, [counted(1) for _ in range(20)])
        await feed.at_least(40, PATIENCE_S)
        await until(lambda: feed.healthy)
    assert await taken_in_order(pool, 40)


async def test_a_feed_whose_stream_is_missing_is_not_healthy_and_recovers(
    history: EventStore, database: str, nats_url: str, pool: Pool
) -> None:
    async with following(nats_url, pool, Sum(history.service)) as (feed,):
        await until(lambda: "stream not found" in feed.trouble)
        await record(history, [counted(1)])
        async with publishing(history, database, nats_url):
            await feed.at_least(1, PATIENCE_S)
            assert feed.healthy


async def test_a_stream_lost_entirely_and_filled_anew_takes_no_effect_twice(
    history: EventStore, database: str, nats_url: str, pool: Pool
) -> None:
    await record(history, [counted(1) for _ in range(2_200)])
    async with following(nats_url, pool, Sum(history.service)) as (feed,):
        async with publishing(history, database, nats_url), connected(nats_url) as connection:
            await feed.at_least(2_200, PATIENCE_S)
        async with connected(nats_url) as connection:
            # For a while the stream is shorter than the follower's position, as it is while it is filled anew.
            await api(connection.client, f"STREAM.DELETE.{stream_name(history.service)}")
            await until(lambda: not feed.healthy)
            await ensure(connection.client, stream_of(history.service))
            await until(lambda: feed.healthy)
        async with publishing(history, database, nats_url) as publisher:
            await until(lambda: publisher.published == 2_200)
            await record(history, [counted(1) for _ in range(10)])
            await feed.at_least(2_210, PATIENCE_S)
    assert await taken_in_order(pool, 2_210)


async def test_nats_killed_while_following(history: EventStore, database: str, own_nats: EmbeddedNats, pool: Pool) -> None:
    async with publishing(history, database, own_nats.url), following(own_nats.url, pool, Sum(history.service)) as (feed,):
        for total in (1_500, 3_000, 4_500):
            await record(history, [counted(1) for _ in range(1_500)], at_once=50)
            await until(lambda: feed.follower.position > 0)
            await asyncio.to_thread(own_nats.kill)
            await asyncio.to_thread(own_nats.start)
            await feed.at_least(total, PATIENCE_S)
    assert await taken_in_order(pool, 4_500)


async def test_after_a_reconnection_a_consumer_is_made_anew_once(
    history: EventStore, database: str, own_nats: EmbeddedNats, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, open_anew = list[str](), Pull.open

    async def observed(self: Pull, *values: Any) -> None:
        await open_anew(self, *values)
        made.append(self.name)

    async with publishing(history, database, own_nats.url), following(own_nats.url, pool, Sum(history.service)) as (feed,):
        await until(lambda: feed.healthy)
        monkeypatch.setattr(Pull, "open", observed)
        await asyncio.to_thread(own_nats.kill)
        await until(lambda: not feed.healthy)
        await asyncio.sleep(2 * TICK_S)  # it asks for its consumer while there is no server
        await asyncio.to_thread(own_nats.start)
        await record(history, [counted(1)])
        await feed.at_least(1, PATIENCE_S)
        await asyncio.sleep(2 * TICK_S)  # in which it finds nothing new, and whether it thinks the connection lost
        assert feed.healthy
    assert len(made) == 1


async def test_messages_delivered_again_take_effect_once(history: EventStore, database: str, nats_url: str, pool: Pool) -> None:
    await record(history, [counted(1) for _ in range(50)])
    effect = Sum(history.service)
    async with publishing(history, database, nats_url), following(nats_url, pool, effect) as (feed,):
        await feed.at_least(50, PATIENCE_S)
        again = await history.read(0, 50)
        await feed.follower.take(again[20:])
        await feed.follower.take(again)
        await feed._pull.open(feed._client or Client(), 0)
        await record(history, [counted(1)])
        await feed.at_least(51, PATIENCE_S)
    assert await taken_in_order(pool, 51)


@pytest.mark.parametrize(("name", "other_name"), [("one", "other"), ("", "")])
async def test_two_processes_that_drive_one_follower_take_each_event_once(
    history: EventStore, database: str, nats_url: str, pool: Pool, name: str, other_name: str
) -> None:
    one, other = Sum(history.service), Sum(history.service)
    async with (
        publishing(history, database, nats_url),
        following(nats_url, pool, one, instance=name) as (feed,),
        open_pool(database) as other_pool,
        following(nats_url, other_pool, other, instance=other_name) as (other_feed,),
    ):
        for total in range(100, 3_001, 100):
            await record(history, [counted(1) for _ in range(100)], at_once=9)
            if total % 1_000 == 0:
                await asyncio.gather(feed.at_least(total, PATIENCE_S), other_feed.at_least(total, PATIENCE_S))
    assert await taken_in_order(pool, 3_000)


async def test_an_event_that_another_reader_of_the_consumer_was_given_and_dropped_is_asked_for_again(
    history: EventStore, database: str, nats_url: str, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chassis.feed.LOOK_S", 0.2)
    await record(history, [counted(1)])
    async with (
        publishing(history, database, nats_url),
        following(nats_url, pool, Sum(history.service)) as (feed,),
        connected(nats_url) as connection,
    ):
        await feed.at_least(1, PATIENCE_S)
        inbox = connection.client.new_inbox()
        other = await connection.client.subscribe(inbox)
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{stream_name(history.service)}.reader-sum"
        await connection.client.publish(subject, b'{"batch": 1, "expires": 60000000000}', reply=inbox)
        await connection.client.flush()
        total = 1
        while not other.pending_msgs:
            total += 1
            await record(history, [counted(1)])
            await until(lambda: bool(other.pending_msgs) or feed.follower.position == total)  # noqa: B023
        await feed.at_least(total, PATIENCE_S)
    assert await taken_in_order(pool, total)


async def test_a_request_that_was_fulfilled_is_followed_by_another(history: EventStore, database: str, nats_url: str) -> None:
    await record(history, [counted(1) for _ in range(3_300)])
    async with publishing(history, database, nats_url) as publisher, connected(nats_url) as connection:
        await until(lambda: publisher.published == 3_300)
        pull = Pull(stream_name(history.service), "slow", filters_for(history.service, frozenset()))
        await pull.open(connection.client, after=100)
        read: list[int] = []
        while len(read) < 3_200:
            read += [message.metadata.sequence.stream for message in await pull.read(1.0)]
            # Whoever reads slowly finds that the server has said all it has to say of the request.
            await asyncio.sleep(0.2)
        await pull.unsubscribe()
    assert read == list(range(101, 3_301))


async def test_the_database_lost_for_a_while_holds_the_order_and_loses_nothing(
    history: EventStore, database: str, nats_url: str, pool: Pool
) -> None:
    class Failing(Sum):
        failures = 3

        async def take(self, events: Sequence[RecordedEvent], transaction: Connection) -> None:
            await super().take(events, transaction)
            if self.failures:
                self.failures -= 1
                raise psycopg.OperationalError("the connection is gone")

    await record(history, [counted(1) for _ in range(100)])
    async with publishing(history, database, nats_url), following(nats_url, pool, Failing(history.service)) as (feed,):
        await until(lambda: "OperationalError" in feed.trouble)
        await feed.at_least(100, PATIENCE_S)
        assert feed.healthy
    assert await taken_in_order(pool, 100)


async def test_a_process_killed_between_effect_and_acknowledgement_takes_effect_once(
    history: EventStore, database: str, nats_url: str, pool: Pool
) -> None:
    await record(history, [counted(1) for _ in range(30)])
    async with publishing(history, database, nats_url) as publisher:
        await until(lambda: publisher.published == 30)
        await Sum(history.service).prepare(pool)
        program = [sys.executable, "-m", "tests.connected.doomed", "feed", history.service, database, nats_url]
        ended = await asyncio.to_thread(subprocess.run, program, timeout=PATIENCE_S, check=False)
        assert ended.returncode == -signal.SIGKILL
        assert await sums(pool)
        await record(history, [counted(1) for _ in range(30)])
        async with following(nats_url, pool, Sum(history.service)) as (feed,):
            await feed.at_least(60, PATIENCE_S)
    assert await taken_in_order(pool, 60)


async def test_nobody_goes_past_what_is_no_event_and_what_is_said_there_in_the_end_is_taken(
    history: EventStore, database: str, nats_url: str, pool: Pool
) -> None:
    await record(history, [counted(1) for _ in range(5)])
    subject = f"federation.{history.service}.vinh-phuc.counted"
    async with connected(nats_url) as connection, following(nats_url, pool, Sum(history.service)) as (feed,):
        for headers in (None, {"ce-type": Counted.topic}, {"ce-type": Counted.topic, "ce-time": "yesterday"}):
            async with publishing(history, database, nats_url) as publisher:
                await until(lambda publisher=publisher: publisher.published == 5)  # type: ignore[misc]
                await feed.at_least(5, PATIENCE_S)
            await connection.client.jetstream().publish(subject, b"{}", headers=headers)
            await until(lambda: "no event stands at 6" in feed.trouble)
            with pytest.raises(DeadlinePassed):
                await feed.at_least(6, 0.1)
            await api(connection.client, f"STREAM.DELETE.{stream_name(history.service)}")
        await record(history, [counted(1)])
        async with publishing(history, database, nats_url):
            await feed.at_least(6, PATIENCE_S)
        assert await taken_in_order(pool, 6)


async def test_an_event_of_a_later_schema_is_parked(history: EventStore, database: str, nats_url: str, pool: Pool) -> None:
    today = counted(1)
    body = orjson.dumps({**orjson.loads(today.body), "schema_version": 2})
    later = type(today)(today.aggregate_id, 1, today.topic, body, today.metadata, today.branch)
    await record(history, [later, counted(1, today.aggregate_id, 2), counted(1)])
    async with publishing(history, database, nats_url), following(nats_url, pool, Sum(history.service)) as (feed,):
        await feed.at_least(3, PATIENCE_S)
    assert await taken_in_order(pool, 1)


async def test_a_reaction_goes_on_in_the_trace_of_the_event(
    history: EventStore, database: str, nats_url: str, pool: Pool
) -> None:
    class Traced(Sum):
        traces: list[str]

        async def take(self, events: Sequence[RecordedEvent], transaction: Connection) -> None:
            await super().take(events, transaction)
            self.traces = [*getattr(self, "traces", []), f"{trace.get_current_span().get_span_context().trace_id:032x}"]

    effect = Traced(history.service)
    provider = TracerProvider()
    async with publishing(history, database, nats_url), following(nats_url, pool, effect, tracer_provider=provider) as (feed,):
        await record(history, [counted(1)])
        await feed.at_least(1, PATIENCE_S)
        await record(history, [counted(1) for _ in range(5)])
        await feed.at_least(6, PATIENCE_S)
    assert effect.traces[0] == "0af7651916cd43dd8448eb211c80319c"
