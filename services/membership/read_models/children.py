"""Whose children are known, and may their honours be published on a day?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from chassis.database import Pool, fetch, fetch_rows
from chassis.events import Personal
from chassis.read_models import ReadModel
from chassis.recorded import RecordedEvent
from membership.domain.child import has_own_voice
from membership.events import ChildDetailsCorrected, ChildRegistered, ConsentGiver, ConsentPurpose, SubjectErased
from membership.read_models.consents import consents_of
from membership.read_models.member_units import units_on
from membership.read_models.members import MEMBERS, MemberRow, members_by_id


@dataclass(frozen=True, slots=True)
class ChildRow:
    """A child as of the last event; of an erased one nothing is left but whose it was, so that its certificate is found."""

    child_id: UUID
    member_id: UUID
    full_name: Personal[str | None]
    birth_date: Personal[date | None]
    registered_on: date
    erased: bool = False


CHILDREN = ReadModel("children", 2, ChildRow, key=("child_id",), source="membership", indexes=(("member_id", "child_id"),))


@CHILDREN.on(ChildRegistered, key=lambda event: (event.child_id,))
def registered(row: ChildRow | None, event: ChildRegistered, at: RecordedEvent) -> ChildRow:
    """A child is known."""
    return ChildRow(event.child_id, event.member_id, event.full_name, event.birth_date, event.on)


@CHILDREN.on(ChildDetailsCorrected, key=lambda event: (event.child_id,))
def corrected(row: ChildRow | None, event: ChildDetailsCorrected, at: RecordedEvent) -> ChildRow:
    """What was given replaces what was there."""
    assert row is not None
    return replace(row, full_name=event.full_name or row.full_name, birth_date=event.birth_date or row.birth_date)


@CHILDREN.on(SubjectErased, key=lambda event: (event.person_id,))
def erased(row: ChildRow | None, event: SubjectErased, at: RecordedEvent) -> ChildRow | None:
    """Forgotten; None where a member is erased, of whom no row stands here."""
    return row and replace(row, full_name=None, birth_date=None, erased=True)


@dataclass(frozen=True, slots=True)
class ChildCheck:
    """What is told of a child to whoever wants to honour it in public; never when it was born."""

    child_id: UUID
    known: bool = False
    member_id: UUID | None = None
    unit: str | None = None
    parent_active: bool = False
    guardian_consent: bool = False
    child_consent_needed: bool = False
    child_consent: bool = False


async def children_by_id(pool: Pool, child_ids: Sequence[UUID]) -> dict[UUID, ChildRow]:
    """Those of some ids that are of children, erased ones too."""
    rows = await fetch_rows(pool, CHILDREN, "child_id = any(%s)", (list(child_ids),))
    return {row.child_id: row for row in rows}


async def children_of(pool: Pool, member_id: UUID) -> list[ChildRow]:
    """The children of a member that were not erased, by id."""
    return await fetch_rows(pool, CHILDREN, "member_id = %s and not erased order by child_id", (member_id,))


async def unit_of_person(pool: Pool, person_id: UUID) -> str | None:
    """The unit a member is of now, of a child its parent; None for whoever is neither."""
    query = (
        f"select m.unit from {MEMBERS.table} m where m.member_id = "
        f"coalesce((select c.member_id from {CHILDREN.table} c where c.child_id = %s), %s)"
    )
    rows = await fetch(pool, query, (person_id, person_id))
    return rows[0][0] if rows else None


def with_units(rows: str) -> str:
    """SQL that joins to rows, by their column `person_id`, what says of which unit each is now: `m.unit`, of a child its
    parent's.

    :param rows: the alias of these rows.
    """
    return (
        f"left join {CHILDREN.table} c on c.child_id = {rows}.person_id "
        f"join {MEMBERS.table} m on m.member_id = coalesce(c.member_id, {rows}.person_id)"
    )


async def check_publication(pool: Pool, child_ids: Sequence[UUID], on: date) -> list[ChildCheck]:
    """Of each child, in the order asked: whose it is, and who agrees that its honour is published from a day on."""
    children = await children_by_id(pool, child_ids)
    parents = {row.member_id for row in children.values()}
    members = await members_by_id(pool, list(parents))
    units = await units_on(pool, list(parents), on)
    agreed = {
        (row.person_id, row.given_by)
        for row in await consents_of(pool, list(children), ConsentPurpose.CHILD_HONOUR_PUBLICATION)
        if row.stands_since(on)
    }
    checks = []
    for child_id in child_ids:
        row = children.get(child_id)
        if row is None or row.erased or row.birth_date is None:
            checks.append(ChildCheck(child_id))
            continue
        checks.append(
            ChildCheck(
                child_id,
                True,
                row.member_id,
                units.get(row.member_id),
                _active(members.get(row.member_id), on),
                (child_id, ConsentGiver.GUARDIAN.value) in agreed,
                has_own_voice(row.birth_date, on),
                (child_id, ConsentGiver.SELF.value) in agreed,
            )
        )
    return checks


def _active(member: MemberRow | None, on: date) -> bool:
    return member is not None and member.joined_on <= on and (member.left_on is None or on < member.left_on)
