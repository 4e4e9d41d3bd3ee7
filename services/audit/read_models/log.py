"""What was heard of each service, in which order, sealed by which hashes?

One follower a service takes every event of its stream, in batches; entries and position become true together. What does
not follow on is never sealed and never passed over: the follower stands still, says so, and the service is not ready.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import structlog

from audit.domain.seal import GENESIS, LogBroken, Sealed, Tail, seal, touched
from audit.read_models.nodes import TreeIncomplete, grow
from chassis.database import Connection, Pool, fetch
from chassis.recorded import RecordedEvent

SCHEMA = (
    """create table if not exists log (
        service text not null,
        position bigint not null,
        leaf_hash bytea not null,
        chain_hash bytea not null,
        topic text not null,
        aggregate_id uuid not null,
        version integer not null,
        unit text not null,
        branch text not null,
        branch_position bigint not null,
        recorded_at timestamptz not null,
        primary key (service, position)
    )""",
    "create unique index if not exists log_by_aggregate on log (service, aggregate_id, version)",
    "create unique index if not exists log_by_branch on log (service, branch, branch_position)",
)
_logger = structlog.get_logger(__name__)
_COLUMNS = "position, leaf_hash, chain_hash, topic, aggregate_id, version, unit, branch, branch_position, recorded_at"
_TYPES = ("bigint", "bytea", "bytea", "text", "uuid", "integer", "text", "text", "bigint", "timestamptz")
_ARRAYS = ", ".join(f"%b::{kind}[]" for kind in _TYPES)
_INSERT = f"insert into log (service, {_COLUMNS}) select %b, entry.* from unnest({_ARRAYS}) as entry"


class LogKeeper:
    """Seals the events of one service: the effect that a follower drives.

    ``broken`` says what does not follow on, for as long as it stands in the way.
    """

    topics: frozenset[str] = frozenset()
    judges_the_stream = True
    """It is given what is no event too, to say so; others wait until the stream is put right."""

    def __init__(self, source: str) -> None:
        self.name, self.source = f"log.{source}", source
        self.broken: LogBroken | None = None

    async def take(self, events: Sequence[RecordedEvent], transaction: Connection) -> None:
        """Seal some events.

        :raises LogBroken: one of them does not follow on; none of them is sealed. :raises TreeIncomplete: what was sealed
            before is not all there.
        """
        tail = await _tail(transaction, self.source, events)
        try:
            entries = seal(tail, events)
            columns: list[list[Any]] = [[getattr(entry, name) for entry in entries] for name in _COLUMNS.split(", ")]
            await transaction.execute(_INSERT.encode(), (self.source, *columns))
            await grow(transaction, self.source, tail.position)
        except TreeIncomplete as missing:
            self._tell(LogBroken(self.source, tail.position, str(missing)))
            raise
        except LogBroken as broken:
            self._tell(broken)
            raise

    async def taken(self, events: Sequence[RecordedEvent]) -> None:
        """What follows on was found after all."""
        self.broken = None

    def _tell(self, broken: LogBroken) -> None:
        self.broken = broken
        _logger.critical("the stream does not follow on", source=self.source, position=broken.position, reason=broken.reason)


async def _tail(transaction: Connection, service: str, events: Sequence[RecordedEvent]) -> Tail:
    """Where the log of a service ends, with the branches and aggregates that some events touch."""
    # A plan that the session made while the log was empty would scan it when it is long.
    await transaction.execute("set local plan_cache_mode = force_custom_plan")
    branches, aggregate_ids = touched(events)
    position, chain = await _end(transaction, service)
    return Tail(
        service,
        position,
        chain,
        await _last(transaction, service, "branch", "branch_position", "text", branches),
        await _last(transaction, service, "aggregate_id", "version", "uuid", aggregate_ids),
    )


async def _end(connection: Connection, service: str) -> tuple[int, bytes]:
    query = "select position, chain_hash from log where service = %s order by position desc limit 1"
    row: Any = await (await connection.execute(query, (service,))).fetchone()
    return (row[0], row[1]) if row else (0, GENESIS)


async def _last(
    transaction: Connection, service: str, key: str, number: str, kind: str, wanted: Sequence[str] | Sequence[UUID]
) -> dict[Any, int]:
    # One index probe a key, however long the log is.
    last = f"select {number} from log where service = %s and {key} = wanted.key order by {number} desc limit 1"
    query = f"select wanted.key, ({last}) from unnest(%s::{kind}[]) as wanted (key)"
    rows: list[Any] = await (await transaction.execute(query.encode(), (service, list(wanted)))).fetchall()
    return {key: number for key, number in rows if number is not None}


async def log_end(pool: Pool, service: str) -> tuple[int, bytes]:
    """The position and chain hash of the last event sealed; 0 and `GENESIS` when there is none."""
    async with pool.connection() as connection:
        return await _end(connection, service)


async def positions_of(pool: Pool, service: str, aggregate_id: UUID, upto: int) -> list[int]:
    """The positions of everything that happened to one thing, in their order, up to a position."""
    query = "select position from log where service = %s and aggregate_id = %s and position <= %s order by version"
    return [position for (position,) in await fetch(pool, query, (service, aggregate_id, upto))]


async def log_entries(pool: Pool, service: str, size: int, after: int) -> list[Sealed]:
    """One page of a service's log, by position."""
    query = f"select {_COLUMNS} from log where service = %s and position > %s order by position limit %s"
    return [Sealed(*row) for row in await fetch(pool, query, (service, after, size))]
