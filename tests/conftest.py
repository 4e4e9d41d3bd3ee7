"""What tests on real servers stand on: one PostgreSQL and one NATS for a whole run, a fresh database for each test."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from chassis.database import migrate, open_pool
from chassis.store import EventStore
from congdoan.embedded import EmbeddedNats, EmbeddedPostgres

TEMPLATE = "migrated"
SECRET = b"a secret of at least 32 bytes ..."


@pytest.fixture(scope="session")
def run_folder() -> Iterator[Path]:
    """A private folder with a short path: pytest's own are too long for a socket."""
    folder = Path(tempfile.mkdtemp(prefix="congdoan-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres(run_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL for the whole run, with a migrated database to copy."""
    with EmbeddedPostgres(tmp_path_factory.mktemp("postgres"), run_folder) as server:
        server.create_database(TEMPLATE)
        migrate(server.conninfo(TEMPLATE))
        yield server


@pytest.fixture(scope="session")
def nats(run_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedNats]:
    """A NATS for the whole run; its streams outlive a test, so a test takes names of its own."""
    with EmbeddedNats(tmp_path_factory.mktemp("nats"), run_folder) as server:
        yield server


@pytest.fixture(scope="session")
def nats_url(nats: EmbeddedNats) -> str:
    """How to reach the NATS of the run."""
    return nats.url


@pytest.fixture
def own_nats(tmp_path: Path) -> Iterator[EmbeddedNats]:
    """A NATS for one test, which may kill it."""
    folder = Path(tempfile.mkdtemp(prefix="congdoan-"))
    with EmbeddedNats(tmp_path / "nats", folder) as server:
        yield server
    shutil.rmtree(folder)


@pytest.fixture
def database(postgres: EmbeddedPostgres) -> Iterator[str]:
    """A fresh migrated database, as a conninfo."""
    name = f"test_{uuid4().hex}"
    with psycopg.connect(postgres.conninfo("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("create database {} template {}").format(sql.Identifier(name), sql.Identifier(TEMPLATE)))
        yield postgres.conninfo(name)
        connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture
async def store(database: str) -> AsyncIterator[EventStore]:
    """A started event store of the service ``example`` in a fresh database."""
    async with open_pool(database) as pool:
        opened = EventStore("example", database, pool, secret=SECRET, clock=lambda: datetime.now(UTC))
        await opened.start()
        yield opened
        await opened.stop()
