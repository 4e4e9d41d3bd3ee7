"""What membership says: units and their tree, members, transfers, report obligations, plans.

The only module that another service may import. At its end stands what the unit events make of the tree, for every
service that follows it.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from chassis.authorities import Authority
from chassis.events import Event, Json, Personal, Upcaster
from chassis.hierarchy import Node, first_places
from chassis.read_models import ReadModel


class Level(StrEnum):
    """The levels of units, from the top; a parent is always of a level above its child's."""

    CONFEDERATION = "confederation"
    FEDERATION = "federation"
    PROVINCE = "province"
    MINISTRY = "ministry"
    GRASSROOTS = "grassroots"
    SECTION = "section"
    GROUP = "group"

    @property
    def depth(self) -> int:
        """0 at the top; a province and a central agency's union stand side by side."""
        return _DEPTHS[self]


_DEPTHS = {
    Level.CONFEDERATION: 0,
    Level.FEDERATION: 1,
    Level.PROVINCE: 2,
    Level.MINISTRY: 2,
    Level.GRASSROOTS: 3,
    Level.SECTION: 4,
    Level.GROUP: 5,
}
GRASSROOTS_DEPTH = _DEPTHS[Level.GRASSROOTS]


class Attachment(StrEnum):
    """The line parent assigns targets, rates and awards; the functional parent guides."""

    LINE = "line"
    FUNCTIONAL = "functional"


class HardshipGrade(StrEnum):
    """Khó khăn, đặc biệt khó khăn."""

    HARDSHIP = "hardship"
    SPECIAL_HARDSHIP = "special_hardship"


class PlanItemKind(StrEnum):
    """Nhiệm vụ trọng tâm, hoạt động trọng điểm, hoạt động thường xuyên."""

    KEY_TASK = "key_task"
    FOCAL = "focal"
    REGULAR = "regular"


class DataRequestKind(StrEnum):
    """What a person may ask about its data (Law 91/2025/QH15, art. 4): see, mend, take consent back, restrict, erase."""

    ACCESS = "access"
    CORRECTION = "correction"
    WITHDRAWAL = "withdrawal"
    RESTRICTION = "restriction"
    ERASURE = "erasure"


class FieldClass(StrEnum):
    """The classes of personal data that a legal hold may keep from erasure."""

    IDENTITY = "identity"
    CONTACT = "contact"
    HARDSHIP = "hardship"
    PHOTO = "photo"


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


class ConsentPurpose(StrEnum):
    """What a person may agree to, each by itself (Law 91/2025/QH15, art. 9): notices by e-mail, publication of a child's
    honour, publication of photos, offers of partners."""

    EMAIL_NOTICES = "email_notices"
    CHILD_HONOUR_PUBLICATION = "child_honour_publication"
    PHOTO_PUBLICATION = "photo_publication"
    PARTNER_OFFERS = "partner_offers"


class ConsentGiver(StrEnum):
    """Who speaks: the person, or for a child one of its legal representatives."""

    SELF = "self"
    GUARDIAN = "guardian"


class UnitEstablished(Event, topic="membership.unit_established"):
    """A unit was established under its parents."""

    name: str
    level: Level
    line_parent: str
    functional_parent: str


class UnitRenamed(Event, topic="membership.unit_renamed"):
    """A unit has a new name from this day on."""

    name: str
    former_name: str


class UnitAttached(Event, topic="membership.unit_attached"):
    """A unit lies under another parent from this day on; under none of this kind when `parent` is empty."""

    attachment: Attachment
    parent: str
    former_parent: str


class UnitDissolved(Event, topic="membership.unit_dissolved"):
    """A unit was dissolved; it stays in the history."""

    level: Level
    reason: str


class MemberJoined(Event, topic="membership.member_joined", subject="member_id"):
    """A person became a member in a unit; `national_id_hash` is keyed, and the same for the same national id."""

    member_id: UUID
    full_name: Personal[str | None]
    national_id: Personal[str | None]
    national_id_hash: Personal[str | None]
    birth_date: Personal[date | None]
    phone: Personal[str | None]
    email: Personal[str | None]


class MemberDetailsCorrected(Event, topic="membership.member_details_corrected", subject="member_id"):
    """What was recorded about a member was wrong or changed; None leaves a field as it was."""

    member_id: UUID
    full_name: Personal[str | None]
    birth_date: Personal[date | None]
    phone: Personal[str | None]
    email: Personal[str | None]


def _graded(data: Json) -> Json:
    """Version 1 said only whether a hardship was special; since then its two grades are told by their names."""
    grade = HardshipGrade.SPECIAL_HARDSHIP if data["special"] else HardshipGrade.HARDSHIP
    return {**data, "grade": grade.value}


