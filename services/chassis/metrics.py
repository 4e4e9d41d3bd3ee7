"""What does a process count, and where is it read? Prometheus, ``/metrics``.

| metric | what |
|---|---|
| ``congdoan_calls_total{method, status, outcome}`` | calls answered: gRPC's status, and ``OK`` or the rule that refused |
| ``congdoan_call_seconds{method}`` | from the arrival of a call to its answer |
| ``congdoan_appended_events_total`` | events made durable |
| ``congdoan_append_batch_commands`` | commands that shared one transaction |
| ``congdoan_appends_waiting`` | commands that wait to be made durable |
| ``congdoan_database_reachable`` | 1 as long as the service's database answers, else 0; NaN until it was asked |
| ``congdoan_nats_connected`` | 1 as long as there is a connection to NATS, else 0 |
| ``congdoan_keys_reachable`` | 1 as long as the key store answers, else 0; of a service that has one |
| ``congdoan_certificate_expires_timestamp_seconds`` | until when the certificate that lies there is valid; 0 when there is none |
| ``congdoan_leader`` | 1 in the process that leads its service, else 0 |
| ``congdoan_leader_term`` | the term in which somebody leads, as far as this process knows; each change of leader raises it |
| ``congdoan_fenced_transactions`` | how often what was begun in an earlier term was stopped |
| ``congdoan_replica_queries`` | answered by a read replica so far; of a service that has one, as is the next |
| ``congdoan_replica_passed_over_queries`` | went to the service's own database, for the replica was away or too far behind |
| ``congdoan_head_position{service}`` | position of the last recorded event of the service |
| ``congdoan_publisher_backlog_events`` | recorded and not yet announced |
| ``congdoan_publisher_waiting_since_timestamp_seconds`` | when the oldest of these was recorded; 0 when there is none |
| ``congdoan_follower_position{follower, service}`` | up to here a follower has looked at the history of a service |
| ``congdoan_follower_lag_events{follower}`` | of its history, not yet looked at |
| ``congdoan_parked_events{follower}`` | laid aside; above zero somebody should look |
| ``congdoan_stream_compared_position`` | up to here the sweep under way has compared the stream with the store |
| ``congdoan_stream_whole_timestamp_seconds`` | end of the last sweep that found every event in its place; 0 before the first |
| ``congdoan_stream_differences`` | positions, or settings, of the stream found to differ so far |
| ``congdoan_stream_repairs`` | how often the stream was put right so far |
| ``congdoan_stream_alarm`` | 1 while stream, store and ledger disagree in a way that an operator must look at, else 0 |

Labels have few values: methods and rules stand in the code, followers in the wiring. A moment (``_timestamp_seconds``) and not an
age is told, so that what stands still grows old. Beside them stands what prometheus_client tells of the process, and what audit
and notifications tell of their own (their ``wiring``).
"""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from math import nan
from threading import Thread
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, start_http_server

from federation.operations.v1.operations_pb2 import GetStatusResponse as Status

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
COMMANDS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000)


