"""How does a service follow what another one says?

By FastStream: one broker a process, with a batch subscriber for each follower, through whose middlewares every batch
goes. Only the fetching is our own (:mod:`chassis.pulling`): FastStream 0.7.8 hands a batch over when it is full or when
its time is up, so an event would wait for the end of that time, and a short time would keep both ends busy for nothing.

A follower keeps its position together with its effect, so the consumer on the server is a mere tool: at each start, and
whenever anything is wrong with it, it is made anew from the follower's position.

What is no event was not said by the service: the stream was damaged, and is put right
(:mod:`chassis.reconciliation`). Nobody goes past it, for what the service has to say there would never be taken; it is waited
for, and read again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from itertools import takewhile
from typing import Any

import psycopg
import structlog
from faststream.message import StreamMessage
from faststream.middlewares import AckPolicy
from faststream.nats import JStream, NatsBroker, PullSub
from faststream.nats.opentelemetry import NatsTelemetryMiddleware
from faststream.security import BaseSecurity
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.api import ConsumerConfig
from opentelemetry.trace import TracerProvider

from chassis import nats_client
from chassis.cloudevents import BrokenEvent, filters_for, recorded_event
from chassis.ending import ended
from chassis.following import Follower, Overtaken
from chassis.nats_addresses import secured
from chassis.pulling import MAX_BATCH, Interrupted, Pull
from chassis.recorded import RecordedEvent
from chassis.refusals import Conflict, DeadlinePassed, Overloaded, Refusal, Unavailable
from chassis.streams import LOOK_EVERY_S, JetStreamError, connection_options, info, leave_when_cut_off, stream_name

TICK_S = 0.5
LOOK_S = 5.0
FIRST_RETRY_S, LAST_RETRY_S = 0.05, 2.0
SETTLED_AFTER_S = 10.0
FIRST_POLL_S, LAST_POLL_S = 0.01, 0.25
INSTANCE_FORGOTTEN_AFTER_S = 86_400.0

# A timeout is an OSError. What another service or the command path refuses just now, it may take the next time.
_PASSING = (psycopg.Error, NatsError, JetStreamError, OSError, Unavailable, Overloaded, DeadlinePassed, Conflict)

log = structlog.get_logger(__name__)


class Feed:
    """Brings the events of one service to one follower.

    :param instance: tells its consumer from that of another follower of the same name, and has it forgotten after a while.
    """

    def __init__(self, service: str, follower: Follower, instance: str = "") -> None:
        self.follower, self.name = follower, follower.name
        self.trouble = "not connected"
        self.begun = False
        """Whether it has ever been healthy in this process."""
        self.lag: int | None = None
        """Events that match and were not taken yet, when last looked at; None as long as that is not known."""
        name = _consumer_name(service, follower.name, instance)
        filters = filters_for(follower.source, follower.topics)
        self._pull = Pull(stream_name(follower.source), name, filters, INSTANCE_FORGOTTEN_AFTER_S if instance else None)
        self._consume: Callable[[list[Msg]], Awaitable[Any]] | None = None
        self._client: Client | None = None
        self._taken: Msg | None = None
        self._flaw = ""
        self._taking = asyncio.Lock()

    @property
    def healthy(self) -> bool:
        """Whether events come and are taken; `trouble` says why not."""
        return not self.trouble

    def register(self, broker: NatsBroker, traced: bool) -> None:
        """Become one of the subscribers of a broker that was not started yet."""
        subscriber = broker.subscriber(
            stream=JStream(self._pull.stream, declare=False),
            durable=self._pull.name,
            config=ConsumerConfig(filter_subjects=filters_for(self.follower.source, self.follower.topics)),
            pull_sub=PullSub(batch_size=MAX_BATCH, batch=True),
            ack_policy=AckPolicy.MANUAL,
            include_in_schema=False,
            no_reply=True,
            parser=_linked if traced else None,
            decoder=_as_it_is,
        )
        subscriber(self._take)
        # A subscriber that has a subscription makes none of its own and starts no fetching.
        subscriber.subscription = self._pull  # type: ignore[assignment]
        self._consume = subscriber.consume

    async def run(self, client: Client) -> None:
        """Follow until cancelled, whatever happens."""
        self._client, pause, now = client, FIRST_RETRY_S, asyncio.get_running_loop().time
        while True:
            begun = now()
            try:
                await self.follower.load()
                await self._pull.open(client, self.follower.position)
                await self._follow()
            except Interrupted as error:
                self._tell(str(error))
            except _PASSING as error:
                self._tell(_told(error))
            except Exception as error:
                log.exception("feed failed, goes on", follower=self.name)
                self.trouble = type(error).__name__
            # Two processes that share a name take the consumer from each other; so each has it for a while at least.
            pause = FIRST_RETRY_S if now() - begun > SETTLED_AFTER_S else min(2 * pause, LAST_RETRY_S)
            # What begins with waiting for the connection need not wait before that.
            await asyncio.sleep(pause if client.is_connected else LOOK_EVERY_S)

    def rest(self) -> None:
        """Nothing comes, and nothing is known of what there is."""
        self.trouble, self.lag = "not connected", None

    def _tell(self, trouble: str) -> None:
        if trouble != self.trouble:
            log.warning("no events", follower=self.name, source=self.follower.source, reason=trouble)
        self.trouble, self.lag = trouble, None

    async def _follow(self) -> None:
        assert self._consume, "it is registered first"
        look_at = 0.0
        stood_at: int | None = None
        while True:
            messages = await self._pull.read(TICK_S)
            self.trouble, self.begun = "", True
            if messages:
                await self._consume(messages)
                if self._taken is not messages[-1]:  # FastStream keeps what went wrong on the way to itself
                    raise Interrupted(self._flaw or "a batch was not taken")
                self.lag = messages[-1].metadata.num_pending + self._pull.waiting
            now = asyncio.get_running_loop().time()
            if now > look_at:
                look_at = now + LOOK_S
                delivered = await self._look()
                # What was given to somebody else, who is gone or has dropped it, would come to nobody any more.
                stands_at = delivered if self.lag and not messages else None
                if stands_at is not None and stands_at == stood_at:
                    raise Interrupted("pending events do not come")
                stood_at = stands_at

    async def _take(self, message: "StreamMessage[list[Msg]]") -> None:
        """Take a batch, and only then acknowledge it; called by FastStream."""
        messages, self._flaw = message.raw_message, ""
        events = [recorded_event(m.subject, m.headers, m.data, m.metadata.sequence.stream) for m in messages]
        judges = getattr(self.follower.effect, "judges_the_stream", False)
        sound = events if judges else list(takewhile(lambda event: not isinstance(event, BrokenEvent), events))
        if sound:
            await self._take_until_it_holds(sound)
        if len(sound) < len(events):
            self._flaw = _flaw(events[len(sound)])
            return
        self._taken = messages[-1]
        with suppress(NatsError):  # the position tells what was taken
            await messages[-1].ack()

    async def _take_until_it_holds(self, events: Sequence[Any]) -> None:
        """Nothing is passed over and nothing overtakes: what cannot be kept just now is tried again."""
        pause = FIRST_RETRY_S
        while True:
            try:
                async with self._taking:
                    await self.follower.take(events)
            except _PASSING as error:
                self._tell(_told(error))
            except Overtaken:
                raise  # what is due begins before these
            except Exception as error:
                log.exception("effect failed, is tried again", follower=self.name)
                self.trouble = self._flaw = type(error).__name__
                raise  # what it was given may itself be wrong, and is read again
            else:
                self.trouble = ""
                return
            await asyncio.sleep(pause)
            pause = min(2 * pause, LAST_RETRY_S)
            with suppress(*_PASSING):
                await self.follower.load()

    async def _look(self) -> int:
        """Ask how much is pending; when nothing is, everything up to the end of the stream was looked at.

        Answers how many messages the consumer has delivered, whoever got them.
        """
        assert self._client, "it runs"
        stream = await info(self._client, self._pull.stream)
        last, consumer = int(stream["state"]["last_seq"]), await self._pull.info()
        self.lag = (consumer.num_pending or 0) + (consumer.num_ack_pending or 0)
        if self.lag == 0 and last > self.follower.position:
            # The server counts what is pending a moment after it has stored it: so the stream itself is asked.
            if await self._pull.next_sequence(self.follower.position) <= last:
                self.lag = 1
            else:
                await self._pass_over(stream["created"], last)
        return consumer.delivered.consumer_seq if consumer.delivered else 0

    async def _pass_over(self, created: str, last: int) -> None:
        """Nothing until the end of the stream concerns the follower.

        :raises Interrupted: what stands there is no event, or the stream is another one by now, of which that is not known.
        """
        assert self._client, "it runs"
        found = await self._client.jetstream().get_msg(self._pull.stream, seq=last)
        if isinstance(event := recorded_event(found.subject or "", found.headers, found.data or b"", last), BrokenEvent):
            raise Interrupted(_flaw(event))
        if (await info(self._client, self._pull.stream))["created"] != created:
            raise Interrupted("the stream is another one")
        async with self._taking:
            await self.follower.take([], upto=last)

    async def at_least(self, position: int, timeout_s: float) -> None:
        """Wait until everything up to a position of the source was looked at, whether it concerns the follower or not.

        :raises DeadlinePassed: it was not within `timeout_s`.
        """
        poll = FIRST_POLL_S
        try:
            async with asyncio.timeout(timeout_s):
                while self.follower.position < position:
                    with suppress(DeadlinePassed):
                        await self.follower.at_least(position, poll)
                    poll = min(2 * poll, LAST_POLL_S)
                    if self.follower.position < position and self.healthy:
                        with suppress(*_PASSING, Interrupted):
                            await self._look()
        except TimeoutError:
            raise DeadlinePassed() from None


class Feeds:
    """Every feed of a service process, on one broker.

    :param instance: see :class:`Feed`.
    :param tracer_provider: traces the taking of each batch as a part of the trace that led to it.
    """

    def __init__(
        self,
        url: str,
        service: str,
        followers: Sequence[Follower],
        *,
        instance: str = "",
        tracer_provider: TracerProvider | None = None,
    ) -> None:
        self.feeds = [Feed(service, follower, instance) for follower in followers]
        self._url, self._service, self._tracer_provider = url, service, tracer_provider
        self.task: asyncio.Task[None] | None = None

    @property
    def healthy(self) -> bool:
        """Whether every feed is."""
        return all(feed.healthy for feed in self.feeds)

    async def start(self) -> None:
        """Begin to follow; returns at once, whether NATS can be reached or not."""
        self.task = asyncio.create_task(self._keep(), name=f"feeds-{self._service}")

    async def stop(self) -> None:
        """Stop; what was begun is rolled back and taken next time."""
        await ended(self.task)
        for feed in self.feeds:
            feed.rest()

    async def _keep(self) -> None:
        while True:
            closed = asyncio.Event()
            try:
                await self._run(closed)
            except (NatsError, OSError, TimeoutError) as error:
                log.warning("no connection for feeds", reason=str(error))
            await asyncio.sleep(1.0)

    async def _run(self, closed: asyncio.Event) -> None:
        """Connect, which lasts until there is a server, and follow until the connection is closed for good."""
        middlewares = [NatsTelemetryMiddleware(tracer_provider=self._tracer_provider)] if self._tracer_provider else []
        tls = secured(self._url)
        broker = _Broker(
            self._url,
            security=BaseSecurity(tls["tls"]) if tls else None,
            name=f"{self._service}-feeds",
            middlewares=middlewares,
            logger=None,
            apply_types=False,
            **connection_options(closed),
        )
        for feed in self.feeds:
            feed.register(broker, traced=bool(middlewares))
        tasks: list[asyncio.Task[None]] = []
        try:
            await broker.start()
            tasks += [asyncio.create_task(feed.run(broker.connection), name=f"feed-{feed.name}") for feed in self.feeds]
            tasks.append(asyncio.create_task(leave_when_cut_off(broker.connection), name="feeds-cut-off"))
            await closed.wait()
        finally:
            await asyncio.gather(*[ended(task, patience_s=1.0) for task in tasks])
            with suppress(NatsError):  # it may be closed already
                await broker.stop()


class _Broker(NatsBroker):
    """FastStream's broker on our client: headers were a quarter of what it cost audit to follow everybody."""

    async def _connect(self) -> Client:
        client = nats_client.Client()
        await client.connect(**self._connection_kwargs)
        self.config.connect(client)
        return client


