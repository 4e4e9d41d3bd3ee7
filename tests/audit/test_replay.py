"""What of a replay is pure: which persons an event names, what is read at once, in which order a story is told, what is kept."""

from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from audit.domain.replay import RecordReplay
from audit.domain.subject import persons_in
from audit.history import MAX_BATCH, PASSED_OVER, runs
from chassis.commands import parse
from chassis.recorded import Actor, Metadata, RecordedEvent
from chassis.refusals import Invalid
from congdoan.auditing.exporting import FileThere, OtherReplay, Place
from congdoan.auditing.formats import Format
from congdoan.auditing.replaying import COLUMNS, Page, Told, line
from congdoan.auditing.timeline import in_order
from membership.events import UnitRenamed

AT = datetime(2026, 1, 15, 2, 30, tzinfo=UTC)
ONE, OTHER = UUID(int=1), UUID(int=2)


def told(service: str, position: int, seconds: float, cause: str = "", body: bytes | None = None) -> Told:
    """An event that was recorded so long after the first."""
    known = UnitRenamed(unit="so-y-te", on=AT.date(), name="Công đoàn Sở Y tế", former_name="Sở Y tế").encode()
    actor = Actor("officer-1", "service" if cause else "federation_officer", "")
    metadata = Metadata("so-y-te", AT.date(), actor, uuid4(), "chain", cause or "chain", f"00-{position:032x}-{1:016x}-01")
    at = AT + timedelta(seconds=seconds)
    topic = "membership.unit_renamed"
    return Told(
        RecordedEvent(service, position, ONE, position, topic, body or known, metadata.encode(), "vinh-phuc", position, at)
    )


@pytest.mark.parametrize(
    ("fields", "persons"),
    [
        ({"member_id": str(ONE), "unit": "so-y-te"}, {ONE}),
        ({"member_ids": [str(ONE), str(OTHER)], "member_id": None}, {ONE, OTHER}),
        ({"person_id": str(ONE), "guardian_id": str(OTHER)}, {ONE, OTHER}),
        ({"recipient": str(ONE)}, {ONE}),
        ({"recipient": "so-y-te", "request_id": str(OTHER)}, set()),
        ({"member_id": 7, "member_ids": "all"}, set()),
        ([str(ONE)], set()),
    ],
)
def test_the_persons_of_an_event_are_those_its_fields_name(fields: Any, persons: set[UUID]) -> None:
    assert persons_in(orjson.dumps(fields)) == persons
    assert persons_in(b"no json") == frozenset()


def test_every_position_is_read_in_runs_that_are_no_longer_than_a_batch() -> None:
    chance = Random(7)
    for share in (1.0, 0.5, 0.05):
        wanted = [position for position in range(1, 3_000) if chance.random() < share]
        found = runs(wanted)
        assert [position for run in found for position in run if position in set(wanted)] == wanted
        assert all(len(run) <= MAX_BATCH for run in found)
        assert sum(map(len, found)) <= len(wanted) * (PASSED_OVER + 1)
    assert runs([]) == []
    assert runs(range(1, 11)) == [range(1, 11)]


async def streamed(events: Iterable[Told]) -> AsyncIterator[Told]:
    for one in sorted(events, key=lambda one: one.event.recorded_at):
        yield one


async def story(*events: Told, looked_ahead: int = 100) -> list[str]:
    return [one.event.id async for one in in_order(streamed(events), looked_ahead)]


async def test_a_story_goes_by_recorded_time_but_never_tells_an_effect_before_its_cause() -> None:
    cause, effect = told("membership", 4, seconds=9), told("welfare", 7, seconds=1, cause="membership/4")
    before, between = told("membership", 3, seconds=0), told("awards", 1, seconds=5)
    assert await story(cause, effect, before, between) == ["membership/3", "awards/1", "membership/4", "welfare/7"]


async def test_a_clock_that_was_set_back_changes_no_order_within_a_service() -> None:
    events = [told("membership", position, seconds=10 - position) for position in range(1, 6)]
    expected = ["awards/1", *(f"membership/{position}" for position in range(1, 6))]
    assert await story(*events, told("awards", 1, seconds=5.5)) == expected


async def test_events_that_claim_to_wait_for_each_other_are_told_all_the_same() -> None:
    events = told("membership", 1, 1, cause="welfare/1"), told("welfare", 1, 2, cause="membership/1")
    assert await story(*events) == ["membership/1", "welfare/1"]


