"""In which order is one story told across services, whose clocks need not agree?

By recorded time, but never an effect before its cause, nor a later event of a service before an earlier one. So much is
looked ahead as fits into memory; clocks are out of step by far less.
"""

import heapq
from collections.abc import AsyncIterable, AsyncIterator
from datetime import datetime, timedelta, timezone

from congdoan.auditing.replaying import Told, in_words, name_in_words
from congdoan.texts import Language, say

LOOKED_AHEAD = 5_000
"""So many events are held while it is seen whether the cause of one is still to come."""
VIETNAM = timezone(timedelta(hours=7))


class Waiting:
    """Events that are about to be told, in the order of each service."""

    def __init__(self) -> None:
        self._by_service: dict[str, list[tuple[int, Told]]] = {}
        self._ids: set[str] = set()

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, told: Told) -> None:
        """One more; its place is found by its position."""
        heapq.heappush(self._by_service.setdefault(told.event.service, []), (told.event.position, told))
        self._ids.add(told.event.id)

    def take(self) -> Told:
        """The earliest whose cause is not waiting too; of events that wait for each other the earliest."""
        heads = [queue[0][1] for queue in self._by_service.values() if queue]
        free = [told for told in heads if told.event.metadata.causation_id not in self._ids] or heads
        first = min(free, key=_recorded)
        heapq.heappop(self._by_service[first.event.service])
        self._ids.discard(first.event.id)
        return first


def _recorded(told: Told) -> tuple[datetime, str]:
    return told.event.recorded_at, told.event.service


async def in_order(events: AsyncIterable[Told], looked_ahead: int = LOOKED_AHEAD) -> AsyncIterator[Told]:
    """Events that come by recorded time, each after what led to it."""
    waiting = Waiting()
    async for told in events:
        waiting.add(told)
        if len(waiting) > looked_ahead:
            yield waiting.take()
    while len(waiting):
        yield waiting.take()


def paragraph(told: Told, language: Language) -> str:
    """An event in words: when and what, who, and why."""
    event, metadata, actor = told.event, told.event.metadata, told.event.metadata.actor
    why = told.cause and in_words(told.cause, language)
    lines = [
        f"{event.recorded_at.astimezone(VIETNAM):%Y-%m-%d %H:%M:%S}  {name_in_words(event, language)} · {event.id}",
        in_words(event, language),
        say("told_by", language, actor=actor.id, role=actor.role, unit=actor.unit or "–", on=metadata.effective),
    ]
    if why:
        lines.append(say("told_because", language, cause=metadata.causation_id, words=why))
    elif metadata.causation_id != str(metadata.command_id):
        lines.append(say("told_because", language, cause=metadata.causation_id, words=""))
    if told.trace_id:
        lines.append(say("told_trace", language, trace=told.trace_id))
    return "\n    ".join(line.rstrip() for line in lines) + "\n"
