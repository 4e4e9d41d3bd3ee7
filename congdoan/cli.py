"""What can be typed after `congdoan`, and with which code does it end?

====  ==========================================================================
0     it did what was asked
1     it could not, or service and auditor disagree on a figure
2     it was asked wrongly: an option, a unit, a day that is none
3     nobody is there to ask: no suite, or a service that does not answer
====  ==========================================================================

Imports stand in the commands: completion in a shell asks this program at every key, and needs none of them.
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta, timezone
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeVar
from uuid import UUID, uuid4

import typer

from congdoan import help_texts
from congdoan.services import SERVICES
from congdoan.texts import say

if TYPE_CHECKING:
    from congdoan.clients import Federation
    from congdoan.consents import Row
    from congdoan.officers import Holder, Kept

T = TypeVar("T")

FAILED, MISUSED, UNAVAILABLE = 1, 2, 3
VIETNAM = timezone(timedelta(hours=7))
MAX_MINUTES = 24 * 60


class Lang(StrEnum):
    """The languages of the command line."""

    VI = "vi"
    EN = "en"


app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help="congdoan")
report = typer.Typer(no_args_is_help=True)
deadletters = typer.Typer(no_args_is_help=True)
readmodels = typer.Typer(no_args_is_help=True)
events = typer.Typer(no_args_is_help=True)
token = typer.Typer(no_args_is_help=True)
officers = typer.Typer(no_args_is_help=True)
consents = typer.Typer(no_args_is_help=True)
children = typer.Typer(no_args_is_help=True)
members = typer.Typer(no_args_is_help=True)
keys = typer.Typer(no_args_is_help=True)
app.add_typer(report, name="report")
app.add_typer(deadletters, name="deadletters")
app.add_typer(readmodels, name="readmodels")
app.add_typer(events, name="events")
app.add_typer(token, name="token")
app.add_typer(officers, name="officers")
app.add_typer(consents, name="consents")
app.add_typer(children, name="children")
app.add_typer(members, name="members")
app.add_typer(keys, name="keys")

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


@app.command()
def up(
    empty: Annotated[bool, typer.Option("--empty")] = False,
    data: DataOption = None,
    exit: Annotated[bool, typer.Option("--exit")] = False,
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """The whole suite on this machine: servers, services, the sample federation and its summaries."""
    from congdoan.up import Wishes
    from congdoan.up import up as bring_up

    with _errors(lang):
        agreed = bring_up(Wishes(data, empty, exit, json, lang.value), today())
    if not agreed:
        raise typer.Exit(FAILED)


@app.command()
def serve(service: Annotated[str, typer.Argument(autocompletion=lambda: list(SERVICES))], lang: LangOption = Lang.VI) -> None:
    """One service, configured by its environment; what Kubernetes runs."""
    if service not in SERVICES:
        _fail(MISUSED, say("unknown_service", lang.value, name=service, known=", ".join(SERVICES)))
    # Signals, and whatever watches this process, meet the service itself.
    os.execv(sys.executable, [sys.executable, "-m", service, "serve"])


@report.command("summary")
def report_summary(
    unit: Annotated[str, typer.Option("--unit")],
    year: Annotated[int, typer.Option("--year", min=1929, max=2199)],
    as_of: DayOption = None,
    data: DataOption = None,
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """The figures of a unit's year, from the services and from the auditor."""
    from congdoan.summary import Summary, summarise
    from congdoan.tables import summary_table

    day = as_of.date() if as_of else today()

    async def ask(federation: "Federation") -> Summary:
        return await summarise(federation, unit, year, day)

    summary = _asked(ask, data, lang)
    _print(summary.document if json else summary_table(summary, lang.value))
    if not summary.agreed:
        _fail(FAILED, say("disagreement", lang.value))


def today() -> date:
    """The day in Vietnam, which has had one time all year since 1975."""
    return datetime.now(VIETNAM).date()


