"""What stands on a stream, message by message? Read by sequence, in batches, without a consumer: nothing is left behind."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from chassis import nats_client
from chassis.cloudevents import BrokenEvent, recorded_event, subject_of
from chassis.ledger.leaf import leaf_hash
from chassis.nats_addresses import secured
from chassis.streams import NOT_FOUND, REQUEST_TIMEOUT_S, JetStreamError, answer, stream_name
from congdoan.auditing.versions import KEY
from congdoan.auditing.walking import Part
from congdoan.provinces.auditors import API

BATCH = 1_000
BATCH_BYTES = 4 * 1024 * 1024
BATCH_WITHIN_S = 120.0
LOOKS, LOOK_S = 4, 0.25
"""How often it is looked for messages that should be there, before they are not."""
_END, _NOTHING = "204", "404"


class StreamUnavailable(Exception):
    """The streams cannot be read: no server, no right, or no answer."""


class MessageUnreadable(ValueError):
    """A message is no valid event; `after` is the position of the one before."""

    def __init__(self, after: int, flaw: str) -> None:
        super().__init__(flaw)
        self.after = after


@asynccontextmanager
async def entered(server: str, key: Path) -> AsyncIterator[Client]:
    """A connection as an auditor.

    :param key: the file with the auditor's key. :raises StreamUnavailable: nobody is let in, or nobody is there.
    """
    client: Client = nats_client.Client()

    async def hear(_: Exception) -> None:
        """The call that fails says it."""

    try:
        await client.connect(
            server, nkeys_seed=str(key), allow_reconnect=False, connect_timeout=10, error_cb=hear, **secured(server)
        )
    except (NatsError, OSError, TimeoutError, ValueError) as error:
        raise StreamUnavailable(f"{server}: {str(error) or type(error).__name__}") from None
    try:
        yield client
    finally:
        await client.close()


async def length_of(client: Client, stream: str) -> int | None:
    """The sequence of the last message; None when there is no such stream.

    :raises StreamUnavailable: no answer.
    """
    try:
        message = await client.request(f"{API}.STREAM.INFO.{stream}", b"", timeout=REQUEST_TIMEOUT_S)
        return int(answer(message.data)["state"]["last_seq"])
    except JetStreamError as error:
        if error.code == NOT_FOUND:
            return None
        raise StreamUnavailable(f"{stream}: {error}") from None
    except (NatsError, OSError, TimeoutError) as error:
        raise StreamUnavailable(f"{stream}: {str(error) or type(error).__name__}") from None


async def messages(client: Client, stream: str, after: int, upto: int) -> AsyncIterator[list[Msg]]:
    """The messages after a sequence, until another one, in batches; the next batch is on its way while one is looked at.

    :raises StreamUnavailable: they do not come.
    """
    arrived: asyncio.Queue[Msg] = asyncio.Queue()
    subscription = await client.subscribe(client.new_inbox(), cb=arrived.put)
    try:
        at, looks = after + 1, 0
        await _ask(client, stream, at, upto, subscription.subject)
        while at <= upto and looks < LOOKS:
            batch, last = await _batch(arrived, stream)
            if batch:
                at, looks = last + 1, 0
            else:  # a copy of the stream may be a moment behind the one that said how long it is
                looks += 1
                await asyncio.sleep(LOOK_S)
            if at <= upto and looks < LOOKS:
                await _ask(client, stream, at, upto, subscription.subject)
            if batch:
                yield batch
    finally:
        if client.is_connected:
            await subscription.unsubscribe()


async def _ask(client: Client, stream: str, first: int, upto: int, inbox: str) -> None:
    asked = {"seq": first, "batch": min(BATCH, upto - first + 1), "max_bytes": BATCH_BYTES}
    try:
        await client.publish(f"{API}.DIRECT.GET.{stream}", orjson.dumps(asked), reply=inbox)
    except (NatsError, OSError) as error:
        raise StreamUnavailable(f"{stream}: {str(error) or type(error).__name__}") from None


async def _batch(arrived: asyncio.Queue[Msg], stream: str) -> tuple[list[Msg], int]:
    """The messages of one answer and the sequence of the last."""
    found: list[Msg] = []
    try:
        async with asyncio.timeout(BATCH_WITHIN_S):
            while not (status := ((message := await arrived.get()).headers or {}).get("Status", "")):
                found.append(message)
    except TimeoutError:
        raise StreamUnavailable(f"{stream}: no answer") from None
    if status in (_END, _NOTHING):
        return found, sequence_of(found[-1]) if found else 0
    raise StreamUnavailable(f"{stream}: {status} {(message.headers or {}).get('Description', '')}")


def sequence_of(message: Msg) -> int:
    """Where a message stands on its stream."""
    return int((message.headers or {})["Nats-Sequence"])


async def parts(client: Client, service: str, after: int, upto: int) -> AsyncIterator[Part]:
    """The events of a service's stream after a position, until another one.

    :raises MessageUnreadable: a message is no event; what stood before it was given. :raises StreamUnavailable: as it says.
    """
    async for batch in messages(client, stream_name(service), after, upto):
        part, last = Part(), after
        for message in batch:
            flaw = _take(part, message)
            if flaw:
                if part.positions:
                    yield part
                raise MessageUnreadable(part.positions[-1] if part.positions else last, flaw)
        after = part.positions[-1]
        yield part


def _take(part: Part, message: Msg) -> str:
    """One more event of a message; what is wrong with it, if something is."""
    headers, sequence = message.headers or {}, sequence_of(message)
    subject = headers.get("Nats-Subject", "")
    event = recorded_event(subject, headers, message.data, sequence)
    if isinstance(event, BrokenEvent):
        return event.flaw
    if subject != subject_of(event.service, event.branch, event.topic):
        return "the message stands under the subject of another event"
    part.positions.append(event.position)
    part.leaves.append(leaf_hash(event))
    part.branches.append(event.branch.encode())
    part.branch_positions.append(event.branch_position)
    part.keys.append(KEY.pack(event.position, event.aggregate_id.bytes, event.version))
    return ""
