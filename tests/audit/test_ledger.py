"""Does every checkpoint reach the stream once and in order, whatever is killed or lost, and is a rewritten history noticed?"""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import psycopg
import pytest
from nats.aio.client import Client
from pydantic import ValidationError

from audit.domain.ledger import Pace
from audit.ledger import Ledger
from audit.read_models import SCHEMA
from audit.read_models.checkpoints import checkpoints_after
from chassis.database import migrate, open_pool
from chassis.ledger.leaf import leaf_hash
from chassis.ledger.merkle import Tree
from chassis.ledger.note import Checkpoint, Signer
from chassis.ledger.witness import CheckpointContradicts, CheckpointGoesBack, LedgerRefused, SignatureWrong
from chassis.ledger_keys import make_ledger_key
from chassis.settings import complaints
from chassis.streams import LEDGER, api, checkpoint_subject, ensure, ledger_stream
from congdoan.embedded import EmbeddedNats
from tests.audit.notary import SERVICES, SIGNER, Desk, Province, on_stream, seal, signing
from tests.audit.recording import Recording
from tests.audit.test_tables import drawn
from tests.connected.example import connected, until
from tests.serving import a_nats_of_its_own, settings_of

PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def ledger_nats() -> Iterator[EmbeddedNats]:
    with a_nats_of_its_own() as server:
        yield server


@pytest.fixture
async def bus(ledger_nats: EmbeddedNats) -> AsyncIterator[Client]:
    """A connection to a NATS whose ledger is empty."""
    async with connected(ledger_nats.url) as connection:
        await ensure(connection.client, ledger_stream())
        yield connection.client
        await api(connection.client, f"STREAM.DELETE.{LEDGER}")


@pytest.fixture
async def desk(database: str) -> AsyncIterator[Desk]:
    await asyncio.to_thread(migrate, database, SCHEMA)
    async with open_pool(database) as pool:
        yield Desk(pool)


def sizes(recording: Recording) -> dict[str, int]:
    return {service: len(recording.of(service)) for service in SERVICES}


def covered(ledger: Ledger) -> dict[str, int]:
    """How many events of each service are under a checkpoint that is published."""
    return {service: last.size for service, last in ledger.last.items()}


async def everything_published(ledger: Ledger, recording: Recording) -> None:
    async def so() -> bool:
        stored = await checkpoints_after(ledger._pool, ledger.published, 1)
        return covered(ledger) == sizes(recording) and not stored and not ledger.trouble

    await until(so, "everything is under a published checkpoint")


def rewrite(database: str, recording: Recording) -> None:
    """What an administrator of the database can do: change an old event, and all hashes after it, as if it had always been so."""
    with psycopg.connect(database) as connection:
        connection.execute("truncate log, ledger_nodes")
        connection.execute("update followers set position = 0")
    asyncio.run(_seal_anew(database, recording))


async def _seal_anew(database: str, recording: Recording) -> None:
    async with open_pool(database) as pool:
        for service in SERVICES:
            await seal(pool, service, recording.of(service))


def with_another_past(recording: Recording) -> Recording:
    """The same history in which one early event of membership says something else."""
    changed = [
        replace(event, body=event.body + b" ") if (event.service, event.position) == ("membership", 3) else event
        for event in recording.events
    ]
    return replace(recording, events=changed)


def forget_checkpoints(database: str, after: int) -> None:
    """What a restored backup, or an administrator, makes of the checkpoints."""
    with psycopg.connect(database) as connection:
        connection.execute("alter table checkpoints disable trigger user")
        connection.execute("delete from checkpoints where number > %s", (after,))
        connection.execute("alter table checkpoints enable trigger user")


async def test_every_checkpoint_says_what_was_heard_and_goes_on_from_the_one_before(
    desk: Desk, bus: Client, ledger_nats: EmbeddedNats
) -> None:
    recording, province = drawn(Random(31), 900), Province()
    async with signing(desk, ledger_nats.url) as ledger:
        for upto in (1, 17, 40, None):
            await desk.hear(recording, upto)
            await until(lambda: covered(ledger) == {service: many for service, many in desk.heard.items() if many})
        await everything_published(ledger, recording)
        messages = await on_stream(bus)

    province.keep(messages)

    assert {service: kept.size for service, kept in province.last.items()} == sizes(recording)
    for service in SERVICES:
        tree, roots = Tree(), province.roots[service]
        for event in recording.of(service):
            tree.add(leaf_hash(event))
            assert roots.get(tree.size, tree.root) == tree.root
        assert {1, 17, 40} <= roots.keys()
    assert {message.subject for message in messages} == {checkpoint_subject(service) for service in SERVICES}


