"""What would PostgreSQL do? Rows in dictionaries, transactions that roll back, rows that are locked, sessions that are lost.

It stands under the real code of the product in the place of psycopg's connection, and knows exactly the statements that
code issues (:mod:`tests.simulation.statements`). A statement runs on the server when it arrives there, whether or not
somebody still waits for its answer.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import count
from typing import Any

import psycopg

from tests.simulation.virtual_loop import Process, VirtualLoop
from tests.simulation.weather import Weather

Row = tuple[Any, ...]


class Rows(list[Row]):
    """The rows of an answer, and how many a statement wrote or found."""

    @property
    def rowcount(self) -> int:
        """Of a statement that answers none, how many it wrote; see :class:`Written`."""
        return len(self)


class Written(Rows):
    """The answer of a statement that wrote some rows."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self._count = count

    @property
    def rowcount(self) -> int:
        """So many."""
        return self._count


Key = tuple[str, Any]
Action = Callable[["Session", Any], Rows]


_numbers = count(1)


class Locked(Exception):
    """Somebody else has locked the row; the statement waits."""


class Database:
    """The durable state of one service."""

    def __init__(self, name: str, loop: VirtualLoop, weather: Weather) -> None:
        self.name, self.loop, self.weather = name, loop, weather
        self.up = True
        self.position, self.branches_at, self.places_at = 0, 0, 0
        self.branches: dict[str, int] = {}
        self.events: list[Row] = []
        self.versions: dict[Any, list[int]] = {}
        self.commands: dict[Any, tuple[bytes, int]] = {}
        self.claims: dict[bytes, int] = {}
        self.tables: dict[str, dict[Any, Row]] = {}
        self.locks: dict[Key, Session] = {}
        self.sessions: list[Session] = []
        self._waiting: list[tuple[Session, Action, Any, asyncio.Future[Rows], bool]] = []

    def take_over(self, other: "Database") -> None:
        """Begin with all that another holds."""
        self.position, self.branches_at, self.places_at = other.position, other.branches_at, other.places_at
        self.branches, self.events, self.commands = dict(other.branches), list(other.events), dict(other.commands)
        self.versions = {aggregate: list(positions) for aggregate, positions in other.versions.items()}
        self.claims, self.tables = dict(other.claims), {name: dict(rows) for name, rows in other.tables.items()}

    def open(self, process: Process, name: str = "") -> "Session":
        """A new session of a process.

        :raises psycopg.OperationalError: the server is down.
        """
        if not self.up:
            raise psycopg.OperationalError("connection refused")
        session = Session(self, process, name)
        self.sessions.append(session)
        return session

    def kill(self) -> None:
        """End every session; what was not committed is gone."""
        self.up = False
        for session in list(self.sessions):
            session.end()

    def notify(self, channel: str, payload: str) -> None:
        """Tell every session that listens; each hears in this order."""
        for session in self.sessions:
            if channel in session.listens:
                session.hears_at = max(session.hears_at, self.loop.time() + self.weather.latency())
                self.loop.at_moment(session.hears_at, session.hear, channel, payload)

    def hang_up(self, process: Process) -> None:
        """A process has died: its sessions end when the server notices, which may first do what is on its way."""
        for session in self.sessions:
            if session.process is process:
                self.loop.at_server(self.weather.latency(), session.end)

    def serve(self, session: "Session", action: Action, values: Any) -> asyncio.Future[Rows]:
        """Have an action done in a session with some values, when it arrives; its answer."""
        answer: asyncio.Future[Rows] = asyncio.Future(loop=self.loop)
        session.pending.append(answer)
        lost = self.weather.strikes("database connection lost after the statement")
        if self.weather.strikes("database connection lost before the statement"):
            self.loop.at_server(self.weather.latency(), session.end)
        else:
            self.loop.at_server(self.weather.latency(), self._perform, session, action, values, answer, lost)
        return answer

    def released(self) -> None:
        """A transaction has ended: whoever waits for a row tries again."""
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            self.loop.at_server(0.0, self._perform, *each)

    def _perform(self, session: "Session", action: Action, values: Any, answer: asyncio.Future[Rows], lost: bool) -> None:
        if not session.alive:
            return
        try:
            rows = action(session, values)
        except Locked:
            self._waiting.append((session, action, values, answer, lost))
            return
        except Exception as error:
            session.statement_ends()
            if not isinstance(error, psycopg.Error):
                self.loop.failures.append(f"the simulated database: {error!r}")
            session.answer(answer, error)
            return
        session.statement_ends()
        if lost:
            session.end()
        elif self.weather.strikes("answer delayed"):
            self.loop.at_server(self.weather.latency(), session.answer, answer, rows)
        else:
            session.answer(answer, rows)


