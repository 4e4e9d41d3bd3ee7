"""Message to question, and answer to message, on both clocks. No rule stands here."""

from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import date
from itertools import islice
from uuid import UUID

from google.protobuf.message import Message

from audit.application import keep
from audit.domain.as_of.campaign import CampaignThen, campaign_then
from audit.domain.as_of.member import MemberThen, member_then
from audit.domain.as_of.unit import unit_then
from audit.domain.named_cut import NameCut, parts
from audit.domain.unit_tree import UnitFact, UnitTree
from audit.read_models.award_register import awards_as_of
from audit.read_models.contributions import counted_on, facts_behind, figures, reading, refresh
from audit.read_models.log import positions_of
from audit.read_models.named_cuts import NamedCut, newest_cuts
from audit.rpc.cuts import Cuts
from audit.rpc.log_and_figures import figure_message
from chassis.commands import Call, parse
from chassis.database import Pool
from chassis.hierarchy import Hierarchy
from chassis.messages import message_of
from chassis.paging import page_of
from chassis.questions import day_of, ids_of, year_of
from chassis.recorded import RecordedEvent
from chassis.refusals import NotFound
from chassis.rpc import CommandPath, Query
from federation.audit.v1 import as_of_pb2 as pb

AS_OF = pb.DESCRIPTOR.services_by_name["AsOfService"]
AT_ONCE = 1_000
"""How many events of one thing are fetched at once."""

Fetch = Callable[[str, Sequence[int]], Awaitable[Sequence[RecordedEvent]]]
"""The events of a service at some positions."""


class MemberNotThere(NotFound):
    """By what was recorded, nobody of this id had joined."""

    vi = "Tại lát cắt và ngày này chưa có đoàn viên này."
    en = "At this cut and day there is no such member."


class CampaignNotThere(NotFound):
    """By what was recorded, no campaign of this id had been opened."""

    vi = "Tại lát cắt và ngày này chưa có đợt tặng quà này."
    en = "At this cut and day there is no such gift campaign."


