"""May this award be proposed, endorsed, returned, decided, presented, revoked, recovered?"""

from dataclasses import replace
from datetime import date
from typing import Any
from unicodedata import normalize
from uuid import UUID, uuid4

import pytest

from awards.domain.decision import DecideAward, NotEndorsed, decide
from awards.domain.nomination import (
    NOMINATION,
    AlreadyDecided,
    AwardFacts,
    ComprehensiveExcludesThematic,
    NominationReturned,
    NominationUnknown,
    Nominee,
    deciding_unit,
    recipients_unit,
)
from awards.domain.presentation import (
    AlreadyPresented,
    AwardIsRevoked,
    NotDecided,
    NothingToRecover,
    NotRevoked,
    PresentAward,
    RecoverArtefact,
    RevokeAward,
    present,
    recover,
    revoke,
)
from awards.domain.proposal import (
    AlreadyEndorsed,
    EndorseAward,
    FlagsAreForUnits,
    MemberNotActive,
    MemberUnknown,
    NominationExists,
    NotReturned,
    ProposeAward,
    ResubmitAward,
    ReturnAward,
    endorse,
    propose,
    proposing_unit,
    resubmit,
    reviewing_unit,
    send_back,
)
from awards.domain.quota import Quota, QuotaExceeded, QuotaKey
from awards.domain.regulations import REGULATIONS, NoRegulationInForce, regulation_on
from awards.domain.standing import DeciderElsewhere, DeciderNotAbove, NotBefore, ReviewerElsewhere, UnitIsDissolved
from awards.events import (
    ArtefactRecovered,
    AwardDecided,
    AwardEndorsed,
    AwardForm,
    AwardPresented,
    AwardProposed,
    AwardResubmitted,
    AwardReturned,
    AwardRevoked,
    AwardScope,
    CertificateOfMeritAwarded,
    CommendationAwarded,
    FlagAwarded,
    PublicHonourAwarded,
    QuotaUse,
)
from chassis.claims import Claim
from chassis.commands import parse
from chassis.events import Event
from chassis.hierarchy import UnitUnknown
from chassis.refusals import Invalid, RuleBroken
from membership.events import Level
from tests.awards.federation_of_units import UNITS
from tests.given import given

ID, WHO = UUID(int=1), UUID(int=2)
PROPOSED_ON, ENDORSED_ON, DECIDED_ON, LATER = date(2024, 11, 20), date(2024, 12, 1), date(2024, 12, 20), date(2025, 3, 1)
FACTS = AwardFacts(UNITS, {WHO: Nominee("so-y-te", active=True), UUID(int=3): Nominee("so-y-te", active=False)})

TOLD: dict[str, Any] = {
    "unit": "so-y-te",
    "nomination_id": ID,
    "member_id": None,
    "form": AwardForm.FLAG,
    "scope": AwardScope.COMPREHENSIVE,
    "theme": "",
    "year": 2024,
    "decider": "cdvcvn",
}
GIVEN: dict[str, Any] = {
    "decider_level": Level.FEDERATION,
    "decision_number": "345/QĐ-CĐVC",
    "decided_on": DECIDED_ON,
    "rule_set": "999/QĐ-TLĐ",
}
PERSON = {"member_id": WHO, "form": AwardForm.COMMENDATION}
FREE = (QuotaUse(theme="", at_most=None, revision=0),)


def proposed(**fields: Any) -> AwardProposed:
    return AwardProposed(**{**TOLD, "on": PROPOSED_ON, "citation": "Xuất sắc", **fields})


def endorsed(**fields: Any) -> AwardEndorsed:
    return AwardEndorsed(**{**TOLD, "on": ENDORSED_ON, "reviewer": "vinh-phuc", **fields})


def returned(**fields: Any) -> AwardReturned:
    return AwardReturned(**{**TOLD, "on": ENDORSED_ON, "reviewer": "vinh-phuc", "reason": "Thiếu minh chứng", **fields})


def decided(**fields: Any) -> tuple[AwardDecided, FlagAwarded]:
    told = {**TOLD, **GIVEN, "on": DECIDED_ON, **fields}
    quotas = told.pop("quotas", FREE)
    return AwardDecided(**told, quotas=quotas), FlagAwarded(**told)


