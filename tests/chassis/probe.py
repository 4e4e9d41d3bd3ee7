"""The probe served: its command, an application that does as it is told, and a server on a free port."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID, uuid4

import orjson
from google.protobuf.message import Message
from pydantic import BaseModel

from chassis.appends import Answer
from chassis.calls import Context, Metadata, Surroundings, language_of
from chassis.clients import RpcClient
from chassis.commands import Call, Command
from chassis.credentials import Credentials
from chassis.fields import Day, Line, Vnd
from chassis.hierarchy import Hierarchy
from chassis.limits import Limits
from chassis.refusals import Language, Refusal, Unauthenticated
from chassis.rpc import Query, Rpc
from chassis.security import Caller, Role
from chassis.server import Server
from tests.protos import PROBE_SERVICE, message

Colour = Literal["red", "dark_blue"]


class Part(BaseModel):
    name: Line
    colour: Colour | None = None
    count: int


class PlaceThing(Command):
    thing_id: UUID
    name: Line
    colour: Colour
    amount_vnd: Vnd
    note: str = ""
    fragile: bool
    tags: tuple[str, ...]
    lid: Part | None = None
    parts: tuple[Part, ...]
    placed_on: Day
    sealed: bool | None = None
    shades: tuple[Colour, ...]

    @property
    def aggregate_id(self) -> UUID:
        return self.thing_id


@dataclass
class Obedient:
    """An application that remembers what it was asked, waits where it is told to, and answers as it is told to."""

    decide: Callable[[Command], Answer] = lambda command: Answer(7, command.aggregate_id, 1)
    hold: asyncio.Event | None = None
    asked: list[tuple[Call, Command]] = field(default_factory=list)
    cancelled: int = 0

    async def execute(self, call: Call, command: Command) -> Answer:
        self.asked.append((call, command))
        try:
            if self.hold:
                await self.hold.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return self.decide(command)

    async def execute_batch(self, call: Call, commands: Sequence[Command]) -> list[Answer | Refusal]:
        outcomes: list[Answer | Refusal] = []
        for command in commands:
            try:
                outcomes.append(await self.execute(call, command))
            except Refusal as refusal:
                outcomes.append(refusal)
        return outcomes


def place(**changes: Any) -> Any:
    """A request in order, but for the changes."""
    sound = {"command_id": str(uuid4()), "thing_id": str(uuid4()), "name": "Ấm chén", "colour": 1, "amount_vnd": 5}
    return message("PlaceThingRequest", **{**sound, "placed_on": "2024-02-09", **changes})


def batch(*items: Any) -> Any:
    return message("BatchPlaceThingRequest", items=items)


def officer(role: Role = Role.FEDERATION_OFFICER, language: Language = "vi") -> Caller:
    return Caller("an.nguyen", role, "vn", language)


def credentials_of(caller: Caller) -> Credentials:
    """Credentials whose token is the caller in plain words; what a token must be is told in test_tokens."""
    words = token_of(caller)
    return Credentials(token=lambda: words, language=caller.language)


def token_of(caller: Caller) -> str:
    return orjson.dumps([caller.id, caller.role, caller.unit]).decode("ascii")


async def as_declared(metadata: Metadata, context: Context) -> Caller:
    """Takes everybody at their word."""
    try:
        subject, role, unit = orjson.loads(metadata["authorization"].removeprefix("Bearer "))
    except (KeyError, ValueError):
        raise Unauthenticated(problem_vi="không rõ", problem_en="unknown") from None
    return Caller(subject, Role(role), unit, language_of(metadata), service=subject if role == Role.SERVICE else "")


def around(limits: Limits | None = None, **more: Any) -> Surroundings:
    """Of a server whose callers are taken at their word, and which limits nobody unless told to."""
    return Surroundings(as_declared, Hierarchy(), Limits(1e9, 1e9, 1_000_000) if limits is None else limits, **more)


async def find_nothing(request: Any, call: Call) -> Message:
    call.rights.nationwide()
    return message("FindThingsResponse")  # type: ignore[no-any-return]


async def lend(request: Any, call: Call) -> Message:
    call.rights.at("hn")
    return message("FindThingsResponse")  # type: ignore[no-any-return]


async def name_owner(request: Any, call: Call) -> Message:
    call.rights.at(call.caller.unit)
    return message("NameOwnerResponse")  # type: ignore[no-any-return]


QUESTIONS: Mapping[str, Query] = {
    "FindThings": find_nothing,
    "LendThings": lend,
    "NameOwner": name_owner,
    "NameOwnerOnRecord": name_owner,
}


async def shake(request: Any, call: Call) -> Message:
    call.rights.nationwide()
    return message("ShakeThingsResponse")  # type: ignore[no-any-return]


@dataclass
class Probe:
    """A served probe and how to call it."""

    server: Server
    application: Obedient
    target: str

    def client(self, caller: Caller | None = None) -> RpcClient:
        return RpcClient(self.target, PROBE_SERVICE, credentials_of(caller or officer()))


@asynccontextmanager
async def served(
    application: Obedient | None = None,
    queries: Mapping[str, Query] | None = None,
    ready: Callable[[], Awaitable[bool]] | None = None,
    port: int = 0,
    listening: Mapping[str, Any] | None = None,
    **options: Any,
) -> AsyncIterator[Probe]:
    """The probe on a free port; stopped at the end without grace.

    :param listening: more for the server: its identity, further addresses.
    """
    application = application or Obedient()
    rpc = Rpc(around(**options))
    rpc.commands(application, [PROBE_SERVICE], [PlaceThing])
    rpc.queries(PROBE_SERVICE, {**QUESTIONS, **(queries or {})})
    rpc.actions(PROBE_SERVICE, {"ShakeThings": shake})
    server = Server(rpc, f"127.0.0.1:{port}", ready or always, **(listening or {}))
    await server.start()
    try:
        yield Probe(server, application, f"127.0.0.1:{server.port}")
    finally:
        await server.stop(0)


async def always() -> bool:
    return True
