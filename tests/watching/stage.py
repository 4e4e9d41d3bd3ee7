"""Whom do we watch? Three real services of the suite on a PostgreSQL and a NATS of their own, which may be killed.

The loops by which services look at themselves go as much faster as the film does (`film.PACE_S` for a step); nothing else of
them is changed. What Kubernetes and its operators would tell is told by `Cluster`: the names are those of the documentation
of kube-state-metrics, the kubelet and CloudNativePG's Barman Cloud plugin, the values what the fault does to a real thing here.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from chassis.commands import Command
from chassis.reactions import CommandReaction, Reaction
from chassis.reconciliation.reconciler import Reconciler
from chassis.recorded import RecordedEvent
from chassis.service import Service
from congdoan.embedded import EmbeddedNats, EmbeddedPostgres, reserve_port
from congdoan.embedded.ports import ReservedPort
from deploy.dashboards import BOARDS
from membership.events import UnitEstablished
from tests import identities, serving
from tests.folders import fast_folder
from tests.serving import Suite, suite_of
from tests.watching.film import Film, Reading, Target, Watching
from tests.watching.promql import named
from tests.watching.rules import rules

NAMES = ("membership", "notifications", "audit")
STEP_S = 30.0
"""Of the film: a frame is what was scraped half a minute later."""
START = 1_800_000_000.0
PICKY = "picky"
"""A follower of notifications that cannot take some events as long as it is told to."""
NAMESPACE = {"namespace": "congdoan"}
FAST: dict[str, float] = {
    "chassis.operations.MEASURE_EVERY_S": 0.2,
    "chassis.feed.TICK_S": 0.25,
    "chassis.feed.LOOK_S": 0.5,
    "chassis.reconciliation.reconciler.SWEEP_AT_MOST_EVERY_S": 0.3,
    "chassis.reconciliation.sealed.HOLDS_S": 0.0,
    "chassis.publisher.STOPPED_RETRY_S": 0.2,
}


def label(name: str) -> dict[str, str]:
    """By which labels a service's pod is known to Prometheus: the PodMonitor ``services`` gives them."""
    return {**NAMESPACE, "job": "congdoan/services", "pod": f"{name}-0", "app_kubernetes_io_name": name}


class Picky:
    """What an event does to a program with a mistake in it."""

    def __init__(self) -> None:
        self.mistaken = False

    def commands(self, event: RecordedEvent) -> Iterable[Command]:
        """Nothing is to be done about any event; the mistake is met by each."""
        if self.mistaken:
            raise ValueError("a mistake of the program")
        return ()


@dataclass
class Cluster:
    """What is not ours: who is ready, how full the disks are, when there was a backup."""

    nats: EmbeddedNats
    disk: tuple[float, float] = (100.0, 100.0)
    """Bytes available, and in all."""
    backup_age_s: float = 3_600.0
    ready: dict[str, Any] = field(default_factory=dict)

    async def readings(self, now: float) -> list[Reading]:
        """What the exporters say."""
        set_of = {**NAMESPACE, "statefulset": "nats"}
        healthy = await asyncio.to_thread(self.nats.healthy)  # the readiness probe of the manifest asks the same
        claim = {**NAMESPACE, "persistentvolumeclaim": "data-nats-0"}
        pods = await asyncio.gather(*map(self._is_ready, self.ready.values()))
        return [
            Reading("kube_statefulset_replicas", set_of, 1.0),
            Reading("kube_statefulset_status_replicas_ready", set_of, float(healthy)),
            Reading("kubelet_volume_stats_available_bytes", claim, self.disk[0]),
            Reading("kubelet_volume_stats_capacity_bytes", claim, self.disk[1]),
            Reading(
                "barman_cloud_cloudnative_pg_io_last_available_backup_timestamp",
                {**NAMESPACE, "cnpg_io_cluster": "membership-db"}, now - self.backup_age_s,
            ),
            *(
                Reading("kube_deployment_status_replicas_available", {**NAMESPACE, "deployment": name}, float(is_ready))
                for name, is_ready in zip(self.ready, pods, strict=True)
            ),
        ]  # fmt: skip

    async def _is_ready(self, ask: Any) -> bool:
        """What the readiness probe asks a pod."""
        try:
            answer = await ask(HealthCheckRequest(service="ready"), timeout=2.0)
        except grpc.RpcError:
            return False
        return bool(answer.status == HealthCheckResponse.SERVING)


