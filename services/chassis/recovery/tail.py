"""What has only the stream, after a backup of the store was put back, and is it what was recorded?

The stream is read whole, once, beside the store. What both have must be the same; the whole of it must be what the ledger's
last checkpoint signed. What lies after that checkpoint has nobody's signature: it must follow on, version by version in its
aggregate and place by place in its branch, and be to the byte what the publisher sends.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import LiteralString
from uuid import UUID

from nats.aio.client import Client
from nats.js.errors import NotFoundError

from chassis import streams
from chassis.cloudevents import BrokenEvent, recorded_event
from chassis.database import Connection
from chassis.events import NotReadable
from chassis.ledger.leaf import leaf_hash
from chassis.ledger.merkle import Tree
from chassis.ledger.note import Checkpoint, NoteUnreadable, NotSigned, Verifier
from chassis.reconciliation.comparing import Announced, says
from chassis.reconciliation.stream_reading import Reading
from chassis.recorded import RecordedEvent
from chassis.store import COLUMNS

PAGE = 1_000


class CannotRecover(Exception):
    """Nothing is taken back; the message says at which position of what, and no personal value."""


@dataclass(slots=True)
class Tail:
    """What only the stream has, as far as it was looked at.

    ``head`` is the store's last position, ``last`` the stream's; ``signed`` how many events from the first on stand under
    the checkpoint that was held against them, 0 when none was; ``stored`` is the tree of what the store has, ``tree`` of all
    of them; ``branches`` how far each branch of the tail has come.
    """

    service: str
    head: int
    last: int
    signed: int = 0
    stored: Tree = field(default_factory=Tree)
    tree: Tree = field(default_factory=Tree)
    branches: dict[str, int] = field(default_factory=dict)

    @property
    def missing(self) -> int:
        """How many events the store lacks."""
        return max(0, self.last - self.head)

    @property
    def unsigned(self) -> int:
        """How many of those no checkpoint speaks for."""
        return max(0, self.last - max(self.head, self.signed))


async def examined(database: Connection, client: Client, service: str, verifier: Verifier | None) -> Tail:
    """The tail of a service's stream, held against its store and, with the ledger's public key, against its last checkpoint.

    :raises CannotRecover: something does not agree; :raises JetStreamError, NatsError: NATS does not answer.
    """
    tail = Tail(service, await head_of(database), await streams.last_sequence(client, service))
    checkpoint = await _last_checkpoint(client, service, verifier) if verifier else None
    if checkpoint and checkpoint.size > tail.last:
        raise CannotRecover(f"{checkpoint.size} events of {service} are signed and its stream holds {tail.last}")
    chain = _Chain(database, tail)
    async for page in pages(client, service, 0, tail.last):
        await _compare(database, page, tail.head)
        await chain.follow([event for event in page if event.position > tail.head])
        _hold(tail, page, checkpoint)
    return tail


async def pages(client: Client, service: str, after: int, last: int) -> AsyncIterator[list[RecordedEvent]]:
    """The events of a stream between two positions, as its publisher sent them.

    :raises CannotRecover: something stands there that it did not send.
    """
    async with Reading(client, streams.stream_name(service), after) as reading:
        for start in range(after, last, PAGE):
            upto = min(start + PAGE, last)
            messages = await reading.upto(upto)
            if len(messages) != upto - start:
                raise CannotRecover(f"the stream of {service} lacks a message between {start + 1} and {upto}")
            yield [_event(message) for message in messages]


async def head_of(database: Connection, *, lock: bool = False) -> int:
    """The position of the last event; nobody appends before the transaction ends, when it is locked."""
    query: LiteralString = "select position from head"
    row = await (await database.execute(f"{query} for update" if lock else query)).fetchone()
    assert row, "the migration wrote it"
    return int(str(row[0]))


def _event(message: Announced) -> RecordedEvent:
    event = recorded_event(message.subject, message.headers, message.body, message.sequence)
    if isinstance(event, BrokenEvent) or not says(message, event):
        raise CannotRecover(
            f"what stands at {message.sequence} of {message.subject.split('.')[1]} is not what its publisher sends"
        )
    return event


async def _compare(database: Connection, page: Sequence[RecordedEvent], head: int) -> None:
    """What both have is the same."""
    query = f"select {COLUMNS} from events where position between %s and %s order by position".encode()
    cursor = database.cursor(binary=True)
    service = page[0].service
    rows = await (await cursor.execute(query, (page[0].position, min(page[-1].position, head)))).fetchall()
    stored = {int(str(row[0])): RecordedEvent(service, *row) for row in rows}  # type: ignore[arg-type]
    for event in page:
        if event.position <= head and stored.get(event.position) != event:
            raise CannotRecover(f"store and stream differ at {event.id}; `audit verify` says which of them is what was signed")


def _hold(tail: Tail, page: Sequence[RecordedEvent], checkpoint: Checkpoint | None) -> None:
    """Add the leaves; where the checkpoint ends, the root must be its."""
    leaves, first = [leaf_hash(event) for event in page], tail.tree.size
    signed = checkpoint.size if checkpoint else 0
    ends = {tail.head, signed, first + len(leaves)}
    for end in sorted(end for end in ends if first < end <= first + len(leaves)):
        tail.tree.extend(leaves[tail.tree.size - first : end - first])
        if end == tail.head:
            tail.stored = tail.tree.copy()
        if checkpoint and end == signed:
            if tail.tree.root != checkpoint.root:
                raise CannotRecover(f"the first {signed} events of {tail.service} are not those that were signed")
            tail.signed = signed


async def _last_checkpoint(client: Client, service: str, verifier: Verifier) -> Checkpoint | None:
    try:
        message = await client.jetstream().get_last_msg(streams.LEDGER, streams.checkpoint_subject(service))
    except NotFoundError:
        return None
    try:
        found = Checkpoint.read(verifier.open(message.data or b""))
    except (NoteUnreadable, NotSigned) as error:
        raise CannotRecover(f"the last checkpoint of {service} is not signed by this key") from error
    if found.service != service:
        raise CannotRecover(f"the last checkpoint of {service} is that of another service")
    return found


class _Chain:
    """What follows on what is stored."""

    def __init__(self, database: Connection, tail: Tail) -> None:
        self._database, self._tail = database, tail
        self._versions: dict[UUID, int] = {}

    async def follow(self, events: Sequence[RecordedEvent]) -> None:
        """:raises CannotRecover: an event is not the next of its aggregate or of its branch, or this program cannot read it."""
        if not events:
            return
        await self._look_up(events)
        for event in events:
            version, place = self._versions[event.aggregate_id] + 1, self._tail.branches[event.branch] + 1
            if (event.version, event.branch_position) != (version, place):
                raise CannotRecover(f"{event.id} does not follow on what stands before it")
            self._versions[event.aggregate_id], self._tail.branches[event.branch] = version, place
            try:
                _ = event.event, event.metadata
            except (NotReadable, ValueError, KeyError, TypeError):
                raise CannotRecover(f"{event.id} cannot be read by this version of the program") from None

    async def _look_up(self, events: Sequence[RecordedEvent]) -> None:
        versions = "select aggregate_id, max(version) from events where aggregate_id = any(%s) group by aggregate_id"
        ids = [event.aggregate_id for event in events if event.aggregate_id not in self._versions]
        self._versions |= dict.fromkeys(ids, 0)
        for aggregate_id, version in await (await self._database.execute(versions, (ids,))).fetchall():
            self._versions[UUID(str(aggregate_id))] = int(str(version))
        names = [event.branch for event in events if event.branch not in self._tail.branches]
        self._tail.branches |= dict.fromkeys(names, 0)
        places = "select branch, position from branches where branch = any(%s)"
        for branch, position in await (await self._database.execute(places, (names,))).fetchall():
            self._tail.branches[str(branch)] = int(str(position))
