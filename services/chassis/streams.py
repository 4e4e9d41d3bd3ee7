"""Which streams are there, how is each configured, and how does a service reach them?

They are made here and nowhere else, by a step of its own before the services start; a service never declares one. The
one exception is a publisher that finds its own stream gone: it asks for it here and fills it anew. A stream that does not
hold everything yet is *closed*: it takes events and gives none, so nobody follows it from a beginning that he knows.
"""

import asyncio
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from chassis import nats_client
from chassis.cloudevents import ROOT, token
from chassis.ending import ended
from chassis.nats_addresses import secured

MAX_MESSAGE_BYTES = 256 * 1024
MAX_CHECKPOINT_BYTES = 16 * 1024
REQUEST_TIMEOUT_S = 5.0
ASKED_EVERY_S = 5.0
LOOK_EVERY_S = 0.05
UNANSWERED_TIMES = 3
DEAD_LETTERS = "DEADLETTERS"
SCHEDULES = "SCHEDULES"
LEDGER = "LEDGER"
DEAD_LETTERS_KEPT_S = 400 * 86_400
FIRED_KEPT = "720h"

NOT_FOUND = 10059
WRONG_LAST_SEQUENCE = 10071

log = structlog.get_logger(__name__)


class JetStreamError(Exception):
    """JetStream answered a request with an error; `code` is its `err_code`."""

    def __init__(self, code: int, description: str) -> None:
        super().__init__(f"{description} ({code})")
        self.code, self.description = code, description


class StreamRefused(Exception):
    """A stream exists with a configuration that cannot be changed to the one it must have."""


@dataclass(frozen=True)
class Stream:
    """A stream as it must be; `settings` are the fields of JetStream's own configuration."""

    name: str
    settings: Mapping[str, object] = field(default_factory=dict)

    @property
    def configuration(self) -> dict[str, object]:
        """The body of a request that makes it."""
        return {"name": self.name, **self.settings}


def stream_name(service: str) -> str:
    """The name of the stream of a service."""
    return f"FEDERATION_{service.upper()}"


def stream_of(service: str, replicas: int = 1) -> Stream:
    """The stream on which a service announces its events: kept for ever, every one, in order.

    It may be read by sequence (`allow_direct`): so an auditor reads it, who may make no consumer.
    """
    forever = {"deny_delete": True, "deny_purge": True, "discard": "new", "max_age": 0, "allow_direct": True}
    return Stream(stream_name(service), _settings(f"{ROOT}.{service}.>", replicas, **forever, allow_atomic=True))


_NOBODY = {"inactive_threshold": 1}
"""Limits of consumers that none keeps: the server refuses those of other streams and whoever asks for more, and forgets the
readers of services, who do not, as soon as they are not asking."""


def closed(stream: Stream) -> Stream:
    """A stream as it must be until it holds everything recorded."""
    return Stream(stream.name, {**stream.settings, "consumer_limits": _NOBODY})


def is_closed(configuration: Mapping[str, Any]) -> bool:
    """Whether a stream, by what the server says of it, gives nothing to anybody."""
    limits: Mapping[str, Any] = configuration.get("consumer_limits") or {}
    return limits.get("inactive_threshold") == _NOBODY["inactive_threshold"]


async def open_to_readers(client: Client, stream: Stream) -> None:
    """Let everybody read a stream that was closed.

    :raises JetStreamError: it cannot be; :raises NatsError: no answer.
    """
    found = (await info(client, stream.name))["config"]
    kept = {name: value for name, value in found.items() if name != "consumer_limits"}
    await api(client, f"STREAM.UPDATE.{stream.name}", {**kept, **stream.configuration})


def ledger_stream(replicas: int = 1) -> Stream:
    """The stream on which the checkpoints of the ledger of every service are announced: kept for ever, every one."""
    forever = {"deny_delete": True, "deny_purge": True, "discard": "new", "max_age": 0, "allow_direct": True}
    return Stream(LEDGER, _settings(checkpoint_subject(), replicas, **forever) | {"max_msg_size": MAX_CHECKPOINT_BYTES})


