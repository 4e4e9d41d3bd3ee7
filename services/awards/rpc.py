"""Message to question, and answer to message. No rule stands here; commands need no line at all."""

from collections.abc import Callable, Mapping
from datetime import date
from uuid import UUID

from google.protobuf.message import Message

from awards.domain.nomination import NominationUnknown
from awards.domain.programme import ProgrammeUnknown, percent_of_target
from awards.read_models.figures import figures
from awards.read_models.initiatives import initiatives_of_programme, initiatives_of_units
from awards.read_models.nominations import awards_of_member, awards_of_unit, flags_of, nomination, waiting_for
from awards.read_models.programmes import ProgrammeRow, programme, programmes_of
from awards.read_models.quotas import quotas_of
from chassis.commands import Call
from chassis.database import Pool
from chassis.hierarchy import Hierarchy
from chassis.messages import message_of
from chassis.paging import page_of
from chassis.questions import day_of, figures_message, ids_of, year_of
from chassis.refusals import Invalid, Problem
from chassis.rpc import Query
from federation.awards.v1 import awards_pb2 as pb
from federation.contract.v1 import contract_pb2

SERVICE = pb.DESCRIPTOR.services_by_name["AwardsService"]


class Questions:
    """What awards answers."""

    def __init__(self, pool: Pool, tree: Hierarchy, today: Callable[[], date]) -> None:
        self._pool, self._tree, self._today = pool, tree, today

    @property
    def answers(self) -> Mapping[str, Query]:
        """Each question by the name of its RPC."""
        return {
            "GetNomination": self.nomination,
            "ListAwards": self.awards,
            "ListNominations": self.nominations,
            "ListFlags": self.flags,
            "ListQuotas": self.quotas,
            "GetInitiativeProgramme": self.programme,
            "ListInitiativeProgrammes": self.programmes,
            "ListInitiatives": self.initiatives,
            "GetFigures": self.figures,
        }

    async def nomination(self, request: pb.GetNominationRequest, call: Call) -> Message:
        """One nomination."""
        (nomination_id,) = ids_of("nomination_id", [request.nomination_id])
        row = await nomination(self._pool, nomination_id)
        if row is None:
            raise NominationUnknown("nomination_id")
        return message_of(pb.Nomination, row)

    async def awards(self, request: pb.ListAwardsRequest, call: Call) -> Message:
        """A page of what a unit or a member was given; empty for whoever was given nothing."""
        page = page_of(request.page)
        if bool(request.unit) == bool(request.member_id):
            raise Invalid(_ONE_RECIPIENT)
        after, one_more = page.after(int, UUID), page.size + 1
        if request.unit:
            rows = await awards_of_unit(self._pool, self._tree.require(request.unit).code, after, one_more)
        else:
            (member_id,) = ids_of("member_id", [request.member_id])
            rows = await awards_of_member(self._pool, member_id, after, one_more)
        rows, following = page.cut(rows, lambda row: (row.year, row.nomination_id))
        return pb.ListAwardsResponse(awards=[message_of(pb.Nomination, row) for row in rows], next=following)

    async def nominations(self, request: pb.ListNominationsRequest, call: Call) -> Message:
        """A page of what waits before a decider."""
        page = page_of(request.page)
        self._tree.require(request.decider, "decider")
        rows = await waiting_for(self._pool, request.decider, page.after(UUID), page.size + 1)
        rows, following = page.cut(rows, lambda row: (row.nomination_id,))
        return pb.ListNominationsResponse(nominations=[message_of(pb.Nomination, row) for row in rows], next=following)

    async def flags(self, request: pb.ListFlagsRequest, call: Call) -> Message:
        """A page of the flag register of a subtree, as the tree stood at the end of the year."""
        page, year = page_of(request.page), year_of(request)
        units = self._units(request.unit, year)
        if request.decider:
            self._tree.require(request.decider, "decider")
        rows = await flags_of(self._pool, year, units, request.decider, page.after(str, UUID), page.size + 1)
        rows, following = page.cut(rows, lambda row: (row.unit, row.nomination_id))
        return pb.ListFlagsResponse(flags=[message_of(pb.Flag, row) for row in rows], next=following)

    async def quotas(self, request: pb.ListQuotasRequest, call: Call) -> Message:
        """A page of a decider's quotas for a year."""
        page, year = page_of(request.page), year_of(request)
        self._tree.require(request.decider, "decider")
        rows = await quotas_of(self._pool, request.decider, year, page.after(str, str), page.size + 1)
        rows, following = page.cut(rows, lambda row: (row.form, row.theme_key))
        return pb.ListQuotasResponse(quotas=[message_of(pb.Quota, row) for row in rows], next=following)

    async def programme(self, request: pb.GetInitiativeProgrammeRequest, call: Call) -> Message:
        """One programme, with its result so far."""
        return _programme(await self._programme(request.programme_id))

    async def programmes(self, request: pb.ListInitiativeProgrammesRequest, call: Call) -> Message:
        """A page of the programmes of a subtree for a year."""
        page, year = page_of(request.page), year_of(request)
        units = self._units(request.unit, year)
        rows = await programmes_of(self._pool, units, year, page.after(str, UUID), page.size + 1)
        rows, following = page.cut(rows, lambda row: (row.unit, row.programme_id))
        return pb.ListInitiativeProgrammesResponse(programmes=map(_programme, rows), next=following)

    async def initiatives(self, request: pb.ListInitiativesRequest, call: Call) -> Message:
        """A page of the initiatives of a programme, or of a subtree for a year."""
        page = page_of(request.page)
        if bool(request.unit) == bool(request.programme_id):
            raise Invalid(_ONE_SOURCE)
        after, one_more = page.after(str, UUID), page.size + 1
        if request.programme_id:
            programme_id = (await self._programme(request.programme_id)).programme_id
            rows = await initiatives_of_programme(self._pool, programme_id, after, one_more)
        else:
            year = year_of(request)
            rows = await initiatives_of_units(self._pool, self._units(request.unit, year), year, after, one_more)
        rows, following = page.cut(rows, lambda row: (row.unit, row.initiative_id))
        return pb.ListInitiativesResponse(initiatives=[message_of(pb.Initiative, row) for row in rows], next=following)

    async def figures(self, request: contract_pb2.GetFiguresRequest, call: Call) -> Message:
        """Every figure of a unit's year."""
        as_of = day_of(request, "as_of") or self._today()
        return figures_message(as_of, await figures(self._pool, self._tree, request.unit, year_of(request), as_of))

    def _units(self, unit: str, year: int) -> list[str]:
        """The subtree of a unit as it stood at the end of a year, or stands today when that is earlier.

        :raises UnitUnknown: there is no such unit.
        """
        self._tree.require(unit)
        return self._tree.under(unit, min(self._today(), date(year, 12, 31)))

    async def _programme(self, text: str) -> ProgrammeRow:
        """:raises ProgrammeUnknown: it was never opened."""
        (programme_id,) = ids_of("programme_id", [text])
        row = await programme(self._pool, programme_id)
        if row is None:
            raise ProgrammeUnknown("programme_id")
        return row


def _programme(row: ProgrammeRow) -> pb.InitiativeProgramme:
    return message_of(pb.InitiativeProgramme, row, percent=percent_of_target(row.accepted, row.target))


_ONE_RECIPIENT = Problem("unit", "cần đúng một trong unit và member_id", "exactly one of unit and member_id is needed")
_ONE_SOURCE = Problem("unit", "cần đúng một trong unit và programme_id", "exactly one of unit and programme_id is needed")
