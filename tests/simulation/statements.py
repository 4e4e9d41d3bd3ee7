"""Which statements does the product issue, and what does each do to rows in dictionaries?

A new statement of the product is a new line here; until it stands, a schedule that meets it fails and says which one.
"""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import psycopg

from tests.simulation.database import Row, Rows, Session, Written, transposed

Run = Callable[[Session, Sequence[Any]], Rows]
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


# The event store.


def _answer_to(session: Session, values: Sequence[Any]) -> Rows:
    known = session.database.commands.get(values[0])
    if known is None:
        return Rows()
    fingerprint, position = known
    event = session.database.events[position - 1]
    return Rows([(fingerprint, position, event[1], event[2])])


def _version(session: Session, values: Sequence[Any]) -> Rows:
    positions = session.database.versions.get(values[0])
    return Rows([(len(positions),)] if positions else [])


def _histories(session: Session, values: Sequence[Any]) -> Rows:
    database = session.database
    return Rows([database.events[position - 1] for each in sorted(values[0]) for position in database.versions.get(each, ())])


def _read(session: Session, values: Sequence[Any]) -> Rows:
    after, limit = values
    return Rows(session.database.events[after : after + limit])


def _read_topics(session: Session, values: Sequence[Any]) -> Rows:
    after, topics, limit = values
    return Rows([event for event in session.database.events[after:] if event[3] in topics][:limit])


def append_batch(session: Session, values: Sequence[Any]) -> Rows:
    """As the function of that name does it (services/chassis/sql)."""
    database = session.database
    ids, fingerprints, lasts, aggregates, versions = values[:5]
    events, recorded_at = transposed(values[5:11]), values[11]
    claims, needs, deltas, limits, branches_seen, places_seen, moves_places, moves_branches = values[12:20]
    if branches_seen not in (None, database.branches_at) or places_seen not in (None, database.places_at):
        return Rows([("rearranged", None, None, None, None, None, None)])
    against = [_repeated(database, each) for each in ids if each in database.commands]
    for number, (aggregate, version) in enumerate(zip(aggregates, versions, strict=True), 1):
        known = len(database.versions.get(aggregate, ()))
        if version != (known or min(version, 0)):
            against.append(("stale", number, None, None, None, None, None))
    for number, (claim, need, limit) in enumerate(zip(claims, needs, limits, strict=True), 1):
        holders = database.claims.get(claim, 0)
        if (need == "free" and holders != 0) or (need == "unclosed" and not 0 <= holders <= limit):
            against.append(("claimed", number, None, None, None, None, None))
    if against:
        return Rows(against)
    before = database.position
    _check_versions(database, events)
    for aggregate, version, topic, body, metadata, branch in events:
        database.position += 1
        database.branches[branch] = place = database.branches.get(branch, 0) + 1
        database.versions.setdefault(aggregate, []).append(database.position)
        database.events.append((database.position, aggregate, version, topic, body, metadata, branch, place, recorded_at))
    for each, fingerprint, last in zip(ids, fingerprints, lasts, strict=True):
        database.commands[each] = (fingerprint, before + last)
    for claim, delta in zip(claims, deltas, strict=True):
        database.claims[claim] = database.claims.get(claim, 0) + delta
        if database.claims[claim] == 0:
            del database.claims[claim]
    if moves_places:
        database.places_at = database.position
    if moves_branches:
        database.branches_at = database.position
    database.notify("events", str(database.position))
    return Rows([("appended", None, None, None, before, None, None)])


def _repeated(database: Any, command_id: Any) -> Row:
    fingerprint, position = database.commands[command_id]
    _, aggregate, version, *_ = database.events[position - 1]
    return "repeated", None, command_id, fingerprint, position, aggregate, version


def _check_versions(database: Any, events: Rows) -> None:
    """The unique index: a version of an aggregate there is once."""
    reached: dict[Any, int] = {}
    for aggregate, version, *_ in events:
        if version <= reached.get(aggregate, len(database.versions.get(aggregate, ()))):
            raise psycopg.errors.UniqueViolation("events_by_aggregate")
        reached[aggregate] = version


def _listen(channel: str) -> Run:
    def listen(session: Session, _: Sequence[Any]) -> Rows:
        session.listens.add(channel)
        return Rows()

    return listen