class Stage:
    """The services, the film, and what is done to them."""

    def __init__(
        self, suite: Suite, postgres: EmbeddedPostgres, nats: EmbeddedNats, folder: Path, picky: Picky, smtp: ReservedPort
    ) -> None:
        self.suite, self.postgres, self.nats, self.folder, self.picky = suite, postgres, nats, folder, picky
        self.cluster = Cluster(nats)
        self.smtp = smtp
        self.again: list[Service] = []
        """What was started in the place of what was stopped."""
        self.loaded = True
        self.step_s = STEP_S
        self._calls: set[asyncio.Task[Any]] = set()
        targets = [Target(label(name), lambda name=name: self._address(name)) for name in NAMES]  # type: ignore[misc]
        wanted = {name for rule in rules() for name in named(rule.expression)}
        wanted |= {name for board in BOARDS for panel in board.panels for query in panel.queries for name in named(query.plain)}
        self.film = Film(targets, wanted, self._others, START)
        self.watching = Watching(self.film, rules())

    def _address(self, name: str) -> str:
        return f"http://127.0.0.1:{self.suite.services[name].metrics_server.port}/metrics"

    async def _others(self) -> list[Reading]:
        return await self.cluster.readings(self.film.moments[-1] if self.film.moments else START)

    async def frame(self) -> None:
        """Some work of the federation, and what could be read of it then."""
        if self.loaded:
            self.begin(self.suite.do("membership", "EstablishUnit", unit=f"u-{uuid4().hex[:12]}", **UNIT))
            self.begin(self.suite.call("membership", "GetUnit", unit="tld"))
        await self.film.frame(self.step_s)
        self.watching.look()

    def begin(self, call: Any) -> None:
        """Call without waiting; what becomes of it is counted by the service."""

        async def made() -> None:
            try:
                async with asyncio.timeout(20.0):
                    await call
            except Exception:
                return

        task = asyncio.create_task(made())
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)

    async def settled(self) -> None:
        """Let everything that was begun end."""
        if self._calls:
            await asyncio.wait(self._calls)

    async def stop(self) -> None:
        """Nothing of ours is left under way."""
        for task in self._calls:
            task.cancel()
        await self.settled()
        for service in self.again:
            await service.stop()


UNIT: dict[str, Any] = {"name": "CĐCS", "level": 5, "line_parent": "tld", "on": "2000-01-01"}


@contextmanager
def altered(picky: Picky) -> Iterator[None]:
    """As long as this holds, services are built with their loops as fast as the film, and notifications with a picky follower."""
    build = serving.built

    def built(name: str, settings: Any) -> Service:
        service = build(name, settings)
        if name == "notifications":
            reaction = Reaction(PICKY, "membership", frozenset({UnitEstablished.topic}), picky.commands)
            service.follow(CommandReaction(reaction, Nobody(), service.caller))
        return service

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(serving, "built", built)
        defaults = Reconciler.__init__.__kwdefaults__
        assert defaults
        patch.setitem(defaults, "every_s", 0.1)
        for name, value in FAST.items():
            patch.setattr(name, value)
        yield


class Nobody:
    """Takes commands where there are none."""

    async def execute(self, call: Any, command: Any) -> Any:
        """Never called."""
        raise AssertionError("a picky follower gives no command")


@asynccontextmanager
async def set_stage() -> AsyncIterator[Stage]:
    """Everything up, the first units there, and whoever follows has caught up."""
    picky = Picky()
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(fast_folder())
        postgres = stack.enter_context(EmbeddedPostgres(folder, folder / "run"))
        nats = stack.enter_context(EmbeddedNats(folder / "nats", folder / "run"))
        stack.enter_context(altered(picky))
        audits, smtp, answers = reserve_port(), reserve_port(), reserve_port()
        probes = {name: reserve_port() for name in NAMES}
        identity = identities.identity_in(folder / "tls", "notifications")
        told: dict[str, dict[str, Any]] = {
            "membership": {"audit_target": audits.address, "burst_per_caller": 1_001, "calls_per_second_per_caller": 100},
            "audit": {"service_listen": audits.address, "listen": answers.address, "checkpoint_interval_s": 0.2},
            "notifications": {
                "smtp_url": f"smtp://{smtp.address}", "mail_from": "congdoan@example.vn", "first_retry_s": 1.0,
                "tls_certificate_file": str(identity.certificate), "tls_key_file": str(identity.key),
            },
        }  # fmt: skip
        for name, port in probes.items():
            told[name]["health_listen"] = port.address
        suite = await stack.enter_async_context(suite_of(postgres, nats.url, *NAMES, **told))
        stage = Stage(suite, postgres, nats, folder, picky, smtp)
        stack.push_async_callback(stage.stop)
        for name, port in probes.items():
            channel = await stack.enter_async_context(grpc.aio.insecure_channel(port.address))
            stage.cluster.ready[name] = channel.unary_unary(
                "/grpc.health.v1.Health/Check",
                request_serializer=HealthCheckRequest.SerializeToString,
                response_deserializer=HealthCheckResponse.FromString,
            )
        await suite.establish("tld", 1)
        yield stage
