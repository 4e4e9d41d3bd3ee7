"""The history told again over gRPC and by the command line: by any filter, to the end of its cut, and never unrecorded."""

import asyncio
import csv
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import nats
import psycopg
import pytest
import pytest_asyncio
from grpc import StatusCode
from nats.aio.client import Client

from audit.domain.cut import Cut
from audit.domain.subject import persons_in
from audit.events import HistoryReplayed
from audit.read_models.index import Filter, by_index, statement
from audit.rpc import REPLAY
from audit.wiring import FOLLOWED, Audit, real
from chassis.clients import Refused, RpcClient
from chassis.cloudevents import headers_of, recorded_event, subject_of
from chassis.recorded import Actor, Metadata, RecordedEvent
from chassis.security import Caller, Role
from chassis.streams import set_up, stream_name
from congdoan.clients import request_of
from congdoan.embedded import EmbeddedPostgres
from tests import identities
from tests.audit.notary import on_stream
from tests.audit.plain_counting import established_by, lies_under
from tests.audit.test_tables import drawn
from tests.databases import fresh_database
from tests.issuing import token_of
from tests.serving import a_nats_of_its_own, credentials, running, settings_of, target_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

AUDITOR, OTHER = (Caller(name, Role.AUDITOR, "", "en") for name in ("auditor-1", "auditor-2"))
OFFICERS = [
    Caller("officer-1", Role.FEDERATION_OFFICER, "tld", "en"),
    Caller("officer-2", Role.PROVINCE_OFFICER, "vinh-phuc", "en"),
]
PATIENCE_S = 60.0
COMMAND = "import congdoan.auditing.replaying as r; r.PAGE = 5; from congdoan.cli import main; main()"
"""The command line, with pages so small that it takes its time."""


def history(chance: Random) -> list[RecordedEvent]:
    """A history in which several act, by commands and in chains, and events lead to events."""
    found: list[RecordedEvent] = []
    for event in drawn(chance, 500).events:
        cause = chance.choice(found) if found and chance.random() < 0.3 else None
        actor = Actor("welfare", "service", "") if cause else Actor(chance.choice(("an", "bình")), "province_officer", "ha-noi")
        chain = f"chain-{chance.randrange(20)}"
        led = cause.id if cause else chain
        metadata = Metadata(event.metadata.unit, event.metadata.effective, actor, uuid4(), chain, led)
        # Clocks are no better than they are: some events share their time, and some come before earlier ones.
        at = event.recorded_at.replace(microsecond=0) + timedelta(milliseconds=chance.randrange(1_000))
        found.append(replace(event, metadata_json=metadata.encode(), recorded_at=at))
    return found


HISTORY = history(Random(31))


