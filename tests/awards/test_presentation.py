"""May this award be handed over, revoked, its artefact recovered?"""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from awards.domain.decision import DecideAward, decide
from awards.domain.nomination import (
    NOMINATION,
    NominationUnknown,
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
    EndorseAward,
    ResubmitAward,
    ReturnAward,
    endorse,
    proposing_unit,
    resubmit,
    reviewing_unit,
    send_back,
)
from awards.domain.standing import NotBefore, UnitIsDissolved
from chassis.authorities import Mandate, NoAuthority
from chassis.events import Event
from chassis.hierarchy import UnitUnknown
from chassis.refusals import RuleBroken
from tests.authorities import authority, chair_of
from tests.awards.a_nomination import (
    AWARDED,
    DECIDE,
    FACTS,
    IN_HAND,
    LATER,
    PRESENTED,
    RECOVERED,
    REVOKED,
    about,
    proposal,
    proposed,
    returned,
)
from tests.given import given


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

    given(NOMINATION, *history).when(revoke, command, FACTS).then(REVOKED)


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


@pytest.mark.parametrize("unit", ["tld", "vinh-phuc"])
def test_an_award_is_revoked_only_under_a_position_at_its_decider_on_the_day_of_the_revocation(unit: str) -> None:
    elsewhere = replace(FACTS, mandate=chair_of(unit))
    past = replace(FACTS, mandate=Mandate((authority("cdvcvn", until=LATER - timedelta(days=1)),)))

    for facts in (elsewhere, past):
        given(NOMINATION, *AWARDED).when(revoke, about(RevokeAward, reason="x"), facts).refused(NoAuthority, "on")
