"""What do the statements about a history do: append, read, say that it grew?

Each does to lists and dictionaries what PostgreSQL does to rows; ``test_as_postgresql`` compares them.
"""

from collections.abc import Callable, Sequence
from typing import Any

import psycopg

from tests.simulation.database import Row, Rows, Session, transposed

Run = Callable[[Session, Sequence[Any]], Rows]


def answer_to(session: Session, values: Sequence[Any]) -> Rows:
    """What a command was answered at first."""
    known = session.database.commands.get(values[0])
    if known is None:
        return Rows()
    fingerprint, position = known
    event = session.database.events[position - 1]
    return Rows([(fingerprint, position, event[1], event[2])])


def version(session: Session, values: Sequence[Any]) -> Rows:
    """The version of an aggregate."""
    positions = session.database.versions.get(values[0])
    return Rows([(len(positions),)] if positions else [])


def histories(session: Session, values: Sequence[Any]) -> Rows:
    """Every event of some aggregates."""
    database = session.database
    return Rows([database.events[position - 1] for each in sorted(values[0]) for position in database.versions.get(each, ())])


def read(session: Session, values: Sequence[Any]) -> Rows:
    """Some events after a position."""
    after, limit = values
    return Rows(session.database.events[after : after + limit])


def read_topics(session: Session, values: Sequence[Any]) -> Rows:
    """Some events of some topics after a position."""
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
    if len(set(ids)) < len(ids):
        raise psycopg.errors.UniqueViolation("commands_pkey")
    if any(database.claims.get(claim, 0) + delta < -1 for claim, delta in zip(claims, deltas, strict=True)):
        raise psycopg.errors.CheckViolation("claims_holders_check")
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


def listen(channel: str) -> Run:
    """Hear what is notified on a channel from now on."""

    def begin(session: Session, _: Sequence[Any]) -> Rows:
        session.listens.add(channel)
        return Rows()

    return begin


def notify(session: Session, values: Sequence[Any]) -> Rows:
    """Tell whoever listens."""
    session.database.notify(*values)
    return Rows()
