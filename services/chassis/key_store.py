"""Who has the keys of persons, who makes them, and how are they destroyed for good?

A database of its own, with a backup of its own. Each person has one random key, wrapped by a key that stands in a file
(:mod:`chassis.wrapping_keys`). Whoever was erased keeps a tombstone: no key is made for that person again, and one that
a restored backup brings back is destroyed at the next start.

Keys are kept in memory for a minute at most (:mod:`chassis.cached_keys`); a destruction waits until no process has one.
"""

import asyncio
import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg_pool import PoolTimeout

from chassis.asking_together import Together
from chassis.cached_keys import SESSION, KeyCache, Listener
from chassis.database import Connection, fetch, open_pool
from chassis.refusals import Unavailable
from chassis.sealing import NONCE_BYTES, Keys
from chassis.wrapping_keys import KEY_BYTES, WrappingKeys, WrappingKeysUnreadable

KEY_STEPS = "chassis.key_sql"
"""The steps of its schema, for :func:`chassis.database.migrate`."""

CACHED_FOR_S = 60.0
DROPPED_WITHIN_S = 5.0
LOOK_EVERY_S = 0.01
ASKED_AT_ONCE = 2_000
REWRAPPED_AT_ONCE = 1_000
LISTED_AT_ONCE = 1_000
NOBODY = UUID(int=0)
"""Before every person."""

Row = tuple[Any, ...]
_LOCK = "select pg_advisory_xact_lock(hashtext('congdoan.person_keys'))"
_SEEN = f"substring(application_name from '^{SESSION} ([0-9]+)$')::bigint"

log = structlog.get_logger(__name__)


class KeyUnusable(Exception):
    """A person's key cannot be unwrapped: its row was changed, or its wrapping key is not in the file."""

    def __init__(self, person: UUID) -> None:
        super().__init__(f"the key of person {person} cannot be unwrapped")
        self.person = person


