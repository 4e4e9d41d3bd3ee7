"""What is a unit's committee: who holds which position, and who signs in whose place? Its state, evolve and claims.

One aggregate a unit, so that two chairs cannot be appointed at once; its chapters stand beside it:
:mod:`~membership.domain.office` and :mod:`~membership.domain.delegation`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Annotated
from uuid import UUID, uuid5

from pydantic import StringConstraints

from chassis.claims import Claim
from chassis.commands import Aggregate, Command
from chassis.events import Event
from chassis.fields import Code, Day
from chassis.refusals import AlreadyExists, NotFound
from membership.domain.unit import Unit
from membership.events import AuthorityDelegated, DelegationRevoked, Matter, Office, OfficerAppointed, OfficerReleased

_COMMITTEES = UUID("2f3f5c0e-0d1b-5a57-8a53-6f0f3d9c7b41")

Officer = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9]+([._:|-][A-Za-z0-9]+)*$")]
"""The subject of an officer's token: an opaque id. What looks like a name or an e-mail address is none."""

Matters = tuple[Matter, ...]


class PositionExists(AlreadyExists):
    """A position id is given once in the whole federation."""

    vi = "Mã chức vụ này đã được dùng."
    en = "This position id is already taken."


class DelegationExists(AlreadyExists):
    """A delegation id is given once in the whole federation."""

    vi = "Mã uỷ quyền này đã được dùng."
    en = "This delegation id is already taken."


class PositionUnknown(NotFound):
    """The unit has no such position."""

    vi = "Đơn vị không có chức vụ này."
    en = "The unit has no such position."


@dataclass(frozen=True, slots=True)
class Held:
    """What lasts from `since` to `until`, both included; never when `until` lies before. `ended` when that was cut short."""

    since: date
    until: date
    ended: bool = False

    def on(self, day: date) -> bool:
        """Whether it lasts on a day."""
        return self.since <= day <= self.until

    def overlaps(self, other: "Held") -> bool:
        """Whether there is a day on which both last."""
        return max(self.since, other.since) <= min(self.until, other.until)

    def cut(self, on: date) -> "Held":
        """Ended: `on` is the first day without it."""
        return replace(self, until=min(self.until, on - timedelta(days=1)), ended=True)


@dataclass(frozen=True, slots=True)
class Position:
    """An officer in an office."""

    position_id: UUID
    officer: str
    office: Office
    matters: Matters
    held: Held


@dataclass(frozen=True, slots=True)
class Delegation:
    """Somebody who signs in the place of the holder of a position."""

    delegation_id: UUID
    position_id: UUID
    to_officer: str
    matters: Matters
    held: Held


@dataclass(frozen=True, slots=True)
class Committee:
    """Everybody who holds, held or will hold a position of a unit, and every delegation."""

    unit: str
    positions: Mapping[UUID, Position] = field(default_factory=dict)
    delegations: Mapping[UUID, Delegation] = field(default_factory=dict)

    def delegations_of(self, position_id: UUID) -> list[Delegation]:
        """The delegations of a position."""
        return [delegation for delegation in self.delegations.values() if delegation.position_id == position_id]


@dataclass(frozen=True, slots=True)
class OfficeFacts:
    """What decisions on a committee see besides it.

    `caller` is the subject of who asks, `nationwide` whether its role is one that appoints at the top; `units` are those
    that the commands name.
    """

    caller: str
    nationwide: bool
    units: Mapping[str, Unit | None]


class CommitteeCommand(Command):
    """A command about the committee of one unit."""

    unit: Code
    on: Day

    @property
    def aggregate_id(self) -> UUID:
        """One committee a unit."""
        return uuid5(_COMMITTEES, self.unit)


class PositionCommand(CommitteeCommand):
    """A command about one position."""

    position_id: UUID


def known_position(state: Committee | None, position_id: UUID) -> tuple[Committee, Position]:
    """:raises PositionUnknown: nobody was ever appointed to it in this unit."""
    position = state.positions.get(position_id) if state else None
    if state is None or position is None:
        raise PositionUnknown("position_id")
    return state, position


def evolve(state: Committee | None, event: Event) -> Committee:
    """The committee after one more event."""
    committee = state or Committee(event.unit)
    match event:
        case OfficerAppointed():
            held = Held(event.on, event.until)
            return _with(committee, Position(event.position_id, event.officer, event.office, event.matters, held))
        case OfficerReleased() if state:
            position = committee.positions[event.position_id]
            return _with(committee, replace(position, held=position.held.cut(event.on)))
        case AuthorityDelegated() if state:
            named = (event.delegation_id, event.position_id, event.to_officer, event.matters)
            return _with(committee, Delegation(*named, Held(event.on, event.until)))
        case DelegationRevoked() if state:
            delegation = committee.delegations[event.delegation_id]
            return _with(committee, replace(delegation, held=delegation.held.cut(event.on)))
    raise AssertionError(f"{event.topic} is no event of a committee, or there is none")


def _with(committee: Committee, changed: Position | Delegation) -> Committee:
    if isinstance(changed, Position):
        return replace(committee, positions={**committee.positions, changed.position_id: changed})
    return replace(committee, delegations={**committee.delegations, changed.delegation_id: changed})


def claims(state: Committee | None, event: Event) -> Iterable[Claim]:
    """An id names one position, or one delegation, in the whole federation: decisions refer to it."""
    match event:
        case OfficerAppointed():
            yield Claim(f"position:{event.position_id}", "take", lambda: PositionExists("position_id"))
        case AuthorityDelegated():
            yield Claim(f"position:{event.delegation_id}", "take", lambda: DelegationExists("delegation_id"))


COMMITTEE = Aggregate("committee", evolve, lambda committee: committee.unit, claims, begins=(OfficerAppointed,))
