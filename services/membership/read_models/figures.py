"""What does membership know of a unit's year?"""

from datetime import date

from chassis.database import Pool
from chassis.hierarchy import Hierarchy
from membership.events import Level, PlanItemKind
from membership.read_models.member_counts import members_on
from membership.read_models.plan_items import items_by_kind
from membership.read_models.reports import late_reports


async def figures(pool: Pool, tree: Hierarchy, unit: str, year: int, as_of: date) -> dict[str, int]:
    """Every figure of a unit with its subtree, as the tree stood on the day of the stocks.

    Stocks (units, members) are counted on `as_of` or the last day of the year, whichever is earlier; flows are those of
    the year, told until `as_of`.

    :raises UnitUnknown: there is no such unit.
    """
    tree.require(unit)
    day = min(as_of, date(year, 12, 31))
    codes = tree.under(unit, day, dissolved=True)
    items = await items_by_kind(pool, codes, year, as_of)
    return {
        "grassroots_units": sum(1 for node in map(tree.require, codes) if node.level == Level.GRASSROOTS and node.exists(day)),
        "members": await members_on(pool, codes, day),
        "plan_items": sum(items.values()),
        **{f"plan_items_{kind.value}": items.get(kind.value, 0) for kind in PlanItemKind},
        "late_reports": await late_reports(pool, codes, year, as_of),
    }
