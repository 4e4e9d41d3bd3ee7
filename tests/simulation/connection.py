"""What does psycopg look like to those who use it, with a simulated server behind it?

So much of its connection, cursor, transaction and pool as the product uses, with what they do when the server is gone.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from types import SimpleNamespace, TracebackType
from typing import Any, Self
from unittest.mock import patch

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import PoolTimeout

from tests.simulation.database import Action, Database, Rows, Session
from tests.simulation.statements import UnknownStatement, statement
from tests.simulation.virtual_loop import running_process

POOL_PATIENCE_S, POOL_RETRY_S, MAX_CONNECTIONS = 5.0, 0.25, 8


class Cursor:
    """What a statement answered."""

    def __init__(self, connection: "Connection") -> None:
        self._connection, self._rows = connection, Rows()

    @property
    def rowcount(self) -> int:
        """How many rows the statement wrote or found."""
        return self._rows.rowcount

    async def execute(self, query: str | bytes, values: Sequence[Any] | Mapping[str, Any] = ()) -> Self:
        """Have a statement run."""
        self._rows = await self._connection.have(self._connection.known(query), values)
        return self

    async def executemany(self, query: str | bytes, values: Sequence[Sequence[Any]]) -> None:
        """Have a statement run with each of some values, in one go."""
        run = self._connection.known(query)
        await self._connection.have(lambda session, _: Rows(row for each in values for row in run(session, each)))

    async def fetchall(self) -> Rows:
        """Every row."""
        return self._rows

    async def fetchone(self) -> Any:
        """The next row; None at the end."""
        return self._rows.pop(0) if self._rows else None


class Connection:
    """A connection of one process."""

    def __init__(self, database: Database, name: str) -> None:
        self._database, self._session = database, database.open(running_process(), name)

    @property
    def closed(self) -> bool:
        """Whether nothing can be asked any more."""
        return not self._session.alive

    def cursor(self, binary: bool = False) -> Cursor:
        """A cursor."""
        return Cursor(self)

    async def execute(self, query: str | bytes, values: Sequence[Any] | Mapping[str, Any] = ()) -> Cursor:
        """Have a statement run."""
        return await Cursor(self).execute(query, values)

    def known(self, query: str | bytes) -> Any:
        """What a statement does; a schedule that meets another one fails."""
        try:
            return statement(query)
        except UnknownStatement as unknown:
            self._database.loop.failures.append(f"no such statement is simulated: {unknown}")
            raise

    async def have(self, action: Action, values: Sequence[Any] | Mapping[str, Any] = ()) -> Rows:
        """Have something done on the server."""
        if not self._session.alive:
            raise psycopg.OperationalError("the connection is closed")
        try:
            return await self._database.serve(self._session, action, values)
        except asyncio.CancelledError:
            # psycopg has the statement cancelled and waits; that it is given up with its connection is no kinder.
            self._session.end()
            raise

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """What is written inside becomes true together, or not at all."""
        outermost = self._session.writes is None
        self._session.begin()
        try:
            yield
        except BaseException:
            if self._session.alive:
                if outermost:
                    self._session.roll_back()
                else:
                    self._session.release(keep=False)
            raise
        if outermost:
            await self.have(_commit)
        elif self._session.alive:
            self._session.release(keep=True)

    async def close(self) -> None:
        """Close it."""
        self._session.end()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._session.end()

    async def notifies(self) -> AsyncIterator[SimpleNamespace]:
        """Each notification, as long as the connection stands."""
        heard = asyncio.Event()
        self._session.told = heard.set
        while self._session.alive:
            while self._session.heard:
                channel, payload = self._session.heard.popleft()
                yield SimpleNamespace(channel=channel, payload=payload)
            await heard.wait()
            heard.clear()
        raise psycopg.OperationalError("the connection is lost")


def _commit(session: Session, _: object) -> Rows:
    return session.commit()


class Pool:
    """A pool of connections to one database."""

    def __init__(self, connect: Callable[[], Any]) -> None:
        self._connect = connect
        self._idle: deque[Connection] = deque()
        self._left = MAX_CONNECTIONS
        self._waiting: deque[asyncio.Future[None]] = deque()

    def connection(self) -> "Lent":
        """A connection for as long as the block takes.

        :raises PoolTimeout: none could be had.
        """
        return Lent(self)

    async def take(self) -> Connection:
        """:raises PoolTimeout: none could be had."""
        give_up = asyncio.get_running_loop().time() + POOL_PATIENCE_S
        if self._left:
            self._left -= 1
        else:
            await self._wait(give_up)
        try:
            return self._idle.popleft() if self._idle else await self._made(give_up)
        except BaseException:
            self._let_in()
            raise

    def give_back(self, connection: Connection) -> None:
        """It is free for others, unless it is dead."""
        if not connection.closed:
            self._idle.append(connection)
        self._let_in()

    def _let_in(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._left += 1

    async def _wait(self, give_up: float) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout_at(give_up):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                self._let_in()
            if isinstance(error, TimeoutError):
                raise PoolTimeout("no connection is free") from None
            raise

    async def check(self) -> None:
        """Throw away what is dead."""
        self._idle = deque(connection for connection in self._idle if not connection.closed)

    async def _made(self, give_up: float) -> Connection:
        while True:
            try:
                made: Connection = await self._connect()
                return made
            except psycopg.OperationalError:
                if asyncio.get_running_loop().time() > give_up:
                    raise PoolTimeout("no connection could be made") from None
                await asyncio.sleep(POOL_RETRY_S)


class Lent:
    """A connection of a pool, for as long as a block takes."""

    __slots__ = ("_connection", "_pool")

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def __aenter__(self) -> Connection:
        self._connection = await self._pool.take()
        return self._connection

    async def __aexit__(self, *_: object) -> None:
        self._pool.give_back(self._connection)


@cache
def _parts(conninfo: str) -> Mapping[str, str]:
    return {name: str(value) for name, value in conninfo_to_dict(conninfo).items()}


# libpq parses it anew for each process; there are few of them, and they say the same.
_make_conninfo = cache(make_conninfo)


class Connecting:
    """How processes reach the databases."""

    def __init__(self, databases: Mapping[str, Database]) -> None:
        self._databases = databases

    def pool(self, conninfo: str) -> Any:
        """A pool for a database."""
        return Pool(lambda: self.connect(conninfo))

    async def connect(self, conninfo: str, **_: object) -> Connection:
        """As `psycopg.AsyncConnection.connect`. :raises psycopg.OperationalError: the server is down."""
        named = _parts(conninfo)
        database = self._databases[named["dbname"]]
        await asyncio.sleep(database.weather.latency())
        return Connection(database, named.get("application_name", ""))

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Have the product reach these databases by psycopg's name."""
        made = patch("chassis.group_commit.make_conninfo", _make_conninfo)
        with patch.object(psycopg.AsyncConnection, "connect", self.connect), made:
            yield
