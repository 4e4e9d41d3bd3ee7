"""How does a message become the fields of a command, and a value a message?

A message class is looked at once; after that a conversion is a handful of attribute reads. What a sender left out is
left out of the fields, so that the command says "is missing" or takes its default:

================================  ==========================================================
in the message                    in the fields
================================  ==========================================================
string, bytes                     as is; absent when empty
enum ``LEVEL_PROVINCE``           ``"province"``; absent when unspecified
number, bool                      as is, zero and false included
``optional`` or nested message    as above, nested as a dict; absent when unset
repeated                          a list, empty when nothing was sent
================================  ==========================================================

Back again days become ISO 8601 text, times RFC 3339 text in UTC, ids text, and None leaves a field unset.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, TypeVar, cast
from uuid import UUID

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

M = TypeVar("M", bound=Message)
Fields = dict[str, Any]
Convert = Callable[[Any], Any]

_TEXTS = (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES)
_NESTED = (FieldDescriptor.TYPE_MESSAGE, FieldDescriptor.TYPE_GROUP)


def fields_of(message: Message) -> Fields:
    """The fields that the sender of a message gave, by name.

    :raises TypeError: the message class has a map, for which no rule stands above.
    """
    cls = type(message)
    read = _READERS.get(cls)
    if read is None:
        read = _READERS[cls] = _reader(cast(Descriptor, cls.DESCRIPTOR))
    return read(message)


def message_of(cls: type[M], source: object = None, /, **more: object) -> M:
    """A message from the keys or attributes of `source`, and from `more`, which goes before them.

    :raises AttributeError, KeyError: `source` has no such field; a renamed column must not become an empty answer.
    :raises ValueError: a name that the enum does not have, or a field that the message does not have.
    """
    write = _WRITERS.get(cls)
    if write is None:
        write = _WRITERS[cls] = _writer(cast(Descriptor, cls.DESCRIPTOR))
    return cls(**write(source, more))


_READERS: dict[type[Message], Callable[[Message], Fields]] = {}
_WRITERS: dict[type[Message], Callable[[object, Fields], Fields]] = {}


def _reader(descriptor: Descriptor) -> Callable[[Message], Fields]:
    texts, numbers, enums, optional, lists = [], [], [], [], []
    for field in descriptor.fields:
        _supported(field)
        if field.is_repeated:
            lists.append((field.name, _to_python(field)))
        elif field.has_presence:
            optional.append((field.name, _to_python(field)))
        elif field.enum_type:
            enums.append((field.name, _to_python(field)))
        elif field.type in _TEXTS:
            texts.append(field.name)
        else:
            numbers.append(field.name)

    def read(message: Message) -> Fields:
        fields = {name: value for name in texts if (value := getattr(message, name))}
        for name in numbers:
            fields[name] = getattr(message, name)
        for name, convert in enums:
            if number := getattr(message, name):
                fields[name] = convert(number)
        for name, convert in optional:
            if message.HasField(name) and (value := convert(getattr(message, name))) is not None:
                fields[name] = value
        for name, convert in lists:
            items = getattr(message, name)
            fields[name] = [convert(item) for item in items] if items else []
        return fields

    return read


def _writer(descriptor: Descriptor) -> Callable[[object, Fields], Fields]:
    for field in descriptor.fields:
        _supported(field)
    converts = {field.name: _from_python(field) for field in descriptor.fields}
    converts.update({field.name: _repeated(converts[field.name]) for field in descriptor.fields if field.is_repeated})

    def write(source: object, more: Fields) -> Fields:
        if source is None:
            values = more
        elif isinstance(source, Mapping):
            values = {name: more[name] if name in more else source[name] for name in converts}
        else:
            values = {name: more[name] if name in more else getattr(source, name) for name in converts}
        if not more.keys() <= converts.keys():
            raise ValueError(f"{descriptor.full_name} has no field {', '.join(sorted(more.keys() - converts.keys()))}")
        return {name: converts[name](value) for name, value in values.items() if value is not None}

    return write


def _supported(field: FieldDescriptor) -> None:
    if field.message_type and field.message_type.GetOptions().map_entry:
        raise TypeError(f"{field.full_name}: a map has no counterpart among the fields of a command; use a repeated message")


def _to_python(field: FieldDescriptor) -> Convert:
    if field.enum_type:
        # A number of a later contract goes on as it is, and the command refuses it by the field's name.
        names = {number: name for name, number in enum_names(field.enum_type).items()}
        return lambda number: names.get(number, number or None)
    return fields_of if field.type in _NESTED else _same


def _from_python(field: FieldDescriptor) -> Convert:
    if field.enum_type:
        return _numbering(field.enum_type)
    if field.type in _NESTED:
        return _nesting(field)
    return _as_text if field.type == FieldDescriptor.TYPE_STRING else _same


def _nesting(field: FieldDescriptor) -> Convert:
    cls = GetMessageClass(cast(Descriptor, field.message_type))
    return lambda value: value if isinstance(value, Message) else message_of(cls, value)


def _repeated(convert: Convert) -> Convert:
    return lambda items: [convert(item) for item in items]


def _same(value: Any) -> Any:
    return value


def enum_names(enum: EnumDescriptor) -> dict[str, int]:
    """The numbers of an enum by the names used in commands: ``LEVEL_PROVINCE`` is ``province``; without the zero."""
    prefix = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", enum.name).upper() + "_"
    return {value.name.removeprefix(prefix).lower(): value.number for value in enum.values if value.number}


def _numbering(enum: EnumDescriptor) -> Convert:
    numbers = enum_names(enum)

    def number_of(value: object) -> int:
        name = value.value if isinstance(value, Enum) else value
        if isinstance(name, str) and name in numbers:
            return numbers[name]
        raise ValueError(f"{enum.full_name} has no such name; it has {', '.join(numbers)}")

    return number_of


def _as_text(value: Any) -> str:
    if type(value) is str:
        return value
    for kind, convert in _TEXT_OF:
        if isinstance(value, kind):
            return convert(value)
    raise TypeError(f"{type(value).__name__} has no form as text")


def _utc_text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


_TEXT_OF: Iterable[tuple[type, Callable[[Any], str]]] = (
    (Enum, lambda value: str(value.value)),
    (str, str),
    (UUID, str),
    # A datetime is a date too, so it is asked for first.
    (datetime, _utc_text),
    (date, date.isoformat),
    (Decimal, lambda value: format(value, "f")),
)
