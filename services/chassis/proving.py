"""What shows that a follower applied every event of its history exactly once?

Its tally (:mod:`chassis.tally`) against the history: in one pass, in pages, over the positions that concern it. Only where
the two do not agree, the positions are kept, eight bytes each, to give those that are wrong a name.
"""

import asyncio
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chassis.database import Pool
from chassis.following import Follower
from chassis.past import Past
from chassis.positions import tally_of
from chassis.tally import Finding, Sums, Tally, chained, judged, named


@dataclass(frozen=True, slots=True)
class Proof:
    """What was compared, and what came of it.

    ``since``: of events until there nobody kept count (0: from the first event). ``followed``: so many events between
    `since` and `position` concern the follower; of these `applied` were applied, and those in `parked` lie aside.
    """

    follower: str
    source: str
    since: int
    position: int
    followed: int
    applied: int
    parked: Sequence[int]
    finding: Finding


async def proof(pool: Pool, follower: Follower, past: Past) -> Proof:
    """Compare what a follower did with the history it follows.

    :raises Unavailable: the history cannot be read just now.
    """
    looked_at = follower.position  # whatever it had not written down yet does not concern it, or is missing
    position, tally, parked = await _standing(pool, follower.name)
    position = max(position, looked_at)
    passed, expected, chain = Sums(), Sums(), b""
    aside = frozenset(parked)
    async for page in past.positions(follower.topics, tally.since, position):
        passed = passed.plus(page)
        expected = expected.plus([at for at in page if at not in aside])
        chain = chained(chain, page)
        await asyncio.sleep(0)  # whoever else lives in this process goes on
    finding = judged(expected, chain, tally) or await _named(follower, past, position, tally, aside)
    return Proof(follower.name, follower.source, tally.since, position, passed.count, tally.applied.count, parked, finding)


async def _named(follower: Follower, past: Past, position: int, tally: Tally, aside: frozenset[int]) -> Finding:
    due = array("q")
    async for page in past.positions(follower.topics, tally.since, position):
        due.extend([at for at in page if at not in aside])
    return await asyncio.to_thread(named, due, tally)


async def _standing(pool: Pool, name: str) -> tuple[int, Tally, list[int]]:
    """At one moment: how far a follower is, what it did, and what lies aside of that."""
    async with pool.connection() as connection, connection.transaction():
        await connection.execute("set transaction isolation level repeatable read, read only")
        position, tally = await tally_of(connection, name)
        query = "select position from parked where follower = %s and position > %s order by position"
        rows: list[Any] = await (await connection.execute(query, (name, tally.since))).fetchall()
    return position or 0, tally, [at for (at,) in rows]
