"""Do the copies of a branch end equal to the hub's own figures, whatever is killed or cut on the way?"""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from chassis.ledger_keys import ledger_key
from congdoan.embedded import EmbeddedNats, EmbeddedPostgres
from congdoan.provinces import grant
from federation.awards.v1 import awards_pb2 as pb
from tests.clients.line import Line, line_to
from tests.clients.programs import Branch, Program, Subscriber
from tests.clients.two_branches import ARRIVES, HA_NOI, LEAVES, STAYS, VINH_PHUC, YEAR, Federation
from tests.serving import ledger_key_file, suite_of

PATIENCE_S = 240.0

pytestmark = pytest.mark.timeout(600)
SERVICES = ("membership", "welfare", "awards", "audit")


@pytest.fixture
async def federation(postgres: EmbeddedPostgres, own_nats: EmbeddedNats) -> AsyncIterator[Federation]:
    async with suite_of(postgres, own_nats.url, *SERVICES, audit={"checkpoint_interval_s": 0.2}) as suite:
        federation = Federation(suite)
        await federation.begin()
        yield federation


@pytest.fixture
async def line(own_nats: EmbeddedNats) -> AsyncIterator[Line]:
    host, port = own_nats.hub.address.split(":")
    async with line_to(host, int(port)) as line:
        yield line


@pytest.fixture
async def branch(federation: Federation, own_nats: EmbeddedNats, line: Line, tmp_path: Path) -> Branch:
    credentials = await grant(own_nats.hub, HA_NOI, tmp_path)
    return Branch(HA_NOI, line.url, credentials.file, str(ledger_key(ledger_key_file()).verifier))


class Running:
    """A program that follows a branch, and may be killed; keeps whatever it wrote."""

    def __init__(self, program: Program, branch: Branch) -> None:
        self.program, self.branch = program, branch
        self.events: list[dict[str, Any]] = []

    async def start(self) -> None:
        self._process = await self.program.start(self.branch)
        assert self._process.stderr
        self._reading = asyncio.create_task(self._read())
        self._errors = asyncio.create_task(self._process.stderr.read())

    async def _read(self) -> None:
        assert self._process.stdout
        async for line in self._process.stdout:
            if line.endswith(b"\n"):  # the last one may be torn
                self.events.append(json.loads(line))

    async def killed(self) -> None:
        """As by the kernel, in whatever it does."""
        assert self._process.returncode is None, (await self._errors).decode()
        self._process.kill()
        await self._process.wait()
        await self._reading

    async def ended(self) -> int:
        """Asked to end."""
        self._process.terminate()
        await self._reading
        return await self._process.wait()


async def the_year(federation: Federation) -> AsyncIterator[None]:
    """All that happens, with pauses in which something may go wrong."""
    stays, leaves, arrives = f"{STAYS}/", f"{LEAVES}/", f"{ARRIVES}/"
    steps: list[Callable[[], Awaitable[None]]] = [
        lambda: federation.open_campaign(HA_NOI),
        lambda: federation.give(HA_NOI, who=stays + "0"),
        lambda: federation.give(HA_NOI, who=leaves + "0"),
        lambda: federation.give(HA_NOI, unit=STAYS),
        lambda: federation.give(HA_NOI, who=stays + "1", comes_back=True),
        lambda: federation.award(pb.AWARD_FORM_FLAG, unit=STAYS),
        lambda: federation.award(pb.AWARD_FORM_CERTIFICATE_OF_MERIT, unit=LEAVES),
        lambda: federation.award(pb.AWARD_FORM_CERTIFICATE_OF_MERIT, who=stays + "1"),
        lambda: federation.award(pb.AWARD_FORM_COMMENDATION, who=stays + "0", revoked=True),
        lambda: federation.award(pb.AWARD_FORM_COMMENDATION, who=stays + "2"),
        lambda: federation.award(pb.AWARD_FORM_PUBLIC_HONOUR, who=stays + "0"),
        lambda: federation.move(stays + "3", ARRIVES, f"{YEAR}-05-01"),
        lambda: federation.move(arrives + "0", STAYS, f"{YEAR}-05-01"),
        lambda: federation.move(stays + "1", LEAVES, f"{YEAR}-05-02"),
        lambda: federation.leave(stays + "2"),
        lambda: federation.attach(ARRIVES, HA_NOI),
        lambda: federation.attach(LEAVES, VINH_PHUC),
        lambda: federation.admit(arrives + "new", f"{ARRIVES}-to"),
        lambda: federation.move(arrives + "1", STAYS, f"{YEAR}-08-01"),
        lambda: federation.move(leaves + "1", STAYS, f"{YEAR}-08-01"),
    ]
    for step in steps:
        await step()
        yield


