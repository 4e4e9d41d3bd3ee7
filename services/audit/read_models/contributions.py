"""What do a unit's figures stand on, as of any day, at any cut? Per figure, unit, year, day the sum of what events contributed.

One follower a service takes the events that contribute; the sums, each contribution with its position, what is said of units and
the follower's position become true together. An event that cannot be read is parked like any other dead letter, and its figures
lack it until it is replayed.

The sums are kept by strata of so many positions. At a cut the strata that lie whole within it are added up, and of the one that
it goes through the contributions themselves: so a figure at a cut costs what the figure of now costs and a part of a stratum,
however long the history is.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import orjson

from audit.domain import CONTRIBUTIONS
from audit.domain.contribution import STOCK, Contribution
from audit.domain.cut import Cut
from audit.domain.figures import AuditedFigure, Sum, audited
from audit.domain.membership_figures import UNIT_TOPICS, unit_facts
from audit.domain.unit_tree import EVERYTHING, PLACING, FactKind, UnitFact, UnitTree
from chassis.database import Connection, Pool
from chassis.following import unprocessable
from chassis.recorded import RecordedEvent

VERSION = 2
"""A change of what events contribute is a new version: tables and positions of its own, built from the first event."""
STRATUM = 32_768
"""Positions of a stratum. What is stored was summed up by it: it changes with the version alone."""

SCHEMA = (
    f"""create table if not exists contributions_v{VERSION} (
        unit text not null,
        year integer not null,
        figure text not null,
        decider text not null,
        day date not null,
        stratum integer not null,
        service text not null,
        amount bigint not null,
        events bigint not null,
        primary key (unit, year, figure, decider, day, stratum)
    )""",
    f"""create table if not exists entries_v{VERSION} (
        position bigint not null,
        number integer not null,
        year integer not null,
        day date not null,
        amount bigint not null,
        service text not null,
        figure text not null,
        unit text not null,
        decider text not null,
        primary key (service, position, number)
    )""",
    f"create index if not exists entries_v{VERSION}_by_unit on entries_v{VERSION} (unit, year, service, position)",
    f"""create table if not exists unit_facts_v{VERSION} (
        number bigint generated always as identity primary key,
        unit text not null,
        kind text not null,
        day date not null,
        value text not null,
        position bigint not null
    )""",
    f"create index if not exists unit_facts_v{VERSION}_by_unit on unit_facts_v{VERSION} (unit, number)",
    f"create table if not exists late_v{VERSION} (aggregate_id uuid primary key)",
)
_ADD = f"""insert into contributions_v{VERSION} as known (service, stratum, figure, unit, year, day, decider, amount, events)
    select %b, sums.* from unnest(
        %b::integer[], %b::text[], %b::text[], %b::integer[], %b::date[], %b::text[], %b::bigint[], %b::bigint[]) as sums
    on conflict (unit, year, figure, decider, day, stratum)
    do update set amount = known.amount + excluded.amount, events = known.events + excluded.events"""
_ENTER = f"""insert into entries_v{VERSION} (service, position, number, figure, unit, year, day, amount, decider)
    select %b, entry.* from unnest(
        %b::bigint[], %b::integer[], %b::text[], %b::text[], %b::integer[], %b::date[], %b::bigint[], %b::text[]) as entry"""
_LEARN = f"""insert into unit_facts_v{VERSION} (unit, kind, day, value, position)
    select fact.unit, fact.kind, fact.day, fact.value, fact.position
      from unnest(%b::text[], %b::text[], %b::date[], %b::text[], %b::bigint[])
      with ordinality as fact (unit, kind, day, value, position, place)
     order by fact.place"""
_COUNTED = """unit = any(%(units)s) and year = any(%(years)s)
    and day <= case when year = 0 then %(stock_day)s::date else %(as_of)s::date end"""
_SUMS = f"""select figure, decider, sum(amount)::bigint, sum(events)::bigint from contributions_v{VERSION}
    where {_COUNTED} group by figure, decider"""
_WHOLE = f"""select figure, decider, amount, events from contributions_v{VERSION}
    where {_COUNTED} and stratum < case service {{whole}} else 0 end"""
_PART = f"""select figure, decider, amount, 1 from entries_v{VERSION}
    where {_COUNTED} and service = '{{service}}' and position between {{first}} and {{last}}"""
_ENTRIES = f"""select service, position, number, figure, unit, year, day, decider, amount from entries_v{VERSION}
    where {_COUNTED} and figure = any(%(figures)s) and (service, position, number) > (%(after)s, %(position)s, %(number)s)
      and position <= (%(cut)s::jsonb ->> service)::bigint
    order by service, position, number limit %(size)s"""
_FACTS = "unit, kind, day, value, position"
_PLACING = f"select number, {_FACTS} from unit_facts_v{VERSION} where number > %s and kind = any(%s) order by number"
_BEHIND = f"select {_FACTS} from unit_facts_v{VERSION} where unit = any(%s) and position <= %s order by number"

Key = tuple[str, str, int, date, str]


@dataclass(frozen=True, slots=True)
class Entry:
    """One contribution: the `number`-th, from 1, of the event at a position."""

    service: str
    position: int
    number: int
    figure: str
    unit: str
    year: int
    day: date
    decider: str
    amount: int


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
        entries: list[tuple[int, int, Contribution]] = []
        facts: list[UnitFact] = []
        for event in events:
            try:
                facts += unit_facts(event)
                derived = enumerate(CONTRIBUTIONS.derived(event, late), 1)
                entries += [(event.position, number, contribution) for number, contribution in derived]
            except Exception as error:
                raise unprocessable(event, error) from error
        await _add(transaction, self.source, entries)
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


async def _add(transaction: Connection, service: str, entries: Sequence[tuple[int, int, Contribution]]) -> None:
    if not entries:
        return
    # In the order of the indexes by unit, so that a batch finds their pages one after another.
    entries = sorted(entries, key=lambda entry: (entry[2].unit, entry[2].year, entry[2].figure, entry[2].day, entry[0]))
    strata: dict[int, list[Contribution]] = {}
    for position, _, one in entries:
        strata.setdefault(position // STRATUM, []).append(one)
    sums = [(stratum, *key, total.amount, total.events) for stratum, its in strata.items() for key, total in folded(its).items()]
    await transaction.execute(_ADD.encode(), (service, *(list(column) for column in zip(*sums, strict=True))))
    rows = [
        (position, number, one.figure, one.unit, one.year, one.day, one.amount, one.decider) for position, number, one in entries
    ]
    await transaction.execute(_ENTER.encode(), (service, *(list(column) for column in zip(*rows, strict=True))))


async def _learn(transaction: Connection, facts: Sequence[UnitFact]) -> None:
    if facts:
        values = [(fact.unit, fact.kind.value, fact.day, fact.value, fact.position) for fact in facts]
        await transaction.execute(_LEARN.encode(), [list(column) for column in zip(*values, strict=True)])


async def figures(pool: Pool, tree: UnitTree, unit: str, year: int, as_of: date, cut: Cut | None = None) -> list[AuditedFigure]:
    """Every figure of a unit with its subtree for a year, as of a day; read at one moment of the tables.

    :param tree: learns what became known since it was last asked.
    :param cut: what had been recorded by then alone; everything when left out. The tables hold all of it.
    :raises UnitUnknown: there is no such unit, or was none at the cut.
    """
    day, upto = counted_on(year, as_of), upto_of(cut)
    async with pool.connection() as connection, connection.transaction():
        await reading(connection)
        await refresh(connection, tree)
        asked = _asked(tree.under(tree.require(unit, upto), day, upto), year, as_of)
        sums = await _sums(connection, _at(cut) if cut else _SUMS, asked)
    return audited(sums, tree.lineage(unit, day, upto))


def counted_on(year: int, as_of: date) -> date:
    """The day of a year's subtree, and of what is counted as it stands."""
    return min(as_of, date(year, 12, 31))


