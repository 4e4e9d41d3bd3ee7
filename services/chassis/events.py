"""What is an event, and how do its bytes become a value again?

An event is a frozen pydantic class with a stable topic. Its JSON bytes are stored once and announced as they are; who,
when and why stand beside them: see :mod:`chassis.recorded`. In those bytes each personal value stands sealed: see
:mod:`chassis.sealing`.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, Protocol, Self, TypeVar, get_args
from uuid import UUID

import orjson
from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, ValidationError
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, to_json

from chassis import wording
from chassis.refusals import Language

T = TypeVar("T")
Json = dict[str, Any]
Upcaster = Callable[[Json], Json]


SEALED = "sealed:1:"
"""How a sealed value begins, where it is stored and announced."""
_SEALED_JSON = b'"sealed:1:'


class PersonalMarker:
    """Marks a field whose value belongs to a person: it never enters a message, a log or a repr."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """What strangers see of it, whatever the type: empty, or ciphertext."""
        return {"type": ["string", "null"], "pattern": f"^({SEALED}[A-Za-z0-9_-]{{38,}})?$", "x-personal": True}


PERSONAL = PersonalMarker()
Personal = Annotated[T, PERSONAL, Field(repr=False)]
"""``full_name: Personal[str | None]`` — a field whose value belongs to a person (Law 91/2025/QH15).

