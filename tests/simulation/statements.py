"""Which statements does the product issue, and what does each do to rows in dictionaries?

A new statement of the product is a new line here; until it stands, a schedule that meets it fails and says which one.
"""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from tests.simulation import history_statements as history
from tests.simulation.database import Row, Rows, Session, Written, transposed
from tests.simulation.history_statements import Run

_EVENT = "position, aggregate_id, version, topic, body, metadata, branch, branch_position, recorded_at"
_TERM = "(select term from leaders where what = 'service')"
_TALLY = f"select position, since, applied, applied_sum, applied_squares, chain, {_TERM} from followers where follower = %s"
_FREE = (
    "(l.until < clock_timestamp() or not exists ( select from pg_stat_activity a where a.pid = l.pid"
    " and (a.backend_start = l.began or a.backend_start is null)))"
)
_OWN = "pid = pg_backend_pid(), began = (select backend_start from pg_stat_activity where pid = pg_backend_pid())"
_UNTIL = "until = clock_timestamp() + make_interval(secs => %s)"


class UnknownStatement(Exception):
    """The product says something that the simulation does not know."""


@lru_cache(maxsize=4_096)
def statement(query: str | bytes) -> Run:
    """What a statement does.

    :raises UnknownStatement: nobody said.
    """
    text = " ".join((query.decode() if isinstance(query, bytes) else query).split())
    if text in _STATEMENTS:
        return _STATEMENTS[text]
    for pattern, make in _PATTERNS:
        if found := pattern.fullmatch(text):
            return make(*found.groups())
    raise UnknownStatement(text)


# Whoever follows.


def _begin_to_follow(session: Session, values: Sequence[Any]) -> Rows:
    if session.get("followers", values[0]) is None:
        session.put("followers", [(values[0], (0, 0, 0, 0, 0, b""))])
    return Rows()


def _position(session: Session, values: Sequence[Any]) -> Rows:
    row = session.get("followers", values[0])
    return Rows([row[:1]] if row else [])


def _tally(session: Session, values: Sequence[Any]) -> Rows:
    row = session.get("followers", values[0])
    return Rows([(*row, _term(session))] if row else [])


def _locked(run: Run) -> Run:
    def locked(session: Session, values: Sequence[Any]) -> Rows:
        _term(session)
        session.lock("followers", values[0])
        return run(session, values)

    return locked


def _blocked(session: Session, values: Sequence[Any]) -> Rows:
    first: dict[Any, int] = {}
    for (follower, position), row in session.rows("parked").items():
        if follower == values[0]:
            first[row[2]] = min(position, first.get(row[2], position))
    return Rows(first.items())


def _park(session: Session, values: Sequence[Any]) -> Rows:
    key = tuple(values[:2])
    if session.get("parked", key) is None:
        session.put("parked", [(key, tuple(values))])
    return Rows()


def _move(session: Session, values: Sequence[Any]) -> Rows:
    position, applied, total, squares, chain, follower, term = values
    latest = _term(session)
    session.lock("followers", follower)
    row = session.get("followers", follower)
    if row is None or term not in (None, latest):
        return Written(0)
    session.put("followers", [(follower, (position, row[1], applied, total, squares, chain))])
    return Written(1)


def _positions(session: Session, _: Sequence[Any]) -> Rows:
    return Rows([(name, row[0]) for name, row in session.rows("followers").items()])


def _write_down(session: Session, values: Sequence[Any]) -> Rows:
    *columns, term = values
    if term != _term(session):
        return Rows()
    written = []
    for follower, held, position in transposed(columns):
        row = session.get("followers", follower)
        if row and row[0] == held and ("followers", follower) not in session.database.locks:
            session.put("followers", [(follower, (position, *row[1:]))])
            written.append((follower, position))
    return Rows(written)


# Who leads: term, holder, sessions, until, session, alarm, drives.


_NOBODY: Row = (0, "", "", float("-inf"), None, "", [])


def _leader(session: Session) -> Row:
    return session.get("leaders", "service") or _NOBODY


def _term(session: Session) -> int:
    """The latest term when the statement began: no other one is seen while it waits for a row."""
    return int((session.get_as_begun("leaders", "service") or _NOBODY)[0])


def _is_free(session: Session) -> bool:
    _, _, _, until, held_by, *_ = _leader(session)
    database = session.database
    return bool(until < database.loop.time() or held_by not in {other.number for other in database.sessions})


def _look_who_leads(session: Session, _: Sequence[Any]) -> Rows:
    term, holder, _, _, _, alarm, drives = _leader(session)
    return Rows([(term, holder, alarm, drives, _is_free(session))])


def _take_the_lead(session: Session, values: Sequence[Any]) -> Rows:
    holder, sessions, drives, seconds = values
    session.lock("leaders", "service")
    if not _is_free(session):
        return Rows()
    term, _, before, *_ = _leader(session)
    until = session.database.loop.time() + seconds
    session.put("leaders", [("service", (term + 1, holder, sessions, until, session.number, "", drives))])
    return Rows([(term + 1, before)])


def _renew(session: Session, values: Sequence[Any]) -> Rows:
    seconds, alarm, term = values
    latest, holder, sessions, _, _, _, drives = _leader(session)
    if latest != term:
        return Written(0)
    until = session.database.loop.time() + seconds
    session.put("leaders", [("service", (term, holder, sessions, until, session.number, alarm, drives))])
    return Written(1)


