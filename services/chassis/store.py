"""What is the history of a service, and who may add to it? One writer appends, everyone may read.

How an acknowledged command becomes part of it, once and for ever, is told in :mod:`chassis.group_commit`.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from psycopg_pool import AsyncConnectionPool

from chassis.appends import Answer, Append, Arrangement
from chassis.asking_together import Together
from chassis.batches import is_repetition
from chassis.database import Connection, fetch
from chassis.group_commit import Writer
from chassis.recorded import RecordedEvent
from chassis.refusals import CommandIdReused, Unavailable

COLUMNS = "position, aggregate_id, version, topic, body, metadata, branch, branch_position, recorded_at"
LOADED_AT_ONCE = 500
ASKED_AT_ONCE = 10_000
REPLAYED_AT_ONCE = 400
"""Events in a page of a replay: what the server can send while the page before is used, for a socket holds no more."""
_HEAD = "head"


async def _admitted(database: Connection) -> None:
    """Every database may be appended to."""


class EventStore:
    """The history of one service.

    :param secret: key of the keyed hashes under which claims are stored, so that none tells a personal value.
    :param clock: the recorded time of a batch.
    :param admit: raises Unavailable for a database that must not be appended to just now.
    """

    def __init__(
        self,
        service: str,
        conninfo: str,
        pool: AsyncConnectionPool[Connection],
        *,
        secret: bytes,
        clock: Callable[[], datetime],
        on_batch: Callable[[int, int], None] = lambda events, commands: None,
        admit: Callable[[Connection], Awaitable[None]] = _admitted,
    ) -> None:
        self.service = service
        self._pool = pool
        self._writer = Writer(conninfo, secret, clock, on_batch, admit)
        self._loading: Together[UUID, list[RecordedEvent]] = Together("store-loader", self.load_many, LOADED_AT_ONCE)
        self._heads: Together[str, int] = Together("store-head", self._head, ASKED_AT_ONCE)

    async def start(self) -> None:
        """Start the writer and the loader."""
        self._writer.start()
        self._loading.start()
        self._heads.start()

    async def stop(self) -> None:
        """Append what was accepted, then stop."""
        await self._writer.stop()
        await self._heads.stop()
        await self._loading.stop()

    @property
    def tasks(self) -> list[asyncio.Task[None]]:
        """The running tasks, for whoever watches that none dies."""
        return [task for task in (self._writer.task, self._loading.task, self._heads.task) if task]

    @property
    def waiting(self) -> int:
        """How many commands wait to be made durable."""
        return self._writer.waiting

    def submit(self, append: Append) -> asyncio.Future[Answer]:
        """Hand over the events of a command; the future answers as :meth:`append` does.

        Appends submitted one after the other by one task enter the history in that order.
        """
        return self._writer.submit(append)

    async def append(self, append: Append) -> Answer:
        """Make the events of a command durable and answer their position.

        :raises StaleVersion: another command was first; :raises Claimed: a claim is held; :raises Rearranged: units moved;
        :raises CommandIdReused: the id was used with other content; :raises Overloaded: too many wait;
        :raises Unavailable: no database for `OUTAGE_PATIENCE_S`; the outcome is unknown, repeat with the same id.
        """
        return await self._writer.submit(append)

    async def answer_to(self, command_id: UUID, fingerprint: bytes, acts_on: UUID) -> Answer | None:
        """The first answer to a command id, or None when it is new.

        :param acts_on: the aggregate of the command.

        :raises CommandIdReused: it was given to other content.
        """
        query = """select c.fingerprint, c.position, e.aggregate_id, e.version
                     from commands c join events e using (position) where c.command_id = %s"""
        rows = await fetch(self._pool, query, (command_id,))
        if not rows:
            return None
        known, position, aggregate_id, version = rows[0]
        if not is_repetition(known, aggregate_id, fingerprint, acts_on):
            raise CommandIdReused("command_id")
        return Answer(position, aggregate_id, version, repeated=True)

    async def version(self, aggregate_id: UUID) -> int:
        """The version of an aggregate, 0 when it does not exist."""
        query = "select version from events where aggregate_id = %s order by version desc limit 1"
        rows = await fetch(self._pool, query, (aggregate_id,))
        return int(rows[0][0]) if rows else 0

    async def load(self, aggregate_id: UUID) -> list[RecordedEvent]:
        """Every event of an aggregate in order; loads asked for at the same time share one query."""
        return (await self._loading.ask([aggregate_id]))[aggregate_id]

    async def load_many(self, aggregate_ids: Sequence[UUID]) -> dict[UUID, list[RecordedEvent]]:
        """Every event of some aggregates, each in order."""
        rows = await fetch(
            self._pool,
            f"select {COLUMNS} from events where aggregate_id = any(%s) order by aggregate_id, version",
            (list(aggregate_ids),),
        )
        histories: dict[UUID, list[RecordedEvent]] = {aggregate_id: [] for aggregate_id in aggregate_ids}
        for row in rows:
            histories[row[1]].append(RecordedEvent(self.service, *row))
        return histories

    async def read(self, after: int, limit: int, topics: frozenset[str] = frozenset()) -> list[RecordedEvent]:
        """At most `limit` events in position order, from the one after position `after`; of some topics when given."""
        of_topics = "and topic = any(%s)" if topics else ""
        values = (after, list(topics), limit) if topics else (after, limit)
        rows = await fetch(
            self._pool, f"select {COLUMNS} from events where position > %s {of_topics} order by position limit %s", values
        )
        return [RecordedEvent(self.service, *row) for row in rows]

    async def replay(self, after: int = 0, topics: frozenset[str] = frozenset()) -> AsyncGenerator[list[RecordedEvent], None]:
        """Every event after a position, of some topics when given, in pages: while one is used the next one comes."""
        coming = asyncio.create_task(self.read(after, REPLAYED_AT_ONCE, topics))
        try:
            while page := await coming:
                coming = asyncio.create_task(self.read(page[-1].position, REPLAYED_AT_ONCE, topics))
                await asyncio.sleep(0)  # so that it is asked for before the caller keeps the loop busy
                yield page
        finally:
            coming.cancel()
            with suppress(asyncio.CancelledError, Unavailable):
                await coming

    async def arrangement(self) -> Arrangement:
        """Where the last events stand by which units changed branches, and places."""
        ((branches_at, places_at),) = await fetch(self._pool, "select branches_at, places_at from head")
        return Arrangement(int(branches_at), int(places_at))

    async def branch_head(self, branch: str) -> tuple[int, int]:
        """At one moment: the branch position of the last event of a branch, 0 when it has none, and the position of the head."""
        query = "select coalesce((select position from branches where branch = %s), 0), position from head"
        ((of_branch, of_all),) = await fetch(self._pool, query, (branch,))
        return int(of_branch), int(of_all)

    async def branches(self) -> list[str]:
        """Every branch in which something was told."""
        return [branch for (branch,) in await fetch(self._pool, "select branch from branches order by branch")]

    async def head(self) -> int:
        """The position of the last event, 0 when there is none; every follower asks after each commit, most at once."""
        return (await self._heads.ask([_HEAD]))[_HEAD]

    async def _head(self, _: Sequence[str]) -> dict[str, int]:
        return {_HEAD: int((await fetch(self._pool, "select position from head"))[0][0])}
