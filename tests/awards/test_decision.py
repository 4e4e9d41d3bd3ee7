"""May this award be given, under which regulation, and what does it claim?"""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from awards.domain.decision import DecideAward, NotEndorsed, decide
from awards.domain.nomination import (
    NOMINATION,
    AlreadyDecided,
    AwardFacts,
    ComprehensiveExcludesThematic,
)
from awards.domain.proposal import (
    EndorseAward,
    ReturnAward,
    endorse,
    send_back,
)
from awards.domain.quota import Quota, QuotaExceeded, QuotaKey
from awards.domain.regulations import REGULATIONS, NoRegulationInForce, regulation_on
from awards.domain.standing import DeciderElsewhere, DeciderNotAbove, UnitIsDissolved
from awards.events import (
    AwardDecided,
    AwardForm,
    AwardRevoked,
    AwardScope,
    CertificateOfMeritAwarded,
    CommendationAwarded,
    PublicHonourAwarded,
    QuotaUse,
)
from chassis.authorities import Mandate, NoAuthority
from chassis.claims import Claim
from chassis.events import Event
from chassis.refusals import RuleBroken
from membership.events import Level
from tests.authorities import DELEGATION, POSITION, authority
from tests.awards.a_nomination import (
    AWARDED,
    DECIDE,
    DECIDED_ON,
    FACTS,
    FREE,
    GIVEN,
    IN_HAND,
    PERSON,
    PRESENTED,
    PROPOSED_ON,
    REVOKED,
    TOLD,
    WHO,
    about,
    after,
    decided,
    endorsed,
    proposed,
)
from tests.awards.federation_of_units import UNITS
from tests.given import given

ONE_DAY = timedelta(days=1)


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
        AwardDecided(**told, quotas=FREE, position_id=POSITION), event(**told)
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
    facts = replace(FACTS, units={**UNITS, "so-y-te": standing})

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
    facts = replace(FACTS, quotas={of_form: Quota(of_form, 14, 2, PROPOSED_ON), of_theme: None})
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

    events = decide(state, about(DecideAward, day, decision_number="1"), replace(FACTS, quotas=quotas))

    assert isinstance(events[0], AwardDecided)
    assert [use.at_most for use in events[0].quotas] == [None, expected]


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


def signing(**changes: Any) -> AwardFacts:
    """The facts when the caller may sign at the decider, or elsewhere, for some days."""
    return replace(FACTS, mandate=Mandate((authority(**{"unit": "cdvcvn", **changes}),)))


@pytest.mark.parametrize(
    "mandate",
    [{"unit": "tld"}, {"unit": "vinh-phuc"}, {"since": DECIDED_ON + ONE_DAY}, {"until": DECIDED_ON - ONE_DAY}],
    ids=["of the unit above", "of the unit below", "from the day after", "until the day before"],
)
def test_an_award_is_decided_only_under_a_position_at_the_decider_on_its_day(mandate: dict[str, Any]) -> None:
    refused = given(NOMINATION, *IN_HAND).when(decide, DECIDE, signing(**mandate)).refused(NoAuthority, "on")
    assert refused.facts == {"on": DECIDED_ON, "unit": "cdvcvn"}


@pytest.mark.parametrize("days", [{"since": DECIDED_ON}, {"until": DECIDED_ON}], ids=["the first day", "the last day"])
def test_a_position_holds_from_its_first_day_to_its_last(days: dict[str, Any]) -> None:
    given(NOMINATION, *IN_HAND).when(decide, DECIDE, signing(**days)).then(*decided())


def test_a_decision_tells_under_which_position_and_delegation_it_was_signed() -> None:
    event, _ = given(NOMINATION, *IN_HAND).when(decide, DECIDE, signing(authority_id=DELEGATION)).events
    assert isinstance(event, AwardDecided)
    assert (event.position_id, event.delegation_id) == (POSITION, DELEGATION)
