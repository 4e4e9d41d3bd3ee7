"""How soon after its answer does a subscriber of the stream have an event, while commands come steadily?

Everything runs in one event loop here - commands, publisher, subscriber -, so each pays for the others as well.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from statistics import quantiles
from typing import Any, TypeVar

import nats
import uvloop
from nats.aio.msg import Msg

from benchmarks.admissions import CALL, admissions, membership_on
from benchmarks.ground import Ground, bus_on, empty_stream
from benchmarks.measuring import Result, Row, within
from chassis.database import AppendSignal
from chassis.publisher import Publisher
from chassis.store import EventStore
from membership.domain.member import AdmitMember

T = TypeVar("T")

OFFERED = 2_000
P50_LIMIT_MS, P99_LIMIT_MS = 5.0, 25.0
NAME = f"answer to subscriber, {OFFERED:,} commands/s offered"


def rows(ground: Ground) -> list[Row]:
    """One run, from which every line comes."""
    return [Row(NAME, lambda rounds: delivered(ground))]


def delivered(ground: Ground) -> Sequence[Result]:
    """Two lines of delays, and one that says whether the commands offered were also done."""
    with ground.database() as conninfo:
        rate, delays = uvloop.run(_run(ground, conninfo))
    cuts = quantiles(delays, n=100)
    return [
        within(f"{NAME}, p50", cuts[49], P50_LIMIT_MS, " ms"),
        within(f"{NAME}, p99", cuts[98], P99_LIMIT_MS, " ms"),
        Result(f"{NAME}, done", "offered", rate, OFFERED),
    ]


async def _run(ground: Ground, conninfo: str) -> tuple[float, list[float]]:
    """How many commands a second were done, and the milliseconds from each answer to its event."""
    await empty_stream(ground.nats.url, "membership")
    answered: dict[int, float] = {}
    async with (
        membership_on(conninfo) as (application, store),
        announced(store, ground.nats.url, conninfo),
        Subscriber(ground.nats.url) as subscriber,
    ):

        async def admit(command: AdmitMember) -> None:
            answer = await application.execute(CALL, command)
            answered[answer.position] = time.perf_counter()

        rate = await steadily(OFFERED, admissions(round(OFFERED * ground.sizes.offered_s)), admit)
        await subscriber.has(await store.head())
    return rate, [1_000 * (subscriber.seen[position] - at) for position, at in answered.items()]


@asynccontextmanager
async def announced(store: EventStore, nats_url: str, conninfo: str) -> AsyncIterator[None]:
    """The events of a store are announced meanwhile; what it holds already, before that."""
    signal = AppendSignal(conninfo)
    async with bus_on(nats_url) as bus:
        publisher = Publisher(store, bus, signal)
        await signal.start()
        await publisher.start()
        while publisher.published < await store.head():
            await asyncio.sleep(0.01)
        yield
        await publisher.stop()
        await signal.stop()


async def steadily(rate: int, subjects: Sequence[T], do: Callable[[T], Coroutine[Any, Any, None]]) -> float:
    """Begin so many a second, whether those before are done or not, and answer how many a second were done."""
    began = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for number, subject in enumerate(subjects):
            await asyncio.sleep(began + number / rate - time.perf_counter())
            tasks.create_task(do(subject))
    return len(subjects) / (time.perf_counter() - began)


class Subscriber:
    """Notes when each event came."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.seen: dict[int, float] = {}

    async def __aenter__(self) -> "Subscriber":
        self._client = await nats.connect(self._url)
        await self._client.subscribe("federation.membership.>", cb=self._see)
        await self._client.flush()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()

    async def _see(self, message: Msg) -> None:
        self.seen[int((message.headers or {})["ce-position"])] = time.perf_counter()

    async def has(self, position: int) -> None:
        """Wait for an event."""
        async with asyncio.timeout(60):
            while position not in self.seen:
                await asyncio.sleep(0.01)
