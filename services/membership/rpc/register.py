"""Message to question, and answer to message. No rule stands here; commands need no line at all."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import date
from re import ASCII, fullmatch
from uuid import UUID

from google.protobuf.message import Message

from chassis.commands import Call
from chassis.database import Pool
from chassis.hierarchy import Hierarchy, Node
from chassis.messages import message_of
from chassis.paging import page_of
from chassis.questions import day_of, figures_message, ids_of, year_of
from chassis.refusals import Invalid, Problem
from chassis.rpc import Query
from federation.contract.v1 import contract_pb2
from federation.membership.v1 import membership_pb2 as pb
from membership.domain.member import HashId, MemberUnknown
from membership.events import ConsentGiver, ConsentPurpose
from membership.read_models.consents import consents_of
from membership.read_models.figures import figures
from membership.read_models.members import MemberRow, active_members, members_by_id, members_by_national_id
from membership.read_models.plan_items import items_of
from membership.read_models.reports import reports_of
from membership.rpc.readings import Readings, Told

SERVICE = pb.DESCRIPTOR.services_by_name["MembershipService"]


PERSONAL_FIELDS = ("full_name", "birth_date", "phone", "email")
"""What is told of a member that belongs to the person."""
MAX_NAME = 200
"""Characters of a name that is looked for."""


class Questions:
    """What membership answers."""

    def __init__(
        self,
        pool: Pool,
        tree: Hierarchy,
        today: Callable[[], date],
        *,
        register_current: Callable[[], Awaitable[None]],
        consents_current: Callable[[], Awaitable[None]],
        tree_position: Callable[[], Awaitable[int]],
        hash_id: HashId,
        readings: Readings,
    ) -> None:
        self._pool, self._tree, self._today = pool, tree, today
        self._register_current, self._consents_current = register_current, consents_current
        self._tree_position, self._hash_id, self._readings = tree_position, hash_id, readings

    @property
    def answers(self) -> Mapping[str, Query]:
        """Each question by the name of its RPC."""
        return {
            "GetUnit": self.unit,
            "ListUnits": self.units,
            "GetTreePosition": self.tree_position,
            "GetMember": self.member,
            "FindMember": self.find_member,
            "ListMembers": self.members,
            "CheckMembers": self.check_members,
            "GetMemberContacts": self.contacts,
            "ListReportObligations": self.reports,
            "ListPlanItems": self.plan_items,
            "GetFigures": self.figures,
        }

    async def unit(self, request: pb.GetUnitRequest, call: Call) -> Message:
        """A unit as of a day."""
        node = self._tree.require(request.unit)
        call.rights.at(node.code)
        return self._unit(node, day_of(request, "as_of"))

    async def units(self, request: pb.ListUnitsRequest, call: Call) -> Message:
        """A page of a subtree as of a day, by code."""
        page, on = page_of(request.page), day_of(request, "as_of")
        self._tree.require(request.unit)
        (after,) = page.after(str) or ("",)
        codes = sorted(code for code in call.rights.among(request.unit, on) if code > after)[: page.size + 1]
        codes, following = page.cut(codes, lambda code: (code,))
        return pb.ListUnitsResponse(units=[self._unit(self._tree.require(code), on) for code in codes], next=following)

    async def tree_position(self, request: pb.GetTreePositionRequest, call: Call) -> Message:
        """How far the tree of units has come."""
        call.rights.nationwide()
        return pb.GetTreePositionResponse(position=await self._tree_position())

    async def member(self, request: pb.GetMemberRequest, call: Call) -> Message:
        """One member."""
        (member_id,) = ids_of("member_id", [request.member_id])
        rows = await members_by_id(self._pool, [member_id])
        if member_id not in rows:
            raise MemberUnknown("member_id")
        call.rights.at(rows[member_id].unit)
        return (await self._told([rows[member_id]], call))[0]

    async def find_member(self, request: pb.FindMemberRequest, call: Call) -> Message:
        """Whoever has a national id, if the caller may see that member."""
        if not fullmatch(r"\d{12}", request.national_id, ASCII):
            raise Invalid(Problem("national_id", "phải có mười hai chữ số", "must have twelve digits"))
        rows = await members_by_national_id(self._pool, self._hash_id(request.national_id))
        if not (seen := call.rights.only(rows, lambda row: row.unit)):
            raise MemberUnknown("national_id")
        return (await self._told(seen[:1], call))[0]

    async def members(self, request: pb.ListMembersRequest, call: Call) -> Message:
        """A page of the active members of a subtree."""
        page = page_of(request.page)
        if len(request.name) > MAX_NAME:
            raise Invalid(Problem("name", f"dài quá {MAX_NAME} ký tự", f"is longer than {MAX_NAME} characters"))
        self._tree.require(request.unit)
        units = call.rights.among(request.unit)
        rows = await active_members(self._pool, units, request.name, page.size + 1, page.after(str, str, UUID))
        rows, following = page.cut(rows, lambda row: (row.unit, row.name_key, row.member_id))
        return pb.ListMembersResponse(members=await self._told(rows, call), next=following)

    async def check_members(self, request: pb.CheckMembersRequest, call: Call) -> Message:
        """Active or not, and where, in the order asked; whoever was admitted before the question is there.

        Members whom the caller may not see are as unknown as those who are not there.
        """
        asked = ids_of("member_ids", request.member_ids)
        if request.unit:
            self._tree.require(request.unit)
        await self._register_current()
        found = await members_by_id(self._pool, asked)
        rows = {row.member_id: row for row in call.rights.only(found.values(), lambda row: row.unit)}
        return pb.CheckMembersResponse(members=[self._check(member_id, rows.get(member_id), request.unit) for member_id in asked])

    async def contacts(self, request: pb.GetMemberContactsRequest, call: Call) -> Message:
        """Where to reach those members who agree to be written to today; for services."""
        call.rights.nationwide()
        asked, today = ids_of("member_ids", request.member_ids), self._today()
        await self._consents_current()
        agreed = {
            row.person_id
            for row in await consents_of(self._pool, asked, ConsentPurpose.EMAIL_NOTICES)
            if row.given_by == ConsentGiver.SELF and row.holds(today)
        }
        rows = await members_by_id(self._pool, list(agreed))
        known = [rows[member_id] for member_id in asked if member_id in rows]
        await self._readings.keep(call, _personal(known), ("full_name", "email"))
        return pb.GetMemberContactsResponse(contacts=[message_of(pb.MemberContact, row) for row in known])

    async def reports(self, request: pb.ListReportObligationsRequest, call: Call) -> Message:
        """A page of the reports of a subtree on a year."""
        page, late_on = page_of(request.page), day_of(request, "late_on")
        self._tree.require(request.unit)
        units = call.rights.among(request.unit)
        rows = await reports_of(self._pool, units, year_of(request), late_on, page.size + 1, page.after(str, date, UUID))
        rows, following = page.cut(rows, lambda row: (row.unit, row.due_on, row.obligation_id))
        return pb.ListReportObligationsResponse(
            obligations=[message_of(pb.ReportObligation, row) for row in rows], next=following
        )

    async def plan_items(self, request: pb.ListPlanItemsRequest, call: Call) -> Message:
        """A page of a unit's plan."""
        page = page_of(request.page)
        self._tree.require(request.unit)
        call.rights.at(request.unit)
        rows = await items_of(self._pool, request.unit, year_of(request), page.size + 1, page.after(UUID))
        rows, following = page.cut(rows, lambda row: (row.item_id,))
        return pb.ListPlanItemsResponse(items=[message_of(pb.PlanItem, row) for row in rows], next=following)

    async def figures(self, request: contract_pb2.GetFiguresRequest, call: Call) -> Message:
        """Every figure of a unit's year."""
        as_of = day_of(request, "as_of") or self._today()
        self._tree.require(request.unit)
        call.rights.at(request.unit)
        return figures_message(as_of, await figures(self._pool, self._tree, request.unit, year_of(request), as_of))

    async def _told(self, rows: Sequence[MemberRow], call: Call) -> list[pb.Member]:
        """Some members, once it is kept who is told of them."""
        await self._readings.keep(call, _personal(rows), PERSONAL_FIELDS)
        return [_member(row) for row in rows]

    def _unit(self, node: Node, on: date | None) -> pb.Unit:
        return message_of(
            pb.Unit,
            node,
            unit=node.code,
            line_parent=node.place("line", on),
            functional_parent=node.place("functional", on),
            branch=self._tree.branch_of(node.code),
        )

    def _check(self, member_id: UUID, row: MemberRow | None, unit: str) -> pb.MemberCheck:
        if row is None:
            return message_of(pb.MemberCheck, member_id=member_id, status="unknown", unit="", in_subtree=False)
        in_subtree = self._tree.is_under(row.unit, unit)
        return message_of(pb.MemberCheck, member_id=member_id, status=_status(row), unit=row.unit, in_subtree=in_subtree)


def _personal(rows: Iterable[MemberRow]) -> list[Told]:
    """Those of whom anything personal is told: of whoever was erased, there is nothing."""
    return [(row.unit, row.member_id) for row in rows if row.full_name is not None]


def _member(row: MemberRow) -> pb.Member:
    return message_of(pb.Member, row, status=_status(row))


def _status(row: MemberRow) -> str:
    return "active" if row.left_on is None else "left"
