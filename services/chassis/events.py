"""What is an event, and how do its bytes become a value again?

An event is a frozen pydantic class with a stable topic. Its JSON bytes are stored once and announced as they are; who,
when and why stand beside them as :class:`Metadata`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Annotated, Any, ClassVar, Self, TypeVar
from uuid import UUID

import orjson
from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, ValidationError
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

T = TypeVar("T")
Json = dict[str, Any]
Upcaster = Callable[[Json], Json]


class PersonalMarker:
    """Marks a field whose value belongs to a person: it never enters a message, a log or a repr."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), "x-personal": True}


PERSONAL = PersonalMarker()
Personal = Annotated[T, PERSONAL, Field(repr=False)]
"""``full_name: Personal[str]`` — a field whose value belongs to a person (Law 91/2025/QH15)."""


class Event(BaseModel):
    """Something that happened, told as a whole sentence for strangers too.

    A subclass gives its stable topic and, once it changed, its schema version and an upcaster per old version::

        class UnitRenamed(Event, topic="membership.unit_renamed"):
            name: str

    ``unit`` is the unit in whose history it stands, ``on`` the day it was true (the recorded time is the store's).
    """

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    topic: ClassVar[str]
    schema_version: ClassVar[int] = 1
    upcasters: ClassVar[Mapping[int, Upcaster]] = {}

    unit: str
    on: date

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__()

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        topic, schema_version = kwargs["topic"], kwargs.get("schema_version", 1)
        if set(cls.upcasters) != set(range(1, schema_version)):
            raise TypeError(f"{topic} needs an upcaster from each version before {schema_version}")
        if TOPICS.setdefault(topic, cls) is not cls:
            raise TypeError(f"topic {topic} is taken by {TOPICS[topic].__qualname__}")
        cls.topic, cls.schema_version = topic, schema_version

    def encode(self) -> bytes:
        """The JSON bytes to store and announce; the first key tells the schema version."""
        body = self.__pydantic_serializer__.to_json(self)
        return b'{"schema_version":%d,%b' % (self.schema_version, body[1:])

    @classmethod
    def decode_body(cls, body: bytes) -> Self:
        """The value of stored bytes, upcast to today's schema.

        :raises NotReadable: the bytes are of a later schema, or no such event.
        """
        if cls.schema_version == 1 and body.startswith(b'{"schema_version":1,'):
            return cls._validated(body)
        data = _parsed(body)
        version = data.get("schema_version", 1)
        if not isinstance(version, int) or version > cls.schema_version:
            raise NotReadable(cls.topic, f"schema version {version} is later than {cls.schema_version}")
        for step in range(version, cls.schema_version):
            data = cls.upcasters[step](data)
        return cls._validated(orjson.dumps(data))

    @classmethod
    def _validated(cls, body: bytes) -> Self:
        try:
            return cls.model_validate_json(body)
        except ValidationError as error:
            fields = ", ".join(sorted({".".join(map(str, e["loc"])) for e in error.errors(include_input=False)}))
            raise NotReadable(cls.topic, f"fields {fields}") from None


TOPICS: dict[str, type[Event]] = {}
"""Every event class by its topic; filled as the services' ``events`` modules are imported."""


class NotReadable(Exception):
    """Stored or received bytes are no event that this program knows; the reason holds no value of a field."""

    def __init__(self, topic: str, reason: str) -> None:
        super().__init__(f"{topic}: {reason}")
        self.topic, self.reason = topic, reason


def decode(topic: str, body: bytes) -> Event:
    """The event of a topic and its stored bytes.

    :raises NotReadable: unknown topic, later schema version, or bytes that are no such event.
    """
    try:
        cls = TOPICS[topic]
    except KeyError:
        raise NotReadable(topic, "unknown topic") from None
    return cls.decode_body(body)


def _parsed(body: bytes) -> Json:
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise NotReadable("", "no JSON") from None
    if not isinstance(data, dict):
        raise NotReadable("", "no JSON object")
    return data


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


@dataclass(frozen=True)
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

    @cached_property
    def event(self) -> Event:
        """The typed event, decoded when first asked for.

        :raises NotReadable: see :func:`decode`.
        """
        return decode(self.topic, self.body)

    @cached_property
    def metadata(self) -> Metadata:
        """Who, when and why, decoded when first asked for."""
        return Metadata.decode(self.metadata_json)

    @property
    def id(self) -> str:
        """Stable name of the event for the whole federation: ``membership/1234``."""
        return f"{self.service}/{self.position}"


def topics_of(events: Iterable[type[Event]]) -> frozenset[str]:
    """The topics of some event classes."""
    return frozenset(event.topic for event in events)
