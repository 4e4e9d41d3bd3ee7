"""How far does each history know of the others, and of time? What makes cuts across all services cost a few index probes.

A row stands where a history reached further on a clock than before: recorded time, or the positions of another service that led
to something here. Both only grow, so the first event beyond a bound is one probe of the key, however long the history is.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from audit.domain.cut import RECORDED, Cut, Limit, limits, microseconds, reaches, shortened
from chassis.database import Connection, Pool, fetch
from chassis.recorded import RecordedEvent

VERSION = 1
SCHEMA = (
    f"""create table if not exists knowledge_v{VERSION} (
        service text not null,
        clock text not null,
        reached bigint not null,
        position bigint not null,
        primary key (service, clock, reached)
    )""",
)
_ADD = f"insert into knowledge_v{VERSION} select * from unnest(%s::text[], %s::text[], %s::bigint[], %s::bigint[])"
_REACHED = f"""select clock, reached from unnest(%s::text[]) as known (clock), lateral (
    select reached from knowledge_v{VERSION} where service = %s and clock = known.clock order by reached desc limit 1) as last"""
_FIRST_BEYOND = f"""select limits.service, first.position
    from unnest(%s::text[], %s::text[], %s::bigint[]) as limits (service, clock, reached), lateral (
        select position from knowledge_v{VERSION} as known
         where known.service = limits.service and known.clock = limits.clock and known.reached > limits.reached
         order by known.reached limit 1) as first"""
_HEADS = """select asked.name, coalesce((select position from log where service = asked.name order by position desc limit 1), 0)
    from unnest(%s::text[]) as asked (name)"""


class KnowledgeKeeper:
    """Notes where the history of a service reached further: the effect that a follower drives.

    :param services: every service whose history is followed; causes elsewhere are none.
    """

    topics: frozenset[str] = frozenset()

    def __init__(self, source: str, services: Sequence[str]) -> None:
        self.name, self.source = f"knowledge.v{VERSION}.{source}", source
        self._clocks = [RECORDED, *services]

    async def take(self, events: Sequence[RecordedEvent], transaction: Connection) -> None:
        """Note how far some events reach."""
        rows: list[Any] = await (await transaction.execute(_REACHED.encode(), (self._clocks, self.source))).fetchall()
        found = [one for one in reaches(events, dict(rows)) if one.clock in self._clocks]
        columns = [[getattr(one, name) for one in found] for name in ("service", "clock", "reached", "position")]
        await transaction.execute(_ADD.encode(), columns)

    async def taken(self, events: Sequence[RecordedEvent]) -> None:
        """Nothing is held in memory, so nothing is to be told."""


async def heads(pool: Pool, services: Sequence[str]) -> Cut:
    """How far the log of each service is."""
    return Cut.of(dict(await fetch(pool, _HEADS, (list(services),))))


async def recorded_by(pool: Pool, within: Cut, at: datetime) -> Cut:
    """The largest part of a cut of which nothing was recorded after a time; perhaps not closed."""
    return shortened(within, await first_beyond(pool, [(service, RECORDED, microseconds(at)) for service, _ in within.parts]))


async def largest_closed(pool: Pool, cut: Cut) -> Cut:
    """As :func:`audit.domain.cut.closed`, asked of the table."""
    while (shorter := shortened(cut, await first_beyond(pool, limits(cut)))) != cut:
        cut = shorter
    return cut


async def first_beyond(pool: Pool, asked: Sequence[Limit]) -> list[tuple[str, int]]:
    """The first event of each service that reached beyond a limit, where there is one."""
    columns = [list(column) for column in zip(*asked, strict=True)] or [[], [], []]
    return [(service, position) for service, position in await fetch(pool, _FIRST_BEYOND, columns)]
