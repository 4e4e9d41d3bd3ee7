"""How many commands a second does a service take over gRPC, one by one and in batches?"""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from uuid import uuid4

import psycopg
import uvloop

from benchmarks.admissions import OFFICER, admission_request, at_once, unit_requests
from benchmarks.echo import PATH
from benchmarks.ground import SECRET, Ground, empty_stream
from benchmarks.measuring import Row, race
from benchmarks.sizes import IN_FLIGHT
from chassis.clients import RpcClient, open_channel
from chassis.credentials import Credentials
from chassis.database import migrate
from chassis.wrapping_keys import WrappingKeys
from congdoan.authority import Certificates
from congdoan.embedded import reserve_port
from congdoan.issuer import AUDIENCE, ISSUER, Issuer
from federation.contract.v1.contract_pb2 import BatchAnswer, CommandAnswer
from federation.membership.v1 import membership_pb2 as pb
from membership.rpc import SERVICE
from membership.settings import Settings
from membership.wiring import real

BATCH = 100
BATCHES_IN_FLIGHT = 16
COMMIT = 1_000
PATIENCE_S = 60.0


def rows(ground: Ground) -> list[Row]:
    """Ours against the most that gRPC, and that the database's driver, can do."""
    return [
        race(
            f"full command over gRPC, {IN_FLIGHT} in flight",
            lambda: one_by_one(ground),
            {"empty gRPC echo": lambda: echoed(ground)},
            0.5,
        ),
        race(
            "full command over gRPC, with tokens, rights and sealing",
            lambda: one_by_one(ground),
            {"without": lambda: one_by_one(ground, guarded=False)},
            0.75,
        ),
        race(
            f"commands over gRPC in batches of {BATCH}",
            lambda: in_batches(ground),
            {f"psycopg COPY, {COMMIT:,} rows a commit": lambda: copied(ground)},
            0.3,
        ),
    ]


def one_by_one(ground: Ground, *, guarded: bool = True) -> float:
    """A command a call: token, rights, idempotency, decision, sealing, commit, over TLS.

    :param guarded: with token, rights and sealing; see :mod:`benchmarks.unguarded`.
    """
    requests = [admission_request() for _ in range(ground.sizes.commands)]
    with served(ground, "membership" if guarded else "benchmarks.unguarded") as membership:
        return uvloop.run(_admitted(membership, requests))


def in_batches(ground: Ground) -> float:
    """A hundred commands a call."""
    batches = [pb.BatchAdmitMemberRequest(items=[admission_request() for _ in range(BATCH)]) for _ in range(ground.sizes.batches)]
    with served(ground) as membership:
        return uvloop.run(_admitted_together(membership, batches))


@dataclass(frozen=True, slots=True)
class Served:
    """Where membership answers, and what an officer calls it with."""

    address: str
    credentials: Credentials


@contextmanager
def served(ground: Ground, module: str = "membership") -> Iterator[Served]:
    """Membership as a process of its own on fresh databases, announcing as it does, limiting nobody."""
    port, folder = reserve_port(), ground.folder / f"membership-{uuid4().hex[:12]}"
    issuer, wrapping = Issuer.open(folder / "issuer"), WrappingKeys(folder / "wrapping-keys")
    wrapping.put_first()
    with (
        Certificates(folder / "tls", ["membership"]) as certificates,
        ground.database(migrated=False) as conninfo,
        ground.database(migrated=False) as keys,
    ):
        identity = certificates.identity("membership")
        settings = {
            "database_url": conninfo, "nats_url": ground.nats.url, "listen": port.address,
            "keys_database_url": keys, "wrapping_key_file": str(folder / "wrapping-keys"),
            "tls_certificate_file": str(identity.certificate), "tls_key_file": str(identity.key),
            "tls_authority_file": str(identity.authority),
            "token_issuer": ISSUER, "token_audience": AUDIENCE, "token_keys": str(issuer.published),
            "calls_per_second_per_caller": "1e9", "burst_per_caller": "1e9", "calls_at_once_per_caller": "1000",
            "secret": SECRET.hex(), "log_level": "ERROR",
        }  # fmt: skip
        uvloop.run(_prepare(Settings.model_validate(settings)))
        env = os.environ | {f"CONGDOAN_{name.upper()}": value for name, value in settings.items()}
        token = issuer.token_source(OFFICER.id, OFFICER.role, OFFICER.unit)
        with ground.process(sys.executable, "-m", module, port=port.number, env=env):
            yield Served(port.address, Credentials(token=token, authority=certificates.authority_file))
    port.release()


