"""May this process be sent calls? The standard health service: ``""`` tells it is alive, ``ready`` that it can answer.

Written here and not taken from grpcio-health-checking, whose streams never end: each watcher would hold up the drain
of a server for its whole grace.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeAlias

import grpc
from grpc import StatusCode
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

SERVICE = "grpc.health.v1.Health"
READY = "ready"
READY_TIMEOUT_S = 1.0
WATCH_INTERVAL_S = 1.0

Ready = Callable[[], Awaitable[bool]]
Handler: TypeAlias = "grpc.RpcMethodHandler[HealthCheckRequest, HealthCheckResponse]"
Context: TypeAlias = "grpc.aio.ServicerContext[HealthCheckRequest, HealthCheckResponse]"


class Health:
    """Answers probes; `ready` is asked anew for each, and an error or a second's silence counts as no."""

    def __init__(self, ready: Ready) -> None:
        self._ready = ready
        self._draining = asyncio.Event()

    def drain(self) -> None:
        """From now on nothing is served; whoever watches is told and let go."""
        self._draining.set()

    async def status(self, name: str) -> HealthCheckResponse.ServingStatus:
        """The status of a name; SERVICE_UNKNOWN for any but the two."""
        if name not in ("", READY):
            return HealthCheckResponse.SERVICE_UNKNOWN
        if self._draining.is_set():
            return HealthCheckResponse.NOT_SERVING
        if name == READY and not await self._is_ready():
            return HealthCheckResponse.NOT_SERVING
        return HealthCheckResponse.SERVING

    async def _is_ready(self) -> bool:
        try:
            async with asyncio.timeout(READY_TIMEOUT_S):
                return await self._ready()
        except Exception:
            # Whatever keeps it from answering, it is not ready.
            return False

    async def check(self, request: HealthCheckRequest, context: Context) -> HealthCheckResponse:
        """The status now."""
        status = await self.status(request.service)
        if status == HealthCheckResponse.SERVICE_UNKNOWN:
            await context.abort(StatusCode.NOT_FOUND, "unknown service")
        return HealthCheckResponse(status=status)

    async def watch(self, request: HealthCheckRequest, context: Context) -> None:
        """The status now and whenever it changes, until the server drains."""
        last = None
        while True:
            draining = self._draining.is_set()
            status = await self.status(request.service)
            if status != last:
                await context.write(HealthCheckResponse(status=status))
            if draining:
                return
            last = status
            # Nothing happened for so long: look again.
            with suppress(TimeoutError):
                async with asyncio.timeout(WATCH_INTERVAL_S):
                    await self._draining.wait()

    def handlers(self) -> dict[str, Handler]:
        """The methods of the health service, by path."""
        read, write = HealthCheckRequest.FromString, HealthCheckResponse.SerializeToString
        return {
            f"/{SERVICE}/Check": grpc.unary_unary_rpc_method_handler(self.check, read, write),
            f"/{SERVICE}/Watch": grpc.unary_stream_rpc_method_handler(self.watch, read, write),
        }
