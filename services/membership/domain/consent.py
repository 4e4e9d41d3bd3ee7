"""Does this person agree to this purpose? Per purpose, explicitly, with evidence, and taken back as easily as given.

Law 91/2025/QH15, art. 9 (consent) and 10 (withdrawal); art. 24 (children). Nothing is agreed to by default: a consent that
nobody gave is none.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Annotated
from uuid import UUID, uuid5

from pydantic import StringConstraints

from chassis.commands import Aggregate, Command
from chassis.events import Event, Personal
from chassis.fields import Day, Line
from chassis.refusals import NotFound, RuleBroken
from membership.domain.child import Person, Persons, PersonUnknown, has_own_voice
from membership.domain.data_subject import SubjectIsErased
from membership.domain.unit import NothingChanges, not_before
from membership.events import ConsentGiven, ConsentGiver, ConsentPurpose, ConsentWithdrawn

_CONSENTS = UUID("8f6b1d0e-4b57-5d8c-9a34-6f0f2c7d5e19")
_OF_MEMBERS = frozenset({ConsentPurpose.EMAIL_NOTICES, ConsentPurpose.PHOTO_PUBLICATION, ConsentPurpose.PARTNER_OFFERS})
_OF_CHILDREN = frozenset({ConsentPurpose.CHILD_HONOUR_PUBLICATION, ConsentPurpose.PHOTO_PUBLICATION})

TextVersion = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
"""Which text was shown: ``2026-01``."""


class PurposeDoesNotFit(RuleBroken):
    """Notices and offers are for members, honours of children for children."""

    vi = "Mục đích này không áp dụng cho người này."
    en = "This purpose is none for this person."


class MembersSpeakForThemselves(RuleBroken):
    """A guardian speaks for a child only."""

    vi = "Đoàn viên tự mình đồng ý hoặc rút lại sự đồng ý."
    en = "A member agrees, and takes back, for itself."


class TooYoungToConsent(RuleBroken):
    """Below seven years only the guardian speaks."""

    vi = "Trẻ chưa đủ bảy tuổi; người giám hộ đồng ý thay."
    en = "The child is not seven yet; its guardian agrees for it."


class GuardianUnknown(NotFound):
    """A guardian that is named is a member; one who is no member is not named."""

    vi = "Không có đoàn viên nào là người giám hộ mang mã này."
    en = "There is no member with the guardian's id."


class ConsentNotGiven(RuleBroken):
    """Only what was given is taken back."""

    vi = "Không có sự đồng ý nào đang có hiệu lực để rút lại."
    en = "No consent is in force that could be taken back."


@dataclass(frozen=True, slots=True)
class Consent:
    """What one voice last said about one purpose of one person; `given` is None while nothing is agreed to."""

    unit: str
    changed_on: date
    given: "Given | None"


@dataclass(frozen=True, slots=True)
class Given:
    """What was agreed to, by whom, and where that can be seen."""

    text_version: str
    guardian_id: UUID | None
    evidence: str | None = field(repr=False)


class ConsentCommand(Command):
    """A command about one purpose of one person, by one voice."""

    person_id: UUID
    purpose: ConsentPurpose
    given_by: ConsentGiver
    on: Day

    @property
    def aggregate_id(self) -> UUID:
        """One consent a person, purpose and voice."""
        return consent_id(self.person_id, self.purpose, self.given_by)


class GiveConsent(ConsentCommand):
    """A person agrees, or its guardian does."""

    guardian_id: UUID | None = None
    text_version: TextVersion
    evidence: Personal[Line]


class WithdrawConsent(ConsentCommand):
    """What was agreed to is taken back, without any reason."""


def consent_id(person_id: UUID, purpose: ConsentPurpose, given_by: ConsentGiver) -> UUID:
    """The aggregate id of a consent: it follows from whose it is, what for, and who speaks."""
    return uuid5(_CONSENTS, f"{person_id}/{purpose.value}/{given_by.value}")


def consents_about(person_id: UUID) -> list[UUID]:
    """Every consent that there may be about a person: what is sealed in them is sealed by the person's key."""
    return [consent_id(person_id, purpose, giver) for purpose in ConsentPurpose for giver in ConsentGiver]


def give(state: Consent | None, command: GiveConsent, persons: Persons) -> list[Event]:
    """:raises PersonUnknown, SubjectIsErased, PurposeDoesNotFit, MembersSpeakForThemselves, TooYoungToConsent, GuardianUnknown,
    NotBefore, NothingChanges:"""
    person = _person(command, persons)
    if person.erased:
        raise SubjectIsErased("person_id")
    if command.purpose not in (_OF_CHILDREN if person.child else _OF_MEMBERS):
        raise PurposeDoesNotFit("purpose")
    _check_voice(command, person, persons)
    not_before(state.changed_on if state else person.since, command.on)
    if state and state.given == Given(command.text_version, command.guardian_id, command.evidence):
        raise NothingChanges("text_version")
    return [
        ConsentGiven(
            unit=person.unit,
            on=command.on,
            person_id=command.person_id,
            purpose=command.purpose,
            given_by=command.given_by,
            guardian_id=command.guardian_id,
            text_version=command.text_version,
            evidence=command.evidence,
        )
    ]


def withdraw(state: Consent | None, command: WithdrawConsent, persons: Persons) -> list[Event]:
    """:raises PersonUnknown, ConsentNotGiven, NotBefore:"""
    person = _person(command, persons)
    if state is None or state.given is None:
        raise ConsentNotGiven("purpose")
    not_before(state.changed_on, command.on)
    return [
        ConsentWithdrawn(
            unit=person.unit,
            on=command.on,
            person_id=command.person_id,
            purpose=command.purpose,
            given_by=command.given_by,
        )
    ]


def at_person(state: Consent | None, command: ConsentCommand, persons: Persons) -> str:
    """Where a consent is recorded: at the unit its person is of now, a child by its parent.

    :raises PersonUnknown:
    """
    return _person(command, persons).unit


def _person(command: ConsentCommand, persons: Persons) -> Person:
    person = persons.get(command.person_id)
    if person is None:
        raise PersonUnknown("person_id")
    return person


def _check_voice(command: GiveConsent, person: Person, persons: Persons) -> None:
    """:raises MembersSpeakForThemselves, TooYoungToConsent, GuardianUnknown:"""
    if command.given_by is ConsentGiver.SELF:
        if command.guardian_id is not None:
            raise MembersSpeakForThemselves("guardian_id")
        if person.child and (person.child.born_on is None or not has_own_voice(person.child.born_on, command.on)):
            raise TooYoungToConsent("given_by")
        return
    if person.child is None:
        raise MembersSpeakForThemselves("given_by")
    guardian = persons.get(command.guardian_id) if command.guardian_id else None
    if command.guardian_id and (guardian is None or guardian.child or guardian.erased):
        raise GuardianUnknown("guardian_id")


def evolve(state: Consent | None, event: Event) -> Consent:
    """The consent after one more event; its evidence may be gone."""
    match event:
        case ConsentGiven():
            return Consent(event.unit, event.on, Given(event.text_version, event.guardian_id, event.evidence))
        case ConsentWithdrawn() if state:
            return Consent(event.unit, event.on, None)
    raise AssertionError(f"{event.topic} is no event of a consent")


CONSENT: Aggregate[Consent] = Aggregate("consent", evolve, lambda consent: consent.unit, begins=(ConsentGiven,))
