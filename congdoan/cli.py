"""What can be typed after `congdoan`, and with which code does it end?

====  ==========================================================================
0     it did what was asked
1     it could not, or service and auditor disagree on a figure
2     it was asked wrongly: an option, a unit, a day that is none
3     nobody is there to ask: no suite, or a service that does not answer
====  ==========================================================================

Imports stand in the commands: completion in a shell asks this program at every key, and needs none of them.
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, timedelta, timezone
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeVar

import typer

from congdoan import help_texts
from congdoan.services import SERVICES
from congdoan.texts import say

if TYPE_CHECKING:
    from congdoan.clients import Federation

T = TypeVar("T")

FAILED, MISUSED, UNAVAILABLE = 1, 2, 3
VIETNAM = timezone(timedelta(hours=7))
TARGET = "CONGDOAN_{}_TARGET"


class Lang(StrEnum):
    """The languages of the command line."""

    VI = "vi"
    EN = "en"


app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help="congdoan")
report = typer.Typer(no_args_is_help=True)
deadletters = typer.Typer(no_args_is_help=True)
readmodels = typer.Typer(no_args_is_help=True)
events = typer.Typer(no_args_is_help=True)
app.add_typer(report, name="report")
app.add_typer(deadletters, name="deadletters")
app.add_typer(readmodels, name="readmodels")
app.add_typer(events, name="events")

DataOption = Annotated[Path | None, typer.Option("--data", file_okay=False)]
JsonOption = Annotated[bool, typer.Option("--json")]
LangOption = Annotated[Lang, typer.Option("--lang", envvar="CONGDOAN_LANG")]
DayOption = Annotated[datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"])]


@app.command()
def up(
    empty: Annotated[bool, typer.Option("--empty")] = False,
    data: DataOption = None,
    exit: Annotated[bool, typer.Option("--exit")] = False,
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """The whole suite on this machine: servers, services, the sample federation and its summaries."""
    from congdoan.up import Wishes
    from congdoan.up import up as bring_up

    with _errors(lang):
        agreed = bring_up(Wishes(data, empty, exit, json, lang.value), today())
    if not agreed:
        raise typer.Exit(FAILED)


@app.command()
def serve(service: Annotated[str, typer.Argument(autocompletion=lambda: list(SERVICES))], lang: LangOption = Lang.VI) -> None:
    """One service, configured by its environment; what Kubernetes runs."""
    if service not in SERVICES:
        _fail(MISUSED, say("unknown_service", lang.value, name=service, known=", ".join(SERVICES)))
    # Signals, and whatever watches this process, meet the service itself.
    os.execv(sys.executable, [sys.executable, "-m", service, "serve"])


@report.command("summary")
def report_summary(
    unit: Annotated[str, typer.Option("--unit")],
    year: Annotated[int, typer.Option("--year", min=1929, max=2199)],
    as_of: DayOption = None,
    data: DataOption = None,
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """The figures of a unit's year, from the services and from the auditor."""
    from congdoan.summary import Summary, summarise
    from congdoan.tables import summary_table

    day = as_of.date() if as_of else today()

    async def ask(federation: "Federation") -> Summary:
        return await summarise(federation, unit, year, day)

    summary = _asked(ask, data, lang)
    _print(summary.document if json else summary_table(summary, lang.value))
    if not summary.agreed:
        _fail(FAILED, say("disagreement", lang.value))


def today() -> date:
    """The day in Vietnam, which has had one time all year since 1975."""
    return datetime.now(VIETNAM).date()


@deadletters.command("list")
def deadletters_list(data: DataOption = None, json: JsonOption = False, lang: LangOption = Lang.VI) -> None:
    """The events that a follower could not take, and those that wait behind them."""
    from congdoan.operations import dead_letters
    from congdoan.tables import listing

    found = _asked(dead_letters, data, lang)
    if json:
        return _print({"dead_letters": [letter.document for letter in found]})
    if not found:
        return _print(say("nothing_aside", lang.value))
    headings = [say(word, lang.value) for word in ("service", "follower", "source", "position", "topic", "waits_for", "reason")]
    _print(listing(headings, (letter.row for letter in found), numbers=(3, 5)))
    return None