def after(cls: type[Any], **fields: Any) -> Any:
    return cls(**{**TOLD, **GIVEN, "on": LATER, **fields})


IN_HAND = (proposed(), endorsed())
AWARDED = (*IN_HAND, *decided())
PRESENTED = after(AwardPresented, presenter="ldld-vinh-phuc")
REVOKED = after(AwardRevoked, reason="Khai man thành tích")
RECOVERED = after(ArtefactRecovered)


def proposal(**fields: Any) -> ProposeAward:
    plain: dict[str, Any] = {
        "command_id": uuid4(),
        "nomination_id": ID,
        "unit": "so-y-te",
        "form": "flag",
        "scope": "comprehensive",
        "year": 2024,
        "decider": "cdvcvn",
        "citation": "Xuất sắc",
        "on": PROPOSED_ON.isoformat(),
    }
    return parse(ProposeAward, {name: value for name, value in {**plain, **fields}.items() if value is not None})


def about(cls: type[Any], on: date = LATER, **fields: Any) -> Any:
    return parse(cls, {"command_id": str(uuid4()), "nomination_id": str(ID), "on": on.isoformat(), **fields})


DECIDE = about(DecideAward, DECIDED_ON, decision_number="345/QĐ-CĐVC")


def test_a_unit_is_proposed_for_a_flag() -> None:
    given(NOMINATION).when(propose, proposal(), FACTS).then(proposed())


def test_a_person_is_proposed_as_a_member_of_the_unit_that_membership_tells() -> None:
    command = proposal(unit=None, member_id=WHO, form="commendation", decider="vinh-phuc")

    given(NOMINATION).when(propose, command, FACTS).then(proposed(**PERSON, decider="vinh-phuc"))
    assert proposing_unit(None, command, FACTS) == "so-y-te"


