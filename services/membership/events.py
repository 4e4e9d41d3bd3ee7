"""What membership says: units and their tree, members, transfers, report obligations, plans.

The only module that another service may import. At its end stands what the unit events make of the tree, for every
service that follows it.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

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


class MemberJoined(Event, topic="membership.member_joined"):
    """A person became a member in a unit."""

    member_id: UUID
    full_name: Personal[str]
    national_id: Personal[str]
    birth_date: Personal[date]
    phone: Personal[str]
    email: Personal[str]


class MemberDetailsCorrected(Event, topic="membership.member_details_corrected"):
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


class HardshipRecorded(Event, topic="membership.hardship_recorded", schema_version=2):
    """A member is in hardship of a grade."""

    upcasters: ClassVar[Mapping[int, Upcaster]] = {1: _graded}

    member_id: UUID
    grade: HardshipGrade
    details: Personal[str]


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
