"""What can be typed to have the history told again: every event that matches, as a file; or one story, in words?

Both are recorded, with their reason, before anything is told.
"""

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID, uuid4

import typer

from congdoan.auditing.formats import Format
from congdoan.commands.asking import (
    FAILED,
    MISUSED,
    VIETNAM,
    DataOption,
    JsonOption,
    Lang,
    LangOption,
    asked,
    fail,
    show,
)
from congdoan.commands.audit.cuts import CutOption, chosen
from congdoan.commands.audit.group import audit
from congdoan.texts import say

if TYPE_CHECKING:
    from congdoan.auditing.replaying import Asked, Begun, Page
    from congdoan.clients import Federation

EffectiveOption = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"])]
ReasonOption = Annotated[str, typer.Option("--reason")]


@audit.command("replay")
def audit_replay(
    reason: ReasonOption = "",
    recorded_from: Annotated[str, typer.Option("--recorded-from")] = "",
    recorded_to: Annotated[str, typer.Option("--recorded-to")] = "",
    effective_from: EffectiveOption = None,
    effective_to: EffectiveOption = None,
    branch: Annotated[str, typer.Option("--branch")] = "",
    unit: Annotated[str, typer.Option("--unit")] = "",
    member: Annotated[UUID | None, typer.Option("--member")] = None,
    service: Annotated[list[str] | None, typer.Option("--service")] = None,
    event: Annotated[list[str] | None, typer.Option("--event")] = None,
    command: Annotated[UUID | None, typer.Option("--command")] = None,
    actor: Annotated[str, typer.Option("--actor")] = "",
    correlation: Annotated[str, typer.Option("--correlation")] = "",
    cut: CutOption = "",
    format: Annotated[Format | None, typer.Option("--format")] = None,
    out: Annotated[Path | None, typer.Option("--out", dir_okay=False)] = None,
    data: DataOption = None,
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """Every event that matches, one a row; interrupted, the same command completes the file."""
    from congdoan.auditing.replaying import Asked

    wanted = Asked(
        reason or say("replay_reason", lang.value),
        {
            "recorded_from": _time(recorded_from, "--recorded-from", lang),
            "recorded_before": _time(recorded_to, "--recorded-to", lang, after_day=True),
            "effective_from": _day(effective_from),
            "effective_to": _day(effective_to),
            "branch": branch,
            "of_unit": unit,
            "member_id": member,
            "services": service or [],
            "topics": [_topic(name, lang) for name in event or []],
            "of_command": command,
            "actor": actor,
            "correlation": correlation,
            "cut": chosen(cut, "", lang) if cut else None,
        },
    )
    if out is None:
        return _stream(wanted, format or Format.JSONL, data, lang)
    return _write(wanted, out, format or Format.of(out), data, json, lang)


@audit.command("timeline")
def audit_timeline(
    reason: ReasonOption = "",
    member: Annotated[UUID | None, typer.Option("--member")] = None,
    unit: Annotated[str, typer.Option("--unit")] = "",
    cut: CutOption = "",
    data: DataOption = None,
    json: JsonOption = False,
    lang: LangOption = Lang.VI,
) -> None:
    """The story of a member, or of a unit with its subtree, across services: each event after what led to it."""
    from congdoan.auditing.replaying import Asked, Told, begin, line, pages
    from congdoan.auditing.timeline import in_order, paragraph

    if (member is None) == (not unit):
        fail(MISUSED, say("member_or_unit", lang.value))
    wanted = Asked(
        reason or say("replay_reason", lang.value),
        {"member_id": member, "of_unit": unit, "cut": chosen(cut, "", lang) if cut else None},
    )

    async def tell(federation: "Federation") -> int:
        begun = await begin(federation, wanted, uuid4())

        async def events() -> AsyncIterator[Told]:
            async for page in pages(federation, begun):
                for told in page.events:
                    yield told

        many = 0
        async for told in in_order(events()):
            many += 1
            _put(line(told.row(lang.value)) if json else paragraph(told, lang.value).encode())
        sys.stdout.flush()
        return many

    if not asked(tell, data, lang):
        typer.echo(say("none_found", lang.value), err=True)


def _stream(wanted: "Asked", format: Format, data: Path | None, lang: Lang) -> None:
    """The rows on standard output."""
    from congdoan.auditing.exporting import heading, rows_of
    from congdoan.auditing.replaying import begin, pages

    if format is Format.PARQUET:
        fail(MISUSED, say("parquet_needs_a_file", lang.value))

    async def tell(federation: "Federation") -> "tuple[Begun, int]":
        begun, many = await begin(federation, wanted, uuid4()), 0
        if format is Format.CSV:
            _put(heading())
        with _progress(wanted, begun, 0) as told:
            async for page in pages(federation, begun):
                _put(b"".join(rows_of(page.events, format, lang.value)))
                many += len(page.events)
                told(page)
        return begun, many

    begun, many = asked(tell, data, lang)
    sys.stdout.flush()
    typer.echo(say("history_replayed", lang.value, events=many, cut=begun.cut, replay=begun.replay_id), err=True)


def _write(wanted: "Asked", out: Path, format: Format, data: Path | None, json: bool, lang: Lang) -> None:
    """The rows in a file."""
    from congdoan.auditing.exporting import FileThere, OtherReplay, Place
    from congdoan.auditing.replaying import begin, pages

    async def write(federation: "Federation") -> "Begun":
        begun = await begin(federation, wanted, place.command_id)
        with _progress(wanted, begun, place.events) as told:
            await place.write(lambda after: pages(federation, begun, after), told)
        return begun

    try:
        place = Place.find(out, format, lang.value, {"reason": wanted.reason, **wanted.filter})
        begun = asked(write, data, lang)
    except FileThere as there:
        fail(MISUSED, say("file_there", lang.value, file=there))
    except OtherReplay as other:
        fail(MISUSED, say("other_replay", lang.value, file=other))
    except OSError as error:
        fail(FAILED, say("failed", lang.value, reason=error.strerror or type(error).__name__))
    if json:
        return show({"replay_id": begun.replay_id, "cut": begun.cut, "events": place.events, "file": str(out)})
    show(say("history_replayed", lang.value, events=place.events, cut=begun.cut, replay=begun.replay_id))
    return show(say("written_to", lang.value, file=out))


@contextmanager
def _progress(wanted: "Asked", begun: "Begun", before: int) -> "Iterator[Callable[[Page], None]]":
    """How many events came, and until when they were recorded: on the terminal alone, beside what is told."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=begun.events if wanted.is_everything else None, completed=before)

        def told(page: "Page") -> None:
            last = f"{page.events[-1].event.recorded_at:%Y-%m-%d %H:%M}" if page.events else ""
            progress.update(task, advance=len(page.events), description=last)

        yield told


def _put(content: bytes) -> None:
    sys.stdout.buffer.write(content)


def _day(day: datetime | None) -> date | None:
    return day.date() if day else None


def _time(text: str, option: str, lang: Lang, *, after_day: bool = False) -> datetime | None:
    """A time, or a day in Vietnam: its beginning, or its end."""
    if not text:
        return None
    try:
        if len(text) == len("2026-01-31"):
            day = date.fromisoformat(text) + timedelta(days=after_day)
            return datetime.combine(day, time(), VIETNAM)
        found = datetime.fromisoformat(text)
    except ValueError:
        fail(MISUSED, say("no_time", lang.value, option=option))
    return found if found.tzinfo else found.replace(tzinfo=VIETNAM)


def _topic(name: str, lang: Lang) -> str:
    """The topic of an event by its name, or by all of it."""
    import congdoan.event_contract  # noqa: F401 - knows every service's events
    from chassis.events import TOPICS

    found = [topic for topic in TOPICS if name in (topic, topic.partition(".")[2])]
    return found[0] if len(found) == 1 else fail(MISUSED, say("unknown_event", lang.value, name=name))
