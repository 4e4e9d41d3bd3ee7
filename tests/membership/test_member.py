"""Who may be admitted, corrected, transferred, let go?"""

from datetime import date
from typing import Any
from unicodedata import normalize
from uuid import UUID, uuid4

import pytest

from chassis.claims import Claim
from chassis.commands import parse
from chassis.events import Event
from chassis.hierarchy import UnitUnknown
from chassis.refusals import Invalid
from membership.domain import member, transfer
from membership.domain.member import MEMBER, BornLater
from membership.domain.unit import NotBefore, NothingChanges, Unit, UnitIsDissolved
from membership.events import (
    HardshipEnded,
    HardshipGrade,
    HardshipRecorded,
    Level,
    MemberDetailsCorrected,
    MemberJoined,
    MemberLeft,
    MemberMovedAway,
    MemberReleased,
    TransferAccepted,
    TransferRefused,
    TransferRequested,
)
from tests.given import given

WHO, MOVE = UUID(int=1), UUID(int=2)
JOINED, LATER, LATEST = date(2020, 5, 1), date(2021, 6, 1), date(2022, 7, 1)
UNITS: dict[str, Unit | None] = {
    "so-y-te": Unit("so-y-te", "CĐCS Sở Y tế", Level.GRASSROOTS, "vinh-phuc", "", date(2010, 1, 1), date(2010, 1, 1)),
    "so-noi-vu": Unit("so-noi-vu", "CĐCS Sở Nội vụ", Level.GRASSROOTS, "vinh-phuc", "", date(2010, 1, 1), date(2010, 1, 1)),
    "vinh-phuc": Unit("vinh-phuc", "CĐVC tỉnh", Level.PROVINCE, "tld", "", date(2010, 1, 1), date(2010, 1, 1)),
    "gone": Unit("gone", "CĐCS cũ", Level.GRASSROOTS, "vinh-phuc", "", date(2010, 1, 1), date(2010, 1, 1), date(2019, 1, 1)),
}
ENTRANCE = member.Entrance(UNITS, lambda national_id: f"hash of {national_id}")


def joined(unit: str = "so-y-te") -> MemberJoined:
    return MemberJoined(
        unit=unit,
        on=JOINED,
        member_id=WHO,
        full_name="Nguyễn Thị Ánh",
        national_id="001190012345",
        national_id_hash="hash of 001190012345",
        birth_date=date(1990, 1, 2),
        phone="",
        email="",
    )


REQUESTED = TransferRequested(unit="so-y-te", on=LATER, member_id=WHO, transfer_id=MOVE, to_unit="so-noi-vu")
RELEASED = MemberReleased(unit="so-y-te", on=LATER, member_id=WHO, transfer_id=MOVE, to_unit="so-noi-vu")
MOVED = MemberMovedAway(unit="so-y-te", on=LATEST, member_id=WHO, transfer_id=MOVE, to_unit="so-noi-vu")
ACCEPTED = TransferAccepted(
    unit="so-noi-vu", on=LATEST, member_id=WHO, transfer_id=MOVE, from_unit="so-y-te", joined_on=JOINED, hardship=None
)
LEFT = MemberLeft(unit="so-y-te", on=LATER, member_id=WHO, reason="Nghỉ hưu")
SPECIAL = HardshipRecorded(
    unit="so-y-te", on=LATER, member_id=WHO, grade=HardshipGrade.SPECIAL_HARDSHIP, details="Bệnh hiểm nghèo"
)


def admission(**fields: Any) -> member.AdmitMember:
    plain = {
        "command_id": uuid4(),
        "member_id": WHO,
        "unit": "so-y-te",
        "full_name": "Nguyễn Thị Ánh",
        "national_id": "001190012345",
        "birth_date": "1990-01-02",
        "on": "2020-05-01",
    }
    return member.AdmitMember.model_validate({**plain, **fields})


def about(cls: type[Any], on: date = LATER, **fields: Any) -> Any:
    return cls.model_validate({"command_id": uuid4(), "member_id": WHO, "on": on, **fields})


def test_a_person_is_admitted_to_a_grassroots_union() -> None:
    state = given(MEMBER).when(member.admit, admission(), ENTRANCE).then(joined())
    assert (state.unit, state.left_on, state.transfer) == ("so-y-te", None, None)


def test_a_member_id_is_given_once() -> None:
    given(MEMBER, joined()).when(member.admit, admission(), ENTRANCE).refused(member.MemberExists, "member_id")


