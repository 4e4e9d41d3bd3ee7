"""Which programmes may be opened, and which initiatives count?"""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from awards.domain.initiative import (
    INITIATIVE,
    AcceptInitiative,
    AlreadyJudged,
    InitiativeExists,
    InitiativeFacts,
    InitiativeUnknown,
    OutsideOfWindow,
    RegisterInitiative,
    RejectInitiative,
    UnitOutsideOfProgramme,
    accept,
    judging_unit,
    register,
    registering_unit,
    reject,
)
from awards.domain.programme import (
    PROGRAMME,
    OpenInitiativeProgramme,
    Programme,
    ProgrammeExists,
    ProgrammeUnknown,
    open_programme,
    opening_unit,
    percent_of_target,
)
from awards.domain.standing import NotBefore, UnitIsDissolved
from awards.events import InitiativeAccepted, InitiativeProgrammeOpened, InitiativeRegistered, InitiativeRejected
from chassis.commands import parse
from chassis.events import Event
from chassis.hierarchy import UnitUnknown
from chassis.refusals import Invalid, RuleBroken
from tests.awards.federation_of_units import UNITS
from tests.given import given

PROGRAMME_ID, ID, AUTHOR = UUID(int=1), UUID(int=2), UUID(int=3)
OPENS, CLOSES, INSIDE, AFTER = date(2023, 1, 1), date(2023, 10, 31), date(2023, 5, 19), date(2023, 11, 20)
FACTS = InitiativeFacts(UNITS, {PROGRAMME_ID: Programme(PROGRAMME_ID, "vinh-phuc", 2023, OPENS, CLOSES)})
OPENED = InitiativeProgrammeOpened(
    unit="vinh-phuc", on=OPENS, programme_id=PROGRAMME_ID, year=2023, name="01 triệu sáng kiến", target=1789, closes_on=CLOSES
)
TOLD: dict[str, Any] = {
    "unit": "so-y-te",
    "initiative_id": ID,
    "programme_id": PROGRAMME_ID,
    "programme_unit": "vinh-phuc",
    "year": 2023,
}


def opening(**fields: Any) -> OpenInitiativeProgramme:
    plain = {
        "command_id": uuid4(),
        "programme_id": PROGRAMME_ID,
        "unit": "vinh-phuc",
        "year": 2023,
        "name": "01 triệu sáng kiến",
        "target": 1789,
        "opens_on": OPENS.isoformat(),
        "closes_on": CLOSES.isoformat(),
    }
    return parse(OpenInitiativeProgramme, {**plain, **fields})


def registration(**fields: Any) -> RegisterInitiative:
    plain = {
        "command_id": uuid4(),
        "initiative_id": ID,
        "programme_id": PROGRAMME_ID,
        "unit": "so-y-te",
        "author_id": AUTHOR,
        "title": "Số hóa hồ sơ",
        "on": INSIDE.isoformat(),
    }
    return parse(RegisterInitiative, {**plain, **fields})


def about(cls: type[Any], on: date = AFTER, **fields: Any) -> Any:
    return parse(cls, {"command_id": uuid4(), "initiative_id": ID, "on": on.isoformat(), **fields})


def registered(**fields: Any) -> InitiativeRegistered:
    return InitiativeRegistered(**{**TOLD, "on": INSIDE, "author_id": AUTHOR, "title": "Số hóa hồ sơ", **fields})


ACCEPTED = InitiativeAccepted(**TOLD, on=AFTER)
REJECTED = InitiativeRejected(**TOLD, on=AFTER, reason="Không mới")


def test_a_programme_is_opened_with_a_target() -> None:
    given(PROGRAMME).when(open_programme, opening(), UNITS).then(OPENED)
    assert opening_unit(None, opening(), UNITS) == "vinh-phuc"


def test_a_programme_id_is_given_once() -> None:
    given(PROGRAMME, OPENED).when(open_programme, opening(), UNITS).refused(ProgrammeExists, "programme_id")


def test_a_programme_does_not_close_before_it_opens() -> None:
    given(PROGRAMME).when(open_programme, opening(closes_on="2022-12-31"), UNITS).refused(NotBefore, "closes_on")


@pytest.mark.parametrize(("unit", "refusal"), [("nowhere", UnitUnknown), ("gone", UnitIsDissolved)])
def test_programmes_and_initiatives_are_of_units_that_exist(unit: str, refusal: type[RuleBroken]) -> None:
    given(PROGRAMME).when(open_programme, opening(unit=unit), UNITS).refused(refusal, "unit")
    given(INITIATIVE).when(register, registration(unit=unit), FACTS).refused(refusal, "unit")
    with pytest.raises(refusal):
        opening_unit(None, opening(unit=unit), UNITS)
    with pytest.raises(refusal):
        registering_unit(None, registration(unit=unit), FACTS)


