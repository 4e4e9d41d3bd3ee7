"""Which members are about to move, and where to?"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from chassis.database import Pool, fetch_rows
from chassis.read_models import ReadModel
from chassis.recorded import RecordedEvent
from membership.events import MemberLeft, SubjectErased, TransferAccepted, TransferRefused, TransferRequested


@dataclass(frozen=True, slots=True)
class PendingTransfer:
    """A member asks to move to a unit that has neither accepted nor refused."""

    member_id: UUID
    to_unit: str


PENDING_TRANSFERS = ReadModel("pending_transfers", 1, PendingTransfer, key=("member_id",), source="membership")


@PENDING_TRANSFERS.on(TransferRequested, key=lambda event: (event.member_id,))
def requested(row: PendingTransfer | None, event: TransferRequested, at: RecordedEvent) -> PendingTransfer:
    """It begins."""
    return PendingTransfer(event.member_id, event.to_unit)


def _over(row: PendingTransfer | None, event: object, at: RecordedEvent) -> None:
    """It is over, however it ended."""


PENDING_TRANSFERS.on(TransferAccepted, key=lambda event: (event.member_id,))(_over)
PENDING_TRANSFERS.on(TransferRefused, key=lambda event: (event.member_id,))(_over)
PENDING_TRANSFERS.on(MemberLeft, key=lambda event: (event.member_id,))(_over)
PENDING_TRANSFERS.on(SubjectErased, key=lambda event: (event.person_id,))(_over)


async def transfers_of(pool: Pool, member_ids: Sequence[UUID]) -> dict[UUID, str]:
    """The unit to which each of some members asks to move; nothing for those who stay."""
    rows = await fetch_rows(pool, PENDING_TRANSFERS, "member_id = any(%s)", (list(member_ids),))
    return {row.member_id: row.to_unit for row in rows}