@pytest.mark.parametrize(
    ("unit", "refusal"), [("nowhere", UnitUnknown), ("gone", UnitIsDissolved), ("vinh-phuc", member.NotAGrassrootsUnit)]
)
def test_members_belong_to_a_living_grassroots_union(unit: str, refusal: type[Any]) -> None:
    given(MEMBER).when(member.admit, admission(unit=unit), ENTRANCE).refused(refusal, "unit")
    request = about(transfer.RequestTransfer, transfer_id=MOVE, to_unit=unit)
    given(MEMBER, joined()).when(transfer.request_transfer, request, UNITS).refused(refusal, "to_unit")


def test_nobody_joins_before_the_unit_or_before_birth() -> None:
    given(MEMBER).when(member.admit, admission(on="2009-12-31"), ENTRANCE).refused(NotBefore, "on")
    given(MEMBER).when(member.admit, admission(birth_date="2021-01-01"), ENTRANCE).refused(BornLater, "birth_date")


def test_what_is_corrected_is_told_and_what_is_left_out_stays() -> None:
    command = about(member.CorrectMemberDetails, full_name="Nguyễn Thị Ánh Tuyết")
    given(MEMBER, joined()).when(member.correct, command).then(
        MemberDetailsCorrected(
            unit="so-y-te", on=LATER, member_id=WHO, full_name="Nguyễn Thị Ánh Tuyết", birth_date=None, phone=None, email=None
        )
    )
    given(MEMBER, joined()).when(member.correct, about(member.CorrectMemberDetails)).refused(NothingChanges)
    given(MEMBER).when(member.correct, command).refused(member.MemberUnknown, "member_id")


def test_a_hardship_is_recorded_graded_and_ended() -> None:
    record = about(member.RecordHardship, grade="special_hardship", details="Bệnh hiểm nghèo")
    state = given(MEMBER, joined()).when(member.record_hardship, record).then(SPECIAL)
    assert state.hardship is HardshipGrade.SPECIAL_HARDSHIP
    given(MEMBER, joined(), SPECIAL).when(member.record_hardship, record).refused(NothingChanges, "grade")
    ended = HardshipEnded(unit="so-y-te", on=LATEST, member_id=WHO)
    end = about(member.EndHardship, LATEST)
    assert given(MEMBER, joined(), SPECIAL).when(member.end_hardship, end).then(ended).hardship is None
    given(MEMBER, joined(), SPECIAL, ended).when(member.end_hardship, end).refused(member.NotInHardship, "member_id")


def test_a_member_leaves_once_and_not_before_joining() -> None:
    state = given(MEMBER, joined()).when(member.leave, about(member.LeaveUnion, reason="Nghỉ hưu")).then(LEFT)
    assert state.left_on == LATER
    early = about(member.LeaveUnion, date(2020, 4, 30), reason="Nghỉ hưu")
    given(MEMBER, joined()).when(member.leave, early).refused(NotBefore, "on")


@pytest.mark.parametrize(
    ("decide", "command"),
    [
        (member.leave, about(member.LeaveUnion, LATEST, reason="x")),
        (member.record_hardship, about(member.RecordHardship, LATEST, grade="hardship")),
        (member.end_hardship, about(member.EndHardship, LATEST)),
        (transfer.request_transfer, about(transfer.RequestTransfer, LATEST, transfer_id=MOVE, to_unit="so-noi-vu")),
        (transfer.release, about(transfer.ReleaseMember, LATEST, transfer_id=MOVE)),
        (transfer.accept_transfer, about(transfer.AcceptTransfer, LATEST, transfer_id=MOVE)),
        (transfer.refuse_transfer, about(transfer.RefuseTransfer, LATEST, transfer_id=MOVE, reason="x")),
    ],
)
def test_nothing_new_happens_to_a_member_who_left_or_never_was(decide: Any, command: Any) -> None:
    given(MEMBER, joined(), LEFT).when(decide, command, UNITS).refused(member.MemberHasLeft, "member_id")
    given(MEMBER).when(decide, command, UNITS).refused(member.MemberUnknown, "member_id")


def test_a_transfer_is_requested_released_and_accepted() -> None:
    request = about(transfer.RequestTransfer, transfer_id=MOVE, to_unit="so-noi-vu")
    state = given(MEMBER, joined()).when(transfer.request_transfer, request, UNITS).then(REQUESTED)
    assert state.unit == "so-y-te"
    release = about(transfer.ReleaseMember, transfer_id=MOVE)
    assert given(MEMBER, joined(), REQUESTED).when(transfer.release, release).then(RELEASED).unit == "so-y-te"
    accept = about(transfer.AcceptTransfer, LATEST, transfer_id=MOVE)
    state = given(MEMBER, joined(), REQUESTED, RELEASED).when(transfer.accept_transfer, accept).then(MOVED, ACCEPTED)
    assert (state.unit, state.transfer) == ("so-noi-vu", None)