def _give_back(session: Session, values: Sequence[Any]) -> Rows:
    term, holder, _, _, _, alarm, drives = _leader(session)
    if term == values[0]:
        session.put("leaders", [("service", (term, holder, "", float("-inf"), None, alarm, drives))])
        session.database.notify("leaders", "service")
    return Rows()


def _end_sessions(session: Session, values: Sequence[Any]) -> Rows:
    found = [
        each for each in session.database.sessions if each.name == values[0] and each.writes is not None and each is not session
    ]
    for each in found:
        each.end()
    return Rows([(len(found),)])


# Read models.


def _select(columns: str, table: str, key: str) -> Run:
    del columns, key

    def select(session: Session, values: Sequence[Any]) -> Rows:
        return Rows([row for wanted in transposed(values) if (row := session.get(table, wanted))])

    return select


def _upsert(table: str, columns: str, key: str) -> Run:
    names = columns.split(", ")
    places = [names.index(name) for name in key.split(", ")]

    def upsert(session: Session, values: Sequence[Any]) -> Rows:
        session.put(table, [(tuple([row[place] for place in places]), row) for row in transposed(values)])
        return Rows()

    return upsert


def _delete(table: str, key: str) -> Run:
    del key

    def delete(session: Session, values: Sequence[Any]) -> Rows:
        session.put(table, [(wanted, None) for wanted in transposed(values)])
        return Rows()

    return delete


def _all_rows(columns: str, table: str) -> Run:
    del columns
    return lambda session, _: Rows(session.rows(table).values())


def _later_rows(columns: str, table: str) -> Run:
    place = columns.split(", ").index("position")
    return lambda session, values: Rows(row for row in session.rows(table).values() if row[place] > values[0])


_STATEMENTS: dict[str, Run] = {
    "select c.fingerprint, c.position, e.aggregate_id, e.version from commands c join events e using (position)"
    " where c.command_id = %s": history.answer_to,
    "select version from events where aggregate_id = %s order by version desc limit 1": history.version,
    f"select {_EVENT} from events where aggregate_id = any(%s) order by aggregate_id, version": history.histories,
    f"select {_EVENT} from events where position > %s order by position limit %s": history.read,
    f"select {_EVENT} from events where position > %s and topic = any(%s) order by position limit %s": history.read_topics,
    "select branches_at, places_at from head": lambda s, _: Rows([(s.database.branches_at, s.database.places_at)]),
    "select position from head": lambda s, _: Rows([(s.database.position,)]),
    "select branch from branches order by branch": lambda s, _: Rows((branch,) for branch in sorted(s.database.branches)),
    "select * from append_batch(" + ",".join(["%b"] * 20) + ")": history.append_batch,
    "select pg_notify(%s, %s)": history.notify,
    "insert into followers (follower, position) values (%s, 0) on conflict do nothing": _begin_to_follow,
    "select position from followers where follower = %s": _position,
    "select position from followers where follower = %s for update": _locked(_position),
    _TALLY: _tally,
    f"{_TALLY} for update": _locked(_tally),
    "select aggregate_id, min(position) from parked where follower = %s group by aggregate_id": _blocked,
    "insert into parked (follower, position, aggregate_id, topic, reason, waits_for, event, parked_at)"
    " values (%s, %s, %s, %s, %s, %s, %s, %s) on conflict (follower, position) do nothing": _park,
    "update followers set position = %s, applied = %s, applied_sum = %s, applied_squares = %s, chain = %s"
    ""
    f" where follower = %s and {_TERM} = coalesce(%s, {_TERM})": _move,
}
_STATEMENTS |= {
    "select follower, position from followers": _positions,
    "with free as (select f.follower, n.position from followers f"
    " join unnest(%s::text[], %s::bigint[], %s::bigint[]) as n (follower, held, position)"
    f" on f.follower = n.follower and f.position = n.held where {_TERM} = %s for update of f skip locked)"
    " update followers f set position = free.position from free where f.follower = free.follower"
    " returning f.follower, f.position": _write_down,
    f"select l.term, l.holder, l.alarm, l.drives, {_FREE} from leaders l where l.what = 'service'": _look_who_leads,
    f"with was as (select l.term, l.sessions from leaders l where l.what = 'service' and {_FREE} for update)"
    f" update leaders l set term = was.term + 1, holder = %s, sessions = %s, drives = %s, alarm = '', {_UNTIL}, {_OWN}"
    " from was where l.what = 'service' returning l.term, was.sessions": _take_the_lead,
    f"update leaders set {_UNTIL}, alarm = %s, {_OWN} where what = 'service' and term = %s": _renew,
    "with given as (update leaders set until = 'epoch', pid = null, began = null, sessions = ''"
    " where what = 'service' and term = %s returning what) select pg_notify('leaders', what) from given": _give_back,
    "select count(*) from (select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()"
    " and application_name = %s and state like 'idle in transaction%%' and pid <> pg_backend_pid()) as ended": _end_sessions,
}

_PATTERNS: list[tuple[re.Pattern[str], Callable[..., Run]]] = [
    (re.compile(r"listen (\w+)"), history.listen),
    (re.compile(r"select (.+) from (\w+) where \((.+)\) in \(select \* from unnest\(.+\)\)"), _select),
    (re.compile(r"insert into (\w+) \((.+)\) select \* from unnest\(.+\) on conflict \((.+)\) do .+"), _upsert),
    (re.compile(r"delete from (\w+) where \((.+)\) in \(select \* from unnest\(.+\)\)"), _delete),
    (re.compile(r"select (.+) from (\w+) where true"), _all_rows),
    (re.compile(r"select (.+) from (\w+) where position > %s"), _later_rows),
]
