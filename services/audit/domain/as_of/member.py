"""Where and what was a member, by its events up to a cut and a day? Without a word of whom it is."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from audit.domain.as_of.folding import counting
from audit.domain.contribution import Said
from chassis.recorded import RecordedEvent

TOPICS = {
    "membership.member_joined": 1,
    "membership.hardship_recorded": 2,
    "membership.hardship_ended": 1,
    "membership.transfer_requested": 1,
    "membership.member_released": 1,
    "membership.transfer_refused": 1,
    "membership.transfer_accepted": 1,
    "membership.member_left": 1,
    "membership.subject_erased": 1,
}


@dataclass(frozen=True, slots=True)
class MemberThen:
    """A member as it stood; `unit` is where it was last when it had left, `position` that of the last event that counts."""

    member_id: UUID
    unit: str
    joined_on: date
    position: int
    left_on: date | None = None
    hardship: str = ""
    transfer_to: str = ""
    released: bool = False
    erased: bool = False

    @property
    def status(self) -> str:
        """active, or left."""
        return "left" if self.left_on else "active"


def member_then(events: Iterable[RecordedEvent], as_of: date, member: MemberThen | None = None) -> MemberThen | None:
    """The member after the events that count; None when it had not joined.

    :param member: as it stood after the events before these.
    :raises NotReadable: an event lacks what its topic promises.
    """
    for event, said, on in counting(events, TOPICS, as_of):
        if event.topic == "membership.member_joined":
            member = MemberThen(event.aggregate_id, said.text("unit"), on, event.position)
        elif member is not None:
            member = replace(_after(member, said, on), position=event.position)
    return member


def _after(member: MemberThen, said: Said, on: date) -> MemberThen:
    match said.topic.partition(".")[2]:
        case "hardship_recorded":
            return replace(member, hardship=_grade(said))
        case "hardship_ended":
            return replace(member, hardship="")
        case "transfer_requested" | "member_released" as what:
            return replace(member, transfer_to=said.text("to_unit"), released=what == "member_released")
        case "transfer_refused":
            return replace(member, transfer_to="", released=False)
        case "transfer_accepted":
            return replace(member, unit=said.text("unit"), transfer_to="", released=False)
        case "member_left":
            return replace(member, left_on=on, transfer_to="", released=False, hardship="")
        case _:
            return replace(member, erased=True)


def _grade(said: Said) -> str:
    """Version 1 of the event said only whether a hardship was special."""
    if said.whole("schema_version") > 1:
        return said.one_of("grade", ("hardship", "special_hardship"))
    return "special_hardship" if said.flag("special") else "hardship"
