"""Whose children may be recorded, and from which day on do they speak for themselves?"""

from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st

from chassis.commands import parse
from chassis.refusals import Invalid
from membership.domain import child
from membership.domain.child import (
    CHILD,
    Child,
    ChildExists,
    ChildUnknown,
    CorrectChildDetails,
    Person,
    RegisterChild,
    has_own_voice,
)
from membership.domain.data_subject import Erasure, SubjectIsErased
from membership.domain.member import BornLater, MemberHasLeft, MemberUnknown
from membership.domain.unit import NotBefore, NothingChanges
from membership.events import ChildDetailsCorrected, ChildRegistered, SubjectErased
from tests.given import given

PARENT, KID, REQUEST = UUID(int=1), UUID(int=2), UUID(int=3)
JOINED, BORN, REGISTERED, LATER = date(2015, 1, 1), date(2018, 3, 8), date(2024, 9, 1), date(2025, 1, 1)
PERSONS = {PARENT: Person("so-y-te", JOINED)}
TOLD = ChildRegistered(
    unit="so-y-te", on=REGISTERED, child_id=KID, member_id=PARENT, full_name="Nguyễn Minh Anh", birth_date=BORN
)
ERASED = SubjectErased(unit="so-y-te", on=LATER, person_id=KID, request_id=REQUEST)


def registration(**fields: Any) -> RegisterChild:
    plain = {"child_id": KID, "member_id": PARENT, "full_name": "Nguyễn Minh Anh", "birth_date": BORN.isoformat()}
    return parse(RegisterChild, {"command_id": uuid4(), "on": REGISTERED.isoformat(), **plain, **fields})


def correction(**fields: Any) -> CorrectChildDetails:
    return parse(CorrectChildDetails, {"command_id": uuid4(), "child_id": KID, "on": LATER.isoformat(), **fields})


def test_a_child_is_recorded_at_its_parents_unit() -> None:
    given(CHILD).when(child.register, registration(), PERSONS).then(TOLD)
    assert child.unit_of(None, registration(), PERSONS) == "so-y-te"


def test_a_child_id_is_given_once() -> None:
    given(CHILD, TOLD).when(child.register, registration(), PERSONS).refused(ChildExists, "child_id")


@pytest.mark.parametrize(
    "parent",
    [None, Person("so-y-te", JOINED, erased=True), Person("so-y-te", JOINED, child=Child(PARENT, KID, "so-y-te", BORN, JOINED))],
    ids=["nobody", "erased", "a child"],
)
def test_a_child_is_a_members(parent: Person | None) -> None:
    given(CHILD).when(child.register, registration(), {PARENT: parent}).refused(MemberUnknown, "member_id")
    with pytest.raises(MemberUnknown):
        child.unit_of(None, registration(), {PARENT: parent})


def test_the_parent_is_an_active_member_on_the_day() -> None:
    left = {PARENT: Person("so-y-te", JOINED, until=REGISTERED)}
    given(CHILD).when(child.register, registration(), left).refused(MemberHasLeft, "member_id")
    before = registration(on=(REGISTERED - timedelta(days=1)).isoformat())
    assert given(CHILD).when(child.register, before, left).decide(None, before, left)
    joins_later = {PARENT: Person("so-y-te", LATER)}
    given(CHILD).when(child.register, registration(), joins_later).refused(NotBefore, "on")


def test_nobody_is_recorded_before_its_birth() -> None:
    unborn = registration(birth_date="2024-09-02")
    given(CHILD).when(child.register, unborn, PERSONS).refused(BornLater, "birth_date")
    given(CHILD, TOLD).when(child.correct, correction(birth_date="2025-01-02"), PERSONS).refused(BornLater, "birth_date")


@pytest.mark.parametrize("missing", ["full_name", "birth_date", "member_id"])
def test_a_child_is_recorded_whole(missing: str) -> None:
    with pytest.raises(Invalid):
        registration(**{missing: ""})


def test_details_are_corrected_at_the_unit_the_parent_is_of_now() -> None:
    moved = {KID: Person("so-noi-vu", REGISTERED)}
    state = (
        given(CHILD, TOLD)
        .when(child.correct, correction(birth_date="2018-08-03"), moved)
        .then(
            ChildDetailsCorrected(unit="so-noi-vu", on=LATER, child_id=KID, full_name=None, birth_date=date(2018, 8, 3)),
        )
    )
    assert (state.born_on, state.unit) == (date(2018, 8, 3), "so-noi-vu")
    assert child.unit_of(state, correction(), moved) == "so-noi-vu"


@pytest.mark.parametrize("fields", [{}, {"birth_date": BORN.isoformat()}])
def test_a_correction_changes_something(fields: dict[str, str]) -> None:
    given(CHILD, TOLD).when(child.correct, correction(**fields), PERSONS).refused(NothingChanges)


def test_an_erased_child_has_no_birth_date_and_nothing_more_is_recorded_about_it() -> None:
    gone = given(CHILD, TOLD, ERASED)
    assert gone.state is not None
    assert gone.state.born_on is None
    gone.when(child.correct, correction(full_name="Ai đó"), PERSONS).refused(SubjectIsErased, "child_id")
    gone.when(child.register, registration(), PERSONS).refused(ChildExists, "child_id")


def test_a_history_whose_key_is_destroyed_still_replays() -> None:
    sealed = TOLD.model_copy(update={"full_name": None, "birth_date": None})
    state = given(CHILD, sealed, ERASED).state
    assert state is not None
    assert (state.born_on, state.member_id, state.erased) == (None, PARENT, Erasure(REQUEST, LATER, ()))


def test_who_was_never_recorded_is_not_corrected() -> None:
    given(CHILD).when(child.correct, correction(full_name="A"), PERSONS).refused(ChildUnknown, "child_id")
    with pytest.raises(ChildUnknown):
        child.unit_of(None, correction(full_name="A"), PERSONS)


@pytest.mark.parametrize(
    ("born_on", "on", "speaks"),
    [
        (date(2018, 3, 8), date(2025, 3, 7), False),
        (date(2018, 3, 8), date(2025, 3, 8), True),
        (date(2016, 2, 29), date(2023, 2, 27), False),
        (date(2016, 2, 29), date(2023, 2, 28), True),
        (date(2017, 12, 31), date(2024, 12, 30), False),
        (date(2017, 12, 31), date(2024, 12, 31), True),
    ],
)
def test_a_child_speaks_for_itself_from_its_seventh_birthday(born_on: date, on: date, speaks: bool) -> None:
    assert has_own_voice(born_on, on) is speaks


@settings(deadline=None)
@examples(st.dates(date(1990, 1, 1), date(2100, 1, 1)), st.integers(-4_000, 4_000))
def test_whoever_speaks_for_itself_goes_on_doing_so_and_nobody_does_before_seven_years(born_on: date, days: int) -> None:
    on = born_on + timedelta(days=7 * 365 + 1 + days)
    if has_own_voice(born_on, on):
        assert has_own_voice(born_on, on + timedelta(days=1))
        assert (on - born_on).days >= 7 * 365
    else:
        assert (on - born_on).days <= 7 * 365 + 1
