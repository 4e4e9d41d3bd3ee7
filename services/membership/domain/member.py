"""May this person be admitted, corrected, let go?"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from hashlib import blake2b
from typing import Annotated
from uuid import UUID

from pydantic import StringConstraints

from chassis.claims import Claim
from chassis.commands import Aggregate, Command
from chassis.events import Event, Personal
from chassis.fields import Code, Day, Line, NationalId, Text
from chassis.refusals import AlreadyExists, NotFound, RuleBroken
from membership.domain.data_subject import Erasure, LegalHold, holds_after, not_erased
from membership.domain.unit import NothingChanges, Unit, keeps, lets_go, not_before, open_unit
from membership.events import (
    GRASSROOTS_DEPTH,
    HardshipEnded,
    HardshipGrade,
    HardshipRecorded,
    LegalHoldLifted,
    LegalHoldPlaced,
    MemberDetailsCorrected,
    MemberJoined,
    MemberLeft,
    MemberMovedAway,
    MemberReleased,
    SubjectErased,
    TransferAccepted,
    TransferRefused,
    TransferRequested,
)

Phone = Annotated[str, StringConstraints(max_length=20, pattern=r"^(\+?[0-9]{8,15})?$")]
Email = Annotated[str, StringConstraints(max_length=254, pattern=r"^([^@\s]+@[^@\s]+\.[^@\s]+)?$")]


class MemberUnknown(NotFound):
    """Nobody was admitted under this id."""

    vi = "Không có đoàn viên này."
    en = "There is no such member."


class MemberExists(AlreadyExists):
    """A member id is given once."""

    vi = "Mã đoàn viên này đã được dùng."
    en = "This member id is already taken."


class NationalIdTaken(AlreadyExists):
    """One member per national id in the whole federation."""

    vi = "Số căn cước này đã thuộc về một đoàn viên đang sinh hoạt."
    en = "This national id belongs to an active member already."


class MemberHasLeft(RuleBroken):
    """Nothing new can happen to a member who left."""

    vi = "Đoàn viên đã thôi sinh hoạt từ ngày {on}."
    en = "The member left on {on}."


class BornLater(RuleBroken):
    """Nobody is recorded before its birth. The birth date is personal, so the day it asks for is not told."""

    vi = "Ngày sinh phải không muộn hơn ngày ghi nhận."
    en = "The birth date must not be after the day of the record."


class NotAGrassrootsUnit(RuleBroken):
    """Members belong to a grassroots union or to a section or group of it."""

    vi = "Chỉ công đoàn cơ sở, bộ phận hoặc tổ mới kết nạp đoàn viên."
    en = "Only a grassroots union, a section or a group has members."


class NotInHardship(RuleBroken):
    """Only a recorded hardship can end."""

    vi = "Đoàn viên không có hoàn cảnh khó khăn nào đang ghi nhận."
    en = "No hardship is recorded for the member."


@dataclass(frozen=True, slots=True)
class Transfer:
    """A transfer under way."""

    transfer_id: UUID
    to_unit: str
    released: bool = False


@dataclass(frozen=True, slots=True)
class Member:
    """A member as the history left it; of what is personal, only the hash that a claim needs, None once it was erased."""

    member_id: UUID
    unit: str
    national_id_hash: str | None
    joined_on: date
    changed_on: date
    left_on: date | None = None
    hardship: HardshipGrade | None = None
    transfer: Transfer | None = None
    holds: tuple[LegalHold, ...] = ()
    erased: Erasure | None = None


Units = Mapping[str, Unit | None]
"""The units that decisions name, by code."""

HashId = Callable[[str], str]


def keyed_hash_of_ids(secret: bytes) -> HashId:
    """What makes hashes of national ids that nobody without the secret can try numbers against."""
    return lambda national_id: blake2b(national_id.encode(), key=secret, digest_size=16, person=b"national-id").hexdigest()


@dataclass(frozen=True, slots=True)
class Entrance:
    """What an admission must see: the units it names, and the hash of a national id."""

    units: Units
    hash_id: HashId


class MemberCommand(Command):
    """A command about one member."""

    member_id: UUID
    on: Day

    @property
    def aggregate_id(self) -> UUID:
        """The member's own id."""
        return self.member_id


class AdmitMember(MemberCommand):
    """Admit a person to a unit."""

    unit: Code
    full_name: Personal[Line]
    national_id: Personal[NationalId]
    birth_date: Personal[Day]
    phone: Personal[Phone] = ""
    email: Personal[Email] = ""


class CorrectMemberDetails(MemberCommand):
    """Correct what is recorded; what is left out stays."""

    full_name: Personal[Line | None] = None
    birth_date: Personal[Day | None] = None
    phone: Personal[Phone | None] = None
    email: Personal[Email | None] = None


class RecordHardship(MemberCommand):
    """Record a hardship, or its other grade."""

    grade: HardshipGrade
    details: Personal[Text] = ""


class EndHardship(MemberCommand):
    """End a hardship."""


class LeaveUnion(MemberCommand):
    """A member leaves the union."""

    reason: Line


