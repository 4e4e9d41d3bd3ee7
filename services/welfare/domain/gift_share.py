"""May this share be proposed, approved, given, confirmed, taken back? A share is a chapter of its campaign's history."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from pydantic import model_validator

from chassis.commands import FieldRule
from chassis.events import Event
from chassis.fields import Code, Vnd
from chassis.refusals import AlreadyExists, NotFound, RuleBroken
from welfare.domain.beneficiary import Beneficiary, Standing, eligible, field_of
from welfare.domain.gift_campaign import (
    CampaignCommand,
    CampaignUnknown,
    GiftCampaign,
    Share,
    not_before,
    ongoing,
)
from welfare.events import (
    BeneficiaryApproved,
    BeneficiaryProposed,
    BeneficiaryRejected,
    GiftDistributed,
    GiftForm,
    GiftReceiptConfirmed,
    GiftReturned,
    RejectionReason,
    ReturnReason,
    ShareStatus,
)


class ShareExists(AlreadyExists):
    """A recipient has one share in a campaign."""

    vi = "Người hoặc đơn vị này đã có suất quà trong đợt này."
    en = "This recipient has a share in the campaign already."


class NotProposed(NotFound):
    """Only somebody who was proposed can be decided on and given a gift."""

    vi = "Người hoặc đơn vị này chưa được đề nghị nhận quà trong đợt này."
    en = "This recipient has not been proposed in the campaign."


class AlreadyDecided(RuleBroken):
    """A proposal is decided on once."""

    vi = "Đề nghị này đã được quyết định."
    en = "This proposal was decided already."


class NotApproved(RuleBroken):
    """No gift is handed over without approval."""

    vi = "Suất quà chưa được duyệt."
    en = "The share is not approved."


class GiftAlreadyGiven(RuleBroken):
    """A gift is handed over once."""

    vi = "Suất quà đã được trao."
    en = "The gift was handed over already."


class GiftNotGiven(RuleBroken):
    """Only a gift that was handed over can be confirmed or come back."""

    vi = "Suất quà chưa được trao."
    en = "The gift has not been handed over."


class ReceiptAlreadyConfirmed(RuleBroken):
    """A receipt is confirmed once."""

    vi = "Việc nhận quà đã được xác nhận."
    en = "The receipt was confirmed already."


class BudgetExceeded(RuleBroken):
    """The gifts of a campaign never exceed its budget."""

    vi = "Vượt kinh phí: còn {left_vnd} đồng."
    en = "Beyond the budget: {left_vnd} đồng are left."


class MoreThanApproved(RuleBroken):
    """A gift is at most what was approved for it."""

    vi = "Suất quà được duyệt {approved_vnd} đồng; không thể trao nhiều hơn."
    en = "{approved_vnd} đồng were approved for this gift; it cannot be more."


Standings = Mapping[tuple[UUID, Beneficiary], Standing]
"""Where beneficiaries stand now, by campaign; without whoever could not be asked for."""


class ShareCommand(CampaignCommand):
    """A command about the share of a member, or of a unit: a collective gift."""

    member_id: UUID | None = None
    collective: Code | None = None

    @model_validator(mode="after")
    def _one_beneficiary(self) -> "ShareCommand":
        if (self.member_id is None) == (self.collective is None):
            raise FieldRule("cần đúng một trong member_id và collective", "needs exactly one of member_id and collective")
        return self

    @property
    def beneficiary(self) -> Beneficiary:
        """Whoever receives."""
        if self.member_id is not None:
            return self.member_id
        assert self.collective is not None
        return self.collective


class ProposeBeneficiary(ShareCommand):
    """Propose somebody for a share."""

    amount_vnd: Vnd


class ApproveBeneficiary(ShareCommand):
    """Approve a share; what was proposed unless another amount is given."""

    amount_vnd: Vnd | None = None


class RejectBeneficiary(ShareCommand):
    """Reject a proposal, or withdraw an approval before the gift was handed over."""

    reason: RejectionReason


class DistributeGift(ShareCommand):
    """Hand a gift over."""

    form: GiftForm
    amount_vnd: Vnd


class ConfirmGiftReceipt(ShareCommand):
    """Confirm that the recipient has the gift."""


class ReturnGift(ShareCommand):
    """Take a gift back."""

    reason: ReturnReason


def propose(state: GiftCampaign | None, command: ProposeBeneficiary, standings: Standings) -> list[Event]:
    """Whoever was rejected, or gave the gift back, may be proposed again.

    :raises CampaignUnknown, CampaignIsClosed, ShareExists, NotBefore, and what :func:`eligible` raises:
    """
    campaign = ongoing(state)
    share = campaign.shares.get(command.beneficiary)
    if share is not None and share.status not in (ShareStatus.REJECTED, ShareStatus.RETURNED):
        raise ShareExists(field_of(command.beneficiary))
    not_before(share.changed_on if share else campaign.opened_on, command.on)
    unit = _unit_now(campaign, command, standings)
    return [BeneficiaryProposed(**_told(campaign, command, unit, command.amount_vnd))]


def approve(state: GiftCampaign | None, command: ApproveBeneficiary, standings: Standings) -> list[Event]:
    """The recipient's unit is the one of today, and from now on stays that of the share.

    :raises CampaignUnknown, CampaignIsClosed, NotProposed, AlreadyDecided, BudgetNotApproved, BudgetExceeded, NotBefore,
        and what :func:`eligible` raises:
    """
    campaign, share = _share_of(state, command)
    if share.status is not ShareStatus.PROPOSED:
        raise AlreadyDecided(field_of(command.beneficiary))
    amount_vnd = command.amount_vnd or share.amount_vnd
    if amount_vnd > (left_vnd := campaign.approved_budget_vnd - campaign.committed_vnd):
        raise BudgetExceeded("amount_vnd", left_vnd=left_vnd)
    unit = _unit_now(campaign, command, standings)
    return [BeneficiaryApproved(**_told(campaign, command, unit, amount_vnd))]


def reject(state: GiftCampaign | None, command: RejectBeneficiary, _: object) -> list[Event]:
    """:raises CampaignUnknown, CampaignIsClosed, NotProposed, AlreadyDecided, GiftAlreadyGiven, NotBefore:"""
    campaign, share = _share_of(state, command)
    match share.status:
        case ShareStatus.DISTRIBUTED | ShareStatus.CONFIRMED:
            raise GiftAlreadyGiven(field_of(command.beneficiary))
        case ShareStatus.REJECTED | ShareStatus.RETURNED:
            raise AlreadyDecided(field_of(command.beneficiary))
    was_approved = share.status is ShareStatus.APPROVED
    told = _told(campaign, command, share.unit, share.amount_vnd)
    return [BeneficiaryRejected(**told, reason=command.reason, was_approved=was_approved)]


def distribute(state: GiftCampaign | None, command: DistributeGift, standings: Standings) -> list[Event]:
    """The recipient must still be there; the unit is the one frozen at approval.

    :raises CampaignUnknown, CampaignIsClosed, NotProposed, NotApproved, GiftAlreadyGiven, BudgetExceeded,
        MoreThanApproved, NotBefore, and what :func:`eligible` raises:
    """
    campaign, share = _share_of(state, command)
    match share.status:
        case ShareStatus.DISTRIBUTED | ShareStatus.CONFIRMED:
            raise GiftAlreadyGiven(field_of(command.beneficiary))
        case ShareStatus.PROPOSED | ShareStatus.REJECTED | ShareStatus.RETURNED:
            raise NotApproved(field_of(command.beneficiary))
    left_vnd = campaign.approved_budget_vnd - campaign.committed_vnd
    if command.amount_vnd > left_vnd + share.amount_vnd:
        raise BudgetExceeded("amount_vnd", left_vnd=left_vnd)
    if command.amount_vnd > share.amount_vnd:
        raise MoreThanApproved("amount_vnd", approved_vnd=share.amount_vnd)
    _unit_now(campaign, command, standings)
    told = _told(campaign, command, share.unit, command.amount_vnd)
    return [GiftDistributed(**told, approved_amount_vnd=share.amount_vnd, form=command.form)]


def confirm(state: GiftCampaign | None, command: ConfirmGiftReceipt, _: object) -> list[Event]:
    """:raises CampaignUnknown, CampaignIsClosed, NotProposed, GiftNotGiven, ReceiptAlreadyConfirmed, NotBefore:"""
    campaign, share = _share_of(state, command)
    if share.status is ShareStatus.CONFIRMED:
        raise ReceiptAlreadyConfirmed(field_of(command.beneficiary))
    form = _given(share, command)
    return [GiftReceiptConfirmed(**_told(campaign, command, share.unit, share.amount_vnd), form=form)]


def take_back(state: GiftCampaign | None, command: ReturnGift, _: object) -> list[Event]:
    """Also after its receipt was confirmed: a gift given in error is recovered.

    :raises CampaignUnknown, CampaignIsClosed, NotProposed, GiftNotGiven, NotBefore:
    """
    campaign, share = _share_of(state, command)
    form = _given(share, command)
    was_confirmed = share.status is ShareStatus.CONFIRMED
    told = _told(campaign, command, share.unit, share.amount_vnd)
    return [GiftReturned(**told, form=form, reason=command.reason, was_confirmed=was_confirmed)]


def recipients_unit(state: GiftCampaign | None, command: ProposeBeneficiary, standings: Standings) -> str:
    """Where a proposal is decided: at the unit the recipient really is of, as far as it is known."""
    if state is None:
        raise CampaignUnknown("campaign_id")
    standing = standings.get((state.campaign_id, command.beneficiary))
    return standing.unit if standing and standing.unit else state.unit


def shares_unit(state: GiftCampaign | None, command: ShareCommand, _: object) -> str:
    """Where a gift is handed over, confirmed and taken back: at the recipient's unit, frozen at approval."""
    if state is None:
        raise CampaignUnknown("campaign_id")
    share = state.shares.get(command.beneficiary)
    return share.unit if share else state.unit


def _share_of(state: GiftCampaign | None, command: ShareCommand) -> tuple[GiftCampaign, Share]:
    campaign = ongoing(state)
    share = campaign.shares.get(command.beneficiary)
    if share is None:
        raise NotProposed(field_of(command.beneficiary))
    not_before(share.changed_on, command.on)
    return campaign, share


def _given(share: Share, command: ShareCommand) -> GiftForm:
    if share.status not in (ShareStatus.DISTRIBUTED, ShareStatus.CONFIRMED) or share.form is None:
        raise GiftNotGiven(field_of(command.beneficiary))
    return share.form


def _unit_now(campaign: GiftCampaign, command: ShareCommand, standings: Standings) -> str:
    standing = standings.get((campaign.campaign_id, command.beneficiary))
    return eligible(standing, command.beneficiary, campaign.unit)


def _told(campaign: GiftCampaign, command: ShareCommand, unit: str, amount_vnd: int) -> dict[str, Any]:
    """What every event tells of a share."""
    return {
        **campaign.told,
        "unit": unit,
        "on": command.on,
        "campaign_unit": campaign.unit,
        "member_id": command.member_id,
        "amount_vnd": amount_vnd,
    }
