"""How fast is a history announced and folded; and does everything stay as fast when it has grown?"""

import asyncio
import time
from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

import nats
import uvloop
from eventsourcing.application import Application as LibraryApplication
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresDatastore, PostgresTrackingRecorder
from eventsourcing.projection import Projection as LibraryProjection
from eventsourcing.projection import ProjectionRunner
from psycopg.sql import SQL

from benchmarks import replays
from benchmarks.admissions import CALL, admissions, at_once, membership_on
from benchmarks.filling import fill
from benchmarks.ground import Ground, bus_on, empty_stream, store_on
from benchmarks.library import environment, fill_application
from benchmarks.measuring import Result, Row, race
from benchmarks.sizes import IN_FLIGHT
from chassis.cloudevents import headers_of, subject_of
from chassis.database import AppendSignal, migrate
from chassis.following import Follower
from chassis.generations.beside import SecondGenerations
from chassis.past import OwnPast
from chassis.projector import Projection, Projector
from chassis.publisher import Publisher
from chassis.service import utc_now
from membership.read_models.members import MEMBERS

SERVICE = "bench"
REGISTER = "create table if not exists register (id uuid primary key, full_name text)"


def rows(ground: Ground) -> list[Row]:
    """Each against its peer, or its limit."""
    return [
        race("publisher", lambda: published(ground), {"one message at a time": lambda: published_singly(ground)}, 15),
        race("read model rebuild", lambda: rebuilt(ground), {"the library's ProjectionRunner": lambda: projected(ground)}, 20),
        race("read model rebuild, beside", lambda: rebuilt_beside(ground), {"on its own": lambda: rebuilt(ground)}, 0.8),
        Row(f"memory and rate at {ground.sizes.old:,} stored events", lambda rounds: grown(ground, rounds)),
    ]


def published(ground: Ground) -> float:
    """The events of a full store onto an empty stream, in atomic batches."""

    async def run(conninfo: str) -> float:
        await empty_stream(ground.nats.url, SERVICE)
        async with store_on(conninfo, SERVICE) as (store, _), bus_on(ground.nats.url) as bus:
            publisher = Publisher(store, bus, AppendSignal(conninfo))
            began = time.perf_counter()
            await publisher.start()
            while publisher.published < ground.sizes.stored:
                await asyncio.sleep(0.001)
            took = time.perf_counter() - began
            await publisher.stop()
        return ground.sizes.stored / took

    with ground.database() as conninfo:
        fill(conninfo, ground.sizes.stored)
        return uvloop.run(run(conninfo))


def published_singly(ground: Ground) -> float:
    """The same messages onto the same stream, each acknowledged before the next."""

    async def run(conninfo: str) -> float:
        await empty_stream(ground.nats.url, SERVICE)
        async with store_on(conninfo, SERVICE) as (store, _):
            events = await store.read(0, ground.sizes.singly)
        client = await nats.connect(ground.nats.url)
        stream = client.jetstream()
        began = time.perf_counter()
        for event in events:
            await stream.publish(subject_of(event.service, event.branch, event.topic), event.body, headers=headers_of(event))
        took = time.perf_counter() - began
        await client.close()
        return len(events) / took

    with ground.database() as conninfo:
        fill(conninfo, ground.sizes.singly)
        return uvloop.run(run(conninfo))


def rebuilt(ground: Ground) -> float:
    """The register of members, built from its first event."""

    async def run(conninfo: str) -> float:
        async with store_on(conninfo) as (store, pool):
            follower = Follower(pool, Projection(MEMBERS), utc_now)
            projector = Projector(store, AppendSignal(conninfo), [follower])
            began = time.perf_counter()
            await projector.start()
            await follower.at_least(ground.sizes.stored, 600)
            took = time.perf_counter() - began
            await projector.stop()
        return ground.sizes.stored / took

    with ground.database() as conninfo:
        migrate(conninfo, MEMBERS.schema)
        fill(conninfo, ground.sizes.stored)
        return uvloop.run(run(conninfo))


def rebuilt_beside(ground: Ground) -> float:
    """The same register, built a second time beside the one that answers, which goes on following."""

    async def run(conninfo: str) -> float:
        async with store_on(conninfo) as (store, pool):
            signal = AppendSignal(conninfo)
            live = Projector(store, signal, [Follower(pool, Projection(MEMBERS), utc_now)])

            def drive(follower: Follower) -> Projector:
                return Projector(store, signal, [follower])

            beside = SecondGenerations(pool, [MEMBERS], lambda _: OwnPast(store, pool), drive, utc_now)
            await live.start()
            await live.followers[0].at_least(ground.sizes.stored, 600)
            await beside.start()
            began = time.perf_counter()
            await beside.begin(MEMBERS)
            await beside.followers[0].at_least(ground.sizes.stored, 600)
            took = time.perf_counter() - began
            await beside.stop()
            await live.stop()
        return ground.sizes.stored / took

    with ground.database() as conninfo:
        migrate(conninfo, MEMBERS.schema)
        fill(conninfo, ground.sizes.stored)
        return uvloop.run(run(conninfo))


class Register(PostgresTrackingRecorder):
    """A smaller register, kept as the library's documentation shows: a transaction an event."""

    def __init__(self, datastore: PostgresDatastore, **kwargs: str) -> None:
        super().__init__(datastore, **kwargs)
        self.sql_create_statements.append(SQL(REGISTER).format())

    def add(self, member_id: UUID, full_name: str, tracking: Tracking) -> None:
        """Write a row and how far it has come."""
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute("insert into register values (%s, %s)", (member_id, full_name), prepare=True)


class Registering(LibraryProjection[Register]):
    """What the library's runner drives."""

    name = "register"

    @singledispatchmethod
    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        """Every event is someone who joined."""
        self.view.add(domain_event.originator_id, domain_event.full_name, tracking)


def projected(ground: Ground) -> float:
    """The library's runner over its own recorder."""
    events = ground.sizes.stored_by_library
    with ground.database(migrated=False) as conninfo:
        env = environment(conninfo)
        with LibraryApplication[UUID](env) as application:
            fill_application(application, events)
        began = time.perf_counter()
        with ProjectionRunner(
            application_class=LibraryApplication[UUID], projection_class=Registering, view_class=Register, env=env
        ) as runner:
            runner.wait(events, timeout=600)
            return events / (time.perf_counter() - began)


def grown(ground: Ground, rounds: int) -> Sequence[Result]:
    """What an old store costs: its replay and verification, and the rate of commands on it and on a young one in turn."""
    young, old = ground.sizes.young, ground.sizes.old
    with ground.database() as aged, ground.database() as fresh:
        fill(aged, old)
        fill(fresh, young)
        results = replays.grown(ground, fresh, aged, rounds)
        at_old, at_young = partial(commands_on, ground, aged), partial(commands_on, ground, fresh)
        rate = race(f"full command at {old:,} stored events", at_old, {f"at {young:,}": at_young}, 0.8)
        return [*results, *rate.measure(rounds)]


def commands_on(ground: Ground, conninfo: str) -> float:
    """Full commands in process, on a store that holds something already."""

    async def run() -> float:
        async with membership_on(conninfo) as (application, _):
            return await at_once(IN_FLIGHT, admissions(ground.sizes.commands), partial(application.execute, CALL))

    return uvloop.run(run())