def checkpoint_subject(service: str = "*") -> str:
    """The subject of the checkpoints of a service, or of all."""
    return f"{ROOT}.ledger.{service}.checkpoint"


def shared_streams(replicas: int = 1) -> list[Stream]:
    """The streams that belong to no single service."""
    kept = {"deny_delete": True, "deny_purge": True, "discard": "old", "max_age": DEAD_LETTERS_KEPT_S * 10**9}
    # A schedule is cancelled by purging its subject, so this stream alone allows it.
    purgeable = {"deny_delete": False, "deny_purge": False, "discard": "old", "max_age": 0}
    return [
        ledger_stream(replicas),
        Stream(DEAD_LETTERS, _settings("deadletters.>", replicas, **kept)),
        Stream(SCHEDULES, _settings("schedules.>", replicas, **purgeable, allow_msg_schedules=True, allow_msg_ttl=True)),
    ]


def _settings(subjects: str, replicas: int, **more: object) -> dict[str, object]:
    unlimited = {"max_msgs": -1, "max_bytes": -1, "max_msgs_per_subject": -1}
    return {
        "subjects": [subjects], "storage": "file", "retention": "limits", "num_replicas": replicas,
        "max_msg_size": MAX_MESSAGE_BYTES, **unlimited, **more,
    }  # fmt: skip


async def set_up(url: str, services: Iterable[str], *, replicas: int = 1, publishers_open: bool = False) -> list[str]:
    """Make every stream of the federation, or bring it to the configuration it must have; answer the names of those made.

    May be repeated, and run twice at once.

    :param publishers_open: those of the services are made closed, for their publishers to fill and to open.

    :raises StreamRefused: a stream exists and cannot become what it must be; :raises JetStreamError, NatsError: no answer.
    """
    client = nats_client.Client()
    await client.connect(url, allow_reconnect=False, connect_timeout=5, **secured(url))
    try:
        own = [stream_of(service, replicas) for service in services]
        streams = [*(map(closed, own) if publishers_open else own), *shared_streams(replicas)]
        return [stream.name for stream in streams if await ensure(client, stream)]
    finally:
        await client.close()


async def ensure(client: Client, stream: Stream) -> bool:
    """Make a stream, or bring it to the configuration it must have; True when it was made.

    :raises StreamRefused: it exists and cannot become what it must be.
    """
    try:
        found = (await info(client, stream.name))["config"]
    except JetStreamError as error:
        if error.code != NOT_FOUND:
            raise
        return bool((await api(client, f"STREAM.CREATE.{stream.name}", stream.configuration)).get("did_create"))
    if differing := altered(found, stream):
        await _update(client, stream, found, differing)
    return False


_FOREIGN = {
    "sealed", "mirror", "sources", "subject_transform", "republish", "no_ack", "allow_rollup_hdrs", "allow_msg_ttl",
    "allow_msg_counter", "subject_delete_marker_ttl", "discard_new_per_subject",
}  # fmt: skip
"""What no stream has that is kept for ever: it would change what the stream holds, or whether it takes more."""


def altered(found: Mapping[str, object], stream: Stream) -> dict[str, object]:
    """The settings of a stream that are not as they must be, each as it must be; whether it is closed is its publisher's."""
    foreign = {name: None for name in sorted(_FOREIGN) if found.get(name) and stream.settings.get("deny_purge")}
    if found.get("consumer_limits") and not is_closed(found):
        foreign["consumer_limits"] = None
    expected = {name: value for name, value in stream.settings.items() if name != "consumer_limits"}
    return foreign | {name: value for name, value in expected.items() if found.get(name, False) != value}


async def _update(client: Client, stream: Stream, found: Mapping[str, object], differing: Mapping[str, object]) -> None:
    told = ", ".join(f"{name} is {found.get(name)!r} and must be {value!r}" for name, value in differing.items())
    kept = {name: value for name, value in found.items() if name not in differing}
    settings = {name: value for name, value in stream.configuration.items() if name != "consumer_limits"}
    try:
        await api(client, f"STREAM.UPDATE.{stream.name}", {**kept, **settings})
    except JetStreamError as error:
        raise StreamRefused(f"stream {stream.name}: {told}; the server refuses: {error.description}") from error
    log.warning("stream brought to its configuration", stream=stream.name, changed=told)


