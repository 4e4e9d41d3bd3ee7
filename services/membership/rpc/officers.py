"""Message to question, and answer to message, of the officers. No rule stands here; commands need no line at all."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import date
from uuid import UUID

from google.protobuf.message import Message

from chassis.authorities import Authority
from chassis.commands import Call
from chassis.database import Pool
from chassis.hierarchy import Hierarchy
from chassis.messages import enum_names, message_of
from chassis.paging import page_of
from chassis.questions import day_of
from chassis.refusals import Invalid, Problem
from chassis.rpc import Query
from federation.membership.v1 import officers_pb2 as pb
from membership.read_models.officers import officers_on, signatories_on

OFFICERS = pb.DESCRIPTOR.services_by_name["OfficersService"]
_MATTERS = {number: name for name, number in enum_names(pb.Matter.DESCRIPTOR).items()}


class OfficersQuestions:
    """What membership answers of officers.

    :param authorities_position: the position of the last event that changed an authority.
    """

    def __init__(
        self, pool: Pool, tree: Hierarchy, today: Callable[[], date], authorities_position: Callable[[], Awaitable[int]]
    ) -> None:
        self._pool, self._tree, self._today, self._authorities_position = pool, tree, today, authorities_position

    @property
    def answers(self) -> Mapping[str, Query]:
        """Each question by the name of its RPC."""
        return {
            "ListOfficers": self.officers,
            "ListSignatories": self.signatories,
            "GetAuthoritiesPosition": self.authorities_position,
        }

    async def officers(self, request: pb.ListOfficersRequest, call: Call) -> Message:
        """A page of the positions held in a subtree on a day, as the tree stood on it."""
        page, on = page_of(request.page), day_of(request, "on") or self._today()
        self._tree.require(request.unit)
        units = call.rights.among(request.unit, on)
        rows = await officers_on(self._pool, units, on, page.size + 1, page.after(str, date, UUID))
        rows, following = page.cut(rows, lambda row: (row.unit, row.since, row.position_id))
        return pb.ListOfficersResponse(officers=[message_of(pb.Officer, row) for row in rows], next=following)

    async def signatories(self, request: pb.ListSignatoriesRequest, call: Call) -> Message:
        """Everybody who could sign a matter at a unit on a day."""
        matter, on = _matter(request.matter), day_of(request, "on") or self._today()
        call.rights.at(self._tree.require(request.unit).code)
        rows = await signatories_on(self._pool, request.unit, matter, on)
        return pb.ListSignatoriesResponse(signatories=map(_signatory, rows))

    async def authorities_position(self, request: pb.GetAuthoritiesPositionRequest, call: Call) -> Message:
        """How far the authorities have come."""
        call.rights.nationwide()
        return pb.GetAuthoritiesPositionResponse(position=await self._authorities_position())


def _matter(number: int) -> str:
    """:raises Invalid: none, or one of a later contract."""
    if number not in _MATTERS:
        raise Invalid(Problem("matter", "không có việc này", "is no matter"))
    return _MATTERS[number]


def _signatory(authority: Authority) -> pb.Signatory:
    return message_of(pb.Signatory, authority, delegation_id=authority.signed["delegation_id"])
