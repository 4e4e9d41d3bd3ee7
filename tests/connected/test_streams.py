"""Are the streams what they must be, however often they are set up, and does a schedule fire once? On a real server."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from nats.aio.client import Client
from nats.errors import TimeoutError as NoMessage
from nats.js.api import AckPolicy, ConsumerConfig
from nats.js.errors import APIError

from chassis import streams
from chassis.streams import SCHEDULES, JetStreamError, StreamRefused, api, cancel, due_subject, ensure, schedule, set_up
from congdoan.embedded import EmbeddedNats
from tests.connected.example import connected

SERVICES = ["example", "other"]


async def configuration(client: Client, name: str) -> dict[str, object]:
    found: dict[str, object] = (await api(client, f"STREAM.INFO.{name}"))["config"]
    return found


async def test_set_up_makes_every_stream_once(own_nats: EmbeddedNats) -> None:
    made = await set_up(own_nats.url, SERVICES)
    assert made == ["FEDERATION_EXAMPLE", "FEDERATION_OTHER", "LEDGER", "DEADLETTERS", "SCHEDULES"]
    assert await set_up(own_nats.url, SERVICES) == []


async def test_a_service_s_stream_keeps_everything_and_lets_nothing_be_taken_out(own_nats: EmbeddedNats) -> None:
    await set_up(own_nats.url, SERVICES)
    async with connected(own_nats.url) as connection:
        found = await configuration(connection.client, "FEDERATION_EXAMPLE")
        await connection.client.jetstream().publish("federation.example.ha-noi.counted", b"{}")
        with pytest.raises(JetStreamError, match="delete not permitted"):
            await api(connection.client, "STREAM.MSG.DELETE.FEDERATION_EXAMPLE", {"seq": 1})
        with pytest.raises(JetStreamError, match="purge not permitted"):
            await api(connection.client, "STREAM.PURGE.FEDERATION_EXAMPLE")
    wanted = {
        "subjects": ["federation.example.>"], "storage": "file", "retention": "limits", "deny_delete": True,
        "deny_purge": True, "allow_atomic": True, "num_replicas": 1, "max_msg_size": 256 * 1024, "max_age": 0,
        "max_msgs": -1, "max_bytes": -1,
    }  # fmt: skip
    assert {name: found[name] for name in wanted} == wanted


async def test_the_ledger_keeps_every_checkpoint_and_nothing_that_is_none(own_nats: EmbeddedNats) -> None:
    await set_up(own_nats.url, [])
    async with connected(own_nats.url) as connection:
        found, js = await configuration(connection.client, "LEDGER"), connection.client.jetstream()
        await js.publish("federation.ledger.example.checkpoint", b"note")
        with pytest.raises(APIError, match="maximum"):
            await js.publish("federation.ledger.example.checkpoint", bytes(16 * 1024 + 1))
        for request in ("STREAM.MSG.DELETE.LEDGER", "STREAM.PURGE.LEDGER"):
            with pytest.raises(JetStreamError, match="not permitted"):
                await api(connection.client, request, {"seq": 1} if "DELETE" in request else None)
    wanted = {"subjects": ["federation.ledger.*.checkpoint"], "storage": "file", "max_age": 0, "max_msgs": -1, "max_bytes": -1}
    assert {name: found[name] for name in wanted} == wanted


async def test_set_up_may_run_twice_at_once(own_nats: EmbeddedNats) -> None:
    one, other = await asyncio.gather(set_up(own_nats.url, SERVICES), set_up(own_nats.url, SERVICES))
    assert {*one, *other} == {"FEDERATION_EXAMPLE", "FEDERATION_OTHER", "LEDGER", "DEADLETTERS", "SCHEDULES"}
    assert await set_up(own_nats.url, SERVICES) == []


async def test_a_stream_that_was_changed_is_brought_back(own_nats: EmbeddedNats) -> None:
    await set_up(own_nats.url, ["example"])
    async with connected(own_nats.url) as connection:
        changed = {**await configuration(connection.client, "FEDERATION_EXAMPLE"), "max_msgs": 10, "max_msg_size": 1_000}
        await api(connection.client, "STREAM.UPDATE.FEDERATION_EXAMPLE", changed)
        await set_up(own_nats.url, ["example"])
        found = await configuration(connection.client, "FEDERATION_EXAMPLE")
    assert (found["max_msgs"], found["max_msg_size"]) == (-1, 256 * 1024)


async def test_a_stream_that_cannot_become_what_it_must_be_is_refused_by_name(own_nats: EmbeddedNats) -> None:
    async with connected(own_nats.url) as connection:
        wrong = {"name": "FEDERATION_EXAMPLE", "subjects": ["federation.example.>"], "storage": "memory"}
        await api(connection.client, "STREAM.CREATE.FEDERATION_EXAMPLE", wrong)
        with pytest.raises(StreamRefused, match=r"FEDERATION_EXAMPLE: storage is 'memory' and must be 'file'"):
            await ensure(connection.client, streams.stream_of("example"))


async def fired(client: Client, service: str, timeout_s: float) -> list[tuple[str, bytes]]:
    """The subject of the schedule and the body of each message that has come due."""
    config = ConsumerConfig(ack_policy=AckPolicy.NONE)
    subscription = await client.jetstream().pull_subscribe(due_subject(service), stream=SCHEDULES, config=config)
    found: list[tuple[str, bytes]] = []
    try:
        while True:
            messages = await subscription.fetch(1, timeout=timeout_s)
            found += [((message.headers or {})["Nats-Scheduler"], message.data) for message in messages]
    except NoMessage:
        return found
    finally:
        await subscription.unsubscribe()


async def test_a_schedule_fires_once_with_its_last_content(nats_url: str) -> None:
    service = f"example-{uuid4().hex[:8]}"
    await set_up(nats_url, [])
    soon = datetime.now(UTC) + timedelta(seconds=2)
    async with connected(nats_url) as connection:
        await schedule(connection.client, service, "wake.1", soon, b"first")
        await schedule(connection.client, service, "wake.1", soon, b"later")
        await schedule(connection.client, service, "wake 2", soon, b"other")
        await schedule(connection.client, service, "wake-3", soon, b"cancelled")
        await schedule(connection.client, service, "wake-4", soon + timedelta(days=9_000), b"far away")
        assert await cancel(connection.client, service, "wake-3")
        assert not await cancel(connection.client, service, "wake-3")
        found = await fired(connection.client, service, 6)
    assert sorted(body for _, body in found) == [b"later", b"other"]
    assert {subject for subject, _ in found} == {
        streams.schedule_subject(service, "wake.1"),
        streams.schedule_subject(service, "wake 2"),
    }


async def test_a_schedule_survives_the_death_of_the_server(own_nats: EmbeddedNats) -> None:
    await set_up(own_nats.url, [])
    async with connected(own_nats.url) as connection:
        await schedule(connection.client, "example", "key", datetime.now(UTC) + timedelta(seconds=1), b"body")
    await asyncio.to_thread(own_nats.kill)
    await asyncio.to_thread(own_nats.start)
    async with connected(own_nats.url) as connection:
        assert await fired(connection.client, "example", 5) == [(streams.schedule_subject("example", "key"), b"body")]
