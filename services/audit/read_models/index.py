"""Where does what stand: at which positions are the events of a unit, a member, an actor, a command, a day?

One follower a service indexes every event of its stream; rows and position become true together. The content of no event
is kept here: a reader asks for positions in pages (:func:`page`) and has the bytes from the stream
(:mod:`audit.history`). Pages go by recorded time, then service and position.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from audit.domain.subject import persons_in
from chassis.database import Connection, Pool
from chassis.recorded import RecordedEvent

VERSION = 1
INDEX, MEMBERS, FIRST = (f"index{part}_v{VERSION}" for part in ("", "_members", "_first"))
_ORDER = "recorded_at, service, position"

SCHEMA = (
    f"""create table if not exists {INDEX} (
        service text not null,
        position bigint not null,
        topic text not null,
        unit text not null,
        branch text not null,
        effective date,
        recorded_at timestamptz not null,
        actor text not null,
        command_id uuid,
        correlation text not null,
        primary key (service, position)
    )""",
    f"""create table if not exists {MEMBERS} (
        member_id uuid not null,
        recorded_at timestamptz not null,
        service text not null,
        position bigint not null,
        primary key (member_id, {_ORDER})
    )""",
    # Of which persons the first event of an aggregate told: what follows in it is about them where it names nobody.
    f"""create table if not exists {FIRST} (
        aggregate_id uuid not null,
        member_id uuid not null,
        primary key (aggregate_id, member_id)
    )""",
    *(
        f"create index if not exists {INDEX}_by_{column} on {INDEX} ({column}, {_ORDER.replace(f'{column}, ', '')})"
        for column in ("topic", "unit", "branch", "effective", "actor", "command_id", "correlation")
    ),
    f"create index if not exists {INDEX}_by_service on {INDEX} (service, recorded_at, position)",
)
MAX_PROBES = 400
"""So many units or days are looked up one by one; more of them are most of the history, which is then gone through."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Where an event stands, and all by which it is found but the persons."""

    service: str
    position: int
    topic: str
    unit: str
    branch: str
    effective: date | None
    recorded_at: datetime
    actor: str
    command_id: UUID | None
    correlation: str


_COLUMNS = tuple(field.name for field in fields(Entry))
_TYPES = ("text", "bigint", "text", "text", "text", "date", "timestamptz", "text", "uuid", "text")
_ARRAYS = ", ".join(f"%b::{kind}[]" for kind in _TYPES)
_ADD = f"insert into {INDEX} ({', '.join(_COLUMNS)}) select * from unnest({_ARRAYS})"
_ADD_MEMBERS = f"""insert into {MEMBERS} (member_id, recorded_at, service, position)
    select * from unnest(%b::uuid[], %b::timestamptz[], %b::text[], %b::bigint[])"""
_ADD_FIRST = f"insert into {FIRST} select * from unnest(%b::uuid[], %b::uuid[])"
_FIND_FIRST = f"select aggregate_id, member_id from {FIRST} where aggregate_id = any(%s)"


class IndexKeeper:
    """Indexes the events of one service: the effect that a follower drives."""

    topics: frozenset[str] = frozenset()

    def __init__(self, source: str) -> None:
        self.name, self.source = f"index.v{VERSION}.{source}", source

    async def take(self, events: Sequence[RecordedEvent], transaction: Connection) -> None:
        """Index some events; what cannot be read stands under its place in the stream alone."""
        entries = [entry_of(event) for event in events]
        await transaction.execute(_ADD.encode(), [[getattr(entry, name) for entry in entries] for name in _COLUMNS])
        named = [persons_in(event.body) for event in events]
        if first := [
            (event.aggregate_id, person)
            for event, persons in zip(events, named, strict=True)
            if event.version == 1
            for person in persons
        ]:
            await transaction.execute(_ADD_FIRST.encode(), _transposed(first))
        silent = [event.aggregate_id for event, persons in zip(events, named, strict=True) if not persons and event.version > 1]
        known = await _of_first(transaction, silent)
        rows = [
            (person, event.recorded_at, event.service, event.position)
            for event, persons in zip(events, named, strict=True)
            for person in sorted(persons or known.get(event.aggregate_id, []))
        ]
        if rows:
            await transaction.execute(_ADD_MEMBERS.encode(), _transposed(rows))

    async def taken(self, events: Sequence[RecordedEvent]) -> None:
        """Nothing is held in memory, so nothing is to be told."""


def entry_of(event: RecordedEvent) -> Entry:
    """The entry of an event; of metadata that cannot be read, nothing is known."""
    try:
        metadata = orjson.loads(event.metadata_json)
        unit, actor, effective = metadata["unit"], metadata["actor"]["id"], date.fromisoformat(metadata["effective"])
        command_id, correlation = metadata["command_id"], metadata["correlation_id"]
        command = UUID(command_id) if command_id else None
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        unit, actor, effective, command, correlation = "", "", None, None, ""
    place = (event.service, event.position, event.topic, unit, event.branch)
    return Entry(*place, effective, event.recorded_at, actor, command, correlation)


async def _of_first(transaction: Connection, aggregate_ids: Sequence[UUID]) -> Mapping[UUID, list[UUID]]:
    found: dict[UUID, list[UUID]] = {}
    if aggregate_ids:
        rows: Any = await (await transaction.execute(_FIND_FIRST.encode(), (list(set(aggregate_ids)),))).fetchall()
        for aggregate_id, member_id in rows:
            found.setdefault(aggregate_id, []).append(member_id)
    return found


