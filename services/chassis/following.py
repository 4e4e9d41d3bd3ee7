"""How far has someone who follows a history come, and what could it not take?

A follower — a read model or a reaction — takes events in order, in batches; what it does with them and its new
position become true in one transaction. An event it cannot take is parked with its reason, later events of the same
aggregate wait behind it, and everything else goes on.
"""

import asyncio
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, LiteralString, Protocol
from uuid import UUID

import orjson
from psycopg_pool import AsyncConnectionPool

from chassis.database import Connection
from chassis.events import NotReadable
from chassis.recorded import RecordedEvent
from chassis.refusals import DeadlinePassed, Refusal
from chassis.tally import Sums, Tally

MAX_UNKEPT = 10_000
"""How many events that do not concern a follower it may pass before its position is written down."""


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


class Overtaken(Exception):
    """Somebody else moved this follower: another process of the service, or an answer that was lost on its way."""


async def _nothing_in_memory(after: int) -> None:
    """What another process took is in the database, and there alone."""


class Follower:
    """Drives one effect along one history and remembers how far it came.

    Several processes may drive the same follower: the row of its position is locked while a batch is taken, so that
    each event takes effect once, whoever comes first.

    :param on_overtaken: told, when another process has taken what came after a position, before that is known here: whoever
        keeps in memory what the rows say reads them again.
    """

    def __init__(
        self,
        pool: AsyncConnectionPool[Connection],
        effect: Effect,
        clock: Callable[[], datetime],
        on_overtaken: Callable[[int], Awaitable[None]] = _nothing_in_memory,
    ) -> None:
        self.effect = effect
        self.name, self.source, self.topics = effect.name, effect.source, effect.topics
        self.position = 0
        self.awaited = asyncio.Event()
        """Set while somebody waits for a position: whoever drives the follower need not gather more events then."""
        self._kept, self._loaded = 0, False
        self._pool, self._clock, self._on_overtaken = pool, clock, on_overtaken
        self._moved = asyncio.Condition()

    async def load(self) -> None:
        """Read the position; called once before the first batch, and after a fault."""
        async with self._pool.connection() as connection:
            await connection.execute(
                "insert into followers (follower, position) values (%s, 0) on conflict do nothing", (self.name,)
            )
            position = await _value(connection, "select position from followers where follower = %s", (self.name,))
        if self._loaded and (position or 0) > self.position:
            await self._on_overtaken(self.position)
        self._kept, self._loaded = position or 0, True
        await self._reach(self._kept)

    async def take(self, events: Sequence[RecordedEvent], *, upto: int | None = None) -> None:
        """Take a batch, in order; events at or before the position were taken before and are passed over.

        `upto` is the position reached when everything until there was looked at, matching or not.

        :raises Overtaken: the position was moved back, so that events before these are due: read on from it.
        """
        reached, kept = max(upto or 0, events[-1].position if events else 0), self._kept
        while reached > self.position:
            fresh = [event for event in events if event.position > self.position]
            followed = [event for event in fresh if not self.topics or event.topic in self.topics]
            if not followed and reached - self._kept < MAX_UNKEPT:
                # Nothing happened to this follower: after a crash it looks at so many events again, and that is all.
                await self._reach(reached)
                continue
            try:
                free = await self._take(followed, reached)
            except Overtaken:
                await self.load()
                if self._kept < kept:
                    raise
            else:
                await self._reach(reached)
                await self.effect.taken(free)

    async def _take(self, events: Sequence[RecordedEvent], reached: int) -> list[RecordedEvent]:
        async def commit(poisons: dict[int, str]) -> list[RecordedEvent]:
            async with self._pool.connection() as connection, connection.transaction():
                return await self._move(connection, events, poisons, reached, self._kept)

        free = await self._without_poison(commit)
        self._kept = reached
        return free

    async def take_within(self, transaction: Connection, events: Sequence[RecordedEvent], *, held: int, upto: int) -> None:
        """Take a batch inside a transaction that has locked the position, `held`; whoever drives this follower finds out.

        :param events: all that it follows after `held` until `upto`.
        """

        async def move(poisons: dict[int, str]) -> list[RecordedEvent]:
            async with transaction.transaction():
                return await self._move(transaction, events, poisons, upto, held)

        await self._without_poison(move)

    async def _without_poison(self, move: Callable[[dict[int, str]], Awaitable[list[RecordedEvent]]]) -> list[RecordedEvent]:
        poisons: dict[int, str] = {}
        while True:
            try:
                return await move(poisons)
            except Unprocessable as poison:
                if poison.event.position in poisons:
                    raise RuntimeError(f"{self.name} was not given {poison.event.id} and cannot take it") from poison
                poisons[poison.event.position] = poison.reason

    async def _move(
        self, connection: Connection, events: Sequence[RecordedEvent], poisons: dict[int, str], reached: int, held: int
    ) -> list[RecordedEvent]:
        """Take what can be taken, park what cannot, move the position: all of it or nothing. What was taken is answered."""
        tally, blocked = await self._hold(connection, held)
        free, parked = _parted(events, poisons, blocked)
        if free:
            await self.effect.take(free, connection)
        if parked:
            await connection.cursor().executemany(_PARK, [self._row(event, reason, first) for event, reason, first in parked])
        tally = tally.moved([event.position for event in events], [event.position for event in free])
        await connection.execute(_MOVE, (reached, *tally.columns, self.name))
        return free

    async def _hold(self, connection: Connection, held: int) -> tuple[Tally, dict[UUID, int]]:
        """Lock the position until the transaction ends: what was done so far, and the aggregates that wait, each with the
        first event it waits for.

        :raises Overtaken: the position is not where it was left.
        """
        position, tally = await tally_of(connection, self.name, lock=True)
        if position != held:
            raise Overtaken(self.name)
        parked = await connection.execute(
            "select aggregate_id, min(position) from parked where follower = %s group by aggregate_id", (self.name,)
        )
        return tally, {UUID(str(aggregate_id)): int(str(position)) for aggregate_id, position in await parked.fetchall()}

    def _row(self, event: RecordedEvent, reason: str, first: int | None) -> tuple[object, ...]:
        return self.name, event.position, event.aggregate_id, event.topic, reason, first, packed(event), self._clock()

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
        self.awaited.set()
        try:
            async with asyncio.timeout(timeout_s), self._moved:
                await self._moved.wait_for(lambda: self.position >= position)
        except TimeoutError:
            raise DeadlinePassed() from None


