"""How does a service listen, and how does it stop without failing anybody?

One gRPC server on one event loop. All methods stand in one table: gRPC offers to register each method with its core,
but then wakes up for every call with one future per method.
"""

import asyncio
from typing import Any, TypeAlias

import grpc
from grpc_reflection.v1alpha import reflection
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest, ServerReflectionResponse

from chassis import health
from chassis.identities import Identity
from chassis.rpc import MAX_BATCH_BYTES, Rpc

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"

REFUSING_S = 0.2
"""How long a draining server still answers new calls, with UNAVAILABLE, before it closes its ears.

Calls that have arrived but were not yet taken up are answered CANCELLED by gRPC when it stops (grpc/grpc#41785), which
few clients retry; those that are refused meanwhile leave its queue empty.
"""

OPTIONS: tuple[tuple[str, int], ...] = (
    # Two processes may share a port: the old one drains while the new one takes calls.
    ("grpc.so_reuseport", 1),
    ("grpc.max_receive_message_length", MAX_BATCH_BYTES),
    # A dead peer is noticed within 40 s, and a middlebox does not forget an idle connection.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    # Clients may ping this often (theirs is 30 s) without being taken for an attack.
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.http2.max_ping_strikes", 4),
    # Clients resolve names when they connect: without an end to connections a new replica would never be called.
    ("grpc.max_connection_age_ms", 300_000),
)


class Server:
    """The methods of an :class:`Rpc`, health and reflection, on up to three addresses.

    `listen` is for users: TLS, and whoever calls shows a token. `service_listen` is for services: mutual TLS, the
    handshake fails without a certificate of the authority. `health_listen` is for probes, which on Kubernetes speak
    neither TLS nor show a certificate: it is plain, and answers ``grpc.health.v1.Health`` and nothing else, on a server
    of its own, so no method can be reached there by mistake. Port 0 takes a free one, told once started.

    :param ready: whether the service can answer now: database reached, read models caught up.
    :param identity: the certificate to show; without it `listen` is plain (for tests).
    :param service_listen: where services call; nowhere when left out.
    :param health_listen: where probes ask; when left out, only on the other addresses.
    """

    def __init__(
        self,
        rpc: Rpc,
        listen: str,
        ready: health.Ready,
        *,
        identity: Identity | None = None,
        service_listen: str = "",
        health_listen: str = "",
    ) -> None:
        if service_listen and identity is None:
            raise ValueError("services are told apart by certificates: service_listen needs an identity")
        self._rpc, self._identity = rpc, identity
        self._listen, self._service_listen, self._health_listen = listen, service_listen, health_listen
        self._health = health.Health(ready)
        self._server: grpc.aio.Server | None = None
        self._probed: grpc.aio.Server | None = None
        self.port = self.service_port = self.health_port = 0

    async def start(self) -> None:
        """Listen.

        :raises TypeError: an RPC of a registered service is not answered.
        :raises NotPresentable: the certificate cannot be shown.
        :raises RuntimeError: an address cannot be bound.
        """
        self._rpc.complete()
        probing = dict(self._health.handlers())
        self._server = _listening({**self._rpc.handlers, **probing, **_reflection(self._rpc)})
        self._bind(self._server)
        if self._health_listen:
            self._probed = _listening(probing)
            self.health_port = self._probed.add_insecure_port(self._health_listen)
        await self._server.start()
        if self._probed:
            await self._probed.start()  # last: who is told that it is ready can call it

    def _bind(self, server: grpc.aio.Server) -> None:
        if self._identity is None:
            self.port = server.add_insecure_port(self._listen)
            return
        self.port = server.add_secure_port(self._listen, self._identity.server_credentials(services_only=False))
        if self._service_listen:
            only_services = self._identity.server_credentials(services_only=True)
            self.service_port = server.add_secure_port(self._service_listen, only_services)

    async def stop(self, grace_s: float) -> None:
        """Tell probes, refuse new calls, finish those inside; what is not done after `grace_s` is cancelled."""
        if self._server is None:
            return
        self._health.drain()
        self._rpc.close()
        await asyncio.sleep(min(REFUSING_S, grace_s))
        await self._server.stop(max(0.0, grace_s - REFUSING_S))
        if self._probed:
            await self._probed.stop(REFUSING_S)


def _listening(table: dict[str, Handler]) -> grpc.aio.Server:
    server = grpc.aio.server(options=OPTIONS)
    server.add_generic_rpc_handlers((_Table(table),))
    return server


class _Table(grpc.GenericRpcHandler):
    def __init__(self, table: dict[str, Handler]) -> None:
        self._table = table

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "Handler | None":
        return self._table.get(handler_call_details.method)


def _reflection(rpc: Rpc) -> dict[str, Handler]:
    """Lets tools ask which services and messages there are."""
    servicer = reflection.aio.ReflectionServicer((*rpc.services, health.SERVICE, reflection.SERVICE_NAME))
    handler = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo,
        request_deserializer=ServerReflectionRequest.FromString,
        response_serializer=ServerReflectionResponse.SerializeToString,
    )
    return {f"/{reflection.SERVICE_NAME}/ServerReflectionInfo": handler}
