"""May this award be proposed, endorsed, returned, proposed again? A nomination before its decision."""

from uuid import UUID

from pydantic import Field, ValidationInfo, field_validator

from awards.domain.nomination import AwardFacts, Nomination, NominationCommand, NominationUnknown, Stage, known, under_review
from awards.domain.standing import decider_above, open_unit, reviewer_between
from awards.events import AwardEndorsed, AwardForm, AwardProposed, AwardResubmitted, AwardReturned, AwardScope
from chassis.commands import FieldRule
from chassis.events import Event
from chassis.fields import Code, Line, Text, Year
from chassis.refusals import AlreadyExists, NotFound, RuleBroken


class NominationExists(AlreadyExists):
    """A nomination id is given once."""

    vi = "Mã đề nghị khen thưởng này đã được dùng."
    en = "This nomination id is already taken."


class MemberUnknown(NotFound):
    """Nobody was admitted under this id."""

    vi = "Không có đoàn viên này."
    en = "There is no such member."


class MemberNotActive(RuleBroken):
    """Only an active member is proposed."""

    vi = "Đoàn viên đã thôi sinh hoạt."
    en = "The member is no longer active."


class FlagsAreForUnits(RuleBroken):
    """A flag is given to a unit, never to a person."""

    vi = "Cờ thi đua chỉ tặng cho tập thể."
    en = "Flags are given to units only."


class AlreadyEndorsed(RuleBroken):
    """A unit endorses a nomination once."""

    vi = "Đơn vị {reviewer} đã xác nhận đề nghị này."
    en = "The unit {reviewer} has endorsed the nomination already."


class NotReturned(RuleBroken):
    """Only a returned nomination is proposed again."""

    vi = "Đề nghị không bị trả lại."
    en = "The nomination was not returned."


class ProposeAward(NominationCommand):
    """Propose a unit, or a member, for an award of a year."""

    unit: Code | None = None
    member_id: UUID | None = Field(default=None, validate_default=True)
    form: AwardForm
    scope: AwardScope
    theme: Line | None = Field(default=None, validate_default=True)
    year: Year
    decider: Code
    citation: Text = ""

    @field_validator("member_id")
    @classmethod
    def _one_recipient(cls, member_id: UUID | None, info: ValidationInfo) -> UUID | None:
        if "unit" in info.data and (member_id is None) == (info.data["unit"] is None):
            raise FieldRule("cần đúng một trong unit và member_id", "exactly one of unit and member_id is needed")
        return member_id

    @field_validator("theme")
    @classmethod
    def _theme_of_scope(cls, theme: str | None, info: ValidationInfo) -> str | None:
        if "scope" in info.data and (theme is not None) != (info.data["scope"] is AwardScope.THEMATIC):
            raise FieldRule("chỉ và phải có khi khen chuyên đề", "is given exactly when the scope is thematic")
        return theme


class ReviewCommand(NominationCommand):
    """A command by which a unit on a nomination's way judges it."""

    reviewer: Code


class EndorseAward(ReviewCommand):
    """Support a nomination."""


class ReturnAward(ReviewCommand):
    """Return a nomination for mending."""

    reason: Line


class ResubmitAward(NominationCommand):
    """Propose a returned nomination again."""

    citation: Text = ""


def propose(state: Nomination | None, command: ProposeAward, facts: AwardFacts) -> list[Event]:
    """:raises NominationExists, MemberUnknown, MemberNotActive, FlagsAreForUnits, and those of `decider_above`:"""
    if state is not None:
        raise NominationExists("nomination_id")
    unit = recipient_unit(command, facts)
    person = command.member_id is not None
    if person and command.form is AwardForm.FLAG:
        raise FlagsAreForUnits("member_id")
    decider_above(facts.units, command.decider, unit, person=person)
    return [
        AwardProposed(
            unit=unit,
            on=command.on,
            nomination_id=command.nomination_id,
            member_id=command.member_id,
            form=command.form,
            scope=command.scope,
            theme=command.theme or "",
            year=command.year,
            decider=command.decider,
            citation=command.citation,
        )
    ]


def endorse(state: Nomination | None, command: EndorseAward, facts: AwardFacts) -> list[Event]:
    """:raises NominationUnknown, AlreadyDecided, NominationReturned, NotBefore, ReviewerElsewhere, AlreadyEndorsed:"""
    nomination = under_review(state, command.on)
    reviewing_unit(nomination, command, facts)
    if command.reviewer in nomination.endorsed_by:
        raise AlreadyEndorsed("reviewer", reviewer=command.reviewer)
    return [AwardEndorsed(**nomination.told, on=command.on, reviewer=command.reviewer)]


def send_back(state: Nomination | None, command: ReturnAward, facts: AwardFacts) -> list[Event]:
    """:raises NominationUnknown, AlreadyDecided, NominationReturned, NotBefore, ReviewerElsewhere:"""
    nomination = under_review(state, command.on)
    reviewing_unit(nomination, command, facts)
    return [AwardReturned(**nomination.told, on=command.on, reviewer=command.reviewer, reason=command.reason)]


def resubmit(state: Nomination | None, command: ResubmitAward, _: object) -> list[Event]:
    """:raises NominationUnknown, NotBefore, NotReturned:"""
    nomination = known(state, command.on)
    if nomination.stage is not Stage.RETURNED:
        raise NotReturned("nomination_id")
    return [AwardResubmitted(**nomination.told, on=command.on, citation=command.citation)]


def recipient_unit(command: ProposeAward, facts: AwardFacts) -> str:
    """The unit that is proposed, or that of the member.

    :raises MemberUnknown, MemberNotActive:
    """
    if command.member_id is None:
        assert command.unit is not None
        return command.unit
    nominee = facts.members.get(command.member_id)
    if nominee is None:
        raise MemberUnknown("member_id")
    if not nominee.active:
        raise MemberNotActive("member_id")
    return nominee.unit


def proposing_unit(state: Nomination | None, command: ProposeAward, facts: AwardFacts) -> str:
    """Where an award is proposed: at the recipient's unit.

    :raises UnitUnknown, UnitIsDissolved, MemberUnknown, MemberNotActive:
    """
    if state is not None:
        return state.unit
    open_unit(facts.units, command.decider, "decider")
    return open_unit(facts.units, recipient_unit(command, facts)).code


def reviewing_unit(state: Nomination | None, command: ReviewCommand, facts: AwardFacts) -> str:
    """Where a nomination is endorsed or returned: at the unit named, once it is seen to stand on the nomination's way.

    :raises NominationUnknown, UnitUnknown, UnitIsDissolved, ReviewerElsewhere:
    """
    if state is None:
        raise NominationUnknown("nomination_id")
    person = state.member_id is not None
    reviewer_between(facts.units, command.reviewer, state.decider, state.unit, person=person)
    return command.reviewer
