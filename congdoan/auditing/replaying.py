"""What does a replay tell, and in which words? Asked of audit page by page; one event is one row.

What belongs to a person stands in it as on the streams, as ciphertext; the words never hold any of it.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

import congdoan.event_contract  # noqa: F401 - knows every service's events, so that each has its words
from chassis.events import TOPICS, NotReadable
from chassis.recorded import RecordedEvent
from chassis.wording import Unworded, name_of
from congdoan.clients import Federation
from congdoan.texts import Language, say

PAGE = 500
PATIENCE_S = 120.0

COLUMNS = (
    "id", "service", "position", "recorded_at", "effective", "topic", "name", "words", "unit", "branch", "branch_position",
    "actor", "actor_role", "actor_unit", "command_id", "correlation_id", "causation_id", "cause", "trace_id", "aggregate_id",
    "version", "body",
)  # fmt: skip
"""What is told of an event, in this order; `position`, `branch_position` and `version` are numbers, all else is text."""
NUMBERS = frozenset({"position", "branch_position", "version"})


@dataclass(frozen=True, slots=True)
class Asked:
    """Which events are wanted, as :class:`BeginReplayRequest` knows its filter; and why."""

    reason: str
    filter: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_everything(self) -> bool:
        """Whether nothing is left out."""
        return not {name for name, value in self.filter.items() if value} - {"cut"}


@dataclass(frozen=True, slots=True)
class Begun:
    """A replay that is recorded: its id, and up to where it goes."""

    replay_id: str
    cut: str

    @property
    def events(self) -> int:
        """How many events lie before the cut, whatever the filter."""
        return sum(int(part.partition(":")[2]) for part in self.cut.split(",") if part)


@dataclass(frozen=True, slots=True)
class Told:
    """An event with the one that directly led to it, where a service of the suite names one."""

    event: RecordedEvent
    cause: RecordedEvent | None = None

    @property
    def trace_id(self) -> str:
        """By which whatever else happened in its course is found; empty when it was not traced."""
        parts = self.event.metadata.traceparent.split("-")
        return parts[1] if len(parts) == 4 else ""

    def row(self, language: Language) -> dict[str, Any]:
        """By column."""
        event, metadata = self.event, self.event.metadata
        return {
            "id": event.id,
            "service": event.service,
            "position": event.position,
            "recorded_at": event.recorded_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "effective": metadata.effective.isoformat(),
            "topic": event.topic,
            "name": name_in_words(event, language),
            "words": in_words(event, language),
            "unit": metadata.unit,
            "branch": event.branch,
            "branch_position": event.branch_position,
            "actor": metadata.actor.id,
            "actor_role": metadata.actor.role,
            "actor_unit": metadata.actor.unit,
            "command_id": str(metadata.command_id or ""),
            "correlation_id": metadata.correlation_id,
            "causation_id": metadata.causation_id,
            "cause": in_words(self.cause, language) if self.cause else "",
            "trace_id": self.trace_id,
            "aggregate_id": str(event.aggregate_id),
            "version": event.version,
            "body": event.body.decode(errors="replace"),
        }


@dataclass(frozen=True, slots=True)
class Page:
    """Some events in their order, and where the next page begins; empty on the last."""

    events: Sequence[Told]
    following: str


def in_words(event: RecordedEvent, language: Language) -> str:
    """What happened, in a sentence; that nobody here can read it, where its class is of a later program."""
    try:
        return event.event.in_words(language)
    except (NotReadable, Unworded):
        return say("event_unreadable", language, topic=event.topic)


def name_in_words(event: RecordedEvent, language: Language) -> str:
    """What its kind is called; its topic, where nobody here knows it."""
    known = TOPICS.get(event.topic)
    return name_of(known, language) if known else event.topic


async def begin(federation: Federation, asked: Asked, command_id: UUID) -> Begun:
    """Have it recorded that the events are about to be read; again with the same id, the same replay.

    :raises Refused: audit, or gRPC, refuses.
    """
    fields = {"command_id": command_id, "reason": asked.reason, **asked.filter}
    answer = await federation.as_auditor.call("audit", "BeginReplay", fields, timeout_s=PATIENCE_S)
    return Begun(answer.replay_id, answer.cut)


async def pages(federation: Federation, begun: Begun, after: str = "") -> AsyncIterator[Page]:
    """The pages of a replay from one on; the next is on its way while one is looked at.

    :raises Refused: audit, or gRPC, refuses.
    """
    auditor = federation.as_auditor

    def ask(after: str) -> "asyncio.Task[Any]":
        fields = {"replay_id": begun.replay_id, "page": {"size": PAGE, "after": after}}
        return asyncio.ensure_future(auditor.call("audit", "ListReplay", fields, timeout_s=PATIENCE_S))

    coming: asyncio.Task[Any] | None = ask(after)
    try:
        while coming:
            answer = await coming
            coming = ask(answer.next) if answer.next else None
            yield Page(_told(answer), answer.next)
    finally:
        if coming:
            coming.cancel()


def _told(answer: Any) -> list[Told]:
    events = [_event(one) for one in answer.events]
    there = {event.id: event for event in (*events, *(_event(one) for one in answer.causes))}
    return [Told(event, there.get(event.metadata.causation_id)) for event in events]


def _event(one: Any) -> RecordedEvent:
    return RecordedEvent(
        one.service,
        one.position,
        UUID(one.aggregate_id),
        one.version,
        one.topic,
        one.body,
        one.metadata,
        one.branch,
        one.branch_position,
        datetime.fromisoformat(one.recorded_at),
    )


def line(row: Mapping[str, Any]) -> bytes:
    """A row as one line of JSON; the body as the object it is, byte for byte."""
    body = row["body"].encode()
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError:
        return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
    return orjson.dumps({**row, "body": orjson.Fragment(body)}, option=orjson.OPT_APPEND_NEWLINE)
