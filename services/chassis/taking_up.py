"""Who takes up what lay aside, when nobody orders it, and how does every process of the service come to know of it?"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import psycopg
import structlog

from chassis.cloudevents import readable
from chassis.database import Pool, fetch
from chassis.deadletters import RETRY_S, Key, Replayed, replay
from chassis.ending import ended
from chassis.events import NotReadable
from chassis.following import NOT_READABLE, Follower
from chassis.parking import unpacked
from chassis.recorded import RecordedEvent
from chassis.refusals import Unavailable
from chassis.stacks import stack_of

TAKE_UP_EVERY_S = 1.0

log = structlog.get_logger(__name__)


class TakingUp:
    """Takes up what an older version of the service laid aside because it could not read it, and this one can.

    While two versions run side by side, whichever comes first takes an event for both. So what the old one did not know waits
    for the new one, and nobody has to order a replay.
    """

    def __init__(self, pool: Pool, followers: Callable[[], Sequence[Follower]]) -> None:
        self._pool, self._followers = pool, followers
        self._unknown: set[Key] = set()
        """What this version cannot read either: it is looked at once."""
        self.task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to look; returns at once."""
        self.task = asyncio.create_task(self._run(), name="taking-up")

    async def stop(self) -> None:
        """Look no more; a replay under way is rolled back."""
        await ended(self.task)

    async def _run(self) -> None:
        while True:
            try:
                await self.take_up()
            except Exception as error:
                log.warning("what an older version laid aside waits", raised=stack_of(error))
            await asyncio.sleep(TAKE_UP_EVERY_S)

    async def take_up(self) -> Replayed:
        """Offer once more what this version can read.

        :raises psycopg.Error, Unavailable: the database cannot be asked just now.
        """
        query = """select follower, position, aggregate_id, event from parked
                    where follower = any(%s) and waits_for is null and starts_with(reason, %s)
                    order by follower, position"""
        followers = {follower.name: follower for follower in self._followers()}
        outcome = Replayed()
        for name, position, aggregate_id, event in await fetch(self._pool, query, (list(followers), NOT_READABLE)):
            if (name, position) in self._unknown:
                continue
            readable_here = _can_be_read(unpacked(bytes(event)))
            replayed = await replay(self._pool, followers[name], aggregate_id) if readable_here else Replayed()
            if not replayed.taken:
                self._unknown.add((name, position))
            outcome += replayed
        return outcome


class ReadAgain:
    """Reads again what this process keeps of a read model in memory, when any process of the service took up what lay aside.

    No position tells of it: what takes effect late has an earlier one.

    :param reread: by read model.
    """

    def __init__(self, reread: Mapping[str, Callable[[], Awaitable[None]]]) -> None:
        self._reread = reread
        self._due: set[str] = set()
        self._woken = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    def told(self, follower: str) -> None:
        """Of one that has taken something up; the empty string stands for any."""
        self._due |= self._reread.keys() & {follower} if follower else self._reread.keys()
        self._woken.set()

    async def start(self) -> None:
        """Begin; returns at once."""
        self.task = asyncio.create_task(self._run(), name="read-again")

    async def stop(self) -> None:
        """End."""
        await ended(self.task)

    async def _run(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            try:
                await self._read()
            except (Unavailable, psycopg.Error) as error:
                log.warning("what was taken up is not known yet", error=type(error).__name__)
                await asyncio.sleep(RETRY_S)
                self._woken.set()

    async def _read(self) -> None:
        for name in sorted(self._due):
            self._due.discard(name)  # whatever is taken up from now on is due once more
            try:
                await self._reread[name]()
            except BaseException:
                self._due.add(name)
                raise


def _can_be_read(event: RecordedEvent) -> bool:
    try:
        return bool(readable(event).event)
    except NotReadable:
        return False
