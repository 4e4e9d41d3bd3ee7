"""Services of the suite in this process, as they are put together: certificates, tokens, a database each, one NATS.

Users call with tokens, services with their certificates, and every answer has seen everything answered before.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from pydantic import SecretStr

import federation
from chassis.calls import path_of
from chassis.clients import Refused, RpcClient
from chassis.credentials import Credentials
from chassis.database import migrate
from chassis.key_store import KEY_STEPS
from chassis.ledger_keys import make_ledger_key
from chassis.operations import OPERATIONS
from chassis.refusals import Unavailable
from chassis.security import Caller, Role
from chassis.service import Service
from chassis.settings import Settings
from chassis.streams import set_up
from chassis.wrapping_keys import WrappingKeys
from congdoan.embedded import EmbeddedNats, EmbeddedPostgres
from tests import identities
from tests.databases import fresh_database, new_name
from tests.folders import fast_folder
from tests.issuing import credentials_of, token_of, token_settings

FOUNDER = Caller("founder", Role.FEDERATION_OFFICER, "tld", "en")
"""Whose right reaches everywhere, once the first unit is there."""

SERVICES = ("membership", "welfare", "awards", "notifications", "audit")
SECRET = "ab" * 32
PATIENCE_S = 60.0
CHAIR, VICE_CHAIR = 1, 2
T = TypeVar("T")
NO_RETRIES = (("grpc.enable_retries", 0),)


@cache
def contracts_of(name: str) -> list[ServiceDescriptor]:
    """Every gRPC service that a service answers, that of its operator last."""
    folder = next(Path(place) / name / "v1" for place in federation.__path__)
    modules = (import_module(f"federation.{name}.v1.{file.stem}") for file in sorted(folder.glob("*_pb2.py")))
    return [*(service for module in modules for service in module.DESCRIPTOR.services_by_name.values()), OPERATIONS]


def method_of(name: str, rpc: str) -> MethodDescriptor:
    """An RPC of a service by its name."""
    return next(contract.methods_by_name[rpc] for contract in contracts_of(name) if rpc in contract.methods_by_name)


def request_of(name: str, rpc: str, /, **fields: Any) -> Message:
    """The request of an RPC."""
    return GetMessageClass(method_of(name, rpc).input_type)(**fields)


async def patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask again what is refused as not possible just now: on a busy machine a tree may wait for its confirmation."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                return await ask()
            except Refused as refused:
                if refused.rule != Unavailable.__name__:
                    raise
            await asyncio.sleep(0.1)


@contextmanager
def a_nats_of_its_own() -> Iterator[EmbeddedNats]:
    """A NATS for one test, or for several that share what they made."""
    with fast_folder() as folder, EmbeddedNats(folder / "data", folder) as nats:
        yield nats


def settings_of(name: str, database: str, nats_url: str, **more: Any) -> Any:
    """What a service is told: as little as there can be, with the certificates and the issuer of the run."""
    told: dict[str, Any] = {"database_url": database, "nats_url": nats_url, "secret": SECRET, "drain_s": 0.05}
    if name == "audit":
        told["ledger_key_file"] = ledger_key_file()
    settings = import_module(f"{name}.settings").Settings
    return settings(**{**told, **identities.tls_settings(name), **token_settings(), **more})


def variables_of(settings: Settings) -> dict[str, str]:
    """The environment by which a process is told the same; only what is not so anyway."""
    told = settings.model_dump(exclude_defaults=True, exclude_none=True)
    return {f"CONGDOAN_{name.upper()}": _in_words(value) for name, value in told.items()}


def _in_words(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def built(name: str, settings: Any) -> Service:
    """A service as it is put together."""
    service: Service = import_module(f"{name}.wiring").real(settings)
    return service


@asynccontextmanager
async def running(service: Service) -> AsyncIterator[Service]:
    """A service on a migrated database."""
    await asyncio.to_thread(migrate, service.settings.database_url, service.schema)
    for conninfo, steps in service.further_databases:
        await asyncio.to_thread(migrate, conninfo, steps=steps)
    await service.start()
    try:
        yield service
    finally:
        await service.stop()


def target_of(service: Service) -> str:
    """Where a running service answers users."""
    assert service.server
    return f"127.0.0.1:{service.server.port}"


def services_target_of(service: Service) -> str:
    """Where a running service answers services."""
    assert service.server
    return f"127.0.0.1:{service.server.service_port}"


def credentials(caller: Caller) -> Credentials:
    """What somebody calls with: a service with its certificate, everybody else with a token."""
    if caller.role is Role.SERVICE:
        return identities.service(caller.id)
    return credentials_of(caller, identities.authority_file())


class Suite:
    """Some running services, and how to call them."""

    def __init__(self, services: dict[str, Service]) -> None:
        self.services = services
        self.seen: dict[str, int] = {}
        self._clients: dict[tuple[str, str, Caller], RpcClient] = {}

    def client(self, name: str, rpc: str, caller: Caller = FOUNDER) -> RpcClient:
        """A connection by which a caller calls an RPC."""
        contract, service = method_of(name, rpc).containing_service, self.services[name]
        key = (name, contract.full_name, caller)
        if key not in self._clients:
            target = services_target_of(service) if caller.role is Role.SERVICE else target_of(service)
            self._clients[key] = RpcClient(target, contract, credentials(caller))
        return self._clients[key]

    async def call(self, name: str, rpc: str, caller: Caller = FOUNDER, /, **fields: Any) -> Any:
        """Call a service that has seen everything answered before."""
        # What membership says reaches the others, and not the other way round.
        seen = {other: position for other, position in self.seen.items() if name != "membership" or other == name}
        client, request = self.client(name, rpc, caller), request_of(name, rpc, **fields)
        answer = await patiently(lambda: client.call(rpc, request, at_least=seen, timeout_s=PATIENCE_S))
        if hasattr(answer, "position") and hasattr(answer, "aggregate_id"):
            self.seen[name] = answer.position
        return answer

    async def do(self, name: str, rpc: str, caller: Caller = FOUNDER, /, **fields: Any) -> Any:
        """A command with an id of its own."""
        return await self.call(name, rpc, caller, **{"command_id": str(uuid4()), **fields})

    async def ask_once(self, name: str, rpc: str, caller: Caller, /, **fields: Any) -> Any:
        """Call without ever repeating, which our own clients do until the deadline.

        :raises grpc.aio.AioRpcError: whatever gRPC says.
        """
        pems = credentials(caller).read()
        assert pems
        async with grpc.aio.secure_channel(target_of(self.services[name]), pems.channel_credentials(), NO_RETRIES) as channel:
            ask: Any = channel.unary_unary(
                path_of(method_of(name, rpc)),
                request_serializer=GetMessageClass(method_of(name, rpc).input_type).SerializeToString,
                response_deserializer=GetMessageClass(method_of(name, rpc).output_type).FromString,
            )
            bearer = (("authorization", f"Bearer {token_of(caller)}"), ("accept-language", caller.language))
            return await ask(request_of(name, rpc, **fields), metadata=bearer)

    async def establish(self, code: str, level: int, line_parent: str = "", on: str = "2000-01-01") -> None:
        """Another unit, named like its code."""
        fields: dict[str, Any] = {"unit": code, "name": code, "level": level, "line_parent": line_parent, "on": on}
        await self.do("membership", "EstablishUnit", **fields)

    async def appoint(
        self, unit: str, caller: Caller = FOUNDER, since: Sequence[int] = (2016, 2021, 2026), office: int = CHAIR
    ) -> None:
        """Make somebody an officer of a unit that signs for it, term after term of five years."""
        for year in since:
            fields: dict[str, Any] = {"position_id": str(uuid4()), "unit": unit, "officer": caller.id, "office": office}
            await self.do("membership", "AppointOfficer", **fields, on=f"{year}-01-01", until=f"{year + 4}-12-31")

    async def close(self) -> None:
        """Close every connection."""
        for client in self._clients.values():
            await client.close()


@asynccontextmanager
async def suite_of(postgres: EmbeddedPostgres, nats_url: str, *names: str, **more: dict[str, Any]) -> AsyncIterator[Suite]:
    """Some services side by side, on streams of their own; membership first, for the others ask it.

    :param more: further settings, by service.
    """
    await set_up(nats_url, SERVICES if "audit" in names else [name for name in SERVICES if name in names])
    services: dict[str, Service] = {}
    async with AsyncExitStack() as stack:
        for name in names:
            database = new_name()
            further = _of_membership(postgres, stack) if name == "membership" else _beside(services)
            settings = settings_of(name, postgres.conninfo(database), nats_url, **{**further, **more.get(name, {})})
            service = built(name, settings)
            stack.enter_context(fresh_database(postgres, service.schema, name=database))
            services[name] = await stack.enter_async_context(running(service))
        suite = Suite(services)
        stack.push_async_callback(suite.close)
        yield suite


def _of_membership(postgres: EmbeddedPostgres, stack: AsyncExitStack) -> dict[str, Any]:
    keys = stack.enter_context(fresh_database(postgres, steps=KEY_STEPS))
    return {"keys_database_url": keys, "wrapping_key_file": str(wrapping_key_file())}


def _beside(services: dict[str, Service]) -> dict[str, Any]:
    return {"membership_target": services_target_of(services["membership"])} if "membership" in services else {}


def ledger_key_file() -> Path:
    """The key by which checkpoints are signed, the same for a whole run."""
    file = identities.authority_file().parent / "ledger-key"
    if not file.exists():
        make_ledger_key(file)
    return file


def wrapping_key_file() -> Path:
    """The keys by which those of persons are wrapped, the same for a whole run."""
    file = identities.authority_file().parent / "wrapping-keys"
    if not file.exists():
        WrappingKeys(file).put_first()
    return file
