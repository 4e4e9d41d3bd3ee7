"""Does the operator see how far a service is and what lies aside, and can anybody wait for a position?"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from grpc import StatusCode

from chassis.appends import Append, NewEvent
from chassis.clients import Refused, RpcClient
from chassis.database import AppendSignal, Connection, Pool, open_pool
from chassis.following import Follower, Unprocessable
from chassis.generations.beside import SecondGenerations
from chassis.generations.orders import Rebuilding
from chassis.metrics import Metrics
from chassis.operations import OPERATIONS, Operations, Standing
from chassis.past import OwnPast
from chassis.projector import Projector
from chassis.recorded import Actor, Metadata, RecordedEvent
from chassis.rpc import Rpc
from chassis.security import Role
from chassis.server import Server
from chassis.store import EventStore
from federation.contract.v1.contract_pb2 import PageRequest
from federation.operations.v1 import operations_pb2 as pb
from tests.chassis.probe import always, around, credentials_of, officer

METADATA = Metadata("vn", date(2024, 2, 9), Actor("an", "member", "vn"), None, "", "").encode()


class Picky:
    """Takes every event but those of one aggregate."""

    topics: frozenset[str] = frozenset()

    def __init__(self, name: str, source: str, refuses: UUID | None = None) -> None:
        self.name, self.source, self.refuses = name, source, refuses

    async def take(self, events: Sequence[RecordedEvent], transaction: Connection) -> None:
        for event in events:
            if event.aggregate_id == self.refuses:
                raise Unprocessable(event, "not to its taste")

    async def taken(self, events: Sequence[RecordedEvent]) -> None:
        pass


@dataclass
class Announcer:
    published: int = 0

    async def announced(self) -> int:
        return self.published


def now() -> datetime:
    return datetime.now(UTC)


def nobody(follower: Follower) -> Any:
    raise AssertionError("nothing is built here")


async def append(store: EventStore, aggregate: UUID, versions: Sequence[int]) -> int:
    events = tuple(NewEvent(aggregate, version, "example.rung", b"{}", METADATA, "national") for version in versions)
    return (await store.submit(Append(events, uuid4()))).position


@dataclass
class Example:
    store: EventStore
    operations: Operations
    announcer: Announcer
    disliked: UUID
    picky: Picky
    client: RpcClient
    feed: Any


@pytest.fixture
async def example(store: EventStore, database: str) -> AsyncIterator[Example]:
    disliked, announcer = uuid4(), Announcer()
    pool: Pool = open_pool(database)
    await pool.open()
    picky = Picky("two", "example", disliked)
    own = [Follower(pool, Picky("one", "example"), now), Follower(pool, picky, now)]
    feed = SimpleNamespace(follower=Follower(pool, Picky("three", "elsewhere"), now), lag=None)
    feed.at_least = feed.follower.at_least
    signal = AppendSignal(database)
    projector = Projector(store, signal, own)
    operations = Operations(store, pool, own, [feed], announcer)
    rpc = Rpc(around(await_positions=operations.await_positions))
    rpc.queries(OPERATIONS, operations.queries)
    rpc.actions(OPERATIONS, operations.actions)
    rebuilding = Rebuilding(pool, SecondGenerations(pool, [], lambda _: OwnPast(store, pool), nobody, now), own)
    rpc.queries(OPERATIONS, rebuilding.queries)
    rpc.actions(OPERATIONS, rebuilding.actions)
    server = Server(rpc, "127.0.0.1:0", always)
    for part in (signal, projector, server):
        await part.start()
    client = RpcClient(f"127.0.0.1:{server.port}", OPERATIONS, credentials_of(officer()))
    yield Example(store, operations, announcer, disliked, picky, client, feed)
    await client.close()
    for stop in (server.stop(0), projector.stop(), signal.stop(), pool.close()):
        await stop


async def test_the_status_tells_head_backlog_and_every_follower(example: Example) -> None:
    await append(example.store, uuid4(), range(1, 4))
    await append(example.store, example.disliked, [1, 2])
    example.announcer.published = 4
    await example.operations.await_positions({"example": 5}, 5.0)
    example.feed.lag = 17

    status = await example.client.call("GetStatus", pb.GetStatusRequest())

    assert (status.service, status.head, status.published, status.backlog) == ("example", 5, 4, 1)
    one, two, three = status.followers
    assert (one.name, one.kind, one.source, one.position, one.lag, one.parked) == ("one", 2, "example", 5, 0, 0)
    assert (two.position, two.lag, two.parked) == (5, 0, 2)
    assert (three.source, three.position, three.lag) == ("elsewhere", 0, 17)


async def test_a_lag_that_is_not_known_is_left_out(example: Example) -> None:
    status = await example.client.call("GetStatus", pb.GetStatusRequest())

    assert [follower.HasField("lag") for follower in status.followers] == [True, True, False]


async def test_dead_letters_come_in_pages_without_their_content(example: Example) -> None:
    position = await append(example.store, example.disliked, range(1, 4))
    await example.operations.await_positions({"example": position}, 5.0)

    first = await example.client.call("ListDeadLetters", pb.ListDeadLettersRequest(page=PageRequest(size=2)))
    second = await example.client.call("ListDeadLetters", pb.ListDeadLettersRequest(page=PageRequest(size=2, after=first.next)))

    letters = [*first.dead_letters, *second.dead_letters]
    assert [(letter.follower, letter.source, letter.position) for letter in letters] == [("two", "example", n) for n in (1, 2, 3)]
    assert second.next == ""
    assert letters[0].reason == "not to its taste"
    assert not letters[0].HasField("waits_for")
    assert [letter.waits_for for letter in letters[1:]] == [1, 1]
    assert (letters[0].topic, letters[0].aggregate_id) == ("example.rung", str(example.disliked))
    assert date.fromisoformat(letters[0].parked_at[:10])


async def test_a_position_is_reached_when_every_read_model_and_the_publisher_have_reached_it(example: Example) -> None:
    await append(example.store, uuid4(), range(1, 4))
    waiting = asyncio.ensure_future(example.client.call("AwaitPosition", pb.AwaitPositionRequest()))
    await asyncio.sleep(0.2)
    assert not waiting.done(), "the publisher is behind"
    example.announcer.published = 3

    assert (await waiting).position == 3


async def test_waiting_for_a_position_ends_at_the_deadline(example: Example) -> None:
    with pytest.raises(Refused) as caught:
        await example.client.call("AwaitPosition", pb.AwaitPositionRequest(position=9), timeout_s=0.2)
    assert caught.value.status == StatusCode.DEADLINE_EXCEEDED


async def test_a_call_waits_for_the_positions_of_the_histories_followed_here_and_of_no_other(example: Example) -> None:
    status = pb.GetStatusRequest()
    await example.client.call("GetStatus", status, at_least={"nowhere": 99}, timeout_s=60)
    with pytest.raises(Refused) as caught:
        await example.client.call("GetStatus", status, at_least={"elsewhere": 1}, timeout_s=0.2)
    assert caught.value.status == StatusCode.DEADLINE_EXCEEDED
    position = await append(example.store, uuid4(), [1])
    answer = await example.client.call("GetStatus", status, at_least={"example": position})
    assert all(follower.position >= position for follower in answer.followers[:2])


async def test_an_auditor_may_look_and_not_act(example: Example) -> None:
    client = RpcClient(example.client.target, OPERATIONS, credentials_of(officer(Role.AUDITOR)))
    await client.call("GetStatus", pb.GetStatusRequest())
    with pytest.raises(Refused) as caught:
        await client.call("ReplayDeadLetters", pb.ReplayDeadLettersRequest(follower="two"))
    assert caught.value.status == StatusCode.PERMISSION_DENIED
    await client.close()


async def test_a_replay_offers_the_dead_letters_again_and_tells_what_was_taken(example: Example) -> None:
    position = await append(example.store, example.disliked, [1, 2, 3])
    await example.operations.await_positions({"example": position}, 5.0)
    request = pb.ReplayDeadLettersRequest(follower="two")

    stubborn = await example.client.call("ReplayDeadLetters", request)
    example.picky.refuses = None
    mended = await example.client.call("ReplayDeadLetters", request)

    assert (stubborn.taken, stubborn.parked) == (0, 3)
    assert (mended.taken, mended.parked) == (3, 0)
    assert not (await example.client.call("ListDeadLetters", pb.ListDeadLettersRequest())).dead_letters


async def test_a_replay_of_nobodys_dead_letters_is_refused(example: Example) -> None:
    with pytest.raises(Refused) as caught:
        await example.client.call("ReplayDeadLetters", pb.ReplayDeadLettersRequest(follower="nobody"))
    assert (caught.value.rule, caught.value.fields[0][0]) == ("UnknownFollower", "follower")


async def test_prometheus_is_told_the_same(example: Example) -> None:
    position = await append(example.store, example.disliked, [1, 2])
    await example.operations.await_positions({"example": position}, 5.0)
    metrics = Metrics()
    standing = Standing(example.operations, metrics)
    seen = metrics.registry.get_sample_value
    await standing.start()
    async with asyncio.timeout(30.0):
        while not seen("congdoan_head_position", {"service": "example"}):
            await asyncio.sleep(0.01)
    await standing.stop()

    assert (seen("congdoan_head_position", {"service": "example"}), seen("congdoan_publisher_backlog_events")) == (2, 2)
    assert seen("congdoan_database_reachable") == 1
    [oldest] = await example.store.read(0, 1)
    assert seen("congdoan_publisher_waiting_since_timestamp_seconds") == oldest.recorded_at.timestamp()
    assert seen("congdoan_follower_position", {"follower": "one", "service": "example"}) == 2
    assert seen("congdoan_parked_events", {"follower": "two"}) == 2
    assert seen("congdoan_follower_lag_events", {"follower": "one"}) == 0
    assert seen("congdoan_follower_lag_events", {"follower": "three"}) is None