def upto_of(cut: Cut | None) -> int:
    """The last unit event of a cut, or later."""
    return cut["membership"] if cut else EVERYTHING


def _asked(units: Sequence[str], year: int, as_of: date) -> dict[str, Any]:
    return {"units": list(units), "years": [STOCK, year], "stock_day": counted_on(year, as_of), "as_of": as_of}


async def reading(connection: Connection) -> None:
    """Have a transaction see the tables at one moment, and plan each question for what it asks.

    One unit or a hundred thousand: the way to their sums is not the same.
    """
    await connection.execute("set transaction isolation level repeatable read, read only")
    await connection.execute("set local plan_cache_mode = force_custom_plan")


async def _sums(connection: Connection, query: str, asked: Mapping[str, Any]) -> dict[tuple[str, str], Sum]:
    rows: list[Any] = await (await connection.execute(query.encode(), asked)).fetchall()
    return {(figure, decider): Sum(amount, events) for figure, decider, amount, events in rows}


def _at(cut: Cut) -> str:
    """The question for the sums at a cut: of the strata within it, and of what lies within of the stratum it goes through."""
    whole = {service: (position + 1) // STRATUM for service, position in cut.parts}
    case = " ".join(f"when '{service}' then {strata}" for service, strata in whole.items())
    parts = (_PART.format(service=name, first=whole[name] * STRATUM, last=position) for name, position in cut.parts)
    both = " union all ".join((_WHOLE.format(whole=case or "when '' then 0"), *parts))
    return f"select figure, decider, sum(amount)::bigint, sum(events)::bigint from ({both}) as one group by figure, decider"


async def entries_behind(
    connection: Connection,
    units: Sequence[str],
    figures: Sequence[str],
    year: int,
    as_of: date,
    cut: Cut,
    *,
    after: tuple[str, int, int] = ("", 0, 0),
    size: int = 1_000,
) -> list[Entry]:
    """A page of the contributions on which sums of some units for a year stand, as of a day, at a cut; in order of their keys.

    What was decided by whoever is not above the unit that is asked about is among them: see :func:`audit.domain.figures.audited`.

    :param after: service, position and number of the last one of the page before.
    """
    service, position, number = after
    key = {"after": service, "position": position, "number": number, "size": size}
    asked = {**_asked(units, year, as_of), **key, "figures": list(figures), "cut": orjson.dumps(cut.positions).decode()}
    rows: list[Any] = await (await connection.execute(_ENTRIES.encode(), asked)).fetchall()
    return [Entry(*row) for row in rows]


async def facts_behind(connection: Connection, units: Sequence[str], cut: Cut | None = None) -> list[UnitFact]:
    """All that is said of some units, up to a cut, in the order in which it was recorded."""
    rows: list[Any] = await (await connection.execute(_BEHIND.encode(), (list(units), upto_of(cut)))).fetchall()
    return [_fact(row) for row in rows]


async def refresh(connection: Connection, tree: UnitTree) -> None:
    """Have a tree learn what became known of places since it was last asked."""
    # One follower writes, under a lock, so the numbers become visible in their order.
    rows: list[Any] = await (await connection.execute(_PLACING.encode(), (tree.learned, list(PLACING)))).fetchall()
    tree.learn((number, _fact(row)) for number, *row in rows)


def _fact(row: Sequence[Any]) -> UnitFact:
    unit, kind, day, value, position = row
    return UnitFact(unit, FactKind(kind), day, value, position)
