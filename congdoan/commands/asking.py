"""What do all commands share: their options, the way to a running suite, what is shown, and the exit codes?

====  ==========================================================================
0     it did what was asked
1     it could not, or service and auditor disagree on a figure
2     it was asked wrongly: an option, a unit, a day that is none
3     nobody is there to ask: no suite, or a service that does not answer
4-6   what a branch received must not be: :mod:`congdoan.commands.following`
====  ==========================================================================

Imports stand in the commands: completion in a shell asks this program at every key, and needs none of them.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta, timezone
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeVar
from uuid import UUID

import typer

from congdoan.texts import say

if TYPE_CHECKING:
    from congdoan.clients import Federation
    from congdoan.consents import Row
    from congdoan.officers import Kept

T = TypeVar("T")

FAILED, MISUSED, UNAVAILABLE = 1, 2, 3
VIETNAM = timezone(timedelta(hours=7))


class Lang(StrEnum):
    """The languages of the command line."""

    VI = "vi"
    EN = "en"


DataOption = Annotated[Path | None, typer.Option("--data", file_okay=False)]
JsonOption = Annotated[bool, typer.Option("--json")]
LangOption = Annotated[Lang, typer.Option("--lang", envvar="CONGDOAN_LANG")]
DayOption = Annotated[datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"])]
UnitOption = Annotated[str, typer.Option("--unit")]
OnOption = Annotated[datetime | None, typer.Option("--on", formats=["%Y-%m-%d"])]
PositionOption = Annotated[UUID, typer.Option("--position")]
PersonArgument = Annotated[UUID, typer.Argument()]
PurposeOption = Annotated[str, typer.Option("--purpose")]
GiverOption = Annotated[str, typer.Option("--by")]
HolderOption = Annotated[str | None, typer.Option("--as")]


def asked(ask: "Callable[[Federation], Awaitable[T]]", data: Path | None, lang: Lang, as_province: Path | None = None) -> T:
    """What a running suite answers; the program ends when there is none, or it refuses.

    :param as_province: the credentials file of a province, as whose system it is asked.
    """
    from congdoan import access
    from congdoan.clients import connected
    from congdoan.provinces.identity import token_of_file

    async def asking() -> T:
        shown = token_of_file(as_province) if as_province else None
        found = access.find(data, os.environ, lang.value, shown)
        async with connected(found.targets, found.credentials, vouch=found.vouch) as federation:
            return await ask(federation)

    with errors(lang):
        return asyncio.run(asking())


def kept(ask: "Callable[[Federation], Awaitable[Kept]]", data: Path | None, json: bool, lang: Lang) -> None:
    kept = asked(ask, data, lang)
    show(kept.document if json else say("recorded", lang.value, id=kept.id, position=kept.position))


def rows(
    ask: "Callable[[Federation], Awaitable[Sequence[Row]]]",
    name: str,
    columns: Sequence[str],
    data: Path | None,
    json: bool,
    lang: Lang,
    as_province: Path | None = None,
) -> None:
    from congdoan.tables import listing

    found = asked(ask, data, lang, as_province)
    if json:
        return show({name: [row.document for row in found]})
    if not found:
        return show(say("none_found", lang.value))
    return show(listing([say(column, lang.value) for column in columns], (row.row for row in found)))


def day_of(on: datetime | None) -> date:
    return on.date() if on else today()


def today() -> date:
    """The day in Vietnam, which has had one time all year since 1975."""
    return datetime.now(VIETNAM).date()


@contextmanager
def errors(lang: Lang) -> Iterator[None]:
    """What went wrong, in the user's language and as an exit code."""
    from grpc import StatusCode

    from chassis.clients import Refused
    from congdoan.access import NotAllSaid
    from congdoan.catching_up import NotCaughtUp
    from congdoan.embedded import EmbeddedServerError
    from congdoan.feeding import SampleRefused
    from congdoan.issuer import NoIssuer
    from congdoan.officers import NobodyVouches, UnknownName
    from congdoan.provinces.keys import NotASeed
    from congdoan.suite import StepFailed
    from congdoan.whereabouts import NoSuite, UnsafeFolder

    try:
        yield
    except UnknownName as unknown:
        fail(MISUSED, say("unknown_name", lang.value, known=unknown))
    except NobodyVouches:
        fail(MISUSED, say("nobody_vouches", lang.value))
    except NotASeed:
        fail(MISUSED, say("no_province_key", lang.value))
    except NotAllSaid as missing:
        fail(MISUSED, say("not_all_said", lang.value, name=missing))
    except NoIssuer as none:
        fail(UNAVAILABLE, say("no_issuer", lang.value, data=none))
    except NoSuite as none:
        fail(UNAVAILABLE, say("no_suite_on", lang.value, data=none) if str(none) else say("no_suite", lang.value))
    except Refused as refused:
        if refused.transient:
            fail(UNAVAILABLE, say("unavailable", lang.value, reason=refused.sentence))
        asked_wrongly = refused.status in (StatusCode.NOT_FOUND, StatusCode.INVALID_ARGUMENT)
        fail(MISUSED if asked_wrongly else FAILED, say("refused", lang.value, reason=refused.sentence))
    except (EmbeddedServerError, StepFailed, SampleRefused, NotCaughtUp, UnsafeFolder) as error:
        fail(FAILED, say("failed", lang.value, reason=error))


def show(what: object) -> None:
    """A document for a program, or a table or sentence for people, on standard output."""
    from rich.console import Console
    from rich.markup import escape

    if isinstance(what, dict):
        from congdoan.up import print_json

        return print_json(what)
    Console(highlight=False).print(escape(what) if isinstance(what, str) else what)
    return None


def fail(code: int, message: str) -> NoReturn:
    warn(message)
    raise typer.Exit(code)


def warn(message: str) -> None:
    """What a person must see, beside what was asked for."""
    from rich.console import Console
    from rich.markup import escape

    Console(stderr=True, highlight=False).print(escape(message), style="red", soft_wrap=True)
