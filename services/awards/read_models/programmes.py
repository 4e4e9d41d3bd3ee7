"""How far has a programme of initiatives come towards its target?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

from awards.events import InitiativeAccepted, InitiativeProgrammeOpened, InitiativeRegistered, InitiativeRejected
from chassis.database import Pool, fetch_rows
from chassis.read_models import Key, ReadModel
from chassis.recorded import RecordedEvent


@dataclass(frozen=True, slots=True)
class ProgrammeRow:
    """A programme and how many initiatives it has: registered in all, and of these accepted and rejected."""

    programme_id: UUID
    unit: str
    year: int
    name: str
    target: int
    opens_on: date
    closes_on: date
    registered: int = 0
    accepted: int = 0
    rejected: int = 0


PROGRAMMES = ReadModel(
    "programmes", 1, ProgrammeRow, key=("programme_id",), source="awards", indexes=(("year", "unit", "programme_id"),)
)


def _id(event: Any) -> Key:
    return (event.programme_id,)


@PROGRAMMES.on(InitiativeProgrammeOpened, key=_id)
def opened(row: ProgrammeRow | None, event: InitiativeProgrammeOpened, at: RecordedEvent) -> ProgrammeRow:
    """A programme begins."""
    return ProgrammeRow(event.programme_id, event.unit, event.year, event.name, event.target, event.on, event.closes_on)


@PROGRAMMES.on(InitiativeRegistered, key=_id)
def registered(row: ProgrammeRow | None, event: InitiativeRegistered, at: RecordedEvent) -> ProgrammeRow:
    """One more to be judged."""
    assert row is not None
    return replace(row, registered=row.registered + 1)


@PROGRAMMES.on(InitiativeAccepted, key=_id)
def accepted(row: ProgrammeRow | None, event: InitiativeAccepted, at: RecordedEvent) -> ProgrammeRow:
    """One more towards the target."""
    assert row is not None
    return replace(row, accepted=row.accepted + 1)


@PROGRAMMES.on(InitiativeRejected, key=_id)
def rejected(row: ProgrammeRow | None, event: InitiativeRejected, at: RecordedEvent) -> ProgrammeRow:
    """One that does not count."""
    assert row is not None
    return replace(row, rejected=row.rejected + 1)


async def programme(pool: Pool, programme_id: UUID) -> ProgrammeRow | None:
    """One programme."""
    rows = await fetch_rows(pool, PROGRAMMES, "programme_id = %s", (programme_id,))
    return rows[0] if rows else None


async def programmes_of(pool: Pool, units: Sequence[str], year: int, after: Key | None, size: int) -> list[ProgrammeRow]:
    """The programmes that some units opened for a year, by unit and id; after such a key."""
    beyond = "and (unit, programme_id) > (%s, %s)" if after else ""
    condition = f"year = %s and unit = any(%s) {beyond} order by unit, programme_id limit %s"
    return await fetch_rows(pool, PROGRAMMES, condition, (year, list(units), *(after or ()), size))
