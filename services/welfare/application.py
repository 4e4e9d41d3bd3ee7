"""The menu of welfare's commands: each with its aggregate, its decision, and what the decision must see."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol
from uuid import UUID

from chassis.application import AnyHandler
from chassis.authorities import Authorities
from chassis.commands import Handler
from chassis.hierarchy import Hierarchy, Node
from chassis.live_aggregates import LiveAggregates
from chassis.security import Caller
from membership.events import Matter
from welfare.domain import budget, gift_campaign, gift_share
from welfare.domain.beneficiary import Beneficiary, Presence, Standing
from welfare.domain.gift_campaign import GIFT_CAMPAIGN, OpenGiftCampaign
from welfare.domain.gift_share import ShareCommand


@dataclass(frozen=True, slots=True)
class Membership:
    """What membership says of an id: active, left or unknown; the (last) unit; whether that lies under the unit asked about."""

    status: Literal["active", "left", "unknown"]
    unit: str
    in_subtree: bool


class Members(Protocol):
    """Whoever knows who is a member."""

    async def check(self, member_ids: Sequence[UUID], unit: str) -> Mapping[UUID, Membership]:
        """Each of some members, and whether it is under a unit.

        :raises Unavailable: nobody can say just now.
        """


class RecipientsAtHand:
    """What decisions ask of units, recipients and signatories: the tree, membership, the authorities, once a batch."""

    def __init__(self, tree: Hierarchy, members: Members, authorities: Authorities) -> None:
        self._tree, self._members, self._authorities = tree, members, authorities
        self.live: LiveAggregates

    async def nothing(self, commands: Sequence[object], caller: Caller) -> None:
        """The aggregate alone decides."""

    async def signing(self, commands: Sequence[object], caller: Caller) -> budget.Signing:
        """By what the caller signs budgets, and where: at the unit of its role, which lies at or above the campaign's.

        :raises Unavailable: it cannot be known just now.
        """
        return budget.Signing(caller.unit, await self._authorities.mandate(caller, Matter.BUDGET_APPROVAL))

    async def units(self, commands: Sequence[OpenGiftCampaign], caller: Caller) -> Mapping[str, Node | None]:
        """The units that commands name."""
        return {command.unit: self._tree.get(command.unit) for command in commands}

    async def standings(self, commands: Sequence[ShareCommand], caller: Caller) -> Mapping[tuple[UUID, Beneficiary], Standing]:
        """Where the recipients stand, seen from the unit that holds their campaign.

        Membership is asked once for each holding unit, so once for a batch about one campaign.

        :raises Unavailable: membership cannot be asked.
        """
        campaigns: dict[UUID, str] = {}
        for campaign_id in {command.campaign_id for command in commands}:
            campaign = await self.live.state(GIFT_CAMPAIGN, campaign_id)
            if campaign is not None:
                campaigns[campaign_id] = campaign.unit
        by_unit: dict[str, set[Beneficiary]] = {}
        for command in commands:
            if unit := campaigns.get(command.campaign_id):
                by_unit.setdefault(unit, set()).add(command.beneficiary)
        found = dict(zip(by_unit, await asyncio.gather(*(self._seen_from(*asked) for asked in by_unit.items())), strict=True))
        return {
            (command.campaign_id, command.beneficiary): found[unit][command.beneficiary]
            for command in commands
            if (unit := campaigns.get(command.campaign_id)) and command.beneficiary in found[unit]
        }

    async def _seen_from(self, unit: str, beneficiaries: Iterable[Beneficiary]) -> Mapping[Beneficiary, Standing]:
        asked = list(beneficiaries)
        standings: dict[Beneficiary, Standing] = {code: self._of_unit(code, unit) for code in asked if isinstance(code, str)}
        if member_ids := [member_id for member_id in asked if isinstance(member_id, UUID)]:
            memberships = await self._members.check(member_ids, unit)
            standings |= {member_id: _of_member(membership) for member_id, membership in memberships.items()}
        return standings

    def _of_unit(self, code: str, campaign_unit: str) -> Standing:
        node = self._tree.get(code)
        if node is None:
            return Standing(Presence.UNKNOWN, "", under_campaign=False)
        presence = Presence.ACTIVE if node.exists(None) else Presence.GONE
        return Standing(presence, code, self._tree.is_under(code, campaign_unit))


_PRESENCES = {"active": Presence.ACTIVE, "left": Presence.GONE, "unknown": Presence.UNKNOWN}


def _of_member(membership: Membership) -> Standing:
    return Standing(_PRESENCES[membership.status], membership.unit, membership.in_subtree)


def menu(recipients: RecipientsAtHand) -> list[AnyHandler]:
    """Every command of welfare."""
    nothing, standings = recipients.nothing, recipients.standings
    recipient, share = gift_share.recipients_unit, gift_share.shares_unit
    return [
        Handler(OpenGiftCampaign, GIFT_CAMPAIGN, gift_campaign.open_campaign, recipients.units),
        Handler(budget.ApproveBudget, GIFT_CAMPAIGN, budget.approve_budget, recipients.signing),
        Handler(budget.AdjustBudget, GIFT_CAMPAIGN, budget.adjust_budget, recipients.signing),
        Handler(gift_share.ProposeBeneficiary, GIFT_CAMPAIGN, gift_share.propose, standings, at=recipient),
        Handler(gift_share.ApproveBeneficiary, GIFT_CAMPAIGN, gift_share.approve, standings),
        Handler(gift_share.RejectBeneficiary, GIFT_CAMPAIGN, gift_share.reject, nothing),
        Handler(gift_share.DistributeGift, GIFT_CAMPAIGN, gift_share.distribute, standings, at=share),
        Handler(gift_share.ConfirmGiftReceipt, GIFT_CAMPAIGN, gift_share.confirm, nothing, at=share),
        Handler(gift_share.ReturnGift, GIFT_CAMPAIGN, gift_share.take_back, nothing, at=share),
        Handler(gift_campaign.CloseGiftCampaign, GIFT_CAMPAIGN, gift_campaign.close, nothing),
    ]
