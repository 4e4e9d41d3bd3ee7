"""Is this child honoured, and for what? An achievement is registered in a round, verified, and honoured once.

That a child was honoured is recorded without any consent; whether it is told in public is another question
(:mod:`awards.domain.child_publication`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from uuid import UUID, uuid5

from awards.domain.child_honour_round import Round, RoundUnknown
from awards.domain.standing import Units, not_before, open_unit
from awards.events import (
    AchievementLevel,
    AchievementPrize,
    ChildAchievementRegistered,
    ChildAchievementVerified,
    ChildHonoured,
)
from chassis.authorities import Mandate
from chassis.claims import Claim
from chassis.commands import Aggregate, Command
from chassis.events import Event
from chassis.fields import Day, Line
from chassis.refusals import AlreadyExists, NotFound, RuleBroken
from chassis.vietnamese import folded

_ACHIEVEMENTS = UUID("d7a0f5b6-0b0e-5e0c-9f63-51a8b7c3e2d4")


class AchievementExists(AlreadyExists):
    """An achievement of a child is registered, and so honoured, once in a round."""

    vi = "Thành tích này đã được ghi trong đợt."
    en = "This achievement is registered in the round already."


class AchievementUnknown(NotFound):
    """No such achievement was registered."""

    vi = "Không có thành tích này."
    en = "There is no such achievement."


class OutsideOfRound(RuleBroken):
    """Achievements are registered while the round is open."""

    vi = "Đợt tuyên dương nhận thành tích từ {opens_on} đến {closes_on}."
    en = "The round takes achievements from {opens_on} to {closes_on}."


class UnitOutsideOfRound(RuleBroken):
    """A round is for children of the members at and under the unit that opened it."""

    vi = "Đơn vị {unit} không thuộc đơn vị mở đợt tuyên dương {round_unit}."
    en = "The unit {unit} does not lie under the round's unit {round_unit}."


class ChildUnknown(NotFound):
    """Membership knows no such child, or nothing of it any more."""

    vi = "Không có con của đoàn viên mang mã này."
    en = "There is no such child of a member."


class ParentNotActive(RuleBroken):
    """The parent of a child that is honoured is an active member at the date."""

    vi = "Cha hoặc mẹ của trẻ không phải là đoàn viên đang sinh hoạt vào ngày đó."
    en = "The child's parent is no active member on that day."


class AlreadyVerified(RuleBroken):
    """An achievement is verified once."""

    vi = "Thành tích đã được xác minh."
    en = "The achievement is verified already."


class NotVerified(RuleBroken):
    """Only what was verified is honoured."""

    vi = "Thành tích chưa được xác minh."
    en = "The achievement is not verified yet."


class AlreadyHonoured(RuleBroken):
    """One honour per child, round and achievement."""

    vi = "Trẻ đã được tuyên dương về thành tích này."
    en = "The child was honoured for this achievement already."


@dataclass(frozen=True, slots=True)
class Achievement:
    """An achievement as its history left it; `told` is what each of its events tells."""

    told: Mapping[str, object]
    unit: str
    round_unit: str
    child_id: UUID
    changed_on: date
    verified: bool = False
    honoured_on: date | None = None


@dataclass(frozen=True, slots=True)
class Word:
    """Membership's word on a child: of which unit its parent is, whether active at the date, and who agrees to what."""

    unit: str
    parent_active: bool
    guardian_agrees: bool = False
    child_must_agree: bool = True
    child_agrees: bool = False


Words = Mapping[tuple[UUID, date], Word]
"""What membership says of children on days; nothing of those it does not know."""


@dataclass(frozen=True, slots=True)
class HonourFacts:
    """What decisions on children's honours see besides the achievement; `mandate` is by what the caller signs honours."""

    units: Units = field(default_factory=dict)
    rounds: Mapping[UUID, Round | None] = field(default_factory=dict)
    words: Words = field(default_factory=dict)
    mandate: Mandate = field(default_factory=Mandate)


class AchievementCommand(Command):
    """A command about one achievement."""

    achievement_id: UUID
    on: Day

    @property
    def aggregate_id(self) -> UUID:
        """The achievement's own id."""
        return self.achievement_id


class RegisterChildAchievement(AchievementCommand):
    """Register what a member's child has won."""

    round_id: UUID
    child_id: UUID
    level: AchievementLevel
    prize: AchievementPrize
    contest: Line


class VerifyChildAchievement(AchievementCommand):
    """The proof was seen."""


class HonourChild(AchievementCommand):
    """Honour a child for a verified achievement."""

    decision_number: Line