@pytest.mark.parametrize("target", [0, -5, 17.5])
def test_a_target_is_a_whole_number_above_zero(target: object) -> None:
    with pytest.raises(Invalid) as caught:
        opening(target=target)

    assert caught.value.field == "target"


@pytest.mark.parametrize("on", [OPENS, INSIDE, CLOSES])
def test_an_initiative_is_registered_inside_the_window(on: date) -> None:
    given(INITIATIVE).when(register, registration(on=on.isoformat()), FACTS).then(registered(on=on))


@pytest.mark.parametrize("on", ["2022-12-31", "2023-11-01"])
def test_an_initiative_outside_of_the_window_is_refused(on: str) -> None:
    given(INITIATIVE).when(register, registration(on=on), FACTS).refused(OutsideOfWindow, "on")


def test_an_initiative_is_registered_once() -> None:
    given(INITIATIVE, registered()).when(register, registration(), FACTS).refused(InitiativeExists, "initiative_id")


def test_an_initiative_needs_a_programme_that_was_opened() -> None:
    given(INITIATIVE).when(register, registration(programme_id=uuid4()), FACTS).refused(ProgrammeUnknown, "programme_id")
    unopened = InitiativeFacts(UNITS, {PROGRAMME_ID: None})
    given(INITIATIVE).when(register, registration(), unopened).refused(ProgrammeUnknown, "programme_id")


@pytest.mark.parametrize("unit", ["ha-noi", "cdvcvn"])
def test_a_programme_is_for_the_units_at_and_under_its_own(unit: str) -> None:
    given(INITIATIVE).when(register, registration(unit=unit), FACTS).refused(UnitOutsideOfProgramme, "unit")


def test_the_programmes_own_unit_may_register_too() -> None:
    given(INITIATIVE).when(register, registration(unit="vinh-phuc", author_id=None), FACTS).then(
        registered(unit="vinh-phuc", author_id=None)
    )


def test_an_initiative_is_accepted_even_after_the_window_closed() -> None:
    given(INITIATIVE, registered()).when(accept, about(AcceptInitiative)).then(ACCEPTED)


def test_an_initiative_is_rejected_with_a_reason() -> None:
    given(INITIATIVE, registered()).when(reject, about(RejectInitiative, reason="Không mới")).then(REJECTED)


@pytest.mark.parametrize("judged", [ACCEPTED, REJECTED])
@pytest.mark.parametrize(
    ("decide", "command"), [(accept, about(AcceptInitiative)), (reject, about(RejectInitiative, reason="x"))]
)
def test_an_initiative_is_judged_once(judged: Event, decide: Any, command: Any) -> None:
    given(INITIATIVE, registered(), judged).when(decide, command).refused(AlreadyJudged, "initiative_id")


@pytest.mark.parametrize(
    ("decide", "command"),
    [(accept, about(AcceptInitiative, OPENS)), (reject, about(RejectInitiative, OPENS, reason="x"))],
)
def test_an_initiative_is_not_judged_before_it_was_registered(decide: Any, command: Any) -> None:
    given(INITIATIVE, registered()).when(decide, command).refused(NotBefore, "on")


@pytest.mark.parametrize(
    ("decide", "command"), [(accept, about(AcceptInitiative)), (reject, about(RejectInitiative, reason="x"))]
)
def test_what_was_never_registered_is_not_judged(decide: Any, command: Any) -> None:
    given(INITIATIVE).when(decide, command).refused(InitiativeUnknown, "initiative_id")
    with pytest.raises(InitiativeUnknown):
        judging_unit(None, command, None)


def test_the_right_is_asked_for_where_it_belongs() -> None:
    state = given(INITIATIVE, registered()).state

    assert registering_unit(None, registration(), FACTS) == "so-y-te"
    assert judging_unit(state, about(AcceptInitiative), None) == "vinh-phuc"


@pytest.mark.parametrize(
    ("accepted", "target", "percent"),
    [
        (2107, 1789, "117.78"),
        (0, 3, "0.00"),
        (1, 3, "33.33"),
        (2, 3, "66.67"),
        (1, 800, "0.13"),
        (3, 800, "0.38"),
        (7, 7, "100.00"),
    ],
)
def test_percent_is_rounded_half_up_to_two_decimals(accepted: int, target: int, percent: str) -> None:
    assert str(percent_of_target(accepted, target)) == percent


def test_there_is_no_percent_without_a_target() -> None:
    assert percent_of_target(5, 0) is None
    assert percent_of_target(0, 5) == Decimal("0.00")
