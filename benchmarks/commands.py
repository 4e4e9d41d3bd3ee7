"""How many commands a second become durable, in process and through the library?"""

from functools import partial

import uvloop

from benchmarks.admissions import CALL, admissions, at_once, membership_on
from benchmarks.ground import Ground
from benchmarks.library import application_on_our_recorder, saved, stock_application
from benchmarks.measuring import Row, race
from benchmarks.sizes import IN_FLIGHT, THREADS


def rows(ground: Ground) -> list[Row]:
    """Ours against the library, and the library on our recorder against itself."""
    most = max(THREADS)
    return [
        race(
            f"full command in process, {IN_FLIGHT} in flight",
            lambda: in_process(ground),
            {"eventsourcing, stock recorder and cache, at its best": lambda: best_of_the_library(ground)},
            25,
        ),
        race(
            f"the library's Application.save on our recorder, {most} threads",
            lambda: on_our_recorder(ground, most),
            {"on its stock recorder": lambda: by_the_library(ground, most)},
            4,
        ),
    ]


def in_process(ground: Ground) -> float:
    """Authorise, load, decide, claim, append: the whole path without the network."""

    async def run(conninfo: str) -> float:
        async with membership_on(conninfo) as (application, _):
            return await at_once(IN_FLIGHT, admissions(ground.sizes.commands), partial(application.execute, CALL))

    with ground.database() as conninfo:
        return uvloop.run(run(conninfo))


def best_of_the_library(ground: Ground) -> float:
    """The stock library at whichever number of threads suits it best."""
    return max(by_the_library(ground, threads) for threads in THREADS)


def by_the_library(ground: Ground, threads: int) -> float:
    """The library's application on its own recorder."""
    with stock_application(ground) as application:
        return saved(application, threads, ground.sizes.saves)


def on_our_recorder(ground: Ground, threads: int) -> float:
    """The library's application on ours."""
    with application_on_our_recorder(ground) as application:
        return saved(application, threads, ground.sizes.saves)
