"""What is an event, what is each of its fields, and how is one told in Vietnamese or English?

An event class says it in two lines, `vi` and `en`: a name, a colon, and a sentence about its fields::

    class UnitRenamed(Event, topic="membership.unit_renamed"):
        vi = "Đổi tên đơn vị: đơn vị {unit} mang tên “{name}”."
        en = "Unit renamed: the unit {unit} is now called “{name}”."

With the names of its fields the sentence says what the class means, with their values what happened.
``{member_id|unit}`` is the first of them that has a value. A personal field has no place in it.

A field that recurs means the same wherever it stands, and is defined once with :func:`define`; the `meanings` of a class
say what is special there. The values of an enum are named with :func:`name_values`.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from chassis.refusals import Language

Words = tuple[str, str]
"""The same in Vietnamese and in English."""

TERMS: dict[str, Words] = {}
"""What each recurring field means; filled as the services' ``events`` modules are imported."""
VALUES: dict[type[StrEnum], Mapping[str, Words]] = {}
"""What each value of each enum means; filled in the same way."""

_FIELD = re.compile(r"\{([a-z_|]+)\}")
_NONE: Words = ("không có", "none")
_NO_YES: tuple[Words, Words] = (("không", "no"), ("có", "yes"))


class Unworded(LookupError):
    """An event, a field or a value has no words; or some words were defined twice."""


def define(**terms: Words) -> None:
    """Say what fields of these names mean wherever they stand. :raises Unworded: one was said already."""
    if taken := terms.keys() & TERMS.keys():
        raise Unworded(f"{', '.join(sorted(taken))} said twice")
    TERMS.update(terms)


def means(**fields: Words) -> Mapping[str, Words]:
    """What fields mean in a class, for its `meanings`."""
    return MappingProxyType(fields)


def name_values(values: type[StrEnum], *vietnamese: str) -> None:
    """Name the values of an enum in their order; in English each is its own name. :raises Unworded: they do not match."""
    if values in VALUES or len(vietnamese) != len(values):
        raise Unworded(values.__name__)
    VALUES[values] = {value.value: (word, value.value.replace("_", " ")) for value, word in zip(values, vietnamese, strict=True)}


def name_of(cls: type[Any], language: Language) -> str:
    """What an event class is called: “Đổi tên đơn vị”, “Unit renamed”."""
    return _parts(cls, language)[0]


def sentence_of(cls: type[Any], language: Language, told: Callable[[str], str]) -> str:
    """The sentence of an event class, with what is told of each field that it names."""
    sentence = _parts(cls, language)[1]
    return _FIELD.sub(lambda found: told(found[1]), sentence[:1].upper() + sentence[1:])


def fields_named(cls: type[Any]) -> frozenset[str]:
    """The fields that the sentences of an event class name."""
    return frozenset(name for text in (cls.vi, cls.en) for found in _FIELD.findall(text) for name in found.split("|"))


def meaning_of(cls: type[Any], field: str) -> Words:
    """What a field of a class means. :raises Unworded: nobody says it."""
    for one in cls.__mro__:
        if field in (own := vars(one).get("meanings", {})):
            meaning: Words = own[field]
            return meaning
    try:
        return TERMS[field]
    except KeyError:
        raise Unworded(f"{cls.__name__}.{field}") from None


def value_in_words(field: str, value: object, language: Language) -> str:
    """A value as readers of a language write it: a day, an amount, the name of a choice."""
    word = 0 if language == "vi" else 1
    match value:
        case None | "":
            return _NONE[word]
        case bool():
            return _NO_YES[value][word]
        case StrEnum():
            return VALUES[type(value)][value][word]
        case datetime():
            return value.astimezone(UTC).strftime(("%H:%M ngày %d/%m/%Y (UTC)", "%Y-%m-%d %H:%M (UTC)")[word])
        case date():
            return value.strftime(("%d/%m/%Y", "%Y-%m-%d")[word])
        case int() if field.endswith("_vnd"):
            return f"{value:,} đồng".replace(",", "." if language == "vi" else ",")
        case tuple():
            return ", ".join(value_in_words(field, one, language) for one in value) or _NONE[word]
    return str(value)


def _parts(cls: type[Any], language: Language) -> tuple[str, str]:
    """Name and sentence. :raises Unworded: the class does not say them."""
    name, colon, sentence = (cls.vi if language == "vi" else cls.en).partition(": ")
    if not colon:
        raise Unworded(cls.__name__)
    return name, sentence
