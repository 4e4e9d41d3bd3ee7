"""What does an event cost, on disk, on the stream and in memory? ``python -m benchmarks.unit_costs [--write]``

The sample federation is fed through the public API, as `make up` does, and what it left on the disks is divided by what it
recorded: a mix of every kind of event, with its indexes, read models, seals and copies. What can only be seen in a large
history — memory of the servers, pace of each step — is measured on one of a single kind. ``--write`` puts the tables into
docs/scale.md, where the year of twelve million members is derived from them (:mod:`benchmarks.on_paper`).
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import LiteralString

import nats
import psycopg
import uvloop

from benchmarks import calls, commands, histories, on_paper, replays
from benchmarks.filling import fill
from benchmarks.ground import Ground, bus_on, empty_stream, ground, store_on
from benchmarks.sizes import FULL, Sizes
from chassis.database import AppendSignal
from chassis.publisher import Publisher
from chassis.streams import stream_name
from congdoan.embedded import EmbeddedNats, EmbeddedPostgres
from congdoan.services import RECORDING, SERVICES
from congdoan.suite import KEYS

HISTORY = ("events", "commands", "claims", "branches", "head")
ENDED_WITHIN_S = 900.0
ON_A_STREAM = 200_000
"""Events of the stream whose memory is measured."""
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ServiceCosts:
    """What one service's events take, in bytes an event; `events` of them were there."""

    events: int
    history: float
    """In the event store: events, command ids, claims, with their indexes."""
    read_models: float
    """In the same database: the rows that answer questions, and how far each follower is."""
    stream: float
    """On the stream, with its headers, a copy."""


@dataclass(frozen=True, slots=True)
class Costs:
    """Everything measured."""

    services: Mapping[str, ServiceCosts]
    sealed: float
    """In audit's database, bytes an event of any service: hash, tree, index, contributions."""
    key: float
    """In the key store, bytes a person whose values are sealed."""
    nats_mib: float
    """What NATS takes with empty streams."""
    nats_bytes: float
    """What it takes more, bytes an event on a stream."""
    restart_s: float
    """How long NATS takes to be ready again with that stream, seconds for a million events."""
    paces: Mapping[str, float]
    """What is done in a second, by step."""

    @property
    def events(self) -> int:
        return sum(each.events for each in self.services.values())


def measured(sizes: Sizes = FULL) -> Costs:
    """Measure everything; takes some minutes."""
    with TemporaryDirectory(prefix="congdoan-") as name:
        folder = Path(name)
        services, sealed, key = _sample(folder)
    with ground(sizes) as servers:
        nats_mib, nats_bytes, restart_s = _memory(servers)
        paces = {
            "commands in process, 128 in flight": commands.in_process(servers),
            "commands over gRPC, one by one, 128 in flight": calls.one_by_one(servers),
            "commands over gRPC, a hundred a call": calls.in_batches(servers),
            "events published": histories.published(servers),
            "events folded into a read model": histories.rebuilt(servers),
            "events replayed as typed events": replays.replayed(servers),
        }
    return Costs(services, sealed, key, nats_mib, nats_bytes, restart_s, paces)


def _sample(folder: Path) -> tuple[dict[str, ServiceCosts], float, float]:
    """Feed the sample federation, and look at what it left beyond what a suite without any event takes."""
    nothing, all_of_it = _left(folder / "empty", "--empty"), _left(folder / "sample")
    services = {}
    for name in RECORDING:
        tables = {table: size - nothing.tables[name].get(table, 0) for table, size in all_of_it.tables[name].items()}
        history, events = sum(size for table, size in tables.items() if table in HISTORY), all_of_it.heads[name]
        on_stream, messages = all_of_it.streams[stream_name(name)]
        services[name] = ServiceCosts(events, history / events, (sum(tables.values()) - history) / events, on_stream / messages)
    total = sum(each.events for each in services.values())
    return services, _grown("audit", nothing, all_of_it) / total, _grown(KEYS, nothing, all_of_it) / all_of_it.persons


