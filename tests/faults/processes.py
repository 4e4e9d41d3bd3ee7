"""Which faults of processes are there? kill -9 of each service, of NATS and PostgreSQL: at any moment, or at the worst one."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

import psycopg

from congdoan.services import SERVICES
from tests.faults.arena import Arena, Fault
from tests.faults.doomed import POINTS

LOADED = ("membership", "welfare", "awards")
"""The services that the load commands."""
PLACES = tuple((point, service) for point in POINTS for service in LOADED)
STEADY_S = 1.0
TOLD_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Kill:
    """kill -9 of one process, so many times."""

    victim: str
    times: int = 1

    @property
    def name(self) -> str:
        """What the report calls it."""
        return f"kill-{self.victim}"

    async def strike(self, arena: Arena, random: Random) -> int:
        """Kill it; before each further time it is up again, and has been for a moment."""
        struck = 0
        for number in range(self.times):
            if number:
                await arena.ready(self.victim)
                await asyncio.sleep(random.uniform(0.1, STEADY_S))
            deaths = len(arena.deaths)
            await arena.kill(self.victim)
            struck += (self.victim, -signal.SIGKILL) in arena.deaths[deaths:]
        return struck


@dataclass(frozen=True, slots=True)
class DieAt:
    """A service that ends at the worst moment: see :mod:`tests.faults.doomed`."""

    point: str
    service: str

    @property
    def name(self) -> str:
        """What the report calls it."""
        return f"die-{self.point}"

    async def strike(self, arena: Arena, random: Random) -> int:
        """Have it run in the place of the usual one until it has ended."""
        servant, nth = arena.services[self.service], random.randint(1, 20)
        servant.instead = ["-m", "tests.faults.doomed", self.point, str(nth), self.service]
        await arena.kill(self.service)
        doomed, deaths = servant.pid, len(arena.deaths)
        await arena.until(lambda: servant.pid != doomed and servant.running, f"{self.service} does not die at {self.point}")
        return int((self.service, -signal.SIGKILL) in arena.deaths[deaths:])


@dataclass(frozen=True, slots=True)
class NatsDown:
    """NATS is away for a while: commands go on being acknowledged, what waits is a metric, and drains."""

    seconds: float
    name: str = "nats-down"

    async def strike(self, arena: Arena, random: Random) -> int:
        """Answers 0 when nothing was recorded meanwhile, or the backlog was not told."""
        heads = {name: status.head for name, status in (await arena.statuses(wait=True)).items()}
        async with arena.held("nats"):
            await asyncio.sleep(self.seconds)
            until = time.monotonic() + TOLD_WITHIN_S
            while not (struck := await self._struck(arena, heads)) and time.monotonic() < until:
                await asyncio.sleep(STEADY_S)
        return int(struck)

    async def _struck(self, arena: Arena, heads: Mapping[str, int]) -> bool:
        """Whether something was recorded since, and all that waits is told by a metric, which is taken every few seconds."""
        later = await arena.statuses(wait=True)
        recorded = sum(later[name].head - heads[name] for name in LOADED)
        waiting = [name for name, status in later.items() if status.backlog]
        metrics = await asyncio.gather(*(asyncio.to_thread(arena.metrics, name) for name in waiting))
        return recorded > 0 and bool(metrics) and all(_told(text) > 0 for text in metrics)


@dataclass(frozen=True, slots=True)
class KillBackends:
    """kill of single backends of PostgreSQL, by which the server ends all of them and begins again; or their sessions ended."""

    hard: bool = False

    @property
    def name(self) -> str:
        """What the report calls it."""
        return "kill-backend" if self.hard else "end-sessions"

    async def strike(self, arena: Arena, random: Random) -> int:
        """End every session of one service, or SIGKILL one backend of it."""
        service = random.choice(LOADED)
        own = psycopg.connect(arena.suite.postgres.conninfo("postgres"), autocommit=True)
        with contextlib.suppress(psycopg.OperationalError), own as connection:  # it may end with the others
            found = connection.execute("select pid from pg_stat_activity where datname = %s", (service,)).fetchall()
            if self.hard:
                return _killed(random.choice(found)[0])
            ended = [connection.execute("select pg_terminate_backend(%s)", pid).fetchone() for pid in found]
            return sum(bool(one and one[0]) for one in ended)
        return 0


def _killed(pid: int) -> int:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
        return 1
    return 0


def _told(metrics: str) -> float:
    """The backlog among some metrics; 0 when it is not there."""
    values = [line.rsplit(" ", 1)[1] for line in metrics.splitlines() if line.startswith("congdoan_") and "backlog" in line]
    return max(map(float, values), default=0.0)


FAULTS: Sequence[Fault] = (
    *(Kill(name) for name in SERVICES),
    *(DieAt(point, service) for point, service in PLACES),
    Kill("nats"),
    Kill("nats", 8),
    NatsDown(180.0),
    Kill("postgres"),
    Kill("postgres", 2),
    KillBackends(),
    KillBackends(hard=True),
)
"""What the long run draws from."""
