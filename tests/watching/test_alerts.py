"""Is whoever watches told when something is wrong, and only then? Each alert is fired from a real fault on real servers.

The file of the alerts is read as it is applied. A film (:mod:`tests.watching.film`) of real services goes on through every
fault of :mod:`tests.watching.faults`; over it each alert must be silent before, fire during, and be silent again after.
"""

import warnings
from dataclasses import replace

import pytest

from deploy.dashboards import BOARDS
from tests.watching.faults import FAULTS, Fault
from tests.watching.film import PACE_S
from tests.watching.promql import evaluate
from tests.watching.rules import Rule, rules
from tests.watching.stage import STEP_S, Stage, set_stage

QUIET_S = 2_700.0
"""Of the film before anything goes wrong: longer than any alert looks back."""
MOST_FRAMES = 250
"""After so many frames an alert does not fire, or does not end, any more."""

LEAD_FRAMES = 30
"""Before a fault: longer than most alerts are true before they fire."""
STARVED_S = 5 * PACE_S
"""A frame that took so long says that this machine gave the services no time: then they are slow in earnest."""
HARK_BACK_S = 600.0
"""Of the film: for so long before it fires, an alert may be the doing of such a frame."""
OF_STARVATION = frozenset({"CallsFail", "ServiceDown", "NobodyLeads", "DatabaseUnavailable", "FollowerLag", "NotScraped"})


def test_every_alert_has_a_fault() -> None:
    assert {alert for fault in FAULTS for alert in fault.fires} == {rule.name for rule in rules()}


@pytest.mark.timeout(1_200)
async def test_each_alert_is_silent_before_its_fault_fires_during_and_ends_with_it() -> None:
    """One film for all of them: it is dear to set the stage, and each begins where the one before has ended."""
    async with set_stage() as stage:
        while not stage.film.moments or stage.film.moments[-1] - stage.film.moments[0] < QUIET_S:
            await stage.frame()
        assert unasked(stage, frozenset()) == set(), "nothing is wrong yet"
        every_panel_shows_what_services_told(stage)
        for fault in FAULTS:
            await struck(stage, fault)


def every_panel_shows_what_services_told(stage: Stage) -> None:
    asked = [query.plain for board in BOARDS for panel in board.panels for query in panel.queries]
    assert [query for query in asked if not evaluate(query, stage.film.series, stage.film.moments[-1])] == []


async def struck(stage: Stage, fault: Fault) -> None:
    """A fault fires what it must and nothing else, which ends when it is mended."""
    await quiet(stage, fault)
    began = len(stage.film.moments)
    stage.watching.fired.clear()
    stage.step_s = fault.step_s
    async with fault.does(stage):
        for _ in range(MOST_FRAMES):
            await stage.frame()
            if stage.watching.fired.keys() >= fault.fires:
                break
        assert fault.fires - stage.watching.fired.keys() == set(), f"not by {fault.name}"
        mended = len(stage.film.moments)
    stage.step_s = STEP_S
    await quiet(stage, fault)
    assert unasked(stage, fault.fires | fault.may_fire) == set(), fault.name

    # By what was filmed, not frame by frame: the same, and each rule that is not as it must be is seen by it.
    for rule in rules():
        if rule.name in fault.fires:
            assert verdict(rule, stage, began, mended) == (False, True, False), f"{rule.name} in {fault.name}"
            for broken in mutants(rule):
                assert verdict(broken, stage, began, mended) != (False, True, False), f"{broken} in {fault.name}"


def unasked(stage: Stage, asked: frozenset[str]) -> set[str]:
    """What else fired, but for what says that services are slow where this machine had just given them no time."""
    found = {name: at for name, at in stage.watching.fired.items() if name not in asked}
    slowest = {name: stage.film.slowest_s(found[name] - HARK_BACK_S, found[name]) for name in found.keys() & OF_STARVATION}
    slow = {name for name, frame_s in slowest.items() if frame_s > STARVED_S}
    if slow:
        warnings.warn(f"this machine was too slow to say that {sorted(slow)} fired for nothing", stacklevel=2)
    return found.keys() - slow


async def quiet(stage: Stage, fault: Fault) -> None:
    """Until nothing fires, and nothing is about to."""
    for _ in range(MOST_FRAMES):
        if stage.watching.pending | stage.watching.firing == set():
            return
        await stage.frame()
    raise AssertionError(f"{stage.watching.pending | stage.watching.firing} does not end by {fault.name}")


def verdict(rule: Rule, stage: Stage, began: int, mended: int) -> tuple[bool, bool, bool]:
    """Whether it fires just before the fault, during, and at the end of what was filmed."""
    start = max(0, began - LEAD_FRAMES)
    firing = rule.fires(stage.film.series, stage.film.moments[start:])
    return firing[began - 1 - start], any(firing[began - start : mended - start]), firing[-1]


def mutants(rule: Rule) -> list[Rule]:
    """The rule with one mistake each: another metric, ten hours more patience, a comparison the other way round."""
    misspelt = turned = rule.expression
    for one, other in (("congdoan_", "kongdoan_"), ("kube", "cube"), ("barman", "bahman"), ("up{", "down{")):
        misspelt = misspelt.replace(one, other)
    for one, other in ((" > ", " \0 "), (" < ", " > "), (" \0 ", " < "), (" == ", " != ")):
        turned = turned.replace(one, other)
    return [
        replace(rule, expression=misspelt),
        replace(rule, for_s=rule.for_s + 36_000.0),
        replace(rule, expression=turned),
    ]
