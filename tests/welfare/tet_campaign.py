"""The campaign that the tests of welfare speak of: Vĩnh Phúc's Tết 2024, its recipients, its events and its commands."""

from datetime import date
from typing import Any
from uuid import UUID, uuid4

from tests.authorities import POSITION, chair_of
from welfare.domain.beneficiary import Beneficiary, Presence, Standing
from welfare.domain.budget import AdjustBudget, ApproveBudget, Signing
from welfare.domain.gift_campaign import TET, CloseGiftCampaign, OpenGiftCampaign
from welfare.domain.gift_share import (
    ApproveBeneficiary,
    ConfirmGiftReceipt,
    DistributeGift,
    ProposeBeneficiary,
    RejectBeneficiary,
    ReturnGift,
)
from welfare.events import (
    BeneficiaryApproved,
    BeneficiaryProposed,
    BeneficiaryRejected,
    BudgetAdjusted,
    BudgetApproved,
    GiftCampaignClosed,
    GiftCampaignOpened,
    GiftDistributed,
    GiftForm,
    GiftReceiptConfirmed,
    GiftReturned,
    RejectionReason,
    ReturnReason,
)

CAMPAIGN = UUID("0190b6a0-0000-7000-8000-000000000001")
LAN = UUID("0190b6a0-0000-7000-8000-00000000a001")
MINH = UUID("0190b6a0-0000-7000-8000-00000000a002")
HOLDER, SCHOOL, COURT = "vinh-phuc", "vinh-phuc-truong", "vinh-phuc-toa-an"

OPENED_ON, BUDGET_ON, PROPOSED_ON = date(2024, 1, 2), date(2024, 1, 5), date(2024, 1, 8)
APPROVED_ON, GIVEN_ON, CONFIRMED_ON = date(2024, 1, 15), date(2024, 1, 29), date(2024, 2, 2)
RETURNED_ON, CLOSED_ON = date(2024, 2, 5), date(2024, 2, 20)

SIGNING = Signing(HOLDER, chair_of(HOLDER))
"""Whoever approves is the chair of the unit that holds the campaign."""

OF_CAMPAIGN: dict[str, Any] = {"campaign_id": CAMPAIGN, "year": 2024, "occasion": TET}


def active(unit: str = SCHOOL) -> Standing:
    """An active member, or a unit that is there, under the campaign's unit."""
    return Standing(Presence.ACTIVE, unit, under_campaign=True)


HERE: dict[tuple[UUID, Beneficiary], Standing] = {
    (CAMPAIGN, LAN): active(),
    (CAMPAIGN, MINH): active(COURT),
    (CAMPAIGN, SCHOOL): active(),
}
"""Everyone stands where they should."""


def opened(**changes: Any) -> GiftCampaignOpened:
    return GiftCampaignOpened(**{"unit": HOLDER, "on": OPENED_ON, "name": "Tết sum vầy 2024", **OF_CAMPAIGN} | changes)


def budget_approved(amount_vnd: int = 10_000_000, **changes: Any) -> BudgetApproved:
    return BudgetApproved(
        **{"unit": HOLDER, "on": BUDGET_ON, "amount_vnd": amount_vnd, **OF_CAMPAIGN, "position_id": POSITION} | changes
    )


def budget_adjusted(amount_vnd: int, former_amount_vnd: int, **changes: Any) -> BudgetAdjusted:
    fields = {"unit": HOLDER, "on": BUDGET_ON, "reason": "Bổ sung nguồn", "position_id": POSITION, **OF_CAMPAIGN} | changes
    return BudgetAdjusted(amount_vnd=amount_vnd, former_amount_vnd=former_amount_vnd, **fields)


def _share(recipient: Beneficiary, on: date, amount_vnd: int, changes: dict[str, Any]) -> dict[str, Any]:
    member_id = recipient if isinstance(recipient, UUID) else None
    unit = recipient if isinstance(recipient, str) else SCHOOL
    return {
        **OF_CAMPAIGN,
        "campaign_unit": HOLDER,
        "unit": unit,
        "on": on,
        "member_id": member_id,
        "amount_vnd": amount_vnd,
    } | changes


def proposed(recipient: Beneficiary = LAN, amount_vnd: int = 1_300_000, **changes: Any) -> BeneficiaryProposed:
    return BeneficiaryProposed(**_share(recipient, PROPOSED_ON, amount_vnd, changes))


