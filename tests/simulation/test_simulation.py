"""Do the services hold in simulated schedules full of faults, and would the simulation notice if they did not?

Run as a program of its own, for the order of sets is part of what a seed says: see ``make simulate``.
"""

import subprocess
import sys
from os import environ

import pytest

from chassis import positions
from tests.simulation.mutations import MUTATIONS
from tests.simulation.program import regressions
from tests.simulation.schedule import run

FIRST, SCHEDULES, WITHIN = 0, 60, 400
MANY = 3_000


def simulate(*arguments: object) -> str:
    """What the program says; it must say that everything is as it should be."""
    command = [sys.executable, "-m", "tests.simulation", *map(str, arguments)]
    path = ":".join((".", "services", "proto/stubs"))
    ended = subprocess.run(command, env={**environ, "PYTHONPATH": path}, capture_output=True, text=True, timeout=1_500)
    print(ended.stdout)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.mark.timeout(900)
def test_every_schedule_holds_and_what_was_broken_once() -> None:
    said = simulate("--first", FIRST, "--seeds", SCHEDULES, "--regressions")
    assert f"{SCHEDULES + len(regressions())} schedules in" in said
    for fault in ("process killed", "process paused", "database killed", "bus killed", "stream lost", "answer of a call lost"):
        assert fault in said, "a fault that never strikes proves nothing"


@pytest.mark.long
@pytest.mark.timeout(1_800)
def test_many_schedules_hold() -> None:
    simulate("--seeds", MANY)


@pytest.mark.timeout(900)
def test_every_wrong_version_of_the_product_is_found() -> None:
    found = simulate("--mutations", "--first", FIRST, "--seeds", WITHIN).splitlines()
    assert len(found) == len(MUTATIONS)


@pytest.mark.parametrize("seed", [3, 19])
def test_a_seed_always_goes_the_same_way(seed: int) -> None:
    first, second = run(seed), run(seed)
    assert first.digest == second.digest
    assert run(seed + 1).digest != first.digest


def test_an_unknown_statement_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    run(3)  # the foundations are laid before, by statements that are known
    monkeypatch.setattr(positions, "_MOVE", positions._MOVE.replace("update followers set", "update followers set /* new */"))
    (broken, *_) = run(3).broken
    assert "no such statement is simulated: update followers set /* new */" in broken
