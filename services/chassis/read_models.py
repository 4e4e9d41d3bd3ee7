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
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar
from uuid import UUID

from chassis.events import PERSONAL, Event
from chassis.recorded import RecordedEvent

R = TypeVar("R")
E = TypeVar("E", bound=Event)
Key = tuple[Any, ...]
Evolve = Callable[[R | None, E, RecordedEvent], R | None]

_SQL_TYPES = {
    UUID: "uuid",
    str: "text",
    int: "bigint",
    bool: "boolean",
    date: "date",
    datetime: "timestamptz",
    Decimal: "numeric",
}

BESIDE = "beside"
"""The database schema in which second generations stand, under the names of the first."""


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
    :param indexes: further columns to index together.
    :param statements: further idempotent statements of its schema, ``{table}`` standing for its table.
    """

    def __init__(
        self,
        name: str,
        version: int,
        row: type[R],
        *,
        key: tuple[str, ...],
        source: str,
        indexes: Sequence[Sequence[str]] = (),
        statements: Sequence[str] = (),
    ) -> None:
        self.name, self.version, self.row, self.key, self.source = f"{name}.v{version}", version, row, key, source
        self.table = f"{name}_v{version}"
        self.name_beside, self.table_beside = f"{self.name}.beside", f"{BESIDE}.{self.table}"
        """Of its second generation; see :mod:`chassis.generations.tables`."""
        hints = typing.get_type_hints(row)
        self.columns = {field.name: _sql_type(hints[field.name]) for field in fields(row)}  # type: ignore[arg-type]
        marked = typing.get_type_hints(row, include_extras=True).items()
        self.personal_columns = frozenset(name for name, hint in marked if PERSONAL in getattr(hint, "__metadata__", ()))
        """Those marked :data:`chassis.events.Personal`."""
        self._indexes, self._statements = indexes, statements
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
            *(statement.format(table=self.table) for statement in self._statements),
        ]

    def keys(self, event: RecordedEvent) -> list[Key]:
        """The rows an event changes."""
        return [rule.key(event.event) for rule in self._rules.get(event.topic, ())]

    def apply(self, rows: dict[Key, R | None], event: RecordedEvent) -> None:
        """Evolve the rows of an event in place; pure but for `rows`."""
        for rule in self._rules.get(event.topic, ()):
            key = rule.key(event.event)
            rows[key] = rule.evolve(rows.get(key), event.event, event)

    def evolve(self, row: R | None, key: Key, event: RecordedEvent) -> R | None:
        """What one row becomes by an event; pure.

        :raises Exception: the event cannot be read, or does not fit the row.
        """
        for rule in self._rules.get(event.topic, ()):
            if rule.key(event.event) == key:
                row = rule.evolve(row, event.event, event)
        return row


def _sql_type(hint: Any) -> str:
    """The column type of a field: plain values only, optional ones nullable."""
    if isinstance(hint, types.UnionType):
        (plain,) = (part for part in typing.get_args(hint) if part is not type(None))
        return _SQL_TYPES[plain]
    return f"{_SQL_TYPES[hint]} not null"