@dataclass(frozen=True, slots=True)
class _Left:
    """What a suite left: the bytes of each table with its indexes by database, the heads, streams as bytes and messages."""

    tables: Mapping[str, Mapping[str, int]]
    heads: Mapping[str, int]
    streams: Mapping[str, tuple[int, int]]
    persons: int


def _grown(database: str, nothing: _Left, all_of_it: _Left) -> int:
    """By how much the tables of a database grew, its own history aside."""
    tables = all_of_it.tables[database].items()
    return sum(size - nothing.tables[database].get(table, 0) for table, size in tables if table not in HISTORY)


def _left(folder: Path, *options: str) -> _Left:
    """Run a suite and let it end."""
    program, data, run = Path(sys.executable).with_name("congdoan"), folder / "data", folder / "run"
    command = [str(program), "up", "--exit", "--json", "--data", str(data), *options]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=ENDED_WITHIN_S)
    with EmbeddedPostgres(data, run) as postgres, EmbeddedNats(data / "nats", run) as server:
        tables = {name: _tables(postgres.conninfo(name)) for name in (*SERVICES, KEYS)}
        heads = {name: _number(postgres.conninfo(name), "select position from head") for name in SERVICES}
        persons = _number(postgres.conninfo(KEYS), "select count(*) from person_keys")
        return _Left(tables, heads, asyncio.run(_streams(server.url)), persons)


def _number(conninfo: str, query: LiteralString) -> int:
    with psycopg.connect(conninfo) as connection:
        return int((connection.execute(query).fetchone() or (0,))[0])


def _tables(conninfo: str) -> dict[str, int]:
    """The bytes of each table of a database, with its indexes."""
    sizes = """select relname, pg_total_relation_size(oid) from pg_class
                where relkind = 'r' and relnamespace = 'public'::regnamespace"""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("vacuum")
        return {str(name): int(size) for name, size in connection.execute(sizes)}


async def _streams(url: str) -> dict[str, tuple[int, int]]:
    """Bytes and messages of every stream."""
    client = await nats.connect(url)
    try:
        found = await client.jetstream().streams_info()
        return {str(each.config.name): (each.state.bytes, each.state.messages) for each in found}
    finally:
        await client.close()


def _memory(servers: Ground) -> tuple[float, float, float]:
    """NATS without anything, MiB; what an event adds, bytes; and how long a million take at its start, seconds."""
    with TemporaryDirectory(prefix="congdoan-") as name, servers.database() as conninfo:
        folder = Path(name)
        fill(conninfo, ON_A_STREAM)
        with EmbeddedNats(folder / "data", folder) as server:
            empty = _resident(server)
            uvloop.run(_published(conninfo, server.url))
            full = _resident(server)
            server.stop()
            began = time.perf_counter()
            server.start()
            took = time.perf_counter() - began
    return empty / MIB, max(0.0, full - empty) / ON_A_STREAM, took * 1_000_000 / ON_A_STREAM


async def _published(conninfo: str, url: str) -> None:
    await empty_stream(url, histories.SERVICE)
    async with store_on(conninfo, histories.SERVICE) as (store, _), bus_on(url) as bus:
        publisher = Publisher(store, bus, AppendSignal(conninfo))
        await publisher.start()
        while publisher.published < ON_A_STREAM:
            await asyncio.sleep(0.01)
        await publisher.stop()


def _resident(server: EmbeddedNats) -> int:
    """Bytes of memory of a server."""
    lines = Path(f"/proc/{server.pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmRSS:"))) * 1024


if __name__ == "__main__":
    costs = measured()
    tables = on_paper.tables(costs)
    print(tables)
    if "--write" in sys.argv[1:]:
        on_paper.GUIDE.write_text(on_paper.written_into(on_paper.GUIDE.read_text(), tables))