async def api(client: Client, request: str, body: Mapping[str, object] | None = None) -> dict[str, Any]:
    """The answer to a request of the JetStream API.

    nats-py has methods for most, but neither for all fields of this server's streams nor for its errors by number.

    :raises JetStreamError: the answer is an error; :raises NatsError, OSError: there is no answer.
    """
    return await _asked(client, f"$JS.API.{request}", json.dumps(body or {}).encode())


async def _asked(client: Client, subject: str, body: bytes, headers: dict[str, str] | None = None) -> dict[str, Any]:
    if not client.is_connected:
        raise ConnectionError("NATS cannot be reached")
    message = await client.request(subject, body, timeout=REQUEST_TIMEOUT_S, headers=headers)
    return answer(message.data)


def answer(data: bytes) -> dict[str, Any]:
    """What JetStream answered.

    :raises JetStreamError: an error.
    """
    found: dict[str, Any] = json.loads(data)
    if error := found.get("error"):
        raise JetStreamError(error.get("err_code", 0), error.get("description", ""))
    return found


async def info(client: Client, stream: str) -> dict[str, Any]:
    """What the server knows of a stream.

    :raises JetStreamError: there is none (`NOT_FOUND`); :raises NatsError: no answer.
    """
    return await api(client, f"STREAM.INFO.{stream}")


async def last_sequence(client: Client, service: str) -> int:
    """The sequence of the last message of a service's stream; see :func:`last_of`."""
    return await last_of(client, stream_name(service))


async def last_of(client: Client, stream: str) -> int:
    """The sequence of the last message of a stream, 0 when it is empty.

    :raises JetStreamError: there is no such stream (`NOT_FOUND`), or no answer from it.
    """
    return int((await info(client, stream))["state"]["last_seq"])


