"""What tests on real servers stand on: one PostgreSQL and one NATS for a whole run, a fresh database for each test."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import settings

from chassis.database import open_pool
from chassis.store import EventStore
from congdoan.embedded import EmbeddedNats, EmbeddedPostgres
from tests.databases import fresh_database
from tests.folders import fast_folder, sweep

SECRET = b"a secret of at least 32 bytes ..."
LONGEST = {"test_up.py", "test_short.py", "test_alerts.py", "test_personal_values_stay_inside.py", "test_partition.py"}

settings.register_profile("congdoan", deadline=None)  # a slow machine is no mistake of the program
settings.load_profile("congdoan")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest and cannot be shared: at the end, one process would work on it and the others wait."""
    items.sort(key=lambda item: item.path.name not in LONGEST)


@pytest.fixture(scope="session")
def run_folder() -> Iterator[Path]:
    """A private folder for what the servers of the run keep."""
    sweep()
    with fast_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def postgres(run_folder: Path) -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL for the whole run."""
    with EmbeddedPostgres(run_folder, run_folder / "run") as server:
        yield server


@pytest.fixture(scope="session")
def nats(run_folder: Path) -> Iterator[EmbeddedNats]:
    """A NATS for the whole run; its streams outlive a test, so a test takes names of its own."""
    with EmbeddedNats(run_folder / "nats", run_folder / "run") as server:
        yield server


@pytest.fixture(scope="session")
def nats_url(nats: EmbeddedNats) -> str:
    """How to reach the NATS of the run."""
    return nats.url


@pytest.fixture
def own_nats() -> Iterator[EmbeddedNats]:
    """A NATS for one test, which may kill it."""
    with fast_folder() as folder, EmbeddedNats(folder / "nats", folder) as server:
        yield server


@pytest.fixture
def database(postgres: EmbeddedPostgres) -> Iterator[str]:
    """A fresh migrated database, as a conninfo."""
    with fresh_database(postgres) as conninfo:
        yield conninfo


@pytest.fixture
async def store(database: str) -> AsyncIterator[EventStore]:
    """A started event store of the service ``example`` in a fresh database."""
    async with open_pool(database) as pool:
        opened = EventStore("example", database, pool, secret=SECRET, clock=lambda: datetime.now(UTC))
        await opened.start()
        yield opened
        await opened.stop()
