"""How do many commands in flight become durable in one transaction?

One writer takes what waits and makes one call of ``append_batch``: arrays in, under the ``head`` row that is lock and
gap-free counter at once. Whatever stands against one command - a repeated command id, a stale version, a claim that is
held - comes back before anything is written; that command is answered alone and the others go again. After a lost
connection the outcome is unknown; the batch simply goes again, and the command ids tell what had been kept.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from chassis.appends import Answer, Append
from chassis.batches import Objections, Plan
from chassis.claims import stored_key
from chassis.database import Connection
from chassis.refusals import Invalid, Overloaded, Problem, Unavailable

MAX_BATCH_EVENTS = 2_000
MAX_WAITING_APPENDS = 16_384
MAX_EVENT_BYTES = 240 * 1024
"""A message on the bus may have 256 KiB; metadata that is not ASCII takes three times its length in a header."""

OUTAGE_PATIENCE_S, AGAIN_S = 5.0, 0.1

# Whatever the value: no connection, no room, a server that may only be read since another one took over, one that is broken.
_OF_THE_SERVER = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError)


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


class _Batch:
    """Commands that go together, and their plan."""

    def __init__(self, commands: Iterable[_Waiting] = ()) -> None:
        self.commands: list[_Waiting] = []
        self.plan = Plan()
        for waiting in commands:
            self.add(waiting)

    def add(self, waiting: _Waiting) -> None:
        self.commands.append(waiting)
        self.plan.add(waiting.append)


class Writer:
    """The one appender of a store: takes what waits, sends it as one batch, answers each.

    :param admit: says of each new connection whether its database may be appended to (:mod:`chassis.recovery.behind`).
    """

    def __init__(
        self,
        conninfo: str,
        secret: bytes,
        clock: Callable[[], datetime],
        on_batch: Callable[[int, int], None],
        admit: Callable[[Connection], Awaitable[None]],
    ) -> None:
        self._conninfo = make_conninfo(conninfo, options="-c jit=off -c timezone=UTC")
        self._secret, self._clock, self._on_batch, self._admit = secret, clock, on_batch, admit
        self._queue: deque[_Waiting] = deque()
        self._wake = asyncio.Event()
        self.task: asyncio.Task[None] | None = None
        self._connection: Connection | None = None
        self._stopping = False

    def start(self) -> None:
        """Begin to append."""
        self.task = asyncio.create_task(self._run(), name="store-writer")

    async def stop(self) -> None:
        """Append what was accepted, then stop."""
        self._stopping = True
        self._wake.set()
        if self.task:
            await self.task
        if self._connection:
            await self._connection.close()

    def submit(self, append: Append) -> asyncio.Future[Answer]:
        """Take a command in.

        :raises Overloaded: too many wait, or it is about to stop; :raises Invalid: an event too large for the bus.
        """
        if any(len(event.body) + 3 * len(event.metadata) > MAX_EVENT_BYTES for event in append.events):
            raise Invalid(Problem("", "sự kiện quá lớn", "the event is too large"))
        if len(self._queue) >= MAX_WAITING_APPENDS or self._stopping:
            raise Overloaded()
        waiting = _Waiting(append, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        self._wake.set()
        return waiting.answer

    @property
    def waiting(self) -> int:
        """How many commands wait for their batch."""
        return len(self._queue)

    async def _run(self) -> None:
        while self._queue or not self._stopping:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                await self._append(self._next_batch())

    def _next_batch(self) -> _Batch:
        """What waits, up to the batch size. A command that would touch a claim or an aggregate in a way the batch
        cannot hold at once opens the next batch."""
        batch = _Batch()
        while self._queue and batch.plan.size < MAX_BATCH_EVENTS and batch.plan.fits(self._queue[0].append):
            batch.add(self._queue.popleft())
        return batch

    async def _append(self, batch: _Batch) -> None:
        """Append until each command of the batch is answered."""
        deadline = asyncio.get_running_loop().time() + OUTAGE_PATIENCE_S
        while batch.commands:
            try:
                batch = self._settle(batch, await self._call(batch.plan))
            except (*_OF_THE_SERVER, Unavailable) as error:
                await self._disconnect()
                if isinstance(error, psycopg.errors.ProgramLimitExceeded):
                    await self._bisect(batch)
                    return
                if asyncio.get_running_loop().time() > deadline:
                    self._refuse_all(batch, error if isinstance(error, Unavailable) else Unavailable(reason="database"))
                    return
                await asyncio.sleep(AGAIN_S)
            except psycopg.Error:
                await self._bisect(batch)
                return

    def _refuse_all(self, batch: _Batch, refusal: Unavailable) -> None:
        for waiting in (*batch.commands, *self._queue):
            waiting.settle(refusal)
        self._queue.clear()

    async def _bisect(self, batch: _Batch) -> None:
        """One command of the batch cannot be stored: find it by halves, keep the others."""
        if len(batch.commands) == 1:
            problem = Problem("", "cơ sở dữ liệu không nhận dữ liệu này", "the store does not take this value")
            batch.commands[0].settle(Invalid(problem))
            return
        middle = len(batch.commands) // 2
        await self._append(_Batch(batch.commands[:middle]))
        await self._append(_Batch(batch.commands[middle:]))

    async def _call(self, plan: Plan) -> list[tuple[Any, ...]]:
        if self._connection is None or self._connection.closed:
            self._connection = await self._connected()
        cursor = self._connection.cursor(binary=True)
        await cursor.execute("select * from append_batch(" + ",".join(["%b"] * 20) + ")", plan.arrays(self._clock(), self._hash))
        return await cursor.fetchall()

    async def _connected(self) -> Connection:
        options: dict[str, Any] = {"autocommit": True, "prepare_threshold": 1, "connect_timeout": 5}
        connection = await psycopg.AsyncConnection.connect(self._conninfo, **options)
        try:
            await self._admit(connection)
        except BaseException:
            await connection.close()
            raise
        return connection

    def _hash(self, key: str) -> bytes:
        return stored_key(key, self._secret)

    def _settle(self, batch: _Batch, rows: list[tuple[Any, ...]]) -> _Batch:
        """Answer what can be answered; what remains goes again."""
        if rows[0][0] == "appended":
            self._answer(batch, rows[0][4])
            return _Batch()
        objections, remaining = Objections(batch.plan, rows), _Batch()
        for waiting in batch.commands:
            outcome = objections.to(waiting.append)
            if outcome is None:
                remaining.add(waiting)
            else:
                waiting.settle(outcome)
        return remaining

    def _answer(self, batch: _Batch, base: int) -> None:
        position = base
        for waiting in batch.commands:
            events = waiting.append.events
            position += len(events)
            waiting.settle(Answer(position, events[-1].aggregate_id, events[-1].version))
        self._on_batch(position - base, len(batch.commands))

    async def _disconnect(self) -> None:
        if self._connection:
            with suppress(psycopg.Error):
                await self._connection.close()
            self._connection = None
