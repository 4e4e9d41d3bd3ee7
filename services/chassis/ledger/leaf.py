"""Which bytes stand for an event in the ledger? The same for the store, the stream and whoever holds a message of it.

The leaf of an event is ``SHA-256(0x00 || canonical bytes)``, a leaf of an RFC 6962 tree (2.1). The canonical bytes,
numbers big-endian, texts UTF-8 and with their length in bytes before them as four bytes::

    service              text
    position             8 bytes
    aggregate id        16 bytes
    version              4 bytes
    topic                text
    branch               text
    branch position      8 bytes
    recorded at          8 bytes, microseconds since 1970-01-01T00:00:00Z, signed
    metadata             4 bytes length, then the bytes as received
    body                 4 bytes length, then the bytes as received

No two events share them.
"""

import struct
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from chassis.recorded import RecordedEvent

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def canonical(event: RecordedEvent) -> bytes:
    """The bytes that stand for an event, each part in its place."""
    return b"".join((
        _text(event.service),
        struct.pack(">Q16sI", event.position, event.aggregate_id.bytes, event.version),
        _text(event.topic),
        _text(event.branch),
        struct.pack(">Qq", event.branch_position, (event.recorded_at - _EPOCH) // _MICROSECOND),
        _sized(event.metadata_json),
        _sized(event.body),
    ))  # fmt: skip


def leaf_hash(event: RecordedEvent) -> bytes:
    """The hash that stands for an event in the ledger."""
    return sha256(b"\0" + canonical(event)).digest()


def _text(text: str) -> bytes:
    return _sized(text.encode())


def _sized(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data