class Metrics:
    """The numbers of one process, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._calls = Counter("congdoan_calls", "Calls answered", ["method", "status", "outcome"], registry=self.registry)
        self._seconds = Histogram(
            "congdoan_call_seconds", "Seconds a call took", ["method"], buckets=SECONDS, registry=self.registry
        )
        self._appended = Counter("congdoan_appended_events", "Events made durable", registry=self.registry)
        self._batches = Histogram(
            "congdoan_append_batch_commands", "Commands in one transaction", buckets=COMMANDS, registry=self.registry
        )
        self._database = self._gauge("congdoan_database_reachable", "Whether the database answers")
        self._database.set(nan)  # nobody has asked it yet: neither reachable nor lost
        self._head = self._gauge("congdoan_head_position", "Position of the last recorded event", "service")
        self._backlog = self._gauge("congdoan_publisher_backlog_events", "Recorded events not yet announced")
        self._waiting_since = self._gauge(
            "congdoan_publisher_waiting_since_timestamp_seconds", "When the oldest event not yet announced was recorded"
        )
        self._position = self._gauge("congdoan_follower_position", "Looked at up to here", "follower", "service")
        self._lag = self._gauge("congdoan_follower_lag_events", "Events not yet looked at", "follower")
        self._parked = self._gauge("congdoan_parked_events", "Events laid aside", "follower")
        self._compared = self._gauge("congdoan_stream_compared_position", "Compared with the store up to here")
        self._whole_at = self._gauge("congdoan_stream_whole_timestamp_seconds", "End of the last sweep that found all in order")
        self._differences = self._gauge("congdoan_stream_differences", "Differences found so far")
        self._repairs = self._gauge("congdoan_stream_repairs", "Times the stream was put right")
        self._alarm = self._gauge("congdoan_stream_alarm", "Whether an operator must look at stream and store")
        ProcessCollector(registry=self.registry)
        # Finding a child by its labels costs more than counting does.
        self._counted: dict[tuple[str, str, str], Counter] = {}
        self._timed: dict[str, Histogram] = {}

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, registry=self.registry)

    def measure(self, name: str, text: str, value: Callable[[], float]) -> None:
        """Tell a number as it is when somebody asks, from a thread of its own: it must be quick and wait for nothing."""
        self._gauge(name, text).set_function(value)

    def called(self, method: str, status: str, outcome: str, seconds: float) -> None:
        """Count a call that is over."""
        counted = self._counted.get((method, status, outcome))
        if counted is None:
            counted = self._counted[method, status, outcome] = self._calls.labels(method, status, outcome)
        counted.inc()
        timed = self._timed.get(method)
        if timed is None:
            timed = self._timed[method] = self._seconds.labels(method)
        timed.observe(seconds)

    def appended(self, events: int, commands: int) -> None:
        """Count a batch that became durable."""
        self._appended.inc(events)
        self._batches.observe(commands)

    def reached(self, database: bool) -> None:
        """Say whether the database answered just now."""
        self._database.set(database)

    def stands(self, status: Status, waiting_since: float) -> None:
        """Say how far the service is; taken from its status every few seconds.

        :param waiting_since: when the oldest event was recorded that is not announced; 0 when there is none.
        """
        self._head.labels(status.service).set(status.head)
        self._backlog.set(status.backlog)
        self._waiting_since.set(waiting_since)
        for follower in status.followers:
            self._position.labels(follower.name, follower.source).set(follower.position)
            self._parked.labels(follower.name).set(follower.parked)
            if follower.HasField("lag"):
                self._lag.labels(follower.name).set(follower.lag)

    def compared(self, position: int, whole_at: float, differences: int, repairs: int, alarm: bool) -> None:
        """Say how far stream and store were compared; kept in the database, so every process of a service says the same."""
        self._compared.set(position)
        self._whole_at.set(whole_at)
        self._differences.set(differences)
        self._repairs.set(repairs)
        self._alarm.set(alarm)


class MetricsServer:
    """Answers ``/metrics`` from a thread of its own, so that a busy event loop can still be seen to be busy.

    :param listen: ``127.0.0.1:9090``; port 0 takes a free one, told by `port` once started.
    """

    def __init__(self, metrics: Metrics, listen: str) -> None:
        self._metrics, self._listen = metrics, listen
        self._running: tuple[WSGIServer, Thread] | None = None
        self.port = 0

    async def start(self) -> None:
        """Listen.

        :raises OSError: the address cannot be bound.
        """
        host, _, port = self._listen.rpartition(":")
        self._running = start_http_server(int(port), host, self._metrics.registry)
        self.port = self._running[0].server_port

    async def stop(self) -> None:
        """Close the port."""
        if self._running:
            server, thread = self._running
            ending = asyncio.create_task(asyncio.to_thread(server.shutdown))
            address = (str(server.server_address[0]), self.port)
            await asyncio.wait((ending,), timeout=0.01)
            with suppress(OSError):  # it looks twice a second whether it is to end, and whenever somebody comes
                socket.create_connection(address, 0.1).close()
            await ending
            server.server_close()
            thread.join(1.0)
