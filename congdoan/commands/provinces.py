"""What can be typed to let a province's system subscribe to what is its own?"""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from congdoan.commands.asking import (
    FAILED,
    MISUSED,
    UNAVAILABLE,
    VIETNAM,
    DataOption,
    JsonOption,
    Lang,
    LangOption,
    asked,
    errors,
    fail,
    show,
)
from congdoan.texts import say

if TYPE_CHECKING:
    from congdoan.clients import Federation
    from congdoan.provinces import Hub
    from congdoan.provinces.listing import Status

T = TypeVar("T")

provinces = typer.Typer(no_args_is_help=True)

MIRROR_PATIENCE_S = 60.0
CodeArgument = Annotated[str, typer.Argument()]


@provinces.command("grant")
def provinces_grant(
    code: CodeArgument,
    out: Annotated[Path, typer.Option("--out", file_okay=False)] = Path(),
    renew: Annotated[bool, typer.Option("--renew")] = False,
    data: DataOption = None,
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """Let a branch's system in: one credentials file, one page of instructions."""
    from congdoan.provinces import grant
    from congdoan.provinces.instructions import write_page

    _must_be_a_branch(code, data, lang)
    doing = grant(_hub(data, lang), code, out, renew=renew, finish=lambda made: write_page(made, lang.value))
    made = _done(doing, lang, code)
    if json:
        return show({"code": code, "account": made.account, "credentials": str(made.file), "page": str(made.page)})
    show(say("province_granted", lang.value, code=code, file=made.file, page=made.page))
    return None


@provinces.command("limit")
def provinces_limit(
    code: CodeArgument,
    connections: Annotated[int | None, typer.Option("--connections", min=1, max=1_000)] = None,
    leaf_nodes: Annotated[int | None, typer.Option("--leaf-nodes", min=0, max=100)] = None,
    subscriptions: Annotated[int | None, typer.Option("--subscriptions", min=10, max=100_000)] = None,
    consumers: Annotated[int | None, typer.Option("--consumers", min=1, max=1_000)] = None,
    bytes: Annotated[int | None, typer.Option("--bytes", min=1 << 20, max=1 << 38)] = None,
    acknowledgements: Annotated[int | None, typer.Option("--acknowledgements", min=1, max=1_000_000)] = None,
    payload: Annotated[int | None, typer.Option("--payload", min=1 << 10, max=1 << 20)] = None,
    data: DataOption = None,
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """Give a branch other limits; what is not named stays."""
    from congdoan.provinces import limit

    told = {"connections": connections, "leaf_nodes": leaf_nodes, "subscriptions": subscriptions, "consumers": consumers}
    told |= {"bytes": bytes, "acknowledgements": acknowledgements, "payload": payload}
    wanted = {name: number for name, number in told.items() if number is not None}
    limits = _done(limit(_hub(data, lang), code, wanted), lang, code)
    show({"code": code, "limits": asdict(limits)} if json else say("province_limited", lang.value, code=code))


@provinces.command("revoke")
def provinces_revoke(code: CodeArgument, data: DataOption = None, json: JsonOption = False, lang: LangOption = Lang.VI) -> None:
    """End a grant at once: open connections too, account and stream are gone."""
    from congdoan.provinces import revoke

    _done(revoke(_hub(data, lang), code), lang, code)
    show({"code": code, "revoked": True} if json else say("province_revoked", lang.value, code=code))


@provinces.command("mirror")
def provinces_mirror(
    server: Annotated[str, typer.Option("--server", envvar="CONGDOAN_LEAF_URL", show_envvar=False)],
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """Have a leaf node mirror the branch whose key it shows; may be repeated."""
    from congdoan.provinces.mirroring import mirror

    made = _done(mirror(server, MIRROR_PATIENCE_S), lang)
    show({"made": made} if json else say("province_mirrored" if made else "province_mirrored_already", lang.value))


@provinces.command("accounts")
def provinces_accounts(
    folder: Annotated[Path, typer.Argument(file_okay=False)],
    grant: Annotated[list[str] | None, typer.Option("--grant")] = None,
    renew: Annotated[bool, typer.Option("--renew")] = False,
    revoke: Annotated[list[str] | None, typer.Option("--revoke")] = None,
    forget: Annotated[list[str] | None, typer.Option("--forget")] = None,
    admit: Annotated[list[str] | None, typer.Option("--admit")] = None,
    dismiss: Annotated[list[str] | None, typer.Option("--dismiss")] = None,
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """What NATS on a cluster is told of provinces and auditors: files for the operator to put there."""
    from congdoan.provinces import accounts

    now = datetime.now(UTC)
    with errors(lang), _refusals(lang):
        handed = [accounts.grant(folder, code, now, renew=renew) for code in grant or ()]
        handed += [accounts.admit(folder, name, now, renew=renew) for name in admit or ()]
        for code in revoke or ():
            accounts.revoke(folder, code)
        for code in forget or ():
            accounts.forget(folder, code)
        for name in dismiss or ():
            accounts.dismiss(folder, name)
        written = accounts.write(folder)
    handed = [file for file in handed if file.exists()]
    if json:
        return show({"written": [str(file) for file in written], "credentials": [str(file) for file in handed]})
    for file in handed:
        show(say("credentials_written", lang.value, file=file))
    show(say("accounts_written", lang.value, files=", ".join(str(file) for file in written)))
    return None


@provinces.command("streams")
def provinces_streams(
    codes: Annotated[list[str], typer.Argument()],
    server: Annotated[str, typer.Option("--server", envvar="CONGDOAN_NATS_URL", show_envvar=False)],
    remove: Annotated[bool, typer.Option("--remove")] = False,
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """Make the streams of granted branches at the NATS of a cluster, or take them away; may be repeated."""
    from congdoan.provinces import branch_streams
    from congdoan.provinces.hub import connected

    async def do() -> None:
        async with connected(server) as client:
            for code in codes:
                await (branch_streams.remove if remove else branch_streams.make)(client, code)

    _done(do(), lang)
    word = "branches_removed" if remove else "branches_made"
    show({"codes": codes, "removed": remove} if json else say(word, lang.value, codes=", ".join(codes)))


@provinces.command("reload")
def provinces_reload(
    server: Annotated[str, typer.Option("--server", envvar="CONGDOAN_NATS_SYSTEM_URL", show_envvar=False)],
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """Have every NATS server of a cluster read its configuration and certificate."""
    from congdoan.provinces.hub import connected, reload, server_ids

    async def do() -> int:
        async with connected(server) as system:
            servers = await server_ids(system)
            for each in servers:
                await reload(system, each)
        return len(servers)

    count = _done(do(), lang)
    show({"servers": count} if json else say("servers_reloaded", lang.value, count=count))


@provinces.command("list")
def provinces_list(data: DataOption = None, json: JsonOption = False, lang: LangOption = Lang.VI) -> None:
    """Every granted branch: who is there, when last, and how far behind."""
    from congdoan.provinces.listing import statuses
    from congdoan.tables import listing

    hub = _hub(data, lang)

    async def ask() -> "list[Status]":
        return [status async for status in statuses(hub)]

    found = _done(ask(), lang)
    if json:
        return show({"provinces": [status.document for status in found]})
    if not found:
        return show(say("none_found", lang.value))
    words = ("branch", "granted_at", "connections", "leaf_nodes", "last_contact", "behind", "lag")
    show(listing([say(word, lang.value) for word in words], map(_row, found), numbers=(2, 3, 5, 6)))
    for status in found:
        if not status.complete:
            show(say("unfinished", lang.value, code=status.code))
    return None


def _row(status: "Status") -> tuple[object, ...]:
    def told(value: object) -> object:
        return "–" if value is None else value

    last = status.last_contact.astimezone(VIETNAM).strftime("%Y-%m-%d %H:%M") if status.last_contact else None
    there = (status.connections, status.leaf_nodes, told(last))
    return status.code, status.since.astimezone(VIETNAM).date(), *there, status.behind, told(status.lag)


def _must_be_a_branch(code: str, data: Path | None, lang: Lang) -> None:
    async def ask(federation: "Federation") -> str:
        return str((await federation.call("membership", "GetUnit", {"unit": code})).branch)

    if asked(ask, data, lang) != code:
        fail(MISUSED, say("not_a_branch", lang.value, code=code))


def _hub(data: Path | None, lang: Lang) -> "Hub":
    from congdoan import whereabouts
    from congdoan.provinces import Hub

    with errors(lang), _refusals(lang):
        return Hub.found(Path(whereabouts.find(data.resolve() if data else None).run))


def _done(doing: "Coroutine[Any, Any, T]", lang: Lang, code: str = "") -> T:
    with errors(lang), _refusals(lang, code):
        return asyncio.run(doing)


@contextmanager
def _refusals(lang: Lang, code: str = "") -> Iterator[None]:
    from chassis.streams import JetStreamError
    from congdoan.provinces import accounts, auditors, granting
    from congdoan.provinces.hub import HubUnavailable

    try:
        yield
    except granting.AlreadyGranted:
        fail(MISUSED, say("already_granted", lang.value, code=code))
    except (granting.NotGranted, granting.NoCode):
        fail(MISUSED, say("not_granted", lang.value))
    except accounts.NotAnAuditor:
        fail(MISUSED, say("not_an_auditor", lang.value))
    except auditors.NoAuditorName:
        fail(MISUSED, say("no_auditor_name", lang.value))
    except (granting.CredentialsInTheWay, auditors.KeyInTheWay) as file:
        fail(MISUSED, say("credentials_in_the_way", lang.value, file=file))
    except HubUnavailable as error:
        fail(UNAVAILABLE, say("hub_unavailable", lang.value, reason=error))
    except (JetStreamError, OSError) as error:
        fail(FAILED, say("failed", lang.value, reason=error))
