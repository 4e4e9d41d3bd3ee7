"""What do a unit's figures stand on, as of any day? Per figure, unit, year and day the sum of what events contributed.

One follower a service takes the events that contribute; the sums, the places of units and the position become true
together. An event that cannot be read is parked like any other dead letter, and its figures lack it until it is replayed.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from audit.domain import CONTRIBUTIONS
from audit.domain.contribution import Contribution
from audit.domain.figures import AuditedFigure, Sum, audited
from audit.domain.membership_figures import UNIT_TOPICS, unit_facts
from audit.domain.unit_tree import FactKind, UnitFact, UnitTree
from chassis.database import Connection, Pool
from chassis.events import RecordedEvent
from chassis.following import unprocessable

VERSION = 1
"""A change of what events contribute is a new version: tables and positions of its own, built from the first event."""

SCHEMA = (
    f"""create table if not exists contributions_v{VERSION} (
        unit text not null,
        year integer not null,
        figure text not null,
        decider text not null,
        day date not null,
        amount bigint not null,
        events bigint not null,
        primary key (unit, year, figure, decider, day)
    )""",
    f"""create table if not exists unit_facts_v{VERSION} (
        number bigint generated always as identity primary key,
        unit text not null,
        kind text not null,
        day date not null,
        parent text not null
    )""",
    f"create table if not exists late_v{VERSION} (aggregate_id uuid primary key)",
)
_ADD = f"""insert into contributions_v{VERSION} as known (figure, unit, year, day, decider, amount, events)
    select * from unnest(%b::text[], %b::text[], %b::integer[], %b::date[], %b::text[], %b::bigint[], %b::bigint[])
    on conflict (unit, year, figure, decider, day)
    do update set amount = known.amount + excluded.amount, events = known.events + excluded.events"""
_LEARN = f"""insert into unit_facts_v{VERSION} (unit, kind, day, parent)
    select fact.unit, fact.kind, fact.day, fact.parent
      from unnest(%b::text[], %b::text[], %b::date[], %b::text[]) with ordinality as fact (unit, kind, day, parent, place)
     order by fact.place"""
_SUMS = f"""select figure, decider, sum(amount)::bigint, sum(events)::bigint from contributions_v{VERSION}
    where unit = any(%(units)s) and (year = 0 and day <= %(stock_day)s or year = %(year)s and day <= %(as_of)s)
    group by figure, decider"""

Key = tuple[str, str, int, date, str]


def folded(contributions: Iterable[Contribution]) -> dict[Key, Sum]:
    """Contributions to the same figure, unit, year, day and decider together."""
    sums: dict[Key, Sum] = {}
    for one in contributions:
        key = (one.figure, one.unit, one.year, one.day, one.decider)
        sums[key] = sums.get(key, Sum()) + Sum(one.amount, 1)
    return sums


class FigureKeeper:
    """Adds up what the events of one service contribute: the effect that a follower drives."""

    def __init__(self, source: str) -> None:
        self.name, self.source = f"figures.v{VERSION}.{source}", source
        self.topics = CONTRIBUTIONS.topics(source) | {topic for topic in UNIT_TOPICS if topic.startswith(f"{source}.")}

    async def take(self, events: Sequence[RecordedEvent], transaction: Connection) -> None:
        """Add what some events contribute, and keep what they say of units.

        :raises Unprocessable: an event cannot be read.
        """
        late = await _late(transaction, events)
        known = frozenset(late)
        contributions: list[Contribution] = []
        facts: list[UnitFact] = []
        for event in events:
            try:
                facts += unit_facts(event)
                contributions += CONTRIBUTIONS.derived(event, late)
            except Exception as error:
                raise unprocessable(event, error) from error
        await _add(transaction, contributions)
        await _learn(transaction, facts)
        await _remember(transaction, late - known)

    async def taken(self, events: Sequence[RecordedEvent]) -> None:
        """Nothing is held in memory, so nothing is to be told."""


async def _late(transaction: Connection, events: Sequence[RecordedEvent]) -> set[UUID]:
    query = f"select aggregate_id from late_v{VERSION} where aggregate_id = any(%s)"
    rows: list[Any] = await (await transaction.execute(query.encode(), ([event.aggregate_id for event in events],))).fetchall()
    return {aggregate_id for (aggregate_id,) in rows}


async def _remember(transaction: Connection, late: set[UUID]) -> None:
    if late:
        query = f"insert into late_v{VERSION} (aggregate_id) select * from unnest(%s::uuid[])"
        await transaction.execute(query.encode(), (list(late),))


async def _add(transaction: Connection, contributions: Iterable[Contribution]) -> None:
    if sums := folded(contributions):
        values = [(*key, total.amount, total.events) for key, total in sums.items()]
        await transaction.execute(_ADD.encode(), [list(column) for column in zip(*values, strict=True)])


async def _learn(transaction: Connection, facts: Sequence[UnitFact]) -> None:
    if facts:
        values = [(fact.unit, fact.kind.value, fact.day, fact.parent) for fact in facts]
        await transaction.execute(_LEARN.encode(), [list(column) for column in zip(*values, strict=True)])


async def figures(pool: Pool, tree: UnitTree, unit: str, year: int, as_of: date) -> list[AuditedFigure]:
    """Every figure of a unit with its subtree for a year, as of a day; read at one moment of the tables.

    :param tree: learns what became known since it was last asked.
    :raises UnitUnknown: there is no such unit.
    """
    day = min(as_of, date(year, 12, 31))
    async with pool.connection() as connection, connection.transaction():
        await connection.execute("set transaction isolation level repeatable read, read only")
        # One unit or a hundred thousand: the way to their sums is not the same.
        await connection.execute("set local plan_cache_mode = force_custom_plan")
        await _refresh(connection, tree)
        units = tree.under(tree.require(unit), day)
        cursor = await connection.execute(_SUMS.encode(), {"units": units, "year": year, "stock_day": day, "as_of": as_of})
        rows: list[Any] = await cursor.fetchall()
    sums = {(figure, decider): Sum(amount, events) for figure, decider, amount, events in rows}
    return audited(sums, tree.lineage(unit, day))


async def _refresh(connection: Connection, tree: UnitTree) -> None:
    # One follower writes, under a lock, so the numbers become visible in their order.
    query = f"select number, unit, kind, day, parent from unit_facts_v{VERSION} where number > %s order by number"
    rows: list[Any] = await (await connection.execute(query.encode(), (tree.learned,))).fetchall()
    tree.learn((number, UnitFact(unit, FactKind(kind), day, parent)) for number, unit, kind, day, parent in rows)
