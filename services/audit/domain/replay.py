"""What was a reader given of the history, by which filter, up to which cut? That is kept before anything is told."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated
from uuid import UUID, uuid5

from pydantic import AwareDatetime, StringConstraints, model_validator

from audit.events import CutPosition, HistoryReplayed
from chassis.commands import Aggregate, Command, FieldRule
from chassis.events import Event
from chassis.fields import Code, Day, Line
from chassis.refusals import AlreadyExists, Invalid, NotFound, Problem

_REPLAYS = UUID("7c1e3a52-0d1b-5c3f-9b57-5f0e2c4a8d16")

Name = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
"""What somebody or something is called elsewhere: a subject of a token, a correlation, a topic; empty for none."""


class ReplayUnknown(NotFound):
    """Only whoever began a replay is given its events: what it reads stands under its own name."""

    vi = "Người gọi không có lần đọc lại này."
    en = "The caller began no such replay."


class ReplayExists(AlreadyExists):
    """A replay is recorded once."""

    vi = "Lần đọc lại này đã được ghi."
    en = "This replay is recorded already."


class ReasonMissing(Invalid):
    """The history is read for a reason, which is kept."""

    def __init__(self) -> None:
        super().__init__(Problem("reason", "cần nêu lý do đọc", "a reason for the reading is needed"))


def replay_of(command_id: UUID) -> UUID:
    """The id of the replay that a command begins."""
    return uuid5(_REPLAYS, str(command_id))


class RecordReplay(Command):
    """Record that somebody is about to be given events. Given by this service alone, to itself.

    `unit` is where the reader's role is held.
    """

    unit: str
    reader: str
    reader_role: str
    on: Day
    reason: Line
    recorded_from: AwareDatetime | None = None
    recorded_before: AwareDatetime | None = None
    effective_from: Day | None = None
    effective_to: Day | None = None
    branch: Code | None = None
    of_unit: Code | None = None
    member_id: UUID | None = None
    services: tuple[Name, ...] = ()
    topics: tuple[Name, ...] = ()
    of_command: UUID | None = None
    actor: Name = ""
    correlation: Name = ""
    cut: tuple[CutPosition, ...]

    @model_validator(mode="after")
    def _in_order(self) -> "RecordReplay":
        for first, last in ((self.recorded_from, self.recorded_before), (self.effective_from, self.effective_to)):
            if first and last and first > last:
                raise FieldRule("khoảng thời gian kết thúc trước khi bắt đầu", "a span of time ends before it begins")
        return self

    @property
    def aggregate_id(self) -> UUID:
        """One a command."""
        return replay_of(self.command_id)


_FILTER = (
    "recorded_from", "recorded_before", "effective_from", "effective_to", "branch", "of_unit", "member_id", "services", "topics",
    "of_command", "actor", "correlation",
)  # fmt: skip


def filter_of(replay: "RecordReplay | HistoryReplayed") -> Mapping[str, date | datetime | UUID | str | tuple[str, ...]]:
    """The parts of a filter that filter anything, by their names."""
    return {name: value for name in _FILTER if (value := getattr(replay, name))}


def record(state: HistoryReplayed | None, command: RecordReplay, _: object) -> list[Event]:
    """:raises ReplayExists:"""
    if state is not None:
        raise ReplayExists("command_id")
    told = command.model_dump(exclude={"command_id", "expected_version", "cut", "branch", "of_unit"})
    places = {"branch": command.branch or "", "of_unit": command.of_unit or ""}
    return [HistoryReplayed(**told, **places, replay_id=command.aggregate_id, cut=command.cut)]


def evolve(state: HistoryReplayed | None, event: Event) -> HistoryReplayed:
    """A replay has no more to it than that it was begun."""
    assert isinstance(event, HistoryReplayed)
    return event


REPLAY: Aggregate[HistoryReplayed] = Aggregate("replay", evolve, lambda replay: replay.unit, begins=(HistoryReplayed,))
