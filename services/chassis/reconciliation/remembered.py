"""What is remembered of the comparison of a stream with its store, from process to process?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import AsyncConnection
from psycopg.rows import class_row

from chassis.database import Connection, Pool, fetch
from chassis.reconciliation.comparing import Difference

MAX_EVIDENCE = 1_000
"""So many differences of a stream are kept word by word and counted; whoever finds more knows enough."""
_LOCK = "select pg_try_advisory_lock(hashtext('congdoan.reconcile'))"
_COLUMNS = "swept, newest, stream_made, asked, answered, began_at, finished_at, differences, repairs, alarm"


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """How far the comparison has come.

    ``swept``: position up to which the sweep under way has compared, ``newest``: up to which what was announced lately is
    compared; ``stream_made``: when the server made the stream that was compared; ``asked`` and ``answered``: sweeps asked
    for, and how many of them are done; ``began_at``, ``finished_at``: of the sweep under way, of the last whole one that
    found everything in order; ``alarm``: what an operator must look at, else empty.
    """

    swept: int
    newest: int
    stream_made: str
    asked: int
    answered: int
    began_at: datetime | None
    finished_at: datetime | None
    differences: int
    repairs: int
    alarm: str


async def reconciliation(pool: Pool) -> Reconciliation:
    """How far it has come, asked by anybody.

    :raises Unavailable: the database cannot be asked.
    """
    ((*values,),) = await fetch(pool, f"select {_COLUMNS} from reconciliation")
    return Reconciliation(*values)


async def ask_for_sweep(pool: Pool) -> int:
    """Have everything compared now; the sweep is done once so many are answered.

    :raises Unavailable: the database cannot be asked.
    """
    ((asked,),) = await fetch(pool, "update reconciliation set asked = asked + 1 returning asked")
    return int(asked)


class Notebook:
    """The one row, on the connection of the process that compares; no other process does as long as it is open."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def taken(self) -> bool:
        """Whether it is this process that compares from now on."""
        row = await (await self._connection.execute(_LOCK)).fetchone()
        return row == (True,)

    async def read(self) -> Reconciliation:
        """How far it has come."""
        query = f"select {_COLUMNS} from reconciliation".encode()
        async with self._connection.cursor(row_factory=class_row(Reconciliation)) as cursor:
            found = await (await cursor.execute(query)).fetchone()
        assert found, "the migration wrote it"
        return found

    async def write(self, **values: object) -> None:
        """Change some columns."""
        changes = ", ".join(f"{name} = %s" for name in values)
        await self._connection.execute(f"update reconciliation set {changes}".encode(), list(values.values()))

    async def note(self, stream_made: str, found: Sequence[Difference]) -> int:
        """Keep differences of a stream as evidence; answers how many were not known before."""
        query = """insert into stream_differences (stream_made, position, kind, stored_hash, found_hash, message)
                   values (%s, %s, %s, %s, %s, %s) on conflict do nothing"""
        rows = [
            (stream_made, one.position, one.kind, one.stored_hash, one.found_hash, one.message) for one in found[:MAX_EVIDENCE]
        ]
        async with self._connection.transaction(), self._connection.cursor() as cursor:
            await cursor.executemany(query, rows)
            new = max(0, cursor.rowcount)
            await cursor.execute("update reconciliation set differences = differences + %s", (new,))
        return new


async def connect(conninfo: str) -> Connection:
    """A connection for a :class:`Notebook`.

    :raises psycopg.OperationalError: there is none.
    """
    return await AsyncConnection.connect(conninfo, autocommit=True)
