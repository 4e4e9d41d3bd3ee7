"""Which hashes make the tree over a service's log? Those of complete subtrees, stored with the entries that complete them.

What is stored of a subtree never changes, so whoever grows a tree, twice at once even, stores the same.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from audit.domain.ledger import ARITY, STRIDE, nodes_of, parents, stored
from chassis.database import Connection, Pool
from chassis.ledger.merkle import Nodes, Place, Span

SCHEMA = (
    """create table if not exists ledger_nodes (
        service text not null,
        level smallint not null,
        index bigint not null,
        hash bytea not null,
        primary key (service, level, index)
    )""",
)
BATCH = 256
"""How many subtrees are made at once; they are read from sixteen times as many hashes."""
STEP = 65_536
"""How many entries of a log that has no tree yet get theirs in one transaction."""


class TreeIncomplete(Exception):
    """The log or the tree lacks what must be there: rows were taken out."""


async def grow(transaction: Connection, service: str, size: int) -> None:
    """Store each subtree that the first `size` entries of a log complete, as far as it is not there; where more entries than
    `STEP` have no tree yet, those of so many.

    :raises TreeIncomplete: the log lacks an entry.
    """
    known = await _known(transaction, service, STRIDE)
    size = min(size, known * ARITY + STEP)
    for level in range(0, size.bit_length() - STRIDE, STRIDE):
        complete = size >> level + STRIDE
        if level:
            known = await _known(transaction, service, level + STRIDE)
        if known >= complete:
            return  # what stands above was stored together with the last of these
        for first in range(known, complete, BATCH):
            upto = min(first + BATCH, complete)
            children = await _level(transaction, service, level, first * ARITY, upto * ARITY)
            await _store(transaction, service, level + STRIDE, first, parents(children))


async def grow_all(pool: Pool, service: str) -> None:
    """Give a log that is older than its tree the tree it lacks, a part a transaction; ended early it goes on from there.

    :raises TreeIncomplete: the log lacks an entry.
    """
    async with pool.connection() as connection:
        while await _known(connection, service, STRIDE) < (size := await log_size(connection, service)) // ARITY:
            async with connection.transaction():
                await _plan_anew(connection)
                await grow(connection, service, size)


async def tree_of(transaction: Connection, service: str, spans: Iterable[Span]) -> Nodes:
    """A reader of the hashes that make parts of a service's tree, read at once.

    :raises TreeIncomplete: something of it is not stored.
    """
    wanted = stored(spans)
    await _plan_anew(transaction)
    found = await _leaves(transaction, service, [index for level, index in wanted if level == 0])
    found |= await _nodes(transaction, service, [place for place in wanted if place[0]])
    if len(found) < len(wanted):
        raise TreeIncomplete(f"{len(wanted) - len(found)} hashes of {service} are not there")
    return nodes_of(found)


async def log_size(connection: Connection, service: str) -> int:
    """How many events of a service are sealed."""
    query = b"select coalesce(max(position), 0) from log where service = %s"
    row: Any = await (await connection.execute(query, (service,))).fetchone()
    return int(row[0])


async def _plan_anew(transaction: Connection) -> None:
    # A plan that the session made while a table was empty would scan it when it is long.
    await transaction.execute("set local plan_cache_mode = force_custom_plan")


async def _known(connection: Connection, service: str, level: int) -> int:
    query = b"select coalesce(max(index) + 1, 0) from ledger_nodes where service = %s and level = %s"
    row: Any = await (await connection.execute(query, (service, level))).fetchone()
    return int(row[0])


async def _level(transaction: Connection, service: str, level: int, first: int, upto: int) -> list[bytes]:
    """The stored hashes of a level from `first` to before `upto`."""
    if level:
        query = b"select hash from ledger_nodes where service = %s and level = %s and index >= %s and index < %s order by index"
        cursor = await transaction.execute(query, (service, level, first, upto), binary=True)
    else:
        query = b"select leaf_hash from log where service = %s and position > %s and position <= %s order by position"
        cursor = await transaction.execute(query, (service, first, upto), binary=True)
    rows: list[Any] = await cursor.fetchall()
    if len(rows) != upto - first:
        raise TreeIncomplete(f"{service} has {len(rows)} hashes of level {level} from {first} to {upto}")
    return [found for (found,) in rows]


async def _store(transaction: Connection, service: str, level: int, first: int, hashes: Sequence[bytes]) -> None:
    query = b"""insert into ledger_nodes (service, level, index, hash)
        select %b, %b, %b + made.number - 1, made.hash from unnest(%b::bytea[]) with ordinality as made (hash, number)
        on conflict do nothing"""
    await transaction.execute(query, (service, level, first, list(hashes)))


async def _leaves(transaction: Connection, service: str, indexes: Sequence[int]) -> dict[Place, bytes]:
    query = b"select position, leaf_hash from log where service = %s and position = any(%s)"
    cursor = await transaction.execute(query, (service, [index + 1 for index in indexes]), binary=True)
    rows: list[Any] = await cursor.fetchall()
    return {(0, position - 1): found for position, found in rows}


async def _nodes(transaction: Connection, service: str, wanted: Sequence[Place]) -> dict[Place, bytes]:
    query = b"""select node.level, node.index, node.hash from unnest(%s::smallint[], %s::bigint[]) as wanted (level, index)
        join ledger_nodes node on node.service = %s and node.level = wanted.level and node.index = wanted.index"""
    levels, indexes = [level for level, _ in wanted], [index for _, index in wanted]
    rows: list[Any] = await (await transaction.execute(query, (levels, indexes, service), binary=True)).fetchall()
    return {(level, index): found for level, index, found in rows}
