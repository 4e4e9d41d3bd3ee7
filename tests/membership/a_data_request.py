"""A member, or a child, and what is asked about its data, as events and commands of the tests."""

from datetime import date
from typing import Any
from uuid import UUID

from membership.domain import data_request, erasure, legal_hold
from membership.domain.child import Person, Persons
from membership.domain.data_request import Around, Asker, DataRequest
from membership.domain.erasure import Grounds, Progress, Proof
from membership.domain.legal_hold import SUBJECT, Subject
from membership.domain.member import MEMBER, Member
from membership.domain.working_days import closed_in_viet_nam
from membership.events import (
    ChildRegistered,
    DataRequestAnswered,
    DataRequestCarriedOut,
    DataRequestExtended,
    DataRequestKind,
    DataRequestReceived,
    ErasureAcknowledged,
    FieldClass,
    LegalHoldPlaced,
    MemberJoined,
    SubjectErased,
)
from tests.given import state_after

PERSON, OTHER, REQUEST, HOLD, COMMAND = (UUID(int=number) for number in range(1, 6))
JOINED_ON = date(2020, 1, 1)
RECEIVED_ON = date(2026, 3, 2)
ANSWER_DUE_ON = date(2026, 3, 4)
ACCESS, ERASURE = DataRequestKind.ACCESS, DataRequestKind.ERASURE
BRANCH = "vinh-phuc"
AWAITED = (*erasure.FOLLOWERS, BRANCH)


def joined(**more: Any) -> MemberJoined:
    plain = {"member_id": PERSON, "full_name": "Đỗ Thị Ế", "national_id": "0" * 12, "national_id_hash": "hash of the id"}
    fields = {"unit": "so-y-te", "on": JOINED_ON, **plain, "birth_date": date(1990, 1, 1), "phone": "", "email": "", **more}
    return MemberJoined.model_validate(fields)


def registered(member_id: UUID = OTHER) -> ChildRegistered:
    """A child instead of a member, under the same id."""
    born_on = date(2015, 3, 8)
    told = {"child_id": PERSON, "member_id": member_id, "full_name": "Đỗ Minh Ế", "birth_date": born_on}
    return ChildRegistered.model_validate({"unit": "so-y-te", "on": JOINED_ON, **told})


def member(*more: Any) -> Member:
    return state_after(MEMBER, joined(), *more)


def erased(on: date = date(2026, 3, 5), awaited: tuple[str, ...] = AWAITED) -> SubjectErased:
    return SubjectErased(unit="so-y-te", on=on, person_id=PERSON, request_id=REQUEST, awaited=awaited)


def held(field_class: FieldClass = FieldClass.IDENTITY, hold_id: UUID = HOLD) -> LegalHoldPlaced:
    return LegalHoldPlaced(
        unit="so-y-te",
        on=date(2026, 3, 3),
        hold_id=hold_id,
        person_id=PERSON,
        field_class=field_class,
        basis="Điều 14 Luật 91/2025/QH15",
        reason="Hồ sơ 12/2026/TLST",
    )


def received(kind: DataRequestKind = ACCESS, due: date = date(2026, 3, 17)) -> DataRequestReceived:
    return DataRequestReceived(
        unit="so-y-te",
        on=RECEIVED_ON,
        request_id=REQUEST,
        person_id=PERSON,
        kind=kind,
        received_on=RECEIVED_ON,
        answer_due_on=ANSWER_DUE_ON,
        carry_out_due_on=due,
    )


def received_for_erasure() -> DataRequestReceived:
    return received(ERASURE, date(2026, 3, 22))


def answered(
    accepted: bool = True,
    reason: str = "",
    kind: DataRequestKind = ACCESS,
    on: date = date(2026, 3, 4),
    due: date = date(2026, 3, 17),
) -> DataRequestAnswered:
    return DataRequestAnswered(
        unit="so-y-te",
        on=on,
        request_id=REQUEST,
        person_id=PERSON,
        kind=kind,
        accepted=accepted,
        carry_out_due_on=due,
        reason=reason,
    )


def accepted_for_erasure() -> DataRequestAnswered:
    return answered(kind=ERASURE, due=date(2026, 3, 22))


