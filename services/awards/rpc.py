"""Message to question, and answer to message. No rule stands here; commands need no line at all."""

from collections.abc import Callable, Mapping
from datetime import date
from uuid import UUID

from google.protobuf.message import Message

from awards.domain.nomination import NominationUnknown
from awards.domain.programme import ProgrammeUnknown, percent_of_target
from awards.events import AchievementLevel, AchievementPrize
from awards.read_models.child_honour_counts import breakdown
from awards.read_models.child_honour_rounds import rounds_of
from awards.read_models.child_honours import child_honours_of
from awards.read_models.figures import figures
from awards.read_models.initiatives import initiatives_of_programme, initiatives_of_units
from awards.read_models.nominations import awards_of_member, awards_of_unit, flags_of, nomination, units_of_awards, waiting_for
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
from chassis.security import Role
from federation.awards.v1 import awards_pb2 as pb
from federation.awards.v1 import child_honours_pb2
from federation.contract.v1 import contract_pb2

SERVICE = pb.DESCRIPTOR.services_by_name["AwardsService"]
CHILD_HONOURS = child_honours_pb2.DESCRIPTOR.services_by_name["ChildHonoursService"]


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
        """One nomination: of its recipient's unit, and of the unit that decides on it."""
        (nomination_id,) = ids_of("nomination_id", [request.nomination_id])
        row = await nomination(self._pool, nomination_id)
        if row is None:
            raise NominationUnknown("nomination_id")
        call.rights.at(row.unit, row.decider)
        return message_of(pb.Nomination, row)

    async def awards(self, request: pb.ListAwardsRequest, call: Call) -> Message:
        """A page of what a unit or a member was given; empty for whoever was given nothing.

        An award of a member lies in the unit it was proposed in. What the caller may not see of a member's is left out rather
        than refused: of which unit a member is now only membership knows, and a refusal would tell that there is something.
        """
        page = page_of(request.page)
        if bool(request.unit) == bool(request.member_id):
            raise Invalid(_ONE_RECIPIENT)
        after, one_more = page.after(int, UUID), page.size + 1
        if request.unit:
            call.rights.at(self._tree.require(request.unit).code)
            rows = await awards_of_unit(self._pool, request.unit, after, one_more)
        else:
            (member_id,) = ids_of("member_id", [request.member_id])
            units = call.rights.only(await units_of_awards(self._pool, member_id), str)
            rows = await awards_of_member(self._pool, member_id, units, after, one_more)
        rows, following = page.cut(rows, lambda row: (row.year, row.nomination_id))
        return pb.ListAwardsResponse(awards=[message_of(pb.Nomination, row) for row in rows], next=following)

    async def nominations(self, request: pb.ListNominationsRequest, call: Call) -> Message:
        """A page of what waits before a decider; below it everybody sees what is of the own units."""
        page = page_of(request.page)
        units = self._held_by(self._tree.require(request.decider, "decider").code, call)
        rows = await waiting_for(self._pool, request.decider, units, page.after(UUID), page.size + 1)
        rows, following = page.cut(rows, lambda row: (row.nomination_id,))
        return pb.ListNominationsResponse(nominations=[message_of(pb.Nomination, row) for row in rows], next=following)

    async def flags(self, request: pb.ListFlagsRequest, call: Call) -> Message:
        """A page of the flag register of a subtree, as the tree stood at the end of the year."""
        page, year = page_of(request.page), year_of(request)
        units = self._units(request.unit, year, call)
        if request.decider:
            self._tree.require(request.decider, "decider")
        rows = await flags_of(self._pool, year, units, request.decider, page.after(str, UUID), page.size + 1)
        rows, following = page.cut(rows, lambda row: (row.unit, row.nomination_id))
        return pb.ListFlagsResponse(flags=[message_of(pb.Flag, row) for row in rows], next=following)

    async def quotas(self, request: pb.ListQuotasRequest, call: Call) -> Message:
        """A page of a decider's quotas for a year."""
        page, year = page_of(request.page), year_of(request)
        call.rights.at(self._tree.require(request.decider, "decider").code)
        rows = await quotas_of(self._pool, request.decider, year, page.after(str, str), page.size + 1)
        rows, following = page.cut(rows, lambda row: (row.form, row.theme_key))
        return pb.ListQuotasResponse(quotas=[message_of(pb.Quota, row) for row in rows], next=following)

    async def programme(self, request: pb.GetInitiativeProgrammeRequest, call: Call) -> Message:
        """One programme, with its result so far."""
        row = await self._programme(request.programme_id)
        call.rights.at(row.unit)
        return _programme(row)

    async def programmes(self, request: pb.ListInitiativeProgrammesRequest, call: Call) -> Message:
        """A page of the programmes of a subtree for a year."""
        page, year = page_of(request.page), year_of(request)
        units = self._units(request.unit, year, call)
        rows = await programmes_of(self._pool, units, year, page.after(str, UUID), page.size + 1)
        rows, following = page.cut(rows, lambda row: (row.unit, row.programme_id))
        return pb.ListInitiativeProgrammesResponse(programmes=map(_programme, rows), next=following)

    async def initiatives(self, request: pb.ListInitiativesRequest, call: Call) -> Message:
        """A page of the initiatives of a programme, or of a subtree for a year.

        The unit of a programme judges all its initiatives, and sees them; others see those of their own units.
        """
        page = page_of(request.page)
        if bool(request.unit) == bool(request.programme_id):
            raise Invalid(_ONE_SOURCE)
        after, one_more = page.after(str, UUID), page.size + 1
        if request.programme_id:
            row = await self._programme(request.programme_id)
            units = self._held_by(row.unit, call)
            rows = await initiatives_of_programme(self._pool, row.programme_id, units, after, one_more)
        else:
            year = year_of(request)
            rows = await initiatives_of_units(self._pool, self._units(request.unit, year, call), year, after, one_more)
        rows, following = page.cut(rows, lambda row: (row.unit, row.initiative_id))
        return pb.ListInitiativesResponse(initiatives=[message_of(pb.Initiative, row) for row in rows], next=following)

    async def figures(self, request: contract_pb2.GetFiguresRequest, call: Call) -> Message:
        """Every figure of a unit's year."""
        as_of = day_of(request, "as_of") or self._today()
        call.rights.at(self._tree.require(request.unit).code)
        return figures_message(as_of, await figures(self._pool, self._tree, request.unit, year_of(request), as_of))

    def _units(self, unit: str, year: int, call: Call) -> list[str]:
        """The subtree of a unit as it stood at the end of a year, or stands today when that is earlier.

        :raises UnitUnknown: there is no such unit. :raises Forbidden: the caller may see nothing of it.
        """
        self._tree.require(unit)
        return call.rights.among(unit, min(self._today(), date(year, 12, 31)))

    def _held_by(self, holder: str, call: Call) -> list[str] | None:
        """By which units what lies before a unit is filtered; None for whoever may see that unit.

        :raises Forbidden: the caller may see neither the unit nor any below it.
        """
        return None if call.rights.only([holder], str) else call.rights.among(holder, dissolved=True)

    async def _programme(self, text: str) -> ProgrammeRow:
        """:raises ProgrammeUnknown: it was never opened."""
        (programme_id,) = ids_of("programme_id", [text])
        row = await programme(self._pool, programme_id)
        if row is None:
            raise ProgrammeUnknown("programme_id")
        return row


