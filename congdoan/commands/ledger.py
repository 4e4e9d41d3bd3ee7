"""What can be typed about the ledger: its public key, and what was signed last?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from congdoan.commands.asking import FAILED, MISUSED, DataOption, JsonOption, Lang, LangOption, asked, errors, fail, show
from congdoan.texts import say

if TYPE_CHECKING:
    from chassis.ledger.note import Signer
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


CredentialsOption = Annotated[Path, typer.Option("--credentials", dir_okay=False)]


@ledger.command("cosign")
def ledger_cosign(
    credentials: CredentialsOption,
    state: Annotated[Path, typer.Option("--state", dir_okay=False)],
    service: Annotated[str, typer.Option("--service")],
    out: Annotated[Path | None, typer.Option("--out", dir_okay=False)] = None,
    lang: LangOption = Lang.VI,
) -> None:
    """As a province: sign the largest checkpoint that was kept, beside the ledger."""
    from congdoan.witnessing import NothingKept, cosigned, largest_kept

    signer = _witness(credentials, lang)
    try:
        note = cosigned(largest_kept(state, service), signer)
        if out:
            out.write_bytes(note)
    except NothingKept as file:
        fail(MISUSED, say("no_checkpoint_kept", lang.value, file=file, service=service))
    except OSError as error:
        fail(FAILED, say("failed", lang.value, reason=error))
    if not out:
        typer.echo(note.decode(), nl=False)


@ledger.command("witness-key")
def ledger_witness_key(credentials: CredentialsOption, json: JsonOption = False, lang: LangOption = Lang.VI) -> None:
    """As a province: the public key by which its signatures on checkpoints are verified."""
    verifier = _witness(credentials, lang).verifier
    return show({"key": str(verifier)}) if json else typer.echo(str(verifier))


def _witness(credentials: Path, lang: Lang) -> "Signer":
    from congdoan.witnessing import witness_signer

    with errors(lang):
        try:
            return witness_signer(credentials)
        except OSError as error:
            fail(MISUSED, say("failed", lang.value, reason=error))
