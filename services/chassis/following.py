"""How far has someone who follows a history come, and what could it not take?

A follower — a read model or a reaction — takes events in order, in batches; what it does with them and its new
position become true in one transaction. An event it cannot take is parked with its reason, later events of the same
aggregate wait behind it, and everything else goes on.
"""

import asyncio
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

import orjson
from psycopg_pool import AsyncConnectionPool

from chassis.database import Connection
from chassis.events import NotReadable, RecordedEvent
from chassis.refusals import DeadlinePassed, Refusal


class Effect(Protocol):
    """What a follower does with events."""

    name: str
    """Unique in the service; a position belongs to a name."""
    source: str
    """The service whose history is followed."""
    topics: frozenset[str]
    """The events it follows; every event when empty."""

    async def take(self, events: Sequence[RecordedEvent], transaction: Connection) -> None:
        """Take some events in order, inside the transaction that also moves the position.

        :raises Unprocessable: one of them can never be taken as it is; everything is rolled back.
        """

    async def taken(self, events: Sequence[RecordedEvent]) -> None:
        """Called after the transaction became durable."""


class Unprocessable(Exception):
    """One event cannot be taken; `reason` holds no personal value."""

    def __init__(self, event: RecordedEvent, reason: str) -> None:
        super().__init__(f"{event.id}: {reason}")
        self.event, self.reason = event, reason


def unprocessable(event: RecordedEvent, error: Exception) -> Unprocessable:
    """The reason why an event cannot be taken, without any value of its fields."""
    match error:
        case Refusal():
            return Unprocessable(event, str(error))
        case NotReadable():
            return Unprocessable(event, f"not readable: {error}")
        case _:
            return Unprocessable(event, type(error).__name__)


class Follower:
    """Drives one effect along one history and remembers how far it came."""

    def __init__(self, pool: AsyncConnectionPool[Connection], effect: Effect, clock: Callable[[], datetime]) -> None:
        self.effect = effect
        self.name, self.source, self.topics = effect.name, effect.source, effect.topics
        self.position = 0
        self._pool, self._clock = pool, clock
        self._blocked: dict[UUID, int] = {}
        self._moved = asyncio.Condition()

    async def load(self) -> None:
        """Read position and parked aggregates; called once before the first batch, and after a fault."""
        async with self._pool.connection() as connection:
            row = await (await connection.execute("select position from followers where follower = %s", (self.name,))).fetchone()
            parked = await connection.execute(
                "select aggregate_id, min(position) from parked where follower = %s group by aggregate_id", (self.name,)
            )
            self._blocked = {aggregate_id: position for aggregate_id, position in await parked.fetchall()}  # type: ignore[misc]
        self.position = int(str(row[0])) if row else 0

    async def take(self, events: Sequence[RecordedEvent], *, upto: int | None = None) -> None:
        """Take a batch, in order; events at or before the position were taken before and are passed over.

        `upto` is the position reached when everything until there was looked at, matching or not.
        """
        fresh = [event for event in events if event.position > self.position]
        reached = max(upto or 0, fresh[-1].position if fresh else 0)
        if reached <= self.position:
            return
        parked: list[tuple[RecordedEvent, str, int | None]] = []
        fresh = [event for event in fresh if not self.topics or event.topic in self.topics]
        while True:
            free = self._without_waiting(fresh, parked)
            try:
                await self._commit(free, parked, reached)
                break
            except Unprocessable as poison:
                parked.append((poison.event, poison.reason, None))
        for event, _, _ in parked:
            self._blocked.setdefault(event.aggregate_id, event.position)
        await self._reach(reached)
        await self.effect.taken(free)

    def _without_waiting(
        self, events: Sequence[RecordedEvent], parked: list[tuple[RecordedEvent, str, int | None]]
    ) -> list[RecordedEvent]:
        """The events whose aggregate is not blocked; the others are added to `parked` behind the first of theirs."""
        blocked = dict(self._blocked)
        for event, _, waits_for in parked:
            if waits_for is None:
                blocked.setdefault(event.aggregate_id, event.position)
        known = {event.position for event, _, _ in parked}
        free = []
        for event in events:
            first = blocked.get(event.aggregate_id)
            if first is None or event.position < first:
                free.append(event)
            elif event.position not in known:
                parked.append((event, f"waits for {self.source}/{first}", first))
        return free

    async def _commit(
        self, events: Sequence[RecordedEvent], parked: Sequence[tuple[RecordedEvent, str, int | None]], reached: int
    ) -> None:
        async with self._pool.connection() as connection, connection.transaction():
            if events:
                await self.effect.take(events, connection)
            for event, reason, waits_for in parked:
                await connection.execute(
                    """insert into parked (follower, position, aggregate_id, topic, reason, waits_for, event, parked_at)
                       values (%s, %s, %s, %s, %s, %s, %s, %s)""",
                    (self.name, event.position, event.aggregate_id, event.topic, reason, waits_for, packed(event), self._clock()),
                )
            await connection.execute(
                """insert into followers (follower, position) values (%s, %s)
                   on conflict (follower) do update set position = excluded.position""",
                (self.name, reached),
            )

    async def _reach(self, position: int) -> None:
        async with self._moved:
            self.position = position
            self._moved.notify_all()

    async def at_least(self, position: int, timeout_s: float) -> None:
        """Wait until everything up to a position was taken.

        :raises DeadlinePassed: it was not within `timeout_s`.
        """
        if self.position >= position:
            return
        try:
            async with asyncio.timeout(timeout_s), self._moved:
                await self._moved.wait_for(lambda: self.position >= position)
        except TimeoutError:
            raise DeadlinePassed() from None


def packed(event: RecordedEvent) -> bytes:
    """A recorded event as one JSON document, for parking; body and metadata keep their bytes."""
    return orjson.dumps(
        {
            "service": event.service,
            "position": event.position,
            "aggregate_id": event.aggregate_id,
            "version": event.version,
            "topic": event.topic,
            "body": b64encode(event.body).decode(),
            "metadata": event.metadata_json.decode(),
            "branch": event.branch,
            "branch_position": event.branch_position,
            "recorded_at": event.recorded_at,
        }
    )


def unpacked(data: bytes) -> RecordedEvent:
    """The recorded event of a parked document."""
    fields = orjson.loads(data)
    return RecordedEvent(
        fields["service"],
        fields["position"],
        UUID(fields["aggregate_id"]),
        fields["version"],
        fields["topic"],
        b64decode(fields["body"]),
        fields["metadata"].encode(),
        fields["branch"],
        fields["branch_position"],
        datetime.fromisoformat(fields["recorded_at"]),
    )