async def test_the_time_of_a_checkpoint_is_that_of_the_clock_and_many_events_do_not_wait_for_it(
    desk: Desk, bus: Client, ledger_nats: EmbeddedNats
) -> None:
    recording, noon = drawn(Random(32), 900), datetime(2026, 1, 1, 12, tzinfo=UTC)
    pace = Pace(timedelta(milliseconds=10), 20)
    async with signing(desk, ledger_nats.url, pace=pace, clock=lambda: noon) as ledger:
        for upto in (5, 24, 25, 44, 45):
            await desk.hear(recording, upto)
            await until(lambda: ledger.trouble == "")
            for _ in range(3):  # as many looks, each of which would sign what is due
                await asyncio.sleep(2 * pace.interval.total_seconds())
        await until(lambda: ledger.published == 3 * len(SERVICES))
        texts = [SIGNER.verifier.open(message.note) for message in await on_stream(bus) if message.service == "membership"]

    found = [Checkpoint.read(text) for text in texts]
    assert [(one.size, one.at) for one in found] == [(5, noon), (25, noon), (45, noon)]


async def test_what_is_signed_stays_and_nothing_is_signed_while_nothing_is_new(
    desk: Desk, bus: Client, ledger_nats: EmbeddedNats, database: str
) -> None:
    recording = drawn(Random(33), 60)
    await desk.hear(recording)
    for _ in range(3):
        async with signing(desk, ledger_nats.url) as ledger:
            await everything_published(ledger, recording)
            assert ledger.published == len(SERVICES)
    with psycopg.connect(database) as connection:
        for statement in ("update checkpoints set size = size + 1", "delete from checkpoints", "truncate checkpoints"):
            with pytest.raises(psycopg.errors.RaiseException, match="what was signed is not changed"):
                connection.execute(statement.encode())
            connection.rollback()


@pytest.mark.parametrize("moment", ["signed", "stored", "published"])
async def test_a_ledger_killed_at_any_moment_goes_on_without_a_gap_and_says_nothing_twice(
    desk: Desk, bus: Client, ledger_nats: EmbeddedNats, database: str, moment: str
) -> None:
    recording, province = drawn(Random(34), 200), Province()
    await desk.hear(recording, 30)
    program = [sys.executable, "-m", "tests.audit.doomed", moment, database, ledger_nats.url, "30"]
    ended = await asyncio.to_thread(subprocess.run, program, timeout=PATIENCE_S, check=False)
    assert ended.returncode == -signal.SIGKILL
    before = [one.note for one in await checkpoints_after(desk.pool, 0, 100)]
    told = await on_stream(bus)
    province.keep(told)
    assert (len(before), len(told)) == {"signed": (0, 0), "stored": (4, 0), "published": (4, 1)}[moment]

    await desk.hear(recording)
    async with signing(desk, ledger_nats.url) as ledger:
        await everything_published(ledger, recording)
        messages = await on_stream(bus)

    assert [message.note for message in messages[: len(before)]] == before
    assert messages[: len(told)] == told
    province.keep(messages)
    assert [one.note for one in await checkpoints_after(desk.pool, 0, 100)] == [message.note for message in messages]
    assert {service: kept.size for service, kept in province.last.items()} == sizes(recording)


async def test_two_ledgers_at_once_sign_one_sequence(desk: Desk, bus: Client, ledger_nats: EmbeddedNats) -> None:
    recording, province = drawn(Random(35), 400), Province()
    async with signing(desk, ledger_nats.url) as one, signing(desk, ledger_nats.url) as other:
        for upto in (*range(5, 60, 5), None):
            await desk.hear(recording, upto)
        await asyncio.gather(everything_published(one, recording), everything_published(other, recording))
        messages = await on_stream(bus)

    province.keep(messages)

    assert {service: kept.size for service, kept in province.last.items()} == sizes(recording)
    assert len({(message.service, message.note) for message in messages}) == len(messages)
    assert [one.note for one in await checkpoints_after(desk.pool, 0, 500)] == [message.note for message in messages]


