"""Who may be erased, who must have acknowledged it, and what does the certificate say?"""

from collections.abc import Callable
from datetime import UTC, date, datetime
from uuid import UUID, uuid4

import pytest

from chassis.claims import Claim
from chassis.events import Event
from chassis.refusals import Forbidden
from membership.domain import child, erasure, legal_hold, member, transfer
from membership.domain.child import Child, PersonUnknown
from membership.domain.data_request import DATA_REQUEST, NotAccepted, RequestClosed, RequestUnknown
from membership.domain.data_subject import SubjectIsErased
from membership.domain.erasure import (
    FOLLOWERS,
    AcknowledgementsOutstanding,
    AlreadyAcknowledged,
    NotAnErasureRequest,
    NotAwaited,
    NotErased,
    Proof,
)
from membership.domain.legal_hold import SUBJECT, HoldExists, HoldUnknown, LegallyHeld
from membership.domain.member import MEMBER, Member, claims
from membership.domain.unit import NotBefore
from membership.events import (
    Acknowledgement,
    ErasureCertified,
    FieldClass,
    HardshipGrade,
    LegalHoldLifted,
    MemberLeft,
    MemberReleased,
    TransferRequested,
)
from tests.given import given, state_after
from tests.membership.a_data_request import (
    AWAITED,
    BRANCH,
    COMMAND,
    ERASURE,
    HOLD,
    OTHER,
    PERSON,
    REQUEST,
    accepted_for_erasure,
    acknowledge,
    acknowledged,
    answered,
    certify,
    done,
    erase,
    erased,
    grounds,
    held,
    joined,
    lift,
    persons,
    place,
    progress,
    proofs,
    received,
    received_for_erasure,
    registered,
)
from tests.membership.a_data_request import child as a_child
from tests.membership.a_data_request import member as a_member

OPEN = state_after(DATA_REQUEST, received_for_erasure(), accepted_for_erasure())
GROUNDS = grounds(OPEN, BRANCH)
ACCEPTED = (received_for_erasure(), accepted_for_erasure())
DESTROYED_AT = datetime(2026, 3, 5, 3, tzinfo=UTC)
AT = datetime(2026, 3, 6, 4, tzinfo=UTC)
WORDS = {
    FieldClass.IDENTITY: ("thông tin định danh", "identity"),
    FieldClass.CONTACT: ("thông tin liên lạc", "contact details"),
    FieldClass.HARDSHIP: ("hoàn cảnh khó khăn", "hardship"),
    FieldClass.PHOTO: ("ảnh", "photo"),
}
ALL = tuple(Acknowledgement(by=by, at=AT) for by in AWAITED)


@pytest.fixture(params=(joined, registered), ids=["member", "child"])
def person(request: pytest.FixtureRequest) -> Event:
    """How a person came to be known: every rule here is the same for both."""
    begun: Callable[[], Event] = request.param
    return begun()


def test_a_person_is_erased_on_its_own_accepted_request_and_all_who_follow_are_awaited(person: Event) -> None:
    after = given(SUBJECT, person).when(erasure.erase, erase(), GROUNDS).then(erased())
    assert after.erased is not None
    assert after.erased.awaited == (*FOLLOWERS, BRANCH)


def test_of_an_erased_person_nothing_personal_is_in_memory() -> None:
    assert a_member(erased()).national_id_hash is None
    kid = a_child(erased())
    assert isinstance(kid, Child)
    assert kid.born_on is None


def test_a_child_is_held_and_erased_where_its_parent_is_now() -> None:
    here = persons("so-noi-vu")
    kid = given(SUBJECT, registered())
    for decide, command, facts in (
        (legal_hold.place, place(), here),
        (erasure.erase, erase(), grounds(OPEN, BRANCH, unit="so-noi-vu")),
    ):
        (event,) = kid.when(decide, command, facts).events
        assert event.unit == "so-noi-vu"
    (lifted,) = given(SUBJECT, registered(), held()).when(legal_hold.lift, lift(), here).events
    assert lifted.unit == "so-noi-vu"
    assert legal_hold.unit_now(a_child(), place(), here) == "so-noi-vu"
    assert legal_hold.unit_now(a_member(), place(), here) == "so-y-te"
    with pytest.raises(PersonUnknown):
        legal_hold.unit_now(None, place(), here)


