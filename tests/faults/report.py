"""What came of a run, in one table? What was done, what was lost or came twice, what struck, and how soon everything was back."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

from tests.faults.checker import Breach
from tests.faults.rounds import Outcome

GUIDE = Path(__file__).parents[2] / "docs" / "reliability.md"
BEGIN, END = "<!-- report: begin -->", "<!-- report: end -->"
LOSSES = (Breach.LOST, Breach.NOT_APPLIED)
DUPLICATES = (Breach.TWO_EFFECTS, Breach.APPLIED_TWICE)


def report(outcome: Outcome, seed: int, commands: int, day: date) -> str:
    """The run as Markdown."""
    return "\n".join([*_done(outcome, seed, commands, day), "", *_struck(outcome)]) + "\n"


def _done(outcome: Outcome, seed: int, commands: int, day: date) -> Iterator[str]:
    counts, breaches = outcome.counts, Counter(found.breach for found in outcome.broken)
    yield f"`make faults ARGS='--seed {seed} --commands {commands}'`, {day.isoformat()}:"
    yield ""
    yield "| | |\n|---|---:|"
    rows = (
        ("commands sent", counts["sent"]),
        ("acknowledged", counts["acknowledged"]),
        ("refused by a rule", counts["refused"]),
        ("repeated later, and given the first answer", counts["repeated"]),
        ("outcome unknown at first", counts["unknown"]),
        ("… settled by repeating", counts["settled"]),
        ("questions that saw what their caller had written", counts["questions"]),
        ("events recorded", outcome.events),
        ("faults that struck", len(outcome.recoveries)),
        ("**lost**", sum(breaches[one] for one in LOSSES)),
        ("**duplicates**", sum(breaches[one] for one in DUPLICATES)),
        ("other breaches of an invariant", sum(breaches.values()) - sum(breaches[one] for one in (*LOSSES, *DUPLICATES))),
    )
    yield from (f"| {what} | {number:,} |" for what, number in rows)
    yield f"| events a second, faults included | {outcome.events / max(outcome.loaded_s, 1e-9):,.0f} |"
    yield f"| minutes of load and faults | {outcome.loaded_s / 60:,.1f} |"


def _struck(outcome: Outcome) -> Iterator[str]:
    kinds: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for name, recovery in outcome.recoveries:
        kinds[name].append((recovery.answered_s, recovery.caught_up_s))
    yield "| fault | struck | answered again, s: p50 | p99 | max | caught up, s: p50 | p99 | max |"
    yield "|---|---:|---:|---:|---:|---:|---:|---:|"
    for name in sorted(outcome.strikes):
        yield _row(f"`{name}`", kinds[name])
    yield _row("**all**", [times for found in kinds.values() for times in found])


def _row(name: str, times: Sequence[tuple[float, float]]) -> str:
    columns = [sorted(column) for column in zip(*times, strict=True)] or [[], []]
    told = (f"{quantile(column, q):.1f}" if column else "–" for column in columns for q in (0.5, 0.99, 1.0))
    return f"| {name} | {len(times)} | {' | '.join(told)} |"


def quantile(sorted_values: Sequence[float], q: float) -> float:
    """By the nearest rank."""
    return sorted_values[max(0, math.ceil(q * len(sorted_values)) - 1)]


def put_into(guide: Path, text: str) -> None:
    """Write a report between the marks of the guide.

    :raises ValueError: the marks are not there.
    """
    before, begin, rest = guide.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{guide} has no place for a report")
    guide.write_text(f"{before}{BEGIN}\n{text}{END}{after}")
