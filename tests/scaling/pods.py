"""Several pods of one service on one store: each put together as it is, in this process or in one of its own."""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen
from uuid import uuid4

from chassis.clients import RpcClient
from chassis.database import migrate
from chassis.security import Caller
from chassis.service import Service
from congdoan.embedded import ServiceProcess, reserve_port
from congdoan.embedded.process import plain_environment
from congdoan.suite import Readiness
from tests.serving import (
    FOUNDER,
    PATIENCE_S,
    built,
    credentials,
    method_of,
    patiently,
    request_of,
    settings_of,
    target_of,
    variables_of,
)


class Pod:
    """One of them, called as the founder does."""

    def __init__(self, service: str, name: str, target: str) -> None:
        self.service, self.name, self.target = service, name, target
        self._clients: dict[tuple[str, Caller], RpcClient] = {}

    async def ask(self, rpc: str, /, at_least: Mapping[str, int] | None = None, caller: Caller = FOUNDER, **fields: Any) -> Any:
        """One answer of this pod, which has seen some positions; what is not possible just now is asked again."""
        client, request = self._client(rpc, caller), request_of(self.service, rpc, **fields)
        return await patiently(lambda: client.call(rpc, request, at_least=at_least or {}, timeout_s=PATIENCE_S))

    async def do(self, rpc: str, /, **fields: Any) -> Any:
        """A command with an id of its own."""
        return await self.ask(rpc, command_id=str(uuid4()), **fields)

    def _client(self, rpc: str, caller: Caller) -> RpcClient:
        contract = method_of(self.service, rpc).containing_service
        key = (contract.full_name, caller)
        if key not in self._clients:
            self._clients[key] = RpcClient(self.target, contract, credentials(caller))
        return self._clients[key]

    async def close(self) -> None:
        """Call it no more."""
        for client in self._clients.values():
            await client.close()


class LivePod(Pod):
    """One in this process."""

    def __init__(self, running: Service, name: str) -> None:
        super().__init__(running.name, name, target_of(running))
        self.running = running

    @property
    def leads(self) -> bool:
        return self.running.leadership.leads


@asynccontextmanager
async def pods_of(name: str, database: str, nats_url: str, many: int, **more: Any) -> AsyncIterator[list[LivePod]]:
    """Some pods of a service in this process, the first of which leads; each may be stopped before."""
    async with AsyncExitStack() as stack:
        started = []
        for number in range(many):
            service = built(name, settings_of(name, database, nats_url, **{"instance": f"{name}-{number}", **more}))
            if not number:
                await asyncio.to_thread(migrate, database, service.schema)
            stack.push_async_callback(service.stop)
            await service.start()
            pod = LivePod(service, f"{name}-{number}")
            stack.push_async_callback(pod.close)
            started.append(pod)
        yield started


class ProcessPod(Pod):
    """One in a process of its own, that may be killed, paused and told to stop."""

    def __init__(self, service: str, name: str, settings: Any, folder: Path) -> None:
        self._ports = {each: reserve_port() for each in ("listen", "health_listen", "metrics_listen")}
        super().__init__(service, name, self._ports["listen"].address)
        told = variables_of(settings) | {f"CONGDOAN_{each.upper()}": port.address for each, port in self._ports.items()}
        self.log = folder / f"{name}.log"
        self.process = ServiceProcess(
            name,
            [sys.executable, "-m", service, "serve"],
            log=self.log,
            is_ready=Readiness(self._ports["health_listen"].address),
            env=plain_environment(PYTHONPATH=":".join(path for path in sys.path if path), **told, CONGDOAN_INSTANCE=name),
            start_timeout_s=PATIENCE_S,
        )

    @property
    def pid(self) -> int:
        assert self.process.pid
        return self.process.pid

    def metric(self, name: str) -> float:
        """A number, as Prometheus would read it."""
        with urlopen(f"http://{self._ports['metrics_listen'].address}/metrics", timeout=PATIENCE_S) as answer:
            lines = answer.read().decode().splitlines()
        return float(next(line.split()[-1] for line in lines if line.startswith(f"{name} ")))


async def leader_among(pods: Sequence[LivePod]) -> LivePod:
    """The one that leads, once one does."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            for pod in pods:
                if pod.leads:
                    return pod
            await asyncio.sleep(0.01)
