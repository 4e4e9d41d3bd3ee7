"""One seed: what is asked, what strikes, how it goes on until it is quiet, and what is broken then."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from random import Random
from typing import Any

from chassis.streams import is_closed, stream_name
from tests.simulation.checking import breaches, followers_of
from tests.simulation.errands import Errand, Officers, foundation
from tests.simulation.faults import Climate, climate
from tests.simulation.world import World

OFFICERS = 3
LASTS_S = 2.5
"""How long faults strike, in virtual seconds."""
QUIET_WITHIN_S = 120.0
"""Virtual seconds after the last fault within which everything must have been answered, announced and followed."""
LOOK_S = 0.1
ASKED_AGAIN = 4
MAX_STEPS = 400_000


@dataclass(frozen=True)
class Options:
    """What a seed's schedule is cut down to, for whoever looks for what matters in it."""

    commands: int | None = None
    without: frozenset[str] = frozenset()


WHOLE = Options()


@dataclass(frozen=True)
class Outcome:
    """What came of a seed."""

    seed: int
    broken: list[str]
    struck: Counter[str]
    answered: int
    commands: int
    events: int
    steps: int
    virtual_s: float
    digest: str


def run(seed: int, options: Options = WHOLE, trace: list[str] | None = None) -> Outcome:
    """Run the schedule of a seed."""
    random = Random(f"{seed}/plan")
    many = random.randint(6, 20)
    weather = climate(Random(f"{seed}/faults"), LASTS_S, options.without)
    errands = list(Officers(random).errands(many))[: options.commands]
    world = World(seed, weather, trace)
    with world.in_place():
        foundations = lay_foundations()
        laid = sum(len(database.events) for database in foundations.databases.values())
        world.begin(foundations)
        broken = _play(world, errands)
        answered = sum(line["op"] == "ok" for line in world.history)
        events = sum(len(database.events) for database in world.databases.values()) - laid
        ended = world.loop.steps, world.loop.time(), _digest(world)
        return Outcome(seed, broken, world.weather.struck, answered, len(errands), events, *ended)


def _play(world: World, errands: list[Errand]) -> list[str]:
    loop = world.loop
    world.weather.bad = True
    for fault in world.climate.faults:
        loop.at_server(fault.at, world.strike, fault)
    coming = iter(errands)
    officers = [loop.outside.run(_officer(world, coming), f"officer-{number}") for number in range(OFFICERS)]
    _run(world, lambda: False, LASTS_S)
    world.heal()
    ending = loop.outside.run(_quiet(world, officers), "quiet")
    quiet = _run(world, ending.done, LASTS_S + QUIET_WITHIN_S)
    if loop.failures:
        return [f"failed: {failure}" for failure in dict.fromkeys(loop.failures)]
    if not quiet:
        return [f"I8 not quiet after {QUIET_WITHIN_S:.0f} s: {reason}" for reason in _unquiet(world)] or ["I8 calls have no end"]
    if error := ending.exception():
        raise error
    return breaches(world)


def _run(world: World, done: Any, latest: float) -> bool:
    return world.loop.run_until(done, latest, MAX_STEPS) and world.loop.steps <= MAX_STEPS


async def _officer(world: World, errands: Iterator[Errand]) -> None:
    """Take one errand after another."""
    for errand in errands:
        await asyncio.sleep(world.random.expovariate(3.0))
        await world.settle(errand)


async def _quiet(world: World, officers: list[asyncio.Task[None]]) -> None:
    """Until everything is answered, announced and followed; then ask again what was answered."""
    await asyncio.gather(*officers)
    while not all(node.ready for node in world.nodes_of()):
        await asyncio.sleep(LOOK_S)
    while world.unknown:
        _, (errand, command) = world.unknown.popitem()
        await world.settle(Errand(errand.service, (command,)), patience=50)
    await _ask_again(world)
    while list(islice(_unquiet(world), 1)):
        await asyncio.sleep(LOOK_S)


async def _ask_again(world: World) -> None:
    """What was answered is answered again, by whichever process, with the same."""
    for errand in world.random.sample(world.answered, min(ASKED_AGAIN, len(world.answered))):
        await world.settle(errand, patience=50)


def _unquiet(world: World) -> Iterator[str]:
    """What is not announced, or not followed, or not known to a process."""
    for service, database in world.databases.items():
        stream = world.bus.streams.get(stream_name(service))
        if stream is None or is_closed(stream.configuration) or len(stream.messages) < database.position:
            yield f"{service} is not announced"
    last: dict[tuple[str, str], int] = {}
    for service, database in world.databases.items():
        for row in database.events:
            last[service, row[3]] = row[0]
    for service, database in world.databases.items():
        for name, source, topics in followers_of(service):
            due = max((last.get((source, topic), 0) for topic in topics), default=0)
            if database.tables.get("followers", {}).get(name, (0,))[0] < due:
                yield f"{name} in {service} is behind"
    units = world.databases["membership"].tables.get("units_v1", {})
    for node in world.nodes_of():
        known = {place.code: place.position for place in node.tree._nodes.values()}
        if any(known.get(row[0], 0) < row[-1] for row in units.values()):
            yield f"the tree of {node.process.name} is behind"


def _digest(world: World) -> str:
    """Tells whether two runs of a seed went the same way."""
    events = [row for database in world.databases.values() for row in database.events]
    told = (world.loop.steps, world.loop.time(), sorted(world.weather.struck.items()), events, world.random.random())
    return sha256(repr(told).encode()).hexdigest()[:16]


_founded: list[World] = []


def lay_foundations() -> World:
    """A world in which the units of the beginning stand, made once."""
    if not _founded:
        world = World("foundations", Climate(1, (), {}))
        with world.in_place():
            world.begin()
            ending = world.loop.outside.run(_found(world), "foundations")
            assert _run(world, ending.done, QUIET_WITHIN_S), (list(_unquiet(world)), world.loop.failures)
            ending.result()
        _founded.append(world)
    return _founded[0]


async def _found(world: World) -> None:
    while not all(node.ready for node in world.nodes_of()):
        await asyncio.sleep(LOOK_S)
    for errand in foundation(Random("foundations")):
        await world.settle(errand)
    await _quiet(world, [])
