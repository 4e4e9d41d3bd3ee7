"""Which children are honoured, and what for?"""

from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from awards.domain import child_honour, child_honour_round
from awards.domain.child_honour import (
    ACHIEVEMENT,
    AchievementExists,
    AchievementUnknown,
    AlreadyHonoured,
    AlreadyVerified,
    ChildUnknown,
    HonourFacts,
    NotVerified,
    OutsideOfRound,
    ParentNotActive,
    UnitOutsideOfRound,
    Word,
    claims,
)
from awards.domain.child_honour_round import ROUND, RoundExists, RoundUnknown
from awards.domain.standing import NotBefore, UnitIsDissolved
from awards.events import AchievementLevel, AchievementPrize, ChildAchievementRegistered, ChildHonoured
from chassis.authorities import NoAuthority
from chassis.hierarchy import UnitUnknown
from chassis.refusals import Invalid, Refusal
from tests.awards import a_child_honour as a
from tests.awards.federation_of_units import UNITS
from tests.given import given

NO_CONSENT = Word("so-y-te", parent_active=True)
LEFT = Word("so-y-te", parent_active=False, guardian_agrees=True, child_agrees=True)


def test_a_round_is_opened_once_by_a_unit_that_exists() -> None:
    given(ROUND).when(child_honour_round.open_round, a.opening(), UNITS).then(a.OPENED)
    given(ROUND, a.OPENED).when(child_honour_round.open_round, a.opening(), UNITS).refused(RoundExists, "round_id")
    assert child_honour_round.opening_unit(None, a.opening(), UNITS) == "vinh-phuc"


@pytest.mark.parametrize(("unit", "refusal"), [("nowhere", UnitUnknown), ("gone", UnitIsDissolved)])
def test_no_round_is_opened_where_there_is_no_unit(unit: str, refusal: type[Refusal]) -> None:
    given(ROUND).when(child_honour_round.open_round, a.opening(unit=unit), UNITS).refused(refusal, "unit")
    with pytest.raises(refusal):
        child_honour_round.opening_unit(None, a.opening(unit=unit), UNITS)


def test_a_round_does_not_close_before_it_opens() -> None:
    closes = (a.OPENS - timedelta(days=1)).isoformat()
    given(ROUND).when(child_honour_round.open_round, a.opening(closes_on=closes), UNITS).refused(NotBefore, "closes_on")


def test_a_child_is_honoured_for_what_was_registered_and_verified() -> None:
    given(ACHIEVEMENT).when(child_honour.register, a.registration(), a.facts()).then(a.REGISTERED)
    given(ACHIEVEMENT, a.REGISTERED).when(child_honour.verify, a.verification()).then(a.VERIFIED)
    given(ACHIEVEMENT, a.REGISTERED, a.VERIFIED).when(child_honour.honour, a.honouring(), a.facts()).then(a.GIVEN)


def test_the_honour_is_recorded_without_any_consent() -> None:
    facts = a.facts(NO_CONSENT)
    given(ACHIEVEMENT).when(child_honour.register, a.registration(), facts).then(a.REGISTERED)
    given(ACHIEVEMENT, a.REGISTERED, a.VERIFIED).when(child_honour.honour, a.honouring(), facts).then(a.GIVEN)


@pytest.mark.parametrize("level", AchievementLevel)
@pytest.mark.parametrize("prize", AchievementPrize)
def test_every_level_goes_with_every_prize(level: AchievementLevel, prize: AchievementPrize) -> None:
    told = ChildAchievementRegistered(**{**a.TOLD, "level": level, "prize": prize}, on=a.WON)
    command = a.registration(level=level.value, prize=prize.value)
    given(ACHIEVEMENT).when(child_honour.register, command, a.facts()).then(told)