async def test_a_stream_that_was_lost_is_filled_anew_with_the_same_sequence(
    desk: Desk, bus: Client, ledger_nats: EmbeddedNats
) -> None:
    recording, province = drawn(Random(36), 200), Province()
    async with signing(desk, ledger_nats.url) as ledger:
        for upto in (5, 20):
            await desk.hear(recording, upto)
            await until(lambda: covered(ledger) == dict(desk.heard))
        await until(lambda: ledger.published == 2 * len(SERVICES))
        before = await on_stream(bus)
        province.keep(before)
        await api(bus, f"STREAM.DELETE.{LEDGER}")
        await desk.hear(recording)
        await everything_published(ledger, recording)
        after = await on_stream(bus)

    assert after[: len(before)] == before
    province.keep(after)
    assert {service: kept.size for service, kept in province.last.items()} == sizes(recording)


async def test_nats_killed_and_back_is_no_gap(desk: Desk, database: str, own_nats: EmbeddedNats) -> None:
    recording, province = drawn(Random(37), 200), Province()
    async with signing(desk, own_nats.url) as ledger:
        await desk.hear(recording, 10)
        await until(lambda: ledger.published == len(SERVICES))
        await asyncio.to_thread(own_nats.kill)
        await desk.hear(recording)
        await until(lambda: ledger.trouble != "")
        await asyncio.to_thread(own_nats.start)
        await everything_published(ledger, recording)
        async with connected(own_nats.url) as connection:
            province.keep(await on_stream(connection.client))

    assert {service: kept.size for service, kept in province.last.items()} == sizes(recording)


async def test_checkpoints_that_only_the_stream_has_are_taken_back_after_a_backup_was_restored(
    desk: Desk, bus: Client, ledger_nats: EmbeddedNats, database: str
) -> None:
    recording, province = drawn(Random(38), 400), Province()
    async with signing(desk, ledger_nats.url) as ledger:
        for upto in (5, 20, 30):
            await desk.hear(recording, upto)
            await until(lambda: covered(ledger) == dict(desk.heard))
        await until(lambda: ledger.published == 3 * len(SERVICES))
    before = await on_stream(bus)
    forget_checkpoints(database, 5)

    await desk.hear(recording)
    async with signing(desk, ledger_nats.url) as ledger:
        await everything_published(ledger, recording)
        after = await on_stream(bus)

    assert after[: len(before)] == before
    province.keep(after)
    assert [one.note for one in await checkpoints_after(desk.pool, 0, 100)] == [message.note for message in after]


async def test_a_rewritten_history_is_not_signed(desk: Desk, bus: Client, ledger_nats: EmbeddedNats, database: str) -> None:
    recording = drawn(Random(39), 200)
    await desk.hear(recording, 30)
    async with signing(desk, ledger_nats.url) as ledger:
        await until(lambda: ledger.published == len(SERVICES))

    await asyncio.to_thread(rewrite, database, with_another_past(recording))
    desk.heard.update(sizes(recording))

    async with signing(desk, ledger_nats.url) as ledger:
        await until(lambda: ledger.broken is not None)
        assert (
            ledger.trouble
            == f"the log of membership at {sizes(recording)['membership']} does not go on from its checkpoint at 30"
        )
        assert [message.service for message in await on_stream(bus)].count("membership") == 1


async def test_a_rewritten_history_signed_with_the_key_itself_is_contradicted_by_what_a_province_keeps(
    desk: Desk, bus: Client, ledger_nats: EmbeddedNats, database: str
) -> None:
    recording, province = drawn(Random(40), 200), Province()
    await desk.hear(recording, 30)
    async with signing(desk, ledger_nats.url) as ledger:
        await until(lambda: ledger.published == len(SERVICES))
    province.keep(await on_stream(bus))
    kept = dict(province.last)
    refusals: list[type[LedgerRefused]] = []
    for upto in (30, 40):
        # Everything that stands at the hub is made anew: log, tree, checkpoints and stream, all of it whole in itself.
        await asyncio.to_thread(rewrite, database, _until(with_another_past(recording), upto))
        await asyncio.to_thread(forget_checkpoints, database, 0)
        await api(bus, f"STREAM.DELETE.{LEDGER}")
        desk.heard.update(dict.fromkeys(SERVICES, upto))
        async with signing(desk, ledger_nats.url) as ledger:
            await until(lambda: ledger.published == len(SERVICES))
        (forged,) = (message for message in await on_stream(bus) if message.service == "membership")
        Province().keep([forged])  # whoever kept nothing has nothing to hold against it
        with pytest.raises(LedgerRefused) as caught:
            province.keep([forged])
        refusals.append(type(caught.value))

    assert refusals == [CheckpointContradicts, CheckpointGoesBack]
    assert province.last == kept


