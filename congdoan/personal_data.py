"""What do people ask about their data, what does the law keep, and who was erased: asked and recorded from the command line."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID, uuid4

from google.protobuf.json_format import MessageToDict

from chassis.messages import enum_names
from congdoan.clients import Federation
from congdoan.consents import Row
from congdoan.officers import Kept, UnknownName
from congdoan.texts import Language, say
from federation.membership.v1 import personal_data_pb2 as pb

PAGE = 1_000
KINDS = tuple(enum_names(pb.DataRequestKind.DESCRIPTOR))
FIELD_CLASSES = tuple(enum_names(pb.FieldClass.DESCRIPTOR))
_KIND_NAMES = {number: name for name, number in enum_names(pb.DataRequestKind.DESCRIPTOR).items()}
_STATUS_NAMES = {number: name for name, number in enum_names(pb.DataRequestStatus.DESCRIPTOR).items()}
_CLASS_NAMES = {number: name for name, number in enum_names(pb.FieldClass.DESCRIPTOR).items()}


@dataclass(frozen=True, slots=True)
class DataRequest(Row):
    """A data request; `late` names what is, as of the day asked for: answer, carry_out."""

    request_id: str
    person_id: str
    unit: str
    kind: str
    status: str
    received_on: str
    due_on: str
    late: str


@dataclass(frozen=True, slots=True)
class LegalHold(Row):
    """What the law keeps of a person."""

    person_id: str
    hold_id: str
    unit: str
    field_class: str
    basis: str
    reason: str
    placed_on: str
    lifted_on: str


@dataclass(frozen=True, slots=True)
class Acknowledgement(Row):
    """Who must acknowledge an erasure, and when that was recorded; empty while it is awaited."""

    by: str
    at: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How far an erasure has come; and the ids of the person's children, who were not erased with it."""

    acknowledgements: tuple[Acknowledgement, ...]
    registered_children: tuple[str, ...]

    @property
    def document(self) -> dict[str, object]:
        """As JSON knows it."""
        said = [one.document for one in self.acknowledgements]
        return {"acknowledgements": said, "registered_children": list(self.registered_children)}


@dataclass(frozen=True, slots=True)
class Certificate:
    """That nobody can read a person any more, as a document and in words."""

    document: dict[str, Any]

    def text(self, language: Language) -> str:
        """In words, for the file of the person."""
        said = self.document
        acknowledged = [f"  {one['at']}  {one['by']}" for one in said["acknowledgements"]]
        positions = ", ".join(map(str, said["positions"])) or say("none", language)
        facts = {name: said[name] for name in ("person_id", "request_id", "unit", "erased_on", "position", "certified_on")}
        more = {"key_destroyed_at": said["key_destroyed_at"], "positions": positions, "acknowledged": "\n".join(acknowledged)}
        return say("erasure_certificate", language, **facts, **more)


async def receive(federation: Federation, person_id: UUID, kind: str, on: date, request_id: UUID) -> Kept:
    """Record that a person asks something.

    :raises UnknownName: no such kind. :raises Refused: membership refuses.
    """
    fields = {"request_id": request_id, "person_id": person_id, "kind": _known(kind, KINDS), "on": on}
    return await _do(federation, "ReceiveDataRequest", request_id, fields)


async def answer(federation: Federation, request_id: UUID, accepted: bool, reason: str | None, on: date) -> Kept:
    """:raises Refused: membership refuses."""
    fields = {"request_id": request_id, "accepted": accepted, "reason": reason, "on": on}
    return await _do(federation, "AnswerDataRequest", request_id, fields)


async def extend(federation: Federation, request_id: UUID, until: date, reason: str, on: date) -> Kept:
    """:raises Refused: membership refuses."""
    fields = {"request_id": request_id, "carry_out_due_on": until, "reason": reason, "on": on}
    return await _do(federation, "ExtendDataRequest", request_id, fields)


async def carry_out(federation: Federation, request_id: UUID, on: date) -> Kept:
    """:raises Refused: membership refuses."""
    return await _do(federation, "CarryOutDataRequest", request_id, {"request_id": request_id, "on": on})