class HardshipRecorded(Event, topic="membership.hardship_recorded", subject="member_id", schema_version=2):
    """A member is in hardship of a grade."""

    upcasters: ClassVar[Mapping[int, Upcaster]] = {1: _graded}

    member_id: UUID
    grade: HardshipGrade
    details: Personal[str | None]


class HardshipEnded(Event, topic="membership.hardship_ended"):
    """A member is no longer in hardship."""

    member_id: UUID


class MemberLeft(Event, topic="membership.member_left"):
    """A member left the union; `unit` is the one that was left."""

    member_id: UUID
    reason: str


class TransferRequested(Event, topic="membership.transfer_requested"):
    """A member asks to move to another unit; `unit` is the old one."""

    member_id: UUID
    transfer_id: UUID
    to_unit: str


class MemberReleased(Event, topic="membership.member_released"):
    """The old unit lets a member go; the member stays its until the new one accepts."""

    member_id: UUID
    transfer_id: UUID
    to_unit: str


class TransferAccepted(Event, topic="membership.transfer_accepted"):
    """The new unit took the member in; from this day the member is of `unit`."""

    member_id: UUID
    transfer_id: UUID
    from_unit: str


class TransferRefused(Event, topic="membership.transfer_refused"):
    """The new unit did not take the member in; the member stays in `unit`, the old one."""

    member_id: UUID
    transfer_id: UUID
    to_unit: str
    reason: str


class ReportObligationSet(Event, topic="membership.report_obligation_set"):
    """A unit must report on a year by a day."""

    obligation_id: UUID
    title: str
    year: int
    due_on: date


class ReportSubmitted(Event, topic="membership.report_submitted"):
    """A unit handed its report in; late when this day is after `due_on`."""

    obligation_id: UUID
    year: int
    due_on: date


class ReportReturned(Event, topic="membership.report_returned"):
    """A report was returned for mending; the clock runs again until the new `due_on`."""

    obligation_id: UUID
    year: int
    due_on: date
    reason: str


class ReportAccepted(Event, topic="membership.report_accepted"):
    """A report was accepted."""

    obligation_id: UUID
    year: int


class PlanItemAdded(Event, topic="membership.plan_item_added"):
    """A unit's plan of a year has one more item."""

    year: int
    item_id: UUID
    kind: PlanItemKind
    title: str


class PlanItemCompleted(Event, topic="membership.plan_item_completed"):
    """An item of a unit's plan is done."""

    year: int
    item_id: UUID
    kind: PlanItemKind


class DataRequestReceived(Event, topic="membership.data_request_received"):
    """A person asks something about its data; it is to be answered and carried out by the days that stand here."""

    request_id: UUID
    person_id: UUID
    kind: DataRequestKind
    received_on: date
    answer_due_on: date
    carry_out_due_on: date


class DataRequestAnswered(Event, topic="membership.data_request_answered"):
    """A data request was accepted, or refused for a reason: a short reference (document, article), nothing personal."""

    request_id: UUID
    person_id: UUID
    kind: DataRequestKind
    accepted: bool
    carry_out_due_on: date
    reason: str


class DataRequestExtended(Event, topic="membership.data_request_extended"):
    """A data request may take until a later day, once; `reason` is a short reference, nothing personal."""

    request_id: UUID
    person_id: UUID
    kind: DataRequestKind
    carry_out_due_on: date
    reason: str


class DataRequestCarriedOut(Event, topic="membership.data_request_carried_out"):
    """What a person asked for was done; late when this day is after the one it was due."""

    request_id: UUID
    person_id: UUID
    kind: DataRequestKind


class LegalHoldPlaced(Event, topic="membership.legal_hold_placed"):
    """The law keeps a class of a person's data from erasure; `basis` is the article or document, `reason` a short
    reference (a case number): nothing personal."""

    hold_id: UUID
    person_id: UUID
    field_class: FieldClass
    basis: str
    reason: str


class LegalHoldLifted(Event, topic="membership.legal_hold_lifted"):
    """A legal hold ended; `reason` is a short reference, nothing personal."""

    hold_id: UUID
    person_id: UUID
    reason: str


class SubjectErased(Event, topic="membership.subject_erased"):
    """A person is erased: its keys are destroyed, and whoever follows clears what it keeps about it.

    `awaited` are the services and the branches (codes of units) that must acknowledge before a certificate is made.
    """

    person_id: UUID
    request_id: UUID
    awaited: tuple[str, ...] = ()


class ErasureAcknowledged(Event, topic="membership.erasure_acknowledged"):
    """`by`, a service or the unit of a branch, keeps nothing of an erased person any more; it had followed
    membership's history `up_to` this position."""

    person_id: UUID
    request_id: UUID
    by: str
    up_to: int


