"""How does an acknowledged command become part of the history, once and for ever?

Many commands in flight are appended in one transaction by one writer (group commit): one call of ``append_batch``,
arrays in, under the ``head`` row that is lock and gap-free counter at once. Whatever stands against one command —
a repeated command id, a stale version, a claim that is held — comes back before anything is written; that command is
answered alone and the others go again. After a lost connection the outcome is unknown; the batch simply goes again,
and the command ids tell what had been kept.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any
from uuid import UUID

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg_pool import AsyncConnectionPool

from chassis.claims import Claim
from chassis.database import Connection, fetch
from chassis.events import RecordedEvent
from chassis.refusals import CommandIdReused, Invalid, Overloaded, Problem, Unavailable

MAX_BATCH_EVENTS = 2_000
MAX_WAITING_APPENDS = 16_384
OUTAGE_PATIENCE_S = 5.0
MAX_HOLDERS = 2**31 - 2
COLUMNS = "position, aggregate_id, version, topic, body, metadata, branch, branch_position, recorded_at"


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event about to be appended as `version` of its aggregate."""

    aggregate_id: UUID
    version: int
    topic: str
    body: bytes
    metadata: bytes
    branch: str


@dataclass(frozen=True, slots=True)
class Append:
    """The events of one command, its id, the keyed hash of its content, and its claims."""

    events: tuple[NewEvent, ...]
    command_id: UUID | None = None
    fingerprint: bytes = b""
    claims: tuple[Claim, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command is answered: the position of its last event, its aggregate and the version reached."""

    position: int
    aggregate_id: UUID
    version: int
    repeated: bool = False


class StaleVersion(Exception):
    """The aggregate has another version than the command was decided on; load it again and decide anew."""


class Claimed(Exception):
    """A claim of the command is held; `claim` says which."""

    def __init__(self, claim: Claim) -> None:
        super().__init__(claim.key)
        self.claim = claim


class EventStore:
    """The history of one service.

    :param secret: key of the keyed hashes under which claims are stored, so that none tells a personal value.
    :param clock: the recorded time of a batch.
    """

    def __init__(
        self,
        service: str,
        conninfo: str,
        pool: AsyncConnectionPool[Connection],
        *,
        secret: bytes,
        clock: Callable[[], datetime],
        on_batch: Callable[[int, int], None] = lambda events, commands: None,
    ) -> None:
        self.service = service
        self._pool = pool
        self._writer = _Writer(conninfo, secret, clock, on_batch)
        self._loader = _Loader(self)

    async def start(self) -> None:
        """Start the writer and the loader."""
        self._writer.start()
        self._loader.start()

    async def stop(self) -> None:
        """Append what was accepted, then stop."""
        await self._writer.stop()
        await self._loader.stop()

    @property
    def tasks(self) -> list[asyncio.Task[None]]:
        """The running tasks, for whoever watches that none dies."""
        return [task for task in (self._writer.task, self._loader.task) if task]

    @property
    def waiting(self) -> int:
        """Commands accepted and not yet durable."""
        return self._writer.waiting

    def submit(self, append: Append) -> asyncio.Future[Answer]:
        """Hand over the events of a command; the future answers as :meth:`append` does.

        Appends submitted one after the other by one task enter the history in that order.
        """
        return self._writer.submit(append)

    async def append(self, append: Append) -> Answer:
        """Make the events of a command durable and answer their position.

        :raises StaleVersion: another command was first; :raises Claimed: a claim is held;
        :raises CommandIdReused: the id was used with other content; :raises Overloaded: too many wait;
        :raises Unavailable: no database for `OUTAGE_PATIENCE_S`; the outcome is unknown, repeat with the same id.
        """
        return await self._writer.submit(append)

    async def answer_to(self, command_id: UUID, fingerprint: bytes) -> Answer | None:
        """The first answer to a command id, or None when it is new.

        :raises CommandIdReused: it was given to other content.
        """
        query = """select c.fingerprint, c.position, e.aggregate_id, e.version
                     from commands c join events e using (position) where c.command_id = %s"""
        rows = await fetch(self._pool, query, (command_id,))
        if not rows:
            return None
        known, position, aggregate_id, version = rows[0]
        if known != fingerprint:
            raise CommandIdReused("command_id")
        return Answer(position, aggregate_id, version, repeated=True)

    async def version(self, aggregate_id: UUID) -> int:
        """The version of an aggregate, 0 when it does not exist."""
        query = "select version from events where aggregate_id = %s order by version desc limit 1"
        rows = await fetch(self._pool, query, (aggregate_id,))
        return int(rows[0][0]) if rows else 0

    async def load(self, aggregate_id: UUID) -> list[RecordedEvent]:
        """Every event of an aggregate in order; loads asked for at the same time share one query."""
        return await self._loader.load(aggregate_id)

    async def load_many(self, aggregate_ids: Sequence[UUID]) -> dict[UUID, list[RecordedEvent]]:
        """Every event of some aggregates, each in order."""
        rows = await fetch(
            self._pool,
            f"select {COLUMNS} from events where aggregate_id = any(%s) order by aggregate_id, version",
            (list(aggregate_ids),),
        )
        histories: dict[UUID, list[RecordedEvent]] = {aggregate_id: [] for aggregate_id in aggregate_ids}
        for row in rows:
            histories[row[1]].append(RecordedEvent(self.service, *row))
        return histories

    async def read(self, after: int, limit: int, topics: frozenset[str] = frozenset()) -> list[RecordedEvent]:
        """At most `limit` events in position order, from the one after position `after`; of some topics when given."""
        of_topics = "and topic = any(%s)" if topics else ""
        values = (after, list(topics), limit) if topics else (after, limit)
        rows = await fetch(
            self._pool, f"select {COLUMNS} from events where position > %s {of_topics} order by position limit %s", values
        )
        return [RecordedEvent(self.service, *row) for row in rows]

    async def head(self) -> int:
        """The position of the last event, 0 when there is none."""
        return int((await fetch(self._pool, "select position from head", ()))[0][0])


@dataclass(slots=True)
class _Waiting:
    """A command on its way into the history."""

    append: Append
    answer: asyncio.Future[Answer]

    def settle(self, outcome: Answer | Exception) -> None:
        """Answer the command, unless its caller has gone."""
        if self.answer.done():
            return
        if isinstance(outcome, Answer):
            self.answer.set_result(outcome)
        else:
            self.answer.set_exception(outcome)


class _Writer:
    """The one appender of a store: takes what waits, sends it as one batch, answers each."""

    def __init__(self, conninfo: str, secret: bytes, clock: Callable[[], datetime], on_batch: Callable[[int, int], None]) -> None:
        self._conninfo = make_conninfo(conninfo, options="-c jit=off -c timezone=UTC")
        self._secret, self._clock, self._on_batch = secret, clock, on_batch
        self._queue: deque[_Waiting] = deque()
        self._wake = asyncio.Event()
        self.task: asyncio.Task[None] | None = None
        self._connection: Connection | None = None
        self._stopping = False

    @property
    def waiting(self) -> int:
        return len(self._queue)

    def start(self) -> None:
        self.task = asyncio.create_task(self._run(), name="store-writer")

    async def stop(self) -> None:
        self._stopping = True
        self._wake.set()
        if self.task:
            await self.task
        if self._connection:
            await self._connection.close()

    def submit(self, append: Append) -> asyncio.Future[Answer]:
        if len(self._queue) >= MAX_WAITING_APPENDS or self._stopping:
            raise Overloaded()
        waiting = _Waiting(append, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        self._wake.set()
        return waiting.answer

    async def _run(self) -> None:
        while self._queue or not self._stopping:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                await self._append(self._next_batch())

    def _next_batch(self) -> list[_Waiting]:
        """What waits, up to the batch size. A command that would touch a claim or an aggregate in a way the batch
        cannot hold at once opens the next batch."""
        batch: list[_Waiting] = []
        plan = _Plan()
        while self._queue and plan.size < MAX_BATCH_EVENTS:
            if not plan.fits(self._queue[0].append):
                break
            batch.append(self._queue.popleft())
            plan.add(batch[-1].append)
        return batch

    async def _append(self, batch: list[_Waiting]) -> None:
        """Append until each command of the batch is answered."""
        deadline = asyncio.get_running_loop().time() + OUTAGE_PATIENCE_S
        while batch:
            try:
                batch = self._settle(batch, await self._call(batch))
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                await self._disconnect()
                if isinstance(error, psycopg.errors.ProgramLimitExceeded):
                    await self._bisect(batch, error)
                    return
                if asyncio.get_running_loop().time() > deadline:
                    self._refuse_all(batch)
                    return
                await asyncio.sleep(0.05)
            except psycopg.Error as error:
                await self._bisect(batch, error)
                return

    def _refuse_all(self, batch: list[_Waiting]) -> None:
        for waiting in (*batch, *self._queue):
            waiting.settle(Unavailable(reason="database"))
        self._queue.clear()

    async def _bisect(self, batch: list[_Waiting], error: psycopg.Error) -> None:
        """One command of the batch cannot be stored: find it by halves, keep the others."""
        if len(batch) == 1:
            problem = Problem("", "cơ sở dữ liệu không nhận dữ liệu này", "the store does not take this value")
            batch[0].settle(Invalid(problem))
            return
        middle = len(batch) // 2
        await self._append(batch[:middle])
        await self._append(batch[middle:])

    async def _call(self, batch: list[_Waiting]) -> list[tuple[Any, ...]]:
        plan = _plan_of(batch)
        if self._connection is None or self._connection.closed:
            self._connection = await psycopg.AsyncConnection.connect(
                self._conninfo, autocommit=True, prepare_threshold=1, connect_timeout=5
            )
        cursor = self._connection.cursor(binary=True)
        await cursor.execute(
            "select * from append_batch(%b,%b,%b,%b,%b,%b,%b,%b,%b,%b,%b,%b,%b,%b,%b,%b)", plan.arrays(self._clock(), self._hash)
        )
        return await cursor.fetchall()

    def _hash(self, key: str) -> bytes:
        return blake2b(key.encode(), key=self._secret, digest_size=16).digest()

    def _settle(self, batch: list[_Waiting], rows: list[tuple[Any, ...]]) -> list[_Waiting]:
        """Answer what can be answered; what remains goes again."""
        if rows[0][0] == "appended":
            self._answer(batch, rows[0][4])
            return []
        objections = _Objections(_plan_of(batch), rows)
        remaining = []
        for waiting in batch:
            outcome = objections.to(waiting.append)
            if outcome is None:
                remaining.append(waiting)
            else:
                waiting.settle(outcome)
        return remaining

    def _answer(self, batch: list[_Waiting], base: int) -> None:
        position = base
        for waiting in batch:
            events = waiting.append.events
            position += len(events)
            waiting.settle(Answer(position, events[-1].aggregate_id, events[-1].version))
        self._on_batch(position - base, len(batch))

    async def _disconnect(self) -> None:
        if self._connection:
            with suppress(psycopg.Error):
                await self._connection.close()
            self._connection = None


class _Plan:
    """A batch as the arrays of ``append_batch``, and whether one more command can be in it."""

    def __init__(self) -> None:
        self.appends: list[Append] = []
        self.size = 0
        self.bases: dict[UUID, int] = {}
        self._versions: dict[UUID, int] = {}
        self._command_ids: set[UUID] = set()
        self.needs: dict[str, str] = {}
        self._deltas: dict[str, int] = {}
        self._most: dict[str, int] = {}

    def fits(self, append: Append) -> bool:
        """Versions must follow on those of the batch, and a claim is either shared in it or touched once."""
        if append.command_id in self._command_ids:
            return False
        first = {event.aggregate_id: event.version for event in reversed(append.events)}
        if any(self._versions.get(aggregate, version - 1) != version - 1 for aggregate, version in first.items()):
            return False
        return all(
            claim.key not in self.needs
            or (claim.mode in ("share", "unshare") and claim.limit is None and self.needs[claim.key] == "unclosed")
            or (claim.mode == "vacant" and self.needs[claim.key] == "free" and self._deltas[claim.key] == 0)
            for claim in append.claims
        )

    def add(self, append: Append) -> None:
        self.appends.append(append)
        self.size += len(append.events)
        if append.command_id:
            self._command_ids.add(append.command_id)
        for event in append.events:
            self.bases.setdefault(event.aggregate_id, event.version - 1)
            self._versions[event.aggregate_id] = event.version
        for claim in append.claims:
            need, delta = _CLAIM_RULES[claim.mode]
            if self.needs.setdefault(claim.key, need) == "none":
                self.needs[claim.key] = need
            self._deltas[claim.key] = self._deltas.get(claim.key, 0) + delta
            if claim.limit is not None:
                self._most[claim.key] = claim.limit - 1

    def arrays(self, recorded_at: datetime, hash_key: Callable[[str], bytes]) -> tuple[object, ...]:
        named = [append for append in self.appends if append.command_id]
        events = [event for append in self.appends for event in append.events]
        return (
            [append.command_id for append in named],
            [append.fingerprint for append in named],
            self._last_events(),
            list(self.bases),
            list(self.bases.values()),
            [event.aggregate_id for event in events],
            [event.version for event in events],
            [event.topic for event in events],
            [event.body for event in events],
            [event.metadata for event in events],
            [event.branch for event in events],
            recorded_at,
            [hash_key(key) for key in self.needs],
            list(self.needs.values()),
            [self._deltas[key] for key in self.needs],
            [self._most.get(key, MAX_HOLDERS) for key in self.needs],
        )

    def _last_events(self) -> list[int]:
        """For each command with an id, the place of its last event in the batch, from 1."""
        places, place = [], 0
        for append in self.appends:
            place += len(append.events)
            if append.command_id:
                places.append(place)
        return places


_CLAIM_RULES = {
    "take": ("free", -1),
    "share": ("unclosed", 1),
    "release": ("none", 1),
    "unshare": ("unclosed", -1),
    "vacant": ("free", 0),
}


def _plan_of(batch: Iterable[_Waiting]) -> _Plan:
    plan = _Plan()
    for waiting in batch:
        plan.add(waiting.append)
    return plan


class _Objections:
    """What the database holds against the commands of a batch."""

    def __init__(self, plan: _Plan, rows: list[tuple[Any, ...]]) -> None:
        aggregates, claims = list(plan.bases), list(plan.needs)
        self._repeated = {row[2]: row for row in rows if row[0] == "repeated"}
        self._stale = {aggregates[row[1] - 1] for row in rows if row[0] == "stale"}
        self._claimed = {claims[row[1] - 1] for row in rows if row[0] == "claimed"}

    def to(self, append: Append) -> Answer | Exception | None:
        """The answer or error of a command, or None when nothing stands against it."""
        if append.command_id in self._repeated:
            _, _, _, fingerprint, position, aggregate_id, version = self._repeated[append.command_id]
            if fingerprint != append.fingerprint:
                return CommandIdReused("command_id")
            return Answer(position, aggregate_id, version, repeated=True)
        if any(event.aggregate_id in self._stale for event in append.events):
            return StaleVersion()
        held = next(
            (claim for claim in append.claims if claim.key in self._claimed and claim.mode in ("take", "share", "vacant")), None
        )
        return Claimed(held) if held else None


class _Loader:
    """Loads aggregates; what is asked for while a query runs goes together into the next one."""

    MAX_AGGREGATES = 500

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._asked: dict[UUID, asyncio.Future[list[RecordedEvent]]] = {}
        self._wake = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self.task = asyncio.create_task(self._run(), name="store-loader")

    async def stop(self) -> None:
        if self.task:
            self.task.cancel()
            with suppress(asyncio.CancelledError):
                await self.task

    async def load(self, aggregate_id: UUID) -> list[RecordedEvent]:
        future = self._asked.get(aggregate_id)
        if future is None:
            future = self._asked[aggregate_id] = asyncio.get_running_loop().create_future()
            self._wake.set()
        # One caller that gives up must not cancel the load of the others.
        return await asyncio.shield(future)

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._asked:
                asked = {key: self._asked.pop(key) for key in list(self._asked)[: self.MAX_AGGREGATES]}
                try:
                    histories = await self._store.load_many(list(asked))
                except Exception as error:
                    for future in asked.values():
                        future.set_exception(error)
                else:
                    for aggregate_id, future in asked.items():
                        future.set_result(histories[aggregate_id])
