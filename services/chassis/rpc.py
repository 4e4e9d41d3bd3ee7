"""Which methods does a server answer, and with what?

Methods are registered from the proto descriptors: a command class named like its RPC answers it alone and, as
``Batch<name>``, many at once; a question is a function of request and call.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias, TypeVar

import grpc
from google.protobuf.descriptor import Descriptor, MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.unknown_fields import UnknownFieldSet

from chassis.appends import Answer
from chassis.calls import Answering, Gate, Method, Surroundings, need_of, path_of
from chassis.commands import Call, Command, parse
from chassis.messages import fields_of
from chassis.refusals import AskedInLaterVersion, Invalid, Language, Problem, Refusal
from chassis.security import Role
from federation.contract.v1.contract_pb2 import BatchAnswer, CommandAnswer

MAX_COMMAND_CALLS = 256
MAX_OTHER_CALLS = 1_024
MAX_ITEMS = 1_000
MAX_REQUEST_BYTES = 1 << 20
MAX_BATCH_BYTES = 4 << 20
ITEMS_AT_A_TIME = 100
C = TypeVar("C", bound=Command)
Handler: TypeAlias = "grpc.RpcMethodHandler[bytes, bytes]"
Query = Answering
"""What answers a question: request and call → response; raises a refusal."""

_TOO_MANY = Problem("items", f"nhiều nhất {MAX_ITEMS} mục", f"takes at most {MAX_ITEMS} items")


class CommandPath(Protocol):
    """What decides and keeps commands; see :mod:`chassis.application`."""

    async def execute(self, call: Call, command: Command) -> Answer:
        """:raises Refusal: what stands against the command."""

    async def execute_batch(self, call: Call, commands: Sequence[Command]) -> list[Answer | Refusal]:
        """:raises Refusal: what stands against all of them."""


def needs_of(contracts: Iterable[ServiceDescriptor]) -> dict[str, Role]:
    """The role each method of some gRPC services states in its proto, by its name.

    :raises TypeError: a method states none.
    """
    return {method.name: need_of(method) for contract in contracts for method in contract.methods}


class Rpc:
    """The methods one server answers."""

    def __init__(self, around: Surroundings) -> None:
        self.handlers: dict[str, Handler] = {}
        self.services: dict[str, ServiceDescriptor] = {}
        self.command_gate, self.other_gate = Gate(MAX_COMMAND_CALLS), Gate(MAX_OTHER_CALLS)
        self._around = around

    def commands(self, application: CommandPath, contracts: Sequence[ServiceDescriptor], menu: Iterable[type[Command]]) -> None:
        """Answer the RPC named like each command of the menu, and its batch form, of the contract that has it.

        :raises TypeError: a command and its request do not have the same fields, or one of the RPCs is missing.
        """
        for command in menu:
            name = command.__name__
            service = next((contract for contract in contracts if name in contract.methods_by_name), contracts[0])
            method, batch = _method(service, name), _method(service, f"Batch{name}")
            _agree(command, method.input_type)
            self._add(service, method, _single(application, command), gate=self.command_gate)
            self._add(service, batch, _batch(application, command), gate=self.command_gate, max_bytes=MAX_BATCH_BYTES)

    def queries(self, service: ServiceDescriptor, answers: Mapping[str, Query]) -> None:
        """Answer questions, by RPC name; auditors may ask them too, unless the answer is personal.

        :raises TypeError: the service has no such RPC.
        """
        for name, answer in answers.items():
            self._add(service, _method(service, name), answer, gate=self.other_gate, question=True, reading=True)

    def actions(self, service: ServiceDescriptor, answers: Mapping[str, Query]) -> None:
        """Answer RPCs that change something without being a command, by name.

        :raises TypeError: the service has no such RPC.
        """
        for name, answer in answers.items():
            self._add(service, _method(service, name), answer, gate=self.other_gate, question=True)

    def complete(self) -> None:
        """Make sure that every RPC of every service is answered.

        :raises TypeError: some are not.
        """
        every = {path_of(method) for service in self.services.values() for method in service.methods}
        if missing := sorted(every - self.handlers.keys()):
            raise TypeError(f"nobody answers {', '.join(missing)}")

    def close(self) -> None:
        """Refuse every new call as UNAVAILABLE; those inside go on."""
        self.command_gate.closed = self.other_gate.closed = True

    def _add(
        self,
        service: ServiceDescriptor,
        method: MethodDescriptor,
        answer: Answering,
        *,
        gate: Gate,
        question: bool = False,
        reading: bool = False,
        max_bytes: int = MAX_REQUEST_BYTES,
    ) -> None:
        self.services[service.full_name] = service
        path = path_of(method)
        if path in self.handlers:
            raise TypeError(f"{method.full_name} is answered twice")
        served = Method(method, answer, gate, self._around, question=question, reading=reading, max_bytes=max_bytes)
        # Without serializers here, a request that is no message can be refused as invalid instead of INTERNAL.
        self.handlers[path] = grpc.unary_unary_rpc_method_handler(served.serve)


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


def _single(application: CommandPath, command: type[Command]) -> Answering:
    execute = application.execute

    async def answer(request: Message, call: Call) -> Message:
        kept = await execute(call, _command(command, request))
        return CommandAnswer(position=kept.position, aggregate_id=str(kept.aggregate_id), version=kept.version)

    return answer


def _batch(application: CommandPath, command: type[Command]) -> Answering:
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


def _command(command: type[C], request: Message) -> C:
    """:raises AskedInLaterVersion, Invalid: the request says something else than can be decided here."""
    if len(UnknownFieldSet(request)):
        raise AskedInLaterVersion()
    return parse(command, fields_of(request))


async def _parsed(command: type[Command], items: Iterable[Message]) -> list[Command | Refusal]:
    outcomes: list[Command | Refusal] = []
    for item in items:
        try:
            outcomes.append(_command(command, item))
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
        item.refusal.status, item.refusal.message = outcome.status.value, outcome.sentence(language)