class Connection:
    """A connection to NATS that its owner need not wait for: made in the background, and made again when it was closed.

    The library reconnects by itself when the server goes away; it closes for good when the server turns it out.
    """

    def __init__(self, url: str, name: str) -> None:
        self.client: Client = nats_client.Client()
        self._url, self._name = url, name
        self._task: asyncio.Task[None] | None = None
        self._lost = asyncio.Event()

    @property
    def is_connected(self) -> bool:
        """Whether NATS can be reached just now."""
        return self.client.is_connected

    async def start(self) -> None:
        """Begin to connect; returns at once."""
        self._task = asyncio.create_task(self._keep(), name="nats-connection")

    async def stop(self) -> None:
        """Close it."""
        await ended(self._task)

    async def reached(self, timeout_s: float) -> None:
        """Wait until NATS can be reached, for so long at most."""
        with suppress(TimeoutError):
            await until_connected(self, timeout_s)

    async def request(self, subject: str, body: bytes, headers: dict[str, str], timeout_s: float) -> Msg:
        """The answer to a request, or at once an error when the connection is lost meanwhile; the outcome is unknown then.

        :raises NatsError, OSError: no connection, or no answer.
        """
        if not self.is_connected:
            raise ConnectionError("NATS cannot be reached")
        asking = asyncio.ensure_future(self.client.request(subject, body, timeout=timeout_s, headers=headers))
        lost = asyncio.ensure_future(self._lost.wait())
        try:
            await asyncio.wait((asking, lost), return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                raise ConnectionError("the connection to NATS was lost")
            return asking.result()
        finally:
            lost.cancel()
            asking.cancel()
            asking.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody else will look at it

    async def _keep(self) -> None:
        while True:
            closed = asyncio.Event()
            self.client = nats_client.Client()
            try:
                options = connection_options(closed) | secured(self._url) | {"disconnected_cb": self._tell_lost}
                await self.client.connect(self._url, name=self._name, **options)
                watching = asyncio.create_task(leave_when_cut_off(self.client), name="nats-cut-off")
                try:
                    await closed.wait()
                finally:
                    await ended(watching)
            except (NatsError, OSError, TimeoutError) as error:
                log.warning("nats", error=_told(error))
            finally:
                if self.client.options:  # else it never began to connect
                    await self.client.close()
            await asyncio.sleep(1.0)

    async def _tell_lost(self) -> None:
        self._lost.set()
        self._lost = asyncio.Event()


async def until_connected(connection: Client | Connection, timeout_s: float) -> None:
    """Wait until NATS can be reached.

    :raises TimeoutError: it cannot be for so long.
    """
    async with asyncio.timeout(timeout_s):
        while not connection.is_connected:
            await asyncio.sleep(LOOK_EVERY_S)


async def leave_when_cut_off(client: Client) -> None:
    """Close a connection when JetStream has not answered on it for some time; whoever keeps it then finds another server.

    A server that is cut off from its peers goes on answering pings, so the library stays with it; and it can keep nothing
    as long as there is nobody to agree with.
    """
    unanswered = 0
    while unanswered < UNANSWERED_TIMES:
        await asyncio.sleep(ASKED_EVERY_S)
        try:
            if client.is_connected:
                await api(client, "INFO")
            unanswered = 0
        except (JetStreamError, NatsError, OSError):
            unanswered += client.is_connected
    log.warning("the NATS server can do nothing just now, another one is looked for")
    await client.close()


def connection_options(closed: asyncio.Event) -> dict[str, Any]:
    """How every connection of a service behaves; `closed` is set when it is closed for good.

    It never gives up, notices a dead server within 15 s, and buffers no more than one batch while there is none.
    """
    told: list[str] = []

    async def log_error(error: Exception) -> None:
        # The library reports each attempt; the first of its kind tells enough.
        if _told(error) not in told:
            told[:] = [_told(error)]
            log.warning("nats", error=told[0])

    async def log_reconnected() -> None:
        told.clear()
        log.info("nats reached again")

    async def set_closed() -> None:
        closed.set()

    return {
        "max_reconnect_attempts": -1,
        "reconnect_time_wait": 0.25,
        "ping_interval": 5,
        "max_outstanding_pings": 2,
        "pending_size": 2 * 1024 * 1024,
        "flush_timeout": 5.0,
        "error_cb": log_error,
        "reconnected_cb": log_reconnected,
        "closed_cb": set_closed,
    }


def _told(error: Exception) -> str:
    return str(error) or type(error).__name__


def schedule_subject(service: str, key: str) -> str:
    """The subject that holds the schedule of a key."""
    return f"schedules.{token(service)}.waiting.{token(key)}"


def due_subject(service: str) -> str:
    """The subject on which a service's scheduled messages arrive when their time has come.

    The server takes no target outside of the stream that holds the schedule, so both lie in `SCHEDULES`.
    """
    return f"schedules.{token(service)}.due"


async def schedule(client: Client, service: str, key: str, due: datetime, body: bytes) -> None:
    """Have `body` delivered on :func:`due_subject` at `due`; the header ``Nats-Scheduler`` then tells the key's subject.

    One schedule a key: a later one replaces an earlier one that has not fired. Asked again after it fired, it fires
    again, so a receiver remembers the keys it has seen. A time in the past fires at once.

    :raises JetStreamError: it was not taken; :raises NatsError, OSError: unknown, ask again.
    """
    headers = {
        "Nats-Schedule": f"@at {due.astimezone(UTC).isoformat().replace('+00:00', 'Z')}",
        "Nats-Schedule-Target": due_subject(service),
        "Nats-Schedule-TTL": FIRED_KEPT,
    }
    await _asked(client, schedule_subject(service, key), body, headers)


async def cancel(client: Client, service: str, key: str) -> bool:
    """Take a schedule back; False when there is none, or it has fired.

    :raises JetStreamError, NatsError, OSError: unknown, ask again.
    """
    return bool((await api(client, f"STREAM.PURGE.{SCHEDULES}", {"filter": schedule_subject(service, key)}))["purged"])