def test_a_row_has_every_column_and_its_line_the_body_byte_for_byte() -> None:
    one = told("membership", 3, 0)
    row = one.row("vi")
    assert tuple(row) == COLUMNS
    assert one.event.body in line(row)
    assert (row["words"], row["name"], row["trace_id"]) == (one.event.event.in_words("vi"), "Đổi tên đơn vị", f"{3:032x}")
    unreadable = told("membership", 4, 0, body=b'{"schema_version":99}').row("en")
    assert unreadable["words"] == "This program cannot read an event of the type membership.unit_renamed."
    assert orjson.loads(line(told("membership", 4, 0, body=b"{").row("en")))["body"] == "{"


EVENTS = [told("membership", position, position) for position in range(1, 11)]


async def interrupted(after: str, at: int = 10) -> AsyncIterator[Page]:
    """Pages of two events each, until something happens."""
    for start in range(int(after or "0"), 10, 2):
        if start == at:
            raise ConnectionError
        yield Page(EVENTS[start : start + 2], str(start + 2) if start < 8 else "")


def place(file: Path, format: Format = Format.JSONL, reason: str = "quý IV") -> Place:
    return Place.find(file, format, "vi", {"reason": reason, "member_id": ONE})


async def whole(file: Path, format: Format) -> bytes:
    """What is written without any interruption."""
    await place(file, format).write(interrupted, lambda page: None)
    return file.read_bytes()


@pytest.mark.parametrize("format", [Format.JSONL, Format.CSV])
@pytest.mark.parametrize("at", [0, 2, 8])
async def test_a_file_that_was_interrupted_goes_on_and_is_as_if_nothing_had_happened(
    tmp_path: Path, format: Format, at: int
) -> None:
    file, expected = tmp_path / "replay", await whole(tmp_path / "whole", format)
    first = place(file, format)
    with pytest.raises(ConnectionError):
        await first.write(lambda after: interrupted(after, at), lambda page: None)
    assert not file.exists()
    with (tmp_path / "replay.part").open("ab") as part:
        part.write(b"half a li")  # what was on its way when it ended

    again = place(file, format)
    assert (again.command_id, again.events) == (first.command_id, at)
    await again.write(interrupted, lambda page: None)

    assert file.read_bytes() == expected
    assert sorted(path.name for path in tmp_path.iterdir()) == ["replay", "whole"]


async def test_parquet_holds_every_row_once(tmp_path: Path) -> None:
    from pyarrow import parquet

    file = tmp_path / "replay.parquet"
    with pytest.raises(ConnectionError):
        await place(file, Format.PARQUET).write(lambda after: interrupted(after, 6), lambda page: None)
    await place(file, Format.PARQUET).write(interrupted, lambda page: None)

    assert parquet.read_table(file).to_pylist() == [one.row("vi") for one in EVENTS]
    assert [path.name for path in tmp_path.iterdir()] == ["replay.parquet"]


async def test_nothing_is_written_over_and_no_other_replay_is_gone_on_with(tmp_path: Path) -> None:
    file = tmp_path / "replay.jsonl"
    with pytest.raises(ConnectionError):
        await place(file).write(lambda after: interrupted(after, 4), lambda page: None)
    for other in ({"reason": "quý III"}, {"format": Format.CSV}):
        with pytest.raises(OtherReplay):
            place(file, **other)
    await place(file).write(interrupted, lambda page: None)
    with pytest.raises(FileThere):
        place(file)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"reason": "x" * 201}, "reason"),
        ({"recorded_from": "yesterday"}, "recorded_from"),
        ({"recorded_from": "2026-01-31T00:00:00"}, "recorded_from"),
        ({"effective_to": "31/12/2024"}, "effective_to"),
        ({"member_id": "me"}, "member_id"),
        ({"of_unit": "Sở Y tế"}, "of_unit"),
        ({"effective_from": "2024-02-01", "effective_to": "2024-01-01"}, "request"),
    ],
)
def test_a_filter_that_makes_no_sense_is_refused_by_its_field(fields: dict[str, Any], field: str) -> None:
    reader = {"unit": "", "reader": "auditor-1", "reader_role": "auditor", "on": "2026-01-15", "reason": "x", "cut": ()}
    with pytest.raises(Invalid) as caught:
        parse(RecordReplay, {"command_id": str(ONE), **reader, **fields})
    assert caught.value.field == field
