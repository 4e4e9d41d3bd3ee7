"""Which aggregates are in memory, and who may decide on one just now?"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from chassis.commands import Aggregate
from chassis.events import TOPICS, OfLaterVersion
from chassis.refusals import RecordedByLaterVersion
from chassis.sealing import Sealer
from chassis.store import EventStore

MAX_LIVE_AGGREGATES = 50_000
UNKNOWN = -1


@dataclass(slots=True, eq=False)
class Live:
    """A living aggregate: its state after `version` events, `UNKNOWN` until loaded. One command at a time decides on it.

    `fresh` while it is held by whoever had it loaded; else another process may have moved it on since. `begun` is the topic
    of its first event, which says what kind it is. `later` when its history holds what only a later version of this program
    can read: its state was not made, and nothing may be decided on it here.
    """

    lock: asyncio.Lock
    state: Any = None
    version: int = UNKNOWN
    fresh: bool = False
    begun: str = ""
    later: bool = False

    def is_other_than(self, aggregate: Aggregate[Any]) -> bool:
        """Whether the id belongs to an aggregate of another kind."""
        return self.version > 0 and not aggregate.begins_with(self.begun)


class LiveAggregates:
    """A bounded cache of aggregates, the least recently used leaving first.

    :param sealer: opens the personal values that decisions stand on; they are None without it.
    """

    def __init__(self, store: EventStore, sealer: Sealer | None = None, size: int = MAX_LIVE_AGGREGATES) -> None:
        self._store, self._sealer, self._size = store, sealer, size
        self._entries: OrderedDict[UUID, Live] = OrderedDict()

    @asynccontextmanager
    async def of(
        self, aggregate: Aggregate[Any], aggregate_ids: Sequence[UUID], expected_new: bool = False
    ) -> AsyncIterator[dict[UUID, Live]]:
        """Some aggregates, loaded, each locked against other decisions of this process meanwhile.

        :param expected_new: take those not in memory for new ones; if one is not, the append says so.
        """
        # Always in the same order, so that two batches never wait for each other.
        entries = {key: self._entry(key) for key in sorted(set(aggregate_ids))}
        taken: list[asyncio.Lock] = []
        assumed: list[Live] = []
        stateless: list[Live] = []
        try:
            for entry in entries.values():
                await entry.lock.acquire()
                taken.append(entry.lock)
            unknown = {key: entry for key, entry in entries.items() if entry.version == UNKNOWN}
            for key, entry in entries.items():
                entry.fresh = key in unknown and not expected_new
            if expected_new:
                assumed = list(unknown.values())
                for entry in assumed:
                    entry.state, entry.version, entry.begun, entry.later = None, 0, "", False
            else:
                stateless = await self._load(aggregate, unknown)
            yield entries
        finally:
            for entry in stateless:
                entry.version = UNKNOWN
            for entry in assumed:
                if entry.version == 0:
                    # Nothing was appended, so nobody has looked whether it is really new.
                    entry.version = UNKNOWN
            for lock in taken:
                lock.release()
            self._trim()

    async def state(self, aggregate: Aggregate[Any], aggregate_id: UUID) -> Any:
        """The state of one aggregate for another's decision; None when there is none of this kind.

        :raises RecordedByLaterVersion: it cannot be made here.
        """
        entry = self._entries.get(aggregate_id)
        if entry is None or entry.version == UNKNOWN or entry.lock.locked():
            async with self.of(aggregate, (aggregate_id,)) as live:
                entry = live[aggregate_id]
                if entry.later:
                    raise RecordedByLaterVersion()
                return None if entry.is_other_than(aggregate) else entry.state
        return None if entry.is_other_than(aggregate) else entry.state

    def distrust(self) -> None:
        """Load every aggregate anew before it is looked at again; those being decided on are checked by the append."""
        for entry in self._entries.values():
            if not entry.lock.locked():
                entry.version = UNKNOWN

    def _entry(self, key: UUID) -> Live:
        entry = self._entries.get(key)
        if entry is None:
            entry = self._entries[key] = Live(asyncio.Lock())
        else:
            self._entries.move_to_end(key)
        return entry

    async def _load(self, aggregate: Aggregate[Any], unknown: dict[UUID, Live]) -> list[Live]:
        """Make the states; those that have none come back: only its own kind, and whoever can read all of it, makes one."""
        if not unknown:
            return []
        if len(unknown) == 1:
            (key,) = unknown
            histories = {key: await self._store.load(key)}
        else:
            histories = await self._store.load_many(list(unknown))
        own = {key: history for key, history in histories.items() if not history or aggregate.begins_with(history[0].topic)}
        if self._sealer:
            await self._sealer.open([recorded for history in own.values() for recorded in history])
        for key, entry in unknown.items():
            state, history = None, histories[key]
            entry.begun = history[0].topic if history else ""
            entry.later = bool(history) and entry.begun not in TOPICS
            try:
                for recorded in own.get(key, ()):
                    state = aggregate.evolve(state, recorded.event)
            except OfLaterVersion:
                state, entry.later = None, True
            entry.state, entry.version = state, len(history)
        return [entry for key, entry in unknown.items() if entry.later or key not in own]

    def _trim(self) -> None:
        while len(self._entries) > self._size:
            key, entry = next(iter(self._entries.items()))
            if entry.lock.locked():
                self._entries.move_to_end(key)
                return
            del self._entries[key]
