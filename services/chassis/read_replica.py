"""Which database answers a question: the service's own, or a replica that shows what the answer must show?

A replica is behind by however long its log takes to arrive. Each connection to it may lead to another server, so it is the
connection that is looked at: do the positions of the followers there cover what the call waited for before it asked, and what
the service itself had written down `BEHIND_S` ago? Where they do not within `PATIENCE_S`, or the replica does not answer, the
service's own database is asked; whoever asks sees no difference but time. Within one call nothing is read from an older state
than before.

Commands, followers and rights never read here: the tree is in memory, kept from the service's own database.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
import structlog
from psycopg.conninfo import make_conninfo
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from chassis.commands import Call, Shown, call_being_answered
from chassis.database import Connection, Pool
from chassis.ending import ended
from chassis.following import Follower
from chassis.positions import POSITIONS

BEHIND_S = 5.0
"""How old the state of a replica may be; a name that was erased is not read for longer."""
PATIENCE_S = 0.1
"""How long a question waits for a replica to show what it must show."""
ANSWERED_WITHIN_S = 5.0
AVOIDED_S = 1.0
"""How long nothing is asked of a replica that was away or behind."""
HUNG_S = 30.0
"""How long nothing is asked of one that took a question and did not answer."""
NOTED_EVERY_S = 1.0
LOOK_EVERY_S = 0.01

log = structlog.get_logger(__name__)


class ReplicaSilent(psycopg.OperationalError):
    """A replica took a question and does not answer."""


class ReadReplica(AsyncConnectionPool[Connection]):
    """The connections of questions: to a replica where it may answer, else to the service's own database.

    :param conninfo: of the replica, or of several behind one name.
    :param own: the service's own database.
    :param followers: whose positions tell how far a state is.
    """

    def __init__(self, conninfo: str, own: Pool, followers: Callable[[], Iterable[Follower]], *, max_size: int = 8) -> None:
        super().__init__(
            make_conninfo(conninfo, options="-c jit=off -c timezone=UTC", connect_timeout=5),
            min_size=1, max_size=max_size, timeout=PATIENCE_S, max_lifetime=600.0, reconnect_timeout=1e9,
            kwargs={"autocommit": True}, open=False,
        )  # fmt: skip
        self._own, self._followers = own, followers
        self._written: deque[dict[str, int]] = deque(maxlen=1 + round(BEHIND_S / NOTED_EVERY_S))
        self._seen: WeakKeyDictionary[Connection, Mapping[str, int]] = WeakKeyDictionary()
        self._avoided_until = 0.0
        self.answered, self.passed_over = 0, 0
        """How many queries the replica has answered, and how many went to the service's own database instead."""
        self.task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connect in the background."""
        await self.open()
        self.task = asyncio.create_task(self._note_for_ever(), name="read-replica")

    async def stop(self) -> None:
        """Close every connection."""
        await ended(self.task)
        await self.close()

    async def check(self) -> None:
        """Replace the connections to the service's own database that have died; those to the replica are asked for no more."""
        await self._own.check()

    @asynccontextmanager
    async def connection(self, timeout: float | None = None) -> AsyncIterator[Connection]:
        """A connection to whichever database may answer the call that is being answered."""
        call = call_being_answered.get()
        replica = await self._ready_for(call)
        if replica is None or call is None:
            self.passed_over += 1
            async with self._own.connection(timeout) as connection:
                yield connection
            return
        try:
            async with _within(ANSWERED_WITHIN_S):
                yield replica
            self.answered += 1
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            self._avoid(call.shown, HUNG_S if isinstance(error, ReplicaSilent) else AVOIDED_S, error)
            raise
        finally:
            await self.putconn(replica)

    async def _ready_for(self, call: Call | None) -> Connection | None:
        """A connection to a replica that shows what a call must show; None when the service's own database is to be asked."""
        if call is None or call.shown.by_own or monotonic() < self._avoided_until or not self._written:
            return None
        try:
            replica = await self.getconn(PATIENCE_S)
        except (PoolTimeout, psycopg.OperationalError) as error:
            self._avoid(call.shown, AVOIDED_S, error)
            return None
        try:
            async with _within(ANSWERED_WITHIN_S):
                shows = await self._shows(replica, call.shown)
        except psycopg.OperationalError as error:
            self._avoid(call.shown, HUNG_S if isinstance(error, ReplicaSilent) else AVOIDED_S, error)
            shows = False
        except BaseException:
            await self.putconn(replica)
            raise
        if not shows:
            call.shown.by_own = True
            await self.putconn(replica)
            return None
        return replica

    async def _shows(self, replica: Connection, shown: Shown) -> bool:
        needed, until = self._needed(shown), monotonic() + PATIENCE_S
        while not _covers(seen := self._seen.get(replica, {}), needed):
            if monotonic() > until:
                if not _covers(seen, self._written[0]):
                    self._avoid(shown, AVOIDED_S, None)
                return False
            if seen:
                await asyncio.sleep(LOOK_EVERY_S)
            rows: list[Any] = await (await replica.execute(POSITIONS)).fetchall()
            self._seen[replica] = dict(rows)
        shown.positions.update(seen)
        return True

    def _needed(self, shown: Shown) -> dict[str, int]:
        """What must be written down where it is asked: between that and the position, nothing concerned the follower."""
        needed = dict(self._written[0])
        written = self._written_down()
        for name, position in shown.positions.items():
            needed[name] = max(needed.get(name, 0), min(position, written.get(name, position)))
        return needed

    def _written_down(self) -> dict[str, int]:
        return {follower.name: follower.kept for follower in self._followers()}

    def _avoid(self, shown: Shown, seconds: float, error: Exception | None) -> None:
        if monotonic() > self._avoided_until:
            log.warning("the replica is not asked", reason=type(error).__name__ if error else "it is behind")
        shown.by_own = True
        self._avoided_until = monotonic() + seconds

    async def _note_for_ever(self) -> None:
        while True:
            if all(follower.loaded for follower in self._followers()):
                self._written.append(self._written_down())
            await asyncio.sleep(NOTED_EVERY_S)


def _covers(seen: Mapping[str, int], needed: Mapping[str, int]) -> bool:
    return all(seen.get(name, 0) >= position for name, position in needed.items())


@asynccontextmanager
async def _within(seconds: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds) as limit:
            yield
    except TimeoutError:
        if limit.expired():
            raise ReplicaSilent("no answer") from None
        raise
