"""What does a person ask about its data, by when is it answered and carried out?

Law 91/2025/QH15 and Decree 356/2025/NĐ-CP: answered within two working days; carried out within 15 days, 20 where third
parties must act, and these once as long again with a reason told before. Whether something was late follows from the days
of the events; nowhere is it written down.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, StringConstraints

from chassis.commands import Aggregate, Command, FieldRule
from chassis.events import Event
from chassis.fields import Day, Line
from chassis.refusals import AlreadyExists, Invalid, NotFound, Problem, RuleBroken
from membership.domain.child import Person, PersonUnknown
from membership.domain.data_subject import SubjectIsErased
from membership.domain.unit import not_before
from membership.domain.working_days import Closed, working_day_after
from membership.events import (
    DataRequestAnswered,
    DataRequestCarriedOut,
    DataRequestExtended,
    DataRequestKind,
    DataRequestReceived,
    ErasureAcknowledged,
    ErasureCertified,
)

ANSWER_WORKING_DAYS = 2
CARRY_OUT_DAYS = 15
CARRY_OUT_DAYS_WITH_OTHERS = 20
"""Where a third party must act: the provinces that follow the history of a person to be erased."""


def _not_of_a_person(text: str) -> str:
    if _LIKE_A_NUMBER_OF_A_PERSON.search(text) or "@" in text:
        raise FieldRule("không ghi dữ liệu cá nhân ở đây", "takes a reference, nothing personal")
    return text


_LIKE_A_NUMBER_OF_A_PERSON = re.compile(r"\d(?:[ .-]?\d){8,}")
"""A telephone or identity number has nine digits or more; a document's number and year do not."""

Reference = Annotated[Line, StringConstraints(max_length=120), AfterValidator(_not_of_a_person)]
"""A short reference that is kept in clear: number of a document, article of a law, file number of a case."""


class RequestUnknown(NotFound):
    """No data request was received under this id."""

    vi = "Không có yêu cầu này của chủ thể dữ liệu."
    en = "There is no such data request."


class RequestExists(AlreadyExists):
    """A request id is given once."""

    vi = "Mã yêu cầu này đã được dùng."
    en = "This request id is already taken."


class AlreadyAnswered(RuleBroken):
    """A request is answered once."""

    vi = "Yêu cầu đã được trả lời ngày {on}."
    en = "The request was answered on {on}."


class NotAccepted(RuleBroken):
    """Only what was accepted is extended or carried out."""

    vi = "Yêu cầu chưa được chấp nhận hoặc đã bị từ chối."
    en = "The request was not accepted."


class RequestClosed(RuleBroken):
    """What was carried out is done."""

    vi = "Yêu cầu đã thực hiện xong ngày {on}."
    en = "The request was carried out on {on}."


class AlreadyExtended(RuleBroken):
    """One extension a request (Decree 356/2025)."""

    vi = "Thời hạn thực hiện chỉ được gia hạn một lần."
    en = "The time to carry a request out is extended once."


class ExtensionTooLate(RuleBroken):
    """An extension is told before the day it is due."""

    vi = "Chỉ được gia hạn trước ngày đến hạn {due_on}."
    en = "An extension is told before the due day, {due_on}."


class ExtensionTooLong(RuleBroken):
    """An extension is of as many days again at most."""

    vi = "Chỉ được gia hạn đến ngày {latest}."
    en = "The time can be extended until {latest} at most."


class CarriedOutByCertificate(RuleBroken):
    """An erasure is carried out when all have acknowledged it, and not because somebody says so."""

    vi = "Yêu cầu xoá hoàn thành khi có chứng nhận xoá."
    en = "An erasure is carried out by its certificate."


@dataclass(frozen=True, slots=True)
class DataRequest:
    """A request as the history left it; of an erasure also who has acknowledged it, the last on which day."""

    request_id: UUID
    person_id: UUID
    unit: str
    kind: DataRequestKind
    received_on: date
    answer_due_on: date
    carry_out_due_on: date
    days: int
    answered_on: date | None = None
    accepted: bool = False
    extended: bool = False
    carried_out_on: date | None = None
    acknowledged: tuple[str, ...] = ()
    acknowledged_on: date | None = None


@dataclass(frozen=True)
class Asker:
    """What a decision must see of whose data it is: member or child, and the branches in whose history it stood."""

    person: Person | None
    branches: tuple[str, ...] = ()


@dataclass(frozen=True)
class Around:
    """What decisions on data requests must see: the person of each request, and which days are working days."""

    askers: Mapping[UUID, Asker]
    closed: Closed


class DataRequestCommand(Command):
    """A command about one request."""

    request_id: UUID
    on: Day

    @property
    def aggregate_id(self) -> UUID:
        """The request's own id."""
        return self.request_id


class ReceiveDataRequest(DataRequestCommand):
    """A person, or a child's guardian for it, asks something about its data; `on` is the day of receipt."""

    person_id: UUID
    kind: DataRequestKind


class AnswerDataRequest(DataRequestCommand):
    """Accept a request, or refuse it for a reason."""

    accepted: bool
    reason: Reference | None = None


class ExtendDataRequest(DataRequestCommand):
    """Take until a later day, for a reason."""

    carry_out_due_on: Day
    reason: Reference


class CarryOutDataRequest(DataRequestCommand):
    """What was asked for is done."""


