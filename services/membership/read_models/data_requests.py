"""Which data requests are there, which are open, and by when is what due? Late is what the days say as of a day."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from chassis.database import Pool, fetch
from chassis.read_models import Key, ReadModel
from chassis.recorded import RecordedEvent
from membership.events import DataRequestAnswered, DataRequestCarriedOut, DataRequestExtended, DataRequestReceived
from membership.read_models.children import with_units


@dataclass(frozen=True, slots=True)
class DataRequestRow:
    """A data request. `due_on` is the next day something is due, None once it is refused or carried out."""

    request_id: UUID
    person_id: UUID
    kind: str
    received_on: date
    answer_due_on: date
    carry_out_due_on: date
    due_on: date | None
    answered_on: date | None = None
    accepted: bool = False
    answer_reason: str = ""
    extension_reason: str = ""
    carried_out_on: date | None = None

    @property
    def status(self) -> str:
        """Received, accepted, refused or carried out."""
        if self.carried_out_on is not None:
            return "carried_out"
        if self.answered_on is None:
            return "received"
        return "accepted" if self.accepted else "refused"

    def answer_late(self, day: date) -> bool:
        """Whether, as of a day, it was answered too late or is still unanswered though it was due."""
        return (day if self.answered_on is None else min(self.answered_on, day)) > self.answer_due_on

    def carry_out_late(self, day: date) -> bool:
        """Whether, as of a day, it was carried out too late or is still not though it was due; a refused one never is."""
        if self.status == "refused":
            return False
        return (day if self.carried_out_on is None else min(self.carried_out_on, day)) > self.carry_out_due_on


DATA_REQUESTS = ReadModel(
    "data_requests",
    1,
    DataRequestRow,
    key=("request_id",),
    source="membership",
    indexes=(("received_on", "request_id"), ("person_id", "received_on", "request_id")),
    statements=("create index if not exists {table}_open on {table} (due_on, request_id) where due_on is not null",),
)


@DATA_REQUESTS.on(DataRequestReceived, key=lambda event: (event.request_id,))
def received(row: DataRequestRow | None, event: DataRequestReceived, at: RecordedEvent) -> DataRequestRow:
    """The answer is due."""
    return DataRequestRow(
        event.request_id,
        event.person_id,
        event.kind.value,
        event.received_on,
        event.answer_due_on,
        event.carry_out_due_on,
        event.answer_due_on,
    )


@DATA_REQUESTS.on(DataRequestAnswered, key=lambda event: (event.request_id,))
def answered(row: DataRequestRow | None, event: DataRequestAnswered, at: RecordedEvent) -> DataRequestRow:
    """What was accepted is to be carried out."""
    assert row is not None
    due_on = row.carry_out_due_on if event.accepted else None
    return replace(row, answered_on=event.on, accepted=event.accepted, answer_reason=event.reason, due_on=due_on)


@DATA_REQUESTS.on(DataRequestExtended, key=lambda event: (event.request_id,))
def extended(row: DataRequestRow | None, event: DataRequestExtended, at: RecordedEvent) -> DataRequestRow:
    """There is more time."""
    assert row is not None
    return replace(row, carry_out_due_on=event.carry_out_due_on, due_on=event.carry_out_due_on, extension_reason=event.reason)


@DATA_REQUESTS.on(DataRequestCarriedOut, key=lambda event: (event.request_id,))
def carried_out(row: DataRequestRow | None, event: DataRequestCarriedOut, at: RecordedEvent) -> DataRequestRow:
    """Done."""
    assert row is not None
    return replace(row, carried_out_on=event.on, due_on=None)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which requests a list shows: of one person, open ones only, those due before a day."""

    person_id: UUID | None = None
    open_only: bool = False
    due_before: date | None = None


async def data_requests_of(
    pool: Pool, units: Sequence[str], wanted: Wanted, size: int, after: Key | None
) -> list[tuple[DataRequestRow, str]]:
    """One page of the requests of people who are of some units now, each with the unit, by day of receipt and id.

    :param after: day of receipt and id of the last row of the page before.
    """
    conditions, values = ["m.unit = any(%s)"], [list(units)]
    for condition, value in (
        ("r.person_id = %s", wanted.person_id),
        ("r.due_on < %s", wanted.due_before),
    ):
        if value is not None:
            conditions.append(condition)
            values.append(value)  # type: ignore[arg-type]
    if wanted.open_only:
        conditions.append("r.due_on is not null")
    if after:
        conditions.append("(r.received_on, r.request_id) > (%s, %s)")
        values += after
    columns = ", ".join(f"r.{name}" for name in DATA_REQUESTS.columns)
    rows = await fetch(
        pool,
        f"select {columns}, m.unit from {DATA_REQUESTS.table} r {with_units('r')} "
        f"where {' and '.join(conditions)} order by r.received_on, r.request_id limit %s",
        (*values, size),
    )
    return [(DataRequestRow(*row[:-1]), row[-1]) for row in rows]
