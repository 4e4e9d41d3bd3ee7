"""What did somebody verify, and how did it come out? It is kept as it was reported; audit looked at nothing of it itself."""

from typing import Annotated, Literal
from uuid import UUID, uuid5

from pydantic import Field, StringConstraints

from audit.events import HistoryVerified, VerifiedPart
from chassis.commands import Aggregate, Command
from chassis.events import Event
from chassis.fields import Code, Day
from chassis.refusals import AlreadyExists

_VERIFICATIONS = UUID("2f7f6d0c-93b6-5d7b-8a0c-7d5b8d1e64a2")
MAX_PARTS = 20

Key = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]+=*$")]


class VerificationExists(AlreadyExists):
    """A verification is reported once."""

    vi = "Lần kiểm tra này đã được ghi."
    en = "This verification is recorded already."


def verification_of(command_id: UUID) -> UUID:
    """The id of the verification that a command reports."""
    return uuid5(_VERIFICATIONS, str(command_id))


class RecordVerification(Command):
    """Record what somebody verified. Given by this service alone, to itself; `unit` is where the reader's role is held."""

    unit: str
    reader: str
    reader_role: str
    on: Day
    source: Literal["stream", "store"]
    whole: bool
    key: Key
    witnesses: Annotated[int, Field(ge=0)]
    signed_by: tuple[Code, ...]
    parts: Annotated[tuple[VerifiedPart, ...], Field(min_length=1, max_length=MAX_PARTS)]

    @property
    def aggregate_id(self) -> UUID:
        """One a command."""
        return verification_of(self.command_id)


def record(state: HistoryVerified | None, command: RecordVerification, _: object) -> list[Event]:
    """:raises VerificationExists:"""
    if state is not None:
        raise VerificationExists("command_id")
    told = command.model_dump(exclude={"command_id", "expected_version"})
    return [HistoryVerified(**told, verification_id=command.aggregate_id)]


def evolve(state: HistoryVerified | None, event: Event) -> HistoryVerified:
    """A verification has no more to it than that it was reported."""
    assert isinstance(event, HistoryVerified)
    return event


VERIFICATION: Aggregate[HistoryVerified] = Aggregate("verification", evolve, lambda one: one.unit, begins=(HistoryVerified,))
