"""Which processes are the suite, and how do they come up? Two servers, then each service's steps, then the services."""

import asyncio
import json
import os
import secrets
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from chassis.files import write_whole
from chassis.ledger_keys import make_ledger_key
from chassis.settings import MIN_SECRET_BYTES
from chassis.streams import set_up
from chassis.wrapping_keys import WrappingKeys
from congdoan.auditing.roles import grant_reading, keep_out
from congdoan.authority import Certificates
from congdoan.embedded import ChildProcess, EmbeddedNats, EmbeddedPostgres, ServiceProcess, Supervisor, reserve_port
from congdoan.embedded.folder import make_private_folder
from congdoan.embedded.process import plain_environment
from congdoan.issuer import AUDIENCE, FOLDER, ISSUER, PROVINCES, PUBLISHED, Issuer
from congdoan.migrating import ENVIRONMENTS
from congdoan.provinces import make_streams
from congdoan.services import SERVICES

STEP_TIMEOUT_S = 60.0
START_TIMEOUT_S = 60.0
HEALTH_TIMEOUT_S = 1.0
SECRETS = "secrets"
KEYS = "keys"
"""The database of the keys of persons."""
EVERY_SPAN = {"OTEL_BSP_MAX_QUEUE_SIZE": "100000", "OTEL_BSP_SCHEDULE_DELAY": "500"}
"""Of the exporter: none is dropped while the sample comes in, and each is there within half a second."""
PASSED_ON = ("PYTHONPATH", "CONGDOAN_OTLP_ENDPOINT", "CONGDOAN_LOG_LEVEL")


def wrapping_keys_of(data: Path) -> Path:
    """Where the keys stand by which a suite wraps those of persons."""
    return data / SECRETS / "wrapping"


def ledger_key_of(data: Path) -> Path:
    """Where the key stands by which a suite signs the checkpoints of its ledger."""
    return data / SECRETS / "ledger"


def auditor_key_of(data: Path) -> Path:
    """Where the key stands by which the auditor on this machine reads the streams."""
    return data / SECRETS / "auditor.nk"


class StepFailed(Exception):
    """A step before the start of a service did not end well; the message carries the end of its log."""


