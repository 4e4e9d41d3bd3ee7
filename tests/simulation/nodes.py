"""What does one simulated process of a service consist of? The product's own parts, put together as its wiring does.

Membership decides on units, members and reports; notifications follows what membership says, reacts to it, and follows
itself. Only what stands below - connections, clocks, keys - is simulated.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from random import Random
from types import SimpleNamespace
from typing import Any, Protocol
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chassis.application import AnyHandler, Application
from chassis.database import AppendSignal, fetch_rows
from chassis.ending import ended
from chassis.events import Event
from chassis.feed import Feed
from chassis.following import Effect, Follower
from chassis.hierarchy import Hierarchy
from chassis.leadership import Leadership
from chassis.projector import Projection, Projector
from chassis.publisher import Publisher
from chassis.reactions import CommandReaction
from chassis.read_models import ReadModel
from chassis.reconciliation.sealed import Agreement, NothingSealed
from chassis.refusals import DeadlinePassed, Unavailable
from chassis.sealing import Keys, Sealer
from chassis.security import Caller, Role
from chassis.standing_by import CHANNEL, StandingBy, Telling
from chassis.store import EventStore
from chassis.streams import Connection as NatsConnection
from membership.application import UnitsAtHand
from membership.application import menu as membership_menu
from membership.domain.member import keyed_hash_of_ids
from membership.events import UNITS
from membership.read_models.member_counts import MEMBER_COUNTS
from membership.read_models.members import MEMBERS
from membership.read_models.pending_transfers import PENDING_TRANSFERS
from membership.wiring import _place
from notifications import reactions
from notifications.application import Patience, Surroundings, own_menu
from notifications.application import menu as notifications_menu
from notifications.read_models.inbox import INBOX
from notifications.read_models.reminders import REMINDER_ROWS
from tests.simulation.bus_client import Client
from tests.simulation.connection import Connecting
from tests.simulation.virtual_loop import Process

SECRET = b"a secret of at least 32 bytes ..."
PATIENCE_S = 5.0
MODELS: Mapping[str, Sequence[ReadModel[Any]]] = {
    "membership": (UNITS, MEMBERS, MEMBER_COUNTS, PENDING_TRANSFERS),
    "notifications": (UNITS, REMINDER_ROWS, INBOX),
}
REACTIONS = {"notifications": tuple(each for each in reactions.ALL if each.name != "watch_data_requests")}


class Ordered(dict[Any, None]):
    """A set that has an order: where the product walks through a set of objects, their addresses would choose one."""

    add = dict[Any, None].setdefault

    def discard(self, item: Any) -> None:
        """Take it out, if it is there."""
        self.pop(item, None)


class PersonKeys:
    """The key store: it lives longer than any process."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._keys: dict[UUID, AESGCM] = {}

    async def keys_for(self, persons: Collection[UUID], *, create: bool = False) -> Keys:
        """The keys of some persons; made for whoever has none, when told to."""
        for person in sorted(persons):
            if create and person not in self._keys:
                self._keys[person] = AESGCM(self._random.randbytes(32))
        return {person: self._keys[person] for person in persons if person in self._keys}


class Surrounding(Protocol):
    """What a process stands on."""

    connecting: Connecting
    keys: PersonKeys
    bus: Any
    random: Random

    def clock(self, process: Process) -> Callable[[], datetime]:
        """The clock of a process."""


class NobodyIsAsked:
    """Membership's word on members: none of the simulated commands needs it."""

    async def units_of(self, member_ids: Sequence[UUID], seen_from: str) -> Mapping[UUID, str]:
        """:raises Unavailable: always."""
        raise Unavailable(reason="membership")

    async def contacts(self, member_ids: Sequence[UUID]) -> Mapping[UUID, Any]:
        """:raises Unavailable: always."""
        raise Unavailable(reason="membership")


