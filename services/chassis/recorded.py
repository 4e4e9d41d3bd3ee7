"""What stands of an event in a history? Its place and bytes, and beside them who acted, when and why."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Generic, Self, TypeVar, overload
from uuid import UUID

import orjson

from chassis.events import Event, NotReadable, decode

T = TypeVar("T")
_set = object.__setattr__


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acted: the subject of the token, the role used and the unit it was held at."""

    id: str
    role: str
    unit: str


@dataclass(frozen=True, slots=True)
class Metadata:
    """Who, when and why: what stands beside every event.

    ``correlation_id`` is the first command of the chain, ``causation_id`` what led to this command directly: an event
    (``membership/1234``) or the command itself. ``effective`` is the day it was true.
    """

    unit: str
    effective: date
    actor: Actor
    command_id: UUID | None
    correlation_id: str
    causation_id: str
    traceparent: str = ""

    def encode(self) -> bytes:
        """Compact JSON, as stored."""
        return orjson.dumps(self)

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The value of stored bytes."""
        fields = orjson.loads(data)
        fields["actor"] = Actor(**fields["actor"])
        fields["effective"] = date.fromisoformat(fields["effective"])
        fields["command_id"] = UUID(fields["command_id"]) if fields["command_id"] else None
        return cls(**fields)


class _Kept(Generic[T]):
    """A value that is made when first asked for and kept beside the fields: `functools.cached_property` without its lock,
    which takes longer than to decode many an event. Two threads may make it twice, and the same."""

    def __init__(self, make: Callable[[Any], T]) -> None:
        self._make, self.__doc__ = make, make.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object | None, owner: type) -> Self | T:
        if instance is None:
            return self
        value = instance.__dict__[self._name] = self._make(instance)
        return value


@dataclass(frozen=True, init=False)
class RecordedEvent:
    """An event as it stands in the store and on the stream: position, bytes and metadata.

    ``position`` is gap-free per service, ``branch_position`` per service and branch, ``version`` per aggregate; all
    start at 1.
    """

    service: str
    position: int
    aggregate_id: UUID
    version: int
    topic: str
    body: bytes
    metadata_json: bytes
    branch: str
    branch_position: int
    recorded_at: datetime
    opened: Event | NotReadable | None = field(default=None, init=False, repr=False, compare=False)
    """What opening its seals brought; None as long as nobody with keys opened it."""

    def __init__(
        self,
        service: str,
        position: int,
        aggregate_id: UUID,
        version: int,
        topic: str,
        body: bytes,
        metadata_json: bytes,
        branch: str,
        branch_position: int,
        recorded_at: datetime,
    ) -> None:
        # All fields at once: one by one, as a frozen dataclass sets them, takes longer than to read the row.
        fields = {
            "service": service,
            "position": position,
            "aggregate_id": aggregate_id,
            "version": version,
            "topic": topic,
            "body": body,
            "metadata_json": metadata_json,
            "branch": branch,
            "branch_position": branch_position,
            "recorded_at": recorded_at,
        }
        _set(self, "__dict__", fields)

    @_Kept
    def event(self) -> Event:
        """The typed event, decoded when first asked for; its personal values are there once it was opened.

        :raises NotReadable: see :func:`decode`.
        """
        opened = self.opened
        if opened is None:
            return decode(self.topic, self.body)
        if isinstance(opened, NotReadable):
            raise opened
        return opened

    def is_opened(self, outcome: "Event | NotReadable") -> None:
        """Keep what opening its seals brought; see :mod:`chassis.sealing`."""
        object.__setattr__(self, "opened", outcome)
        self.__dict__.pop("event", None)

    @_Kept
    def metadata(self) -> Metadata:
        """Who, when and why, decoded when first asked for."""
        return Metadata.decode(self.metadata_json)

    @property
    def id(self) -> str:
        """Stable name of the event for the whole federation: ``membership/1234``."""
        return f"{self.service}/{self.position}"
