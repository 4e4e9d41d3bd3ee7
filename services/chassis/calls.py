"""What happens to every call, whatever it asks?

Who asks, may the role do that, by when, which positions must have been seen first; then the answer, or a refusal with
its details. One wrapper around each method and no interceptors: every layer of gRPC's own would cost as much as all of
this does.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from time import perf_counter
from typing import Any, TypeAlias
from uuid import uuid4

import grpc
import psycopg
import structlog
from google.protobuf.descriptor import Descriptor, MethodDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from chassis.commands import Call, call_being_answered
from chassis.limits import Allowance, Limits
from chassis.logs import traceparent_of_call
from chassis.refusals import DeadlinePassed, Forbidden, Invalid, Language, Overloaded, Problem, Refusal, Status, Unavailable
from chassis.rich_status import told
from chassis.security import Caller, Rights, Role, Tree, suffices
from chassis.stacks import stack_of
from federation.contract.v1 import contract_pb2

DEFAULT_DEADLINE_S = 30.0

Metadata = Mapping[str, str]
Context: TypeAlias = "grpc.aio.ServicerContext[bytes, bytes]"
Answering = Callable[[Any, Call], Awaitable[Message]]
"""Request and call → response; raises a refusal."""

Identify = Callable[[Metadata, Context], Awaitable[Caller]]
"""Who sent a call: from its metadata and, for services, the certificate of its connection; raises Unauthenticated."""

AwaitPositions = Callable[[Mapping[str, int], float], Awaitable[None]]
"""Waits, for so many seconds at most, until positions by service have been seen; else raises DeadlinePassed."""

OnCall = Callable[[str, str, str, float], None]
"""Told of each call when it is over: its name, gRPC's status, the rule of its refusal or ``OK``, and its seconds."""

Serving = Callable[[str, str], AbstractContextManager[str]]
"""Opens the span of a call from its name and the caller's traceparent; gives the traceparent for what it causes."""

_log = structlog.get_logger("chassis.calls")


class Fault(Refusal):
    """Something the service did not foresee; the operator finds it in the log by its reference."""

    status = Status.INTERNAL
    vi = "Hệ thống gặp lỗi; mã tra cứu {reference}."
    en = "The service met a fault; reference {reference}."


class ForPeopleAlone(Forbidden):
    """What is recorded is somebody's decision, and a province's system is nobody: it asks, and changes nothing."""

    vi = "Hệ thống của tỉnh chỉ được hỏi; việc ghi nhận phải do cán bộ thực hiện."
    en = "A province's system may only ask; what is recorded is for an officer to do."


class Gate:
    """How many calls may be inside at once; one more is refused, at next to no cost."""

    def __init__(self, limit: int) -> None:
        self.limit, self.inside, self.closed = limit, 0, False


def path_of(method: MethodDescriptor) -> str:
    """The path of a method in HTTP/2: ``/federation.membership.v1.MembershipService/AdmitMember``."""
    return f"/{method.containing_service.full_name}/{method.name}"


def need_of(method: MethodDescriptor) -> Role:
    """The role a method states in its proto.

    :raises TypeError: it states none.
    """
    stated = method.GetOptions().Extensions[contract_pb2.needs]
    if not stated:
        raise TypeError(f"{method.full_name} states no role that it needs")
    return Role(stated)


def services_of(method: MethodDescriptor) -> frozenset[str]:
    """The services of the suite that may call a method under their own identity."""
    return frozenset(method.GetOptions().Extensions[contract_pb2.services])


def is_for_auditors(method: MethodDescriptor) -> bool:
    """Whether auditors may ask: everything that is not personal, and what is where each reading is recorded."""
    recorded: bool = method.GetOptions().Extensions[contract_pb2.readings_recorded]
    return recorded or not _is_personal(method.output_type, set())


def _is_personal(message: Descriptor, seen: set[str]) -> bool:
    """Whether a message holds a personal field, at any depth."""
    seen.add(message.full_name)
    return any(
        field.GetOptions().Extensions[contract_pb2.personal]
        or (field.message_type and field.message_type.full_name not in seen and _is_personal(field.message_type, seen))
        for field in message.fields
    )


