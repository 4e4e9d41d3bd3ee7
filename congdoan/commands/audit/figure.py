"""What can be typed about one figure: have it certified with the events it stands on, and check what was certified?

`audit check` needs no suite and no network; it ends with

====  ==========================================================================
0     the passport holds: every proof, every signature, and the number
1     it is refused; the rule and the line are told
2     the file is no passport, or the key is none
====  ==========================================================================
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from congdoan.commands.asking import (
    FAILED,
    MISUSED,
    DataOption,
    DayOption,
    JsonOption,
    Lang,
    LangOption,
    UnitOption,
    asked,
    fail,
    show,
)
from congdoan.commands.audit.cuts import CutOption, RecordedByOption, chosen
from congdoan.commands.audit.group import audit
from congdoan.commands.audit.trusted import trusted_key
from congdoan.texts import say

if TYPE_CHECKING:
    from rich.console import RenderableType

    from audit.domain.passport.checking import Checked
    from audit.domain.passport.statement import Statement
    from chassis.ledger.note import Verifier
    from congdoan.auditing.figure import Certified, Progress
    from congdoan.clients import Federation

RUNS_SHOWN = 12


@audit.command("figure")
def audit_figure(
    name: Annotated[str, typer.Argument()],
    unit: UnitOption,
    year: Annotated[int, typer.Option("--year")],
    as_of: DayOption = None,
    cut: CutOption = "",
    recorded_by: RecordedByOption = "",
    complete: Annotated[bool, typer.Option("--complete")] = False,
    out: Annotated[Path | None, typer.Option("--out", dir_okay=False)] = None,
    reason: Annotated[str, typer.Option("--reason")] = "",
    data: DataOption = None,
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """A figure with everything it stands on; with --out as a file that anybody can check."""
    from congdoan.auditing.figure import Asked, certified, find_positions, write

    why = reason or say("figure_reason", lang.value)
    wanted = Asked(name, unit, year, as_of.date() if as_of else None, why, chosen(cut, recorded_by, lang), complete)

    async def ask(federation: "Federation") -> "Certified":
        with _progress(lang) as progress:
            found = await certified(federation, wanted)
            if out:
                await write(federation, found, out, progress)
            else:
                await find_positions(federation, found, progress)
        return found

    try:
        found = asked(ask, data, lang)
    except OSError as error:
        fail(FAILED, say("failed", lang.value, reason=error.strerror or type(error).__name__))
    if json:
        return show({**found.document, **({"file": str(out)} if out else {})})
    show(_figure(found, lang))
    return show(say("passport_written", lang.value, file=out, size=out.stat().st_size)) if out else None


@audit.command("check")
def audit_check(
    file: Annotated[Path, typer.Argument(dir_okay=False)],
    key: Annotated[str, typer.Option("--key")] = "",
    data: DataOption = None,
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """Verify a passport by the public key alone; nothing is asked of anybody."""
    from audit.domain.passport.checking import check
    from audit.domain.passport.refusals import PassportRefused, PassportUnreadable

    verifier = trusted_key(key, data, lang)
    try:
        with file.open("rb") as stream, _progress(lang) as progress:
            checked = check(stream, verifier, lambda events: progress(events, 0))
    except PassportUnreadable as unreadable:
        fail(MISUSED, unreadable.sentence(lang.value))
    except OSError as error:
        fail(MISUSED, say("failed", lang.value, reason=error.strerror or type(error).__name__))
    except PassportRefused as refused:
        if json:
            show({"verified": False, "rule": refused.rule, **refused.facts, "sentence": refused.sentence(lang.value)})
            raise typer.Exit(FAILED) from None
        fail(FAILED, say("passport_refused", lang.value, rule=refused.rule, reason=refused.sentence(lang.value)))
    if json:
        return show({"verified": True, **_document(checked, verifier)})
    show(_checked(checked, lang))
    return show(say("passport_holds", lang.value, events=checked.events, key=verifier))


def _document(checked: "Checked", verifier: "Verifier") -> dict[str, Any]:
    signed = [f"{one.at:%Y-%m-%dT%H:%M:%SZ}" for one in checked.checkpoints]
    return {**checked.statement.document, "shown": checked.events, "signed_at": signed, "key": str(verifier)}


def _figure(found: "Certified", lang: Lang) -> "RenderableType":
    told = {service: runs_of(found, service) for service in found.runs}
    return _table(found.statement, say("positions", lang.value), told, lang)


def runs_of(found: "Certified", service: str) -> str:
    """Where the events of a service stand, as far as a page has room for it."""
    from congdoan.auditing.figure import runs_told

    return runs_told(found.runs[service], RUNS_SHOWN)


def _checked(checked: "Checked", lang: Lang) -> "RenderableType":
    told = {one.service: f"{one.at:%Y-%m-%dT%H:%M:%SZ}" for one in checked.checkpoints}
    return _table(checked.statement, say("signed_at", lang.value), told, lang)


def _table(statement: "Statement", heading: str, told: dict[str, str], lang: Lang) -> "RenderableType":
    """What is stated, and of each service the events and what is told of them."""
    from base64 import b64encode

    from rich.console import Group
    from rich.markup import escape

    from congdoan.tables import listing, number
    from congdoan.texts import figure_label

    one = statement
    title = say(
        "figure_stated", lang.value, figure=figure_label(one.figure, lang.value).removeprefix("– "), unit=one.unit,
        year=one.year, as_of=one.as_of.isoformat(), value=number(one.value, lang.value),
    )  # fmt: skip
    cut = say("figure_cut", lang.value, cut=",".join(f"{service}:{last}" for service, last in one.cut.items()))
    sums = say("figure_sum", lang.value, contributions=one.contributions, certificate=one.certificate)
    headings = [say(word, lang.value) for word in ("service", "events", "checkpoint", "root")]
    rows = ((each.service, each.events, each.size, b64encode(each.root).decode(), told[each.service]) for each in one.standing)
    return Group(*map(escape, (title, cut, sums)), listing([*headings, heading], rows, numbers=(1, 2)))


@contextmanager
def _progress(lang: Lang) -> "Iterator[Progress]":
    """Tells a person at the terminal how many events came so far."""
    from rich.console import Console

    with Console(stderr=True).status(say("certifying", lang.value)) as status:

        def tell(came: int, many: int) -> None:
            if many or came % 1_000 == 0:
                status.update(say("events_so_far", lang.value, came=came, many=many or "…"))

        yield tell
