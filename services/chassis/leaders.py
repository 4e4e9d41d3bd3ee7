"""What does the row in a service's database say of who leads it, and how is it taken, kept and given back?

Times are by the clock of the database. What follows from it for a process stands in :mod:`chassis.leadership`.
"""

from collections.abc import Sequence
from typing import Any, LiteralString, NamedTuple

import psycopg
import structlog

from chassis.database import Connection

# A session whose beginning is hidden from us is another role's: it is there.
_FREE: LiteralString = """(l.until < clock_timestamp() or not exists (
    select from pg_stat_activity a where a.pid = l.pid and (a.backend_start = l.began or a.backend_start is null)))"""
_LOOK: LiteralString = f"select l.term, l.holder, l.alarm, l.drives, {_FREE} from leaders l where l.what = 'service'"
_OWN: LiteralString = "(select backend_start from pg_stat_activity where pid = pg_backend_pid())"
_TAKE: LiteralString = f"""
    with was as (select l.term, l.sessions from leaders l where l.what = 'service' and {_FREE} for update)
    update leaders l set term = was.term + 1, holder = %s, sessions = %s, drives = %s, alarm = '',
                         until = clock_timestamp() + make_interval(secs => %s), pid = pg_backend_pid(), began = {_OWN}
      from was where l.what = 'service' returning l.term, was.sessions"""
_RENEW: LiteralString = f"""
    update leaders set until = clock_timestamp() + make_interval(secs => %s), alarm = %s, pid = pg_backend_pid(), began = {_OWN}
     where what = 'service' and term = %s"""
_GIVE_BACK: LiteralString = """
    with given as (update leaders set until = 'epoch', pid = null, began = null, sessions = ''
                    where what = 'service' and term = %s returning what)
    select pg_notify('leaders', what) from given"""
_END: LiteralString = """
    select count(*) from (select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()
       and application_name = %s and state like 'idle in transaction%%' and pid <> pg_backend_pid()) as ended"""

log = structlog.get_logger(__name__)


class Seen(NamedTuple):
    """Who leads, in which term, what an operator must see of it, and which followers it drives; `free` when nobody does."""

    term: int
    holder: str
    alarm: str
    drives: Sequence[str]
    free: bool


async def look(connection: Connection) -> Seen:
    """What the row says now."""
    row: Any = await (await connection.execute(_LOOK)).fetchone()
    return Seen(*row)


async def take(
    connection: Connection, holder: str, sessions: str, drives: Sequence[str], seconds: float
) -> tuple[int, str] | None:
    """Lead for some seconds: the term, and the sessions of whoever led before; None when somebody else was first."""
    row: Any = await (await connection.execute(_TAKE, (holder, sessions, list(drives), seconds))).fetchone()
    return row and (row[0], row[1])


async def renew(connection: Connection, term: int, alarm: str, seconds: float) -> bool:
    """Lead for some seconds from now on; False when another term has begun."""
    return bool((await connection.execute(_RENEW, (seconds, alarm, term))).rowcount)


async def give_back(connection: Connection, term: int) -> None:
    """Lead no more, and say so (``notify leaders``)."""
    await connection.execute(_GIVE_BACK, (term,))


async def end_sessions(connection: Connection, sessions: str) -> int:
    """End what an earlier holder has left open: it would keep rows locked for as long as it is paused. How many there were."""
    if not sessions:
        return 0
    try:
        row: Any = await (await connection.execute(_END, (sessions,))).fetchone()
    except psycopg.errors.InsufficientPrivilege:
        log.warning("transactions of an earlier leader cannot be ended", sessions=sessions)
        return 0
    return int(row[0])
