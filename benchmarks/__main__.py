"""``python -m benchmarks [--short] [WORD …]``: the rows whose name holds one of the words, or all of them.

``--short`` does a little of each once, to show that none is broken; its figures mean nothing.
"""

import argparse
import gc
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from benchmarks import calls, catching_up, commands, delivery, histories, provinces, replays, stores
from benchmarks.ground import Ground, ground
from benchmarks.measuring import Result, Row
from benchmarks.sizes import FULL, SHORT
from chassis.run import GC_THRESHOLDS

console = Console(width=150)


def all_rows(servers: Ground) -> list[Row]:
    """Every row, in the order of the table."""
    return [
        row
        for part in (commands, calls, histories, replays, delivery, provinces, catching_up, stores)
        for row in part.rows(servers)
    ]


def chosen(rows: Sequence[Row], words: Sequence[str]) -> list[Row]:
    """The rows asked for."""
    return [row for row in rows if not words or any(word in row.name for word in words)]


def table(results: Sequence[Result]) -> Table:
    """What came out, a line a result."""
    drawn = Table(title="medians of the same run", title_justify="left")
    for heading in ("what", "against"):
        drawn.add_column(heading)
    for heading in ("ours", "theirs", "ratio", "aim"):
        drawn.add_column(heading, justify="right", no_wrap=True)
    for result in results:
        ours, theirs = (f"{figure:,.1f}{result.unit}" for figure in (result.ours, result.theirs))
        drawn.add_row(result.name, result.against, ours, theirs, f"{result.ratio:.2f}", aim(result))
    return drawn


def aim(result: Result) -> str:
    """What was to be reached, and whether it was."""
    if result.aim is None:
        return ""
    return f"{'≤' if result.less_is_better else '≥'} {result.aim:g} {'✓' if result.reached else '✗'}"


def run(arguments: Sequence[str]) -> list[Result]:
    """Measure and print; also what was measured before something broke."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Ours against others, side by side.")
    parser.add_argument("words", nargs="*", metavar="WORD", help="rows whose name holds it; every row when left out")
    parser.add_argument("--short", action="store_true", help="a little of each, once, to show that none is broken")
    asked = parser.parse_args(arguments)
    sizes = SHORT if asked.short else FULL
    if not asked.short:
        stores.fetch()
    for sentence in stores.left_out():
        console.print(sentence)
    results: list[Result] = []
    try:
        with ground(sizes) as servers:
            for row in chosen(all_rows(servers), asked.words):
                console.print(f"… {row.name}", style="dim")
                results += row.measure(sizes.rounds)
    finally:
        console.print(table(results))
    return results


if __name__ == "__main__":
    gc.set_threshold(*GC_THRESHOLDS)  # as the process of a service does; it helps the peers as well
    run(sys.argv[1:])
