"""What awards says: nominations and what became of them, quotas, initiatives against target, honours of children.

The only module that another service may import. Persons are named by `member_id` only. `unit` is the recipient's unit
in every event of a nomination, the decider in a quota's, and the unit that registers in an initiative's.
"""

from datetime import date
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from chassis.authorities import Signed
from chassis.events import Event
from membership.events import Level


class AwardForm(StrEnum):
    """Cờ thi đua, bằng khen, giấy khen, tuyên dương."""

    FLAG = "flag"
    CERTIFICATE_OF_MERIT = "certificate_of_merit"
    COMMENDATION = "commendation"
    PUBLIC_HONOUR = "public_honour"


class AwardScope(StrEnum):
    """Toàn diện, chuyên đề, đột xuất: the whole work of a year, one theme of it, or a single deed or review."""

    COMPREHENSIVE = "comprehensive"
    THEMATIC = "thematic"
    ADHOC = "adhoc"


class AchievementLevel(StrEnum):
    """Quốc tế, quốc gia: of which level a contest is in which a member's child won."""

    INTERNATIONAL = "international"
    NATIONAL = "national"


class AchievementPrize(StrEnum):
    """Giải nhất, nhì, ba, khuyến khích."""

    FIRST = "first"
    SECOND = "second"
    THIRD = "third"
    CONSOLATION = "consolation"


class PublicationEnd(StrEnum):
    """Why the honour of a child is public no longer: a consent was taken back, or the child was erased."""

    GUARDIAN_CONSENT = "guardian_consent"
    CHILD_CONSENT = "child_consent"
    ERASURE = "erasure"


class ChildAchievement(BaseModel):
    """What every event of an achievement tells. A child is named by `child_id` only; `unit` is its parent's.

    `contest` is the contest in which the prize was won: what, not who.
    """

    achievement_id: UUID
    round_id: UUID
    round_unit: str
    year: int
    child_id: UUID
    level: AchievementLevel
    prize: AchievementPrize
    contest: str


class Award(BaseModel):
    """What every event of a nomination tells: which award, to whom, for which year, and who decides.

    The recipient is the member `member_id` of `unit`, or `unit` itself when that is None. `theme` is empty unless the
    scope is thematic.
    """

    nomination_id: UUID
    member_id: UUID | None
    form: AwardForm
    scope: AwardScope
    theme: str
    year: int
    decider: str


class Decision(Award):
    """What every event from the decision on tells besides: by which decision, under which regulation.

    `decider_level` is the level the decider had then; `rule_set` the award regulation in force on the decision's day.
    """

    decider_level: Level
    decision_number: str
    decided_on: date
    rule_set: str


class QuotaUse(BaseModel):
    """A quota that a decision counts against: of its form as a whole, or of its theme when that is not empty.

    `at_most` is None when nothing limits it; `revision` counts how often the quota had been set.
    """

    model_config = ConfigDict(frozen=True)

    theme: str
    at_most: int | None
    revision: int


class AwardProposed(Award, Event, topic="awards.award_proposed"):
    """A unit or a member was proposed for an award."""

    citation: str


class AwardEndorsed(Award, Event, topic="awards.award_endorsed"):
    """A unit between the recipient and the decider, or the decider itself, supports a nomination."""

    reviewer: str


class AwardReturned(Award, Event, topic="awards.award_returned"):
    """A nomination was returned for mending; it may be proposed again."""

    reviewer: str
    reason: str


class AwardResubmitted(Award, Event, topic="awards.award_resubmitted"):
    """A returned nomination was proposed again, its citation mended; it must be endorsed anew."""

    citation: str


class AwardDecided(Decision, Signed, Event, topic="awards.award_decided"):
    """An award was decided; what was given is told by the event that follows."""

    quotas: tuple[QuotaUse, ...]


class FlagAwarded(Decision, Event, topic="awards.flag_awarded"):
    """A unit was given a flag (cờ thi đua)."""


class CertificateOfMeritAwarded(Decision, Event, topic="awards.certificate_of_merit_awarded"):
    """A unit or a member was given a certificate of merit (bằng khen)."""


class CommendationAwarded(Decision, Event, topic="awards.commendation_awarded"):
    """A unit or a member was given a commendation (giấy khen)."""


class PublicHonourAwarded(Decision, Event, topic="awards.public_honour_awarded"):
    """A unit or a member was publicly honoured (tuyên dương)."""


class AwardPresented(Decision, Event, topic="awards.award_presented"):
    """An award was handed over, by the decider or another unit."""

    presenter: str


class AwardRevoked(Decision, Signed, Event, topic="awards.award_revoked"):
    """An award was revoked; until this day it stood."""

    reason: str


class ArtefactRecovered(Decision, Event, topic="awards.artefact_recovered"):
    """The artefact of a revoked award was handed back."""


class QuotaSet(Event, topic="awards.quota_set"):
    """A unit may decide at most so many awards of a form for a year, or of one theme of it when that is not empty.

    `former_at_most` is None when this is the first quota; `revision` counts from 1.
    """

    form: AwardForm
    year: int
    theme: str
    at_most: int
    former_at_most: int | None
    revision: int


class InitiativeProgrammeOpened(Event, topic="awards.initiative_programme_opened"):
    """A programme of initiatives was opened with a target for a year; initiatives are registered from `on` to `closes_on`."""

    programme_id: UUID
    year: int
    name: str
    target: int
    closes_on: date


class InitiativeRegistered(Event, topic="awards.initiative_registered"):
    """A unit registered an initiative in a programme; `author_id` is a member, or None."""

    initiative_id: UUID
    programme_id: UUID
    programme_unit: str
    year: int
    author_id: UUID | None
    title: str


class InitiativeAccepted(Event, topic="awards.initiative_accepted"):
    """An initiative was accepted: it counts for the programme's year."""

    initiative_id: UUID
    programme_id: UUID
    programme_unit: str
    year: int


class InitiativeRejected(Event, topic="awards.initiative_rejected"):
    """An initiative was rejected: it does not count."""

    initiative_id: UUID
    programme_id: UUID
    programme_unit: str
    year: int
    reason: str


class ChildHonourRoundOpened(Event, topic="awards.child_honour_round_opened"):
    """A unit honours members' children for a year; achievements are registered from `on` to `closes_on`."""

    round_id: UUID
    year: int
    name: str
    closes_on: date


class ChildAchievementRegistered(ChildAchievement, Event, topic="awards.child_achievement_registered"):
    """The achievement of a member's child was registered in a round."""


class ChildAchievementVerified(ChildAchievement, Event, topic="awards.child_achievement_verified"):
    """The round's unit has seen the proof of an achievement."""


class ChildHonoured(ChildAchievement, Signed, Event, topic="awards.child_honoured"):
    """A child was honoured for an achievement (tuyên dương); nothing of it is public by that."""

    decision_number: str


class ChildHonourPublished(ChildAchievement, Event, topic="awards.child_honour_published"):
    """The honour of a child is public from this day on, with the consents the law asks for."""


class ChildHonourWithdrawn(ChildAchievement, Event, topic="awards.child_honour_withdrawn"):
    """The honour of a child is public no longer; that it was honoured stands."""

    ground: PublicationEnd
