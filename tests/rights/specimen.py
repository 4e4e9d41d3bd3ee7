"""What is a specimen of an RPC: how it is asked about each unit of the world, and whose right must decide?"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from tests.rights.trees import LINE
from tests.rights.world import (
    PEOPLED,
    TOP,
    YEAR,
    Fields,
    World,
    id_of,
)

END_OF_YEAR = date(YEAR, 12, 31)
ASKED: Fields = {"page": {"size": 1_000}}
InWorld = Callable[[World, str], Fields]
Units = Callable[[World, str], Iterable[str]]


def own(world: World, code: str) -> Iterable[str]:
    """What is asked about lies in just this unit."""
    return (code,)


@dataclass(frozen=True)
class Rows:
    """The rows of a list, and in which units each lies.

    :param field: of the answer. :param units: of a row, given the world and the unit asked about.
    :param shown: which rows tell something; of the others only that they were asked for.
    """

    field: str
    units: Callable[[World, str, Any], Iterable[str]] = lambda world, code, row: (row.unit,)
    shown: Callable[[Any], bool] = lambda row: True


@dataclass(frozen=True)
class Specimen:
    """One way to ask an RPC about a unit.

    :param at: the units in one of which a right must be held; None where it must be held at the top.
    :param rows: what the caller sees of the top's answer: whatever lies in its own units.
    :param below: also allowed to whoever sees a unit that lay under the one asked about: on that day, dissolved or not.
    :param always: refused to nobody whose role suffices; what may not be seen is left out.
    :param hidden: the rule by which it is refused instead, so that nobody learns that it is there.
    :param living: only asked about units that are not dissolved. :param top: whether it can be asked about the top.
    """

    fields: InWorld
    at: Units | None = own
    rows: Rows | None = None
    below: tuple[date | None, bool] | None = None
    always: bool = False
    hidden: str = ""
    living: bool = False
    top: bool = True

    def units(self, world: World) -> list[str]:
        """The units it can be asked about."""
        codes, absent = world.staying if self.living else world.tree.units, world.absent
        return [code for code in codes if (self.top or code != TOP) and not absent & _texts(self.fields(world, code))]


def _texts(fields: Fields) -> set[str]:
    return {value for value in fields.values() if isinstance(value, str)}


def about(**named: str) -> InWorld:
    """Fields that hold the id of something of the unit, each named by what it is."""
    return lambda world, code: {field: id_of(what, code) for field, what in named.items()}


def of(fields: Callable[[str], Fields], **more: Any) -> InWorld:
    """Fields that follow from the unit alone."""
    return lambda world, code: {**fields(code), **more}


def having(*whats: InWorld, **more: Any) -> InWorld:
    """All of some fields, and further ones that are the same for every unit."""
    return lambda world, code: {name: value for what in whats for name, value in what(world, code).items()} | more


def in_unit(field: str = "unit", **more: Any) -> InWorld:
    """Fields that name the unit."""
    return lambda world, code: {field: code, **more}


def new(field: str, **more: Any) -> InWorld:
    """Something that is about to come into being in the unit."""
    return lambda world, code: {field: id_of(f"new-{field}", code), "unit": code, **more}


def line_parent(world: World, code: str) -> Iterable[str]:
    """Officers of a unit are appointed by the unit above it."""
    return (world.tree.places(code)[LINE],)


def decider(world: World, code: str) -> Iterable[str]:
    """A nomination is decided by the unit before which it was put, wherever its recipient is now."""
    return (world.first_parent(code),)


def unit_and_decider(world: World, code: str) -> Iterable[str]:
    """It is seen by the recipient's unit and by the decider's."""
    return (code, world.first_parent(code))


def asked_to_accept(world: World, code: str) -> Iterable[str]:
    """A transfer is accepted where it leads."""
    return (world.to_unit[code],)


def subtree(field: str, on: date | None = None, dissolved: bool = False, named: str = "unit", **more: Any) -> Specimen:
    """A list of what lies under the unit."""
    return Specimen(in_unit(named, **ASKED, **more), rows=Rows(field), below=(on, dissolved))


def nationwide(**fields: Any) -> Specimen:
    """What belongs to no unit."""
    return Specimen(lambda world, code: fields, at=None)


def everybody(what: str) -> InWorld:
    """A member of each unit is asked about at once."""
    return lambda world, code: {"member_ids": [id_of(what, unit) for unit in PEOPLED]}


def unit_of_member(world: World, code: str, row: Any) -> Iterable[str]:
    """The unit whose member it is."""
    return (next(unit for unit in world.tree.units if id_of("member", unit) == row.member_id),)
