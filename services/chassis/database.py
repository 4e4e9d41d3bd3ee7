"""Which database, with which schema, and who is told when something was appended?"""

import asyncio
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.resources import files
from importlib.resources.abc import Traversable
from math import inf
from time import monotonic
from typing import Any, LiteralString, TypeVar

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg_pool import AsyncConnectionPool, PoolTimeout
from psycopg_pool.base import AttemptWithBackoff

from chassis.ending import ended
from chassis.read_models import ReadModel
from chassis.refusals import Unavailable

R = TypeVar("R")

STORE_MIGRATIONS = "chassis.sql"

AWAY_S = 0.25
"""How soon a server that was away is asked again."""

Connection = psycopg.AsyncConnection[tuple[object, ...]]
Pool = AsyncConnectionPool[Connection]


class Steadily(AttemptWithBackoff):
    """Tries to connect again and again, as often after minutes as at first."""

    INITIAL_DELAY, DELAY_BACKOFF = AWAY_S, 1.0


class _SteadyPool(AsyncConnectionPool[Connection]):
    """psycopg's pool waits twice as long after each failure: an outage of minutes would last for minutes more.

    It asks for each of its connections too: a server that recovers from a crash spent half of its time with refusing them.
    """

    _away_until = -inf

    async def _connect(self, timeout: float | None = None) -> Connection:
        if monotonic() < self._away_until:
            raise psycopg.OperationalError("the server was away just now")
        try:
            return await super()._connect(timeout)
        except psycopg.OperationalError:
            self._away_until = monotonic() + AWAY_S / 2
            raise

    async def _add_connection(self, attempt: AttemptWithBackoff | None, growing: bool = False) -> None:
        await super()._add_connection(attempt or Steadily(timeout=self.reconnect_timeout), growing)


def open_pool(conninfo: str, *, max_size: int = 8, name: str = "") -> Pool:
    """A pool for queries and followers; opened by the caller.

    Connections are not tried before each use, which would double the queries: see :func:`fetch`.

    :param name: by which the server knows its sessions.
    """
    named = {"application_name": name} if name else {}
    return _SteadyPool(
        make_conninfo(conninfo, options="-c jit=off -c timezone=UTC", **named),
        min_size=1,
        max_size=max_size,
        timeout=5.0,
        max_lifetime=600.0,
        reconnect_timeout=1e9,
        kwargs={"autocommit": True},
        open=False,
    )


def migrate(conninfo: str, statements: Sequence[str] = (), steps: str = STORE_MIGRATIONS) -> list[str]:
    """Bring a database to this program's schema and answer the names of the steps taken.

    A step of its own, run before the services start and never by them. Steps are numbered files, each applied once, in
    order, all under one lock, so that two runs at once do each step once. `statements` (idempotent) follow them.

    :param steps: the package in which the files stand; those of an event store when left out.
    :raises psycopg.errors.LockNotAvailable: somebody holds a table for long; nothing was changed, and it may be repeated.
    """
    taken = []
    with psycopg.connect(conninfo) as connection, connection.transaction():
        known = _locked_steps(connection)
        for name, step in steps_of(steps).items():
            if name not in known:
                connection.execute(step.read_bytes())
                connection.execute("insert into migrations (name) values (%s)", (name,))
                taken.append(name)
        for statement in statements:
            connection.execute(statement.encode())
    return taken


class StepStays(Exception):
    """A step cannot be taken back; the message says which and why."""


def take_back(conninfo: str, to: str, steps: str = STORE_MIGRATIONS) -> list[str]:
    """Take back every step that was taken after one, the last first, and answer their names: all of them, or none.

    Beside ``0005_name.sql`` stands ``0005_name.undo.sql``, which takes back what the step did and nothing else. Tables of
    read models stay: whoever does not know them does not mind them.

    :param to: the last step that stays, as its file is called.
    :raises StepStays: a step has no way back, is of a later version, or its undo says what would be lost.
    :raises psycopg.errors.LockNotAvailable: as in :func:`migrate`.
    """
    own, undone = steps_of(steps), {step.name: step for step in files(steps).iterdir() if step.name.endswith(_UNDO)}
    with psycopg.connect(conninfo) as connection, connection.transaction():
        later = sorted((name for name in _locked_steps(connection) if name > to), reverse=True)
        for name in later:
            undo = undone.get(name.removesuffix(_STEP) + _UNDO)
            if name not in own:
                raise StepStays(f"{name} was taken by a later version, which alone can take it back")
            if undo is None:
                raise StepStays(f"{name} has no way back")
            _undo(connection, name, undo)
    return later


def steps_of(package: str) -> dict[str, Traversable]:
    """The steps of a schema by name, in their order."""
    found = (step for step in files(package).iterdir() if step.name.endswith(_STEP) and not step.name.endswith(_UNDO))
    return {step.name: step for step in sorted(found, key=lambda step: step.name)}


def _undo(connection: psycopg.Connection[tuple[Any, ...]], name: str, undo: Traversable) -> None:
    try:
        connection.execute(undo.read_bytes())
    except psycopg.errors.RaiseException as error:
        raise StepStays(f"{name} stays: {error.diag.message_primary}") from None
    connection.execute("delete from migrations where name = %s", (name,))


