"""How is another service called, so that neither a restart nor a busy moment fails the caller?

A channel keeps a connection to every address of its target, takes turns, and repeats what failed in passing: safe,
because a command that is repeated under its id takes effect once. Every call has a deadline. What cannot be repeated
comes back as :class:`Refused`.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic
from typing import Any, TypeAlias

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from grpc import StatusCode

from chassis.calls import path_of
from chassis.commands import Call, call_being_answered
from chassis.credentials import Credentials, Token
from chassis.identities import NotPresentable, Pems, Stamp
from chassis.refusals import Unavailable
from chassis.rich_status import DETAILS_KEY, Heard, heard
from chassis.rpc import MAX_BATCH_BYTES

MultiCallable: TypeAlias = "grpc.aio.UnaryUnaryMultiCallable[Message, Message]"
Metadata = tuple[tuple[str, str], ...]

DEFAULT_TIMEOUT_S = 10.0
LOOK_AT_FILES_EVERY_S = 2.0
"""How often a client looks whether its certificate, or the authority it trusts, was renewed; only when it calls."""

MAX_ANSWER_BYTES = 16 << 20

SERVICE_CONFIG = {
    "loadBalancingConfig": [{"round_robin": {}}],
    "methodConfig": [
        {
            "name": [{}],
            # Waits of about 0.1, 0.3, 0.9 and 2.7 s, cut short by the deadline; a server that is overloaded says itself
            # how long to wait. A stopping server answers CANCELLED to what it had not yet looked at (grpc/grpc#41785).
            "retryPolicy": {
                "maxAttempts": 5,
                "initialBackoff": "0.1s",
                "maxBackoff": "3s",
                "backoffMultiplier": 3,
                "retryableStatusCodes": ["UNAVAILABLE", "RESOURCE_EXHAUSTED", "CANCELLED"],
            },
        }
    ],
}
OPTIONS: tuple[tuple[str, int | str], ...] = (
    ("grpc.service_config", json.dumps(SERVICE_CONFIG)),
    # A call is repeated from this buffer; one that is larger would not be.
    ("grpc.per_rpc_retry_buffer_size", MAX_BATCH_BYTES),
    ("grpc.max_receive_message_length", MAX_ANSWER_BYTES),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # Back again soon after a server is; the default waits up to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.dns_min_time_between_resolutions_ms", 2_000),
)
TRANSIENT = (
    StatusCode.UNAVAILABLE,
    StatusCode.RESOURCE_EXHAUSTED,
    StatusCode.DEADLINE_EXCEEDED,
    StatusCode.CANCELLED,
    StatusCode.INTERNAL,
    StatusCode.UNKNOWN,
)


class Refused(Exception):
    """The other side refused.

    ``rule`` is the stable name of the refusal (empty when gRPC itself failed), ``sentence`` in the caller's language,
    ``facts`` its values by name, ``fields`` each field with what is wrong with it, ``retry_after_s`` when repeating
    helps.
    """

    def __init__(self, status: StatusCode, message: str, details: Heard) -> None:
        super().__init__(f"{status.name} {message}")
        self.status, self.message, self.rule = status, message, details.rule
        self.sentence = details.sentence or message
        self.facts, self.fields, self.retry_after_s = dict(details.facts), details.fields, details.retry_after_s

    @property
    def transient(self) -> bool:
        """Whether the same call may be taken later; the outcome of this one is not known."""
        return self.status in TRANSIENT


def open_channel(target: str, pems: Pems | None = None) -> grpc.aio.Channel:
    """A channel to every address of a target (``dns:///membership:50051``); belongs to the running event loop.

    :param pems: whom to trust and what to show; nothing is encrypted when left out.
    """
    if pems is None:
        return grpc.aio.insecure_channel(target, options=OPTIONS)
    return grpc.aio.secure_channel(target, pems.channel_credentials(), options=OPTIONS)


class RpcClient:
    """Calls one gRPC service of a target, with one's credentials.

    The connection is made at the first call, on the event loop that makes it. No process may fork after that. When the
    files of the credentials change, later calls take a new connection.

    :param target: an address that the server's certificate names, by DNS name or IP address; a list of addresses
        (``ipv4:10.0.0.1:50051,10.0.0.2:50051``) has no name that could be verified.
    :param wait_for_ready: wait for an absent server until the deadline, instead of some 4 s.
    """

    def __init__(
        self, target: str, contract: ServiceDescriptor, credentials: Credentials, *, wait_for_ready: bool = False
    ) -> None:
        self.target, self.contract = target, contract
        self._credentials, self._wait_for_ready = credentials, wait_for_ready
        self._connection: _Connection | None = None
        self._replaced: set[_Connection] = set()
        self._look_again_at = 0.0

    async def call(
        self,
        rpc: str,
        request: Message,
        *,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        at_least: Mapping[str, int] | None = None,
        cause: Call | None = None,
        token: Token | None = None,
    ) -> Any:
        """Call an RPC by name and answer its response.

        :param at_least: positions by service that the answer must have seen.
        :param cause: the call in whose course this one is made, the one being answered when left out: its chain and trace go
            on, its deadline holds, and a service shows the token of its officer.
        :param token: gives the token to show this once, instead of that of the credentials.
        :raises Refused: whatever the other side, or gRPC, has against it.
        """
        connection, cause = self._connected(), cause or call_being_answered.get()
        metadata = connection.metadata + self._bearer(cause, token)
        if at_least:
            metadata += (("at-least-position", ",".join(f"{name}={position}" for name, position in at_least.items())),)
        if cause:
            metadata += tuple((key, value) for key, value in _chain(cause) if value)
            timeout_s = min(timeout_s, cause.deadline_s)
        send = connection.callable(self.contract, rpc)
        connection.calls += 1
        try:
            return await send(request, timeout=timeout_s, metadata=metadata, wait_for_ready=self._wait_for_ready)
        except grpc.aio.AioRpcError as error:
            raise refused(error) from None
        finally:
            connection.calls -= 1
            if self._replaced:
                await self._close_idle()

    async def ask(
        self,
        rpc: str,
        request: Message,
        *,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        at_least: Mapping[str, int] | None = None,
        cause: Call | None = None,
    ) -> Any:
        """Like `call`, for a service that needs the answer to decide.

        :raises Unavailable: it cannot be had just now; the caller of this service is told so.
        :raises Refused: the question itself is refused.
        """
        try:
            return await self.call(rpc, request, timeout_s=timeout_s, at_least=at_least, cause=cause)
        except Refused as error:
            if error.transient:
                raise Unavailable(reason=self.contract.full_name.split(".")[-3]) from error
            raise

    def position(self, rpc: str) -> Callable[[], Awaitable[int]]:
        """Asks how far the other side has come, by an RPC whose answer is a position.

        What it makes raises Unavailable: there is no answer.
        """
        request = GetMessageClass(self.contract.methods_by_name[rpc].input_type)()

        async def asked() -> int:
            return int((await self.ask(rpc, request)).position)

        return asked

    async def close(self) -> None:
        """Close the connections; calls under way are cancelled."""
        while self._replaced:
            await self._replaced.pop().channel.close()
        if self._connection:
            await self._connection.channel.close()
            self._connection = None

    def _bearer(self, cause: Call | None, token: Token | None) -> Metadata:
        """The caller's own token, or that of the officer for whom a service asks; and the language to be answered in."""
        credentials = self._credentials
        if credentials.identity and cause and cause.caller.token:
            return ("authorization", f"Bearer {cause.caller.token}"), ("accept-language", cause.caller.language)
        language, token = ("accept-language", credentials.language), token or credentials.token
        return (("authorization", f"Bearer {token()}"), language) if token else (language,)

    def _connected(self) -> "_Connection":
        """The connection to call on: a new one when the files of the credentials were renewed.

        :raises Refused: there is none yet, and the files cannot be used.
        """
        now = monotonic()
        if self._connection and now < self._look_again_at:
            return self._connection
        self._look_again_at = now + LOOK_AT_FILES_EVERY_S
        try:
            if self._connection is None or self._credentials.stamp != self._connection.stamp:
                self._replace(self._credentials.read())
        except NotPresentable as error:
            if self._connection is None:
                raise Refused(StatusCode.UNAVAILABLE, str(error), heard(b"")) from error
        assert self._connection
        return self._connection

    def _replace(self, pems: Pems | None) -> None:
        old, self._connection = self._connection, _Connection(self.target, pems)
        if old:
            self._replaced.add(old)

    async def _close_idle(self) -> None:
        """Close each connection that was replaced, when the last call on it has ended."""
        for idle in [connection for connection in self._replaced if not connection.calls]:
            self._replaced.discard(idle)
            await idle.channel.close()


class _Connection:
    """A channel, made of what some files held."""

    def __init__(self, target: str, pems: Pems | None) -> None:
        self.stamp: Stamp = pems.stamp if pems else ()
        self.metadata: Metadata = (("calling-service", pems.service),) if pems and pems.service else ()
        self.channel = open_channel(target, pems)
        self.calls = 0
        """How many are under way on it."""
        self._callables: dict[str, MultiCallable] = {}

    def callable(self, contract: ServiceDescriptor, rpc: str) -> MultiCallable:
        """What calls an RPC."""
        found = self._callables.get(rpc)
        if found is None:
            method = contract.methods_by_name[rpc]
            found = self._callables[rpc] = self.channel.unary_unary(
                path_of(method),
                request_serializer=GetMessageClass(method.input_type).SerializeToString,
                response_deserializer=GetMessageClass(method.output_type).FromString,
            )
        return found


def refused(error: grpc.aio.AioRpcError) -> Refused:
    """What an error of a call says."""
    trailers = dict(error.trailing_metadata() or ())
    details = trailers.get(DETAILS_KEY, b"")
    return Refused(error.code(), error.details() or "", heard(details if isinstance(details, bytes) else b""))


def _chain(cause: Call) -> tuple[tuple[str, str], ...]:
    return (
        ("correlation-id", cause.correlation_id),
        ("causation-id", cause.causation_id),
        ("traceparent", cause.traceparent),
    )
