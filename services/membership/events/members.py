"""What is said of members: who joined, moved, left, is in hardship, and whose names were read."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from chassis.events import Event, Json, Personal, Upcaster


class HardshipGrade(StrEnum):
    """Khó khăn, đặc biệt khó khăn."""

    HARDSHIP = "hardship"
    SPECIAL_HARDSHIP = "special_hardship"


class MemberJoined(Event, topic="membership.member_joined", subject="member_id"):
    """A person became a member in a unit; `national_id_hash` is keyed, and the same for the same national id."""

    member_id: UUID
    full_name: Personal[str | None]
    national_id: Personal[str | None]
    national_id_hash: Personal[str | None]
    birth_date: Personal[date | None]
    phone: Personal[str | None]
    email: Personal[str | None]


class MemberDetailsCorrected(Event, topic="membership.member_details_corrected", subject="member_id"):
    """What was recorded about a member was wrong or changed; None leaves a field as it was."""

    member_id: UUID
    full_name: Personal[str | None]
    birth_date: Personal[date | None]
    phone: Personal[str | None]
    email: Personal[str | None]


def _graded(data: Json) -> Json:
    """Version 1 said only whether a hardship was special; since then its two grades are told by their names."""
    grade = HardshipGrade.SPECIAL_HARDSHIP if data["special"] else HardshipGrade.HARDSHIP
    return {**data, "grade": grade.value}


class HardshipRecorded(Event, topic="membership.hardship_recorded", subject="member_id", schema_version=2):
    """A member is in hardship of a grade."""

    upcasters: ClassVar[Mapping[int, Upcaster]] = {1: _graded}

    member_id: UUID
    grade: HardshipGrade
    details: Personal[str | None]


class HardshipEnded(Event, topic="membership.hardship_ended"):
    """A member is no longer in hardship."""

    member_id: UUID


class MemberLeft(Event, topic="membership.member_left"):
    """A member left the union; `unit` is the one that was left."""

    member_id: UUID
    reason: str


class TransferRequested(Event, topic="membership.transfer_requested"):
    """A member asks to move to another unit; `unit` is the old one."""

    member_id: UUID
    transfer_id: UUID
    to_unit: str


class MemberReleased(Event, topic="membership.member_released"):
    """The old unit lets a member go; the member stays its until the new one accepts."""

    member_id: UUID
    transfer_id: UUID
    to_unit: str


class TransferAccepted(Event, topic="membership.transfer_accepted"):
    """The new unit took the member in; from this day the member is of `unit`."""

    member_id: UUID
    transfer_id: UUID
    from_unit: str


class TransferRefused(Event, topic="membership.transfer_refused"):
    """The new unit did not take the member in; the member stays in `unit`, the old one."""

    member_id: UUID
    transfer_id: UUID
    to_unit: str
    reason: str


class PersonalDataRead(Event, topic="membership.personal_data_read"):
    """An auditor, or an officer from elsewhere, was told `fields` of some members of `unit`, for a reason.

    `reader` is the subject of its token; `reading_id` is shared by the units that were read from in one call.
    """

    reading_id: UUID
    reader: str
    reader_role: str
    reader_unit: str
    member_ids: tuple[UUID, ...]
    fields: tuple[str, ...]
    reason: str