def _transposed(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


@dataclass(frozen=True, slots=True)
class Filter:
    """Which events are asked for: those that match every part that is given, up to a cut.

    `effective_to` is a day that still counts, `recorded_before` a time that does not. `units` are those of a subtree.
    """

    cut: Mapping[str, int]
    recorded_from: datetime | None = None
    recorded_before: datetime | None = None
    effective_from: date | None = None
    effective_to: date | None = None
    branch: str = ""
    units: Sequence[str] | None = None
    member_id: UUID | None = None
    topics: Sequence[str] = ()
    of_command: UUID | None = None
    actor: str = ""
    correlation: str = ""


_AT_ITS_PLACE = f"select * from {INDEX} i where i.service = m.service and i.position = m.position"
Key = tuple[datetime, str, int]
"""Where a page ends: the recorded time, service and position of its last event."""


async def page(pool: Pool, wanted: Filter, after: Key | None, size: int) -> list[Key]:
    """The next events that match, by recorded time, service and position.

    Each page costs one index probe for each service, unit or day looked up, and what it passes over: of what was led to
    by the narrowest part of the filter, whatever the others leave out.
    """
    query, values = statement(wanted, after, size)
    async with pool.connection() as connection, connection.transaction():
        await by_index(connection)
        rows: list[Any] = await (await connection.cursor(binary=True).execute(query.encode(), values)).fetchall()
    return [(recorded_at, service, position) for recorded_at, service, position in rows]


async def by_index(transaction: Connection) -> None:
    """Have what is asked in a transaction answered by indexes alone, each row found where it stands.

    The order of an index is the order of the page; a plan for tables without statistics would sort them whole.
    """
    await transaction.execute("set local plan_cache_mode = force_custom_plan")
    for way in ("seqscan", "bitmapscan", "hashjoin", "mergejoin"):
        await transaction.execute(f"set local enable_{way} = off".encode())


def statement(wanted: Filter, after: Key | None, size: int) -> tuple[str, list[Any]]:
    """The query of a page, led by the narrowest part of a filter."""
    column, values = _lead(wanted)
    # A member's events have an order of their own, in an index of their own; what else is asked is looked up by their place.
    place = "m" if column == "member_id" else "e"
    source = f"{MEMBERS} m cross join lateral ({_AT_ITS_PLACE} offset 0) e" if place == "m" else f"{INDEX} e"
    order = f"{place}.recorded_at, {place}.service, {place}.position"
    conditions = [(f"{place}.{column} = led.value", []), *_conditions(wanted, after, place)]
    kind = {"member_id": "uuid", "command_id": "uuid", "effective": "date"}.get(column, "text")
    query = f"""select found.* from unnest(%b::{kind}[]) as led (value) cross join lateral (
        select {order} from {source} where {" and ".join(text for text, _ in conditions)} order by {order} limit %b) as found
        order by {_ORDER} limit %b"""
    return query, [values, *(value for _, bound in conditions for value in bound), size, size]


def _lead(wanted: Filter) -> tuple[str, list[Any]]:
    """The column by which the events are looked up, and the values looked up there; the narrowest first."""
    days = _days(wanted)
    leads: list[tuple[str, Sequence[Any]]] = [
        ("command_id", [wanted.of_command] if wanted.of_command else []),
        ("member_id", [wanted.member_id] if wanted.member_id else []),
        ("correlation", [wanted.correlation] if wanted.correlation else []),
        ("unit", wanted.units if wanted.units is not None and len(wanted.units) <= MAX_PROBES else []),
        ("actor", [wanted.actor] if wanted.actor else []),
        ("topic", wanted.topics),
        ("effective", days if len(days) <= MAX_PROBES else []),
        ("branch", [wanted.branch] if wanted.branch else []),
    ]
    column, values = next(((column, values) for column, values in leads if values), ("service", list(wanted.cut)))
    return column, list(values)


def _days(wanted: Filter) -> list[date]:
    first, last = wanted.effective_from, wanted.effective_to
    if first is None or last is None:
        return []
    return [first + timedelta(days=number) for number in range(min((last - first).days, MAX_PROBES) + 1)]


def _conditions(wanted: Filter, after: Key | None, place: str) -> Iterator[tuple[str, list[Any]]]:
    """What must hold of an event, each with its values; `place` is the table by whose order it is found."""
    services = sorted(wanted.cut)
    parts = " or ".join(f"({place}.service = %b and {place}.position <= %b)" for _ in services) or "false"
    yield f"({parts})", [value for service in services for value in (service, wanted.cut[service])]
    if after:
        yield f"({place}.recorded_at, {place}.service, {place}.position) > (%b, %b, %b)", list(after)
    if wanted.units is not None:
        yield "e.unit = any(%b)", [list(wanted.units)]
    if wanted.topics:
        yield "e.topic = any(%b)", [list(wanted.topics)]
    singles: list[tuple[str, Any]] = [
        (f"{place}.recorded_at >= %b", wanted.recorded_from),
        (f"{place}.recorded_at < %b", wanted.recorded_before),
        ("e.effective >= %b", wanted.effective_from),
        ("e.effective <= %b", wanted.effective_to),
        ("e.branch = %b", wanted.branch or None),
        ("e.command_id = %b", wanted.of_command),
        ("e.actor = %b", wanted.actor or None),
        ("e.correlation = %b", wanted.correlation or None),
    ]
    for text, value in singles:
        if value is not None:
            yield text, [value]


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
