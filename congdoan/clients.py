"""How does the command line ask a running suite? One caller with a token, five services, each at its address."""

import asyncio
import importlib
import pkgutil
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from copy import copy
from functools import cache
from typing import Any

from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from chassis.clients import RpcClient
from chassis.credentials import Credentials, Token
from chassis.messages import message_of
from chassis.security import Role
from federation.operations.v1 import operations_pb2

TIMEOUT_S = 30.0
AUDITOR = "congdoan-auditor"
"""As whom the history is read beside a suite of this machine."""

Vouch = Callable[[str, Role, str], Token]
"""What gives the tokens of a subject with a role at a unit: :meth:`congdoan.issuer.Issuer.token_source`."""

_OPERATIONS = operations_pb2.DESCRIPTOR.services_by_name["OperationsService"]


@cache
def contracts_of(service: str) -> tuple[ServiceDescriptor, ...]:
    """Everything that a service answers, as its protos say: one contract or several."""
    package = importlib.import_module(f"federation.{service}.v1")
    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__) if module.name.endswith("_pb2"))
    modules = [importlib.import_module(f"{package.__name__}.{name}") for name in names]
    return tuple(contract for module in modules for contract in module.DESCRIPTOR.services_by_name.values())


def contract_of(service: str, rpc: str) -> ServiceDescriptor:
    """The contract by which a service answers an RPC; the name of an RPC is given once in a service.

    :raises ValueError: it answers none of that name.
    """
    found = next((contract for contract in contracts_of(service) if rpc in contract.methods_by_name), None)
    if found is None:
        raise ValueError(f"{service} answers no {rpc}")
    return found


class Federation:
    """The services of a running suite, called as one caller; belongs to the running event loop.

    :param vouch: gives the token of whomever :meth:`acting_as` names.
    """

    def __init__(
        self,
        targets: Mapping[str, str],
        credentials: Credentials,
        *,
        vouch: Vouch | None = None,
        wait_for_ready: bool = False,
    ) -> None:
        self.services = tuple(targets)
        self._vouch, self._token = cache(vouch) if vouch else None, credentials.token
        self._clients = {
            contract.full_name: RpcClient(target, contract, credentials, wait_for_ready=wait_for_ready)
            for name, target in targets.items()
            for contract in contracts_of(name)
        }
        self._operations = {
            name: RpcClient(target, _OPERATIONS, credentials, wait_for_ready=wait_for_ready) for name, target in targets.items()
        }

    def acting_as(self, subject: str, role: Role, unit: str) -> "Federation":
        """The same services over the same connections, called as somebody else; closed with this one.

        :raises RoleNotIssued, UnitMissing: there can be no such token.
        :raises TypeError: nobody vouches for others here.
        """
        if self._vouch is None:
            raise TypeError("nobody vouches for other callers")
        other = copy(self)
        other._token = self._vouch(subject, role, unit)
        return other

    @property
    def as_auditor(self) -> "Federation":
        """The same as an auditor, where somebody vouches for one; elsewhere as whoever's token is shown."""
        return self.acting_as(AUDITOR, Role.AUDITOR, "") if self._vouch else self

    async def call(
        self,
        service: str,
        rpc: str,
        fields: Mapping[str, object],
        *,
        timeout_s: float = TIMEOUT_S,
        at_least: Mapping[str, int] | None = None,
    ) -> Any:
        """Call an RPC of a service, its request given by its fields.

        :raises Refused: the service, or gRPC, refuses.
        """
        client = self._clients[contract_of(service, rpc).full_name]
        request = request_of(client.contract, rpc, fields)
        return await client.call(rpc, request, timeout_s=timeout_s, at_least=at_least, token=self._token)

    async def operate(self, service: str, rpc: str, *, timeout_s: float = TIMEOUT_S, **fields: object) -> Any:
        """Call an RPC that every service answers to its operator.

        :raises Refused: the service, or gRPC, refuses.
        """
        client = self._operations[service]
        return await client.call(rpc, request_of(_OPERATIONS, rpc, fields), timeout_s=timeout_s, token=self._token)

    async def close(self) -> None:
        """Close every connection."""
        await asyncio.gather(*(client.close() for client in (*self._clients.values(), *self._operations.values())))


@asynccontextmanager
async def connected(
    targets: Mapping[str, str], credentials: Credentials, *, vouch: Vouch | None = None, wait_for_ready: bool = False
) -> AsyncIterator[Federation]:
    """A federation whose connections are closed at the end."""
    federation = Federation(targets, credentials, vouch=vouch, wait_for_ready=wait_for_ready)
    try:
        yield federation
    finally:
        await federation.close()


def request_of(contract: ServiceDescriptor, rpc: str, fields: Mapping[str, object]) -> Message:
    """The request of an RPC from its fields.

    :raises ValueError: the request has no such field.
    """
    return message_of(GetMessageClass(contract.methods_by_name[rpc].input_type), None, **fields)