def test_a_nomination_id_is_given_once() -> None:
    given(NOMINATION, proposed()).when(propose, proposal(), FACTS).refused(NominationExists, "nomination_id")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"member_id": WHO}, "member_id"),
        ({"unit": None}, "member_id"),
        ({"theme": "An toàn lao động"}, "theme"),
        ({"scope": "adhoc", "theme": "An toàn lao động"}, "theme"),
        ({"scope": "thematic"}, "theme"),
        ({"scope": "thematic", "theme": "x" * 201}, "theme"),
        ({"form": "medal"}, "form"),
        ({"year": 24}, "year"),
        ({"decider": "Not A Code"}, "decider"),
        ({"citation": normalize("NFD", "Xuất sắc")}, "citation"),
        ({"on": "20/11/2024"}, "on"),
        ({"on": "1900-01-01"}, "on"),
    ],
)
def test_a_proposal_that_is_malformed_is_refused_by_its_field(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        proposal(**fields)

    assert [problem.field for problem in caught.value.problems] == [field]


def test_a_flag_is_never_given_to_a_person() -> None:
    given(NOMINATION).when(propose, proposal(unit=None, member_id=WHO), FACTS).refused(FlagsAreForUnits, "member_id")


def test_a_person_nobody_admitted_cannot_be_proposed() -> None:
    command = proposal(unit=None, member_id=uuid4(), form="commendation")

    given(NOMINATION).when(propose, command, FACTS).refused(MemberUnknown, "member_id")


def test_a_person_who_left_cannot_be_proposed() -> None:
    command = proposal(unit=None, member_id=UUID(int=3), form="commendation")

    given(NOMINATION).when(propose, command, FACTS).refused(MemberNotActive, "member_id")


@pytest.mark.parametrize(
    ("unit", "decider", "refusal"),
    [
        ("nowhere", "cdvcvn", UnitUnknown),
        ("so-y-te", "nowhere", UnitUnknown),
        ("gone", "cdvcvn", UnitIsDissolved),
        ("so-y-te", "gone-province", UnitIsDissolved),
        ("so-y-te", "so-y-te", DeciderNotAbove),
        ("so-y-te", "so-noi-vu", DeciderNotAbove),
        ("vinh-phuc", "ha-noi", DeciderNotAbove),
        ("vinh-phuc", "so-y-te", DeciderNotAbove),
        ("so-y-te", "ha-noi", DeciderElsewhere),
        ("ha-noi", "ldld-vinh-phuc", DeciderElsewhere),
    ],
)
def test_the_decider_is_a_unit_above_and_of_a_level_above(unit: str, decider: str, refusal: type[RuleBroken]) -> None:
    given(NOMINATION).when(propose, proposal(unit=unit, decider=decider), FACTS).refused(refusal)


@pytest.mark.parametrize("decider", ["vinh-phuc", "ldld-vinh-phuc", "cdvcvn", "tld"])
def test_any_unit_above_by_line_or_by_function_may_decide(decider: str) -> None:
    given(NOMINATION).when(propose, proposal(decider=decider), FACTS).then(proposed(decider=decider))


def test_a_unit_may_honour_its_own_members_for_a_person_stands_a_level_below() -> None:
    command = proposal(unit=None, member_id=WHO, form="commendation", decider="so-y-te")

    given(NOMINATION).when(propose, command, FACTS).then(proposed(**PERSON, decider="so-y-te"))


def test_a_unit_of_the_same_level_may_not_honour_a_member_of_another() -> None:
    command = proposal(unit=None, member_id=WHO, form="commendation", decider="so-noi-vu")

    given(NOMINATION).when(propose, command, FACTS).refused(DeciderElsewhere, "decider")


@pytest.mark.parametrize("reviewer", ["vinh-phuc", "cdvcvn"])
def test_a_unit_between_or_the_decider_itself_endorses(reviewer: str) -> None:
    command = about(EndorseAward, ENDORSED_ON, reviewer=reviewer)

    given(NOMINATION, proposed()).when(endorse, command, FACTS).then(endorsed(reviewer=reviewer))


@pytest.mark.parametrize("cls", [EndorseAward, ReturnAward])
@pytest.mark.parametrize(
    ("reviewer", "refusal"),
    [
        ("so-y-te", ReviewerElsewhere),
        ("tld", ReviewerElsewhere),
        ("ldld-vinh-phuc", ReviewerElsewhere),
        ("ha-noi", ReviewerElsewhere),
        ("nowhere", UnitUnknown),
        ("gone-province", UnitIsDissolved),
    ],
)
def test_nobody_else_endorses_or_returns(cls: type[Any], reviewer: str, refusal: type[RuleBroken]) -> None:
    """Neither the recipient itself, nor who stands above or beside the decider, nor another province."""
    fields: dict[str, Any] = {"reason": "x"} if cls is ReturnAward else {}
    command = about(cls, reviewer=reviewer, **fields)

    given(NOMINATION, proposed()).when(endorse if cls is EndorseAward else send_back, command, FACTS).refused(refusal, "reviewer")
    with pytest.raises(refusal):
        reviewing_unit(given(NOMINATION, proposed()).state, command, FACTS)


def test_the_unit_of_a_person_may_endorse_it() -> None:
    history = proposed(**PERSON)
    command = about(EndorseAward, ENDORSED_ON, reviewer="so-y-te")

    given(NOMINATION, history).when(endorse, command, FACTS).then(endorsed(**PERSON, reviewer="so-y-te"))


def test_several_units_endorse_but_each_once() -> None:
    again = about(EndorseAward, ENDORSED_ON, reviewer="vinh-phuc")
    another = about(EndorseAward, ENDORSED_ON, reviewer="cdvcvn")

    given(NOMINATION, *IN_HAND).when(endorse, again, FACTS).refused(AlreadyEndorsed, "reviewer")
    given(NOMINATION, *IN_HAND).when(endorse, another, FACTS).then(endorsed(reviewer="cdvcvn"))


@pytest.mark.parametrize("history", [(proposed(),), IN_HAND])
def test_a_nomination_is_returned_before_its_decision(history: tuple[Event, ...]) -> None:
    command = about(ReturnAward, ENDORSED_ON, reviewer="vinh-phuc", reason="Thiếu minh chứng")

    given(NOMINATION, *history).when(send_back, command, FACTS).then(returned())


def test_a_returned_nomination_is_proposed_again_and_must_be_endorsed_anew() -> None:
    history = (*IN_HAND, returned())
    again = AwardResubmitted(**TOLD, on=DECIDED_ON, citation="Đã bổ sung")

    given(NOMINATION, *history).when(resubmit, about(ResubmitAward, DECIDED_ON, citation="Đã bổ sung")).then(again)
    given(NOMINATION, *history, again).when(decide, DECIDE, FACTS).refused(NotEndorsed, "nomination_id")
    given(NOMINATION, *history, again).when(endorse, about(EndorseAward, reviewer="vinh-phuc"), FACTS).then(endorsed(on=LATER))


@pytest.mark.parametrize("history", [(proposed(),), IN_HAND, AWARDED])
def test_only_a_returned_nomination_is_proposed_again(history: tuple[Event, ...]) -> None:
    given(NOMINATION, *history).when(resubmit, about(ResubmitAward)).refused(NotReturned, "nomination_id")


@pytest.mark.parametrize(
    ("decision", "command"),
    [
        (endorse, about(EndorseAward, reviewer="cdvcvn")),
        (send_back, about(ReturnAward, reviewer="vinh-phuc", reason="x")),
        (decide, about(DecideAward, decision_number="1")),
    ],
)
def test_a_returned_nomination_waits_until_it_is_mended(decision: Any, command: Any) -> None:
    given(NOMINATION, *IN_HAND, returned()).when(decision, command, FACTS).refused(NominationReturned, "nomination_id")


def test_a_decision_gives_the_award_in_the_same_breath() -> None:
    given(NOMINATION, *IN_HAND).when(decide, DECIDE, FACTS).then(*decided())


@pytest.mark.parametrize(
    ("form", "event"),
    [
        (AwardForm.CERTIFICATE_OF_MERIT, CertificateOfMeritAwarded),
        (AwardForm.COMMENDATION, CommendationAwarded),
        (AwardForm.PUBLIC_HONOUR, PublicHonourAwarded),
    ],
)
def test_each_form_has_its_own_event(form: AwardForm, event: type[Any]) -> None:
    person = {"member_id": WHO, "form": form}
    told = {**TOLD, **GIVEN, **person, "on": DECIDED_ON}

    given(NOMINATION, proposed(**person), endorsed(**person)).when(decide, DECIDE, FACTS).then(
        AwardDecided(**told, quotas=FREE), event(**told)
    )


def test_no_decision_without_an_endorsement() -> None:
    given(NOMINATION, proposed()).when(decide, DECIDE, FACTS).refused(NotEndorsed, "nomination_id")


@pytest.mark.parametrize(
    ("decision", "command"),
    [
        (decide, about(DecideAward, decision_number="346/QĐ-CĐVC")),
        (endorse, about(EndorseAward, reviewer="cdvcvn")),
        (send_back, about(ReturnAward, reviewer="cdvcvn", reason="x")),
    ],
)
def test_a_nomination_is_decided_once_and_then_no_longer_reviewed(decision: Any, command: Any) -> None:
    given(NOMINATION, *AWARDED).when(decision, command, FACTS).refused(AlreadyDecided, "nomination_id")
    given(NOMINATION, *AWARDED, REVOKED).when(decision, command, FACTS).refused(AlreadyDecided, "nomination_id")


@pytest.mark.parametrize(
    ("standing", "refusal"),
    [
        (replace(UNITS["so-y-te"], level=Level.FEDERATION), DeciderNotAbove),  # type: ignore[type-var]
        (replace(UNITS["so-y-te"], above=("so-y-te", "ha-noi", "tld")), DeciderElsewhere),  # type: ignore[type-var]
        (replace(UNITS["so-y-te"], dissolved_on=DECIDED_ON), UnitIsDissolved),  # type: ignore[type-var]
    ],
)
def test_the_decider_must_still_be_above_when_it_decides(standing: Any, refusal: type[RuleBroken]) -> None:
    facts = AwardFacts({**UNITS, "so-y-te": standing})

    given(NOMINATION, *IN_HAND).when(decide, DECIDE, facts).refused(refusal)


@pytest.mark.parametrize(
    ("on", "number"),
    [
        ("2014-12-23", "777/QĐ-TLĐ"),
        ("2014-12-24", "1564/QĐ-TLĐ"),
        ("2016-06-01", "1564/QĐ-TLĐ"),
        ("2018-06-01", "2106/QĐ-TLĐ"),
        ("2021-06-01", "1689/QĐ-TLĐ"),
        ("2024-05-28", "1689/QĐ-TLĐ"),
        ("2024-05-29", "999/QĐ-TLĐ"),
        ("2026-01-01", "999/QĐ-TLĐ"),
    ],
)
def test_the_regulation_of_the_decisions_day_applies_and_is_stored_with_it(on: str, number: str) -> None:
    day = date.fromisoformat(on)
    history = (proposed(on=day), endorsed(on=day))
    command = about(DecideAward, day, decision_number="345/QĐ-CĐVC")

    given(NOMINATION, *history).when(decide, command, FACTS).then(*decided(on=day, decided_on=day, rule_set=number))


def test_no_decision_is_dated_before_the_first_regulation_known() -> None:
    day = date(2003, 1, 1)
    history = (proposed(on=day), endorsed(on=day))

    given(NOMINATION, *history).when(decide, about(DecideAward, day, decision_number="1"), FACTS).refused(
        NoRegulationInForce, "on"
    )


def test_regulations_stand_in_the_order_of_their_days() -> None:
    days = [regulation.in_force_from for regulation in REGULATIONS]

    assert days == sorted(set(days))
    assert [regulation_on(day) for day in days] == list(REGULATIONS)


def test_a_decision_carries_the_quotas_it_counts_against() -> None:
    thematic = {"scope": AwardScope.THEMATIC, "theme": "An toàn"}
    of_form, of_theme = (QuotaKey("cdvcvn", AwardForm.FLAG, 2024, theme) for theme in ("", "An toàn"))
    facts = AwardFacts(UNITS, quotas={of_form: Quota(of_form, 14, 2, PROPOSED_ON), of_theme: None})
    uses = (QuotaUse(theme="", at_most=14, revision=2), QuotaUse(theme="An toàn", at_most=None, revision=0))

    given(NOMINATION, proposed(**thematic), endorsed(**thematic)).when(decide, DECIDE, facts).then(
        *decided(**thematic, quotas=uses)
    )


@pytest.mark.parametrize(
    ("on", "decider", "form", "set_to", "expected"),
    [
        ("2018-06-01", "tld", AwardForm.CERTIFICATE_OF_MERIT, None, 300),
        ("2024-06-01", "tld", AwardForm.CERTIFICATE_OF_MERIT, None, 300),
        ("2018-06-01", "tld", AwardForm.CERTIFICATE_OF_MERIT, 20, 20),
        ("2018-06-01", "tld", AwardForm.CERTIFICATE_OF_MERIT, 400, 300),
        ("2016-06-01", "tld", AwardForm.CERTIFICATE_OF_MERIT, None, None),
        ("2018-06-01", "tld", AwardForm.FLAG, None, None),
        ("2018-06-01", "cdvcvn", AwardForm.CERTIFICATE_OF_MERIT, None, None),
    ],
)
def test_the_confederation_gives_at_most_three_hundred_certificates_a_theme_since_2017(
    on: str, decider: str, form: AwardForm, set_to: int | None, expected: int | None
) -> None:
    day = date.fromisoformat(on)
    fields = {"on": day, "decider": decider, "form": form, "scope": AwardScope.THEMATIC, "theme": "Xanh - Sạch - Đẹp"}
    key = QuotaKey(decider, form, 2024, "Xanh - Sạch - Đẹp")
    quotas = {key: Quota(key, set_to, 1, day)} if set_to else {}
    state = given(NOMINATION, proposed(**fields), endorsed(**fields)).state

    events = decide(state, about(DecideAward, day, decision_number="1"), AwardFacts(UNITS, quotas=quotas))

    assert isinstance(events[0], AwardDecided)
    assert [use.at_most for use in events[0].quotas] == [None, expected]


def test_an_award_is_handed_over_by_the_decider_or_another_unit() -> None:
    command = about(PresentAward, presenter="ldld-vinh-phuc")

    given(NOMINATION, *AWARDED).when(present, command, FACTS).then(PRESENTED)


@pytest.mark.parametrize(("presenter", "refusal"), [("nowhere", UnitUnknown), ("gone", UnitIsDissolved)])
def test_the_presenter_is_a_unit_that_exists(presenter: str, refusal: type[RuleBroken]) -> None:
    given(NOMINATION, *AWARDED).when(present, about(PresentAward, presenter=presenter), FACTS).refused(refusal, "presenter")


def test_an_award_is_handed_over_once() -> None:
    command = about(PresentAward, presenter="cdvcvn")

    given(NOMINATION, *AWARDED, PRESENTED).when(present, command, FACTS).refused(AlreadyPresented, "nomination_id")


@pytest.mark.parametrize("history", [AWARDED, (*AWARDED, PRESENTED)])
def test_an_award_is_revoked_handed_over_or_not(history: tuple[Event, ...]) -> None:
    command = about(RevokeAward, reason="Khai man thành tích")

    given(NOMINATION, *history).when(revoke, command).then(REVOKED)


@pytest.mark.parametrize(
    ("decision", "command"),
    [
        (present, about(PresentAward, presenter="cdvcvn")),
        (revoke, about(RevokeAward, reason="x")),
        (recover, about(RecoverArtefact)),
    ],
)
def test_what_is_not_decided_is_neither_handed_over_nor_revoked_nor_recovered(decision: Any, command: Any) -> None:
    given(NOMINATION, *IN_HAND).when(decision, command, FACTS).refused(NotDecided, "nomination_id")


@pytest.mark.parametrize(
    ("decision", "command"), [(present, about(PresentAward, presenter="cdvcvn")), (revoke, about(RevokeAward, reason="x"))]
)
def test_a_revoked_award_is_neither_handed_over_nor_revoked_again(decision: Any, command: Any) -> None:
    given(NOMINATION, *AWARDED, REVOKED).when(decision, command, FACTS).refused(AwardIsRevoked, "nomination_id")


def test_the_artefact_of_a_revoked_award_is_recovered_once() -> None:
    history = (*AWARDED, PRESENTED, REVOKED)

    given(NOMINATION, *history).when(recover, about(RecoverArtefact)).then(RECOVERED)
    given(NOMINATION, *history, RECOVERED).when(recover, about(RecoverArtefact)).refused(NothingToRecover, "nomination_id")


def test_the_artefact_of_an_award_that_stands_is_not_recovered() -> None:
    given(NOMINATION, *AWARDED, PRESENTED).when(recover, about(RecoverArtefact)).refused(NotRevoked, "nomination_id")


def test_what_was_never_handed_over_leaves_nothing_to_recover() -> None:
    given(NOMINATION, *AWARDED, REVOKED).when(recover, about(RecoverArtefact)).refused(NothingToRecover, "nomination_id")


EVERY_STEP = [
    (endorse, (proposed(),), about(EndorseAward, date(2024, 1, 1), reviewer="vinh-phuc")),
    (send_back, (proposed(),), about(ReturnAward, date(2024, 1, 1), reviewer="vinh-phuc", reason="x")),
    (resubmit, (proposed(), returned()), about(ResubmitAward, date(2024, 1, 1))),
    (decide, IN_HAND, about(DecideAward, date(2024, 1, 1), decision_number="1")),
    (present, AWARDED, about(PresentAward, date(2024, 1, 1), presenter="cdvcvn")),
    (revoke, AWARDED, about(RevokeAward, date(2024, 1, 1), reason="x")),
    (recover, (*AWARDED, PRESENTED, REVOKED), about(RecoverArtefact, date(2024, 1, 1))),
]


@pytest.mark.parametrize(("decision", "history", "command"), EVERY_STEP)
def test_no_step_is_dated_before_the_one_it_follows_on(decision: Any, history: tuple[Event, ...], command: Any) -> None:
    given(NOMINATION, *history).when(decision, command, FACTS).refused(NotBefore, "on")


@pytest.mark.parametrize(("decision", "_", "command"), EVERY_STEP)
def test_nothing_happens_to_a_nomination_nobody_made(decision: Any, _: object, command: Any) -> None:
    given(NOMINATION).when(decision, command, FACTS).refused(NominationUnknown, "nomination_id")


@pytest.mark.parametrize("place", [deciding_unit, recipients_unit, reviewing_unit])
def test_no_right_is_asked_for_at_a_nomination_nobody_made(place: Any) -> None:
    with pytest.raises(NominationUnknown):
        place(None, about(EndorseAward, reviewer="vinh-phuc"), FACTS)


def test_the_right_is_asked_for_where_it_belongs() -> None:
    state = given(NOMINATION, proposed()).state

    assert proposing_unit(None, proposal(), FACTS) == "so-y-te"
    assert reviewing_unit(state, about(EndorseAward, reviewer="vinh-phuc"), FACTS) == "vinh-phuc"
    assert deciding_unit(state, DECIDE, FACTS) == "cdvcvn"
    assert recipients_unit(state, DECIDE, FACTS) == "so-y-te"


def claims_of(*history: Event) -> list[Claim]:
    return list(NOMINATION.claims(given(NOMINATION, *history[:-1]).state, history[-1]))


def keys(*history: Event) -> set[tuple[str, str]]:
    return {(claim.key, claim.mode) for claim in claims_of(*history)}


def test_a_decision_counts_and_keeps_awards_of_the_other_scope_out() -> None:
    assert keys(*IN_HAND, decided()[0]) == {
        ("award:unit:so-y-te/1/2024/comprehensive", "share"),
        ("award:unit:so-y-te/1/2024/thematic", "vacant"),
        ("quota:cdvcvn/flag/2024/", "share"),
        ("quota-revision:cdvcvn/flag/2024//0", "vacant"),
    }


def test_a_revocation_gives_back_exactly_what_the_decision_claimed() -> None:
    thematic: dict[str, Any] = {"scope": AwardScope.THEMATIC, "theme": "An toàn", **PERSON}
    quotas = (QuotaUse(theme="", at_most=14, revision=2), QuotaUse(theme="An toàn", at_most=None, revision=0))
    award = decided(**thematic, quotas=quotas)[0]
    history = (proposed(**thematic), endorsed(**thematic), award)

    shared = {key for key, mode in keys(*history) if mode == "share"}

    assert {key for key, mode in keys(*history) if mode == "vacant"} == {
        f"award:member:{WHO}/1/2024/comprehensive",
        "quota-revision:cdvcvn/commendation/2024//2",
        "quota-revision:cdvcvn/commendation/2024/an toàn/0",
    }
    assert keys(*history, after(AwardRevoked, **thematic, reason="x")) == {(key, "unshare") for key in shared}
    assert len(shared) == 3


def test_an_ad_hoc_award_excludes_nothing() -> None:
    adhoc = {"scope": AwardScope.ADHOC}

    assert not any(key.startswith("award:") for key, _ in keys(proposed(**adhoc), endorsed(**adhoc), decided(**adhoc)[0]))


def test_different_levels_may_both_award() -> None:
    levels = (Level.CONFEDERATION, Level.FEDERATION)
    exclusions = [{key for key, _ in keys(*IN_HAND, decided(decider_level=level)[0]) if "award:" in key} for level in levels]

    assert exclusions[0].isdisjoint(exclusions[1])


def test_what_a_held_claim_means_is_said_in_the_rules_own_words() -> None:
    award = decided(quotas=(QuotaUse(theme="", at_most=14, revision=1),))[0]
    refusals = {claim.key.split(":")[0]: claim for claim in claims_of(*IN_HAND, award) if claim.refusal}

    assert isinstance(refusals["award"].refusal and refusals["award"].refusal(), ComprehensiveExcludesThematic)
    assert isinstance(refusals["quota"].refusal and refusals["quota"].refusal(), QuotaExceeded)
    assert refusals["quota"].limit == 14


def test_only_decision_and_revocation_claim_anything() -> None:
    assert claims_of(proposed()) == claims_of(*IN_HAND) == claims_of(*AWARDED) == claims_of(*AWARDED, PRESENTED) == []


def test_a_nomination_refuses_events_of_others() -> None:
    with pytest.raises(AssertionError):
        NOMINATION.evolve(None, endorsed())
