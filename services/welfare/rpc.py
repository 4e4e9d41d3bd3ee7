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
from welfare.read_models.care_history import care_of
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
        return message_of(pb.Campaign, await self._campaign(request.campaign_id))

    async def campaigns(self, request: pb.ListCampaignsRequest, call: Call) -> Message:
        """A page of the campaigns of a subtree in a year, as the tree stood at the end of it."""
        page, year = page_of(request.page), year_of(request)
        self._tree.require(request.unit)
        units = self._tree.under(request.unit, min(self._today(), date(year, 12, 31)))
        rows = await campaigns_of(self._pool, units, year, page.size + 1, page.after(str, UUID))
        rows, following = page.cut(rows, lambda row: (row.unit, row.campaign_id))
        return pb.ListCampaignsResponse(campaigns=[message_of(pb.Campaign, row) for row in rows], next=following)

    async def shares(self, request: pb.ListSharesRequest, call: Call) -> Message:
        """A page of a campaign's shares."""
        page, status = page_of(request.page), _status(request.status)
        campaign_id = (await self._campaign(request.campaign_id)).campaign_id
        units = self._tree.under(self._tree.require(request.unit).code) if request.unit else None
        rows = await shares_of(self._pool, campaign_id, units, status, page.size + 1, page.after(str))
        rows, following = page.cut(rows, lambda row: (row.recipient,))
        return pb.ListSharesResponse(shares=[message_of(pb.Share, row) for row in rows], next=following)

    async def care_history(self, request: pb.GetCareHistoryRequest, call: Call) -> Message:
        """A page of what a member was given; empty for whoever was given nothing."""
        page = page_of(request.page)
        (member_id,) = ids_of("member_id", [request.member_id])
        rows = await care_of(self._pool, member_id, page.size + 1, page.after(date, UUID))
        rows, following = page.cut(rows, lambda row: (row.given_on, row.campaign_id))
        return pb.GetCareHistoryResponse(items=[message_of(pb.Care, row) for row in rows], next=following)

    async def figures(self, request: contract_pb2.GetFiguresRequest, call: Call) -> Message:
        """Every figure of a unit's year."""
        as_of = day_of(request, "as_of") or self._today()
        return figures_message(as_of, await figures(self._pool, self._tree, request.unit, year_of(request), as_of))

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
