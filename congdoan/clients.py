"""How does the command line ask a running suite? One caller, five services, each at its address."""

import asyncio
import importlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from chassis.clients import RpcClient
from chassis.messages import message_of
from chassis.security import Caller
from federation.operations.v1 import operations_pb2

TIMEOUT_S = 30.0

_OPERATIONS = operations_pb2.DESCRIPTOR.services_by_name["OperationsService"]


def contract_of(service: str) -> ServiceDescriptor:
    """What a service answers, as its proto says."""
    module = importlib.import_module(f"federation.{service}.v1.{service}_pb2")
    contract: ServiceDescriptor = module.DESCRIPTOR.services_by_name[f"{service.capitalize()}Service"]
    return contract


class Federation:
    """The services of a running suite, called as one caller; belongs to the running event loop."""

    def __init__(self, targets: Mapping[str, str], caller: Caller, *, wait_for_ready: bool = False) -> None:
        self.services = tuple(targets)
        self._clients = {
            name: RpcClient(target, contract_of(name), caller, wait_for_ready=wait_for_ready) for name, target in targets.items()
        }
        self._operations = {
            name: RpcClient(target, _OPERATIONS, caller, wait_for_ready=wait_for_ready) for name, target in targets.items()
        }

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
        client = self._clients[service]
        return await client.call(rpc, request_of(client.service, rpc, fields), timeout_s=timeout_s, at_least=at_least)

    async def operate(self, service: str, rpc: str, **fields: object) -> Any:
        """Call an RPC that every service answers to its operator.

        :raises Refused: the service, or gRPC, refuses.
        """
        client = self._operations[service]
        return await client.call(rpc, request_of(_OPERATIONS, rpc, fields), timeout_s=TIMEOUT_S)

    async def close(self) -> None:
        """Close every connection."""
        await asyncio.gather(*(client.close() for client in (*self._clients.values(), *self._operations.values())))


@asynccontextmanager
async def connected(targets: Mapping[str, str], caller: Caller, *, wait_for_ready: bool = False) -> AsyncIterator[Federation]:
    """A federation whose connections are closed at the end."""
    federation = Federation(targets, caller, wait_for_ready=wait_for_ready)
    try:
        yield federation
    finally:
        await federation.close()


def request_of(contract: ServiceDescriptor, rpc: str, fields: Mapping[str, object]) -> Message:
    """The request of an RPC from its fields.

    :raises ValueError: the request has no such field.
    """
    return message_of(GetMessageClass(contract.methods_by_name[rpc].input_type), None, **fields)
