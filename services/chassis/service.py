"""What is one running service made of, in which order does it start, and when is it ready?

A service's wiring puts its own parts on this: the menu of its commands, its questions, the effects that follow
histories. Everything that is the same in every service stands here once.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

import psycopg
from google.protobuf.descriptor import ServiceDescriptor

from chassis.application import AnyHandler, Application
from chassis.database import AppendSignal, fetch, fetch_rows, open_pool
from chassis.events import Event
from chassis.feed import Feed
from chassis.following import Effect, Follower
from chassis.hierarchy import Hierarchy, Node
from chassis.metrics import Metrics, MetricsServer
from chassis.operations import Operations
from chassis.projector import Projection, Projector
from chassis.publisher import Publisher
from chassis.read_models import ReadModel
from chassis.refusals import Invalid, Problem, Unavailable
from chassis.rpc import Query, Rpc, needs_of
from chassis.security import Caller, Role
from chassis.server import Server
from chassis.settings import Settings
from chassis.store import EventStore
from chassis.streams import Connection
from chassis.telemetry import Tracing

LOCAL_TIME = ZoneInfo("Asia/Ho_Chi_Minh")
"""The federation's days begin and end by this clock (UTC+7, no summer time)."""


class Part(Protocol):
    """Something that is started before, and stopped after, what stands on it."""

    async def start(self) -> None:
        """Begin."""

    async def stop(self) -> None:
        """End, having finished what was begun."""


def utc_now() -> datetime:
    """The recorded time."""
    return datetime.now(UTC)


class Service:
    """One service of the suite.

    :param publishes: whether it has events of its own to announce; audit has none.
    """

    def __init__(
        self,
        name: str,
        settings: Settings,
        *,
        tracing: Tracing | None = None,
        clock: Callable[[], datetime] = utc_now,
        publishes: bool = True,
    ) -> None:
        self.name, self.settings, self.clock, self.tracing = name, settings, clock, tracing
        self.metrics = Metrics()
        self.caller = Caller(name, Role.SERVICE, "")
        self.pool = open_pool(settings.database_url)
        self.signal = AppendSignal(settings.database_url)
        self.store = EventStore(
            name, settings.database_url, self.pool, secret=settings.secret_bytes(), clock=clock, on_batch=self.metrics.appended
        )
        self.bus = Connection(settings.nats_url, name)
        self.publisher = Publisher(self.store, self.bus, self.signal, replicas=settings.stream_replicas) if publishes else None
        self.followers: list[Follower] = []
        self.schema: list[str] = []
        self.rpc = Rpc(
            await_positions=self.await_positions, on_call=self.metrics.called, serving=tracing.serving if tracing else None
        )
        self._trees: list[tuple[ReadModel[Node], Hierarchy]] = []
        self._parts: list[Part] = []

    def today(self) -> date:
        """The day it is in Viet Nam."""
        return self.clock().astimezone(LOCAL_TIME).date()
