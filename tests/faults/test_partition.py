"""Three NATS servers, one of which is cut off, stands still or dies: is everything announced, once, in order?

What is recorded meanwhile is announced while the fault lasts: two of three go on, and whoever talks to the third finds them.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from nats.errors import Error as NatsError

from chassis.database import AppendSignal, open_pool
from chassis.feed import Feeds
from chassis.following import Follower
from chassis.publisher import Publisher
from chassis.store import EventStore
from chassis.streams import Connection, JetStreamError, Stream, ensure, stream_name, stream_of
from tests.connected.example import Sum, connected, counted, everything, opened, published, record, sums
from tests.faults.nats_cluster import NatsCluster, a_cluster
from tests.folders import fast_folder

DEADLINE_S = 240.0
AGGREGATES = 20
ROUND = 300
"""Events recorded before, during and after a fault, each."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[NatsCluster]:
    """Three servers; each test has a stream of its own."""
    with fast_folder() as folder, a_cluster(folder) as three:
        yield three


@dataclass
class Story:
    """A history that is announced on three servers, and somebody who follows it."""

    cluster: NatsCluster
    database: str
    store: EventStore
    connection: Connection
    publisher: Publisher
    follower: Follower
    aggregates: list[UUID]
    recorded: int = 0

    @property
    def stream(self) -> str:
        return stream_name(self.store.service)

    @property
    def leader(self) -> int:
        """The number of the server that leads the stream."""
        leader = self.cluster.leader_of(self.stream)
        assert leader is not None, "nobody leads the stream"
        return leader

    async def record(self, events: int = ROUND) -> None:
        """Record more, some at a time, by several aggregates; what is recorded is acknowledged."""
        for number in range(self.recorded, self.recorded + events, AGGREGATES):
            version = number // AGGREGATES + 1
            await record(self.store, [counted(number, aggregate, version) for aggregate in self.aggregates], at_once=7)
        self.recorded += events

    async def announced(self) -> None:
        """Until everything recorded is on the stream."""
        await until(lambda: self.publisher.published == self.recorded)

    async def followed(self) -> None:
        """Until everything recorded has been taken."""
        await until(lambda: self.follower.position == self.recorded)

    async def talk_to(self, number: int) -> None:
        """Have the publisher connected to one of the servers."""

        def there() -> bool:
            return self.connection.is_connected and self.talks_to() == number

        while not there():
            await self._sever()

    async def _sever(self) -> None:
        before = self.link()
        self.cluster.sever_clients()
        await until(lambda: self.connection.is_connected and self.link() != before)

    def link(self) -> tuple[int, int]:
        """Another one after each loss of the connection, also when it came back before anybody could look."""
        client = self.connection.client
        return id(client), client.stats["reconnects"]

    def talks_to(self) -> int:
        """The number of the server to which the publisher is connected."""
        name = self.connection.client._server_info["server_name"]
        return [node.name for node in self.cluster.nodes].index(name)

    async def same_everywhere(self) -> bool:
        """Whether each of the servers holds as much of the stream."""
        held = await asyncio.to_thread(lambda: [self.cluster.held_of(node, self.stream) for node in self.cluster.nodes])
        return held == [(self.recorded, self.recorded)] * len(held)


@asynccontextmanager
async def a_story(cluster: NatsCluster, database: str) -> AsyncIterator[Story]:
    """A store, its publisher and a follower, each in full swing."""
    service, signal = f"example-{uuid4().hex[:10]}", AppendSignal(database)
    async with opened(service, database) as store, open_pool(database) as pool, connected(cluster.url) as connection:
        await made(connection, stream_of(service, replicas=len(cluster.nodes)))
        effect = Sum(service)
        await effect.prepare(pool)
        follower = Follower(pool, effect, lambda: datetime.now(UTC))
        publisher = Publisher(store, connection, signal, replicas=len(cluster.nodes))
        parts = (signal, publisher, Feeds(cluster.url, "reader", [follower]))
        for part in parts:
            await part.start()
        try:
            story = Story(cluster, database, store, connection, publisher, follower, [uuid4() for _ in range(AGGREGATES)])
            await story.record()
            await story.followed()
            yield story
        finally:
            for part in reversed(parts):
                await part.stop()