async def place(
    federation: Federation, person_id: UUID, field_class: str, basis: str, reason: str, on: date, hold_id: UUID
) -> Kept:
    """Keep a class of a person's data.

    :raises UnknownName: no such class. :raises Refused: membership refuses.
    """
    fields = {"person_id": person_id, "hold_id": hold_id, "field_class": _known(field_class, FIELD_CLASSES)}
    return await _do(federation, "PlaceLegalHold", hold_id, {**fields, "basis": basis, "reason": reason, "on": on})


async def lift(federation: Federation, person_id: UUID, hold_id: UUID, reason: str, on: date) -> Kept:
    """:raises Refused: membership refuses."""
    fields = {"person_id": person_id, "hold_id": hold_id, "reason": reason, "on": on}
    return await _do(federation, "LiftLegalHold", hold_id, fields)


async def erase(federation: Federation, person_id: UUID, request_id: UUID, on: date) -> Kept:
    """:raises Refused: membership refuses."""
    return await _do(federation, "EraseSubject", person_id, {"person_id": person_id, "request_id": request_id, "on": on})


async def acknowledge(federation: Federation, person_id: UUID, branch: str, on: date) -> Kept:
    """Acknowledge for the unit of a branch that nothing is kept of a person any more.

    :raises Refused: membership refuses.
    """
    erasure = await federation.call("membership", "GetErasure", {"person_id": person_id})
    fields = {"request_id": erasure.request_id, "by": branch, "up_to": erasure.position, "on": on}
    return await _do(federation, "AcknowledgeErasure", UUID(erasure.request_id), fields)


async def status(federation: Federation, person_id: UUID) -> Standing:
    """:raises Refused: membership refuses."""
    erasure = await federation.call("membership", "GetErasure", {"person_id": person_id})
    acknowledgements = tuple(Acknowledgement(one.by, one.at) for one in erasure.acknowledgements)
    return Standing(acknowledgements, tuple(erasure.registered_children))


async def certificate(federation: Federation, person_id: UUID) -> Certificate:
    """:raises Refused: membership refuses; there is none before all have acknowledged."""
    told = await federation.call("membership", "GetErasureCertificate", {"person_id": person_id})
    document = MessageToDict(told, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
    # Its numbers of 64 bits come as text.
    return Certificate({**document, "position": told.position, "positions": list(told.positions)})


async def data_requests(federation: Federation, unit: str, open_only: bool, due_before: date | None) -> list[DataRequest]:
    """The requests of people of a subtree, late or not as of today.

    :raises Refused: membership refuses.
    """
    fields = {"unit": unit, "open_only": open_only, "due_before": due_before}
    rows = await _pages(federation, "ListDataRequests", fields, "requests")
    return [
        DataRequest(
            row.request_id,
            row.person_id,
            row.unit,
            _KIND_NAMES[row.kind],
            _STATUS_NAMES[row.status],
            row.received_on,
            row.due_on,
            " ".join(name for name in ("answer", "carry_out") if getattr(row, f"{name}_late")),
        )
        for row in rows
    ]


async def holds(federation: Federation, unit: str, live_only: bool) -> list[LegalHold]:
    """The legal holds on people of a subtree.

    :raises Refused: membership refuses.
    """
    rows = await _pages(federation, "ListLegalHolds", {"unit": unit, "live_only": live_only}, "holds")
    return [
        LegalHold(
            row.person_id,
            row.hold_id,
            row.unit,
            _CLASS_NAMES[row.field_class],
            row.basis,
            row.reason,
            row.placed_on,
            row.lifted_on,
        )
        for row in rows
    ]


async def _do(federation: Federation, rpc: str, about: UUID, fields: dict[str, object]) -> Kept:
    kept = await federation.call("membership", rpc, {"command_id": uuid4(), **fields})
    return Kept(str(about), kept.position)


async def _pages(federation: Federation, rpc: str, fields: dict[str, object], name: str) -> list[Any]:
    rows: list[Any] = []
    after = ""
    while True:
        answer = await federation.call("membership", rpc, {**fields, "page": {"size": PAGE, "after": after}})
        rows += getattr(answer, name)
        if not (after := answer.next):
            return rows


def _known(name: str, names: Sequence[str]) -> str:
    known = name.replace("-", "_")
    if known not in names:
        raise UnknownName(", ".join(names))
    return known
