"""Who holds which office, and who signs: how is that asked for, and changed, from the command line?"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any
from uuid import UUID, uuid4

from chassis.messages import enum_names
from chassis.security import Role
from congdoan.clients import Federation
from federation.membership.v1 import officers_pb2 as pb

PAGE = 1_000
OFFICES = tuple(enum_names(pb.Office.DESCRIPTOR))
MATTERS = tuple(enum_names(pb.Matter.DESCRIPTOR))
REASONS = tuple(enum_names(pb.ReleaseReason.DESCRIPTOR))
_OFFICE_NAMES = {number: name for name, number in enum_names(pb.Office.DESCRIPTOR).items()}


class UnknownName(ValueError):
    """There is no such office, matter or reason; the message names those there are."""


class NobodyVouches(Exception):
    """Only beside a suite of this machine is there an issuer that lets one ask as another."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A command that took effect: the id of what it is about, and where it stands in the history."""

    id: str
    position: int

    @property
    def document(self) -> dict[str, object]:
        """As JSON knows it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody in office, or who signs in the place of somebody in office: then with the id of the delegation."""

    unit: str
    officer: str
    office: str
    since: str
    until: str
    position_id: str
    delegation_id: str = ""

    @property
    def document(self) -> dict[str, object]:
        """As JSON knows it."""
        return asdict(self)

    @property
    def row(self) -> Sequence[object]:
        """As a table shows it."""
        return tuple(asdict(self).values())


async def appoint(
    federation: Federation, unit: str, officer: str, office: str, on: date, until: date | None, position_id: UUID
) -> Kept:
    """Appoint an officer.

    :raises UnknownName: no such office. :raises Refused: membership refuses.
    """
    fields = {"unit": unit, "officer": officer, "office": _known(office, OFFICES), "on": on, "until": until}
    return await _do(federation, "AppointOfficer", position_id, position_id=position_id, **fields)


async def release(federation: Federation, unit: str, position_id: UUID, reason: str, on: date) -> Kept:
    """Release an officer.

    :raises UnknownName: no such reason. :raises Refused: membership refuses.
    """
    reason = _known(reason, REASONS)
    return await _do(federation, "ReleaseOfficer", position_id, unit=unit, position_id=position_id, reason=reason, on=on)


async def delegate(
    federation: Federation,
    unit: str,
    position_id: UUID,
    to_officer: str,
    matters: Sequence[str],
    on: date,
    until: date,
    delegation_id: UUID,
) -> Kept:
    """Let another sign in the place of a position's holder, who asks.

    :raises UnknownName: no such matter. :raises Refused: membership refuses.
    """
    named = {"unit": unit, "position_id": position_id, "delegation_id": delegation_id, "to_officer": to_officer}
    signs = [_known(matter, MATTERS) for matter in matters]
    return await _do(federation, "DelegateAuthority", delegation_id, **named, matters=signs, on=on, until=until)


async def revoke(federation: Federation, unit: str, delegation_id: UUID, on: date) -> Kept:
    """Take a delegation back.

    :raises Refused: membership refuses.
    """
    return await _do(federation, "RevokeDelegation", delegation_id, unit=unit, delegation_id=delegation_id, on=on)


async def officers(federation: Federation, unit: str, on: date) -> list[Holder]:
    """Everybody in office in a subtree on a day.

    :raises Refused: membership refuses.
    """
    found: list[Holder] = []
    after = ""
    while True:
        page = {"size": PAGE, "after": after}
        answer = await federation.call("membership", "ListOfficers", {"unit": unit, "on": on, "page": page})
        found += [_holder(item.unit, item) for item in answer.officers]
        if not (after := answer.next):
            return found


async def signatories(federation: Federation, unit: str, matter: str, on: date) -> list[Holder]:
    """Everybody who could sign a matter at a unit on a day.

    :raises UnknownName: no such matter. :raises Refused: membership refuses.
    """
    fields = {"unit": unit, "matter": _known(matter, MATTERS), "on": on}
    answer = await federation.call("membership", "ListSignatories", fields)
    return [_holder(unit, item, item.delegation_id) for item in answer.signatories]


def as_officer(federation: Federation, subject: str | None, unit: str) -> Federation:
    """The federation as an officer of a unit asks it, where there is an issuer that vouches; as it is without a subject.

    :raises NobodyVouches: there is no issuer here.
    """
    if not subject:
        return federation
    try:
        return federation.acting_as(subject, Role.GRASSROOTS_OFFICER, unit)
    except TypeError as error:
        raise NobodyVouches() from error


async def _do(federation: Federation, rpc: str, about: UUID, **fields: object) -> Kept:
    answer = await federation.call("membership", rpc, {"command_id": uuid4(), **fields})
    return Kept(str(about), int(answer.position))


def _known(name: str, known: Sequence[str]) -> str:
    plain = name.replace("-", "_")
    if plain not in known:
        raise UnknownName(", ".join(known))
    return plain


def _holder(unit: str, item: Any, delegation_id: str = "") -> Holder:
    office = _OFFICE_NAMES.get(item.office, str(item.office))
    return Holder(unit, item.officer, office, item.since, item.until, item.position_id, delegation_id)
