"""A ledger beside its stream, and a province that keeps its checkpoints, for the tests of both."""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from nats.aio.client import Client

from audit.domain.ledger import Pace
from audit.ledger import Followed, Ledger
from audit.read_models.log import LogKeeper
from chassis.database import Pool
from chassis.following import Follower
from chassis.ledger.note import Signer, Verifier
from chassis.ledger.witness import Witness
from chassis.recorded import RecordedEvent
from chassis.streams import LEDGER, Connection, last_of
from tests.audit.recording import Recording

SERVICES = ("membership", "welfare", "awards", "notifications")
SIGNER = Signer("congdoan-ledger", bytes(range(32)))
PACE = Pace(timedelta(milliseconds=10), 1_000)
"""Whatever is new is put under a checkpoint at the next look."""


@dataclass(frozen=True, slots=True)
class Message:
    """A checkpoint as it stands on the stream."""

    subject: str
    headers: dict[str, str]
    note: bytes

    @property
    def service(self) -> str:
        """Whose ledger it is of."""
        return self.subject.split(".")[2]


async def on_stream(client: Client) -> list[Message]:
    """Everything on the ledger's stream, in its order."""
    found = []
    for number in range(1, await last_of(client, LEDGER) + 1):
        message = await client.jetstream().get_msg(LEDGER, seq=number)
        headers = {name: value for name, value in (message.headers or {}).items() if name.startswith("ledger-")}
        found.append(Message(message.subject or "", headers, message.data or b""))
    return found


@dataclass
class Province:
    """Whoever keeps every checkpoint, and needs nothing but the stream and the public key."""

    verifier: Verifier = field(default_factory=lambda: SIGNER.verifier)
    last: dict[str, Witness] = field(default_factory=dict)
    roots: dict[str, dict[int, bytes]] = field(default_factory=lambda: defaultdict(dict))

    def keep(self, messages: Sequence[Message]) -> None:
        """Take some messages.

        :raises LedgerRefused: one contradicts what is kept.
        """
        for message in messages:
            service = message.service
            before = self.last.get(service, Witness(service))
            after = before.accept(message.note, message.headers, self.verifier, self.roots[service].get)
            self.last[service] = after
            self.roots[service][after.size] = after.root


@dataclass
class Desk:
    """A database as audit has it, and what was heard there."""

    pool: Pool
    heard: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    async def hear(self, recording: Recording, upto: int | None = None) -> None:
        """Seal a recording, or the events of it until a number of each service."""
        for service in SERVICES:
            events = recording.of(service)[:upto]
            self.heard[service] = await seal(self.pool, service, events)


async def seal(pool: Pool, service: str, events: Sequence[RecordedEvent], size: int = 100) -> int:
    """Put events into the log of a service, from wherever it is; how far it is then."""
    follower = Follower(pool, LogKeeper(service), lambda: datetime(2026, 1, 1, tzinfo=UTC))
    await follower.load()
    for start in range(0, len(events), size):
        await follower.take(events[start : start + size])
    return follower.position


@asynccontextmanager
async def signing(
    desk: Desk, url: str, *, pace: Pace = PACE, clock: Callable[[], datetime] | None = None, signer: Signer = SIGNER
) -> AsyncIterator[Ledger]:
    """A ledger at work."""
    connection = Connection(url, "ledger")
    followed = [Followed(service, lambda service=service: desk.heard[service]) for service in SERVICES]  # type: ignore[misc]
    ledger = Ledger(desk.pool, connection, signer, pace, clock or (lambda: datetime.now(UTC)), followed)
    await connection.start()
    await ledger.start()
    try:
        yield ledger
    finally:
        await ledger.stop()
        await connection.stop()
