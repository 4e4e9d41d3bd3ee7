"""Which units lie in another branch once one of them has another parent, and what are both branches told?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from chassis.events import Event
from chassis.hierarchy import Node, branch_among
from membership.events import Level, UnitArrived, UnitAttached, UnitMovedAway

MAX_UNITS = 1_000
"""Units that one event names, so that it stays far below what a message may hold; more of them are said by several."""


@dataclass(frozen=True, slots=True)
class _Move:
    """A unit that goes from one branch to another, and everything that goes with it."""

    from_branch: str
    to_branch: str
    unit: str
    units: list[str] = field(default_factory=list)


def hand_over(attached: UnitAttached, nodes: Mapping[str, Node]) -> list[Event]:
    """What is told of the units that change branches by an attachment: to the branch they leave, then to the one they enter.

    Mostly that is the unit with all that lies under it. Where one below also lies under somebody else by function, it may
    stay where it is, or go elsewhere than the rest; so each unit is looked at by itself.

    :param nodes: the unit, everything under it, and everything above any of these or above its new parent; from before.
    """
    if attached.unit not in nodes:
        return []
    unit = nodes[attached.unit]
    moved = {**nodes, unit.code: unit.attached(attached.attachment, attached.parent, attached.on, unit.position)}
    return [event for move in _moves(nodes, moved) for event in _told(move, attached, moved[move.unit])]


def _moves(before: Mapping[str, Node], after: Mapping[str, Node]) -> Sequence[_Move]:
    """Every unit that changes branches, with the topmost of those that go the same way."""
    moves: list[_Move] = []
    move_of: dict[str, _Move] = {}
    for code, node in after.items():
        way = branch_among((code,), before), branch_among((code,), after)
        if way[0] == way[1]:
            continue
        above = (move_of[parent] for parent in node.parents() if parent in move_of)
        move = next((move for move in above if (move.from_branch, move.to_branch) == way), None)
        if move is None:
            move = _Move(*way, code)
            moves.append(move)
        move.units.append(code)
        move_of[code] = move
    return moves


def _told(move: _Move, attached: UnitAttached, node: Node) -> Iterator[Event]:
    for start in range(0, len(move.units), MAX_UNITS):
        units = tuple(move.units[start : start + MAX_UNITS])
        yield UnitMovedAway(unit=move.unit, on=attached.on, from_branch=move.from_branch, to_branch=move.to_branch, units=units)
        yield UnitArrived(
            unit=move.unit,
            on=attached.on,
            from_branch=move.from_branch,
            to_branch=move.to_branch,
            name=node.name,
            level=Level(node.level),
            line_parent=node.place("line"),
            functional_parent=node.place("functional"),
            units=units,
        )