class KeyStore:
    """The keys of persons, for one process.

    :param clock: seconds that only grow.
    """

    def __init__(
        self,
        conninfo: str,
        wrapping: WrappingKeys,
        *,
        randomness: Callable[[int], bytes] = os.urandom,
        clock: Callable[[], float] = time.monotonic,
        cached_for_s: float = CACHED_FOR_S,
    ) -> None:
        self.conninfo, self._wrapping, self._randomness = conninfo, wrapping, randomness
        self._pool = open_pool(conninfo, max_size=4)
        self._cache = KeyCache(clock, cached_for_s)
        self._wrapped_by = ""
        self._finding: Together[UUID, AESGCM | None] = Together("keys-found", self._find, ASKED_AT_ONCE)
        self._making: Together[UUID, AESGCM | None] = Together("keys-made", self._make, ASKED_AT_ONCE)
        self._listener = Listener(conninfo, self._cache, _forgotten_again)

    async def start(self) -> None:
        """Begin to answer; returns whether the database can be reached or not."""
        await self._pool.open()
        for part in (self._listener, self._finding, self._making):
            part.start()

    async def stop(self) -> None:
        """Keep nothing in memory any more."""
        for part in (self._making, self._finding, self._listener):
            await part.stop()
        self._cache.trust(False)
        await self._pool.close()

    @property
    def reachable(self) -> bool:
        """Whether its database answers; known by the session that hears of destructions."""
        return self._listener.listening.is_set()

    async def heard(self) -> None:
        """Wait until destructions are heard of, so that keys may be kept in memory."""
        await self._listener.listening.wait()

    @property
    def tasks(self) -> list[asyncio.Task[None]]:
        """The running tasks, for whoever watches that none dies."""
        return [part.task for part in (self._listener, self._finding, self._making) if part.task]

    async def keys_for(self, persons: Collection[UUID], *, create: bool = False) -> Keys:
        """The key of each person who has one, None for one who was erased, and perhaps of others: what is asked at once
        goes together.

        :param create: make keys for those who have none; they are durable when this returns.
        :raises Unavailable: the database, or the file of the wrapping keys, cannot be read just now.
        """
        found: dict[UUID, AESGCM | None] = {}
        missing = []
        for person in persons:
            if (entry := self._cache.get(person)) is not None:
                found[person] = entry[0]
            else:
                missing.append(person)
        if not missing:
            return found
        answer = await (self._making if create else self._finding).ask(missing)
        return {**answer, **found} if found else answer

    async def destroy(self, persons: Collection[UUID]) -> None:
        """Destroy the keys of persons for good. When this returns no process has one in memory; may be repeated.

        :raises Unavailable: that cannot be done, or not be confirmed by every process; repeat it.
        """
        with _as_refusals():
            async with self._pool.connection() as connection, connection.transaction():
                await connection.execute(_LOCK)
                await connection.execute(
                    "insert into erased_persons (person) select distinct unnest(%s::uuid[]) on conflict do nothing",
                    (list(persons),),
                )
                number = await _destroyed(connection, persons)
        self._cache.drop()
        await self._dropped_everywhere(number)

    async def destroyed_at(self, persons: Collection[UUID]) -> dict[UUID, datetime]:
        """When the keys of those of some persons who were erased were destroyed first.

        :raises Unavailable: the database cannot be asked.
        """
        rows = await fetch(self._pool, "select person, erased_at from erased_persons where person = any(%s)", (list(persons),))
        return dict(rows)

    async def erased(self, after: UUID = NOBODY) -> list[UUID]:
        """Some of those who were erased, in the order of their ids; none when nobody follows.

        :param after: the last one known.
        :raises Unavailable: the database cannot be asked.
        """
        query = "select person from erased_persons where person > %s order by person limit %s"
        return [person for (person,) in await fetch(self._pool, query, (after, LISTED_AT_ONCE))]

    async def rotate(self, on_progress: Callable[[int], None] = lambda number: None) -> str:
        """Replace the wrapping key while services run, and answer the id of the new one.

        Ended anywhere, it is run again and goes on: the file has more than one key as long as it is not done.

        :raises Unavailable, WrappingKeysUnreadable: it cannot be done; :raises KeyUnusable: a key is broken, and the
            wrapping keys stay as they are.
        """
        try:
            async with self._pool.connection() as connection, connection.transaction():
                await connection.execute(_LOCK)
                await connection.execute("select from current_wrapping_key")
                # Not before the key store has answered: the file of one that is not there stays as it is.
                ids = self._wrapping.ids
                current = ids[0] if len(ids) > 1 else self._wrapping.put_first()
                await connection.execute(
                    "insert into current_wrapping_key (wrapping_key) values (%s)"
                    " on conflict (single) do update set wrapping_key = excluded.wrapping_key",
                    (current,),
                )
            last: UUID | None = NOBODY
            while last is not None:
                last, number = await self.rewrap(last)
                on_progress(number)
        except (psycopg.Error, PoolTimeout) as error:
            raise Unavailable(reason="key store") from error
        self._wrapping.keep_only(current)
        return current

    async def rewrap(self, after: UUID, batch: int = REWRAPPED_AT_ONCE) -> tuple[UUID | None, int]:
        """Wrap some keys anew by the current wrapping key; answers the last person looked at, None at the end, and how many.

        :param after: the last person looked at before.
        :raises KeyUnusable: one cannot be unwrapped. :raises psycopg.OperationalError: the database is away.
        """
        async with self._pool.connection() as connection, connection.transaction():
            cursor = await connection.execute(
                """select person, wrapped, k.wrapping_key, c.wrapping_key
                     from person_keys k, current_wrapping_key c
                    where person > %s and k.wrapping_key <> c.wrapping_key order by person limit %s for update of k""",
                (after, batch),
            )
            rows: Sequence[Row] = await cursor.fetchall()
            if not rows:
                return None, 0
            current = rows[0][3]
            anew = [self._wrapped(person, self._unwrapped(person, wrapped, name), current) for person, wrapped, name, _ in rows]
            await connection.execute(
                """update person_keys k set wrapped = n.wrapped, wrapping_key = %s
                     from unnest(%s::uuid[], %s::bytea[]) as n (person, wrapped) where k.person = n.person""",
                (current, [row[0] for row in rows], anew),
            )
        return rows[-1][0], len(rows)

    async def _find(self, persons: Sequence[UUID]) -> Keys:
        with _as_refusals():
            query = """select person, wrapped, wrapping_key from person_keys where person = any(%s)
                       union all select person, null, null from erased_persons where person = any(%s)"""
            for _ in range(2):
                before = self._cache.generation
                rows = await fetch(self._pool, query, (list(persons), list(persons)))
                # A rotation may have wrapped a key anew, and its former wrapping key be gone, since the row was read.
                if all(wrapped is None or self._wrapping.key(name) for _, wrapped, name in rows):
                    break
            return self._kept(rows, before)

    async def _make(self, persons: Sequence[UUID]) -> Keys:
        """Offer a new key for each; whoever has one already keeps it."""
        with _as_refusals():
            bits, wrapped_by = self._randomness(KEY_BYTES * len(persons)), self._wrapped_by or self._wrapping.current
            keys = [bits[start : start + KEY_BYTES] for start in range(0, len(bits), KEY_BYTES)]
            while True:
                offered = [self._wrapped(person, key, wrapped_by) for person, key in zip(persons, keys, strict=True)]
                before = self._cache.generation
                query = "select * from make_person_keys(%s::uuid[], %s::bytea[], %s)"
                rows = await fetch(self._pool, query, (list(persons), offered, wrapped_by))
                if not rows or rows[0][0] is not None:
                    self._wrapped_by = wrapped_by
                    return self._kept(rows, before, dict(zip(persons, map(AESGCM, keys), strict=True)))
                # The wrapping key was rotated meanwhile.
                wrapped_by = rows[0][2]

    def _kept(self, rows: Sequence[Row], generation: int, made: Mapping[UUID, AESGCM] | None = None) -> Keys:
        """The keys of rows before those made, also for the next minute unless keys were destroyed since `generation`."""
        found: dict[UUID, AESGCM | None] = dict(made or {})
        erased = {person for person, wrapped, _ in rows if wrapped is None}
        for person, wrapped, name in rows:
            if person in erased:
                found[person] = None
                continue
            try:
                found[person] = AESGCM(self._unwrapped(person, wrapped, name))
            except KeyUnusable:
                found.pop(person, None)
                log.error("a key cannot be unwrapped", person=str(person), wrapping_key=name)
        self._cache.keep(found, generation)
        return found

    def _wrapped(self, person: UUID, key: bytes, name: str) -> bytes:
        wrapping, nonce = self._wrapping.key(name), self._randomness(NONCE_BYTES)
        if wrapping is None:
            raise Unavailable(reason="wrapping key")
        return nonce + wrapping.encrypt(nonce, key, person.bytes)

    def _unwrapped(self, person: UUID, wrapped: bytes, name: str) -> bytes:
        wrapping = self._wrapping.key(name)
        if wrapping is None:
            raise KeyUnusable(person)
        try:
            return wrapping.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], person.bytes)
        except InvalidTag:
            raise KeyUnusable(person) from None

    async def _dropped_everywhere(self, number: int) -> None:
        query = f"select count(*) from pg_stat_activity where datname = current_database() and {_SEEN} < %s"
        with suppress(TimeoutError):
            async with asyncio.timeout(DROPPED_WITHIN_S):
                while (await fetch(self._pool, query, (number,)))[0][0]:
                    await asyncio.sleep(LOOK_EVERY_S)
                return
        raise Unavailable(reason="key store")


