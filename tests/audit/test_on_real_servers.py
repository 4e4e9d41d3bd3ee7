"""Audit over gRPC on a real PostgreSQL and NATS: what it says stands on the streams alone, and a broken one stops it."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from random import Random
from typing import Any

import nats
import psycopg
import pytest
from google.protobuf.message_factory import GetMessageClass
from grpc import StatusCode
from nats.aio.client import Client
from prometheus_client import generate_latest

from audit.domain.seal import GENESIS, Tail, seal
from audit.rpc import SERVICE
from audit.settings import Settings
from audit.wiring import FOLLOWED, Audit, real
from chassis.clients import Refused, RpcClient
from chassis.cloudevents import headers_of, recorded_event, subject_of
from chassis.database import migrate
from chassis.ledger.leaf import leaf_hash
from chassis.ledger.merkle import Tree
from chassis.ledger.note import Verifier
from chassis.ledger_keys import ledger_key
from chassis.recorded import RecordedEvent
from chassis.security import Caller, Role
from chassis.streams import checkpoint_subject, set_up, stream_name
from congdoan.clients import connected
from congdoan.ledger import checkpoints
from tests.audit.histories import YEARS
from tests.audit.notary import Message, Province, on_stream
from tests.audit.plain_counting import count
from tests.audit.recording import Recording
from tests.audit.test_tables import drawn
from tests.serving import credentials, settings_of, target_of

AUDITOR = Caller("auditor-1", Role.AUDITOR, "tld", "en")
OFFICER = Caller("officer-1", Role.FEDERATION_OFFICER, "tld", "en")
PATIENCE_S = 120.0


def size_of(message: Message) -> int:
    """How many events a checkpoint covers, by its own words."""
    return int(message.note.split(b"\n")[1])


@dataclass
class Hall:
    """Audit running beside the streams of four services that are not there."""

    service: Audit
    settings: Settings
    bus: Client

    async def publish(self, events: Iterable[RecordedEvent]) -> None:
        """Put events on their streams as their services would."""
        js = self.bus.jetstream()
        for event in events:
            await js.publish(subject_of(event.service, event.branch, event.topic), event.body, headers=headers_of(event))

    async def ask(self, rpc: str, caller: Caller = AUDITOR, at_least: Recording | None = None, **fields: Any) -> Any:
        """One question, answered when everything of a recording was heard."""
        client = RpcClient(target_of(self.service), SERVICE, credentials(caller))
        request = GetMessageClass(SERVICE.methods_by_name[rpc].input_type)(**fields)
        try:
            return await client.call(rpc, request, at_least=at_least.positions if at_least else None, timeout_s=PATIENCE_S)
        finally:
            await client.close()

    async def covers(self, sizes: Mapping[str, int]) -> None:
        """Wait until so many events of each service are under a published checkpoint."""
        async with asyncio.timeout(PATIENCE_S):
            while {message.service: size_of(message) for message in await on_stream(self.bus)} != dict(sizes):
                await asyncio.sleep(0.05)

    async def is_ready(self) -> None:
        """Wait until every stream is followed."""
        async with asyncio.timeout(PATIENCE_S):
            while not await self.service.ready():
                await asyncio.sleep(0.02)

    async def not_ready(self) -> None:
        """Wait until the service says that it is not ready."""
        async with asyncio.timeout(PATIENCE_S):
            while await self.service.ready():
                await asyncio.sleep(0.02)


@pytest.fixture
async def hall(database: str, own_nats: Any) -> AsyncIterator[Hall]:
    await set_up(own_nats.url, FOLLOWED)
    # Nobody is membership here: audit answers auditors, who need no tree.
    further = {"membership_target": "127.0.0.1:1", "checkpoint_interval_s": 0.05}
    settings = settings_of("audit", database, own_nats.url, **further)
    service = real(settings)
    await asyncio.to_thread(migrate, database, service.schema)
    await service.start()
    bus = await nats.connect(own_nats.url)
    running = Hall(service, settings, bus)
    yield running
    await bus.close()
    await running.service.stop()


async def test_figures_and_log_follow_from_the_streams_alone(hall: Hall) -> None:
    recording = drawn(Random(21), 300)
    await hall.publish(recording.events)
    events, chance = [event.event for event in recording.events], Random(21)
    units = sorted({event.unit for event in events})

    for unit, year in ((chance.choice(units), chance.choice(YEARS)) for _ in range(5)):
        answer = await hall.ask("GetFigures", AUDITOR, recording, unit=unit, year=year, as_of="2026-01-01")
        told = {figure.name: getattr(figure, figure.WhichOneof("value") or "", None) for figure in answer.figures}
        assert told == count(events, unit, year, date(2026, 1, 1))
        assert all(figure.events for figure in answer.figures if figure.count)

    logs = (await hall.ask("GetLog")).logs
    assert [log.service for log in logs] == list(FOLLOWED)
    for log in logs:
        sealed = seal(Tail(log.service), recording.of(log.service))
        assert (log.position, log.chain_hash, log.contiguous) == (len(sealed), sealed[-1].chain_hash if sealed else GENESIS, True)


async def test_the_log_is_listed_page_by_page(hall: Hall) -> None:
    recording = drawn(Random(22), 40)
    await hall.publish(recording.of("membership"))
    heard = Recording(positions={"membership": recording.positions["membership"]})
    sealed = seal(Tail("membership"), recording.of("membership"))
    found: list[Any] = []
    after = ""
    while not found or after:
        page = await hall.ask("ListLog", at_least=heard, service="membership", page={"size": 7, "after": after})
        found, after = [*found, *page.entries], page.next

    assert [(entry.position, entry.leaf_hash, entry.chain_hash) for entry in found] == [
        (entry.position, entry.leaf_hash, entry.chain_hash) for entry in sealed
    ]
    assert [(entry.topic, entry.unit, entry.recorded_at) for entry in found] == [
        (entry.topic, entry.unit, entry.recorded_at.isoformat().replace("+00:00", "Z")) for entry in sealed
    ]


async def test_who_is_no_auditor_sees_no_log(hall: Hall) -> None:
    for asked in (hall.ask("GetLog", OFFICER), hall.ask("ListLog", OFFICER, service="membership")):
        with pytest.raises(Refused) as caught:
            await asked
        assert caught.value.status is StatusCode.PERMISSION_DENIED


@pytest.mark.parametrize(
    ("rpc", "fields", "field"),
    [
        ("GetFigures", {"unit": "tld", "year": 0}, "year"),
        ("GetFigures", {"unit": "tld", "year": 2024, "as_of": "31/12/2024"}, "as_of"),
        ("ListLog", {"service": "welfare", "page": {"size": 1_001}}, "page.size"),
        ("ListLog", {"service": "welfare", "page": {"after": "here"}}, "page.after"),
        ("ListCheckpoints", {"page": {"after": "here"}}, "page.after"),
    ],
)
async def test_a_question_that_makes_no_sense_is_refused_by_its_field(
    hall: Hall, rpc: str, fields: dict[str, Any], field: str
) -> None:
    with pytest.raises(Refused) as caught:
        await hall.ask(rpc, **fields)

    assert caught.value.status is StatusCode.INVALID_ARGUMENT
    assert [name for name, _ in caught.value.fields] == [field]


async def test_nobody_has_figures_of_a_unit_that_was_never_heard_of(hall: Hall) -> None:
    with pytest.raises(Refused) as caught:
        await hall.ask("GetFigures", unit="nowhere", year=2024)

    assert (caught.value.status, caught.value.rule) == (StatusCode.NOT_FOUND, "UnitUnknown")


@pytest.mark.parametrize("rpc", ["ListLog", "ListCheckpoints"])
async def test_there_is_no_log_of_a_service_that_nobody_follows(hall: Hall, rpc: str) -> None:
    with pytest.raises(Refused) as caught:
        await hall.ask(rpc, service="console")

    assert (caught.value.status, caught.value.rule) == (StatusCode.NOT_FOUND, "ServiceNotFollowed")


@pytest.mark.parametrize(
    ("change", "flaw"),
    [
        ({"version": 9}, "version 9 of its aggregate follows on {version}"),
        ({"branch_position": 99}, "branch position 99 follows on {branch_position}"),
        ({"position": 1}, "it is no event: ce-position is 1, the stream's sequence {sequence}"),
    ],
)
async def test_a_stream_that_does_not_follow_on_makes_audit_unready_and_is_named(
    hall: Hall, change: dict[str, Any], flaw: str
) -> None:
    recording = drawn(Random(23), 60)
    *before, last = recording.of("membership")
    await hall.publish(before)
    await hall.ask("GetLog", at_least=Recording(positions={"membership": len(before)}))
    await hall.is_ready()

    await hall.publish([replace(last, **change)])
    await hall.not_ready()

    log = next(log for log in (await hall.ask("GetLog")).logs if log.service == "membership")
    expected = flaw.format(version=last.version - 1, branch_position=last.branch_position - 1, sequence=last.position)
    assert (log.position, log.contiguous, log.broken_at, log.flaw) == (len(before), False, last.position, expected)
    assert 'congdoan_log_broken{service="membership"} 1.0' in exposed(hall)
    assert 'congdoan_log_broken{service="welfare"} 0.0' in exposed(hall)


async def test_checkpoints_of_what_was_heard_appear_and_hold_by_stream_and_public_key_alone(hall: Hall) -> None:
    recording = drawn(Random(25), 300)
    half = len(recording.events) // 2
    await hall.publish(recording.events[:half])
    await hall.covers({service: len(events) for service, events in by_service(recording.events[:half]).items()})
    await hall.publish(recording.events[half:])
    await hall.covers(recording.positions)
    await hall.is_ready()

    province = Province(Verifier.read(str(ledger_key(hall.settings.ledger_key_file).verifier)))
    province.keep(await on_stream(hall.bus))
    assert {service: kept.size for service, kept in province.last.items()} == recording.positions
    for service, roots in province.roots.items():
        tree = Tree()
        for sequence in range(1, recording.positions[service] + 1):
            message = await hall.bus.jetstream().get_msg(stream_name(service), seq=sequence)
            tree.add(leaf_hash(recorded_event(message.subject or "", message.headers, message.data or b"", sequence)))
            assert roots.get(sequence, tree.root) == tree.root
        assert len(roots) > 1
    assert "congdoan_ledger_broken 0.0" in exposed(hall)
    assert f'congdoan_checkpoint_size{{service="membership"}} {recording.positions["membership"]}.0' in exposed(hall)


async def test_what_was_signed_is_listed_the_newest_first_as_it_stands_on_the_stream(hall: Hall) -> None:
    recording = drawn(Random(27), 300)
    half, all_of_them = len(recording.events) // 2, len(recording.events)
    for first, upto in ((0, half), (half, all_of_them)):
        await hall.publish(recording.events[first:upto])
        await hall.covers({service: len(events) for service, events in by_service(recording.events[:upto]).items()})
    stream = await on_stream(hall.bus)
    found: list[Any] = []
    after = ""
    while not found or after:
        page = await hall.ask("ListCheckpoints", page={"size": 3, "after": after})
        found, after = [*found, *page.checkpoints], page.next

    assert [(one.number, one.service, one.note) for one in reversed(found)] == [
        (number, message.service, message.note) for number, message in enumerate(stream, 1)
    ]
    assert [(str(one.previous_size), one.consistency) for one in reversed(found)] == [
        (message.headers["ledger-previous-size"], message.headers.get("ledger-consistency", "")) for message in stream
    ]
    async with connected({"audit": target_of(hall.service)}, credentials(AUDITOR)) as federation:
        (last,) = await checkpoints(federation, "welfare", 1)
    assert (last.checkpoint.service, last.checkpoint.size) == ("welfare", recording.positions["welfare"])
    assert last.document["note"] == last.note == [one.note for one in stream if one.service == "welfare"][-1].decode()


async def test_a_forged_checkpoint_makes_audit_unready_and_the_log_goes_on(hall: Hall) -> None:
    recording = drawn(Random(26), 60)
    await hall.publish(recording.events)
    await hall.covers(recording.positions)
    await hall.is_ready()

    await hall.bus.jetstream().publish(checkpoint_subject("membership"), b"congdoan/membership")
    await hall.not_ready()

    assert "congdoan_ledger_broken 1.0" in exposed(hall)
    assert all(log.contiguous for log in (await hall.ask("GetLog", at_least=recording)).logs)


async def test_the_task_that_signs_is_one_without_which_audit_is_no_service(hall: Hall) -> None:
    assert hall.service.ledger.task in hall.service.tasks


def by_service(events: Iterable[RecordedEvent]) -> dict[str, list[RecordedEvent]]:
    """Events as each service recorded them."""
    found: dict[str, list[RecordedEvent]] = {}
    for event in events:
        found.setdefault(event.service, []).append(event)
    return found


def exposed(hall: Hall) -> str:
    """What Prometheus would read."""
    return generate_latest(hall.service.metrics.registry).decode()


async def test_audit_goes_on_where_it_stopped(hall: Hall) -> None:
    recording = drawn(Random(24), 200)
    half = len(recording.events) // 2
    await hall.publish(recording.events[:half])
    await hall.ask("GetLog")
    await hall.service.stop()
    await hall.publish(recording.events[half:])
    hall.service = real(hall.settings)
    await hall.service.start()

    answer = await hall.ask("GetFigures", at_least=recording, unit="unit-000", year=2024, as_of="2027-01-01")

    told = {figure.name: getattr(figure, figure.WhichOneof("value") or "", None) for figure in answer.figures}
    assert told == count([event.event for event in recording.events], "unit-000", 2024, date(2027, 1, 1))
    with psycopg.connect(hall.settings.database_url) as connection:
        rows = connection.execute("select service, count(*), max(position) from log group by service").fetchall()
    assert {service: (many, last) for service, many, last in rows} == {
        service: (last, last) for service, last in recording.positions.items()
    }
