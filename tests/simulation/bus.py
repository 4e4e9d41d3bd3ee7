"""What would NATS do? Streams that take atomic batches, durable pull consumers with standing requests, connections that break.

So much of a JetStream server as the product asks of it, with the rules on which the product relies: a message or batch is
taken only at the sequence it names, a batch whole or not at all, what one client sends arrives in its order.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from nats.errors import NoRespondersError

from chassis.streams import NOT_FOUND, WRONG_LAST_SEQUENCE, is_closed
from tests.simulation.virtual_loop import VirtualLoop
from tests.simulation.weather import Weather

if TYPE_CHECKING:
    from tests.simulation.bus_client import Client

INCOMPLETE_BATCH, NO_MESSAGE = 10176, 10037
CONTROL = frozenset({"Nats-Batch-Id", "Nats-Batch-Sequence", "Nats-Batch-Commit", "Nats-Expected-Last-Sequence"})
"""Headers that say how a message is to be taken; they stay on it."""
Headers = Mapping[str, str]


class Stored(NamedTuple):
    """A message of a stream."""

    subject: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Request:
    """A standing request of a reader: so many more messages, to that inbox."""

    client: "Client"
    inbox: str
    left: int
    expires_at: float
    heartbeat_s: float


@dataclass
class Consumer:
    """A durable pull consumer."""

    name: str
    filters: tuple[str, ...]
    next: int
    told: int
    """The last message of which it knows: the server tells its consumers a moment after it has stored one."""
    given: int = 0
    acknowledged: int = 0
    requests: list[Request] = field(default_factory=list)


@dataclass
class Stream:
    """A stream: what stands at sequence n is `messages[n - 1]`."""

    configuration: dict[str, Any]
    messages: list[Stored] = field(default_factory=list)
    consumers: dict[str, Consumer] = field(default_factory=dict)
    created: str = ""
    """Tells it from another one of its name."""

    def info(self) -> dict[str, Any]:
        """What the server says of it."""
        return {"config": self.configuration, "created": self.created, "state": {"last_seq": len(self.messages)}}


class Refused(Exception):
    """The server answers with an error."""

    def __init__(self, code: int, err_code: int, description: str) -> None:
        super().__init__(description)
        self.error: dict[str, Any] = {"code": code, "err_code": err_code, "description": description}


class Bus:
    """The server."""

    def __init__(self, loop: VirtualLoop, weather: Weather) -> None:
        self.loop, self.weather, self.up = loop, weather, True
        self.streams: dict[str, Stream] = {}
        self.clients: list[Client] = []
        self._made = 0
        self._batches: dict[str, list[tuple[int, Stored, str]]] = {}

    # Faults.

    def kill(self) -> None:
        """Everybody's connection is lost, and every batch that was not whole."""
        self.up = False
        self._batches.clear()
        for stream in self.streams.values():
            for consumer in stream.consumers.values():
                consumer.requests.clear()
        for client in list(self.clients):
            client.cut()

    def lose_stream(self, name: str) -> None:
        """A stream is gone, with whoever read it."""
        stream = self.streams.pop(name, None)
        # As the real one does: it may end what would tell the readers before it has told them.
        told = not self.weather.bad or self.weather.random.random() < 0.5
        for consumer in list(stream.consumers.values()) if stream else ():
            if told:
                self._tell(consumer, "409", "Consumer Deleted")
            consumer.requests.clear()

    def lose_consumer(self, stream: str, name: str) -> None:
        """A consumer is gone."""
        consumer = self.streams[stream].consumers.pop(name, None) if stream in self.streams else None
        if consumer:
            self._tell(consumer, "409", "Consumer Deleted")

    def lose_tail(self, name: str, many: int) -> None:
        """The last messages of a stream are gone: a power failure under a server that did not sync."""
        stream = self.streams.get(name)
        if stream and many:
            del stream.messages[-many:]
            for consumer in stream.consumers.values():
                consumer.next = min(consumer.next, len(stream.messages) + 1)
                consumer.told = min(consumer.told, len(stream.messages))

    # Requests.

    def answer(self, subject: str, headers: Headers, body: bytes) -> bytes:
        """The answer to a request. :raises NoRespondersError: nobody listens there."""
        try:
            return json.dumps(self._answer(subject, headers, body)).encode()
        except Refused as refused:
            return json.dumps({"error": refused.error}).encode()

    def take(self, frames: bytes) -> None:
        """Take messages that ask for no answer: the first ones of a batch."""
        for subject, headers, body in parsed(frames):
            self._batches.setdefault(headers["Nats-Batch-Id"], []).append(_staged(subject, headers, body))

    def _answer(self, subject: str, headers: Headers, body: bytes) -> dict[str, Any]:
        if not subject.startswith("$JS.API."):
            return self._store(subject, headers, body)
        if subject == "$JS.API.INFO":
            return {}
        _, _, kind, action, name = subject.split(".")
        if (kind, action) == ("STREAM", "CREATE"):
            made = name not in self.streams
            self._made += made
            stream = self.streams.setdefault(name, Stream(json.loads(body), created=f"as number {self._made}"))
            return {**stream.info(), "did_create": made}
        if (kind, action) == ("STREAM", "UPDATE"):
            stream = self._stream(name)
            stream.configuration = json.loads(body)
            return stream.info()
        if (kind, action) == ("STREAM", "INFO"):
            return self._stream(name).info()
        raise Refused(500, 0, f"{subject} is not simulated")

    def _store(self, subject: str, headers: Headers, body: bytes) -> dict[str, Any]:
        parts = subject.split(".")
        stream = self.streams.get(f"FEDERATION_{parts[1].upper()}")
        if parts[0] != "federation" or stream is None:
            raise NoRespondersError
        if batch := headers.get("Nats-Batch-Id"):
            staged = [*self._batches.pop(batch, ()), _staged(subject, headers, body)]
            if [number for number, *_ in staged] != list(range(1, len(staged) + 1)):
                raise Refused(400, INCOMPLETE_BATCH, "atomic publish batch is incomplete")
        else:
            staged = [_staged(subject, headers, body)]
        last = len(stream.messages)
        if (expected := staged[0][2]) and int(expected) != last:
            raise Refused(400, WRONG_LAST_SEQUENCE, f"wrong last sequence: {last}")
        stream.messages += [message for _, message, _ in staged]
        if self.weather.bad:
            self.loop.at_server(self.weather.latency(), self._tell_consumers, stream, len(stream.messages))
        else:
            self._tell_consumers(stream, len(stream.messages))
        return {"stream": stream.configuration["name"], "seq": len(stream.messages)}

    def _tell_consumers(self, stream: Stream, last: int) -> None:
        for consumer in stream.consumers.values():
            consumer.told = max(consumer.told, min(last, len(stream.messages)))
            self._deliver(stream, consumer)

    def _stream(self, name: str) -> Stream:
        if name not in self.streams:
            raise Refused(404, NOT_FOUND, "stream not found")
        return self.streams[name]

    def message(self, stream: str, sequence: int, subject: str = "") -> tuple[int, Stored]:
        """What stands at a sequence, or at the first one from there whose subject matches; and where."""
        messages = self._stream(stream).messages
        while subject and 0 < sequence <= len(messages) and not matches((subject,), messages[sequence - 1].subject):
            sequence += 1
        if not 0 < sequence <= len(messages):
            raise Refused(404, NO_MESSAGE, "no message found")
        return sequence, messages[sequence - 1]

    # Consumers.

    def add_consumer(self, stream: str, name: str, filters: list[str], start: int, forgotten_after_s: float | None) -> None:
        """Make a consumer anew; one that begins beyond the last message begins with the next one.

        A stream that is closed refuses those that want to be kept for a while; one that says nothing of it is let in, and lives
        as long as it is read.
        """
        found = self._stream(stream)
        if is_closed(found.configuration) and forgotten_after_s:
            raise Refused(400, 10153, "consumer inactive threshold exceeds system limit")
        last = len(found.messages)
        found.consumers[name] = Consumer(name, tuple(filters), min(start, last + 1), last)

    def consumer(self, stream: str, name: str) -> Consumer:
        """A consumer."""
        found = self._stream(stream).consumers.get(name)
        if found is None:
            raise Refused(404, 10014, "consumer not found")
        return found

    def ask(self, stream: str, name: str, request: Request) -> None:
        """Give a reader what comes next, as it comes."""
        consumer = self.streams[stream].consumers.get(name) if stream in self.streams else None
        if consumer is None:
            # nats-py takes the second line of such an answer for a part of the first.
            asked = f"\nNats-Subject: $JS.API.CONSUMER.MSG.NEXT.{stream}.{name}"
            request.client.hear(request.inbox, {"Status": "503", "Description": asked})
            return
        consumer.requests.append(request)
        consumer.told = len(self.streams[stream].messages)
        self._deliver(self.streams[stream], consumer)
        self.loop.at_server(request.heartbeat_s, self._beat, consumer, request)

    def pending(self, stream: str, consumer: Consumer) -> int:
        """How many messages a consumer has still to give."""
        due = self.streams[stream].messages[consumer.next - 1 : consumer.told]
        return sum(matches(consumer.filters, each.subject) for each in due)

    def _beat(self, consumer: Consumer, request: Request) -> None:
        if request not in consumer.requests or not request.client.connected:
            return
        if self.loop.time() >= request.expires_at:
            consumer.requests.remove(request)
            request.client.hear(request.inbox, {"Status": "408", "Description": "Request Timeout"})
            return
        request.client.hear(request.inbox, {"Status": "100", "Description": "Idle Heartbeat"})
        self.loop.at_server(request.heartbeat_s, self._beat, consumer, request)

    def _deliver(self, stream: Stream, consumer: Consumer) -> None:
        messages = stream.messages
        while consumer.requests and consumer.next <= consumer.told:
            sequence, request = consumer.next, consumer.requests[0]
            consumer.next += 1
            if not matches(consumer.filters, messages[sequence - 1].subject):
                continue
            for _ in range(1 + self.weather.strikes("message delivered again")):
                self._give(stream, consumer, request, sequence)
            if request.left <= 0:
                consumer.requests.pop(0)

    def _give(self, stream: Stream, consumer: Consumer, request: Request, sequence: int) -> None:
        consumer.given += 1
        request.left -= 1
        if self.weather.strikes("message lost"):
            return
        left = sum(matches(consumer.filters, each.subject) for each in stream.messages[consumer.next - 1 : consumer.told])
        request.client.hand(request.inbox, consumer, sequence, consumer.given, left, stream.messages[sequence - 1])

    def _tell(self, consumer: Consumer, status: str, description: str) -> None:
        for request in consumer.requests:
            request.client.hear(request.inbox, {"Status": status, "Description": description})
        consumer.requests.clear()


