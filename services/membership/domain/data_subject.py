"""What of a person does the law keep, and was it erased? The same for members and for their children."""

from dataclasses import dataclass
from datetime import date
from typing import Protocol
from uuid import UUID

from chassis.refusals import RuleBroken
from membership.events import FieldClass, LegalHoldLifted, LegalHoldPlaced


class SubjectIsErased(RuleBroken):
    """Nothing personal can be recorded of, or asked about, a person whose data was erased."""

    vi = "Dữ liệu cá nhân của người này đã được xoá theo yêu cầu."
    en = "The personal data of this person was erased on request."


@dataclass(frozen=True, slots=True)
class LegalHold:
    """What the law keeps of a person, on which basis."""

    hold_id: UUID
    field_class: FieldClass
    basis: str


@dataclass(frozen=True, slots=True)
class Erasure:
    """That a person was erased: on which request, and who must acknowledge it."""

    request_id: UUID
    on: date
    awaited: tuple[str, ...]


class Erasable(Protocol):
    """A person as far as erasure goes."""

    @property
    def erased(self) -> Erasure | None:
        """None as long as it was not."""


def holds_after(holds: tuple[LegalHold, ...], event: LegalHoldPlaced | LegalHoldLifted) -> tuple[LegalHold, ...]:
    """The legal holds of a person after one more was placed or lifted."""
    if isinstance(event, LegalHoldPlaced):
        return (*holds, LegalHold(event.hold_id, event.field_class, event.basis))
    return tuple(hold for hold in holds if hold.hold_id != event.hold_id)


def not_erased(subject: Erasable, field: str) -> None:
    """For every command that needs or adds personal data.

    :raises SubjectIsErased: there is none any more, and there may not be.
    """
    if subject.erased is not None:
        raise SubjectIsErased(field)
