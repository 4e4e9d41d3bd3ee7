"""What is one round? Load, faults in the midst of it, each followed by a recovery; then everything settles and is checked.

What was acknowledged in one round may be lost in a later one, so :func:`check_again` looks at all rounds once more at the end.
"""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.faults import evidence as found
from tests.faults.arena import Arena, Fault, NotRecovered, Recovery
from tests.faults.checker import Broken, check
from tests.faults.history import Lines, lines
from tests.faults.running import Running


@dataclass(frozen=True, slots=True)
class Scope:
    """How much is done in a round.

    :param before, after: acknowledgements before each fault and after its recovery, at least; half as many more are drawn.
    :param commands: the round ends after so many acknowledgements, and not before all faults.
    :param clients: of each process; :param batch: how many commands go together; :param pause_s: between two waves of a client.
    :param followers, ledger: whether these are proven; :param rows: of how many read models of each service, None for all.
    """

    before: int = 300
    after: int = 300
    commands: int = 0
    processes: int = 1
    clients: int = 4
    batch: int = 100
    pause_s: float = 0.0
    followers: bool = True
    ledger: bool = True
    rows: int | None = 1


@dataclass(slots=True)
class Outcome:
    """What came of one round, or of several."""

    broken: list[Broken] = field(default_factory=list)
    strikes: Counter[str] = field(default_factory=Counter)
    recoveries: list[tuple[str, Recovery]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    """Commands that no rule was thought to be against."""
    events: int = 0
    loaded_s: float = 0.0
    rounds: list["Round"] = field(default_factory=list)

    @property
    def told(self) -> str:
        """For whoever looks at a failure."""
        head = [f"{len(self.broken)} breaches; {dict(self.counts)}; struck {dict(self.strikes)}", *map(str, self.broken[:40])]
        return "\n".join(head)

    def add(self, other: "Outcome") -> None:
        """Another one, beside this."""
        self.broken += other.broken
        self.strikes.update(other.strikes)
        self.recoveries += other.recoveries
        self.counts.update(other.counts)
        self.refusals.update(other.refusals)
        self.events += other.events
        self.loaded_s += other.loaded_s
        self.rounds += other.rounds


@dataclass(frozen=True, slots=True)
class Round:
    """Where the files of a round lie, and which positions it added."""

    histories: Sequence[Path]
    evidence: Path
    since: dict[str, int]
    until: dict[str, int]


async def drill(
    arena: Arena, faults: Sequence[Fault], random: Random, scope: Scope = Scope(), folder: Path | None = None
) -> Outcome:
    """One round.

    :raises NotRecovered: the suite does not even come to rest; whatever else is wrong is told by `broken`.
    """
    folder = folder or arena.folder / f"round-{time.monotonic_ns()}"
    outcome, since, before = Outcome(), await arena.caught_up(), await found.totals(arena)
    running = Running(
        arena, random, folder, processes=scope.processes, clients=scope.clients, batch=scope.batch, pause_s=scope.pause_s
    )
    with Lines(folder / "evidence.jsonl") as evidence:
        began = time.monotonic()
        async with running as load:
            for fault in faults:
                await load.until(_more(random, scope.before))
                await _strike(arena, fault, random, evidence, outcome)
                await load.until(_more(random, scope.after))
            await load.until(scope.commands - load.acknowledged)
        outcome.loaded_s = time.monotonic() - began
        told = running.told
        outcome.refusals.update(told.pop("refusals"))
        outcome.counts.update(told)
        until = await arena.caught_up()
        await found.put_totals(arena, before, evidence)
        await (found.put_followers if scope.followers else found.put_standing)(arena, until, evidence)
        if scope.rows != 0:
            await found.put_rows(arena, evidence, random, scope.rows)
        if scope.ledger:
            await found.put_ledger(arena, evidence)
    one = Round(running.histories, folder / "evidence.jsonl", since, until)
    outcome.rounds.append(one)
    outcome.events = sum(until.values()) - sum(since.values())
    outcome.broken += check(lines(*one.histories), found.events_of(arena, since, until), lines(one.evidence), since)
    return outcome


async def _strike(arena: Arena, fault: Fault, random: Random, evidence: Lines, outcome: Outcome) -> None:
    struck, recovered, why = 0, None, ""
    try:
        struck = await fault.strike(arena, random)
        recovered = await arena.recovered()
        outcome.recoveries.append((fault.name, recovered))
    except NotRecovered as error:
        why = str(error)
        await arena.give_up()
    outcome.strikes[fault.name] += struck
    evidence.write(
        kind="fault",
        what=fault.name,
        struck=struck,
        recovered_s=recovered and recovered.caught_up_s,
        why=why,
        at=time.monotonic(),
    )


def check_again(arena: Arena, rounds: Sequence[Round]) -> list[Broken]:
    """Every round once more against what is recorded now; only one of them is in memory at a time."""
    broken: list[Broken] = []
    for one in rounds:
        broken += check(lines(*one.histories), found.events_of(arena, one.since, one.until), (), one.since)
    return broken


def _more(random: Random, number: int) -> int:
    return random.randint(number, number + number // 2)
