"""How do the read models of a service keep up with its own history?

Each follower reads on from its own position — only the events it follows, in batches — and sleeps until the append
signal wakes it. So a model that is built anew from the first event delays no other.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import psycopg
import structlog

from chassis.database import AppendSignal
from chassis.following import Follower
from chassis.refusals import Unavailable
from chassis.store import EventStore

BATCH_EVENTS = 2_000
RETRY_S = 0.2

log = structlog.get_logger(__name__)


class Projector:
    """Drives followers along the service's own event store."""

    def __init__(self, store: EventStore, signal: AppendSignal, followers: Sequence[Follower]) -> None:
        self._store, self._signal, self.followers = store, signal, followers
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Load every position, then follow."""
        for follower in self.followers:
            await follower.load()
        self._tasks = [asyncio.create_task(self._follow(follower), name=f"project-{follower.name}") for follower in self.followers]

    async def stop(self) -> None:
        """Stop following; what was begun is rolled back and taken again next time."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task

    @property
    def tasks(self) -> Sequence[asyncio.Task[None]]:
        """The running tasks, for whoever watches that none dies."""
        return self._tasks

    async def _follow(self, follower: Follower) -> None:
        waiter = self._signal.subscribe()
        while True:
            await waiter.wait()
            waiter.clear()
            try:
                while await self._advance(follower):
                    pass
            except (psycopg.Error, Unavailable) as error:
                log.warning("read model waits for the database", follower=follower.name, error=type(error).__name__)
                await asyncio.sleep(RETRY_S)
                with suppress(psycopg.Error, Unavailable):
                    await follower.load()
                waiter.set()

    async def _advance(self, follower: Follower) -> bool:
        """Take the next batch; False when the head was reached."""
        head = await self._store.head()
        if head <= follower.position:
            return False
        events = await self._store.read(follower.position, BATCH_EVENTS, follower.topics)
        full = len(events) == BATCH_EVENTS
        await follower.take(events, upto=None if full else head)
        return True
