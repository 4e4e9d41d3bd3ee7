"""How is each line of a passport written, so that a changed byte is found on the line where it stands?

Every line is an object of compact JSON whose last member is its digest::

    {"passport":1,"note":"…","sha256":"<64 hexadecimal digits>"}

The digest is ``SHA-256(digest that the line before states, as 32 bytes || bytes of the line before ,"sha256":)``, and
begins with 32 zero bytes. So it tells of damage, of lines that went, came or changed places; it proves nothing: what
proves is below it.
"""

from base64 import b64decode, b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, BinaryIO
from uuid import UUID

import orjson

from chassis.recorded import RecordedEvent

FORMAT = 1
FIRST = b'{"passport":'
"""How a passport begins."""
MAX_LINE = 8 * 1024 * 1024
"""No line is longer, so none needs more memory: a message of the bus has at most an eighth of it."""
_NOTHING = bytes(32)
_TAIL = b',"sha256":"'
_TAIL_BYTES = len(_TAIL) + 64 + len(b'"}\n')
_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"


class LineWrong(ValueError):
    """It is no line of a passport, whatever its digest says."""


class LineWriter:
    """Writes lines, each with the digest that follows on the one before."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._last, self.lines = file, _NOTHING, 0

    def write(self, document: dict[str, Any]) -> None:
        """The next line."""
        content = orjson.dumps(document)[:-1]
        self._last = sha256(self._last + content).digest()
        self._file.write(content + _TAIL + self._last.hex().encode() + b'"}\n')
        self.lines += 1


def lines_of(file: BinaryIO) -> Iterator[tuple[bytes, bool]]:
    """What each line says, without its digest, and whether the digest is its own."""
    last: bytes = _NOTHING
    while line := file.readline(MAX_LINE):
        content, stated = line[:-_TAIL_BYTES], _stated(line)
        yield content + b"}", stated is not None and stated == sha256(last + content).digest()
        last = stated or _NOTHING


def _stated(line: bytes) -> bytes | None:
    tail = line[-_TAIL_BYTES:]
    told = tail[len(_TAIL) : -3]
    if not tail.startswith(_TAIL) or not tail.endswith(b'"}\n') or told != told.lower():
        return None
    try:
        return bytes.fromhex(told.decode())
    except ValueError:
        return None


def read(content: bytes) -> dict[str, Any]:
    """What a line says.

    :raises LineWrong: it is no compact JSON object, or names something twice.
    """
    try:
        found: Any = orjson.loads(content)
        # Written once more it must be the same: then nobody reads another value from it.
        is_right = isinstance(found, dict) and orjson.dumps(found) == content
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        raise LineWrong("it is no JSON") from None
    if not is_right:
        raise LineWrong("it is not written as all write it")
    document: dict[str, Any] = found
    return document


def event_line(event: RecordedEvent, way: list[bytes]) -> dict[str, Any]:
    """An event, with what is told on the way down to it."""
    told = {
        "service": event.service,
        "position": event.position,
        "aggregate_id": str(event.aggregate_id),
        "version": event.version,
        "topic": event.topic,
        "branch": event.branch,
        "branch_position": event.branch_position,
        "recorded_at": event.recorded_at.astimezone(UTC).strftime(_TIME),
        **_bytes_told("metadata", event.metadata_json),
        **_bytes_told("body", event.body),
    }
    return {"event": told, "way": [b64encode(both).decode() for both in way]}


def event_read(document: dict[str, Any]) -> tuple[RecordedEvent, list[bytes]]:
    """The event of a line, and what is told on the way down to it.

    :raises LineWrong: it is no event, or not written as all write it.
    """
    try:
        told = document["event"]
        event = RecordedEvent(
            told["service"], told["position"], UUID(told["aggregate_id"]), told["version"], told["topic"],
            _bytes_read("body", told), _bytes_read("metadata", told), told["branch"], told["branch_position"],
            datetime.fromisoformat(told["recorded_at"]),
        )  # fmt: skip
        way = [b64decode(both, validate=True) for both in document["way"]]
        right = event_line(event, way) == document and _fits(event)
    except (KeyError, TypeError, ValueError, AttributeError):
        right = False
    if not right:
        raise LineWrong("it is no event")
    return event, way


def _fits(event: RecordedEvent) -> bool:
    """Whether each part of it has a place in the bytes that stand for it."""
    numbers, texts = (event.position, event.version, event.branch_position), (event.service, event.topic, event.branch)
    fit = all(type(number) is int and 0 < number < 2**63 for number in numbers) and event.version < 2**32
    return fit and all(isinstance(text, str) for text in texts)


def _bytes_told(name: str, data: bytes) -> dict[str, str]:
    try:
        return {name: data.decode()}
    except UnicodeDecodeError:
        return {f"{name}_base64": b64encode(data).decode()}


def _bytes_read(name: str, told: dict[str, Any]) -> bytes:
    if name in told:
        text: str = told[name]
        return text.encode()
    return b64decode(told[f"{name}_base64"], validate=True)
