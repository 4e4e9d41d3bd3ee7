"""What does a unit plan for a year, and what of it is done?"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from uuid import UUID, uuid5

from chassis.commands import Aggregate, Command
from chassis.events import Event
from chassis.fields import Code, Day, Line, Year
from chassis.refusals import AlreadyExists, NotFound, RuleBroken
from membership.domain.unit import Unit, open_unit
from membership.events import PlanItemAdded, PlanItemCompleted, PlanItemKind

_PLANS = UUID("0b7c7f0a-4f4e-5d0c-8f7e-2b9d4c1a6e33")


class PlanItemExists(AlreadyExists):
    """An item stands in a plan once."""

    vi = "Nội dung này đã có trong kế hoạch."
    en = "The plan has this item already."


class PlanItemUnknown(NotFound):
    """The plan has no such item."""

    vi = "Kế hoạch không có nội dung này."
    en = "The plan has no such item."


class PlanItemDone(RuleBroken):
    """An item is completed once."""

    vi = "Nội dung này đã hoàn thành."
    en = "The item is completed already."


@dataclass(frozen=True, slots=True)
class Plan:
    """A unit's plan of a year: its items by id, and those that are done."""

    unit: str
    items: Mapping[UUID, PlanItemKind] = field(default_factory=dict)
    done: frozenset[UUID] = frozenset()


class PlanCommand(Command):
    """A command about one unit's plan of one year."""

    unit: Code
    year: Year
    item_id: UUID
    on: Day

    @property
    def aggregate_id(self) -> UUID:
        """One plan a unit and year."""
        return uuid5(_PLANS, f"{self.unit}/{self.year}")


class AddPlanItem(PlanCommand):
    """Add an item."""

    kind: PlanItemKind
    title: Line


class CompletePlanItem(PlanCommand):
    """Record an item as done."""


def add(state: Plan | None, command: AddPlanItem, units: Mapping[str, Unit | None]) -> list[Event]:
    """:raises UnitUnknown, UnitIsDissolved, PlanItemExists:"""
    open_unit(units.get(command.unit), command.unit)
    if state is not None and command.item_id in state.items:
        raise PlanItemExists("item_id")
    return [
        PlanItemAdded(
            unit=command.unit, on=command.on, year=command.year, item_id=command.item_id, kind=command.kind, title=command.title
        )
    ]


def complete(state: Plan | None, command: CompletePlanItem, _: object) -> list[Event]:
    """:raises PlanItemUnknown, PlanItemDone:"""
    if state is None or command.item_id not in state.items:
        raise PlanItemUnknown("item_id")
    if command.item_id in state.done:
        raise PlanItemDone("item_id")
    kind = state.items[command.item_id]
    return [PlanItemCompleted(unit=state.unit, on=command.on, year=command.year, item_id=command.item_id, kind=kind)]


def evolve(state: Plan | None, event: Event) -> Plan:
    """The plan after one more event."""
    match event:
        case PlanItemAdded():
            plan = state or Plan(event.unit)
            return replace(plan, items={**plan.items, event.item_id: event.kind})
        case PlanItemCompleted() if state:
            return replace(state, done=state.done | {event.item_id})
    raise AssertionError(f"{event.topic} is no event of a plan")


PLAN = Aggregate("plan", evolve, lambda plan: plan.unit, begins=(PlanItemAdded,))
