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

from congdoan import whereabouts
from congdoan.catching_up import caught_up, heads
from congdoan.clients import Federation, connected
from congdoan.embedded import Death, Supervisor
from congdoan.feeding import feed, is_fed
from congdoan.issuer import operator
from congdoan.sample import SUMMARIES, Sample, sample
from congdoan.suite import Suite
from congdoan.summary import Summary, summarise
from congdoan.tables import services_table, summary_table
from congdoan.texts import Language, say

STOP_BUDGET_S = 8.0
"""For all processes together; the rest of ten seconds is for folders, and for this process itself."""

RUN_PREFIX = "congdoan-run-"


@dataclass(frozen=True, slots=True)
class Wishes:
    """How the suite is to be brought up; without `data` the history ends with it, with `traces` spans go to that file."""

    data: Path | None = None
    empty: bool = False
    exit: bool = False
    json: bool = False
    language: Language = "vi"
    traces: Path | None = None


def up(wishes: Wishes, today: date) -> bool:
    """Run the suite until it is told to end; answers whether services and auditor agree on every figure.

    :raises EmbeddedServerError, StepFailed: something does not start.
    :raises SampleRefused, NotCaughtUp, Refused: the sample does not come in, or not everywhere.
    """
    console = Console(stderr=True, highlight=False)
    _sweep()
    with (
        _run_folder() as run,
        _traces_to(wishes) as traces_to,
        Supervisor(STOP_BUDGET_S) as supervisor,
        _progress(console) as progress,
    ):
        data = wishes.data.resolve() if wishes.data else run / "data"
        return _Run(wishes, today, Suite(data, run, traces_to), supervisor, progress).go()


class _Run:
    """One run of the suite, and what is told of it meanwhile."""

    def __init__(self, wishes: Wishes, today: date, suite: Suite, supervisor: Supervisor, progress: Progress) -> None:
        self.wishes, self.today, self.suite, self.supervisor, self.progress = wishes, today, suite, supervisor, progress
        self.console, self.began = progress.console, time.monotonic()
        self.task = progress.add_task("", total=None)

    def go(self) -> bool:
        """From the first server on; answers as :func:`up`."""
        thinking = None if self.wishes.empty else _Ahead()
        self.at("starting_servers")
        self.suite.start_servers(self.supervisor)
        with self.suite.certificates, whereabouts.told(self.note):
            self.at("preparing")
            self.suite.prepare()
            self.at("starting_services")
            self.suite.start_services(self.supervisor)
            self.supervisor.watch(self.tell_death)
            summaries = asyncio.run(self.fill(thinking.sample())) if thinking else ()
            self.progress.stop()
            agreed = self.tell(summaries)
            if not self.wishes.exit:
                self.serve()
        return agreed

    async def fill(self, wanted: Sample) -> Sequence[Summary]:
        """Bring the sample in, unless it is there, and ask what came out."""
        issuer, targets = self.suite.issuer, self.suite.targets
        credentials = operator(issuer, self.suite.certificates.authority_file, self.wishes.language)
        async with connected(targets, credentials, vouch=issuer.token_source, wait_for_ready=True) as federation:
            if await is_fed(federation, wanted):
                self.print("already_fed")
            else:
                self.at("feeding", total=sum(map(len, wanted.stages)))
                await feed(federation, wanted, lambda count: self.progress.advance(self.task, count))
            self.at("catching_up")
            return await settled_summaries(federation, self.today)

    def tell(self, summaries: Sequence[Summary]) -> bool:
        """Print what came out, as one document or as tables; whether all agree."""
        agreed = all(summary.agreed for summary in summaries)
        if self.wishes.json:
            print_json({"summaries": [summary.document for summary in summaries]})
        else:
            out = Console(highlight=False)
            for summary in summaries:
                out.print(summary_table(summary, self.wishes.language))
        if not agreed:
            self.print("disagreement", style="bold red")
        return agreed

    def serve(self) -> None:
        """Until Ctrl-C or a signal to end; both are the expected end, and no failure."""
        self.console.print(services_table(self.suite.targets, self.suite.metrics, self.wishes.language))
        if self.wishes.data:
            self.print("data_in", data=self.suite.data)
        self.print("ready", seconds=time.monotonic() - self.began)
        self.print("press_ctrl_c")
        try:
            threading.Event().wait()
        except (KeyboardInterrupt, SystemExit):
            self.print("stopping")

    def at(self, phrase: str, total: int | None = None) -> None:
        """Say what is being done now."""
        self.progress.update(self.task, description=say(phrase, self.wishes.language), total=total)

    def tell_death(self, death: Death) -> None:
        """Say that something ended, and comes back."""
        facts = {"exit": death.exit_code, "restart": death.restart, "delay": death.delay_s, "reason": death.reason}
        self.print("restarted", style="yellow", name=death.name, **facts)

    def print(self, phrase: str, *, style: str = "", **facts: object) -> None:
        """Say something that stays."""
        self.console.print(escape(say(phrase, self.wishes.language, **facts)), style=style)

    @property
    def note(self) -> whereabouts.Note:
        """How others find the suite."""
        suite = self.suite
        authority = suite.certificates.authority_file
        return whereabouts.note_of_this_process(
            suite.data, suite.run, services=suite.targets, metrics=suite.metrics, authority=authority
        )


class _Ahead:
    """Makes the sample beside other work."""

    def __init__(self) -> None:
        self._thread = threading.Thread(target=sample, daemon=True)
        self._thread.start()

    def sample(self) -> Sample:
        self._thread.join()
        return sample()


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


def print_json(document: object) -> None:
    """One document on standard output."""
    sys.stdout.write(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n")
    sys.stdout.flush()


@contextlib.contextmanager
def _traces_to(wishes: Wishes) -> Iterator[str]:
    """Where services send their spans, until the last of them has ended; nowhere when nobody wants them."""
    if wishes.traces is None:
        yield ""
        return
    from congdoan.traces import Receiver  # its messages are for those only who want them

    with Receiver(wishes.traces) as receiver:
        yield receiver.endpoint


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
