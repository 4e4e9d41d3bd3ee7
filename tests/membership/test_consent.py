"""Who may agree to what, and how is it taken back?"""

from datetime import date, timedelta
from itertools import product
from typing import Any
from uuid import UUID, uuid4

import pytest

from chassis.commands import parse
from chassis.refusals import Invalid
from membership.domain import consent
from membership.domain.child import Child, Person, PersonUnknown
from membership.domain.consent import (
    CONSENT,
    ConsentNotGiven,
    GiveConsent,
    GuardianUnknown,
    MembersSpeakForThemselves,
    PurposeDoesNotFit,
    TooYoungToConsent,
    WithdrawConsent,
    consent_id,
    consents_about,
)
from membership.domain.data_subject import SubjectIsErased
from membership.domain.unit import NotBefore, NothingChanges
from membership.events import ConsentGiven, ConsentGiver, ConsentPurpose, ConsentWithdrawn
from tests.given import given

LAN, KID, BABY, GONE = UUID(int=1), UUID(int=2), UUID(int=3), UUID(int=4)
SINCE, ON, LATER = date(2020, 1, 1), date(2026, 2, 1), date(2026, 3, 1)
BORN = date(2018, 3, 8)


def kid(who: UUID, born_on: date | None, *, erased: bool = False) -> Person:
    return Person("so-y-te", SINCE, erased=erased, child=Child(who, LAN, "so-y-te", born_on, SINCE))


PERSONS: dict[UUID, Person | None] = {
    LAN: Person("so-y-te", SINCE),
    KID: kid(KID, BORN),
    BABY: kid(BABY, date(2022, 1, 1)),
    GONE: Person("so-y-te", SINCE, erased=True),
}


def giving(**fields: Any) -> GiveConsent:
    plain = {"person_id": LAN, "purpose": "email_notices", "given_by": "self", "text_version": "2026-01", "evidence": "M-17"}
    return parse(GiveConsent, {"command_id": uuid4(), "on": ON.isoformat(), **plain, **fields})


def withdrawal(**fields: Any) -> WithdrawConsent:
    plain = {"person_id": LAN, "purpose": "email_notices", "given_by": "self"}
    return parse(WithdrawConsent, {"command_id": uuid4(), "on": LATER.isoformat(), **plain, **fields})


def of_guardian(**fields: Any) -> GiveConsent:
    return giving(**{"person_id": KID, "purpose": "child_honour_publication", "given_by": "guardian", **fields})


def said(**fields: Any) -> ConsentGiven:
    plain: dict[str, Any] = {
        "person_id": LAN,
        "purpose": ConsentPurpose.EMAIL_NOTICES,
        "given_by": ConsentGiver.SELF,
        "guardian_id": None,
        "text_version": "2026-01",
        "evidence": "M-17",
    }
    return ConsentGiven(**{"unit": "so-y-te", "on": ON, **plain, **fields})


TAKEN_BACK = ConsentWithdrawn(
    unit="so-y-te", on=LATER, person_id=LAN, purpose=ConsentPurpose.EMAIL_NOTICES, given_by=ConsentGiver.SELF
)


def test_a_member_agrees_to_a_purpose_with_evidence() -> None:
    given(CONSENT).when(consent.give, giving(), PERSONS).then(said())


@pytest.mark.parametrize("missing", ["person_id", "purpose", "given_by", "text_version", "evidence", "on"])
def test_nothing_about_a_consent_is_taken_for_granted(missing: str) -> None:
    fields = giving().model_dump(mode="json", exclude={missing})
    with pytest.raises(Invalid) as caught:
        parse(GiveConsent, fields)
    assert caught.value.field == missing


