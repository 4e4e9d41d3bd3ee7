"""How does anybody see, on one machine, what a single call led to? The services' spans, received, kept and told as a tree.

`Receiver` is what a collector is on Kubernetes: the services send it their spans by OTLP, and it writes one line of JSON for
each. A line holds names, times and ids; no span has an attribute that tells of a person (:mod:`chassis.telemetry`).
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Self

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Sent
from opentelemetry.proto.trace.v1.trace_pb2 import Status

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
MAX_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Span:
    """Something that took its time in one service. Times are nanoseconds, `began` since 1970; `parent` may be empty."""

    trace: str
    id: str
    parent: str
    service: str
    name: str
    kind: str
    began: int
    took: int
    failed: bool
    attributes: dict[str, str]

    @property
    def ended(self) -> int:
        """When it was over."""
        return self.began + self.took


@dataclass(frozen=True, slots=True)
class Branch:
    """A span, how many stood beside it that say the same, and what it led to."""

    span: Span
    times: int
    led_to: Sequence["Branch"]


class Receiver:
    """Takes spans in by OTLP over gRPC on 127.0.0.1, and appends them to a file.

    :param file: made anew.
    """

    def __init__(self, file: Path) -> None:
        self._file, self._lock = file.open("w", encoding="utf-8"), Lock()
        self._server = grpc.server(ThreadPoolExecutor(2), options=[("grpc.max_receive_message_length", MAX_BYTES)])
        handler = grpc.unary_unary_rpc_method_handler(
            self._take, ExportTraceServiceRequest.FromString, ExportTraceServiceResponse.SerializeToString
        )
        service, _, method = EXPORT[1:].partition("/")
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {method: handler}),))
        self.endpoint = f"http://127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        """Where services are to send their spans."""

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._server.stop(1.0).wait()
        self._file.close()

    def _take(self, request: ExportTraceServiceRequest, context: grpc.ServicerContext) -> ExportTraceServiceResponse:
        with self._lock:
            self._file.writelines(json.dumps(asdict(span), ensure_ascii=False) + "\n" for span in spans_of(request))
            self._file.flush()
        return ExportTraceServiceResponse()


def spans_of(request: ExportTraceServiceRequest) -> Iterator[Span]:
    """The spans of a message of an exporter."""
    for resource in request.resource_spans:
        service = _values(resource.resource.attributes).get("service.name", "")
        for scope in resource.scope_spans:
            for sent in scope.spans:
                yield _span(service, sent)


def _span(service: str, sent: Sent) -> Span:
    ids = (sent.trace_id.hex(), sent.span_id.hex(), sent.parent_span_id.hex())
    kind = Sent.SpanKind.Name(sent.kind).removeprefix("SPAN_KIND_").lower()
    took, failed = sent.end_time_unix_nano - sent.start_time_unix_nano, sent.status.code == Status.STATUS_CODE_ERROR
    return Span(*ids, service, sent.name, kind, sent.start_time_unix_nano, took, failed, _values(sent.attributes))


def _values(attributes: Iterable[Any]) -> dict[str, str]:
    return {each.key: str(getattr(each.value, each.value.WhichOneof("value") or "string_value")) for each in attributes}


def read(file: Path) -> dict[str, list[Span]]:
    """The traces of a file, by their ids, the earliest first; a line that is just being written is left out.

    :raises OSError: it cannot be read; :raises ValueError: it holds something else.
    """
    traces: dict[str, list[Span]] = {}
    for line in file.read_text(encoding="utf-8").splitlines(keepends=True):
        if line.endswith("\n"):
            try:
                span = Span(**json.loads(line))
            except TypeError as error:
                raise ValueError(f"{file} holds no traces") from error
            traces.setdefault(span.trace, []).append(span)
    return dict(sorted(traces.items(), key=lambda item: min(span.began for span in item[1])))


def first_call(spans: Sequence[Span]) -> str:
    """The RPC with which a trace begins, or what else it begins with."""
    return min(spans, key=lambda span: span.began).name.rpartition("/")[2]


def widest(traces: dict[str, list[Span]], rpc: str = "") -> str | None:
    """The trace that reaches the most services, and of these the shortest.

    :param rpc: only those that begin with it, or with its batch form.
    """
    begins = {rpc, f"Batch{rpc}"}
    found = [
        (len({span.service for span in spans}), -len(spans), name)
        for name, spans in traces.items()
        if not rpc or first_call(spans) in begins
    ]
    return max(found)[2] if found else None


def tree(spans: Iterable[Span]) -> list[Branch]:
    """What led to what, in the order of time; spans side by side that say the same are told once, as the longest of them."""
    of: dict[str, list[Span]] = {}
    known = list(spans)
    ids = {span.id for span in known}
    for span in sorted(known, key=lambda span: span.began):
        of.setdefault(span.parent if span.parent in ids else "", []).append(span)
    return _branches(of, of.get("", []))


def _branches(of: dict[str, list[Span]], spans: Iterable[Span]) -> list[Branch]:
    alike: dict[tuple[str, str], list[Span]] = {}
    for span in spans:
        alike.setdefault((span.service, span.name), []).append(span)
    return [
        Branch(
            max(group, key=lambda span: span.took),
            len(group),
            _branches(of, sorted((each for span in group for each in of.get(span.id, [])), key=lambda span: span.began)),
        )
        for group in alike.values()
    ]