def _staged(subject: str, headers: Headers, body: bytes) -> tuple[int, Stored, str]:
    """The number in its batch, the message, and the sequence it must follow on."""
    number, expected = int(headers.get("Nats-Batch-Sequence", "1")), headers.get("Nats-Expected-Last-Sequence", "")
    return number, Stored(subject, dict(headers), body), expected


def parsed(frames: bytes) -> Iterator[tuple[str, dict[str, str], bytes]]:
    """The messages of a wire (HPUB): subject, headers, body."""
    at = 0
    while at < len(frames):
        line_end = frames.index(b"\r\n", at)
        _, subject, header_size, size = frames[at:line_end].split(b" ")
        begin, end = line_end + 2 + int(header_size), line_end + 2 + int(size)
        lines = frames[line_end + 2 : begin].decode().split("\r\n")
        yield subject.decode(), dict(line.split(": ", 1) for line in lines[1:] if line), frames[begin:end]
        at = end + 2


@lru_cache(maxsize=100_000)
def matches(filters: tuple[str, ...], subject: str) -> bool:
    """Whether a subject is one of those that some filters name."""
    return any(_matches(wanted.split("."), subject.split(".")) for wanted in filters)


def _matches(wanted: list[str], parts: list[str]) -> bool:
    if wanted[-1] == ">":
        return len(parts) >= len(wanted) and _matches(wanted[:-1], parts[: len(wanted) - 1])
    return len(wanted) == len(parts) and all(one in ("*", part) for one, part in zip(wanted, parts, strict=True))
