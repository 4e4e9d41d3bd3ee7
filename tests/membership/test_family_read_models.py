"""Do the rows about consents, children, moves and readings say what the events say, and forget whom they must forget?"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from hypothesis import given, settings
from hypothesis import strategies as st

from chassis.events import Event
from chassis.read_models import Key, ReadModel
from chassis.recorded import RecordedEvent
from membership.events import (
    ChildDetailsCorrected,
    ChildRegistered,
    ConsentGiven,
    ConsentGiver,
    ConsentPurpose,
    ConsentWithdrawn,
    MemberJoined,
    MemberLeft,
    MemberReleased,
    PersonalDataRead,
    SubjectErased,
    TransferAccepted,
    TransferRefused,
    TransferRequested,
)
from membership.read_models.children import CHILDREN
from membership.read_models.consents import CONSENTS
from membership.read_models.member_units import MEMBER_UNITS
from membership.read_models.pending_transfers import PENDING_TRANSFERS
from membership.read_models.readings import READINGS

LAN, KID, MOVE = UUID(int=1), UUID(int=2), UUID(int=3)
START = date(2026, 1, 1)
MOVING: dict[str, Any] = {"member_id": LAN, "transfer_id": MOVE}


def day(number: int) -> date:
    return START + timedelta(days=number)


def rows_of(model: ReadModel[Any], history: Iterable[Event]) -> dict[Key, Any]:
    """The rows of a history; each event passes through its bytes."""
    rows: dict[Key, Any] = {}
    for position, event in enumerate(history, 1):
        body, now = event.encode(), datetime.now(UTC)
        recorded = RecordedEvent("membership", position, LAN, position, event.topic, body, b"", "national", position, now)
        if event.topic in model.topics:
            model.apply(rows, recorded)
    return {key: row for key, row in rows.items() if row is not None}


def said(on: date, person_id: UUID = LAN, purpose: ConsentPurpose = ConsentPurpose.EMAIL_NOTICES, version: str = "1") -> Event:
    voice: dict[str, Any] = {"given_by": ConsentGiver.SELF, "guardian_id": None}
    of: dict[str, Any] = {"person_id": person_id, "purpose": purpose, "text_version": version, "evidence": "Phiếu 17"}
    return ConsentGiven(unit="so-y-te", on=on, **of, **voice)


def taken_back(on: date) -> Event:
    of: dict[str, Any] = {"person_id": LAN, "purpose": ConsentPurpose.EMAIL_NOTICES, "given_by": ConsentGiver.SELF}
    return ConsentWithdrawn(unit="so-y-te", on=on, **of)


def erased(person_id: UUID) -> Event:
    return SubjectErased(unit="so-y-te", on=day(30), person_id=person_id, request_id=uuid4())


@st.composite
def consents(draw: st.DrawFn) -> list[tuple[str, int]]:
    """Days on which one voice agreed or took back, in their order; taken back only what was given."""
    steps: list[tuple[str, int]] = []
    at, given_now = 0, False
    for _ in range(draw(st.integers(0, 8))):
        at += draw(st.integers(0, 2))
        step = "take back" if given_now and draw(st.booleans()) else "give"
        given_now = step == "give"
        steps.append((step, at))
    return steps


@settings(deadline=None)
@given(consents())
def test_a_consent_holds_on_a_day_when_the_last_word_until_then_was_yes(steps: list[tuple[str, int]]) -> None:
    history = [said(day(at)) if step == "give" else taken_back(day(at)) for step, at in steps]
    rows = list(rows_of(CONSENTS, history).values())
    for number in range(-1, 20):
        words = [step for step, at in steps if at <= number]
        assert any(row.holds(day(number)) for row in rows) is (words[-1:] == ["give"])
    last_taken_back = max((number for number, (step, _) in enumerate(steps) if step == "take back"), default=-1)
    since = min((at for step, at in steps[last_taken_back + 1 :]), default=None)
    for number in range(20):
        assert any(row.stands_since(day(number)) for row in rows) is (since is not None and since <= number)


def test_every_text_that_was_agreed_to_stays_with_its_evidence() -> None:
    (row,) = rows_of(CONSENTS, [said(day(0)), said(day(5), version="2"), taken_back(day(9)), said(day(12), version="3")]).values()
    assert [(one.text_version, one.evidence, one.given_on, one.withdrawn_on) for one in row.periods] == [
        ("1", "Phiếu 17", day(0), day(9)),
        ("2", "Phiếu 17", day(5), day(9)),
        ("3", "Phiếu 17", day(12), None),
    ]


def test_no_consent_of_an_erased_person_is_left_and_everybody_elses_is() -> None:
    history = [said(day(0)), said(day(0), purpose=ConsentPurpose.PHOTO_PUBLICATION), said(day(0), KID), erased(LAN)]
    assert {key[0] for key in rows_of(CONSENTS, history)} == {KID}
    assert rows_of(CONSENTS, [*history[:2], erased(LAN), taken_back(day(31))]) == {}


def test_of_an_erased_child_only_whose_it_was_is_left() -> None:
    told: dict[str, Any] = {"unit": "so-y-te", "child_id": KID}
    registered = ChildRegistered(**told, on=day(0), member_id=LAN, full_name="Minh Anh", birth_date=date(2018, 3, 8))
    corrected = ChildDetailsCorrected(**told, on=day(1), full_name="Minh An", birth_date=None)
    (row,) = rows_of(CHILDREN, [registered, corrected]).values()
    assert (row.full_name, row.birth_date, row.member_id) == ("Minh An", date(2018, 3, 8), LAN)
    (row,) = rows_of(CHILDREN, [registered, corrected, erased(KID)]).values()
    assert (row.child_id, row.full_name, row.birth_date, row.member_id, row.erased) == (KID, None, None, LAN, True)
    assert rows_of(CHILDREN, [erased(LAN)]) == {}


def test_a_rebuild_after_the_key_is_destroyed_ends_with_the_same_rows() -> None:
    told: dict[str, Any] = {"unit": "so-y-te", "on": day(0), "child_id": KID, "member_id": LAN}
    readable = ChildRegistered(**told, full_name="Minh Anh", birth_date=date(2018, 3, 8))
    sealed = ChildRegistered(**told, full_name=None, birth_date=None)
    assert rows_of(CHILDREN, [readable, erased(KID)]) == rows_of(CHILDREN, [sealed, erased(KID)])


def test_a_move_is_pending_until_it_is_accepted_refused_or_pointless() -> None:
    requested = TransferRequested(unit="so-y-te", on=day(1), to_unit="so-noi-vu", **MOVING)
    released = MemberReleased(unit="so-y-te", on=day(2), to_unit="so-noi-vu", **MOVING)
    for history in ([requested], [requested, released]):
        (row,) = rows_of(PENDING_TRANSFERS, history).values()
        assert (row.member_id, row.to_unit) == (LAN, "so-noi-vu")
    ends: list[Event] = [
        TransferAccepted(unit="so-noi-vu", on=day(3), from_unit="so-y-te", **MOVING),
        TransferRefused(unit="so-y-te", on=day(3), to_unit="so-noi-vu", reason="x", **MOVING),
        MemberLeft(unit="so-y-te", on=day(3), member_id=LAN, reason="x"),
        erased(LAN),
    ]
    for end in ends:
        assert rows_of(PENDING_TRANSFERS, [requested, released, end]) == {}


def test_a_member_is_of_a_unit_from_each_day_it_came_and_of_the_last_of_two_on_one_day() -> None:
    person: dict[str, Any] = {"full_name": "Lan", "birth_date": date(1985, 3, 8), "phone": "", "email": ""}
    joined = MemberJoined(unit="a1", on=day(0), member_id=LAN, national_id="1", national_id_hash="h", **person)
    moves = [TransferAccepted(unit=unit, on=day(at), from_unit="x", **MOVING) for unit, at in (("b1", 3), ("c1", 5), ("d1", 5))]
    rows = rows_of(MEMBER_UNITS, [joined, *moves])
    assert {key[1]: row.unit for key, row in rows.items()} == {day(0): "a1", day(3): "b1", day(5): "d1"}


def test_a_reading_is_kept_as_it_was_told() -> None:
    reader: dict[str, Any] = {"reader": "auditor-1", "reader_role": "auditor", "reader_unit": "", "reason": "Kiểm toán"}
    read = PersonalDataRead(unit="so-y-te", on=day(0), reading_id=MOVE, member_ids=(LAN, KID), fields=("full_name",), **reader)
    (row,) = rows_of(READINGS, [read]).values()
    assert (row.unit, row.position, row.members.split(","), row.fields_read) == ("so-y-te", 1, [str(LAN), str(KID)], "full_name")
