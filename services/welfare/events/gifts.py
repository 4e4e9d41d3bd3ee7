"""What is said of gift campaigns, and of how far each share of them is."""

from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from pydantic import BaseModel

from chassis.authorities import Signed
from chassis.events import Event
from chassis.wording import Words, means


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

    meanings: ClassVar[Mapping[str, Words]] = means(
        unit=("mã đơn vị tổ chức đợt tặng quà", "code of the unit that holds the campaign")
    )

    campaign_id: UUID
    year: int
    occasion: str


class OfShare(OfCampaign):
    """Which share of a campaign an event tells of.

    The recipient is a member, or, when `member_id` is None, the unit of the event itself: a collective gift.
    `campaign_unit` holds the campaign; `amount_vnd` is what was asked for until it was approved, then what was approved
    until it was given, then what was given.
    """

    meanings: ClassVar[Mapping[str, Words]] = means(
        unit=(
            "mã đơn vị của người nhận, hoặc chính đơn vị nhận quà tập thể",
            "code of the recipient's unit, or of the recipient itself",
        ),
        member_id=(
            "mã đoàn viên nhận quà; trống khi tặng cả đơn vị",
            "id of the recipient; empty for a gift to the unit as a whole",
        ),
        amount_vnd=(
            "số tiền, tính bằng đồng: được đề nghị, rồi được duyệt, rồi được trao",
            "the amount in đồng: what was asked for, then what was approved, then what was given",
        ),
        form=("hình thức quà", "the form of the gift"),
    )

    campaign_unit: str
    member_id: UUID | None
    amount_vnd: int


class GiftCampaignOpened(OfCampaign, Event, topic="welfare.gift_campaign_opened"):
    """A unit opened a gift campaign."""

    vi = "Mở đợt tặng quà: {unit} mở đợt tặng quà “{name}” năm {year} nhân dịp {occasion}."
    en = "Gift campaign opened: {unit} opened the gift campaign “{name}” for {year}; occasion: {occasion}."

    name: str


_OF_A_BUDGET = means(amount_vnd=("toàn bộ kinh phí của đợt, tính bằng đồng", "the whole budget, in đồng"))


class BudgetApproved(OfCampaign, Signed, Event, topic="welfare.budget_approved"):
    """A campaign has a budget; gifts never exceed it."""

    vi = "Duyệt kinh phí: đợt tặng quà năm {year} của {unit} nhân dịp {occasion} được duyệt {amount_vnd}."
    en = "Budget approved: the gift campaign of {unit} for {year} ({occasion}) has a budget of {amount_vnd}."
    meanings = _OF_A_BUDGET

    amount_vnd: int


class BudgetAdjusted(OfCampaign, Signed, Event, topic="welfare.budget_adjusted"):
    """A campaign has another budget; `amount_vnd` is the whole of it."""

    vi = (
        "Điều chỉnh kinh phí: kinh phí đợt tặng quà năm {year} của {unit} từ {former_amount_vnd} thành {amount_vnd}; lý "
        "do: {reason}."
    )
    en = (
        "Budget adjusted: the budget of the gift campaign of {unit} for {year} went from {former_amount_vnd} to "
        "{amount_vnd}; reason: {reason}."
    )
    meanings = _OF_A_BUDGET

    amount_vnd: int
    former_amount_vnd: int
    reason: str


class BeneficiaryProposed(OfShare, Event, topic="welfare.beneficiary_proposed"):
    """Somebody was proposed for a share."""

    vi = "Đề nghị tặng quà: {member_id|unit} được đề nghị nhận suất quà {amount_vnd} nhân dịp {occasion} năm {year}."
    en = "Beneficiary proposed: {member_id|unit} was proposed for a gift share of {amount_vnd}; occasion: {occasion} {year}."


class BeneficiaryApproved(OfShare, Event, topic="welfare.beneficiary_approved"):
    """A share was approved: recipient and unit are frozen, the money is set aside."""

    vi = "Duyệt suất quà: suất quà {amount_vnd} cho {member_id|unit} được duyệt; khoản tiền này được dành riêng."
    en = "Beneficiary approved: the gift share of {amount_vnd} for {member_id|unit} was approved and its money set aside."


class BeneficiaryRejected(OfShare, Event, topic="welfare.beneficiary_rejected"):
    """A proposal was rejected, or, when `was_approved`, an approval was withdrawn and its money set free."""

    vi = "Không duyệt suất quà: suất quà {amount_vnd} cho {member_id|unit} không được duyệt: {reason}."
    en = "Beneficiary rejected: the gift share of {amount_vnd} for {member_id|unit} was rejected: {reason}."

    reason: RejectionReason
    was_approved: bool


class GiftDistributed(OfShare, Event, topic="welfare.gift_distributed"):
    """A gift was handed over; what is not used of `approved_amount_vnd` is available again."""

    vi = "Trao quà: suất quà {amount_vnd} ({form}) được trao cho {member_id|unit} nhân dịp {occasion} năm {year}."
    en = "Gift distributed: a gift of {amount_vnd} ({form}) was handed to {member_id|unit}; occasion: {occasion} {year}."

    approved_amount_vnd: int
    form: GiftForm


class GiftReceiptConfirmed(OfShare, Event, topic="welfare.gift_receipt_confirmed"):
    """The recipient has the gift."""

    vi = "Xác nhận đã nhận quà: {member_id|unit} xác nhận đã nhận suất quà {amount_vnd} ({form})."
    en = "Gift receipt confirmed: {member_id|unit} has the gift of {amount_vnd} ({form})."

    form: GiftForm


class GiftReturned(OfShare, Event, topic="welfare.gift_returned"):
    """A gift came back; its money is available again. `was_confirmed` tells whether its receipt had been confirmed."""

    vi = "Trả lại quà: suất quà {amount_vnd} ({form}) cho {member_id|unit} được trả lại: {reason}; tiền trở về kinh phí."
    en = (
        "Gift returned: the gift of {amount_vnd} ({form}) for {member_id|unit} came back: {reason}; its money is available again."
    )

    form: GiftForm
    reason: ReturnReason
    was_confirmed: bool


class GiftCampaignClosed(OfCampaign, Event, topic="welfare.gift_campaign_closed"):
    """A campaign is closed, its money reconciled: `given_vnd` of `budget_vnd` in `shares` shares."""

    vi = "Kết thúc đợt tặng quà: đợt tặng quà năm {year} của {unit} kết thúc: {shares} suất, {given_vnd} trên {budget_vnd}."
    en = "Gift campaign closed: the gift campaign of {unit} for {year} is closed: {shares} shares, {given_vnd} of {budget_vnd}."

    budget_vnd: int
    given_vnd: int
    shares: int
