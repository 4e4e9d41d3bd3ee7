"""How do the read models of a service keep up with its own history?

Each follower reads on from its own position — only the events it follows, in batches — and sleeps until the append
signal wakes it. So a model that is built anew from the first event delays no other.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, Generic, TypeVar

import psycopg
import structlog

from chassis.database import AppendSignal, Connection
from chassis.ending import ended
from chassis.following import Follower, Overtaken, unprocessable
from chassis.read_models import Key, ReadModel
from chassis.recorded import RecordedEvent
from chassis.refusals import Unavailable
from chassis.sealing import Sealer
from chassis.store import EventStore

BATCH_EVENTS = 2_000
RETRY_S = 0.2
GATHER_S = 0.05
"""How stale a read model may be under load when nobody waits for it; a transaction a commit would cost more than commands do."""
ENDED_WITHIN_S = 1.0
"""After which a follower that was cancelled is cancelled once more."""

R = TypeVar("R")

log = structlog.get_logger(__name__)


class Projection(Generic[R]):
    """Keeps the table of a read model: the effect that a follower drives.

    :param on_rows: told of the rows that changed, after they became durable.
    :param sealer: opens personal values, for rows that hold some; a model whose rows hold none reads without keys.
    :param beside: keeps the second generation, under a name of its own; see :mod:`chassis.generations.tables`.
    """

    def __init__(
        self,
        model: ReadModel[R],
        on_rows: Callable[[Iterable[R]], None] | None = None,
        sealer: Sealer | None = None,
        beside: bool = False,
    ) -> None:
        self.model, self.source, self.topics = model, model.source, model.topics
        self.name, table = (model.name_beside, model.table_beside) if beside else (model.name, model.table)
        self._on_rows = on_rows
        self._sealer = sealer if model.personal_columns else None
        self._changed: list[R] = []
        columns = list(model.columns)
        arrays = ", ".join(f"%b::{kind.removesuffix(' not null')}[]" for kind in model.columns.values())
        key_arrays = ", ".join(f"%b::{model.columns[name].removesuffix(' not null')}[]" for name in model.key)
        key, rest = ", ".join(model.key), [name for name in columns if name not in model.key]
        update = ", ".join(f"{name} = excluded.{name}" for name in rest)
        self._select = f"select {', '.join(columns)} from {table} where ({key}) in (select * from unnest({key_arrays}))"
        self._upsert = (
            f"insert into {table} ({', '.join(columns)}) select * from unnest({arrays}) "
            f"on conflict ({key}) do {f'update set {update}' if update else 'nothing'}"
        )
        self._delete = f"delete from {table} where ({key}) in (select * from unnest({key_arrays}))"

    async def take(self, events: Sequence[RecordedEvent], transaction: Connection) -> None:
        """Evolve and write the rows that some events touch.

        :raises Unprocessable: an event cannot be read or does not fit its row.
        :raises Unavailable: the keys of personal values cannot be had just now.
        """
        if self._sealer:
            await self._sealer.open(events)
        keys: set[Key] = set()
        for event in events:
            try:
                keys.update(self.model.keys(event))
            except Exception as error:
                raise unprocessable(event, error) from error
        if not keys:
            return
        before = await self._rows(keys, transaction)
        rows: dict[Key, R | None] = dict(before)
        for event in events:
            try:
                self.model.apply(rows, event)
            except Exception as error:
                raise unprocessable(event, error) from error
        await self._write(before, rows, transaction)

    async def taken(self, events: Sequence[RecordedEvent]) -> None:
        """Tell of the rows that became durable."""
        changed, self._changed = self._changed, []
        if self._on_rows and changed:
            self._on_rows(changed)

    async def _rows(self, keys: Iterable[Key], transaction: Connection) -> dict[Key, R | None]:
        cursor = transaction.cursor(binary=True)
        await cursor.execute(self._select.encode(), _transposed(keys))
        places = [list(self.model.columns).index(name) for name in self.model.key]
        found = await cursor.fetchall()
        return {tuple(row[place] for place in places): self.model.row(*row) for row in found}

    async def _write(self, before: dict[Key, R | None], rows: dict[Key, R | None], transaction: Connection) -> None:
        changed = [row for key, row in rows.items() if row is not None and row is not before.get(key)]
        gone = [key for key, row in rows.items() if row is None and key in before]
        if changed:
            values = [[getattr(row, name) for row in changed] for name in self.model.columns]
            await transaction.execute(self._upsert.encode(), values)
        if gone:
            await transaction.execute(self._delete.encode(), _transposed(gone))
        self._changed = changed


def _transposed(keys: Iterable[Key]) -> list[list[Any]]:
    return [list(column) for column in zip(*keys, strict=True)]


class Projector:
    """Drives followers along the service's own event store."""

    def __init__(self, store: EventStore, signal: AppendSignal, followers: Sequence[Follower]) -> None:
        self._store, self._signal, self.followers = store, signal, followers
        self._tasks: list[asyncio.Task[None]] = []
        self._behind = {follower.name for follower in followers}

    @property
    def caught_up(self) -> bool:
        """Whether each follower has reached the head once since the start."""
        return not self._behind

    async def start(self) -> None:
        """Load every position, then follow."""
        for follower in self.followers:
            await follower.load()
        self._tasks = [
            asyncio.create_task(self._follow(follower), name=f"project-{follower.name}") for follower in self.followers
        ]

    async def stop(self) -> None:
        """Stop following; what was begun is rolled back and taken again next time."""
        # Under load a cancellation was seen to be lost on its way to a follower, which then went on behind other pods' writes
        # until the process was killed.
        await asyncio.gather(*(ended(task, ENDED_WITHIN_S) for task in self._tasks))

    @property
    def tasks(self) -> Sequence[asyncio.Task[None]]:
        """The running tasks, for whoever watches that none dies."""
        return self._tasks

    async def _follow(self, follower: Follower) -> None:
        waiter = self._signal.subscribe()
        try:
            await self._follow_on(follower, waiter)
        finally:
            self._signal.unsubscribe(waiter)

    async def _follow_on(self, follower: Follower, waiter: asyncio.Event) -> None:
        while True:
            await waiter.wait()
            waiter.clear()
            try:
                while (full := await self._advance(follower)) is not None:
                    if not full and follower.name not in self._behind:
                        await self._gather(follower)
                self._behind.discard(follower.name)
            except (psycopg.Error, Unavailable, Overtaken) as error:
                log.warning("read model begins again from its position", follower=follower.name, error=type(error).__name__)
                await asyncio.sleep(RETRY_S)
                with suppress(psycopg.Error, Unavailable):
                    await follower.load()
                waiter.set()

    async def _gather(self, follower: Follower) -> None:
        """Under load, let some events come together, unless somebody waits for this follower."""
        with suppress(TimeoutError):
            async with asyncio.timeout(GATHER_S):
                await follower.awaited.wait()
        follower.awaited.clear()

    async def _advance(self, follower: Follower) -> bool | None:
        """Take the next batch and answer whether it was a full one; None when there was nothing to take."""
        head = await self._store.head()
        if head <= follower.position:
            return None
        events = await self._store.read(follower.position, BATCH_EVENTS, follower.topics)
        full = len(events) == BATCH_EVENTS
        await follower.take(events, upto=None if full else head)
        return full
