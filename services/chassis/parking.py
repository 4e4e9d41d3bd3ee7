"""What lies aside because a follower could not take it, and what waits behind it?"""

from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import orjson

from chassis.recorded import RecordedEvent

PARK = """insert into parked (follower, position, aggregate_id, topic, reason, waits_for, event, parked_at)
           values (%s, %s, %s, %s, %s, %s, %s, %s) on conflict (follower, position) do nothing"""


def parted(
    events: Sequence[RecordedEvent], poisons: dict[int, str], blocked: dict[UUID, int]
) -> tuple[list[RecordedEvent], list[tuple[RecordedEvent, str, int | None]]]:
    """The events that can be taken, and those to park: poison with its reason, and what waits behind the first of it."""
    blocked = dict(blocked)
    free: list[RecordedEvent] = []
    parked: list[tuple[RecordedEvent, str, int | None]] = []
    for event in events:
        first = blocked.get(event.aggregate_id)
        if first is not None:
            parked.append((event, f"waits for {event.service}/{first}", first))
        elif event.position in poisons:
            parked.append((event, poisons[event.position], None))
            blocked[event.aggregate_id] = event.position
        else:
            free.append(event)
    return free, parked


def packed(event: RecordedEvent) -> bytes:
    """A recorded event as one JSON document, for parking; body and metadata keep their bytes."""
    return orjson.dumps(
        {
            "service": event.service,
            "position": event.position,
            "aggregate_id": event.aggregate_id,
            "version": event.version,
            "topic": event.topic,
            "body": b64encode(event.body).decode(),
            "metadata": event.metadata_json.decode(),
            "branch": event.branch,
            "branch_position": event.branch_position,
            "recorded_at": event.recorded_at,
        }
    )


def unpacked(data: bytes) -> RecordedEvent:
    """The recorded event of a parked document."""
    fields = orjson.loads(data)
    return RecordedEvent(
        fields["service"],
        fields["position"],
        UUID(fields["aggregate_id"]),
        fields["version"],
        fields["topic"],
        b64decode(fields["body"]),
        fields["metadata"].encode(),
        fields["branch"],
        fields["branch_position"],
        datetime.fromisoformat(fields["recorded_at"]),
    )