@deadletters.command("replay")
def deadletters_replay(
    follower: Annotated[str | None, typer.Option("--follower")] = None,
    data: DataOption = None,
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """Offer the dead letters to their followers again; what still cannot be taken stays where it is."""
    from congdoan.operations import Replayed, replay

    async def ask(federation: "Federation") -> list[Replayed]:
        return await replay(federation, follower)

    done = _asked(ask, data, lang)
    if json:
        _print({"replayed": [one.document for one in done]})
    else:
        for one in done:
            facts = {"follower": f"{one.service}/{one.follower}", "taken": one.taken, "parked": one.parked}
            _print(say("replayed", lang.value, **facts))
        if not done:
            _print(say("nothing_aside", lang.value))
    if any(one.parked for one in done):
        raise typer.Exit(FAILED)


@readmodels.command("list")
def readmodels_list(data: DataOption = None, json: JsonOption = False, lang: LangOption = Lang.VI) -> None:
    """Every read model: its version, how far it has come in the history it follows, and what is left."""
    from congdoan.operations import read_models
    from congdoan.tables import listing

    found = _asked(read_models, data, lang)
    if json:
        return _print({"read_models": [model.document for model in found]})
    headings = [say(word, lang.value) for word in ("service", "read_model", "version", "source", "position", "lag")]
    _print(listing(headings, (model.row for model in found), numbers=(2, 4, 5)))
    return None


@events.command("contract")
def events_contract(
    into: Annotated[Path, typer.Option("--into", file_okay=False)] = Path("docs/events"),
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """AsyncAPI and the JSON Schemas of every published event, written anew; what would break a reader is refused."""
    from congdoan.event_contract import BreakingChange, write

    try:
        changed = write(into)
    except BreakingChange as broken:
        _fail(FAILED, say("failed", lang.value, reason=broken))
    if json:
        return _print({"changed": changed})
    for name in changed:
        _print(str(into / name))
    return None


def _asked(ask: "Callable[[Federation], Awaitable[T]]", data: Path | None, lang: Lang) -> T:
    """What a running suite answers; the program ends when there is none, or it refuses."""
    from congdoan.clients import connected
    from congdoan.up import caller_of

    async def asking() -> T:
        targets, caller = _whom_to_ask(data)
        async with connected(targets, caller_of(caller, lang.value)) as federation:
            return await ask(federation)

    with _errors(lang):
        return asyncio.run(asking())


def _whom_to_ask(data: Path | None) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Where each service answers, and as whom to ask: as the environment says, else as the suite's note does.

    :raises NoSuite: it is not said, and nothing runs.
    """
    from congdoan import whereabouts
    from congdoan.up import OPERATOR

    told = {name: target for name in SERVICES if (target := os.environ.get(TARGET.format(name.upper())))}
    if len(told) == len(SERVICES):
        return told, OPERATOR
    note = whereabouts.find(data.resolve() if data else None)
    return {**note.services, **told}, note.caller


@contextmanager
def _errors(lang: Lang) -> Iterator[None]:
    """What went wrong, in the user's language and as an exit code."""
    from grpc import StatusCode

    from chassis.clients import Refused
    from congdoan.catching_up import NotCaughtUp
    from congdoan.embedded import EmbeddedServerError
    from congdoan.feeding import SampleRefused
    from congdoan.suite import StepFailed
    from congdoan.whereabouts import NoSuite, UnsafeFolder

    try:
        yield
    except NoSuite as none:
        _fail(UNAVAILABLE, say("no_suite_on", lang.value, data=none) if str(none) else say("no_suite", lang.value))
    except Refused as refused:
        if refused.transient:
            _fail(UNAVAILABLE, say("unavailable", lang.value, reason=refused.sentence))
        asked_wrongly = refused.status in (StatusCode.NOT_FOUND, StatusCode.INVALID_ARGUMENT)
        _fail(MISUSED if asked_wrongly else FAILED, say("refused", lang.value, reason=refused.sentence))
    except (EmbeddedServerError, StepFailed, SampleRefused, NotCaughtUp, UnsafeFolder) as error:
        _fail(FAILED, say("failed", lang.value, reason=error))


def _print(what: object) -> None:
    """A document for a program, or a table or sentence for people, on standard output."""
    from rich.console import Console
    from rich.markup import escape

    if isinstance(what, dict):
        from congdoan.up import print_json

        return print_json(what)
    Console(highlight=False).print(escape(what) if isinstance(what, str) else what)
    return None


def _fail(code: int, message: str) -> NoReturn:
    from rich.console import Console
    from rich.markup import escape

    Console(stderr=True, highlight=False).print(escape(message), style="red", soft_wrap=True)
    raise typer.Exit(code)


def main() -> None:
    """The program `congdoan`."""
    command = typer.main.get_command(app)
    help_texts.translate(command, help_texts.language_of(sys.argv[1:], os.environ))
    command(prog_name="congdoan")
