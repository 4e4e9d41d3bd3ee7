"""May this award be proposed, endorsed, returned, proposed again?"""

from typing import Any
from unicodedata import normalize
from uuid import UUID, uuid4

import pytest

from awards.domain.decision import DecideAward, NotEndorsed, decide
from awards.domain.nomination import (
    NOMINATION,
    NominationReturned,
)
from awards.domain.proposal import (
    AlreadyEndorsed,
    EndorseAward,
    FlagsAreForUnits,
    MemberNotActive,
    MemberUnknown,
    NominationExists,
    NotReturned,
    ResubmitAward,
    ReturnAward,
    endorse,
    propose,
    proposing_unit,
    resubmit,
    reviewing_unit,
    send_back,
)
from awards.domain.standing import DeciderElsewhere, DeciderNotAbove, ReviewerElsewhere, UnitIsDissolved
from awards.events import (
    AwardResubmitted,
)
from chassis.events import Event
from chassis.hierarchy import UnitUnknown
from chassis.refusals import Invalid, RuleBroken
from tests.awards.a_nomination import (
    AWARDED,
    DECIDE,
    DECIDED_ON,
    ENDORSED_ON,
    FACTS,
    IN_HAND,
    LATER,
    PERSON,
    TOLD,
    WHO,
    about,
    endorsed,
    proposal,
    proposed,
    returned,
)
from tests.given import given


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
