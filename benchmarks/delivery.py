"""How soon after its answer does a subscriber of the stream have an event, while commands come steadily?

Everything runs in one event loop here - commands, publisher, subscriber -, so each pays for the others as well.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from statistics import quantiles
from typing import Any

import nats
import uvloop
from nats.aio.msg import Msg

from benchmarks.admissions import CALL, admission, membership_on
from benchmarks.ground import Ground, empty_stream
from benchmarks.measuring import Result, Row, within
from chassis.database import AppendSignal
from chassis.publisher import Publisher
from chassis.streams import Connection

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
    bus, signal = Connection(ground.nats.url, "publisher"), AppendSignal(conninfo)
    answered: dict[int, float] = {}
    async with membership_on(conninfo) as (application, store), _Subscriber(ground.nats.url) as subscriber:
        parts = (signal, bus, Publisher(store, bus, signal))
        for part in parts:
            await part.start()
            while not bus.is_connected and part is bus:
                await asyncio.sleep(0.01)

        async def admit() -> None:
            answer = await application.execute(CALL, admission())
            answered[answer.position] = time.perf_counter()

        await subscriber.has(await store.head())
        rate = await steadily(OFFERED, ground.sizes.offered_s, admit)
        await subscriber.has(await store.head())
        for part in reversed(parts):
            await part.stop()
    return rate, [1_000 * (subscriber.seen[position] - at) for position, at in answered.items()]


async def steadily(rate: int, seconds: float, do: Callable[[], Coroutine[Any, Any, None]]) -> float:
    """Begin something so many times a second, whether what was begun before is done or not; how many a second were done."""
    began = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for number in range(round(rate * seconds)):
            await asyncio.sleep(began + number / rate - time.perf_counter())
            tasks.create_task(do())
    return rate * seconds / (time.perf_counter() - began)


class _Subscriber:
    """Notes when each event came."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.seen: dict[int, float] = {}

    async def __aenter__(self) -> "_Subscriber":
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
