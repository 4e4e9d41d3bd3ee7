"""Whose child is this, and from which day on does it speak for itself beside its guardian?"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from chassis.commands import Aggregate, Command
from chassis.events import Event, Personal
from chassis.fields import Day, Line
from chassis.refusals import AlreadyExists, NotFound
from membership.domain.data_subject import Erasure, LegalHold, SubjectIsErased, holds_after
from membership.domain.member import MemberHasLeft, MemberUnknown, born_by
from membership.domain.unit import NothingChanges, not_before
from membership.events import ChildDetailsCorrected, ChildRegistered, LegalHoldLifted, LegalHoldPlaced, SubjectErased

OWN_VOICE_YEARS = 7
"""From this age on a child agrees itself, beside its guardian, before anything private of it is published (Law on Children
102/2016/QH13, art. 21; Decree 56/2017/NĐ-CP, art. 36; Law 91/2025/QH15, art. 24)."""


class ChildUnknown(NotFound):
    """No child was registered under this id."""

    vi = "Không có con của đoàn viên mang mã này."
    en = "There is no such child of a member."


class ChildExists(AlreadyExists):
    """A child id is given once."""

    vi = "Mã này đã được dùng."
    en = "This child id is already taken."


class PersonUnknown(NotFound):
    """Neither a member nor a child has this id."""

    vi = "Không có đoàn viên hoặc con của đoàn viên mang mã này."
    en = "There is no member or child with this id."


@dataclass(frozen=True, slots=True)
class Child:
    """A child as the history left it; `born_on` is None once it is erased, `unit` the parent's when it last changed."""

    child_id: UUID
    member_id: UUID
    unit: str
    born_on: date | None
    registered_on: date
    holds: tuple[LegalHold, ...] = ()
    erased: Erasure | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """What decisions about persons see of one: of a member, or of a child with its parent's unit.

    `until` is the first day on which a member is active no more; `child` is None for members.
    """

    unit: str
    since: date
    until: date | None = None
    erased: bool = False
    child: Child | None = None


Persons = Mapping[UUID, Person | None]
"""The persons that decisions name, by id; None for one that is not known."""


class ChildCommand(Command):
    """A command about one child."""

    child_id: UUID
    on: Day

    @property
    def aggregate_id(self) -> UUID:
        """The child's own id."""
        return self.child_id


class RegisterChild(ChildCommand):
    """Record a member's child."""

    member_id: UUID
    full_name: Personal[Line]
    birth_date: Personal[Day]


class CorrectChildDetails(ChildCommand):
    """Correct what is recorded; what is left out stays."""

    full_name: Personal[Line | None] = None
    birth_date: Personal[Day | None] = None


def register(state: Child | None, command: RegisterChild, persons: Persons) -> list[Event]:
    """:raises ChildExists, MemberUnknown, MemberHasLeft, NotBefore, BornLater:"""
    if state is not None:
        raise ChildExists("child_id")
    parent = parent_of(command.member_id, persons)
    not_before(parent.since, command.on)
    if parent.until is not None and parent.until <= command.on:
        raise MemberHasLeft("member_id", on=parent.until)
    born_by(command.birth_date, command.on)
    return [
        ChildRegistered(
            unit=parent.unit,
            on=command.on,
            child_id=command.child_id,
            member_id=command.member_id,
            full_name=command.full_name,
            birth_date=command.birth_date,
        )
    ]


def correct(state: Child | None, command: CorrectChildDetails, persons: Persons) -> list[Event]:
    """:raises ChildUnknown, SubjectIsErased, NothingChanges, BornLater:"""
    child = known(state)
    if command.full_name is None and command.birth_date in (None, child.born_on):
        raise NothingChanges()
    if command.birth_date is not None:
        born_by(command.birth_date, command.on)
    return [
        ChildDetailsCorrected(
            unit=unit_of(state, command, persons),
            on=command.on,
            child_id=child.child_id,
            full_name=command.full_name,
            birth_date=command.birth_date,
        )
    ]


def known(state: Child | None) -> Child:
    """:raises ChildUnknown: it was never registered. :raises SubjectIsErased: nothing is left of it."""
    if state is None:
        raise ChildUnknown("child_id")
    if state.erased is not None:
        raise SubjectIsErased("child_id")
    return state


def parent_of(member_id: UUID, persons: Persons) -> Person:
    """:raises MemberUnknown: no member has this id, or nothing is left of it."""
    parent = persons.get(member_id)
    if parent is None or parent.child is not None or parent.erased:
        raise MemberUnknown("member_id")
    return parent


def unit_of(state: Child | None, command: Command, persons: Persons) -> str:
    """Where a child is recorded about: at the unit its parent is of now, wherever that was before.

    :raises ChildUnknown:
    """
    if isinstance(command, RegisterChild) and state is None:
        return parent_of(command.member_id, persons).unit
    if state is None:
        raise ChildUnknown("child_id")
    person = persons.get(state.child_id)
    return person.unit if person else state.unit


def has_own_voice(born_on: date, on: date) -> bool:
    """Whether a child has completed seven years on a day.

    Born on 29 February it has completed them on the last day of February: where a term has no corresponding day, it ends
    on the last of the month (Civil Code 91/2015/QH13, art. 148).
    """
    year = born_on.year + OWN_VOICE_YEARS
    try:
        birthday = born_on.replace(year=year)
    except ValueError:
        birthday = date(year, 2, 28)
    return on >= birthday


def evolve(state: Child | None, event: Event) -> Child:
    """The child after one more event; its personal details may be gone."""
    match event:
        case ChildRegistered():
            return Child(event.child_id, event.member_id, event.unit, event.birth_date, event.on)
        case ChildDetailsCorrected() if state:
            return replace(state, unit=event.unit, born_on=event.birth_date or state.born_on)
        case SubjectErased() if state:
            return replace(state, born_on=None, erased=Erasure(event.request_id, event.on, event.awaited))
        case LegalHoldPlaced() | LegalHoldLifted() if state:
            return replace(state, holds=holds_after(state.holds, event))
    raise AssertionError(f"{event.topic} is no event of a child")


CHILD = Aggregate("child", evolve, lambda child: child.unit, begins=(ChildRegistered,))
