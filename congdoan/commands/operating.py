"""What can be typed to see what lies aside in a suite, and have it taken after all?"""

from typing import TYPE_CHECKING, Annotated

import typer

from congdoan.commands.asking import FAILED, DataOption, JsonOption, Lang, LangOption, asked, show
from congdoan.texts import say

if TYPE_CHECKING:
    from congdoan.clients import Federation

deadletters = typer.Typer(no_args_is_help=True)


@deadletters.command("list")
def deadletters_list(data: DataOption = None, json: JsonOption = False, lang: LangOption = Lang.VI) -> None:
    """The events that a follower could not take, those that wait behind them, and what is stale because of it."""
    from congdoan.operations import dead_letters_and_stale
    from congdoan.tables import listing

    found, stale = asked(dead_letters_and_stale, data, lang)
    if json:
        return show({"dead_letters": [letter.document for letter in found], "stale": [each.document for each in stale]})
    if not found:
        return show(say("nothing_aside", lang.value))
    headings = [say(word, lang.value) for word in ("service", "follower", "source", "position", "topic", "waits_for", "reason")]
    show(listing(headings, (letter.row for letter in found), numbers=(3, 5)))
    for kind in ("read_model", "reaction"):
        if rows := [each.row for each in stale if each.kind == kind]:
            show(say(f"stale_{kind}", lang.value))
            words = ("service", kind, "aggregate", "stale_since", "first", "waiting", "reason")
            show(listing([say(word, lang.value) for word in words], rows, numbers=(5,)))
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
