"""What became of a nomination? And of all that a unit or a member was given, and of what waits before a decider?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

from awards.events import (
    ArtefactRecovered,
    AwardDecided,
    AwardEndorsed,
    AwardPresented,
    AwardProposed,
    AwardResubmitted,
    AwardReturned,
    AwardRevoked,
)
from chassis.database import Pool, fetch, fetch_rows
from chassis.read_models import Key, ReadModel
from chassis.recorded import RecordedEvent


@dataclass(frozen=True, slots=True)
class NominationRow:
    """A nomination as of the last event; `member_id` is None when `unit` itself is the recipient."""

    nomination_id: UUID
    unit: str
    member_id: UUID | None
    form: str
    scope: str
    theme: str
    year: int
    decider: str
    citation: str
    status: str
    proposed_on: date
    endorsed_by: str | None = None
    return_reason: str | None = None
    decided_on: date | None = None
    decider_level: str | None = None
    decision_number: str | None = None
    rule_set: str | None = None
    presenter: str | None = None
    presented_on: date | None = None
    revoked_on: date | None = None
    revocation_reason: str | None = None
    recovered_on: date | None = None


NOMINATIONS = ReadModel(
    "nominations",
    1,
    NominationRow,
    key=("nomination_id",),
    source="awards",
    statements=(
        # Each question has an index of exactly the rows it can ask for, so that none grows with another's history.
        "create index if not exists {table}_of_unit on {table} (unit, year, nomination_id)"
        " where member_id is null and decided_on is not null",
        "create index if not exists {table}_of_member on {table} (member_id, year, nomination_id) where decided_on is not null",
        "create index if not exists {table}_waiting on {table} (decider, nomination_id) where decided_on is null",
        "create index if not exists {table}_flags on {table} (year, unit, nomination_id)"
        " where form = 'flag' and decided_on is not null",
    ),
)


def _id(event: Any) -> Key:
    return (event.nomination_id,)


@NOMINATIONS.on(AwardProposed, key=_id)
def proposed(row: NominationRow | None, event: AwardProposed, at: RecordedEvent) -> NominationRow:
    """A nomination begins."""
    return NominationRow(
        event.nomination_id,
        event.unit,
        event.member_id,
        event.form.value,
        event.scope.value,
        event.theme,
        event.year,
        event.decider,
        event.citation,
        "proposed",
        event.on,
    )


@NOMINATIONS.on(AwardEndorsed, key=_id)
def endorsed(row: NominationRow | None, event: AwardEndorsed, at: RecordedEvent) -> NominationRow:
    """The last to endorse is shown; all stand in the history."""
    assert row is not None
    return replace(row, status="endorsed", endorsed_by=event.reviewer)


@NOMINATIONS.on(AwardReturned, key=_id)
def returned(row: NominationRow | None, event: AwardReturned, at: RecordedEvent) -> NominationRow:
    """To be mended, and endorsed anew after that."""
    assert row is not None
    return replace(row, status="returned", endorsed_by=None, return_reason=event.reason)


@NOMINATIONS.on(AwardResubmitted, key=_id)
def resubmitted(row: NominationRow | None, event: AwardResubmitted, at: RecordedEvent) -> NominationRow:
    """Proposed again."""
    assert row is not None
    return replace(row, status="proposed", citation=event.citation)


@NOMINATIONS.on(AwardDecided, key=_id)
def decided(row: NominationRow | None, event: AwardDecided, at: RecordedEvent) -> NominationRow:
    """Given."""
    assert row is not None
    return replace(
        row,
        status="decided",
        decided_on=event.decided_on,
        decider_level=event.decider_level.value,
        decision_number=event.decision_number,
        rule_set=event.rule_set,
    )


@NOMINATIONS.on(AwardPresented, key=_id)
def presented(row: NominationRow | None, event: AwardPresented, at: RecordedEvent) -> NominationRow:
    """Handed over."""
    assert row is not None
    return replace(row, status="presented", presenter=event.presenter, presented_on=event.on)


@NOMINATIONS.on(AwardRevoked, key=_id)
def revoked(row: NominationRow | None, event: AwardRevoked, at: RecordedEvent) -> NominationRow:
    """It stood until this day."""
    assert row is not None
    return replace(row, status="revoked", revoked_on=event.on, revocation_reason=event.reason)


@NOMINATIONS.on(ArtefactRecovered, key=_id)
def recovered(row: NominationRow | None, event: ArtefactRecovered, at: RecordedEvent) -> NominationRow:
    """Handed back."""
    assert row is not None
    return replace(row, recovered_on=event.on)


async def nomination(pool: Pool, nomination_id: UUID) -> NominationRow | None:
    """One nomination."""
    rows = await fetch_rows(pool, NOMINATIONS, "nomination_id = %s", (nomination_id,))
    return rows[0] if rows else None


async def awards_of_unit(pool: Pool, unit: str, after: Key | None, size: int) -> list[NominationRow]:
    """What a unit itself was given, by year and id; after such a key."""
    return await _page(
        pool, "unit = %s and member_id is null and decided_on is not null", (unit,), "year, nomination_id", after, size
    )


async def units_of_awards(pool: Pool, member_id: UUID) -> list[str]:
    """The units in which a member was given an award."""
    condition = "member_id = %s and decided_on is not null order by unit"
    return [
        unit for (unit,) in await fetch(pool, f"select distinct unit from {NOMINATIONS.table} where {condition}", (member_id,))
    ]


async def awards_of_member(
    pool: Pool, member_id: UUID, units: Sequence[str], after: Key | None, size: int
) -> list[NominationRow]:
    """What a member was given in some units, by year and id; after such a key."""
    condition = "member_id = %s and decided_on is not null and unit = any(%s)"
    return await _page(pool, condition, (member_id, list(units)), "year, nomination_id", after, size)


async def waiting_for(pool: Pool, decider: str, units: Sequence[str] | None, after: Key | None, size: int) -> list[NominationRow]:
    """What a decider has not decided, by id; after such a key; of some units when they are given."""
    condition = "decider = %s and decided_on is null"
    values: tuple[object, ...] = (decider,)
    if units is not None:
        condition, values = f"{condition} and unit = any(%s)", (*values, list(units))
    return await _page(pool, condition, values, "nomination_id", after, size)


async def flags_of(pool: Pool, year: int, units: list[str], decider: str, after: Key | None, size: int) -> list[NominationRow]:
    """The flags some units were given for a year, by unit and id; after such a key; of one decider unless that is empty."""
    condition = "form = 'flag' and decided_on is not null and year = %s and unit = any(%s)"
    values: tuple[object, ...] = (year, units)
    if decider:
        condition, values = f"{condition} and decider = %s", (*values, decider)
    return await _page(pool, condition, values, "unit, nomination_id", after, size)


async def _page(
    pool: Pool, condition: str, values: tuple[object, ...], order: str, after: Key | None, size: int
) -> list[NominationRow]:
    if after:
        condition = f"{condition} and ({order}) > ({', '.join(['%s'] * len(after))})"
    return await fetch_rows(pool, NOMINATIONS, f"{condition} order by {order} limit %s", (*values, *(after or ()), size))
