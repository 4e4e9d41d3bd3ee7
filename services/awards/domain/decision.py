"""May this award be given? The decision on an endorsed nomination, under the regulation of its day, by who may sign it."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from awards.domain.nomination import AwardFacts, Nomination, NominationCommand, Stage, under_review
from awards.domain.quota import Quotas
from awards.domain.regulations import most_of_a_theme, regulation_on
from awards.domain.standing import decider_above
from awards.events import (
    AwardDecided,
    AwardForm,
    CertificateOfMeritAwarded,
    CommendationAwarded,
    FlagAwarded,
    PublicHonourAwarded,
    QuotaUse,
)
from chassis.events import Event
from chassis.fields import Line
from chassis.refusals import RuleBroken
from membership.events import Level


class NotEndorsed(RuleBroken):
    """A decision needs an endorsement before it."""

    vi = "Đề nghị chưa được đơn vị nào xác nhận."
    en = "No unit has endorsed the nomination."


class DecideAward(NominationCommand):
    """Give the award."""

    decision_number: Line


def decide(state: Nomination | None, command: DecideAward, facts: AwardFacts) -> list[Event]:
    """That quota and exclusion are kept is held by claims (:func:`claims`).

    :raises NominationUnknown, AlreadyDecided, NominationReturned, NotBefore, NotEndorsed, NoAuthority, NoRegulationInForce,
        QuotaExceeded, ComprehensiveExcludesThematic, and those of `decider_above`:
    """
    nomination = under_review(state, command.on)
    if nomination.stage is not Stage.ENDORSED:
        raise NotEndorsed("nomination_id")
    decider = decider_above(facts.units, nomination.decider, nomination.unit, person=nomination.member_id is not None)
    signed = facts.mandate.at(decider.code, command.on).signed
    told = {
        **nomination.told,
        "on": command.on,
        "decider_level": decider.level,
        "decision_number": command.decision_number,
        "decided_on": command.on,
        "rule_set": regulation_on(command.on).number,
    }
    quotas = _quotas(nomination, command.on, decider.level, facts.quotas)
    return [AwardDecided(**told, **signed, quotas=quotas), _GIVEN[nomination.form](**told)]


_GIVEN: Mapping[AwardForm, Any] = {
    AwardForm.FLAG: FlagAwarded,
    AwardForm.CERTIFICATE_OF_MERIT: CertificateOfMeritAwarded,
    AwardForm.COMMENDATION: CommendationAwarded,
    AwardForm.PUBLIC_HONOUR: PublicHonourAwarded,
}


def _quotas(nomination: Nomination, on: date, level: Level, quotas: Quotas) -> tuple[QuotaUse, ...]:
    """What the decision counts against: quotas that were set, and the regulation's own limit for a theme."""
    of_regulation = most_of_a_theme(on, nomination.form, nomination.scope, level)
    uses = []
    for key in nomination.quota_keys:
        quota = quotas.get(key)
        limits = [quota.at_most] if quota else []
        if key.theme and of_regulation is not None:
            limits.append(of_regulation)
        uses.append(QuotaUse(theme=key.theme, at_most=min(limits, default=None), revision=quota.revision if quota else 0))
    return tuple(uses)
