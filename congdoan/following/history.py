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

from chassis.cloudevents import unescaped
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
    """The event of a message.

    :raises EventForeign: it is none of this branch.
    """
    found = headers or {}
    try:
        service, type_, position = subject.split(".")[1], found["ce-type"], int(found["ce-branchposition"])
        recorded_at, metadata = datetime.fromisoformat(found["ce-time"]), orjson.loads(unescaped(found["ce-metadata"]))
        if unescaped(found["ce-branch"]).decode() != branch or subject.split(".")[2] != branch:
            raise EventForeign(subject=subject)
        document = {
            "id": found["ce-id"],
            "service": service,
            "branch": branch,
            "branch_position": position,
            "type": type_,
            "time": found["ce-time"],
            "unit": metadata["unit"],
            "aggregate_id": found["ce-subject"],
            "aggregate_version": int(found["ce-aggregateversion"]),
            "metadata": metadata,
            "body": orjson.loads(body),
        }
        return Heard(service, type_, position, recorded_at, document)
    except (LookupError, TypeError, ValueError):
        raise EventForeign(subject=subject) from None


def is_next(event: Heard, taken: int) -> bool:
    """Whether it is to be taken; False when it was taken before.

    :raises EventMissing: something before it is missing.
    """
    if event.position > taken + 1:
        raise EventMissing(service=event.service, taken=taken, position=event.position)
    return event.position == taken + 1
