"""How many commands a second become durable: in process, through the library, over gRPC, in batches?"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from uuid import uuid4

import grpc
import psycopg
from eventsourcing.application import Application as LibraryApplication
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import ApplicationRecorder
from psycopg.conninfo import conninfo_to_dict

from benchmarks.ground import CALL, SECRET, Ground, admission, at_once, membership_on
from benchmarks.measuring import Row
from chassis.clients import RpcClient
from chassis.library_recorder import LibraryRecorder
from chassis.security import Caller, Role
from congdoan.embedded import reserve_port
from federation.contract.v1.contract_pb2 import CommandAnswer
from federation.membership.v1 import membership_pb2 as pb
from membership.rpc import SERVICE

IN_FLIGHT = 128
COMMANDS = 12_800


class Person(Aggregate):
    """What the library's own way makes of a member."""

    @event("Joined")
    def __init__(self, unit: str, full_name: str, national_id: str) -> None:
        self.unit, self.full_name, self.national_id = unit, full_name, national_id


def rows(ground: Ground) -> list[Row]:
    """Each with its peer, measured in this run."""
    return [
        Row(
            f"full command in process, {IN_FLIGHT} in flight, durable",
            "eventsourcing, stock recorder, best of 8 and 32 threads",
            lambda: in_process(ground),
            lambda: max(library(ground, threads, stock=True) for threads in (8, 32)),
            25,
        ),
        Row(
            "the library's Application.save on our recorder, 32 threads",
            "its stock recorder, 32 threads",
            lambda: library(ground, 32, stock=False),
            lambda: library(ground, 32, stock=True),
            4,
        ),
        Row(f"full command over gRPC, {IN_FLIGHT} in flight", "empty gRPC echo", lambda: over_grpc(ground), echo, 0.5),
        Row(
            "commands in batch RPCs of 100, durable events",
            "psycopg COPY, 1,000 rows a commit",
            lambda: in_batches(ground),
            lambda: copied(ground),
            0.3,
        ),
    ]


def in_process(ground: Ground) -> float:
    """Authorise, load, decide, append: the whole path without the network."""

    async def run(conninfo: str) -> float:
        async with membership_on(conninfo) as application:
            return await at_once(IN_FLIGHT, COMMANDS, lambda: application.execute(CALL, admission()))

    with ground.database() as conninfo:
        return asyncio.run(run(conninfo))


