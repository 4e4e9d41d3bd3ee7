"""How many awards did units receive for a year, and from whom? Per unit, year, decider and day only the change is kept."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from awards.events import (
    AwardForm,
    AwardRevoked,
    CertificateOfMeritAwarded,
    CommendationAwarded,
    FlagAwarded,
    PublicHonourAwarded,
)
from chassis.database import Pool, fetch
from chassis.read_models import Key, ReadModel
from chassis.recorded import RecordedEvent
from membership.events import Level

Given = FlagAwarded | CertificateOfMeritAwarded | CommendationAwarded | PublicHonourAwarded | AwardRevoked


@dataclass(frozen=True, slots=True)
class AwardChange:
    """By how many the awards to a unit and its members for a year, by one decider, changed on a day.

    Flags go to units and `honoured_members` to persons; certificates and commendations to both.
    """

    unit: str
    year: int
    decider: str
    day: date
    decider_level: str
    flags: int = 0
    certificates_of_merit: int = 0
    commendations: int = 0
    honoured_members: int = 0


AWARD_COUNTS = ReadModel("award_counts", 1, AwardChange, key=("unit", "year", "decider", "day"), source="awards")

_COLUMNS = {
    AwardForm.FLAG: "flags",
    AwardForm.CERTIFICATE_OF_MERIT: "certificates_of_merit",
    AwardForm.COMMENDATION: "commendations",
    AwardForm.PUBLIC_HONOUR: "honoured_members",
}


def _key(event: Given) -> Key:
    return (event.unit, event.year, event.decider, event.on)


def _changed(row: AwardChange | None, event: Given, by: int) -> AwardChange | None:
    if event.form is AwardForm.PUBLIC_HONOUR and event.member_id is None:
        return row
    row = row or AwardChange(event.unit, event.year, event.decider, event.on, event.decider_level.value)
    column = _COLUMNS[event.form]
    return replace(row, **{column: getattr(row, column) + by})


@AWARD_COUNTS.on(FlagAwarded, key=_key)
def flag(row: AwardChange | None, event: FlagAwarded, at: RecordedEvent) -> AwardChange | None:
    """One flag more from the day of the decision."""
    return _changed(row, event, 1)


@AWARD_COUNTS.on(CertificateOfMeritAwarded, key=_key)
def certificate_of_merit(row: AwardChange | None, event: CertificateOfMeritAwarded, at: RecordedEvent) -> AwardChange | None:
    """One certificate of merit more."""
    return _changed(row, event, 1)


@AWARD_COUNTS.on(CommendationAwarded, key=_key)
def commendation(row: AwardChange | None, event: CommendationAwarded, at: RecordedEvent) -> AwardChange | None:
    """One commendation more."""
    return _changed(row, event, 1)


@AWARD_COUNTS.on(PublicHonourAwarded, key=_key)
def public_honour(row: AwardChange | None, event: PublicHonourAwarded, at: RecordedEvent) -> AwardChange | None:
    """One honoured person more; an honoured unit is not counted."""
    return _changed(row, event, 1)


@AWARD_COUNTS.on(AwardRevoked, key=_key)
def revoked(row: AwardChange | None, event: AwardRevoked, at: RecordedEvent) -> AwardChange | None:
    """One less from the day of the revocation; as of an earlier day the award stood."""
    return _changed(row, event, -1)


@dataclass(frozen=True, slots=True)
class AwardTotals:
    """What some units and their members were given for a year until a day, revoked awards left out.

    ``flags_by_…`` are those of deciders above, by the decider's level.
    """

    flags: int
    certificates_of_merit: int
    commendations: int
    honoured_members: int
    flags_by_confederation: int
    flags_by_federation: int


async def award_totals(pool: Pool, units: Sequence[str], above: Sequence[str], year: int, day: date) -> AwardTotals:
    """The awards to some units for a year until a day; by level only those whose decider is one of `above`."""
    columns = ", ".join(f"coalesce(sum({column}), 0)::bigint" for column in _COLUMNS.values())
    by_level = ", ".join(
        f"coalesce(sum(flags) filter (where decider_level = '{level}' and decider = any(%s)), 0)::bigint"
        for level in (Level.CONFEDERATION, Level.FEDERATION)
    )
    query = f"select {columns}, {by_level} from {AWARD_COUNTS.table} where unit = any(%s) and year = %s and day <= %s"
    (row,) = await fetch(pool, query, (list(above), list(above), list(units), year, day))
    return AwardTotals(*row)
