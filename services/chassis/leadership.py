"""Which process of a service drives its followers and announces its events, and what stops the one that did so before?

One row in the service's database says who leads, for a few seconds by the clock of that database, and is renewed every second
on a session of its own. Somebody else takes over when the time is up, or at once when that session is gone: a process that was
killed is followed within a moment, one that is paused or cut off after its time. Each taking raises the term. A follower's
transaction names the term by which it is driven (:mod:`chassis.following`), so whoever wakes up after its time moves nothing;
what it had left open in the database is ended by whoever takes over. The stream is fenced by itself: by the sequence that a
publisher expects (:mod:`chassis.publisher`).

Leader or not, every process answers commands and questions: see :mod:`chassis.standing_by`.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from time import monotonic
from typing import Any

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from chassis import leaders
from chassis.database import Connection
from chassis.ending import ended
from chassis.following import Deposed
from chassis.parts import Part
from chassis.refusals import Refusal

LEASE_S = 4.0
RENEWED_EVERY_S = 1.0
LOOKED_EVERY_S = 0.25
RETRY_S = 0.1
CHANNEL = "leaders"
"""Notified when somebody gives the lease back."""

_AWAY = (psycopg.Error, PoolTimeout, OSError)

log = structlog.get_logger(__name__)


class Leadership:
    """Leads as long as it may, and meanwhile runs what only one process may run.

    :param holder: names this process to whoever asks who leads.
    :param sessions: the application name of the sessions by which it drives its followers.
    :param drives: the followers that it drives when it leads; that is told to the others, who drive by themselves what it does
        not know: while two versions run side by side, each keeps its own read models.
    :param alarm: what an operator must see, as far as the leader alone can know it.
    :param clock: monotonic seconds; it goes on while the process is paused.
    """

    def __init__(
        self,
        conninfo: str,
        holder: str,
        sessions: str,
        *,
        drives: Callable[[], Iterable[str]] = lambda: (),
        alarm: Callable[[], str] = lambda: "",
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._conninfo, self._sessions, self._alarm, self._clock = conninfo, sessions, alarm, clock
        self._drives = drives
        self._driven: frozenset[str] | None = None
        """What the process that leads drives, as far as was seen; None as long as nobody looked."""
        self.own_name = holder
        self.led: list[Part] = []
        """Started when this process leads, in this order, and stopped when it does not."""
        self.standing_by: list[Part] = []
        """Started when another process leads, and stopped when this one does."""
        self.fenced = 0
        """How often what was begun in an earlier term was stopped from becoming true."""
        self.holder, self.latest, self.alarm_told = "", 0, ""
        """Who leads, in which term, and what it says that an operator must see: as far as was seen last."""
        self._term: int | None = None
        self._until = 0.0
        self._running: list[Part] | None = None
        self._alone: frozenset[str] = frozenset()
        self._looked, self._changed, self._woken = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._changing = asyncio.Lock()
        self._known_away = False
        self.tasks: Collection[asyncio.Task[None]] = ()
        """Those without which nobody would know whether it leads."""

    @property
    def leads(self) -> bool:
        """Whether this process leads now, for all it can know."""
        return self._term is not None and self._clock() < self._until

    @property
    def term(self) -> int:
        """The term in which this process leads.

        :raises Deposed: it does not.
        """
        if self._term is None or not self.leads:
            raise Deposed()
        return self._term

    @property
    def alarm(self) -> str:
        """What an operator must see: as seen here, or told by the process that leads; empty when there is nothing."""
        return self._alarm() if self._term is not None else self.alarm_told

    @property
    def left_alone(self) -> frozenset[str]:
        """Those of our followers that the process that leads does not know, as far as was seen; none when this one leads."""
        if self._driven is None or self.leads:
            return frozenset()
        return frozenset(self._drives()) - self._driven

    def fence(self, follower: str) -> "FollowerFence":
        """The fence of one follower, which another process may not know."""
        return FollowerFence(self, follower)

    def struck(self) -> None:
        """Something begun in an earlier term was stopped: another process may lead."""
        self.fenced += 1
        log.warning("stopped by the fence", holder=self.own_name, latest=self.latest)
        self.wake()

    def wake(self) -> None:
        """Look now: the lease may have been given back."""
        self._woken.set()

    async def start(self) -> None:
        """Lead, if nobody does; returns once that is known, and with everything started that goes with it."""
        standing = asyncio.create_task(self._stand(), name="leadership")
        self.tasks = [standing]
        with suppress(TimeoutError):
            async with asyncio.timeout(LEASE_S):
                await self._looked.wait()
        await self._change()
        self.tasks = [standing, asyncio.create_task(self._manage(), name="led-parts")]

    async def stop(self) -> None:
        """End what goes with the leadership, then give it back, so that another process leads at once."""
        standing, *managing = self.tasks or (None,)
        for task in managing:
            await ended(task)
        async with self._changing:
            await self._end(self._running or [])
            self._running = []
        await ended(standing)
        term, self._term = self._term, None
        if term is not None:
            with suppress(*_AWAY):
                async with asyncio.timeout(RENEWED_EVERY_S), await self._connect() as connection:
                    await leaders.give_back(connection, term)

    async def lead(self, part: Part) -> None:
        """Run one part more as long as this process leads."""
        async with self._changing:
            self.led.append(part)
            if self._running is self.led:
                await part.start()

    async def leave(self, part: Part) -> None:
        """Run a part no more."""
        async with self._changing:
            if part in self.led:
                self.led.remove(part)
                if self._running is self.led:
                    await part.stop()

    async def _connect(self) -> Connection:
        return await psycopg.AsyncConnection.connect(self._conninfo, autocommit=True, connect_timeout=5)

    async def _stand(self) -> None:
        """Look, take and renew, for ever."""
        while True:
            try:
                async with asyncio.timeout(LEASE_S):
                    connection = await self._connect()
                async with connection:
                    await self._look_for_ever(connection)
            except _AWAY as error:
                if not self._known_away:
                    log.warning("who leads is not known", error=type(error).__name__)
                self._known_away = True
            await asyncio.sleep(RETRY_S)

    async def _look_for_ever(self, connection: Connection) -> None:
        while True:
            self._woken.clear()
            async with asyncio.timeout(LEASE_S):
                await (self._look(connection) if self._term is None else self._renew(connection, self._term))
            self._known_away = False
            self._looked.set()
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOKED_EVERY_S if self._term is None else RENEWED_EVERY_S):
                    await self._woken.wait()

    async def _look(self, connection: Connection) -> None:
        before, seen = self.left_alone, await leaders.look(connection)
        self.latest, self.holder, self.alarm_told = seen.term, seen.holder, seen.alarm
        if seen.free and await self._take(connection):
            return
        self._driven = frozenset(seen.drives)
        if before != self.left_alone:
            self._changed.set()

    async def _take(self, connection: Connection) -> bool:
        asked_at = self._clock()
        taken = await leaders.take(connection, self.own_name, self._sessions, sorted(self._drives()), LEASE_S)
        if taken is None:
            return False
        term, sessions = taken
        log.info("leads", holder=self.own_name, term=term, ended=await leaders.end_sessions(connection, sessions))
        self.latest, self.holder = term, self.own_name
        self._term, self._until = term, asked_at + LEASE_S
        self._changed.set()
        return True

    async def _renew(self, connection: Connection, term: int) -> None:
        asked_at = self._clock()
        if await leaders.renew(connection, term, self._alarm(), LEASE_S):
            led = self.leads
            self._until = asked_at + LEASE_S
            if not led:  # it was paused, and nobody else wanted to lead
                self._changed.set()
            return
        log.warning("leads no more", holder=self.own_name, term=term)
        self._term = None
        self._changed.set()
        await self._look(connection)

    async def _manage(self) -> None:
        """Start and stop what goes with the leadership.

        :raises Exception: that by which something ended that must not end.
        """
        while True:
            self._changed.clear()
            try:
                await self._change()
            except (*_AWAY, Refusal) as error:
                log.warning("what goes with the leadership did not start", error=type(error).__name__)
                await asyncio.sleep(RETRY_S)
                continue
            await self._until_something_changes()

    async def _until_something_changes(self) -> None:
        """Until the leadership comes, goes or runs out; or something ends that must not."""
        changing = asyncio.create_task(self._changed.wait(), name="leadership-changes")
        left = max(0.0, self._until - self._clock()) if self.leads else LEASE_S
        try:
            done, _ = await asyncio.wait({changing, *self._led_tasks()}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        finally:
            changing.cancel()
        for task in done - {changing}:
            if not task.cancelled() and (fault := task.exception()):
                raise fault

    def _led_tasks(self) -> set[asyncio.Task[Any]]:
        found: set[asyncio.Task[Any]] = set()
        for part in self._running or ():
            found.update(getattr(part, "tasks", ()))
            if (task := getattr(part, "task", None)) is not None:
                found.add(task)
        return {task for task in found if not task.done() or (not task.cancelled() and task.exception())}

    async def _change(self) -> None:
        """Run what goes with the leadership, or with its absence."""
        async with self._changing:
            wanted, alone = (self.led, frozenset[str]()) if self.leads else (self.standing_by, self.left_alone)
            if self._running is wanted and self._alone == alone:
                return
            self._alone = alone
            await self._end(self._running or [])
            self._running = None
            started: list[Part] = []
            try:
                for part in list(wanted):
                    started.append(part)
                    await part.start()
            except BaseException:
                await self._end(started)
                raise
            self._running = wanted

    async def _end(self, parts: Sequence[Part]) -> None:
        for part in reversed(parts):
            await part.stop()


class FollowerFence:
    """The fence of one follower: the term, unless nobody who leads knows it."""

    def __init__(self, leadership: Leadership, follower: str) -> None:
        self._leadership, self._follower = leadership, follower

    @property
    def term(self) -> int | None:
        """The term in which it is driven here; None when the lock of its position alone decides, for the leader does not know it.

        :raises Deposed: another process drives it.
        """
        return None if self._follower in self._leadership.left_alone else self._leadership.term

    def struck(self) -> None:
        """A transaction was stopped."""
        self._leadership.struck()


class Led:
    """A part that runs as long as this process leads, for whoever starts and stops it without knowing that."""

    def __init__(self, leadership: Leadership, part: Part) -> None:
        self._leadership, self._part = leadership, part

    async def start(self) -> None:
        """Run it whenever this process leads."""
        await self._leadership.lead(self._part)

    async def stop(self) -> None:
        """Run it no more."""
        await self._leadership.leave(self._part)
