"""On what does everything run? One PostgreSQL and one NATS, both with every write synced; a fresh database a measurement."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import nats
import psycopg
from psycopg import sql

from benchmarks.sizes import Sizes
from chassis.database import Pool, migrate, open_pool
from chassis.service import utc_now
from chassis.store import EventStore
from chassis.streams import Connection, JetStreamError, api, set_up, stream_name
from congdoan.embedded import EmbeddedNats, EmbeddedPostgres, ServiceProcess

ROOT = Path(__file__).parents[1]
SECRET = b"a secret of at least 32 bytes ..."


@dataclass(frozen=True, slots=True)
class Ground:
    """The servers of a run, a folder for what is written beside them, and how much is to be done."""

    postgres: EmbeddedPostgres
    nats: EmbeddedNats
    folder: Path
    sizes: Sizes

    @contextmanager
    def database(self, *, migrated: bool = True) -> Iterator[str]:
        """A fresh database, as a conninfo; gone afterwards."""
        name = f"bench_{uuid4().hex[:12]}"
        self.postgres.create_database(name)
        conninfo = self.postgres.conninfo(name)
        try:
            if migrated:
                migrate(conninfo)
            yield conninfo
        finally:
            with psycopg.connect(self.postgres.conninfo("postgres"), autocommit=True) as connection:
                connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))

    @contextmanager
    def process(self, *argv: str | Path, port: int, env: Mapping[str, str] | None = None) -> Iterator[None]:
        """A process of its own, while it listens on a port."""
        log = self.folder / f"{port}.log"
        with ServiceProcess(str(argv[0]), argv, log=log, is_ready=lambda: _listens(port), env=env, cwd=ROOT):
            yield


@contextmanager
def ground(sizes: Sizes) -> Iterator[Ground]:
    """Start the servers, and leave nothing behind."""
    with TemporaryDirectory(prefix="congdoan-") as name:
        folder = Path(name)
        with EmbeddedPostgres(folder / "postgres-data", folder) as postgres, EmbeddedNats(folder / "nats-data", folder) as bus:
            yield Ground(postgres, bus, folder, sizes)


@asynccontextmanager
async def store_on(conninfo: str, service: str = "membership") -> AsyncIterator[tuple[EventStore, Pool]]:
    """A started event store, and the pool it reads with."""
    async with open_pool(conninfo) as pool:
        store = EventStore(service, conninfo, pool, secret=SECRET, clock=utc_now)
        await store.start()
        try:
            yield store, pool
        finally:
            await store.stop()


@asynccontextmanager
async def bus_on(url: str) -> AsyncIterator[Connection]:
    """A connection to NATS, once it stands."""
    bus = Connection(url, "bench")
    await bus.start()
    try:
        while not bus.is_connected:
            await asyncio.sleep(0.01)
        yield bus
    finally:
        await bus.stop()


async def empty_stream(url: str, service: str) -> None:
    """Make the stream of a service anew, for a store that begins anew."""
    client = await nats.connect(url)
    try:
        with suppress(JetStreamError):
            await api(client, f"STREAM.DELETE.{stream_name(service)}")
    finally:
        await client.close()
    await set_up(url, [service])


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1.0):
        return True
    return False
