"""How do other event stores do the smallest thing: load an aggregate, append one event to it?

Ours does more in it: identity, rights, decision, idempotency. Peers from npm need ``npm``; one that cannot be had here is
left out and said so.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import psycopg
from eventsourcing.domain import event

from benchmarks.commands import Person, library_application
from benchmarks.ground import CALL, DAY, Ground, admission, membership_on
from benchmarks.measuring import Measure, Row
from congdoan.embedded import reserve_port
from membership.domain.member import RecordHardship

PEERS = Path(__file__).parent / "peers"
APPENDS = 3_200
GRADES = ("hardship", "special_hardship")


class Named(Person):
    """A person who is given one name after the other."""

    @event("Renamed")
    def rename(self, full_name: str) -> None:
        self.full_name = full_name


def rows(ground: Ground) -> list[Row]:
    """Ours against each peer that can be had here, at 8 and at 32 in flight."""
    peers: dict[str, Callable[[Ground, int], float]] = {"eventsourcing, stock": stock, "message-db": message_db}
    if shutil.which("npm"):
        subprocess.run(["npm", "ci", "--silent", "--ignore-scripts"], cwd=PEERS, check=True)
        peers["emmett-postgresql"] = emmett
    else:
        del peers["message-db"]
        print("npm is not here: emmett-postgresql and message-db are left out", file=sys.stderr)
    if shutil.which("umadb", path=str(Path(sys.executable).parent)):
        peers["UmaDB"] = umadb
    else:
        print("the group `bench` is not installed: UmaDB is left out", file=sys.stderr)
    return [
        Row(f"load and append one event, {in_flight} in flight", name, _of(ours, ground, in_flight), _of(peer, ground, in_flight))
        for in_flight in (8, 32)
        for name, peer in peers.items()
    ]


def _of(measure: Callable[[Ground, int], float], ground: Ground, in_flight: int) -> Measure:
    return lambda: measure(ground, in_flight)


def ours(ground: Ground, in_flight: int) -> float:
    """A hardship recorded for a member, again and again: a full command each."""

    async def run(conninfo: str) -> float:
        async with membership_on(conninfo) as application:
            people = [admission() for _ in range(in_flight)]
            await application.execute_batch(CALL, people)

            async def work(person: object) -> None:
                member_id = person.member_id  # type: ignore[attr-defined]
                for number in range(APPENDS // in_flight):
                    command = RecordHardship.model_validate(
                        {"command_id": uuid4(), "member_id": member_id, "on": DAY, "grade": GRADES[number % 2]}
                    )
                    await application.execute(CALL, command)

            began = time.perf_counter()
            await asyncio.gather(*(work(person) for person in people))
            return APPENDS / (time.perf_counter() - began)

    with ground.database() as conninfo:
        return asyncio.run(run(conninfo))


def stock(ground: Ground, in_flight: int) -> float:
    """The library's application with its cache, an aggregate a thread."""
    with ground.database(migrated=False) as conninfo, library_application(conninfo, stock=True) as application:
        people = [Named("so-y-te", "Nguyễn Thị Minh Khai", "1") for _ in range(in_flight)]
        application.save(*people)

        def work(person: Named) -> None:
            for number in range(APPENDS // in_flight):
                copy: Named = application.repository.get(person.id)
                copy.rename(f"Nguyễn Thị Minh Khai {number}")
                application.save(copy)

        return _in_threads(people, work)


def message_db(ground: Ground, in_flight: int) -> float:
    """Its own SQL functions, a stream and a connection a thread."""
    with ground.database(migrated=False) as conninfo:
        _install_message_db(conninfo)

        def work(stream: str) -> None:
            data = json.dumps({"unit": "so-y-te", "full_name": "Nguyễn Thị Minh Khai"})
            with psycopg.connect(conninfo, autocommit=True, options="-c search_path=message_store") as connection:
                for version in range(-1, APPENDS // in_flight - 1):
                    connection.execute("select * from get_last_stream_message(%s)", (stream,)).fetchone()
                    connection.execute(
                        "select write_message(%s::varchar, %s::varchar, 'MemberRenamed'::varchar, %s::jsonb, null, %s::bigint)",
                        (str(uuid4()), stream, data, version),
                    )

        return _in_threads([f"member-{uuid4()}" for _ in range(in_flight)], work)


def _install_message_db(conninfo: str) -> None:
    scripts = PEERS / "node_modules/@eventide/message-db/database"
    # Functions stand on those before them, in the order of its own install script.
    order = "message-store-version hash-64 acquire-lock category is-category id cardinal-id stream-version write-message"
    functions = [f"functions/{name}.sql" for name in f"{order} get-stream-messages get-last-stream-message".split()]
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("do $$ begin create role message_store; exception when duplicate_object then null; end $$")
        connection.execute("create schema if not exists message_store")
        connection.execute("set search_path to message_store, public")
        for name in ("extensions/pgcrypto.sql", "tables/messages.sql", "types/message.sql", *functions):
            connection.execute((scripts / name).read_bytes())
        for path in sorted((scripts / "indexes").glob("*.sql")):
            connection.execute(path.read_text().replace("CONCURRENTLY ", "").encode())


def emmett(ground: Ground, in_flight: int) -> float:
    """Its own store under Node."""
    with ground.database(migrated=False) as conninfo:
        url = psycopg.conninfo.conninfo_to_dict(conninfo)
        connection = f"postgresql://{url['user']}@localhost/{url['dbname']}?host={url['host']}"
        done = subprocess.run(
            ["node", "emmett.js", connection, str(in_flight), str(APPENDS)], cwd=PEERS, check=True, capture_output=True, text=True
        )
        return float(done.stdout)


def umadb(ground: Ground, in_flight: int) -> float:
    """Its own server and client, a stream a thread, guarded by an append condition."""
    import umadb as uma  # only where the group `bench` is installed

    def work(tag: str) -> None:
        client = uma.Client(url)
        query = uma.Query(items=[uma.QueryItem(types=["MemberRenamed"], tags=[tag])])
        data = json.dumps({"unit": "so-y-te", "full_name": "Nguyễn Thị Minh Khai"}).encode()
        for _ in range(APPENDS // in_flight):
            last = [found.position for found in client.read(query=query, backwards=True, limit=1)]
            condition = uma.AppendCondition(fail_if_events_match=query, after=last[0] if last else None)
            client.append([uma.Event(event_type="MemberRenamed", data=data, tags=[tag])], condition=condition)

    with _uma_server() as url:
        return _in_threads([f"member-{uuid4()}" for _ in range(in_flight)], work)


@contextmanager
def _uma_server() -> Iterator[str]:
    port = reserve_port()
    number = port.number
    port.release()
    with TemporaryDirectory(prefix="congdoan-bench-") as folder:
        binary = Path(sys.executable).parent / "umadb"
        process = subprocess.Popen(
            [binary, "--listen", f"127.0.0.1:{number}", "--db-path", f"{folder}/uma.db"],
            env=os.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            time.sleep(1)
            yield f"http://127.0.0.1:{number}"
        finally:
            process.terminate()
            process.wait(20)


def _in_threads(subjects: list[object] | list[str] | list[Named], work: Callable[..., None]) -> float:
    began = time.perf_counter()
    with ThreadPoolExecutor(len(subjects)) as pool:
        for future in [pool.submit(work, subject) for subject in subjects]:
            future.result()
    return APPENDS / (time.perf_counter() - began)
