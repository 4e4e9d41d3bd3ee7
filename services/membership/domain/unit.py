"""May this unit be established, renamed, moved or dissolved?"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from uuid import UUID, uuid5

from chassis.claims import Claim
from chassis.commands import Aggregate, Command
from chassis.events import Event
from chassis.fields import Code, Day, Line
from chassis.hierarchy import Node, UnitUnknown
from chassis.refusals import AlreadyExists, Invalid, Problem, RuleBroken
from membership.domain.hand_over import hand_over
from membership.events import (
    Attachment,
    Level,
    UnitArrived,
    UnitAttached,
    UnitDissolved,
    UnitEstablished,
    UnitMovedAway,
    UnitRenamed,
)

_UNITS = UUID("6f1c8a0e-6d0b-5c55-9a57-0d2f6d1f2a10")


@lru_cache(200_000)
def unit_id(code: str) -> UUID:
    """The aggregate id of a unit: a code is given once and never changes, so it is the identity."""
    return uuid5(_UNITS, code)


class UnitExists(AlreadyExists):
    """A code is given once, also when its unit was dissolved."""

    vi = "Mã đơn vị {code} đã được dùng."
    en = "The unit code {code} is already taken."


class ConfederationExists(AlreadyExists):
    """There is one confederation, and everything stands under it."""

    vi = "Tổng Liên đoàn đã được thành lập."
    en = "The confederation is established already."


class UnitIsDissolved(RuleBroken):
    """Nothing new can happen in a unit that was dissolved."""

    vi = "Đơn vị {code} đã giải thể ngày {on}."
    en = "The unit {code} was dissolved on {on}."


class UnitNotEmpty(RuleBroken):
    """A unit cannot be dissolved while members or units are left in it."""

    vi = "Đơn vị còn đoàn viên hoặc đơn vị trực thuộc nên chưa thể giải thể."
    en = "Members or units are left in the unit, so it cannot be dissolved yet."


class LevelOrder(RuleBroken):
    """A parent is always of a level above its child's."""

    vi = "Đơn vị cấp trên ({parent_level}) phải ở cấp cao hơn đơn vị ({level})."
    en = "The parent ({parent_level}) must be of a level above the unit ({level})."


class CycleInTree(RuleBroken):
    """A unit cannot lie under itself."""

    vi = "Đơn vị {parent} nằm dưới {code}; không thể trực thuộc vòng tròn."
    en = "The unit {parent} lies under {code}; the tree cannot have a cycle."


class LineParentMissing(Invalid):
    """Only the confederation stands under nobody."""

    def __init__(self) -> None:
        super().__init__(Problem("line_parent", "đơn vị phải có cấp trên trực tiếp", "the unit needs a line parent"))


class NotBefore(RuleBroken):
    """What follows cannot be dated before what it follows on."""

    vi = "Ngày phải từ {earliest} trở đi."
    en = "The day must be {earliest} or later."


