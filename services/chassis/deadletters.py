"""What could not be taken: who is told of it, where is it listed, and how is it taken after all?

The table ``parked`` is the record. Each row is announced once on the stream of dead letters, for whoever watches; once
the cause is mended, an aggregate's rows are offered to their follower again, in order. No position is moved back, so
nobody else's events are disturbed.
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
import structlog
from nats.errors import Error as NatsError

from chassis.cloudevents import escaped, headers_of, readable, token
from chassis.database import Connection as DatabaseConnection
from chassis.database import Pool
from chassis.ending import ended
from chassis.following import Follower, Unprocessable
from chassis.parking import unpacked
from chassis.positions import applied_later, locked_position
from chassis.recorded import RecordedEvent
from chassis.streams import Connection, JetStreamError, answer

ANNOUNCE_EVERY_S = 1.0
MAX_ANNOUNCED_AT_ONCE = 200
RETRY_S = 2.0
REQUEST_TIMEOUT_S = 5.0
TAKEN_UP = "taken_up"
"""Notified, with the name of its follower, when something that lay aside took effect."""

log = structlog.get_logger(__name__)

Key = tuple[str, int]
"""A follower's name and a position of the history it follows: the key of a parked event."""


@dataclass(frozen=True, slots=True)
class Parked:
    """An event that a follower could not take, or that waits for an earlier one of its aggregate."""

    follower: str
    position: int
    source: str
    aggregate_id: UUID
    topic: str
    reason: str
    waits_for: int | None
    parked_at: datetime

    @property
    def key(self) -> Key:
        """Where the next page begins."""
        return self.follower, self.position


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many events were taken after all, and how many of those offered still lie aside."""

    taken: int = 0
    parked: int = 0

    def __add__(self, other: "Replayed") -> "Replayed":
        return Replayed(self.taken + other.taken, self.parked + other.parked)


async def list_parked(pool: Pool, after: Key | None, limit: int) -> list[Parked]:
    """At most `limit` parked events by follower and position, from the one after a key; the first when it is None."""
    # A parked document begins with its service; the whole of it may be large and belong to a person.
    query = """select follower, position, split_part(encode(substring(event from 1 for 200), 'escape'), '"', 4),
                      aggregate_id, topic, reason, waits_for, parked_at
                 from parked where (follower, position) > (%s, %s) order by follower, position limit %s"""
    return [Parked(*row) for row in await _rows(pool, query, (*(after or ("", 0)), limit))]


async def replay(pool: Pool, follower: Follower, aggregate_id: UUID | None = None) -> Replayed:
    """Offer a follower its parked events again, of one aggregate or of all, each aggregate in a transaction of its own.

    What is taken is parked no more; what cannot be taken stays, with its reason of today, and what follows it waits for
    it. Meanwhile the follower takes nothing, so a new event neither overtakes a parked one nor waits for nothing.
    """
    query = """select aggregate_id from parked where follower = %s and (%s::uuid is null or aggregate_id = %s)
                group by aggregate_id order by min(position)"""
    rows = await _rows(pool, query, (follower.name, aggregate_id, aggregate_id))
    outcome = Replayed()
    for (parked_aggregate,) in rows:
        outcome += await _replay(pool, follower, parked_aggregate)
    return outcome


async def _replay(pool: Pool, follower: Follower, aggregate_id: UUID) -> Replayed:
    async with pool.connection() as connection, connection.transaction():
        await locked_position(connection, follower.name)
        query = "select event from parked where follower = %s and aggregate_id = %s order by position"
        rows: list[tuple[Any, ...]] = await (await connection.execute(query, (follower.name, aggregate_id))).fetchall()
        events = [readable(unpacked(bytes(event))) for (event,) in rows]
        poison = await _take(follower, events, connection)
        taken = events[: events.index(poison.event)] if poison else events
        await connection.execute(
            "delete from parked where follower = %s and position = any(%s)",
            (follower.name, [event.position for event in taken]),
        )
        await applied_later(connection, follower.name, [event.position for event in taken])
        if taken:
            await connection.execute("select pg_notify(%s, %s)", (TAKEN_UP, follower.name))
        if poison:
            await _park_again(connection, follower, aggregate_id, poison)
    await follower.effect.taken(taken)
    return Replayed(len(taken), len(events) - len(taken))


async def _take(follower: Follower, events: Sequence[RecordedEvent], connection: DatabaseConnection) -> Unprocessable | None:
    """Take all of it, or as much as comes before the first that cannot be taken, which is answered."""
    if not events:
        return None
    try:
        async with connection.transaction():
            await follower.effect.take(events, connection)
    except Unprocessable as poison:
        return await _take(follower, events[: events.index(poison.event)], connection) or poison
    return None


async def _park_again(connection: DatabaseConnection, follower: Follower, aggregate_id: UUID, poison: Unprocessable) -> None:
    first = poison.event.position
    await connection.execute(
        """update parked set reason = case when position = %(first)s then %(reason)s else %(waits)s end,
                             waits_for = case when position = %(first)s then null else %(first)s end
            where follower = %(follower)s and aggregate_id = %(aggregate)s""",
        {
            "first": first,
            "reason": poison.reason,
            "waits": f"waits for {poison.event.service}/{first}",
            "follower": follower.name,
            "aggregate": aggregate_id,
        },
    )


class DeadLetters:
    """Announces what a service has parked on the stream of dead letters.

    Each row at least once; the server drops what it has seen within two minutes.
    """

    def __init__(self, service: str, pool: Pool, connection: Connection) -> None:
        self._service, self._pool, self._connection = service, pool, connection
        self._task: asyncio.Task[None] | None = None
        self.trouble = ""

    async def start(self) -> None:
        """Begin to announce; returns at once."""
        self._task = asyncio.create_task(self._run(), name=f"dead-letters-{self._service}")

    async def stop(self) -> None:
        """Stop; what is not announced is announced next time."""
        await ended(self._task)

    async def _run(self) -> None:
        while True:
            pause = ANNOUNCE_EVERY_S
            try:
                if await self.announce() == MAX_ANNOUNCED_AT_ONCE:
                    continue
                self.trouble = ""
            except psycopg.Error:
                self._tell("the database cannot be read")
                pause = RETRY_S
            except (NatsError, JetStreamError, OSError) as error:
                self._tell(f"{type(error).__name__}: {error}")
                pause = RETRY_S
            await asyncio.sleep(pause)

    def _tell(self, trouble: str) -> None:
        if trouble != self.trouble:
            log.warning("dead letters are not announced", service=self._service, reason=trouble)
        self.trouble = trouble

    async def announce(self) -> int:
        """Announce some rows that were not; how many.

        :raises psycopg.Error, NatsError, JetStreamError, OSError: not all of them could be announced.
        """
        query = """select follower, position, event, reason, waits_for from parked where not announced
                    order by follower, position limit %s"""
        rows = await _rows(self._pool, query, (MAX_ANNOUNCED_AT_ONCE,))
        if rows and not self._connection.is_connected:
            raise ConnectionError("NATS cannot be reached")
        for follower, position, event, reason, waits_for in rows:
            await self._announce(follower, position, unpacked(bytes(event)), reason, waits_for)
        followers, positions = [row[0] for row in rows], [row[1] for row in rows]
        if rows:
            async with self._pool.connection() as connection:
                await connection.execute(
                    """update parked p set announced = true from unnest(%s::text[], %s::bigint[]) as a (follower, position)
                        where p.follower = a.follower and p.position = a.position""",
                    (followers, positions),
                )
        return len(rows)

    async def _announce(self, follower: str, position: int, event: RecordedEvent, reason: str, waits_for: int | None) -> None:
        headers = headers_of(event) | {
            "reason": escaped(reason.encode()).decode(),
            "Nats-Msg-Id": f"{self._service}/{token(follower)}/{position}",
        }
        if waits_for is not None:
            headers["waits-for"] = str(waits_for)
        message = await self._connection.request(
            dead_letter_subject(self._service, follower), event.body, headers, timeout_s=REQUEST_TIMEOUT_S
        )
        answer(message.data)


def dead_letter_subject(service: str, follower: str) -> str:
    """The subject of what a follower of a service could not take."""
    return f"deadletters.{token(service)}.{re.sub('[^A-Za-z0-9_-]', '_', follower)}"


async def _rows(pool: Pool, query: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
    async with pool.connection() as connection:
        return await (await connection.execute(query.encode(), values)).fetchall()
