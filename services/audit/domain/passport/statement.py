"""What is certified about a figure, and over which events? One line of JSON in a note that the ledger's key signed."""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import orjson

from chassis.ledger.merkle import HASH_BYTES
from chassis.ledger.note import NoteUnreadable

ORIGIN = "congdoan-passport"
"""How the text of the note begins; no checkpoint does."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The events of one service that a figure stands on, and the tree in which they are shown to stand.

    :param size: how many events the checkpoint covers, with this root.
    :param events: how many are shown; :param events_root: the RFC 6962 root over their leaves alone, in their order.
    """

    service: str
    size: int
    root: bytes
    events: int
    events_root: bytes


@dataclass(frozen=True, slots=True)
class Statement:
    """A figure of a unit's year as of a day, counted from what was recorded up to a cut.

    :param certificate: id of the act by which it was given.
    :param cut: the last position counted of each service.
    :param contributions: how many changes by events it is the sum of.
    :param complete: whether every event of its services up to the cut is shown, not those alone that count.
    :param value: a decimal number as text for a percentage, None where there is no target.
    """

    certificate: str
    figure: str
    unit: str
    year: int
    as_of: date
    cut: Mapping[str, int]
    complete: bool
    value: int | str | None
    contributions: int
    standing: tuple[Standing, ...]

    @property
    def document(self) -> dict[str, Any]:
        """As JSON knows it."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        standing = [{**asdict(one), "root": _told(one.root), "events_root": _told(one.events_root)} for one in self.standing]
        return {**fields, "as_of": self.as_of.isoformat(), "cut": dict(self.cut), "standing": standing}

    @property
    def text(self) -> str:
        """As it is signed."""
        return f"{ORIGIN}\n{orjson.dumps(self.document).decode()}\n"

    @classmethod
    def read(cls, text: str) -> "Statement":
        """The statement of a text.

        :raises NoteUnreadable: it is none, or not as it is written by all.
        """
        origin, _, rest = text.partition("\n")
        try:
            fields = orjson.loads(rest)
            standing = tuple(
                Standing(**{**one, "root": _hash(one["root"]), "events_root": _hash(one["events_root"])})
                for one in fields["standing"]
            )
            found = cls(**{**fields, "as_of": date.fromisoformat(fields["as_of"]), "standing": standing})
            right = origin == ORIGIN and _is_right(found) and found.text == text
        except (ValueError, TypeError, KeyError, AttributeError):
            right = False
        if not right:
            raise NoteUnreadable("it is no statement about a figure")
        return found


def _is_right(statement: Statement) -> bool:
    numbers = [*statement.cut.values(), statement.year, statement.contributions, *(one.size for one in statement.standing)]
    texts = [statement.certificate, statement.figure, statement.unit, *(one.service for one in statement.standing)]
    return (
        all(type(number) is int and number >= 0 for number in [*numbers, *(one.events for one in statement.standing)])
        and all(isinstance(text, str) for text in texts)
        and isinstance(statement.complete, bool)
        and (statement.value is None or type(statement.value) in (int, str))
        and all(one.service in statement.cut for one in statement.standing)
    )


def _told(data: bytes) -> str:
    return b64encode(data).decode()


def _hash(text: str) -> bytes:
    found = b64decode(text, validate=True)
    if len(found) != HASH_BYTES:
        raise ValueError("a hash has 32 bytes")
    return found