@pytest.mark.parametrize("fields", [{"level": "provincial"}, {"prize": "fourth"}, {"contest": ""}, {"child_id": "Minh Anh"}])
def test_there_are_no_other_levels_prizes_or_names(fields: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        a.registration(**fields)


def test_the_parent_is_an_active_member_when_it_is_registered_and_when_it_is_honoured() -> None:
    given(ACHIEVEMENT).when(child_honour.register, a.registration(), a.facts(LEFT)).refused(ParentNotActive, "child_id")
    verified = given(ACHIEVEMENT, a.REGISTERED, a.VERIFIED)
    verified.when(child_honour.honour, a.honouring(), a.facts(LEFT)).refused(ParentNotActive, "child_id")


def test_it_is_the_day_of_the_command_that_counts_for_the_parent() -> None:
    other_day = a.facts(on=a.LATER)
    given(ACHIEVEMENT).when(child_honour.register, a.registration(), other_day).refused(ChildUnknown, "child_id")


def test_a_child_that_membership_does_not_know_is_not_honoured() -> None:
    unknown = a.facts(None)
    given(ACHIEVEMENT).when(child_honour.register, a.registration(), unknown).refused(ChildUnknown, "child_id")
    verified = given(ACHIEVEMENT, a.REGISTERED, a.VERIFIED)
    verified.when(child_honour.honour, a.honouring(), unknown).refused(ChildUnknown, "child_id")
    with pytest.raises(ChildUnknown):
        child_honour.registering_unit(None, a.registration(), unknown)


def test_a_round_is_for_the_units_at_and_under_its_own() -> None:
    elsewhere = a.facts(Word("ha-noi", parent_active=True))
    given(ACHIEVEMENT).when(child_honour.register, a.registration(), elsewhere).refused(UnitOutsideOfRound, "child_id")
    gone = a.facts(Word("gone", parent_active=True))
    given(ACHIEVEMENT).when(child_honour.register, a.registration(), gone).refused(UnitIsDissolved)


@pytest.mark.parametrize("on", [a.OPENS - timedelta(days=1), a.CLOSES + timedelta(days=1)])
def test_achievements_are_registered_while_the_round_is_open(on: date) -> None:
    facts = a.facts(on=on)
    given(ACHIEVEMENT).when(child_honour.register, a.registration(on=on.isoformat()), facts).refused(OutsideOfRound, "on")


@pytest.mark.parametrize("on", [a.OPENS, a.CLOSES])
def test_the_first_and_the_last_day_of_a_round_belong_to_it(on: date) -> None:
    told = ChildAchievementRegistered(**a.TOLD, on=on)
    given(ACHIEVEMENT).when(child_honour.register, a.registration(on=on.isoformat()), a.facts()).then(told)


def test_an_achievement_needs_a_round_that_was_opened() -> None:
    other = a.registration(round_id=uuid4())
    given(ACHIEVEMENT).when(child_honour.register, other, a.facts()).refused(RoundUnknown, "round_id")


def test_an_achievement_is_registered_verified_and_honoured_once() -> None:
    registered = given(ACHIEVEMENT, a.REGISTERED)
    registered.when(child_honour.register, a.registration(), a.facts()).refused(AchievementExists, "achievement_id")
    registered.when(child_honour.honour, a.honouring(), a.facts()).refused(NotVerified, "achievement_id")
    verified = given(ACHIEVEMENT, a.REGISTERED, a.VERIFIED)
    verified.when(child_honour.verify, a.verification()).refused(AlreadyVerified, "achievement_id")
    honoured = given(ACHIEVEMENT, a.REGISTERED, a.VERIFIED, a.GIVEN)
    honoured.when(child_honour.honour, a.honouring(), a.facts()).refused(AlreadyHonoured, "achievement_id")


def test_days_go_forward() -> None:
    early = a.verification(on=a.OPENS.isoformat())
    given(ACHIEVEMENT, a.REGISTERED).when(child_honour.verify, early).refused(NotBefore, "on")
    verified = given(ACHIEVEMENT, a.REGISTERED, a.VERIFIED)
    verified.when(child_honour.honour, a.honouring(on=a.WON.isoformat()), a.facts()).refused(NotBefore, "on")


@pytest.mark.parametrize(("decide", "command"), [(child_honour.verify, a.verification()), (child_honour.honour, a.honouring())])
def test_what_was_never_registered_is_neither_verified_nor_honoured(decide: Any, command: Any) -> None:
    given(ACHIEVEMENT).when(decide, command, a.facts()).refused(AchievementUnknown, "achievement_id")
    with pytest.raises(AchievementUnknown):
        child_honour.honouring_unit(None, command, None)


def test_an_honour_is_signed_by_who_may_sign_at_the_round_unit_on_that_day() -> None:
    nobody = HonourFacts(words=a.facts().words)
    verified = given(ACHIEVEMENT, a.REGISTERED, a.VERIFIED)
    verified.when(child_honour.honour, a.honouring(), nobody).refused(NoAuthority, "on")


def test_the_right_is_asked_at_the_parents_unit_and_then_at_the_rounds() -> None:
    state = given(ACHIEVEMENT, a.REGISTERED).state
    assert child_honour.registering_unit(None, a.registration(), a.facts()) == "so-y-te"
    assert child_honour.honouring_unit(state, a.honouring(), None) == "vinh-phuc"


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ({"contest": "hoc sinh  gioi quoc gia mon toan"}, True),
        ({"achievement_id": uuid4(), "prize": "second"}, True),
        ({"contest": "Học sinh giỏi quốc gia môn Văn"}, False),
        ({"child_id": UUID(int=34)}, False),
        ({"round_id": UUID(int=35)}, False),
    ],
)
def test_a_child_has_one_achievement_of_a_contest_in_a_round(other: dict[str, Any], same: bool) -> None:
    (first,) = claims(None, a.REGISTERED)
    (second,) = claims(None, ChildAchievementRegistered(**{**a.TOLD, **other}, on=a.WON))
    assert (first.mode, first.key == second.key) == ("take", same)
    assert first.refusal is not None
    assert isinstance(first.refusal(), AchievementExists)
    assert list(claims(None, a.GIVEN)) == []


def test_no_event_of_an_honour_can_name_a_child_otherwise_than_by_its_id() -> None:
    assert {name for name in ChildHonoured.model_fields if "name" in name or "birth" in name or "member" in name} == set()