@contextmanager
def _as_refusals() -> Iterator[None]:
    """What keeps the key store from answering, as callers are told of it."""
    try:
        yield
    except WrappingKeysUnreadable as error:
        log.error("the wrapping keys cannot be read", reason=str(error))
        raise Unavailable(reason="wrapping key") from error
    except (psycopg.Error, PoolTimeout) as error:
        log.error("the key store cannot be asked", error=type(error).__name__)
        raise Unavailable(reason="key store") from error


async def _forgotten_again(connection: Connection) -> int:
    """Destroy what keys erased persons have, and answer the number of the last destruction."""
    async with connection.transaction():
        await connection.execute(_LOCK)
        cursor = await connection.execute("select k.person from person_keys k join erased_persons e on e.person = k.person")
        if back := [UUID(str(person)) for (person,) in await cursor.fetchall()]:
            log.warning("keys of erased persons were there again", number=len(back))
            return await _destroyed(connection, back)
        cursor = await connection.execute("select number from destructions")
        ((number,),) = await cursor.fetchall()
    return int(str(number))


async def _destroyed(connection: Connection, persons: Collection[UUID]) -> int:
    """Delete keys, tell every process, and answer the number of this destruction."""
    await connection.execute("delete from person_keys where person = any(%s)", (list(persons),))
    cursor = await connection.execute("update destructions set number = number + 1 returning number")
    ((number,),) = await cursor.fetchall()
    await connection.execute("select pg_notify('keys_destroyed', %s::text)", (number,))
    return int(str(number))
