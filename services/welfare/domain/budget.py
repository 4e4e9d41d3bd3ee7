"""May a campaign have this budget? Once approved it is only adjusted, never below what is approved and given of it.

It is signed at the unit where whoever approves it holds its role: the campaign's own, or one above it.
"""

from dataclasses import dataclass

from chassis.authorities import Mandate
from chassis.events import Event
from chassis.fields import Line, Vnd
from chassis.refusals import RuleBroken
from welfare.domain.gift_campaign import CampaignCommand, GiftCampaign, not_before, ongoing
from welfare.events import BudgetAdjusted, BudgetApproved


class BudgetAlreadyApproved(RuleBroken):
    """A budget is approved once; what follows are adjustments."""

    vi = "Kinh phí đã được duyệt; chỉ có thể điều chỉnh."
    en = "The budget was approved already; it can only be adjusted."


class BudgetBelowGifts(RuleBroken):
    """A budget cannot be less than what is approved and given of it."""

    vi = "Đã duyệt và trao {committed_vnd} đồng; kinh phí không thể thấp hơn."
    en = "{committed_vnd} đồng are approved and given; the budget cannot be less."


class NothingChanges(RuleBroken):
    """A command that would record nothing new is not recorded."""

    vi = "Không có gì thay đổi."
    en = "Nothing would change."


@dataclass(frozen=True, slots=True)
class Signing:
    """What decisions on a budget see besides the campaign: at which unit the caller signs, and by what."""

    unit: str
    mandate: Mandate


class ApproveBudget(CampaignCommand):
    """Approve the budget of a campaign."""

    amount_vnd: Vnd


class AdjustBudget(CampaignCommand):
    """Change an approved budget; `amount_vnd` is the whole of it."""

    amount_vnd: Vnd
    reason: Line


def approve_budget(state: GiftCampaign | None, command: ApproveBudget, signing: Signing) -> list[Event]:
    """:raises CampaignUnknown, CampaignIsClosed, BudgetAlreadyApproved, NotBefore, NoAuthority:"""
    campaign = ongoing(state)
    if campaign.budget_vnd is not None:
        raise BudgetAlreadyApproved("campaign_id")
    not_before(campaign.budget_on, command.on)
    signed = signing.mandate.at(signing.unit, command.on).signed
    return [BudgetApproved(unit=campaign.unit, on=command.on, amount_vnd=command.amount_vnd, **campaign.told, **signed)]


def adjust_budget(state: GiftCampaign | None, command: AdjustBudget, signing: Signing) -> list[Event]:
    """:raises CampaignUnknown, CampaignIsClosed, BudgetNotApproved, BudgetBelowGifts, NothingChanges, NotBefore, NoAuthority:"""
    campaign = ongoing(state)
    former_amount_vnd = campaign.approved_budget_vnd
    if command.amount_vnd == former_amount_vnd:
        raise NothingChanges("amount_vnd")
    if command.amount_vnd < campaign.committed_vnd:
        raise BudgetBelowGifts("amount_vnd", committed_vnd=campaign.committed_vnd)
    not_before(campaign.budget_on, command.on)
    return [
        BudgetAdjusted(
            unit=campaign.unit,
            on=command.on,
            amount_vnd=command.amount_vnd,
            former_amount_vnd=former_amount_vnd,
            reason=command.reason,
            **campaign.told,
            **signing.mandate.at(signing.unit, command.on).signed,
        )
    ]
