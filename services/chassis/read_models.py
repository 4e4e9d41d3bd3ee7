"""What does a history say to one question? A read model: rows, the events they follow, and a pure evolve.

::

    @dataclass(frozen=True, slots=True)
    class MemberCount:
        unit: str
        members: int

    MEMBER_COUNT = ReadModel("member_count", 1, MemberCount, key=("unit",), source="membership")

    @MEMBER_COUNT.on(MemberJoined, key=lambda event: (event.unit,))
    def joined(row: MemberCount | None, event: MemberJoined, at: RecordedEvent) -> MemberCount:
        return MemberCount(event.unit, row.members + 1 if row else 1)

Rows and position change in one transaction, in batches: the rows a batch touches are read with one statement, evolved
in memory, written with one statement. A change of the rows or of their meaning is a new version; it gets a table of
its own and is built from the first event, beside the old one.
"""

import types
import typing
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar
from uuid import UUID

from chassis.database import Connection
from chassis.events import Event, RecordedEvent
from chassis.following import unprocessable

R = TypeVar("R")
E = TypeVar("E", bound=Event)
Key = tuple[Any, ...]
Evolve = Callable[[R | None, E, RecordedEvent], R | None]

_SQL_TYPES = {
    UUID: "uuid", str: "text", int: "bigint", bool: "boolean", date: "date", datetime: "timestamptz", Decimal: "numeric"
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Rule(Generic[R]):
    key: Callable[[Any], Key]
    evolve: Callable[[R | None, Any, RecordedEvent], R | None]


class ReadModel(Generic[R]):
    """A question's rows, kept by events.

    :param name: of the question; its table is ``<name>_v<version>``.
    :param row: a frozen dataclass of plain values; each field is a column.
    :param key: the fields that identify a row.
    :param source: the service whose history it follows.
    :param indexes: further columns, or expressions, to index together.
    """

    def __init__(
        self, name: str, version: int, row: type[R], *, key: tuple[str, ...], source: str, indexes: Sequence[Sequence[str]] = ()
    ) -> None:
        self.name, self.version, self.row, self.key, self.source = f"{name}.v{version}", version, row, key, source
        self.table = f"{name}_v{version}"
        self.columns = {field.name: _sql_type(typing.get_type_hints(row)[field.name]) for field in fields(row)}  # type: ignore[arg-type]
        self._indexes = indexes
        self._rules: dict[str, list[_Rule[R]]] = {}

    def on(self, event: type[E], key: Callable[[E], Key]) -> Callable[[Evolve[R, E]], Evolve[R, E]]:
        """Declare how an event changes the row of a key: (row or None, event, recorded) → row, or None to delete it.

        An event may change several rows: declare each.
        """

        def declare(evolve: Evolve[R, E]) -> Evolve[R, E]:
            self._rules.setdefault(event.topic, []).append(_Rule(key, evolve))
            return evolve

        return declare

    @property
    def topics(self) -> frozenset[str]:
        """The events it follows."""
        return frozenset(self._rules)

    @property
    def schema(self) -> list[str]:
        """The statements that create its table; idempotent."""
        columns = ", ".join(f"{name} {kind}" for name, kind in self.columns.items())
        return [
            f"create table if not exists {self.table} ({columns}, primary key ({', '.join(self.key)}))",
            *(
                f"create index if not exists {self.table}_{number} on {self.table} ({', '.join(index)})"
                for number, index in enumerate(self._indexes, 1)
            ),
        ]

    def keys(self, event: RecordedEvent) -> list[Key]:
        """The rows an event changes."""
        return [rule.key(event.event) for rule in self._rules.get(event.topic, ())]

    def apply(self, rows: dict[Key, R | None], event: RecordedEvent) -> None:
        """Evolve the rows of an event in place; pure but for `rows`."""
        for rule in self._rules.get(event.topic, ()):
            key = rule.key(event.event)
            rows[key] = rule.evolve(rows.get(key), event.event, event)


class Projection(Generic[R]):
    """Keeps the table of a read model: the effect that a follower drives.

    :param on_rows: told of the rows that changed, after they became durable.
    """

    def __init__(self, model: ReadModel[R], on_rows: Callable[[Iterable[R]], None] | None = None) -> None:
        self.model, self.name, self.source, self.topics = model, model.name, model.source, model.topics
        self._on_rows = on_rows
        self._changed: list[R] = []
        columns = list(model.columns)
        arrays = ", ".join(f"%b::{kind.removesuffix(' not null')}[]" for kind in model.columns.values())
        key_arrays = ", ".join(f"%b::{model.columns[name].removesuffix(' not null')}[]" for name in model.key)
        key, rest = ", ".join(model.key), [name for name in columns if name not in model.key]
        update = ", ".join(f"{name} = excluded.{name}" for name in rest)
        self._select = f"select {', '.join(columns)} from {model.table} where ({key}) in (select * from unnest({key_arrays}))"
        self._upsert = (
            f"insert into {model.table} ({', '.join(columns)}) select * from unnest({arrays}) "
            f"on conflict ({key}) do {f'update set {update}' if update else 'nothing'}"
        )
        self._delete = f"delete from {model.table} where ({key}) in (select * from unnest({key_arrays}))"

    async def take(self, events: Sequence[RecordedEvent], transaction: Connection) -> None:
        """Evolve and write the rows that some events touch.

        :raises Unprocessable: an event cannot be read or does not fit its row.
        """
        keys: set[Key] = set()
        for event in events:
            try:
                keys.update(self.model.keys(event))
            except Exception as error:
                raise unprocessable(event, error) from error
        if not keys:
            return
        before = await self._rows(keys, transaction)
        rows: dict[Key, R | None] = dict(before)
        for event in events:
            try:
                self.model.apply(rows, event)
            except Exception as error:
                raise unprocessable(event, error) from error
        await self._write(before, rows, transaction)

    async def taken(self, events: Sequence[RecordedEvent]) -> None:
        """Tell of the rows that became durable."""
        changed, self._changed = self._changed, []
        if self._on_rows and changed:
            self._on_rows(changed)

    async def _rows(self, keys: Iterable[Key], transaction: Connection) -> dict[Key, R | None]:
        cursor = transaction.cursor(binary=True)
        await cursor.execute(self._select.encode(), _transposed(keys))
        places = [list(self.model.columns).index(name) for name in self.model.key]
        found = await cursor.fetchall()
        return {tuple(row[place] for place in places): self.model.row(*row) for row in found}

    async def _write(self, before: dict[Key, R | None], rows: dict[Key, R | None], transaction: Connection) -> None:
        changed = [row for key, row in rows.items() if row is not None and row is not before.get(key)]
        gone = [key for key, row in rows.items() if row is None and key in before]
        if changed:
            values = [[getattr(row, name) for row in changed] for name in self.model.columns]
            await transaction.execute(self._upsert.encode(), values)
        if gone:
            await transaction.execute(self._delete.encode(), _transposed(gone))
        self._changed = changed


def _transposed(keys: Iterable[Key]) -> list[list[Any]]:
    return [list(column) for column in zip(*keys, strict=True)]


def _sql_type(hint: Any) -> str:
    """The column type of a field: plain values only, optional ones nullable."""
    if isinstance(hint, types.UnionType):
        (plain,) = (part for part in typing.get_args(hint) if part is not type(None))
        return _SQL_TYPES[plain]
    return f"{_SQL_TYPES[hint]} not null"
