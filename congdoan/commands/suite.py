"""What can be typed to run a suite, to be let in, and to read its year?"""

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from congdoan.commands.asking import (
    FAILED,
    MISUSED,
    UNAVAILABLE,
    DataOption,
    DayOption,
    JsonOption,
    Lang,
    LangOption,
    asked,
    errors,
    fail,
    show,
    today,
)
from congdoan.services import SERVICES
from congdoan.texts import say

if TYPE_CHECKING:
    from congdoan.clients import Federation

MAX_MINUTES = 24 * 60
"""Of a token."""

report = typer.Typer(no_args_is_help=True)
events = typer.Typer(no_args_is_help=True)
token = typer.Typer(no_args_is_help=True)
keys = typer.Typer(no_args_is_help=True)


def up(
    empty: Annotated[bool, typer.Option("--empty")] = False,
    data: DataOption = None,
    exit: Annotated[bool, typer.Option("--exit")] = False,
    traces: Annotated[Path | None, typer.Option("--traces", dir_okay=False)] = None,
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """The whole suite on this machine: servers, services, the sample federation and its summaries."""
    from congdoan.up import Wishes
    from congdoan.up import up as bring_up

    with errors(lang):
        agreed = bring_up(Wishes(data, empty, exit, json, lang.value, traces), today())
    if not agreed:
        raise typer.Exit(FAILED)


def serve(service: Annotated[str, typer.Argument(autocompletion=lambda: list(SERVICES))], lang: LangOption = Lang.VI) -> None:
    """One service, configured by its environment; what Kubernetes runs."""
    if service not in SERVICES:
        fail(MISUSED, say("unknown_service", lang.value, name=service, known=", ".join(SERVICES)))
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

    summary = asked(ask, data, lang)
    show(summary.document if json else summary_table(summary, lang.value))
    if not summary.agreed:
        fail(FAILED, say("disagreement", lang.value))


@events.command("contract")
def events_contract(
    into: Annotated[Path, typer.Option("--into", file_okay=False)] = Path("docs/events"),
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """AsyncAPI, JSON Schemas and dictionary of all published events, written anew; what would break a reader is refused."""
    from congdoan.event_contract import BreakingChange, write

    try:
        changed = write(into)
    except BreakingChange as broken:
        fail(FAILED, say("failed", lang.value, reason=broken))
    if json:
        return show({"changed": changed})
    for name in changed:
        show(str(into / name))
    return None


@token.command("issue")
def token_issue(
    role: Annotated[str, typer.Option("--role")],
    unit: Annotated[str, typer.Option("--unit")] = "",
    subject: Annotated[str | None, typer.Option("--subject")] = None,
    minutes: Annotated[int, typer.Option("--minutes", min=1, max=MAX_MINUTES)] = 15,
    data: DataOption = None,
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """A token for a caller of the suite of this machine, alone on standard output."""
    from chassis.tokens import ROLES
    from congdoan.access import issuer_of
    from congdoan.issuer import OPERATOR, ClaimRefused

    known = ROLES.get(role.replace("-", "_"))
    if known is None:
        fail(MISUSED, say("unknown_role", lang.value, known=", ".join(ROLES)))
    who = subject or OPERATOR[0]
    with errors(lang):
        try:
            issued = issuer_of(data).issue(who, known, unit, minutes * 60)
        except ClaimRefused as refused:
            fail(MISUSED, say(refused.phrase, lang.value))
    if json:
        return show({"token": issued, "subject": who, "role": known.name.lower(), "unit": unit, "minutes": minutes})
    return typer.echo(issued)


@token.command("rotate")
def token_rotate(data: DataOption = None, json: JsonOption = False, lang: LangOption = Lang.VI) -> None:
    """Another key signs from now on; tokens that were issued stay valid as long as they live."""
    from congdoan.access import issuer_of

    with errors(lang):
        kid = issuer_of(data).rotate()
    return show({"key": kid} if json else say("token_key_rotated", lang.value, key=kid))


@keys.command("make")
def keys_make(
    folder: Annotated[Path, typer.Argument(file_okay=False)], json: JsonOption = False, lang: LangOption = Lang.VI
) -> None:
    """The keys that services on a cluster need, once, each in a file named as its secret."""
    from congdoan.cluster_keys import make_keys

    try:
        made = make_keys(folder)
    except OSError as error:
        fail(FAILED, say("failed", lang.value, reason=error))
    if json:
        return show({"made": [str(file) for file in made]})
    return show(
        say("keys_made" if made else "keys_there", lang.value, files=", ".join(file.name for file in made), folder=folder)
    )


@keys.command("rotate")
def keys_rotate(data: DataOption = None, json: JsonOption = False, lang: LangOption = Lang.VI) -> None:
    """Replace the key by which the keys of persons are wrapped, while the services run."""
    from rich.console import Console
    from rich.progress import Progress

    from chassis.key_store import KeyUnusable
    from chassis.refusals import Unavailable
    from chassis.wrapping_keys import WrappingKeysUnreadable
    from congdoan.keys import key_store_of, rotate

    with errors(lang):
        database, file = key_store_of(data)
    console = Console(stderr=True)
    try:
        with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
            task = progress.add_task("", total=None)
            done = asyncio.run(rotate(database, file, lambda number: progress.advance(task, number)))
    except Unavailable as away:
        fail(UNAVAILABLE, say("unavailable", lang.value, reason=away.sentence(lang.value)))
    except (KeyUnusable, WrappingKeysUnreadable) as error:
        fail(FAILED, say("failed", lang.value, reason=error))
    show(done.document if json else say("rotated", lang.value, **done.document))