def _locked_steps(connection: psycopg.Connection[tuple[Any, ...]]) -> set[str]:
    """The steps that were taken, which nobody else changes before this transaction ends."""
    connection.execute("select pg_advisory_xact_lock(hashtext('congdoan.migrate'))")
    # Whoever waits for a table has everybody wait behind him: a long backup would be an outage.
    connection.execute(f"set local lock_timeout = '{_TABLE_PATIENCE}'")
    connection.execute("create table if not exists migrations (name text primary key, taken_at timestamptz default now())")
    return {name for (name,) in connection.execute("select name from migrations")}


class SchemaLacks(Exception):
    """A database has not the schema of this program: `what` names the steps and tables that :func:`migrate` would make."""

    def __init__(self, what: list[str]) -> None:
        super().__init__(", ".join(what))
        self.what = what


async def require_schema(conninfo: str, statements: Sequence[str] = (), steps: str = STORE_MIGRATIONS) -> None:
    """See that a database has every step and table of this program; it may have more.

    :raises SchemaLacks: some are not there; :raises psycopg.OperationalError: the database cannot be asked.
    """
    tables = [table for statement in statements for table in _TABLE.findall(statement)]
    async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as connection:
        known = await _names(connection, _KNOWN) if await _names(connection, _ABSENT, ["migrations"]) == [] else []
        absent = [*(name for name in steps_of(steps) if name not in known), *await _names(connection, _ABSENT, tables)]
    if absent:
        raise SchemaLacks(absent)


_STEP, _UNDO = ".sql", ".undo.sql"
_TABLE_PATIENCE = "5s"
_TABLE = re.compile(r"create table if not exists (\w+)")
_KNOWN: LiteralString = "select name from migrations"
_ABSENT: LiteralString = "select t from unnest(%s::text[]) as t where to_regclass(t) is null"


async def _names(connection: Connection, query: LiteralString, *values: object) -> list[str]:
    return [str(name) for (name,) in await (await connection.execute(query, values)).fetchall()]


class AppendSignal:
    """Tells everyone in this process that the history grew: LISTEN on one connection, one event a waiter.

    A notification may be lost with its connection, so after each reconnect every waiter is woken once, and a waiter
    reads from its own position, never from the notification.
    """

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self._waiters: set[asyncio.Event] = set()
        self._told: dict[str, Callable[[str], None]] = {}
        self._told_of_losses: list[Callable[[str], None]] = []
        self.task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to listen; survives every loss of the connection."""
        self.task = asyncio.create_task(self._listen(), name="append-signal")

    async def stop(self) -> None:
        """Stop listening."""
        await ended(self.task)

    def subscribe(self) -> asyncio.Event:
        """An event that is set at each growth; its owner clears it before it reads."""
        waiter = asyncio.Event()
        waiter.set()
        self._waiters.add(waiter)
        return waiter

    def unsubscribe(self, waiter: asyncio.Event) -> None:
        """Tell it no more."""
        self._waiters.discard(waiter)

    def tell(self, channel: str, told: Callable[[str], None], *, of_losses: bool = False) -> None:
        """Tell somebody what is notified on another channel; before the start. What comes while nobody listens is lost.

        :param of_losses: and when something may have been lost: the empty string.
        """
        self._told[channel] = told
        self._told_of_losses += [told] if of_losses else []

    def wake(self) -> None:
        """Wake every waiter: something was appended, or may have been."""
        for waiter in self._waiters:
            waiter.set()

    async def _listen(self) -> None:
        listened = False
        while True:
            with suppress(psycopg.OperationalError):
                async with await psycopg.AsyncConnection.connect(self._conninfo, autocommit=True) as connection:
                    for channel in ("events", *self._told):
                        await connection.execute(f"listen {channel}".encode())
                    self.wake()
                    for told in self._told_of_losses if listened else ():
                        told("")
                    listened = True
                    async for notified in connection.notifies():
                        if notified.channel in self._told:
                            self._told[notified.channel](notified.payload)
                        else:
                            self.wake()
            await asyncio.sleep(AWAY_S)


async def fetch(pool: Pool, query: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
    """The rows of a query; a connection that has died since it was last used is replaced unseen.

    :raises Unavailable: the database cannot be asked just now.
    """
    try:
        try:
            return await _rows(pool, query, values)
        except psycopg.OperationalError:
            await pool.check()
            return await _rows(pool, query, values)
    except (psycopg.OperationalError, PoolTimeout) as error:
        raise Unavailable(reason="database") from error


async def _rows(pool: Pool, query: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
    async with pool.connection() as connection:
        cursor = connection.cursor(binary=True)
        return await (await cursor.execute(query.encode(), values)).fetchall()


async def fetch_rows(pool: Pool, model: ReadModel[R], condition: str, values: Sequence[object] = ()) -> list[R]:
    """The rows of a read model under a condition: everything that follows ``where``."""
    rows = await fetch(pool, f"select {', '.join(model.columns)} from {model.table} where {condition}", values)
    return [model.row(*row) for row in rows]