class Session:
    """One connection, as the server sees it."""

    def __init__(self, database: Database, process: Process, name: str) -> None:
        self.database, self.process, self.alive = database, process, True
        self.pending: list[asyncio.Future[Rows]] = []
        self.writes: dict[Key, Row | None] | None = None
        self._savepoints: list[dict[Key, Row | None]] = []
        self._locked: list[Key] = []
        self._seen: dict[Key, Row | None] = {}
        self.number, self.began = next(_numbers), database.loop.time()
        self.name, self.listens = name, set[str]()
        self.heard: deque[tuple[str, str]] = deque()
        """Notifications that have come: channel and payload."""
        self.hears_at = 0.0
        """When the last one comes that is on its way: none overtakes another."""
        self.told: Callable[[], None] | None = None
        """Called at each notification, once somebody reads them."""

    def end(self) -> None:
        """It is over: what was not committed is rolled back."""
        if not self.alive:
            return
        self.alive = False
        self.database.sessions.remove(self)
        self.roll_back()
        for answer in self.pending:
            if not answer.done():
                answer.set_exception(psycopg.OperationalError("the connection is lost"))
        self.pending.clear()
        if self.told:
            self.told()

    def hear(self, channel: str, payload: str) -> None:
        """A notification has come."""
        self.heard.append((channel, payload))
        if self.told:
            self.told()

    def answer(self, future: asyncio.Future[Rows], outcome: Rows | Exception) -> None:
        """Answer whoever still waits."""
        if future in self.pending:
            self.pending.remove(future)
        if future.done():
            return
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)

    # Transactions.

    def begin(self) -> None:
        """Begin a transaction, or a part of one that can be rolled back by itself."""
        if self.writes is None:
            self.writes = {}
        else:
            self._savepoints.append(dict(self.writes))

    @property
    def nested(self) -> bool:
        """Whether a part of a transaction is open."""
        return bool(self._savepoints)

    def commit(self) -> Rows:
        """Make true what was written since the transaction began."""
        for (table, key), row in (self.writes or {}).items():
            _put(self.database.tables.setdefault(table, {}), key, row)
        self.roll_back()
        return Rows()

    def roll_back(self) -> Rows:
        """Forget what was written, and let go of every row."""
        self.writes = None
        self._savepoints.clear()
        for key in self._locked:
            del self.database.locks[key]
        self._locked.clear()
        self.database.released()
        return Rows()

    def release(self, keep: bool) -> None:
        """End a part of a transaction."""
        before = self._savepoints.pop()
        if not keep:
            self.writes = before

    # Rows.

    def lock(self, table: str, key: Any) -> None:
        """:raises Locked: somebody else has it."""
        owner = self.database.locks.get((table, key))
        if owner is self:
            return
        if owner is not None:
            raise Locked
        if self.writes is not None:
            self.database.locks[table, key] = self
            self._locked.append((table, key))

    def get(self, table: str, key: Any) -> Row | None:
        """A row as this transaction sees it."""
        if self.writes and (table, key) in self.writes:
            return self.writes[table, key]
        return self.database.tables.get(table, {}).get(key)

    def get_as_begun(self, table: str, key: Any) -> Row | None:
        """A row as it was when the statement began: one that waited for another row sees that one alone as it is now."""
        if (table, key) not in self._seen:
            self._seen[table, key] = self.get(table, key)
        return self._seen[table, key]

    def statement_ends(self) -> None:
        """The next statement sees what is true by then."""
        if self._seen:
            self._seen.clear()

    def rows(self, table: str) -> dict[Any, Row]:
        """Every row as this transaction sees it."""
        found = self.database.tables.get(table, {})
        if self.writes:
            found = dict(found)
            for (name, key), row in self.writes.items():
                if name == table:
                    _put(found, key, row)
        return found

    def put(self, table: str, rows: Iterable[tuple[Any, Row | None]]) -> None:
        """Write some rows, or remove those that are None. :raises Locked: somebody else has one of them."""
        rows = list(rows)
        for key, _ in rows:
            self.lock(table, key)
        for key, row in rows:
            if self.writes is None:
                _put(self.database.tables.setdefault(table, {}), key, row)
            else:
                self.writes[table, key] = row


def _put(rows: dict[Any, Row], key: Any, row: Row | None) -> None:
    if row is None:
        rows.pop(key, None)
    else:
        rows[key] = row


def transposed(columns: Sequence[Sequence[Any]]) -> Rows:
    """Rows of columns: ``unnest``."""
    return Rows(zip(*columns, strict=True))