class Acknowledgement(BaseModel):
    """Who acknowledged an erasure, and when."""

    model_config = ConfigDict(frozen=True)

    by: str
    at: datetime


class ErasureCertified(Event, topic="membership.erasure_certified"):
    """All have acknowledged: nobody can read the sealed events of these positions, nor the person, any more."""

    person_id: UUID
    request_id: UUID
    positions: tuple[int, ...]
    key_destroyed_at: datetime
    acknowledged: tuple[Acknowledgement, ...]


class OfficerAppointed(Event, topic="membership.officer_appointed"):
    """An officer holds an office of a unit from this day to the last of its term, and may sign these matters there.

    `officer` is the subject of its token, here and in the events that follow: no name of a person.
    """

    position_id: UUID
    officer: str
    office: Office
    matters: tuple[Matter, ...]
    until: date


class OfficerReleased(Event, topic="membership.officer_released"):
    """An officer holds a position no longer from this day on; what was signed before stands."""

    position_id: UUID
    officer: str
    office: Office
    reason: ReleaseReason


class AuthorityDelegated(Event, topic="membership.authority_delegated"):
    """The holder of a position lets another sign these matters in its place, from this day to the last of some days."""

    delegation_id: UUID
    position_id: UUID
    officer: str
    office: Office
    to_officer: str
    matters: tuple[Matter, ...]
    until: date


class DelegationRevoked(Event, topic="membership.delegation_revoked"):
    """A delegation holds no longer from this day on; `with_position` when its position ended."""

    delegation_id: UUID
    position_id: UUID
    to_officer: str
    with_position: bool


class ConsentGiven(Event, topic="membership.consent_given", subject="person_id"):
    """A person, or a child's guardian, agrees to a purpose, having been shown a text; it replaces what was agreed before.

    `guardian_id` is the member who spoke for a child, None where that is no member. `evidence` says where the signed
    form or the file is kept.
    """

    person_id: UUID
    purpose: ConsentPurpose
    given_by: ConsentGiver
    guardian_id: UUID | None
    text_version: str
    evidence: Personal[str | None]


class ConsentWithdrawn(Event, topic="membership.consent_withdrawn"):
    """A consent was taken back; from this day on it does not hold. What was done before stands."""

    person_id: UUID
    purpose: ConsentPurpose
    given_by: ConsentGiver


class ChildRegistered(Event, topic="membership.child_registered", subject="child_id"):
    """A member's child is known, so that it can be honoured; `unit` is the parent's."""

    child_id: UUID
    member_id: UUID
    full_name: Personal[str | None]
    birth_date: Personal[date | None]


class ChildDetailsCorrected(Event, topic="membership.child_details_corrected", subject="child_id"):
    """What was recorded about a child was wrong or changed; None leaves a field as it was."""

    child_id: UUID
    full_name: Personal[str | None]
    birth_date: Personal[date | None]


class PersonalDataRead(Event, topic="membership.personal_data_read"):
    """An auditor, or an officer from elsewhere, was told `fields` of some members of `unit`, for a reason.

    `reader` is the subject of its token; `reading_id` is shared by the units that were read from in one call.
    """

    reading_id: UUID
    reader: str
    reader_role: str
    reader_unit: str
    member_ids: tuple[UUID, ...]
    fields: tuple[str, ...]
    reason: str


UNITS = ReadModel("units", 1, Node, key=("code",), source="membership")
"""Where each unit stands, and stood: what the unit events make of the tree."""


def unit_after(node: Node | None, event: Event, position: int) -> Node:
    """The unit after an event of a position; pure."""
    match event:
        case UnitEstablished():
            return Node(
                code=event.unit,
                name=event.name,
                level=event.level.value,
                depth=event.level.depth,
                opens_branch=event.level in (Level.PROVINCE, Level.MINISTRY),
                established_on=event.on,
                dissolved_on=None,
                line=first_places(event.on, event.line_parent),
                functional=first_places(event.on, event.functional_parent),
                position=position,
            )
        case UnitRenamed() if node:
            return replace(node, name=event.name, position=position)
        case UnitAttached() if node:
            return node.attached(event.attachment, event.parent, event.on, position)
        case UnitDissolved() if node:
            return replace(node, dissolved_on=event.on, position=position)
    raise AssertionError(f"{event.topic} does not follow on this unit")


for _event in (UnitEstablished, UnitRenamed, UnitAttached, UnitDissolved):
    UNITS.on(_event, key=lambda event: (event.unit,))(lambda node, event, at: unit_after(node, event, at.position))


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