class AsOfQuestions:
    """What audit answers on both clocks.

    :param tree: the units by which rights are decided; answers stand on `units`, made of the events alone.
    """

    def __init__(
        self,
        pool: Pool,
        tree: Hierarchy,
        units: UnitTree,
        cuts: Cuts,
        fetch: Fetch,
        commands: CommandPath,
        today: Callable[[], date],
    ) -> None:
        self._pool, self._tree, self._units, self._cuts = pool, tree, units, cuts
        self._fetch, self._commands, self._today = fetch, commands, today

    @property
    def answers(self) -> Mapping[str, Query]:
        """Each question by the name of its RPC."""
        return {
            "NameCut": self.name_cut,
            "GetCut": self.cut,
            "ListCuts": self.list_cuts,
            "GetFiguresAsOf": self.figures,
            "GetUnitTreeAsOf": self.unit_tree,
            "GetMemberAsOf": self.member,
            "GetCampaignAsOf": self.campaign,
            "ListAwardsAsOf": self.awards,
        }

    async def name_cut(self, request: pb.NameCutRequest, call: Call) -> Message:
        """Find a cut and keep it under a name; what was answered once is answered again."""
        call.rights.nationwide()
        (command_id,) = ids_of("command_id", [request.command_id])
        known = await self._cuts.find(request.name)
        if known is None or known.command_id != command_id:
            cut = await self._cuts.chosen(request.cut, call.deadline_s)
            caller, at = call.caller, request.cut.recorded_by or None
            reader = {"unit": caller.unit, "reader": caller.id, "reader_role": caller.role.name.lower(), "on": self._today()}
            named = {"command_id": command_id, "name": request.name, "recorded_by": at, "cut": parts(cut)}
            await keep(self._commands, call, parse(NameCut, {**reader, **named}))
            known = await self._cuts.named(request.name)
        return _named(known)

    async def cut(self, request: pb.GetCutRequest, call: Call) -> Message:
        """A cut, whichever way it is asked for."""
        call.rights.nationwide()
        if request.cut.name and not (request.cut.vector or request.cut.recorded_by):
            return _named(await self._cuts.named(request.cut.name))
        return pb.NamedCut(cut=str(await self._cuts.chosen(request.cut, call.deadline_s)))

    async def list_cuts(self, request: pb.ListCutsRequest, call: Call) -> Message:
        """A page of the named cuts."""
        call.rights.nationwide()
        page = page_of(request.page)
        (before,) = page.after(int) or (None,)
        rows, following = page.cut(await newest_cuts(self._pool, page.size + 1, before), lambda row: (row.number,))
        return pb.ListCutsResponse(cuts=map(_named, rows), next=following)

    async def figures(self, request: pb.GetFiguresAsOfRequest, call: Call) -> Message:
        """Every figure of a unit's year."""
        as_of, year = self._day(request), year_of(request)
        call.rights.at(self._tree.require(request.unit).code)
        cut = await self._cuts.chosen(request.cut, call.deadline_s)
        found = await figures(self._pool, self._units, request.unit, year, as_of, cut)
        return pb.GetFiguresAsOfResponse(as_of=as_of.isoformat(), cut=str(cut), figures=map(figure_message, found))

    async def unit_tree(self, request: pb.GetUnitTreeAsOfRequest, call: Call) -> Message:
        """A page of the units under a unit: of those there were then, what the caller may see now."""
        as_of, page = self._day(request), page_of(request.page)
        call.rights.at(self._tree.require(request.unit).code)
        after = page.after(int, str) or (-1, "")
        cut = await self._cuts.chosen(request.cut, call.deadline_s)
        async with self._pool.connection() as connection, connection.transaction():
            await reading(connection)
            await refresh(connection, self._units)
            upto = cut["membership"]
            depths = self._units.depths(self._units.require(request.unit, upto), as_of, upto)
            staying = (one for one in depths if request.dissolved or not self._units.is_dissolved(one[0], as_of, upto))
            keys = sorted((depth, unit) for unit, depth in call.rights.only(staying, lambda one: one[0]))
            rows, following = page.cut(list(islice((key for key in keys if key > after), page.size + 1)), lambda key: key)
            facts = _by_unit(await facts_behind(connection, [unit for _, unit in rows], cut))
        units = [message_of(pb.UnitThen, unit_then(unit, depth, facts[unit], as_of)) for depth, unit in rows]
        return pb.GetUnitTreeAsOfResponse(as_of=as_of.isoformat(), cut=str(cut), units=units, next=following)

    async def member(self, request: pb.GetMemberAsOfRequest, call: Call) -> Message:
        """A member, for whoever may see the unit where it was then."""
        as_of = self._day(request)
        (member_id,) = ids_of("member_id", [request.member_id])
        cut = await self._cuts.chosen(request.cut, call.deadline_s)
        found: MemberThen | None = None
        async for events in self._history("membership", member_id, cut["membership"]):
            found = member_then(events, as_of, found)
        if found is None:
            raise MemberNotThere("member_id")
        call.rights.at(found.unit)
        member = message_of(pb.MemberThen, found)
        return pb.GetMemberAsOfResponse(as_of=as_of.isoformat(), cut=str(cut), member=member)

    async def campaign(self, request: pb.GetCampaignAsOfRequest, call: Call) -> Message:
        """A gift campaign, for whoever may see the unit that holds it."""
        as_of = self._day(request)
        (campaign_id,) = ids_of("campaign_id", [request.campaign_id])
        cut = await self._cuts.chosen(request.cut, call.deadline_s)
        found: CampaignThen | None = None
        async for events in self._history("welfare", campaign_id, cut["welfare"]):
            found = campaign_then(events, as_of, found)
        if found is None:
            raise CampaignNotThere("campaign_id")
        call.rights.at(found.unit)
        campaign = message_of(pb.CampaignThen, found, **found.told)
        return pb.GetCampaignAsOfResponse(as_of=as_of.isoformat(), cut=str(cut), campaign=campaign)

    async def awards(self, request: pb.ListAwardsAsOfRequest, call: Call) -> Message:
        """A page of a register: of the units of then, those that the caller may see now."""
        as_of, year, page = self._day(request), year_of(request), page_of(request.page)
        call.rights.at(self._tree.require(request.unit).code)
        (after,) = page.after(int) or (0,)
        cut = await self._cuts.chosen(request.cut, call.deadline_s)
        async with self._pool.connection() as connection, connection.transaction():
            await reading(connection)
            await refresh(connection, self._units)
            upto = cut["membership"]
            there = self._units.under(self._units.require(request.unit, upto), counted_on(year, as_of), upto)
            units = call.rights.only(there, str)
            found = await awards_as_of(connection, units, year, as_of, cut["awards"], after, page.size + 1)
        rows, following = page.cut(found, lambda award: (award.given.position,))
        awards = [message_of(pb.AwardThen, row.given, **row.later) for row in rows]
        return pb.ListAwardsAsOfResponse(as_of=as_of.isoformat(), cut=str(cut), awards=awards, next=following)

    def _day(self, request: Message) -> date:
        return day_of(request, "as_of") or self._today()

    async def _history(self, service: str, aggregate_id: UUID, upto: int) -> AsyncIterator[Sequence[RecordedEvent]]:
        """The events of one thing up to a position, in their order, so many at once."""
        positions = await positions_of(self._pool, service, aggregate_id, upto)
        for first in range(0, len(positions), AT_ONCE):
            yield await self._fetch(service, positions[first : first + AT_ONCE])


def _named(cut: NamedCut) -> pb.NamedCut:
    return message_of(pb.NamedCut, cut)


def _by_unit(facts: Iterable[UnitFact]) -> Mapping[str, Sequence[UnitFact]]:
    found: dict[str, list[UnitFact]] = defaultdict(list)
    for fact in facts:
        found[fact.unit].append(fact)
    return found
