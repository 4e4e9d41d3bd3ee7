"""``python -m benchmarks [WORD …]``: the rows whose name holds one of the words, or all of them."""

import sys

from rich.console import Console
from rich.table import Table

from benchmarks import commands, histories, stores
from benchmarks.ground import ground
from benchmarks.measuring import Result, Row, measure

console = Console(width=170)


def chosen(rows: list[Row], words: list[str]) -> list[Row]:
    """The rows asked for."""
    return [row for row in rows if not words or any(word in row.name for word in words)]


def table(results: list[Result]) -> Table:
    """What came out, a line a row."""
    drawn = Table(title="ours against a peer, medians of the same run", title_justify="left")
    for heading in ("what", "against"):
        drawn.add_column(heading, overflow="fold")
    for heading in ("ours", "peer", "ratio", "aim"):
        drawn.add_column(heading, justify="right")
    for result in results:
        ratio = "" if result.ratio is None else f"{result.ratio:.2f}"
        aim = "" if result.row.aim is None else f"{result.row.aim:g} {'✓' if result.reached else '✗'}"
        peer = "" if result.peer is None else f"{result.peer:,.1f}"
        drawn.add_row(result.row.name, result.row.against, f"{result.ours:,.1f} {result.row.unit}", peer, ratio, aim)
    return drawn


def main(words: list[str]) -> None:
    """Measure and print."""
    with ground() as servers:
        rows = chosen([*commands.rows(servers), *histories.rows(servers), *stores.rows(servers)], words)
        results = []
        for row in rows:
            console.print(f"… {row.name}", style="dim")
            results.append(measure(row))
    console.print(table(results))


if __name__ == "__main__":
    main(sys.argv[1:])
