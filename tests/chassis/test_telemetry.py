"""Can one trace be followed from a command to what others make of it, and does no log, span or metric tell of a person?"""

import asyncio
import io
import logging
import socket
import urllib.request
from contextlib import ExitStack
from typing import Any
from uuid import uuid4

import orjson
import pytest
import structlog
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from pydantic import BaseModel

from chassis import refusals
from chassis.appends import Answer
from chassis.clients import Refused
from chassis.commands import Call
from chassis.logs import set_up_logs, traceparent_of_call
from chassis.metrics import Metrics, MetricsServer
from chassis.stacks import stack_of
from chassis.telemetry import Tracing
from federation.operations.v1.operations_pb2 import FollowerStatus, GetStatusResponse
from tests.chassis.probe import Obedient, officer, place, served

SECRET = "079 088 012 345"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracing(exporter: InMemorySpanExporter) -> Tracing:
    return Tracing("probe", SimpleSpanProcessor(exporter))


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


async def test_one_trace_leads_from_the_caller_through_the_command_to_who_takes_its_event(
    tracing: Tracing, exporter: InMemorySpanExporter
) -> None:
    async with served(serving=tracing.serving) as probe:
        await probe.client().call("PlaceThing", place(), cause=Call(officer(), traceparent=TRACE))
        [(call, _)] = probe.application.asked
        # What stands in the metadata of the events is what a follower finds there.
        with tracing.taking("reminders", "probe/7", call.traceparent) as traceparent:
            pass

    server, consumer = exporter.get_finished_spans()
    assert (server.name, server.kind) == ("probe.v1.ProbeService/PlaceThing", SpanKind.SERVER)
    assert server.parent is not None
    assert f"{server.parent.span_id:x}" == "b7ad6b7169203331"
    assert server.context is not None
    assert call.traceparent == f"00-0af7651916cd43dd8448eb211c80319c-{server.context.span_id:016x}-01"
    assert (consumer.name, consumer.kind) == ("reminders takes probe", SpanKind.CONSUMER)
    assert consumer.parent is not None
    assert consumer.parent.span_id == server.context.span_id
    assert traceparent[:36] == call.traceparent[:36]


async def test_a_call_that_nobody_traced_begins_a_trace(tracing: Tracing, exporter: InMemorySpanExporter) -> None:
    async with served(serving=tracing.serving) as probe:
        await probe.client().call("PlaceThing", place())
        await probe.client().call("PlaceThing", place())

    first, second = exporter.get_finished_spans()
    assert first.parent is second.parent is None
    assert first.context is not None
    assert second.context is not None
    assert first.context.trace_id != second.context.trace_id


async def test_a_refusal_is_told_in_the_span_and_only_our_own_failures_are_errors(
    tracing: Tracing, exporter: InMemorySpanExporter
) -> None:
    for error in (refusals.NotFound(), refusals.DeadlinePassed(), RuntimeError(SECRET)):

        def decide(command: object, error: Exception = error) -> Answer:
            raise error

        async with served(Obedient(decide), serving=tracing.serving) as probe:
            with structlog.testing.capture_logs(), pytest.raises(Refused):
                await probe.client().call("PlaceThing", place())

    seen = exporter.get_finished_spans()
    rules = [(attributes(span).get("congdoan.rule"), span.status.status_code) for span in seen]
    assert rules == [("NotFound", StatusCode.UNSET), ("DeadlinePassed", StatusCode.ERROR), (None, StatusCode.ERROR)]
    assert SECRET not in "".join(span.to_json() for span in seen)


class Logs:
    """What was logged since the beginning of a test."""

    def __init__(self) -> None:
        self.file = io.BytesIO()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [orjson.loads(line) for line in self.file.getvalue().splitlines()]


@pytest.fixture
def logs() -> Any:
    handlers, level = logging.root.handlers[:], logging.root.level
    logs = Logs()
    set_up_logs("probe", "INFO", logs.file)
    yield logs
    structlog.reset_defaults()
    logging.captureWarnings(False)
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