def _notify(session: Session, values: Sequence[Any]) -> Rows:
    session.database.notify(*values)
    return Rows()


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
    return Rows([(*row, _leader(session)[0])] if row else [])


def _locked(run: Run) -> Run:
    def locked(session: Session, values: Sequence[Any]) -> Rows:
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
    session.lock("followers", follower)
    row = session.get("followers", follower)
    if row is None or term not in (None, _leader(session)[0]):
        return Written(0)
    session.put("followers", [(follower, (position, row[1], applied, total, squares, chain))])
    return Written(1)


def _positions(session: Session, _: Sequence[Any]) -> Rows:
    return Rows([(name, row[0]) for name, row in session.rows("followers").items()])


def _write_down(session: Session, values: Sequence[Any]) -> Rows:
    *columns, term = values
    if term != _leader(session)[0]:
        return Rows()
    written = []
    for follower, held, position in transposed(columns):
        row = session.get("followers", follower)
        if row and row[0] == held and ("followers", follower) not in session.database.locks:
            session.put("followers", [(follower, (position, *row[1:]))])
            written.append((follower, position))
    return Rows(written)


# Who leads: term, holder, sessions, until, session, alarm.


def _leader(session: Session) -> Row:
    return session.get("leaders", "service") or (0, "", "", float("-inf"), None, "")


def _is_free(session: Session) -> bool:
    _, _, _, until, held_by, _ = _leader(session)
    database = session.database
    return bool(until < database.loop.time() or held_by not in {other.number for other in database.sessions})


def _look_who_leads(session: Session, _: Sequence[Any]) -> Rows:
    term, holder, _, _, _, alarm = _leader(session)
    return Rows([(term, holder, alarm, [], _is_free(session))])


def _take_the_lead(session: Session, values: Sequence[Any]) -> Rows:
    holder, sessions, _, seconds = values
    session.lock("leaders", "service")
    if not _is_free(session):
        return Rows()
    term, _, before, *_ = _leader(session)
    until = session.database.loop.time() + seconds
    session.put("leaders", [("service", (term + 1, holder, sessions, until, session.number, ""))])
    return Rows([(term + 1, before)])


def _renew(session: Session, values: Sequence[Any]) -> Rows:
    seconds, alarm, term = values
    latest, holder, sessions, *_ = _leader(session)
    if latest != term:
        return Written(0)
    until = session.database.loop.time() + seconds
    session.put("leaders", [("service", (term, holder, sessions, until, session.number, alarm))])
    return Written(1)


def _give_back(session: Session, values: Sequence[Any]) -> Rows:
    term, holder, _, _, _, alarm = _leader(session)
    if term == values[0]:
        session.put("leaders", [("service", (term, holder, "", float("-inf"), None, alarm))])
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
    " where c.command_id = %s": _answer_to,
    "select version from events where aggregate_id = %s order by version desc limit 1": _version,
    f"select {_EVENT} from events where aggregate_id = any(%s) order by aggregate_id, version": _histories,
    f"select {_EVENT} from events where position > %s order by position limit %s": _read,
    f"select {_EVENT} from events where position > %s and topic = any(%s) order by position limit %s": _read_topics,
    "select branches_at, places_at from head": lambda s, _: Rows([(s.database.branches_at, s.database.places_at)]),
    "select position from head": lambda s, _: Rows([(s.database.position,)]),
    "select branch from branches order by branch": lambda s, _: Rows((branch,) for branch in sorted(s.database.branches)),
    "select * from append_batch(" + ",".join(["%b"] * 20) + ")": append_batch,
    "select pg_notify(%s, %s)": _notify,
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
    (re.compile(r"listen (\w+)"), _listen),
    (re.compile(r"select (.+) from (\w+) where \((.+)\) in \(select \* from unnest\(.+\)\)"), _select),
    (re.compile(r"insert into (\w+) \((.+)\) select \* from unnest\(.+\) on conflict \((.+)\) do .+"), _upsert),
    (re.compile(r"delete from (\w+) where \((.+)\) in \(select \* from unnest\(.+\)\)"), _delete),
    (re.compile(r"select (.+) from (\w+) where true"), _all_rows),
    (re.compile(r"select (.+) from (\w+) where position > %s"), _later_rows),
]