def extended(due: date) -> DataRequestExtended:
    return DataRequestExtended(
        unit="so-y-te",
        on=date(2026, 3, 10),
        request_id=REQUEST,
        person_id=PERSON,
        kind=ACCESS,
        carry_out_due_on=due,
        reason="Công văn 7/CV-CĐCS",
    )


def done(kind: DataRequestKind = ACCESS, on: date = date(2026, 3, 10)) -> DataRequestCarriedOut:
    return DataRequestCarriedOut(unit="so-y-te", on=on, request_id=REQUEST, person_id=PERSON, kind=kind)


def acknowledged(by: str, on: date = date(2026, 3, 6)) -> ErasureAcknowledged:
    return ErasureAcknowledged(unit="so-y-te", on=on, person_id=PERSON, request_id=REQUEST, by=by, up_to=7)


def child(*more: Any) -> Subject:
    return state_after(SUBJECT, registered(), *more)


def persons(unit: str = "so-y-te", gone: bool = False) -> Persons:
    """The person, of a unit now."""
    return {PERSON: Person(unit, JOINED_ON, erased=gone)}


def around(person: Person | None, *branches: str) -> Around:
    return Around({REQUEST: Asker(person, branches)}, closed_in_viet_nam())


def grounds(request: DataRequest | None, *branches: str, unit: str = "so-y-te") -> Grounds:
    return Grounds({REQUEST: request}, persons(unit), {PERSON: branches})


def progress(person: Subject | None, service: str = "") -> Progress:
    return Progress({REQUEST: person.erased if person else None}, service)


def proofs(proof: Proof | None) -> dict[UUID, Proof]:
    return {} if proof is None else {REQUEST: proof}


def receive(kind: DataRequestKind = ACCESS, on: date = RECEIVED_ON) -> data_request.ReceiveDataRequest:
    return data_request.ReceiveDataRequest(command_id=COMMAND, request_id=REQUEST, person_id=PERSON, kind=kind, on=on)


def answer(accepted: bool = True, reason: str | None = None, on: date = date(2026, 3, 4)) -> data_request.AnswerDataRequest:
    return data_request.AnswerDataRequest(command_id=COMMAND, request_id=REQUEST, accepted=accepted, reason=reason, on=on)


def extend(due: date, on: date = date(2026, 3, 10)) -> data_request.ExtendDataRequest:
    return data_request.ExtendDataRequest(
        command_id=COMMAND, request_id=REQUEST, carry_out_due_on=due, reason="Công văn 7/CV-CĐCS", on=on
    )


def carry_out(on: date = date(2026, 3, 10)) -> data_request.CarryOutDataRequest:
    return data_request.CarryOutDataRequest(command_id=COMMAND, request_id=REQUEST, on=on)


def place(field_class: FieldClass = FieldClass.IDENTITY, on: date = date(2026, 3, 3)) -> legal_hold.PlaceLegalHold:
    return legal_hold.PlaceLegalHold(
        command_id=COMMAND,
        person_id=PERSON,
        hold_id=HOLD,
        field_class=field_class,
        basis="Điều 14 Luật 91/2025/QH15",
        reason="Hồ sơ 12/2026/TLST",
        on=on,
    )


def lift(hold_id: UUID = HOLD) -> legal_hold.LiftLegalHold:
    return legal_hold.LiftLegalHold(
        command_id=COMMAND, person_id=PERSON, hold_id=hold_id, reason="Bản án 3/2026/DS-ST", on=date(2026, 3, 4)
    )


def erase(on: date = date(2026, 3, 5)) -> erasure.EraseSubject:
    return erasure.EraseSubject(command_id=COMMAND, person_id=PERSON, request_id=REQUEST, on=on)


def acknowledge(by: str, on: date = date(2026, 3, 6)) -> erasure.AcknowledgeErasure:
    return erasure.AcknowledgeErasure(command_id=COMMAND, request_id=REQUEST, by=by, up_to=7, on=on)


def certify(on: date = date(2026, 3, 9)) -> erasure.CertifyErasure:
    return erasure.CertifyErasure(command_id=COMMAND, request_id=REQUEST, on=on)
