"""How does a process that does not lead know how far the one that leads has come?

It reads the positions of all followers in one query: soon after something was appended, then less and less often, and every few
milliseconds while somebody waits for a position. Whoever leads is told what is waited for, so that it gathers nothing meanwhile
and writes down what it has passed over in memory alone, which nobody else could know.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol

import orjson
import psycopg
import structlog
from psycopg_pool import PoolTimeout

from chassis.database import AppendSignal, Pool, fetch
from chassis.ending import ended
from chassis.following import Deposed, Follower, nobody_asks
from chassis.parts import Part
from chassis.positions import POSITIONS, TERM
from chassis.refusals import DeadlinePassed, Unavailable
from chassis.store import EventStore

CHANNEL = "awaited"
"""Notified with what somebody waits for: a JSON object, a position by follower."""
FIRST_S, LAST_S = 0.01, 1.0
"""How soon, and how late, positions are read again."""
GATHERED_S = 0.05
"""How long after an append; under load each would ask for a query of its own."""
ASKED_AGAIN_S = 0.25
"""After which the leader is told once more, for it may be another one by now."""
WRITTEN_EVERY_S = 1.0
PATIENCE_S = 2.0

# What is being moved just now need not be written down; and nobody is waited for.
_WRITE_DOWN = f"""
    with free as (select f.follower, n.position from followers f
                    join unnest(%s::text[], %s::bigint[], %s::bigint[]) as n (follower, held, position)
                      on f.follower = n.follower and f.position = n.held
                   where {TERM} = %s for update of f skip locked)
    update followers f set position = free.position from free where f.follower = free.follower
    returning f.follower, f.position"""

log = structlog.get_logger(__name__)


class Driven(Protocol):
    """Whoever waits for the position of a follower that is driven here, and hastens it."""

    async def at_least(self, position: int, timeout_s: float) -> None:
        """:raises DeadlinePassed: it is not reached within `timeout_s`."""


class StandingBy:
    """Keeps up, as long as another process leads; a part that runs when this one does not.

    :param own: those that follow the service's own history.
    :param others: those that follow another's.
    :param left_alone: those that the process that leads does not know, and that are driven here.
    """

    def __init__(
        self,
        store: EventStore,
        pool: Pool,
        signal: AppendSignal,
        own: Sequence[Follower],
        others: Sequence[Follower],
        left_alone: Callable[[], frozenset[str]] = frozenset,
    ) -> None:
        self._store, self._pool, self._signal, self._own, self._left_alone = store, pool, signal, own, left_alone
        self._followers = {follower.name: follower for follower in (*own, *others)}
        self._woken: asyncio.Event | None = None
        self._asked: dict[str, int] = {}
        self._asked_at = 0.0
        self._goal: int | None = None
        self.known: frozenset[str] = frozenset()
        """Those of whom there is a position."""
        self.caught_up = False
        """Whether everybody who follows the own history was seen at the head of it once."""
        self.task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to keep up; returns at once."""
        self._woken, self._goal = self._signal.subscribe(), None
        for follower in self._followers.values():
            follower.on_awaited = self._woken.set
        self.task = asyncio.create_task(self._run(self._woken), name="standing-by")

    async def stop(self) -> None:
        """Leave it to those who drive the followers here."""
        await ended(self.task)
        for follower in self._followers.values():
            follower.on_awaited = nobody_asks
        if self._woken:
            self._signal.unsubscribe(self._woken)

    async def _run(self, woken: asyncio.Event) -> None:
        now = asyncio.get_running_loop().time
        pause, looked_at, due = FIRST_S, 0.0, now()
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(due):
                    await woken.wait()
            waiting = self._waited_for()
            if woken.is_set():
                woken.clear()
                pause = FIRST_S if waiting else GATHERED_S
                due = min(due, looked_at + FIRST_S if waiting else now() + GATHERED_S)
            if now() < due:
                continue
            try:
                await self._ask(waiting, now())
                await self._look()
            except Unavailable:
                pause = LAST_S
            looked_at = now()
            due, pause = looked_at + pause, min(2 * pause, GATHERED_S if waiting else LAST_S)

    def _waited_for(self) -> dict[str, int]:
        found = {name: follower.wanted for name, follower in self._followers.items()}
        waiting = {name: position for name, position in found.items() if position is not None}
        if not self.caught_up and self._goal:
            waiting |= {each.name: self._goal for each in self._own if each.position < self._goal and each.name not in waiting}
        alone = self._left_alone()
        return {name: position for name, position in waiting.items() if name not in alone}

    async def _ask(self, waiting: Mapping[str, int], now: float) -> None:
        """Tell whoever leads what is waited for."""
        if waiting and (waiting != self._asked or now > self._asked_at + ASKED_AGAIN_S):
            await fetch(self._pool, "select pg_notify(%s, %s)", (CHANNEL, orjson.dumps(waiting).decode()))
            self._asked_at = now
        self._asked = dict(waiting)

    async def _look(self) -> None:
        """:raises Unavailable: the database cannot be asked just now."""
        if self._goal is None:
            self._goal = await self._store.head()
        found = {str(name): int(position) for name, position in await fetch(self._pool, POSITIONS)}
        alone = self._left_alone()
        for name, follower in self._followers.items():
            if name in found and name not in alone:
                await follower.see(found[name])
        self.known = frozenset(found)
        self.caught_up = self.caught_up or all(each.position >= self._goal for each in self._own)


