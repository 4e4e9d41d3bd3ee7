"""What does ``make simulate`` do: which schedules are played, on how many cores, and what is told of them?"""

import argparse
import secrets
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from time import perf_counter

import structlog

from tests.simulation.cores import cores, each_in_a_process
from tests.simulation.mutations import MUTATIONS, mutated
from tests.simulation.schedule import WHOLE, Options, Outcome, lay_foundations, run

REGRESSIONS = Path(__file__).with_name("regressions.txt")
FINDERS = (0, 7, 17, 22, 25, 46, 259, 389)
"""Seeds that found some wrong version last time; they are tried first, to save time."""
TOGETHER = 20
"""Schedules of one process; what they leave behind is some ten megabytes."""


def main() -> int:
    """Run what was asked for; 1 when something is broken."""
    arguments = _arguments()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    if arguments.mutations:
        return _mutations(arguments.first or 0, arguments.seeds)
    options = Options(arguments.commands, frozenset(filter(None, arguments.without.split(","))))
    with mutated(arguments.mutation):
        if arguments.seed is not None:
            return _one(arguments.seed, options, arguments.trace)
        first = arguments.first if arguments.first is not None else secrets.randbelow(10**9)
        seeds = [*(regressions() if arguments.regressions else ()), *range(first, first + arguments.seeds)]
        return _many(seeds, options, arguments.mutation)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1_000, help="how many schedules")
    parser.add_argument("--first", type=int, help="the first seed; drawn and printed when left out")
    parser.add_argument("--seed", type=int, help="this schedule alone")
    parser.add_argument("--trace", action="store_true", help="with --seed: tell what happens")
    parser.add_argument("--commands", type=int, help="only so many errands of each schedule")
    parser.add_argument("--without", default="", help="kinds of fault that are left away, with commas between")
    parser.add_argument("--regressions", action="store_true", help="also the seeds that once broke something")
    parser.add_argument("--mutation", default="", choices=["", *MUTATIONS], help="with the product wrong in this way")
    parser.add_argument("--mutations", action="store_true", help="find each wrong version of the product within --seeds")
    return parser.parse_args()


def regressions() -> list[int]:
    """The seeds that once broke something."""
    lines = (line.partition("#")[0].split() for line in REGRESSIONS.read_text(encoding="utf-8").splitlines())
    return [int(words[0]) for words in lines if words]


def outcomes(seeds: Iterable[int], options: Options = WHOLE) -> list[Outcome]:
    """What comes of each seed, until one is broken."""
    found = []
    for seed in seeds:
        found.append(run(seed, options))
        if found[-1].broken:
            break
    return found


def _many(seeds: Sequence[int], options: Options, mutation: str) -> int:
    print(f"{len(seeds)} schedules, seeds {seeds[0]} to {seeds[-1]}, on {cores()} cores")
    lay_foundations()
    together = max(1, min(TOGETHER, -(-len(seeds) // cores())))
    shares = [partial(outcomes, seeds[at : at + together], options) for at in range(0, len(seeds), together)]
    begun, done = perf_counter(), list[Outcome]()
    for share in each_in_a_process(shares):
        done += share
        if share[-1].broken:
            break
    _report(done, perf_counter() - begun)
    if not done[-1].broken:
        print("Everything held.")
        return 0
    _tell(done[-1])
    _shrink(done[-1], options, mutation)
    return 1


def _report(done: Sequence[Outcome], taken_s: float) -> None:
    many, struck = len(done), sum((each.struck for each in done), Counter[str]())
    hours = sum(each.virtual_s for each in done) / 3600
    print(f"{many} schedules in {taken_s:.1f} s, {60 * many / taken_s:,.0f} a minute; {hours:.1f} hours passed in them,")
    each = {
        "errands": sum(each.commands for each in done), "events": sum(each.events for each in done),
        "faults": struck.total(), "steps": sum(each.steps for each in done),
    }  # fmt: skip
    print(f"with {', '.join(f'{count / many:,.1f} {what}' for what, count in each.items())} in each;")
    print(f"{sum(each.answered for each in done):,} answers were given. Faults that struck:")
    for kind, count in struck.most_common():
        print(f"  {count:>9,}  {kind}")


def _one(seed: int, options: Options, traced: bool) -> int:
    trace: list[str] | None = [] if traced else None
    try:
        outcome = run(seed, options, trace)
    finally:
        print("\n".join(trace or ()))
    struck = ", ".join(f"{count} × {kind}" for kind, count in outcome.struck.most_common()) or "nothing"
    print(f"seed {seed}: {outcome.commands} errands, {outcome.answered} answers, {outcome.virtual_s:.1f} s; struck: {struck}")
    print(f"digest {outcome.digest}")
    if outcome.broken:
        _tell(outcome)
        return 1
    print("Everything held.")
    return 0


def _tell(outcome: Outcome) -> None:
    print(f"seed {outcome.seed} is broken:")
    for broken in outcome.broken[:10]:
        print(f"  {broken}")


def _shrink(failed: Outcome, options: Options, mutation: str) -> None:
    """Leave away what can be left away, and say how to see the rest again."""
    for kind in sorted(failed.struck):
        fewer = Options(options.commands, options.without | {kind})
        if run(failed.seed, fewer).broken:
            options = fewer
    for commands in range(1, failed.commands):
        if run(failed.seed, Options(commands, options.without)).broken:
            options = Options(commands, options.without)
            break
    arguments = f"--seed {failed.seed} --trace"
    arguments += f" --commands {options.commands}" if options.commands is not None else ""
    arguments += f' --without "{",".join(sorted(options.without))}"' if options.without else ""
    arguments += f' --mutation "{mutation}"' if mutation else ""
    print(f"Again, with what matters: make simulate ARGS='{arguments}'")


def _mutations(first: int, at_most: int) -> int:
    seeds = [*FINDERS, *regressions(), *range(first, first + at_most)]
    lay_foundations()
    unnoticed = 0
    for name, looked_at, broken in each_in_a_process(partial(_found, name, seeds) for name in MUTATIONS):
        unnoticed += not broken
        told = f"found by schedule {looked_at}: {broken[0][:110]}" if broken else f"NOT FOUND in {looked_at} schedules"
        print(f"{name}: {told}", flush=True)
    return 1 if unnoticed else 0


def _found(mutation: str, seeds: Sequence[int]) -> tuple[str, int, list[str]]:
    """A wrong version of the product, how many schedules were looked at, and what the last one broke."""
    with mutated(mutation):
        done = outcomes(seeds)
    return mutation, len(done), done[-1].broken
