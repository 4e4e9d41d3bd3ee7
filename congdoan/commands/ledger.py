"""What can be typed about the ledger: its public key, and what was signed last?"""

from typing import TYPE_CHECKING, Annotated

import typer

from congdoan.commands.asking import FAILED, DataOption, JsonOption, Lang, LangOption, asked, errors, fail, show
from congdoan.texts import say

if TYPE_CHECKING:
    from congdoan.clients import Federation
    from congdoan.ledger import SignedCheckpoint

MAX_LAST = 1_000

ledger = typer.Typer(no_args_is_help=True)


@ledger.command("key")
def ledger_key(data: DataOption = None, json: JsonOption = False, lang: LangOption = Lang.VI) -> None:
    """The public key by which every checkpoint is verified, alone on standard output."""
    from chassis.ledger_keys import LedgerKeyUnreadable
    from congdoan.ledger import verifier_of

    with errors(lang):
        try:
            verifier = verifier_of(data)
        except LedgerKeyUnreadable as error:
            fail(FAILED, say("failed", lang.value, reason=error))
    return show({"key": str(verifier)}) if json else typer.echo(str(verifier))


@ledger.command("checkpoints")
def ledger_checkpoints(
    service: Annotated[str, typer.Option("--service")] = "",
    last: Annotated[int, typer.Option("--last", min=1, max=MAX_LAST)] = 10,
    data: DataOption = None,
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """The last checkpoints, the newest at the end."""
    from congdoan.ledger import checkpoints
    from congdoan.tables import listing

    async def ask(federation: "Federation") -> "list[SignedCheckpoint]":
        return await checkpoints(federation, service, last)

    found = asked(ask, data, lang)
    if json:
        return show({"checkpoints": [one.document for one in found]})
    if not found:
        return show(say("none_found", lang.value))
    headings = [say(word, lang.value) for word in ("checkpoint", "service", "events", "signed_at", "root")]
    return show(listing(headings, (one.row for one in found), numbers=(0, 2)))
