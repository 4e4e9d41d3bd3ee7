"""What welfare says: gift campaigns, and how far each share of them is.

The only module that another service may import. Money is whole đồng. What is told of a campaign stands at the unit that
holds it; what is told of a share stands at the recipient's unit, so that the figures of units add up to those of the
unit above. No person is named: a recipient is an id.
"""

from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel

from chassis.authorities import Signed
from chassis.events import Event


class GiftForm(StrEnum):
    """Tiền mặt, hiện vật, phiếu quà, chuyến xe đưa về quê đón Tết."""

    CASH = "cash"
    IN_KIND = "in_kind"
    VOUCHER = "voucher"
    JOURNEY_HOME = "journey_home"


class ShareStatus(StrEnum):
    """How far a share is: đề nghị, duyệt, không duyệt, đã trao, đã xác nhận, trả lại."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"
    DISTRIBUTED = "distributed"
    CONFIRMED = "confirmed"
    RETURNED = "returned"


class RejectionReason(StrEnum):
    """Why a proposal was rejected. A choice and not a text: words about a person's need would be personal data."""

    NOT_ELIGIBLE = "not_eligible"
    SUPPORTED_ELSEWHERE = "supported_elsewhere"
    DOCUMENTS_MISSING = "documents_missing"
    BUDGET_SHORT = "budget_short"
    LEFT_OR_MOVED = "left_or_moved"
    OTHER = "other"


class ReturnReason(StrEnum):
    """Why a gift came back; a choice for the same reason."""

    DECLINED = "declined"
    NOT_REACHED = "not_reached"
    LEFT = "left"
    GIVEN_IN_ERROR = "given_in_error"
    OTHER = "other"


class OfCampaign(BaseModel):
    """Which campaign an event tells of: `year` is the one it counts for, `occasion` what it is held for."""

    campaign_id: UUID
    year: int
    occasion: str


class OfShare(OfCampaign):
    """Which share of a campaign an event tells of.

    The recipient is a member, or, when `member_id` is None, the unit of the event itself: a collective gift.
    `campaign_unit` holds the campaign; `amount_vnd` is what was asked for until it was approved, then what was approved
    until it was given, then what was given.
    """

    campaign_unit: str
    member_id: UUID | None
    amount_vnd: int


class GiftCampaignOpened(OfCampaign, Event, topic="welfare.gift_campaign_opened"):
    """A unit opened a gift campaign."""

    name: str


class BudgetApproved(OfCampaign, Signed, Event, topic="welfare.budget_approved"):
    """A campaign has a budget; gifts never exceed it."""

    amount_vnd: int


class BudgetAdjusted(OfCampaign, Signed, Event, topic="welfare.budget_adjusted"):
    """A campaign has another budget; `amount_vnd` is the whole of it."""

    amount_vnd: int
    former_amount_vnd: int
    reason: str


class BeneficiaryProposed(OfShare, Event, topic="welfare.beneficiary_proposed"):
    """Somebody was proposed for a share."""


class BeneficiaryApproved(OfShare, Event, topic="welfare.beneficiary_approved"):
    """A share was approved: recipient and unit are frozen, the money is set aside."""


class BeneficiaryRejected(OfShare, Event, topic="welfare.beneficiary_rejected"):
    """A proposal was rejected, or, when `was_approved`, an approval was withdrawn and its money set free."""

    reason: RejectionReason
    was_approved: bool


class GiftDistributed(OfShare, Event, topic="welfare.gift_distributed"):
    """A gift was handed over; what is not used of `approved_amount_vnd` is available again."""

    approved_amount_vnd: int
    form: GiftForm


class GiftReceiptConfirmed(OfShare, Event, topic="welfare.gift_receipt_confirmed"):
    """The recipient has the gift."""

    form: GiftForm


class GiftReturned(OfShare, Event, topic="welfare.gift_returned"):
    """A gift came back; its money is available again. `was_confirmed` tells whether its receipt had been confirmed."""

    form: GiftForm
    reason: ReturnReason
    was_confirmed: bool


class GiftCampaignClosed(OfCampaign, Event, topic="welfare.gift_campaign_closed"):
    """A campaign is closed, its money reconciled: `given_vnd` of `budget_vnd` in `shares` shares."""

    budget_vnd: int
    given_vnd: int
    shares: int