class ChildHonoursQuestions:
    """What awards answers about the honours of members' children."""

    def __init__(self, pool: Pool, tree: Hierarchy, today: Callable[[], date]) -> None:
        self._pool, self._tree, self._today = pool, tree, today

    @property
    def answers(self) -> Mapping[str, Query]:
        """Each question by the name of its RPC."""
        return {
            "ListChildHonours": self.honours,
            "ListChildHonourRounds": self.rounds,
            "GetChildHonourBreakdown": self.breakdown,
        }

    async def honours(self, request: child_honours_pb2.ListChildHonoursRequest, call: Call) -> Message:
        """A page of the achievements of a subtree and a year; members see what is public."""
        page, year = page_of(request.page), year_of(request)
        self._tree.require(request.unit)
        units = call.rights.among(request.unit, min(self._today(), date(year, 12, 31)), dissolved=True)
        public_only = call.caller.role is Role.MEMBER
        after, one_more = page.after(str, UUID), page.size + 1
        rows = await child_honours_of(self._pool, units, year, public_only=public_only, after=after, size=one_more)
        rows, following = page.cut(rows, lambda row: (row.unit, row.achievement_id))
        honours = [message_of(child_honours_pb2.ChildHonour, row) for row in rows]
        return child_honours_pb2.ListChildHonoursResponse(honours=honours, next=following)

    async def rounds(self, request: child_honours_pb2.ListChildHonourRoundsRequest, call: Call) -> Message:
        """A page of the rounds of a subtree for a year."""
        page, year = page_of(request.page), year_of(request)
        self._tree.require(request.unit)
        units = call.rights.among(request.unit, min(self._today(), date(year, 12, 31)), dissolved=True)
        rows = await rounds_of(self._pool, units, year, page.after(str, UUID), page.size + 1)
        rows, following = page.cut(rows, lambda row: (row.unit, row.round_id))
        found = [message_of(child_honours_pb2.ChildHonourRound, row) for row in rows]
        return child_honours_pb2.ListChildHonourRoundsResponse(rounds=found, next=following)

    async def breakdown(self, request: child_honours_pb2.GetChildHonourBreakdownRequest, call: Call) -> Message:
        """The honours of a subtree and a year by level and prize; every honour stands in one cell."""
        year, as_of = year_of(request), day_of(request, "as_of") or self._today()
        self._tree.require(request.unit)
        call.rights.at(request.unit)
        units = self._tree.under(request.unit, min(as_of, date(year, 12, 31)), dissolved=True)
        found = await breakdown(self._pool, units, year, as_of)
        cells = {(level, prize): found.get((level, prize), 0) for level in AchievementLevel for prize in AchievementPrize}
        levels = {level: sum(cells[level, prize] for prize in AchievementPrize) for level in AchievementLevel}
        count = child_honours_pb2.ChildHonourCount
        return child_honours_pb2.GetChildHonourBreakdownResponse(
            as_of=as_of.isoformat(),
            cells=[message_of(count, level=of[0], prize=of[1], honours=number) for of, number in cells.items()],
            levels=[message_of(count, level=level, honours=number) for level, number in levels.items()],
            honours=sum(found.values()),
        )


def _programme(row: ProgrammeRow) -> pb.InitiativeProgramme:
    return message_of(pb.InitiativeProgramme, row, percent=percent_of_target(row.accepted, row.target))


_ONE_RECIPIENT = Problem("unit", "cần đúng một trong unit và member_id", "exactly one of unit and member_id is needed")
_ONE_SOURCE = Problem("unit", "cần đúng một trong unit và programme_id", "exactly one of unit and programme_id is needed")