def register(state: Achievement | None, command: RegisterChildAchievement, facts: HonourFacts) -> list[Event]:
    """That it is registered once in a round is held by a claim (:func:`claims`).

    :raises AchievementExists, RoundUnknown, ChildUnknown, ParentNotActive, UnitUnknown, UnitIsDissolved, UnitOutsideOfRound,
        OutsideOfRound:
    """
    if state is not None:
        raise AchievementExists("achievement_id")
    opened = facts.rounds.get(command.round_id)
    if opened is None:
        raise RoundUnknown("round_id")
    word = _with_active_parent(command.child_id, command.on, facts.words)
    if opened.unit not in open_unit(facts.units, word.unit).above:
        raise UnitOutsideOfRound("child_id", unit=word.unit, round_unit=opened.unit)
    if not opened.opens_on <= command.on <= opened.closes_on:
        raise OutsideOfRound("on", opens_on=opened.opens_on, closes_on=opened.closes_on)
    return [
        ChildAchievementRegistered(
            unit=word.unit,
            on=command.on,
            achievement_id=command.achievement_id,
            round_id=opened.round_id,
            round_unit=opened.unit,
            year=opened.year,
            child_id=command.child_id,
            level=command.level,
            prize=command.prize,
            contest=command.contest,
        )
    ]


def verify(state: Achievement | None, command: VerifyChildAchievement, _: object) -> list[Event]:
    """It may be verified, and honoured, after the round closed: what must lie inside is the registration.

    :raises AchievementUnknown, AlreadyVerified, NotBefore:
    """
    achievement = _known(state)
    if achievement.verified:
        raise AlreadyVerified("achievement_id")
    not_before(achievement.changed_on, command.on)
    return [ChildAchievementVerified.model_validate({**achievement.told, "on": command.on})]


def honour(state: Achievement | None, command: HonourChild, facts: HonourFacts) -> list[Event]:
    """:raises AchievementUnknown, NotVerified, AlreadyHonoured, NotBefore, ChildUnknown, ParentNotActive, NoAuthority:"""
    achievement = _known(state)
    if not achievement.verified:
        raise NotVerified("achievement_id")
    if achievement.honoured_on is not None:
        raise AlreadyHonoured("achievement_id")
    not_before(achievement.changed_on, command.on)
    _with_active_parent(achievement.child_id, command.on, facts.words)
    signed = facts.mandate.at(achievement.round_unit, command.on).signed
    told = {**achievement.told, **signed, "on": command.on, "decision_number": command.decision_number}
    return [ChildHonoured.model_validate(told)]


def registering_unit(state: Achievement | None, command: RegisterChildAchievement, facts: HonourFacts) -> str:
    """Where an achievement is registered: at the unit of the child's parent.

    :raises ChildUnknown:
    """
    return state.unit if state else _word(command.child_id, command.on, facts.words).unit


def honouring_unit(state: Achievement | None, command: Command, _: object) -> str:
    """Where an achievement is verified and honoured: at the unit that opened the round.

    :raises AchievementUnknown:
    """
    return _known(state).round_unit


def _known(state: Achievement | None) -> Achievement:
    if state is None:
        raise AchievementUnknown("achievement_id")
    return state


def _word(child_id: UUID, on: date, words: Words) -> Word:
    word = words.get((child_id, on))
    if word is None:
        raise ChildUnknown("child_id")
    return word


def _with_active_parent(child_id: UUID, on: date, words: Words) -> Word:
    word = _word(child_id, on, words)
    if not word.parent_active:
        raise ParentNotActive("child_id")
    return word


def evolve(state: Achievement | None, event: Event) -> Achievement:
    """The achievement after one more event."""
    match event:
        case ChildAchievementRegistered():
            return Achievement(event.model_dump(exclude={"on"}), event.unit, event.round_unit, event.child_id, event.on)
        case ChildAchievementVerified() if state:
            return replace(state, verified=True, changed_on=event.on)
        case ChildHonoured() if state:
            return replace(state, honoured_on=event.on, changed_on=event.on)
    raise AssertionError(f"{event.topic} is no event of an achievement")


def claims(state: Achievement | None, event: Event) -> Iterable[Claim]:
    """A round has an achievement of a child once, however its contest is written."""
    if isinstance(event, ChildAchievementRegistered):
        contest = " ".join(folded(event.contest).split())
        what = uuid5(_ACHIEVEMENTS, f"{event.round_id}/{event.child_id}/{contest}")
        yield Claim(f"child-achievement:{what}", "take", lambda: AchievementExists("contest"))


ACHIEVEMENT = Aggregate(
    "child_achievement", evolve, lambda achievement: achievement.unit, claims, begins=(ChildAchievementRegistered,)
)
