"""How far has someone who follows a history come, and what could it not take?

A follower — a read model or a reaction — takes events in order, in batches; what it does with them and its new
position become true in one transaction. An event it cannot take is parked with its reason, later events of the same
aggregate wait behind it, and everything else goes on.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from psycopg_pool import AsyncConnectionPool

from chassis.commands import call_being_answered
from chassis.database import Connection
from chassis.events import NotReadable
from chassis.parking import PARK, packed, parted
from chassis.positions import first_position, move, standing
from chassis.recorded import RecordedEvent
from chassis.refusals import DeadlinePassed, Refusal, Unavailable
from chassis.tally import Tally

NOT_READABLE = "not readable: "
"""How the reason begins of what this version of the program cannot read; a later one may."""
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
            return Unprocessable(event, f"{NOT_READABLE}{error}")
        case _:
            return Unprocessable(event, type(error).__name__)


class _AnotherTerm(Exception):
    """Found inside a transaction, which is rolled back."""


class Overtaken(Exception):
    """Somebody else moved this follower: another process of the service, or an answer that was lost on its way."""


class Deposed(Unavailable):
    """This process does not lead, or does not any more: what it began in its term must not become true."""

    def __init__(self) -> None:
        super().__init__(reason="leadership")


class Fence(Protocol):
    """By which term a follower is driven; see :mod:`chassis.leadership`."""

    @property
    def term(self) -> int | None:
        """None when it is driven in no term, and its lock alone decides. :raises Deposed: this process does not drive it."""

    def struck(self) -> None:
        """Told when a transaction was stopped because another term has begun."""


async def _nothing_in_memory(after: int) -> None:
    """What another process took is in the database, and there alone."""


def nobody_asks() -> None:
    """Nobody asks whether somebody waits: who drives a follower sees it."""


def _untold(events: Sequence[RecordedEvent], began_ns: int) -> None:
    """Nobody is told what took effect."""


class Follower:
    """Drives one effect along one history and remembers how far it came.

    Should several processes drive the same follower, the row of its position is locked while a batch is taken, so that
    each event takes effect once, whoever comes first; with a `fence` only the one in whose term that is moves it at all.

    :param on_overtaken: told, when another process has taken what came after a position, before that is known here: whoever
        keeps in memory what the rows say reads them again.
    :param fence: the leadership in whose term it is driven; anybody may drive it when left out.
    """

    def __init__(
        self,
        pool: AsyncConnectionPool[Connection],
        effect: Effect,
        clock: Callable[[], datetime],
        on_overtaken: Callable[[int], Awaitable[None]] = _nothing_in_memory,
        fence: Fence | None = None,
    ) -> None:
        self.effect = effect
        self.name, self.source, self.topics = effect.name, effect.source, effect.topics
        self.position = 0
        self.awaited = asyncio.Event()
        """Set while somebody waits for a position: whoever drives the follower need not gather more events then."""
        self.on_awaited: Callable[[], None] = nobody_asks
        """Told when somebody begins to wait."""
        self.on_taken: Callable[[Sequence[RecordedEvent], int], None] = _untold
        """Told of events that took effect, and since when they were being taken, in nanoseconds since 1970."""
        self._waiting: list[int] = []
        self._kept, self._loaded = 0, False
        self._pool, self._clock, self._on_overtaken, self._fence = pool, clock, on_overtaken, fence
        self._moved = asyncio.Condition()

    @property
    def wanted(self) -> int | None:
        """The lowest position for which somebody waits; None when nobody does."""
        return min(self._waiting, default=None)

    @property
    def loaded(self) -> bool:
        """Whether it is known what is written down."""
        return self._loaded

    @property
    def kept(self) -> int:
        """The position that is written down; what is between it and `position` did not concern this follower."""
        return self._kept

    async def load(self) -> None:
        """Read the position; called once before the first batch, and after a fault."""
        async with self._pool.connection() as connection:
            position = await first_position(connection, self.name)
        if position > self.position:
            await self._on_overtaken(self.position)
        self._kept, self._loaded = position, True
        await self._reach(self._kept)

    async def see(self, position: int) -> None:
        """Another process drives it, and has written down a position; a lower one than before when it was put back."""
        if position > self.position:
            await self._on_overtaken(self.position)
        back = position < self._kept
        self._kept, self._loaded = position, True
        if back or position > self.position:
            await self._reach(position)

    def keep(self, position: int) -> None:
        """Its position was written down, by :func:`chassis.standing_by.write_down`."""
        self._kept = max(self._kept, position)

    async def take(self, events: Sequence[RecordedEvent], *, upto: int | None = None) -> None:
        """Take a batch, in order; events at or before the position were taken before and are passed over.

        `upto` is the position reached when everything until there was looked at, matching or not.

        :raises Overtaken: the position was moved back, so that events before these are due: read on from it.
        """
        reached, kept = max(upto or 0, events[-1].position if events else 0), self._kept
        while reached > self.position:
            # A batch that was delivered again in the middle of another names an event twice.
            fresh = list({event.position: event for event in events if event.position > self.position}.values())
            followed = [event for event in fresh if not self.topics or event.topic in self.topics]
            if not followed and reached - self._kept < MAX_UNKEPT:
                # Nothing happened to this follower: after a crash it looks at so many events again, and that is all.
                await self._reach(reached)
                continue
            began_ns = time.time_ns()
            try:
                free = await self._take(followed, reached)
            except Overtaken:
                await self.load()
                if self._kept < kept:
                    raise
            else:
                await self._reach(reached)
                await self.effect.taken(free)
                self.on_taken(free, began_ns)

    async def _take(self, events: Sequence[RecordedEvent], reached: int) -> list[RecordedEvent]:
        term = self._fence.term if self._fence else None

        async def commit(poisons: dict[int, str]) -> list[RecordedEvent]:
            async with self._pool.connection() as connection, connection.transaction():
                return await self._move(connection, events, poisons, reached, self._kept, term)

        try:
            free = await self._without_poison(commit)
        except _AnotherTerm:
            if self._fence:
                self._fence.struck()
            raise Deposed() from None
        self._kept = reached
        return free

    async def take_within(self, transaction: Connection, events: Sequence[RecordedEvent], *, held: int, upto: int) -> None:
        """Take a batch inside a transaction that has locked the position, `held`; whoever drives this follower finds out.

        No term is asked for: it is done in any process, by order, while the lock keeps everybody else away.

        :param events: all that it follows after `held` until `upto`.
        """

        async def move(poisons: dict[int, str]) -> list[RecordedEvent]:
            async with transaction.transaction():
                return await self._move(transaction, events, poisons, upto, held, None)

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
        self,
        connection: Connection,
        events: Sequence[RecordedEvent],
        poisons: dict[int, str],
        reached: int,
        held: int,
        term: int | None,
    ) -> list[RecordedEvent]:
        """Take what can be taken, park what cannot, move the position: all of it or nothing. What was taken is answered."""
        tally, blocked = await self._hold(connection, held, term)
        free, parked = parted(events, poisons, blocked)
        if free:
            await self.effect.take(free, connection)
        if parked:
            await connection.cursor().executemany(PARK, [self._row(event, reason, first) for event, reason, first in parked])
        tally = tally.moved([event.position for event in events], [event.position for event in free])
        if not await move(connection, self.name, reached, tally, term):
            raise _AnotherTerm
        return free

    async def _hold(self, connection: Connection, held: int, term: int | None) -> tuple[Tally, dict[UUID, int]]:
        """Lock the position until the transaction ends: what was done so far, and the aggregates that wait, each with the
        first event it waits for.

        :raises Overtaken: the position is not where it was left. :raises _AnotherTerm: somebody else drives it now.
        """
        position, tally, latest = await standing(connection, self.name, lock=True)
        if term not in (None, latest):
            raise _AnotherTerm
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

    async def at_least(self, position: int, timeout_s: float | None) -> None:
        """Wait until everything up to a position was taken.

        :raises DeadlinePassed: it was not within `timeout_s`; never when that is None.
        """
        if call := call_being_answered.get():
            call.shown.need(self.name, position)
        if self.position >= position:
            return
        self._waiting.append(position)
        self.awaited.set()
        self.on_awaited()
        try:
            async with asyncio.timeout(timeout_s), self._moved:
                await self._moved.wait_for(lambda: self.position >= position)
        except TimeoutError:
            raise DeadlinePassed() from None
        finally:
            self._waiting.remove(position)
