"""What can be typed to verify a history?

`audit verify` ends with

====  ==========================================================================
0     nothing speaks against any event that was looked at
1     something does; what, and where the first bad event is, is told
2     it was asked wrongly: an option, a key, a file that no witness keeps
3     something that was to be looked at cannot be: no server, no right, no suite
====  ==========================================================================
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from enum import StrEnum
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
    fail,
    show,
    warn,
)
from congdoan.commands.audit.group import audit
from congdoan.commands.audit.trusted import told_key, trusted_key
from congdoan.services import SERVICES
from congdoan.texts import say

if TYPE_CHECKING:
    from chassis.ledger.note import Verifier
    from congdoan.auditing.kept import WitnessFile
    from congdoan.auditing.verified import Verified
    from congdoan.auditing.verifying import Outcome, Places
    from congdoan.clients import Federation


class Source(StrEnum):
    """Where the history is read."""

    STREAM = "stream"
    STORE = "store"


@audit.command("verify")
def audit_verify(
    source: Annotated[Source, typer.Option("--from")] = Source.STREAM,
    service: Annotated[list[str] | None, typer.Option("--service")] = None,
    key: Annotated[str, typer.Option("--key")] = "",
    witness: Annotated[list[Path] | None, typer.Option("--witness")] = None,
    witness_key: Annotated[list[str] | None, typer.Option("--witness-key")] = None,
    since: Annotated[Path | None, typer.Option("--since", dir_okay=False)] = None,
    server: Annotated[str, typer.Option("--server")] = "",
    credentials: Annotated[Path | None, typer.Option("--credentials", dir_okay=False)] = None,
    store: Annotated[str, typer.Option("--store")] = "",
    offline: Annotated[bool, typer.Option("--offline")] = False,
    data: DataOption = None,
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """Compare every event with what the ledger signed, and with what witnesses kept."""
    from dataclasses import replace

    from congdoan.auditing.reading import sealed_by_audit
    from congdoan.auditing.telling import document_of
    from congdoan.auditing.verifying import Verification

    names, trusted = _services(service, lang), trusted_key(key, data, lang)
    witnesses = _witnesses(witness or (), witness_key or (), trusted, lang)
    begun = _begun(since, str(trusted), lang)
    places = _places(server, credentials, store, data, lang)
    wanted = Source.STORE if store else source

    async def verify() -> "tuple[Outcome, int | None]":
        async with _audit(offline, data, lang) as federation:
            found = replace(places, sealed=sealed_by_audit(federation)) if federation else places
            outcome = await Verification(found, trusted, witnesses, begun, progress).run(wanted.value, names)
            return outcome, await _reported(federation, outcome, lang)

    with _refusals(lang), _progress(lang) as progress:
        outcome, recorded = asyncio.run(verify())
    if since and outcome.whole:
        _keep(outcome, since, lang)
    show({**document_of(outcome, lang.value), "recorded": recorded}) if json else _tell(outcome, recorded, offline, lang)
    if not outcome.whole:
        raise typer.Exit(FAILED)


def _services(wanted: Sequence[str] | None, lang: Lang) -> Sequence[str]:
    for name in wanted or ():
        if name not in SERVICES:
            fail(MISUSED, say("unknown_service", lang.value, name=name, known=", ".join(SERVICES)))
    return wanted or SERVICES


def _witnesses(files: Sequence[Path], keys: Sequence[str], trusted: "Verifier", lang: Lang) -> "list[WitnessFile]":
    from chassis.ledger.note import NoteUnreadable
    from congdoan.auditing.kept import WitnessUnreadable, read_witness

    try:
        provinces = [told_key(key) for key in keys]
        return [read_witness(file, trusted, provinces) for file in files]
    except (NoteUnreadable, OSError, UnicodeDecodeError):
        fail(MISUSED, say("ledger_key_unreadable", lang.value))
    except WitnessUnreadable as file:
        fail(MISUSED, say("witness_unreadable", lang.value, file=file))


def _begun(since: Path | None, key: str, lang: Lang) -> "Verified":
    from congdoan.auditing.verified import Verified, VerifiedUnreadable

    try:
        return Verified.read(since, key) if since else Verified(key)
    except VerifiedUnreadable as file:
        fail(MISUSED, say("verified_unreadable", lang.value, file=file))


def _keep(outcome: "Outcome", since: Path, lang: Lang) -> None:
    try:
        outcome.verified.write(since)
    except OSError as error:
        fail(FAILED, say("failed", lang.value, reason=error))


def _places(server: str, credentials: Path | None, store: str, data: Path | None, lang: Lang) -> "Places":
    """What is told goes before what a suite of this machine has; without one, only what is told."""
    from congdoan.auditing.reading import named_store, of_suite
    from congdoan.auditing.verifying import Places
    from congdoan.provinces.hub import HubUnavailable
    from congdoan.whereabouts import NoSuite

    if server and not credentials:
        fail(MISUSED, say("auditor_key_missing", lang.value))
    told_server = (server, credentials) if server and credentials else None
    told_store = named_store(store) if store else None
    if told_server and not data:
        return Places(told_server, told_store)
    try:
        found = of_suite(data)
    except (NoSuite, HubUnavailable):
        if not told_store:
            fail(UNAVAILABLE, say("no_suite", lang.value))
        return Places(None, told_store)
    return Places(told_server or found.server, told_store or found.store)


@asynccontextmanager
async def _audit(offline: bool, data: Path | None, lang: Lang) -> "AsyncIterator[Federation | None]":
    """Audit, if it can be asked; nobody, if it is not to be, or nobody says where it is."""
    from congdoan import access
    from congdoan.clients import connected
    from congdoan.issuer import NoIssuer
    from congdoan.whereabouts import NoSuite

    try:
        found = None if offline else access.find(data, os.environ, lang.value)
    except (NoSuite, NoIssuer, access.NotAllSaid):
        found = None
    if found is None:
        yield None
        return
    async with connected(found.targets, found.credentials, vouch=found.vouch) as federation:
        yield federation.as_auditor


async def _reported(federation: "Federation | None", outcome: "Outcome", lang: Lang) -> int | None:
    """Where audit keeps that this was done; None where it does not."""
    from uuid import uuid4

    from chassis.clients import Refused
    from congdoan.auditing.telling import report

    if federation is None:
        return None
    try:
        return await report(federation, outcome, uuid4())
    except Refused as refused:
        warn(say("unavailable" if refused.transient else "refused", lang.value, reason=refused.sentence))
        return None


def _tell(outcome: "Outcome", recorded: int | None, offline: bool, lang: Lang) -> None:
    from congdoan.auditing.telling import bad_span, findings_of, met_of, rows_of
    from congdoan.tables import listing

    headings = ("service", "verify_outcome", "positions", "verify_covered", "signed_at", "verify_compared")
    show(listing([say(word, lang.value) for word in headings], rows_of(outcome, lang.value), numbers=(3, 5)))
    for found in outcome.services:
        if found.whole and found.beyond:
            show(say("verify_beyond", lang.value, service=found.name, many=found.beyond))
        if found.whole and found.checked_until:
            show(say("verify_also", lang.value, service=found.name, position=found.checked_until))
        for _, sentence in findings_of(found, lang.value):
            show(sentence)
        after, upto = bad_span(found)
        if after is not None and upto is not None:
            phrase = "verify_first_bad" if upto == after + 1 else "verify_bad_between"
            by = say("verify_by", lang.value, by=found.named_by) if found.named_by else ""
            show(say(phrase, lang.value, service=found.name, position=upto, after=after, by=by))
    for witness in outcome.witnesses:
        show(say("verify_witness", lang.value, file=witness.name, many=met_of(outcome, witness)))
        if witness.signed_by:
            show(say("verify_signed_by", lang.value, file=witness.name, provinces=", ".join(witness.signed_by)))
        if witness.unsigned:
            show(say("verify_unsigned", lang.value, file=witness.name, many=witness.unsigned))
    if outcome.ledger is None:
        show(say("verify_no_ledger", lang.value))
    typer.echo(say("verify_key", lang.value, key=outcome.key))
    told = "verify_recorded" if recorded else "verify_not_recorded"
    show(say(told, lang.value, position=recorded))


@contextmanager
def _progress(lang: Lang) -> Iterator[Callable[[str, int], None]]:
    """Tells a person at the terminal how far it is."""
    from rich.console import Console

    with Console(stderr=True).status(say("verifying", lang.value)) as status:
        yield lambda service, many: status.update(say("verifying_at", lang.value, service=service, many=many))


@contextmanager
def _refusals(lang: Lang) -> Iterator[None]:
    from congdoan.auditing.kept import WitnessUnreadable
    from congdoan.auditing.messages import StreamUnavailable
    from congdoan.auditing.verifying import StoreUnavailable

    try:
        yield
    except WitnessUnreadable as file:
        fail(MISUSED, say("witness_unreadable", lang.value, file=file))
    except (StreamUnavailable, StoreUnavailable) as error:
        fail(UNAVAILABLE, say("verify_unavailable", lang.value, reason=error))
