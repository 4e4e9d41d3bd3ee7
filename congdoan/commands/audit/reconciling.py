"""What can be typed to see whether the streams say what was recorded, and to have that looked at now?"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from congdoan.commands.asking import FAILED, MISUSED, DataOption, JsonOption, Lang, LangOption, asked, fail, show
from congdoan.commands.audit.group import audit
from congdoan.texts import say

if TYPE_CHECKING:
    from congdoan.auditing.reconciling import Progress, StreamState
    from congdoan.clients import Federation


@audit.command("reconcile")
def reconcile(
    service: Annotated[str, typer.Option("--service")] = "",
    now: Annotated[bool, typer.Option("--now")] = False,
    data: DataOption = None,
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """How far the stream of each service was compared with its store, and what came of it."""
    from congdoan.auditing.reconciling import streams, sweep
    from congdoan.services import SERVICES
    from congdoan.tables import listing

    if service and service not in SERVICES:
        fail(MISUSED, say("unknown_service", lang.value, name=service, known=", ".join(SERVICES)))

    async def ask(federation: "Federation") -> "list[StreamState]":
        if not now:
            return await streams(federation, service)
        with _progress(lang) as progress:
            return await sweep(federation, service, progress)

    found = asked(ask, data, lang)
    if json:
        show({"streams": [one.document for one in found]})
    else:
        columns = ("head", "published", "differences", "repairs", "whole_at")
        words = ("service", *(f"stream_{column}" for column in columns))
        show(listing([say(word, lang.value) for word in words], (one.row for one in found), numbers=(1, 2, 3, 4)))
        for one in found:
            if one.alarm:
                show(say("stream_alarm", lang.value, service=one.service, alarm=one.alarm))
    if not all(one.in_order for one in found):
        raise typer.Exit(FAILED)


@contextmanager
def _progress(lang: Lang) -> "Iterator[Progress]":
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    tasks = {}
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as shown:

        def told(service: str, compared: int, published: int) -> None:
            if service not in tasks:
                tasks[service] = shown.add_task(say("stream_comparing", lang.value, service=service), total=None)
            shown.update(tasks[service], completed=compared, total=published)

        yield told