In an event it is None where the reader has no key, or the person was erased; so the type says it, and every reader must.
"""


class Seal(Protocol):
    """What seals and opens the personal values of one event; see :mod:`chassis.sealing`."""

    def close(self, values: list[tuple[str, bytes]]) -> list[str]:
        """The sealed texts of some fields, given by name and JSON."""

    def open(self, name: str, sealed: str) -> Any:
        """The value of a field; None once the person was erased. :raises BrokenSeal: it was not sealed here."""


class Branches(Protocol):
    """What knows in which branch units lie; see :class:`chassis.hierarchy.Hierarchy`."""

    def branch_of(self, unit: str) -> str:
        """The branch of a unit."""

    def branch_above(self, parents: Iterable[str]) -> str:
        """The branch of a unit that is about to lie under some parents, line before function."""


Moves = Literal["nothing", "places", "branches"]


class BrokenSeal(Exception):
    """A sealed value does not belong where it stands, or nobody has its key."""


class Event(BaseModel):
    """Something that happened, told as a whole sentence for strangers too.

    A subclass gives its stable topic, its words (:mod:`chassis.wording`) and, once it changed, its schema version and an
    upcaster per old version::

        class UnitRenamed(Event, topic="membership.unit_renamed"):
            vi = "Đổi tên đơn vị: đơn vị {unit} mang tên “{name}”."
            en = "Unit renamed: the unit {unit} is now called “{name}”."
            name: str

    ``unit`` is the unit in whose history it stands, ``on`` the day it was true (the recorded time is the store's).
    One with personal fields names the field that says whose they are (``subject="member_id"``).
    """

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    topic: ClassVar[str]
    vi: ClassVar[str] = ""
    en: ClassVar[str] = ""
    meanings: ClassVar[Mapping[str, wording.Words]] = wording.means(
        unit=("mã đơn vị mà sự kiện thuộc về", "code of the unit in whose history it stands"),
        on=("ngày sự việc có hiệu lực", "the day it was true"),
    )
    """Of its fields, where they mean something special; of `unit` and `on` for all."""
    schema_version: ClassVar[int] = 1
    upcasters: ClassVar[Mapping[int, Upcaster]] = {}
    """From each earlier schema version to the next. A sealed value passes through as it is, and keeps its name."""
    subject: ClassVar[str] = ""
    moves: ClassVar[Moves] = "nothing"
    """Whether a unit has another place in the tree by it, or units lie in other branches."""
    personal_fields: ClassVar[tuple[str, ...]] = ()

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
        cls.personal_fields, cls.subject = personal_fields_of(cls), kwargs.get("subject", "")
        cls._check_subject()

    @classmethod
    def _check_subject(cls) -> None:
        if not cls.personal_fields:
            return
        named = cls.model_fields.get(cls.subject)
        if named is None or named.annotation is not UUID:
            raise TypeError(f"{cls.topic} has personal fields, so its subject must name the field that holds the person's id")
        for name in cls.personal_fields:
            if type(None) not in get_args(cls.model_fields[name].annotation):
                raise TypeError(f"{cls.topic}: {name} is None for whoever has no key; declare it Personal[... | None]")

    @property
    def person(self) -> UUID:
        """Whose personal values it holds; of an event that has a subject."""
        person: UUID = getattr(self, self.subject)
        return person

    @property
    def placed_by(self) -> tuple[str, ...]:
        """The units whose places say in which branch it is told."""
        return (self.unit,)

    def branch_in(self, tree: Branches) -> str:
        """The branch whose subscribers receive it: that of its unit, where its class says no other."""
        return tree.branch_of(self.unit)

    def in_words(self, language: Language) -> str:
        """What happened, in a sentence without personal values. :raises Unworded: the class has no words."""
        return wording.sentence_of(type(self), language, lambda names: self._told(names.split("|"), language))

    def _told(self, names: list[str], language: Language) -> str:
        """The value of the first of some fields that has one."""
        name = next((name for name in names if getattr(self, name) is not None), names[-1])
        return wording.value_in_words(name, getattr(self, name), language)

    def encode(self, seal: Seal | None = None) -> bytes:
        """The JSON bytes to store and announce; the first key tells the schema version.

        :param seal: seals the personal values that are not empty. Without it they stand in clear, as in tests of rules.
        """
        if seal is None or not self.personal_fields:
            body = self.__pydantic_serializer__.to_json(self)
            return b'{"schema_version":%d,%b' % (self.schema_version, body[1:])
        values = self.__dict__
        body = self.__pydantic_serializer__.to_json(self, exclude=set(self.personal_fields))
        full = [name for name in self.personal_fields if values[name] is not None and values[name] != ""]
        sealed = dict(zip(full, seal.close([(name, to_json(values[name])) for name in full]), strict=True))
        tail = "".join([_member(name, sealed.get(name, values[name])) for name in self.personal_fields])
        return b'{"schema_version":%d,%b%b}' % (self.schema_version, body[1:-1], tail.encode())

    @classmethod
    def decode_body(cls, body: bytes) -> Self:
        """The value of stored bytes, upcast to today's schema; what is sealed is None.

        :raises NotReadable: the bytes are of a later schema, or no such event.
        """
        fields = cls.fields_of(body)
        return cls.unsealed(fields, None) if is_sealed(cls, body) else cls._made(orjson.dumps(fields))

    @classmethod
    def unsealed(cls, fields: Json, seal: Seal | None) -> Self:
        """The value of fields with sealed values among them; these are None without a seal.

        :raises NotReadable: a seal is broken, a value stands in clear beside one, or it is no such event.
        """
        opened, sealed, clear = fields.copy(), [], []
        for name in cls.personal_fields:
            value = fields.get(name)
            if isinstance(value, str) and value.startswith(SEALED):
                sealed.append(name)
                opened[name] = None
            elif value is not None and value != "":
                clear.append(name)
        if sealed and clear:
            raise NotReadable(cls.topic, f"{min(clear)} stands in clear beside a sealed value")
        if seal:
            opened.update(cls._opened(fields, sealed, seal))
        return cls._made(opened)

    @classmethod
    def _opened(cls, fields: Json, sealed: Iterable[str], seal: Seal) -> Json:
        """The values of some sealed fields, by name."""
        opened = {}
        for name in sealed:
            try:
                opened[name] = seal.open(name, fields[name])
            except BrokenSeal as broken:
                raise NotReadable(cls.topic, f"{name} {broken}") from None
        return opened

    @classmethod
    def fields_of(cls, body: bytes) -> Json:
        """The fields of stored bytes by name, upcast to today's schema; what is sealed stays sealed.

        :raises OfLaterVersion: the bytes are of a later schema; :raises NotReadable: they are no JSON object.
        """
        data = _parsed(body)
        version = data.get("schema_version", 1)
        if not isinstance(version, int):
            raise NotReadable(cls.topic, "schema version is no number")
        if version > cls.schema_version:
            raise OfLaterVersion(cls.topic, f"schema version {version} is later than {cls.schema_version}")
        for step in range(version, cls.schema_version):
            data = cls.upcasters[step](data)
        return data

    @classmethod
    def _made(cls, fields: Json | bytes) -> Self:
        try:
            validator = cls.__pydantic_validator__
            made: Self = validator.validate_json(fields) if isinstance(fields, bytes) else validator.validate_python(fields)
            return made
        except ValidationError as error:
            raise cls.not_readable(error) from None

    @classmethod
    def not_readable(cls, error: ValidationError) -> "NotReadable":
        """Which fields bytes have not, or not as they must be; never their values."""
        fields = ", ".join(sorted({".".join(map(str, e["loc"])) for e in error.errors(include_input=False)}))
        return NotReadable(cls.topic, f"fields {fields}")


TOPICS: dict[str, type[Event]] = {}
"""Every event class by its topic; filled as the services' ``events`` modules are imported."""


class NotReadable(Exception):
    """Stored or received bytes are no event that this program knows; the reason holds no value of a field."""

    def __init__(self, topic: str, reason: str) -> None:
        super().__init__(f"{topic}: {reason}")
        self.topic, self.reason = topic, reason


class OfLaterVersion(NotReadable):
    """A later version of the program said it: a topic or a schema version that this one does not know."""


def decode(topic: str, body: bytes) -> Event:
    """The event of a topic and its stored bytes.

    :raises OfLaterVersion: unknown topic, later schema version; :raises NotReadable: bytes that are no such event.
    """
    return _reader(topic)(body)


@cache
def _reader(topic: str) -> Callable[[bytes], Event]:
    """What makes the same of stored bytes as :meth:`Event.decode_body`: in half the time where they are clear, of today's schema.

    :raises OfLaterVersion: unknown topic.
    """
    if topic not in TOPICS:
        raise OfLaterVersion(topic, "unknown topic")
    # What is the same for every event of the class is looked up here, once.
    cls = TOPICS[topic]
    opening, has_personal_fields = b'{"schema_version":%d,' % cls.schema_version, bool(cls.personal_fields)
    validate: Callable[[bytes], Event] = cls.__pydantic_validator__.validate_json

    def read(body: bytes) -> Event:
        if has_personal_fields and _SEALED_JSON in body:
            return cls.unsealed(cls.fields_of(body), None)
        if not body.startswith(opening):
            return cls.decode_body(body)
        try:
            return validate(body)
        except ValidationError as error:
            raise cls.not_readable(error) from None

    return read


def personal_fields_of(cls: type[BaseModel]) -> tuple[str, ...]:
    """The fields of a class that are marked :data:`Personal`."""
    return tuple(name for name, found in cls.model_fields.items() if PERSONAL in found.metadata)


def is_sealed(cls: type[Event], body: bytes) -> bool:
    """Whether stored bytes may hold a sealed value of an event."""
    return bool(cls.personal_fields) and _SEALED_JSON in body


def _member(name: str, sealed: str | None) -> str:
    """A personal member of a JSON object; ciphertext needs no escaping."""
    return f',"{name}":null' if sealed is None else f',"{name}":"{sealed}"'


def _parsed(body: bytes) -> Json:
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise NotReadable("", "no JSON") from None
    if not isinstance(data, dict):
        raise NotReadable("", "no JSON object")
    return data


def topics_of(events: Iterable[type[Event]]) -> frozenset[str]:
    """The topics of some event classes."""
    return frozenset(event.topic for event in events)
