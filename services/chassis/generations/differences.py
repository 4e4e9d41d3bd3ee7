"""Which rows of two generations differ, in what, and by which events?

Both are seen at one position, in one snapshot, while both go on. The rows are compared by the database; for those that are
shown, one pass over what their read model follows finds the events of all of them together, and each row's cause is then
found by :mod:`chassis.generations.causes`. A personal value is never told: such a column differs, and that is all.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chassis.database import Connection
from chassis.generations.beside import SecondGenerations
from chassis.generations.causes import Cause, cause_of, last_set
from chassis.generations.tables import current_schema
from chassis.read_models import Key, ReadModel
from chassis.recorded import RecordedEvent

MAX_EVENTS_A_ROW = 1_000
"""Of a row with more events no cause is looked for."""

Rows = tuple[Any | None, Any | None]


@dataclass(frozen=True, slots=True)
class Column:
    """A column that differs: its values as text, None where there is none or it is personal; the event that set it."""

    name: str
    personal: bool
    live: str | None
    beside: str | None
    set_by: RecordedEvent | None


@dataclass(frozen=True, slots=True)
class Difference:
    """A row that differs, and why; `events` is how many there are of it, and `cause` speaks of the older generation."""

    key: Sequence[str]
    stands: str
    """In both generations (``both``), or only in the one of them (``live``, ``beside``)."""
    columns: Sequence[Column]
    events: int
    cause: Cause[RecordedEvent] | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two generations at one position: how many rows each has, how many differ, and some of these."""

    position: int
    rows_live: int
    rows_beside: int
    differing: int
    only_live: int
    only_beside: int
    shown: Sequence[Difference]

    @property
    def equal(self) -> bool:
        """Whether no row differs."""
        return self.differing + self.only_live + self.only_beside == 0


async def compared(beside: SecondGenerations, model: ReadModel[Any], most: int, timeout_s: float) -> Comparison:
    """The comparison of both generations, with at most so many differing rows.

    :raises NothingBeside, StillApart: there is nothing to compare yet. :raises Unavailable: not just now.
    """
    standing = await beside.standing_of(model)
    async with beside.side_by_side(model, timeout_s) as (snapshot, position):
        counts = await _counts(snapshot, model)
        differing = await _differing(snapshot, model, most)
        aside = [await _aside(snapshot, name) for name in (model.name, model.name_beside)]
    told = await _events_of(beside, model, set(differing), position)
    shown = [_difference(model, key, rows, told[key], aside, standing.newer_is_live) for key, rows in differing.items()]
    return Comparison(position, *counts, shown)


async def _counts(snapshot: Connection, model: ReadModel[Any]) -> tuple[int, int, int, int, int]:
    live, key = f"{await current_schema(snapshot)}.{model.table}", model.key[0]
    (rows_live,) = await _numbers(snapshot, f"select count(*) from {live}")
    (rows_beside,) = await _numbers(snapshot, f"select count(*) from {model.table_beside}")
    by_place = f"""select count(*) filter (where l.{key} = b.{key}), count(*) filter (where b.{key} is null),
                          count(*) filter (where l.{key} is null) from {await _joined(snapshot, model)}"""
    both, only_live, only_beside = await _numbers(snapshot, by_place)
    return rows_live, rows_beside, both, only_live, only_beside


async def _differing(snapshot: Connection, model: ReadModel[Any], most: int) -> dict[Key, Rows]:
    columns, key = list(model.columns), ", ".join(f"coalesce(l.{name}, b.{name})" for name in model.key)
    chosen = ", ".join([f"{alias}.{name}" for alias in "lb" for name in columns])
    query = f"select {chosen} from {await _joined(snapshot, model)} order by {key} limit %s"
    cursor = snapshot.cursor(binary=True)
    await cursor.execute(query.encode(), (most,))
    places = [columns.index(name) for name in model.key]
    found: dict[Key, Rows] = {}
    for values in await cursor.fetchall():
        halves = values[: len(columns)], values[len(columns) :]
        live, beside = (model.row(*half) if half[places[0]] is not None else None for half in halves)
        there = halves[0] if live is not None else halves[1]
        found[tuple(there[place] for place in places)] = (live, beside)
    return found


async def _joined(snapshot: Connection, model: ReadModel[Any]) -> str:
    """The rows that differ, of both generations; no column of a key is ever null in a row that is there."""
    live = f"{await current_schema(snapshot)}.{model.table}"
    values = [", ".join(f"{alias}.{name}" for name in model.columns) for alias in "lb"]
    return (
        f"{live} l full outer join {model.table_beside} b using ({', '.join(model.key)}) "
        f"where row({values[0]}) is distinct from row({values[1]})"
    )


async def _numbers(snapshot: Connection, query: str) -> tuple[int, ...]:
    row: Any = await (await snapshot.execute(query.encode())).fetchone()
    return tuple(int(number) for number in row)


async def _aside(snapshot: Connection, follower: str) -> frozenset[int]:
    rows: list[Any] = await (await snapshot.execute("select position from parked where follower = %s", (follower,))).fetchall()
    return frozenset(position for (position,) in rows)


async def _events_of(
    beside: SecondGenerations, model: ReadModel[Any], keys: set[Key], upto: int
) -> Mapping[Key, list[RecordedEvent]]:
    """The events of some rows, in one pass; of none more than can be looked through."""
    told: dict[Key, list[RecordedEvent]] = {key: [] for key in keys}
    if not keys:
        return told
    async for page in beside.past(model.source).events(model.topics, 0, upto):
        for event in page:
            for key in _keys(model, event):
                if key in told and len(told[key]) <= MAX_EVENTS_A_ROW:
                    told[key].append(event)
    if beside.sealer and model.personal_columns:
        await beside.sealer.open([event for events in told.values() for event in events])
    return told


def _keys(model: ReadModel[Any], event: RecordedEvent) -> Iterable[Key]:
    """The rows of an event, each once; none where it cannot be read, for then nobody has taken it."""
    try:
        return dict.fromkeys(model.keys(event))
    except Exception:
        return ()


def _difference(
    model: ReadModel[Any],
    key: Key,
    rows: Rows,
    events: Sequence[RecordedEvent],
    aside: Sequence[frozenset[int]],
    newer_is_live: bool,
) -> Difference:
    live, beside = rows
    stands = "both" if live is not None and beside is not None else "live" if live is not None else "beside"
    older, newer = (beside, live) if newer_is_live else (live, beside)
    of_older, of_newer = reversed(aside) if newer_is_live else aside
    left, late = ([event for event in events if event.position in positions] for positions in (of_older, of_newer))

    def evolve(row: Any, event: RecordedEvent) -> Any:
        return model.evolve(row, key, event)

    names = [name for name in model.columns if _value(live, name) != _value(beside, name)]
    searched = len(events) <= MAX_EVENTS_A_ROW
    set_by = last_set(evolve, events, names, late) if searched else {}
    columns = [_column(model, name, live, beside, set_by.get(name)) for name in names]
    cause = cause_of(evolve, events, older, newer, left, late) if searched else None
    return Difference([str(part) for part in key], stands, columns, len(events), cause)


def _value(row: Any, name: str) -> Any:
    return None if row is None else getattr(row, name)


def _column(model: ReadModel[Any], name: str, live: Any, beside: Any, set_by: RecordedEvent | None) -> Column:
    if name in model.personal_columns:
        return Column(name, True, None, None, set_by)
    there, here = (None if value is None else str(value) for value in (_value(live, name), _value(beside, name)))
    return Column(name, False, there, here, set_by)
