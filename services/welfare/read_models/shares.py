"""Who has a share in a campaign, and how far is it?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from chassis.database import Pool, fetch_rows
from chassis.read_models import Key, ReadModel
from chassis.recorded import RecordedEvent
from welfare.events import (
    BeneficiaryApproved,
    BeneficiaryProposed,
    BeneficiaryRejected,
    GiftDistributed,
    GiftReceiptConfirmed,
    GiftReturned,
    ShareStatus,
)

AnyShareEvent = (
    BeneficiaryProposed | BeneficiaryApproved | BeneficiaryRejected | GiftDistributed | GiftReceiptConfirmed | GiftReturned
)


@dataclass(frozen=True, slots=True)
class ShareRow:
    """A share as of its last event. ``recipient`` is ``member:<id>`` or ``unit:<code>``, whichever of the two it is."""

    campaign_id: UUID
    recipient: str
    member_id: UUID | None
    unit: str
    status: str
    amount_vnd: int
    form: str | None
    proposed_on: date
    approved_on: date | None
    distributed_on: date | None
    changed_on: date

    @property
    def collective(self) -> str | None:
        """The unit that received a collective gift."""
        return self.unit if self.member_id is None else None


SHARES = ReadModel(
    "shares",
    1,
    ShareRow,
    key=("campaign_id", "recipient"),
    source="welfare",
    indexes=(("campaign_id", "status", "recipient"), ("campaign_id", "unit", "recipient")),
)


def recipient_of(event: AnyShareEvent) -> str:
    """One text for members and units that never takes the one for the other."""
    return f"member:{event.member_id}" if event.member_id else f"unit:{event.unit}"


def _share(event: AnyShareEvent) -> Key:
    return (event.campaign_id, recipient_of(event))


def _moved(row: ShareRow | None, event: AnyShareEvent, status: ShareStatus) -> ShareRow:
    assert row is not None
    return replace(row, unit=event.unit, status=status.value, amount_vnd=event.amount_vnd, changed_on=event.on)


@SHARES.on(BeneficiaryProposed, key=_share)
def proposed(row: ShareRow | None, event: BeneficiaryProposed, at: RecordedEvent) -> ShareRow:
    """A share begins; again, when it had been rejected or returned."""
    return ShareRow(
        event.campaign_id,
        recipient_of(event),
        event.member_id,
        event.unit,
        ShareStatus.PROPOSED.value,
        event.amount_vnd,
        None,
        event.on,
        None,
        None,
        event.on,
    )


@SHARES.on(BeneficiaryApproved, key=_share)
def approved(row: ShareRow | None, event: BeneficiaryApproved, at: RecordedEvent) -> ShareRow:
    """Recipient, unit and amount are settled."""
    return replace(_moved(row, event, ShareStatus.APPROVED), approved_on=event.on)


@SHARES.on(BeneficiaryRejected, key=_share)
def rejected(row: ShareRow | None, event: BeneficiaryRejected, at: RecordedEvent) -> ShareRow:
    """There will be no gift."""
    return _moved(row, event, ShareStatus.REJECTED)


@SHARES.on(GiftDistributed, key=_share)
def distributed(row: ShareRow | None, event: GiftDistributed, at: RecordedEvent) -> ShareRow:
    """The gift was handed over."""
    return replace(_moved(row, event, ShareStatus.DISTRIBUTED), form=event.form.value, distributed_on=event.on)


@SHARES.on(GiftReceiptConfirmed, key=_share)
def confirmed(row: ShareRow | None, event: GiftReceiptConfirmed, at: RecordedEvent) -> ShareRow:
    """The recipient has it."""
    return _moved(row, event, ShareStatus.CONFIRMED)


@SHARES.on(GiftReturned, key=_share)
def returned(row: ShareRow | None, event: GiftReturned, at: RecordedEvent) -> ShareRow:
    """The gift came back."""
    return _moved(row, event, ShareStatus.RETURNED)


async def shares_of(
    pool: Pool, campaign_id: UUID, units: Sequence[str] | None, status: ShareStatus | None, size: int, after: Key | None
) -> list[ShareRow]:
    """One page of a campaign's shares, by recipient; of some units, and of a status, when they are given.

    :param after: recipient of the last row of the page before.
    """
    conditions = ["campaign_id = %s"]
    values: list[object] = [campaign_id]
    if units is not None:
        conditions.append("unit = any(%s)")
        values.append(list(units))
    if status is not None:
        conditions.append("status = %s")
        values.append(status.value)
    if after:
        conditions.append("recipient > %s")
        values += after
    return await fetch_rows(pool, SHARES, f"{' and '.join(conditions)} order by recipient limit %s", (*values, size))