class Suite:
    """The processes of one suite: its history in `data`, what ends with it in `run`, which has a short path.

    Whoever prepares or starts services holds its `certificates` (``with``) as long as they run.

    :param traces_to: where the services send their spans (``http://…``); where this shell says, when left out.
    """

    def __init__(self, data: Path, run: Path, traces_to: str = "") -> None:
        self.data, self.run, self._traces_to = data, run, traces_to
        self.nats = EmbeddedNats(data / "nats", run, published=self.issuer_folder / PROVINCES)
        self.postgres = EmbeddedPostgres(data, run)
        # Kept as long as the suite, so that a service that comes back is found where it was.
        self._ports = {name: reserve_port() for name in SERVICES}
        self._service_ports = {name: reserve_port() for name in SERVICES}
        self._health_ports = {name: reserve_port() for name in SERVICES}
        self._metrics_ports = {name: reserve_port() for name in SERVICES}
        self.certificates = Certificates(run / "tls", SERVICES)

    @property
    def targets(self) -> dict[str, str]:
        """Where each service answers users."""
        return {name: port.address for name, port in self._ports.items()}

    @property
    def metrics(self) -> dict[str, str]:
        """Where each service tells its metrics."""
        return {name: f"http://{port.address}/metrics" for name, port in self._metrics_ports.items()}

    def start_servers(self, supervisor: Supervisor) -> None:
        """Start NATS and PostgreSQL.

        :raises EmbeddedServerError: one does not start, or the folder is in use.
        """
        for folder in (self.data, self._secrets, self._logs):
            make_private_folder(folder)
        self.issuer = Issuer.open(self.issuer_folder)
        self.nats.hub.auditors.admit_local(auditor_key_of(self.data), datetime.now(UTC))
        supervisor.start(self.nats, self.postgres)

    def prepare(self) -> None:
        """Make databases, schemas and streams, as far as they are not there.

        :raises StepFailed: one of the steps failed.
        """
        for name in SERVICES:
            self._make_secret(name)
            self.postgres.create_database(name)
        self.postgres.create_database(KEYS)
        if not self._wrapping_keys.exists():
            WrappingKeys(self._wrapping_keys).put_first()
        if not ledger_key_of(self.data).exists():
            make_ledger_key(ledger_key_of(self.data))
        migrating = self._migrating()
        asyncio.run(self._make_streams())
        _finish("migrate", migrating)
        self._let_auditor_read()

    def _let_auditor_read(self) -> None:
        """Give the auditor's role what it may read: the event stores, and nothing of the keys of persons."""
        for name in SERVICES:
            grant_reading(self.postgres.conninfo(name))
        keep_out(self.postgres.conninfo(KEYS))

    async def _make_streams(self) -> None:
        await set_up(self.nats.url, SERVICES, publishers_open=True)
        await make_streams(self.nats.hub)

    def start_services(self, supervisor: Supervisor) -> None:
        """Start the services side by side; each waits by itself for those it asks.

        :raises EmbeddedServerError: one does not become ready.
        """
        leaving = Leaving()
        supervisor.start(*(self._service(name, leaving) for name in SERVICES))

    def _service(self, name: str, leaving: "Leaving") -> "Service":
        return Service(
            leaving,
            name,
            [sys.executable, "-m", name, "serve"],
            log=self._log_of(name),
            is_ready=Readiness(self._health_ports[name].address),
            env=self.environment(name),
            start_timeout_s=START_TIMEOUT_S,
        )

    def _migrating(self) -> ChildProcess:
        environments = json.dumps({name: self.environment(name) for name in SERVICES})
        command = [sys.executable, "-m", "congdoan.migrating"]
        return ChildProcess(
            command, log=self._log_of("migrate"), env=plain_environment(**{ENVIRONMENTS: environments}, **_passed_on(os.environ))
        )

    def environment(self, name: str) -> dict[str, str]:
        """Everything a service is told; nothing else of this shell reaches it."""
        targets = {f"CONGDOAN_{other.upper()}_TARGET": port.address for other, port in self._service_ports.items()}
        identity = self.certificates.identity(name)
        if name == "membership":
            targets |= {
                "CONGDOAN_KEYS_DATABASE_URL": self.postgres.conninfo(KEYS),
                "CONGDOAN_WRAPPING_KEY_FILE": str(self._wrapping_keys),
            }
        if name == "audit":
            targets["CONGDOAN_LEDGER_KEY_FILE"] = str(ledger_key_of(self.data))
        return plain_environment(
            CONGDOAN_DATABASE_URL=self.postgres.conninfo(name),
            CONGDOAN_NATS_URL=self.nats.url,
            CONGDOAN_LISTEN=self._ports[name].address,
            CONGDOAN_SERVICE_LISTEN=self._service_ports[name].address,
            CONGDOAN_HEALTH_LISTEN=self._health_ports[name].address,
            CONGDOAN_TLS_CERTIFICATE_FILE=str(identity.certificate),
            CONGDOAN_TLS_KEY_FILE=str(identity.key),
            CONGDOAN_TLS_AUTHORITY_FILE=str(identity.authority),
            CONGDOAN_METRICS_LISTEN=self._metrics_ports[name].address,
            CONGDOAN_SECRET_FILE=str(self._secrets / name),
            CONGDOAN_TOKEN_ISSUER=ISSUER,
            CONGDOAN_TOKEN_AUDIENCE=AUDIENCE,
            CONGDOAN_TOKEN_KEYS=str(self.issuer_folder / PUBLISHED),
            CONGDOAN_PROVINCE_KEYS=str(self.issuer_folder / PROVINCES),
            CONGDOAN_DRAIN_S="1",
            PYTHONUNBUFFERED="1",
            **targets,
            **_passed_on(os.environ),
            **({"CONGDOAN_OTLP_ENDPOINT": self._traces_to, **EVERY_SPAN} if self._traces_to else {}),
        )

    @property
    def _wrapping_keys(self) -> Path:
        return wrapping_keys_of(self.data)

    @property
    def issuer_folder(self) -> Path:
        """Where the keys lie that vouch for this machine's users."""
        return self.data / FOLDER

    def _make_secret(self, name: str) -> None:
        """What keys the service's hashes: made once, for they must be the same as long as the history."""
        file = self._secrets / name
        if not file.exists():
            write_whole(file, secrets.token_hex(MIN_SECRET_BYTES).encode())

    def _log_of(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    @property
    def _secrets(self) -> Path:
        return self.data / SECRETS

    @property
    def _logs(self) -> Path:
        return self.data / "logs"


class Service(ServiceProcess):
    """A service that leaves together with the others: each drains for a moment, and none needs another to end."""

    def __init__(self, leaving: "Leaving", *told: Any, **more: Any) -> None:
        super().__init__(*told, **more)
        self._leaving = leaving
        leaving.services.append(self)

    def stop(self, timeout_s: float = 10.0) -> None:
        """Have all of them end, and wait for this one; the time of each is the time of all."""
        until = self._leaving.begin(timeout_s)
        if self._process and self._process.wait(until - time.monotonic()) is None:
            self.kill()

    def ask_to_end(self) -> None:
        """Without waiting."""
        if self.running and self.pid:
            os.kill(self.pid, self.stop_signal)


class Leaving:
    """When some services end, at the same time."""

    def __init__(self) -> None:
        self.services: list[Service] = []
        self._until: float | None = None

    def begin(self, share_s: float) -> float:
        """Ask each, once: a second signal could meet the interpreter when it is already leaving. Answers until when."""
        if self._until is None:
            self._until = time.monotonic() + share_s * len(self.services)
            for service in self.services:
                service.ask_to_end()
        return self._until


class Readiness:
    """Whether a service can be called: its own answer to the standard health question."""

    def __init__(self, target: str) -> None:
        options = (("grpc.initial_reconnect_backoff_ms", 50), ("grpc.min_reconnect_backoff_ms", 50))
        self._channel = grpc.insecure_channel(target, options=(*options, ("grpc.max_reconnect_backoff_ms", 100)))
        self._check = self._channel.unary_unary(
            "/grpc.health.v1.Health/Check",
            request_serializer=HealthCheckRequest.SerializeToString,
            response_deserializer=HealthCheckResponse.FromString,
        )

    def __call__(self) -> bool:
        try:
            answer = self._check(HealthCheckRequest(service="ready"), timeout=HEALTH_TIMEOUT_S)
        except grpc.RpcError:
            return False
        return bool(answer.status == HealthCheckResponse.SERVING)


def _passed_on(environment: Mapping[str, str]) -> dict[str, str]:
    """What holds for the suite and all its services: where this program lies, where traces go, how much is logged."""
    return {name: environment[name] for name in PASSED_ON if name in environment}


def _finish(title: str, step: ChildProcess) -> None:
    try:
        code = step.wait(STEP_TIMEOUT_S)
        if code != 0:
            what = "does not end" if code is None else f"ended with {code}"
            raise StepFailed(f"{title} {what}. The end of its log:\n{step.log_tail()}")
    finally:
        step.kill()
