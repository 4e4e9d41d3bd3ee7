"""Programs that kill themselves, by SIGKILL, at the worst moment: ``python -m tests.connected.doomed KIND ...``."""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from nats.aio.client import Client

from chassis.database import AppendSignal, open_pool
from chassis.feed import Feeds
from chassis.following import Follower
from chassis.publisher import Publisher
from chassis.recorded import RecordedEvent
from tests.connected.example import Sum, connected, opened, publishing

BATCHES = 2


async def publisher(service: str, database: str, url: str) -> None:
    """Publishes, and dies when the stream has taken its second batch, before it can do anything about it."""
    taken = 0
    request = Client.request

    async def last_words(self: Client, subject: str, *values: Any, **options: Any) -> Any:
        nonlocal taken
        answer = await request(self, subject, *values, **options)
        if subject.startswith("federation."):
            taken += 1
            if taken == BATCHES:
                die()
        return answer

    Client.request = last_words  # type: ignore[method-assign]
    async with opened(service, database) as store, publishing(store, database, url):
        await asyncio.sleep(60)


async def refill(service: str, database: str, url: str) -> None:
    """Finds its stream gone and fills it anew, and dies when the new one has taken its second batch."""
    taken = 0
    request = Client.request

    async def last_words(self: Client, subject: str, *values: Any, **options: Any) -> Any:
        nonlocal taken
        answer = await request(self, subject, *values, **options)
        taken += subject.startswith("federation.")
        if taken == BATCHES:
            die()
        return answer

    Client.request = last_words  # type: ignore[method-assign]
    signals = AppendSignal(database)
    await signals.start()
    async with opened(service, database) as store, connected(url) as connection:
        await Publisher(store, connection, signals).start()
        await asyncio.sleep(60)


async def feed(source: str, database: str, url: str) -> None:
    """Follows, and dies when its effect has become durable, before it can acknowledge anything."""

    class Dying(Sum):
        async def taken(self, events: Sequence[RecordedEvent]) -> None:
            die()

    async with open_pool(database) as pool:
        feeds = Feeds(url, "reader", [Follower(pool, Dying(source), lambda: datetime.now(UTC))])
        await feeds.start()
        await asyncio.sleep(60)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    asyncio.run({"publisher": publisher, "refill": refill, "feed": feed}[sys.argv[1]](*sys.argv[2:]))
