"""Do events that were stored long ago still read? Bytes of each retired schema version, kept as they were written."""

import json
from datetime import date
from uuid import UUID

import pytest

from chassis.events import Event, NotReadable, decode
from membership.domain.member import MEMBER
from membership.domain.unit import UNIT
from membership.events import HardshipGrade, HardshipRecorded, MemberJoined, TransferAccepted, unit_after

WHO = UUID("00000000-0000-0000-0000-000000000001")
HARDSHIP_V1 = (
    b'{"schema_version":1,"unit":"so-y-te","on":"2021-06-01","member_id":"00000000-0000-0000-0000-000000000001",'
    b'"special":%s,"details":"B\xe1\xbb\x87nh hi\xe1\xbb\x83m ngh\xc3\xa8o"}'
)

TRANSFER_BEFORE_HAND_OVERS = (
    b'{"schema_version":1,"unit":"so-noi-vu","on":"2021-06-01","member_id":"00000000-0000-0000-0000-000000000001",'
    b'"transfer_id":"00000000-0000-0000-0000-000000000002","from_unit":"so-y-te"}'
)
UNIT_BEFORE_HAND_OVERS = (
    b'{"schema_version":1,"unit":"so-y-te","on":"2020-01-01","name":"C\xc4\x90CS S\xe1\xbb\x9f Y t\xe1\xba\xbf",'
    b'"level":"grassroots","line_parent":"vinh-phuc","functional_parent":""}'
)
ATTACHED_BEFORE_HAND_OVERS = (
    b'{"schema_version":1,"unit":"so-y-te","on":"2022-01-01","attachment":"line","parent":"ha-noi","former_parent":"vinh-phuc"}'
)


@pytest.mark.parametrize(("special", "grade"), [(b"true", HardshipGrade.SPECIAL_HARDSHIP), (b"false", HardshipGrade.HARDSHIP)])
def test_a_hardship_recorded_before_grades_had_names_is_read_with_its_grade(special: bytes, grade: HardshipGrade) -> None:
    event = decode("membership.hardship_recorded", HARDSHIP_V1 % special)
    assert event == HardshipRecorded(unit="so-y-te", on=date(2021, 6, 1), member_id=WHO, grade=grade, details="Bệnh hiểm nghèo")


def test_what_was_stored_before_hand_overs_were_told_is_read_as_it_was_meant() -> None:
    accepted = decode("membership.transfer_accepted", TRANSFER_BEFORE_HAND_OVERS)
    assert isinstance(accepted, TransferAccepted)
    assert (accepted.unit, accepted.from_unit, accepted.joined_on, accepted.hardship) == ("so-noi-vu", "so-y-te", None, None)
    nothing_said = {"full_name": "", "national_id": "", "birth_date": None, "phone": "", "email": ""}
    joined = {"unit": "so-y-te", "on": "2020-01-01", "member_id": WHO, "national_id_hash": "h", **nothing_said}
    assert MEMBER.evolve(MEMBER.evolve(None, MemberJoined.model_validate(joined)), accepted).unit == "so-noi-vu"
    established = decode("membership.unit_established", UNIT_BEFORE_HAND_OVERS)
    attached = decode("membership.unit_attached", ATTACHED_BEFORE_HAND_OVERS)
    unit = UNIT.evolve(UNIT.evolve(None, established), attached)
    assert (unit.code, unit.line_parent, unit.changed_on) == ("so-y-te", "ha-noi", date(2022, 1, 1))
    assert unit_after(unit_after(None, established, 1), attached, 2).place("line") == "ha-noi"


def test_what_is_written_today_is_of_todays_version() -> None:
    event = decode("membership.hardship_recorded", HARDSHIP_V1 % b"true")
    assert json.loads(event.encode())["schema_version"] == 2
    assert decode("membership.hardship_recorded", event.encode()) == event


def test_an_event_of_a_later_version_is_not_misread() -> None:
    later = (HARDSHIP_V1 % b"true").replace(b'"schema_version":1', b'"schema_version":3')
    with pytest.raises(NotReadable, match="schema version 3 is later than 2"):
        decode("membership.hardship_recorded", later)


def test_fields_that_are_not_known_are_passed_over() -> None:
    more = (HARDSHIP_V1 % b"true").replace(b'"special"', b'"note":"of a later minor change","special"')
    assert decode("membership.hardship_recorded", more) == decode("membership.hardship_recorded", HARDSHIP_V1 % b"true")


@pytest.mark.parametrize(
    ("topic", "body", "reason"),
    [
        ("membership.member_beamed_up", b"{}", "unknown topic"),
        ("membership.unit_renamed", b"no json", "no JSON"),
        ("membership.unit_renamed", b"[]", "no JSON object"),
        (
            "membership.unit_renamed",
            b'{"schema_version":1,"unit":"a","on":"2024-13-01","name":"T\xc3\xaan"}',
            "fields former_name, on",
        ),
    ],
)
def test_bytes_that_are_no_event_are_refused_without_their_values(topic: str, body: bytes, reason: str) -> None:
    with pytest.raises(NotReadable) as caught:
        decode(topic, body)
    assert caught.value.reason == reason


def test_a_version_without_an_upcaster_from_each_before_it_cannot_be_declared() -> None:
    with pytest.raises(TypeError, match="needs an upcaster"):

        class Later(Event, topic="test.later_without_upcaster", schema_version=2):
            """Forgot its past."""


def test_a_topic_belongs_to_one_event() -> None:
    with pytest.raises(TypeError, match="is taken by"):

        class Other(Event, topic="membership.unit_renamed"):
            """Took another's topic."""
