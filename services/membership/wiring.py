"""How are the parts of membership put together?"""

from collections.abc import Sequence

from chassis.events import Event
from chassis.hierarchy import Hierarchy
from chassis.service import Service
from chassis.settings import Settings
from chassis.telemetry import Tracing
from membership.application import UnitsAtHand, menu
from membership.events import UNITS, unit_after
from membership.read_models.member_counts import MEMBER_COUNTS
from membership.read_models.members import MEMBERS
from membership.read_models.plan_items import PLAN_ITEMS
from membership.read_models.reports import REPORTS
from membership.rpc import SERVICE, Questions


def real(settings: Settings, tracing: Tracing | None = None) -> Service:
    """Membership on a real database and bus."""
    service = Service("membership", settings, tracing=tracing)
    tree = service.tree(UNITS)
    register, *_ = service.keep(MEMBERS, MEMBER_COUNTS, REPORTS, PLAN_ITEMS)
    units = UnitsAtHand()
    application = service.application(menu(units), [SERVICE], tree, on_events=lambda *happened: _place(tree, *happened))
    units.live = application.live
    service.answer(SERVICE, Questions(service.pool, tree, service.today, lambda: service.current(register)).answers)
    return service


def _place(tree: Hierarchy, events: Sequence[Event], position: int) -> None:
    """A unit has its place as soon as the command is answered, before the read model shows it."""
    for event in events:
        if event.topic in UNITS.topics:
            tree.put([unit_after(tree.get(event.unit), event, position)])
