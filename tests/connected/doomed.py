"""Programs that kill themselves, by SIGKILL, at the worst moment: ``python -m tests.connected.doomed KIND ...``."""

import asyncio
import os
import signal
import sys
from typing import Any

from nats.aio.client import Client

from tests.connected.example import opened, publishing

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


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    asyncio.run({"publisher": publisher}[sys.argv[1]](*sys.argv[2:]))
