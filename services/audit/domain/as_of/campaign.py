"""How did a gift campaign stand, by its events up to a cut and a day?"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from audit.domain.as_of.folding import counting
from audit.domain.contribution import Said
from chassis.recorded import RecordedEvent

STATUSES = {
    "welfare.beneficiary_proposed": "proposed",
    "welfare.beneficiary_approved": "approved",
    "welfare.beneficiary_rejected": "rejected",
    "welfare.gift_distributed": "distributed",
    "welfare.gift_receipt_confirmed": "confirmed",
    "welfare.gift_returned": "returned",
}
TOPICS = dict.fromkeys(
    [
        *STATUSES,
        "welfare.gift_campaign_opened",
        "welfare.budget_approved",
        "welfare.budget_adjusted",
        "welfare.gift_campaign_closed",
    ],
    1,
)
STANDING = ("proposed", "approved", "distributed", "confirmed")
"""The statuses that are counted by the shares that have them; the others by how often it came to them."""


@dataclass(slots=True)
class CampaignThen:
    """A campaign as it stood. Money is whole đồng: budget_vnd = approved_vnd + given_vnd + left_vnd.

    `rejected` and `returned` tell how often, `returned_vnd` all that came back; the recipient may have been proposed again.
    """

    campaign_id: UUID
    unit: str
    year: int
    name: str
    occasion: str
    opened_on: date
    position: int
    closed_on: date | None = None
    budget_vnd: int = 0
    returned_vnd: int = 0
    rejected: int = 0
    returned: int = 0
    shares: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Status and amount by recipient."""

    def amount(self, *statuses: str) -> int:
        """The money of all shares of some statuses."""
        return sum(amount for status, amount in self.shares.values() if status in statuses)

    def count(self, wanted: str) -> int:
        """How many shares have a status."""
        return sum(status == wanted for status, _ in self.shares.values())

    @property
    def told(self) -> dict[str, int]:
        """What follows from its shares, by name."""
        approved_vnd, given_vnd = self.amount("approved"), self.amount("distributed", "confirmed")
        money = {"approved_vnd": approved_vnd, "given_vnd": given_vnd, "confirmed_vnd": self.amount("confirmed")}
        counts = {status: self.count(status) for status in STANDING}
        return {**money, "left_vnd": self.budget_vnd - approved_vnd - given_vnd, **counts}


def campaign_then(events: Iterable[RecordedEvent], as_of: date, campaign: CampaignThen | None = None) -> CampaignThen | None:
    """The campaign after the events that count; None when it had not been opened.

    :param campaign: as it stood after the events before these; it moves on.
    :raises NotReadable: an event lacks what its topic promises.
    """
    for event, said, on in counting(events, TOPICS, as_of):
        if event.topic == "welfare.gift_campaign_opened":
            texts = said.text("name"), said.text("occasion")
            campaign = CampaignThen(event.aggregate_id, said.text("unit"), said.whole("year"), *texts, on, event.position)
        elif campaign is not None:
            _move(campaign, said, on)
            campaign.position = event.position
    return campaign


def _move(campaign: CampaignThen, said: Said, on: date) -> None:
    if status := STATUSES.get(said.topic):
        recipient = said.text("member_id") if said.is_given("member_id") else said.text("unit")
        amount = said.whole("amount_vnd")
        campaign.shares[recipient] = (status, amount)
        campaign.rejected += status == "rejected"
        campaign.returned += status == "returned"
        campaign.returned_vnd += amount if status == "returned" else 0
    elif said.topic == "welfare.gift_campaign_closed":
        campaign.closed_on = on
    else:
        campaign.budget_vnd = said.whole("amount_vnd")
