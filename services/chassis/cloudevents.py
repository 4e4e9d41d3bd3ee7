"""How does a recorded event look on the bus, and how does it become one again?

CloudEvents 1.0 in binary mode: attributes in NATS headers, the stored JSON bytes as the body, the stored metadata bytes
in one header. Whoever receives a message holds exactly the bytes that stand in the store and can hash them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import quote_from_bytes, unquote_to_bytes
from uuid import UUID

from chassis.events import Event, NotReadable
from chassis.recorded import Metadata, RecordedEvent

ROOT = "federation"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NOBODY = UUID(int=0)
_HEADERS = (
    b"%bce-id: %b/%d\r\nce-time: %b\r\nce-subject: %b\r\n"
    b"ce-position: %d\r\nce-aggregateversion: %d\r\nce-branchposition: %d\r\n%b"
)
_PLAIN = bytes(code for code in range(0x20, 0x7F) if chr(code) != "%")
_UNSAFE = re.compile(rb"[^ -$&-~]+")
_OUTER_SPACES = re.compile(rb"\A +| +\Z")
_TRACEPARENT = re.compile(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


@dataclass(frozen=True)
class BrokenEvent(RecordedEvent):
    """A message that is no valid event: what could be read of it, and its `flaw`, for whoever parks it."""

    flaw: str = ""

    @property
    def event(self) -> Event:
        """:raises NotReadable: always, with the flaw."""
        raise NotReadable(self.topic, self.flaw)

    @property
    def metadata(self) -> Metadata:
        """:raises NotReadable: always, with the flaw."""
        raise NotReadable(self.topic, self.flaw)


@lru_cache(maxsize=16_384)
def subject_of(service: str, branch: str, topic: str) -> str:
    """The subject of an event: ``federation.<service>.<branch>.<event>``.

    Whatever may not stand in a part of a subject is percent-encoded, so that no value can make another subject of it.
    """
    return f"{ROOT}.{token(service)}.{token(branch)}.{_event(topic)}"


def filters_for(service: str, topics: frozenset[str]) -> list[str]:
    """The subjects under which the events of some topics travel, whatever their branch; of every topic when empty."""
    if not topics:
        return [f"{ROOT}.{token(service)}.>"]
    return sorted(f"{ROOT}.{token(service)}.*.{_event(topic)}" for topic in topics)


def header_block(event: RecordedEvent) -> bytes:
    """The headers of an event as they go over the wire: a line each, without the opening and closing lines."""
    return _HEADERS % (
        _constant_headers(event.service, event.branch, event.topic),
        event.service.encode(),
        event.position,
        event.recorded_at.isoformat().encode(),
        str(event.aggregate_id).encode(),
        event.position,
        event.version,
        event.branch_position,
        _metadata_headers(event.metadata_json),
    )


def headers_of(event: RecordedEvent) -> dict[str, str]:
    """The headers of an event by name."""
    lines = header_block(event).decode().splitlines()
    return {name: value for name, _, value in (line.partition(": ") for line in lines)}


def recorded_event(subject: str, headers: Mapping[str, str] | None, body: bytes, sequence: int | None = None) -> RecordedEvent:
    """The event of a message that stands at `sequence` of its service's stream; None where it came by another stream.

    A message that is no valid event comes back as a :class:`BrokenEvent`, never as an error.
    """
    _, service, branch, name = (*subject.split(".", 3), "", "", "")[:4]
    found = headers or {}
    try:
        event = _parsed(service, found, body)
    except KeyError as error:
        flaw = f"header {error.args[0]} is missing"
    except ValueError:
        flaw = "a header has no valid value"
    else:
        if sequence is None or event.position == sequence:
            return event
        flaw = f"ce-position is {event.position}, the stream's sequence {sequence}"
    topic = found.get("ce-type") or f"{service}.{name}"
    return BrokenEvent(service, sequence or 0, _aggregate_of(found), 0, topic, body, b"{}", branch, 0, _EPOCH, flaw)


def readable(event: RecordedEvent) -> RecordedEvent:
    """An event that was kept as plain values; a broken one is broken again."""
    if event.version > 0:
        return event
    values = (event.topic, event.body, event.metadata_json, event.branch, event.branch_position, event.recorded_at)
    return BrokenEvent(event.service, event.position, event.aggregate_id, event.version, *values, "no valid message")


def _aggregate_of(headers: Mapping[str, str]) -> UUID:
    """Whose event a broken one is, so that what follows it waits; nobody's when that is not to be read."""
    try:
        return UUID(headers["ce-subject"])
    except (KeyError, ValueError):
        return _NOBODY


def _parsed(service: str, headers: Mapping[str, str], body: bytes) -> RecordedEvent:
    recorded_at = datetime.fromisoformat(headers["ce-time"])
    if recorded_at.tzinfo is None:
        raise ValueError("ce-time has no time zone")
    return RecordedEvent(
        service,
        int(headers["ce-position"]),
        UUID(headers["ce-subject"]),
        int(headers["ce-aggregateversion"]),
        unescaped(headers["ce-type"]).decode(),
        body,
        unescaped(headers["ce-metadata"]),
        unescaped(headers["ce-branch"]).decode(),
        int(headers["ce-branchposition"]),
        recorded_at,
    )


def escaped(data: bytes) -> bytes:
    """Bytes that may stand in a header: printable ASCII stays as it is, everything else is percent-encoded."""
    if data.translate(None, _PLAIN):
        data = _UNSAFE.sub(_encoded, data)
    # A header's value loses the spaces around it.
    return data if data == data.strip() else _OUTER_SPACES.sub(_encoded, data)


def _encoded(found: re.Match[bytes]) -> bytes:
    return _percent_encoded(found[0])


@lru_cache(maxsize=4_096)
def _percent_encoded(data: bytes) -> bytes:
    # Kept, since the same few letters of the same names come again and again.
    return b"".join([b"%%%02X" % byte for byte in data])


def unescaped(value: str) -> bytes:
    """The bytes of a header value written by :func:`escaped`."""
    return unquote_to_bytes(value) if "%" in value else value.encode()


@lru_cache(maxsize=16_384)
def _constant_headers(service: str, branch: str, topic: str) -> bytes:
    """What is the same for every event of a kind in a branch; built once, since this runs for every event published."""
    values = {
        "ce-specversion": "1.0",
        "ce-source": f"/{ROOT}/{service}",
        "ce-type": topic,
        "content-type": "application/json",
        "ce-branch": branch,
    }
    return b"".join(b"%b: %b\r\n" % (name.encode(), escaped(value.encode())) for name, value in values.items())


def _metadata_headers(metadata: bytes) -> bytes:
    # Quotes inside of a JSON string are escaped, so this finds the key and no value that looks like it.
    at = metadata.rfind(b'"traceparent":"') + 15
    traceparent = metadata[at : at + 55]
    if at > 14 and _TRACEPARENT.fullmatch(traceparent):
        return b"ce-metadata: %b\r\ntraceparent: %b\r\n" % (escaped(metadata), traceparent)
    return b"ce-metadata: %b\r\n" % escaped(metadata)


def _event(topic: str) -> str:
    """What follows the service in a topic, as the last parts of a subject."""
    return ".".join(token(part) for part in (topic.partition(".")[2] or topic).split("."))


def token(part: str) -> str:
    """A text as one part of a subject."""
    return quote_from_bytes(part.encode(), safe="-_").replace(".", "%2E").replace("~", "%7E") or "%00"
