"""What happens in the long run? Round after round of load and drawn faults, until so many commands are acknowledged.

``python -m tests.faults [--seed N] [--commands N] [--report]``, or `make faults ARGS=…`. After each round what is cheap is
checked; at the end every round once more, followers by their tallies, rows by rows built anew, the history by the ledger. Ends
with 1 when an invariant is broken.
"""

import argparse
import asyncio
import shutil
import signal
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from tests.faults.arena import Arena, Fault
from tests.faults.plugged import plugged
from tests.faults.report import GUIDE, put_into, report
from tests.faults.rounds import Outcome, Scope, check_again, drill

COMMANDS = 1_000_000
ROUND = 100_000
MOST_AT_ONCE = 8
BETWEEN = 1_000
PAUSE_S = 0.5
"""So that two cores have some time left for whoever comes back."""
LAST = Scope(commands=1_000)
"""The round that brings the proofs which look at the whole history."""


class Deck:
    """Every fault once, in any order; then again."""

    def __init__(self, random: Random) -> None:
        self._random, self.size = random, len(plugged())
        self._left: list[Fault] = []

    def draw(self, number: int) -> list[Fault]:
        """So many more."""
        drawn: list[Fault] = []
        while len(drawn) < number:
            if not self._left:
                self._left = plugged()
                self._random.shuffle(self._left)
            drawn.append(self._left.pop())
        return drawn


async def run(seed: int, commands: int, processes: int, clients: int, pause_s: float, folder: Path) -> Outcome:
    """The whole run."""
    random, total = Random(seed), Outcome()
    deck, rounds = Deck(random), -(-commands // ROUND)
    many = min(MOST_AT_ONCE, -(-deck.size // rounds))
    async with Arena(folder, random) as arena:
        while (left := commands - total.counts["acknowledged"]) > 0:
            scope = Scope(
                BETWEEN, BETWEEN, min(ROUND, left), processes, clients, pause_s=pause_s, followers=False, ledger=False, rows=0
            )  # fmt: skip
            total.add(await drill(arena, deck.draw(many), random, scope, folder / f"round-{len(total.rounds)}"))
            tell(total)
        total.add(await drill(arena, [], random, LAST, folder / "last"))
        total.broken += check_again(arena, total.rounds)
    return total


def tell(total: Outcome) -> None:
    """How far it is."""
    done, struck = total.counts["acknowledged"], len(total.recoveries)
    text = f"{len(total.rounds)} rounds, {done:,} acknowledged, {done / max(total.loaded_s, 1e-9):,.0f}/s, {struck} struck"
    print(f"{text}, {len(total.broken)} breaches", file=sys.stderr, flush=True)
    for found in total.broken[:20]:
        print(f"  {found}", file=sys.stderr, flush=True)


def main() -> int:
    """Run, and tell."""
    told = argparse.ArgumentParser(prog="make faults", description=str(__doc__).partition("\n")[0])
    told.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000, help="draws everything; printed at the start")
    told.add_argument("--commands", type=int, default=COMMANDS, help="how many are to be acknowledged")
    told.add_argument("--processes", type=int, default=1, help="of the load")
    told.add_argument("--clients", type=int, default=4, help="of each process")
    told.add_argument("--pause", type=float, default=PAUSE_S, help="of a client between two waves, seconds")
    told.add_argument("--report", action="store_true", help=f"write the report into {GUIDE.name}")
    wanted = told.parse_args()
    print(f"seed {wanted.seed}", file=sys.stderr, flush=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # nothing is left behind then either
    folder = Path(tempfile.mkdtemp(prefix="congdoan-faults-"))
    try:
        outcome = asyncio.run(run(wanted.seed, wanted.commands, wanted.processes, wanted.clients, wanted.pause, folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    text = report(outcome, wanted.seed, wanted.commands, datetime.now(UTC).date())
    print(text)
    if wanted.report:
        put_into(GUIDE, text)
    for found in outcome.broken:
        print(found, file=sys.stderr)
    return 1 if outcome.broken else 0


if __name__ == "__main__":
    sys.exit(main())
