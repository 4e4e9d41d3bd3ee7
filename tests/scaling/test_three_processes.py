"""Three processes under load: whoever leads is killed, cut off, paused and sent away, and nothing is lost or twice."""

import asyncio
import json
import os
import random
import signal
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from chassis.clients import Refused
from chassis.database import migrate
from chassis.ending import ended
from chassis.key_store import KEY_STEPS
from chassis.store import EventStore
from chassis.streams import set_up
from congdoan.embedded import EmbeddedNats, EmbeddedPostgres
from congdoan.embedded.server import wait_until_ready
from federation.operations.v1 import operations_pb2 as operations
from membership.read_models.members import MEMBERS
from tests.connected.example import connected, opened, published, until
from tests.databases import fresh_database
from tests.scaling.pods import ProcessPod
from tests.serving import built, settings_of, wrapping_key_file

NUMBERS = count(1)
WORKERS = 4
UNIT = "so-y-te"


@dataclass
class Load:
    """Members are admitted at any pod, and asked for at any other; every command is repeated until it is answered."""

    pods: list[ProcessPod]
    admitted: dict[str, int] = field(default_factory=dict)
    chance: random.Random = field(default_factory=lambda: random.Random(6))

    async def go_on(self) -> None:
        while True:
            member_id, command_id = str(uuid4()), str(uuid4())
            fields = {"member_id": member_id, "unit": UNIT, "full_name": "Đỗ Thị Ế", "national_id": f"{next(NUMBERS):012d}"}
            more = {"birth_date": "1990-01-01", "on": "2020-01-01", "command_id": command_id}
            answer = await self._at_any("AdmitMember", {}, **fields, **more)
            self.admitted[member_id] = answer.position
            seen = {"membership": answer.position}
            found = await self._at_any("ListUnits", seen, unit="tld")
            assert found.units

    async def _at_any(self, rpc: str, seen: dict[str, int], **fields: Any) -> Any:
        while True:
            pod = self.chance.choice(self.pods)
            with suppress(Refused, TimeoutError):
                async with asyncio.timeout(10.0):
                    return await pod.ask(rpc, seen, **fields)

    async def some(self, many: int = 25) -> None:
        """Until so many more are admitted."""
        before = len(self.admitted)
        await until(lambda: len(self.admitted) >= before + many)

    @asynccontextmanager
    async def without(self, pod: ProcessPod) -> AsyncIterator[None]:
        """Nobody calls a pod."""
        self.pods.remove(pod)
        yield
        self.pods.append(pod)


@asynccontextmanager
async def under_way(load: Load) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(load.go_on()) for _ in range(WORKERS)]
    try:
        yield
    finally:
        for task in tasks:
            if task.done():
                task.result()
            await ended(task)


class Leaders:
    """Who leads, as the database knows it and the logs tell it."""

    def __init__(self, database: str, pods: Sequence[ProcessPod]) -> None:
        self._database, self.pods = database, {pod.name: pod for pod in pods}

    def now(self) -> tuple[int, ProcessPod]:
        with psycopg.connect(self._database, autocommit=True) as connection:
            row = connection.execute("select term, holder from leaders").fetchone()
        assert row
        return row[0], self.pods[row[1]]

    async def another(self, term: int) -> ProcessPod:
        """The one that leads in a later term."""
        await until(lambda: self.now()[0] > term)
        return self.now()[1]

    def turns(self) -> Iterator[tuple[int, str, int]]:
        """What every process has told: term, holder, and how many transactions of the one before it ended."""
        for pod in self.pods.values():
            for line in pod.log.read_text().splitlines():
                if '"leads"' in line:
                    told = json.loads(line)
                    yield told["term"], told["holder"], told["ended"]


@pytest.fixture
def databases(postgres: EmbeddedPostgres) -> Iterator[tuple[str, str]]:
    with fresh_database(postgres) as members, fresh_database(postgres, steps=KEY_STEPS) as keys:
        yield members, keys


@pytest.mark.long
async def test_whoever_leads_is_followed(databases: tuple[str, str], own_nats: EmbeddedNats, tmp_path: Path) -> None:
    database, keys = databases
    await set_up(own_nats.url, ["membership"])
    more = {"keys_database_url": keys, "wrapping_key_file": str(wrapping_key_file()), "drain_s": 2.0}
    settings = settings_of("membership", database, own_nats.url, **more)
    migrate(database, built("membership", settings).schema)
    pods = [ProcessPod("membership", f"pod-{number}", settings, tmp_path) for number in range(3)]
    try:
        for pod in pods:
            pod.process.launch()
        for pod in pods:
            await asyncio.to_thread(wait_until_ready, pod.process)
        await pods[0].do("EstablishUnit", unit="tld", level=1, name="TLĐ", on="1990-01-01")
        await pods[1].do("EstablishUnit", unit=UNIT, level=5, name="Sở Y tế", line_parent="tld", on="1990-01-01")
        load, leaders = Load(list(pods)), Leaders(database, pods)
        async with under_way(load):
            await load.some()
            await killed(load, leaders)
            await cut(load, database)
            await paused(load, leaders, database)
            await sent_away(load, leaders)
        await nothing_is_lost_or_twice(load, leaders, database, own_nats.url)
    finally:
        for pod in pods:
            await pod.close()
            pod.process.kill()


