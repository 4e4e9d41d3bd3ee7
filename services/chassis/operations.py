"""How far is the service, what lies aside, and when has everyone seen a position? What every service answers its operator.

The same numbers go to Prometheus every few seconds (:class:`Standing`), and calls that name a position wait here.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import structlog
from google.protobuf.message import Message

from chassis.commands import Call, call_being_answered
from chassis.database import Pool, fetch
from chassis.deadletters import list_parked, replay
from chassis.ending import ended
from chassis.following import Follower
from chassis.messages import message_of
from chassis.metrics import Metrics
from chassis.paging import page_of
from chassis.projector import Projection
from chassis.reconciliation.remembered import Reconciliation, ask_for_sweep, reconciliation
from chassis.refusals import DeadlinePassed, NotFound, Refusal
from chassis.rpc import Query
from chassis.store import EventStore
from federation.operations.v1 import operations_pb2 as pb

OPERATIONS = pb.DESCRIPTOR.services_by_name["OperationsService"]
LOOK_EVERY_S = 0.01
MEASURE_EVERY_S = 5.0

_log = structlog.get_logger(__name__)


class Announcing(Protocol):
    """What announces the recorded events; see :mod:`chassis.publisher`."""

    async def announced(self) -> int:
        """Position of the last event announced, by whichever process of the service."""


class Leading(Protocol):
    """Who leads the service; see :mod:`chassis.leadership`."""

    holder: str
    latest: int

    @property
    def leads(self) -> bool:
        """Whether this process does."""


class Feeding(Protocol):
    """What brings another service's events to a follower; see :mod:`chassis.feed`."""

    follower: Follower
    lag: int | None

    async def at_least(self, position: int, timeout_s: float) -> None:
        """:raises DeadlinePassed: the follower has not looked at everything up to a position within `timeout_s`."""


class UnknownFollower(NotFound):
    """Nobody in this service follows a history under that name."""

    vi = "Dịch vụ này không có bộ theo dõi tên như vậy."
    en = "No follower of this service has that name."