class Node:
    """One process of a service."""

    def __init__(self, world: Surrounding, service: str, process: Process) -> None:
        self.service, self.process, self._world = service, process, world
        self.calls: list[asyncio.Future[Any]] = []
        """Those who wait for an answer of it."""
        self.conninfo = f"dbname={service}"
        self.clock, self.ready = world.clock(process), False
        time = process.loop.time
        self.pool: Any = world.connecting.pool(f"{self.conninfo} application_name={process.name}")
        self.signal = AppendSignal(self.conninfo)
        self.signal._waiters = Ordered()  # type: ignore[assignment]
        self.store = EventStore(service, self.conninfo, self.pool, secret=SECRET, clock=self.clock)
        self.sealer = Sealer(world.keys, world.random.randbytes)
        self.tree = Hierarchy(time)
        self.leadership = Leadership(self.conninfo, process.name, process.name, clock=time)
        self.caller = Caller(service, Role.SERVICE, "")
        self.own: list[Follower] = []
        self.others: list[Follower] = []
        self._units = self._keep_tree()
        self.application = _membership(self) if service == "membership" else _notifications(self)

    async def start(self) -> None:
        """Start every part, as the service does."""
        bus = NatsConnection("nats://simulated", self.process.name)
        agreement = Agreement(self.store, NothingSealed(), self.process.loop.time)
        publisher = Publisher(self.store, bus, self.signal, agreement=agreement)
        projector, feeds = Projector(self.store, self.signal, self.own), Feeds(self._world.bus, self.service, self.others)
        driven = {each.name: each for each in self.own} | {each.name: each for each in feeds.feeds}
        telling = Telling(self.pool, lambda: [*self.own, *self.others], driven, lambda: self.leadership.term)
        self.leadership.led += [publisher, projector, feeds, telling]
        self.leadership.standing_by.append(StandingBy(self.store, self.pool, self.signal, self.own, self.others))
        self.signal.tell(CHANNEL, telling.asked)
        self.signal.tell("leaders", lambda _: self.leadership.wake())
        self.tree.put(await fetch_rows(self.pool, UNITS, "true"))
        for part in (self.signal, self.store, bus, self.leadership):
            await part.start()
        self.ready = True

    def follow(self, *effects: Effect) -> None:
        """Take the events of a history in order."""
        for effect in effects:
            follower = Follower(self.pool, effect, self.clock, fence=self.leadership)
            (self.own if effect.source == self.service else self.others).append(follower)

    def _keep_tree(self) -> Follower:
        async def read_again(after: int) -> None:
            self.tree.put(await fetch_rows(self.pool, UNITS, "position > %s", (after,)))

        follower = Follower(self.pool, Projection(UNITS, on_rows=self.tree.put), self.clock, read_again, self.leadership)
        (self.own if self.service == UNITS.source else self.others).append(follower)
        return follower

    def keep_models(self) -> None:
        """Keep the read models of the service."""
        self.follow(*(Projection(each, sealer=self.sealer) for each in MODELS[self.service] if each is not UNITS))

    async def tree_at(self, position: int) -> None:
        """:raises Unavailable: the tree does not show a position in time."""
        try:
            await self._units.at_least(position, PATIENCE_S)
        except DeadlinePassed:
            raise Unavailable(reason="read model") from None


def _needs(menu: Iterable[AnyHandler]) -> dict[str, Role]:
    return {handler.command.__name__: Role.SERVICE for handler in menu}


def _membership(node: Node) -> Application:
    units = UnitsAtHand(keyed_hash_of_ids(SECRET), node.tree)
    menu = membership_menu(units)

    def on_events(events: Sequence[Event], last: int) -> None:
        _place(node.tree, events, last)

    application = Application(
        node.store, menu, _needs(menu), node.tree,
        secret=SECRET, sealer=node.sealer, on_events=on_events, tree_at=node.tree_at,
    )  # fmt: skip
    units.live = application.live
    node.keep_models()
    return application


def _notifications(node: Node) -> Application:
    around = Surroundings(node.tree, NobodyIsAsked(), node.clock, Patience())
    menu = [*notifications_menu(around), *own_menu(around)]
    application = Application(node.store, menu, _needs(menu), node.tree, secret=SECRET, sealer=None)
    around.live = application.live
    node.keep_models()
    node.follow(*(CommandReaction(each, application, node.caller) for each in REACTIONS["notifications"]))
    return application


class Feeds:
    """Every feed of a process, on one connection: what `chassis.feed.Feeds` is with FastStream's broker."""

    def __init__(self, bus: Any, service: str, followers: Sequence[Follower]) -> None:
        self.feeds = [Feed(service, follower) for follower in followers]
        self._bus = bus
        self.task: asyncio.Task[None] | None = None
        for feed in self.feeds:
            feed._consume = _consuming(feed)

    async def start(self) -> None:
        """Begin to follow."""
        self.task = asyncio.create_task(self._run(), name="feeds")

    async def stop(self) -> None:
        """Stop."""
        await ended(self.task)

    async def _run(self) -> None:
        client: Any = Client(self._bus)
        tasks: list[asyncio.Task[None]] = []
        try:
            await client.connect("nats://simulated")
            tasks += [asyncio.create_task(feed.run(client), name=f"feed-{feed.name}") for feed in self.feeds]
            await asyncio.Event().wait()
        finally:
            await asyncio.gather(*[ended(task) for task in tasks])
            await client.close()


def _consuming(feed: Feed) -> Callable[[list[Any]], Awaitable[Any]]:
    """FastStream hands a batch to its handler, and keeps what goes wrong there to itself."""

    async def consume(messages: list[Any]) -> None:
        with suppress(Exception):
            await feed._take(SimpleNamespace(raw_message=messages))  # type: ignore[arg-type]

    return consume
