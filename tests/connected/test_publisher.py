"""Is every recorded event on the stream, once, in order, with the same bytes? Shown on real servers."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from uuid import uuid4

import psycopg
import pytest
from nats.aio.client import Client

from chassis.database import AppendSignal
from chassis.publisher import Publisher
from chassis.store import EventStore
from chassis.streams import Connection, api, ensure, is_closed, last_sequence, stream_name, stream_of
from congdoan.embedded import EmbeddedNats
from tests.connected import damage
from tests.connected.example import (
    PATIENCE_S,
    connected,
    counted,
    everything,
    noted,
    opened,
    published,
    publishing,
    record,
    until,
)


@pytest.fixture
def service() -> str:
    """A service, and so a stream, of the test's own."""
    return f"example-{uuid4().hex[:10]}"


@pytest.fixture
async def history(service: str, database: str) -> AsyncIterator[EventStore]:
    async with opened(service, database) as store:
        yield store


async def test_every_event_stands_at_the_sequence_that_is_its_position(history: EventStore, database: str, nats_url: str) -> None:
    await record(history, [counted(number, branch="ha-noi" if number % 3 else "national") for number in range(10_000)])
    async with publishing(history, database, nats_url) as publisher, connected(nats_url) as connection:
        await until(lambda: publisher.published == 10_000)
        on_stream = await published(connection.client, history.service)
        assert publisher.backlog == 0
        assert publisher.healthy
    assert [event.position for event in on_stream] == list(range(1, 10_001))
    assert on_stream == await everything(history)


async def test_single_events_follow_at_once_one_by_one(history: EventStore, database: str, nats_url: str) -> None:
    async with publishing(history, database, nats_url) as publisher, connected(nats_url) as connection:
        for number in range(1, 21):
            await record(history, [counted(number)])
            await until(lambda expected=number: publisher.published == expected)  # type: ignore[misc]
        assert await published(connection.client, history.service) == await everything(history)


async def test_metadata_and_body_keep_their_bytes(history: EventStore, database: str, nats_url: str) -> None:
    await record(history, [noted("Công đoàn Việt Nam 100% \r\n ✓"), noted("")])
    async with publishing(history, database, nats_url) as publisher, connected(nats_url) as connection:
        await until(lambda: publisher.published == 2)
        first = (await published(connection.client, history.service))[0]
    kept = (await everything(history))[0]
    assert (first.body, first.metadata_json, first.metadata) == (kept.body, kept.metadata_json, kept.metadata)


async def test_large_events_are_split_over_batches(history: EventStore, database: str, nats_url: str) -> None:
    await record(history, [noted("x" * 200_000) for _ in range(60)], at_once=10)
    async with publishing(history, database, nats_url) as publisher, connected(nats_url) as connection:
        await until(lambda: publisher.published == 60)
        assert await published(connection.client, history.service) == await everything(history)


async def test_two_publishers_at_once_leave_no_gap_and_no_duplicate(history: EventStore, database: str, nats_url: str) -> None:
    async with (
        publishing(history, database, nats_url) as one,
        publishing(history, database, nats_url) as other,
        connected(nats_url) as connection,
    ):
        for start in range(0, 5_000, 100):
            await record(history, [counted(number) for number in range(start, start + 100)], at_once=7)
        await until(lambda: one.published == other.published == 5_000)
        assert await published(connection.client, history.service) == await everything(history)


async def test_a_publisher_killed_after_the_stream_took_a_batch_goes_on_where_it_was(
    history: EventStore, database: str, nats_url: str
) -> None:
    await record(history, [counted(number) for number in range(3_500)])
    async with connected(nats_url) as connection:
        await ensure(connection.client, stream_of(history.service))
        program = [sys.executable, "-m", "tests.connected.doomed", "publisher", history.service, database, nats_url]
        ended = await asyncio.to_thread(subprocess.run, program, timeout=PATIENCE_S, check=False)
        assert ended.returncode == -signal.SIGKILL
        assert 0 < await last_sequence(connection.client, history.service) < 3_500
        async with publishing(history, database, nats_url) as publisher:
            await until(lambda: publisher.published == 3_500)
        assert await published(connection.client, history.service) == await everything(history)


@pytest.mark.long
async def test_nats_killed_while_publishing_loses_and_repeats_nothing(
    history: EventStore, database: str, own_nats: EmbeddedNats
) -> None:
    async with publishing(history, database, own_nats.url) as publisher:
        for recorded in (5_000, 10_000, 15_000):
            await record(history, [counted(number) for number in range(4_000)])
            await until(lambda: publisher.published > 0)
            await asyncio.to_thread(own_nats.kill)
            await record(history, [counted(number) for number in range(1_000)])
            await until(lambda: not publisher.healthy and publisher.backlog >= 1_000)
            await asyncio.to_thread(own_nats.start)
            await until(lambda expected=recorded: publisher.published == expected)  # type: ignore[misc]
        async with connected(own_nats.url) as connection:
            assert await published(connection.client, history.service) == await everything(history)