@dataclass
class Hall:
    """Audit beside the streams of four services that are not there; they hold `HISTORY`."""

    service: Audit
    bus: Client

    async def publish(self, events: Sequence[RecordedEvent]) -> None:
        js = self.bus.jetstream()
        for event in events:
            await js.publish(subject_of(event.service, event.branch, event.topic), event.body, headers=headers_of(event))

    async def ask(self, rpc: str, caller: Caller = AUDITOR, **fields: Any) -> Any:
        client = RpcClient(target_of(self.service), REPLAY, credentials(caller))
        try:
            return await client.call(rpc, request_of(REPLAY, rpc, fields), timeout_s=PATIENCE_S)
        finally:
            await client.close()

    async def begin(self, **asked: Any) -> Any:
        return await self.ask("BeginReplay", **{"command_id": uuid4(), "reason": "Kiểm toán", **asked})

    async def told(self, replay_id: str, size: int = 100) -> tuple[list[Any], list[Any]]:
        """Every event of a replay, and every cause, page by page."""
        found: tuple[list[Any], list[Any]] = ([], [])
        after = ""
        while True:
            page = await self.ask("ListReplay", replay_id=replay_id, page={"size": size, "after": after})
            found[0].extend(page.events)
            found[1].extend(page.causes)
            if not (after := page.next):
                return found

    def command_line(self, caller: Caller) -> dict[str, str]:
        """The environment in which the command line asks this audit."""
        targets = {f"CONGDOAN_{name.upper()}_TARGET": target_of(self.service) for name in FOLLOWED}
        shown = {"CONGDOAN_TOKEN": token_of(caller), "CONGDOAN_TLS_AUTHORITY_FILE": str(identities.authority_file())}
        return {**os.environ, **targets, **shown, "PYTHONPATH": os.pathsep.join(sys.path), "CONGDOAN_LANG": "en"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hall(postgres: EmbeddedPostgres) -> AsyncIterator[Hall]:
    with a_nats_of_its_own() as server, fresh_database(postgres) as database:
        await set_up(server.url, FOLLOWED)
        further = {"membership_target": "127.0.0.1:1", "checkpoint_interval_s": 0.05}
        bus = await nats.connect(server.url)
        async with running(real(settings_of("audit", database, server.url, **further))) as service:
            assert isinstance(service, Audit)
            here = Hall(service, bus)
            await here.publish(HISTORY)
            await heard(here)
            yield here
        await bus.close()


async def heard(hall: Hall) -> None:
    """Wait until audit has sealed all of it."""
    whole = {service: sum(event.service == service for event in HISTORY) for service in FOLLOWED if service != "audit"}
    async with asyncio.timeout(PATIENCE_S):
        while Cut.parse((await hall.begin(services=["audit"])).cut).positions.items() < whole.items():
            await asyncio.sleep(0.05)


def in_order(events: Sequence[RecordedEvent]) -> list[str]:
    return [event.id for event in sorted(events, key=lambda event: (event.recorded_at, event.service, event.position))]


Matches = Callable[[RecordedEvent], bool]
FIRST, LAST = HISTORY[len(HISTORY) // 4].recorded_at, HISTORY[-50].recorded_at
DAY = HISTORY[100].metadata.effective
UNITS = sorted({event.metadata.unit for event in HISTORY})
MEMBER = next(person for event in HISTORY if event.topic == "welfare.gift_distributed" for person in persons_in(event.body))
TOPICS = ["membership.member_joined", "welfare.gift_distributed"]
ONE = HISTORY[200]
FILTERS: dict[str, tuple[dict[str, Any], Matches]] = {
    "recorded": (
        {"recorded_from": FIRST, "recorded_before": LAST},
        lambda event: FIRST <= event.recorded_at < LAST,
    ),
    "effective": (
        {"effective_from": DAY, "effective_to": DAY + timedelta(days=90)},
        lambda event: DAY <= event.metadata.effective <= DAY + timedelta(days=90),
    ),
    "effective from": ({"effective_from": DAY}, lambda event: event.metadata.effective >= DAY),
    "branch": ({"branch": "ha-noi"}, lambda event: event.branch == "ha-noi"),
    "member": ({"member_id": MEMBER}, lambda event: MEMBER in persons_in(event.body)),
    "services": ({"services": ["welfare", "awards"]}, lambda event: event.service in ("welfare", "awards")),
    "types": ({"topics": TOPICS}, lambda event: event.topic in TOPICS),
    "command": ({"of_command": ONE.metadata.command_id}, lambda event: event is ONE),
    "actor": ({"actor": "bình"}, lambda event: event.metadata.actor.id == "bình"),
    "correlation": ({"correlation": "chain-7"}, lambda event: event.metadata.correlation_id == "chain-7"),
    "several": (
        {"actor": "an", "branch": "national", "topics": TOPICS, "recorded_from": FIRST},
        lambda event: (
            event.metadata.actor.id == "an"
            and event.branch == "national"
            and event.topic in TOPICS
            and event.recorded_at >= FIRST
        ),
    ),
    "nothing": ({"actor": "nobody"}, lambda event: False),
}


@pytest.mark.parametrize("name", FILTERS)
async def test_a_replay_is_what_matches_by_recorded_time_page_by_page(hall: Hall, name: str) -> None:
    asked, matches = FILTERS[name]
    begun = await hall.begin(**asked)
    events, _ = await hall.told(begun.replay_id, size=37)
    # What audit itself recorded meanwhile is no part of this; the filters by service say so themselves.
    ids = [f"{event.service}/{event.position}" for event in events if event.service != "audit"]
    assert ids == in_order([event for event in HISTORY if matches(event)])


@pytest.mark.parametrize("name", FILTERS)
async def test_a_page_is_found_by_indexes_alone(hall: Hall, name: str) -> None:
    asked = dict(FILTERS[name][0])
    cut = dict.fromkeys(asked.pop("services", FOLLOWED), 10000)
    after = (FIRST, "membership", 1)
    query, values = statement(Filter(cut, **asked), after, 100)
    async with hall.service.pool.connection() as connection, connection.transaction():
        await by_index(connection)
        rows: Any = await (await connection.execute(f"explain {query}".encode(), values)).fetchall()
    plan = "\n".join(line for (line,) in rows)
    assert "Index Only Scan" in plan or "Index Scan" in plan
    assert not [bad for bad in ("Seq Scan", "Materialize", "Hash", "Bitmap") if bad in plan], plan


async def test_a_unit_is_asked_for_with_everything_that_lies_below_it_today(hall: Hall) -> None:
    told, today = [event.event for event in HISTORY], date.today()
    there = established_by(told, today)
    top = max(there, key=lambda code: (1 < sum(lies_under(told, unit, code, today, there) for unit in UNITS) < len(UNITS), code))
    below = {unit for unit in UNITS if lies_under(told, unit, top, today, there)}
    assert len(below) > 1

    events, _ = await hall.told((await hall.begin(of_unit=top)).replay_id)
    ids = [f"{event.service}/{event.position}" for event in events]
    assert ids == in_order([event for event in HISTORY if event.metadata.unit in below])


async def test_every_event_comes_byte_for_byte_with_what_led_to_it(hall: Hall) -> None:
    by_id = {event.id: event for event in HISTORY}
    events, causes = await hall.told((await hall.begin(topics=TOPICS)).replay_id)
    assert events
    assert causes
    for one in (*events, *causes):
        event = by_id[f"{one.service}/{one.position}"]
        assert (one.body, one.metadata, one.version, one.topic) == (event.body, event.metadata_json, event.version, event.topic)
    told = {f"{one.service}/{one.position}" for one in (*events, *causes)}
    led = {by_id[f"{one.service}/{one.position}"].metadata for one in events}
    assert {metadata.causation_id for metadata in led if metadata.actor.role == "service"} <= told


async def test_beginning_is_recorded_sealed_and_the_same_when_repeated(hall: Hall) -> None:
    asked: dict[str, Any] = {"command_id": uuid4(), "reason": "Kiểm toán quý IV", "branch": "vinh-phuc", "actor": "an"}
    begun = await hall.ask("BeginReplay", **asked)
    assert await hall.ask("BeginReplay", **asked) == begun

    async with asyncio.timeout(PATIENCE_S):
        while not any(
            one.service == "audit" and int(one.note.split(b"\n")[1]) >= begun.position for one in await on_stream(hall.bus)
        ):
            await asyncio.sleep(0.05)
    found = await hall.bus.jetstream().get_msg(stream_name("audit"), seq=begun.position)
    recorded = recorded_event(found.subject or "", found.headers, found.data or b"", begun.position)
    assert isinstance(recorded.event, HistoryReplayed)
    assert (recorded.event.reader, recorded.event.reader_role, recorded.event.reason) == ("auditor-1", "auditor", asked["reason"])
    assert (recorded.event.branch, recorded.event.actor, recorded.branch) == ("vinh-phuc", "an", "national")
    assert str(Cut.of({part.service: part.position for part in recorded.event.cut})) == begun.cut
    assert recorded.metadata.actor.id == "auditor-1"

    with pytest.raises(Refused) as caught:
        await hall.ask("BeginReplay", **{**asked, "actor": "bình"})
    assert caught.value.rule == "CommandIdReused"


async def test_what_is_recorded_after_the_cut_is_not_in_the_replay(hall: Hall) -> None:
    begun = await hall.begin(services=["audit"])
    before, _ = await hall.told(begun.replay_id)
    await hall.begin(services=["audit"])
    again = await hall.begin(services=["audit"])
    assert await hall.told(begun.replay_id) == (before, [])
    events, _ = await hall.told(again.replay_id)
    heard = Cut.parse(again.cut)["audit"]
    assert [event.position for event in events] == list(range(1, heard + 1))
    assert len(before) < heard < again.position


async def test_a_replay_goes_to_the_cut_that_is_asked_for(hall: Hall) -> None:
    until = HISTORY[len(HISTORY) // 2].recorded_at
    begun = await hall.begin(cut={"name": "", "vector": "", "recorded_by": until.isoformat()})
    events, _ = await hall.told(begun.replay_id)
    cut = Cut.parse(begun.cut)
    assert 0 < cut["membership"] < sum(event.service == "membership" for event in HISTORY)
    inside = [event for event in HISTORY if event.position <= cut[event.service]]
    assert [f"{event.service}/{event.position}" for event in events] == in_order(inside)
    assert all(event.recorded_at <= until for event in inside)


async def test_a_replay_is_for_an_auditor_and_for_whoever_began_it(hall: Hall) -> None:
    begun = await hall.begin()
    for officer in OFFICERS:
        for rpc, fields in (
            ("BeginReplay", {"command_id": uuid4(), "reason": "x"}),
            ("ListReplay", {"replay_id": begun.replay_id}),
        ):
            with pytest.raises(Refused) as caught:
                await hall.ask(rpc, officer, **fields)
            assert caught.value.status is StatusCode.PERMISSION_DENIED
    for caller, replay_id in ((OTHER, begun.replay_id), (AUDITOR, uuid4())):
        with pytest.raises(Refused) as caught:
            await hall.ask("ListReplay", caller, replay_id=replay_id)
        assert (caught.value.status, caught.value.rule) == (StatusCode.NOT_FOUND, "ReplayUnknown")


@pytest.mark.parametrize(
    ("asked", "rule", "field"),
    [
        ({"reason": " "}, "ReasonMissing", "reason"),
        ({"services": ["console"]}, "ServiceNotFollowed", "services"),
        ({"topics": ["console.opened"]}, "ServiceNotFollowed", "topics"),
        ({"of_unit": "nowhere"}, "UnitUnknown", "unit"),
        ({"command_id": ""}, "Invalid", "command_id"),
        ({"recorded_from": "hôm qua"}, "Invalid", "recorded_from"),
    ],
)
async def test_what_makes_no_sense_is_refused_by_its_field(hall: Hall, asked: dict[str, Any], rule: str, field: str) -> None:
    with pytest.raises(Refused) as caught:
        await hall.begin(**asked)
    assert (caught.value.rule, [name for name, _ in caught.value.fields]) == (rule, [field])


async def run(hall: Hall, *words: str, caller: Caller = AUDITOR, program: str = COMMAND) -> tuple[int, str, str]:
    """A command line to its end."""
    child = await started(hall, *words, caller=caller, program=program)
    out, error = await asyncio.wait_for(child.communicate(), PATIENCE_S)
    return child.returncode or 0, out.decode(), error.decode()


async def started(hall: Hall, *words: str, caller: Caller = AUDITOR, program: str = COMMAND) -> asyncio.subprocess.Process:
    pipes = {"stdout": asyncio.subprocess.PIPE, "stderr": asyncio.subprocess.PIPE}
    command = (sys.executable, "-c", program, "audit", *words)
    return await asyncio.create_subprocess_exec(*command, env=hall.command_line(caller), **pipes)  # type: ignore[arg-type]


async def test_a_replay_that_was_killed_is_completed_by_the_same_command(hall: Hall, tmp_path: Path) -> None:
    file, state = tmp_path / "replay.csv", tmp_path / "replay.csv.resume"
    services = [word for name in FOLLOWED if name != "audit" for word in ("--service", name)]
    words = ("replay", "--reason", "Kiểm toán quý IV", "--out", str(file), *services)
    child = await started(hall, *words)
    async with asyncio.timeout(PATIENCE_S):
        while not state.exists() or json.loads(state.read_bytes())["events"] < 20:
            await asyncio.sleep(0.01)
    child.kill()
    await child.communicate()
    assert not file.exists()

    code, out, error = await run(hall, *words, "--json", program=COMMAND.replace("5", "500"))
    assert code == 0, error
    with file.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["id"] for row in rows] == in_order(HISTORY)
    by_id = {event.id: event for event in HISTORY}
    assert all(row["words"] == by_id[row["id"]].event.in_words("en") for row in rows)
    assert all(row["body"].encode() == by_id[row["id"]].body for row in rows)
    told = json.loads(out)
    assert (told["events"], told["file"]) == (len(HISTORY), str(file))
    events, _ = await hall.told((await hall.begin(services=["audit"])).replay_id)
    assert sum(json.loads(event.body)["replay_id"] == told["replay_id"] for event in events) == 1

    code, _, error = await run(hall, *words)
    assert code == 2
    assert "whole" in error


async def test_lines_and_a_story_are_told_on_standard_output_and_an_officer_is_told_neither(hall: Hall) -> None:
    about = [event for event in HISTORY if MEMBER in persons_in(event.body)]
    code, out, error = await run(hall, "replay", "--reason", "x", "--member", str(MEMBER), "--service", "welfare")
    assert code == 0, error
    lines = [json.loads(text) for text in out.splitlines()]
    assert [one["id"] for one in lines] == in_order([event for event in about if event.service == "welfare"])
    assert "recorded as" in error

    code, out, error = await run(hall, "timeline", "--reason", "x", "--member", str(MEMBER))
    assert code == 0, error
    assert all(event.event.in_words("en") in out for event in about)

    code, out, error = await run(hall, "timeline", "--reason", "x", "--member", str(MEMBER), caller=OFFICERS[0])
    assert (code, out) == (1, "")
    assert "right" in error


async def test_what_is_not_as_it_was_sealed_is_told_to_nobody(hall: Hall) -> None:
    event = next(event for event in HISTORY if event.service == "awards")
    begun = await hall.begin(services=["awards"])
    place = "where service = 'awards' and position = %s"
    with psycopg.connect(hall.service.settings.database_url, autocommit=True) as connection:
        row = connection.execute(f"select leaf_hash from log {place}".encode(), (event.position,)).fetchone()
        assert row
        connection.execute(f"update log set leaf_hash = sha256('another') {place}".encode(), (event.position,))
        with pytest.raises(Refused) as caught:
            await hall.told(begun.replay_id)
        connection.execute(f"update log set leaf_hash = %s {place}".encode(), (row[0], event.position))
    assert caught.value.rule == "HistoryAltered"
    assert f"awards/{event.position}" in caught.value.sentence
