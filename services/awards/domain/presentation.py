"""May this award be handed over, revoked, its artefact recovered? What follows a decision on a nomination."""

from typing import Any

from awards.domain.nomination import AwardFacts, Given, Nomination, NominationCommand, known
from awards.domain.standing import open_unit
from awards.events import ArtefactRecovered, AwardPresented, AwardRevoked
from chassis.events import Event
from chassis.fields import Code, Line
from chassis.refusals import RuleBroken


class NotDecided(RuleBroken):
    """Only a decided award is handed over or revoked."""

    vi = "Đề nghị chưa được quyết định."
    en = "The nomination is not decided."


class AlreadyPresented(RuleBroken):
    """An award is handed over once."""

    vi = "Khen thưởng đã được trao."
    en = "The award was handed over already."


class AwardIsRevoked(RuleBroken):
    """A revoked award is neither handed over nor revoked again."""

    vi = "Quyết định khen thưởng đã bị thu hồi ngày {on}."
    en = "The award was revoked on {on}."


class NotRevoked(RuleBroken):
    """Only the artefact of a revoked award is recovered (Law on Emulation and Commendation 2022, ch. VII)."""

    vi = "Quyết định khen thưởng chưa bị thu hồi."
    en = "The award was not revoked."


class NothingToRecover(RuleBroken):
    """An award that was never handed over, or was handed back, leaves nothing to recover."""

    vi = "Không có hiện vật nào cần thu hồi."
    en = "There is no artefact to recover."


class PresentAward(NominationCommand):
    """Record who handed the award over."""

    presenter: Code


class RevokeAward(NominationCommand):
    """Revoke an award for fraud or wrong procedure."""

    reason: Line


class RecoverArtefact(NominationCommand):
    """Record that the artefact was handed back."""


def present(state: Nomination | None, command: PresentAward, facts: AwardFacts) -> list[Event]:
    """:raises NominationUnknown, NotDecided, AwardIsRevoked, AlreadyPresented, NotBefore, UnitUnknown, UnitIsDissolved:"""
    nomination, given = _standing(state, command)
    if given.presented:
        raise AlreadyPresented("nomination_id")
    open_unit(facts.units, command.presenter, "presenter")
    return [AwardPresented(**_told(nomination, given), on=command.on, presenter=command.presenter)]


def revoke(state: Nomination | None, command: RevokeAward, facts: AwardFacts) -> list[Event]:
    """It is revoked by whoever may sign such a decision on the day of the revocation.

    :raises NominationUnknown, NotDecided, AwardIsRevoked, NotBefore, NoAuthority:
    """
    nomination, given = _standing(state, command)
    signed = facts.mandate.at(nomination.decider, command.on).signed
    return [AwardRevoked(**_told(nomination, given), **signed, on=command.on, reason=command.reason)]


def recover(state: Nomination | None, command: RecoverArtefact, _: object) -> list[Event]:
    """:raises NominationUnknown, NotDecided, NotRevoked, NothingToRecover, NotBefore:"""
    nomination, given = _decided(state, command)
    if given.revoked_on is None:
        raise NotRevoked("nomination_id")
    if not given.presented or given.recovered:
        raise NothingToRecover("nomination_id")
    return [ArtefactRecovered(**_told(nomination, given), on=command.on)]


def _decided(state: Nomination | None, command: NominationCommand) -> tuple[Nomination, Given]:
    nomination = known(state, command.on)
    if nomination.given is None:
        raise NotDecided("nomination_id")
    return nomination, nomination.given


def _standing(state: Nomination | None, command: NominationCommand) -> tuple[Nomination, Given]:
    nomination, given = _decided(state, command)
    if given.revoked_on is not None:
        raise AwardIsRevoked("nomination_id", on=given.revoked_on)
    return nomination, given


def _told(nomination: Nomination, given: Given) -> dict[str, Any]:
    names = ("decider_level", "decision_number", "decided_on", "rule_set")
    return {**nomination.told, **{name: getattr(given, name) for name in names}}
