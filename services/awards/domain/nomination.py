"""What is a nomination, and what does it hold across aggregates? Its state, evolve and claims.

Its chapters stand beside it: :mod:`~awards.domain.proposal`, :mod:`~awards.domain.decision` and
:mod:`~awards.domain.presentation`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from awards.domain.quota import QuotaKey, Quotas, counts, gives_back
from awards.domain.standing import Units, not_before
from awards.events import (
    ArtefactRecovered,
    AwardDecided,
    AwardEndorsed,
    AwardForm,
    AwardPresented,
    AwardProposed,
    AwardResubmitted,
    AwardReturned,
    AwardRevoked,
    AwardScope,
    CertificateOfMeritAwarded,
    CommendationAwarded,
    Decision,
    FlagAwarded,
    PublicHonourAwarded,
    QuotaUse,
)
from chassis.authorities import Mandate
from chassis.claims import Claim
from chassis.commands import Aggregate, Command
from chassis.events import Event
from chassis.fields import Day
from chassis.refusals import NotFound, RuleBroken
from membership.events import Level


class NominationUnknown(NotFound):
    """No such award was proposed."""

    vi = "Không có đề nghị khen thưởng này."
    en = "There is no such nomination."


class AlreadyDecided(RuleBroken):
    """A nomination is decided once."""

    vi = "Đề nghị đã được quyết định ngày {on}."
    en = "The nomination was decided on {on}."


class NominationReturned(RuleBroken):
    """A returned nomination is mended and proposed again before anything else."""

    vi = "Đề nghị đang bị trả lại; cần bổ sung và trình lại."
    en = "The nomination was returned; it must be proposed again first."


class ComprehensiveExcludesThematic(RuleBroken):
    """Within one deciding level and year a comprehensive award excludes a thematic one and the reverse.

    Ad-hoc awards and periodic reviews aside (1217/HD-TLĐ of 11/8/2016, 1.1).
    """

    vi = "Trong năm {year}, ở cùng cấp quyết định, đối tượng đã được khen toàn diện thì không khen chuyên đề và ngược lại."
    en = "In {year}, at one deciding level, a comprehensive award excludes a thematic one and the reverse."


class Stage(StrEnum):
    """How far a nomination came before its decision, or that it is decided."""

    PROPOSED = "proposed"
    RETURNED = "returned"
    ENDORSED = "endorsed"
    DECIDED = "decided"


@dataclass(frozen=True, slots=True)
class Given:
    """A decision and what became of it."""

    decider_level: Level
    decision_number: str
    decided_on: date
    rule_set: str
    quotas: tuple[QuotaUse, ...]
    presented: bool = False
    revoked_on: date | None = None
    recovered: bool = False


@dataclass(frozen=True, slots=True)
class Nomination:
    """A nomination as its history left it; `given` from its decision on."""

    nomination_id: UUID
    unit: str
    member_id: UUID | None
    form: AwardForm
    scope: AwardScope
    theme: str
    year: int
    decider: str
    stage: Stage
    changed_on: date
    endorsed_by: frozenset[str] = frozenset()
    given: Given | None = None

    @property
    def told(self) -> dict[str, Any]:
        """What every event of the nomination tells; see :class:`awards.events.Award`."""
        names = ("nomination_id", "unit", "member_id", "form", "scope", "theme", "year", "decider")
        return {name: getattr(self, name) for name in names}

    def quota_key(self, theme: str) -> QuotaKey:
        """The quota its decision counts against, of its form as a whole or of its theme."""
        return QuotaKey(self.decider, self.form, self.year, theme)

    @property
    def quota_keys(self) -> list[QuotaKey]:
        """Every quota its decision counts against."""
        return [self.quota_key(theme) for theme in dict.fromkeys(("", self.theme))]


@dataclass(frozen=True, slots=True)
class Nominee:
    """What membership says of a person: active or not, and of which unit."""

    unit: str
    active: bool


@dataclass(frozen=True, slots=True)
class AwardFacts:
    """What the decisions on a nomination see besides it; `mandate` is by what the caller signs award decisions."""

    units: Units
    members: Mapping[UUID, Nominee] = field(default_factory=dict)
    quotas: Quotas = field(default_factory=dict)
    mandate: Mandate = field(default_factory=Mandate)


class NominationCommand(Command):
    """A command about one nomination."""

    nomination_id: UUID
    on: Day

    @property
    def aggregate_id(self) -> UUID:
        """The nomination's own id."""
        return self.nomination_id