def admit(state: Member | None, command: AdmitMember, entrance: Entrance) -> list[Event]:
    """That the national id is free is held by a claim (:func:`claims`).

    :raises MemberExists, UnitUnknown, UnitIsDissolved, NotAGrassrootsUnit, NotBefore, BornLater, NationalIdTaken:
    """
    if state is not None:
        raise MemberExists("member_id")
    unit = unit_with_members(entrance.units, command.unit, "unit")
    not_before(unit.established_on, command.on)
    born_by(command.birth_date, command.on)
    return [
        MemberJoined(
            unit=command.unit,
            on=command.on,
            member_id=command.member_id,
            full_name=command.full_name,
            national_id=command.national_id,
            national_id_hash=entrance.hash_id(command.national_id),
            birth_date=command.birth_date,
            phone=command.phone,
            email=command.email,
        )
    ]


def born_by(birth_date: date, on: date) -> None:
    """:raises BornLater: somebody is recorded before its birth."""
    if birth_date > on:
        raise BornLater("birth_date")


def correct(state: Member | None, command: CorrectMemberDetails, _: object) -> list[Event]:
    """:raises MemberUnknown, SubjectIsErased, BornLater, NothingChanges:"""
    if state is None:
        raise MemberUnknown("member_id")
    not_erased(state, "member_id")
    if command.birth_date is not None:
        born_by(command.birth_date, command.on)
    changes = command.model_dump(include={"full_name", "birth_date", "phone", "email"})
    if all(value is None for value in changes.values()):
        raise NothingChanges()
    return [MemberDetailsCorrected(unit=state.unit, on=command.on, member_id=state.member_id, **changes)]


def record_hardship(state: Member | None, command: RecordHardship, _: object) -> list[Event]:
    """:raises MemberUnknown, MemberHasLeft, NotBefore, SubjectIsErased, NothingChanges:"""
    member = active(state, command.on)
    not_erased(member, "member_id")
    if member.hardship is command.grade:
        raise NothingChanges("grade")
    return [
        HardshipRecorded(
            unit=member.unit,
            on=command.on,
            member_id=member.member_id,
            grade=command.grade,
            details=command.details,
        )
    ]


def end_hardship(state: Member | None, command: EndHardship, _: object) -> list[Event]:
    """:raises MemberUnknown, MemberHasLeft, NotInHardship:"""
    member = active(state, command.on)
    if member.hardship is None:
        raise NotInHardship("member_id")
    return [HardshipEnded(unit=member.unit, on=command.on, member_id=member.member_id)]


def leave(state: Member | None, command: LeaveUnion, _: object) -> list[Event]:
    """:raises MemberUnknown, MemberHasLeft, NotBefore:"""
    member = active(state, command.on)
    return [MemberLeft(unit=member.unit, on=command.on, member_id=member.member_id, reason=command.reason)]


def active(state: Member | None, on: date) -> Member:
    """:raises MemberUnknown: nobody has this id. :raises MemberHasLeft: it left. :raises NotBefore: too early a day."""
    if state is None:
        raise MemberUnknown("member_id")
    if state.left_on is not None:
        raise MemberHasLeft("member_id", on=state.left_on)
    not_before(state.changed_on, on)
    return state


def unit_with_members(units: Units, code: str, field: str) -> Unit:
    """:raises UnitUnknown, UnitIsDissolved: it is not there. :raises NotAGrassrootsUnit: it has no members."""
    unit = open_unit(units.get(code), code, field)
    if unit.level.depth < GRASSROOTS_DEPTH:
        raise NotAGrassrootsUnit(field)
    return unit


def evolve(state: Member | None, event: Event) -> Member:
    """The member after one more event."""
    match event:
        case MemberJoined():
            return Member(event.member_id, event.unit, event.national_id_hash, event.on, event.on)
        case _ if state is None:
            raise AssertionError(f"{event.topic} without a member")
        case MemberDetailsCorrected() | MemberMovedAway():
            return state
        case HardshipRecorded():
            return replace(state, hardship=event.grade, changed_on=event.on)
        case HardshipEnded():
            return replace(state, hardship=None, changed_on=event.on)
        case MemberLeft():
            return replace(state, left_on=event.on, transfer=None, hardship=None)
        case TransferRequested():
            return replace(state, transfer=Transfer(event.transfer_id, event.to_unit), changed_on=event.on)
        case MemberReleased():
            return replace(state, transfer=Transfer(event.transfer_id, event.to_unit, released=True), changed_on=event.on)
        case TransferAccepted():
            return replace(state, unit=event.unit, transfer=None, changed_on=event.on)
        case TransferRefused():
            return replace(state, transfer=None, changed_on=event.on)
        case LegalHoldPlaced() | LegalHoldLifted():
            return replace(state, holds=holds_after(state.holds, event))
        case SubjectErased():
            return replace(state, national_id_hash=None, erased=Erasure(event.request_id, event.on, event.awaited))
    raise AssertionError(f"{event.topic} is no event of a member")


def claims(state: Member | None, event: Event) -> Iterable[Claim]:
    """A member holds its national id alone and keeps its unit from being dissolved."""
    match event:
        case MemberJoined():
            if event.national_id_hash:  # of whoever was erased nobody knows it any more
                yield Claim(f"national-id:{event.national_id_hash}", "take", lambda: NationalIdTaken("national_id"))
            yield keeps(event.unit)
        case MemberLeft() if state:
            if state.national_id_hash:
                yield Claim(f"national-id:{state.national_id_hash}", "release")
            yield lets_go(state.unit)
        case SubjectErased() if state and state.left_on is None and state.national_id_hash:
            yield Claim(f"national-id:{state.national_id_hash}", "release")
        case TransferAccepted() if state:
            yield lets_go(state.unit)
            yield keeps(event.unit)


MEMBER = Aggregate("member", evolve, lambda member: member.unit, claims, begins=(MemberJoined,))
