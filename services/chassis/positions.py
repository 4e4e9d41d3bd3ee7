"""How far has a follower come, what has it done until there, and who may move it? What the database says of it.

The row of a follower is locked by whoever moves it. Of the term in which that is done, see :mod:`chassis.leadership`.
"""

from collections.abc import Sequence
from typing import Any, LiteralString

from chassis.database import Connection
from chassis.tally import Sums, Tally

POSITIONS: LiteralString = "select follower, position from followers"
TERM: LiteralString = "(select term from leaders where what = 'service')"
# Asked again at the end, for another term may have begun since the beginning; the lock is the last word in either case.
_MOVE: LiteralString = f"""update followers set position = %s, applied = %s, applied_sum = %s, applied_squares = %s, chain = %s
            where follower = %s and {TERM} = coalesce(%s, {TERM})"""
_APPLIED_LATER = """update followers f set applied = f.applied + late.times, applied_sum = f.applied_sum + late.total,
                           applied_squares = f.applied_squares + late.squares
                      from (select count(*) as times, coalesce(sum(p), 0) as total, coalesce(sum(p * p), 0) as squares
                              from unnest(%s::numeric[]) as p
                             where p > (select since from followers where follower = %s)) as late
                     where f.follower = %s"""


async def move(transaction: Connection, follower: str, position: int, tally: Tally, term: int | None) -> bool:
    """Move a position that this transaction holds; False when another term than ours has begun."""
    return bool((await transaction.execute(_MOVE, (position, *tally.columns, follower, term))).rowcount)


async def first_position(connection: Connection, follower: str) -> int:
    """A follower's position; one that has none is put before the first event."""
    await connection.execute("insert into followers (follower, position) values (%s, 0) on conflict do nothing", (follower,))
    return await _value(connection, "select position from followers where follower = %s", (follower,)) or 0


async def locked_position(connection: Connection, follower: str) -> int | None:
    """A follower's position, which nobody else can move before this transaction ends; None when it has none."""
    return await _value(connection, "select position from followers where follower = %s for update", (follower,))


async def tally_of(connection: Connection, follower: str) -> tuple[int | None, Tally]:
    """A follower's position and what it has done until there; None when it has none."""
    position, tally, _ = await standing(connection, follower, lock=False)
    return position, tally


async def standing(connection: Connection, follower: str, *, lock: bool) -> tuple[int | None, Tally, int]:
    """As :func:`tally_of`, with the latest term.

    :param lock: nobody else can move it before this transaction ends.
    """
    query: LiteralString = f"""select position, since, applied, applied_sum, applied_squares, chain, {TERM}
                                 from followers where follower = %s"""
    row: Any = await (await connection.execute(query + " for update" if lock else query, (follower,))).fetchone()
    if row is None:
        return None, Tally(), 0
    position, since, count, total, squares, chain, term = row
    return position, Tally(since, Sums(count, int(total), int(squares)), bytes(chain)), term


async def applied_later(transaction: Connection, follower: str, positions: Sequence[int]) -> None:
    """Count what lay aside and was applied after all."""
    await transaction.execute(_APPLIED_LATER, (list(positions), follower, follower))


async def begin_anew(transaction: Connection, follower: str) -> None:
    """Put a follower before the first event, as if it had never taken any; what it did is the caller's to undo."""
    await transaction.execute(
        """update followers set position = 0, since = 0, applied = 0, applied_sum = 0, applied_squares = 0, chain = ''
            where follower = %s""",
        (follower,),
    )
    # What lies aside comes again with the history, and could not be put aside twice.
    await transaction.execute("delete from parked where follower = %s", (follower,))


async def _value(connection: Connection, query: LiteralString, values: Sequence[object]) -> int | None:
    row = await (await connection.execute(query, values)).fetchone()
    return None if row is None else int(str(row[0]))
