"""What is one running service made of, in which order does it start, and when is it ready?

A service's wiring puts its own parts on this: the menu of its commands, its questions, the effects that follow
histories. Everything that is the same in every service stands here once.
"""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from functools import partial
from typing import Any, Protocol, runtime_checkable
from uuid import uuid4
from zoneinfo import ZoneInfo

from google.protobuf.descriptor import ServiceDescriptor

from chassis.acknowledging import Acknowledging
from chassis.application import AnyHandler, Application
from chassis.callers import Callers
from chassis.calls import Surroundings
from chassis.clients import RpcClient
from chassis.commands import Aggregate
from chassis.confirmation import Confirmation
from chassis.credentials import Credentials
from chassis.database import AppendSignal, Pool, fetch_rows, open_pool, require_schema
from chassis.database import Connection as Database
from chassis.deadletters import TAKEN_UP, DeadLetters
from chassis.events import Event
from chassis.feed import Feeds
from chassis.following import Effect, Follower
from chassis.generations.beside import Reread, SecondGenerations
from chassis.generations.orders import Rebuilding
from chassis.hierarchy import Hierarchy, Node
from chassis.key_store import KEY_STEPS, KeyStore
from chassis.leadership import CHANNEL as GIVEN_BACK
from chassis.leadership import Leadership, Led
from chassis.lease import Lease
from chassis.limits import Limits
from chassis.metrics import Metrics, MetricsServer
from chassis.operations import OPERATIONS, Operations, Standing
from chassis.parts import Part
from chassis.past import AnothersPast, OwnPast, Past
from chassis.projector import Projection, Projector
from chassis.province_tokens import ProvinceTokens
from chassis.publisher import Publisher
from chassis.read_models import ReadModel
from chassis.read_replica import ReadReplica
from chassis.reconciliation.reconciler import Reconciler
from chassis.reconciliation.sealed import AUDIT, Agreement, NothingSealed, SealedByAudit
from chassis.recovery.behind import NotBehind
from chassis.recovery.command import Wanted, recovered
from chassis.recovery.tail import Tail
from chassis.recovery.taking_back import Keeper
from chassis.refusals import DeadlinePassed, Unavailable
from chassis.rpc import Query, Rpc, needs_of
from chassis.sealing import Sealer
from chassis.security import Caller, Role
from chassis.server import Server
from chassis.settings import Settings
from chassis.standing_by import CHANNEL as AWAITED
from chassis.standing_by import OnItsOwn, StandingBy, Telling
from chassis.store import EventStore
from chassis.streams import Connection
from chassis.taking_up import ReadAgain, TakingUp
from chassis.telemetry import Tracing
from chassis.tokens import TokenVerifier

LOCAL_TIME = ZoneInfo("Asia/Ho_Chi_Minh")
"""The federation's days begin and end by this clock (UTC+7, no summer time)."""


CURRENT_WITHIN_S = 5.0
LAST_WORDS_S = 1.0
"""How long a stopping service waits until its last events are announced; what is not, is at its next start."""


@runtime_checkable
class Working(Protocol):
    """A part that works by itself, in a task that must not end before it is stopped."""

    task: asyncio.Task[None] | None


def utc_now() -> datetime:
    """The recorded time."""
    return datetime.now(UTC)


