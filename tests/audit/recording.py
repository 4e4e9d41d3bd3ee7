"""What would the services' stores hold, had they recorded some events?"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

from chassis.events import Event
from chassis.recorded import Actor, Metadata, RecordedEvent

_IDS = UUID("5d1f2c0e-8a40-5a53-9d0e-0c6c2e7a9f11")


def id_of(kind: str, number: int) -> UUID:
    """The same id for the same thing in every run."""
    return uuid5(_IDS, f"{kind}/{number}")


@dataclass
class Recording:
    """What the services' stores hold: events in order of recording, with gap-free positions, versions and branch positions."""

    events: list[RecordedEvent] = field(default_factory=list)
    positions: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    versions: dict[tuple[str, UUID], int] = field(default_factory=lambda: defaultdict(int))
    branches: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))

    def record(self, aggregate_id: UUID, event: Event) -> RecordedEvent:
        """The next event of its service."""
        service = event.topic.partition(".")[0]
        branch = ("ha-noi", "vinh-phuc", "national")[len(event.unit) % 3]
        self.positions[service] += 1
        self.versions[service, aggregate_id] += 1
        self.branches[service, branch] += 1
        metadata = Metadata(event.unit, event.on, Actor("officer", "province_officer", "ha-noi"), None, "chain", "cause")
        recorded = RecordedEvent(
            service, self.positions[service], aggregate_id, self.versions[service, aggregate_id], event.topic, event.encode(),
            metadata.encode(), branch, self.branches[service, branch],
            datetime(2026, 1, 1, tzinfo=UTC) + timedelta(milliseconds=len(self.events)),
        )  # fmt: skip
        self.events.append(recorded)
        return recorded

    def of(self, service: str) -> list[RecordedEvent]:
        """One service's history."""
        return [event for event in self.events if event.service == service]
