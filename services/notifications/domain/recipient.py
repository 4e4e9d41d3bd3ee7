"""Whom does a message reach, and at whose unit is that decided?"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from chassis.hierarchy import Node, UnitUnknown
from chassis.refusals import Invalid, NotFound, Problem
from notifications.events import RecipientKind


class RecipientUnclear(Invalid):
    """A recipient is a unit or a member, one of them and not both."""

    def __init__(self) -> None:
        super().__init__(Problem("unit", "phải nêu đơn vị hoặc đoàn viên, và chỉ một", "name a unit or a member, and only one"))


class MemberNotActive(NotFound):
    """Only an active member is written to."""

    vi = "Không có đoàn viên nào đang sinh hoạt với mã này."
    en = "There is no active member with this id."


class ToSomebody(Protocol):
    """A command that names a recipient."""

    @property
    def unit(self) -> str | None:
        """A unit's code, or None."""

    @property
    def member_id(self) -> UUID | None:
        """A member's id, or None."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """A unit's code or a member's id, and the unit whose history the message stands in."""

    kind: RecipientKind
    name: str
    unit: str


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What decisions on channels and deliveries must see.

    ``member_units``: the unit of each member named, as membership knows it now; none for who is not active.
    ``open_channels``: kind, recipient and channel of those that were opened. Seconds are those of the settings.
    """

    now: datetime
    units: Mapping[str, Node | None]
    member_units: Mapping[UUID, str]
    open_channels: frozenset[tuple[str, str, str]] = frozenset()
    first_retry_s: float = 60.0
    sending_lease_s: float = 120.0

    def recipient(self, command: ToSomebody) -> Recipient:
        """:raises RecipientUnclear, UnitUnknown, MemberNotActive:"""
        match command.unit, command.member_id:
            case (str(unit), None):
                if self.units.get(unit) is None:
                    raise UnitUnknown("unit", code=unit)
                return Recipient(RecipientKind.UNIT, unit, unit)
            case (None, UUID() as member_id):
                if member_id not in self.member_units:
                    raise MemberNotActive("member_id")
                return Recipient(RecipientKind.MEMBER, str(member_id), self.member_units[member_id])
        raise RecipientUnclear()


def at_recipient(state: object, command: ToSomebody, circumstances: Circumstances) -> str:
    """Where it is decided what reaches somebody: at the unit itself, or the unit the member is in now."""
    return circumstances.recipient(command).unit
