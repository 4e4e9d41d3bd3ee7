"""Who may sign what, at which unit, on which day?

An authority is a position or a delegation of one, seen from what it allows: one matter, at one unit, from one day to
another. It is asked about at the day of the decision, not of its recording: what was signed while it lasted stands.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Protocol
from uuid import UUID

from pydantic import BaseModel

from chassis.refusals import RuleBroken
from chassis.security import Caller
from chassis.wording import Words, means


class NoAuthority(RuleBroken):
    """A decision is valid only under a live position or delegation at its date; the right by role is not enough."""

    vi = "Ngày {on}, người gọi không giữ chức vụ hay uỷ quyền nào để ký việc này tại đơn vị {unit}."
    en = "On {on} the caller held no position or delegation by which this is signed at the unit {unit}."


class Signed(BaseModel):
    """What a signed event tells: under which position and, when somebody signed for its holder, by which delegation.

    Both None in events of the time before positions were recorded.
    """

    meanings: ClassVar[Mapping[str, Words]] = means(
        position_id=("mã chức vụ của người ký; trống ở sự kiện cũ", "id of the position that signed; empty in old events"),
        delegation_id=(
            "mã uỷ quyền, khi ký thay; trống khi tự ký",
            "id of the delegation, when signed for another; else empty",
        ),
    )

    position_id: UUID | None = None
    delegation_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Authority:
    """An officer may sign a matter at a unit, from the first to the last of some days; never when `until` is before `since`.

    ``authority_id`` is that of the delegation, or of the position itself; ``office`` is that of the position it comes from,
    ``position`` where in the history its last event stands.
    """

    authority_id: UUID
    matter: str
    position_id: UUID
    officer: str
    unit: str
    office: str
    since: date
    until: date
    position: int

    @property
    def delegated(self) -> bool:
        """Whether another than the holder of the position signs."""
        return self.authority_id != self.position_id

    @property
    def signed(self) -> Mapping[str, UUID | None]:
        """The fields of :class:`Signed`."""
        return {"position_id": self.position_id, "delegation_id": self.authority_id if self.delegated else None}


@dataclass(frozen=True, slots=True)
class Mandate:
    """Everything by which one caller may, could or will be able to sign one matter."""

    authorities: tuple[Authority, ...] = ()

    def at(self, unit: str, on: date) -> Authority:
        """That by which it is signed at a unit on a day: a position before a delegation, then the oldest.

        :raises NoAuthority: there is none.
        """
        live = [one for one in self.authorities if one.unit == unit and one.since <= on <= one.until]
        if not live:
            raise NoAuthority("on", on=on, unit=unit)
        return min(live, key=lambda one: (one.delegated, one.since, one.authority_id))


class Authorities(Protocol):
    """Whoever knows who may sign; see :mod:`chassis.authority_register`."""

    async def mandate(self, caller: Caller, matter: str) -> Mandate:
        """Everything by which a caller may sign a matter, whatever the unit and the day.

        :raises Unavailable: that cannot be known just now.
        """
