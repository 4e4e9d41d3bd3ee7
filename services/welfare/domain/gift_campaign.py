"""May this campaign be opened, be closed? And what does every event make of it?"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from operator import sub
from typing import Any
from uuid import UUID

from chassis.claims import Claim
from chassis.commands import Aggregate, Command
from chassis.events import Event
from chassis.fields import Code, Day, Line, Year
from chassis.hierarchy import Node, UnitUnknown
from chassis.refusals import AlreadyExists, NotFound, RuleBroken
from welfare.domain.beneficiary import Beneficiary, UnitIsDissolved
from welfare.domain.persistent_map import PersistentMap
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
    ShareStatus,
)

TET = "Tết sum vầy"
"""What a campaign is held for unless it says otherwise."""


class CampaignExists(AlreadyExists):
    """A campaign id is given once."""

    vi = "Mã đợt tặng quà này đã được dùng."
    en = "This campaign id is already taken."


class OccasionTaken(AlreadyExists):
    """A unit holds one campaign a year and occasion."""

    vi = "Đơn vị {unit} đã có đợt tặng quà cho dịp này trong năm {year}."
    en = "The unit {unit} has a campaign for this occasion in {year} already."


class CampaignUnknown(NotFound):
    """No such campaign was opened."""

    vi = "Không có đợt tặng quà này."
    en = "There is no such gift campaign."


class CampaignIsClosed(RuleBroken):
    """Nothing new can happen in a campaign that was closed."""

    vi = "Đợt tặng quà đã kết thúc ngày {on}."
    en = "The gift campaign was closed on {on}."


class BudgetNotApproved(RuleBroken):
    """Nothing can be adjusted or set aside before there is a budget."""

    vi = "Đợt tặng quà chưa được duyệt kinh phí."
    en = "The campaign has no approved budget yet."


class GiftsNotDistributed(RuleBroken):
    """A campaign is not closed while an approved gift waits to be handed over."""

    vi = "Còn {shares} suất quà đã duyệt mà chưa trao."
    en = "{shares} approved gifts have not been handed over yet."


class ReceiptsNotConfirmed(RuleBroken):
    """A campaign is not closed while the receipt of a gift is unconfirmed."""

    vi = "Còn {shares} suất quà đã trao mà chưa xác nhận nhận quà."
    en = "The receipt of {shares} gifts has not been confirmed yet."


class NotBefore(RuleBroken):
    """What follows cannot be dated before what it follows on."""

    vi = "Ngày phải từ {earliest} trở đi."
    en = "The day must be {earliest} or later."


@dataclass(frozen=True, slots=True)
class Share:
    """One recipient's share: `unit` is the recipient's, `changed_on` the day of its present status."""

    status: ShareStatus
    unit: str
    amount_vnd: int
    changed_on: date
    form: GiftForm | None = None


@dataclass(frozen=True, slots=True)
class GiftCampaign:
    """A campaign as its history left it, and its shares by recipient.

    `committed_vnd` is what is approved and given of the budget (None until there is one). `to_give`, `to_confirm` and
    `given` count the shares that are approved, handed over without and with or without confirmed receipt;
    `given_vnd` is what was handed over and not returned. `budget_on` is the day of the present budget, `latest_on` that
    of the latest event.
    """

    campaign_id: UUID
    unit: str
    year: int
    occasion: str
    opened_on: date
    budget_on: date
    latest_on: date
    budget_vnd: int | None = None
    committed_vnd: int = 0
    given_vnd: int = 0
    to_give: int = 0
    to_confirm: int = 0
    given: int = 0
    closed_on: date | None = None
    shares: PersistentMap[Beneficiary, Share] = field(default_factory=PersistentMap)

    @property
    def told(self) -> dict[str, Any]:
        """What every event tells of its campaign."""
        return {"campaign_id": self.campaign_id, "year": self.year, "occasion": self.occasion}

    @property
    def approved_budget_vnd(self) -> int:
        """:raises BudgetNotApproved: there is none."""
        if self.budget_vnd is None:
            raise BudgetNotApproved("campaign_id")
        return self.budget_vnd


class CampaignCommand(Command):
    """A command about one campaign."""

    campaign_id: UUID
    on: Day

    @property
    def aggregate_id(self) -> UUID:
        """The campaign's own id."""
        return self.campaign_id


class OpenGiftCampaign(CampaignCommand):
    """Open a campaign of a unit."""

    unit: Code
    year: Year
    name: Line
    occasion: Line = TET


class CloseGiftCampaign(CampaignCommand):
    """Close a campaign whose money is reconciled."""


Units = Mapping[str, Node | None]
"""The units that commands name, by code."""


def open_campaign(state: GiftCampaign | None, command: OpenGiftCampaign, units: Units) -> list[Event]:
    """That the occasion is free is held by a claim (:func:`claims`).

    :raises CampaignExists, UnitUnknown, UnitIsDissolved, NotBefore, OccasionTaken:
    """
    if state is not None:
        raise CampaignExists("campaign_id")
    unit = units.get(command.unit)
    if unit is None:
        raise UnitUnknown("unit", code=command.unit)
    if not unit.exists(None):
        raise UnitIsDissolved("unit", code=command.unit)
    not_before(unit.established_on, command.on)
    return [
        GiftCampaignOpened(
            unit=command.unit,
            on=command.on,
            campaign_id=command.campaign_id,
            year=command.year,
            occasion=command.occasion,
            name=command.name,
        )
    ]


