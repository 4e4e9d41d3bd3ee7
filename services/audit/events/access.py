"""What is said of every access to the history: who, why, which part of it, and up to where."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from chassis.events import Branches, Event
from chassis.hierarchy import NATIONAL
from chassis.wording import Words, means


class CutPosition(BaseModel):
    """The first `position` events of a service: its part of a cut through all histories."""

    model_config = ConfigDict(frozen=True)

    service: str
    position: int


class OfReader(BaseModel):
    """Who was given something: subject and role of its token. `unit` is where the role is held, empty for an auditor's."""

    meanings: ClassVar[Mapping[str, Words]] = means(
        unit=(
            "mã đơn vị nơi người đọc giữ vai trò; trống khi vai trò không gắn với đơn vị nào",
            "code of the unit at which the reader holds the role; empty for a role held at none",
        ),
    )

    reader: str
    reader_role: str

    @property
    def placed_by(self) -> tuple[str, ...]:
        """No unit: it is told in one branch, whatever was looked at."""
        return ()

    def branch_in(self, tree: Branches) -> str:
        """That of units under no province: no province is told who looked where."""
        return NATIONAL


class HistoryReplayed(OfReader, Event, topic="audit.history_replayed"):
    """Somebody began to be given the events that match every part of a filter, up to a cut. What is empty filters nothing.

    The events of `of_unit` are those of its subtree on the day of the replay, dissolved units among them.
    """

    vi = "Đọc lại lịch sử: {reader} ({reader_role}) đọc lại các sự kiện đã ghi; lý do: {reason}."
    en = "History replayed: {reader} ({reader_role}) was given recorded events; reason: {reason}."

    replay_id: UUID
    reason: str
    recorded_from: datetime | None
    recorded_before: datetime | None
    effective_from: date | None
    effective_to: date | None
    branch: str
    of_unit: str
    member_id: UUID | None
    services: tuple[str, ...]
    topics: tuple[str, ...]
    of_command: UUID | None
    actor: str
    correlation: str
    cut: tuple[CutPosition, ...]