def receive(state: DataRequest | None, command: ReceiveDataRequest, around: Around) -> list[Event]:
    """:raises RequestExists, PersonUnknown, SubjectIsErased, NotBefore:"""
    if state is not None:
        raise RequestExists("request_id")
    asker = around.askers[command.request_id]
    person = asker.person
    if person is None:
        raise PersonUnknown("person_id")
    if person.erased:
        raise SubjectIsErased("person_id")
    not_before(person.since, command.on)
    return [
        DataRequestReceived(
            unit=person.unit,
            on=command.on,
            request_id=command.request_id,
            person_id=command.person_id,
            kind=command.kind,
            received_on=command.on,
            answer_due_on=working_day_after(command.on, ANSWER_WORKING_DAYS, around.closed),
            carry_out_due_on=command.on + timedelta(days=_days_for(command.kind, asker)),
        )
    ]


def answer(state: DataRequest | None, command: AnswerDataRequest, around: Around) -> list[Event]:
    """A late answer is taken too; that it was late is seen from its day.

    :raises RequestUnknown, NotBefore, AlreadyAnswered: :raises Invalid: it is refused without a reason.
    """
    request = _known(state, command)
    if request.answered_on is not None:
        raise AlreadyAnswered("request_id", on=request.answered_on)
    if not command.accepted and not command.reason:
        raise Invalid(Problem("reason", "cần lý do từ chối", "is needed when a request is refused"))
    return [
        DataRequestAnswered(
            unit=request.unit,
            on=command.on,
            request_id=request.request_id,
            person_id=request.person_id,
            kind=request.kind,
            accepted=command.accepted,
            carry_out_due_on=request.carry_out_due_on,
            reason=command.reason or "",
        )
    ]


def extend(state: DataRequest | None, command: ExtendDataRequest, around: Around) -> list[Event]:
    """:raises RequestUnknown, NotBefore, NotAccepted, RequestClosed, AlreadyExtended, ExtensionTooLate, ExtensionTooLong:"""
    request = open_request(state, command)
    if request.extended:
        raise AlreadyExtended("request_id")
    if command.on >= request.carry_out_due_on:
        raise ExtensionTooLate("on", due_on=request.carry_out_due_on)
    not_before(request.carry_out_due_on + timedelta(days=1), command.carry_out_due_on, "carry_out_due_on")
    latest = request.carry_out_due_on + timedelta(days=request.days)
    if command.carry_out_due_on > latest:
        raise ExtensionTooLong("carry_out_due_on", latest=latest)
    return [
        DataRequestExtended(
            unit=request.unit,
            on=command.on,
            request_id=request.request_id,
            person_id=request.person_id,
            kind=request.kind,
            carry_out_due_on=command.carry_out_due_on,
            reason=command.reason,
        )
    ]


def carry_out(state: DataRequest | None, command: CarryOutDataRequest, around: Around) -> list[Event]:
    """:raises RequestUnknown, NotBefore, NotAccepted, RequestClosed, CarriedOutByCertificate:"""
    request = open_request(state, command)
    if request.kind is DataRequestKind.ERASURE:
        raise CarriedOutByCertificate("request_id")
    return [carried_out(request, command.on)]


def carried_out(request: DataRequest, on: date) -> DataRequestCarriedOut:
    """That a request is done."""
    return DataRequestCarriedOut(
        unit=request.unit, on=on, request_id=request.request_id, person_id=request.person_id, kind=request.kind
    )


def unit_now(state: DataRequest | None, command: DataRequestCommand, around: Around) -> str:
    """Where the right to act on a request is needed: the unit the person is of now, not that of the day it asked."""
    asker = around.askers.get(command.request_id)
    return asker.person.unit if asker and asker.person else ""


def open_request(state: DataRequest | None, command: DataRequestCommand) -> DataRequest:
    """A request that was accepted and is not done.

    :raises RequestUnknown, NotBefore, NotAccepted, RequestClosed:
    """
    request = _known(state, command)
    if request.carried_out_on is not None:
        raise RequestClosed("request_id", on=request.carried_out_on)
    if not request.accepted:
        raise NotAccepted("request_id")
    return request


def _known(state: DataRequest | None, command: DataRequestCommand) -> DataRequest:
    if state is None:
        raise RequestUnknown("request_id")
    not_before(state.answered_on or state.received_on, command.on)
    return state


def _days_for(kind: DataRequestKind, asker: Asker) -> int:
    others = kind is DataRequestKind.ERASURE and asker.branches
    return CARRY_OUT_DAYS_WITH_OTHERS if others else CARRY_OUT_DAYS


def evolve(state: DataRequest | None, event: Event) -> DataRequest:
    """The request after one more event."""
    match event:
        case DataRequestReceived():
            return DataRequest(
                event.request_id,
                event.person_id,
                event.unit,
                event.kind,
                event.received_on,
                event.answer_due_on,
                event.carry_out_due_on,
                (event.carry_out_due_on - event.received_on).days,
            )
        case _ if state is None:
            raise AssertionError(f"{event.topic} without a request")
        case DataRequestAnswered():
            return replace(state, answered_on=event.on, accepted=event.accepted)
        case DataRequestExtended():
            return replace(state, carry_out_due_on=event.carry_out_due_on, extended=True)
        case DataRequestCarriedOut():
            return replace(state, carried_out_on=event.on)
        case ErasureAcknowledged():
            last = max(event.on, state.acknowledged_on or event.on)
            return replace(state, acknowledged=(*state.acknowledged, event.by), acknowledged_on=last)
        case ErasureCertified():
            return state
    raise AssertionError(f"{event.topic} is no event of a data request")


DATA_REQUEST = Aggregate("data_request", evolve, lambda request: request.unit, begins=(DataRequestReceived,))
