"""How do programs written for the `eventsourcing` library use this store? Through its own recorder interface.

The same group commit serves them: each call of a thread joins the batch that goes next. Replay, subscription and the
library's applications work unchanged, and see what the services recorded.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from threading import Thread
from typing import Any, TypeVar
from uuid import UUID

import psycopg
from eventsourcing.persistence import (
    ApplicationRecorder,
    IntegrityError,
    ListenNotifySubscription,
    Notification,
    OperationalError,
    StoredEvent,
)
from psycopg_pool import ConnectionPool

from chassis.appends import Answer, Append, NewEvent, StaleVersion
from chassis.database import open_pool
from chassis.recorded import Actor, Metadata
from chassis.refusals import Refusal
from chassis.store import EventStore

T = TypeVar("T")
LIBRARY = Actor("eventsourcing", "service", "")


class LibraryRecorder(ApplicationRecorder):
    """The event store of a service as an ``ApplicationRecorder``.

    Versions of an aggregate follow one another without a gap, which is stricter than the library asks.
    """

    def __init__(
        self, service: str, conninfo: str, *, secret: bytes, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self.conninfo = conninfo
        self._clock = clock
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name=f"{service}-recorder", daemon=True)
        self._thread.start()
        self._pool = open_pool(conninfo)
        self._store = EventStore(service, conninfo, self._pool, secret=secret, clock=clock)
        self._readers: ConnectionPool[psycopg.Connection[tuple[Any, ...]]] = ConnectionPool(
            conninfo, min_size=1, max_size=8, kwargs={"autocommit": True}, open=True
        )
        self._run(self._open())

    def close(self) -> None:
        """Append what was accepted, then let go of everything."""
        self._run(self._shut())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._readers.close()

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:
        """Append some events together and answer their positions.

        :raises IntegrityError: a version is taken, or does not follow on the one before.
        :raises OperationalError: the store cannot take them just now.
        """
        if not stored_events:
            return None
        metadata = Metadata("", self._clock().date(), LIBRARY, None, "", "").encode()
        append = Append(tuple(_new_event(event, metadata) for event in stored_events))
        _check_versions(append.events)
        try:
            answer = self._run(self._append(append))
        except StaleVersion as error:
            raise IntegrityError("a version of the aggregate is taken") from error
        except Refusal as error:
            raise OperationalError(str(error)) from error
        return list(range(answer.position - len(stored_events) + 1, answer.position + 1))

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """Events of an aggregate in the order of their versions."""
        query = (
            "select aggregate_id, version, topic, body from events where aggregate_id = %s"
            f"{' and version > %s' if gt is not None else ''}{' and version <= %s' if lte is not None else ''}"
            f" order by version {'desc' if desc else 'asc'}{' limit %s' if limit is not None else ''}"
        )
        values = [value for value in (originator_id, gt, lte, limit) if value is not None]
        return [StoredEvent(*row) for row in self._select(query, values)]

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """At most `limit` events in the order of their positions."""
        conditions = [f"position {'>=' if inclusive_of_start else '>'} %s"]
        values: list[Any] = [start or 0]
        if stop is not None:
            conditions.append("position <= %s")
            values.append(stop)
        if topics:
            conditions.append("topic = any(%s)")
            values.append(list(topics))
        query = (
            "select aggregate_id, version, topic, body, position from events"
            f" where {' and '.join(conditions)} order by position limit %s"
        )
        return [Notification(*row) for row in self._select(query, [*values, limit])]

    def max_notification_id(self) -> int | None:
        """The position of the last event, None when there is none."""
        return self._select("select position from head", [])[0][0] or None

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> "LibrarySubscription":
        """Every event after a position, and those to come."""
        return LibrarySubscription(self, gt, topics)

    def _select(self, query: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        with self._readers.connection() as connection:
            return connection.cursor(binary=True).execute(query.encode(), values).fetchall()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        future: Future[T] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return future.result()

    async def _append(self, append: Append) -> Answer:
        return await self._store.append(append)

    async def _open(self) -> None:
        await self._pool.open()
        await self._store.start()

    async def _shut(self) -> None:
        await self._store.stop()
        await self._pool.close()


class LibrarySubscription(ListenNotifySubscription[LibraryRecorder]):
    """A subscription that also survives the loss of its connection: it connects again and reads on."""

    def __init__(self, recorder: LibraryRecorder, gt: int | None, topics: Sequence[str]) -> None:
        super().__init__(recorder, gt, topics)
        self._listener = Thread(target=self._listen, name="recorder-listen", daemon=True)
        self._listener.start()

    def __exit__(self, *args: object, **kwargs: Any) -> None:
        try:
            super().__exit__(*args, **kwargs)
        finally:
            self._listener.join()

    def _listen(self) -> None:
        while not self._has_been_stopped:
            try:
                with psycopg.connect(self._recorder.conninfo, autocommit=True) as connection:
                    connection.execute("listen events")
                    self._has_been_notified.set()
                    while not self._has_been_stopped:
                        for _ in connection.notifies(timeout=0.1, stop_after=1):
                            self._has_been_notified.set()
            except psycopg.OperationalError:
                # The database went away; what was appended meanwhile is read after the next `listen`.
                continue


def _new_event(event: StoredEvent, metadata: bytes) -> NewEvent:
    return NewEvent(UUID(str(event.originator_id)), event.originator_version, event.topic, event.state, metadata, "national")


def _check_versions(events: Sequence[NewEvent]) -> None:
    last: dict[UUID, int] = {}
    for event in events:
        if last.get(event.aggregate_id, event.version - 1) != event.version - 1:
            raise IntegrityError("versions of an aggregate must follow on one another")
        last[event.aggregate_id] = event.version
