"""Does this initiative count? Registered once, inside its programme's window, and accepted once."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from awards.domain.programme import Programme, ProgrammeUnknown
from awards.domain.standing import Units, not_before, open_unit
from awards.events import InitiativeAccepted, InitiativeRegistered, InitiativeRejected
from chassis.commands import Aggregate, Command
from chassis.events import Event
from chassis.fields import Code, Day, Line
from chassis.refusals import AlreadyExists, NotFound, RuleBroken


class InitiativeExists(AlreadyExists):
    """An initiative is registered once."""

    vi = "Mã sáng kiến này đã được dùng."
    en = "This initiative id is already taken."


class InitiativeUnknown(NotFound):
    """No such initiative was registered."""

    vi = "Không có sáng kiến này."
    en = "There is no such initiative."


class OutsideOfWindow(RuleBroken):
    """Initiatives are registered inside the programme's window."""

    vi = "Chương trình chỉ nhận sáng kiến từ {opens_on} đến {closes_on}."
    en = "The programme takes initiatives from {opens_on} to {closes_on}."


class UnitOutsideOfProgramme(RuleBroken):
    """A programme is for the units at and under the one that opened it."""

    vi = "Đơn vị {unit} không thuộc đơn vị mở chương trình {programme_unit}."
    en = "The unit {unit} does not lie under the programme's unit {programme_unit}."


class AlreadyJudged(RuleBroken):
    """An initiative is accepted or rejected once."""

    vi = "Sáng kiến đã được công nhận hoặc từ chối."
    en = "The initiative was accepted or rejected already."


@dataclass(frozen=True, slots=True)
class Initiative:
    """An initiative as its history left it."""

    initiative_id: UUID
    programme_id: UUID
    programme_unit: str
    unit: str
    year: int
    registered_on: date
    judged: bool = False


@dataclass(frozen=True, slots=True)
class InitiativeFacts:
    """What a registration sees besides the initiative."""

    units: Units
    programmes: Mapping[UUID, Programme | None]


class InitiativeCommand(Command):
    """A command about one initiative."""

    initiative_id: UUID
    on: Day

    @property
    def aggregate_id(self) -> UUID:
        """The initiative's own id."""
        return self.initiative_id


class RegisterInitiative(InitiativeCommand):
    """Register an initiative of a unit; of a member of it when there is one author."""

    programme_id: UUID
    unit: Code
    author_id: UUID | None = None
    title: Line


class AcceptInitiative(InitiativeCommand):
    """Accept an initiative: it counts."""


class RejectInitiative(InitiativeCommand):
    """Reject an initiative: it does not count."""

    reason: Line


def register(state: Initiative | None, command: RegisterInitiative, facts: InitiativeFacts) -> list[Event]:
    """:raises InitiativeExists, ProgrammeUnknown, UnitUnknown, UnitIsDissolved, UnitOutsideOfProgramme, OutsideOfWindow:"""
    if state is not None:
        raise InitiativeExists("initiative_id")
    programme = facts.programmes.get(command.programme_id)
    if programme is None:
        raise ProgrammeUnknown("programme_id")
    if programme.unit not in open_unit(facts.units, command.unit).above:
        raise UnitOutsideOfProgramme("unit", unit=command.unit, programme_unit=programme.unit)
    if not programme.opens_on <= command.on <= programme.closes_on:
        raise OutsideOfWindow("on", opens_on=programme.opens_on, closes_on=programme.closes_on)
    return [
        InitiativeRegistered(
            unit=command.unit,
            on=command.on,
            initiative_id=command.initiative_id,
            programme_id=programme.programme_id,
            programme_unit=programme.unit,
            year=programme.year,
            author_id=command.author_id,
            title=command.title,
        )
    ]


def accept(state: Initiative | None, command: AcceptInitiative, _: object) -> list[Event]:
    """It may be judged after the window's end: what must lie inside is the registration.

    :raises InitiativeUnknown, AlreadyJudged, NotBefore:
    """
    initiative = _unjudged(state, command.on)
    return [
        InitiativeAccepted(
            unit=initiative.unit,
            on=command.on,
            initiative_id=initiative.initiative_id,
            programme_id=initiative.programme_id,
            programme_unit=initiative.programme_unit,
            year=initiative.year,
        )
    ]


def reject(state: Initiative | None, command: RejectInitiative, _: object) -> list[Event]:
    """:raises InitiativeUnknown, AlreadyJudged, NotBefore:"""
    initiative = _unjudged(state, command.on)
    return [
        InitiativeRejected(
            unit=initiative.unit,
            on=command.on,
            initiative_id=initiative.initiative_id,
            programme_id=initiative.programme_id,
            programme_unit=initiative.programme_unit,
            year=initiative.year,
            reason=command.reason,
        )
    ]


def registering_unit(state: Initiative | None, command: RegisterInitiative, facts: InitiativeFacts) -> str:
    """Where an initiative is registered: at its unit, once that is seen to exist.

    :raises UnitUnknown, UnitIsDissolved:
    """
    return state.unit if state else open_unit(facts.units, command.unit).code


def judging_unit(state: Initiative | None, command: Command, _: object) -> str:
    """Where an initiative is judged: at the unit that opened the programme.

    :raises InitiativeUnknown:
    """
    if state is None:
        raise InitiativeUnknown("initiative_id")
    return state.programme_unit


def _unjudged(state: Initiative | None, on: date) -> Initiative:
    if state is None:
        raise InitiativeUnknown("initiative_id")
    if state.judged:
        raise AlreadyJudged("initiative_id")
    not_before(state.registered_on, on)
    return state


def evolve(state: Initiative | None, event: Event) -> Initiative:
    """The initiative after one more event."""
    match event:
        case InitiativeRegistered():
            return Initiative(event.initiative_id, event.programme_id, event.programme_unit, event.unit, event.year, event.on)
        case InitiativeAccepted() | InitiativeRejected() if state:
            return replace(state, judged=True)
    raise AssertionError(f"{event.topic} is no event of an initiative")


INITIATIVE = Aggregate("initiative", evolve, lambda initiative: initiative.unit, begins=(InitiativeRegistered,))
