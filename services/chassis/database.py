"""Which database, with which schema, and who is told when something was appended?"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from importlib.resources import files
from typing import Any, TypeVar

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from chassis.ending import ended
from chassis.read_models import ReadModel
from chassis.refusals import Unavailable

R = TypeVar("R")

STORE_MIGRATIONS = "chassis.sql"

Connection = psycopg.AsyncConnection[tuple[object, ...]]
Pool = AsyncConnectionPool[Connection]


def open_pool(conninfo: str, *, max_size: int = 8) -> Pool:
    """A pool for queries and followers; opened by the caller.

    Connections are not tried before each use, which would double the queries: see :func:`fetch`.
    """
    return AsyncConnectionPool(
        make_conninfo(conninfo, options="-c jit=off -c timezone=UTC"),
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
    """
    taken = []
    with psycopg.connect(conninfo) as connection, connection.transaction():
        connection.execute("select pg_advisory_xact_lock(hashtext('congdoan.migrate'))")
        connection.execute("create table if not exists migrations (name text primary key, taken_at timestamptz default now())")
        known = {name for (name,) in connection.execute("select name from migrations")}
        for step in sorted(files(steps).iterdir(), key=lambda entry: entry.name):
            if step.name.endswith(".sql") and step.name not in known:
                connection.execute(step.read_bytes())
                connection.execute("insert into migrations (name) values (%s)", (step.name,))
                taken.append(step.name)
        for statement in statements:
            connection.execute(statement.encode())
    return taken


class AppendSignal:
    """Tells everyone in this process that the history grew: LISTEN on one connection, one event a waiter.

    A notification may be lost with its connection, so after each reconnect every waiter is woken once, and a waiter
    reads from its own position, never from the notification.
    """

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self._waiters: set[asyncio.Event] = set()
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

    def wake(self) -> None:
        """Wake every waiter: something was appended, or may have been."""
        for waiter in self._waiters:
            waiter.set()

    async def _listen(self) -> None:
        while True:
            with suppress(psycopg.OperationalError):
                async with await psycopg.AsyncConnection.connect(self._conninfo, autocommit=True) as connection:
                    await connection.execute("listen events")
                    self.wake()
                    async for _ in connection.notifies():
                        self.wake()
            await asyncio.sleep(0.1)


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
