"""Is a database appended to that somebody put back? Only when the stream, or the ledger, says that it lacks nothing."""

from collections.abc import AsyncIterator
from uuid import uuid4

import psycopg
import pytest

from chassis.database import Connection as Database
from chassis.reconciliation.sealed import Agreement
from chassis.recovery.behind import Behind, NotBehind
from chassis.refusals import Unavailable
from chassis.store import EventStore
from chassis.streams import Connection, ensure, stream_of
from tests.connected.example import connected, counted, opened, publishing, record, until

OTHERS = "update agreed_on set system = 'another'"


class Sealed:
    """What audit sealed: so many events, and what they were is not what is asked here."""

    def __init__(self, upto: int = 0) -> None:
        self.upto = upto

    async def after(self, position: int) -> list[tuple[int, bytes]]:
        return [(self.upto, b"")] if position < self.upto else []


@pytest.fixture
async def bus(nats_url: str) -> AsyncIterator[Connection]:
    async with connected(nats_url) as connection:
        yield connection


async def admitted(database: str, admission: NotBehind) -> bool:
    """Whether it is admitted, and noted, so that nobody asks again."""
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
        other: Database = connection
        await admission.admit(other)
        rows = await (await connection.execute("select system from agreed_on")).fetchall()
    return rows != [("another",)]


def put_back(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(OTHERS)


async def announced(store: EventStore, database: str, nats_url: str, many: int) -> None:
    async with publishing(store, database, nats_url) as publisher:
        await record(store, [counted(number) for number in range(many)])
        await until(lambda: publisher.published == many)


async def test_only_a_database_that_was_put_back_is_looked_at_and_it_waits_for_nats(database: str, nats_url: str) -> None:
    service = f"example{uuid4().hex}"
    async with opened(service, database) as store:
        away = NotBehind(service, Connection(nats_url, "never started"), Agreement(store, Sealed()))
        assert await admitted(database, away), "the migration noted it"
        put_back(database)
        with pytest.raises(Unavailable, match="NATS"):
            await admitted(database, away)


async def test_what_lacks_nothing_is_admitted_and_what_lacks_something_is_not(
    database: str, nats_url: str, bus: Connection
) -> None:
    service = f"example{uuid4().hex}"
    await ensure(bus.client, stream_of(service))
    async with opened(service, database) as store:
        await announced(store, database, nats_url, 3)
        admission = NotBehind(service, bus, Agreement(store, Sealed()))
        put_back(database)
        assert await admitted(database, admission)
        put_back(database)
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute("delete from events where position = 3")
            connection.execute("update head set position = 2")
        with pytest.raises(Behind):
            await admitted(database, admission)
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute("update events set branch = 'elsewhere', position = 3 where position = 2")
            connection.execute("update head set position = 3")
        with pytest.raises(Behind):
            await admitted(database, admission)


async def test_where_the_stream_is_gone_the_ledger_is_asked(database: str, bus: Connection) -> None:
    service = f"example{uuid4().hex}"
    async with opened(service, database) as store:
        put_back(database)
        with pytest.raises(Behind):
            await admitted(database, NotBehind(service, bus, Agreement(store, Sealed(5))))
        assert await admitted(database, NotBehind(service, bus, Agreement(store, Sealed())))