def test_where_a_member_arrives_it_is_told_who_that_is() -> None:
    accept = about(transfer.AcceptTransfer, LATEST, transfer_id=MOVE)
    told = ACCEPTED.model_copy(update={"hardship": HardshipGrade.SPECIAL_HARDSHIP})
    given(MEMBER, joined(), SPECIAL, REQUESTED, RELEASED).when(transfer.accept_transfer, accept).then(MOVED, told)


def test_a_transfer_needs_the_release_before_the_acceptance() -> None:
    accept = about(transfer.AcceptTransfer, LATEST, transfer_id=MOVE)
    given(MEMBER, joined(), REQUESTED).when(transfer.accept_transfer, accept).refused(transfer.NotReleased, "transfer_id")


def test_one_transfer_at_a_time_released_once_to_another_unit() -> None:
    again = about(transfer.RequestTransfer, transfer_id=uuid4(), to_unit="so-noi-vu")
    given(MEMBER, joined(), REQUESTED).when(transfer.request_transfer, again, UNITS).refused(
        transfer.TransferPending, "transfer_id"
    )
    release = about(transfer.ReleaseMember, transfer_id=MOVE)
    given(MEMBER, joined(), REQUESTED, RELEASED).when(transfer.release, release).refused(transfer.AlreadyReleased, "transfer_id")
    home = about(transfer.RequestTransfer, transfer_id=MOVE, to_unit="so-y-te")
    given(MEMBER, joined()).when(transfer.request_transfer, home, UNITS).refused(NothingChanges, "to_unit")


def test_only_the_transfer_under_way_can_go_on() -> None:
    other = about(transfer.ReleaseMember, transfer_id=uuid4())
    given(MEMBER, joined(), REQUESTED).when(transfer.release, other).refused(transfer.TransferUnknown, "transfer_id")
    given(MEMBER, joined()).when(transfer.release, other).refused(transfer.TransferUnknown, "transfer_id")


def test_a_refused_transfer_leaves_the_member_where_it_was() -> None:
    refuse = about(transfer.RefuseTransfer, LATEST, transfer_id=MOVE, reason="Chưa có biên chế")
    told = TransferRefused(
        unit="so-y-te", on=LATEST, member_id=WHO, transfer_id=MOVE, to_unit="so-noi-vu", reason="Chưa có biên chế"
    )
    state = given(MEMBER, joined(), REQUESTED).when(transfer.refuse_transfer, refuse).then(told)
    assert (state.unit, state.transfer) == ("so-y-te", None)


def test_the_new_unit_decides_on_acceptance() -> None:
    accept = about(transfer.AcceptTransfer, LATEST, transfer_id=MOVE)
    assert transfer.new_unit(given(MEMBER, joined(), REQUESTED).state, accept, None) == "so-noi-vu"


def claims_of(*history: Event) -> list[tuple[str, str]]:
    *before, last = history
    return [(claim.key, claim.mode) for claim in MEMBER.claims(given(MEMBER, *before).state, last)]


def test_a_member_holds_its_national_id_and_keeps_its_unit_while_active() -> None:
    assert claims_of(joined()) == [("national-id:hash of 001190012345", "take"), ("unit:so-y-te", "share")]
    assert claims_of(joined(), REQUESTED, RELEASED, MOVED) == []
    assert claims_of(joined(), REQUESTED, RELEASED, MOVED, ACCEPTED) == [("unit:so-y-te", "unshare"), ("unit:so-noi-vu", "share")]
    assert claims_of(joined(), LEFT) == [("national-id:hash of 001190012345", "release"), ("unit:so-y-te", "unshare")]
    taken: Claim = next(iter(MEMBER.claims(None, joined())))
    assert taken.refusal is not None
    assert isinstance(taken.refusal(), member.NationalIdTaken)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("national_id", "12345"),
        ("national_id", "00119001234x"),
        ("full_name", normalize("NFD", "Nguyễn Thị Ánh")),
        ("full_name", "Á" * 201),
        ("birth_date", "02/01/1990"),
        ("phone", "không có"),
        ("email", "anh.example.vn"),
    ],
)
def test_a_personal_value_is_never_repeated_in_a_refusal(field: str, value: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse(member.AdmitMember, admission().model_dump(mode="json") | {field: value})
    assert [problem.field for problem in caught.value.problems] == [field]
    assert value not in str(caught.value) + caught.value.sentence("vi")


def test_no_personal_value_shows_in_the_words_of_a_command_or_an_event() -> None:
    for words in (repr(admission()), repr(joined()), str(joined()), repr(SPECIAL)):
        assert not [value for value in ("Ánh", "001190012345", "1990", "hiểm nghèo") if value in words]
