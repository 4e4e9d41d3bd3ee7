"""Who was told what belongs to a person? That is kept before anything is told, of everybody's reading."""

from uuid import UUID, uuid5

from chassis.commands import Aggregate, Command
from chassis.events import Event
from chassis.fields import Code, Day
from chassis.refusals import AlreadyExists, Forbidden, Invalid, Problem
from membership.domain.data_request import Reference
from membership.events import PersonalDataRead

_READINGS = UUID("2b1c8c0b-7e55-5a43-8c2c-3c6f0a5e9d71")


class NameWithheld(Forbidden):
    """Whoever is unknown and whoever is elsewhere look the same: nobody learns from a refusal who is a member."""

    vi = "Không có đoàn viên này, hoặc người gọi không có quyền đọc tên."
    en = "There is no such member, or the caller has no right to the name."


class ReasonMissing(Invalid):
    """Names of members outside of the own subtree are read for a reason, which is kept."""

    def __init__(self) -> None:
        super().__init__(Problem("reason", "cần nêu lý do đọc", "a reason for the reading is needed"))


class ReadingExists(AlreadyExists):
    """A reading is recorded once a unit."""

    vi = "Lần đọc này đã được ghi."
    en = "This reading is recorded already."


class RecordReading(Command):
    """Record that data of some persons of a unit are about to be told. Given by this service alone, to itself.

    `reason` is None where none is asked for: in the reader's own units.
    """

    reading_id: UUID
    unit: Code
    reader: str
    reader_role: str
    reader_unit: str
    member_ids: tuple[UUID, ...]
    fields_read: tuple[str, ...]
    reason: Reference | None
    on: Day

    @property
    def aggregate_id(self) -> UUID:
        """One a reading and unit."""
        return uuid5(_READINGS, f"{self.reading_id}/{self.unit}")


def record(state: UUID | None, command: RecordReading, _: object) -> list[Event]:
    """:raises ReadingExists:"""
    if state is not None:
        raise ReadingExists("reading_id")
    return [
        PersonalDataRead(
            unit=command.unit,
            on=command.on,
            reading_id=command.reading_id,
            reader=command.reader,
            reader_role=command.reader_role,
            reader_unit=command.reader_unit,
            member_ids=command.member_ids,
            fields=command.fields_read,
            reason=command.reason or "",
        )
    ]


def at_reader(state: UUID | None, command: RecordReading, _: object) -> str:
    """Where a reading is recorded from: at the reader's own unit, whose right to it was checked before."""
    return command.reader_unit


def evolve(state: UUID | None, event: Event) -> UUID:
    """A reading has no more to it than that it was."""
    assert isinstance(event, PersonalDataRead)
    return event.reading_id


READING: Aggregate[UUID] = Aggregate("reading", evolve, lambda reading: "", begins=(PersonalDataRead,))
