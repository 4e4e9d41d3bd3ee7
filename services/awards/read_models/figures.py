"""What does awards know of a unit's year?"""

from datetime import date
from decimal import Decimal

from awards.domain.programme import percent_of_target
from awards.read_models.award_counts import award_totals
from awards.read_models.initiative_counts import initiative_totals
from chassis.database import Pool
from chassis.hierarchy import Hierarchy


async def figures(pool: Pool, tree: Hierarchy, unit: str, year: int, as_of: date) -> dict[str, int | Decimal | None]:
    """Every figure of a unit with its subtree, as the tree stood on `as_of` or the last day of the year, the earlier one.

    All are flows of the year, told until `as_of`; a revoked award counts until the day before its revocation.
    ``flags_by_…`` count only flags whose decider is the unit itself or lies above it as of now.

    :raises UnitUnknown: there is no such unit.
    """
    tree.require(unit)
    day = min(as_of, date(year, 12, 31))
    units = tree.under(unit, day, dissolved=True)
    awards = await award_totals(pool, units, tree.ancestors_on(unit, day), year, as_of)
    initiatives, target = await initiative_totals(pool, units, year, as_of)
    return {
        "flags_received": awards.flags,
        "flags_by_confederation": awards.flags_by_confederation,
        "flags_by_federation": awards.flags_by_federation,
        "certificates_of_merit": awards.certificates_of_merit,
        "commendations": awards.commendations,
        "honoured_delegates": awards.honoured_members,
        "initiatives": initiatives,
        "initiative_target": target,
        "initiative_percent": percent_of_target(initiatives, target),
    }
