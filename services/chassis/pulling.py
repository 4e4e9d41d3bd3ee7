"""How do the messages of a stream reach one reader: in order, none missed, each as soon as it is there?

A durable pull consumer with one standing request. Its sequence numbers tell when a message went astray, its heartbeats
when it, its stream or the server is gone; either way the reader makes it anew from where it is itself, and so waits for
no redelivery. nats-py's own `fetch` would cancel a wait in the moment a message comes, which is then lost until the
server sends it again.
"""

import asyncio
import json
from contextlib import suppress
from math import inf

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import Error as NatsError
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js.api import AckPolicy, ConsumerConfig, ConsumerInfo, DeliverPolicy
from nats.js.errors import NotFoundError

from chassis.streams import until_connected

MAX_BATCH = 1_000
MAX_BATCH_BYTES = 8 * 1024 * 1024
HEARTBEAT_S = 2.0
SILENCE_S = 3 * HEARTBEAT_S
REQUEST_EXPIRES_S = 60.0
RECONNECTED_WITHIN_S = 5.0
# Whoever reads makes the consumer anew when something went astray; the server's own redelivery is not waited for.
ACK_WAIT_S = 3_600.0

_HEARTBEAT, _EXPIRED = "100", "408"
_NO_MESSAGE = 10037
# A request that was fulfilled may end like this, depending on what it had asked for.
_FULFILLED = ("Batch Completed", "Message Size Exceeds MaxBytes")


class Interrupted(Exception):
    """Messages do not come any more, or one went astray: the consumer must be made anew."""


class Pull:
    """A durable consumer of a stream, read by one reader.

    :param forgotten_after_s: the server forgets the consumer when nobody has read for so long; never when None.
    :param headers_only: leave the bodies away.
    """

    def __init__(
        self, stream: str, name: str, filters: list[str], forgotten_after_s: float | None = None, headers_only: bool = False
    ) -> None:
        self.stream, self.name, self._headers_only = stream, name, headers_only
        self._filters, self._forgotten_after_s = filters, forgotten_after_s
        self._client: Client | None = None
        self._subscription: Subscription | None = None
        self._arrived = asyncio.Event()
        self._begin_anew("")

    def _begin_anew(self, inbox: str) -> None:
        self._inbox, self._request_number = inbox, 0
        self._messages: list[Msg] = []
        self._next_sequence, self._on_their_way = 1, 0
        self._lost, self._heard = "", 0.0

    @property
    def waiting(self) -> int:
        """Messages received and not yet read."""
        return len(self._messages)

    async def open(self, client: Client, after: int) -> None:
        """Make the consumer anew, so that the first message read is the first that matches after sequence `after`.

        :raises NatsError: there is no such stream, or no server.
        """
        await _reconnected(client)
        await self.unsubscribe()
        self._client, self._connected_before = client, client.stats["reconnects"]
        self._begin_anew(client.new_inbox())
        js = client.jetstream()
        with suppress(NotFoundError):
            await js.delete_consumer(self.stream, self.name)
        await js.add_consumer(self.stream, self._configuration(after))
        self._subscription = await client.subscribe(f"{self._inbox}.*", cb=self._receive)

    def _configuration(self, after: int) -> ConsumerConfig:
        return ConsumerConfig(
            name=self.name,
            durable_name=self.name,
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=after + 1,
            ack_policy=AckPolicy.ALL,
            ack_wait=ACK_WAIT_S,
            max_ack_pending=4 * MAX_BATCH,
            filter_subjects=self._filters,
            inactive_threshold=self._forgotten_after_s,
            headers_only=self._headers_only or None,
        )

    async def unsubscribe(self) -> None:
        """Read no more; the consumer stays."""
        subscription, self._subscription = self._subscription, None
        if subscription:
            with suppress(NatsError):
                await subscription.unsubscribe()

    async def info(self) -> ConsumerInfo:
        """What the server knows of the consumer.

        :raises NatsError: there is none, or no server.
        """
        assert self._client, "it is opened first"
        info: ConsumerInfo = await self._client.jetstream().consumer_info(self.stream, self.name)
        return info

    async def next_sequence(self, after: int) -> float:
        """Where the first message after a sequence stands that matches; infinity when there is none.

        :raises NatsError: there is no such stream, or no server.
        """
        assert self._client, "it is opened first"
        js, found = self._client.jetstream(), inf
        for subject in self._filters:
            try:
                message = await js.get_msg(self.stream, seq=after + 1, subject=subject, next=True)
            except NotFoundError as error:
                if error.err_code != _NO_MESSAGE:
                    raise
            else:
                found = min(found, message.seq or 0)
        return found

    async def read(self, timeout_s: float) -> list[Msg]:
        """The next messages, in order, none when there are none within `timeout_s`.

        :raises Interrupted: open it anew.
        """
        if not self._messages and not self._lost:
            await self._ask()
            self._arrived.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await self._arrived.wait()
        if not self._messages:
            self._check()
        taken, self._messages = self._messages, []
        if taken:
            await self._ask()
        return taken

    def _check(self) -> None:
        assert self._client, "it is opened first"
        if self._lost:
            raise Interrupted(self._lost)
        if not self._client.is_connected or self._client.stats["reconnects"] != self._connected_before:
            raise Interrupted("the connection was lost")
        if asyncio.get_running_loop().time() - self._heard > SILENCE_S:
            raise Interrupted("no heartbeat")

    async def _ask(self) -> None:
        """Ask for more, unless a request stands: while one batch is taken the next one comes."""
        if self._on_their_way > 0 or self._lost or not self._client:
            return
        self._on_their_way = MAX_BATCH
        self._request_number += 1
        self._heard = asyncio.get_running_loop().time()
        request = {
            "batch": MAX_BATCH,
            "max_bytes": MAX_BATCH_BYTES,
            "expires": int(REQUEST_EXPIRES_S * 1e9),
            "idle_heartbeat": int(HEARTBEAT_S * 1e9),
        }
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{self.stream}.{self.name}"
        await self._client.publish(subject, json.dumps(request).encode(), reply=f"{self._inbox}.{self._request_number}")

    async def _receive(self, message: Msg) -> None:
        self._heard = asyncio.get_running_loop().time()
        if not message.reply:
            return self._hear(message)
        if self._lost:
            return None
        if message.metadata.sequence.consumer != self._next_sequence:
            self._lost = "a message went astray"
        else:
            self._next_sequence += 1
            self._on_their_way -= 1
            self._messages.append(message)
        self._arrived.set()
        return None

    def _hear(self, message: Msg) -> None:
        """What the server says of a request: alive, ended, or that there is nobody to ask."""
        headers = message.headers or {}
        status, description = headers.get("Status", ""), headers.get("Description", "")
        if status == _HEARTBEAT or message.subject != f"{self._inbox}.{self._request_number}":
            return
        if status == _EXPIRED or description in _FULFILLED:
            self._on_their_way = 0
        else:
            self._lost = f"{status} {description}".strip()
        self._arrived.set()


async def _reconnected(client: Client) -> None:
    """Wait for the connection: what is asked without one is answered after the reconnection, which the reader would then take
    for one more loss of it, and begin anew once more.

    :raises NatsError: it does not come back for a while.
    """
    try:
        await until_connected(client, RECONNECTED_WITHIN_S)
    except TimeoutError:
        raise NatsTimeoutError from None
