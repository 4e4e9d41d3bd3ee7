"""May this cut have this name? A name is given once, and never means another cut."""

from uuid import UUID, uuid5

from pydantic import AwareDatetime

from audit.domain.cut import Cut
from audit.events import CutNamed, CutPosition
from chassis.commands import Aggregate, Command
from chassis.events import Event
from chassis.fields import Code, Day
from chassis.refusals import AlreadyExists, NotFound

_CUTS = UUID("b1d0f6c4-2f0b-5a7e-8c55-3f8f6b2f4a91")


class CutNameTaken(AlreadyExists):
    """Whoever asked by a name once is told the same for ever."""

    vi = "Tên lát cắt này đã được dùng."
    en = "A cut has this name already."


class CutUnknown(NotFound):
    """Only what was named can be asked for by name."""

    vi = "Không có lát cắt nào mang tên này."
    en = "No cut has this name."


class NameCut(Command):
    """Give a cut, which is causally closed, a name. Given by this service alone, to itself; `unit` is where the role is held."""

    unit: str
    reader: str
    reader_role: str
    on: Day
    name: Code
    recorded_by: AwareDatetime | None
    cut: tuple[CutPosition, ...]

    @property
    def aggregate_id(self) -> UUID:
        """The name is the identity, so it is given once."""
        return uuid5(_CUTS, self.name)


def name_cut(state: CutNamed | None, command: NameCut, _: object) -> list[Event]:
    """:raises CutNameTaken:"""
    if state is not None:
        raise CutNameTaken("name")
    return [CutNamed(**command.model_dump(exclude={"command_id", "expected_version"}))]


def evolve(state: CutNamed | None, event: Event) -> CutNamed:
    """There is no more to it than its name."""
    assert isinstance(event, CutNamed)
    return event


def parts(cut: Cut) -> tuple[CutPosition, ...]:
    """A cut as it stands in events."""
    return tuple(CutPosition(service=service, position=position) for service, position in cut.parts)


NAMED_CUT: Aggregate[CutNamed] = Aggregate("named_cut", evolve, lambda named: named.unit, begins=(CutNamed,))
