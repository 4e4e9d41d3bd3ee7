"""Who is a member, of which unit, found by id, by national id, or by name with or without diacritics?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from chassis.database import Pool, fetch_rows
from chassis.events import Personal
from chassis.read_models import Key, ReadModel
from chassis.recorded import RecordedEvent
from chassis.vietnamese import folded, name_sort_key
from membership.events import (
    HardshipEnded,
    HardshipRecorded,
    MemberDetailsCorrected,
    MemberJoined,
    MemberLeft,
    SubjectErased,
    TransferAccepted,
)


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A member as of the last event; `left_on` is None while active, what is personal once it was erased."""

    member_id: UUID
    unit: str
    full_name: Personal[str | None]
    name_key: Personal[str]
    name_folded: Personal[str]
    national_id_hash: Personal[str | None]
    birth_date: Personal[date | None]
    phone: Personal[str | None]
    email: Personal[str | None]
    hardship: str | None
    joined_on: date
    left_on: date | None
    erased: bool


MEMBERS = ReadModel(
    "members",
    2,
    MemberRow,
    key=("member_id",),
    source="membership",
    indexes=(("unit", "name_key", "member_id"), ("national_id_hash",), ("unit", "member_id")),
    statements=(
        "create extension if not exists pg_trgm",
        "create index if not exists {table}_by_name on {table} using gin (name_folded gin_trgm_ops)",
    ),
)


@MEMBERS.on(MemberJoined, key=lambda event: (event.member_id,))
def joined(row: MemberRow | None, event: MemberJoined, at: RecordedEvent) -> MemberRow:
    """A member begins; in a history read again after the erasure without a name."""
    return MemberRow(
        event.member_id,
        event.unit,
        event.full_name,
        name_sort_key(event.full_name or ""),
        folded(event.full_name or ""),
        event.national_id_hash,
        event.birth_date,
        event.phone,
        event.email,
        None,
        event.on,
        None,
        erased=event.full_name is None,
    )


@MEMBERS.on(MemberDetailsCorrected, key=lambda event: (event.member_id,))
def corrected(row: MemberRow | None, event: MemberDetailsCorrected, at: RecordedEvent) -> MemberRow:
    """What was given replaces what was there."""
    assert row is not None
    name = row.full_name if event.full_name is None else event.full_name
    return replace(
        row,
        full_name=name,
        name_key=name_sort_key(name or ""),
        name_folded=folded(name or ""),
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


@MEMBERS.on(SubjectErased, key=lambda event: (event.person_id,))
def erased(row: MemberRow | None, event: SubjectErased, at: RecordedEvent) -> MemberRow | None:
    """What is personal is forgotten; the member is counted on. A child is no member."""
    if row is None:
        return None
    unnamed = replace(row, full_name=None, name_key="", name_folded="", national_id_hash=None, erased=True)
    return replace(unnamed, birth_date=None, phone=None, email=None)


async def members_by_id(pool: Pool, member_ids: Sequence[UUID]) -> dict[UUID, MemberRow]:
    """Those of some members that are known."""
    rows = await fetch_rows(pool, MEMBERS, "member_id = any(%s)", (list(member_ids),))
    return {row.member_id: row for row in rows}


async def members_by_national_id(pool: Pool, national_id_hash: str) -> list[MemberRow]:
    """Those who were admitted with a national id: the active one first, then whoever joined last."""
    condition = "national_id_hash = %s order by left_on is not null, joined_on desc, member_id"
    return await fetch_rows(pool, MEMBERS, condition, (national_id_hash,))


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
