"""Does an event follow on what was sealed before, and which hashes seal it?

Its leaf (:mod:`chassis.ledger.leaf`) stands in the tree of the ledger. The chain hash of an event is
``SHA-256(chain hash of the event before || leaf)``, beginning with 32 zero bytes.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from uuid import UUID

import orjson

from chassis.cloudevents import BrokenEvent
from chassis.ledger.leaf import leaf_hash
from chassis.recorded import RecordedEvent

_TOLD = re.compile(r"([a-z]+)/(\d+): (.*)")
GENESIS = bytes(32)
"""The chain hash before the first event."""


class LogBroken(Exception):
    """The stream goes on in a way that cannot follow on what is sealed: something was removed, repeated or changed.

    `reason` names the rule and the numbers, never a value of the event.
    """

    def __init__(self, service: str, position: int, reason: str) -> None:
        super().__init__(f"{service}/{position}: {reason}")
        self.service, self.position, self.reason = service, position, reason

    @classmethod
    def read(cls, told: str) -> "LogBroken | None":
        """What another process has told of; None when it is something else."""
        match = _TOLD.fullmatch(told)
        return cls(match[1], int(match[2]), match[3]) if match else None


@dataclass(frozen=True, slots=True)
class Sealed:
    """An event in the log: what stands where, and its hashes; no content."""

    position: int
    leaf_hash: bytes
    chain_hash: bytes
    topic: str
    aggregate_id: UUID
    version: int
    unit: str
    branch: str
    branch_position: int
    recorded_at: datetime


@dataclass(slots=True)
class Tail:
    """What the next event of a service must follow on: the end of its log, of its branches and of its aggregates.

    A branch or aggregate that is not in it has no event yet.
    """

    service: str
    position: int = 0
    chain_hash: bytes = GENESIS
    branch_positions: dict[str, int] = field(default_factory=dict)
    versions: dict[UUID, int] = field(default_factory=dict)


def chain_hash(before: bytes, leaf: bytes) -> bytes:
    """The hash that seals a leaf together with everything before it."""
    return sha256(before + leaf).digest()


def seal(tail: Tail, events: Iterable[RecordedEvent]) -> list[Sealed]:
    """The log's next entries; `tail` moves on to the last of them.

    :raises LogBroken: the first event that does not follow on; `tail` stands before it then.
    """
    return [_next(tail, event) for event in events]


def _next(tail: Tail, event: RecordedEvent) -> Sealed:
    if flaw := _flaw(tail, event):
        raise LogBroken(tail.service, event.position, flaw)
    leaf = leaf_hash(event)
    tail.position, tail.chain_hash = event.position, chain_hash(tail.chain_hash, leaf)
    tail.branch_positions[event.branch] = event.branch_position
    tail.versions[event.aggregate_id] = event.version
    return Sealed(
        event.position, leaf, tail.chain_hash, event.topic, event.aggregate_id, event.version,
        _unit_of(event), event.branch, event.branch_position, event.recorded_at,
    )  # fmt: skip


def _flaw(tail: Tail, event: RecordedEvent) -> str:
    """What stands against an event as the next one; empty when nothing does."""
    if isinstance(event, BrokenEvent):
        return f"it is no event: {event.flaw}"
    if event.service != tail.service:
        return f"it is an event of {event.service}"
    last, branch, version = tail.position, tail.branch_positions.get(event.branch, 0), tail.versions.get(event.aggregate_id, 0)
    if event.position != last + 1:
        return f"position {event.position} follows on {last}"
    if event.branch_position != branch + 1:
        return f"branch position {event.branch_position} follows on {branch}"
    if event.version != version + 1:
        return f"version {event.version} of its aggregate follows on {version}"
    return ""


def _unit_of(event: RecordedEvent) -> str:
    """The unit of an event for searching the log; what cannot be read is sealed all the same, under no unit."""
    try:
        unit = orjson.loads(event.metadata_json)["unit"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return ""
    return unit if isinstance(unit, str) else ""


def touched(events: Sequence[RecordedEvent]) -> tuple[list[str], list[UUID]]:
    """The branches and aggregates whose tails must be known before some events are sealed."""
    return list({event.branch for event in events}), list({event.aggregate_id for event in events})
