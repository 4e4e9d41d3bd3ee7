"""Message to question, and answer to message, of data requests, legal holds and erasures."""

from collections.abc import Callable, Mapping
from datetime import date
from uuid import UUID

import orjson
from google.protobuf.message import Message

from chassis.commands import Call
from chassis.database import Pool
from chassis.hierarchy import Hierarchy
from chassis.messages import message_of
from chassis.paging import page_of
from chassis.questions import day_of, ids_of
from chassis.refusals import NotFound, RuleBroken
from chassis.rpc import Query
from federation.membership.v1 import personal_data_pb2 as pb
from membership.domain.erasure import outstanding
from membership.read_models.children import children_of, unit_of_person
from membership.read_models.data_requests import Wanted, data_requests_of
from membership.read_models.erasures import ErasureRow, erasure_of
from membership.read_models.legal_holds import holds_of

PERSONAL_DATA = pb.DESCRIPTOR.services_by_name["PersonalDataService"]


class NobodyErased(NotFound):
    """Nobody of this id was erased."""

    vi = "Người này chưa được xoá dữ liệu."
    en = "This person was not erased."


class NotCertified(RuleBroken):
    """There is no certificate before all have acknowledged."""

    vi = "Chưa có chứng nhận: còn chờ xác nhận của {missing}."
    en = "There is no certificate yet: acknowledgements are awaited of {missing}."


class PersonalDataQuestions:
    """What membership answers about the requests of data subjects."""

    def __init__(self, pool: Pool, tree: Hierarchy, today: Callable[[], date]) -> None:
        self._pool, self._tree, self._today = pool, tree, today

    @property
    def answers(self) -> Mapping[str, Query]:
        """Each question by the name of its RPC."""
        return {
            "ListDataRequests": self.data_requests,
            "ListLegalHolds": self.holds,
            "GetErasure": self.erasure,
            "GetErasureCertificate": self.certificate,
        }

    async def data_requests(self, request: pb.ListDataRequestsRequest, call: Call) -> Message:
        """A page of the requests of a subtree's people; late or not as of a day."""
        page, as_of = page_of(request.page), day_of(request, "as_of") or self._today()
        self._tree.require(request.unit)
        units = call.rights.among(request.unit, dissolved=True)
        wanted = Wanted(_person(request.person_id), request.open_only, day_of(request, "due_before"))
        rows = await data_requests_of(self._pool, units, wanted, page.size + 1, page.after(date, UUID))
        rows, following = page.cut(rows, lambda found: (found[0].received_on, found[0].request_id))
        return pb.ListDataRequestsResponse(
            requests=[
                message_of(
                    pb.DataRequest,
                    row,
                    unit=unit,
                    answer_late=row.answer_late(as_of),
                    carry_out_late=row.carry_out_late(as_of),
                )
                for row, unit in rows
            ],
            next=following,
        )

    async def holds(self, request: pb.ListLegalHoldsRequest, call: Call) -> Message:
        """A page of the legal holds on a subtree's people."""
        page, person_id = page_of(request.page), _person(request.person_id)
        self._tree.require(request.unit)
        units = call.rights.among(request.unit, dissolved=True)
        rows = await holds_of(self._pool, units, person_id, request.live_only, page.size + 1, page.after(date, UUID, UUID))
        rows, following = page.cut(rows, lambda found: (found[0].placed_on, found[0].person_id, found[0].hold_id))
        return pb.ListLegalHoldsResponse(holds=[message_of(pb.LegalHold, row, unit=unit) for row, unit in rows], next=following)

    async def erasure(self, request: pb.GetErasureRequest, call: Call) -> Message:
        """Who has acknowledged, and who has not; and which children of the person are still registered."""
        row = await self._row(request.person_id, call)
        missing = [pb.ErasureAcknowledgement(by=by) for by in _missing(row)]
        children = [str(child.child_id) for child in await children_of(self._pool, row.person_id)]
        return message_of(
            pb.GetErasureResponse, row, acknowledgements=[*_acknowledged(row), *missing], registered_children=children
        )

    async def certificate(self, request: pb.GetErasureCertificateRequest, call: Call) -> Message:
        """Everything that proves an erasure."""
        row = await self._row(request.person_id, call)
        if row.certified_on is None:
            raise NotCertified("person_id", missing=", ".join(_missing(row)))
        return message_of(
            pb.GetErasureCertificateResponse, row, positions=orjson.loads(row.positions), acknowledgements=_acknowledged(row)
        )

    async def _row(self, person_id: str, call: Call) -> ErasureRow:
        (wanted,) = ids_of("person_id", [person_id])
        row = await erasure_of(self._pool, wanted)
        if unit := await unit_of_person(self._pool, wanted) or (row.unit if row else ""):
            call.rights.at(unit)
        else:
            # Whoever is unknown and whoever is elsewhere look the same.
            call.rights.nationwide()
        if row is None:
            raise NobodyErased("person_id")
        return row


def _person(text: str) -> UUID | None:
    return ids_of("person_id", [text])[0] if text else None


def _acknowledged(row: ErasureRow) -> list[pb.ErasureAcknowledgement]:
    return [message_of(pb.ErasureAcknowledgement, one) for one in row.acknowledgements]


def _missing(row: ErasureRow) -> list[str]:
    return outstanding(row.awaited_names, [one.by for one in row.acknowledgements])
