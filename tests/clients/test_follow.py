"""Does `congdoan events follow` begin where it is told, go on where it ended, and end when it should?"""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from chassis.ledger.note import Signer
from congdoan.embedded import EmbeddedNats
from tests.clients.messages import UNIT, events, more, told
from tests.clients.programs import CONGDOAN, Branch, Program, follow

KEY = str(Signer("congdoan-ledger", bytes(32)).verifier)
COUNT = 6
MIDDLE = "2026-01-01T00:00:00.003+00:00"
"""When the fourth event was recorded."""


@pytest.fixture
async def branch(own_nats: EmbeddedNats, tmp_path: Path) -> Branch:
    """Hà Nội with some events."""
    return await told(own_nats, tmp_path, events(COUNT), KEY)


async def followed(program: Program, branch: Branch, *options: str) -> list[int]:
    """The branch positions that are written until nothing is left."""
    exit_code, out, errors = await program.take_all(branch, *options)
    assert exit_code == 0, errors
    return [json.loads(line)["branch_position"] for line in out.splitlines()]


async def stateless(branch: Branch, *options: str) -> list[int]:
    """As :func:`followed`, by a program that has no file."""
    command = [str(CONGDOAN), "events", "follow", "--province", branch.code, *branch.options, "--exit-when-caught-up", *options]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    assert process.returncode == 0
    return [json.loads(line)["branch_position"] for line in out.splitlines()]


async def test_each_event_is_one_line_that_says_all(branch: Branch, tmp_path: Path) -> None:
    _, out, _ = await follow(tmp_path).take_all(branch)
    first: dict[str, Any] = json.loads(out.splitlines()[0])
    assert {name: first[name] for name in ("id", "service", "branch", "branch_position", "type", "unit")} == {
        "id": "membership/1",
        "service": "membership",
        "branch": "ha-noi",
        "branch_position": 1,
        "type": "membership.plan_item_added",
        "unit": UNIT,
    }
    assert first["time"].startswith("2026-01-01T00:00:00")
    assert first["metadata"]["actor"]["role"] == "province_officer"
    assert "Hội thi" in out.decode()


async def test_it_goes_on_where_it_ended(branch: Branch, own_nats: EmbeddedNats, tmp_path: Path) -> None:
    program = follow(tmp_path)
    assert await followed(program, branch, "--from", "membership:3") == [3, 4, 5, 6]
    assert await followed(program, branch, "--from", "membership:3") == []
    await more(own_nats, events(COUNT + 2)[COUNT:])
    assert await followed(program, branch) == [7, 8]
    assert json.loads(program.kept.read_text())["positions"] == {"membership": 8}


async def test_without_a_file_it_goes_on_where_the_hub_says(branch: Branch, own_nats: EmbeddedNats) -> None:
    assert await stateless(branch) == [1, 2, 3, 4, 5, 6]
    await more(own_nats, events(COUNT + 2)[COUNT:])
    assert await stateless(branch) == [7, 8]
    assert await stateless(branch, "--from", MIDDLE) == [4, 5, 6, 7, 8]
    assert await stateless(branch, "--from", "beginning") == [1, 2, 3, 4, 5, 6, 7, 8]


@pytest.fixture
async def running(branch: Branch, tmp_path: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """It follows, and has written everything."""
    process = await follow(tmp_path).start(branch)
    assert process.stdout
    for _ in range(COUNT):
        await process.stdout.readline()
    yield process
    if process.returncode is None:
        process.kill()
        await process.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_it_ends_well_when_it_is_told_to(running: asyncio.subprocess.Process, number: int) -> None:
    running.send_signal(number)
    out, errors = await running.communicate()
    assert (running.returncode, out, errors) == (0, b"", b"")


async def test_it_ends_well_when_nobody_reads_any_more(
    running: asyncio.subprocess.Process, own_nats: EmbeddedNats, tmp_path: Path
) -> None:
    running._transport.get_pipe_transport(1).close()  # type: ignore[attr-defined]
    await more(own_nats, events(COUNT + 1)[COUNT:])
    assert running.stderr
    assert await running.stderr.read() == b""
    assert await running.wait() == 0
    assert json.loads((tmp_path / "state.json").read_text())["positions"] == {"membership": COUNT}
