"""May this quota be set, and does it hold?"""

from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from awards.domain.quota import (
    QUOTA,
    NothingChanges,
    QuotaAboveRegulation,
    QuotaBelowUse,
    QuotaKey,
    SetQuota,
    limited_unit,
    set_quota,
)
from awards.domain.regulations import NoRegulationInForce
from awards.domain.standing import NotBefore, UnitIsDissolved
from awards.events import AwardForm, QuotaSet
from chassis.commands import parse
from chassis.events import Event
from chassis.hierarchy import UnitUnknown
from chassis.refusals import Invalid, RuleBroken
from tests.awards.federation_of_units import UNITS
from tests.given import given

DAY = date(2024, 1, 15)


def quota(**fields: Any) -> SetQuota:
    plain = {"command_id": uuid4(), "decider": "cdvcvn", "form": "flag", "year": 2024, "at_most": 14, "on": DAY.isoformat()}
    return parse(SetQuota, {**plain, **fields})


def was_set(**fields: Any) -> QuotaSet:
    plain: dict[str, Any] = {
        "unit": "cdvcvn",
        "on": DAY,
        "form": AwardForm.FLAG,
        "year": 2024,
        "theme": "",
        "at_most": 14,
        "former_at_most": None,
        "revision": 1,
    }
    return QuotaSet(**{**plain, **fields})


def test_a_quota_is_set_for_a_form_and_a_year() -> None:
    given(QUOTA).when(set_quota, quota(), UNITS).then(was_set())


def test_a_quota_is_set_for_a_theme() -> None:
    given(QUOTA).when(set_quota, quota(theme="An toàn"), UNITS).then(was_set(theme="An toàn"))


def test_a_quota_is_changed_and_tells_what_it_was() -> None:
    given(QUOTA, was_set()).when(set_quota, quota(at_most=20), UNITS).then(was_set(at_most=20, former_at_most=14, revision=2))


def test_a_quota_may_be_nothing() -> None:
    given(QUOTA).when(set_quota, quota(at_most=0), UNITS).then(was_set(at_most=0))


def test_setting_the_same_quota_changes_nothing() -> None:
    given(QUOTA, was_set()).when(set_quota, quota(), UNITS).refused(NothingChanges, "at_most")


def test_a_change_is_not_dated_before_what_it_changes() -> None:
    given(QUOTA, was_set()).when(set_quota, quota(at_most=3, on="2024-01-14"), UNITS).refused(NotBefore, "on")


@pytest.mark.parametrize(("decider", "refusal"), [("nowhere", UnitUnknown), ("gone", UnitIsDissolved)])
def test_a_quota_is_for_a_unit_that_exists(decider: str, refusal: type[RuleBroken]) -> None:
    given(QUOTA).when(set_quota, quota(decider=decider), UNITS).refused(refusal, "decider")
    with pytest.raises(refusal):
        limited_unit(None, quota(decider=decider), UNITS)


def test_the_right_is_asked_for_at_the_unit_that_is_limited() -> None:
    assert limited_unit(None, quota(), UNITS) == "cdvcvn"


@pytest.mark.parametrize("at_most", [-1, 1.5, "many"])
def test_a_quota_is_a_whole_number_not_below_zero(at_most: object) -> None:
    with pytest.raises(Invalid) as caught:
        quota(at_most=at_most)

    assert caught.value.field == "at_most"


def test_the_regulations_own_limit_is_not_raised() -> None:
    fields = {"decider": "tld", "form": "certificate_of_merit", "theme": "Xanh - Sạch - Đẹp"}

    given(QUOTA).when(set_quota, quota(**fields, at_most=301), UNITS).refused(QuotaAboveRegulation, "at_most")
    given(QUOTA).when(set_quota, quota(**fields, at_most=300), UNITS).then(
        was_set(unit="tld", form=AwardForm.CERTIFICATE_OF_MERIT, theme="Xanh - Sạch - Đẹp", at_most=300)
    )
    given(QUOTA).when(set_quota, quota(**fields, at_most=1, on="2001-01-01"), UNITS).refused(NoRegulationInForce, "on")


def test_letters_of_either_case_name_the_same_theme() -> None:
    assert quota(theme="AN TOÀN").aggregate_id == quota(theme="an toàn").aggregate_id != quota(theme="sáng kiến").aggregate_id
    given(QUOTA, was_set(theme="an toàn")).when(set_quota, quota(theme="AN TOÀN", at_most=2), UNITS).then(
        was_set(theme="an toàn", at_most=2, former_at_most=14, revision=2)
    )


def test_every_part_of_a_quota_tells_it_from_others() -> None:
    others = [quota(decider="tld"), quota(form="commendation"), quota(year=2025), quota(theme="x")]

    assert len({command.aggregate_id for command in (quota(), *others)}) == 5


def test_a_quota_is_not_set_below_what_is_decided_and_closes_the_one_before_it() -> None:
    event: Event = was_set(at_most=20, former_at_most=14, revision=2)
    claims = {(claim.key, claim.mode): claim for claim in QUOTA.claims(given(QUOTA, was_set()).state, event)}

    assert set(claims) == {
        ("quota:cdvcvn/flag/2024/", "share"),
        ("quota:cdvcvn/flag/2024/", "unshare"),
        ("quota-revision:cdvcvn/flag/2024//1", "take"),
    }
    check = claims["quota:cdvcvn/flag/2024/", "share"]
    assert check.limit == 21
    assert check.refusal
    assert isinstance(check.refusal(), QuotaBelowUse)


def test_a_quota_stands_at_its_decider() -> None:
    state = given(QUOTA, was_set(theme="An toàn")).state

    assert state is not None
    assert QUOTA.unit(state) == "cdvcvn"
    assert state.key == QuotaKey("cdvcvn", AwardForm.FLAG, 2024, "An toàn")