class NothingChanges(RuleBroken):
    """A command that would record nothing new is not recorded."""

    vi = "Không có gì thay đổi."
    en = "Nothing would change."


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit as its history left it."""

    code: str
    name: str
    level: Level
    line_parent: str
    functional_parent: str
    established_on: date
    changed_on: date
    dissolved_on: date | None = None


Lineage = tuple[Unit, ...]
"""A unit and every unit above it, by line and by function."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an attachment must see: its new parent with all above it, and the places of all units whose branch may change
    by it, of those above them and above the parent."""

    lineages: Mapping[str, Lineage]
    nodes: Mapping[str, Node]


class UnitCommand(Command):
    """A command about one unit."""

    unit: Code
    on: Day

    @property
    def aggregate_id(self) -> UUID:
        """Follows from the code."""
        return unit_id(self.unit)


class EstablishUnit(UnitCommand):
    """Establish a unit under its parents."""

    name: Line
    level: Level
    line_parent: Code | None = None
    functional_parent: Code | None = None


class RenameUnit(UnitCommand):
    """Give a unit a new name."""

    name: Line


class AttachUnit(UnitCommand):
    """Put a unit under another parent; under none of this kind when `parent` is left out."""

    attachment: Attachment
    parent: Code | None = None


class DissolveUnit(UnitCommand):
    """Dissolve an empty unit."""

    reason: Line


def parents_named(command: Command) -> list[str]:
    """The units that a decision must see besides its own."""
    match command:
        case EstablishUnit():
            return [code for code in (command.line_parent, command.functional_parent) if code]
        case AttachUnit():
            return [command.parent] if command.parent else []
        case _:
            return []


def establish(state: Unit | None, command: EstablishUnit, lineages: Mapping[str, Lineage]) -> list[Event]:
    """That there is one confederation is held by a claim (:func:`claims`).

    :raises UnitExists, UnitUnknown, UnitIsDissolved, LevelOrder, LineParentMissing, NotBefore, ConfederationExists:
    """
    if state is not None:
        raise UnitExists("unit", code=command.unit)
    if command.line_parent is None and command.level is not Level.CONFEDERATION:
        raise LineParentMissing()
    for field, code in (("line_parent", command.line_parent), ("functional_parent", command.functional_parent)):
        if code:
            _check_parent(lineages, code, command.unit, command.level, command.on, field)
    return [
        UnitEstablished(
            unit=command.unit,
            on=command.on,
            name=command.name,
            level=command.level,
            line_parent=command.line_parent or "",
            functional_parent=command.functional_parent or "",
        )
    ]


def rename(state: Unit | None, command: RenameUnit, _: object) -> list[Event]:
    """:raises UnitUnknown, UnitIsDissolved, NotBefore, NothingChanges:"""
    unit = open_unit(state, command.unit)
    not_before(unit.changed_on, command.on)
    if command.name == unit.name:
        raise NothingChanges("name")
    return [UnitRenamed(unit=unit.code, on=command.on, name=command.name, former_name=unit.name)]


def attach(state: Unit | None, command: AttachUnit, around: Surroundings) -> list[Event]:
    """It is told in the branch in which the unit lay; what changes branches by it, in both.

    :raises UnitUnknown, UnitIsDissolved, CycleInTree, LevelOrder, LineParentMissing, NotBefore, NothingChanges:
    """
    unit = open_unit(state, command.unit)
    not_before(unit.changed_on, command.on)
    former = unit.line_parent if command.attachment is Attachment.LINE else unit.functional_parent
    if (command.parent or "") == former:
        raise NothingChanges("parent")
    if command.parent:
        _check_parent(around.lineages, command.parent, unit.code, unit.level, command.on, "parent")
    elif command.attachment is Attachment.LINE:
        raise LineParentMissing()
    attached = UnitAttached(
        unit=unit.code, on=command.on, attachment=command.attachment, parent=command.parent or "", former_parent=former
    )
    return [attached, *hand_over(attached, around.nodes)]


def dissolve(state: Unit | None, command: DissolveUnit, _: object) -> list[Event]:
    """That it is empty is held by a claim (:func:`claims`).

    :raises UnitUnknown, UnitIsDissolved, NotBefore, UnitNotEmpty:
    """
    unit = open_unit(state, command.unit)
    not_before(unit.changed_on, command.on)
    return [UnitDissolved(unit=unit.code, on=command.on, level=unit.level, reason=command.reason)]


def _check_parent(lineages: Mapping[str, Lineage], parent: str, unit: str, level: Level, on: date, field: str) -> None:
    lineage = lineages.get(parent, ())
    if parent == unit or any(above.code == unit for above in lineage):
        raise CycleInTree(field, parent=parent, code=unit)
    above = open_unit(lineage[0] if lineage else None, parent, field)
    if above.level.depth >= level.depth:
        raise LevelOrder(field, parent_level=above.level.value, level=level.value)
    not_before(above.established_on, on)


def open_unit(state: Unit | None, code: str, field: str = "unit") -> Unit:
    """:raises UnitUnknown: it was never established. :raises UnitIsDissolved: it is no more."""
    if state is None:
        raise UnitUnknown(field, code=code)
    if state.dissolved_on is not None:
        raise UnitIsDissolved(field, code=code, on=state.dissolved_on)
    return state


def not_before(earliest: date, on: date, field: str = "on") -> None:
    """:raises NotBefore: the day lies before what it follows on."""
    if on < earliest:
        raise NotBefore(field, earliest=earliest)


def evolve(state: Unit | None, event: Event) -> Unit:
    """The unit after one more event."""
    match event:
        case UnitEstablished():
            return Unit(event.unit, event.name, event.level, event.line_parent, event.functional_parent, event.on, event.on)
        case UnitRenamed() if state:
            return replace(state, name=event.name, changed_on=event.on)
        case UnitAttached(attachment=Attachment.LINE) if state:
            return replace(state, line_parent=event.parent, changed_on=event.on)
        case UnitAttached() if state:
            return replace(state, functional_parent=event.parent, changed_on=event.on)
        case UnitMovedAway() | UnitArrived() if state:
            return state
        case UnitDissolved() if state:
            return replace(state, dissolved_on=event.on)
    raise AssertionError(f"{event.topic} is no event of a unit")


def claims(state: Unit | None, event: Event) -> Iterable[Claim]:
    """A unit keeps its parents from being dissolved; to be dissolved it must be kept by nothing."""
    match event:
        case UnitEstablished():
            if event.level is Level.CONFEDERATION:
                yield Claim("confederation", "take", lambda: ConfederationExists("level"))
            yield from (keeps(code) for code in (event.line_parent, event.functional_parent) if code)
        case UnitAttached():
            yield from (lets_go(code) for code in (event.former_parent,) if code)
            yield from (keeps(code) for code in (event.parent,) if code)
        case UnitDissolved() if state:
            yield Claim(f"unit:{state.code}", "take", UnitNotEmpty)
            yield from (lets_go(code) for code in (state.line_parent, state.functional_parent) if code)


def keeps(unit: str) -> Claim:
    """Somebody or something lies in a unit: it cannot be dissolved."""
    return Claim(f"unit:{unit}", "share")


def lets_go(unit: str) -> Claim:
    """Somebody or something lies no longer in a unit."""
    return Claim(f"unit:{unit}", "unshare")


UNIT = Aggregate("unit", evolve, lambda unit: unit.code, claims, begins=(UnitEstablished,))
