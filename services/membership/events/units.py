"""What is said of units: where each stands in the tree, and stood. At the end, what whoever follows it makes of that."""

from dataclasses import replace
from enum import StrEnum

from chassis.events import Branches, Event
from chassis.hierarchy import Node, first_places
from chassis.read_models import ReadModel
from chassis.wording import means


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
    def opens_branch(self) -> bool:
        """Whether what lies under such a unit is a branch of its own, with subscribers of its own."""
        return self in (Level.PROVINCE, Level.MINISTRY)

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


class UnitEstablished(Event, topic="membership.unit_established"):
    """A unit was established under its parents."""

    vi = "Thành lập đơn vị: đơn vị {unit} ({name}) được thành lập; cấp trên trực tiếp: {line_parent}."
    en = "Unit established: the unit {unit} ({name}) was established; line parent: {line_parent}."

    moves = "places"

    name: str
    level: Level
    line_parent: str
    functional_parent: str

    @property
    def placed_by(self) -> tuple[str, ...]:
        """Its parents: the unit itself has no place in the tree yet."""
        return tuple(parent for parent in (self.line_parent, self.functional_parent) if parent)

    def branch_in(self, tree: Branches) -> str:
        """That in which it lies from now on."""
        return self.unit if self.level.opens_branch else tree.branch_above(self.placed_by)


class UnitRenamed(Event, topic="membership.unit_renamed"):
    """A unit has a new name from this day on."""

    vi = "Đổi tên đơn vị: đơn vị {unit} mang tên “{name}”, trước đây là “{former_name}”."
    en = "Unit renamed: the unit {unit} is now called “{name}”, formerly “{former_name}”."

    name: str
    former_name: str


class UnitAttached(Event, topic="membership.unit_attached"):
    """A unit lies under another parent from this day on; under none of this kind when `parent` is empty."""

    vi = "Thay đổi đơn vị cấp trên: đơn vị {unit} có {attachment} là {parent}, trước đây là {former_parent}."
    en = "Unit attached: the unit {unit} has another {attachment} parent: {parent}, formerly {former_parent}."
    meanings = means(
        unit=("mã đơn vị; nhánh được báo là nhánh trước khi thay đổi", "code of the unit; told to the branch it lay in before")
    )

    moves = "places"

    attachment: Attachment
    parent: str
    former_parent: str


class UnitMovedAway(Event, topic="membership.unit_moved_away"):
    """A unit lies in another branch from here on, with those `units` (itself among them) that lay in `from_branch` with it.

    Told to the branch that is left; `national` is that of units under no province and no central union.
    """

    vi = "Đơn vị chuyển đi: đơn vị {unit} cùng các đơn vị trực thuộc rời nhánh {from_branch} sang nhánh {to_branch}: {units}."
    en = "Unit moved away: the unit {unit}, with what lies under it, left the branch {from_branch} for {to_branch}: {units}."

    from_branch: str
    to_branch: str
    units: tuple[str, ...]

    def branch_in(self, tree: Branches) -> str:
        """That which is left."""
        return self.from_branch


class UnitArrived(Event, topic="membership.unit_arrived"):
    """A unit lies in another branch from here on, with those `units` (itself among them) that lay in `from_branch` with it.

    Told to the branch in which it arrives: what is later recorded about these units and their members is told there.
    """

    vi = "Đơn vị chuyển đến: đơn vị {unit} ({name}) cùng các đơn vị trực thuộc vào nhánh {to_branch} từ {from_branch}: {units}."
    en = "Unit arrived: the unit {unit} ({name}), with what lies under it, came to {to_branch} from {from_branch}: {units}."

    moves = "branches"

    from_branch: str
    to_branch: str
    name: str
    level: Level
    line_parent: str
    functional_parent: str
    units: tuple[str, ...]

    def branch_in(self, tree: Branches) -> str:
        """That in which it arrives."""
        return self.to_branch


class UnitDissolved(Event, topic="membership.unit_dissolved"):
    """A unit was dissolved; it stays in the history."""

    vi = "Giải thể đơn vị: đơn vị {unit} giải thể; lý do: {reason}."
    en = "Unit dissolved: the unit {unit} was dissolved; reason: {reason}."

    level: Level
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
                opens_branch=event.level.opens_branch,
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
