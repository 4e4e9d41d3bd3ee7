"""Who was erased, who has acknowledged it, and what does the certificate say?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

import orjson

from chassis.database import Pool, fetch, fetch_rows
from chassis.events import SEALED
from chassis.read_models import ReadModel
from chassis.recorded import RecordedEvent
from membership.events import Acknowledgement, ErasureAcknowledged, ErasureCertified, SubjectErased

_SEALED_TEXT = f'"{SEALED}'.encode()


@dataclass(frozen=True, slots=True)
class ErasureRow:
    """The erasure of a person. `awaited` and `acknowledged` are JSON lists: names; [name, time] in the order of time."""

    person_id: UUID
    request_id: UUID
    unit: str
    erased_on: date
    position: int
    awaited: str
    acknowledged: str = "[]"
    certified_on: date | None = None
    certified_at: datetime | None = None
    key_destroyed_at: datetime | None = None
    positions: str = "[]"

    @property
    def acknowledgements(self) -> tuple[Acknowledgement, ...]:
        """Who acknowledged, and when that was recorded."""
        return tuple(Acknowledgement(by=by, at=at) for by, at in orjson.loads(self.acknowledged))

    @property
    def awaited_names(self) -> tuple[str, ...]:
        """Services and branches that must acknowledge."""
        return tuple(orjson.loads(self.awaited))


ERASURES = ReadModel("erasures", 1, ErasureRow, key=("person_id",), source="membership")


@ERASURES.on(SubjectErased, key=lambda event: (event.person_id,))
def erased(row: ErasureRow | None, event: SubjectErased, at: RecordedEvent) -> ErasureRow:
    """Everybody awaited is still silent."""
    awaited = orjson.dumps(event.awaited).decode()
    return ErasureRow(event.person_id, event.request_id, event.unit, event.on, at.position, awaited)


@ERASURES.on(ErasureAcknowledged, key=lambda event: (event.person_id,))
def acknowledged(row: ErasureRow | None, event: ErasureAcknowledged, at: RecordedEvent) -> ErasureRow:
    """One more has."""
    assert row is not None
    known = [*orjson.loads(row.acknowledged), [event.by, at.recorded_at]]
    return replace(row, acknowledged=orjson.dumps(known).decode())


@ERASURES.on(ErasureCertified, key=lambda event: (event.person_id,))
def certified(row: ErasureRow | None, event: ErasureCertified, at: RecordedEvent) -> ErasureRow:
    """All have."""
    assert row is not None
    return replace(
        row,
        certified_on=event.on,
        certified_at=at.recorded_at,
        key_destroyed_at=event.key_destroyed_at,
        positions=orjson.dumps(event.positions).decode(),
    )


async def erasure_of(pool: Pool, person_id: UUID) -> ErasureRow | None:
    """The erasure of a person, if there was one."""
    rows = await fetch_rows(pool, ERASURES, "person_id = %s", (person_id,))
    return rows[0] if rows else None


async def branches_of(pool: Pool, aggregate_ids: Sequence[UUID]) -> dict[UUID, list[str]]:
    """The branches in whose history some aggregates stand, straight from the event store."""
    rows = await fetch(
        pool,
        "select distinct aggregate_id, branch from events where aggregate_id = any(%s) order by aggregate_id, branch",
        (list(aggregate_ids),),
    )
    found: dict[UUID, list[str]] = {}
    for aggregate_id, branch in rows:
        found.setdefault(aggregate_id, []).append(branch)
    return found


async def erased_in_history(pool: Pool, person_ids: Sequence[UUID]) -> set[UUID]:
    """Those of some persons whose own history says that they were erased, straight from the event store."""
    query = "select aggregate_id from events where aggregate_id = any(%s) and topic = %s"
    return {row[0] for row in await fetch(pool, query, (list(person_ids), SubjectErased.topic))}


async def positions_of_sealed(pool: Pool, aggregate_ids: Sequence[UUID]) -> tuple[int, ...]:
    """The positions of those events of some aggregates that hold a sealed value, straight from the event store."""
    rows = await fetch(
        pool,
        "select position from events where aggregate_id = any(%s) and position(%s::bytea in body) > 0 order by position",
        (list(aggregate_ids), _SEALED_TEXT),
    )
    return tuple(int(position) for (position,) in rows)


async def acknowledgements_of(pool: Pool, request_id: UUID) -> tuple[Acknowledgement, ...]:
    """Who acknowledged an erasure, and when that was recorded, straight from the event store."""
    rows = await fetch(
        pool,
        "select body, recorded_at from events where aggregate_id = %s and topic = %s order by version",
        (request_id, ErasureAcknowledged.topic),
    )
    return tuple(Acknowledgement(by=ErasureAcknowledged.decode_body(body).by, at=at) for body, at in rows)