_PARK = """insert into parked (follower, position, aggregate_id, topic, reason, waits_for, event, parked_at)
           values (%s, %s, %s, %s, %s, %s, %s, %s) on conflict (follower, position) do nothing"""
_MOVE = """update followers set position = %s, applied = %s, applied_sum = %s, applied_squares = %s, chain = %s
            where follower = %s"""
_APPLIED_LATER = """update followers f set applied = f.applied + late.times, applied_sum = f.applied_sum + late.total,
                           applied_squares = f.applied_squares + late.squares
                      from (select count(*) as times, coalesce(sum(p), 0) as total, coalesce(sum(p * p), 0) as squares
                              from unnest(%s::numeric[]) as p
                             where p > (select since from followers where follower = %s)) as late
                     where f.follower = %s"""


async def locked_position(connection: Connection, follower: str) -> int | None:
    """A follower's position, which nobody else can move before this transaction ends; None when it has none."""
    return await _value(connection, "select position from followers where follower = %s for update", (follower,))


async def tally_of(connection: Connection, follower: str, *, lock: bool = False) -> tuple[int | None, Tally]:
    """A follower's position and what it has done until there; None when it has none.

    :param lock: nobody else can move it before this transaction ends.
    """
    query: LiteralString = (
        "select position, since, applied, applied_sum, applied_squares, chain from followers where follower = %s"
    )
    row: Any = await (await connection.execute(query + " for update" if lock else query, (follower,))).fetchone()
    if row is None:
        return None, Tally()
    position, since, count, total, squares, chain = row
    return position, Tally(since, Sums(count, int(total), int(squares)), bytes(chain))


async def applied_later(transaction: Connection, follower: str, positions: Sequence[int]) -> None:
    """Count what lay aside and was applied after all."""
    await transaction.execute(_APPLIED_LATER, (list(positions), follower, follower))


async def begin_anew(transaction: Connection, follower: str) -> None:
    """Put a follower before the first event, as if it had never taken any; what it did is the caller's to undo."""
    await transaction.execute(
        """update followers set position = 0, since = 0, applied = 0, applied_sum = 0, applied_squares = 0, chain = ''
            where follower = %s""",
        (follower,),
    )
    # What lies aside comes again with the history, and could not be put aside twice.
    await transaction.execute("delete from parked where follower = %s", (follower,))


async def _value(connection: Connection, query: LiteralString, values: Sequence[object]) -> int | None:
    row = await (await connection.execute(query, values)).fetchone()
    return None if row is None else int(str(row[0]))


def _parted(
    events: Sequence[RecordedEvent], poisons: dict[int, str], blocked: dict[UUID, int]
) -> tuple[list[RecordedEvent], list[tuple[RecordedEvent, str, int | None]]]:
    """The events that can be taken, and those to park: poison with its reason, and what waits behind the first of it."""
    blocked = dict(blocked)
    free: list[RecordedEvent] = []
    parked: list[tuple[RecordedEvent, str, int | None]] = []
    for event in events:
        first = blocked.get(event.aggregate_id)
        if first is not None:
            parked.append((event, f"waits for {event.service}/{first}", first))
        elif event.position in poisons:
            parked.append((event, poisons[event.position], None))
            blocked[event.aggregate_id] = event.position
        else:
            free.append(event)
    return free, parked


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
