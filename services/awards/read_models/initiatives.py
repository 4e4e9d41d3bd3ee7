"""Which initiatives has a programme, or a unit for a year, and which of them count?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

from awards.events import InitiativeAccepted, InitiativeRegistered, InitiativeRejected
from chassis.database import Pool, fetch_rows
from chassis.read_models import Key, ReadModel
from chassis.recorded import RecordedEvent


@dataclass(frozen=True, slots=True)
class InitiativeRow:
    """An initiative as of the last event; `judged_on` is the day of its acceptance or rejection."""

    initiative_id: UUID
    programme_id: UUID
    unit: str
    author_id: UUID | None
    title: str
    year: int
    status: str
    registered_on: date
    judged_on: date | None = None


INITIATIVES = ReadModel(
    "initiatives",
    1,
    InitiativeRow,
    key=("initiative_id",),
    source="awards",
    indexes=(("programme_id", "unit", "initiative_id"), ("year", "unit", "initiative_id")),
)


def _id(event: Any) -> Key:
    return (event.initiative_id,)


@INITIATIVES.on(InitiativeRegistered, key=_id)
def registered(row: InitiativeRow | None, event: InitiativeRegistered, at: RecordedEvent) -> InitiativeRow:
    """An initiative begins."""
    return InitiativeRow(
        event.initiative_id,
        event.programme_id,
        event.unit,
        event.author_id,
        event.title,
        event.year,
        "registered",
        event.on,
    )


@INITIATIVES.on(InitiativeAccepted, key=_id)
def accepted(row: InitiativeRow | None, event: InitiativeAccepted, at: RecordedEvent) -> InitiativeRow:
    """It counts."""
    assert row is not None
    return replace(row, status="accepted", judged_on=event.on)


@INITIATIVES.on(InitiativeRejected, key=_id)
def rejected(row: InitiativeRow | None, event: InitiativeRejected, at: RecordedEvent) -> InitiativeRow:
    """It does not count."""
    assert row is not None
    return replace(row, status="rejected", judged_on=event.on)


async def initiatives_of_programme(
    pool: Pool, programme_id: UUID, units: Sequence[str] | None, after: Key | None, size: int
) -> list[InitiativeRow]:
    """The initiatives of a programme, by unit and id; after such a key; of some units when they are given."""
    condition = "programme_id = %s"
    values: tuple[object, ...] = (programme_id,)
    if units is not None:
        condition, values = f"{condition} and unit = any(%s)", (*values, list(units))
    if after:
        condition, values = f"{condition} and (unit, initiative_id) > (%s, %s)", (*values, *after)
    return await fetch_rows(pool, INITIATIVES, f"{condition} order by unit, initiative_id limit %s", (*values, size))


async def initiatives_of_units(pool: Pool, units: Sequence[str], year: int, after: Key | None, size: int) -> list[InitiativeRow]:
    """The initiatives of some units for a year, by unit and id; after such a key."""
    beyond = "and (unit, initiative_id) > (%s, %s)" if after else ""
    condition = f"year = %s and unit = any(%s) {beyond} order by unit, initiative_id limit %s"
    return await fetch_rows(pool, INITIATIVES, condition, (year, list(units), *(after or ()), size))
