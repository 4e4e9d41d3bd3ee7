"""How many children's achievements were honoured for a year, by level and prize? Only the change of each day is kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from awards.events import ChildHonoured
from chassis.database import Pool, fetch
from chassis.read_models import ReadModel
from chassis.recorded import RecordedEvent


@dataclass(frozen=True, slots=True)
class ChildHonourChange:
    """How many achievements of a level and prize were honoured on a day, of children whose parents were of a unit."""

    unit: str
    year: int
    level: str
    prize: str
    day: date
    honoured: int


CHILD_HONOUR_COUNTS = ReadModel(
    "child_honour_counts", 1, ChildHonourChange, key=("unit", "year", "level", "prize", "day"), source="awards"
)


@CHILD_HONOUR_COUNTS.on(ChildHonoured, key=lambda event: (event.unit, event.year, event.level.value, event.prize.value, event.on))
def honoured(row: ChildHonourChange | None, event: ChildHonoured, at: RecordedEvent) -> ChildHonourChange:
    """One more; nothing that comes after takes it back, erasure neither."""
    count = row.honoured + 1 if row else 1
    return ChildHonourChange(event.unit, event.year, event.level.value, event.prize.value, event.on, count)


async def breakdown(pool: Pool, units: Sequence[str], year: int, day: date) -> dict[tuple[str, str], int]:
    """How many honours of each level and prize children of some units were given for a year until a day."""
    query = (
        f"select level, prize, sum(honoured)::bigint from {CHILD_HONOUR_COUNTS.table}"
        " where unit = any(%s) and year = %s and day <= %s group by level, prize"
    )
    rows = await fetch(pool, query, (list(units), year, day))
    return {(str(level), str(prize)): int(count) for level, prize, count in rows}
