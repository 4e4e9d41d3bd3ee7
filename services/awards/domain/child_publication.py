"""May the honour of this child be told in public, and until when?

To publish what is private of a child needs the consent of its guardian and, from seven years on, its own (Law on Children
102/2016/QH13, art. 21; Decree 56/2017/NĐ-CP, art. 36; Law 91/2025/QH15, art. 24.2); it ends when one of them takes it back
(art. 24.3). Membership knows who agrees. All that is public of one child is one aggregate, so that it ends at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import UUID, uuid5

from awards.domain.child_honour import Achievement, AchievementUnknown, Word, Words
from awards.domain.standing import not_before
from awards.events import ChildHonourPublished, ChildHonourWithdrawn, PublicationEnd
from chassis.commands import Aggregate, Command
from chassis.events import Event
from chassis.fields import Day
from chassis.refusals import RuleBroken

_PUBLICATIONS = UUID("3f1f4f9a-6a4e-5b57-8d7c-0e5a9b1c7f26")


class GuardianConsentMissing(RuleBroken):
    """Nothing of a child is published without its guardian's consent."""

    vi = "Chưa có sự đồng ý của cha, mẹ hoặc người giám hộ cho việc công bố."
    en = "The guardian's consent to the publication is missing."


class ChildConsentMissing(RuleBroken):
    """From seven years on nothing of a child is published without its own consent besides."""

    vi = "Trẻ từ đủ bảy tuổi: chưa có sự đồng ý của chính trẻ cho việc công bố."
    en = "The child is seven or older, and its own consent to the publication is missing."


class NotHonoured(RuleBroken):
    """Only an honour that was given is published."""

    vi = "Trẻ chưa được tuyên dương về thành tích này."
    en = "The child was not honoured for this achievement yet."


class AlreadyPublished(RuleBroken):
    """What is public is not published again."""

    vi = "Tuyên dương này đang được công bố."
    en = "This honour is public already."


class NothingToEnd(RuleBroken):
    """Nothing of the child is public, or all of it may stay so."""

    vi = "Không có công bố nào phải chấm dứt."
    en = "There is no publication to end."


@dataclass(frozen=True, slots=True)
class Publications:
    """What is public of a child: each honour by its achievement, with what its events tell."""

    unit: str
    public: Mapping[UUID, Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class PublicationFacts:
    """What decisions on publication see: the achievements named, and membership's word on the children."""

    achievements: Mapping[UUID, Achievement | None]
    words: Words


class PublicationCommand(Command):
    """A command about what is public of one child."""

    child_id: UUID
    on: Day

    @property
    def aggregate_id(self) -> UUID:
        """One a child."""
        return uuid5(_PUBLICATIONS, str(self.child_id))


class PublishChildHonour(PublicationCommand):
    """Make the honour of a child public."""

    achievement_id: UUID


class ReviewChildPublications(PublicationCommand):
    """Ask again whether what is public of a child may stay so. This service gives the command to itself."""


def publish(state: Publications | None, command: PublishChildHonour, facts: PublicationFacts) -> list[Event]:
    """:raises AchievementUnknown, NotHonoured, NotBefore, AlreadyPublished, GuardianConsentMissing, ChildConsentMissing:"""
    achievement = _named(command, facts)
    if achievement.honoured_on is None:
        raise NotHonoured("achievement_id")
    not_before(achievement.honoured_on, command.on)
    if state is not None and command.achievement_id in state.public:
        raise AlreadyPublished("achievement_id")
    match _missing(facts.words.get((command.child_id, command.on))):
        case None:
            return [ChildHonourPublished.model_validate({**achievement.told, "on": command.on})]
        case PublicationEnd.CHILD_CONSENT:
            raise ChildConsentMissing("child_id")
        case _:
            raise GuardianConsentMissing("child_id")


def review(state: Publications | None, command: ReviewChildPublications, facts: PublicationFacts) -> list[Event]:
    """End what may not go on: all of the child, since all of it rests on the same consents.

    :raises NothingToEnd:
    """
    ground = _missing(facts.words.get((command.child_id, command.on)))
    if state is None or not state.public or ground is None:
        raise NothingToEnd("child_id")
    return [ChildHonourWithdrawn.model_validate({**told, "on": command.on, "ground": ground}) for told in state.public.values()]


def publishing_unit(state: Publications | None, command: PublishChildHonour, facts: PublicationFacts) -> str:
    """Where an honour is published: at the unit that gave it.

    :raises AchievementUnknown:
    """
    return _named(command, facts).round_unit


def _named(command: PublishChildHonour, facts: PublicationFacts) -> Achievement:
    """:raises AchievementUnknown: it was not registered, or is another child's."""
    achievement = facts.achievements.get(command.achievement_id)
    if achievement is None or achievement.child_id != command.child_id:
        raise AchievementUnknown("achievement_id")
    return achievement


def _missing(word: Word | None) -> PublicationEnd | None:
    """What a publication lacks; None when it may be. Of an erased child membership says nothing."""
    if word is None:
        return PublicationEnd.ERASURE
    if not word.guardian_agrees:
        return PublicationEnd.GUARDIAN_CONSENT
    if word.child_must_agree and not word.child_agrees:
        return PublicationEnd.CHILD_CONSENT
    return None


def evolve(state: Publications | None, event: Event) -> Publications:
    """What is public after one more event."""
    match event:
        case ChildHonourPublished():
            public = state.public if state else {}
            told = event.model_dump(exclude={"on"})
            return Publications(event.unit, {**public, event.achievement_id: told})
        case ChildHonourWithdrawn() if state:
            left = {which: told for which, told in state.public.items() if which != event.achievement_id}
            return replace(state, public=left)
    raise AssertionError(f"{event.topic} is no event of a publication")


PUBLICATIONS = Aggregate("child_publications", evolve, lambda publications: publications.unit, begins=(ChildHonourPublished,))
