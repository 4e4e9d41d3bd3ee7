"""The whole suite as processes, whoever calls it, and every place in which one of its values may have been left."""

import asyncio
import base64
import json
import os
import subprocess
import sys
import time
import typing
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
import orjson
import psycopg
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from nats.aio.client import Client
from psycopg import sql

from chassis.calls import path_of
from chassis.events import PERSONAL
from chassis.read_models import ReadModel
from chassis.security import Caller, Role
from congdoan import whereabouts
from congdoan.embedded import EmbeddedPostgres, Supervisor, reserve_port
from congdoan.embedded.binaries import binaries_for
from congdoan.services import SERVICES
from congdoan.suite import KEYS, Leaving, Service, Suite
from federation.contract.v1 import contract_pb2
from tests.notifications.mailbox import Mailbox, listening
from tests.serving import contracts_of, method_of

PATIENCE_S = 120.0
CLUSTER = "postgres"
MAIL_FROM = "so-theo-doi@congdoan.example"
Lines = list[bytes]


class Refusal(Exception):
    """What a caller is told when it gets no answer: the status, and everything it is told with it."""

    def __init__(self, error: grpc.RpcError) -> None:
        super().__init__(error.details())
        self.status: grpc.StatusCode = error.code()
        self.told = error.details() or ""
        trailers: Any = error.trailing_metadata() or ()
        said = [value if isinstance(value, bytes) else value.encode() for _, value in trailers]
        self.everything = b"\n".join([self.told.encode(), *said])

    @property
    def rule(self) -> str:
        """The rule it breaks."""
        return self.told.partition(":")[0]


class Collector(grpc.GenericRpcHandler):
    """What an OpenTelemetry collector is sent, as it comes over the wire."""

    def __init__(self) -> None:
        self.received: Lines = []
        self._server = grpc.server(ThreadPoolExecutor(2), handlers=[self])
        self.endpoint = f"http://127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"

    def service(self, handler_call_details: Any) -> Any:
        """Whatever is exported is taken."""
        return grpc.unary_unary_rpc_method_handler(self._take)

    def _take(self, data: bytes, context: Any) -> bytes:
        self.received.append(data)
        return b""

    @contextmanager
    def listening(self) -> Iterator["Collector"]:
        """While this lasts."""
        self._server.start()
        yield self
        self._server.stop(1).wait()


class MailingSuite(Suite):
    """The suite as `congdoan up` runs it, with a mail server; each of its services can be killed and started again."""

    def __init__(self, data: Path, run: Path, smtp_url: str) -> None:
        super().__init__(data, run)
        self._smtp_url, self._restored = smtp_url, ""
        self.services: dict[str, Service] = {}

    def environment(self, name: str) -> dict[str, str]:
        """What a service is told."""
        told = super().environment(name)
        if name == "membership" and self._restored:
            told["CONGDOAN_DATABASE_URL"] = self.postgres.conninfo(self._restored)
        if name == "notifications":
            told |= {"CONGDOAN_SMTP_URL": self._smtp_url, "CONGDOAN_MAIL_FROM": MAIL_FROM}
        return told

    def start_services(self, supervisor: Supervisor) -> None:
        """Start the services; who is killed stays dead until it is started."""
        self.services = {name: self._service(name, Leaving()) for name in SERVICES}
        supervisor.start(*self.services.values())

    def put_back(self, database: str) -> None:
        """Have membership start on another database from now on, with everything else as it is."""
        self._restored = database
        self.services["membership"] = self._service("membership", Leaving())

    def service_target(self, name: str) -> str:
        """Where a service answers services."""
        return self._service_ports[name].address


