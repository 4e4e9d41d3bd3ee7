"""Which reports are owed, in, late? A report is late from the day after a due day that passed without it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from uuid import UUID

from chassis.database import Pool, fetch, fetch_rows
from chassis.read_models import Key, ReadModel
from chassis.recorded import RecordedEvent
from membership.events import ReportAccepted, ReportObligationSet, ReportReturned, ReportSubmitted


@dataclass(frozen=True, slots=True)
class ReportRow:
    """A report owed. `late_since` is the first day it was late, None while it never was or is not in yet."""

    obligation_id: UUID
    unit: str
    year: int
    title: str
    due_on: date
    status: str
    submitted_on: date | None
    late_since: date | None

    @property
    def awaited(self) -> bool:
        """Whether it is still to come."""
        return self.status in ("due", "returned")


REPORTS = ReadModel(
    "reports", 1, ReportRow, key=("obligation_id",), source="membership", indexes=(("year", "unit", "due_on", "obligation_id"),)
)
_LATE = "(late_since <= %s or (status in ('due', 'returned') and due_on < %s))"


@REPORTS.on(ReportObligationSet, key=lambda event: (event.obligation_id,))
def obliged(row: ReportRow | None, event: ReportObligationSet, at: RecordedEvent) -> ReportRow:
    """A report is owed."""
    return ReportRow(event.obligation_id, event.unit, event.year, event.title, event.due_on, "due", None, None)


@REPORTS.on(ReportSubmitted, key=lambda event: (event.obligation_id,))
def submitted(row: ReportRow | None, event: ReportSubmitted, at: RecordedEvent) -> ReportRow:
    """It is in; whether in time follows from the days."""
    assert row is not None
    late_since = row.late_since or (row.due_on + timedelta(days=1) if event.on > row.due_on else None)
    return replace(row, status="submitted", submitted_on=event.on, late_since=late_since)


@REPORTS.on(ReportReturned, key=lambda event: (event.obligation_id,))
def returned(row: ReportRow | None, event: ReportReturned, at: RecordedEvent) -> ReportRow:
    """The clock runs again."""
    assert row is not None
    return replace(row, status="returned", due_on=event.due_on)


@REPORTS.on(ReportAccepted, key=lambda event: (event.obligation_id,))
def accepted(row: ReportRow | None, event: ReportAccepted, at: RecordedEvent) -> ReportRow:
    """Done."""
    assert row is not None
    return replace(row, status="accepted")


async def late_reports(pool: Pool, units: Sequence[str], year: int, day: date) -> int:
    """How many reports of some units on a year were late at some time until a day."""
    query = f"select count(*) from {REPORTS.table} where year = %s and unit = any(%s) and {_LATE}"
    return int((await fetch(pool, query, (year, list(units), day, day)))[0][0])


async def reports_of(
    pool: Pool, units: Sequence[str], year: int, late_on: date | None, size: int, after: Key | None
) -> list[ReportRow]:
    """One page of the reports of some units on a year, by unit, due day and id; only those late on a day when one is given.

    :param after: unit, due day and id of the last row of the page before.
    """
    conditions = ["year = %s", "unit = any(%s)"]
    values: list[object] = [year, list(units)]
    if late_on:
        conditions.append(_LATE)
        values += [late_on, late_on]
    if after:
        conditions.append("(unit, due_on, obligation_id) > (%s, %s, %s)")
        values += after
    return await fetch_rows(
        pool, REPORTS, f"{' and '.join(conditions)} order by unit, due_on, obligation_id limit %s", (*values, size)
    )
