"""May this of a person be kept from erasure, and until when?

Legal holds are chapters of the history of whom they hold, member or child, as the erasure is: so none can slip between a
check and the erasure (Law 91/2025/QH15, art. 14; Decree 356/2025/NĐ-CP).
"""

from collections.abc import Iterable
from uuid import UUID

from chassis.claims import Claim
from chassis.commands import Aggregate, Command
from chassis.events import Event
from chassis.fields import Day
from chassis.refusals import AlreadyExists, NotFound, RuleBroken
from membership.domain.child import CHILD, Child, Persons, PersonUnknown, unit_of
from membership.domain.data_request import Reference
from membership.domain.data_subject import LegalHold, not_erased
from membership.domain.member import MEMBER, Member
from membership.domain.unit import not_before
from membership.events import ChildRegistered, FieldClass, LegalHoldLifted, LegalHoldPlaced

Subject = Member | Child
"""Whose data it is (Law 91/2025/QH15: *chủ thể dữ liệu*); for a child its guardian asks."""

_WORDS = {
    FieldClass.IDENTITY: ("thông tin định danh", "identity"),
    FieldClass.CONTACT: ("thông tin liên lạc", "contact details"),
    FieldClass.HARDSHIP: ("hoàn cảnh khó khăn", "hardship"),
    FieldClass.PHOTO: ("ảnh", "photo"),
}


class LegallyHeld(RuleBroken):
    """What the law orders to be kept cannot be erased (Law 91/2025/QH15, art. 14)."""

    vi = "Chưa được xoá vì pháp luật yêu cầu lưu giữ: {holds_vi}."
    en = "The law keeps it from erasure: {holds_en}."

    def __init__(self, field: str, holds: Iterable[LegalHold]) -> None:
        said = [(*_WORDS[hold.field_class], hold.basis) for hold in holds]
        super().__init__(
            field,
            holds_vi="; ".join(f"{vi} ({basis})" for vi, _, basis in said),
            holds_en="; ".join(f"{en} ({basis})" for _, en, basis in said),
        )


class HoldExists(AlreadyExists):
    """A hold id is given once among the holds of a person."""

    vi = "Mã lưu giữ này đã được dùng."
    en = "This hold id is already taken."


class HoldUnknown(NotFound):
    """Only a hold that is there is lifted."""

    vi = "Không có lệnh lưu giữ này."
    en = "There is no such legal hold."


class PersonCommand(Command):
    """A command about the data of one person."""

    person_id: UUID
    on: Day

    @property
    def aggregate_id(self) -> UUID:
        """The person's own id: the member's, or the child's."""
        return self.person_id


class PlaceLegalHold(PersonCommand):
    """Keep a class of a person's data from erasure."""

    hold_id: UUID
    field_class: FieldClass
    basis: Reference
    reason: Reference


class LiftLegalHold(PersonCommand):
    """End a legal hold."""

    hold_id: UUID
    reason: Reference


def place(state: Subject | None, command: PlaceLegalHold, persons: Persons) -> list[Event]:
    """A hold may be placed on who left, too: its records are still there.

    :raises PersonUnknown, NotBefore, SubjectIsErased, HoldExists:
    """
    subject = known(state, command)
    not_erased(subject, "person_id")
    if command.hold_id in {hold.hold_id for hold in subject.holds}:
        raise HoldExists("hold_id")
    return [
        LegalHoldPlaced(
            unit=unit_now(subject, command, persons),
            on=command.on,
            hold_id=command.hold_id,
            person_id=command.person_id,
            field_class=command.field_class,
            basis=command.basis,
            reason=command.reason,
        )
    ]


def lift(state: Subject | None, command: LiftLegalHold, persons: Persons) -> list[Event]:
    """:raises PersonUnknown, NotBefore, HoldUnknown:"""
    subject = known(state, command)
    if command.hold_id not in {hold.hold_id for hold in subject.holds}:
        raise HoldUnknown("hold_id")
    return [
        LegalHoldLifted(
            unit=unit_now(subject, command, persons),
            on=command.on,
            hold_id=command.hold_id,
            person_id=command.person_id,
            reason=command.reason,
        )
    ]


def known(state: Subject | None, command: PersonCommand) -> Subject:
    """:raises PersonUnknown: it is neither a member nor a child. :raises NotBefore: it was not yet on that day."""
    if state is None:
        raise PersonUnknown("person_id")
    not_before(state.joined_on if isinstance(state, Member) else state.registered_on, command.on)
    return state


def unit_now(state: Subject | None, command: PersonCommand, persons: Persons) -> str:
    """Where somebody is recorded about: a member at its own unit, a child at its parent's of now.

    :raises PersonUnknown: it is neither.
    """
    if state is None:
        raise PersonUnknown("person_id")
    return state.unit if isinstance(state, Member) else unit_of(state, command, persons)


def evolve(state: Subject | None, event: Event) -> Subject:
    """The member, or the child, after one more event."""
    if isinstance(state, Child) or (state is None and isinstance(event, ChildRegistered)):
        return CHILD.evolve(state, event)
    return MEMBER.evolve(state, event)


def claims(state: Subject | None, event: Event) -> Iterable[Claim]:
    """What a member claims; a child claims nothing."""
    return MEMBER.claims(state, event) if isinstance(state, Member) else ()


SUBJECT: Aggregate[Subject] = Aggregate(
    "subject", evolve, lambda subject: subject.unit, claims, begins=(*MEMBER.begins, *CHILD.begins)
)
"""A member or a child, whichever has the id: the same history and the same state as by its own kind."""
