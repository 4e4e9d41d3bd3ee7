"""The disk under NATS, or under PostgreSQL, is full: is everything refused clearly, nothing half-written, and all read on?

And does everything go on when there is room again?
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from hashlib import shake_256
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from chassis.appends import Append
from chassis.refusals import Unavailable
from chassis.store import EventStore
from congdoan.embedded import EmbeddedNats, EmbeddedPostgres
from tests.connected.example import connected, everything, noted, opened, published, publishing, record, until
from tests.databases import fresh_database
from tests.faults.full_disk import Disk, FilesThatMayNotGrow, may_mount, small_disk
from tests.folders import fast_folder

MIB = 1 << 20
TEXT = "x" * 5_000
MANY = 200
LARGEST_OF_NATS, LARGEST_OF_POSTGRES = 2 * MIB, 24 * MIB
"""The second is more than a segment of the write-ahead log: without that, the server stops at once."""

Disks = Callable[[Path], AbstractContextManager[Disk]]


def disks(size: int, largest: int) -> list[Any]:
    """What can be a full disk on this machine: files that may not grow, and a small one [long] where it may be mounted."""

    def small(folder: Path) -> AbstractContextManager[Disk]:
        return small_disk(folder, size)

    def limited(folder: Path) -> AbstractContextManager[Disk]:
        return nullcontext(FilesThatMayNotGrow(largest))

    return [limited, pytest.param(small, marks=pytest.mark.long)] if may_mount() else [limited]


@pytest.fixture
def folder() -> Iterator[Path]:
    with fast_folder() as made:
        yield made


@contextmanager
def postgres_on(disk: Disks, folder: Path) -> Iterator[tuple[EmbeddedPostgres, Disk]]:
    """A PostgreSQL whose disk may be full."""
    with disk(folder / "data") as its, EmbeddedPostgres(folder / "data", folder / "run") as server:
        yield server, its


@contextmanager
def nats_on(disk: Disks, folder: Path) -> Iterator[tuple[EmbeddedNats, Disk]]:
    """A NATS whose disk may be full."""
    with disk(folder / "data") as its, EmbeddedNats(folder / "data", folder / "run") as server:
        yield server, its


async def agree(store: EventStore, url: str) -> None:
    """Stream and store are the same, byte for byte."""
    async with connected(url) as connection:
        assert await published(connection.client, store.service) == await everything(store)


@pytest.mark.parametrize("disk", disks(64 * MIB, LARGEST_OF_NATS), ids=lambda disk: disk.__name__)
async def test_nats_with_no_room_keeps_what_it_has_and_takes_the_rest_later(disk: Disks, folder: Path, database: str) -> None:
    service = f"example-{uuid4().hex[:10]}"
    with nats_on(disk, folder) as (nats, its):
        async with opened(service, database) as store, publishing(store, database, nats.url) as publisher:
            await record(store, [noted(TEXT) for _ in range(MANY)])
            await until(lambda: publisher.published == MANY)
            its.fill(nats)
            while publisher.healthy:  # what it has not yet noticed, it notices by the next batch
                await record(store, [noted(TEXT) for _ in range(MANY // 10)])
                await asyncio.sleep(0.2)
            await record(store, [noted(TEXT) for _ in range(MANY)])
            recorded = await store.head()
            await until(lambda: publisher.backlog > MANY)
            kept = await everything(store)
            async with connected(nats.url) as connection:
                told = await published(connection.client, service)
            assert told == kept[: len(told)], "what is on the stream is the beginning of the history"
            assert MANY <= len(told) < recorded
            its.make_room(nats)
            await asyncio.to_thread(nats.stop)  # docs/operator.md: a stream may stay frozen until then
            await asyncio.to_thread(nats.start)
            await until(lambda: publisher.published == recorded)
            await agree(store, nats.url)


@pytest.mark.parametrize("disk", disks(112 * MIB, LARGEST_OF_POSTGRES), ids=lambda disk: disk.__name__)
async def test_postgres_with_no_room_refuses_clearly_and_is_read_on(disk: Disks, folder: Path) -> None:
    with postgres_on(disk, folder) as (postgres, its), fresh_database(postgres) as conninfo:
        async with opened("example", conninfo) as store:
            appended = {await _appended(store, command): command for command in _commands(20)}
            its.fill(postgres)
            refused, refusal = await _refused(store, appended)
            assert refusal.facts == {"reason": "database"}
            before = await everything(store)  # it is read on
            assert [event.position for event in before] == list(range(1, len(appended) * EVENTS + 1))
            its.make_room(postgres)
            answers = [await _appended(store, command) for command in (refused, *appended.values())]
            after = await everything(store)
            assert answers[1:] == list(appended), "each was kept once, and is told its first answer"
            assert answers[0] == len(after) == len(before) + EVENTS, "what was refused had left nothing, and is kept now"
            assert after[: len(before)] == before


EVENTS, LETTERS = 2, 100_000


async def _refused(store: EventStore, appended: dict[int, UUID]) -> tuple[UUID, Unavailable]:
    """Append until a command is refused: that command, and the refusal; those before are put where the others are."""
    while True:
        command = uuid4()
        try:
            appended[await _appended(store, command)] = command
        except Unavailable as refusal:
            return command, refusal


def _commands(many: int) -> list[UUID]:
    return [uuid4() for _ in range(many)]


async def _appended(store: EventStore, command: UUID) -> int:
    """The position by which a command of some events was answered."""
    aggregate = UUID(int=command.int ^ 1)
    events = tuple(noted(_incompressible(command), aggregate, version) for version in range(1, EVENTS + 1))
    return (await store.append(Append(events, command_id=command))).position


def _incompressible(command: UUID) -> str:
    return shake_256(command.bytes).hexdigest(LETTERS // 2)
