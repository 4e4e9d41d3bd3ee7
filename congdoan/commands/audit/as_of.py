"""What can be typed about both clocks: name a cut through all histories, and ask what was true on a day by what it holds?"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from congdoan.commands.asking import (
    DataOption,
    DayOption,
    JsonOption,
    Lang,
    LangOption,
    UnitOption,
    asked,
    day_of,
    show,
)
from congdoan.commands.audit.cuts import CutOption, RecordedByOption, chosen
from congdoan.commands.audit.group import audit
from congdoan.texts import say

if TYPE_CHECKING:
    from datetime import datetime

    from rich.console import RenderableType

    from congdoan.auditing.as_of import Asked
    from congdoan.clients import Federation

cut = typer.Typer(no_args_is_help=True)
asof = typer.Typer(no_args_is_help=True)
audit.add_typer(cut, name="cut")
audit.add_typer(asof, name="asof")

YearOption = Annotated[int, typer.Option("--year", min=1929, max=2199)]


@cut.command("name")
def cut_name(
    name: Annotated[str, typer.Argument()],
    recorded_by: RecordedByOption = "",
    at: Annotated[str, typer.Option("--at")] = "",
    data: DataOption = None,
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """Give a cut a name, for ever."""
    from congdoan.auditing.as_of import name_cut

    choice = chosen(at, recorded_by, lang)
    named = asked(lambda federation: name_cut(federation, name, choice), data, lang)
    return show(named if json else say("cut_named", lang.value, name=named["name"], cut=named["cut"]))


@cut.command("list")
def cut_list(data: DataOption = None, json: JsonOption = False, lang: LangOption = Lang.VI) -> None:
    """The named cuts, the last named first."""
    from congdoan.auditing.as_of import cuts

    found = asked(cuts, data, lang)
    if json:
        return show({"cuts": found})
    return show(_listed(("name", "cut", "named_by", "named_on"), found, lang))


@cut.command("show")
def cut_show(
    cut: Annotated[str, typer.Argument()] = "",
    recorded_by: RecordedByOption = "",
    data: DataOption = None,
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """A cut as its line: of a name, by time, or of now."""
    from congdoan.auditing.as_of import cut_of

    choice = chosen(cut, recorded_by, lang)
    found = asked(lambda federation: cut_of(federation, choice), data, lang)
    return show(found if json else found["cut"])


@asof.command("summary")
def asof_summary(
    unit: UnitOption,
    year: YearOption,
    as_of: DayOption = None,
    cut: CutOption = "",
    recorded_by: RecordedByOption = "",
    data: DataOption = None,
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """The figures of a unit's year, derived by the auditor."""
    from congdoan.auditing.as_of import summary
    from congdoan.tables import listing, number
    from congdoan.texts import figure_label, figure_order

    clocks = _clocks(as_of, cut, recorded_by, lang)
    found = asked(lambda federation: summary(federation, unit, year, clocks), data, lang)
    if json:
        return show(found)
    told = {name: figure for name, figure in found["figures"].items() if figure["value"] not in (None, 0)}
    rows = [
        (figure_label(name, lang.value), number(told[name]["value"], lang.value), number(told[name]["events"], lang.value))
        for name in sorted(told, key=figure_order)
    ]
    headings = [say(word, lang.value) for word in ("figure", "value", "events")]
    return show(_page(found, listing(headings, rows, numbers=(1, 2)) if rows else say("no_figures", lang.value), lang))


