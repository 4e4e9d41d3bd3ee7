"""What is said of officers: who signs, for whom, until when. At the end, what that allows on each day, for whoever follows it."""

from dataclasses import replace
from datetime import date, timedelta
from enum import StrEnum
from uuid import UUID

from chassis.authorities import Authority
from chassis.events import Event
from chassis.read_models import ReadModel
from chassis.wording import means


class Office(StrEnum):
    """Chủ tịch, phó chủ tịch, uỷ viên ban thường vụ, chủ nhiệm uỷ ban kiểm tra."""

    CHAIR = "chair"
    VICE_CHAIR = "vice_chair"
    STANDING_MEMBER = "standing_member"
    INSPECTION_HEAD = "inspection_head"


class Matter(StrEnum):
    """What needs a signature: quyết định khen thưởng, phê duyệt kinh phí."""

    AWARD_DECISION = "award_decision"
    BUDGET_APPROVAL = "budget_approval"


class ReleaseReason(StrEnum):
    """Thôi chức vụ, điều động, nghỉ hưu, cách chức, từ trần. A choice and not a text: words about it would be personal data."""

    RESIGNED = "resigned"
    MOVED = "moved"
    RETIRED = "retired"
    DISMISSED = "dismissed"
    DECEASED = "deceased"


class OfficerAppointed(Event, topic="membership.officer_appointed"):
    """An officer holds an office of a unit from this day to the last of its term, and may sign these matters there.

    `officer` is the subject of its token, here and in the events that follow: no name of a person.
    """

    vi = "Bổ nhiệm cán bộ: {officer} giữ chức {office} tại {unit} đến hết ngày {until}; được ký: {matters}."
    en = "Officer appointed: {officer} is {office} of {unit} to the end of {until}; may sign: {matters}."

    position_id: UUID
    officer: str
    office: Office
    matters: tuple[Matter, ...]
    until: date


class OfficerReleased(Event, topic="membership.officer_released"):
    """An officer holds a position no longer from this day on; what was signed before stands."""

    vi = "Thôi giữ chức vụ: từ ngày {on}, {officer} thôi giữ chức {office} tại {unit}; lý do: {reason}."
    en = "Officer released: from {on} on, {officer} is no longer {office} of {unit}; reason: {reason}."

    position_id: UUID
    officer: str
    office: Office
    reason: ReleaseReason


class AuthorityDelegated(Event, topic="membership.authority_delegated"):
    """The holder of a position lets another sign these matters in its place, from this day to the last of some days."""

    vi = "Uỷ quyền ký: {officer} ({office}) uỷ quyền cho {to_officer} ký thay tại {unit} đến hết ngày {until}: {matters}."
    en = "Authority delegated: {officer} ({office}) lets {to_officer} sign at {unit} to the end of {until}: {matters}."
    meanings = means(
        officer=("cán bộ giữ chức vụ và uỷ quyền, theo thẻ truy cập", "the officer who delegates, as its token says")
    )

    delegation_id: UUID
    position_id: UUID
    officer: str
    office: Office
    to_officer: str
    matters: tuple[Matter, ...]
    until: date


class DelegationRevoked(Event, topic="membership.delegation_revoked"):
    """A delegation holds no longer from this day on; `with_position` when its position ended."""

    vi = "Chấm dứt uỷ quyền: từ ngày {on}, {to_officer} không còn được uỷ quyền ký thay tại {unit}."
    en = "Delegation revoked: from {on} on, {to_officer} may no longer sign for another at {unit}."

    delegation_id: UUID
    position_id: UUID
    to_officer: str
    with_position: bool


AUTHORITIES = ReadModel(
    "authorities",
    1,
    Authority,
    key=("authority_id", "matter"),
    source="membership",
    indexes=(("officer", "matter"), ("unit", "matter", "since", "authority_id"), ("position",)),
)
"""Who may sign what, at which unit, on which day: what the events about officers make of it, for every service that asks."""


def _allowed(event: OfficerAppointed | AuthorityDelegated, matter: Matter, position: int) -> Authority | None:
    """A position allows the matters of its office, a delegation those it names."""
    if matter not in event.matters:
        return None
    if isinstance(event, AuthorityDelegated):
        authority_id, officer = event.delegation_id, event.to_officer
    else:
        authority_id, officer = event.position_id, event.officer
    named = (authority_id, matter.value, event.position_id, officer, event.unit, event.office.value)
    return Authority(*named, event.on, event.until, position)


def _ended(authority: Authority | None, on: date, position: int) -> Authority | None:
    """The day of the end is the first without authority; what was signed before stands."""
    return authority and replace(authority, until=min(authority.until, on - timedelta(days=1)), position=position)


def _follow(matter: Matter) -> None:
    """Keep the rows of one matter."""
    appointed = AUTHORITIES.on(OfficerAppointed, key=lambda event: (event.position_id, matter.value))
    appointed(lambda _, event, at: _allowed(event, matter, at.position))
    delegated = AUTHORITIES.on(AuthorityDelegated, key=lambda event: (event.delegation_id, matter.value))
    delegated(lambda _, event, at: _allowed(event, matter, at.position))
    released = AUTHORITIES.on(OfficerReleased, key=lambda event: (event.position_id, matter.value))
    released(lambda authority, event, at: _ended(authority, event.on, at.position))
    revoked = AUTHORITIES.on(DelegationRevoked, key=lambda event: (event.delegation_id, matter.value))
    revoked(lambda authority, event, at: _ended(authority, event.on, at.position))


for _matter in Matter:
    _follow(_matter)
