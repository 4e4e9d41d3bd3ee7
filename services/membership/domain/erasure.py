"""May this person be erased, who must have acknowledged it, and when is that certified?

The erasure is a chapter of the history of whom it erases, member or child, as legal holds are
(:mod:`membership.domain.legal_hold`). Acknowledgements and the certificate belong to the request that was made (Law
91/2025/QH15, art. 14; Decree 356/2025/NĐ-CP).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.events import Event
from chassis.fields import Code, Count
from chassis.refusals import AlreadyExists, Forbidden, RuleBroken
from membership.domain.child import Persons
from membership.domain.consent import consents_about
from membership.domain.data_request import (
    DataRequest,
    DataRequestCommand,
    carried_out,
    open_request,
)
from membership.domain.data_subject import Erasure, not_erased
from membership.domain.legal_hold import LegallyHeld, PersonCommand, Subject, known, unit_now
from membership.domain.unit import not_before
from membership.events import (
    Acknowledgement,
    DataRequestKind,
    ErasureAcknowledged,
    ErasureCertified,
    SubjectErased,
)

FOLLOWERS = ("audit", "awards", "notifications", "welfare")
"""The services that follow membership, each of which keeps something under a member's id."""


class NotAnErasureRequest(RuleBroken):
    """A person is erased on its own open, accepted request for erasure, and on nothing else."""

    vi = "Cần yêu cầu xoá của chính người này, đã được chấp nhận và chưa thực hiện."
    en = "It needs this person's own request for erasure, accepted and not yet carried out."


class NotErased(RuleBroken):
    """Nobody acknowledges what did not happen."""

    vi = "Yêu cầu này chưa dẫn đến việc xoá dữ liệu."
    en = "Nobody was erased on this request."


class NotAwaited(RuleBroken):
    """Only those that follow the person's history acknowledge."""

    vi = "Không cần xác nhận của {by}."
    en = "No acknowledgement of {by} is awaited."


class AlreadyAcknowledged(AlreadyExists):
    """One acknowledgement each."""

    vi = "{by} đã xác nhận."
    en = "{by} has acknowledged."


class AcknowledgementsOutstanding(RuleBroken):
    """A certificate says that all have acknowledged."""

    vi = "Còn chờ xác nhận của: {missing}."
    en = "Acknowledgements are awaited of: {missing}."


class EraseSubject(PersonCommand):
    """Erase a person, on a request."""

    request_id: UUID


class AcknowledgeErasure(DataRequestCommand):
    """Say that nothing of an erased person is kept any more: by a service, or by an officer for the unit of a branch.

    `up_to` is the position of membership's history until which that was looked at.
    """

    by: Code
    up_to: Count


class CertifyErasure(DataRequestCommand):
    """All have acknowledged: certify it. Membership gives this command to itself."""


@dataclass(frozen=True)
class Grounds:
    """What an erasure must see: the request by its id, the person, and the branches in whose history the person stood."""

    requests: Mapping[UUID, DataRequest | None]
    persons: Persons
    branches: Mapping[UUID, tuple[str, ...]]


@dataclass(frozen=True)
class Progress:
    """What an acknowledgement must see: the erasure by its request, and the service that calls (none when empty)."""

    erasures: Mapping[UUID, Erasure | None]
    service: str = ""


@dataclass(frozen=True)
class Proof:
    """What a certificate says of one erasure, as the event store and the key store have it."""

    awaited: tuple[str, ...]
    positions: tuple[int, ...]
    key_destroyed_at: datetime
    acknowledged: tuple[Acknowledgement, ...]


def erase(state: Subject | None, command: EraseSubject, grounds: Grounds) -> list[Event]:
    """:raises PersonUnknown, NotBefore, SubjectIsErased, NotAnErasureRequest, LegallyHeld:"""
    subject = known(state, command)
    not_erased(subject, "person_id")
    request = grounds.requests.get(command.request_id)
    if request is None or request.person_id != command.person_id or not _open_for_erasure(request):
        raise NotAnErasureRequest("request_id")
    not_before(request.answered_on or request.received_on, command.on)
    if subject.holds:
        raise LegallyHeld("person_id", subject.holds)
    return [
        SubjectErased(
            unit=at_person(subject, command, grounds),
            on=command.on,
            person_id=command.person_id,
            request_id=request.request_id,
            awaited=(*FOLLOWERS, *grounds.branches.get(command.person_id, ())),
        )
    ]


def at_person(state: Subject | None, command: EraseSubject, grounds: Grounds) -> str:
    """Where the right to erase somebody is needed: at its unit of now, of a child at its parent's.

    :raises PersonUnknown:
    """
    return unit_now(state, command, grounds.persons)


def acknowledge(state: DataRequest | None, command: AcknowledgeErasure, progress: Progress) -> list[Event]:
    """:raises RequestUnknown, NotBefore, NotAccepted, RequestClosed, NotErased, NotAwaited, AlreadyAcknowledged:
    :raises Forbidden: a service acknowledges for itself alone, and nobody else for it.
    """
    if state is not None and command.by in state.acknowledged:
        # Also after the certificate: who repeats itself is told that all is well.
        raise AlreadyAcknowledged("by", by=command.by)
    request = open_request(state, command)
    erasure = progress.erasures.get(request.request_id)
    if erasure is None or erasure.request_id != request.request_id:
        raise NotErased("request_id")
    if command.by not in erasure.awaited:
        raise NotAwaited("by", by=command.by)
    if (progress.service or command.by in FOLLOWERS) and command.by != progress.service:
        raise Forbidden()
    return [
        ErasureAcknowledged(
            unit=request.unit,
            on=command.on,
            person_id=request.person_id,
            request_id=request.request_id,
            by=command.by,
            up_to=command.up_to,
        )
    ]


def certify(state: DataRequest | None, command: CertifyErasure, proofs: Mapping[UUID, Proof]) -> list[Event]:
    """An erasure is carried out on the day by which all had acknowledged it, in whichever order that was recorded.

    :raises RequestUnknown, NotAccepted, RequestClosed, NotErased, AcknowledgementsOutstanding:
    """
    request = open_request(state, command)
    proof = proofs.get(request.request_id)
    if proof is None:
        raise NotErased("request_id")
    if missing := outstanding(proof.awaited, [one.by for one in proof.acknowledged]):
        raise AcknowledgementsOutstanding("request_id", missing=", ".join(missing))
    on = max(command.on, request.acknowledged_on or command.on)
    certified = ErasureCertified(
        unit=request.unit,
        on=on,
        person_id=request.person_id,
        request_id=request.request_id,
        positions=proof.positions,
        key_destroyed_at=proof.key_destroyed_at,
        acknowledged=proof.acknowledged,
    )
    return [certified, carried_out(request, on)]


def histories_of(person_id: UUID) -> list[UUID]:
    """The aggregates that tell of a person: the member or child, and each consent there may be about it."""
    return [person_id, *consents_about(person_id)]


def outstanding(awaited: Iterable[str], acknowledged: Sequence[str]) -> list[str]:
    """Who has not acknowledged yet."""
    return [name for name in awaited if name not in acknowledged]


def _open_for_erasure(request: DataRequest) -> bool:
    return request.kind is DataRequestKind.ERASURE and request.accepted and request.carried_out_on is None
