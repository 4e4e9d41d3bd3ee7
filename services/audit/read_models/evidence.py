"""At which positions stand the events that make up a figure, and which leaves stand for them?

Of the figure's own service those whose contributions count; of membership those too by which the units lie where they lie.
"""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from audit.domain.contribution import STOCK
from audit.domain.cut import Cut
from audit.domain.passport.recount import UNITS, Query
from audit.domain.unit_tree import PLACING, UnitTree
from audit.read_models.contributions import VERSION, refresh
from chassis.database import Connection

BATCH = 50_000
"""How many positions are looked up at once."""
_EVIDENCE = f"""select position from (
    (select distinct position from entries_v{VERSION}
      where service = %(service)s and position > %(after)s and position <= %(cut)s
        and unit = any(%(units)s) and year = any(%(years)s) and figure = any(%(figures)s)
        and day <= case when year = {STOCK} then %(stock_day)s::date else %(as_of)s::date end
        and (decider = '' or decider = any(%(lineage)s))
      order by position limit %(size)s)
    union
    (select distinct position from unit_facts_v{VERSION}
      where %(service)s = '{UNITS}' and unit = any(%(shown)s) and kind = any(%(placing)s)
        and position > %(after)s and position <= %(cut)s
      order by position limit %(size)s)) as found
    order by position limit %(size)s"""
_LEAVES = "select leaf_hash from log where service = %s and position = any(%s) order by position"


@dataclass(frozen=True, slots=True)
class Evidence:
    """On what a figure stands at a cut.

    :param units: the subtree; :param shown: the units whose places are shown.
    :param complete: every event of its services up to the cut.
    """

    query: Query
    cut: Cut
    units: Sequence[str]
    lineage: Collection[str]
    complete: bool

    @property
    def shown(self) -> list[str]:
        """The units whose places are shown: the subtree, and what lies above where it matters who decided."""
        above = self.lineage if self.query.asks_who_decided else ()
        return list({*self.units, *above})


async def evidence_of(connection: Connection, tree: UnitTree, query: Query, cut: Cut, *, complete: bool) -> Evidence:
    """On what a figure stands.

    :raises UnitUnknown: there was no such unit at the cut.
    """
    await refresh(connection, tree)
    upto = cut[UNITS]
    unit = tree.require(query.unit, upto)
    return Evidence(query, cut, tree.under(unit, query.day, upto), tree.lineage(unit, query.day, upto), complete)


async def positions(connection: Connection, evidence: Evidence, service: str, after: int, size: int) -> list[int]:
    """The next positions of a service, in their order."""
    query, last = evidence.query, evidence.cut[service]
    if evidence.complete:
        return list(range(after + 1, min(after + size, last) + 1))
    asked = {
        "service": service, "after": after, "cut": last, "size": size, "units": list(evidence.units),
        "years": [STOCK, query.year], "figures": list(query.parts), "stock_day": query.day, "as_of": query.as_of,
        "lineage": list(evidence.lineage), "shown": evidence.shown, "placing": list(PLACING),
    }  # fmt: skip
    rows: list[Any] = await (await connection.execute(_EVIDENCE.encode(), asked)).fetchall()
    return [position for (position,) in rows]


async def leaves(connection: Connection, evidence: Evidence, service: str) -> AsyncIterator[bytes]:
    """The leaves that stand for the events of a service, in their order."""
    after = 0
    while found := await positions(connection, evidence, service, after, BATCH):
        rows: list[Any] = await (await connection.execute(_LEAVES.encode(), (service, found), binary=True)).fetchall()
        for (leaf,) in rows:
            yield leaf
        after = found[-1]
