"""Do all three refuse, loudly and with nothing kept after it, what a branch must not receive?"""

import asyncio
import json
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from congdoan.embedded import EmbeddedNats
from congdoan.provinces import branch_streams
from tests.clients.messages import Message, events, more, told
from tests.clients.programs import CLIENTS, NODE, REPOSITORY, Program, Subscriber
from tests.provinces.province import services

VECTORS = json.loads((REPOSITORY / "tests" / "chassis" / "ledger_vectors.json").read_text())


def checkpoint(vector: dict[str, Any]) -> Message:
    return Message(vector["subject"], vector["note"].encode(), vector["headers"])


def contradicting() -> list[Message]:
    """Two checkpoints that go on from each other, and one that contradicts them."""
    forged = next(each for each in VECTORS["refused"] if each["rule"] == "CheckpointContradicts" and each["after"] == 2)
    return [*map(checkpoint, VECTORS["accepted"][:2]), checkpoint(forged["message"])]


def foreign() -> list[Message]:
    """An event of another branch, as it would come if the server let it through."""
    first, second = events(2)
    return [first, Message(second.subject, second.body, {**second.headers, "ce-branch": "vinh-phuc"})]


def with_gap() -> list[Message]:
    first, second, _, fourth = events(4)
    return [first, second, fourth]


REFUSALS = {
    "an event is missing": (4, with_gap()),
    "an event of another branch": (5, foreign()),
    "a checkpoint that contradicts": (6, [*events(1), *contradicting()]),
}


def kept_by(program: Program) -> dict[str, int]:
    """The branch positions that a program says it took."""
    if not program.kept.exists():
        return {}
    if isinstance(program, Subscriber):
        return dict(sqlite3.connect(program.kept).execute("select service, position from positions").fetchall())
    positions: dict[str, int] = json.loads(program.kept.read_text())["positions"]
    return positions


@pytest.mark.parametrize("why", REFUSALS)
async def test_what_must_not_be_is_refused_by_all_three(
    own_nats: EmbeddedNats, tmp_path: Path, programs: list[Program], why: str
) -> None:
    code, messages = REFUSALS[why]
    branch = await told(own_nats, tmp_path, messages, VECTORS["verifier"])
    rightful = sum("ledger" not in message.subject for message in messages) - (why != "a checkpoint that contradicts")

    for _ in range(2):  # nobody gets past it by asking again
        ends = await asyncio.gather(*(program.take_all(branch) for program in programs))
        for program, (exit_code, _, errors) in zip(programs, ends, strict=True):
            assert exit_code == code, (program.name, errors)
            assert errors.strip()
            assert kept_by(program).get("membership", 0) <= rightful
    async with services(own_nats) as client:
        for program in programs:
            left = (await branch_streams.asked(client, "ha-noi", f"CONSUMER.INFO.BRANCH.{program.name}"))["ack_floor"]
            assert left["stream_seq"] < len(messages)


def taken_back(program: Program, position: int) -> None:
    """As if an older file was put back: it says less than the hub thinks."""
    if isinstance(program, Subscriber):
        with sqlite3.connect(program.kept) as db:
            db.execute("update positions set position = ?", [position])
    else:
        state = json.loads(program.kept.read_text())
        program.kept.write_text(json.dumps({**state, "positions": {"membership": position}}))


async def test_a_gap_that_is_none_in_the_stream_is_filled_from_its_beginning(
    own_nats: EmbeddedNats, tmp_path: Path, programs: list[Program]
) -> None:
    *first, last = events(6)
    branch = await told(own_nats, tmp_path, first, VECTORS["verifier"])
    await asyncio.gather(*(program.take_all(branch) for program in programs))
    for program in programs:
        taken_back(program, 2)
    await more(own_nats, [last])

    ends = await asyncio.gather(*(program.take_all(branch) for program in programs))

    assert [exit_code for exit_code, _, _ in ends] == [0, 0, 0]
    assert [kept_by(program) for program in programs] == [{"membership": 6}] * 3
    assert [json.loads(line)["branch_position"] for line in ends[2][1].splitlines()] == [3, 4, 5, 6]


def test_the_python_client_judges_checkpoints_as_the_ledger_does() -> None:
    script = (
        "import sys, json; sys.path.insert(0, sys.argv[1])\nfrom witness import accepted\n"
        + """
def keep(message, kept):
    service, note = message["subject"].split(".")[2], message["note"].encode()
    size, root = accepted(service, note, message["headers"], vectors["verifier"], kept)
    return {**kept, size: root}
def after(count):
    kept = {}
    for message in vectors["accepted"][:count]:
        kept = keep(message, kept)
    return kept
vectors = json.load(sys.stdin)
assert len(after(3)) == 3
for each in vectors["accepted_too"]:
    keep(each["message"], after(each["after"]))
for each in vectors["refused"]:
    try:
        keep(each["message"], after(each["after"]))
    except ValueError as error:
        print(error)
"""
    )
    assert refusals_of([sys.executable, "-c", script, str(CLIENTS / "python")]) == len(VECTORS["refused"])


def test_the_javascript_client_judges_checkpoints_as_the_ledger_does(javascript: Path) -> None:
    script = """
import { readFileSync } from "node:fs";
import { accepted } from "%s";
const vectors = JSON.parse(readFileSync(0, "utf8"));
const keep = ({ subject, note, headers }, kept) => {
  const [size, root] = accepted(subject.split(".")[2], note, (name) => headers[name] ?? "", vectors.verifier, kept);
  return new Map([...kept, [size, root]]);
};
const after = (count) => vectors.accepted.slice(0, count).reduce((kept, message) => keep(message, kept), new Map());
if (after(3).size !== 3) throw new Error("not kept");
for (const each of vectors.accepted_too) keep(each.message, after(each.after));
for (const each of vectors.refused) {
  try {
    keep(each.message, after(each.after));
  } catch (error) {
    console.log(error.message);
  }
}
""" % (javascript / "witness.mjs")
    assert refusals_of([str(NODE), "--input-type=module", "-e", script]) == len(VECTORS["refused"])


def refusals_of(command: list[str]) -> int:
    """How many of the vectors that must be refused a program refuses; it accepts all others."""
    ended = subprocess.run(command, input=json.dumps(VECTORS), capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 0, ended.stderr
    return len(ended.stdout.splitlines())