class Operations:
    """Answers for one service.

    :param followers: those that follow the service's own history; the others come with their `feeds`.
    :param publisher: None for a service that announces nothing.
    :param beside: gives the followers of second generations; nobody waits for these.
    :param leading: who leads the service; nobody where every process does all of it.
    :param sweep: tells whoever compares the stream in this process that somebody asks for it.
    """

    def __init__(
        self,
        store: EventStore,
        pool: Pool,
        followers: Sequence[Follower],
        feeds: Sequence[Feeding] = (),
        publisher: Announcing | None = None,
        beside: Callable[[], Sequence[Follower]] = lambda: (),
        sweep: Callable[[], None] = lambda: None,
        leading: Leading | None = None,
    ) -> None:
        self._store, self._pool, self._publisher, self._beside, self._sweep = store, pool, publisher, beside, sweep
        self._followers, self._feeds, self._leading = followers, feeds, leading

    @property
    def queries(self) -> Mapping[str, Query]:
        """What may be asked, by name of the RPC."""
        return {
            "GetStatus": self._get_status,
            "ListDeadLetters": self._list_dead_letters,
            "AwaitPosition": self._await_position,
            "SweepStream": self._sweep_stream,
        }

    @property
    def actions(self) -> Mapping[str, Query]:
        """What may be done, by name of the RPC."""
        return {"ReplayDeadLetters": self._replay_dead_letters}

    async def status(self) -> pb.GetStatusResponse:
        """How far the service and its followers are.

        :raises Unavailable: the database cannot be reached.
        """
        head, parked = await self._store.head(), await self._parked()
        published = await self._publisher.announced() if self._publisher else head
        own = [(follower, max(0, head - follower.position)) for follower in self._followers]
        others = [(feed.follower, feed.lag) for feed in self._feeds]
        return pb.GetStatusResponse(
            service=self._store.service,
            head=head,
            published=published,
            backlog=max(0, head - published),
            followers=[_follower(follower, lag, parked.get(follower.name, 0)) for follower, lag in (*own, *others)],
            stream=_stream(await reconciliation(self._pool)) if self._publisher else None,
            leader=self._leading.holder if self._leading else "",
            term=self._leading.latest if self._leading else 0,
            leads=self._leading is not None and self._leading.leads,
        )

    async def recorded_at(self, position: int) -> datetime | None:
        """When an event was recorded; None when there is none at that position.

        :raises Unavailable: the database cannot be reached.
        """
        rows = await fetch(self._pool, "select recorded_at from events where position = %s", (position,))
        return rows[0][0] if rows else None

    async def await_positions(self, positions: Mapping[str, int], timeout_s: float) -> None:
        """Wait until whoever follows a history here has seen its position; a history nobody follows here changes nothing.

        :raises DeadlinePassed: not within `timeout_s`.
        """
        now = asyncio.get_running_loop().time
        until = now() + timeout_s
        own = positions.get(self._store.service, 0)
        wanted: list[tuple[Follower | Feeding, Follower, int]] = [(follower, follower, own) for follower in self._followers]
        wanted += [(feed, feed.follower, positions.get(feed.follower.source, 0)) for feed in self._feeds]
        call = call_being_answered.get()
        for _, follower, position in wanted:
            if call and position:
                call.shown.need(follower.name, position)
        behind = [one.at_least(position, until - now()) for one, follower, position in wanted if follower.position < position]
        await asyncio.gather(*behind)

    async def _parked(self) -> dict[str, int]:
        return dict(await fetch(self._pool, "select follower, count(*) from parked group by follower"))

    async def _list_dead_letters(self, request: pb.ListDeadLettersRequest, call: Call) -> Message:
        call.rights.nationwide()
        page = page_of(request.page)
        rows = await list_parked(self._pool, page.after(str, int), page.size + 1)
        shown, following = page.cut(rows, lambda row: row.key)
        return pb.ListDeadLettersResponse(dead_letters=[message_of(pb.DeadLetter, row) for row in shown], next=following)

    async def _replay_dead_letters(self, request: pb.ReplayDeadLettersRequest, call: Call) -> Message:
        call.rights.nationwide()
        for follower in (*self._all(), *self._beside()):
            if follower.name == request.follower:
                return message_of(pb.ReplayDeadLettersResponse, await replay(self._pool, follower))
        raise UnknownFollower("follower")

    def _all(self) -> list[Follower]:
        return [*self._followers, *(feed.follower for feed in self._feeds)]

    async def _get_status(self, request: pb.GetStatusRequest, call: Call) -> Message:
        call.rights.nationwide()
        return await self.status()

    async def _sweep_stream(self, request: pb.SweepStreamRequest, call: Call) -> Message:
        """It only looks, so an auditor may ask for it too."""
        call.rights.nationwide()
        sweep = await ask_for_sweep(self._pool)
        self._sweep()
        return pb.SweepStreamResponse(sweep=sweep)

    async def _await_position(self, request: pb.AwaitPositionRequest, call: Call) -> Message:
        call.rights.nationwide()
        position = request.position or await self._store.head()
        now = asyncio.get_running_loop().time
        until = now() + call.deadline_s
        await self.await_positions({self._store.service: position}, call.deadline_s)
        while self._publisher and await self._publisher.announced() < position:
            if now() > until:
                raise DeadlinePassed()
            await asyncio.sleep(LOOK_EVERY_S)
        return pb.AwaitPositionResponse(position=position)


def _stream(found: Reconciliation) -> pb.StreamStatus:
    counts = {"differences": found.differences, "repairs": found.repairs, "answered": found.answered}
    whole_at = found.finished_at.isoformat() if found.finished_at else ""
    return pb.StreamStatus(compared=found.swept, whole_at=whole_at, alarm=found.alarm, **counts)


def _follower(follower: Follower, lag: int | None, parked: int) -> pb.FollowerStatus:
    model = follower.effect.model if isinstance(follower.effect, Projection) else None
    return message_of(
        pb.FollowerStatus,
        name=follower.name,
        kind="read_model" if model else "reaction",
        source=follower.source,
        version=model.version if model else 0,
        position=follower.position,
        lag=lag,
        parked=parked,
    )


class Standing:
    """Tells the metrics every few seconds how far the service is."""

    def __init__(self, operations: Operations, metrics: Metrics) -> None:
        self._operations, self._metrics = operations, metrics
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to tell."""
        self._task = asyncio.create_task(self._tell(), name="standing")

    async def stop(self) -> None:
        """Tell no more."""
        await ended(self._task)

    async def _tell(self) -> None:
        while True:
            await self._look()
            await asyncio.sleep(MEASURE_EVERY_S)

    async def _look(self) -> None:
        try:
            status = await self._operations.status()
            waiting_since = await self._operations.recorded_at(status.published + 1) if status.backlog else None
        except Refusal as refusal:
            _log.debug("standing is not known", rule=refusal.rule)
            self._metrics.reached(database=False)
            return
        self._metrics.reached(database=True)
        self._metrics.stands(status, waiting_since.timestamp() if waiting_since else 0.0)
        if status.HasField("stream"):
            one = status.stream
            whole_at = datetime.fromisoformat(one.whole_at).timestamp() if one.whole_at else 0.0
            self._metrics.compared(one.compared, whole_at, one.differences, one.repairs, bool(one.alarm))