def _flaw(broken: RecordedEvent) -> str:
    """What is said of something on a stream that is no event; nothing of what it holds."""
    return f"no event stands at {broken.position}" + (f": {broken.flaw}" if isinstance(broken, BrokenEvent) else "")


def _told(error: Exception) -> str:
    """An error for the log; what a database or a refusal says may name values, so of those it is the kind alone."""
    if isinstance(error, psycopg.Error):
        return f"{type(error).__name__} {error.sqlstate or ''}".strip()
    return type(error).__name__ if isinstance(error, Refusal) else f"{type(error).__name__}: {error}"


def _consumer_name(*parts: str) -> str:
    """A name of a consumer; dots, spaces and wildcards may not stand in one."""
    return "-".join("".join(c if c.isalnum() or c in "-_" else "_" for c in part) for part in parts if part)


async def _as_it_is(message: "StreamMessage[list[Msg]]") -> "StreamMessage[list[Msg]]":
    """A batch for the handler, with nothing decoded: an event is decoded once, by whoever takes it."""
    return message


async def _linked(message: list[Msg], original: Callable[[list[Msg]], Awaitable[Any]]) -> Any:
    """A batch for the telemetry: a single message goes on in its own trace, several are linked to theirs."""
    parsed = await original(message)
    if len(message) == 1:
        parsed.batch_headers = []
    else:
        parsed.batch_headers = [{**headers, "correlation_id": headers.get("ce-id", "")} for headers in parsed.batch_headers]
    return parsed
