"""How fast does a history become typed events again, how fast is it verified, and how much memory does either take?

Verified means here: the leaf hash of each row as the server sends it, and the root of their tree (RFC 6962). That is held
against reading the same columns of the same rows and looking at none of them, in the quickest way and in the usual one.
"""

import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import aclosing
from functools import partial

import psycopg
import uvloop
from eventsourcing.projection import ApplicationSubscription

from benchmarks.filling import fill
from benchmarks.ground import ROOT, Ground, store_on
from benchmarks.library import Person, fill_application, stock_application
from benchmarks.measuring import Result, Row, race, within
from chassis.ledger.merkle import Tree
from chassis.store import COLUMNS
from congdoan.auditing.rows import snapshot
from membership.events import MemberJoined

SERVICE = "membership"
PAGE = 2_000
MEMORY_LIMIT_MIB = 64.0
VERIFICATION = "verification: leaf hashes and root"
BY_COPY = "its rows by COPY, unread"
_ROWS = f"copy (select {COLUMNS} from events order by position) to stdout (format binary)".encode()
_PAGE = f"select {COLUMNS} from events where position > %s order by position limit {PAGE}".encode()


def rows(ground: Ground) -> list[Row]:
    """Each against its peer."""
    peers = {"the library's subscription": lambda: subscribed(ground)}
    return [
        race("replay to typed events", lambda: replayed(ground), peers, 3),
        race("replay to typed events, personal values sealed", lambda: replayed(ground, sealed=True), peers, 3),
        Row(VERIFICATION, lambda rounds: verification(ground, rounds)),
    ]


def replayed(ground: Ground, *, sealed: bool = False) -> float:
    """Every event of a store as its typed value."""
    with ground.database() as conninfo:
        fill(conninfo, ground.sizes.stored, sealed=sealed)
        return replayed_from(conninfo)


def replayed_from(conninfo: str) -> float:
    """Every event of a store that is there as its typed value."""

    async def run() -> float:
        async with store_on(conninfo) as (store, _):
            began, position = time.perf_counter(), 0
            async with aclosing(store.replay()) as pages:
                async for events in pages:
                    assert all(isinstance(event.event, MemberJoined) for event in events)
                    position = events[-1].position
            return position / (time.perf_counter() - began)

    return uvloop.run(run())


def subscribed(ground: Ground) -> float:
    """Every event of the library's own store as its typed value, through its subscription."""
    events = ground.sizes.stored_by_library
    with stock_application(ground) as application:
        fill_application(application, events)
        began = time.perf_counter()
        with ApplicationSubscription(application) as subscription:
            for event, tracking in subscription:
                assert isinstance(event, Person.Event)
                if tracking.notification_id == events:
                    break
        return events / (time.perf_counter() - began)


def verification(ground: Ground, rounds: int) -> Sequence[Result]:
    """Of a store that holds little, against reading its rows."""
    with ground.database() as conninfo:
        fill(conninfo, ground.sizes.stored)
        peers = {BY_COPY: partial(copied, conninfo), "its rows in pages, unread": partial(selected, conninfo)}
        return race(VERIFICATION, partial(verified, conninfo), peers, 0.5).measure(rounds)


def grown(ground: Ground, young: str, old: str, rounds: int) -> list[Result]:
    """What an old store costs: memory, and the rates on it against those on a young one and against reading its rows."""
    at_old, at_young = (f"at {events:,} stored events" for events in (ground.sizes.old, ground.sizes.young))
    replays, copies = partial(replayed_from, old), partial(copied, old)
    races = [
        race(f"replay to typed events {at_old}", replays, {at_young: partial(replayed_from, young)}, 0.8),
        race(f"{VERIFICATION} {at_old}", partial(verified, old), {at_young: partial(verified, young)}, 0.8),
        race(f"{VERIFICATION} {at_old}", partial(verified, old), {BY_COPY: copies}, 0.5),
    ]
    return [
        within(f"memory of a replay {at_old}, above the base", mib(old, "replay"), MEMORY_LIMIT_MIB, " MiB"),
        within(f"memory of a verification {at_old}, above the base", mib(old, "verify"), MEMORY_LIMIT_MIB, " MiB"),
        *(result for row in races for result in row.measure(rounds)),
    ]


def verified(conninfo: str) -> float:
    """The leaf of every row of a store, and the root of them all."""
    with snapshot(conninfo, SERVICE) as store:
        began, tree = time.perf_counter(), Tree()
        for part in store.parts():
            tree.extend(part.leaves)
        assert tree.root
        return tree.size / (time.perf_counter() - began)


def copied(conninfo: str) -> float:
    """Every row of a store as the server sends it, one by one."""
    with psycopg.connect(conninfo) as connection, connection.cursor() as cursor:
        began, many = time.perf_counter(), 0
        with cursor.copy(_ROWS) as rows:
            for _ in rows:
                many += 1
        return many / (time.perf_counter() - began)


def selected(conninfo: str) -> float:
    """Every row of a store as Python's values."""
    with psycopg.connect(conninfo) as connection, connection.cursor(binary=True) as cursor:
        began, position = time.perf_counter(), 0
        while page := cursor.execute(_PAGE, (position,)).fetchall():
            position = page[-1][0]
        return position / (time.perf_counter() - began)


def mib(conninfo: str, what: str) -> float:
    """By how much a process that does something with a store grows, at its largest."""
    argv = [sys.executable, "-m", "benchmarks.memory", what, conninfo]
    return float(subprocess.run(argv, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout)