def test_nothing_personal_is_added_to_an_erased_child() -> None:
    kid = a_child(erased())
    assert isinstance(kid, Child)
    on = date(2026, 4, 1)
    correcting = child.CorrectChildDetails(command_id=COMMAND, child_id=PERSON, full_name="Lê Ân", on=on)
    with pytest.raises(SubjectIsErased):
        child.correct(kid, correcting, persons())
    given(SUBJECT, registered(), erased()).when(legal_hold.place, place(), persons()).refused(SubjectIsErased, "person_id")


def test_a_child_claims_nothing() -> None:
    assert list(SUBJECT.claims(None, registered())) == []
    assert list(SUBJECT.claims(a_child(), erased())) == []
    assert list(SUBJECT.claims(a_member(), erased())) == list(claims(a_member(), erased()))


def test_who_stood_in_no_branch_is_acknowledged_by_the_services_alone(person: Event) -> None:
    given(SUBJECT, person).when(erasure.erase, erase(), grounds(OPEN)).then(erased(awaited=FOLLOWERS))


@pytest.mark.parametrize(
    "history",
    [
        (),
        (received_for_erasure(),),
        (received_for_erasure(), answered(accepted=False, reason="x", kind=ERASURE)),
        (received(), answered()),
        (*ACCEPTED, done(ERASURE)),
    ],
    ids=["none", "not answered", "refused", "of another kind", "carried out"],
)
def test_without_an_open_accepted_request_for_erasure_nobody_is_erased(history: tuple[object, ...], person: Event) -> None:
    request = state_after(DATA_REQUEST, *history) if history else None  # type: ignore[arg-type]
    given(SUBJECT, person).when(erasure.erase, erase(), grounds(request)).refused(NotAnErasureRequest, "request_id")


def test_the_request_of_somebody_else_erases_nobody() -> None:
    somebody = given(SUBJECT, joined(member_id=OTHER))
    command = erase().model_copy(update={"person_id": OTHER})
    somebody.when(erasure.erase, command, GROUNDS).refused(NotAnErasureRequest, "request_id")


def test_nobody_is_erased_twice_or_before_the_answer_and_only_who_is_there(person: Event) -> None:
    given(SUBJECT, person, erased()).when(erasure.erase, erase(), GROUNDS).refused(SubjectIsErased, "person_id")
    given(SUBJECT, person).when(erasure.erase, erase(on=date(2026, 3, 3)), GROUNDS).refused(NotBefore, "on")
    given(SUBJECT).when(erasure.erase, erase(), GROUNDS).refused(PersonUnknown, "person_id")


@pytest.mark.parametrize("field_class", FieldClass)
def test_a_hold_on_any_class_keeps_from_erasure_and_says_which_and_why(field_class: FieldClass, person: Event) -> None:
    refusal = given(SUBJECT, person, held(field_class)).when(erasure.erase, erase(), GROUNDS).refused(LegallyHeld, "person_id")
    for language, word in (("vi", WORDS[field_class][0]), ("en", WORDS[field_class][1])):
        assert f": {word} (Điều 14 Luật 91/2025/QH15)." in refusal.sentence(language)  # type: ignore[arg-type]


def test_of_two_holds_both_must_be_lifted(person: Event) -> None:
    second = held(FieldClass.HARDSHIP, OTHER)
    lifted = LegalHoldLifted(unit="so-y-te", on=date(2026, 3, 4), hold_id=HOLD, person_id=PERSON, reason="Bản án 3/2026/DS-ST")
    one = given(SUBJECT, person, held(), second, lifted)
    refusal = one.when(erasure.erase, erase(), GROUNDS).refused(LegallyHeld)
    assert "hardship" in refusal.sentence("en")
    assert "identity" not in refusal.sentence("en")
    both = given(SUBJECT, person, held(), second, lifted, lifted.model_copy(update={"hold_id": OTHER}))
    both.when(erasure.erase, erase(), GROUNDS).then(erased())


