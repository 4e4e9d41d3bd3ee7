"""Message to question, and answer to message. No rule stands here; commands need no line at all."""

from collections.abc import Callable, Mapping
from datetime import date
from uuid import UUID

from google.protobuf.message import Message

from chassis.commands import Call
from chassis.database import Pool
from chassis.hierarchy import Hierarchy
from chassis.messages import enum_names, message_of
from chassis.paging import page_of
from chassis.questions import day_of, figures_message, ids_of, year_of
from chassis.refusals import Invalid, Problem
from chassis.rpc import Query
from federation.contract.v1 import contract_pb2
from federation.welfare.v1 import welfare_pb2 as pb
from welfare.domain.gift_campaign import CampaignUnknown
from welfare.events import ShareStatus
from welfare.read_models.campaigns import CampaignRow, campaign, campaigns_of
from welfare.read_models.care_history import care_of, units_of_care
from welfare.read_models.figures import figures
from welfare.read_models.shares import shares_of

SERVICE = pb.DESCRIPTOR.services_by_name["WelfareService"]
_STATUSES = {number: ShareStatus(name) for name, number in enum_names(pb.ShareStatus.DESCRIPTOR).items()}


class Questions:
    """What welfare answers."""

    def __init__(self, pool: Pool, tree: Hierarchy, today: Callable[[], date]) -> None:
        self._pool, self._tree, self._today = pool, tree, today

    @property
    def answers(self) -> Mapping[str, Query]:
        """Each question by the name of its RPC."""
        return {
            "GetCampaign": self.campaign,
            "ListCampaigns": self.campaigns,
            "ListShares": self.shares,
            "GetCareHistory": self.care_history,
            "GetFigures": self.figures,
        }

    async def campaign(self, request: pb.GetCampaignRequest, call: Call) -> Message:
        """The sheet of a campaign."""
        row = await self._campaign(request.campaign_id)
        call.rights.at(row.unit)
        return message_of(pb.Campaign, row)

    async def campaigns(self, request: pb.ListCampaignsRequest, call: Call) -> Message:
        """A page of the campaigns of a subtree in a year, as the tree stood at the end of it."""
        page, year = page_of(request.page), year_of(request)
        self._tree.require(request.unit)
        units = call.rights.among(request.unit, min(self._today(), date(year, 12, 31)))
        rows = await campaigns_of(self._pool, units, year, page.size + 1, page.after(str, UUID))
        rows, following = page.cut(rows, lambda row: (row.unit, row.campaign_id))
        return pb.ListCampaignsResponse(campaigns=[message_of(pb.Campaign, row) for row in rows], next=following)

    async def shares(self, request: pb.ListSharesRequest, call: Call) -> Message:
        """A page of a campaign's shares.

        A share lies in the recipient's unit, frozen at approval, and in the unit that holds the campaign and decides on it:
        whoever may see the holder sees them all, also where a unit has moved away since; others those of their own units.
        """
        page, status = page_of(request.page), _status(request.status)
        row = await self._campaign(request.campaign_id)
        units = self._units_of_shares(row, request.unit, call)
        rows = await shares_of(self._pool, row.campaign_id, units, status, page.size + 1, page.after(str))
        rows, following = page.cut(rows, lambda row: (row.recipient,))
        return pb.ListSharesResponse(shares=[message_of(pb.Share, row) for row in rows], next=following)

    async def care_history(self, request: pb.GetCareHistoryRequest, call: Call) -> Message:
        """A page of what a member was given; empty for whoever was given nothing.

        Of which unit a member is now, only membership knows. A gift lies in the unit the member was of at approval, so of a
        member who moved each unit sees what was given in it, and whoever stands above both sees all. What the caller may not
        see is left out rather than refused: a refusal would tell that there is something.
        """
        page = page_of(request.page)
        (member_id,) = ids_of("member_id", [request.member_id])
        units = call.rights.only(await units_of_care(self._pool, member_id), str)
        rows = await care_of(self._pool, member_id, units, page.size + 1, page.after(date, UUID))
        rows, following = page.cut(rows, lambda row: (row.given_on, row.campaign_id))
        return pb.GetCareHistoryResponse(items=[message_of(pb.Care, row) for row in rows], next=following)

    async def figures(self, request: contract_pb2.GetFiguresRequest, call: Call) -> Message:
        """Every figure of a unit's year."""
        as_of = day_of(request, "as_of") or self._today()
        call.rights.at(self._tree.require(request.unit).code)
        return figures_message(as_of, await figures(self._pool, self._tree, request.unit, year_of(request), as_of))

    def _units_of_shares(self, row: CampaignRow, unit: str, call: Call) -> list[str] | None:
        """By which units the shares of a campaign are filtered; None where all of them are asked for, and may be.

        :raises UnitUnknown: there is no such unit. :raises Forbidden: the caller may see none of them.
        """
        rights, holder = call.rights, bool(call.rights.only([row.unit], str))
        if unit:
            self._tree.require(unit)
            return self._tree.under(unit, dissolved=True) if holder else rights.among(unit, dissolved=True)
        return None if holder else rights.among(row.unit, dissolved=True)

    async def _campaign(self, text: str) -> CampaignRow:
        """:raises CampaignUnknown: it was never opened."""
        (campaign_id,) = ids_of("campaign_id", [text])
        row = await campaign(self._pool, campaign_id)
        if row is None:
            raise CampaignUnknown("campaign_id")
        return row


def _status(number: int) -> ShareStatus | None:
    """:raises Invalid: a status of a later contract."""
    if number and number not in _STATUSES:
        raise Invalid(Problem("status", "không có trạng thái này", "is no status"))
    return _STATUSES.get(number)