def deciding_unit(state: Nomination | None, command: Command, _: object) -> str:
    """Where an award is decided and revoked: at the decider.

    :raises NominationUnknown:
    """
    if state is None:
        raise NominationUnknown("nomination_id")
    return state.decider


def recipients_unit(state: Nomination | None, command: Command, _: object) -> str:
    """Where what concerns the recipient is done: at its unit.

    :raises NominationUnknown:
    """
    if state is None:
        raise NominationUnknown("nomination_id")
    return state.unit


def known(state: Nomination | None, on: date) -> Nomination:
    """:raises NominationUnknown: nothing was proposed. :raises NotBefore: too early a day."""
    if state is None:
        raise NominationUnknown("nomination_id")
    not_before(state.changed_on, on)
    return state


def under_review(state: Nomination | None, on: date) -> Nomination:
    """:raises NominationUnknown, AlreadyDecided, NominationReturned, NotBefore:"""
    if state is not None and state.given is not None:
        raise AlreadyDecided("nomination_id", on=state.given.decided_on)
    nomination = known(state, on)
    if nomination.stage is Stage.RETURNED:
        raise NominationReturned("nomination_id")
    return nomination


def evolve(state: Nomination | None, event: Event) -> Nomination:
    """The nomination after one more event."""
    match event:
        case AwardProposed():
            told = event.model_dump(include={"nomination_id", "unit", "member_id", "form", "scope", "theme", "year", "decider"})
            return Nomination(**told, stage=Stage.PROPOSED, changed_on=event.on)
        case _ if state is None:
            raise AssertionError(f"{event.topic} without a nomination")
        case AwardEndorsed():
            endorsed_by = state.endorsed_by | {event.reviewer}
            return replace(state, stage=Stage.ENDORSED, endorsed_by=endorsed_by, changed_on=event.on)
        case AwardReturned():
            return replace(state, stage=Stage.RETURNED, endorsed_by=frozenset(), changed_on=event.on)
        case AwardResubmitted():
            return replace(state, stage=Stage.PROPOSED, changed_on=event.on)
        case AwardDecided():
            given = Given(event.decider_level, event.decision_number, event.on, event.rule_set, event.quotas)
            return replace(state, stage=Stage.DECIDED, given=given, changed_on=event.on)
        case FlagAwarded() | CertificateOfMeritAwarded() | CommendationAwarded() | PublicHonourAwarded():
            return state
        case Decision() if state.given:
            return replace(state, given=_after(state.given, event), changed_on=event.on)
    raise AssertionError(f"{event.topic} is no event of a nomination")


def _after(given: Given, event: Event) -> Given:
    match event:
        case AwardPresented():
            return replace(given, presented=True)
        case AwardRevoked():
            return replace(given, revoked_on=event.on)
        case ArtefactRecovered():
            return replace(given, recovered=True)
    raise AssertionError(f"{event.topic} does not follow a decision")


def claims(state: Nomination | None, event: Event) -> Iterable[Claim]:
    """An award counts against its quotas and keeps awards of the other scope out; revoked, it does neither."""
    match event:
        case AwardDecided() if state:
            yield from _exclusion(state, event)
            for use in event.quotas:
                yield from counts(state.quota_key(use.theme), use)
        case AwardRevoked() if state and state.given:
            yield from (gives_back(state.quota_key(use.theme)) for use in state.given.quotas)
            if event.scope in _EXCLUDES:
                yield Claim(_awarded(event, event.scope), "unshare")


_EXCLUDES = {
    AwardScope.COMPREHENSIVE: AwardScope.THEMATIC,
    AwardScope.THEMATIC: AwardScope.COMPREHENSIVE,
}


def _exclusion(nomination: Nomination, event: AwardDecided) -> Iterable[Claim]:
    excluded = _EXCLUDES.get(nomination.scope)
    if excluded is not None:
        broken = ComprehensiveExcludesThematic("nomination_id", year=nomination.year)
        yield Claim(_awarded(event, nomination.scope), "share")
        yield Claim(_awarded(event, excluded), "vacant", lambda: broken)


def _awarded(award: AwardDecided | AwardRevoked, scope: AwardScope) -> str:
    recipient = f"member:{award.member_id}" if award.member_id else f"unit:{award.unit}"
    return f"award:{recipient}/{award.decider_level.depth}/{award.year}/{scope.value}"


NOMINATION = Aggregate("nomination", evolve, lambda nomination: nomination.unit, claims, begins=(AwardProposed,))
