"""May the holder of a position let another sign in its place? Some matters, inside its term, and never further on."""

from uuid import UUID

from pydantic import Field

from chassis.events import Event
from chassis.fields import Day
from chassis.refusals import Forbidden, NotFound, RuleBroken
from membership.domain.committee import (
    Committee,
    CommitteeCommand,
    DelegationExists,
    Matters,
    OfficeFacts,
    Officer,
    Position,
    PositionCommand,
    known_position,
)
from membership.domain.office import EndsBeforeItBegins, held_on
from membership.domain.unit import not_before
from membership.events import AuthorityDelegated, DelegationRevoked


class NotTheHolder(Forbidden):
    """Only whoever holds a position delegates what it allows, and takes that back."""

    vi = "Chỉ người giữ chức vụ mới được uỷ quyền hoặc thu hồi uỷ quyền."
    en = "Only the holder of the position delegates, or revokes a delegation."


class DelegatedFurther(Forbidden):
    """What was delegated is not delegated on."""

    vi = "Người được uỷ quyền không được uỷ quyền lại."
    en = "What was delegated cannot be delegated on."


class MatterBeyondOffice(RuleBroken):
    """Nobody delegates what its own office does not sign."""

    vi = "Chức vụ này không có thẩm quyền đối với việc được uỷ quyền."
    en = "The position does not sign this matter itself."


class OutsideTerm(RuleBroken):
    """A delegation lies inside the term of its position."""

    vi = "Uỷ quyền không được vượt quá thời gian giữ chức vụ, đến ngày {until}."
    en = "A delegation cannot outlast its position, which is held until {until}."


class DelegatedToOneself(RuleBroken):
    """The holder needs no delegation."""

    vi = "Không thể uỷ quyền cho chính mình."
    en = "Nobody delegates to oneself."


class DelegationUnknown(NotFound):
    """The unit has no such delegation."""

    vi = "Đơn vị không có uỷ quyền này."
    en = "The unit has no such delegation."


class DelegationEnded(RuleBroken):
    """A delegation ends once."""

    vi = "Uỷ quyền chỉ có hiệu lực đến ngày {until}."
    en = "The delegation lasted until {until}."


class DelegateAuthority(PositionCommand):
    """Let another sign some matters of a position, until the last of some days."""

    delegation_id: UUID
    to_officer: Officer
    matters: Matters = Field(min_length=1, max_length=10)
    until: Day


class RevokeDelegation(CommitteeCommand):
    """Take a delegation back: `on` is the first day without it."""

    delegation_id: UUID


def delegate(state: Committee | None, command: DelegateAuthority, facts: OfficeFacts) -> list[Event]:
    """:raises DelegationExists, PositionUnknown, NotTheHolder, DelegatedFurther, NotBefore, PositionEnded, DelegatedToOneself,
    MatterBeyondOffice, EndsBeforeItBegins, OutsideTerm:"""
    committee, position = known_position(state, command.position_id)
    if command.delegation_id in committee.delegations:
        raise DelegationExists("delegation_id")
    _check_holder(committee, position, facts.caller)
    held_on(position, command.on)
    if command.to_officer == position.officer:
        raise DelegatedToOneself("to_officer")
    if not set(command.matters) <= set(position.matters):
        raise MatterBeyondOffice("matters")
    if command.until < command.on:
        raise EndsBeforeItBegins("until", on=command.on)
    if command.until > position.held.until:
        raise OutsideTerm("until", until=position.held.until)
    return [
        AuthorityDelegated(
            unit=committee.unit,
            on=command.on,
            delegation_id=command.delegation_id,
            position_id=position.position_id,
            officer=position.officer,
            office=position.office,
            to_officer=command.to_officer,
            matters=tuple(dict.fromkeys(command.matters)),
            until=command.until,
        )
    ]


def revoke(state: Committee | None, command: RevokeDelegation, facts: OfficeFacts) -> list[Event]:
    """:raises DelegationUnknown, NotTheHolder, NotBefore, DelegationEnded:"""
    delegation = state.delegations.get(command.delegation_id) if state else None
    if state is None or delegation is None:
        raise DelegationUnknown("delegation_id")
    if facts.caller != state.positions[delegation.position_id].officer:
        raise NotTheHolder("delegation_id")
    not_before(delegation.held.since, command.on)
    if delegation.held.ended or command.on > delegation.held.until:
        raise DelegationEnded("delegation_id", until=delegation.held.until)
    return [
        DelegationRevoked(
            unit=state.unit,
            on=command.on,
            delegation_id=delegation.delegation_id,
            position_id=delegation.position_id,
            to_officer=delegation.to_officer,
            with_position=False,
        )
    ]


def _check_holder(committee: Committee, position: Position, caller: str) -> None:
    if caller == position.officer:
        return
    if any(one.to_officer == caller for one in committee.delegations_of(position.position_id)):
        raise DelegatedFurther("position_id")
    raise NotTheHolder("position_id")
