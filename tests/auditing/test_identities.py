"""What can an auditor do with the two identities, whatever is tried? Read the events, and nothing else."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import nats
import psycopg
import pytest
import pytest_asyncio
from nats.errors import Error as NatsError

from audit.read_models import SCHEMA
from chassis.key_store import KEY_STEPS
from chassis.streams import LEDGER, stream_name
from congdoan.auditing.messages import StreamUnavailable, entered, messages
from congdoan.auditing.roles import as_auditor, grant_reading, keep_out
from congdoan.embedded import EmbeddedPostgres
from congdoan.provinces.admitting import NotAdmitted, admit, dismiss
from congdoan.provinces.auditors import API, KeyInTheWay, NoAuditorName
from tests.auditing.ground import SERVICE, Ground, ground_of
from tests.connected.example import connected
from tests.databases import fresh_database
from tests.provinces.attacker import DETOURS, Attacker

pytestmark = pytest.mark.asyncio(loop_scope="module")
STREAM = stream_name(SERVICE)
READER = "services-reader"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ground(postgres: EmbeddedPostgres) -> AsyncIterator[Ground]:
    async with ground_of(postgres) as found:
        yield found


async def standing(ground: Ground) -> dict[str, Any]:
    """How the streams stand, and who reads them, as the services see it."""
    async with connected(ground.nats.url) as connection:
        found = {}
        for name in (STREAM, LEDGER):
            told = json.loads((await connection.client.request(f"$JS.API.STREAM.INFO.{name}", b"", timeout=20)).data)
            found[name] = told["config"], told["created"], told["state"]
        names = json.loads((await connection.client.request("$JS.API.STREAM.NAMES", b"", timeout=20)).data)
        return {**found, "streams": names["streams"]}


def forbidden() -> list[tuple[str, object]]:
    """Subjects on which an auditor has nothing to say, with bodies that would do harm."""
    consumer = {
        "stream_name": STREAM,
        "config": {"name": "evil", "ack_policy": "none", "deliver_subject": f"federation.{SERVICE}.x.y"},
    }
    asked: list[tuple[str, object]] = []
    for prefix in ("$JS.API", API, "$JS.hub.API", "hub.api"):
        asked += [
            (f"{prefix}.STREAM.DELETE.{STREAM}", ""),
            (f"{prefix}.STREAM.PURGE.{STREAM}", ""),
            (f"{prefix}.STREAM.MSG.DELETE.{STREAM}", {"seq": 1}),
            (f"{prefix}.STREAM.MSG.GET.{STREAM}", {"seq": 1}),
            (f"{prefix}.STREAM.UPDATE.{STREAM}", {"name": STREAM, "subjects": ["stolen.>"]}),
            (f"{prefix}.STREAM.CREATE.MINE", {"name": "MINE", "subjects": ["federation.>"]}),
            (f"{prefix}.STREAM.INFO.DEADLETTERS", ""),
            (f"{prefix}.STREAM.NAMES", ""),
            (f"{prefix}.CONSUMER.CREATE.{STREAM}.evil", consumer),
            (f"{prefix}.CONSUMER.CREATE.{STREAM}.evil.federation.>", consumer),
            (f"{prefix}.CONSUMER.DURABLE.CREATE.{STREAM}.evil", consumer),
            (f"{prefix}.CONSUMER.MSG.NEXT.{STREAM}.{READER}", {"batch": 1}),
            (f"{prefix}.CONSUMER.DELETE.{STREAM}.{READER}", ""),
            (f"{prefix}.CONSUMER.LIST.{STREAM}", ""),
            (f"{prefix}.DIRECT.GET.DEADLETTERS", {"seq": 1}),
            (f"{prefix}.DIRECT.GET.SCHEDULES", {"seq": 1}),
            (f"{prefix}.DIRECT.GET.{STREAM}.federation.{SERVICE}.ha-noi.member_joined", ""),
        ]
    asked += [(f"federation.{SERVICE}.ha-noi.member_joined", "forged"), (f"federation.ledger.{SERVICE}.checkpoint", "forged")]
    asked += [("deadletters.x", "forged"), ("schedules.x", "forged"), ("branches.ha-noi.snapshot", ""), ("_INBOX.x", "forged")]
    return [*asked, ("$SYS.REQ.SERVER.PING", ""), (f"$JS.ACK.{STREAM}.{READER}.1.1.1.0.0", "+ACK"), ("$SYS.REQ.USER.INFO", "")]


async def test_an_auditor_reads_every_stream_of_the_history_and_changes_nothing_whatever_is_tried(ground: Ground) -> None:
    async with connected(ground.nats.url) as connection:
        body = {"stream_name": STREAM, "config": {"durable_name": READER, "ack_policy": "explicit"}}
        await connection.client.request(f"$JS.API.CONSUMER.DURABLE.CREATE.{STREAM}.{READER}", json.dumps(body).encode())
    before, refused = await standing(ground), []

    async def keep(error: Exception) -> None:
        refused.append(str(error).lower())

    client = await nats.connect(ground.server[0], nkeys_seed=str(ground.key), error_cb=keep)
    attacker = Attacker(client, API)
    answers = await asyncio.gather(*(attacker.request(subject, body) for subject, body in forbidden()))
    assert set(answers) == {None}, "nothing is answered, not even by a refusal of JetStream"
    for subject, _ in forbidden():
        mapped = subject.lower().replace("$js.hub.api", "$js.api")
        assert f'permissions violation for publish to "{mapped}"' in "\n".join(refused), subject
    for subject in (">", "federation.>", "$JS.>", "$SYS.>", "deliver.>", "schedules.>"):
        await attacker.listen(subject)
    await attacker.listen("_INBOX.>")
    for detour in (*DETOURS, f"$JS.API.STREAM.DELETE.{STREAM}", f"{API}.DIRECT.GET.{STREAM}"):
        for question, asked in (("DIRECT.GET", b'{"seq":1,"batch":2}'), ("DIRECT.GET", b'{"seq":999999}'), ("STREAM.INFO", b"")):
            await client.publish(f"{API}.{question}.{STREAM}", asked, reply=detour)
    await client.flush()
    assert json.loads((await client.request(f"{API}.STREAM.INFO.{STREAM}", b"", timeout=20)).data)["state"]["consumer_count"] == 1
    assert all(b"_INBOX." in each for each in attacker.seen), "what comes is what was asked for"
    await client.close()

    assert await standing(ground) == before
    async with entered(*ground.server) as reading:
        found = [message async for batch in messages(reading, STREAM, 0, 10**9) for message in batch]
    assert [message.data for message in found] == [event.body for event in ground.events]


async def test_a_key_is_let_in_from_when_it_is_admitted_until_it_is_dismissed(ground: Ground) -> None:
    hub, file = ground.nats.hub, ground.folder / "state-audit.nk"
    with pytest.raises(NoAuditorName):
        await admit(hub, "State Audit", file)
    await admit(hub, "state-audit", file)
    assert file.stat().st_mode & 0o077 == 0
    assert (await admit(hub, "state-audit", file)).name == "state-audit", "again, it is as it was"
    with pytest.raises(KeyInTheWay):
        await admit(hub, "somebody-else", file)
    async with entered(ground.server[0], file) as client:
        turned_out = asyncio.get_running_loop().create_future()
        client._closed_cb = turned_out.set_result  # type: ignore[assignment]
        await dismiss(hub, "state-audit")
        async with asyncio.timeout(30):
            while client.is_connected:
                await asyncio.sleep(0.05)
    with pytest.raises(StreamUnavailable):
        async with entered(ground.server[0], file):
            pass
    with pytest.raises(NotAdmitted):
        await dismiss(hub, "state-audit")
    async with entered(*ground.server):
        pass


async def test_the_role_selects_from_events_head_and_branches_and_can_do_nothing_else(
    postgres: EmbeddedPostgres, ground: Ground
) -> None:
    with fresh_database(postgres, SCHEMA) as store, fresh_database(postgres, steps=KEY_STEPS) as keys:
        grant_reading(store)
        grant_reading(store)
        keep_out(keys)
        with psycopg.connect(keys) as owner:
            key_table = owner.execute(
                "select table_name from information_schema.tables where table_schema = 'public' limit 1"
            ).fetchone()
        with psycopg.connect(store) as owner:
            tables = {str(name) for (name,) in owner.execute("select tablename from pg_tables where schemaname = 'public'")}
        assert {"events", "commands", "log"} <= tables
        assert key_table
        with psycopg.connect(as_auditor(store), autocommit=True) as auditor:
            for table in ("events", "head", "branches"):
                auditor.execute(f"select * from {table}".encode())
            auditor.execute("set default_transaction_read_only to off")
            for table in tables - {"events", "head", "branches"}:
                refused(auditor, f"select * from {table}")
            for statement in (
                "insert into events select * from events",
                "update head set position = 0",
                "delete from branches",
                "truncate events",
                "do $$ begin lock table events in exclusive mode; end $$",
                "drop table events",
                "alter table events disable trigger all",
                "create table mine (x int)",
                "create schema mine",
                "create temporary table mine (x int)",
                "select lo_from_bytea(0, 'x')",
                "copy events to program 'true'",
                "select pg_read_file('PG_VERSION')",
                "alter role auditor superuser",
                "set role postgres",
                "create role another",
                "create database another",
            ):
                refused(auditor, statement)
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(as_auditor(keys)).close()


def refused(connection: psycopg.Connection[Any], statement: str) -> None:
    """It may not be done."""
    with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.InvalidParameterValue)):
        connection.execute(statement.encode())


async def test_nobody_is_let_in_without_a_key(ground: Ground) -> None:
    for options in ({}, {"user": "services", "password": ""}, {"user": "auditor-local"}):
        with pytest.raises(NatsError):
            await nats.connect(ground.server[0], allow_reconnect=False, **options)