async def killed(load: Load, leaders: Leaders) -> None:
    """kill -9: another leads; the one that was killed comes back and stands by."""
    term, leader = leaders.now()
    async with load.without(leader):
        leader.process.kill()
        assert await leaders.another(term) is not leader
        await load.some()
        leader.process.launch()
        await asyncio.to_thread(wait_until_ready, leader.process)
    await load.some()


async def cut(load: Load, database: str) -> None:
    """The session by which it leads is ended: it takes it up again, or another was quicker."""
    for _ in range(3):
        with psycopg.connect(database, autocommit=True) as connection:
            ((pid,),) = connection.execute("select pid from leaders").fetchall()
            connection.execute("select pg_terminate_backend(%s)", (pid,))
        await until(lambda old=pid: held_by_another_session(database, old))  # type: ignore[misc]
        await load.some(5)


def held_by_another_session(database: str, pid: int) -> bool:
    with psycopg.connect(database, autocommit=True) as connection:
        return connection.execute("select 1 from leaders where pid is not null and pid <> %s", (pid,)).fetchone() is not None


async def paused(load: Load, leaders: Leaders, database: str) -> None:
    """SIGSTOP in the middle of a batch, for longer than its time: another leads, and what was left open is ended."""
    term, leader = leaders.now()
    async with load.without(leader):
        with psycopg.connect(database) as connection:
            connection.execute(f"lock table {MEMBERS.table} in share mode".encode())
            await until(lambda: waits_for_rows(database))
            os.kill(leader.pid, signal.SIGSTOP)
            connection.rollback()
        try:
            another = await leaders.another(term)
            assert another is not leader
            await load.some()
            at = max(load.admitted.values())
            assert (await another.ask("AwaitPosition", position=at)).position == at, "no row is locked"
        finally:
            os.kill(leader.pid, signal.SIGCONT)
        await until(lambda: leader.metric("congdoan_leader_term") > term)
        assert leader.metric("congdoan_leader") == 0
    ended_by = {turn: ended for turn, _, ended in leaders.turns()}
    assert ended_by[term + 1] >= 1, "the batch was open, and was ended"
    await load.some()


def waits_for_rows(database: str) -> bool:
    query = "select 1 from pg_stat_activity where wait_event_type = 'Lock' and application_name like 'membership/%'"
    with psycopg.connect(database, autocommit=True) as connection:
        return connection.execute(query).fetchone() is not None


async def sent_away(load: Load, leaders: Leaders) -> None:
    """SIGTERM: it ends in order, and another leads."""
    term, leader = leaders.now()
    async with load.without(leader):
        os.kill(leader.pid, signal.SIGTERM)
        await leaders.another(term)
        await until(lambda: leader.process.exit_code == 0)
        await load.some()
    load.pods.remove(leader)


async def nothing_is_lost_or_twice(load: Load, leaders: Leaders, database: str, nats_url: str) -> None:
    """Everything answered is recorded, announced and applied once; each term had one holder."""
    last = load.pods[0]
    head = (await last.ask("AwaitPosition")).position
    with psycopg.connect(database) as connection:
        rows = connection.execute(f"select member_id::text from {MEMBERS.table}".encode()).fetchall()
        recorded = connection.execute("select aggregate_id::text, position from events where topic like '%joined'").fetchall()
    assert {member for member, _ in recorded} >= load.admitted.keys()
    assert all(position <= head for position in load.admitted.values())
    assert sorted(member for (member,) in rows) == sorted(member for member, _ in recorded)
    for pod in load.pods:
        for follower in (await pod.ask("GetStatus", {"membership": head})).followers:
            proven = await pod.ask("ProveFollower", follower=follower.name)
            assert (proven.verdict, proven.position, proven.parked) == (operations.PROOF_VERDICT_EXACTLY_ONCE, head, 0)
    async with connected(nats_url) as bus, opened("membership", database) as store:
        assert await published(bus.client, "membership") == await every_event(store, head)
    terms = [term for term, _, _ in leaders.turns()]
    assert len(terms) == len(set(terms)) >= 4


async def every_event(store: EventStore, head: int) -> list[Any]:
    return await store.read(0, head)
