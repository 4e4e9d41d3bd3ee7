"""Message to question, and answer to message, of consents and children. No rule stands here; commands need no line."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import date
from uuid import UUID

from google.protobuf.message import Message

from chassis.commands import Call
from chassis.database import Pool
from chassis.messages import enum_names, message_of
from chassis.questions import day_of, ids_of
from chassis.refusals import Invalid, Problem
from chassis.rpc import Query
from federation.membership.v1 import consents_pb2 as pb
from membership.domain.child import PersonUnknown
from membership.domain.member import MemberUnknown
from membership.events import ConsentGiver, ConsentPurpose
from membership.read_models.children import check_publication, children_by_id, children_of, unit_of_person
from membership.read_models.consents import ConsentRow, consents_of, consents_of_person
from membership.read_models.members import members_by_id
from membership.rpc.readings import Readings

CONSENTS = pb.DESCRIPTOR.services_by_name["ConsentsService"]
_PURPOSES = {number: ConsentPurpose(name) for name, number in enum_names(pb.ConsentPurpose.DESCRIPTOR).items()}


class ConsentsQuestions:
    """What membership answers about consents and children.

    :param current: waits until members, children and consents show every command answered so far.
    """

    def __init__(self, pool: Pool, today: Callable[[], date], current: Callable[[], Awaitable[None]], readings: Readings) -> None:
        self._pool, self._today, self._current, self._readings = pool, today, current, readings

    @property
    def answers(self) -> Mapping[str, Query]:
        """Each question by the name of its RPC."""
        return {
            "ListConsents": self.consents,
            "ListChildren": self.children,
            "CheckConsents": self.check_consents,
            "CheckChildPublication": self.check_child_publication,
        }

    async def consents(self, request: pb.ListConsentsRequest, call: Call) -> Message:
        """Everything a person, or a guardian for it, ever agreed to."""
        (person_id,) = ids_of("person_id", [request.person_id])
        unit = await self._unit_of(person_id)
        call.rights.at(unit)
        rows = await consents_of_person(self._pool, person_id)
        if any(period.evidence for row in rows for period in row.periods):
            await self._readings.keep(call, [(unit, person_id)], ("evidence",))
        return pb.ListConsentsResponse(consents=[consent for row in rows for consent in _consents(row)])

    async def children(self, request: pb.ListChildrenRequest, call: Call) -> Message:
        """The children of a member."""
        (member_id,) = ids_of("member_id", [request.member_id])
        members = await members_by_id(self._pool, [member_id])
        if member_id not in members:
            raise MemberUnknown("member_id")
        call.rights.at(members[member_id].unit)
        rows = await children_of(self._pool, member_id)
        told = [(members[member_id].unit, row.child_id) for row in rows if row.full_name is not None]
        await self._readings.keep(call, told, ("full_name", "birth_date"))
        return pb.ListChildrenResponse(children=[message_of(pb.Child, row) for row in rows])

    async def check_consents(self, request: pb.CheckConsentsRequest, call: Call) -> Message:
        """Who agrees to a purpose on a day, in the order asked; for services."""
        call.rights.nationwide()
        asked, on = ids_of("person_ids", request.person_ids), day_of(request, "on") or self._today()
        purpose = _PURPOSES.get(request.purpose)
        if purpose is None:
            raise Invalid(_NO_PURPOSE)
        await self._current()
        rows = await consents_of(self._pool, asked, purpose)
        agreed = {(row.person_id, row.given_by) for row in rows if row.holds(on)}
        return pb.CheckConsentsResponse(
            persons=[
                pb.ConsentCheck(
                    person_id=str(person_id),
                    self=(person_id, ConsentGiver.SELF.value) in agreed,
                    guardian=(person_id, ConsentGiver.GUARDIAN.value) in agreed,
                )
                for person_id in asked
            ]
        )

    async def check_child_publication(self, request: pb.CheckChildPublicationRequest, call: Call) -> Message:
        """Whose children these are, and who agrees to their publication, in the order asked; for services."""
        call.rights.nationwide()
        asked, on = ids_of("child_ids", request.child_ids), day_of(request, "on") or self._today()
        await self._current()
        found = await check_publication(self._pool, asked, on)
        return pb.CheckChildPublicationResponse(children=[message_of(pb.ChildCheck, check) for check in found])

    async def _unit_of(self, person_id: UUID) -> str:
        """The unit of a member, of a child its parent's.

        :raises PersonUnknown: it is neither, or a child of which nothing is left.
        """
        child = (await children_by_id(self._pool, [person_id])).get(person_id)
        unit = None if child and child.erased else await unit_of_person(self._pool, person_id)
        if unit is None:
            raise PersonUnknown("person_id")
        return unit


def _consents(row: ConsentRow) -> list[pb.Consent]:
    return [message_of(pb.Consent, period, purpose=row.purpose, given_by=row.given_by) for period in row.periods]


_NO_PURPOSE = Problem("purpose", "không có mục đích này", "is no purpose")
