"""What was a member given, over the years?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from chassis.database import Pool, fetch, fetch_rows
from chassis.read_models import Key, ReadModel
from chassis.recorded import RecordedEvent
from welfare.events import GiftDistributed, GiftReceiptConfirmed, GiftReturned


@dataclass(frozen=True, slots=True)
class CareRow:
    """A gift to a member; `unit` is the member's at approval. A gift that came back stays, with the day it did."""

    member_id: UUID
    campaign_id: UUID
    campaign_unit: str
    year: int
    occasion: str
    unit: str
    form: str
    amount_vnd: int
    given_on: date
    confirmed_on: date | None
    returned_on: date | None


CARE_HISTORY = ReadModel(
    "care_history",
    1,
    CareRow,
    key=("member_id", "campaign_id"),
    source="welfare",
    indexes=(("member_id", "given_on", "campaign_id"),),
)


def _care(event: GiftDistributed | GiftReceiptConfirmed | GiftReturned) -> Key:
    return (event.member_id, event.campaign_id)


@CARE_HISTORY.on(GiftDistributed, key=_care)
def given(row: CareRow | None, event: GiftDistributed, at: RecordedEvent) -> CareRow | None:
    """A gift; in place of an earlier one of the campaign that had come back. A collective gift is nobody's own."""
    if event.member_id is None:
        return None
    return CareRow(
        event.member_id,
        event.campaign_id,
        event.campaign_unit,
        event.year,
        event.occasion,
        event.unit,
        event.form.value,
        event.amount_vnd,
        event.on,
        None,
        None,
    )


@CARE_HISTORY.on(GiftReceiptConfirmed, key=_care)
def confirmed(row: CareRow | None, event: GiftReceiptConfirmed, at: RecordedEvent) -> CareRow | None:
    """The member has it."""
    return row and replace(row, confirmed_on=event.on)


@CARE_HISTORY.on(GiftReturned, key=_care)
def returned(row: CareRow | None, event: GiftReturned, at: RecordedEvent) -> CareRow | None:
    """It came back."""
    return row and replace(row, returned_on=event.on)


async def units_of_care(pool: Pool, member_id: UUID) -> list[str]:
    """The units in which a member was given something."""
    rows = await fetch(pool, f"select distinct unit from {CARE_HISTORY.table} where member_id = %s order by unit", (member_id,))
    return [unit for (unit,) in rows]


async def care_of(pool: Pool, member_id: UUID, units: Sequence[str], size: int, after: Key | None) -> list[CareRow]:
    """One page of what a member was given in some units, the latest first.

    :param after: day and campaign of the last row of the page before.
    """
    condition = f"member_id = %s and unit = any(%s) {'and (given_on, campaign_id) < (%s, %s)' if after else ''}"
    return await fetch_rows(
        pool,
        CARE_HISTORY,
        f"{condition} order by given_on desc, campaign_id desc limit %s",
        (member_id, list(units), *(after or ()), size),
    )