def test_a_log_line_is_json_with_service_time_level_and_trace(logs: Logs) -> None:
    token = traceparent_of_call.set(TRACE)
    structlog.get_logger("chassis.probe").info("placed", position=7, thing=uuid4())
    traceparent_of_call.reset(token)
    structlog.get_logger().debug("not written at this level")

    [line] = logs.lines
    assert (line["event"], line["level"], line["service"], line["position"]) == ("placed", "info", "probe", 7)
    assert line["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    assert line["at"].endswith("Z")


class Person(BaseModel):
    age: int


def failing() -> None:
    try:
        Person.model_validate({"age": SECRET})
    except ValueError as error:
        raise RuntimeError(f"no such person: {SECRET}") from error


def test_an_exception_is_logged_as_types_and_places(logs: Logs) -> None:
    try:
        failing()
    except RuntimeError as error:
        caught = error
        structlog.get_logger().exception("failed")
        logging.getLogger("library").exception("failed on %s", SECRET)
    structlog.get_logger().error("failed", exc_info=caught, error=caught)
    structlog.get_logger().error("without one", exc_info=True)

    assert SECRET not in logs.file.getvalue().decode()
    for line in logs.lines[:3]:
        assert line["raised"][0] == "RuntimeError"
        assert "pydantic_core._pydantic_core.ValidationError" in line["raised"]
        assert any("in failing" in place for place in line["raised"])
    assert logs.lines[2]["error"] == "RuntimeError"


def test_a_librarys_line_is_written_without_its_values_unless_it_is_known_to_be_harmless(
    logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Other tests may have silenced the loggers of real libraries, so this one speaks under a name of its own.
    monkeypatch.setattr("chassis.logs.PLAIN_SPOKEN", frozenset({"plain.library"}))
    logging.getLogger("library").warning("cannot read %s", SECRET)
    logging.getLogger("asyncio").error(f"Task exception was never retrieved\nfuture: <Task exception=ValueError({SECRET!r})>")
    logging.getLogger("plain.library").warning("error connecting in %r", "pool-1")
    logging.getLogger("library").info("chatter is not written")

    assert [line["event"] for line in logs.lines] == [
        "cannot read %s",
        "Task exception was never retrieved",
        "error connecting in 'pool-1'",
    ]
    assert SECRET not in logs.file.getvalue().decode()


def test_a_stack_names_every_member_of_a_group_and_ends_for_a_ring_of_causes() -> None:
    first, second = ValueError(SECRET), KeyError(SECRET)
    first.__cause__, second.__cause__ = second, first

    stack = stack_of(ExceptionGroup("several", [first, OSError(SECRET)]))

    assert [line for line in stack if not line.startswith("  ")] == [
        "ExceptionGroup", "| ValueError", "| caused by:", "| KeyError", "| OSError",
    ]  # fmt: skip


async def test_calls_batches_and_standing_are_counted_where_prometheus_reads_them() -> None:
    metrics = Metrics()
    server = MetricsServer(metrics, "127.0.0.1:0")
    async with served(on_call=metrics.called) as probe:
        await probe.client().call("PlaceThing", place())
        with pytest.raises(Refused):
            await probe.client().call("PlaceThing", place(name=""))
    metrics.appended(3, 2)
    followers = [FollowerStatus(name="members", source="probe", position=11, lag=1), FollowerStatus(name="reminders", parked=2)]
    metrics.stands(GetStatusResponse(service="probe", head=12, backlog=4, followers=followers), 1_700_000_000.0)
    metrics.measure("congdoan_appends_waiting", "How many wait", lambda: 7)
    await server.start()
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics") as answer:
            text = answer.read().decode()
    finally:
        await server.stop()

    for line in (
        'congdoan_calls_total{method="PlaceThing",outcome="OK",status="OK"} 1.0',
        'congdoan_calls_total{method="PlaceThing",outcome="Invalid",status="INVALID_ARGUMENT"} 1.0',
        'congdoan_call_seconds_count{method="PlaceThing"} 2.0',
        "congdoan_appended_events_total 3.0",
        'congdoan_append_batch_commands_bucket{le="2.0"} 1.0',
        "congdoan_appends_waiting 7.0",
        'congdoan_head_position{service="probe"} 12.0',
        "congdoan_publisher_backlog_events 4.0",
        "congdoan_publisher_waiting_since_timestamp_seconds 1.7e+09",
        'congdoan_follower_position{follower="members",service="probe"} 11.0',
        'congdoan_follower_lag_events{follower="members"} 1.0',
        'congdoan_parked_events{follower="reminders"} 2.0',
    ):
        assert line in text.splitlines()
    assert "process_resident_memory_bytes" in text


def test_two_processes_in_one_keep_their_numbers_apart() -> None:
    one, two = Metrics(), Metrics()
    one.called("PlaceThing", "OK", "OK", 0.1)

    labels = {"method": "PlaceThing", "status": "OK", "outcome": "OK"}
    assert one.registry.get_sample_value("congdoan_calls_total", labels) == 1
    assert two.registry.get_sample_value("congdoan_calls_total", labels) is None


@pytest.mark.timeout(30)
async def test_the_port_of_the_metrics_closes_though_more_callers_wait_than_it_holds() -> None:
    server = MetricsServer(Metrics(), "127.0.0.1:0")
    await server.start()
    assert server._running
    await asyncio.to_thread(server._running[0].shutdown)  # nobody takes calls any more, as late in its end
    with ExitStack() as callers:
        for _ in range(20):
            caller = callers.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(("127.0.0.1", server.port))

        await asyncio.wait_for(server.stop(), 10.0)

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port), 1.0)
