"""What is said of members: who joined, moved, left, is in hardship, and whose names were read."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from chassis.events import Event, Json, Personal, Upcaster
from chassis.wording import means


class HardshipGrade(StrEnum):
    """Khó khăn, đặc biệt khó khăn."""

    HARDSHIP = "hardship"
    SPECIAL_HARDSHIP = "special_hardship"


class MemberJoined(Event, topic="membership.member_joined", subject="member_id"):
    """A person became a member in a unit; `national_id_hash` is keyed, and the same for the same national id."""

    vi = "Kết nạp đoàn viên: đoàn viên {member_id} được kết nạp tại đơn vị {unit}."
    en = "Member joined: {member_id} became a member in the unit {unit}."

    member_id: UUID
    full_name: Personal[str | None]
    national_id: Personal[str | None]
    national_id_hash: Personal[str | None]
    birth_date: Personal[date | None]
    phone: Personal[str | None]
    email: Personal[str | None]


class MemberDetailsCorrected(Event, topic="membership.member_details_corrected", subject="member_id"):
    """What was recorded about a member was wrong or changed; None leaves a field as it was."""

    vi = "Sửa thông tin đoàn viên: thông tin của đoàn viên {member_id} được sửa; mục nào trống thì giữ nguyên."
    en = "Member details corrected: what was recorded about the member {member_id} changed; an empty field stays as it was."

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

    vi = "Ghi nhận hoàn cảnh khó khăn: đoàn viên {member_id} được ghi nhận hoàn cảnh {grade}."
    en = "Hardship recorded: the member {member_id} is in {grade}."

    upcasters: ClassVar[Mapping[int, Upcaster]] = {1: _graded}

    member_id: UUID
    grade: HardshipGrade
    details: Personal[str | None]


class HardshipEnded(Event, topic="membership.hardship_ended"):
    """A member is no longer in hardship."""

    vi = "Hết hoàn cảnh khó khăn: đoàn viên {member_id} không còn trong hoàn cảnh khó khăn."
    en = "Hardship ended: the member {member_id} is no longer in hardship."

    member_id: UUID


class MemberLeft(Event, topic="membership.member_left"):
    """A member left the union; `unit` is the one that was left."""

    vi = "Đoàn viên thôi sinh hoạt: đoàn viên {member_id} thôi sinh hoạt công đoàn tại {unit}; lý do: {reason}."
    en = "Member left: the member {member_id} left the union, in the unit {unit}; reason: {reason}."
    meanings = means(unit=("mã đơn vị nơi đoàn viên thôi sinh hoạt", "code of the unit that was left"))

    member_id: UUID
    reason: str


_OF_THE_OLD_UNIT = means(unit=("mã đơn vị cũ", "code of the old unit"))


class TransferRequested(Event, topic="membership.transfer_requested"):
    """A member asks to move to another unit; `unit` is the old one."""

    vi = "Đề nghị chuyển sinh hoạt: đoàn viên {member_id} đề nghị chuyển từ {unit} đến {to_unit}."
    en = "Transfer requested: the member {member_id} asks to move from {unit} to {to_unit}."
    meanings = _OF_THE_OLD_UNIT

    member_id: UUID
    transfer_id: UUID
    to_unit: str


class MemberReleased(Event, topic="membership.member_released"):
    """The old unit lets a member go; the member stays its until the new one accepts."""

    vi = (
        "Đồng ý cho chuyển sinh hoạt: {unit} đồng ý cho đoàn viên {member_id} chuyển đến {to_unit}; đoàn viên vẫn thuộc "
        "{unit} đến khi nơi mới tiếp nhận."
    )
    en = "Member released: {unit} lets the member {member_id} go to {to_unit}; the member stays its until the new unit accepts."
    meanings = _OF_THE_OLD_UNIT

    member_id: UUID
    transfer_id: UUID
    to_unit: str


class MemberMovedAway(Event, topic="membership.member_moved_away"):
    """The new unit takes a member in: from this day the member is of `unit`, the old one, no more.

    Every acceptance says it, right before `TransferAccepted`, so that a branch that is left hears of it.
    """

    vi = "Chuyển sinh hoạt đi: đoàn viên {member_id} chuyển đến {to_unit}; từ ngày này không còn thuộc {unit}."
    en = "Member moved away: the member {member_id} moved to {to_unit}; from this day it is of {unit} no more."
    meanings = _OF_THE_OLD_UNIT

    member_id: UUID
    transfer_id: UUID
    to_unit: str


class TransferAccepted(Event, topic="membership.transfer_accepted"):
    """The new unit took the member in; from this day the member is of `unit`.

    The last two say what a branch must know of a member it never heard of; None where that was not told yet (events
    recorded before they were said), and `hardship` also of a member who is in none.
    """

    vi = "Tiếp nhận chuyển sinh hoạt: {unit} tiếp nhận đoàn viên {member_id} từ {from_unit}; từ ngày này đoàn viên thuộc {unit}."
    en = "Transfer accepted: {unit} took in the member {member_id} from {from_unit}; from this day the member is of {unit}."
    meanings = means(
        unit=("mã đơn vị mới", "code of the new unit"),
        on=("ngày đoàn viên bắt đầu thuộc đơn vị mới", "the first day in the new unit"),
    )

    member_id: UUID
    transfer_id: UUID
    from_unit: str
    joined_on: date | None = None
    hardship: HardshipGrade | None = None


class TransferRefused(Event, topic="membership.transfer_refused"):
    """The new unit did not take the member in; the member stays in `unit`, the old one."""

    vi = (
        "Không tiếp nhận chuyển sinh hoạt: {to_unit} không tiếp nhận đoàn viên {member_id}, đoàn viên ở lại {unit}; lý "
        "do: {reason}."
    )
    en = "Transfer refused: {to_unit} did not take in the member {member_id}, who stays in {unit}; reason: {reason}."
    meanings = _OF_THE_OLD_UNIT

    member_id: UUID
    transfer_id: UUID
    to_unit: str
    reason: str


class PersonalDataRead(Event, topic="membership.personal_data_read"):
    """Somebody was told `fields` of some members of `unit`, or of their children; an auditor, or an officer from elsewhere, for
    a reason.

    `reader` is the subject of its token, or a service; `reading_id` is shared by the units that were read from in one call.
    """

    vi = (
        "Đọc dữ liệu cá nhân: {reader} ({reader_role}, {reader_unit}) đã đọc {fields} của đoàn viên thuộc {unit}; lý do: "
        "{reason}."
    )
    en = "Personal data read: {reader} ({reader_role}, {reader_unit}) was told {fields} of members of {unit}; reason: {reason}."
    meanings = means(unit=("mã đơn vị của các đoàn viên được đọc", "code of the unit of the members that were read about"))

    reading_id: UUID
    reader: str
    reader_role: str
    reader_unit: str
    member_ids: tuple[UUID, ...]
    fields: tuple[str, ...]
    reason: str
