"""Does a service find its database again soon, however long that was away?"""

import asyncio
from pathlib import Path

import psycopg
import pytest

from chassis.database import AWAY_S, AppendSignal, Steadily, open_pool

PATIENCE_S = 60.0
ATTEMPTS = 8
"""psycopg's own pool would make the eighth more than two minutes after the first."""


def test_the_next_attempt_is_as_near_after_minutes_as_at_first() -> None:
    attempt, delays = Steadily(timeout=1e9), []
    for now in range(600):
        attempt.update_delay(float(now))
        delays.append(attempt.delay)
    assert len(set(delays)) == 1
    assert max(delays) < 1.0


async def test_a_server_that_is_away_is_asked_once_and_not_for_each_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool, now, asked = open_pool(f"host={tmp_path}"), 0.0, 0

    async def refused(*values: object, **options: object) -> object:
        nonlocal asked
        asked += 1
        raise psycopg.OperationalError

    monkeypatch.setattr("chassis.database.monotonic", lambda: now)
    monkeypatch.setattr(pool.connection_class, "connect", refused)
    for _ in range(2):
        for _ in range(8):
            with pytest.raises(psycopg.OperationalError):
                await pool._connect()
        now += AWAY_S
    assert asked == 2


async def test_a_pool_goes_on_asking_for_a_server_that_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pool, asked = open_pool(f"host={tmp_path}"), asyncio.Semaphore(0)
    connect = pool._connect

    async def counted(*values: float | None) -> object:
        asked.release()
        return await connect(*values)

    monkeypatch.setattr(pool, "_connect", counted)
    await pool.open()
    try:
        async with asyncio.timeout(PATIENCE_S):
            for _ in range(ATTEMPTS):
                await asked.acquire()
    finally:
        await pool.close()


async def test_who_listens_is_told_when_something_may_have_been_lost(database: str) -> None:
    signal, told, heard = AppendSignal(database), list[str](), list[str]()
    signal.tell("taken_up", told.append, of_losses=True)
    signal.tell("leaders", heard.append)
    await signal.start()
    with psycopg.connect(database, autocommit=True) as connection:
        await said(connection, "taken_up", "units.v1", told)
        assert set(told) == {"units.v1"}, "nothing was lost at the beginning"
        connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where query like 'listen %'")
        await said(connection, "leaders", "service", heard)
    await signal.stop()
    assert told[-1] == ""
    assert "" not in heard


async def said(connection: psycopg.Connection, channel: str, payload: str, heard: list[str]) -> None:
    """Notify until it is heard."""
    async with asyncio.timeout(PATIENCE_S):
        while payload not in heard:
            connection.execute("select pg_notify(%s, %s)", (channel, payload))
            await asyncio.sleep(0.05)
