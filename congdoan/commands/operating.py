"""What can be typed to see how far a suite is, and what lies aside?"""

from typing import TYPE_CHECKING, Annotated

import typer

from congdoan.commands.asking import FAILED, DataOption, JsonOption, Lang, LangOption, asked, show
from congdoan.texts import say

if TYPE_CHECKING:
    from congdoan.clients import Federation

deadletters = typer.Typer(no_args_is_help=True)
readmodels = typer.Typer(no_args_is_help=True)


@deadletters.command("list")
def deadletters_list(data: DataOption = None, json: JsonOption = False, lang: LangOption = Lang.VI) -> None:
    """The events that a follower could not take, and those that wait behind them."""
    from congdoan.operations import dead_letters
    from congdoan.tables import listing

    found = asked(dead_letters, data, lang)
    if json:
        return show({"dead_letters": [letter.document for letter in found]})
    if not found:
        return show(say("nothing_aside", lang.value))
    headings = [say(word, lang.value) for word in ("service", "follower", "source", "position", "topic", "waits_for", "reason")]
    show(listing(headings, (letter.row for letter in found), numbers=(3, 5)))
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

    done = asked(ask, data, lang)
    if json:
        show({"replayed": [one.document for one in done]})
    else:
        for one in done:
            facts = {"follower": f"{one.service}/{one.follower}", "taken": one.taken, "parked": one.parked}
            show(say("replayed", lang.value, **facts))
        if not done:
            show(say("nothing_aside", lang.value))
    if any(one.parked for one in done):
        raise typer.Exit(FAILED)


@readmodels.command("list")
def readmodels_list(data: DataOption = None, json: JsonOption = False, lang: LangOption = Lang.VI) -> None:
    """Every read model: its version, how far it has come in the history it follows, and what is left."""
    from congdoan.operations import read_models
    from congdoan.tables import listing

    found = asked(read_models, data, lang)
    if json:
        return show({"read_models": [model.document for model in found]})
    headings = [say(word, lang.value) for word in ("service", "read_model", "version", "source", "position", "lag")]
    show(listing(headings, (model.row for model in found), numbers=(2, 4, 5)))
    return None
