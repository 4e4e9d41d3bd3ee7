"""Who is a member, of which unit, found by id or by name with or without diacritics?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from chassis.database import Pool, fetch_rows
from chassis.events import Personal, RecordedEvent
from chassis.read_models import Key, ReadModel
from chassis.vietnamese import folded, name_sort_key
from membership.events import (
    HardshipEnded,
    HardshipRecorded,
    MemberDetailsCorrected,
    MemberJoined,
    MemberLeft,
    TransferAccepted,
)


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A member as of the last event; `left_on` is None while active."""

    member_id: UUID
    unit: str
    full_name: Personal[str]
    name_key: Personal[str]
    name_folded: Personal[str]
    birth_date: Personal[date]
    phone: Personal[str]
    email: Personal[str]
    hardship: str | None
    joined_on: date
    left_on: date | None


MEMBERS = ReadModel(
    "members",
    1,
    MemberRow,
    key=("member_id",),
    source="membership",
    indexes=(("unit", "name_key", "member_id"),),
    statements=(
        "create extension if not exists pg_trgm",
        "create index if not exists {table}_by_name on {table} using gin (name_folded gin_trgm_ops)",
    ),
)


@MEMBERS.on(MemberJoined, key=lambda event: (event.member_id,))
def joined(row: MemberRow | None, event: MemberJoined, at: RecordedEvent) -> MemberRow:
    """A member begins."""
    return MemberRow(
        event.member_id,
        event.unit,
        event.full_name,
        name_sort_key(event.full_name),
        folded(event.full_name),
        event.birth_date,
        event.phone,
        event.email,
        None,
        event.on,
        None,
    )


@MEMBERS.on(MemberDetailsCorrected, key=lambda event: (event.member_id,))
def corrected(row: MemberRow | None, event: MemberDetailsCorrected, at: RecordedEvent) -> MemberRow:
    """What was given replaces what was there."""
    assert row is not None
    name = row.full_name if event.full_name is None else event.full_name
    return replace(
        row,
        full_name=name,
        name_key=name_sort_key(name),
        name_folded=folded(name),
        birth_date=row.birth_date if event.birth_date is None else event.birth_date,
        phone=row.phone if event.phone is None else event.phone,
        email=row.email if event.email is None else event.email,
    )


@MEMBERS.on(HardshipRecorded, key=lambda event: (event.member_id,))
def hardship_recorded(row: MemberRow | None, event: HardshipRecorded, at: RecordedEvent) -> MemberRow:
    """The grade is the latest one."""
    assert row is not None
    return replace(row, hardship=event.grade.value)


@MEMBERS.on(HardshipEnded, key=lambda event: (event.member_id,))
def hardship_ended(row: MemberRow | None, event: HardshipEnded, at: RecordedEvent) -> MemberRow:
    """No hardship."""
    assert row is not None
    return replace(row, hardship=None)


@MEMBERS.on(MemberLeft, key=lambda event: (event.member_id,))
def left(row: MemberRow | None, event: MemberLeft, at: RecordedEvent) -> MemberRow:
    """No longer active."""
    assert row is not None
    return replace(row, left_on=event.on, hardship=None)


@MEMBERS.on(TransferAccepted, key=lambda event: (event.member_id,))
def transferred(row: MemberRow | None, event: TransferAccepted, at: RecordedEvent) -> MemberRow:
    """Of the new unit from now on."""
    assert row is not None
    return replace(row, unit=event.unit)


async def members_by_id(pool: Pool, member_ids: Sequence[UUID]) -> dict[UUID, MemberRow]:
    """Those of some members that are known."""
    rows = await fetch_rows(pool, MEMBERS, "member_id = any(%s)", (list(member_ids),))
    return {row.member_id: row for row in rows}


async def active_members(pool: Pool, units: Sequence[str], name: str, size: int, after: Key | None) -> list[MemberRow]:
    """One page of the active members of some units, by unit, given name and id; of a name when one is asked for.

    :param after: unit, sort key and id of the last row of the page before.
    """
    conditions = ["unit = any(%s)", "left_on is null"]
    values: list[object] = [list(units)]
    if name:
        conditions.append("name_folded like %s")
        values.append(f"%{_escaped(folded(name))}%")
    if after:
        conditions.append("(unit, name_key, member_id) > (%s, %s, %s)")
        values += after
    return await fetch_rows(
        pool, MEMBERS, f"{' and '.join(conditions)} order by unit, name_key, member_id limit %s", (*values, size)
    )


def _escaped(text: str) -> str:
    """Text in which the wildcards of LIKE stand for themselves."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
