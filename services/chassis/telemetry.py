"""How can one trace be followed from a command through the history and the bus to what others make of it?

The span of a call gives the traceparent that its events carry in their metadata; below it stands when each was announced, when
a read model shows it, and what a reaction does about it. Nothing is traced, and nothing spent, unless an exporter is given.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, StatusCode, format_span_id, format_trace_id, use_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from chassis.logs import traceparent_of_call
from chassis.recorded import RecordedEvent
from chassis.refusals import Refusal

_PROPAGATOR = TraceContextTextMapPropagator()
_OURS = {"INTERNAL", "UNAVAILABLE", "RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED"}
"""Refusals that are the service's own failure; every other is a right answer to a wrong question."""

MOST_OF_A_CROWD = 20
"""Of events that come together so many are told, the first ones: the others say the same."""


class Tracing:
    """Makes the spans of one process.

    :param processor: what becomes of finished spans.
    """

    def __init__(self, service: str, processor: SpanProcessor) -> None:
        self.provider = TracerProvider(resource=Resource({"service.name": service, "service.namespace": "congdoan"}))
        self.provider.add_span_processor(processor)
        self._tracer = self.provider.get_tracer("chassis")

    @contextmanager
    def serving(self, method: str, traceparent: str) -> Iterator[str]:
        """The span of a call (``federation.membership.v1.MembershipService/AdmitMember``), below its caller's if it has one.

        Gives the traceparent of the span, for what the call causes.
        """
        service, _, name = method.rpartition("/")
        attributes = {"rpc.system": "grpc", "rpc.service": service, "rpc.method": name}
        with self._span(method, SpanKind.SERVER, traceparent, attributes) as span:
            try:
                yield _traceparent(span)
            except Refusal as refusal:
                span.set_attribute("rpc.grpc.status_code", refusal.status.value)
                span.set_attribute("congdoan.rule", refusal.rule)
                if refusal.status.name in _OURS:
                    span.set_status(StatusCode.ERROR, refusal.rule)
                raise
            span.set_attribute("rpc.grpc.status_code", 0)

    @contextmanager
    def taking(self, follower: str, event_id: str, traceparent: str) -> Iterator[str]:
        """The span of a follower that takes an event, below the span that recorded it.

        Gives the traceparent of the span, for what the follower does about the event.
        """
        attributes = {"messaging.system": "nats", "messaging.operation.type": "process", "messaging.message.id": event_id}
        with self._span(f"{follower} takes {event_id.partition('/')[0]}", SpanKind.CONSUMER, traceparent, attributes) as span:
            yield _traceparent(span)

    def announced(self, events: Iterable[RecordedEvent]) -> None:
        """Events are on their stream since now: a span of each from its record on, below the span that recorded it."""
        for event in islice(events, MOST_OF_A_CROWD):
            began_ns = int(event.recorded_at.timestamp() * 1e9)
            self._told(f"announce {event.topic}", SpanKind.PRODUCER, event, began_ns, "send")

    def kept(self, follower: str, events: Iterable[RecordedEvent], began_ns: int) -> None:
        """A read model shows events since now; :param began_ns: when it began to take them, in nanoseconds since 1970."""
        for event in islice(events, MOST_OF_A_CROWD):
            self._told(f"{follower} shows {event.topic}", SpanKind.CONSUMER, event, began_ns, "process")

    def _told(self, name: str, kind: SpanKind, event: RecordedEvent, began_ns: int, operation: str) -> None:
        """A span that is over, of an event whose cause is traced."""
        if not (traceparent := event.metadata.traceparent):
            return
        attributes = {"messaging.system": "nats", "messaging.operation.type": operation, "messaging.message.id": event.id}
        parent = _PROPAGATOR.extract({"traceparent": traceparent}, Context())
        self._tracer.start_span(name, parent, kind, attributes, start_time=began_ns).end()

    @contextmanager
    def _span(self, name: str, kind: SpanKind, traceparent: str, attributes: dict[str, str]) -> Iterator[Span]:
        parent = _PROPAGATOR.extract({"traceparent": traceparent}, Context()) if traceparent else Context()
        span = self._tracer.start_span(name, parent, kind, attributes)
        token = traceparent_of_call.set(_traceparent(span))
        try:
            # The text of an exception may hold what a caller sent, so it is not recorded; its type says enough.
            with use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
                try:
                    yield span
                except Refusal:
                    raise
                except Exception as error:
                    span.set_status(StatusCode.ERROR, type(error).__name__)
                    raise
        finally:
            traceparent_of_call.reset(token)

    def flush(self) -> None:
        """Hand over what is finished; blocks for some seconds at most."""
        self.provider.force_flush(2_000)
        self.provider.shutdown()


def tracing_to(service: str, endpoint: str) -> Tracing:
    """Spans that go to an OTLP collector (``http://collector:4317``)."""
    # The exporter takes a tenth of a second and some megabytes to import: for those only who want it.
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

    return Tracing(service, BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint, insecure=endpoint.startswith("http://"))))


def _traceparent(span: Span) -> str:
    context = span.get_span_context()
    return f"00-{format_trace_id(context.trace_id)}-{format_span_id(context.span_id)}-{context.trace_flags:02x}"
