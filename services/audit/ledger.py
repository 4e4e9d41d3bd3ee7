"""When is what was heard put under a signed checkpoint, and how does each reach the stream once and in order?

A checkpoint is signed, stored, and only then published. Its number is its sequence on the stream, so the stream itself is
the cursor, as it is for events: of two audits one is refused, looks again and goes on; a stream that was lost is filled
anew; after a restored backup the checkpoints that only the stream has are taken back, for what was signed was said.
Nothing is signed that does not go on from the last checkpoint, and the tables are not believed what that one said: its
own signature is. Of several processes one leads and publishes, fenced by that sequence; signing is fenced by a locked row.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg
import structlog
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.errors import NoRespondersError
from psycopg_pool import PoolTimeout

from audit.domain.ledger import Pace
from audit.read_models.checkpoints import (
    Signed,
    add_checkpoint,
    checkpoints_after,
    last_checkpoint,
    last_number,
    lock_checkpoints,
)
from audit.read_models.nodes import TreeIncomplete, grow_all, log_size, tree_of
from chassis import streams
from chassis.database import Connection as Database
from chassis.database import Pool
from chassis.ending import ended
from chassis.ledger.merkle import EMPTY_ROOT, consistency_proof, consistency_spans, goes_on, root
from chassis.ledger.note import Checkpoint, NoteUnreadable, NotSigned, Signer, hashes_told
from chassis.ledger.witness import CONSISTENCY, PREVIOUS_SIZE, LedgerRefused, Witness
from chassis.publisher import ACKNOWLEDGED_WITHIN_S, FIRST_RETRY_S, LAST_RETRY_S, STOPPED_RETRY_S
from chassis.refusals import Unavailable
from chassis.stacks import stack_of
from chassis.streams import Connection, JetStreamError

LOOK_S = 1.0
"""How often it is looked whether a checkpoint is due; a service has no more of them than that."""
PAGE = 500

_log = structlog.get_logger(__name__)


class LedgerBroken(Exception):
    """What is stored, signed and published does not agree: nothing is signed before somebody has looked."""


class Overtaken(Exception):
    """Another audit was first, or the stream is gone."""


@dataclass(frozen=True, slots=True)
class Followed:
    """A service whose ledger is kept; `heard` tells how many of its events are sealed, as far as is known here."""

    service: str
    heard: Callable[[], int]


class Ledger:
    """Signs and publishes the checkpoints of some services.

    :param replicas: of the stream, should it be lost and made anew.
    :param leads: whether this process is the one that signs what is due and publishes. Another one signs, under the same lock,
        what somebody waits for there; it is published by the one that leads.
    """

    def __init__(
        self,
        pool: Pool,
        connection: Connection,
        signer: Signer,
        pace: Pace,
        clock: Callable[[], datetime],
        followed: Sequence[Followed],
        *,
        replicas: int = 1,
        leads: Callable[[], bool] = lambda: True,
    ) -> None:
        self._pool, self._connection, self._signer, self._pace, self._clock = pool, connection, signer, pace, clock
        self._followed, self._leads = followed, leads
        self._stream = streams.ledger_stream(replicas)
        self._look_s = min(LOOK_S, pace.interval.total_seconds())
        self._pause_s = FIRST_RETRY_S
        self._hurried: dict[str, int] = {}
        self.last: dict[str, Checkpoint] = {}
        """The last checkpoint of each service, as far as is known here."""
        self.published = 0
        """The number of the last checkpoint known to be on the stream."""
        self.broken: LedgerBroken | None = None
        """What does not agree, for as long as it stands in the way."""
        self.trouble = "not started"
        self.task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin; returns at once, whether NATS can be reached or not."""
        self.task = asyncio.create_task(self._run(), name="ledger")

    async def stop(self) -> None:
        """Stop; what is not published is published next time."""
        await ended(self.task)

    def hurry(self, service: str, size: int) -> None:
        """Have the first `size` events of a service under a checkpoint at the next look, not at the end of the interval."""
        self._hurried[service] = max(size, self._hurried.get(service, 0))

    def vouched(self, text: str) -> bytes:
        """The note of a text that is no checkpoint, under the same key."""
        return self._signer.sign(text)

    def _is_due(self, service: str, last: Checkpoint | None, size: int, now: datetime) -> bool:
        covered = last.size if last else 0
        return (self._leads() and self._pace.is_due(last, size, now)) or covered < self._hurried.get(service, 0) <= size

    async def _run(self) -> None:
        while True:
            try:
                leads = self._leads()
                await self._begin(publishing=leads)
                while leads == self._leads():
                    await self._round(publishing=leads)
                    await asyncio.sleep(self._look_s)
            except Overtaken:
                await asyncio.sleep(FIRST_RETRY_S)
            except (LedgerBroken, TreeIncomplete) as error:
                self.broken = error if isinstance(error, LedgerBroken) else LedgerBroken(str(error))
                self._tell(str(error), _log.critical)
                await asyncio.sleep(min(STOPPED_RETRY_S, 10 * self._look_s))
            except (Unavailable, psycopg.Error, PoolTimeout, NatsError, JetStreamError, OSError) as error:
                database = isinstance(error, Unavailable | psycopg.Error | PoolTimeout)
                self._tell("the database cannot be asked" if database else f"{type(error).__name__}: {error}", _log.warning)
                await self._pause()
            except Exception as error:
                # Nobody foresaw this; what was signed is stored, so the next round goes on where this one ended.
                _log.error("the ledger failed, goes on", stack=stack_of(error))
                self.trouble = type(error).__name__
                await self._pause()

    async def _begin(self, *, publishing: bool) -> None:
        if publishing:
            for one in self._followed:
                await grow_all(self._pool, one.service)
            await self._find_published()
        await self._see()

    async def _round(self, *, publishing: bool) -> None:
        """Sign what is due; where it is published, publish what is signed and see that the stream is as it was left.

        :raises LedgerBroken, TreeIncomplete, Overtaken: see there.
        """
        for one in self._followed:
            if self._is_due(one.service, self.last.get(one.service), one.heard(), self._clock()):
                await self._sign(one.service)
        if publishing:
            await self._publish()
            if await streams.last_of(self._client(), streams.LEDGER) != self.published:
                raise Overtaken
        else:
            await self._see()
        self.trouble, self.broken, self._pause_s = "", None, FIRST_RETRY_S

    async def _see(self) -> None:
        """See the last checkpoints, which another process signs.

        :raises LedgerBroken: one was not signed by this key.
        """
        async with self._pool.connection() as connection:
            for one in self._followed:
                if last := await self._last(connection, one.service):
                    self.last[one.service] = last

    async def _pause(self) -> None:
        await asyncio.sleep(self._pause_s)
        self._pause_s = min(2 * self._pause_s, LAST_RETRY_S)

    def _tell(self, trouble: str, tell: Callable[..., object]) -> None:
        if trouble != self.trouble:
            tell("no checkpoint is signed", reason=trouble)
        self.trouble = trouble

    async def _sign(self, service: str) -> None:
        """Put everything sealed of a service under a checkpoint, if one is due now that nobody else can sign.

        :raises LedgerBroken: the tree does not go on from the last checkpoint; :raises TreeIncomplete: it lacks a hash.
        """
        async with self._pool.connection() as connection, connection.transaction():
            number = await lock_checkpoints(connection)
            before, size, now = await self._last(connection, service), await log_size(connection, service), self._clock()
            if not self._is_due(service, before, size, now):
                if before:
                    self.last[service] = before
                return
            made, proof = await _checkpoint(connection, service, before, size, now)
            signed = Signed(
                number + 1, service, size, before.size if before else 0, hashes_told(proof), self._signer.sign(made.text)
            )
            await add_checkpoint(connection, signed)
        self.last[service] = made

    async def _last(self, connection: Database, service: str) -> Checkpoint | None:
        """The last checkpoint of a service, as it was signed.

        :raises LedgerBroken: what is stored was not signed by this key.
        """
        stored = await last_checkpoint(connection, service)
        if stored is None:
            return None
        try:
            found = Checkpoint.read(self._signer.verifier.open(stored.note))
        except (NoteUnreadable, NotSigned):
            raise LedgerBroken(f"checkpoint {stored.number} was not signed by the ledger's key") from None
        if (found.service, found.size) != (service, stored.size):
            raise LedgerBroken(f"checkpoint {stored.number} is not the one of {service} at {stored.size}")
        return found

    async def _publish(self) -> None:
        """Have everything that is stored on the stream, and know it to be there.

        :raises Overtaken: the stream has gone on, or is gone.
        """
        while waiting := await checkpoints_after(self._pool, self.published, PAGE):
            for signed in waiting:
                await self._send(signed)

    async def _send(self, signed: Signed) -> None:
        headers = {
            "Nats-Expected-Last-Sequence": str(signed.number - 1),
            PREVIOUS_SIZE: str(signed.previous_size),
            CONSISTENCY: signed.consistency,
        }
        subject = streams.checkpoint_subject(signed.service)
        try:
            message = await self._connection.request(subject, signed.note, headers, timeout_s=ACKNOWLEDGED_WITHIN_S)
            streams.answer(message.data)
        except NoRespondersError:
            raise Overtaken from None
        except JetStreamError as error:
            if error.code == streams.WRONG_LAST_SEQUENCE:
                raise Overtaken from None
            raise
        self.published = signed.number

    async def _find_published(self) -> None:
        """Ask the stream how far it is; a stream that is gone is made anew, and so filled from the first checkpoint.

        :raises LedgerBroken: it holds what was not stored here, and not signed as something that goes on from what was.
        """
        client = self._client()
        try:
            on_stream = await streams.last_of(client, streams.LEDGER)
        except JetStreamError as error:
            if error.code != streams.NOT_FOUND:
                raise
            _log.warning("the ledger's stream is gone and is filled anew")
            await streams.ensure(client, self._stream)
            on_stream = 0
        # In this order: whoever publishes a checkpoint has stored it before.
        stored = await last_number(self._pool)
        if 0 < on_stream <= stored:
            kept = [signed.note for signed in await checkpoints_after(self._pool, on_stream - 1, 1)]
            if kept != [(await self._message(on_stream)).data]:
                raise LedgerBroken(f"checkpoint {on_stream} on the stream is another than the one stored")
        for number in range(stored + 1, on_stream + 1):
            await self._take_back(number, await self._message(number))
        self.published = on_stream

    async def _take_back(self, number: int, message: "_Message") -> None:
        """Store a checkpoint that only the stream has: a backup was restored here.

        :raises LedgerBroken: it does not go on from what is stored, or is not signed.
        """
        *_, service, _ = message.subject.split(".")
        async with self._pool.connection() as connection, connection.transaction():
            if await lock_checkpoints(connection) >= number:
                return
            before = await self._last(connection, service)
            witness = Witness(service, before.size, before.root) if before else Witness(service)
            try:
                after = witness.accept(message.data, message.headers, self._signer.verifier)
            except LedgerRefused as refused:
                raise LedgerBroken(f"number {number} on the stream: {refused.rule}") from None
            if after == witness:
                raise LedgerBroken(f"number {number} on the stream stands there twice")
            consistency = message.headers.get(CONSISTENCY, "")
            await add_checkpoint(connection, Signed(number, service, after.size, witness.size, consistency, message.data))
        _log.warning("a checkpoint that only the stream had is taken back", service=service, number=number, size=after.size)

    async def _message(self, number: int) -> "_Message":
        found = await self._client().jetstream().get_msg(streams.LEDGER, seq=number)
        return _Message(found.subject or "", found.headers or {}, found.data or b"")

    def _client(self) -> Client:
        if not self._connection.is_connected:
            raise OSError("NATS cannot be reached")
        return self._connection.client


@dataclass(frozen=True, slots=True)
class _Message:
    """A message of the stream."""

    subject: str
    headers: Mapping[str, str]
    data: bytes


async def _checkpoint(
    transaction: Database, service: str, before: Checkpoint | None, size: int, now: datetime
) -> tuple[Checkpoint, list[bytes]]:
    """What is to be signed, with the proof that it goes on from the one before.

    :raises LedgerBroken: it does not; :raises TreeIncomplete: the tree lacks a hash.
    """
    known, known_root = (before.size, before.root) if before else (0, EMPTY_ROOT)
    nodes = await tree_of(transaction, service, [(0, size), *consistency_spans(known, size)])
    made = Checkpoint(service, size, root(nodes, size), now.replace(microsecond=0))
    proof = consistency_proof(nodes, known, size)
    if not goes_on(known, known_root, size, made.root, proof):
        raise LedgerBroken(f"the log of {service} at {size} does not go on from its checkpoint at {known}")
    return made, proof
