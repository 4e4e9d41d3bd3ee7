"""Does the year on paper follow from what was measured and what is assumed?"""

from dataclasses import replace

import pytest

from benchmarks import on_paper
from benchmarks.unit_costs import Costs, ServiceCosts
from congdoan.services import RECORDING

ONE = ServiceCosts(events=10, history=1_000.0, read_models=500.0, stream=800.0)
PACES = {
    "commands in process, 128 in flight": 2_000.0,
    "commands over gRPC, one by one, 128 in flight": 400.0,
    "commands over gRPC, a hundred a call": 1_000.0,
    "events published": 50_000.0,
    "events folded into a read model": 20_000.0,
    "events replayed as typed events": 80_000.0,
}
COSTS = Costs(
    services=dict.fromkeys(RECORDING, ONE), sealed=2_000.0, key=200.0, nats_mib=14.0, nats_bytes=160.0, restart_s=2.0, paces=PACES
)


def lines(costs: Costs) -> dict[str, list[str]]:
    """The cells of each line behind its first one."""
    rows = (line.strip("|").split("|") for line in on_paper.tables(costs).splitlines() if line.startswith("|"))
    return {first.strip(): [cell.strip() for cell in rest] for first, *rest in rows}


def test_a_service_takes_what_its_events_take() -> None:
    events = on_paper.events_of("welfare")
    assert events == sum(habit.events for habit in on_paper.HABITS if habit.service == "welfare") > 0
    told = lines(COSTS)["welfare"]
    assert told[0] == f"{events:,}"
    assert told[1:] == [f"{events * 1e-6:,.1f}", f"{events * 0.5e-6:,.1f}", f"{events * 2.4e-6:,.1f}", f"{events * 1e-5:,.0f}"]


def test_twice_the_bytes_are_twice_the_disk_and_twice_the_pace_half_the_time() -> None:
    dear = replace(COSTS, key=400.0, paces={name: 2 * pace for name, pace in PACES.items()})
    once, twice = lines(COSTS), lines(dear)
    assert float(twice["key store"][0].removesuffix(" GB")) == 2 * float(once["key store"][0].removesuffix(" GB"))
    first_load = "first load of the members, a hundred a call"
    assert (once[first_load], twice[first_load]) == (["3.3 h"], ["1.7 h"])


def test_every_habit_belongs_to_a_service_that_records() -> None:
    assert {habit.service for habit in on_paper.HABITS} == set(RECORDING)


def test_the_guide_has_a_place_for_the_tables_and_nothing_else_changes() -> None:
    guide = on_paper.GUIDE.read_text()
    written = on_paper.written_into(guide, "| new |")
    assert on_paper.written_into(written, "| newer |").replace("newer", "new") == written
    assert written.split(on_paper.BEGIN)[0] == guide.split(on_paper.BEGIN)[0]
    assert written.split(on_paper.END)[1] == guide.split(on_paper.END)[1]
    with pytest.raises(ValueError, match="no place"):
        on_paper.written_into("a guide without one", "| new |")