class OnItsOwn:
    """Drives, in a process that stands by, what the one that leads does not know: the read models of another version.

    :param drive: what brings some followers their history.
    """

    def __init__(self, left_alone: Callable[[], frozenset[str]], drive: Callable[[frozenset[str]], Sequence[Part]]) -> None:
        self._left_alone, self._drive = left_alone, drive
        self._drivers: Sequence[Part] = ()

    @property
    def tasks(self) -> list[asyncio.Task[None]]:
        """The tasks that must not end."""
        return [task for driver in self._drivers for task in getattr(driver, "tasks", [getattr(driver, "task", None)]) if task]

    async def start(self) -> None:
        """Begin; started anew when another process leads."""
        alone = self._left_alone()
        if alone:
            log.info("drives by itself what the leader does not know", followers=sorted(alone))
        self._drivers = self._drive(alone) if alone else ()
        for driver in self._drivers:
            await driver.start()

    async def stop(self) -> None:
        """End."""
        for driver in self._drivers:
            await driver.stop()
        self._drivers = ()


class Telling:
    """Lets those who stand by know the positions they wait for; a part of the process that leads.

    :param driven: by follower, who hastens it.
    :param term: the term in which positions are written down; raises Deposed.
    """

    def __init__(
        self, pool: Pool, followers: Callable[[], Iterable[Follower]], driven: Mapping[str, Driven], term: Callable[[], int]
    ) -> None:
        self._pool, self._followers, self._driven, self._term = pool, followers, driven, term
        self._hastening: dict[tuple[str, int], asyncio.Task[None]] = {}
        self._reached = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin."""
        self.task = asyncio.create_task(self._run(), name="telling")

    async def stop(self) -> None:
        """End."""
        for task in (self.task, *self._hastening.values()):
            await ended(task)
        self.task = None

    def asked(self, payload: str) -> None:
        """Somebody, in another process, waits for some positions."""
        if self.task is None:
            return
        with suppress(orjson.JSONDecodeError, AttributeError):
            self._begin_all(orjson.loads(payload).items())

    def _begin_all(self, awaited: Iterable[tuple[str, int]]) -> None:
        for name, position in awaited:
            if name in self._driven and (name, position) not in self._hastening:
                self._begin(name, position, self._hasten(self._driven[name], position))

    def _begin(self, name: str, position: int, work: Coroutine[Any, Any, None]) -> None:
        task = self._hastening[name, position] = asyncio.create_task(work, name=f"hasten-{name}")
        task.add_done_callback(lambda _: self._hastening.pop((name, position), None))

    async def _hasten(self, driven: Driven, position: int) -> None:
        with suppress(DeadlinePassed):
            await driven.at_least(position, PATIENCE_S)
        self._reached.set()

    async def _run(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(WRITTEN_EVERY_S):
                    await self._reached.wait()
            self._reached.clear()
            try:
                await write_down(self._pool, self._followers(), self._term())
            except (psycopg.Error, PoolTimeout, Deposed) as error:
                log.debug("positions are not written down", error=type(error).__name__)


async def write_down(pool: Pool, followers: Iterable[Follower], term: int) -> None:
    """Write down the positions of followers that have passed over what does not concern them, for those who read them.

    :raises psycopg.Error: the database cannot be asked just now.
    """
    due = {follower.name: (follower, follower.kept, follower.position) for follower in followers}
    due = {name: one for name, one in due.items() if one[1] < one[2]}
    if not due:
        return
    columns = list(due), [held for _, held, _ in due.values()], [position for _, _, position in due.values()]
    async with pool.connection() as connection:
        rows: list[Any] = await (await connection.execute(_WRITE_DOWN, (*columns, term))).fetchall()
    for name, position in rows:
        due[name][0].keep(position)
