"""Who holds which position on a day, and who could sign on a day?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from uuid import UUID

from chassis.authorities import Authority
from chassis.database import Pool, fetch_rows
from chassis.read_models import Key, ReadModel
from chassis.recorded import RecordedEvent
from membership.events import AUTHORITIES, OfficerAppointed, OfficerReleased


@dataclass(frozen=True, slots=True)
class OfficerRow:
    """A position and who holds it, from the first to the last of some days; `reason` when it ended before its term."""

    position_id: UUID
    unit: str
    officer: str
    office: str
    since: date
    until: date
    reason: str | None


POSITIONS = ReadModel(
    "officers", 1, OfficerRow, key=("position_id",), source="membership", indexes=(("unit", "since", "position_id"),)
)


@POSITIONS.on(OfficerAppointed, key=lambda event: (event.position_id,))
def appointed(row: OfficerRow | None, event: OfficerAppointed, at: RecordedEvent) -> OfficerRow:
    """One more position."""
    return OfficerRow(event.position_id, event.unit, event.officer, event.office.value, event.on, event.until, None)


@POSITIONS.on(OfficerReleased, key=lambda event: (event.position_id,))
def released(row: OfficerRow | None, event: OfficerReleased, at: RecordedEvent) -> OfficerRow:
    """Held until the day before."""
    assert row is not None
    return replace(row, until=min(row.until, event.on - timedelta(days=1)), reason=event.reason.value)


async def officers_on(pool: Pool, units: Sequence[str], day: date, size: int, after: Key | None) -> list[OfficerRow]:
    """One page of the positions that are held in some units on a day, by unit, first day and id.

    :param after: unit, first day and id of the last row of the page before.
    """
    further = "and (unit, since, position_id) > (%s, %s, %s)" if after else ""
    return await fetch_rows(
        pool,
        POSITIONS,
        f"unit = any(%s) and since <= %s and until >= %s {further} order by unit, since, position_id limit %s",
        (list(units), day, day, *(after or ()), size),
    )


async def signatories_on(pool: Pool, unit: str, matter: str, day: date) -> list[Authority]:
    """Everybody who could sign a matter at a unit on a day: its officers, and those who sign in their place."""
    return await fetch_rows(
        pool,
        AUTHORITIES,
        "unit = %s and matter = %s and since <= %s and until >= %s order by since, authority_id",
        (unit, matter, day, day),
    )
