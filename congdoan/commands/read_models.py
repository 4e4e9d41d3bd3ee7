"""What can be typed to see read models, to rebuild them in the open, and to have their positions proven?

Exit code 1 says: rows differ, or a position was not applied exactly once.
"""

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from congdoan.commands.asking import FAILED, MISUSED, DataOption, JsonOption, Lang, LangOption, asked, fail, show
from congdoan.texts import say

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from congdoan.clients import Federation
    from congdoan.rebuilding import Compared, Place, Progress

readmodels = typer.Typer(no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument()]
ServiceOption = Annotated[str | None, typer.Option("--service")]
RowsOption = Annotated[int, typer.Option("--rows", min=1, max=200)]


@readmodels.command("list")
def readmodels_list(data: DataOption = None, json: JsonOption = False, lang: LangOption = Lang.VI) -> None:
    """Every read model: its version, how far it has come in the history it follows, what is left, its generations."""
    from congdoan.operations import read_models
    from congdoan.rebuilding import standings
    from congdoan.tables import listing

    async def ask(federation: "Federation") -> tuple[Any, Any]:
        return await read_models(federation), await standings(federation)

    found, known = asked(ask, data, lang)
    generations = {(place.service, place.name): standing for place, standing in known}
    told = []
    for model in found:
        standing = generations[model.service, model.name]
        told.append((model, standing.live, standing.beside if standing.HasField("beside") else None))
    if json:
        extended = [{**model.document, "live_generation": live, "beside_generation": beside} for model, live, beside in told]
        return show({"read_models": extended})
    headings = ("service", "read_model", "version", "source", "position", "lag", "generation", "beside")
    rows = ((*model.row, live, "–" if beside is None else beside) for model, live, beside in told)
    show(listing([say(word, lang.value) for word in headings], rows, numbers=(2, 4, 5, 6, 7)))
    return None


@readmodels.command("rebuild")
def rebuild(
    name: NameArgument,
    service: ServiceOption = None,
    rows: RowsOption = 20,
    switch_when_equal: Annotated[bool, typer.Option("--switch-when-equal")] = False,
    data: DataOption = None,
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """Build a second generation beside the live one, and show which rows differ, and by which events."""
    from dataclasses import replace

    from congdoan import rebuilding

    async def ask(federation: "Federation") -> "Compared":
        place = await rebuilding.located(federation, name, service)
        with _progress(lang) as told:
            await rebuilding.rebuild(federation, place, told)
        compared = await rebuilding.compare(federation, place, rows)
        if not (compared.equal and switch_when_equal):
            return compared
        return replace(compared, generations=await rebuilding.change(federation, place, "SwitchReadModel"), switched=True)

    compared = _asked(ask, data, lang)
    _show_compared(compared, json, lang)
    if not compared.equal:
        raise typer.Exit(FAILED)


@readmodels.command("switch")
def switch(
    name: NameArgument,
    service: ServiceOption = None,
    data: DataOption = None,
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """Let the newer generation answer."""
    _change("SwitchReadModel", "switched", name, service, data, json, lang)


@readmodels.command("rollback")
def rollback(
    name: NameArgument,
    service: ServiceOption = None,
    data: DataOption = None,
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """Let the older generation answer again."""
    _change("RollBackReadModel", "rolled_back", name, service, data, json, lang)


@readmodels.command("drop")
def drop(
    name: NameArgument,
    service: ServiceOption = None,
    data: DataOption = None,
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """End the generation beside."""
    _change("DropGeneration", "dropped", name, service, data, json, lang)


@readmodels.command("prove")
def prove(
    name: Annotated[str | None, typer.Argument()] = None,
    service: ServiceOption = None,
    with_rows: Annotated[bool, typer.Option("--rows")] = False,
    data: DataOption = None,
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """Show that every position was applied exactly once."""
    from congdoan import rebuilding

    documents: list[dict[str, Any]] = []
    sound = True

    async def ask(federation: "Federation") -> None:
        nonlocal sound
        read_models = {place for place, _ in await rebuilding.standings(federation)} if with_rows else set()
        for place in await rebuilding.followers(federation, name, service):
            proof = await rebuilding.prove(federation, place)
            sound &= rebuilding.holds(proof)
            documents.append(rebuilding.proof_document(place, proof))
            if not json:
                show(rebuilding.proof_sentence(place, proof, lang.value))
            if place in read_models:
                with _progress(lang) as told:
                    compared = await rebuilding.compared_anew(federation, place, 20, told)
                sound &= compared.equal
                documents[-1]["rows"] = compared.document
                if not json:
                    _show_compared(compared, json, lang)

    _asked(ask, data, lang)
    if json:
        show({"proofs": documents})
    if not sound:
        raise typer.Exit(FAILED)


def _change(rpc: str, done: str, name: str, service: str | None, data: "Path | None", json: bool, lang: Lang) -> None:
    from congdoan import rebuilding

    async def ask(federation: "Federation") -> "tuple[Place, Any]":
        place = await rebuilding.located(federation, name, service)
        return place, await rebuilding.change(federation, place, rpc)

    place, standing = _asked(ask, data, lang)
    if json:
        return show(rebuilding.standing_document(place, standing))
    beside = standing.beside if standing.HasField("beside") else "–"
    show(say(done, lang.value, read_model=f"{place.service}/{place.name}", live=standing.live, beside=beside))
    return None


def _show_compared(compared: "Compared", json: bool, lang: Lang) -> None:
    from congdoan.rebuilding import rows_of
    from congdoan.tables import listing

    if json:
        return show(compared.document)
    found, standing = compared.found, compared.generations
    facts = {"read_model": f"{compared.place.service}/{compared.place.name}", "live": standing.live, "beside": standing.beside}
    names = ("position", "rows_live", "rows_beside", "differing", "only_live", "only_beside")
    show(say("generations_compared", lang.value, **facts, **{name: getattr(found, name) for name in names}))
    if found.differences:
        headings = [say(word, lang.value) for word in ("row", "differs", "cause", "because_of")]
        show(listing(headings, rows_of(found, lang.value)))
    if compared.switched:
        show(say("switched", lang.value, **facts))
    return None


def _asked(ask: "Callable[[Federation], Awaitable[Any]]", data: "Path | None", lang: Lang) -> Any:
    from congdoan.rebuilding import InSeveralServices, NoSuchReadModel

    try:
        return asked(ask, data, lang)
    except NoSuchReadModel as unknown:
        fail(MISUSED, say("no_such_read_model", lang.value, name=unknown))
    except InSeveralServices as several:
        fail(MISUSED, say("in_several_services", lang.value, services=several))


@contextmanager
def _progress(lang: Lang) -> "Iterator[Progress]":
    """A bar on standard error, where somebody looks at it."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(say("rebuilding", lang.value), total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)