def test_a_hold_is_placed_once_and_lifted_once(person: Event) -> None:
    given(SUBJECT, person).when(legal_hold.place, place(), persons()).then(held())
    given(SUBJECT, person, held()).when(legal_hold.place, place(), persons()).refused(HoldExists, "hold_id")
    given(SUBJECT, person, held()).when(legal_hold.lift, lift(), persons()).then(
        LegalHoldLifted(unit="so-y-te", on=date(2026, 3, 4), hold_id=HOLD, person_id=PERSON, reason="Bản án 3/2026/DS-ST")
    )
    given(SUBJECT, person).when(legal_hold.lift, lift(), persons()).refused(HoldUnknown, "hold_id")
    given(SUBJECT, person, held()).when(legal_hold.lift, lift(OTHER), persons()).refused(HoldUnknown, "hold_id")
    given(SUBJECT).when(legal_hold.place, place(), persons()).refused(PersonUnknown, "person_id")
    given(SUBJECT, person).when(legal_hold.place, place(on=date(2019, 1, 1)), persons()).refused(NotBefore, "on")


def test_nothing_is_held_of_who_was_erased_and_who_left_can_be_held() -> None:
    given(SUBJECT, joined(), erased()).when(legal_hold.place, place(), persons()).refused(SubjectIsErased, "person_id")
    left = MemberLeft(unit="so-y-te", on=date(2026, 1, 1), member_id=PERSON, reason="Nghỉ hưu")
    given(SUBJECT, joined(), left).when(legal_hold.place, place(), persons()).then(held())


def test_nothing_personal_is_added_to_who_was_erased_and_everything_else_goes_on() -> None:
    on = date(2026, 4, 1)
    gone = given(SUBJECT, joined(), erased())
    correction = member.CorrectMemberDetails(command_id=COMMAND, member_id=PERSON, full_name="Lê Ân", on=on)
    gone.when(member.correct, correction).refused(SubjectIsErased, "member_id")
    hardship = member.RecordHardship(command_id=COMMAND, member_id=PERSON, grade=HardshipGrade.HARDSHIP, on=on)
    gone.when(member.record_hardship, hardship).refused(SubjectIsErased, "member_id")
    leaving = member.LeaveUnion(command_id=COMMAND, member_id=PERSON, reason="Nghỉ hưu", on=on)
    after = gone.when(member.leave, leaving).then(MemberLeft(unit="so-y-te", on=on, member_id=PERSON, reason="Nghỉ hưu"))
    assert isinstance(after, Member)
    assert (after.left_on, after.erased) == (on, a_member(erased()).erased)
    ways = (TransferRequested, MemberReleased)
    moving = [way(unit="so-y-te", on=on, member_id=PERSON, transfer_id=OTHER, to_unit="so-noi-vu") for way in ways]
    accepting = transfer.AcceptTransfer(command_id=COMMAND, member_id=PERSON, transfer_id=OTHER, on=on)
    moved = transfer.accept_transfer(state_after(MEMBER, joined(), erased(), *moving), accepting, None)
    assert [event.unit for event in moved] == ["so-y-te", "so-noi-vu"]


def test_erasing_gives_the_national_id_back_once() -> None:
    before, after = a_member(), a_member(erased())
    release = Claim("national-id:hash of the id", "release")
    left = MemberLeft(unit="so-y-te", on=date(2026, 4, 1), member_id=PERSON, reason="x")
    assert list(claims(before, erased())) == [release]
    assert release in list(claims(before, left))
    assert [claim.mode for claim in claims(after, left)] == ["unshare"]
    assert list(claims(a_member(left), erased())) == []


def test_each_who_is_awaited_acknowledges_once() -> None:
    gone = a_member(erased())
    given(DATA_REQUEST, *ACCEPTED).when(erasure.acknowledge, acknowledge(BRANCH), progress(gone)).then(acknowledged(BRANCH))
    given(DATA_REQUEST, *ACCEPTED).when(erasure.acknowledge, acknowledge("audit"), progress(gone, "audit")).then(
        acknowledged("audit")
    )
    again = given(DATA_REQUEST, *ACCEPTED, acknowledged(BRANCH))
    again.when(erasure.acknowledge, acknowledge(BRANCH), progress(gone)).refused(AlreadyAcknowledged, "by")
    closed = given(DATA_REQUEST, *ACCEPTED, acknowledged(BRANCH), done(ERASURE, on=date(2026, 3, 6)))
    closed.when(erasure.acknowledge, acknowledge(BRANCH), progress(gone)).refused(AlreadyAcknowledged, "by")


