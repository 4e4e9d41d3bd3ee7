"""How fast is a history announced, folded into a read model, replayed; and does it stay so when it grows?"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import quantiles
from uuid import UUID

import nats
import psycopg
from eventsourcing.application import Application as LibraryApplication
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.projection import Projection as LibraryProjection
from eventsourcing.projection import ProjectionRunner
from psycopg.conninfo import conninfo_to_dict

from benchmarks.commands import COMMANDS, IN_FLIGHT, Person
from benchmarks.ground import CALL, SECRET, Ground, admission, at_once, membership_on, store_on
from benchmarks.measuring import Row
from chassis.database import AppendSignal, migrate, open_pool
from chassis.following import Follower
from chassis.library_recorder import LibraryRecorder
from chassis.projector import Projection, Projector
from chassis.publisher import Publisher
from chassis.service import utc_now
from chassis.streams import Connection, set_up, stream_name
from membership.events import MemberJoined
from membership.read_models.members import MEMBERS

EVENTS = 20_000
GROWN = (10_000, 100_000, 1_000_000)

FILL = """
with new as (select generate_series(%(first)s::bigint, %(last)s::bigint) as n)
insert into events
select n, gen_random_uuid(), 1, 'membership.member_joined',
       convert_to(format('{"schema_version":1,"unit":"so-y-te","on":"2020-01-01","member_id":"%%s","full_name":"Nguyễn Thị Minh Khai",'
       '"national_id":"%%s","birth_date":"1990-01-01","phone":"","email":""}', gen_random_uuid(), lpad(n::text, 12, '0')), 'UTF8'),
       convert_to('{"unit":"so-y-te","effective":"2020-01-01","actor":{"id":"bench","role":"service","unit":""},"command_id":null,'
       '"correlation_id":"","causation_id":"","traceparent":""}', 'UTF8'), 'national', n, now()
