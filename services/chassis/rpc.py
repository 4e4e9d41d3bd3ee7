"""How does a call become a command or a question, and a refusal a status?

Methods are registered from the proto descriptors: a command class named like its RPC answers it alone and, as
``Batch<name>``, many at once; a question is a function of request and call. Around each stands the same path: who asks,
may the role do that, by when, which positions must have been seen; and whatever comes back becomes an answer or a
refusal with its details. One wrapper, no interceptors: each would cost as much as the wrapper does.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from time import perf_counter
from typing import Any, Protocol
from uuid import uuid4

import grpc
import psycopg
import structlog
from federation.contract.v1.contract_pb2 import BatchAnswer, CommandAnswer, needs
from google.protobuf.descriptor import Descriptor, MethodDescriptor, ServiceDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass
from grpc import StatusCode

from chassis.commands import Call, Command, parse
from chassis.messages import fields_of
from chassis.refusals import DeadlinePassed, Forbidden, Invalid, Language, Overloaded, Problem, Refusal, Unavailable
from chassis.rich_status import number_of, told
from chassis.security import Role, identify, suffices
from chassis.stacks import stack_of
from chassis.store import Answer

MAX_COMMAND_CALLS = 256
MAX_OTHER_CALLS = 1_024
MAX_ITEMS = 1_000
MAX_REQUEST_BYTES = 1 << 20
MAX_BATCH_BYTES = 4 << 20
DEFAULT_DEADLINE_S = 30.0
ITEMS_AT_A_TIME = 100

Metadata = Mapping[str, str]
Context = grpc.aio.ServicerContext[bytes, bytes]
Query = Callable[[Any, Call], Awaitable[Message]]
AwaitPositions = Callable[[Mapping[str, int], float], Awaitable[None]]
OnCall = Callable[[str, str, float], None]
"""Told of each call when it is over: its name, the name of its refusal or ``OK``, and its seconds."""

Serving = Callable[[str, str], AbstractContextManager[str]]
"""Opens the span of a call from its name and the caller's traceparent; gives the traceparent for what it causes."""

_log = structlog.get_logger("chassis.rpc")


class Fault(Refusal):
    """Something the service did not foresee; the operator finds it in the log by its reference."""

    status = StatusCode.INTERNAL
    vi = "Hệ thống gặp lỗi; mã tra cứu {reference}."
    en = "The service met a fault; reference {reference}."


class CommandPath(Protocol):
    """What decides and keeps commands; see :mod:`chassis.application`."""

    async def execute(self, call: Call, command: Command) -> Answer:
        """:raises Refusal: what stands against the command."""

    async def execute_batch(self, call: Call, commands: Sequence[Command]) -> list[Answer | Refusal]:
        """:raises Refusal: what stands against all of them."""


class Gate:
    """How many calls may be inside at once; one more is refused, at next to no cost."""

    def __init__(self, limit: int) -> None:
        self.limit, self.inside = limit, 0


def needs_of(service: ServiceDescriptor) -> dict[str, Role]:
    """The role each method of a service states in its proto.

    :raises TypeError: a method states none.
    """
    return {method.name: _needs(method) for method in service.methods}


def _needs(method: MethodDescriptor) -> Role:
    stated = method.GetOptions().Extensions[needs]
    if not stated:
        raise TypeError(f"{method.full_name} states no role that it needs")
    return Role(stated)


class Rpc:
    """The methods one server answers.

    :param await_positions: waits until this service has seen positions of histories, by service, or raises
        DeadlinePassed; see `at-least-position` in the contract.
    :param serving: opens a span for each call; nothing is traced when left out.
    """

    def __init__(
        self,
        *,
        await_positions: AwaitPositions | None = None,
        on_call: OnCall = lambda name, outcome, seconds: None,
        serving: Serving | None = None,
    ) -> None:
        self.handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {}
        self.services: dict[str, ServiceDescriptor] = {}
        self.command_gate, self.other_gate = Gate(MAX_COMMAND_CALLS), Gate(MAX_OTHER_CALLS)
        self._await_positions, self._on_call, self._serving = await_positions, on_call, serving

    def commands(self, application: CommandPath, service: ServiceDescriptor, menu: Iterable[type[Command]]) -> None:
        """Answer the RPC named like each command of the menu, and its batch form.

        :raises TypeError: a command and its request do not have the same fields, or one of the RPCs is missing.
        """
        for command in menu:
            name = command.__name__
            method, batch = _method(service, name), _method(service, f"Batch{name}")
            _agree(command, method.input_type)
            self._add(service, method, _single(application, command), gate=self.command_gate)
            self._add(service, batch, _batch(application, command), gate=self.command_gate, max_bytes=MAX_BATCH_BYTES)

    def queries(self, service: ServiceDescriptor, answers: Mapping[str, Query]) -> None:
        """Answer questions, by RPC name; auditors may ask them too.

        :raises TypeError: the service has no such RPC.
        """
        for name, answer in answers.items():
            self._add(service, _method(service, name), answer, gate=self.other_gate, reading=True)

    def actions(self, service: ServiceDescriptor, answers: Mapping[str, Query]) -> None:
        """Answer RPCs that change something without being a command, by name.

        :raises TypeError: the service has no such RPC.
        """
        for name, answer in answers.items():
            self._add(service, _method(service, name), answer, gate=self.other_gate)

    def complete(self) -> None:
        """Make sure that every RPC of every service is answered.

        :raises TypeError: some are not.
        """
        every = {path_of(method) for service in self.services.values() for method in service.methods}
        if missing := sorted(every - self.handlers.keys()):
            raise TypeError(f"nobody answers {', '.join(missing)}")

    def _add(
        self,
        service: ServiceDescriptor,
        method: MethodDescriptor,
        answer: Query,
        *,
        gate: Gate,
        reading: bool = False,
        max_bytes: int = MAX_REQUEST_BYTES,
    ) -> None:
        self.services[service.full_name] = service
        path = path_of(method)
        if path in self.handlers:
            raise TypeError(f"{method.full_name} is answered twice")
        served = _Method(method, answer, gate, reading, max_bytes, self._await_positions, self._on_call, self._serving)
        # Without serializers here, a request that is no message can be refused as invalid instead of INTERNAL.
        self.handlers[path] = grpc.unary_unary_rpc_method_handler(served.serve)


