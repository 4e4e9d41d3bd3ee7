"""How many gifts did a unit's people receive? Per unit, year and day only the change is kept, so a figure is a short sum."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from chassis.database import Pool, fetch
from chassis.read_models import Key, ReadModel
from chassis.recorded import RecordedEvent
from welfare.events import GiftDistributed, GiftReturned


@dataclass(frozen=True, slots=True)
class GiftChange:
    """By how much the gifts to recipients of a unit changed on a day; `year` is the campaigns', not the day's."""

    unit: str
    year: int
    day: date
    shares: int
    amount_vnd: int


GIFTS_BY_DAY = ReadModel("gifts_by_day", 1, GiftChange, key=("unit", "year", "day"), source="welfare")


def _day(event: GiftDistributed | GiftReturned) -> Key:
    return (event.unit, event.year, event.on)


def _changed(row: GiftChange | None, event: GiftDistributed | GiftReturned, by: int) -> GiftChange:
    shares, amount_vnd = (row.shares, row.amount_vnd) if row else (0, 0)
    return GiftChange(event.unit, event.year, event.on, shares + by, amount_vnd + by * event.amount_vnd)


@GIFTS_BY_DAY.on(GiftDistributed, key=_day)
def distributed(row: GiftChange | None, event: GiftDistributed, at: RecordedEvent) -> GiftChange:
    """One more."""
    return _changed(row, event, 1)


@GIFTS_BY_DAY.on(GiftReturned, key=_day)
def returned(row: GiftChange | None, event: GiftReturned, at: RecordedEvent) -> GiftChange:
    """One less, on the day it came back."""
    return _changed(row, event, -1)


async def gifts_until(pool: Pool, units: Sequence[str], year: int, day: date) -> tuple[int, int]:
    """Shares and đồng given to recipients of some units until a day, in the campaigns of a year, without what came back."""
    query = f"""select coalesce(sum(shares), 0)::bigint, coalesce(sum(amount_vnd), 0)::bigint
                  from {GIFTS_BY_DAY.table} where unit = any(%s) and year = %s and day <= %s"""
    ((shares, amount_vnd),) = await fetch(pool, query, (list(units), year, day))
    return int(shares), int(amount_vnd)
