"""Who was given what at Tết 2024?"""

from datetime import date
from uuid import UUID

from congdoan.sample.officers import signatory
from congdoan.sample.people import Member, members_in_hardship, members_of
from congdoan.sample.steps import Chapter, Dice, Step, named, step
from congdoan.sample.units import HA_NOI, VINH_PHUC

SHARES = 47
"""Gift shares that members of Vĩnh Phúc in hardship were given and kept."""

VINH_PHUC_TET = named("campaign", VINH_PHUC, 2024)
HA_NOI_TET = named("campaign", HA_NOI, 2024)


def chapter() -> Chapter:
    """Two campaigns from their opening to their closing."""
    recipients = members_in_hardship()
    kept, came_back, not_approved = recipients[:SHARES], recipients[SHARES], recipients[SHARES + 1]
    ha_noi = members_of([f"{HA_NOI}-cs-{number:02}" for number in range(1, 11)], 12, "gifts")
    given = [*((VINH_PHUC_TET, _to(member)) for member in (*kept, came_back)), *((HA_NOI_TET, _to(member)) for member in ha_noi)]
    given.append((HA_NOI_TET, {"collective": f"{HA_NOI}-cs-02"}))
    refused = (VINH_PHUC_TET, _to(not_approved))
    back = (VINH_PHUC_TET, _to(came_back))
    return [
        [
            _open(VINH_PHUC_TET, VINH_PHUC, "Tết sum vầy – Xuân ơn Đảng"),
            _open(HA_NOI_TET, HA_NOI, "Tết sum vầy – Xuân gắn kết"),
        ],
        [
            _about("ApproveBudget", VINH_PHUC_TET, date(2023, 12, 22), amount_vnd=55_000_000).by(signatory(VINH_PHUC)),
            _about("ApproveBudget", HA_NOI_TET, date(2023, 12, 22), amount_vnd=30_000_000).by(signatory(HA_NOI)),
        ],
        [
            _about(
                "AdjustBudget", VINH_PHUC_TET, date(2024, 1, 3), amount_vnd=70_000_000, reason="Bổ sung từ nguồn xã hội hoá"
            ).by(signatory(VINH_PHUC)),
            *(
                _share("ProposeBeneficiary", share, date(2024, 1, 5), amount_vnd=_amount_vnd(share))
                for share in (*given, refused)
            ),
        ],
        [
            *(_share("ApproveBeneficiary", share, date(2024, 1, 12)) for share in given),
            _share("RejectBeneficiary", refused, date(2024, 1, 12), reason="supported_elsewhere"),
        ],
        [_share("DistributeGift", share, _day(share), form=_form(share), amount_vnd=_amount_vnd(share)) for share in given],
        [
            *(_share("ConfirmGiftReceipt", share, date(2024, 2, 5)) for share in given if share != back),
            _share("ReturnGift", back, date(2024, 2, 6), reason="declined"),
        ],
        [_about("CloseGiftCampaign", campaign, date(2024, 2, 28)) for campaign in (VINH_PHUC_TET, HA_NOI_TET)],
    ]


Share = tuple[UUID, dict[str, object]]
"""A campaign and the field that names the recipient."""


def _to(member: Member) -> dict[str, object]:
    return {"member_id": member.member_id}


def _open(campaign: UUID, unit: str, name: str) -> Step:
    return _about("OpenGiftCampaign", campaign, date(2023, 12, 18), unit=unit, year=2024, name=name, occasion="Tết sum vầy")


def _about(rpc: str, campaign: UUID, on: date, **fields: object) -> Step:
    return step("welfare", rpc, campaign, campaign_id=campaign, on=on, **fields)


def _share(rpc: str, share: Share, on: date, **fields: object) -> Step:
    campaign, recipient = share
    return step("welfare", rpc, campaign, *recipient.values(), campaign_id=campaign, **recipient, on=on, **fields)


def _amount_vnd(share: Share) -> int:
    if "collective" in share[1]:
        return 5_000_000
    return Dice("amount", *share[1].values()).one_of((1_000_000, 1_300_000))


def _form(share: Share) -> str:
    return Dice("form", *share[1].values()).one_of(("cash", "cash", "in_kind", "voucher"))


def _day(share: Share) -> date:
    return date(2024, 1, Dice("day", *share[1].values()).between(22, 31))
