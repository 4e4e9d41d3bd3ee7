"""``python -m benchmarks.branch_readers URL FOLDER FIRST ALL``: one subscriber for each credentials file in a folder.

A process of its own, so that it costs the commands no more than other people's programs would. Says ``ready`` once the
first so many events have come, and after all of them when each came: a JSON object, id of the event to seconds of the
system's monotonic clock.
"""

import asyncio
import json
import sys
import time
from contextlib import suppress
from pathlib import Path

import nats
import uvloop
from nats.js.api import AckPolicy, ConsumerConfig

from congdoan.provinces.configuration import BRANCH, PROVINCE_DOMAIN

BATCH = 500


class Readers:
    """What they have seen together."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.seen: dict[str, float] = {}

    async def read(self, credentials: Path) -> None:
        """Read one branch for ever."""
        client = await nats.connect(self._url, nkeys_seed=str(credentials))
        branch, all_at_once = client.jetstream(domain=PROVINCE_DOMAIN), ConsumerConfig(ack_policy=AckPolicy.ALL)
        reading = await branch.pull_subscribe("", durable="bench", stream=BRANCH, config=all_at_once)
        while True:
            with suppress(TimeoutError):
                messages = await reading.fetch(BATCH, timeout=5)
                self.seen.update({(message.headers or {})["ce-id"]: time.perf_counter() for message in messages})
                await messages[-1].ack()  # and with it all before, as the subscribers do

    async def have(self, events: int) -> None:
        """Wait for so many events."""
        while len(self.seen) < events:
            await asyncio.sleep(0.01)


async def run(url: str, folder: Path, first: int, events: int) -> None:
    """Read them all until everything has come."""
    readers = Readers(url)
    async with asyncio.TaskGroup() as tasks:
        reading = [tasks.create_task(readers.read(file)) for file in folder.glob("*.nk")]
        await readers.have(first)
        print("ready", flush=True)
        await readers.have(events)
        for task in reading:
            task.cancel()
    print(json.dumps(readers.seen), flush=True)


if __name__ == "__main__":
    uvloop.run(run(sys.argv[1], Path(sys.argv[2]), *map(int, sys.argv[3:])))
