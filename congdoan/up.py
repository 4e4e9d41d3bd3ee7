"""What does `congdoan up` do, from the first server to the last one stopped?"""

import asyncio
import contextlib
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import orjson
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from chassis.security import Caller, Role
from congdoan import whereabouts
from congdoan.catching_up import caught_up, heads
from congdoan.clients import Federation, connected
from congdoan.embedded import Death, Supervisor
from congdoan.feeding import feed, is_fed
from congdoan.sample import SUMMARIES, Sample, sample
from congdoan.suite import Suite
from congdoan.summary import Summary, summarise
from congdoan.tables import services_table, summary_table
from congdoan.texts import Language, say

STOP_BUDGET_S = 9.0
RUN_PREFIX = "congdoan-run-"

OPERATOR: dict[str, str] = {"id": "congdoan", "role": "federation_officer", "unit": "tld"}
"""As whom this machine's user calls the services of the own suite."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """How the suite is to be brought up; without `data` the history ends with it."""

    data: Path | None = None
    empty: bool = False
    exit: bool = False
    json: bool = False
    language: Language = "vi"


def up(wishes: Wishes, today: date) -> bool:
    """Run the suite until it is told to end; answers whether services and auditor agree on every figure.

    :raises EmbeddedServerError, StepFailed: something does not start.
    :raises SampleRefused, NotCaughtUp, Refused: the sample does not come in, or not everywhere.
    """
    began = time.monotonic()
    console = Console(stderr=True, highlight=False)
    _sweep()
    with _run_folder() as run:
        data = wishes.data.resolve() if wishes.data else run / "data"
        suite = Suite(data, run)
        with Supervisor(STOP_BUDGET_S) as supervisor, _progress(console) as progress:
            summaries = _bring_up(suite, supervisor, progress, wishes, today)
            progress.stop()
            agreed = _tell(summaries, wishes, console)
            if not wishes.exit:
                _tell_where(suite, wishes, console, time.monotonic() - began)
                _serve(suite, console, wishes.language)
    return agreed


def _bring_up(suite: Suite, supervisor: Supervisor, progress: Progress, wishes: Wishes, today: date) -> Sequence[Summary]:
    language = wishes.language
    wanted = _Ahead()  # the sample is thought up while the servers come up
    task = progress.add_task(say("starting_servers", language), total=None)
    suite.start_servers(supervisor)
    progress.update(task, description=say("preparing", language))
    suite.prepare()
    progress.update(task, description=say("starting_services", language))
    suite.start_services(supervisor)
    supervisor.watch(lambda death: _tell_death(death, progress.console, language))
    if wishes.empty:
        return ()
    return asyncio.run(_fill(suite, wanted.sample(), progress, language, today))


class _Ahead:
    """Makes the sample beside other work."""

    def __init__(self) -> None:
        self._thread = threading.Thread(target=sample, daemon=True)
        self._thread.start()

    def sample(self) -> Sample:
        self._thread.join()
        return sample()


async def _fill(suite: Suite, wanted: Sample, progress: Progress, language: Language, today: date) -> Sequence[Summary]:
    (task,) = progress.task_ids
    async with connected(suite.targets, caller_of(OPERATOR, language), wait_for_ready=True) as federation:
        if await is_fed(federation, wanted):
            progress.console.print(say("already_fed", language))
        else:
            total = sum(map(len, wanted.stages))
            progress.update(task, description=say("feeding", language), total=total)
            await feed(federation, wanted, lambda count: progress.advance(task, count))
        progress.update(task, description=say("catching_up", language), total=None)
        return await settled_summaries(federation, today)


async def settled_summaries(federation: Federation, today: date) -> Sequence[Summary]:
    """The sample's years, once nothing moves any more.

    A reminder that was due falls just now, perhaps: where service and auditor do not agree, they are asked again as long
    as histories grow.
    """
    while True:
        statuses = await caught_up(federation)
        summaries = await asyncio.gather(*(summarise(federation, unit, year, today) for unit, year in SUMMARIES))
        if all(summary.agreed for summary in summaries):
            return summaries
        if await heads(federation) == {name: status.head for name, status in statuses.items()}:
            return summaries


def caller_of(fields: dict[str, str], language: Language) -> Caller:
    """Whoever a note names, asking in a language."""
    return Caller(fields["id"], Role[fields["role"].upper()], fields["unit"], language)


def _tell(summaries: Sequence[Summary], wishes: Wishes, console: Console) -> bool:
    """Print what came out: as one document, or as tables."""
    agreed = all(summary.agreed for summary in summaries)
    if wishes.json:
        print_json({"summaries": [summary.document for summary in summaries]})
    else:
        out = Console(highlight=False)
        for summary in summaries:
            out.print(summary_table(summary, wishes.language))
    if not agreed:
        console.print(say("disagreement", wishes.language), style="bold red")
    return agreed


def print_json(document: object) -> None:
    """One document on standard output."""
    sys.stdout.write(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n")
    sys.stdout.flush()


def _tell_where(suite: Suite, wishes: Wishes, console: Console, seconds: float) -> None:
    console.print(services_table(suite.targets, suite.metrics, wishes.language))
    if wishes.data:
        console.print(escape(say("data_in", wishes.language, data=suite.data)))
    console.print(say("ready", wishes.language, seconds=seconds))
    console.print(say("press_ctrl_c", wishes.language))


def _serve(suite: Suite, console: Console, language: Language) -> None:
    """Until Ctrl-C or a signal to end; both are the expected end, and no failure."""
    note = whereabouts.note_of_this_process(suite.data, suite.run, services=suite.targets, metrics=suite.metrics, caller=OPERATOR)
    with whereabouts.told(note):
        try:
            threading.Event().wait()
        except (KeyboardInterrupt, SystemExit):
            console.print(say("stopping", language))


def _tell_death(death: Death, console: Console, language: Language) -> None:
    facts = {"exit": death.exit_code, "restart": death.restart, "delay": death.delay_s, "reason": death.reason}
    console.print(escape(say("restarted", language, name=death.name, **facts)), style="yellow")


@contextlib.contextmanager
def _run_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix=RUN_PREFIX))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep() -> None:
    """Take away what suites of this user left that were killed."""
    for note in whereabouts.abandoned():
        run = Path(note.run)
        if run.name.startswith(RUN_PREFIX) and run.parent == Path(tempfile.gettempdir()) and not run.is_symlink():
            shutil.rmtree(run, ignore_errors=True)


def _progress(console: Console) -> Progress:
    """One line that moves; where nobody looks (a pipe, a log) nothing of it is written."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
