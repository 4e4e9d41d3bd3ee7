"""May this person be erased, who must have acknowledged it, and when is that certified?

Legal holds and the erasure itself are chapters of the member's own history, so that none can slip between a check and the
erasure. Acknowledgements and the certificate belong to the request that was made (Law 91/2025/QH15, art. 14; Decree
356/2025/NĐ-CP).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.commands import Command
from chassis.events import Event
from chassis.fields import Code, Count, Day
from chassis.refusals import AlreadyExists, Forbidden, NotFound, RuleBroken
from membership.domain.consent import consent_id
from membership.domain.data_request import (
    DataRequest,
    DataRequestCommand,
    Reference,
    carried_out,
    open_request,
)
from membership.domain.member import Member, MemberUnknown, not_erased
from membership.domain.unit import not_before
from membership.events import (
    Acknowledgement,
    ConsentGiver,
    ConsentPurpose,
    DataRequestKind,
    ErasureAcknowledged,
    ErasureCertified,
    FieldClass,
    LegalHoldLifted,
    LegalHoldPlaced,
    SubjectErased,
)

FOLLOWERS = ("audit", "awards", "notifications", "welfare")
"""The services that follow membership, each of which keeps something under a member's id."""


class LegallyHeld(RuleBroken):
    """What the law orders to be kept cannot be erased (Law 91/2025/QH15, art. 14)."""

    vi = "Chưa được xoá vì pháp luật yêu cầu lưu giữ: {holds}."
    en = "The law keeps it from erasure: {holds}."


class HoldExists(AlreadyExists):
    """A hold id is given once among the holds of a person."""

    vi = "Mã lưu giữ này đã được dùng."
    en = "This hold id is already taken."


class HoldUnknown(NotFound):
    """Only a hold that is there is lifted."""

    vi = "Không có lệnh lưu giữ này."
    en = "There is no such legal hold."


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


class PersonCommand(Command):
    """A command about the data of one person."""

    person_id: UUID
    on: Day

    @property
    def aggregate_id(self) -> UUID:
        """The member's own id."""
        return self.person_id


class PlaceLegalHold(PersonCommand):
    """Keep a class of a person's data from erasure."""

    hold_id: UUID
    field_class: FieldClass
    basis: Reference
    reason: Reference


class LiftLegalHold(PersonCommand):
    """End a legal hold."""

    hold_id: UUID
    reason: Reference


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
    """What the erasure of a person must see: the request by its id, and the branches in whose history the person stood."""

    requests: Mapping[UUID, DataRequest | None]
    branches: Mapping[UUID, tuple[str, ...]]


@dataclass(frozen=True)
class Progress:
    """What an acknowledgement must see: the person by its request, and the service that calls (none when empty)."""

    members: Mapping[UUID, Member | None]
    service: str = ""


@dataclass(frozen=True)
class Proof:
    """What a certificate says of one erasure, as the event store and the key store have it."""

    awaited: tuple[str, ...]
    positions: tuple[int, ...]
    key_destroyed_at: datetime
    acknowledged: tuple[Acknowledgement, ...]


def place_hold(state: Member | None, command: PlaceLegalHold, _: object) -> list[Event]:
    """A hold may be placed on who left, too: its records are still there.

    :raises MemberUnknown, NotBefore, SubjectIsErased, HoldExists:
    """
    member = _person(state, command)
    not_erased(member, "person_id")
    if command.hold_id in {hold.hold_id for hold in member.holds}:
        raise HoldExists("hold_id")
    return [
        LegalHoldPlaced(
            unit=member.unit,
            on=command.on,
            hold_id=command.hold_id,
            person_id=member.member_id,
            field_class=command.field_class,
            basis=command.basis,
            reason=command.reason,
        )
    ]


def lift_hold(state: Member | None, command: LiftLegalHold, _: object) -> list[Event]:
    """:raises MemberUnknown, NotBefore, HoldUnknown:"""
    member = _person(state, command)
    if command.hold_id not in {hold.hold_id for hold in member.holds}:
        raise HoldUnknown("hold_id")
    return [
        LegalHoldLifted(
            unit=member.unit, on=command.on, hold_id=command.hold_id, person_id=member.member_id, reason=command.reason
        )
    ]


def erase(state: Member | None, command: EraseSubject, grounds: Grounds) -> list[Event]:
    """:raises MemberUnknown, NotBefore, SubjectIsErased, NotAnErasureRequest, LegallyHeld:"""
    member = _person(state, command)
    not_erased(member, "person_id")
    request = grounds.requests.get(command.request_id)
    if request is None or request.person_id != member.member_id or not _open_for_erasure(request):
        raise NotAnErasureRequest("request_id")
    not_before(request.answered_on or request.received_on, command.on)
    if member.holds:
        raise LegallyHeld("person_id", holds="; ".join(f"{hold.field_class} ({hold.basis})" for hold in member.holds))
    return [
        SubjectErased(
            unit=member.unit,
            on=command.on,
            person_id=member.member_id,
            request_id=request.request_id,
            awaited=(*FOLLOWERS, *grounds.branches.get(member.member_id, ())),
        )
    ]


def acknowledge(state: DataRequest | None, command: AcknowledgeErasure, progress: Progress) -> list[Event]:
    """:raises RequestUnknown, NotBefore, NotAccepted, RequestClosed, NotErased, NotAwaited, AlreadyAcknowledged:
    :raises Forbidden: a service acknowledges for itself alone, and nobody else for it.
    """
    if state is not None and command.by in state.acknowledged:
        # Also after the certificate: who repeats itself is told that all is well.
        raise AlreadyAcknowledged("by", by=command.by)
    request = open_request(state, command)
    member = progress.members.get(request.request_id)
    if member is None or member.erased is None or member.erased.request_id != request.request_id:
        raise NotErased("request_id")
    if command.by not in member.erased.awaited:
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
    """The aggregates whose events hold values of a person: the member, and each consent it may have given."""
    consents = [consent_id(person_id, purpose, voice) for purpose in ConsentPurpose for voice in ConsentGiver]
    return [person_id, *consents]


def outstanding(awaited: Iterable[str], acknowledged: Sequence[str]) -> list[str]:
    """Who has not acknowledged yet."""
    return [name for name in awaited if name not in acknowledged]


def _person(state: Member | None, command: PersonCommand) -> Member:
    if state is None:
        raise MemberUnknown("person_id")
    not_before(state.joined_on, command.on)
    return state


def _open_for_erasure(request: DataRequest) -> bool:
    return request.kind is DataRequestKind.ERASURE and request.accepted and request.carried_out_on is None
