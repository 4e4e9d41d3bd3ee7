"""How is another service called, so that neither a restart nor a busy moment fails the caller?

A channel keeps a connection to every address of its target, takes turns, and repeats what failed in passing: safe,
because a command that is repeated under its id takes effect once. Every call has a deadline. What cannot be repeated
comes back as :class:`Refused`.
"""

import json
from collections.abc import Mapping
from typing import Any, TypeAlias

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from grpc import StatusCode

from chassis.calls import path_of
from chassis.commands import Call
from chassis.refusals import Unavailable
from chassis.rich_status import DETAILS_KEY, Heard, heard
from chassis.rpc import MAX_BATCH_BYTES
from chassis.security import Caller

MultiCallable: TypeAlias = "grpc.aio.UnaryUnaryMultiCallable[Message, Message]"

DEFAULT_TIMEOUT_S = 10.0
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


def open_channel(target: str) -> grpc.aio.Channel:
    """A channel to every address of a target (``dns:///membership:50051``); belongs to the running event loop."""
    return grpc.aio.insecure_channel(target, options=OPTIONS)


class RpcClient:
    """Calls one service of a target, as one caller.

    The connection is made at the first call, on the event loop that makes it. No process may fork after that.

    :param wait_for_ready: wait for an absent server until the deadline, instead of some 4 s.
    """

    def __init__(self, target: str, service: ServiceDescriptor, caller: Caller, *, wait_for_ready: bool = False) -> None:
        self.target, self.service = target, service
        self._wait_for_ready = wait_for_ready
        self._channel: grpc.aio.Channel | None = None
        self._callables: dict[str, MultiCallable] = {}
        self._metadata = (
            ("caller-id", caller.id),
            ("caller-role", caller.role.name.lower()),
            ("caller-unit", caller.unit),
            ("accept-language", caller.language),
        )

    async def call(
        self,
        rpc: str,
        request: Message,
        *,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        at_least: Mapping[str, int] | None = None,
        cause: Call | None = None,
    ) -> Any:
        """Call an RPC by name and answer its response.

        :param at_least: positions by service that the answer must have seen.
        :param cause: the call in whose course this one is made: its chain and trace go on, its deadline holds.
        :raises Refused: whatever the other side, or gRPC, has against it.
        """
        metadata: tuple[tuple[str, str], ...] = self._metadata
        if at_least:
            metadata += (("at-least-position", ",".join(f"{name}={position}" for name, position in at_least.items())),)
        if cause:
            metadata += tuple((key, value) for key, value in _chain(cause) if value)
            timeout_s = min(timeout_s, cause.deadline_s)
        try:
            return await self._callable(rpc)(request, timeout=timeout_s, metadata=metadata, wait_for_ready=self._wait_for_ready)
        except grpc.aio.AioRpcError as error:
            raise refused(error) from None

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
                raise Unavailable(reason=self.service.full_name.split(".")[-3]) from error
            raise

    async def close(self) -> None:
        """Close the connections; calls under way are cancelled."""
        if self._channel:
            await self._channel.close()
            self._channel = None
            self._callables.clear()

    def _callable(self, rpc: str) -> MultiCallable:
        found = self._callables.get(rpc)
        if found is None:
            method = self.service.methods_by_name[rpc]
            self._channel = self._channel or open_channel(self.target)
            found = self._callables[rpc] = self._channel.unary_unary(
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
