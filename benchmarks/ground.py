"""On what does everything run? One PostgreSQL and one NATS, both with every write synced, and a fresh database a run."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID, uuid4

import psycopg

from chassis.application import Application
from chassis.commands import Call
from chassis.database import Pool, migrate, open_pool
from chassis.hierarchy import Hierarchy
from chassis.security import Caller, Role
from chassis.store import EventStore
from congdoan.embedded import EmbeddedNats, EmbeddedPostgres
from membership.application import UnitsAtHand, menu
from membership.domain.member import AdmitMember
from membership.domain.unit import EstablishUnit

SECRET = b"a secret of at least 32 bytes ..."
CALL = Call(Caller("bench", Role.SERVICE, ""))
DAY = date(2020, 1, 1)


@dataclass(frozen=True)
class Ground:
    """The servers of a run."""

    postgres: EmbeddedPostgres
    nats: EmbeddedNats

    @contextmanager
    def database(self, *, migrated: bool = True) -> Iterator[str]:
        """A fresh database, as a conninfo; gone afterwards."""
        name = f"bench_{uuid4().hex[:12]}"
        self.postgres.create_database(name)
        conninfo = self.postgres.conninfo(name)
        if migrated:
            migrate(conninfo)
        yield conninfo
        with psycopg.connect(self.postgres.conninfo("postgres"), autocommit=True) as connection:
            connection.execute(f'drop database "{name}" with (force)'.encode())


@contextmanager
def ground() -> Iterator[Ground]:
    """Start the servers, and leave nothing behind."""
    with TemporaryDirectory(prefix="congdoan-bench-") as folder:
        run = Path(folder)
        with EmbeddedPostgres(run / "postgres", run) as postgres, EmbeddedNats(run / "nats", run) as nats:
            yield Ground(postgres, nats)


@asynccontextmanager
async def store_on(conninfo: str, service: str = "membership") -> AsyncIterator[tuple[EventStore, Pool]]:
    """A started event store."""
    async with open_pool(conninfo) as pool:
        store = EventStore(service, conninfo, pool, secret=SECRET, clock=lambda: datetime.now(UTC))
        await store.start()
        try:
            yield store, pool
        finally:
            await store.stop()


@asynccontextmanager
async def membership_on(conninfo: str) -> AsyncIterator[Application]:
    """Membership's commands with one grassroots union, ready to admit."""
    async with store_on(conninfo) as (store, _):
        units = UnitsAtHand()
        handlers = menu(units)
        needs = {handler.command.__name__: Role.GRASSROOTS_OFFICER for handler in handlers}
        application = Application(store, handlers, needs, Hierarchy(), secret=SECRET)
        units.live = application.live
        if await store.head() == 0:
            for unit, level, parent in (("tld", "confederation", None), ("so-y-te", "grassroots", "tld")):
                fields = {"unit": unit, "name": unit, "level": level, "line_parent": parent, "on": DAY}
                await application.execute(CALL, EstablishUnit.model_validate({"command_id": uuid4(), **fields}))
        yield application


_NUMBERS = count(1)


def admission(unit: str = "so-y-te") -> AdmitMember:
    """A new person to admit."""
    return AdmitMember(
        command_id=uuid4(),
        member_id=UUID(int=uuid4().int),
        unit=unit,
        full_name="Nguyễn Thị Minh Khai",
        national_id=f"{next(_NUMBERS):012d}",
        birth_date=date(1990, 1, 1),
        on=DAY,
    )


async def at_once(in_flight: int, total: int, do: Callable[[], Awaitable[object]]) -> float:
    """Do something `total` times with so many in flight, and answer how many a second."""

    async def work() -> None:
        for _ in range(total // in_flight):
            await do()

    began = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(in_flight)))
    return total / (time.perf_counter() - began)
