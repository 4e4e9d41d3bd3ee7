"""Notifications with a real database, and whatever of mail and wake-ups a test gives it; the clock is the test's."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from chassis.appends import Answer
from chassis.application import Application
from chassis.commands import Call, Command
from chassis.database import AppendSignal, Pool, migrate, open_pool
from chassis.ending import ended
from chassis.events import Event
from chassis.following import Effect, Follower
from chassis.hierarchy import Hierarchy, Node, first_places
from chassis.projector import Projection, Projector
from chassis.reactions import CommandReaction
from chassis.recorded import RecordedEvent
from chassis.rpc import needs_of
from chassis.security import Caller, Rights, Role
from chassis.store import EventStore
from notifications import reactions
from notifications.application import Patience, Surroundings, menu, own_menu
from notifications.clients import Contact
from notifications.forgetting import ForgetMembers
from notifications.mail import MailServer
from notifications.read_models import ALL
from notifications.read_models.deliveries import DELIVERIES
from notifications.read_models.reminders import REMINDER_ROWS
from notifications.rpc import SERVICE, Questions
from notifications.sender import Postbox, Sender
from tests.conftest import SECRET

SELF = Caller("notifications", Role.SERVICE, "national")
TOP = Caller("an-officer", Role.FEDERATION_OFFICER, "cdvcvn")
ESTABLISHED = date(2010, 1, 1)
MAIL_FROM = "congdoan@example.vn"


def unit(code: str, parent: str, name: str = "") -> Node:
    """A unit under a line parent."""
    return Node(
        code, name or code, "grassroots", 3, code == "ha-noi", ESTABLISHED, None, first_places(ESTABLISHED, parent), "[]", 1
    )


@dataclass
class ShiftedClock:
    """A clock that shows another time and goes on as ours does."""

    shift: timedelta = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.shift

    def show(self, moment: datetime) -> None:
        """It is this moment now."""
        self.shift = moment - datetime.now(UTC)


@dataclass
class Membership:
    """What membership would answer."""

    units: dict[UUID, str] = field(default_factory=dict)
    people: dict[UUID, Contact] = field(default_factory=dict)
    asked: int = 0

    async def units_of(self, member_ids: Sequence[UUID], seen_from: str) -> Mapping[UUID, str]:
        return {member_id: self.units[member_id] for member_id in member_ids if member_id in self.units}

    async def contacts(self, member_ids: Sequence[UUID]) -> Mapping[UUID, Contact]:
        self.asked += 1
        return {member_id: self.people[member_id] for member_id in member_ids if member_id in self.people}


class Running:
    """A running service without its server."""

    def __init__(
        self, database: str, pool: Pool, clock: Callable[[], datetime], patience: Patience, effects: Sequence[Effect]
    ) -> None:
        self.pool, self.clock, self.members = pool, clock, Membership()
        self.store = EventStore("notifications", database, pool, secret=SECRET, clock=clock)
        self.signal = AppendSignal(database)
        self.tree = Hierarchy()
        self.tree.put([unit("cdvcvn", ""), unit("ha-noi", "cdvcvn", "CĐVC Hà Nội"), unit("ba-dinh", "ha-noi", "CĐCS Ba Đình")])
        self.around = Surroundings(self.tree, self.members, clock, patience)
        own = own_menu(self.around)
        needs = {**needs_of([SERVICE]), **{handler.command.__name__: Role.SERVICE for handler in own}}
        self.application = Application(self.store, [*menu(self.around), *own], needs, self.tree, secret=SECRET)
        self.around.live = self.application.live
        self.questions = Questions(pool, self.tree, lambda: clock().date())
        models = [Projection(model) for model in ALL]
        our_reactions = [CommandReaction(one, self.application, SELF) for one in reactions.ALL if one.source == "notifications"]
        heard: list[Effect] = [
            *(CommandReaction(one, self.application, SELF) for one in reactions.ALL if one.source == "membership"),
            ForgetMembers(pool, self.application, self.settled_deliveries, SELF),
        ]
        self.listening = {effect.name: Follower(pool, effect, clock) for effect in heard}
        every: list[Effect] = [*models, *our_reactions, *effects]
        followers = [Follower(pool, effect, clock) for effect in every]
        self.followers = {follower.name: follower for follower in followers}
        self.projector = Projector(self.store, self.signal, followers)
        self._heard = 0

    async def do(self, command: type[Command], caller: Caller = TOP, **fields: Any) -> Answer:
        """Execute a command and wait until all that follows has seen it."""
        answer = await self.application.execute(Call(caller), command.model_validate({"command_id": uuid4(), **fields}))
        await self.settled()
        return answer

    async def hear(self, *events: RecordedEvent) -> None:
        """Events of membership arrive."""
        for follower in self.listening.values():
            await follower.take(events)
        await self.settled()

    async def ask(self, rpc: str, request: Any, caller: Caller = TOP) -> Any:
        """Ask a question, with the rights of a caller; an answer whose right nobody checked is none."""
        rights = Rights(caller, needs_of([SERVICE])[rpc], self.tree, reading=True)
        answer = await self.questions.answers[rpc](request, Call(caller, rights=rights))
        assert rights.asked
        return answer

    async def settled_deliveries(self) -> None:
        """The read model of deliveries shows every command answered so far."""
        await self.seen(DELIVERIES.name, await self.store.head())

    async def settled(self) -> None:
        """Wait until every follower has taken everything, and nothing more follows from that."""
        while True:
            head = await self.store.head()
            for follower in self.followers.values():
                await follower.at_least(head, 20)
            if await self.store.head() == head:
                return

    async def seen(self, model: str, position: int) -> None:
        await self.followers[model].at_least(position, 20)

    async def history(self, *kinds: type[Event]) -> list[Any]:
        """The events so far, of some kinds when any are given."""
        events = [recorded.event for recorded in await self.store.read(0, 10_000)]
        return [event for event in events if not kinds or isinstance(event, kinds)]

    def sender(self, smtp_url: str, *, max_at_once: int = 4) -> Sender:
        """A sender for this service's mails."""
        postbox = Postbox(
            MailServer(smtp_url),
            MAIL_FROM,
            self.members,
            self.around.office_address,
            self.questions.name_of,
            lambda position: self.seen(DELIVERIES.name, position),
            max_at_once,
        )
        return Sender(self.pool, self.application, postbox, SELF, self.clock, self.signal.subscribe(), poll_s=0.05)

    async def reminders_seen(self, position: int) -> None:
        """The read model of reminders has taken a position."""
        await self.seen(REMINDER_ROWS.name, position)


@asynccontextmanager
async def running(
    database: str,
    clock: Callable[[], datetime],
    *effects: Effect,
    patience: Patience = Patience(first_retry_s=0.05, sending_lease_s=1.0),  # noqa: B008 - frozen
) -> AsyncIterator[Running]:
    """Notifications, started in a database and stopped in the end."""
    await asyncio.to_thread(migrate, database, [statement for model in ALL for statement in model.schema])
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(open_pool(database, max_size=16))
        service = Running(database, pool, clock, patience, effects)
        for part in (service.store, service.signal, service.projector):
            await part.start()
            stack.push_async_callback(part.stop)
        for follower in service.listening.values():
            await follower.load()
        yield service


@asynccontextmanager
async def at_work(work: Any) -> AsyncIterator[None]:
    """Something runs meanwhile."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        # Before Python 3.12 `wait_for` swallows a cancellation that comes together with an answer; so it may take two.
        await ended(task)
        if not task.cancelled():
            task.result()


async def eventually(check: Callable[[], Any], timeout_s: float = 20) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(timeout_s):
        while not await check():
            await asyncio.sleep(0.02)
