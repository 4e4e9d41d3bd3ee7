"""What is said of units: where each stands in the tree, and stood. At the end, what whoever follows it makes of that."""

from dataclasses import replace
from enum import StrEnum

from chassis.events import Event
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
