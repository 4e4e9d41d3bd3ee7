"""What does a stream hold between two sequences, exactly as it stands there? Read by somebody who only looks.

By a consumer of its own that acknowledges nothing and is forgotten at the end; a sequence that is missing is passed over
by the server, and so seen by whoever counts.
"""

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from chassis.reconciliation.comparing import Announced
from chassis.streams import JetStreamError, api

MAX_BYTES = 4 * 1024 * 1024
"""That are on their way at once; more than the largest message."""
PATIENCE_S = 10.0
FORGOTTEN_AFTER_S = 60.0


class Reading:
    """Reads a stream in order from the sequence after `after`; used ``async with``.

    :param subjects: read these alone, which may have wildcards; everything when left out.
    :raises JetStreamError: there is no such stream; :raises NatsError: no answer, or the stream went away meanwhile.
    """

    def __init__(self, client: Client, stream: str, after: int, subjects: Sequence[str] = ()) -> None:
        self._client, self._stream, self._after, self._subjects = client, stream, after, subjects
        self._kept: list[Announced] = []
        self._arrived: asyncio.Queue[Msg] = asyncio.Queue()

    async def __aenter__(self) -> "Reading":
        config = {
            "deliver_policy": "by_start_sequence",
            "opt_start_seq": self._after + 1,
            "ack_policy": "none",
            "mem_storage": True,
            "num_replicas": 1,
            "inactive_threshold": int(FORGOTTEN_AFTER_S * 1e9),
            **({"filter_subjects": list(self._subjects)} if self._subjects else {}),
        }
        made = await api(self._client, f"CONSUMER.CREATE.{self._stream}", {"stream_name": self._stream, "config": config})
        self._consumer = str(made["name"])
        self._inbox, self._request_number = self._client.new_inbox(), 0
        self._subscription = await self._client.subscribe(f"{self._inbox}.*", cb=self._receive)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with suppress(NatsError, JetStreamError, OSError):
            await self._subscription.unsubscribe()
            await api(self._client, f"CONSUMER.DELETE.{self._stream}.{self._consumer}")

    async def upto(self, sequence: int) -> list[Announced]:
        """What follows, up to a sequence that the stream has reached; none of it when all of it is missing."""
        found, self._kept = self._kept, []
        reached = found[-1].sequence if found else self._after
        while reached < sequence and (more := await self._some(sequence - reached)):
            found += more
            reached = found[-1].sequence
        self._after = max(self._after, sequence)
        self._kept = [message for message in found if message.sequence > sequence]
        return [message for message in found if message.sequence <= sequence]

    async def _some(self, many: int) -> list[Announced]:
        """The next so many messages, or fewer when they are large; none at the end of the stream."""
        self._request_number += 1
        request = {"batch": many, "max_bytes": MAX_BYTES, "no_wait": True}
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{self._consumer}"
        reply = f"{self._inbox}.{self._request_number}"
        await self._client.publish(subject, json.dumps(request).encode(), reply=reply)
        found: list[Announced] = []
        while len(found) < many:
            message = await self._next()
            if message.reply:
                sequence = message.metadata.sequence.stream
                found.append(Announced(sequence, message.subject, message.headers or {}, message.data))
            elif message.subject == reply:  # the server says of the request that it has no more, or sends no more
                break
        return found

    async def _receive(self, message: Msg) -> None:
        self._arrived.put_nowait(message)

    async def _next(self) -> Msg:
        if self._arrived.empty():
            try:
                async with asyncio.timeout(PATIENCE_S):
                    return await self._arrived.get()
            except TimeoutError:
                raise NatsError("the stream does not answer") from None
        return self._arrived.get_nowait()
