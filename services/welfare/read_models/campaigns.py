"""What became of a campaign's budget, and how many of its shares stand where?"""

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
    BudgetAdjusted,
    BudgetApproved,
    GiftCampaignClosed,
    GiftCampaignOpened,
    GiftDistributed,
    GiftReceiptConfirmed,
    GiftReturned,
    OfCampaign,
)


@dataclass(frozen=True, slots=True)
class CampaignRow:
    """The sheet of a campaign; money in whole đồng.

    ``approved_vnd`` waits to be handed over, ``given_vnd`` was and did not come back, ``confirmed_vnd`` is the part of it
    with confirmed receipt, ``returned_vnd`` all that ever came back. `proposed`, `approved`, `distributed` and
    `confirmed` count shares that have this status now; `rejected` and `returned` how often it happened.
    """

    campaign_id: UUID
    unit: str
    year: int
    name: str
    occasion: str
    opened_on: date
    closed_on: date | None = None
    budget_vnd: int = 0
    approved_vnd: int = 0
    given_vnd: int = 0
    confirmed_vnd: int = 0
    returned_vnd: int = 0
    proposed: int = 0
    approved: int = 0
    distributed: int = 0
    confirmed: int = 0
    rejected: int = 0
    returned: int = 0

    @property
    def left_vnd(self) -> int:
        """What is still available."""
        return self.budget_vnd - self.approved_vnd - self.given_vnd


CAMPAIGNS = ReadModel(
    "campaigns", 1, CampaignRow, key=("campaign_id",), source="welfare", indexes=(("year", "unit", "campaign_id"),)
)


def _campaign(event: OfCampaign) -> Key:
    return (event.campaign_id,)


@CAMPAIGNS.on(GiftCampaignOpened, key=_campaign)
def opened(row: CampaignRow | None, event: GiftCampaignOpened, at: RecordedEvent) -> CampaignRow:
    """A sheet begins."""
    return CampaignRow(event.campaign_id, event.unit, event.year, event.name, event.occasion, event.on)


@CAMPAIGNS.on(BudgetApproved, key=_campaign)
def budget_approved(row: CampaignRow | None, event: BudgetApproved, at: RecordedEvent) -> CampaignRow:
    """There is a budget."""
    assert row is not None
    return replace(row, budget_vnd=event.amount_vnd)


@CAMPAIGNS.on(BudgetAdjusted, key=_campaign)
def budget_adjusted(row: CampaignRow | None, event: BudgetAdjusted, at: RecordedEvent) -> CampaignRow:
    """The budget is another."""
    assert row is not None
    return replace(row, budget_vnd=event.amount_vnd)


@CAMPAIGNS.on(BeneficiaryProposed, key=_campaign)
def proposed(row: CampaignRow | None, event: BeneficiaryProposed, at: RecordedEvent) -> CampaignRow:
    """One more waits for a decision."""
    assert row is not None
    return replace(row, proposed=row.proposed + 1)


@CAMPAIGNS.on(BeneficiaryApproved, key=_campaign)
def approved(row: CampaignRow | None, event: BeneficiaryApproved, at: RecordedEvent) -> CampaignRow:
    """Money is set aside."""
    assert row is not None
    return replace(row, proposed=row.proposed - 1, approved=row.approved + 1, approved_vnd=row.approved_vnd + event.amount_vnd)


@CAMPAIGNS.on(BeneficiaryRejected, key=_campaign)
def rejected(row: CampaignRow | None, event: BeneficiaryRejected, at: RecordedEvent) -> CampaignRow:
    """What was set aside, if anything, is free again."""
    assert row is not None
    if event.was_approved:
        row = replace(row, approved=row.approved - 1, approved_vnd=row.approved_vnd - event.amount_vnd)
    else:
        row = replace(row, proposed=row.proposed - 1)
    return replace(row, rejected=row.rejected + 1)


@CAMPAIGNS.on(GiftDistributed, key=_campaign)
def distributed(row: CampaignRow | None, event: GiftDistributed, at: RecordedEvent) -> CampaignRow:
    """What was set aside is given; the rest of it is free again."""
    assert row is not None
    return replace(
        row,
        approved=row.approved - 1,
        approved_vnd=row.approved_vnd - event.approved_amount_vnd,
        distributed=row.distributed + 1,
        given_vnd=row.given_vnd + event.amount_vnd,
    )


@CAMPAIGNS.on(GiftReceiptConfirmed, key=_campaign)
def confirmed(row: CampaignRow | None, event: GiftReceiptConfirmed, at: RecordedEvent) -> CampaignRow:
    """The recipient has it."""
    assert row is not None
    return replace(
        row,
        distributed=row.distributed - 1,
        confirmed=row.confirmed + 1,
        confirmed_vnd=row.confirmed_vnd + event.amount_vnd,
    )


@CAMPAIGNS.on(GiftReturned, key=_campaign)
def returned(row: CampaignRow | None, event: GiftReturned, at: RecordedEvent) -> CampaignRow:
    """Its money is free again."""
    assert row is not None
    if event.was_confirmed:
        row = replace(row, confirmed=row.confirmed - 1, confirmed_vnd=row.confirmed_vnd - event.amount_vnd)
    else:
        row = replace(row, distributed=row.distributed - 1)
    return replace(
        row,
        returned=row.returned + 1,
        returned_vnd=row.returned_vnd + event.amount_vnd,
        given_vnd=row.given_vnd - event.amount_vnd,
    )


@CAMPAIGNS.on(GiftCampaignClosed, key=_campaign)
def closed(row: CampaignRow | None, event: GiftCampaignClosed, at: RecordedEvent) -> CampaignRow:
    """Nothing more happens."""
    assert row is not None
    return replace(row, closed_on=event.on)


async def campaign(pool: Pool, campaign_id: UUID) -> CampaignRow | None:
    """One sheet, None when there is no such campaign."""
    rows = await fetch_rows(pool, CAMPAIGNS, "campaign_id = %s", (campaign_id,))
    return rows[0] if rows else None


async def campaigns_of(pool: Pool, units: Sequence[str], year: int, size: int, after: Key | None) -> list[CampaignRow]:
    """One page of the campaigns of some units in a year, by unit and id.

    :param after: unit and id of the last row of the page before.
    """
    condition = f"year = %s and unit = any(%s) {'and (unit, campaign_id) > (%s, %s)' if after else ''}"
    return await fetch_rows(
        pool, CAMPAIGNS, f"{condition} order by unit, campaign_id limit %s", (year, list(units), *(after or ()), size)
    )