def approved(recipient: Beneficiary = LAN, amount_vnd: int = 1_300_000, **changes: Any) -> BeneficiaryApproved:
    return BeneficiaryApproved(**_share(recipient, APPROVED_ON, amount_vnd, changes))


def rejected(
    recipient: Beneficiary = LAN, amount_vnd: int = 1_300_000, *, was_approved: bool = False, **changes: Any
) -> BeneficiaryRejected:
    told = _share(recipient, APPROVED_ON, amount_vnd, changes)
    return BeneficiaryRejected(**told, reason=RejectionReason.NOT_ELIGIBLE, was_approved=was_approved)


def distributed(
    recipient: Beneficiary = LAN, amount_vnd: int = 1_300_000, *, approved_vnd: int = 1_300_000, **changes: Any
) -> GiftDistributed:
    told = _share(recipient, GIVEN_ON, amount_vnd, changes)
    return GiftDistributed(**told, approved_amount_vnd=approved_vnd, form=GiftForm.CASH)


def confirmed(recipient: Beneficiary = LAN, amount_vnd: int = 1_300_000, **changes: Any) -> GiftReceiptConfirmed:
    return GiftReceiptConfirmed(**_share(recipient, CONFIRMED_ON, amount_vnd, changes), form=GiftForm.CASH)


def returned(
    recipient: Beneficiary = LAN, amount_vnd: int = 1_300_000, *, was_confirmed: bool = False, **changes: Any
) -> GiftReturned:
    told = _share(recipient, RETURNED_ON, amount_vnd, changes)
    return GiftReturned(**told, form=GiftForm.CASH, reason=ReturnReason.NOT_REACHED, was_confirmed=was_confirmed)


def closed(**changes: Any) -> GiftCampaignClosed:
    fields = {"unit": HOLDER, "on": CLOSED_ON, "budget_vnd": 10_000_000, "given_vnd": 0, "shares": 0, **OF_CAMPAIGN}
    return GiftCampaignClosed(**fields | changes)


def _about(changes: dict[str, Any], on: date, **fields: Any) -> dict[str, Any]:
    return {"command_id": uuid4(), "campaign_id": CAMPAIGN, "on": on, **fields} | changes


def _to(recipient: Beneficiary) -> dict[str, Any]:
    return {"member_id": recipient} if isinstance(recipient, UUID) else {"collective": recipient}


def open_it(**changes: Any) -> OpenGiftCampaign:
    return OpenGiftCampaign(**_about(changes, OPENED_ON, unit=HOLDER, year=2024, name="Tết sum vầy 2024"))


def approve_budget(amount_vnd: int = 10_000_000, **changes: Any) -> ApproveBudget:
    return ApproveBudget(**_about(changes, BUDGET_ON, amount_vnd=amount_vnd))


def adjust_budget(amount_vnd: int, **changes: Any) -> AdjustBudget:
    return AdjustBudget(**_about(changes, BUDGET_ON, amount_vnd=amount_vnd, reason="Bổ sung nguồn"))


def propose(recipient: Beneficiary = LAN, amount_vnd: int = 1_300_000, **changes: Any) -> ProposeBeneficiary:
    return ProposeBeneficiary(**_about(changes, PROPOSED_ON, amount_vnd=amount_vnd, **_to(recipient)))


def approve(recipient: Beneficiary = LAN, amount_vnd: int | None = None, **changes: Any) -> ApproveBeneficiary:
    return ApproveBeneficiary(**_about(changes, APPROVED_ON, amount_vnd=amount_vnd, **_to(recipient)))


def reject(recipient: Beneficiary = LAN, **changes: Any) -> RejectBeneficiary:
    return RejectBeneficiary(**_about(changes, APPROVED_ON, reason="not_eligible", **_to(recipient)))


def distribute(recipient: Beneficiary = LAN, amount_vnd: int = 1_300_000, **changes: Any) -> DistributeGift:
    return DistributeGift(**_about(changes, GIVEN_ON, form="cash", amount_vnd=amount_vnd, **_to(recipient)))


def confirm(recipient: Beneficiary = LAN, **changes: Any) -> ConfirmGiftReceipt:
    return ConfirmGiftReceipt(**_about(changes, CONFIRMED_ON, **_to(recipient)))


def take_back(recipient: Beneficiary = LAN, **changes: Any) -> ReturnGift:
    return ReturnGift(**_about(changes, RETURNED_ON, reason="not_reached", **_to(recipient)))


def close_it(**changes: Any) -> CloseGiftCampaign:
    return CloseGiftCampaign(**_about(changes, CLOSED_ON))