@deadletters.command("list")
def deadletters_list(data: DataOption = None, json: JsonOption = False, lang: LangOption = Lang.VI) -> None:
    """The events that a follower could not take, and those that wait behind them."""
    from congdoan.operations import dead_letters
    from congdoan.tables import listing

    found = _asked(dead_letters, data, lang)
    if json:
        return _print({"dead_letters": [letter.document for letter in found]})
    if not found:
        return _print(say("nothing_aside", lang.value))
    headings = [say(word, lang.value) for word in ("service", "follower", "source", "position", "topic", "waits_for", "reason")]
    _print(listing(headings, (letter.row for letter in found), numbers=(3, 5)))
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

    done = _asked(ask, data, lang)
    if json:
        _print({"replayed": [one.document for one in done]})
    else:
        for one in done:
            facts = {"follower": f"{one.service}/{one.follower}", "taken": one.taken, "parked": one.parked}
            _print(say("replayed", lang.value, **facts))
        if not done:
            _print(say("nothing_aside", lang.value))
    if any(one.parked for one in done):
        raise typer.Exit(FAILED)


@readmodels.command("list")
def readmodels_list(data: DataOption = None, json: JsonOption = False, lang: LangOption = Lang.VI) -> None:
    """Every read model: its version, how far it has come in the history it follows, and what is left."""
    from congdoan.operations import read_models
    from congdoan.tables import listing

    found = _asked(read_models, data, lang)
    if json:
        return _print({"read_models": [model.document for model in found]})
    headings = [say(word, lang.value) for word in ("service", "read_model", "version", "source", "position", "lag")]
    _print(listing(headings, (model.row for model in found), numbers=(2, 4, 5)))
    return None


@keys.command("rotate")
def keys_rotate(data: DataOption = None, json: JsonOption = False, lang: LangOption = Lang.VI) -> None:
    """Replace the key by which the keys of persons are wrapped, while the services run."""
    from rich.console import Console
    from rich.progress import Progress

    from chassis.key_store import KeyUnusable
    from chassis.refusals import Unavailable
    from chassis.wrapping_keys import WrappingKeysUnreadable
    from congdoan.keys import key_store_of, rotate

    with _errors(lang):
        database, file = key_store_of(data)
    console = Console(stderr=True)
    try:
        with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
            task = progress.add_task("", total=None)
            done = asyncio.run(rotate(database, file, lambda number: progress.advance(task, number)))
    except Unavailable as away:
        _fail(UNAVAILABLE, say("unavailable", lang.value, reason=away.sentence(lang.value)))
    except (KeyUnusable, WrappingKeysUnreadable) as error:
        _fail(FAILED, say("failed", lang.value, reason=error))
    _print(done.document if json else say("rotated", lang.value, **done.document))