class Service:
    """One service of the suite.

    :param publishes: whether it has events of its own to announce.
    :param keys: the keys of the persons whose personal values its events hold; None for a service that has no such events.
    """

    def __init__(
        self,
        name: str,
        settings: Settings,
        *,
        tracing: Tracing | None = None,
        clock: Callable[[], datetime] = utc_now,
        publishes: bool = True,
        keys: KeyStore | None = None,
    ) -> None:
        self.name, self.settings, self.clock, self.tracing = name, settings, clock, tracing
        self.keys, self.sealer = keys, Sealer(keys) if keys else None
        self.metrics = Metrics()
        self.caller = Caller(name, Role.SERVICE, "")
        self.credentials = Credentials(identity=settings.identity())
        self.tokens = TokenVerifier(settings.token_issuer, settings.token_audience, settings.token_keys)
        self.provinces = ProvinceTokens(settings.province_keys, settings.token_audience)
        self.limits = Limits(settings.calls_per_second_per_caller, settings.burst_per_caller, settings.calls_at_once_per_caller)
        sessions = f"{name}/{uuid4().hex[:16]}"
        self.pool = open_pool(settings.database_url, name=sessions)
        self.replica = ReadReplica(settings.read_database_url, self.pool, self._all) if settings.read_database_url else None
        self.reading: Pool = self.replica or self.pool
        """What questions are asked of; nothing is written there, and no command of this service is decided on it."""
        self.signal = AppendSignal(settings.database_url)
        holder = settings.instance or f"{socket.gethostname()}/{os.getpid()}"
        self.leadership = Leadership(settings.database_url, holder, sessions, drives=self._names, alarm=self.alarm)
        self.signal.tell(GIVEN_BACK, lambda _: self.leadership.wake())
        secret, on_batch = settings.secret_bytes(), self.metrics.appended
        self.store = EventStore(
            name, settings.database_url, self.pool, secret=secret, clock=clock, on_batch=on_batch, admit=self._admit
        )
        self.bus = Connection(settings.nats_url, name)
        self._clients: list[RpcClient] = []
        self.publisher: Publisher | None = None
        self.reconciler: Reconciler | None = None
        self.admission: NotBehind | None = None
        self.aggregates: list[Aggregate[Any]] = []
        """Every kind of aggregate of its commands."""
        if publishes:
            self.publisher, self.reconciler = self._announcing(settings)
        self.metrics_server = MetricsServer(self.metrics, settings.metrics_listen)
        self.server: Server | None = None
        self.schema: list[str] = []
        self.first_parts: list[Part] = []
        """Started as soon as the databases can be asked, before anything follows a history or is answered."""
        self.parts: list[Part] = []
        self.led_parts: list[Part] = []
        """Started in whichever process of the service leads, after all that drives its followers there."""
        self._followers: list[Follower] = []
        self._reread: dict[str, Reread] = {}
        self._read_again = ReadAgain(self._reread)
        self.signal.tell(TAKEN_UP, self._read_again.told, of_losses=True)
        self._by_stream: set[str] = set()
        self._confirmations: list[Confirmation] = []
        self.tree = Hierarchy()
        self._units: ReadModel[Node] | None = None
        self._answers: list[Callable[[Rpc], None]] = []
        self._started: list[Part] = []
        self._projector: Projector | None = None
        self._feeds: Feeds | None = None
        self._standing_by: StandingBy | None = None
        self._operations: Operations | None = None
        self._measure(settings)
        self._beside: SecondGenerations | None = None

    def today(self) -> date:
        """The day it is in Viet Nam."""
        return self.clock().astimezone(LOCAL_TIME).date()

    def keep_tree(self, units: ReadModel[Node], record: Callable[[], Awaitable[int]] | None = None) -> Hierarchy:
        """The units in memory, kept by a read model that is followed from now on and read whole at the start.

        :param record: the position of the last unit event, asked of the service whose units they are; the own history
            when left out.
        """
        self._units = units
        self.schema += units.schema

        async def read_again(after: int) -> None:
            self.tree.put(await fetch_rows(self.pool, units, "position > %s", (after,)))

        projection = Projection(units, on_rows=self.tree.put)
        fence = self.leadership.fence(projection.name)
        self._units_follower = Follower(self.pool, projection, self.clock, read_again, fence)
        self._followers.append(self._units_follower)

        async def read_all_again() -> None:
            self.tree.replace(await fetch_rows(self.pool, units, "true"))

        self._reread[units.name] = read_all_again
        self.confirm("units", self.tree.lease, lambda: self.tree.position, record or self.tree_position)
        return self.tree

    def confirm(self, what: str, lease: Lease, position: Callable[[], int], record: Callable[[], Awaitable[int]]) -> None:
        """Keep a lease on what follows a record; see :class:`~chassis.confirmation.Confirmation`."""
        self._confirmations.append(Confirmation(what, lease, position, record))

    async def tree_at(self, position: int) -> None:
        """Wait until the tree shows a position of the history its units stand in.

        :raises Unavailable: see :meth:`at_least`.
        """
        await self.at_least(position, self._units_follower)

    async def tree_position(self) -> int:
        """The position of the last unit event in the own history, for those who follow it.

        :raises Unavailable: see :meth:`current`.
        """
        await self.current(self._units_follower)
        return self.tree.position

    def keep(self, *models: ReadModel[Any]) -> list[Follower]:
        """Keep read models up to date, from the service's own history or another's; the follower of each."""
        for model in models:
            self.schema += model.schema
        return self.follow(*(Projection(model, sealer=self.sealer if model.source == self.name else None) for model in models))

    def follow(self, *effects: Effect, by_stream: bool = False) -> list[Follower]:
        """Take the events of a history in order: the service's own, or another's from its stream; the follower of each.

        :param by_stream: take the service's own from its stream too, as everybody else hears them.
        """
        fence = self.leadership.fence
        followers = [Follower(self.pool, effect, self.clock, fence=fence(effect.name)) for effect in effects]
        self._followers += followers
        self._by_stream |= {follower.name for follower in followers if by_stream}
        return followers

    def client(self, target: str, contract: ServiceDescriptor) -> RpcClient:
        """Calls another service as this one; its connection ends with the service."""
        client = RpcClient(target, contract, self.credentials)
        self._clients.append(client)
        return client

    def acknowledge(self, event: type[Event], client: RpcClient, rpc: str) -> None:
        """Acknowledge the events of a class of another service that await it, each once everybody here has taken it."""
        effect = Acknowledging(event, client, rpc, self.caller, self.today, self._everybody)
        self.follow(effect)

    async def seen(self, positions: Mapping[str, int], timeout_s: float) -> None:
        """Wait until whoever follows a history here has seen its position; of a service that has started.

        :raises DeadlinePassed: not within `timeout_s`.
        """
        assert self._operations, "it has started"
        await self._operations.await_positions(positions, timeout_s)

    async def current(self, follower: Follower) -> None:
        """Wait until a read model of the own history shows every command answered so far: others decide on what it says.

        :raises Unavailable: see :meth:`at_least`.
        """
        await self.at_least(await self.store.head(), follower)

    async def at_least(self, position: int, follower: Follower) -> None:
        """Wait until a read model shows a position of the history it follows.

        :raises Unavailable: it does not within `CURRENT_WITHIN_S`.
        """
        try:
            await follower.at_least(position, CURRENT_WITHIN_S)
        except DeadlinePassed:
            raise Unavailable(reason="read model") from None

    def application(
        self,
        menu: Sequence[AnyHandler],
        contracts: Sequence[ServiceDescriptor],
        *,
        own_menu: Sequence[AnyHandler] = (),
        **more: Any,
    ) -> Application:
        """The path of a menu's commands; each is answered by the RPC of its name, alone and in batches.

        :param contracts: the gRPC services among whose RPCs they are found.
        :param own_menu: commands that only the service gives, to itself; no RPC answers them.
        """
        needs = {**needs_of(contracts), **{handler.command.__name__: Role.SERVICE for handler in own_menu}}
        secret = self.settings.secret_bytes()
        if self._units and self._units.source == self.name:
            more["tree_at"] = self.tree_at
        application = Application(self.store, [*menu, *own_menu], needs, self.tree, secret=secret, sealer=self.sealer, **more)
        self.aggregates += [handler.aggregate for handler in application.handlers.values()]
        self._answers.append(lambda rpc: rpc.commands(application, contracts, [handler.command for handler in menu]))
        return application

    def answer(self, service: ServiceDescriptor, questions: Mapping[str, Query]) -> None:
        """Answer questions, by the name of their RPC."""
        self._answers.append(lambda rpc: rpc.queries(service, questions))

    async def start(self) -> None:
        """Start every part, each on those before it.

        :raises psycopg.OperationalError: the database cannot be reached; :raises OSError: an address cannot be bound.
        :raises SchemaLacks: the database is not yet, or no more, as this version needs it.
        """
        await require_schema(self.settings.database_url, self.schema)
        for conninfo, steps in self.further_databases:
            await require_schema(conninfo, steps=steps)
        own = [each for each in self._followers if each.source == self.name and each.name not in self._by_stream]
        others = [each for each in self._followers if each not in own]
        if self.tracing:
            self._trace(self.tracing)
        self._projector = Projector(self.store, self.signal, own)
        provider = self.tracing.provider if self.tracing else None
        self._feeds = Feeds(self.settings.nats_url, self.name, others, tracer_provider=provider)
        beside = self._generations()
        sweep = self.reconciler.wake if self.reconciler else lambda: None
        operations = self._operations = Operations(
            self.store, self.pool, own, self._feeds.feeds, self.publisher, lambda: beside.followers, sweep, self.leadership
        )
        self.server = Server(
            self._rpc(operations, Rebuilding(self.pool, beside, self._followers)),
            self.settings.listen,
            self.ready,
            identity=self.credentials.identity,
            service_listen=self.settings.service_listen,
            health_listen=self.settings.health_listen,
        )
        await self.pool.open()
        if self._units:
            await self._units_follower.load()  # which reads the tree whole
        self._divide(self._projector, self._feeds, own, others)
        watching: list[Part] = [Standing(operations, self.metrics), self.metrics_server]
        standing: list[Part] = [*([self.keys] if self.keys else []), self._read_again, self.signal, self.store, self.bus]
        leading: list[Part] = [self.leadership, *([self.replica] if self.replica else []), beside]
        for part in (*standing, *self.first_parts, *leading, *self.parts, *self._confirmations, *watching):
            self._started.append(part)
            await part.start()
        await self.server.start()

    def _divide(self, projector: Projector, feeds: Feeds, own: Sequence[Follower], others: Sequence[Follower]) -> None:
        """What only the process that leads does, and what the others do instead."""
        driven = {follower.name: follower for follower in own} | {feed.name: feed for feed in feeds.feeds}
        telling = Telling(self.pool, self._everybody, driven, lambda: self.leadership.term)
        self.signal.tell(AWAITED, telling.asked)
        announcing = [part for part in (self.publisher, self.reconciler) if part]
        aside = (DeadLetters(self.name, self.pool, self.bus), TakingUp(self.pool, self._everybody))
        self.leadership.led += [*announcing, projector, feeds, telling, *aside, *self.led_parts]

        def left_alone() -> frozenset[str]:
            return self.leadership.left_alone

        self._standing_by = StandingBy(self.store, self.pool, self.signal, own, others, left_alone)

        def drive(alone: frozenset[str]) -> list[Projector | Feeds]:
            ours, heard = ([each for each in some if each.name in alone] for some in (own, others))
            # By consumers of its own: another process of this version does the same, and the lock lets one of them move.
            named = self.leadership.own_name
            return [Projector(self.store, self.signal, ours), Feeds(self.settings.nats_url, self.name, heard, instance=named)]

        self.leadership.standing_by += [OnItsOwn(left_alone, drive), self._standing_by]

    def alarm(self) -> str:
        """What an operator must look at before others answer either, as far as the process that leads can know it; else empty."""
        return ""

    async def stop(self) -> None:
        """Stop in reverse order: first the calls, then what follows histories, last the store."""
        if self.server:
            await self.server.stop(self.settings.drain_s)
        await self._last_words()
        while self._started:
            await self._started.pop().stop()
        for client in self._clients:
            await client.close()
        await self.tokens.stop()
        await self.pool.close()

    def _trace(self, tracing: Tracing) -> None:
        """Have told when each event was announced, and when a read model shows it; a reaction tells itself what it does."""
        if self.publisher:
            self.publisher.on_announced = tracing.announced
        for follower in self._followers:
            if isinstance(follower.effect, Projection):
                follower.on_taken = partial(tracing.kept, follower.name)

    def _measure(self, settings: Settings) -> None:
        """What is asked whenever somebody reads the metrics."""
        measure, keys = self.metrics.measure, self.keys
        if replica := self.replica:
            measure("congdoan_replica_queries", "Answered by a read replica", lambda: replica.answered)
            measure("congdoan_replica_passed_over_queries", "Not asked of the replica", lambda: replica.passed_over)
        measure("congdoan_leader", "Whether this process leads", lambda: self.leadership.leads)
        measure("congdoan_leader_term", "The term in which somebody leads", lambda: self.leadership.latest)
        measure("congdoan_fenced_transactions", "Stopped because another process led", lambda: self.leadership.fenced)
        measure("congdoan_appends_waiting", "Commands that wait to be made durable", lambda: self.store.waiting)
        measure("congdoan_nats_connected", "Whether there is a connection to NATS", lambda: self.bus.is_connected)
        expires = settings.identity().expires
        measure("congdoan_certificate_expires_timestamp_seconds", "Until when the certificate is valid", expires)
        if keys:
            measure("congdoan_keys_reachable", "Whether the key store answers", lambda: keys.reachable)

    def _announcing(self, settings: Settings) -> tuple[Publisher, Reconciler]:
        """What brings the events onto the stream, and what sees that they stay there as they were."""
        sealed = SealedByAudit(self.client(settings.audit_target, AUDIT), self.name) if settings.audit_target else NothingSealed()
        agreement, replicas = Agreement(self.store, sealed), settings.stream_replicas
        self.admission = NotBehind(self.name, self.bus, agreement)
        publisher = Publisher(self.store, self.bus, self.signal, replicas=replicas, agreement=agreement)
        rate = settings.reconcile_events_per_s
        reconciler = Reconciler(
            self.store, self.bus, settings.database_url, agreement, self.clock,
            events_per_s=rate, replicas=replicas, stopped=lambda: publisher.stopped, taken_away=publisher.wake,
        )  # fmt: skip
        publisher.on_disagreement = reconciler.wake
        return publisher, reconciler

    async def _admit(self, database: Database) -> None:
        """:raises Unavailable: the database must not be appended to just now; see :mod:`chassis.recovery.behind`."""
        if self.admission:
            await self.admission.admit(database)

    async def recover(self, wanted: Wanted) -> Tail:
        """Find what only the stream has, and take it back if that is wanted; see :mod:`chassis.recovery`.

        :raises CannotRecover: something does not agree, and nothing was changed; and whatever is raised where there is no answer.
        """
        keeper = Keeper(self.name, self.aggregates, self.settings.secret_bytes(), self.sealer)
        if self.keys:
            await self.keys.start()
        try:
            return await recovered(wanted, self.settings.database_url, self.settings.nats_url, keeper)
        finally:
            if self.keys:
                await self.keys.stop()

    async def _last_words(self) -> None:
        """Let what was answered just now be announced, if NATS is there."""
        with suppress(TimeoutError, Unavailable):
            async with asyncio.timeout(LAST_WORDS_S):
                while self.publisher and self._announces and self.publisher.published < await self.store.head():
                    await asyncio.sleep(0.01)

    @property
    def _announces(self) -> bool:
        return self.leadership.leads and self.bus.is_connected

    @property
    def tasks(self) -> Collection[asyncio.Task[Any]]:
        """The tasks without which it is no service; those of led parts are watched by whoever starts and stops them."""
        reading = [self.replica] if self.replica else []
        working = (part.task for part in (*self._confirmations, *self.parts, *reading) if isinstance(part, Working))
        keys = self.keys.tasks if self.keys else ()
        return [*self.store.tasks, *keys, *self.leadership.tasks, *(task for task in (self.signal.task, *working) if task)]

    @property
    def further_databases(self) -> list[tuple[str, str]]:
        """The databases beside the service's own, each with the package of its steps."""
        return [(self.keys.conninfo, KEY_STEPS)] if self.keys else []

    async def ready(self) -> bool:
        """Whether it can answer now: the database is there, and every follower has begun and caught up once.

        NATS may be away meanwhile: commands are kept and announced later, so callers need not be turned away.
        """
        if self._projector is None or self._feeds is None or self._standing_by is None:
            return False
        if not (self._projector.caught_up or self._standing_by.caught_up):
            return False
        known = self._standing_by.known
        begun = all(feed.begun or feed.follower.position or feed.name in known for feed in self._feeds.feeds)
        return begun and await self.store.head() >= 0

    def _generations(self) -> SecondGenerations:
        """The second generations of its read models, each driven like the first."""
        provider = self.tracing.provider if self.tracing else None

        def drive(follower: Follower) -> Part:
            if follower.source == self.name:
                return Led(self.leadership, Projector(self.store, self.signal, [follower]))
            # By another name than the one it will have when it answers: the server forgets this consumer after a while.
            feeds = Feeds(self.settings.nats_url, self.name, [follower], instance="again", tracer_provider=provider)
            return Led(self.leadership, feeds)

        def past(source: str) -> Past:
            return OwnPast(self.store, self.pool) if source == self.name else AnothersPast(source, self.bus)

        models = [follower.effect.model for follower in self._followers if isinstance(follower.effect, Projection)]
        self._beside = SecondGenerations(
            self.pool, models, past, drive, self.clock, sealer=self.sealer, reread=self._reread, fence=self.leadership
        )
        return self._beside

    def _names(self) -> list[str]:
        return [follower.name for follower in self._followers]

    def _all(self) -> list[Follower]:
        """Everybody who follows a history here, as a first generation or by itself."""
        return self._followers

    def _everybody(self) -> list[Follower]:
        """Everybody who follows a history here, the generations beside too."""
        return [*self._followers, *(self._beside.followers if self._beside else ())]

    def _rpc(self, operations: Operations, rebuilding: Rebuilding) -> Rpc:
        rpc = Rpc(
            Surroundings(
                Callers(self.tokens, self.provinces).identify,
                self.tree,
                self.limits,
                operations.await_positions,
                self.metrics.called,
                self.tracing.serving if self.tracing else None,
            )
        )
        for register in self._answers:
            register(rpc)
        rpc.queries(OPERATIONS, operations.queries)
        rpc.actions(OPERATIONS, operations.actions)
        rpc.queries(OPERATIONS, rebuilding.queries)
        rpc.actions(OPERATIONS, rebuilding.actions)
        return rpc
