"""What does a federation of twelve million members take in a year, and what fills up first? Assumptions times measured costs.

The assumptions are data, to be replaced by those of whoever reads; the costs come from :mod:`benchmarks.unit_costs`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.unit_costs import Costs, ServiceCosts

GUIDE = Path(__file__).parents[1] / "docs" / "scale.md"
BEGIN, END = "<!-- tables: written by `make costs` -->", "<!-- end of tables -->"

MEMBERS, UNITS, OFFICERS = 12_000_000, 120_000, 360_000
YEARS = 10
REPLICAS = 3
"""Copies of each stream, and of each database."""
WORKING_S = 250 * 8 * 3600
"""Seconds in which offices are open, in a year."""
BUSIEST_SHARE, BUSIEST_S = 0.1, 10 * 8 * 3600
"""So much of a year's events comes in the two weeks before Tết, while offices are open."""
GB = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Habit:
    """Something that is recorded over and over: by which service, how many events a year, and why so many."""

    service: str
    what: str
    events: int
    because: str


HABITS = (
    Habit("membership", "join", MEMBERS * 6 // 100, "6 % of the members"),
    Habit("membership", "leave or retire", MEMBERS * 5 // 100, "5 %"),
    Habit("membership", "move", MEMBERS * 3 * 3 // 100, "3 %, three events each"),
    Habit("membership", "corrections, hardship, consents", MEMBERS * 23 // 100, "23 events for a hundred members"),
    Habit("membership", "reports", UNITS * 12 * 3, "twelve a unit: set, submitted, accepted"),
    Habit("membership", "plans, targets, officers", UNITS * 30, "30 events a unit"),
    Habit("membership", "readings of personal data", OFFICERS * 12, "each officer, once a month"),
    Habit("welfare", "gift shares", MEMBERS * 5 * 4 // 100, "5 %: proposed, approved, distributed, confirmed"),
    Habit("welfare", "campaigns", UNITS * 5, "one a unit, five events"),
    Habit("awards", "nominations to presentations", MEMBERS * 5 * 5 // 100, "5 %, five events each"),
    Habit("awards", "initiatives, honours of children", MEMBERS * 3 // 100, "three events for a hundred members"),
    Habit("notifications", "notices to officers", OFFICERS * 20 * 2, "twenty each: requested, sent"),
    Habit("notifications", "announcements, escalations", UNITS * 5, "five a unit"),
)


def events_of(service: str) -> int:
    """Events that a service records in a year."""
    return sum(habit.events for habit in HABITS if habit.service == service)


def tables(costs: Costs) -> str:
    """What was measured, what is assumed, and what follows, in Markdown."""
    return "\n".join(
        (
            "### Measured\n",
            *_measured(costs),
            "\n### Assumed\n",
            *_assumed(),
            "\n### A year\n",
            *_year(costs),
            "\n### Time\n",
            *_time(costs),
        )
    )


def _measured(costs: Costs) -> Iterator[str]:
    yield from _head("bytes an event", "events there", "event store", "read models", "stream, a copy")
    for name, each in costs.services.items():
        yield _line(name, f"{each.events:,}", f"{each.history:,.0f}", f"{each.read_models:,.0f}", f"{each.stream:,.0f}")
    yield ""
    yield from _head("what", "measured")
    yield _line("audit's database, bytes an event of any service", f"{costs.sealed:,.0f}")
    yield _line("key store, bytes a person", f"{costs.key:,.0f}")
    yield _line("memory of NATS, empty", f"{costs.nats_mib:,.0f} MiB")
    yield _line("memory of NATS, bytes an event on a stream", f"{costs.nats_bytes:,.0f}")
    yield _line("NATS ready again, a million events", f"{costs.restart_s:,.2f} s")
    for what, pace in costs.paces.items():
        yield _line(f"{what}, a second", f"{pace:,.0f}")


def _assumed() -> Iterator[str]:
    yield f"{MEMBERS:,} members, {UNITS:,} units, {OFFICERS:,} officers; a tenth of a year's events comes in two weeks.\n"
    yield from _head("service", "what", "events a year", "because")
    for habit in HABITS:
        yield _line(habit.service, habit.what, f"{habit.events:,}", habit.because)


def _year(costs: Costs) -> Iterator[str]:
    yield from _head(
        "service",
        "events a year",
        "event store, GB",
        "read models, GB",
        f"stream × {REPLICAS}, GB",
        f"store after {YEARS} years, GB",
    )
    for name, each in costs.services.items():
        events = events_of(name)
        yield _line(name, f"{events:,}", *_sizes(events, each), f"{YEARS * events * each.history / GB:,.0f}")
    total = sum(map(events_of, costs.services))
    yield _line(
        "audit, of all", f"{total:,}", "–", f"{total * costs.sealed / GB:,.1f}", "–", f"{YEARS * total * costs.sealed / GB:,.0f}"
    )


def _sizes(events: int, each: ServiceCosts) -> Iterator[str]:
    for size in (each.history, each.read_models, each.stream * REPLICAS):
        yield f"{events * size / GB:,.1f}"


def _time(costs: Costs) -> Iterator[str]:
    total = sum(map(events_of, costs.services))
    largest = max(map(events_of, costs.services))
    kept = total * YEARS
    paces = costs.paces
    peak = largest * BUSIEST_SHARE / BUSIEST_S
    singly, together = paces["commands over gRPC, one by one, 128 in flight"], paces["commands over gRPC, a hundred a call"]
    yield from _head("what", "how much")
    yield _line("events a second, all services, offices open", f"{total / WORKING_S:,.1f}")
    yield _line("events a second, busiest service, busiest weeks", f"{peak:,.1f}")
    yield _line("of what one writer takes, one by one on two cores", f"{100 * peak / singly:,.1f} %")
    yield _line("first load of the members, a hundred a call", f"{MEMBERS / together / 3600:,.1f} h")
    yield _line(
        f"a read model rebuilt over {YEARS} years of the busiest service",
        _hours(largest * YEARS / paces["events folded into a read model"]),
    )
    yield _line(
        f"a stream filled anew, {YEARS} years of the busiest service", _hours(largest * YEARS / paces["events published"])
    )
    yield _line(f"a replay of {YEARS} years, all services", _hours(kept / paces["events replayed as typed events"]))
    yield _line(f"NATS ready again after {YEARS} years", f"{kept * costs.restart_s / 1e6 / 60:,.1f} min")
    yield _line(f"memory of NATS after {YEARS} years, each server", f"{(kept * costs.nats_bytes / GB):,.1f} GB")
    yield _line("key store", f"{MEMBERS * costs.key / GB:,.1f} GB")


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:,.1f} h"


def _head(*columns: str) -> Iterator[str]:
    yield _line(*columns)
    yield _line("---", *("---:" for _ in columns[1:]))


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def written_into(text: str, tables: str) -> str:
    """A guide with these tables.

    :raises ValueError: it has no place for them.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("the guide has no place for the tables")
    return f"{before}{BEGIN}\n\n{tables}\n\n{END}{after}"
