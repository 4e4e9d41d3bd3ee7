"""Through which channels may a unit or a member be reached? In the inbox always; by mail only once that was opened."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID, uuid5

from pydantic import StringConstraints

from chassis.claims import Claim
from chassis.commands import Aggregate, Command
from chassis.events import Event
from chassis.fields import Code, Day
from chassis.refusals import Invalid, Problem, RuleBroken
from notifications.domain.forgotten import still_reached
from notifications.domain.recipient import Circumstances
from notifications.events import Channel, ChannelPreferenceSet, RecipientKind

_PREFERENCES = UUID("3c9e1f43-8a3c-5a63-b6a0-64b0b1f6a2d7")

OfficeAddress = Annotated[str, StringConstraints(max_length=254, pattern=r"^([!-?A-~]+@[!-?A-~]+\.[!-?A-~]+)?$")]
"""An e-mail address in ASCII, or nothing."""


class InboxAlwaysOpen(RuleBroken):
    """The in-app inbox cannot be closed, and need not be opened."""

    vi = "Hộp thư trong ứng dụng luôn mở, không cần bật và không thể tắt."
    en = "The in-app inbox is always open; it need not be opened and cannot be closed."


class AddressMissing(Invalid):
    """A unit gets mail only at the address of its office."""

    def __init__(self) -> None:
        super().__init__(
            Problem("office_address", "cần địa chỉ thư của văn phòng đơn vị", "the address of the unit's office is needed")
        )


class AddressOfAPerson(Invalid):
    """A member's address is kept by membership alone."""

    def __init__(self) -> None:
        problem = Problem("office_address", "không ghi địa chỉ của đoàn viên ở đây", "a member's address is not kept here")
        super().__init__(problem)


class PreferenceUnchanged(RuleBroken):
    """A command that would record nothing new is not recorded."""

    vi = "Lựa chọn này đã được ghi nhận như vậy."
    en = "The preference is recorded like this already."


@dataclass(frozen=True, slots=True)
class Preference:
    """Whether a channel is open to a recipient, and the office's address where it needs one."""

    unit: str
    open: bool
    office_address: str


class SetChannelPreference(Command):
    """Open or close a channel."""

    unit: Code | None = None
    member_id: UUID | None = None
    channel: Channel
    open: bool
    office_address: OfficeAddress = ""
    on: Day

    @property
    def aggregate_id(self) -> UUID:
        """Follows from recipient and channel."""
        if self.unit is not None:
            return preference_id(RecipientKind.UNIT, self.unit, self.channel)
        return preference_id(RecipientKind.MEMBER, str(self.member_id), self.channel)


def preference_id(kind: RecipientKind, recipient: str, channel: Channel) -> UUID:
    """The aggregate id of a preference."""
    return uuid5(_PREFERENCES, f"{kind}/{recipient}/{channel}")


def choose(state: Preference | None, command: SetChannelPreference, circumstances: Circumstances) -> list[Event]:
    """:raises RecipientUnclear, UnitUnknown, MemberNotActive, InboxAlwaysOpen, AddressMissing, AddressOfAPerson,
    PreferenceUnchanged:"""
    recipient = circumstances.recipient(command)
    if command.channel is Channel.IN_APP:
        raise InboxAlwaysOpen("channel")
    if recipient.kind is RecipientKind.MEMBER and command.office_address:
        raise AddressOfAPerson()
    if recipient.kind is RecipientKind.UNIT and command.open and not command.office_address:
        raise AddressMissing()
    if (state.open, state.office_address) == (command.open, command.office_address) if state else not command.open:
        raise PreferenceUnchanged("open")
    return [
        ChannelPreferenceSet(
            unit=recipient.unit,
            on=command.on,
            recipient_kind=recipient.kind,
            recipient=recipient.name,
            channel=command.channel,
            open=command.open,
            office_address=command.office_address,
        )
    ]


def evolve(state: Preference | None, event: Event) -> Preference:
    """The preference after one more event."""
    match event:
        case ChannelPreferenceSet():
            return Preference(event.unit, event.open, event.office_address)
    raise AssertionError(f"{event.topic} is no event of a channel preference")


def claims(state: Preference | None, event: Event) -> Iterable[Claim]:
    """A member who was forgotten chooses no channel."""
    assert isinstance(event, ChannelPreferenceSet)
    return still_reached(event.recipient_kind, event.recipient)


CHANNEL_PREFERENCE = Aggregate(
    "channel_preference", evolve, lambda preference: preference.unit, claims, begins=(ChannelPreferenceSet,)
)
