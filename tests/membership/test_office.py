"""May this officer be appointed, be released? Every rule in given-when-then."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from chassis.claims import Claim
from chassis.events import Event
from chassis.hierarchy import UnitUnknown
from chassis.refusals import Forbidden, Invalid
from membership.domain.committee import COMMITTEE, PositionExists, PositionUnknown
from membership.domain.office import (
    AlreadyInOffice,
    ChairTaken,
    EndsBeforeItBegins,
    PositionEnded,
    TermTooLong,
    appointing_unit,
    end_of_term,
)
from membership.domain.office import appoint as deciding_to_appoint
from membership.domain.office import release as deciding_to_release
from membership.domain.unit import NotBefore, UnitIsDissolved
from membership.events import Matter, Office
from tests.given import given
from tests.membership.a_committee import (
    BACK_ON,
    BOTH,
    CHAIR,
    DELEGATION,
    DEPUTY,
    ELECTED_ON,
    HOA,
    LAN,
    MINH,
    ONE_DAY,
    TERM_ENDS,
    UNIT,
    appoint,
    appointed,
    asked_by,
    delegated,
    release,
    released,
    revoked,
)

FACTS = asked_by()


def test_an_officer_is_appointed_for_five_years_less_a_day_unless_said_otherwise() -> None:
    given(COMMITTEE).when(deciding_to_appoint, appoint(), FACTS).then(appointed())
    shorter = date(2025, 1, 1)
    given(COMMITTEE).when(deciding_to_appoint, appoint(until=shorter), FACTS).then(appointed(until=shorter))


@pytest.mark.parametrize(
    ("since", "until"),
    [
        (date(2023, 3, 10), date(2028, 3, 9)),
        (date(2023, 1, 1), date(2027, 12, 31)),
        (date(2024, 2, 29), date(2029, 2, 28)),
        (date(2023, 3, 1), date(2028, 2, 29)),
    ],
)
def test_a_term_ends_on_the_day_before_its_fifth_anniversary(since: date, until: date) -> None:
    assert end_of_term(since) == until


def test_a_term_is_never_longer_and_never_ends_before_it_begins() -> None:
    too_long = given(COMMITTEE).when(deciding_to_appoint, appoint(until=TERM_ENDS + ONE_DAY), FACTS)
    assert too_long.refused(TermTooLong, "until").facts == {"latest": TERM_ENDS}
    backwards = given(COMMITTEE).when(deciding_to_appoint, appoint(until=ELECTED_ON - ONE_DAY), FACTS)
    backwards.refused(EndsBeforeItBegins, "until")
    given(COMMITTEE).when(deciding_to_appoint, appoint(until=ELECTED_ON), FACTS).then(appointed(until=ELECTED_ON))


@pytest.mark.parametrize(
    ("office", "matters"), [("chair", BOTH), ("vice_chair", BOTH), ("standing_member", ()), ("inspection_head", ())]
)
def test_chair_and_vice_chair_sign_and_nobody_else(office: str, matters: tuple[Matter, ...]) -> None:
    given(COMMITTEE).when(deciding_to_appoint, appoint(office=office), FACTS).then(
        appointed(office=Office(office), matters=matters)
    )


@pytest.mark.parametrize(
    ("fields", "refusal", "field"),
    [
        ({"unit": "nowhere"}, UnitUnknown, "unit"),
        ({"unit": "gone"}, UnitIsDissolved, "unit"),
        ({"on": date(1997, 2, 28)}, NotBefore, "on"),
    ],
)
def test_officers_are_appointed_where_there_is_a_unit_and_not_before_it(fields: Any, refusal: Any, field: str) -> None:
    given(COMMITTEE).when(deciding_to_appoint, appoint(**fields), FACTS).refused(refusal, field)


def test_a_position_id_is_given_once_here_and_in_every_other_unit() -> None:
    given(COMMITTEE, appointed()).when(deciding_to_appoint, appoint(on=TERM_ENDS + ONE_DAY), FACTS).refused(
        PositionExists, "position_id"
    )
    (claim,) = COMMITTEE.claims(None, appointed())
    assert claim == Claim(f"position:{CHAIR}", "take", claim.refusal)
    assert claim.refusal
    assert isinstance(claim.refusal(), PositionExists)
    (other,) = COMMITTEE.claims(None, delegated(delegation_id=CHAIR))
    assert other.key == claim.key, "a decision names either by its id"


@pytest.mark.parametrize("on", [ELECTED_ON, TERM_ENDS])
def test_a_unit_has_one_chair_at_a_time(on: date) -> None:
    second = appoint(position_id=UUID(int=1), officer=MINH, on=on)
    refused = given(COMMITTEE, appointed()).when(deciding_to_appoint, second, FACTS).refused(ChairTaken, "office")
    assert refused.facts == {"since": ELECTED_ON, "until": TERM_ENDS}


def test_a_chair_is_not_put_in_before_another_whose_term_it_would_reach() -> None:
    earlier = {"position_id": UUID(int=1), "officer": MINH, "on": date(2020, 3, 10)}
    given(COMMITTEE, appointed()).when(deciding_to_appoint, appoint(**earlier), FACTS).refused(ChairTaken, "office")
    until = ELECTED_ON - ONE_DAY
    given(COMMITTEE, appointed()).when(deciding_to_appoint, appoint(**earlier, until=until), FACTS).then(
        appointed(**earlier, until=until)
    )


@pytest.mark.parametrize(
    ("history", "on"), [((appointed(),), TERM_ENDS + ONE_DAY), ((appointed(), released()), BACK_ON)], ids=["term", "release"]
)
def test_the_next_chair_follows_on_the_term_or_on_the_release_of_the_one_before(history: tuple[Event, ...], on: date) -> None:
    successor = {"position_id": UUID(int=1), "officer": MINH, "on": on, "until": on}
    given(COMMITTEE, *history).when(deciding_to_appoint, appoint(**successor), FACTS).then(appointed(**successor))


def test_nobody_holds_the_same_office_of_a_unit_twice_at_a_time_but_several_offices() -> None:
    deputy = appointed(position_id=DEPUTY, officer=MINH, office=Office.VICE_CHAIR)
    again = appoint(position_id=UUID(int=1), officer=MINH, office="vice_chair", on=BACK_ON)
    given(COMMITTEE, deputy).when(deciding_to_appoint, again, FACTS).refused(AlreadyInOffice, "officer")
    another = appoint(position_id=UUID(int=1), officer=HOA, office="vice_chair", until=TERM_ENDS)
    given(COMMITTEE, deputy).when(deciding_to_appoint, another, FACTS).then(
        appointed(position_id=UUID(int=1), officer=HOA, office=Office.VICE_CHAIR)
    )
    inspecting = appoint(position_id=UUID(int=1), officer=MINH, office="inspection_head")
    assert given(COMMITTEE, deputy).when(deciding_to_appoint, inspecting, FACTS).events


@pytest.mark.parametrize("officer", ["", "đỗ-thị-lan", "lan@example.vn", "Đỗ Thị Lan", "Do Thi Lan", "a" * 65, "-lan", "lan-"])
def test_an_officer_is_named_by_an_opaque_id_and_by_nothing_that_looks_like_a_name(officer: str) -> None:
    with pytest.raises(Invalid) as refused:
        appoint(officer=officer)
    assert refused.value.field == "officer"


@pytest.mark.parametrize("officer", ["a", "auth0|5f7c8", "0190b6a0-0000-7000-8000-00000000a001", "urn:x:7", "a" * 64])
def test_subjects_of_tokens_are_such_ids(officer: str) -> None:
    assert appoint(officer=officer).officer == officer


def test_officers_are_appointed_and_released_by_the_line_parent() -> None:
    assert appointing_unit(None, appoint(), FACTS) == "ldld-vinh-phuc"
    assert appointing_unit(None, release(), FACTS) == "ldld-vinh-phuc"
    assert appointing_unit(None, appoint(unit="nowhere"), FACTS) == "nowhere"


def test_at_the_top_officers_are_appointed_by_the_top_itself_and_by_no_lesser_role() -> None:
    assert appointing_unit(None, appoint(unit="tld"), asked_by(nationwide=True)) == "tld"
    with pytest.raises(Forbidden):
        appointing_unit(None, appoint(unit="tld"), asked_by())


def test_an_officer_is_released_from_a_day_on_and_was_in_office_until_the_day_before() -> None:
    state = given(COMMITTEE, appointed()).when(deciding_to_release, release(), FACTS).then(released())
    held = state.positions[CHAIR].held
    assert (held.on(BACK_ON - ONE_DAY), held.on(BACK_ON)) == (True, False)


def test_who_is_released_on_the_first_day_never_was_in_office() -> None:
    state = given(COMMITTEE, appointed()).when(deciding_to_release, release(on=ELECTED_ON), FACTS).then(released(on=ELECTED_ON))
    assert not any(state.positions[CHAIR].held.on(day) for day in (ELECTED_ON - ONE_DAY, ELECTED_ON, ELECTED_ON + ONE_DAY))


def test_a_release_ends_the_delegations_that_last_and_no_other() -> None:
    over = delegated(delegation_id=UUID(int=2), until=BACK_ON - ONE_DAY)
    still_to_come = delegated(delegation_id=UUID(int=3), on=BACK_ON + ONE_DAY, until=TERM_ENDS)
    deputys = delegated(delegation_id=UUID(int=4), position_id=DEPUTY, officer=HOA)
    deputy = appointed(position_id=DEPUTY, officer=HOA, office=Office.VICE_CHAIR)
    history = (appointed(), deputy, delegated(), over, still_to_come, deputys)
    state = (
        given(COMMITTEE, *history)
        .when(deciding_to_release, release(), FACTS)
        .then(released(), revoked(with_position=True), revoked(with_position=True, delegation_id=UUID(int=3)))
    )
    lasting = {key: one.held.on(BACK_ON) or one.held.on(BACK_ON + ONE_DAY) for key, one in state.delegations.items()}
    assert lasting == {DELEGATION: False, UUID(int=2): False, UUID(int=3): False, UUID(int=4): True}


@pytest.mark.parametrize(
    ("history", "on", "refusal", "field"),
    [
        ((), BACK_ON, PositionUnknown, "position_id"),
        ((appointed(position_id=DEPUTY),), BACK_ON, PositionUnknown, "position_id"),
        ((appointed(),), ELECTED_ON - ONE_DAY, NotBefore, "on"),
        ((appointed(),), TERM_ENDS + ONE_DAY, PositionEnded, "position_id"),
        ((appointed(), released()), BACK_ON - ONE_DAY, PositionEnded, "position_id"),
        ((appointed(), released()), BACK_ON, PositionEnded, "position_id"),
    ],
    ids=["no committee", "another position", "too early", "term over", "released later", "released already"],
)
def test_only_who_is_in_office_is_released_and_only_once(history: Any, on: date, refusal: Any, field: str) -> None:
    given(COMMITTEE, *history).when(deciding_to_release, release(on=on), FACTS).refused(refusal, field)


def test_every_committee_is_of_one_unit() -> None:
    assert appoint().aggregate_id == release().aggregate_id != appoint(unit="ha-noi").aggregate_id
    assert COMMITTEE.unit(given(COMMITTEE, appointed()).state) == UNIT  # type: ignore[arg-type]
    assert given(COMMITTEE, appointed()).state.positions[CHAIR].officer == LAN  # type: ignore[union-attr]
