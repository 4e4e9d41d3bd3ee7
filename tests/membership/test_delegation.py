"""May the holder of a position let another sign in its place? Every rule in given-when-then."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from chassis.refusals import Forbidden, Invalid
from membership.domain import delegation
from membership.domain.committee import COMMITTEE, DelegationExists, PositionUnknown
from membership.domain.delegation import (
    DelegatedFurther,
    DelegatedToOneself,
    DelegationEnded,
    DelegationUnknown,
    MatterBeyondOffice,
    NotTheHolder,
    OutsideTerm,
)
from membership.domain.office import EndsBeforeItBegins, PositionEnded
from membership.domain.unit import NotBefore
from membership.events import Matter, Office
from tests.given import given
from tests.membership.a_committee import (
    AWAY_ON,
    BACK_ON,
    BOTH,
    DELEGATION,
    ELECTED_ON,
    HOA,
    LAN,
    MINH,
    ONE_DAY,
    TERM_ENDS,
    appointed,
    asked_by,
    delegate,
    delegated,
    released,
    revoke,
    revoked,
)

BY_LAN = asked_by(LAN)


def test_the_holder_lets_another_sign_until_the_last_of_some_days() -> None:
    state = given(COMMITTEE, appointed()).when(delegation.delegate, delegate(), BY_LAN).then(delegated())
    held = state.delegations[DELEGATION].held
    days = (AWAY_ON - ONE_DAY, AWAY_ON, BACK_ON, BACK_ON + ONE_DAY)
    assert [held.on(day) for day in days] == [False, True, True, False]


def test_several_matters_are_delegated_at_once_each_once() -> None:
    both = delegate(matters=["award_decision", "budget_approval", "award_decision"])
    given(COMMITTEE, appointed()).when(delegation.delegate, both, BY_LAN).then(delegated(matters=BOTH))
    with pytest.raises(Invalid):
        delegate(matters=[])


def test_only_the_holder_delegates() -> None:
    refused = given(COMMITTEE, appointed()).when(delegation.delegate, delegate(), asked_by(HOA)).refused(NotTheHolder)
    assert isinstance(refused, Forbidden)


def test_what_was_delegated_is_not_delegated_on() -> None:
    again = delegate(delegation_id=UUID(int=9), to_officer=HOA)
    given(COMMITTEE, appointed(), delegated()).when(delegation.delegate, again, asked_by(MINH)).refused(
        DelegatedFurther, "position_id"
    )


def test_nobody_delegates_to_oneself() -> None:
    given(COMMITTEE, appointed()).when(delegation.delegate, delegate(to_officer=LAN), BY_LAN).refused(
        DelegatedToOneself, "to_officer"
    )


@pytest.mark.parametrize("matters", [(), (Matter.BUDGET_APPROVAL,)])
def test_nobody_delegates_what_its_own_office_does_not_sign(matters: tuple[Matter, ...]) -> None:
    history = appointed(office=Office.STANDING_MEMBER, matters=matters)
    given(COMMITTEE, history).when(delegation.delegate, delegate(), BY_LAN).refused(MatterBeyondOffice, "matters")


@pytest.mark.parametrize(
    ("fields", "refusal", "field"),
    [
        ({"on": ELECTED_ON - ONE_DAY}, NotBefore, "on"),
        ({"until": AWAY_ON - ONE_DAY}, EndsBeforeItBegins, "until"),
        ({"until": TERM_ENDS + ONE_DAY}, OutsideTerm, "until"),
        ({"on": TERM_ENDS + ONE_DAY, "until": TERM_ENDS + ONE_DAY}, PositionEnded, "position_id"),
        ({"position_id": UUID(int=9)}, PositionUnknown, "position_id"),
    ],
)
def test_a_delegation_lies_inside_the_term_of_its_position(fields: Any, refusal: Any, field: str) -> None:
    given(COMMITTEE, appointed()).when(delegation.delegate, delegate(**fields), BY_LAN).refused(refusal, field)


def test_who_will_be_released_delegates_until_the_day_before_and_no_longer() -> None:
    history = given(COMMITTEE, appointed(), released())
    history.when(delegation.delegate, delegate(), BY_LAN).refused(OutsideTerm, "until")
    until = BACK_ON - ONE_DAY
    history.when(delegation.delegate, delegate(until=until), BY_LAN).then(delegated(until=until))
    history.when(delegation.delegate, delegate(on=BACK_ON), BY_LAN).refused(PositionEnded, "position_id")


def test_a_delegation_id_is_given_once() -> None:
    given(COMMITTEE, appointed(), delegated()).when(delegation.delegate, delegate(), BY_LAN).refused(
        DelegationExists, "delegation_id"
    )
    (claim,) = COMMITTEE.claims(None, delegated())
    assert claim.refusal
    assert isinstance(claim.refusal(), DelegationExists)
    assert not list(COMMITTEE.claims(None, revoked()))


def test_the_holder_takes_a_delegation_back_from_a_day_on() -> None:
    early = AWAY_ON + ONE_DAY
    state = given(COMMITTEE, appointed(), delegated()).when(delegation.revoke, revoke(on=early), BY_LAN).then(revoked(on=early))
    held = state.delegations[DELEGATION].held
    assert (held.on(early - ONE_DAY), held.on(early)) == (True, False)


@pytest.mark.parametrize("caller", [MINH, HOA])
def test_nobody_else_takes_it_back(caller: str) -> None:
    given(COMMITTEE, appointed(), delegated()).when(delegation.revoke, revoke(), asked_by(caller)).refused(NotTheHolder)


@pytest.mark.parametrize(
    ("history", "on", "refusal", "field"),
    [
        ((), BACK_ON, DelegationUnknown, "delegation_id"),
        ((appointed(),), BACK_ON, DelegationUnknown, "delegation_id"),
        ((appointed(), delegated()), AWAY_ON - ONE_DAY, NotBefore, "on"),
        ((appointed(), delegated()), BACK_ON + ONE_DAY, DelegationEnded, "delegation_id"),
        ((appointed(), delegated(), revoked()), AWAY_ON, DelegationEnded, "delegation_id"),
        ((appointed(), delegated(), released(), revoked(with_position=True)), AWAY_ON, DelegationEnded, "delegation_id"),
    ],
    ids=["no committee", "none", "too early", "over", "revoked already", "ended with its position"],
)
def test_a_delegation_is_taken_back_once_while_it_lasts(history: Any, on: date, refusal: Any, field: str) -> None:
    given(COMMITTEE, *history).when(delegation.revoke, revoke(on=on), BY_LAN).refused(refusal, field)