def path_of(method: MethodDescriptor) -> str:
    """The path of a method in HTTP/2: ``/federation.membership.v1.MembershipService/AdmitMember``."""
    return f"/{method.containing_service.full_name}/{method.name}"


def _method(service: ServiceDescriptor, name: str) -> MethodDescriptor:
    method = service.methods_by_name.get(name)
    if method is None:
        raise TypeError(f"{service.full_name} has no RPC {name}")
    return method


def _agree(command: type[Command], request: Descriptor) -> None:
    """A request's fields are its command's, or the difference would show only when a caller meets it."""
    sent, taken = {field.name for field in request.fields}, command.model_fields
    unknown = sent - taken.keys()
    unsent = {name for name, field in taken.items() if field.is_required()} - sent
    if unknown or unsent:
        raise TypeError(f"{request.full_name} and {command.__name__} differ: {', '.join(sorted(unknown | unsent))}")


class _Method:
    """One RPC on its way from bytes to bytes."""

    def __init__(
        self,
        method: MethodDescriptor,
        answer: Query,
        gate: Gate,
        reading: bool,
        max_bytes: int,
        await_positions: AwaitPositions | None,
        on_call: OnCall,
        serving: Serving | None,
    ) -> None:
        self.name, self.full_name, self.needs = method.name, path_of(method)[1:], _needs(method)
        self.request: type[Message] = GetMessageClass(method.input_type)
        self.answer, self.gate, self.reading, self.max_bytes = answer, gate, reading, max_bytes
        self.await_positions, self.on_call, self.serving = await_positions, on_call, serving

    async def serve(self, data: bytes, context: Context) -> bytes:
        """One call; every way it can end is a status."""
        started = perf_counter()
        metadata: dict[str, str] = dict(context.invocation_metadata() or ())  # type: ignore[arg-type]
        outcome = "OK"
        try:
            return await self._enter(data, metadata, context.time_remaining())
        except asyncio.CancelledError:
            outcome = "CANCELLED"
            raise
        except Exception as error:
            refusal = _refusal_of(error, self.full_name)
            outcome = refusal.rule
            words = told(refusal, _language(metadata))
            # An abort sends trailers only, which a channel may still retry; a set status would send headers first.
            await context.abort(words.code, words.message, words.trailers)
        finally:
            self.on_call(self.name, outcome, perf_counter() - started)

    async def _enter(self, data: bytes, metadata: Metadata, remaining_s: float | None) -> bytes:
        gate = self.gate
        if gate.inside >= gate.limit:
            raise Overloaded()
        gate.inside += 1
        try:
            if remaining_s is not None:
                # gRPC itself cancels a call whose deadline passed.
                return await self._trace(data, metadata, remaining_s)
            try:
                async with asyncio.timeout(DEFAULT_DEADLINE_S) as deadline:
                    return await self._trace(data, metadata, DEFAULT_DEADLINE_S)
            except TimeoutError:
                raise DeadlinePassed() if deadline.expired() else Unavailable(reason="timeout") from None
        finally:
            gate.inside -= 1

    async def _trace(self, data: bytes, metadata: Metadata, remaining_s: float) -> bytes:
        traceparent = metadata.get("traceparent", "")
        if traceparent and not _TRACEPARENT.fullmatch(traceparent):
            traceparent = ""
        if self.serving is None:
            return await self._run(data, metadata, remaining_s, traceparent)
        with self.serving(self.full_name, traceparent) as span:
            return await self._run(data, metadata, remaining_s, span)

    async def _run(self, data: bytes, metadata: Metadata, remaining_s: float, traceparent: str) -> bytes:
        caller = identify(metadata)
        if not suffices(caller.role, self.needs, reading=self.reading):
            raise Forbidden()
        call = Call(caller, _id(metadata, "correlation-id"), _id(metadata, "causation-id"), traceparent, remaining_s)
        if len(data) > self.max_bytes:
            raise Invalid(_TOO_LARGE)
        if "at-least-position" in metadata:
            await self._see(metadata["at-least-position"], remaining_s)
        try:
            request = self.request.FromString(data)
        except DecodeError:
            raise Invalid(_NO_MESSAGE) from None
        return (await self.answer(request, call)).SerializeToString()

    async def _see(self, text: str, remaining_s: float) -> None:
        positions = positions_of(text)
        if self.await_positions is None:
            raise Invalid(Problem("at-least-position", "dịch vụ này không hỗ trợ", "this service does not support it"))
        await self.await_positions(positions, remaining_s)


_TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_POSITION = re.compile(r"([a-z][a-z-]{0,39})=([0-9]{1,18})")
_ID = re.compile(r"[\x21-\x7e]{0,200}")
_TOO_LARGE = Problem("request", "quá lớn", "is too large")
_NO_MESSAGE = Problem("request", "không đúng dạng thông điệp", "is no message of this method")
_TOO_MANY = Problem("items", f"nhiều nhất {MAX_ITEMS} mục", f"takes at most {MAX_ITEMS} items")


def positions_of(text: str) -> dict[str, int]:
    """The positions of ``at-least-position``: ``membership=123,welfare=7``.

    :raises Invalid: it is not of that form.
    """
    positions = {}
    for part in text.split(","):
        match = _POSITION.fullmatch(part.strip())
        if match is None:
            raise Invalid(Problem("at-least-position", "phải có dạng membership=123,welfare=7", "must be like membership=123,welfare=7"))
        positions[match[1]] = int(match[2])
    return positions


def _id(metadata: Metadata, key: str) -> str:
    value = metadata.get(key)
    if not value:
        return ""
    if not _ID.fullmatch(value):
        raise Invalid(Problem(key, "dài quá 200 ký tự hoặc có khoảng trắng", "is longer than 200 characters or has white space"))
    return value


def _language(metadata: Metadata) -> Language:
    return "en" if metadata.get("accept-language", "").lower().startswith("en") else "vi"


def _refusal_of(error: Exception, method: str) -> Refusal:
    """What the caller is told of an exception; what nobody foresaw is logged, without any value."""
    match error:
        case Refusal():
            return error
        case psycopg.OperationalError() | psycopg.InterfaceError():
            return Unavailable(reason="database")
        case TimeoutError():
            return Unavailable(reason="timeout")
    reference = uuid4().hex[:12]
    _log.error("a call met a fault", rpc=method, reference=reference, stack=stack_of(error))
    return Fault(reference=reference)


def _single(application: CommandPath, command: type[Command]) -> Query:
    execute = application.execute

    async def answer(request: Message, call: Call) -> Message:
        kept = await execute(call, parse(command, fields_of(request)))
        return CommandAnswer(position=kept.position, aggregate_id=str(kept.aggregate_id), version=kept.version)

    return answer


def _batch(application: CommandPath, command: type[Command]) -> Query:
    execute_batch = application.execute_batch

    async def answer(request: Any, call: Call) -> Message:
        if len(request.items) > MAX_ITEMS:
            raise Invalid(_TOO_MANY)
        outcomes = await _parsed(command, request.items)
        good = [outcome for outcome in outcomes if isinstance(outcome, Command)]
        kept = iter(await execute_batch(call, good) if good else ())
        answers = BatchAnswer()
        for outcome in outcomes:
            _answer_item(answers, outcome if isinstance(outcome, Refusal) else next(kept), call.caller.language)
        return answers

    return answer


async def _parsed(command: type[Command], items: Iterable[Message]) -> list[Command | Refusal]:
    outcomes: list[Command | Refusal] = []
    for item in items:
        try:
            outcomes.append(parse(command, fields_of(item)))
        except Refusal as refusal:
            outcomes.append(refusal)
        if len(outcomes) % ITEMS_AT_A_TIME == 0:
            # A large batch must not keep single commands waiting.
            await asyncio.sleep(0)
    return outcomes


def _answer_item(answers: BatchAnswer, outcome: Answer | Refusal, language: Language) -> None:
    item = answers.items.add()
    if isinstance(outcome, Answer):
        item.answer.position, item.answer.version = outcome.position, outcome.version
        item.answer.aggregate_id = str(outcome.aggregate_id)
    else:
        item.refusal.rule, item.refusal.field = outcome.rule, outcome.field
        item.refusal.status, item.refusal.message = number_of(outcome.status), outcome.sentence(language)


