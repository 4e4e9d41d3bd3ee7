"""Which keys may a process keep in memory, and how does it hear that some were destroyed?

Each process listens, and tells in the name of its listening session the last destruction it has seen, having dropped
every key; so whoever destroys keys can wait until all have. A process that cannot listen keeps no key in memory.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from uuid import UUID

import psycopg
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg.conninfo import make_conninfo

from chassis.database import Connection
from chassis.ending import ended
from chassis.sealing import Keys

MAX_CACHED_KEYS = 50_000
STILL_THERE_EVERY_S = 5.0
RETRY_S = 0.1
SESSION = "congdoan-keys"
"""How a listening session is called, before the number of the last destruction it has seen."""


class KeyCache:
    """Keys in memory: a bounded number, for a bounded time, none after a destruction, none while it cannot be heard of."""

    def __init__(self, clock: Callable[[], float], kept_for_s: float) -> None:
        self._clock, self._kept_for_s = clock, kept_for_s
        self._entries: OrderedDict[UUID, tuple[AESGCM | None, float]] = OrderedDict()
        self._trusted = False
        self.generation = 0

    def get(self, person: UUID) -> tuple[AESGCM | None, float] | None:
        """A key, or that there is none, with the time until when it may be used."""
        entry = self._entries.get(person)
        if entry is None or entry[1] < self._clock():
            return None
        return entry

    def keep(self, keys: Keys, generation: int) -> None:
        """Keep what was read at a generation, unless it may be gone by now."""
        if not self._trusted or generation != self.generation:
            return
        until = self._clock() + self._kept_for_s
        for person, key in keys.items():
            self._entries.pop(person, None)
            self._entries[person] = (key, until)
        while len(self._entries) > MAX_CACHED_KEYS:
            self._entries.popitem(last=False)

    def drop(self) -> None:
        """Keep nothing, and nothing that was read before now."""
        self._entries.clear()
        self.generation += 1

    def trust(self, trusted: bool) -> None:
        """Whether destructions are heard of from now on."""
        self._trusted = trusted
        self.drop()


class Listener:
    """Hears of destructions, and tells which it has seen.

    :param settle: done before any key is kept; answers the number of the last destruction.
    """

    def __init__(self, conninfo: str, cache: KeyCache, settle: Callable[[Connection], Awaitable[int]]) -> None:
        options = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 2, "tcp_user_timeout": 10_000}
        self._conninfo = make_conninfo(conninfo, application_name=f"{SESSION} 0", **options)
        self._cache, self._settle = cache, settle
        self.listening = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to listen; survives every loss of the connection."""
        self.task = asyncio.create_task(self._run(), name="keys-destroyed")

    async def stop(self) -> None:
        """Stop listening; nothing may be kept any more."""
        await ended(self.task)

    async def _run(self) -> None:
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(self._conninfo, autocommit=True) as connection:
                    await self._listen(connection)
            except psycopg.Error:
                await asyncio.sleep(RETRY_S)
            finally:
                self.listening.clear()
                self._cache.trust(False)

    async def _listen(self, connection: Connection) -> None:
        await connection.execute("listen keys_destroyed")
        number = await self._settle(connection)
        self._cache.trust(True)
        while True:
            # Dropped first, told then; and said again now and then, so that a dead connection is found out.
            await connection.execute("select set_config('application_name', %s, false)", (f"{SESSION} {number}",))
            self.listening.set()
            async for heard in connection.notifies(timeout=STILL_THERE_EVERY_S, stop_after=1):
                self._cache.drop()
                number = max(number, int(heard.payload))
