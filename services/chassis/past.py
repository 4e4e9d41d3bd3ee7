"""What did a history say between two positions, for whoever looks back and disturbs nobody who follows?

The own history is read from its store, that of another service from its stream, by a consumer of one's own that is gone
afterwards. Either way it comes in pages, so that memory does not grow with it.
"""

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Protocol
from uuid import uuid4

from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from chassis.cloudevents import filters_for, recorded_event
from chassis.database import Pool, fetch
from chassis.pulling import Interrupted, Pull
from chassis.recorded import RecordedEvent
from chassis.refusals import Unavailable
from chassis.store import EventStore
from chassis.streams import Connection, JetStreamError, stream_name

PAGE_EVENTS = 2_000
PAGE_POSITIONS = 50_000
TICK_S = 2.0
PATIENCE_TICKS = 10
FORGOTTEN_AFTER_S = 60.0


class Past(Protocol):
    """What was recorded of some topics (all when empty) after a position, until another, both of one history."""

    def events(self, topics: frozenset[str], after: int, upto: int) -> AsyncIterator[list[RecordedEvent]]:
        """The events, in pages. :raises Unavailable: it cannot be read just now."""

    def positions(self, topics: frozenset[str], after: int, upto: int) -> AsyncIterator[list[int]]:
        """Their positions alone, in pages. :raises Unavailable: it cannot be read just now."""


class OwnPast:
    """Of the service's own history."""

    def __init__(self, store: EventStore, pool: Pool) -> None:
        self._store, self._pool = store, pool

    async def events(self, topics: frozenset[str], after: int, upto: int) -> AsyncIterator[list[RecordedEvent]]:
        """See :class:`Past`."""
        while after < upto and (page := await self._store.read(after, PAGE_EVENTS, topics)):
            after = page[-1].position
            yield [event for event in page if event.position <= upto]

    async def positions(self, topics: frozenset[str], after: int, upto: int) -> AsyncIterator[list[int]]:
        """See :class:`Past`."""
        of_topics = "and topic = any(%s)" if topics else ""
        query = f"select position from events where position > %s and position <= %s {of_topics} order by position limit %s"
        while after < upto:
            values = (after, upto, list(topics), PAGE_POSITIONS) if topics else (after, upto, PAGE_POSITIONS)
            page = [int(position) for (position,) in await fetch(self._pool, query, values)]
            if not page:
                return
            after = page[-1]
            yield page


class AnothersPast:
    """Of another service's history, as its stream has it.

    :param bus: the connection of the service that looks back.
    """

    def __init__(self, service: str, bus: Connection) -> None:
        self._service, self._bus = service, bus

    async def events(self, topics: frozenset[str], after: int, upto: int) -> AsyncIterator[list[RecordedEvent]]:
        """See :class:`Past`."""
        async for messages in self._messages(topics, after, upto, headers_only=False):
            yield [recorded_event(m.subject, m.headers, m.data, m.metadata.sequence.stream) for m in messages]

    async def positions(self, topics: frozenset[str], after: int, upto: int) -> AsyncIterator[list[int]]:
        """See :class:`Past`."""
        async for messages in self._messages(topics, after, upto, headers_only=True):
            yield [m.metadata.sequence.stream for m in messages]

    async def _messages(self, topics: frozenset[str], after: int, upto: int, headers_only: bool) -> AsyncIterator[list[Msg]]:
        if after >= upto:
            return
        stream, filters = stream_name(self._service), filters_for(self._service, topics)
        pull = Pull(stream, f"past-{uuid4().hex}", filters, FORGOTTEN_AFTER_S, headers_only)
        client = self._bus.client
        try:
            await pull.open(client, after)
            left = (await pull.info()).num_pending or 0
            silent = 0
            while left > 0 and after < upto:
                messages = await pull.read(TICK_S)
                silent = 0 if messages else silent + 1
                if silent > PATIENCE_TICKS:
                    raise Unavailable(reason="stream")
                if messages:
                    left, after = left - len(messages), messages[-1].metadata.sequence.stream
                    await messages[-1].ack()
                    yield [m for m in messages if m.metadata.sequence.stream <= upto]
        except (NatsError, JetStreamError, OSError, Interrupted) as error:
            raise Unavailable(reason="stream") from error
        finally:
            await pull.unsubscribe()
            with suppress(NatsError, OSError):  # else the server forgets it
                await client.jetstream().delete_consumer(stream, pull.name)
