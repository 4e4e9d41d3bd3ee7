"""Of which unit was a member on a day?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from chassis.database import Pool, fetch
from chassis.read_models import Key, ReadModel
from chassis.recorded import RecordedEvent
from membership.events import MemberJoined, TransferAccepted


@dataclass(frozen=True, slots=True)
class MemberUnit:
    """A member is of a unit from a day on."""

    member_id: UUID
    since: date
    unit: str


MEMBER_UNITS = ReadModel("member_units", 1, MemberUnit, key=("member_id", "since"), source="membership")


def _key(event: MemberJoined | TransferAccepted) -> Key:
    return (event.member_id, event.on)


@MEMBER_UNITS.on(MemberJoined, key=_key)
def joined(row: MemberUnit | None, event: MemberJoined, at: RecordedEvent) -> MemberUnit:
    """The first unit."""
    return MemberUnit(event.member_id, event.on, event.unit)


@MEMBER_UNITS.on(TransferAccepted, key=_key)
def arrived(row: MemberUnit | None, event: TransferAccepted, at: RecordedEvent) -> MemberUnit:
    """The next one; of two on the same day the later."""
    return MemberUnit(event.member_id, event.on, event.unit)


async def units_on(pool: Pool, member_ids: Sequence[UUID], on: date) -> dict[UUID, str]:
    """The unit on a day of those of some members that had joined by then."""
    query = (
        f"select distinct on (member_id) member_id, unit from {MEMBER_UNITS.table}"
        " where member_id = any(%s) and since <= %s order by member_id, since desc"
    )
    return {UUID(str(member_id)): str(unit) for member_id, unit in await fetch(pool, query, (list(member_ids), on))}
