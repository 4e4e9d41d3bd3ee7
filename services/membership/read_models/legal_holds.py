"""What of a person does the law keep, and since when?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from chassis.database import Pool, fetch
from chassis.read_models import Key, ReadModel
from chassis.recorded import RecordedEvent
from membership.events import LegalHoldLifted, LegalHoldPlaced
from membership.read_models.children import with_units


@dataclass(frozen=True, slots=True)
class LegalHoldRow:
    """A legal hold on a class of a person's data; live while `lifted_on` is None."""

    person_id: UUID
    hold_id: UUID
    field_class: str
    basis: str
    reason: str
    placed_on: date
    lifted_on: date | None = None
    lift_reason: str = ""


LEGAL_HOLDS = ReadModel(
    "legal_holds",
    1,
    LegalHoldRow,
    key=("person_id", "hold_id"),
    source="membership",
    indexes=(("placed_on", "person_id", "hold_id"),),
)


@LEGAL_HOLDS.on(LegalHoldPlaced, key=lambda event: (event.person_id, event.hold_id))
def placed(row: LegalHoldRow | None, event: LegalHoldPlaced, at: RecordedEvent) -> LegalHoldRow:
    """One more."""
    return LegalHoldRow(event.person_id, event.hold_id, event.field_class.value, event.basis, event.reason, event.on)


@LEGAL_HOLDS.on(LegalHoldLifted, key=lambda event: (event.person_id, event.hold_id))
def lifted(row: LegalHoldRow | None, event: LegalHoldLifted, at: RecordedEvent) -> LegalHoldRow:
    """It holds no longer."""
    assert row is not None
    return replace(row, lifted_on=event.on, lift_reason=event.reason)


async def holds_of(
    pool: Pool, units: Sequence[str], person_id: UUID | None, live_only: bool, size: int, after: Key | None
) -> list[tuple[LegalHoldRow, str]]:
    """One page of the holds on people who are of some units now, each with the unit, by day, person and id.

    :param after: day, person and id of the last row of the page before.
    """
    conditions: list[str] = ["m.unit = any(%s)"]
    values: list[object] = [list(units)]
    if person_id is not None:
        conditions.append("h.person_id = %s")
        values.append(person_id)
    if live_only:
        conditions.append("h.lifted_on is null")
    if after:
        conditions.append("(h.placed_on, h.person_id, h.hold_id) > (%s, %s, %s)")
        values += after
    columns = ", ".join(f"h.{name}" for name in LEGAL_HOLDS.columns)
    rows = await fetch(
        pool,
        f"select {columns}, m.unit from {LEGAL_HOLDS.table} h {with_units('h')} "
        f"where {' and '.join(conditions)} order by h.placed_on, h.person_id, h.hold_id limit %s",
        (*values, size),
    )
    return [(LegalHoldRow(*row[:-1]), row[-1]) for row in rows]