@dataclass(frozen=True)
class Surroundings:
    """What all methods of a server share.

    :param tree: the units, for rights.
    :param await_positions: see `at-least-position` in the contract.
    :param serving: opens a span for each call; nothing is traced when left out.
    """

    identify: Identify
    tree: Tree
    limits: Limits
    await_positions: AwaitPositions | None = None
    on_call: OnCall = lambda name, status, outcome, seconds: None
    serving: Serving | None = None


class Unchecked(Exception):
    """An answer whose right was never asked for, and which is therefore not sent."""


class Method:
    """One RPC on its way from bytes to bytes.

    :param question: it must ask the rights of its call before it answers; a command is checked on its way.
    :param reading: it changes nothing, so auditors may ask it where nothing is personal.
    """

    def __init__(
        self,
        method: MethodDescriptor,
        answer: Answering,
        gate: Gate,
        around: Surroundings,
        *,
        question: bool,
        reading: bool,
        max_bytes: int,
    ) -> None:
        self.name, self.full_name, self.needs = method.name, path_of(method)[1:], need_of(method)
        self.services, self.batch = services_of(method), "items" in method.input_type.fields_by_name
        self.reading, self.changes = reading and is_for_auditors(method), not reading
        self.request: type[Message] = GetMessageClass(method.input_type)
        self.answer, self.gate, self.around, self.question, self.max_bytes = answer, gate, around, question, max_bytes

    async def serve(self, data: bytes, context: Context) -> bytes:
        """One call; every way it can end is a status."""
        started = perf_counter()
        metadata: dict[str, str] = dict(context.invocation_metadata() or ())  # type: ignore[arg-type]
        status = outcome = "OK"
        try:
            return await self._enter(data, metadata, context)
        except asyncio.CancelledError:
            status = outcome = "CANCELLED"
            raise
        except Exception as error:
            refusal = refusal_of(error, self.full_name)
            status, outcome = refusal.status.name, refusal.rule
            words = told(refusal, language_of(metadata))
            # An abort sends trailers only, which a channel may still retry; a set status would send headers first.
            await context.abort(words.code, words.message, words.trailers)
        finally:
            self.around.on_call(self.name, status, outcome, perf_counter() - started)

    async def _enter(self, data: bytes, metadata: Metadata, context: Context) -> bytes:
        gate = self.gate
        if gate.closed:
            raise Unavailable(reason="draining")
        if gate.inside >= gate.limit:
            raise Overloaded()
        gate.inside += 1
        try:
            if (remaining_s := context.time_remaining()) is not None:
                # gRPC itself cancels a call whose deadline passed.
                return await self._identified(data, metadata, context, remaining_s)
            try:
                async with asyncio.timeout(DEFAULT_DEADLINE_S) as deadline:
                    return await self._identified(data, metadata, context, DEFAULT_DEADLINE_S)
            except TimeoutError:
                raise DeadlinePassed() if deadline.expired() else Unavailable(reason="timeout") from None
        finally:
            gate.inside -= 1

    async def _identified(self, data: bytes, metadata: Metadata, context: Context, remaining_s: float) -> bytes:
        caller = await self.around.identify(metadata, context)
        rights = self._rights(caller)
        if caller.service:
            return await self._trace(data, metadata, rights, None, remaining_s)
        with self.around.limits.entered(caller.id) as allowance:
            return await self._trace(data, metadata, rights, allowance, remaining_s)

    def _rights(self, caller: Caller) -> Rights:
        """What the role allows at best.

        :raises Forbidden: nothing, whatever the call is about.
        """
        if caller.is_province and self.changes:
            raise ForPeopleAlone()
        trusted = bool(caller.service)
        if trusted and caller.service not in self.services:
            raise Forbidden()
        if not trusted and not suffices(caller, self.needs, reading=self.reading):
            raise Forbidden()
        return Rights(caller, self.needs, self.around.tree, reading=self.reading, trusted=trusted)

    async def _trace(
        self, data: bytes, metadata: Metadata, rights: Rights, allowance: Allowance | None, remaining_s: float
    ) -> bytes:
        traceparent = metadata.get("traceparent", "")
        if traceparent and not _TRACEPARENT.fullmatch(traceparent):
            traceparent = ""
        if self.around.serving is None:
            if traceparent:
                traceparent_of_call.set(traceparent)
            return await self._run(data, metadata, rights, allowance, remaining_s, traceparent)
        with self.around.serving(self.full_name, traceparent) as span:
            return await self._run(data, metadata, rights, allowance, remaining_s, span)

    async def _run(
        self,
        data: bytes,
        metadata: Metadata,
        rights: Rights,
        allowance: Allowance | None,
        remaining_s: float,
        traceparent: str,
    ) -> bytes:
        correlation_id, causation_id = _id(metadata, "correlation-id"), _id(metadata, "causation-id")
        call = Call(rights.caller, correlation_id, causation_id, traceparent, remaining_s, rights)
        # What is asked of other services meanwhile is asked for this caller, within its deadline and trace.
        call_being_answered.set(call)
        if len(data) > self.max_bytes:
            raise Invalid(_TOO_LARGE)
        if "at-least-position" in metadata:
            await self._see(metadata["at-least-position"], remaining_s)
        try:
            request = self.request.FromString(data)
        except DecodeError:
            raise Invalid(_NO_MESSAGE) from None
        if self.batch and allowance:
            allowance.charge(len(request.items))  # type: ignore[attr-defined]
        response = await self.answer(request, call)
        if self.question and not rights.asked:
            raise Unchecked(self.full_name)
        return response.SerializeToString()

    async def _see(self, text: str, remaining_s: float) -> None:
        positions = positions_of(text)
        if self.around.await_positions is None:
            raise Invalid(Problem("at-least-position", "dịch vụ này không hỗ trợ", "this service does not support it"))
        await self.around.await_positions(positions, remaining_s)


_TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_POSITION = re.compile(r"([a-z][a-z-]{0,39})=([0-9]{1,18})")
_ID = re.compile(r"[A-Za-z0-9._:/-]{1,64}")
_NO_POSITIONS = Problem("at-least-position", "phải có dạng membership=123,welfare=7", "must be like membership=123,welfare=7")
_TOO_LARGE = Problem("request", "quá lớn", "is too large")
_NO_MESSAGE = Problem("request", "không đúng dạng thông điệp", "is no message of this method")


def positions_of(text: str) -> dict[str, int]:
    """The positions of ``at-least-position``: ``membership=123,welfare=7``.

    :raises Invalid: it is not of that form.
    """
    positions = {}
    for part in text.split(","):
        match = _POSITION.fullmatch(part.strip())
        if match is None:
            raise Invalid(_NO_POSITIONS)
        positions[match[1]] = int(match[2])
    return positions


def _id(metadata: Metadata, key: str) -> str:
    value = metadata.get(key)
    if not value:
        return ""
    if not _ID.fullmatch(value):
        vi, en = "chỉ gồm chữ không dấu, số và . _ : / -, tối đa 64 ký tự", "takes letters, digits and . _ : / -, at most 64"
        raise Invalid(Problem(key, vi, en))
    return value


def language_of(metadata: Metadata) -> Language:
    """The language to answer in: Vietnamese unless English is asked for."""
    return "en" if metadata.get("accept-language", "").lower().startswith("en") else "vi"


def refusal_of(error: Exception, method: str) -> Refusal:
    """What the caller is told of an exception; what nobody foresaw is logged, without any value."""
    match error:
        case Refusal():
            return error
        case psycopg.OperationalError() | psycopg.InterfaceError():
            return Unavailable(reason="database")
        case TimeoutError():
            return Unavailable(reason="timeout")
    reference = uuid4().hex[:12]
    _log.error("a call met a fault", rpc=method, reference=reference, raised=stack_of(error))
    return Fault(reference=reference)
