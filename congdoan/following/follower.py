"""How does a program follow a branch for ever, whatever happens to the line? In sessions, each of which begins anew.

A session connects, makes its durable consumer anew where the old one stood, and takes what comes: writes the lines, saves
the state, then acknowledges. What went astray with a lost connection so needs no redelivery; what comes twice is passed
over by its branch position. A gap is looked for once from the beginning of the stream before it is refused.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError

from chassis import nats_client
from chassis.ledger.note import Verifier
from chassis.nats_addresses import secured
from congdoan.following import snapshots
from congdoan.following.beginning import Beginning
from congdoan.following.history import LEDGER, EventMissing, Heard, heard, is_next
from congdoan.following.state import State
from congdoan.provinces.configuration import BRANCH, PROVINCE_DOMAIN

BATCH = 500
IDLE_S = 5.0
PAUSES_S = (0.2, 1.0, 3.0, 5.0)
"""After one failure after the other."""
WELL_AFTER_S = 30.0
"""A session that lasted so long was none."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a branch is followed, and as whom."""

    server: str
    credentials: Path | None
    consumer: str
    verifier: Verifier


class Interrupted(Exception):
    """A session is over; the next one mends what happened."""


@dataclass
class Follower:
    """Follows one branch.

    :param beginning: what is wanted of the branch; None: where the consumer stood, or everything.
    :param write: takes lines to where they are wanted, and returns when they are there.
    :param say: is told why a session ended.
    """

    place: Place
    state: State
    beginning: Beginning | None
    write: Callable[[Sequence[bytes]], None]
    say: Callable[[str], None]
    fast: bool = False
    until_caught_up: bool = False

    async def follow(self) -> None:
        """Until it has caught up, if that is wanted, or for ever.

        :raises HistoryRefused, LedgerRefused: what a person must look at.
        :raises OSError: lines or state cannot be written.
        """
        failures, clock = 0, asyncio.get_running_loop().time
        while True:
            began = clock()
            try:
                return await self._session()
            except (NatsError, TimeoutError, Interrupted, snapshots.SnapshotRefused) as error:
                self.say(str(error) or type(error).__name__)
            failures = 0 if clock() - began > WELL_AFTER_S else min(failures + 1, len(PAUSES_S) - 1)
            await asyncio.sleep(PAUSES_S[failures])

    async def _session(self) -> None:
        client = await _connected(self.place)
        try:
            js = client.jetstream(domain=PROVINCE_DOMAIN)
            read = await self._read_before(js)
            if self.fast and self.state.is_new:
                await self._begin_with_snapshot(client)
            try:
                await self._take_all(client, js, read)
            except EventMissing as missing:
                if not read or self.state.adopting:
                    raise
                await js.delete_consumer(BRANCH, self.place.consumer)
                raise Interrupted(missing.sentence("en")) from None
        finally:
            await client.close()

    async def _read_before(self, js: JetStreamContext) -> int:
        """The sequence of the stream up to which the consumer was acknowledged; 0: the stream is read from its beginning.

        The consumer is taken away: made anew, it has nothing that waits for its redelivery.
        """
        try:
            floor = (await js.consumer_info(BRANCH, self.place.consumer)).ack_floor.stream_seq
        except NotFoundError:
            return 0
        await js.delete_consumer(BRANCH, self.place.consumer)
        if self.state.is_new and (self.beginning or self.fast):
            return 0
        self.state.adopting |= self.state.is_new and floor > 0
        return int(floor)

    async def _begin_with_snapshot(self, client: Client) -> None:
        position = 0
        async for page in snapshots.pages_of_branch(client, self.state.branch):
            self.write([row.line for row in page])
            position = page[0].position
        self.state.positions["membership"] = position
        self.state.save()

    async def _take_all(self, client: Client, js: JetStreamContext, read: int) -> None:
        made = await js.add_consumer(BRANCH, _consumer(self.place.consumer, read))
        pull = await js.pull_subscribe_bind(self.place.consumer, BRANCH)
        left, taken = made.num_pending or 0, 0
        while left or not self.until_caught_up:
            try:
                messages = await pull.fetch(BATCH, timeout=IDLE_S)
            except TimeoutError:
                await pull.consumer_info()  # that nothing comes is right only as long as there is somebody to send it
                continue
            if messages[-1].metadata.sequence.consumer != taken + len(messages):
                raise Interrupted("a message was lost on its way")
            await self._take(client, messages)
            await messages[-1].ack()
            taken, left = taken + len(messages), messages[-1].metadata.num_pending
        await client.flush()

    async def _take(self, client: Client, messages: Sequence[Msg]) -> None:
        """Write what is new, and what is wanted of it, then save how far that is."""
        lines: list[bytes] = []
        try:
            for message in messages:
                event = self._next(message)
                if event is None:
                    continue
                if self._wants(event):
                    lines.append(event.line)
                    async for page in self._arrived(client, event):
                        self.write([*lines, *(row.line for row in page)])
                        lines = []
                self.state.positions[event.service] = event.position
        finally:
            # What stands before an event that is refused was rightly taken.
            self.write(lines)
            self.state.save()

    def _next(self, message: Msg) -> Heard | None:
        """The event of a message; None for a checkpoint, and for an event that was taken before."""
        _, service, of, *_ = message.subject.split(".")
        if service == LEDGER:
            self.state.keep(of, message.data, message.headers, self.place.verifier)
            return None
        event = heard(self.state.branch, message.subject, message.headers, message.data)
        taken = self.state.positions.get(event.service)
        if taken is None and self.state.adopting:
            taken = event.position - 1
        return event if is_next(event, taken or 0) else None

    def _wants(self, event: Heard) -> bool:
        return self.beginning is None or self.beginning.includes(event.service, event.position, event.recorded_at)

    async def _arrived(self, client: Client, event: Heard) -> AsyncIterator[list[snapshots.Row]]:
        """What came with units that arrived: their history is another branch's."""
        if event.type == snapshots.ARRIVED:
            async for page in snapshots.pages_of_what_arrived(client, self.state.branch, event.document["body"]["units"]):
                yield page


def _consumer(name: str, read: int) -> ConsumerConfig:
    return ConsumerConfig(
        name=name,
        durable_name=name,
        deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
        opt_start_seq=read + 1,
        ack_policy=AckPolicy.ALL,
        max_ack_pending=4 * BATCH,
    )


async def _connected(place: Place) -> Client:
    """:raises Interrupted: there is nobody, or the credentials are refused."""
    client: Client = nats_client.Client()

    async def hear(error: Exception) -> None:
        """The call that fails says it; the library would print it as well."""

    try:
        await client.connect(
            place.server,
            nkeys_seed=str(place.credentials) if place.credentials else None,
            allow_reconnect=False,
            connect_timeout=10,
            ping_interval=5,
            max_outstanding_pings=2,
            error_cb=hear,
            **secured(place.server),
        )
    except (NatsError, OSError) as error:
        await client.close()
        raise Interrupted(f"{place.server.rpartition('@')[2]}: {error or type(error).__name__}") from None
    return client
