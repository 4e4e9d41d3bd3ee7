"""What can be typed about consents, members' children, and the reading of names?"""

from datetime import datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID, uuid4

import typer

from congdoan.commands.asking import (
    DataOption,
    GiverOption,
    JsonOption,
    Lang,
    LangOption,
    OnOption,
    PersonArgument,
    PurposeOption,
    UnitOption,
    day_of,
    kept,
    rows,
)

consents = typer.Typer(no_args_is_help=True)
children = typer.Typer(no_args_is_help=True)
members = typer.Typer(no_args_is_help=True)


@consents.command("give")
def consents_give(
    person: PersonArgument,
    purpose: PurposeOption,
    text: Annotated[str, typer.Option("--text")],
    evidence: Annotated[str, typer.Option("--evidence")],
    by: GiverOption = "self",
    guardian: Annotated[UUID | None, typer.Option("--guardian")] = None,
    on: OnOption = None,
    data: DataOption = None,
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """A person, or its guardian, agrees to a purpose."""
    from congdoan.consents import give

    shown = {"text_version": text, "evidence": evidence}
    kept(lambda to: give(to, person, purpose, given_by=by, guardian_id=guardian, on=day_of(on), **shown), data, json, lang)


@consents.command("withdraw")
def consents_withdraw(
    person: PersonArgument,
    purpose: PurposeOption,
    by: GiverOption = "self",
    on: OnOption = None,
    data: DataOption = None,
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """A consent is taken back."""
    from congdoan.consents import withdraw

    kept(lambda to: withdraw(to, person, purpose, given_by=by, on=day_of(on)), data, json, lang)


@consents.command("list")
def consents_list(person: PersonArgument, data: DataOption = None, json: JsonOption = False, lang: LangOption = Lang.VI) -> None:
    """What was agreed to for a person, and taken back."""
    from congdoan.consents import consents as given

    columns = ("purpose", "given_by", "text_version", "evidence", "given_on", "withdrawn_on")
    rows(lambda to: given(to, person), "consents", columns, data, json, lang)


@children.command("register")
def children_register(
    parent: Annotated[UUID, typer.Option("--parent")],
    name: Annotated[str, typer.Option("--name")],
    born: Annotated[datetime, typer.Option("--born", formats=["%Y-%m-%d"])],
    on: OnOption = None,
    data: DataOption = None,
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """A member's child becomes known."""
    from congdoan.consents import register_child

    child = uuid4()
    kept(lambda to: register_child(to, child, parent, name, born.date(), day_of(on)), data, json, lang)


@children.command("correct")
def children_correct(
    child: PersonArgument,
    name: Annotated[str | None, typer.Option("--name")] = None,
    born: Annotated[datetime | None, typer.Option("--born", formats=["%Y-%m-%d"])] = None,
    on: OnOption = None,
    data: DataOption = None,
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """What is recorded about a child is corrected."""
    from congdoan.consents import correct_child

    birth_date = born.date() if born else None
    kept(lambda to: correct_child(to, child, name, birth_date, day_of(on)), data, json, lang)


@children.command("list")
def children_list(parent: PersonArgument, data: DataOption = None, json: JsonOption = False, lang: LangOption = Lang.VI) -> None:
    """The children of a member."""
    from congdoan.consents import children as known

    columns = ("child_id", "full_name", "birth_date", "registered_on")
    rows(lambda to: known(to, parent), "children", columns, data, json, lang)


@members.command("names")
def members_names(
    people: Annotated[list[UUID], typer.Argument()],
    reason: Annotated[str, typer.Option("--reason")] = "",
    as_province: Annotated[Path | None, typer.Option("--as-province", exists=True, dir_okay=False)] = None,
    data: DataOption = None,
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """How members are called."""
    from congdoan.consents import names

    columns = ("member_id", "full_name", "erased", "refusal")
    rows(lambda to: names(to, people, reason), "members", columns, data, json, lang, as_province)


@members.command("readings")
def members_readings(unit: UnitOption, data: DataOption = None, json: JsonOption = False, lang: LangOption = Lang.VI) -> None:
    """Who read data of members of a unit and below it."""
    from congdoan.consents import readings

    columns = ("unit", "on_day", "reader", "reader_role", "members_read", "reason")
    rows(lambda to: readings(to, unit), "readings", columns, data, json, lang)
