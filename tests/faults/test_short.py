"""Does everything that must hold hold while processes are killed? The short form; `make faults` is the long one.

One suite, one load, one fault after the other: each kind at least once. What is drawn follows from the seed, which is printed;
`CONGDOAN_FAULTS_SEED` gives another one.
"""

import asyncio
import os
from random import Random

import pytest

from tests.faults.arena import Arena, Fault
from tests.faults.doomed import POINTS
from tests.faults.processes import LOADED, DieAt, Kill, KillBackends, NatsDown
from tests.faults.rounds import Outcome, Scope, drill
from tests.folders import fast_folder

SEED = int(os.environ.get("CONGDOAN_FAULTS_SEED", "6"))
SCOPE = Scope(before=60, after=40, clients=2, batch=20, pause_s=0.3, rows=1)
DOWN_S = 3.0


def faults(random: Random) -> list[Fault]:
    """Each kind once, in any order: every service is killed, and dies at a moment of its own."""
    services = [*LOADED, *random.choices(LOADED, k=len(POINTS) - len(LOADED))]
    random.shuffle(services)
    chosen: list[Fault] = [DieAt(point, service) for point, service in zip(POINTS, services, strict=True)]
    chosen += [Kill(service) for service in (*LOADED, "notifications", "audit")]
    chosen += [Kill("nats", 2), NatsDown(DOWN_S), Kill("postgres"), KillBackends(), KillBackends(hard=True)]
    random.shuffle(chosen)
    return chosen


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    """What came of it."""
    return asyncio.run(_run())


async def _run() -> Outcome:
    random = Random(SEED)
    with fast_folder() as folder:
        async with Arena(folder, random) as arena:
            return await drill(arena, faults(random), random, SCOPE)


@pytest.mark.timeout(900)
def test_every_invariant_holds(outcome: Outcome, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f" seed {SEED}: {dict(outcome.counts)}, struck {dict(outcome.strikes)}", end="")
    assert not outcome.broken, outcome.told


def test_every_fault_struck_under_load(outcome: Outcome) -> None:
    expected = {fault.name for fault in faults(Random(SEED))}
    assert expected == {name for name, times in outcome.strikes.items() if times}
    assert {name for name, _ in outcome.recoveries} == expected


def test_commands_were_taken_refused_repeated_and_left_unknown_until_they_were_settled(outcome: Outcome) -> None:
    counts = outcome.counts
    assert min(counts["acknowledged"], counts["refused"], counts["repeated"], counts["questions"], counts["unknown"]) > 0
    assert counts["settled"] == counts["unknown"]
    assert counts["acknowledged"] + counts["refused"] == counts["sent"]


def test_no_command_was_refused_that_no_rule_forbids(outcome: Outcome) -> None:
    assert not outcome.refusals
