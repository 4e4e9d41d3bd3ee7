"""What does one event contribute to which figure? Read from its JSON by topic, without any service's event class.

A figure is a sum of contributions: signed amounts, each at one unit and on one day. So it can be asked as of any day,
whatever the order in which events were recorded, and corrected by contributions of the other sign. What the events of a
service contribute stands in a module of its own, as functions from the said to contributions::

    @CONTRIBUTIONS.of("membership.member_joined")
    def member_joined(said: Said, late: Late) -> Iterable[Contribution]:
        yield Contribution("members", said.text("unit"), STOCK, said.day("on"), 1)
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, MutableSet
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import orjson

from chassis.cloudevents import BrokenEvent
from chassis.events import NotReadable
from chassis.recorded import RecordedEvent

STOCK = 0
"""The year of a contribution to a stock, which belongs to no year."""


@dataclass(frozen=True, slots=True)
class Contribution:
    """By how much an event changes a figure of a unit from a day on.

    :param year: the year it belongs to; `STOCK` for what is counted whatever the year.
    :param amount: signed, in the figure's unit; 0 where the event only stands behind the figure.
    :param decider: the unit that decided, for figures told apart by it.
    """

    figure: str
    unit: str
    year: int
    day: date
    amount: int
    decider: str = ""


Late = MutableSet[UUID]
"""The aggregates that were late already; a derivation may look one up and add one."""

Derivation = Callable[["Said", Late], Iterable[Contribution]]


class Said:
    """What an event of an aggregate says, field by field, each of the kind that is asked for.

    Its methods raise NotReadable where the field is missing or of another kind; the reason holds no value.
    """

    def __init__(self, topic: str, aggregate_id: UUID, fields: Mapping[str, Any]) -> None:
        self.topic, self.aggregate_id, self._fields = topic, aggregate_id, fields

    def is_given(self, name: str) -> bool:
        """Whether a field that may be left open has a value."""
        if name not in self._fields:
            raise self._wrong(name)
        return self._fields[name] is not None

    def text(self, name: str) -> str:
        """A text; may be empty."""
        value = self._fields.get(name)
        if not isinstance(value, str):
            raise self._wrong(name)
        return value

    def one_of(self, name: str, known: Collection[str]) -> str:
        """One of the words that are known."""
        value = self.text(name)
        if value not in known:
            raise self._wrong(name)
        return value

    def whole(self, name: str) -> int:
        """A whole number."""
        value = self._fields.get(name)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self._wrong(name)
        return value

    def flag(self, name: str) -> bool:
        """Yes or no."""
        value = self._fields.get(name)
        if not isinstance(value, bool):
            raise self._wrong(name)
        return value

    def day(self, name: str) -> date:
        """A calendar day."""
        try:
            return date.fromisoformat(self.text(name))
        except ValueError:
            raise self._wrong(name) from None

    def _wrong(self, name: str) -> NotReadable:
        return NotReadable(self.topic, f"field {name}")


@dataclass(frozen=True, slots=True)
class _Rule:
    schema_version: int
    derive: Derivation


class Contributions:
    """What the events of the services contribute, by topic."""

    def __init__(self) -> None:
        self._rules: dict[str, _Rule] = {}

    def of(self, topic: str, *, schema_version: int = 1) -> Callable[[Derivation], Derivation]:
        """Declare what the events of a topic contribute, up to a version of their schema."""

        def declare(derive: Derivation) -> Derivation:
            if self._rules.setdefault(topic, rule := _Rule(schema_version, derive)) is not rule:
                raise TypeError(f"what {topic} contributes is declared twice")
            return derive

        return declare

    def topics(self, service: str) -> frozenset[str]:
        """The events of a service that contribute to a figure."""
        return frozenset(topic for topic in self._rules if topic.startswith(f"{service}."))

    def derived(self, event: RecordedEvent, late: Late) -> Iterator[Contribution]:
        """What one event contributes; nothing for a topic that nobody declared.

        :raises NotReadable: it is of a later schema, or lacks what its topic promises.
        """
        rule = self._rules.get(event.topic)
        if rule is not None:
            yield from rule.derive(said_by(event, rule.schema_version), late)


def said_by(event: RecordedEvent, schema_version: int = 1) -> Said:
    """The fields of an event.

    :raises NotReadable: it is no valid event, no JSON object, or of a schema later than `schema_version`.
    """
    if isinstance(event, BrokenEvent):
        raise NotReadable(event.topic, event.flaw)
    try:
        fields = orjson.loads(event.body)
    except orjson.JSONDecodeError:
        fields = None
    if not isinstance(fields, dict):
        raise NotReadable(event.topic, "no JSON object")
    version = fields.get("schema_version")
    if not isinstance(version, int) or not 1 <= version <= schema_version:
        raise NotReadable(event.topic, f"schema version is none of 1 to {schema_version}")
    return Said(event.topic, event.aggregate_id, fields)


CONTRIBUTIONS = Contributions()
"""What every service's events contribute; filled as the modules of `audit.domain` are imported."""
