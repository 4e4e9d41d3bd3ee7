"""What can be typed to let an auditor read the streams and the stores, and nothing else?"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from congdoan.commands.asking import (
    FAILED,
    MISUSED,
    UNAVAILABLE,
    DataOption,
    JsonOption,
    Lang,
    LangOption,
    errors,
    fail,
    show,
)
from congdoan.commands.audit.group import audit
from congdoan.texts import say

if TYPE_CHECKING:
    from congdoan.provinces import Hub


@audit.command("grant")
def audit_grant(
    name: Annotated[str, typer.Argument()],
    out: Annotated[Path, typer.Option("--out", dir_okay=False)],
    data: DataOption = None,
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """Let an auditor elsewhere read the streams: a key, in a file of its own."""
    from congdoan.provinces.admitting import admit

    hub = _hub(data, lang)
    with _granting(lang):
        admitted = asyncio.run(admit(hub, name, out))
    told = {"name": name, "account": admitted.account, "credentials": str(out), "server": f"nats://{hub.address}"}
    show(told if json else say("auditor_granted", lang.value, name=name, file=out, server=told["server"]))


@audit.command("revoke")
def audit_revoke(
    name: Annotated[str, typer.Argument()], data: DataOption = None, json: JsonOption = False, lang: LangOption = Lang.VI
) -> None:
    """Let an auditor read the streams no more, at once."""
    from congdoan.provinces.admitting import dismiss

    with _granting(lang):
        asyncio.run(dismiss(_hub(data, lang), name))
    show({"name": name, "revoked": True} if json else say("auditor_revoked", lang.value, name=name))


@audit.command("role")
def audit_role() -> None:
    """The statements that let an auditor read an event store, for the owner of its database."""
    from congdoan.auditing.roles import reading_rights

    typer.echo(reading_rights(), nl=False)


def _hub(data: Path | None, lang: Lang) -> "Hub":
    from congdoan import whereabouts
    from congdoan.provinces import Hub

    with errors(lang), _granting(lang):
        return Hub.found(Path(whereabouts.find(data.resolve() if data else None).run))


@contextmanager
def _granting(lang: Lang) -> Iterator[None]:
    from congdoan.provinces.admitting import NotAdmitted
    from congdoan.provinces.auditors import KeyInTheWay, NoAuditorName
    from congdoan.provinces.hub import HubUnavailable

    try:
        yield
    except NoAuditorName:
        fail(MISUSED, say("no_auditor_name", lang.value))
    except NotAdmitted:
        fail(MISUSED, say("not_an_auditor", lang.value))
    except KeyInTheWay as file:
        fail(MISUSED, say("credentials_in_the_way", lang.value, file=file))
    except HubUnavailable as error:
        fail(UNAVAILABLE, say("hub_unavailable", lang.value, reason=error))
    except OSError as error:
        fail(FAILED, say("failed", lang.value, reason=error))