async def test_a_service_starts_while_nats_is_down_and_publishes_when_it_comes(
    history: EventStore, database: str, own_nats: EmbeddedNats
) -> None:
    url = own_nats.url
    await asyncio.to_thread(own_nats.kill)
    await record(history, [counted(1), counted(2)])
    signals = AppendSignal(database)
    await signals.start()
    connection = Connection(url, "late")
    await connection.start()
    publisher = Publisher(history, connection, signals)
    await publisher.start()
    await until(lambda: publisher.backlog == 2)
    await asyncio.to_thread(own_nats.start)
    await until(lambda: publisher.published == 2)
    await publisher.stop()
    await connection.stop()
    await signals.stop()


async def test_a_publisher_that_waits_for_nats_waits_no_longer_once_it_is_there(
    history: EventStore, database: str, nats_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chassis.publisher.FIRST_RETRY_S", 100 * PATIENCE_S)
    connection = Connection(nats_url, "late")
    waiting = asyncio.create_task(Publisher(history, connection, AppendSignal(database))._pause())
    await asyncio.sleep(0)
    await connection.start()
    try:
        async with asyncio.timeout(PATIENCE_S):
            await waiting
    finally:
        await connection.stop()


async def test_a_lost_stream_is_filled_anew_with_the_same_sequences(history: EventStore, database: str, nats_url: str) -> None:
    await record(history, [counted(number) for number in range(2_500)])
    async with publishing(history, database, nats_url) as publisher, connected(nats_url) as connection:
        await until(lambda: publisher.published == 2_500)
        await api(connection.client, f"STREAM.DELETE.{stream_name(history.service)}")
        await until(lambda: publisher.published < 2_500)
        await until(lambda: publisher.published == 2_500)
        assert await published(connection.client, history.service) == await everything(history)


async def test_a_stream_that_somebody_has_closed_is_opened_again(history: EventStore, database: str, nats_url: str) -> None:
    await record(history, [counted(number) for number in range(10)])
    async with publishing(history, database, nats_url) as publisher, connected(nats_url) as connection:
        await until(lambda: publisher.published == 10)
        await damage.closed_to_readers(connection.client, history.service)
        await until(lambda: open_to_readers(connection.client, history.service))
        await until(lambda: publisher.published == 10)
        assert await published(connection.client, history.service) == await everything(history)


async def open_to_readers(client: Client, service: str) -> bool:
    found = await api(client, f"STREAM.INFO.{stream_name(service)}")
    return not is_closed(found["config"])


async def test_nothing_is_published_onto_a_stream_that_is_ahead_of_the_store(
    history: EventStore, database: str, nats_url: str
) -> None:
    await record(history, [counted(number) for number in range(10)])
    async with publishing(history, database, nats_url) as publisher:
        await until(lambda: publisher.published == 10)
    with psycopg.connect(database) as restored:
        restored.execute("delete from events where position > 7")
        restored.execute("update head set position = 7")
    async with publishing(history, database, nats_url) as publisher, connected(nats_url) as connection:
        await until(lambda: "does not hold" in publisher.trouble)
        await record(history, [counted(number) for number in range(100, 110)])
        await asyncio.sleep(0.5)
        assert not publisher.healthy
        assert await last_sequence(connection.client, history.service) == 10


async def test_a_store_that_changes_beneath_a_running_publisher_stops_it(
    history: EventStore, database: str, nats_url: str
) -> None:
    await record(history, [counted(number) for number in range(10)])
    async with publishing(history, database, nats_url) as publisher, connected(nats_url) as connection:
        await until(lambda: publisher.published == 10)
        with psycopg.connect(database) as tampering:
            tampering.execute("update events set body = body || ' '::bytea where position = 10")
        await record(history, [counted(11)])
        await until(lambda: not publisher.healthy)
        assert await last_sequence(connection.client, history.service) == 10


async def test_an_event_too_large_for_the_stream_stops_the_publisher_before_it(
    history: EventStore, database: str, nats_url: str
) -> None:
    await record(history, [counted(1), counted(2)])
    async with publishing(history, database, nats_url) as publisher:
        await until(lambda: publisher.published == 2)
        with psycopg.connect(database) as old:  # the store takes none; it may hold one from before the limit
            old.execute(
                """insert into events select 3, aggregate_id, 9, topic, convert_to(repeat('x', 300000), 'utf8'), metadata, branch,
                          3, recorded_at from events where position = 2"""
            )
            old.execute("update head set position = 3")
        await record(history, [counted(4)])
        await until(lambda: "too large" in publisher.trouble)
        assert publisher.published == 2