async def until(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    """Wait until something is so; three servers elect slowly on a busy machine."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            answer = condition()
            if answer if isinstance(answer, bool) else await answer:
                return
            await asyncio.sleep(0.02)


async def made(connection: Connection, stream: Stream) -> None:
    """Make a stream, as soon as the servers have agreed who leads them."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            with suppress(NatsError, JetStreamError, OSError):
                await ensure(connection.client, stream)
                return
            await asyncio.sleep(0.1)


async def agree(story: Story) -> None:
    """Stream and store are the same, byte for byte, on every server; the follower took each event once, in order."""
    async with connected(story.cluster.url) as connection:
        assert await published(connection.client, story.store.service) == await everything(story.store)
    await until(story.same_everywhere)
    await story.followed()
    async with open_pool(story.database) as pool:
        taken = await sums(pool)
    versions = list(range(1, story.recorded // AGGREGATES + 1))
    assert {aggregate: took for aggregate, (_, took) in taken.items()} == dict.fromkeys(story.aggregates, versions)


Act = Callable[[NatsCluster, int], Awaitable[object]]


@dataclass(frozen=True)
class Cut:
    """What happens to the leader of the stream, and how it is put right."""

    name: str
    strike: Act
    mend: Act

    def __str__(self) -> str:
        return self.name


async def isolated(cluster: NatsCluster, leader: int) -> None:
    """Nobody but its clients reaches it."""
    cluster.isolate(leader)


async def healed(cluster: NatsCluster, leader: int) -> None:
    cluster.heal()


async def killed(cluster: NatsCluster, leader: int) -> None:
    """It is gone with whatever it had in memory."""
    await asyncio.to_thread(cluster.nodes[leader].kill)


async def started(cluster: NatsCluster, leader: int) -> None:
    await asyncio.to_thread(cluster.nodes[leader].start)


async def paused(cluster: NatsCluster, leader: int) -> None:
    """It stands still with everything it holds."""
    cluster.nodes[leader].pause()


async def resumed(cluster: NatsCluster, leader: int) -> None:
    cluster.nodes[leader].resume()


async def deaf(cluster: NatsCluster, leader: int) -> None:
    """It is heard by the others, and hears nobody."""
    cluster.isolate(leader, there=False)


async def cut_off_from_one(cluster: NatsCluster, leader: int) -> None:
    """It and another do not reach each other; the third reaches both."""
    cluster.cut(leader, (leader + 1) % len(cluster.nodes))


ISOLATED, KILLED = Cut("isolated", isolated, healed), Cut("killed", killed, started)
PAUSED, DEAF = Cut("paused", paused, resumed), Cut("deaf", deaf, healed)
CUT_OFF_FROM_ONE = Cut("cut off from one", cut_off_from_one, healed)


async def lives_through(story: Story, cut: Cut, number: int) -> None:
    """Record while a server is struck, and after; everything recorded meanwhile is announced, and followed, meanwhile."""
    held = story.cluster.held
    await cut.strike(story.cluster, number)
    try:
        await story.record()
        await story.announced()
        await story.followed()
        assert cut in (KILLED, PAUSED) or story.cluster.held > held, "nothing was held back, so nothing was cut"
        assert cut is CUT_OFF_FROM_ONE or story.talks_to() != number
    finally:
        await cut.mend(story.cluster, number)
    await story.record()
    await story.announced()


@pytest.mark.parametrize("cut", [ISOLATED, pytest.param(KILLED, marks=pytest.mark.long)], ids=str)
async def test_the_leader_with_its_clients_is_lost_and_nothing_else(cluster: NatsCluster, database: str, cut: Cut) -> None:
    async with a_story(cluster, database) as story:
        leader = story.leader
        await story.talk_to(leader)
        await lives_through(story, cut, leader)
        await agree(story)
        assert not cluster.past_the_ways()


@pytest.mark.long
@pytest.mark.parametrize("cut", [PAUSED, DEAF, CUT_OFF_FROM_ONE], ids=str)
async def test_the_leader_may_be_lost_in_other_ways(cluster: NatsCluster, database: str, cut: Cut) -> None:
    async with a_story(cluster, database) as story:
        leader = story.leader
        await story.talk_to(leader)
        await lives_through(story, cut, leader)
        await agree(story)


@pytest.mark.long
@pytest.mark.timeout(1_200)
async def test_one_after_the_other_is_lost_while_everything_goes_on(cluster: NatsCluster, database: str) -> None:
    async with a_story(cluster, database) as story:
        for number, cut in enumerate((ISOLATED, PAUSED, KILLED, DEAF, KILLED, ISOLATED)):
            await story.talk_to(number % len(cluster.nodes))
            await lives_through(story, cut, number % len(cluster.nodes))
            await until(story.same_everywhere)  # as a rolling restart waits: two of three must hold everything
        await agree(story)
        assert not cluster.past_the_ways()


@pytest.mark.long
async def test_two_of_three_gone_announce_nothing_until_one_is_back(cluster: NatsCluster, database: str) -> None:
    async with a_story(cluster, database) as story:
        one, other = 0, 1
        await asyncio.gather(killed(cluster, one), killed(cluster, other))
        try:
            await story.record()
            await until(lambda: not story.publisher.healthy and story.publisher.backlog >= ROUND)
        finally:
            await asyncio.gather(started(cluster, one), started(cluster, other))
        await story.announced()
        await agree(story)