@events.command("contract")
def events_contract(
    into: Annotated[Path, typer.Option("--into", file_okay=False)] = Path("docs/events"),
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """AsyncAPI and the JSON Schemas of every published event, written anew; what would break a reader is refused."""
    from congdoan.event_contract import BreakingChange, write

    try:
        changed = write(into)
    except BreakingChange as broken:
        _fail(FAILED, say("failed", lang.value, reason=broken))
    if json:
        return _print({"changed": changed})
    for name in changed:
        _print(str(into / name))
    return None


@token.command("issue")
def token_issue(
    role: Annotated[str, typer.Option("--role")],
    unit: Annotated[str, typer.Option("--unit")] = "",
    subject: Annotated[str | None, typer.Option("--subject")] = None,
    minutes: Annotated[int, typer.Option("--minutes", min=1, max=MAX_MINUTES)] = 15,
    data: DataOption = None,
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """A token for a caller of the suite of this machine, alone on standard output."""
    from chassis.tokens import ROLES
    from congdoan.access import issuer_of
    from congdoan.issuer import OPERATOR, ClaimRefused

    known = ROLES.get(role.replace("-", "_"))
    if known is None:
        _fail(MISUSED, say("unknown_role", lang.value, known=", ".join(ROLES)))
    who = subject or OPERATOR[0]
    with _errors(lang):
        try:
            issued = issuer_of(data).issue(who, known, unit, minutes * 60)
        except ClaimRefused as refused:
            _fail(MISUSED, say(refused.phrase, lang.value))
    if json:
        return _print({"token": issued, "subject": who, "role": known.name.lower(), "unit": unit, "minutes": minutes})
    return typer.echo(issued)


@token.command("rotate")
def token_rotate(data: DataOption = None, json: JsonOption = False, lang: LangOption = Lang.VI) -> None:
    """Another key signs from now on; tokens that were issued stay valid as long as they live."""
    from congdoan.access import issuer_of

    with _errors(lang):
        kid = issuer_of(data).rotate()
    return _print({"key": kid} if json else say("token_key_rotated", lang.value, key=kid))


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
    _kept(lambda federation: appoint(federation, unit, officer, office, _day(on), last, position_id), data, json, lang)


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

    _kept(lambda federation: release(federation, unit, position, reason, _day(on)), data, json, lang)


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
        return await delegate(caller, unit, position, to, matter, _day(on), until.date(), uuid4())

    _kept(ask, data, json, lang)


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

    _kept(lambda federation: revoke(as_officer(federation, holder, unit), unit, delegation, _day(on)), data, json, lang)


@officers.command("list")
def officers_list(
    unit: UnitOption, on: OnOption = None, data: DataOption = None, json: JsonOption = False, lang: LangOption = Lang.VI
) -> None:
    """Who is in office in a unit and below it on a day."""
    from congdoan.officers import officers as in_office

    _listed(lambda federation: in_office(federation, unit, _day(on)), "officers", data, json, lang)


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

    _listed(lambda federation: signatories(federation, unit, matter, _day(on)), "signatories", data, json, lang)


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
    _kept(lambda to: give(to, person, purpose, given_by=by, guardian_id=guardian, on=_day(on), **shown), data, json, lang)


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

    _kept(lambda to: withdraw(to, person, purpose, given_by=by, on=_day(on)), data, json, lang)


@consents.command("list")
def consents_list(person: PersonArgument, data: DataOption = None, json: JsonOption = False, lang: LangOption = Lang.VI) -> None:
    """What was agreed to for a person, and taken back."""
    from congdoan.consents import consents as given

    columns = ("purpose", "given_by", "text_version", "evidence", "given_on", "withdrawn_on")
    _rows(lambda to: given(to, person), "consents", columns, data, json, lang)


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
    _kept(lambda to: register_child(to, child, parent, name, born.date(), _day(on)), data, json, lang)


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
    _kept(lambda to: correct_child(to, child, name, birth_date, _day(on)), data, json, lang)


@children.command("erase")
def children_erase(
    child: PersonArgument,
    request: Annotated[UUID, typer.Option("--request")],
    on: OnOption = None,
    data: DataOption = None,
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """A child is erased on request."""
    from congdoan.consents import erase_child

    _kept(lambda to: erase_child(to, child, request, _day(on)), data, json, lang)


@children.command("list")
def children_list(parent: PersonArgument, data: DataOption = None, json: JsonOption = False, lang: LangOption = Lang.VI) -> None:
    """The children of a member."""
    from congdoan.consents import children as known

    columns = ("child_id", "full_name", "birth_date", "registered_on")
    _rows(lambda to: known(to, parent), "children", columns, data, json, lang)


@members.command("names")
def members_names(
    people: Annotated[list[UUID], typer.Argument()],
    reason: Annotated[str, typer.Option("--reason")] = "",
    data: DataOption = None,
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """How members are called."""
    from congdoan.consents import names

    columns = ("member_id", "full_name", "erased", "refusal")
    _rows(lambda to: names(to, people, reason), "members", columns, data, json, lang)


@members.command("readings")
def members_readings(unit: UnitOption, data: DataOption = None, json: JsonOption = False, lang: LangOption = Lang.VI) -> None:
    """Who read data of members of a unit and below it."""
    from congdoan.consents import readings

    columns = ("unit", "on_day", "reader", "reader_role", "members_read", "reason")
    _rows(lambda to: readings(to, unit), "readings", columns, data, json, lang)


def _rows(
    ask: "Callable[[Federation], Awaitable[Sequence[Row]]]",
    name: str,
    columns: Sequence[str],
    data: Path | None,
    json: bool,
    lang: Lang,
) -> None:
    from congdoan.tables import listing

    found = _asked(ask, data, lang)
    if json:
        return _print({name: [row.document for row in found]})
    if not found:
        return _print(say("none_found", lang.value))
    return _print(listing([say(column, lang.value) for column in columns], (row.row for row in found)))


def _day(on: datetime | None) -> date:
    return on.date() if on else today()


def _kept(ask: "Callable[[Federation], Awaitable[Kept]]", data: Path | None, json: bool, lang: Lang) -> None:
    kept = _asked(ask, data, lang)
    _print(kept.document if json else say("recorded", lang.value, id=kept.id, position=kept.position))


def _listed(ask: "Callable[[Federation], Awaitable[list[Holder]]]", name: str, data: Path | None, json: bool, lang: Lang) -> None:
    from congdoan.tables import listing

    found = _asked(ask, data, lang)
    if json:
        return _print({name: [holder.document for holder in found]})
    if not found:
        return _print(say("nobody_in_office", lang.value))
    headings = [say(word, lang.value) for word in ("unit", "officer", "office", "since", "until", "held_as", "delegation")]
    return _print(listing(headings, (holder.row for holder in found)))


def _asked(ask: "Callable[[Federation], Awaitable[T]]", data: Path | None, lang: Lang) -> T:
    """What a running suite answers; the program ends when there is none, or it refuses."""
    from congdoan import access
    from congdoan.clients import connected

    async def asking() -> T:
        found = access.find(data, os.environ, lang.value)
        async with connected(found.targets, found.credentials, vouch=found.vouch) as federation:
            return await ask(federation)

    with _errors(lang):
        return asyncio.run(asking())


@contextmanager
def _errors(lang: Lang) -> Iterator[None]:
    """What went wrong, in the user's language and as an exit code."""
    from grpc import StatusCode

    from chassis.clients import Refused
    from congdoan.access import NotAllSaid
    from congdoan.catching_up import NotCaughtUp
    from congdoan.embedded import EmbeddedServerError
    from congdoan.feeding import SampleRefused
    from congdoan.issuer import NoIssuer
    from congdoan.officers import NobodyVouches, UnknownName
    from congdoan.suite import StepFailed
    from congdoan.whereabouts import NoSuite, UnsafeFolder

    try:
        yield
    except UnknownName as unknown:
        _fail(MISUSED, say("unknown_name", lang.value, known=unknown))
    except NobodyVouches:
        _fail(MISUSED, say("nobody_vouches", lang.value))
    except NotAllSaid as missing:
        _fail(MISUSED, say("not_all_said", lang.value, name=missing))
    except NoIssuer as none:
        _fail(UNAVAILABLE, say("no_issuer", lang.value, data=none))
    except NoSuite as none:
        _fail(UNAVAILABLE, say("no_suite_on", lang.value, data=none) if str(none) else say("no_suite", lang.value))
    except Refused as refused:
        if refused.transient:
            _fail(UNAVAILABLE, say("unavailable", lang.value, reason=refused.sentence))
        asked_wrongly = refused.status in (StatusCode.NOT_FOUND, StatusCode.INVALID_ARGUMENT)
        _fail(MISUSED if asked_wrongly else FAILED, say("refused", lang.value, reason=refused.sentence))
    except (EmbeddedServerError, StepFailed, SampleRefused, NotCaughtUp, UnsafeFolder) as error:
        _fail(FAILED, say("failed", lang.value, reason=error))


def _print(what: object) -> None:
    """A document for a program, or a table or sentence for people, on standard output."""
    from rich.console import Console
    from rich.markup import escape

    if isinstance(what, dict):
        from congdoan.up import print_json

        return print_json(what)
    Console(highlight=False).print(escape(what) if isinstance(what, str) else what)
    return None


def _fail(code: int, message: str) -> NoReturn:
    from rich.console import Console
    from rich.markup import escape

    Console(stderr=True, highlight=False).print(escape(message), style="red", soft_wrap=True)
    raise typer.Exit(code)


# These groups are answered by what stands above, so they come after it.
from congdoan.personal_data_commands import datarequests, erasure, holds  # noqa: E402

app.add_typer(datarequests, name="datarequests")
app.add_typer(holds, name="holds")
app.add_typer(erasure, name="erasure")


def main() -> None:
    """The program `congdoan`."""
    command = typer.main.get_command(app)
    help_texts.translate(command, help_texts.language_of(sys.argv[1:], os.environ))
    command(prog_name="congdoan")
