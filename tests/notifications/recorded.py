"""Events as they stand in a history, for those who follow it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from chassis.events import Event
from chassis.read_models import ReadModel
from chassis.recorded import Actor, Metadata, RecordedEvent

RECORDED_AT = datetime(2026, 11, 20, 18, 30, tzinfo=UTC)
"""Already the 21st in Hà Nội."""


def recorded(event: Event, position: int = 1, service: str = "notifications") -> RecordedEvent:
    """An event at a position."""
    named = (getattr(event, name, None) for name in ("obligation_id", "delivery_id", "request_id"))
    aggregate_id = next((found for found in named if found), UUID(int=position))
    metadata = Metadata(event.unit, event.on, Actor("x", "service", "national"), None, "chain", "cause")
    return RecordedEvent(
        service,
        position,
        aggregate_id,
        1,
        event.topic,
        event.encode(),
        metadata.encode(),
        "national",
        position,
        RECORDED_AT,
    )


def rows_of(model: ReadModel[Any], events: Sequence[Event]) -> list[Any]:
    """The rows that a history leaves in a read model."""
    rows: dict[Any, Any] = {}
    for position, event in enumerate(events, 1):
        at = recorded(event, position)
        assert all(len(key) == len(model.key) for key in model.keys(at))
        model.apply(rows, at)
    found = [row for row in rows.values() if row is not None]
    assert all(key == tuple(getattr(row, name) for name in model.key) for key, row in rows.items() if row is not None)
    return found