async def equal(program: Subscriber, branch: Branch, wanted: dict[str, int]) -> dict[str, Any]:
    """What a copy says once its figures are those of the hub."""
    told: dict[str, Any] = {}
    try:
        async with asyncio.timeout(PATIENCE_S):
            while (told := await program.figures(branch, YEAR))["figures"] != wanted:
                await asyncio.sleep(0.2)
    except TimeoutError:
        assert told["figures"] == wanted, program.name
    return told


@pytest.mark.long
async def test_all_end_equal_through_kills_of_everyone(
    federation: Federation, own_nats: EmbeddedNats, branch: Branch, line: Line, programs: list[Program]
) -> None:
    chance, running = Random(4), [Running(program, branch) for program in programs]
    mishaps: list[Running | str] = ["cut", "cut", "hub", "hub", *running * 4]
    chance.shuffle(mishaps)
    for each in running:
        await each.start()
    async for _ in the_year(federation):
        match mishaps.pop() if mishaps else None:
            case "cut":
                line.cut()
            case "hub":
                own_nats.kill()
                own_nats.start()
            case Running() as unlucky:
                await asyncio.sleep(chance.random() / 2)
                await unlucky.killed()
                await unlucky.start()

    wanted = await federation.figures(HA_NOI)
    told = [await equal(each.program, branch, wanted) for each in running if isinstance(each.program, Subscriber)]
    assert told[0] == told[1]
    assert wanted["members"] == sum(told[0]["members_by_unit"].values()) > 0
    assert min(wanted.values()) > 0
    assert not mishaps
    assert line.cuts

    await everything_told(running[-1], federation)
    await the_ledger_is_witnessed(programs)
    for each in running:
        assert await each.ended() == (0 if each.program.name == "follow" else -15)
    await a_fast_start_ends_equal_too(branch, programs, wanted)


async def everything_told(follow: Running, federation: Federation) -> None:
    """Every event of the branch was written, each by its number, and what arrived with its rows."""
    async with asyncio.timeout(PATIENCE_S):
        while missing_of(follow.events, await federation.branch_positions(HA_NOI)):
            await asyncio.sleep(0.1)
    assert {event["branch"] for event in follow.events} == {HA_NOI}
    assert all(event["id"].startswith(f"{event['service']}/") for event in follow.events if "id" in event)
    arrived = {event["unit"] for event in follow.events if event["type"] == "snapshot.unit"}
    assert {ARRIVES, f"{ARRIVES}-to"} <= arrived


async def the_ledger_is_witnessed(programs: list[Program]) -> None:
    """All three keep the same checkpoints, of every service that recorded something."""
    async with asyncio.timeout(PATIENCE_S):
        while len({frozenset(checkpoints_of(program)) for program in programs}) > 1:
            await asyncio.sleep(0.2)
    assert {service for service, _ in checkpoints_of(programs[0])} >= {"membership", "welfare", "awards"}


def checkpoints_of(program: Program) -> set[tuple[str, int]]:
    """Service and size of every checkpoint that a program keeps; one with no copy keeps them beside its state."""
    kept = program.kept if isinstance(program, Subscriber) else program.kept.with_name(f"{program.kept.name}.checkpoints")
    return set(sqlite3.connect(kept).execute("select service, size from checkpoints"))


def missing_of(events: list[dict[str, Any]], heads: dict[str, int]) -> dict[str, set[int]]:
    """The branch positions that were not told."""
    told = {(event["service"], event["branch_position"]) for event in events if "service" in event}
    missing = {service: {n for n in range(1, head + 1) if (service, n) not in told} for service, head in heads.items()}
    return {service: numbers for service, numbers in missing.items() if numbers}


async def a_fast_start_ends_equal_too(branch: Branch, programs: list[Program], wanted: dict[str, int]) -> None:
    """Whoever begins with a snapshot takes what comes after it, and has the same."""
    for program in programs:
        fresh = replace(program, kept=program.kept.with_name(f"fast-{program.kept.name}"))
        exit_code, out, errors = await fresh.take_all(branch, "--fast", "--name", f"fast-{program.name}")
        assert exit_code == 0, errors
        if isinstance(fresh, Subscriber):
            assert (await fresh.figures(branch, YEAR))["figures"] == wanted
        else:
            lines = [json.loads(line) for line in out.splitlines()]
            active = [each for each in lines if each["type"] == "snapshot.member" and not each["body"]["left_on"]]
            assert len(active) == wanted["members"]
            assert not any(each.get("service") == "membership" for each in lines)
