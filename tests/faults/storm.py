"""What do clients do who do not wait? They repeat at once whatever was refused, many more of them than can be served.

Each command has an id, and is sent again under it until it is answered; so what was answered can be looked up, and counted.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import grpc
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from chassis.calls import path_of
from chassis.credentials import Token
from federation.membership.v1.membership_pb2 import AdmitMemberRequest
from tests.faults.federation import ON
from tests.serving import NO_RETRIES, method_of

CHANNELS = 8
"""Connections of the crowd: a hundred calls of each stand in one, so more of them than one would carry."""
GIVE_UP_S = 20.0
NUMBERS = count(1)


@dataclass(slots=True)
class Served:
    """What became of the commands of a crowd."""

    answers: dict[str, Any] = field(default_factory=dict)
    """By command id."""
    statuses: Counter[str] = field(default_factory=Counter)
    """How often somebody was told each, answers aside."""
    seconds: float = 0.0

    @property
    def goodput(self) -> float:
        """Answered commands a second."""
        return len(self.answers) / self.seconds

    @property
    def shed(self) -> int:
        """How often somebody was told to come again later."""
        return self.statuses["RESOURCE_EXHAUSTED"]


class Crowd:
    """Clients of one service who give one kind of command.

    :param tokens: of several callers, who take turns.
    """

    def __init__(self, calls: Sequence[Any], tokens: Sequence[Token], request: Callable[[str], Message]) -> None:
        self._calls, self._tokens, self._request = calls, tokens, request

    async def give(self, commands: int, at_once: int) -> Served:
        """So many commands by so many clients; each goes on with the next when its own is answered."""
        left, served, began = iter(range(commands)), Served(), time.monotonic()
        await asyncio.gather(*(self._client(number, left, served) for number in range(at_once)))
        served.seconds = time.monotonic() - began
        return served

    async def _client(self, number: int, left: Any, served: Served) -> None:
        call, token = self._calls[number % len(self._calls)], self._tokens[number % len(self._tokens)]
        for _ in left:
            await self._insist(call, token, served)

    async def _insist(self, call: Any, token: Token, served: Served) -> None:
        command = str(uuid4())
        while command not in served.answers:
            try:
                metadata = (("authorization", f"Bearer {token()}"),)
                served.answers[command] = await call(self._request(command), metadata=metadata, timeout=GIVE_UP_S)
            except grpc.aio.AioRpcError as error:
                served.statuses[error.code().name] += 1


@asynccontextmanager
async def crowd(
    service: str, rpc: str, target: str, authority: Path, tokens: Sequence[Token], request: Callable[[str], Message]
) -> AsyncIterator[Crowd]:
    """Clients that are connected; gRPC itself repeats nothing for them."""
    method = method_of(service, rpc)
    credentials = grpc.ssl_channel_credentials(authority.read_bytes())
    async with AsyncExitStack() as stack:
        calls = []
        for number in range(CHANNELS):
            options = (*NO_RETRIES, ("grpc.use_local_subchannel_pool", 1), ("crowd", number))
            channel = await stack.enter_async_context(grpc.aio.secure_channel(target, credentials, options))
            calls.append(
                channel.unary_unary(
                    path_of(method),
                    request_serializer=GetMessageClass(method.input_type).SerializeToString,
                    response_deserializer=GetMessageClass(method.output_type).FromString,
                )
            )
        yield Crowd(calls, tokens, request)


def admission(unit: str, command: str) -> AdmitMemberRequest:
    """Somebody new."""
    return AdmitMemberRequest(
        command_id=command, member_id=str(UUID(int=UUID(command).int ^ 1)), unit=unit, full_name="Đỗ Thị Ế",
        national_id=f"{next(NUMBERS):012d}", birth_date="1990-01-01", on=ON,
    )  # fmt: skip


class Admissions:
    """The admission of each command, the same whenever it is sent."""

    def __init__(self, unit: str) -> None:
        self._unit = unit
        self._made: dict[str, AdmitMemberRequest] = {}

    def __call__(self, command: str) -> AdmitMemberRequest:
        if command not in self._made:
            self._made[command] = admission(self._unit, command)
        return self._made[command]
