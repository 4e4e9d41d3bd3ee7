"""Whom must nothing reach any more? A member that was erased: its id stays in the history, and nothing is addressed to it.

That holds against everything that is asked for at the same moment: being forgotten is a claim, which whatever is addressed
to a member must find vacant in the same transaction.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID, uuid5

from chassis.claims import Claim
from chassis.commands import Aggregate, Command
from chassis.events import Event
from chassis.fields import Code, Day
from chassis.refusals import RuleBroken
from notifications.domain.recipient import MemberNotActive
from notifications.events import RecipientForgotten, RecipientKind

_FORGOTTEN = UUID("7c1d5e0b-3f0a-5a8e-9f53-2e6d4b8a1c07")


class AlreadyForgotten(RuleBroken):
    """A member is forgotten once."""

    vi = "Đoàn viên này đã được xoá."
    en = "The member is forgotten already."


@dataclass(frozen=True, slots=True)
class Forgotten:
    """A member to whom nothing is addressed any more."""

    member_id: UUID
    unit: str


def forgotten_id(member_id: UUID) -> UUID:
    """The aggregate id of a member's being forgotten."""
    return uuid5(_FORGOTTEN, str(member_id))


class ForgetRecipient(Command):
    """Address nothing to a member any more."""

    member_id: UUID
    unit: Code
    on: Day

    @property
    def aggregate_id(self) -> UUID:
        """Follows from the member."""
        return forgotten_id(self.member_id)


def forget(state: Forgotten | None, command: ForgetRecipient, _: object) -> list[Event]:
    """:raises AlreadyForgotten:"""
    if state is not None:
        raise AlreadyForgotten("member_id")
    return [RecipientForgotten(unit=command.unit, on=command.on, member_id=command.member_id)]


def evolve(state: Forgotten | None, event: Event) -> Forgotten:
    """The member after one more event."""
    match event:
        case RecipientForgotten():
            return Forgotten(event.member_id, event.unit)
    raise AssertionError(f"{event.topic} forgets nobody")


def claims(state: Forgotten | None, event: Event) -> Iterable[Claim]:
    """Once, for ever."""
    assert isinstance(event, RecipientForgotten)
    yield Claim(_key(str(event.member_id)), "take")


def still_reached(kind: RecipientKind, recipient: str) -> Iterable[Claim]:
    """What holds while something is addressed to a recipient: that it is no member who was forgotten."""
    if kind is RecipientKind.MEMBER:
        yield Claim(_key(recipient), "vacant", lambda: MemberNotActive("member_id"))


def _key(member_id: str) -> str:
    return f"forgotten/{member_id}"


FORGOTTEN = Aggregate("forgotten_recipient", evolve, lambda forgotten: forgotten.unit, claims, begins=(RecipientForgotten,))
