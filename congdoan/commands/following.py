"""What can be typed to follow the events of a branch, as a province's system does?

====  ==========================================================================
0     it was told to end, whoever reads its output is gone, or it has caught up
4     an event of the branch is missing
5     a message came that is no event of the branch
6     a checkpoint of the ledger contradicts those that are kept
====  ==========================================================================

Beside these the codes of every command. At 4, 5 and 6 nothing more is taken or acknowledged: a person must look.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from congdoan.commands.asking import FAILED, MISUSED, DataOption, Lang, LangOption, errors, fail
from congdoan.commands.suite import events as events
from congdoan.texts import say

if TYPE_CHECKING:
    from congdoan.following.beginning import Beginning
    from congdoan.following.follower import Follower, Place
    from congdoan.following.state import State

MISSING, FOREIGN, CONTRADICTED = 4, 5, 6


@events.command("follow")
def events_follow(
    province: Annotated[str, typer.Option("--province")],
    credentials: Annotated[Path | None, typer.Option("--credentials", dir_okay=False)] = None,
    server: Annotated[str | None, typer.Option("--server")] = None,
    ledger_key: Annotated[str | None, typer.Option("--ledger-key")] = None,
    state: Annotated[Path | None, typer.Option("--state", dir_okay=False)] = None,
    begin: Annotated[str | None, typer.Option("--from")] = None,
    fast: Annotated[bool, typer.Option("--fast")] = False,
    exit_when_caught_up: Annotated[bool, typer.Option("--exit-when-caught-up")] = False,
    name: Annotated[str, typer.Option("--name")] = "follow",
    data: DataOption = None,
    lang: LangOption = Lang.VI,
) -> None:
    """Each event of a branch as one line of JSON on standard output; goes on where it ended."""
    from congdoan.following.follower import Follower

    place = _place(province, server, credentials, ledger_key, name, data, lang)
    kept = _state(province, state, lang)
    if kept.is_new:
        kept.beginning = begin or ""
    beginning = _beginning(kept.beginning, lang)
    with _ended_by_signals():
        _follow(Follower(place, kept, beginning, _write, _tell(lang), fast, exit_when_caught_up), lang)


def _follow(follower: "Follower", lang: Lang) -> None:
    from chassis.ledger.witness import LedgerRefused
    from congdoan.following.history import EventForeign, EventMissing

    try:
        asyncio.run(follower.follow())
    except KeyboardInterrupt:
        return
    except BrokenPipeError:
        _forget_output()
    except EventMissing as missing:
        fail(MISSING, missing.sentence(lang.value))
    except EventForeign as foreign:
        fail(FOREIGN, foreign.sentence(lang.value))
    except LedgerRefused as refused:
        fail(CONTRADICTED, refused.sentence(lang.value))
    except OSError as error:
        fail(FAILED, say("failed", lang.value, reason=error))


def _place(
    province: str, server: str | None, credentials: Path | None, key: str | None, name: str, data: Path | None, lang: Lang
) -> "Place":
    """What was said, and for the rest the suite of this machine."""
    from chassis.ledger.note import NoteUnreadable, Verifier
    from chassis.ledger_keys import LedgerKeyUnreadable
    from congdoan import whereabouts
    from congdoan.following.follower import Place
    from congdoan.ledger import verifier_of
    from congdoan.provinces.hub import Hub, HubUnavailable

    with errors(lang):
        try:
            if server is None:
                note = whereabouts.find(data.resolve() if data else None)
                server = f"nats://{Hub.found(Path(note.run)).address}"
                credentials = credentials or _credentials(Path(note.data), province, lang)
            if credentials is not None and not credentials.is_file():
                fail(MISUSED, say("no_credentials", lang.value, province=province))
            verifier = Verifier.read(key) if key else verifier_of(data)
        except (HubUnavailable, LedgerKeyUnreadable) as error:
            fail(FAILED, say("failed", lang.value, reason=error))
        except NoteUnreadable:
            fail(MISUSED, say("ledger_key_unreadable", lang.value))
    return Place(server, credentials, name, verifier)


def _credentials(data: Path, province: str, lang: Lang) -> Path:
    """Where `congdoan provinces grant` leaves them unless told otherwise: the folder one is in; or beside the suite's data."""
    for folder in (Path(), data):
        if (folder / f"{province}.nk").is_file():
            return folder / f"{province}.nk"
    return fail(MISUSED, say("no_credentials", lang.value, province=province))


def _state(province: str, file: Path | None, lang: Lang) -> "State":
    from congdoan.following.state import State, StateUnusable

    try:
        return State.load(province, file)
    except StateUnusable as unusable:
        return fail(MISUSED, say("state_unusable", lang.value, file=unusable))


def _beginning(text: str, lang: Lang) -> "Beginning | None":
    from congdoan.following.beginning import Beginning, NoBeginning

    try:
        return Beginning.read(text) if text else None
    except NoBeginning:
        return fail(MISUSED, say("beginning_unreadable", lang.value))


def _write(lines: Sequence[bytes]) -> None:
    sys.stdout.buffer.writelines(lines)
    sys.stdout.buffer.flush()


def _tell(lang: Lang) -> Callable[[str], None]:
    def tell(reason: str) -> None:
        typer.echo(say("following_again", lang.value, reason=reason), err=True)

    return tell


def _forget_output() -> None:
    """Nobody reads it any more, so the interpreter must not try to write the rest at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Ctrl-C and SIGTERM end it wherever it is, even while nobody reads what it writes."""

    def end(number: int, frame: object) -> NoReturn:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
