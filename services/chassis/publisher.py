"""How does what was recorded get onto the stream: every event, once, in order, with the same bytes?

The history is the outbox and the stream itself the cursor: its last sequence is the position of the last event
announced. Events go in atomic batches of which the first message names the sequence it must follow on. So a batch is
taken whole or not at all, and of two publishers one is refused, reads the sequence again and goes on; there is
no window for duplicates and no position to keep. One process of the service publishes (:mod:`chassis.leadership`), and this
is its fence: whoever goes on after its time is refused by the stream.

A stream that is gone is made anew, closed to every reader, filled from the first event with the same bytes at the same
sequences, and then opened. That it is closed says to the next publisher that it is not full yet, should this one be killed.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import takewhile
from uuid import uuid4

import psycopg
import structlog
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.errors import NoRespondersError

from chassis import streams
from chassis.cloudevents import header_block, headers_of, recorded_event, subject_of
from chassis.database import AppendSignal
from chassis.ending import ended
from chassis.reconciliation.branch_places import keep_places
from chassis.reconciliation.sealed import Agreement, NothingSealed, StoreDiffers
from chassis.recorded import RecordedEvent
from chassis.refusals import Unavailable
from chassis.store import EventStore
from chassis.streams import Connection, JetStreamError

MAX_BATCH_EVENTS = 1_000
"""The server takes no more in one atomic batch."""
MAX_BATCH_BYTES = 4 * 1024 * 1024
CONTROL_BYTES = 256
"""What the headers of a batch add to a message, at most."""
IDLE_CHECK_S = 1.0
ACKNOWLEDGED_WITHIN_S = 10.0
FIRST_RETRY_S, LAST_RETRY_S = 0.05, 2.0
STOPPED_RETRY_S = 10.0

log = structlog.get_logger(__name__)


class Disagreement(Exception):
    """The stream holds what the store does not, or an event cannot stand on it: nothing may be published before an
    operator has looked."""


class Overtaken(Exception):
    """Another publisher was first."""


@dataclass(frozen=True, slots=True)
class _Batch:
    """Some events on their way: all but the last as they go over the wire, the last as a request of its own."""

    events: Sequence[RecordedEvent]
    frames: bytes
    headers: dict[str, str]

    @property
    def last(self) -> RecordedEvent:
        return self.events[-1]

    @property
    def subject(self) -> str:
        return subject_of(self.last.service, self.last.branch, self.last.topic)


class Publisher:
    """Announces the events of one store on its stream.

    :param replicas: of the stream, should it be lost and made anew.
    :param agreement: of the store with the ledger, asked before a stream is filled anew.
    """

    def __init__(
        self,
        store: EventStore,
        connection: Connection,
        signal: AppendSignal,
        *,
        replicas: int = 1,
        agreement: Agreement | None = None,
    ) -> None:
        self._store, self._connection = store, connection
        self._stream = streams.stream_of(store.service, replicas)
        self._agreement = agreement or Agreement(store, NothingSealed())
        self._closed, self._full_at, self._heard = False, 0, 0
        self._appended = signal.subscribe()
        self._last: RecordedEvent | None = None
        self._head = 0
        self.on_announced: Callable[[Sequence[RecordedEvent]], None] = lambda events: None
        """Told of each batch that is on the stream."""
        self.on_disagreement: Callable[[], None] = lambda: None
        """Told when the stream is not what is recorded, so that whoever puts it right need not find out by himself."""
        self._woken = asyncio.Event()
        self.task: asyncio.Task[None] | None = None
        self._pause_s = FIRST_RETRY_S
        self.trouble = "not started"
        self.stopped = ""
        """Why the stream is not filled before an operator has looked; empty when nothing stands in the way."""

    @property
    def published(self) -> int:
        """Position of the last event known to be on the stream, for everybody to read."""
        return self._last.position if self._last and not self._closed else 0

    async def announced(self) -> int:
        """Position of the last event on the stream, for everybody to read; asked of the stream while another publishes."""
        if self.task is not None:
            return self.published
        with suppress(NatsError, JetStreamError, OSError):
            found = await streams.info(self._client(), self._stream.name)
            self._heard = 0 if streams.is_closed(found["config"]) else int(found["state"]["last_seq"])
        return self._heard

    @property
    def backlog(self) -> int:
        """How many recorded events are not on the stream, as far as is known."""
        return max(0, self._head - self.published)

    @property
    def healthy(self) -> bool:
        """Whether it publishes; `trouble` says why not."""
        return not self.trouble

    async def start(self) -> None:
        """Begin to publish; returns at once, whether NATS can be reached or not."""
        self.task = asyncio.create_task(self._run(), name=f"publish-{self._store.service}")

    async def stop(self) -> None:
        """Stop; what is not announced is announced next time."""
        self._heard = self.published
        await ended(self.task)
        self.task, self.trouble = None, "not started"

    def wake(self) -> None:
        """Look at the stream now: what stood in the way may be gone."""
        self._woken.set()

    async def _run(self) -> None:
        while True:
            self._woken.clear()
            try:
                await self._find_last()
                await self._publish()
            except Overtaken:
                log.info("another publisher was first", service=self._store.service)
            except (Disagreement, StoreDiffers) as error:
                self.stopped = str(error) if isinstance(error, StoreDiffers) else ""
                self._tell(str(error), log.error)
                self.on_disagreement()
                with suppress(TimeoutError):
                    async with asyncio.timeout(STOPPED_RETRY_S):
                        await self._woken.wait()
            except (Unavailable, psycopg.Error, NatsError, JetStreamError, OSError) as error:
                self._tell(_told(error), log.warning)
                await self._pause()
            except Exception as error:
                log.exception("publisher failed, goes on")
                self.trouble = type(error).__name__
                await self._pause()

    async def _pause(self) -> None:
        if self._connection.is_connected:
            await asyncio.sleep(self._pause_s)
        else:  # as soon as NATS is back
            await self._connection.reached(self._pause_s)
        self._pause_s = min(2 * self._pause_s, LAST_RETRY_S)
        await self._find_head()

    def _went_well(self) -> None:
        self.trouble, self.stopped, self._pause_s = "", "", FIRST_RETRY_S

    def _tell(self, trouble: str, tell: Callable[..., object]) -> None:
        if trouble != self.trouble:
            tell("nothing is published", service=self._store.service, reason=trouble, backlog=self.backlog)
        self.trouble = trouble

    async def _find_head(self) -> None:
        with suppress(Unavailable, psycopg.Error):
            self._head = await self._store.head()

    async def _find_last(self) -> None:
        """Ask the stream how far it is; one that is gone is made anew.

        :raises StoreDiffers: it is to be filled anew, and the store is not what was sealed.
        """
        client = self._client()
        try:
            found = await streams.info(client, self._stream.name)
        except JetStreamError as error:
            if error.code != streams.NOT_FOUND:
                raise
            await self._agreement.hold()
            log.warning("the stream is gone and is filled anew", service=self._store.service)
            await streams.ensure(client, streams.closed(self._stream))
            found = await streams.info(client, self._stream.name)
        self._closed, sequence = streams.is_closed(found["config"]), int(found["state"]["last_seq"])
        if self._closed:
            await self._agreement.hold()
            self._full_at = await self._store.head()  # nobody was told more by the stream that was lost
        self._last = await self._event_at(client, sequence) if sequence else None
        await self._find_head()

    async def _open(self) -> None:
        """Let others read the stream, now that it holds everything recorded; whoever copied its forerunner goes on there."""
        client = self._client()
        kept = await keep_places(client, self._store.service, await self._store.branches())
        await streams.open_to_readers(client, self._stream)
        self._closed = False
        log.info("the stream is filled and open", service=self._store.service, published=self.published, branches=len(kept))

    async def _event_at(self, client: Client, sequence: int) -> RecordedEvent:
        message = await client.jetstream().get_msg(self._stream.name, seq=sequence)
        return recorded_event(message.subject or "", message.headers, message.data or b"", sequence)

    async def _publish(self) -> None:
        """Publish until something is wrong; the next batch is read while the server writes the one before."""
        batch = await self._next(self._last)
        while True:
            if self._closed and (self._last.position if self._last else 0) >= self._full_at:
                await self._open()
            while batch is None:
                self._went_well()
                await self._wait()
                batch = await self._next(self._last)
            batch = await self._send_while_reading(batch) if len(batch.events) > 1 else await self._send_alone(batch)

    async def _send_alone(self, batch: _Batch) -> _Batch | None:
        await self._send(batch)
        return await self._next(batch.last)

    async def _send_while_reading(self, batch: _Batch) -> _Batch | None:
        reading = asyncio.create_task(self._next(batch.last))
        try:
            await self._send(batch)
            return await reading or await self._next(batch.last)
        finally:
            await ended(reading)

    async def _wait(self) -> None:
        """Sleep until something was appended; meanwhile look after the stream once a second."""
        while not self._appended.is_set():
            try:
                async with asyncio.timeout(IDLE_CHECK_S):
                    await self._appended.wait()
            except TimeoutError:
                found = await streams.info(self._client(), self._stream.name)
                if found["state"]["last_seq"] != self.published or streams.is_closed(found["config"]):
                    raise Overtaken from None
                return

    async def _next(self, last: RecordedEvent | None) -> _Batch | None:
        """The events after `last`, ready to be sent; None when there are none.

        :raises Disagreement: the store has no such event as `last`, or the next event is too large for the stream.
        """
        self._appended.clear()
        after = last.position if last else 0
        # `last` is read with them, so that a store which was restored from a backup is noticed before it does harm.
        events = await self._store.read(max(0, after - 1), MAX_BATCH_EVENTS + 1)
        if last:
            if not events or events[0] != last:
                raise Disagreement(f"the stream is at {after} and the store does not hold that event")
            del events[0]
        if len(events) < MAX_BATCH_EVENTS:
            self._head = events[-1].position if events else after
        elif self._head <= events[-1].position:
            await self._find_head()
        fitting = list(takewhile(_fits, events[:MAX_BATCH_EVENTS]))
        if events and not fitting:
            raise Disagreement(f"event {after + 1} is too large for the stream")
        return _batch(fitting, after) if fitting else None

    async def _send(self, batch: _Batch) -> None:
        """Have a batch stored on the stream, and know it to be there.

        :raises Overtaken: the stream has gone on, or is gone.
        """
        if batch.frames:
            # nats-py's `publish` takes seven times as long for a message, most of it for its headers.
            await self._client()._send_command(batch.frames)
        try:
            message = await self._connection.request(
                batch.subject, batch.last.body, batch.headers, timeout_s=ACKNOWLEDGED_WITHIN_S
            )
            acknowledged = streams.answer(message.data)
        except NoRespondersError:
            raise Overtaken("the stream is gone") from None
        except JetStreamError as error:
            if error.code == streams.WRONG_LAST_SEQUENCE:
                raise Overtaken from None
            raise
        if acknowledged["seq"] != batch.last.position:
            raise Disagreement(f"event {batch.last.position} stands at sequence {acknowledged['seq']} of the stream")
        self._last = batch.last
        self.on_announced(batch.events)
        self._went_well()

    def _client(self) -> Client:
        if not self._connection.is_connected:
            raise OSError("NATS cannot be reached")
        return self._connection.client


def _told(error: Exception) -> str:
    """Why nothing is published just now; of what a database says the kind alone, for it may name values."""
    match error:
        case Unavailable():
            return f"{error.facts.get('reason', 'database')} cannot be asked"
        case psycopg.Error():
            return "database cannot be asked"
        case _:
            return f"{type(error).__name__}: {error}"


def _fits(event: RecordedEvent) -> bool:
    """Whether the stream takes an event; from within a batch it would not say which one it refused."""
    if len(event.body) + len(event.metadata_json) < streams.MAX_MESSAGE_BYTES // 4:
        return True
    return len(event.body) + len(header_block(event)) + CONTROL_BYTES <= streams.MAX_MESSAGE_BYTES


def _batch(events: Sequence[RecordedEvent], after: int) -> _Batch:
    """Events that follow on sequence `after`, so many of them that they stay within `MAX_BATCH_BYTES`."""
    if len(events) == 1:
        return _Batch(events, b"", {**headers_of(events[0]), "Nats-Expected-Last-Sequence": str(after)})
    batch_id = uuid4().hex
    frames: list[bytes] = []
    size = 0
    control = b"Nats-Expected-Last-Sequence: %d\r\nNats-Batch-Id: %b\r\n" % (after, batch_id.encode())
    for number, event in enumerate(events[:-1], 1):
        frames.append(_frame(event, b"%bNats-Batch-Sequence: %d\r\n" % (control, number)))
        control = b"Nats-Batch-Id: %b\r\n" % batch_id.encode()
        size += len(frames[-1])
        if size > MAX_BATCH_BYTES:
            break
    commit = {"Nats-Batch-Id": batch_id, "Nats-Batch-Sequence": str(len(frames) + 1), "Nats-Batch-Commit": "1"}
    last = events[len(frames)]
    return _Batch(events[: len(frames) + 1], b"".join(frames), {**headers_of(last), **commit})


def _frame(event: RecordedEvent, control: bytes) -> bytes:
    """An event as a message without a reply, as it goes over the wire (HPUB)."""
    headers = b"NATS/1.0\r\n%b%b\r\n" % (header_block(event), control)
    subject = subject_of(event.service, event.branch, event.topic).encode()
    return b"HPUB %b %d %d\r\n%b%b\r\n" % (subject, len(headers), len(headers) + len(event.body), headers, event.body)