from new
"""


def fill(conninfo: str, events: int) -> None:
    """Put admissions into a store, without deciding them."""
    with psycopg.connect(conninfo) as connection:
        (before,) = connection.execute("select position from head").fetchone() or (0,)
        connection.execute(FILL, {"first": int(before) + 1, "last": int(before) + events})
        connection.execute(
            "insert into commands select gen_random_uuid(), 'f', position from events where position > %s", (before,)
        )
        connection.execute(
            "insert into branches values ('national', %s) on conflict (branch) do update set position = %s",
            (before + events,) * 2,
        )
        connection.execute("update head set position = position + %s", (events,))
        connection.commit()
        connection.autocommit = True
        connection.execute("vacuum analyze")


def rows(ground: Ground) -> list[Row]:
    """Each with its peer, measured in this run."""
    return [
        Row(
            "publisher, sync always",
            "the same, one message at a time",
            lambda: published(ground),
            lambda: one_at_a_time(ground),
            15,
        ),
        Row(
            "read model rebuild",
            "the library's ProjectionRunner",
            lambda: rebuilt(ground),
            lambda: run_by_the_library(ground),
            20,
        ),
        Row("replay to typed events", "the library's subscription", lambda: replayed(ground), lambda: subscribed(ground), 3),
        Row(
            "memory of a replay of a million events, MiB above the base",
            "limit 64",
            lambda: memory(ground, GROWN[-1]),
            lambda: 64.0,
            None,
            "MiB",
            1,
        ),
        *growth(ground),
        Row(
            "answer to subscriber, 2,000 commands/s offered, p50",
            "limit 5",
            lambda: delivered(ground)[0],
            lambda: 5.0,
            None,
            "ms",
            1,
        ),
        Row(
            "answer to subscriber, 2,000 commands/s offered, p99",
            "limit 25",
            lambda: delivered(ground)[1],
            lambda: 25.0,
            None,
            "ms",
            1,
        ),
    ]


def growth(ground: Ground) -> list[Row]:
    """Full commands on stores of different age, each against the youngest."""
    first = GROWN[0]
    return [
        Row(f"full command at {size:,} stored events", f"at {first:,}", _on(ground, size), _on(ground, first), 0.8)
        for size in GROWN[1:]
    ]


def _on(ground: Ground, size: int) -> Callable[[], float]:
    return lambda: commands_on(ground, size)


def commands_on(ground: Ground, events: int) -> float:
    """Full commands in process on a store that holds so many events."""

    async def run(conninfo: str) -> float:
        async with membership_on(conninfo) as application:
            await asyncio.to_thread(fill, conninfo, events)
            return await at_once(IN_FLIGHT, COMMANDS, lambda: application.execute(CALL, admission_past(events)))

    with ground.database() as conninfo:
        return asyncio.run(run(conninfo))


def admission_past(events: int) -> object:
    """A person whose number is not among those the store was filled with."""
    return admission()


def published(ground: Ground) -> float:
    """Events of a full store onto a fresh stream, in atomic batches."""

    async def run(conninfo: str, service: str) -> float:
        await set_up(ground.nats.url, [service])
        bus, signal = Connection(ground.nats.url, "bench"), AppendSignal(conninfo)
        async with store_on(conninfo, service) as (store, _):
            await bus.start()
            publisher = Publisher(store, bus, signal)
            while not bus.is_connected:
                await asyncio.sleep(0.01)
            began = time.perf_counter()
            await publisher.start()
            while publisher.published < EVENTS:
                await asyncio.sleep(0.002)
            rate = EVENTS / (time.perf_counter() - began)
            await publisher.stop()
            await bus.stop()
        return rate

    with ground.database() as conninfo:
        fill(conninfo, EVENTS)
        return asyncio.run(run(conninfo, f"bench{time.monotonic_ns()}"))


def one_at_a_time(ground: Ground, messages: int = 1_000) -> float:
    """The same bytes to the same kind of stream, each publication awaited."""

    async def run(conninfo: str, service: str) -> float:
        await set_up(ground.nats.url, [service])
        async with store_on(conninfo, service) as (store, _):
            events = await store.read(0, messages)
        client = await nats.connect(ground.nats.url)
        stream = client.jetstream()
        began = time.perf_counter()
        for event in events:
            await stream.publish(f"federation.{service}.national.member_joined", event.body, stream=stream_name(service))
        rate = messages / (time.perf_counter() - began)
        await client.close()
        return rate

    with ground.database() as conninfo:
        fill(conninfo, messages)
        return asyncio.run(run(conninfo, f"bench{time.monotonic_ns()}"))


def rebuilt(ground: Ground) -> float:
    """The register of members built from its first event."""

    async def run(conninfo: str) -> float:
        signal = AppendSignal(conninfo)
        async with store_on(conninfo) as (store, pool):
            follower = Follower(pool, Projection(MEMBERS), utc_now)
            projector = Projector(store, signal, [follower])
            began = time.perf_counter()
            await projector.start()
            await follower.at_least(EVENTS, 600)
            rate = EVENTS / (time.perf_counter() - began)
            await projector.stop()
        return rate

    with ground.database() as conninfo:
        migrate(conninfo, MEMBERS.schema)
        fill(conninfo, EVENTS)
        return asyncio.run(run(conninfo))


class Register(PostgresTrackingRecorder):
    """The same rows, kept as the library's documentation shows: a transaction an event."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.create_table_statements.append(  # type: ignore[arg-type]
            "create table if not exists register (id uuid primary key, full_name text)"
        )

    def add(self, person: UUID, full_name: str, tracking: Tracking) -> None:
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute("insert into register values (%s, %s)", (person, full_name), prepare=True)


class Registering(LibraryProjection[Register]):
    """What the library's runner drives."""

    name = "register"

    @singledispatchmethod
    def process_event(self, domain_event: DomainEventProtocol[UUID], tracking: Tracking) -> None:
        self.view.add(domain_event.originator_id, domain_event.full_name, tracking)  # type: ignore[attr-defined]


