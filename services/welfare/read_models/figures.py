"""What does welfare know of a unit's year?"""

from datetime import date

from chassis.database import Pool
from chassis.hierarchy import Hierarchy
from welfare.read_models.gifts_by_day import gifts_until


async def figures(pool: Pool, tree: Hierarchy, unit: str, year: int, as_of: date) -> dict[str, int]:
    """Every figure of a unit with its subtree, as the tree stood on `as_of` or the last day of the year, whichever is earlier.

    :raises UnitUnknown: there is no such unit.
    """
    tree.require(unit)
    codes = tree.under(unit, min(as_of, date(year, 12, 31)), dissolved=True)
    gift_shares, gift_amount_vnd = await gifts_until(pool, codes, year, as_of)
    return {"gift_shares": gift_shares, "gift_amount_vnd": gift_amount_vnd}
