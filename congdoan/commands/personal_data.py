"""What can be typed after `congdoan datarequests`, `congdoan holds` and `congdoan erasure`?

Imports stand in the commands: see :mod:`congdoan.commands.asking`.
"""

from datetime import datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID, uuid4

import typer

from congdoan.commands.asking import (
    DataOption,
    JsonOption,
    Lang,
    LangOption,
    OnOption,
    UnitOption,
    asked,
    day_of,
    kept,
    rows,
    show,
)
from congdoan.texts import say

datarequests: typer.Typer = typer.Typer(no_args_is_help=True)
holds: typer.Typer = typer.Typer(no_args_is_help=True)
erasure: typer.Typer = typer.Typer(no_args_is_help=True)

PersonOption = Annotated[UUID, typer.Option("--person", "--member")]
RequestOption = Annotated[UUID, typer.Option("--request")]
ReasonOption = Annotated[str, typer.Option("--reason")]


@datarequests.command("receive")
def datarequests_receive(
    person: PersonOption,
    kind: Annotated[str, typer.Option("--kind")],
    on: OnOption = None,
    data: DataOption = None,
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """A person asks something about its data; the id of the request is printed."""
    from congdoan.personal_data import receive

    request_id = uuid4()
    kept(lambda federation: receive(federation, person, kind, day_of(on), request_id), data, json, lang)


@datarequests.command("answer")
def datarequests_answer(
    request: RequestOption,
    accepted: Annotated[bool, typer.Option("--accept/--refuse")],
    reason: Annotated[str | None, typer.Option("--reason")] = None,
    on: OnOption = None,
    data: DataOption = None,
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """A request is accepted, or refused for a reason."""
    from congdoan.personal_data import answer

    kept(lambda federation: answer(federation, request, accepted, reason, day_of(on)), data, json, lang)


@datarequests.command("extend")
def datarequests_extend(
    request: RequestOption,
    until: Annotated[datetime, typer.Option("--until", formats=["%Y-%m-%d"])],
    reason: ReasonOption,
    on: OnOption = None,
    data: DataOption = None,
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """There is more time to carry a request out, once."""
    from congdoan.personal_data import extend

    kept(lambda federation: extend(federation, request, until.date(), reason, day_of(on)), data, json, lang)


@datarequests.command("carry-out")
def datarequests_carry_out(
    request: RequestOption, on: OnOption = None, data: DataOption = None, json: JsonOption = False, lang: LangOption = Lang.VI
) -> None:
    """What was asked for is done."""
    from congdoan.personal_data import carry_out

    kept(lambda federation: carry_out(federation, request, day_of(on)), data, json, lang)


@datarequests.command("list")
def datarequests_list(
    unit: UnitOption,
    open_only: Annotated[bool, typer.Option("--open")] = False,
    due_before: Annotated[datetime | None, typer.Option("--due-before", formats=["%Y-%m-%d"])] = None,
    data: DataOption = None,
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """The requests of people of a unit and below it, and what of them is late."""
    from congdoan.personal_data import data_requests

    before = due_before.date() if due_before else None
    columns = ("data_request", "data_subject", "unit", "kind", "status", "received_on", "due_on", "late")
    rows(lambda federation: data_requests(federation, unit, open_only, before), "data_requests", columns, data, json, lang)


@holds.command("place")
def holds_place(
    person: PersonOption,
    field_class: Annotated[str, typer.Option("--class")],
    basis: Annotated[str, typer.Option("--basis")],
    reason: ReasonOption,
    on: OnOption = None,
    data: DataOption = None,
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """The law keeps a class of a person's data from erasure; the id of the hold is printed."""
    from congdoan.personal_data import place

    hold_id = uuid4()
    kept(lambda federation: place(federation, person, field_class, basis, reason, day_of(on), hold_id), data, json, lang)


@holds.command("lift")
def holds_lift(
    person: PersonOption,
    hold: Annotated[UUID, typer.Option("--hold")],
    reason: ReasonOption,
    on: OnOption = None,
    data: DataOption = None,
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """A legal hold ends."""
    from congdoan.personal_data import lift

    kept(lambda federation: lift(federation, person, hold, reason, day_of(on)), data, json, lang)


@holds.command("list")
def holds_list(
    unit: UnitOption,
    live_only: Annotated[bool, typer.Option("--live")] = False,
    data: DataOption = None,
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """The legal holds on people of a unit and below it."""
    from congdoan.personal_data import holds as of_unit

    columns = ("data_subject", "hold", "unit", "field_class", "basis", "reason", "placed_on", "lifted_on")
    rows(lambda federation: of_unit(federation, unit, live_only), "holds", columns, data, json, lang)


@erasure.command("erase")
def erasure_erase(
    person: PersonOption,
    request: RequestOption,
    on: OnOption = None,
    data: DataOption = None,
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """Erase a person on its accepted request; its key is destroyed and can be had back from nowhere."""
    from congdoan.personal_data import erase

    kept(lambda federation: erase(federation, person, request, day_of(on)), data, json, lang)


@erasure.command("acknowledge")
def erasure_acknowledge(
    person: PersonOption,
    branch: Annotated[str, typer.Option("--branch")],
    on: OnOption = None,
    data: DataOption = None,
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """A province or central union keeps nothing of a person any more."""
    from congdoan.personal_data import acknowledge

    kept(lambda federation: acknowledge(federation, person, branch, day_of(on)), data, json, lang)


@erasure.command("status")
def erasure_status(person: PersonOption, data: DataOption = None, json: JsonOption = False, lang: LangOption = Lang.VI) -> None:
    """Who must acknowledge the erasure of a person, and who has; and which of its children are still registered."""
    from congdoan.personal_data import status
    from congdoan.tables import listing

    found = asked(lambda federation: status(federation, person), data, lang)
    if json:
        return show(found.document)
    show(listing([say(column, lang.value) for column in ("by", "at")], (one.row for one in found.acknowledgements)))
    if found.registered_children:
        show(say("registered_children", lang.value, children=", ".join(found.registered_children)))
    return None


@erasure.command("certificate")
def erasure_certificate(
    person: PersonOption,
    out: Annotated[Path | None, typer.Option("--out", dir_okay=False)] = None,
    data: DataOption = None,
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """The certificate of an erasure, in words or as a JSON document; into a file when one is named."""
    import orjson

    from congdoan.personal_data import certificate

    found = asked(lambda federation: certificate(federation, person), data, lang)
    if out is None:
        return show(found.document if json else found.text(lang.value))
    text = orjson.dumps(found.document, option=orjson.OPT_INDENT_2).decode() if json else found.text(lang.value)
    out.write_text(f"{text}\n", encoding="utf-8")
    return show({"file": str(out)} if json else say("written_to", lang.value, file=out))
