"""Who is told which name? Message to question and answer to message; every reading is kept before."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from google.protobuf.message import Message

from chassis.commands import Call
from chassis.database import Pool
from chassis.hierarchy import Hierarchy
from chassis.messages import message_of
from chassis.paging import page_of
from chassis.questions import ids_of
from chassis.refusals import Language, Refusal
from chassis.rpc import Query
from chassis.security import Role
from federation.contract.v1 import contract_pb2
from federation.membership.v1 import names_pb2 as pb
from membership.domain.reading import NameWithheld, ReasonMissing
from membership.read_models.members import MemberRow, members_by_id
from membership.read_models.pending_transfers import transfers_of
from membership.read_models.readings import ReadingRow, readings_in
from membership.rpc.readings import Readings

NAMES = pb.DESCRIPTOR.services_by_name["NamesService"]
NAME = "full_name"


@dataclass(frozen=True, slots=True)
class _Asked:
    """Some members as the caller may see them: in its own units, or from outside and so for a reason only."""

    own: Mapping[UUID, MemberRow]
    outside: Mapping[UUID, MemberRow]


class NamesQuestions:
    """What membership answers about names.

    :param current: waits until members and transfers show every command answered so far, so that nobody who was erased
        or moved on is told of.
    """

    def __init__(
        self,
        pool: Pool,
        tree: Hierarchy,
        today: Callable[[], date],
        *,
        readings: Readings,
        current: Callable[[], Awaitable[None]],
    ) -> None:
        self._pool, self._tree, self._today, self._readings, self._current = pool, tree, today, readings, current

    @property
    def answers(self) -> Mapping[str, Query]:
        """Each question by the name of its RPC."""
        return {"GetMemberNames": self.names, "ListReadings": self.readings}

    async def names(self, request: pb.GetMemberNamesRequest, call: Call) -> Message:
        """The names of some members, in the order asked; who reads them is recorded before."""
        ids, reason = ids_of("member_ids", request.member_ids), request.reason.strip()
        if call.caller.role is Role.AUDITOR and not reason:
            raise ReasonMissing()
        await self._current()
        asked = await self._sorted(ids, call)
        told = [*asked.own.values(), *(asked.outside.values() if reason else ())]
        await self._readings.keep(call, [(row.unit, row.member_id) for row in told if row.full_name is not None], (NAME,), reason)
        language = call.caller.language
        return pb.GetMemberNamesResponse(members=[_name(member_id, asked, bool(reason), language) for member_id in ids])

    async def readings(self, request: pb.ListReadingsRequest, call: Call) -> Message:
        """A page of the readings in a subtree, those of dissolved units too."""
        page = page_of(request.page)
        self._tree.require(request.unit)
        units = call.rights.among(request.unit, dissolved=True)
        rows = await readings_in(self._pool, units, page.size + 1, page.after(str, int))
        rows, following = page.cut(rows, lambda row: (row.unit, row.position))
        return pb.ListReadingsResponse(readings=map(_reading, rows), next=following)

    async def _sorted(self, ids: list[UUID], call: Call) -> _Asked:
        found = await members_by_id(self._pool, ids)
        if call.caller.role is Role.AUDITOR:
            call.rights.nationwide()
            return _Asked({}, found)
        own = {row.member_id: row for row in call.rights.only(found.values(), lambda row: row.unit)}
        moving = await transfers_of(self._pool, [member_id for member_id in found if member_id not in own])
        arriving = call.rights.only(moving.items(), lambda move: move[1])
        return _Asked(own, {member_id: found[member_id] for member_id, _ in arriving})


def _name(member_id: UUID, asked: _Asked, reasoned: bool, language: Language) -> pb.MemberName:
    row = asked.own.get(member_id) or asked.outside.get(member_id)
    if row is None:
        return _withheld(member_id, NameWithheld("member_ids"), language)
    if row.full_name is None:
        return pb.MemberName(member_id=str(member_id), erased=True)
    if member_id not in asked.own and not reasoned:
        return _withheld(member_id, ReasonMissing(), language)
    return pb.MemberName(member_id=str(member_id), full_name=row.full_name)


def _withheld(member_id: UUID, why: Refusal, language: Language) -> pb.MemberName:
    refusal = contract_pb2.Refusal(rule=why.rule, status=why.status.value, field=why.field, message=why.sentence(language))
    return pb.MemberName(member_id=str(member_id), refusal=refusal)


def _reading(row: ReadingRow) -> pb.Reading:
    return message_of(pb.Reading, row, on=row.on_day, member_ids=row.members.split(","), fields=row.fields_read.split(","))
