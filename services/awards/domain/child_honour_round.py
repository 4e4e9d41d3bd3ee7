"""For which year, and in which days, does a unit honour the children of its members?"""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from awards.domain.standing import Units, not_before, open_unit
from awards.events import ChildHonourRoundOpened
from chassis.commands import Aggregate, Command
from chassis.events import Event
from chassis.fields import Code, Day, Line, Year
from chassis.refusals import AlreadyExists, NotFound


class RoundExists(AlreadyExists):
    """A round id is given once."""

    vi = "Mã đợt tuyên dương này đã được dùng."
    en = "This round id is already taken."


class RoundUnknown(NotFound):
    """No such round was opened."""

    vi = "Không có đợt tuyên dương này."
    en = "There is no such round of honours."


@dataclass(frozen=True, slots=True)
class Round:
    """A round as it was opened."""

    round_id: UUID
    unit: str
    year: int
    opens_on: date
    closes_on: date


class OpenChildHonourRound(Command):
    """Open a round of honours."""

    round_id: UUID
    unit: Code
    year: Year
    name: Line
    on: Day
    closes_on: Day

    @property
    def aggregate_id(self) -> UUID:
        """The round's own id."""
        return self.round_id


def open_round(state: Round | None, command: OpenChildHonourRound, units: Units) -> list[Event]:
    """:raises RoundExists, UnitUnknown, UnitIsDissolved, NotBefore:"""
    if state is not None:
        raise RoundExists("round_id")
    open_unit(units, command.unit)
    not_before(command.on, command.closes_on, "closes_on")
    return [
        ChildHonourRoundOpened(
            unit=command.unit,
            on=command.on,
            round_id=command.round_id,
            year=command.year,
            name=command.name,
            closes_on=command.closes_on,
        )
    ]


def opening_unit(state: Round | None, command: OpenChildHonourRound, units: Units) -> str:
    """Where a round is opened: at its unit, once that is seen to exist.

    :raises UnitUnknown, UnitIsDissolved:
    """
    return state.unit if state else open_unit(units, command.unit).code


def evolve(state: Round | None, event: Event) -> Round:
    """The round after one more event."""
    match event:
        case ChildHonourRoundOpened():
            return Round(event.round_id, event.unit, event.year, event.on, event.closes_on)
    raise AssertionError(f"{event.topic} is no event of a round")


ROUND = Aggregate("child_honour_round", evolve, lambda opened: opened.unit, begins=(ChildHonourRoundOpened,))