def close(state: GiftCampaign | None, command: CloseGiftCampaign, _: object) -> list[Event]:
    """Proposals that nobody decided on lapse.

    :raises CampaignUnknown, CampaignIsClosed, GiftsNotDistributed, ReceiptsNotConfirmed, NotBefore:
    """
    campaign = ongoing(state)
    if campaign.to_give:
        raise GiftsNotDistributed("campaign_id", shares=campaign.to_give)
    if campaign.to_confirm:
        raise ReceiptsNotConfirmed("campaign_id", shares=campaign.to_confirm)
    not_before(campaign.latest_on, command.on)
    return [
        GiftCampaignClosed(
            unit=campaign.unit,
            on=command.on,
            budget_vnd=campaign.budget_vnd or 0,
            given_vnd=campaign.given_vnd,
            shares=campaign.given,
            **campaign.told,
        )
    ]


def ongoing(state: GiftCampaign | None) -> GiftCampaign:
    """:raises CampaignUnknown: it was never opened. :raises CampaignIsClosed: it was closed."""
    if state is None:
        raise CampaignUnknown("campaign_id")
    if state.closed_on is not None:
        raise CampaignIsClosed("campaign_id", on=state.closed_on)
    return state


def not_before(earliest: date, on: date) -> None:
    """:raises NotBefore: the day lies before what it follows on."""
    if on < earliest:
        raise NotBefore("on", earliest=earliest)


_STATUS_AFTER: Mapping[type[Event], ShareStatus] = {
    BeneficiaryProposed: ShareStatus.PROPOSED,
    BeneficiaryApproved: ShareStatus.APPROVED,
    BeneficiaryRejected: ShareStatus.REJECTED,
    GiftDistributed: ShareStatus.DISTRIBUTED,
    GiftReceiptConfirmed: ShareStatus.CONFIRMED,
    GiftReturned: ShareStatus.RETURNED,
}

_HOLDING = (ShareStatus.APPROVED, ShareStatus.DISTRIBUTED, ShareStatus.CONFIRMED)
"""The money of a share of such a status is not available to another."""


def evolve(state: GiftCampaign | None, event: Event) -> GiftCampaign:
    """The campaign after one more event; costs the same however many shares there are."""
    status = _STATUS_AFTER.get(type(event))
    match event:
        case _ if state and status:
            return _share_moved(state, event, status)
        case GiftCampaignOpened():
            return GiftCampaign(event.campaign_id, event.unit, event.year, event.occasion, event.on, event.on, event.on)
        case BudgetApproved() | BudgetAdjusted() if state:
            latest_on = max(state.latest_on, event.on)
            return replace(state, budget_vnd=event.amount_vnd, budget_on=event.on, latest_on=latest_on)
        case GiftCampaignClosed() if state:
            return replace(state, closed_on=event.on, latest_on=event.on)
    raise AssertionError(f"{event.topic} is no event of a gift campaign, or there is no campaign")


def _share_moved(state: GiftCampaign, event: Any, status: ShareStatus) -> GiftCampaign:
    """The share in its new status, and the sums without what it was and with what it is."""
    recipient = event.member_id or event.unit
    share = Share(status, event.unit, event.amount_vnd, event.on, getattr(event, "form", None))
    was = _counted(state.shares.get(recipient))
    committed_vnd, given_vnd, to_give, to_confirm, given = map(sub, _counted(share), was)
    return replace(
        state,
        shares=state.shares.put(recipient, share),
        latest_on=max(state.latest_on, event.on),
        committed_vnd=state.committed_vnd + committed_vnd,
        given_vnd=state.given_vnd + given_vnd,
        to_give=state.to_give + to_give,
        to_confirm=state.to_confirm + to_confirm,
        given=state.given + given,
    )


def _counted(share: Share | None) -> tuple[int, int, int, int, int]:
    """What a share adds to committed_vnd, given_vnd, to_give, to_confirm and given."""
    status = share and share.status
    if share is None or status not in _HOLDING:
        return 0, 0, 0, 0, 0
    if status is ShareStatus.APPROVED:
        return share.amount_vnd, 0, 1, 0, 0
    return share.amount_vnd, share.amount_vnd, 0, int(status is ShareStatus.DISTRIBUTED), 1


def claims(state: GiftCampaign | None, event: Event) -> Iterable[Claim]:
    """A campaign holds its unit, year and occasion alone, for ever."""
    if isinstance(event, GiftCampaignOpened):
        unit, year, occasion = event.unit, event.year, " ".join(event.occasion.casefold().split())
        yield Claim(f"gift-campaign:{unit}/{year}/{occasion}", "take", lambda: OccasionTaken("occasion", unit=unit, year=year))


GIFT_CAMPAIGN = Aggregate("gift_campaign", evolve, lambda campaign: campaign.unit, claims, begins=(GiftCampaignOpened,))
