"""May this member move to another unit? A transfer is a chapter of the member's own history."""

from uuid import UUID

from chassis.commands import Command
from chassis.events import Event
from chassis.fields import Code, Line
from chassis.refusals import NotFound, RuleBroken
from membership.domain.member import Member, MemberCommand, MemberUnknown, Transfer, Units, active, unit_with_members
from membership.domain.unit import NothingChanges
from membership.events import MemberMovedAway, MemberReleased, TransferAccepted, TransferRefused, TransferRequested


class TransferPending(RuleBroken):
    """One transfer at a time."""

    vi = "Đoàn viên đang có một đề nghị chuyển sinh hoạt."
    en = "A transfer of the member is under way already."


class TransferUnknown(NotFound):
    """The transfer named is not the one under way."""

    vi = "Không có đề nghị chuyển sinh hoạt này."
    en = "There is no such transfer under way."


class NotReleased(RuleBroken):
    """A transfer needs the release of the old unit before the acceptance of the new one."""

    vi = "Đơn vị cũ chưa đồng ý cho chuyển."
    en = "The old unit has not released the member yet."


class AlreadyReleased(RuleBroken):
    """A member is released once in a transfer."""

    vi = "Đơn vị cũ đã đồng ý cho chuyển."
    en = "The old unit has released the member already."


class TransferCommand(MemberCommand):
    """A command about a member's transfer."""

    transfer_id: UUID


class RequestTransfer(TransferCommand):
    """Ask to move to another unit."""

    to_unit: Code


class ReleaseMember(TransferCommand):
    """The old unit lets go."""


class AcceptTransfer(TransferCommand):
    """The new unit takes in."""


class RefuseTransfer(TransferCommand):
    """The new unit does not take in."""

    reason: Line


def request_transfer(state: Member | None, command: RequestTransfer, units: Units) -> list[Event]:
    """:raises MemberUnknown, MemberHasLeft, TransferPending, UnitUnknown, UnitIsDissolved, NotAGrassrootsUnit:"""
    member = active(state, command.on)
    if member.transfer is not None:
        raise TransferPending("transfer_id")
    if command.to_unit == member.unit:
        raise NothingChanges("to_unit")
    unit_with_members(units, command.to_unit, "to_unit")
    return [
        TransferRequested(
            unit=member.unit, on=command.on, member_id=member.member_id, transfer_id=command.transfer_id, to_unit=command.to_unit
        )
    ]


def release(state: Member | None, command: ReleaseMember, _: object) -> list[Event]:
    """:raises MemberUnknown, MemberHasLeft, TransferUnknown, AlreadyReleased:"""
    member, transfer = _transfer_of(state, command)
    if transfer.released:
        raise AlreadyReleased("transfer_id")
    return [
        MemberReleased(
            unit=member.unit,
            on=command.on,
            member_id=member.member_id,
            transfer_id=transfer.transfer_id,
            to_unit=transfer.to_unit,
        )
    ]


def accept_transfer(state: Member | None, command: AcceptTransfer, _: object) -> list[Event]:
    """It is told where the member was, and where it is from now on: these may be two branches.

    :raises MemberUnknown, MemberHasLeft, TransferUnknown, NotReleased:
    """
    member, transfer = _transfer_of(state, command)
    if not transfer.released:
        raise NotReleased("transfer_id")
    return [
        MemberMovedAway(
            unit=member.unit,
            on=command.on,
            member_id=member.member_id,
            transfer_id=transfer.transfer_id,
            to_unit=transfer.to_unit,
        ),
        TransferAccepted(
            unit=transfer.to_unit,
            on=command.on,
            member_id=member.member_id,
            transfer_id=transfer.transfer_id,
            from_unit=member.unit,
            joined_on=member.joined_on,
            hardship=member.hardship,
        ),
    ]


def refuse_transfer(state: Member | None, command: RefuseTransfer, _: object) -> list[Event]:
    """:raises MemberUnknown, MemberHasLeft, TransferUnknown:"""
    member, transfer = _transfer_of(state, command)
    return [
        TransferRefused(
            unit=member.unit,
            on=command.on,
            member_id=member.member_id,
            transfer_id=transfer.transfer_id,
            to_unit=transfer.to_unit,
            reason=command.reason,
        )
    ]


def new_unit(state: Member | None, command: Command, _: object) -> str:
    """Where acceptance and refusal of a transfer are decided: at the unit that is asked."""
    if state is None:
        raise MemberUnknown("member_id")
    return state.transfer.to_unit if state.transfer else state.unit


def _transfer_of(state: Member | None, command: TransferCommand) -> tuple[Member, Transfer]:
    member = active(state, command.on)
    if member.transfer is None or member.transfer.transfer_id != command.transfer_id:
        raise TransferUnknown("transfer_id")
    return member, member.transfer