def run_by_the_library(ground: Ground, events: int = 2_000) -> float:
    """The library's ProjectionRunner over its own recorder."""
    with ground.database(migrated=False) as conninfo:
        parts = conninfo_to_dict(conninfo)
        env = {
            "PERSISTENCE_MODULE": "eventsourcing.postgres",
            "POSTGRES_DBNAME": str(parts["dbname"]),
            "POSTGRES_HOST": str(parts["host"]),
            "POSTGRES_PORT": str(parts.get("port", "5432")),
            "POSTGRES_USER": str(parts["user"]),
            "POSTGRES_PASSWORD": str(parts.get("password", "")),
        }
        with LibraryApplication[UUID](env) as application:
            for _ in range(events // 100):
                application.save(*[Person("so-y-te", "Nguyễn Thị Minh Khai", "1") for _ in range(100)])
        began = time.perf_counter()
        with ProjectionRunner(
            application_class=LibraryApplication[UUID], projection_class=Registering, view_class=Register, env=env
        ) as runner:
            runner.wait(events, timeout=300)
            return events / (time.perf_counter() - began)


def replayed(ground: Ground) -> float:
    """Every event of a store as its typed value."""

    async def run(conninfo: str) -> float:
        async with store_on(conninfo) as (store, _):
            began, position = time.perf_counter(), 0
            while events := await store.read(position, 2_000):
                assert all(isinstance(event.event, MemberJoined) for event in events)
                position = events[-1].position
            return position / (time.perf_counter() - began)

    with ground.database() as conninfo:
        fill(conninfo, EVENTS)
        return asyncio.run(run(conninfo))


def subscribed(ground: Ground) -> float:
    """The same store through the library's subscription, decoded to the same values."""
    with ground.database() as conninfo:
        fill(conninfo, EVENTS)
        recorder = LibraryRecorder("library", conninfo, secret=SECRET)
        try:
            began = time.perf_counter()
            with recorder.subscribe() as subscription:
                for notification in subscription:
                    MemberJoined.decode_body(notification.state)
                    if notification.id == EVENTS:
                        break
            return EVENTS / (time.perf_counter() - began)
        finally:
            recorder.close()


REPLAY = """
import asyncio, resource, sys
from benchmarks.ground import store_on

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

async def main():
    async with store_on(sys.argv[1]) as (store, _):
        for event in await store.read(0, 10):
            event.event
        base, position = peak(), 0
        while events := await store.read(position, 2_000):
            for event in events:
                event.event
            position = events[-1].position
        print(peak() - base)

asyncio.run(main())
"""


def memory(ground: Ground, events: int) -> float:
    """By how many MiB the largest size of a process that replays so many events exceeds its size before."""
    with ground.database() as conninfo:
        fill(conninfo, events)
        done = subprocess.run(
            [sys.executable, "-c", REPLAY, conninfo], env=os.environ, check=True, capture_output=True, text=True
        )
        return float(done.stdout)


def delivered(ground: Ground, offered: int = 2_000, seconds: int = 5) -> tuple[float, float]:
    """Milliseconds from a command's answer until a subscriber of the stream has its event: p50 and p99."""

    async def run(conninfo: str) -> tuple[float, float]:
        await set_up(ground.nats.url, ["membership"])
        async with membership_on(conninfo) as application, open_pool(conninfo) as pool:
            store, bus, signal = application.live.store, Connection(ground.nats.url, "bench"), AppendSignal(conninfo)
            answered: dict[int, float] = {}
            seen: dict[int, float] = {}
            client = await nats.connect(ground.nats.url)

            async def see(message: nats.aio.msg.Msg) -> None:
                seen[int(message.headers["ce-position"])] = time.perf_counter()

            await client.subscribe("federation.membership.>", cb=see)
            publisher = Publisher(store, bus, signal)
            for part in (signal, bus, publisher):
                await part.start()
            assert pool

            async def admit() -> None:
                answer = await application.execute(CALL, admission())
                answered[answer.position] = time.perf_counter()

            began, tasks = time.perf_counter(), []
            for number in range(offered * seconds):
                if (ahead := began + number / offered - time.perf_counter()) > 0:
                    await asyncio.sleep(ahead)
                tasks.append(asyncio.create_task(admit()))
            await asyncio.gather(*tasks)
            while publisher.published < max(answered):
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.2)
            for stopped in (publisher, bus, signal):
                await stopped.stop()
            await client.close()
            delays = [1_000 * (seen[position] - at) for position, at in answered.items() if position in seen]
            cuts = quantiles(delays, n=100)
            return cuts[49], cuts[98]

    with ground.database() as conninfo:
        return asyncio.run(run(conninfo))
