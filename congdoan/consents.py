"""Who agrees to what, whose children are known, and how is somebody called: asked, and recorded, from the command line."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from uuid import UUID, uuid4

from chassis.messages import enum_names
from congdoan.clients import Federation
from congdoan.officers import Kept, UnknownName
from federation.membership.v1 import consents_pb2 as pb

PAGE = 1_000
PURPOSES = tuple(enum_names(pb.ConsentPurpose.DESCRIPTOR))
GIVERS = tuple(enum_names(pb.ConsentGiver.DESCRIPTOR))
_PURPOSE_NAMES = {number: name for name, number in enum_names(pb.ConsentPurpose.DESCRIPTOR).items()}
_GIVER_NAMES = {number: name for name, number in enum_names(pb.ConsentGiver.DESCRIPTOR).items()}


@dataclass(frozen=True, slots=True)
class Row:
    """What one line of a list tells, in the order of its columns."""

    @property
    def document(self) -> dict[str, object]:
        """As JSON knows it."""
        return asdict(self)

    @property
    def row(self) -> Sequence[object]:
        """As a table shows it."""
        return [", ".join(value) if isinstance(value, tuple) else value for value in asdict(self).values()]


@dataclass(frozen=True, slots=True)
class Consent(Row):
    """What was agreed to; `withdrawn_on` is empty while it holds."""

    purpose: str
    given_by: str
    text_version: str
    evidence: str
    given_on: str
    withdrawn_on: str


@dataclass(frozen=True, slots=True)
class Child(Row):
    """A member's child."""

    child_id: str
    full_name: str
    birth_date: str
    registered_on: str


@dataclass(frozen=True, slots=True)
class Name(Row):
    """How a member is called; no name of one who was erased, and a sentence instead where it is not told."""

    member_id: str
    full_name: str
    erased: bool
    refusal: str


@dataclass(frozen=True, slots=True)
class Reading(Row):
    """Who read data of which members of a unit, and why."""

    unit: str
    on: str
    reader: str
    reader_role: str
    member_ids: tuple[str, ...]
    reason: str


async def give(
    federation: Federation,
    person_id: UUID,
    purpose: str,
    *,
    given_by: str,
    guardian_id: UUID | None,
    text_version: str,
    evidence: str,
    on: date,
) -> Kept:
    """Record that somebody agrees.

    :raises UnknownName: no such purpose or voice. :raises Refused: membership refuses.
    """
    shown = {"text_version": text_version, "evidence": evidence, "guardian_id": guardian_id}
    return await _do(federation, "GiveConsent", person_id, **_consent(person_id, purpose, given_by, on), **shown)


async def withdraw(federation: Federation, person_id: UUID, purpose: str, *, given_by: str, on: date) -> Kept:
    """Record that a consent is taken back.

    :raises UnknownName: no such purpose or voice. :raises Refused: membership refuses.
    """
    return await _do(federation, "WithdrawConsent", person_id, **_consent(person_id, purpose, given_by, on))


async def consents(federation: Federation, person_id: UUID) -> list[Consent]:
    """Everything that was ever agreed to for a person.

    :raises Refused: membership refuses.
    """
    answer = await federation.call("membership", "ListConsents", {"person_id": person_id})
    return [
        Consent(
            _PURPOSE_NAMES.get(one.purpose, str(one.purpose)),
            _GIVER_NAMES.get(one.given_by, str(one.given_by)),
            one.text_version,
            one.evidence,
            one.given_on,
            one.withdrawn_on,
        )
        for one in answer.consents
    ]


async def register_child(
    federation: Federation, child_id: UUID, member_id: UUID, full_name: str, birth_date: date, on: date
) -> Kept:
    """Record a member's child.

    :raises Refused: membership refuses.
    """
    fields = {"child_id": child_id, "member_id": member_id, "full_name": full_name, "birth_date": birth_date, "on": on}
    return await _do(federation, "RegisterChild", child_id, **fields)


async def correct_child(federation: Federation, child_id: UUID, full_name: str | None, birth_date: date | None, on: date) -> Kept:
    """Correct what is recorded about a child.

    :raises Refused: membership refuses.
    """
    fields = {"child_id": child_id, "full_name": full_name, "birth_date": birth_date, "on": on}
    return await _do(federation, "CorrectChildDetails", child_id, **fields)


async def children(federation: Federation, member_id: UUID) -> list[Child]:
    """The children of a member.

    :raises Refused: membership refuses.
    """
    answer = await federation.call("membership", "ListChildren", {"member_id": member_id})
    return [Child(one.child_id, one.full_name, one.birth_date, one.registered_on) for one in answer.children]


async def names(federation: Federation, member_ids: Sequence[UUID], reason: str) -> list[Name]:
    """The names of some members, or why they are not told.

    :raises Refused: membership refuses all of them.
    """
    answer = await federation.call("membership", "GetMemberNames", {"member_ids": member_ids, "reason": reason})
    return [Name(one.member_id, one.full_name, one.erased, one.refusal.message) for one in answer.members]


async def readings(federation: Federation, unit: str) -> list[Reading]:
    """Who read data of members of a subtree.

    :raises Refused: membership refuses.
    """
    found: list[Reading] = []
    after = ""
    while True:
        answer = await federation.call("membership", "ListReadings", {"unit": unit, "page": {"size": PAGE, "after": after}})
        found += [
            Reading(one.unit, one.on, one.reader, one.reader_role, tuple(one.member_ids), one.reason) for one in answer.readings
        ]
        if not (after := answer.next):
            return found


async def _do(federation: Federation, rpc: str, about: UUID, **fields: object) -> Kept:
    answer = await federation.call("membership", rpc, {"command_id": uuid4(), **fields})
    return Kept(str(about), int(answer.position))


def _consent(person_id: UUID, purpose: str, given_by: str, on: date) -> dict[str, object]:
    return {"person_id": person_id, "purpose": _known(purpose, PURPOSES), "given_by": _known(given_by, GIVERS), "on": on}


def _known(name: str, known: Sequence[str]) -> str:
    plain = name.replace("-", "_")
    if plain not in known:
        raise UnknownName(", ".join(known))
    return plain
