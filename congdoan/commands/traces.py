"""What can be typed to see what a call led to, from service to service?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from congdoan.commands.asking import FAILED, MISUSED, JsonOption, Lang, LangOption, fail, show
from congdoan.texts import say

if TYPE_CHECKING:
    from congdoan.traces import Span

traces = typer.Typer(no_args_is_help=True)

FileArgument = Annotated[Path, typer.Argument(dir_okay=False)]


@traces.command("list")
def traces_list(file: FileArgument, json: JsonOption = False, lang: LangOption = Lang.VI) -> None:
    """Every trace of a file that `up --traces` wrote, the earliest first."""
    from congdoan.tables import listing
    from congdoan.traces import first_call

    found = _read(file, lang)
    rows = [(name, first_call(spans), len({span.service for span in spans}), len(spans)) for name, spans in found.items()]
    if json:
        return show({"traces": [dict(zip(("trace", "begins_with", "services", "spans"), row, strict=True)) for row in rows]})
    headings = [say(column, lang.value) for column in ("trace", "begins_with", "services_reached", "spans")]
    return show(listing(headings, [[str(value) for value in row] for row in rows]))


@traces.command("show")
def traces_show(
    file: FileArgument,
    trace: Annotated[str | None, typer.Option("--trace")] = None,
    rpc: Annotated[str, typer.Option("--rpc")] = "",
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """One trace as a tree: the one named, or the one that reaches the most services."""
    from dataclasses import asdict

    from congdoan.tables import trace_tree
    from congdoan.traces import tree, widest

    found = _read(file, lang)
    name = trace or widest(found, rpc)
    if name is None or name not in found:
        fail(FAILED, say("no_such_trace", lang.value))
    if json:
        return show({"trace": name, "tree": [asdict(branch) for branch in tree(found[name])]})
    return show(trace_tree(name, tree(found[name])))


def _read(file: Path, lang: Lang) -> "dict[str, list[Span]]":
    from congdoan.traces import read

    try:
        return read(file)
    except OSError as error:
        fail(MISUSED, say("failed", lang.value, reason=error.strerror))
    except ValueError as error:
        fail(FAILED, say("failed", lang.value, reason=error))
