"""In which rounds are members' children honoured?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from awards.events import ChildHonourRoundOpened
from chassis.database import Pool, fetch_rows
from chassis.read_models import Key, ReadModel
from chassis.recorded import RecordedEvent


@dataclass(frozen=True, slots=True)
class RoundRow:
    """A round, in which achievements are registered from the one day to the other."""

    round_id: UUID
    unit: str
    year: int
    name: str
    opened_on: date
    closes_on: date


CHILD_HONOUR_ROUNDS = ReadModel(
    "child_honour_rounds", 1, RoundRow, key=("round_id",), source="awards", indexes=(("year", "unit", "round_id"),)
)


@CHILD_HONOUR_ROUNDS.on(ChildHonourRoundOpened, key=lambda event: (event.round_id,))
def opened(row: RoundRow | None, event: ChildHonourRoundOpened, at: RecordedEvent) -> RoundRow:
    """A round begins."""
    return RoundRow(event.round_id, event.unit, event.year, event.name, event.on, event.closes_on)


async def rounds_of(pool: Pool, units: Sequence[str], year: int, after: Key | None, size: int) -> list[RoundRow]:
    """The rounds that some units opened for a year, by unit and id; after such a key."""
    beyond = "and (unit, round_id) > (%s, %s)" if after else ""
    condition = f"year = %s and unit = any(%s) {beyond} order by unit, round_id limit %s"
    return await fetch_rows(pool, CHILD_HONOUR_ROUNDS, condition, (year, list(units), *(after or ()), size))
