"""What does nats-py look like to those who use it, with a simulated server behind it?

So much of its client as the product uses: what it does while there is no connection - what is sent waits for the next one,
what was asked is never answered - is what matters here.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from nats.errors import NoRespondersError
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js.errors import APIError, BadRequestError, NotFoundError

from tests.simulation.bus import Bus, Consumer, Refused, Request, Stored
from tests.simulation.virtual_loop import running_process

RECONNECT_WAIT_S = 0.25
Callback = Callable[[Any], Awaitable[None]]
_NEXT, _ACK = "$JS.API.CONSUMER.MSG.NEXT.", "$JS.ACK."


@dataclass
class Message:
    """What a reader receives."""

    subject: str
    headers: Mapping[str, str] | None
    data: bytes
    reply: str = ""
    metadata: Any = None
    acknowledge: Callable[[], None] = field(default=lambda: None, repr=False)
    seq: int = 0

    async def ack(self) -> None:
        """Say that it was taken."""
        self.acknowledge()


class Client:
    """A client of one process, as nats-py's."""

    def __init__(self, bus: Bus) -> None:
        self.bus, self.process = bus, running_process()
        self.stats = {"reconnects": 0}
        self.options: dict[str, Any] = {}
        self.connected = self.closed = False
        self._inboxes = self._generation = 0
        self._arrives = self._returns = 0.0
        self._readers: dict[str, Callback] = {}
        self._unsent: list[tuple[Callable[..., object], tuple[Any, ...]]] = []

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection, as far as it knows."""
        return self.connected

    async def connect(self, url: str, **options: Any) -> None:
        """Connect, however long that takes."""
        self.options = options
        await self._until_connected()

    async def close(self) -> None:
        """Close it for good."""
        self.connected, self.closed = False, True
        self._generation += 1
        if self in self.bus.clients:
            self.bus.clients.remove(self)
        if told := self.options.get("closed_cb"):
            await told()

    async def _until_connected(self) -> None:
        while not self.bus.up or self.bus.weather.strikes("bus connection lost before the request"):
            await asyncio.sleep(RECONNECT_WAIT_S)
        await asyncio.sleep(self.bus.weather.latency())
        if not self.bus.up:
            await self._until_connected()
            return
        self.connected = True
        self._arrives = self._returns = 0.0
        self.bus.clients.append(self)
        unsent, self._unsent = self._unsent, []
        for each in unsent:
            self._send(*each)

    def cut(self) -> None:
        """The connection is lost, with everything on its way. nats-py makes another one."""
        if not self.connected:
            return
        self.connected = False
        self._generation += 1
        self.bus.clients.remove(self)
        if self.process.alive:
            self.process.run(self._reconnect(), "nats-reconnect")

    async def _reconnect(self) -> None:
        if told := self.options.get("disconnected_cb"):
            await told()
        await asyncio.sleep(RECONNECT_WAIT_S)
        if not self.closed:
            await self._until_connected()
            self.stats["reconnects"] += 1

    # There and back, in order.

    def _send(self, do: Callable[..., object], args: tuple[Any, ...] = ()) -> None:
        """Have something happen when it arrives at the server; it waits for a connection."""
        if not self.connected:
            self._unsent.append((do, args))
            return
        if self.bus.weather.strikes("bus connection lost before the request"):
            self.cut()
            return
        self._arrives = max(self._arrives, self.bus.loop.time() + self.bus.weather.latency())
        self.bus.loop.at_moment(self._arrives, self._there, self._generation, do, args)

    def _there(self, generation: int, do: Callable[..., object], args: tuple[Any, ...]) -> None:
        if generation == self._generation and self.bus.up:
            do(*args)

    def _back(self, do: Callable[..., object], *args: Any) -> None:
        """Have something happen when it has come back."""
        self._returns = max(self._returns, self.bus.loop.time() + self.bus.weather.latency())
        self.bus.loop.at_moment(self._returns, self._there, self._generation, do, args)

    async def _asked(self, do: Callable[[], Any], timeout_s: float) -> Any:
        """What the server answers. :raises NatsTimeoutError: nothing, so that the outcome is unknown."""
        answer = self.bus.loop.create_future()

        def settle(outcome: Any, failed: bool) -> None:
            if answer.done():
                return
            if failed:
                answer.set_exception(outcome)
            else:
                answer.set_result(outcome)

        def serve() -> None:
            try:
                outcome, failed = do(), False
            except (Refused, NoRespondersError) as error:
                outcome, failed = error, True
            if self.bus.weather.strikes("bus connection lost after the request"):
                self.cut()
            else:
                self._back(settle, outcome, failed)

        self._send(serve)
        try:
            async with asyncio.timeout(timeout_s):
                return await answer
        except TimeoutError:
            raise NatsTimeoutError from None

    # What the product calls.

    async def request(
        self, subject: str, body: bytes = b"", timeout: float = 0.5, headers: Mapping[str, str] | None = None
    ) -> Message:
        """The answer to a request."""
        data = await self._asked(lambda: self.bus.answer(subject, headers or {}, body), timeout)
        return Message(subject, None, data)

    async def _send_command(self, frames: bytes) -> None:
        self._send(self.bus.take, (frames,))

    async def publish(self, subject: str, body: bytes = b"", reply: str = "") -> None:
        """Ask a consumer for messages: nothing else is published like this."""
        assert subject.startswith(_NEXT), f"{subject} is not simulated"
        stream, name = subject.removeprefix(_NEXT).split(".")
        asked = json.loads(body)
        now = self.bus.loop.time()
        request = Request(self, reply, asked["batch"], now + asked["expires"] / 1e9, asked["idle_heartbeat"] / 1e9)
        self._send(self.bus.ask, (stream, name, request))

    def new_inbox(self) -> str:
        """A subject of its own."""
        self._inboxes += 1
        return f"_INBOX.{self._inboxes}"

    async def subscribe(self, subject: str, cb: Callback) -> Any:
        """Hear what comes to an inbox."""
        inbox = subject.removesuffix(".*")
        self._readers[inbox] = cb

        async def unsubscribe() -> None:
            self._readers.pop(inbox, None)

        return SimpleNamespace(unsubscribe=unsubscribe)

    def jetstream(self) -> "JetStream":
        """Streams and consumers."""
        return JetStream(self)

    # What the server tells.

    def hear(self, inbox: str, headers: Mapping[str, str]) -> None:
        """The server says how a request stands."""
        self._back(self._received, inbox, Message(inbox, headers, b""))

    def hand(self, inbox: str, consumer: Consumer, sequence: int, number: int, pending: int, stored: Stored) -> None:
        """The server hands over a message."""

        def acknowledge() -> None:
            self._send(lambda: setattr(consumer, "acknowledged", max(consumer.acknowledged, number)))

        places = SimpleNamespace(consumer=number, stream=sequence)
        metadata = SimpleNamespace(sequence=places, num_pending=pending)
        message = Message(stored.subject, stored.headers, stored.body, f"{_ACK}{consumer.name}.{number}", metadata, acknowledge)
        self._back(self._received, inbox, message)

    def _received(self, inbox: str, message: Message) -> None:
        reader = self._readers.get(inbox.rpartition(".")[0])
        if reader and self.process.alive:
            self.process.run(_call(reader, message), "nats-message")


async def _call(reader: Callback, message: Message) -> None:
    await reader(message)


class JetStream:
    """What nats-py has on top of requests."""

    def __init__(self, client: Client) -> None:
        self._client, self._bus = client, client.bus

    async def _asked(self, do: Callable[[], Any]) -> Any:
        try:
            return await self._client._asked(do, 5.0)
        except Refused as refused:
            kind = {404: NotFoundError, 400: BadRequestError}.get(refused.error["code"], APIError)
            raise kind(**refused.error) from None

    async def get_msg(self, stream: str, seq: int, subject: str = "", next: bool = False) -> Message:
        """What stands at a sequence, or, for the next one, at the first from there whose subject matches."""
        at, stored = await self._asked(lambda: self._bus.message(stream, seq, subject if next else ""))
        return Message(stored.subject, stored.headers, stored.body, seq=at)

    async def add_consumer(self, stream: str, config: Any) -> None:
        """Make a consumer."""
        about = config.name, config.filter_subjects, config.opt_start_seq, config.inactive_threshold
        await self._asked(lambda: self._bus.add_consumer(stream, *about))

    async def delete_consumer(self, stream: str, name: str) -> None:
        """End a consumer."""

        def delete() -> None:
            self._bus.consumer(stream, name)
            self._bus.lose_consumer(stream, name)

        await self._asked(delete)

    async def consumer_info(self, stream: str, name: str) -> Any:
        """What the server knows of a consumer."""

        def look() -> Any:
            consumer = self._bus.consumer(stream, name)
            pending = self._bus.pending(stream, consumer)
            unacknowledged = consumer.given - consumer.acknowledged
            delivered = SimpleNamespace(consumer_seq=consumer.given)
            return SimpleNamespace(
                num_pending=pending,
                num_ack_pending=unacknowledged,
                num_waiting=len(consumer.requests),
                delivered=delivered,
            )

        return await self._asked(look)