@asof.command("tree")
def asof_tree(
    unit: UnitOption,
    as_of: DayOption = None,
    cut: CutOption = "",
    recorded_by: RecordedByOption = "",
    dissolved: Annotated[bool, typer.Option("--dissolved")] = False,
    data: DataOption = None,
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """A unit and everything under it."""
    from congdoan.auditing.as_of import tree

    clocks = _clocks(as_of, cut, recorded_by, lang)
    found = asked(lambda federation: tree(federation, unit, dissolved, clocks), data, lang)
    if json:
        return show(found)
    rows = [{**row, "unit": "  " * row["depth"] + row["unit"]} for row in found["units"]]
    columns = ("unit", "name", "level", "line_parent", "functional_parent", *(("dissolved_on",) if dissolved else ()))
    return show(_page(found, _listed(columns, rows, lang), lang))


@asof.command("member")
def asof_member(
    member: Annotated[UUID, typer.Argument()],
    as_of: DayOption = None,
    cut: CutOption = "",
    recorded_by: RecordedByOption = "",
    data: DataOption = None,
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """Where and what a member was; without a word of whom it is."""
    clocks = _clocks(as_of, cut, recorded_by, lang)
    return _one("GetMemberAsOf", "member", clocks, data, json, lang, member_id=member)


@asof.command("campaign")
def asof_campaign(
    campaign: Annotated[UUID, typer.Argument()],
    as_of: DayOption = None,
    cut: CutOption = "",
    recorded_by: RecordedByOption = "",
    data: DataOption = None,
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """How a gift campaign stood."""
    clocks = _clocks(as_of, cut, recorded_by, lang)
    return _one("GetCampaignAsOf", "campaign", clocks, data, json, lang, campaign_id=campaign)


@asof.command("awards")
def asof_awards(
    unit: UnitOption,
    year: YearOption,
    as_of: DayOption = None,
    cut: CutOption = "",
    recorded_by: RecordedByOption = "",
    data: DataOption = None,
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """The award register of a unit with its subtree for a year."""
    from congdoan.auditing.as_of import awards

    clocks = _clocks(as_of, cut, recorded_by, lang)
    found = asked(lambda federation: awards(federation, unit, year, clocks), data, lang)
    if json:
        return show(found)
    columns = ("form", "unit", "member_id", "decider", "decision_number", "decided_on", "presented_on", "revoked_on")
    return show(_page(found, _listed(columns, found["awards"], lang), lang))


def _one(rpc: str, field: str, clocks: "Asked", data: Any, json: bool, lang: Lang, **about: object) -> None:
    from congdoan.auditing.as_of import one

    async def ask(federation: "Federation") -> dict[str, Any]:
        return await one(federation, rpc, clocks, **about)

    found = asked(ask, data, lang)
    if json:
        return show(found)
    return show(_page(found, _told(found[field], lang), lang))


def _clocks(as_of: "datetime | None", cut: str, recorded_by: str, lang: Lang) -> "Asked":
    from congdoan.auditing.as_of import Asked

    return Asked(day_of(as_of), chosen(cut, recorded_by, lang))


def _page(found: dict[str, Any], what: "RenderableType", lang: Lang) -> "RenderableType":
    """What was found, under a line that says on which clocks."""
    from rich.console import Group
    from rich.markup import escape

    return Group(escape(say("on_both_clocks", lang.value, as_of=found["as_of"], cut=found["cut"])), what)


def _told(details: dict[str, Any], lang: Lang) -> "RenderableType":
    """One thing, a line a detail that says anything."""
    from rich.markup import escape

    from congdoan.auditing.details import called, in_words
    from congdoan.tables import number

    def told(name: str, value: Any) -> str:
        return number(value, lang.value) if name.endswith("_vnd") else escape(str(in_words(name, value, lang.value)))

    return "\n".join(f"{called(name, lang.value)}: {told(name, value)}" for name, value in details.items() if value)


def _listed(columns: Sequence[str], rows: Sequence[dict[str, Any]], lang: Lang) -> "RenderableType":
    """A table of some things, a line each."""
    from congdoan.auditing.details import called, in_words
    from congdoan.tables import listing

    if not rows:
        return say("none_found", lang.value)
    headings = [called(column, lang.value) for column in columns]
    return listing(headings, ([in_words(column, row[column], lang.value) for column in columns] for row in rows))
