"""Which children were honoured for what, and what of it is public?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

from awards.events import (
    ChildAchievementRegistered,
    ChildAchievementVerified,
    ChildHonoured,
    ChildHonourPublished,
    ChildHonourWithdrawn,
)
from chassis.database import Pool, fetch_rows
from chassis.read_models import Key, ReadModel
from chassis.recorded import RecordedEvent


@dataclass(frozen=True, slots=True)
class ChildHonourRow:
    """An achievement as of the last event; its honour is public while `published_on` is a day and `withdrawn_on` none."""

    achievement_id: UUID
    round_id: UUID
    unit: str
    year: int
    child_id: UUID
    level: str
    prize: str
    contest: str
    status: str
    registered_on: date
    honoured_on: date | None = None
    decision_number: str | None = None
    published_on: date | None = None
    withdrawn_on: date | None = None


CHILD_HONOURS = ReadModel(
    "child_honours",
    1,
    ChildHonourRow,
    key=("achievement_id",),
    source="awards",
    indexes=(("year", "unit", "achievement_id"),),
    statements=(
        "create index if not exists {table}_public on {table} (year, unit, achievement_id)"
        " where published_on is not null and withdrawn_on is null",
    ),
)


def _id(event: Any) -> Key:
    return (event.achievement_id,)


@CHILD_HONOURS.on(ChildAchievementRegistered, key=_id)
def registered(row: ChildHonourRow | None, event: ChildAchievementRegistered, at: RecordedEvent) -> ChildHonourRow:
    """An achievement to be verified."""
    return ChildHonourRow(
        event.achievement_id,
        event.round_id,
        event.unit,
        event.year,
        event.child_id,
        event.level.value,
        event.prize.value,
        event.contest,
        "registered",
        event.on,
    )


@CHILD_HONOURS.on(ChildAchievementVerified, key=_id)
def verified(row: ChildHonourRow | None, event: ChildAchievementVerified, at: RecordedEvent) -> ChildHonourRow:
    """To be honoured."""
    assert row is not None
    return replace(row, status="verified")


@CHILD_HONOURS.on(ChildHonoured, key=_id)
def honoured(row: ChildHonourRow | None, event: ChildHonoured, at: RecordedEvent) -> ChildHonourRow:
    """Honoured, and not public by that."""
    assert row is not None
    return replace(row, status="honoured", honoured_on=event.on, decision_number=event.decision_number)


@CHILD_HONOURS.on(ChildHonourPublished, key=_id)
def published(row: ChildHonourRow | None, event: ChildHonourPublished, at: RecordedEvent) -> ChildHonourRow:
    """Public, perhaps again."""
    assert row is not None
    return replace(row, published_on=event.on, withdrawn_on=None)


@CHILD_HONOURS.on(ChildHonourWithdrawn, key=_id)
def withdrawn(row: ChildHonourRow | None, event: ChildHonourWithdrawn, at: RecordedEvent) -> ChildHonourRow:
    """Public no longer; the honour stands."""
    assert row is not None
    return replace(row, withdrawn_on=event.on)


async def child_honours_of(
    pool: Pool, units: Sequence[str], year: int, *, public_only: bool, after: Key | None, size: int
) -> list[ChildHonourRow]:
    """The achievements of a year of children whose parents were of some units, by unit and id; after such a key.

    :param public_only: only honours that are public.
    """
    public = "and published_on is not null and withdrawn_on is null" if public_only else ""
    beyond = "and (unit, achievement_id) > (%s, %s)" if after else ""
    condition = f"year = %s and unit = any(%s) {public} {beyond} order by unit, achievement_id limit %s"
    return await fetch_rows(pool, CHILD_HONOURS, condition, (year, list(units), *(after or ()), size))
