"""Does the simulated PostgreSQL answer as the real one does, to every statement that it knows?

The same operations are done on both (:mod:`tests.simulation.postgresql_operations`); what was answered, which error was raised
and what stands in the tables afterwards must be the same.
"""

import asyncio
from random import Random
from typing import Any
from unittest.mock import patch

import pytest

from chassis.database import open_pool
from tests.simulation import statements
from tests.simulation.compared import differences
from tests.simulation.connection import Connecting
from tests.simulation.database import Database
from tests.simulation.postgresql_operations import MODEL, PARTS, SERVICE, Side
from tests.simulation.virtual_loop import VirtualLoop
from tests.simulation.weather import Weather


async def real(conninfo: str, seed: int) -> Side:
    """What PostgreSQL tells."""
    async with open_pool(conninfo) as pool:
        side = Side(conninfo, pool, seed)
        async with side.session() as aside:
            for statement in MODEL.schema:
                await aside.execute(statement.encode())
            waiting = "select count(*) > 0 from pg_locks where not granted"

            async def somebody_waits() -> bool:
                return bool((await side.query(aside, waiting))[0][0])

            side.somebody_waits = somebody_waits
            side.claims = lambda: side.query(aside, "select claim, holders from claims")
            for part in PARTS:
                await part(side)
        return side


def simulated(seed: int) -> Side:
    """What the simulation tells."""
    loop = VirtualLoop(Random(seed))  # type: ignore[abstract]
    database = Database(SERVICE, loop, Weather(Random(seed), {}))
    connecting, process = Connecting({SERVICE: database}), loop.process("contract")
    conninfo = f"dbname={SERVICE}"
    side = process.context.run(lambda: Side(conninfo, connecting.pool(conninfo), seed))

    async def somebody_waits() -> bool:
        return bool(database._waiting)

    async def claims() -> list[Any]:
        return list(database.claims.items())

    side.somebody_waits, side.claims = somebody_waits, claims

    async def all_parts() -> None:
        for part in PARTS:
            await part(side)

    with connecting.in_place():
        try:
            task = process.run(all_parts())
            assert loop.run_until(task.done, latest=3_600.0, max_steps=1_000_000), "it does not end"
            assert not loop.failures
            task.result()
        finally:
            loop.end()
    return side


@pytest.mark.parametrize("seed", [1, 2])
def test_the_simulated_database_answers_as_postgresql_does(database: str, seed: int) -> None:
    ours, theirs = simulated(seed), asyncio.run(real(database, seed))
    assert len(theirs.told) > 200
    assert differences(ours, theirs) == []


def test_every_statement_of_the_simulation_is_compared() -> None:
    asked = set[str]()

    def known(query: str | bytes) -> Any:
        asked.add(" ".join((query.decode() if isinstance(query, bytes) else query).split()))
        return statements.statement(query)

    with patch("tests.simulation.connection.statement", known):
        simulated(1)
    assert not statements._STATEMENTS.keys() - asked
    patterns = [pattern for pattern, _ in statements._PATTERNS]
    assert not [pattern for pattern in patterns if not any(map(pattern.fullmatch, asked))]
