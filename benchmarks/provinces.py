"""What does it cost to hand every province its own, and how soon is it there?

The same commands without provinces and with all of them subscribed, in one run. The subscribers are a process of their
own; the server's share is told by the processor time that the kernel counts for it.
"""

import asyncio
import json
import os
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory

import uvloop

from benchmarks.admissions import CALL, TOP, Tree, admissions, at_once, membership_on
from benchmarks.delivery import Subscriber, announced, steadily
from benchmarks.ground import ROOT, Ground, empty_stream
from benchmarks.measuring import Result, Row
from benchmarks.sizes import IN_FLIGHT
from chassis.application import Application
from chassis.store import EventStore
from chassis.streams import set_up
from congdoan.provinces import grant, revoke
from congdoan.services import RECORDING
from membership.domain.member import AdmitMember
from membership.events import Level

PROVINCES = [f"tinh-{number:02d}" for number in range(1, 35)]
"""As many as Viet Nam has since July 2025."""
UNITS = [f"{province}-cs" for province in PROVINCES]
AMONG: Tree = (
    *TOP,
    *((province, Level.PROVINCE, "cdvcvn") for province in PROVINCES),
    *((unit, Level.GRASSROOTS, province) for unit, province in zip(UNITS, PROVINCES, strict=True)),
)
OFFERED = 200
NAME = f"{len(PROVINCES)} provinces subscribed"


def rows(ground: Ground) -> list[Row]:
    """One run, from which every line comes."""
    return [Row(NAME, lambda rounds: subscribed(ground))]


def subscribed(ground: Ground) -> Sequence[Result]:
    """What the commands lose, what the server spends an event, how soon events are there."""
    with ground.database() as conninfo, TemporaryDirectory(prefix="congdoan-") as folder:
        return uvloop.run(_run(ground, conninfo, Path(folder)))


async def _run(ground: Ground, conninfo: str, folder: Path) -> list[Result]:
    await empty_stream(ground.nats.url, "membership")
    await set_up(ground.nats.url, RECORDING)
    async with (
        membership_on(conninfo, among=AMONG) as (application, store),
        announced(store, ground.nats.url, conninfo),
    ):
        rate, spent = await _loaded(ground, application, store)
        async with _all_subscribed(ground, folder, application, store) as readers:
            their_rate, their_spent = await _loaded(ground, application, store)
            answered, seen = await _offered(ground, application, store)
            came = json.loads((await readers.communicate())[0].splitlines()[-1])
    delays = [1_000 * (came[f"membership/{position}"] - at) for position, at in answered.items()]
    direct = [1_000 * (seen[position] - at) for position, at in answered.items()]
    ours, theirs = quantiles(delays, n=100), quantiles(direct, n=100)
    return [
        Result(f"{NAME}: commands", "none subscribed", their_rate, rate),
        Result(f"{NAME}: server's time an event", "none subscribed", their_spent, spent, unit=" us", less_is_better=True),
        Result("answer to a province, p50", "to a subscriber of the hub's stream", ours[49], theirs[49], unit=" ms"),
        Result("answer to a province, p99", "to a subscriber of the hub's stream", ours[98], theirs[98], unit=" ms"),
    ]


async def _loaded(ground: Ground, application: Application, store: EventStore) -> tuple[float, float]:
    """Commands a second, and microseconds of the server an event until nobody waits for one any more."""
    before, head = _spent_us(ground), await store.head()
    rate = await at_once(IN_FLIGHT, admissions(ground.sizes.commands, UNITS), partial(application.execute, CALL))
    await asyncio.sleep(1.0)
    return rate, (_spent_us(ground) - before) / (await store.head() - head)


async def _offered(ground: Ground, application: Application, store: EventStore) -> tuple[dict[int, float], dict[int, float]]:
    """When each of some steady commands was answered, by position, and when a subscriber at the hub had its event."""
    answered: dict[int, float] = {}

    async def admit(command: AdmitMember) -> None:
        answer = await application.execute(CALL, command)
        answered[answer.position] = time.perf_counter()

    async with Subscriber(ground.nats.url) as subscriber:
        await steadily(OFFERED, admissions(ground.sizes.commands, UNITS), admit)
        await subscriber.has(await store.head())
    return answered, subscriber.seen


@asynccontextmanager
async def _all_subscribed(ground: Ground, folder: Path, application: Application, store: EventStore) -> AsyncIterator[Process]:
    """Every province is granted and reads, until the events of two more loads have come.

    While accounts change the server looks for its sources anew, which takes some seconds: nothing is measured before every
    branch has had an event.
    """
    for code in PROVINCES:
        credentials = await grant(ground.nats.hub, code, folder)
    for command in admissions(len(UNITS), UNITS):
        await application.execute(CALL, command)
    there = sum([(await store.branch_head(province))[0] for province in PROVINCES])
    numbers = map(str, (there, there + 2 * ground.sizes.commands))
    program = [sys.executable, "-m", "benchmarks.branch_readers", credentials.url, str(folder), *numbers]
    readers = await asyncio.create_subprocess_exec(*program, stdout=PIPE, cwd=ROOT, limit=1 << 26)
    try:
        assert readers.stdout
        await readers.stdout.readline()
        yield readers
    finally:
        if readers.returncode is None:
            readers.kill()
            await readers.wait()
        for code in PROVINCES:
            await revoke(ground.nats.hub, code)


def _spent_us(ground: Ground) -> float:
    """The processor time of the NATS server so far, in microseconds (proc(5): utime and stime)."""
    ticks = Path("/proc", str(ground.nats.pid), "stat").read_text().rpartition(")")[2].split()[11:13]
    return sum(map(int, ticks)) * 1e6 / os.sysconf("SC_CLK_TCK")
