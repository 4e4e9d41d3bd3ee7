"""Who read whose data, and why?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from chassis.database import Pool, fetch_rows
from chassis.read_models import Key, ReadModel
from chassis.recorded import RecordedEvent
from membership.events import PersonalDataRead


@dataclass(frozen=True, slots=True)
class ReadingRow:
    """A reading in a unit; `members` and `fields_read` are joined by commas."""

    reading_id: UUID
    unit: str
    position: int
    on_day: date
    reader: str
    reader_role: str
    reader_unit: str
    members: str
    fields_read: str
    reason: str


READINGS = ReadModel("readings", 1, ReadingRow, key=("reading_id", "unit"), source="membership", indexes=(("unit", "position"),))


@READINGS.on(PersonalDataRead, key=lambda event: (event.reading_id, event.unit))
def read(row: ReadingRow | None, event: PersonalDataRead, at: RecordedEvent) -> ReadingRow:
    """One more."""
    return ReadingRow(
        event.reading_id,
        event.unit,
        at.position,
        event.on,
        event.reader,
        event.reader_role,
        event.reader_unit,
        ",".join(map(str, event.member_ids)),
        ",".join(event.fields),
        event.reason,
    )


async def readings_in(pool: Pool, units: Sequence[str], size: int, after: Key | None) -> list[ReadingRow]:
    """One page of the readings in some units, by unit and position; after such a key."""
    beyond = "and (unit, position) > (%s, %s)" if after else ""
    condition = f"unit = any(%s) {beyond} order by unit, position limit %s"
    return await fetch_rows(pool, READINGS, condition, (list(units), *(after or ()), size))
