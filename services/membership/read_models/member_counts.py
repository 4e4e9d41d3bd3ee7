"""How many members does a unit have on a day? Per unit and day only the change is kept, so a figure is a short sum."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from chassis.database import Pool, fetch
from chassis.read_models import ReadModel
from chassis.recorded import RecordedEvent
from membership.events import MemberJoined, MemberLeft, TransferAccepted


@dataclass(frozen=True, slots=True)
class MemberChange:
    """By how many the members of a unit changed on a day."""

    unit: str
    day: date
    change: int


MEMBER_COUNTS = ReadModel("member_counts", 1, MemberChange, key=("unit", "day"), source="membership")


def _changed(row: MemberChange | None, unit: str, day: date, by: int) -> MemberChange:
    return MemberChange(unit, day, (row.change if row else 0) + by)


@MEMBER_COUNTS.on(MemberJoined, key=lambda event: (event.unit, event.on))
def joined(row: MemberChange | None, event: MemberJoined, at: RecordedEvent) -> MemberChange:
    """One more."""
    return _changed(row, event.unit, event.on, 1)


@MEMBER_COUNTS.on(MemberLeft, key=lambda event: (event.unit, event.on))
def left(row: MemberChange | None, event: MemberLeft, at: RecordedEvent) -> MemberChange:
    """One less."""
    return _changed(row, event.unit, event.on, -1)


@MEMBER_COUNTS.on(TransferAccepted, key=lambda event: (event.unit, event.on))
def arrived(row: MemberChange | None, event: TransferAccepted, at: RecordedEvent) -> MemberChange:
    """One more in the new unit."""
    return _changed(row, event.unit, event.on, 1)


@MEMBER_COUNTS.on(TransferAccepted, key=lambda event: (event.from_unit, event.on))
def departed(row: MemberChange | None, event: TransferAccepted, at: RecordedEvent) -> MemberChange:
    """One less in the old unit."""
    return _changed(row, event.from_unit, event.on, -1)


async def members_on(pool: Pool, units: Sequence[str], day: date) -> int:
    """The members of some units together on a day."""
    query = f"select coalesce(sum(change), 0)::bigint from {MEMBER_COUNTS.table} where unit = any(%s) and day <= %s"
    return int((await fetch(pool, query, (list(units), day)))[0][0])