def _until(recording: Recording, position: int) -> Recording:
    return replace(recording, events=[event for event in recording.events if event.position <= position])


async def test_what_somebody_else_puts_on_the_stream_is_refused_by_all_and_stops_the_ledger_until_it_is_gone(
    desk: Desk, bus: Client, ledger_nats: EmbeddedNats
) -> None:
    recording, province = drawn(Random(41), 200), Province()
    await desk.hear(recording, 30)
    async with signing(desk, ledger_nats.url) as ledger:
        await until(lambda: ledger.published == len(SERVICES))
        province.keep(await on_stream(bus))
        kept = province.last["membership"]
        mine = Signer("congdoan-ledger", bytes(32)).sign(Checkpoint("membership", 31, bytes(32), datetime.now(UTC)).text)
        headers = {"ledger-previous-size": "30", "ledger-consistency": ""}
        await bus.jetstream().publish(checkpoint_subject("membership"), mine, headers=headers)
        await until(lambda: ledger.broken is not None)
        assert ledger.trouble == "number 5 on the stream: SignatureWrong"

        with pytest.raises(SignatureWrong):
            province.keep(await on_stream(bus))
        assert province.last["membership"] == kept
        await desk.hear(recording)
        await api(bus, f"STREAM.DELETE.{LEDGER}")
        await everything_published(ledger, recording)
        province.keep(await on_stream(bus))
        assert ledger.broken is None

    assert {service: last.size for service, last in province.last.items()} == sizes(recording)


async def test_a_stored_checkpoint_that_the_key_did_not_sign_is_not_gone_on_from(
    desk: Desk, bus: Client, ledger_nats: EmbeddedNats, database: str
) -> None:
    recording = drawn(Random(42), 100)
    await desk.hear(recording, 10)
    async with signing(desk, ledger_nats.url) as ledger:
        await until(lambda: ledger.published == len(SERVICES))

    async with signing(desk, ledger_nats.url, signer=Signer("congdoan-ledger", bytes(32))) as ledger:
        await until(lambda: ledger.broken is not None)
        assert ledger.trouble.endswith("was not signed by the ledger's key")
        assert len(await on_stream(bus)) == len(SERVICES)


async def test_a_message_that_differs_from_what_was_stored_stops_the_ledger(
    desk: Desk, bus: Client, ledger_nats: EmbeddedNats, database: str
) -> None:
    recording = drawn(Random(43), 100)
    await desk.hear(recording, 10)
    async with signing(desk, ledger_nats.url) as ledger:
        await until(lambda: ledger.published == len(SERVICES))
    await api(bus, f"STREAM.DELETE.{LEDGER}")
    await ensure(bus, ledger_stream())
    await bus.jetstream().publish(checkpoint_subject("awards"), b"something else")

    async with signing(desk, ledger_nats.url) as ledger:
        await until(lambda: ledger.broken is not None)
        assert ledger.trouble == "checkpoint 1 on the stream is another than the one stored"


def test_audit_does_not_begin_without_a_key_of_its_own(tmp_path: Path) -> None:
    key = tmp_path / "key"
    make_ledger_key(key)
    key.chmod(0o644)
    for file, told in ((key, "is open to everyone"), (tmp_path, "cannot be read"), (tmp_path / "none", "cannot be read")):
        further = {"membership_target": "127.0.0.1:1", "ledger_key_file": file}
        with pytest.raises(ValidationError) as caught:
            settings_of("audit", "postgresql:///nowhere", "nats://127.0.0.1:1", **further)
        assert complaints(caught.value) == [f"CONGDOAN_LEDGER_KEY_FILE: Value error, the file of the ledger's key {told}"]


def test_a_checkpoint_is_due_when_something_is_new_and_a_minute_or_many_events_have_passed() -> None:
    pace, noon = Pace(timedelta(minutes=1), 1_000), datetime(2026, 1, 1, 12, tzinfo=UTC)
    last = Checkpoint("membership", 50, bytes(32), noon)

    def due(size: int, seconds: float) -> bool:
        return pace.is_due(last, size, noon + timedelta(seconds=seconds))

    assert [due(51, 59.9), due(51, 60), due(50, 1_000), due(1_049, 1), due(1_050, 1), due(49, 1_000)] == [
        False, True, False, False, True, False,
    ]  # fmt: skip
    assert due(51, -60), "a clock that was set back delays nothing for long"
    assert (pace.is_due(None, 0, noon), pace.is_due(None, 1, noon)) == (False, True)
