"""What can be typed after `congdoan officers`: who signs, for whom, until when?"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID, uuid4

import typer

from congdoan.commands.asking import (
    DataOption,
    HolderOption,
    JsonOption,
    Lang,
    LangOption,
    OnOption,
    PositionOption,
    UnitOption,
    asked,
    day_of,
    kept,
    show,
)
from congdoan.texts import say

if TYPE_CHECKING:
    from congdoan.clients import Federation
    from congdoan.officers import Holder, Kept

officers = typer.Typer(no_args_is_help=True)


@officers.command("appoint")
def officers_appoint(
    unit: UnitOption,
    officer: Annotated[str, typer.Option("--officer")],
    office: Annotated[str, typer.Option("--office")],
    on: OnOption = None,
    until: Annotated[datetime | None, typer.Option("--until", formats=["%Y-%m-%d"])] = None,
    data: DataOption = None,
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """An officer takes an office of a unit."""
    from congdoan.officers import appoint

    last, position_id = until.date() if until else None, uuid4()
    kept(lambda federation: appoint(federation, unit, officer, office, day_of(on), last, position_id), data, json, lang)


@officers.command("release")
def officers_release(
    unit: UnitOption,
    position: PositionOption,
    reason: Annotated[str, typer.Option("--reason")],
    on: OnOption = None,
    data: DataOption = None,
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """An officer holds a position no longer from a day on."""
    from congdoan.officers import release

    kept(lambda federation: release(federation, unit, position, reason, day_of(on)), data, json, lang)


@officers.command("delegate")
def officers_delegate(
    unit: UnitOption,
    position: PositionOption,
    to: Annotated[str, typer.Option("--to")],
    matter: Annotated[list[str], typer.Option("--matter")],
    until: Annotated[datetime, typer.Option("--until", formats=["%Y-%m-%d"])],
    on: OnOption = None,
    holder: HolderOption = None,
    data: DataOption = None,
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """The holder of a position lets another sign in its place."""
    from congdoan.officers import as_officer, delegate

    async def ask(federation: "Federation") -> "Kept":
        caller = as_officer(federation, holder, unit)
        return await delegate(caller, unit, position, to, matter, day_of(on), until.date(), uuid4())

    kept(ask, data, json, lang)


@officers.command("revoke")
def officers_revoke(
    unit: UnitOption,
    delegation: Annotated[UUID, typer.Option("--delegation")],
    on: OnOption = None,
    holder: HolderOption = None,
    data: DataOption = None,
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """The holder of a position takes a delegation back."""
    from congdoan.officers import as_officer, revoke

    kept(lambda federation: revoke(as_officer(federation, holder, unit), unit, delegation, day_of(on)), data, json, lang)


@officers.command("list")
def officers_list(
    unit: UnitOption, on: OnOption = None, data: DataOption = None, json: JsonOption = False, lang: LangOption = Lang.VI
) -> None:
    """Who is in office in a unit and below it on a day."""
    from congdoan.officers import officers as in_office

    holders(lambda federation: in_office(federation, unit, day_of(on)), "officers", data, json, lang)


@officers.command("signatories")
def officers_signatories(
    unit: UnitOption,
    matter: Annotated[str, typer.Option("--matter")],
    on: OnOption = None,
    data: DataOption = None,
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """Who could sign a matter at a unit on a day."""
    from congdoan.officers import signatories

    holders(lambda federation: signatories(federation, unit, matter, day_of(on)), "signatories", data, json, lang)


def holders(ask: "Callable[[Federation], Awaitable[list[Holder]]]", name: str, data: Path | None, json: bool, lang: Lang) -> None:
    from congdoan.tables import listing

    found = asked(ask, data, lang)
    if json:
        return show({name: [holder.document for holder in found]})
    if not found:
        return show(say("nobody_in_office", lang.value))
    headings = [say(word, lang.value) for word in ("unit", "officer", "office", "since", "until", "held_as", "delegation")]
    return show(listing(headings, (holder.row for holder in found)))
