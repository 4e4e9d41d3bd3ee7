"""May this programme of initiatives be opened? A target for a year, and a window in which initiatives are registered."""

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from uuid import UUID

from awards.domain.standing import Units, not_before, open_unit
from awards.events import InitiativeProgrammeOpened
from chassis.commands import Aggregate, Command
from chassis.events import Event
from chassis.fields import Code, Count, Day, Line, Year
from chassis.refusals import AlreadyExists, NotFound


class ProgrammeExists(AlreadyExists):
    """A programme id is given once."""

    vi = "Mã chương trình sáng kiến này đã được dùng."
    en = "This programme id is already taken."


class ProgrammeUnknown(NotFound):
    """No such programme was opened."""

    vi = "Không có chương trình sáng kiến này."
    en = "There is no such programme of initiatives."


@dataclass(frozen=True, slots=True)
class Programme:
    """A programme as it was opened; initiatives are registered from `opens_on` to `closes_on`, both included."""

    programme_id: UUID
    unit: str
    year: int
    opens_on: date
    closes_on: date


class OpenInitiativeProgramme(Command):
    """Open a programme with a target for a year."""

    programme_id: UUID
    unit: Code
    year: Year
    name: Line
    target: Count
    opens_on: Day
    closes_on: Day

    @property
    def aggregate_id(self) -> UUID:
        """The programme's own id."""
        return self.programme_id


def open_programme(state: Programme | None, command: OpenInitiativeProgramme, units: Units) -> list[Event]:
    """:raises ProgrammeExists, UnitUnknown, UnitIsDissolved, NotBefore:"""
    if state is not None:
        raise ProgrammeExists("programme_id")
    open_unit(units, command.unit)
    not_before(command.opens_on, command.closes_on, "closes_on")
    return [
        InitiativeProgrammeOpened(
            unit=command.unit,
            on=command.opens_on,
            programme_id=command.programme_id,
            year=command.year,
            name=command.name,
            target=command.target,
            closes_on=command.closes_on,
        )
    ]


def opening_unit(state: Programme | None, command: OpenInitiativeProgramme, units: Units) -> str:
    """Where a programme is opened: at its unit, once that is seen to exist.

    :raises UnitUnknown, UnitIsDissolved:
    """
    return state.unit if state else open_unit(units, command.unit).code


def evolve(state: Programme | None, event: Event) -> Programme:
    """The programme after its one event."""
    match event:
        case InitiativeProgrammeOpened():
            return Programme(event.programme_id, event.unit, event.year, event.on, event.closes_on)
    raise AssertionError(f"{event.topic} is no event of a programme of initiatives")


PROGRAMME = Aggregate("initiative_programme", evolve, lambda programme: programme.unit, begins=(InitiativeProgrammeOpened,))


def percent_of_target(accepted: int, target: int) -> Decimal | None:
    """The result in a hundred of the target, half up, two decimals (domain rule of targets); None without a target."""
    if not target:
        return None
    return (Decimal(100 * accepted) / target).quantize(Decimal("0.01"), ROUND_HALF_UP)
