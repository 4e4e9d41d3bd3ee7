"""Which checkpoints were signed, in which order, and what does each go on from?

Their number is their sequence on the stream. They are written once: the table refuses everything else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chassis.database import Connection, Pool, fetch

SCHEMA = (
    """create table if not exists checkpoints (
        number bigint primary key,
        service text not null,
        size bigint not null,
        previous_size bigint not null,
        consistency text not null,
        note bytea not null,
        unique (service, size)
    )""",
    """create or replace function refuse_change() returns trigger language plpgsql as $$
    begin raise exception 'what was signed is not changed'; end $$""",
    """create or replace trigger checkpoints_stay before update or delete or truncate on checkpoints
        for each statement execute function refuse_change()""",
)
_LAST = 2**63 - 1
_COLUMNS = "number, service, size, previous_size, consistency, note"


@dataclass(frozen=True, slots=True)
class Signed:
    """A checkpoint that was signed.

    `consistency` is the proof from the one before of its service, as a header tells it.
    """

    number: int
    service: str
    size: int
    previous_size: int
    consistency: str
    note: bytes


async def lock_checkpoints(transaction: Connection) -> int:
    """Let nobody else add a checkpoint before this transaction ends; the number of the last one, 0 when there is none."""
    await transaction.execute("lock table checkpoints in share row exclusive mode")
    row: Any = await (await transaction.execute("select coalesce(max(number), 0) from checkpoints")).fetchone()
    return int(row[0])


async def last_checkpoint(connection: Connection, service: str) -> Signed | None:
    """The largest one of a service."""
    query = f"select {_COLUMNS} from checkpoints where service = %s order by size desc limit 1"
    row: Any = await (await connection.execute(query.encode(), (service,), binary=True)).fetchone()
    return Signed(*row) if row else None


async def covering(pool: Pool, service: str, position: int) -> Signed | None:
    """The first one under which an event of a service lies; None as long as there is none."""
    query = f"select {_COLUMNS} from checkpoints where service = %s and size >= %s order by size limit 1"
    return next((Signed(*row) for row in await fetch(pool, query, (service, position))), None)


async def of_size(pool: Pool, service: str, size: int) -> Signed:
    """The one of a size, which is known to have been signed."""
    query = f"select {_COLUMNS} from checkpoints where service = %s and size = %s"
    ((*columns,),) = await fetch(pool, query, (service, size))
    return Signed(*columns)


async def add_checkpoint(transaction: Connection, signed: Signed) -> None:
    """Store the next one, under the lock."""
    values = (signed.number, signed.service, signed.size, signed.previous_size, signed.consistency, signed.note)
    await transaction.execute(f"insert into checkpoints ({_COLUMNS}) values (%s, %s, %s, %s, %s, %s)".encode(), values)


async def newest_checkpoints(pool: Pool, service: str, many: int, before: int | None) -> Sequence[Signed]:
    """One page of those of a service, or of all when it is empty: the newest first, from below a number."""
    query = f"select {_COLUMNS} from checkpoints where (service = %s or %s) and number < %s order by number desc limit %s"
    values = (service, not service, _LAST if before is None else before, many)
    return [Signed(*row) for row in await fetch(pool, query, values)]


async def last_number(pool: Pool) -> int:
    """The number of the last one, 0 when there is none.

    :raises Unavailable: the database cannot be asked just now.
    """
    return int((await fetch(pool, "select coalesce(max(number), 0) from checkpoints"))[0][0])


async def checkpoints_after(pool: Pool, number: int, many: int) -> Sequence[Signed]:
    """The next ones, in their order.

    :raises Unavailable: the database cannot be asked just now.
    """
    query = f"select {_COLUMNS} from checkpoints where number > %s order by number limit %s"
    return [Signed(*row) for row in await fetch(pool, query, (number, many))]