@pytest.mark.parametrize("fields", [{"evidence": ""}, {"text_version": "bản mới"}, {"purpose": "everything"}])
def test_a_consent_names_one_purpose_one_text_and_its_evidence(fields: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        giving(**fields)


def test_taking_back_asks_for_nothing_that_giving_does_not() -> None:
    asked = {name for name, field in WithdrawConsent.model_fields.items() if field.is_required()}
    assert asked < {name for name, field in GiveConsent.model_fields.items() if field.is_required()}
    assert set(WithdrawConsent.model_fields) < set(GiveConsent.model_fields)
    state = given(CONSENT, said()).when(consent.withdraw, withdrawal(), PERSONS).then(TAKEN_BACK)
    assert state.given is None


def test_what_was_not_given_or_is_taken_back_is_not_taken_back() -> None:
    given(CONSENT).when(consent.withdraw, withdrawal(), PERSONS).refused(ConsentNotGiven, "purpose")
    given(CONSENT, said(), TAKEN_BACK).when(consent.withdraw, withdrawal(), PERSONS).refused(ConsentNotGiven, "purpose")


def test_days_go_forward() -> None:
    early = withdrawal(on=(ON - timedelta(days=1)).isoformat())
    given(CONSENT, said()).when(consent.withdraw, early, PERSONS).refused(NotBefore, "on")
    given(CONSENT, said(), TAKEN_BACK).when(consent.give, giving(), PERSONS).refused(NotBefore, "on")
    before_joining = giving(on=(SINCE - timedelta(days=1)).isoformat())
    given(CONSENT).when(consent.give, before_joining, PERSONS).refused(NotBefore, "on")


def test_a_new_text_is_agreed_to_anew_and_the_same_again_changes_nothing() -> None:
    given(CONSENT, said()).when(consent.give, giving(), PERSONS).refused(NothingChanges, "text_version")
    newer = giving(text_version="2026-02", on=LATER.isoformat())
    given(CONSENT, said()).when(consent.give, newer, PERSONS).then(said(text_version="2026-02", on=LATER))
    other_form = giving(evidence="M-18", on=LATER.isoformat())
    given(CONSENT, said()).when(consent.give, other_form, PERSONS).then(said(evidence="M-18", on=LATER))


def test_what_was_taken_back_may_be_given_again() -> None:
    again = giving(on=LATER.isoformat())
    given(CONSENT, said(), TAKEN_BACK).when(consent.give, again, PERSONS).then(said(on=LATER))


@pytest.mark.parametrize("who", [uuid4(), UUID(int=99)])
def test_nobody_unknown_agrees(who: UUID) -> None:
    given(CONSENT).when(consent.give, giving(person_id=who), PERSONS).refused(PersonUnknown, "person_id")
    given(CONSENT).when(consent.withdraw, withdrawal(person_id=who), PERSONS).refused(PersonUnknown, "person_id")
    with pytest.raises(PersonUnknown):
        consent.at_person(None, giving(person_id=who), PERSONS)


def test_the_erased_agree_to_nothing_more_but_what_they_gave_can_be_taken_back() -> None:
    given(CONSENT).when(consent.give, giving(person_id=GONE), PERSONS).refused(SubjectIsErased, "person_id")
    sealed = said(person_id=GONE, evidence=None)
    taken = TAKEN_BACK.model_copy(update={"person_id": GONE})
    given(CONSENT, sealed).when(consent.withdraw, withdrawal(person_id=GONE), PERSONS).then(taken)


@pytest.mark.parametrize(
    ("person_id", "given_by", "fits"),
    [
        (LAN, "self", {"email_notices", "photo_publication", "partner_offers"}),
        (KID, "guardian", {"child_honour_publication", "photo_publication"}),
    ],
)
def test_notices_and_offers_are_for_members_and_honours_of_children_for_children(
    person_id: UUID, given_by: str, fits: set[str]
) -> None:
    for purpose in ConsentPurpose:
        command = giving(person_id=person_id, given_by=given_by, purpose=purpose.value)
        decided = given(CONSENT).when(consent.give, command, PERSONS)
        if purpose.value in fits:
            assert decided.decide(None, command, PERSONS)
        else:
            decided.refused(PurposeDoesNotFit, "purpose")


def test_a_member_speaks_for_itself() -> None:
    given(CONSENT).when(consent.give, giving(given_by="guardian"), PERSONS).refused(MembersSpeakForThemselves, "given_by")
    with_guardian = giving(guardian_id=LAN)
    given(CONSENT).when(consent.give, with_guardian, PERSONS).refused(MembersSpeakForThemselves, "guardian_id")


def test_a_guardian_speaks_for_a_child_and_is_named_when_a_member() -> None:
    fields: dict[str, Any] = {
        "person_id": KID,
        "purpose": ConsentPurpose.CHILD_HONOUR_PUBLICATION,
        "given_by": ConsentGiver.GUARDIAN,
    }
    given(CONSENT).when(consent.give, of_guardian(), PERSONS).then(said(**fields))
    given(CONSENT).when(consent.give, of_guardian(guardian_id=LAN), PERSONS).then(said(**fields, guardian_id=LAN))


@pytest.mark.parametrize("guardian", [UUID(int=99), KID, BABY, GONE])
def test_a_guardian_that_is_named_is_a_member(guardian: UUID) -> None:
    given(CONSENT).when(consent.give, of_guardian(guardian_id=guardian), PERSONS).refused(GuardianUnknown, "guardian_id")


@pytest.mark.parametrize(
    ("born_on", "speaks_on"),
    [(date(2019, 2, 1), date(2026, 2, 1)), (date(2016, 2, 29), date(2023, 2, 28))],
    ids=["its birthday", "29 February"],
)
def test_a_child_agrees_itself_from_its_seventh_birthday_and_not_the_day_before(born_on: date, speaks_on: date) -> None:
    persons = {KID: kid(KID, born_on)}
    on_the_day = of_guardian(given_by="self", on=speaks_on.isoformat())
    assert consent.give(None, on_the_day, persons)
    before = of_guardian(given_by="self", on=(speaks_on - timedelta(days=1)).isoformat())
    given(CONSENT).when(consent.give, before, persons).refused(TooYoungToConsent, "given_by")
    given(CONSENT).when(consent.give, of_guardian(given_by="self", person_id=BABY), PERSONS).refused(TooYoungToConsent)


def test_each_person_purpose_and_voice_has_its_own_history() -> None:
    every = [consent_id(person, *of) for person in (LAN, KID) for of in product(ConsentPurpose, ConsentGiver)]
    assert len(set(every)) == 2 * len(ConsentPurpose) * len(ConsentGiver)
    assert set(every) == {*consents_about(LAN), *consents_about(KID)}
    assert giving().aggregate_id == withdrawal().aggregate_id != of_guardian().aggregate_id


def test_a_consent_is_recorded_where_its_person_is_now() -> None:
    state = given(CONSENT, said()).state
    assert consent.at_person(state, withdrawal(), {LAN: Person("so-noi-vu", SINCE)}) == "so-noi-vu"


def test_no_evidence_stands_in_a_message() -> None:
    state = given(CONSENT, said()).state
    assert "M-17" not in f"{giving()!r}{said()!r}{state!r}"