async def _prepare(settings: Settings) -> None:
    membership = real(settings)
    await asyncio.to_thread(migrate, settings.database_url, membership.schema)
    for conninfo, steps in membership.further_databases:
        await asyncio.to_thread(migrate, conninfo, steps=steps)
    await empty_stream(settings.nats_url, "membership")


async def _admitted(membership: Served, requests: list[pb.AdmitMemberRequest]) -> float:
    async with _officer(membership) as officer:
        return await at_once(IN_FLIGHT, requests, partial(officer.call, "AdmitMember", timeout_s=PATIENCE_S))


async def _admitted_together(membership: Served, batches: list[pb.BatchAdmitMemberRequest]) -> float:
    async def admit(batch: pb.BatchAdmitMemberRequest) -> None:
        answer: BatchAnswer = await officer.call("BatchAdmitMember", batch, timeout_s=PATIENCE_S)
        assert all(item.HasField("answer") for item in answer.items)

    async with _officer(membership) as officer:
        return BATCH * await at_once(BATCHES_IN_FLIGHT, batches, admit)


@asynccontextmanager
async def _officer(membership: Served) -> AsyncIterator[RpcClient]:
    """An officer's client, once the units are there."""
    officer = RpcClient(membership.address, SERVICE, membership.credentials, wait_for_ready=True)
    try:
        for request in unit_requests():
            await officer.call("EstablishUnit", request, timeout_s=PATIENCE_S)
        yield officer
    finally:
        await officer.close()


def echoed(ground: Ground) -> float:
    """A call as small as an answer, to a server that only sends it back."""
    port = reserve_port()
    with ground.process(sys.executable, "-m", "benchmarks.echo", port.address, port=port.number):
        rate = uvloop.run(_echoes(port.address, ground.sizes.commands))
    port.release()
    return rate


async def _echoes(address: str, calls: int) -> float:
    message = CommandAnswer(position=1, aggregate_id=str(uuid4()), version=1)
    async with open_channel(address) as channel:
        call = channel.unary_unary(
            PATH, request_serializer=CommandAnswer.SerializeToString, response_deserializer=CommandAnswer.FromString
        )

        async def echo(message: CommandAnswer) -> CommandAnswer:
            return await call(message, timeout=PATIENCE_S)

        await echo(message)
        return await at_once(IN_FLIGHT, [message] * calls, echo)


def copied(ground: Ground) -> float:
    """As many bytes into a bare table, as fast as the driver can, every commit synced."""
    values = [(uuid4(), 1, b"x" * 260, b"y" * 330) for _ in range(COMMIT)]
    commits = max(1, ground.sizes.batches * BATCH // COMMIT)
    with ground.database(migrated=False) as conninfo, psycopg.connect(conninfo) as connection:
        connection.execute(
            "create table copied (position bigint primary key, aggregate_id uuid, version integer, body bytea, metadata bytea)"
        )
        connection.commit()
        began = time.perf_counter()
        for commit in range(commits):
            with connection.cursor().copy("copy copied from stdin (format binary)") as copy:
                copy.set_types(["int8", "uuid", "int4", "bytea", "bytea"])
                for number, row in enumerate(values):
                    copy.write_row((commit * COMMIT + number, *row))
            connection.commit()
        return commits * COMMIT / (time.perf_counter() - began)
