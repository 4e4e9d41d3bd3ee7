"""Does a stream say what is recorded? Compared by count, position and bytes: what the publisher would have sent."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from chassis.cloudevents import headers_of, subject_of
from chassis.ledger.leaf import leaf_hash
from chassis.recorded import RecordedEvent

SERVERS_OWN = "Nats-"
"""How the headers begin that belong to the server: in which batch a message came, and on what it followed."""


class Kind(StrEnum):
    """In what way a position of the stream is not what is recorded there."""

    MISSING = "missing"
    """It is recorded, and the stream has nothing there."""
    CHANGED = "changed"
    """Another subject, other headers or another body."""
    UNRECORDED = "unrecorded"
    """The stream has something, and the store does not."""


@dataclass(frozen=True, slots=True)
class Announced:
    """A message as it stands on a stream."""

    sequence: int
    subject: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> bytes:
        """All of it, readable: subject, a line a header, an empty line, the body."""
        lines = [self.subject, *(f"{name}: {value}" for name, value in self.headers.items())]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + self.body


@dataclass(frozen=True, slots=True)
class Difference:
    """A position at which stream and store do not agree; `message` is what the stream says there, as evidence."""

    position: int
    kind: Kind
    stored_hash: bytes | None = None
    message: bytes | None = None

    @property
    def found_hash(self) -> bytes:
        """Of the message; empty when there is none."""
        return sha256(self.message).digest() if self.message is not None else b""


def differences(events: Iterable[RecordedEvent], messages: Iterable[Announced], positions: Sequence[int]) -> Iterator[Difference]:
    """Each of some consecutive positions at which the stream does not say what is recorded, in order."""
    recorded = {event.position: event for event in events}
    announced = {message.sequence: message for message in messages}
    for position in positions:
        event, message = recorded.get(position), announced.get(position)
        match event, message:
            case None, None:
                continue
            case None, Announced():
                yield Difference(position, Kind.UNRECORDED, None, message.text)
            case RecordedEvent(), None:
                yield Difference(position, Kind.MISSING, leaf_hash(event))
            case RecordedEvent(), Announced() if not says(message, event):
                yield Difference(position, Kind.CHANGED, leaf_hash(event), message.text)


def says(message: Announced, event: RecordedEvent) -> bool:
    """Whether a message is what the publisher sends of an event."""
    if message.body != event.body or message.subject != subject_of(event.service, event.branch, event.topic):
        return False
    return {name: value for name, value in message.headers.items() if not name.startswith(SERVERS_OWN)} == headers_of(event)