def library(ground: Ground, threads: int, *, stock: bool, saves: int = 1_600) -> float:
    """New aggregates saved by the library's application in threads."""
    with ground.database(migrated=not stock) as conninfo, library_application(conninfo, stock=stock) as application:

        def save() -> None:
            for number in range(saves // threads):
                application.save(Person("so-y-te", "Nguyễn Thị Minh Khai", f"{number:012d}"))

        return _threaded(threads, saves, save)


@contextmanager
def library_application(conninfo: str, *, stock: bool) -> Iterator[LibraryApplication]:
    """The library's application on its own recorder, or on ours."""
    parts = conninfo_to_dict(conninfo)
    env = {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": str(parts["dbname"]),
        "POSTGRES_HOST": str(parts["host"]),
        "POSTGRES_PORT": str(parts.get("port", "5432")),
        "POSTGRES_USER": str(parts["user"]),
        "POSTGRES_PASSWORD": str(parts.get("password", "")),
        "POSTGRES_POOL_SIZE": "40",
        "AGGREGATE_CACHE_MAXSIZE": "10000",
    }
    if stock:
        with LibraryApplication(env) as application:
            yield application
        return
    recorder = LibraryRecorder("library", conninfo, secret=SECRET)

    class OnOurRecorder(LibraryApplication):
        def construct_recorder(self) -> ApplicationRecorder:
            return recorder

    with OnOurRecorder({"AGGREGATE_CACHE_MAXSIZE": "10000"}) as application:
        yield application
    recorder.close()


def _threaded(threads: int, total: int, work: Callable[[], None]) -> float:
    began = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        for future in [pool.submit(work) for _ in range(threads)]:
            future.result()
    return total / (time.perf_counter() - began)


@contextmanager
def served(ground: Ground, conninfo: str) -> Iterator[str]:
    """Membership as a process of its own; gives its address."""
    port = reserve_port()
    address = f"127.0.0.1:{port.number}"
    env = os.environ | {
        "CONGDOAN_DATABASE_URL": conninfo,
        "CONGDOAN_NATS_URL": ground.nats.url,
        "CONGDOAN_LISTEN": address,
        "CONGDOAN_SECRET": SECRET.hex(),
        "CONGDOAN_LOG_LEVEL": "ERROR",
    }
    for step in ("migrate", "streams"):
        subprocess.run([sys.executable, "-m", "membership", step], env=env, check=True)
    process = subprocess.Popen([sys.executable, "-m", "membership"], env=env)
    try:
        yield address
    finally:
        process.terminate()
        process.wait(20)
        port.release()


def over_grpc(ground: Ground) -> float:
    """One command a call: identity, rights, idempotency, decision, commit."""
    with ground.database() as conninfo, served(ground, conninfo) as address:
        return asyncio.run(_calls(address, IN_FLIGHT, COMMANDS))


def in_batches(ground: Ground) -> float:
    """A hundred commands a call, sixteen calls in flight."""
    with ground.database() as conninfo, served(ground, conninfo) as address:
        return asyncio.run(_batches(address, 16, 320)) * 100


async def _calls(address: str, in_flight: int, total: int) -> float:
    client = await _client(address)
    try:
        return await at_once(in_flight, total, lambda: client.call("AdmitMember", _request()))
    finally:
        await client.close()


async def _batches(address: str, in_flight: int, total: int) -> float:
    client = await _client(address)
    requests = iter([pb.BatchAdmitMemberRequest(items=[_request() for _ in range(100)]) for _ in range(total)])
    try:
        return await at_once(in_flight, total, lambda: client.call("BatchAdmitMember", next(requests)))
    finally:
        await client.close()


async def _client(address: str) -> RpcClient:
    client = RpcClient(address, SERVICE, Caller("bench", Role.SERVICE, ""), wait_for_ready=True)
    for unit, level, parent in (("tld", 1, ""), ("so-y-te", 5, "tld")):
        fields = {
            "command_id": str(uuid4()),
            "unit": unit,
            "name": unit,
            "level": level,
            "line_parent": parent,
            "on": "2020-01-01",
        }
        await client.call("EstablishUnit", pb.EstablishUnitRequest(**fields), timeout_s=60)
    return client


def _request() -> pb.AdmitMemberRequest:
    command = admission()
    return pb.AdmitMemberRequest(
        command_id=str(command.command_id),
        member_id=str(command.member_id),
        unit=command.unit,
        full_name=command.full_name,
        national_id=command.national_id,
        birth_date="1990-01-01",
        on="2020-01-01",
    )


ECHO = """
import asyncio, sys, grpc
from federation.contract.v1.contract_pb2 import CommandAnswer

async def answer(request, context):
    return request

async def main():
    server = grpc.aio.server()
    handler = grpc.unary_unary_rpc_method_handler(answer, CommandAnswer.FromString, CommandAnswer.SerializeToString)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("bench.Echo", {"Echo": handler}),))
    server.add_insecure_port(sys.argv[1])
    await server.start()
    await server.wait_for_termination()

asyncio.run(main())
"""


def echo() -> float:
    """The same client against a server that only answers."""
    port = reserve_port()
    address = f"127.0.0.1:{port.number}"
    process = subprocess.Popen([sys.executable, "-c", ECHO, address])
    try:
        return asyncio.run(_echoes(address))
    finally:
        process.terminate()
        process.wait(20)
        port.release()


async def _echoes(address: str) -> float:
    async with grpc.aio.insecure_channel(address) as channel:
        call = channel.unary_unary("/bench.Echo/Echo", CommandAnswer.SerializeToString, CommandAnswer.FromString)
        message = CommandAnswer(position=1, aggregate_id=str(uuid4()), version=1)
        await call(message, wait_for_ready=True, timeout=60)
        return await at_once(IN_FLIGHT, COMMANDS, lambda: call(message, timeout=10))


def copied(ground: Ground, commits: int = 32) -> float:
    """The same bytes into a bare table, as fast as the driver can."""
    with ground.database(migrated=False) as conninfo, psycopg.connect(conninfo) as connection:
        connection.execute(
            "create table rows (position bigint primary key, aggregate uuid, version int, body bytea, metadata bytea)"
        )
        connection.commit()
        body, metadata = b"x" * 260, b"y" * 330
        began, position = time.perf_counter(), 0
        for _ in range(commits):
            with connection.cursor().copy("copy rows from stdin (format binary)") as copy:
                copy.set_types(["int8", "uuid", "int4", "bytea", "bytea"])
                for _ in range(1_000):
                    position += 1
                    copy.write_row((position, uuid4(), 1, body, metadata))
            connection.commit()
        return position / (time.perf_counter() - began)
