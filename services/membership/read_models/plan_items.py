"""What stands in a unit's plan of a year, and what of it is done?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from chassis.database import Pool, fetch, fetch_rows
from chassis.read_models import Key, ReadModel
from chassis.recorded import RecordedEvent
from membership.events import PlanItemAdded, PlanItemCompleted


@dataclass(frozen=True, slots=True)
class PlanItemRow:
    """An item of a plan."""

    unit: str
    year: int
    item_id: UUID
    kind: str
    title: str
    added_on: date
    completed_on: date | None


PLAN_ITEMS = ReadModel("plan_items", 1, PlanItemRow, key=("unit", "year", "item_id"), source="membership")


@PLAN_ITEMS.on(PlanItemAdded, key=lambda event: (event.unit, event.year, event.item_id))
def added(row: PlanItemRow | None, event: PlanItemAdded, at: RecordedEvent) -> PlanItemRow:
    """One more item."""
    return PlanItemRow(event.unit, event.year, event.item_id, event.kind.value, event.title, event.on, None)


@PLAN_ITEMS.on(PlanItemCompleted, key=lambda event: (event.unit, event.year, event.item_id))
def completed(row: PlanItemRow | None, event: PlanItemCompleted, at: RecordedEvent) -> PlanItemRow:
    """Done."""
    assert row is not None
    return replace(row, completed_on=event.on)


async def items_by_kind(pool: Pool, units: Sequence[str], year: int, day: date) -> dict[str, int]:
    """How many items of each kind the plans of some units for a year have on a day."""
    query = f"select kind, count(*) from {PLAN_ITEMS.table} where unit = any(%s) and year = %s and added_on <= %s group by kind"
    return {str(kind): int(count) for kind, count in await fetch(pool, query, (list(units), year, day))}


async def items_of(pool: Pool, unit: str, year: int, size: int, after: Key | None) -> list[PlanItemRow]:
    """One page of a unit's plan of a year, by item id."""
    return await fetch_rows(
        pool,
        PLAN_ITEMS,
        f"unit = %s and year = %s {'and item_id > %s' if after else ''} order by item_id limit %s",
        (unit, year, *(after or ()), size),
    )