def test_a_service_acknowledges_for_itself_alone_and_nobody_else_for_it() -> None:
    gone, request = a_member(erased()), given(DATA_REQUEST, *ACCEPTED)
    request.when(erasure.acknowledge, acknowledge("audit"), progress(gone)).refused(Forbidden)
    request.when(erasure.acknowledge, acknowledge("audit"), progress(gone, "welfare")).refused(Forbidden)
    request.when(erasure.acknowledge, acknowledge(BRANCH), progress(gone, "welfare")).refused(Forbidden)


def test_what_did_not_happen_or_does_not_concern_one_is_not_acknowledged() -> None:
    request = given(DATA_REQUEST, *ACCEPTED)
    request.when(erasure.acknowledge, acknowledge(BRANCH), progress(a_member())).refused(NotErased)
    request.when(erasure.acknowledge, acknowledge(BRANCH), progress(None)).refused(NotErased)
    on_another = a_member(erased().model_copy(update={"request_id": uuid4()}))
    request.when(erasure.acknowledge, acknowledge(BRANCH), progress(on_another)).refused(NotErased)
    request.when(erasure.acknowledge, acknowledge("hai-duong"), progress(a_member(erased()))).refused(NotAwaited, "by")
    given(DATA_REQUEST).when(erasure.acknowledge, acknowledge(BRANCH), progress(None)).refused(RequestUnknown)
    given(DATA_REQUEST, received_for_erasure()).when(erasure.acknowledge, acknowledge(BRANCH), progress(None)).refused(
        NotAccepted
    )


def test_when_all_have_acknowledged_the_erasure_is_certified_and_so_carried_out() -> None:
    proof = Proof(AWAITED, (1, 4, 9), DESTROYED_AT, ALL)
    history = (*ACCEPTED, *(acknowledged(by) for by in AWAITED))
    certificate = ErasureCertified(
        unit="so-y-te",
        on=date(2026, 3, 9),
        person_id=PERSON,
        request_id=REQUEST,
        positions=(1, 4, 9),
        key_destroyed_at=DESTROYED_AT,
        acknowledged=ALL,
    )
    after = given(DATA_REQUEST, *history).when(erasure.certify, certify(), proofs(proof))
    assert after.then(certificate, done(ERASURE, on=date(2026, 3, 9))).carried_out_on == date(2026, 3, 9)
    twice = given(DATA_REQUEST, *history, certificate, done(ERASURE, on=date(2026, 3, 9)))
    twice.when(erasure.certify, certify(), proofs(proof)).refused(RequestClosed)


def test_it_is_carried_out_on_the_day_by_which_all_had_acknowledged_whoever_was_recorded_last() -> None:
    days = [date(2026, 3, 12), *[date(2026, 3, 6)] * (len(AWAITED) - 1)]
    history = (*ACCEPTED, *(acknowledged(by, on) for by, on in zip(AWAITED, days, strict=True)))
    request = state_after(DATA_REQUEST, *history)
    events = erasure.certify(request, certify(on=date(2026, 3, 6)), proofs(Proof(AWAITED, (1,), DESTROYED_AT, ALL)))
    assert [event.on for event in events] == [date(2026, 3, 12)] * 2


@pytest.mark.parametrize("silent", AWAITED)
def test_as_long_as_one_is_silent_nothing_is_certified_and_it_is_named(silent: str) -> None:
    heard = tuple(one for one in ALL if one.by != silent)
    history = (*ACCEPTED, *(acknowledged(one.by) for one in heard))
    proof = proofs(Proof(AWAITED, (1,), DESTROYED_AT, heard))
    refusal = given(DATA_REQUEST, *history).when(erasure.certify, certify(), proof).refused(AcknowledgementsOutstanding)
    assert refusal.sentence("en").endswith(f"of: {silent}.")


def test_without_an_erasure_nothing_is_certified() -> None:
    given(DATA_REQUEST, *ACCEPTED).when(erasure.certify, certify(), proofs(None)).refused(NotErased)


def test_the_histories_of_a_person_are_its_own_and_those_of_its_consents() -> None:
    ids = erasure.histories_of(PERSON)
    assert ids[0] == PERSON
    assert len(set(ids)) == len(ids) > 1
    assert all(isinstance(each, UUID) for each in ids)
    assert not set(ids[1:]) & set(erasure.histories_of(OTHER))
