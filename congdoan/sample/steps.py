"""What is a sample made of? Commands in stages: those of one stage may be sent in any order, a stage after the one before.

Every id follows from the name of the thing, so a sample fed again is known again; nothing asks the clock, and chance is
the same on every machine.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, zip_longest
from random import Random
from typing import TypeVar
from uuid import UUID, uuid5

T = TypeVar("T")

_SAMPLE = UUID("3d0f8a52-7c1e-5b0e-9f43-6b7d2f4f8c11")


def named(*path: object) -> UUID:
    """The id of a thing of the sample, by its name."""
    return uuid5(_SAMPLE, "/".join(map(str, path)))


@dataclass(frozen=True, slots=True)
class Sender:
    """As whom a command is sent: the subject of a token, its role, and the unit where that is held."""

    subject: str
    role: str
    unit: str


@dataclass(frozen=True, slots=True)
class Step:
    """One command: the service, its rpc, the fields of the request (enums by name, ids and days as themselves).

    `sender` is None for what the feeding operator may send as well as anybody.
    """

    service: str
    rpc: str
    fields: Mapping[str, object]
    sender: Sender | None = None

    def by(self, sender: Sender) -> "Step":
        """The same, sent by the officer who signs it."""
        return replace(self, sender=sender)


Stage = list[Step]
Chapter = list[Stage]


def step(service: str, rpc: str, *path: object, **fields: object) -> Step:
    """A command, its id named by the rpc and `path`."""
    return Step(service, rpc, {"command_id": named("command", rpc, *path), **fields})


def alongside(*chapters: Chapter) -> Chapter:
    """One chapter out of several that do not depend on each other: first stages together, then second ones, and so on."""
    return [list(chain.from_iterable(stages)) for stages in zip_longest(*chapters, fillvalue=[])]


class Dice:
    """Chance that falls the same way on every machine and every version of Python.

    Of Python's generator only `random()` is promised to stay as it is, so everything is made of that.
    """

    def __init__(self, *seed: object) -> None:
        self._random = Random("/".join(map(str, seed))).random

    def between(self, least: int, most: int) -> int:
        """A whole number, both ends included."""
        return least + int(self._random() * (most - least + 1))

    def one_of(self, things: Sequence[T]) -> T:
        """Any of them, each as likely."""
        return things[self.between(0, len(things) - 1)]

    def some_of(self, things: Sequence[T], count: int) -> list[T]:
        """So many different ones, in any order."""
        left = list(things)
        return [left.pop(self.between(0, len(left) - 1)) for _ in range(count)]

    def happens(self, chance: float) -> bool:
        """True with this chance, from 0 to 1."""
        return self._random() < chance