@dataclass(slots=True)
class World:
    """A running suite, those who call it, and what they were told."""

    suite: MailingSuite
    collector: Collector
    mailbox: Mailbox
    refusals: Lines = field(default_factory=list)
    typed: Lines = field(default_factory=list)
    """What the command line said."""
    entered: set[tuple[str, str]] = field(default_factory=set)
    """Every personal field of a request that was filled, by RPC and path."""
    seen: dict[str, int] = field(default_factory=dict)
    _channels: dict[str, grpc.Channel] = field(default_factory=dict)

    # -- calling -----------------------------------------------------------------------------------------------------

    def ask(self, name: str, rpc: str, caller: Caller, /, **fields: Any) -> Any:
        """Call a service that has seen everything answered before.

        :raises Refusal: it refuses; where it cannot answer just now, it is asked again.
        """
        request = GetMessageClass(method_of(name, rpc).input_type)(**fields)
        self._note(rpc, request)
        seen = {other: position for other, position in self.seen.items() if name != "membership" or other == name}
        metadata = [("at-least-position", ",".join(f"{other}={position}" for other, position in seen.items()))] if seen else []
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                answer = self.send(name, rpc, caller, request.SerializeToString(), *metadata)
                break
            except Refusal as refusal:
                if refusal.status is not grpc.StatusCode.UNAVAILABLE or time.monotonic() > until:
                    raise
            time.sleep(0.2)
        if hasattr(answer, "position") and hasattr(answer, "aggregate_id"):
            self.seen[name] = answer.position
        for item in getattr(answer, "items", ()) if rpc.startswith("Batch") else ():
            self.refusals += [item.refusal.SerializeToString()] if item.HasField("refusal") else []
            self.seen[name] = max(self.seen.get(name, 0), item.answer.position)
        return answer

    def do(self, name: str, rpc: str, caller: Caller, /, **fields: Any) -> Any:
        """A command with an id of its own."""
        return self.ask(name, rpc, caller, **{"command_id": str(uuid4()), "on": "2026-02-02", **fields})

    def send(self, name: str, rpc: str, caller: Caller | str, data: bytes, *metadata: tuple[str, str]) -> Any:
        """Send bytes as the request of an RPC, once; `caller` may also be the text of a token.

        :raises Refusal: the service, or gRPC, refuses.
        """
        method = method_of(name, rpc)
        reader = GetMessageClass(method.output_type).FromString
        return self.send_to(name, path_of(method), caller, data, *metadata, reader=reader)

    def send_to(
        self, name: str, path: str, caller: Caller | str, data: bytes, *metadata: tuple[str, str], reader: Any = bytes
    ) -> Any:
        """Send bytes to any path.

        :raises Refusal: the service, or gRPC, refuses.
        """
        if isinstance(caller, Caller) and caller.role is Role.SERVICE:
            bearer = (("calling-service", caller.id),)
        else:
            token = caller if isinstance(caller, str) else self.suite.issuer.issue(caller.id, caller.role, caller.unit)
            bearer = (("authorization", f"Bearer {token}"),)
        ask = self._channel(name, caller).unary_unary(path, request_serializer=bytes, response_deserializer=reader)
        try:
            return ask(data, timeout=30, metadata=(*bearer, ("accept-language", "en"), *metadata))
        except grpc.RpcError as error:
            refusal = Refusal(error)
            self.refusals.append(refusal.everything)
            raise refusal from None

    def congdoan(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command of the command line, beside the suite."""
        return subprocess.run(
            [sys.executable, "-c", "from congdoan.cli import main; main()", *arguments, "--data", str(self.suite.data)],
            capture_output=True, text=True, check=False, timeout=PATIENCE_S,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "COLUMNS": "400"},
        )  # fmt: skip

    def type(self, *arguments: str) -> str:
        """A command whose answer is no name; what it said is searched, too."""
        done = self.congdoan(*arguments)
        self.typed.append(f"{done.stdout}\n{done.stderr}".encode())
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _channel(self, name: str, caller: Caller | str) -> grpc.Channel:
        service = caller.id if isinstance(caller, Caller) and caller.role is Role.SERVICE else ""
        target = self.suite.service_target(name) if service else self.suite.targets[name]
        if f"{service}>{target}" not in self._channels:
            authority = self.suite.certificates.authority_file.read_bytes()
            identity = self.suite.certificates.identity(service) if service else None
            shown = (identity.key.read_bytes(), identity.certificate.read_bytes()) if identity else (None, None)
            credentials = grpc.ssl_channel_credentials(authority, *shown)
            options = (("grpc.enable_retries", 0), ("grpc.max_reconnect_backoff_ms", 200))
            self._channels[f"{service}>{target}"] = grpc.secure_channel(target, credentials, options)
        return self._channels[f"{service}>{target}"]

    def _note(self, rpc: str, message: Message, path: str = "") -> None:
        for one, value in message.ListFields():
            here = f"{path}{one.name}"
            if one.GetOptions().Extensions[contract_pb2.personal]:
                self.entered.add((rpc, here))
            elif one.message_type:
                for item in value if one.is_repeated else [value]:
                    self._note(rpc, item, f"{here}.")

    # -- the processes -----------------------------------------------------------------------------------------------

    def kill_membership(self) -> None:
        """As a power cut does."""
        self.suite.services["membership"].kill()

    def start_membership(self) -> None:
        """Start it again, and wait until it answers."""
        self.suite.services["membership"].start()

    def settle(self) -> None:
        """Wait until every follower of every service has come as far as every history."""
        operator = Caller("congdoan", Role.FEDERATION_OFFICER, "tld")
        until = time.monotonic() + PATIENCE_S
        before: dict[str, int] = {}
        while True:
            statuses = [self.ask(name, "GetStatus", operator) for name in SERVICES]
            heads = {status.service: status.head for status in statuses}
            still = all(status.backlog == 0 and all(one.lag == 0 for one in status.followers) for status in statuses)
            if still and heads == before:
                return
            assert time.monotonic() < until, [str(status) for status in statuses]
            before = heads
            time.sleep(0.3)

    def rows(self, database: str, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Straight from a database; whatever is changed stays."""
        with psycopg.connect(self.suite.postgres.conninfo(database), autocommit=True) as connection:
            cursor = connection.execute(query.encode(), values)
            return cursor.fetchall() if cursor.description else []

    # -- the places --------------------------------------------------------------------------------------------------

    def places(self) -> dict[str, bytes]:
        """Everything that is anywhere, by its kind and name."""
        return {
            **{place: data for name in (*SERVICES, KEYS) for place, data in tables(self.suite.postgres, name).items()},
            **asyncio.run(streams(self.suite.nats.url)),
            **files(self.suite.data, self.suite.run),
            **{f"metrics {name}": scraped(url) for name, url in self.suite.metrics.items()},
            "traces": b"\n".join(self.collector.received),
            "refusals": b"\n".join(self.refusals),
            "command line": b"\n".join(self.typed),
        }

    def dump(self, into: Path) -> bytes:
        """A backup of membership's database as docs/decisions/0012 says."""
        left_out = ("--exclude-table-data=*_v[0-9]*", "--exclude-table-data=followers", "--exclude-table-data=parked")
        command: list[str | Path] = [
            binaries_for(None) / "pg_dump",
            *left_out,
            "--file",
            into,
            self.suite.postgres.conninfo("membership"),
        ]
        subprocess.run(command, check=True, capture_output=True)
        return into.read_bytes()

    def restore(self, dump: Path, name: str) -> None:
        """A fresh database that holds what a backup held."""
        self.suite.postgres.create_database(name)
        command: list[str | Path] = [binaries_for(None) / "psql", "--quiet", "--set=ON_ERROR_STOP=1", "--file", dump]
        subprocess.run([*command, self.suite.postgres.conninfo(name)], check=True, capture_output=True)


def tables(postgres: EmbeddedPostgres, database: str) -> dict[str, bytes]:
    """Every column of every table of a database."""
    found: dict[str, bytes] = {}
    with psycopg.connect(postgres.conninfo(database), autocommit=True) as connection:
        query = "select table_name::text, column_name::text from information_schema.columns where table_schema = 'public'"
        for table, column in connection.execute(query).fetchall():
            chosen = sql.SQL("select {} from {}").format(sql.Identifier(column), sql.Identifier(table))
            found[f"table {database}.{table}.{column}"] = b"\n".join(_bytes(value) for (value,) in connection.execute(chosen))
    return found


def _bytes(value: object) -> bytes:
    if isinstance(value, bytes | memoryview):
        return bytes(value)
    return value.encode() if isinstance(value, str) else orjson.dumps(value, default=str)


async def streams(url: str) -> dict[str, bytes]:
    """Every message of every stream, headers and body."""
    client = Client()
    await client.connect(url)
    try:
        found = {}
        for stream in await client.jetstream().streams_info():
            name = str(stream.config.name)
            messages = [
                await _message(client, name, sequence) for sequence in range(stream.state.first_seq, stream.state.last_seq + 1)
            ]
            found[f"stream {name}"] = b"\n".join(messages)
        return found
    finally:
        await client.close()


async def _message(client: Client, stream: str, sequence: int) -> bytes:
    """One message; nothing where it was taken away."""
    asked = await client.request(f"$JS.API.STREAM.MSG.GET.{stream}", orjson.dumps({"seq": sequence}))
    message = json.loads(asked.data).get("message")
    if message is None:
        return b""
    parts = (message["subject"].encode(), *(base64.b64decode(message.get(key, "")) for key in ("hdrs", "data")))
    return b"\n".join(parts)


def files(data: Path, run: Path) -> dict[str, bytes]:
    """Every file of a suite but those of the database cluster, whose tables are read by themselves."""
    found = {}
    for kind, root in (("data", data), ("run", run)):
        for path in sorted(root.rglob("*")):
            inside = path.relative_to(root)
            if path.is_file() and inside.parts[0] != CLUSTER:
                found[f"file {kind}/{inside}"] = path.read_bytes()
    return found


def scraped(url: str) -> bytes:
    """What a service tells Prometheus."""
    with urllib.request.urlopen(url, timeout=10) as answer:
        return bytes(answer.read())


def columns_in_clear() -> set[str]:
    """Where values may stand in clear: the fields of membership's rows that are marked Personal, and nowhere else."""
    import_module("membership.wiring")
    models = {
        value
        for name, module in list(sys.modules.items())
        if name.startswith("membership.read_models.")
        for value in vars(module).values()
        if isinstance(value, ReadModel)
    }
    return {f"table membership.{model.table}.{name}" for model in models for name in _personal(model)}


def _personal(model: ReadModel[Any]) -> list[str]:
    hints = typing.get_type_hints(model.row, include_extras=True)
    return [name for name, hint in hints.items() if PERSONAL in getattr(hint, "__metadata__", ())]


def personal_fields_of_requests() -> set[tuple[str, str]]:
    """Every personal field of every request of every service, by RPC and path: ``("BatchAdmitMember", "items.phone")``."""
    methods = [method for name in SERVICES for contract in contracts_of(name) for method in contract.methods]
    return {(method.name, path) for method in methods for path in _paths(method.input_type)}


def _paths(message: Descriptor, before: str = "", above: tuple[str, ...] = ()) -> Iterator[str]:
    for one in message.fields:
        if one.GetOptions().Extensions[contract_pb2.personal]:
            yield f"{before}{one.name}"
        elif one.message_type and one.message_type.full_name not in above:
            yield from _paths(one.message_type, f"{before}{one.name}.", (*above, message.full_name))


@contextmanager
def world(folder: Path, run: Path) -> Iterator[World]:
    """Everything, running and empty; the command line finds it by its data folder."""
    mailbox, collector, port = Mailbox(), Collector(), reserve_port()
    with ExitStack() as stack:
        smtp_url = stack.enter_context(listening(mailbox, port.number))
        stack.enter_context(collector.listening())
        stack.enter_context(
            environment(CONGDOAN_OTLP_ENDPOINT=collector.endpoint, CONGDOAN_LOG_LEVEL="DEBUG", XDG_RUNTIME_DIR=str(run))
        )
        suite = MailingSuite(folder, run, smtp_url)
        supervisor = stack.enter_context(Supervisor())
        suite.start_servers(supervisor)
        stack.enter_context(suite.certificates)
        note = whereabouts.note_of_this_process(
            suite.data, run, services=suite.targets, metrics=suite.metrics, authority=suite.certificates.authority_file
        )
        stack.enter_context(whereabouts.told(note))
        suite.prepare()
        suite.start_services(supervisor)
        stack.callback(lambda: suite.services["membership"].kill())  # one that was put back is nobody else's to end
        yield World(suite, collector, mailbox)


@contextmanager
def environment(**variables: str) -> Iterator[None]:
    """These variables, for whatever is started meanwhile."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
