"""What does a message of a branch's stream tell, and may it follow on what was taken before? Pure.

HistoryRefused        nothing after it is taken, and a person must look
├── EventMissing      the branch position goes on by more than one
└── EventForeign      it is of another branch, or no event as the contract has it
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from chassis.cloudevents import BrokenEvent, recorded_event, token
from chassis.refusals import Refusal

LEDGER = "ledger"
"""What stands in a subject where that of an event names its service."""


class HistoryRefused(Refusal):
    """What came cannot be the next of this branch."""


class EventMissing(HistoryRefused):
    """The branch positions of a service go up by one, whatever lies between them at the hub."""

    vi = "Thiếu sự kiện của {service}: sau vị trí {taken} của nhánh là {position}. Đã dừng, không ghi nhận gì thêm."
    en = "Events of {service} are missing: after branch position {taken} comes {position}. Stopped; nothing more is taken."


class EventForeign(HistoryRefused):
    """A province receives what is its own."""

    vi = "Nhận được thông điệp không phải là sự kiện của nhánh này: {subject}. Đã dừng, không ghi nhận gì thêm."
    en = "A message came that is no event of this branch: {subject}. Stopped; nothing more is taken."


@dataclass(frozen=True, slots=True)
class Heard:
    """An event as it came: what is needed to take it, and its document."""

    service: str
    type: str
    position: int
    recorded_at: datetime
    document: Mapping[str, Any]

    @property
    def line(self) -> bytes:
        """One line of JSON."""
        return orjson.dumps(self.document, option=orjson.OPT_APPEND_NEWLINE)


def heard(branch: str, subject: str, headers: Mapping[str, str] | None, body: bytes) -> Heard:
    """The event of a message; its type and its fields may be such as this program does not know.

    :raises EventForeign: it is none of this branch.
    """
    event = recorded_event(subject, headers, body)
    if isinstance(event, BrokenEvent) or event.branch != branch or subject.split(".")[2] != token(branch):
        raise EventForeign(subject=subject)
    try:
        metadata = orjson.loads(event.metadata_json)
        document = {
            "id": event.id,
            "service": event.service,
            "branch": event.branch,
            "branch_position": event.branch_position,
            "type": event.topic,
            "time": event.recorded_at.isoformat(),
            "unit": metadata["unit"],
            "aggregate_id": str(event.aggregate_id),
            "aggregate_version": event.version,
            "metadata": metadata,
            "body": orjson.loads(event.body),
        }
    except (LookupError, TypeError, ValueError):
        raise EventForeign(subject=subject) from None
    return Heard(event.service, event.topic, event.branch_position, event.recorded_at, document)


def is_next(event: Heard, taken: int) -> bool:
    """Whether it is to be taken; False when it was taken before.

    :raises EventMissing: something before it is missing.
    """
    if event.position > taken + 1:
        raise EventMissing(service=event.service, taken=taken, position=event.position)
    return event.position == taken + 1
