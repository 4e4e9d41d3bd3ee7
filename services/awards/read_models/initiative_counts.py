"""How many initiatives of units were accepted for a year, against which target? Only the change of each day is kept."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from awards.events import InitiativeAccepted, InitiativeProgrammeOpened
from chassis.database import Pool, fetch
from chassis.read_models import Key, ReadModel
from chassis.recorded import RecordedEvent


@dataclass(frozen=True, slots=True)
class InitiativeChange:
    """How many initiatives of a unit were accepted on a day, and the targets of programmes it opened that day."""

    unit: str
    year: int
    day: date
    accepted: int = 0
    target: int = 0


INITIATIVE_COUNTS = ReadModel("initiative_counts", 1, InitiativeChange, key=("unit", "year", "day"), source="awards")


def _key(event: InitiativeAccepted | InitiativeProgrammeOpened) -> Key:
    return (event.unit, event.year, event.on)


@INITIATIVE_COUNTS.on(InitiativeAccepted, key=_key)
def accepted(row: InitiativeChange | None, event: InitiativeAccepted, at: RecordedEvent) -> InitiativeChange:
    """One more."""
    row = row or InitiativeChange(event.unit, event.year, event.on)
    return replace(row, accepted=row.accepted + 1)


@INITIATIVE_COUNTS.on(InitiativeProgrammeOpened, key=_key)
def opened(row: InitiativeChange | None, event: InitiativeProgrammeOpened, at: RecordedEvent) -> InitiativeChange:
    """A target more."""
    row = row or InitiativeChange(event.unit, event.year, event.on)
    return replace(row, target=row.target + event.target)


async def initiative_totals(pool: Pool, units: Sequence[str], year: int, day: date) -> tuple[int, int]:
    """Accepted initiatives and targets of some units for a year until a day."""
    query = (
        f"select coalesce(sum(accepted), 0)::bigint, coalesce(sum(target), 0)::bigint from {INITIATIVE_COUNTS.table}"
        " where unit = any(%s) and year = %s and day <= %s"
    )
    ((accepted_count, target),) = await fetch(pool, query, (list(units), year, day))
    return accepted_count, target
