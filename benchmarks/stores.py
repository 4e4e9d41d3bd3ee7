"""How do other event stores do the smallest thing: load an aggregate, append one event to it?

Ours does more in it: rights, decision, idempotency. A peer that cannot be had here is left out, and said so.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import psycopg
import uvloop
from psycopg.conninfo import conninfo_to_dict

from benchmarks.admissions import CALL, DAY, NAME, UNIT, admissions, at_once, membership_on
from benchmarks.ground import Ground
from benchmarks.library import Person, in_threads, person, stock_application
from benchmarks.measuring import Measure, Row, race
from benchmarks.sizes import THREADS
from congdoan.embedded import reserve_port
from membership.domain.member import AdmitMember, RecordHardship
from membership.events import HardshipGrade

PEERS = Path(__file__).parent / "peers"
MESSAGE_DB = PEERS / "node_modules/@eventide/message-db/database"
DATA = json.dumps({"unit": UNIT, "full_name": NAME}, ensure_ascii=False)

Store = Callable[[Ground, int], float]
"""Loads and appends with so many streams in flight, and answers how often a second."""


def fetch() -> None:
    """Get the peers from npm, unless they are here; without npm, or without a net, they are left out."""
    here = PEERS / "node_modules/.package-lock.json"
    lock = PEERS / "package-lock.json"
    if shutil.which("npm") and not (here.exists() and here.stat().st_mtime >= lock.stat().st_mtime):
        subprocess.run(["npm", "ci", "--silent", "--ignore-scripts"], cwd=PEERS, check=False)


def rows(ground: Ground) -> list[Row]:
    """Ours against each peer that can be had here."""
    peers = {name: store for name, (store, lacks) in _peers().items() if not lacks}
    return [
        race(f"load and append one event, {in_flight} in flight", _at(ours, ground, in_flight), _all_at(peers, ground, in_flight))
        for in_flight in THREADS
    ]


def left_out() -> list[str]:
    """Each peer that cannot be had, and what it lacks."""
    return [f"{name} is left out: {lacks}" for name, (_, lacks) in _peers().items() if lacks]


def _peers() -> dict[str, tuple[Store, str]]:
    emmett_here = shutil.which("node") and (PEERS / "node_modules/@event-driven-io").exists()
    return {
        "eventsourcing, stock recorder and cache": (stock, ""),
        "message-db": (message_db, "" if MESSAGE_DB.exists() else "npm has not brought it"),
        "emmett-postgresql": (emmett, "" if emmett_here else "it needs node, and npm to bring it"),
        "UmaDB": (umadb, "" if find_spec("umadb") else "the dependency group `bench` is not installed"),
    }


def _all_at(stores: dict[str, Store], ground: Ground, in_flight: int) -> dict[str, Measure]:
    return {name: _at(store, ground, in_flight) for name, store in stores.items()}


def _at(store: Store, ground: Ground, in_flight: int) -> Measure:
    return lambda: store(ground, in_flight)


def ours(ground: Ground, in_flight: int) -> float:
    """A hardship recorded for a member, one grade after the other: a full command each."""

    async def run(conninfo: str) -> float:
        async with membership_on(conninfo) as (application, _):
            people = admissions(in_flight)
            await application.execute_batch(CALL, people)
            turns = ground.sizes.saves // in_flight

            async def work(commands: list[RecordHardship]) -> None:
                for command in commands:
                    await application.execute(CALL, command)

            histories = [[_hardship(person, turn) for turn in range(turns)] for person in people]
            return turns * await at_once(in_flight, histories, work)

    with ground.database() as conninfo:
        return uvloop.run(run(conninfo))


def _hardship(admitted: AdmitMember, turn: int) -> RecordHardship:
    grade = (HardshipGrade.HARDSHIP, HardshipGrade.SPECIAL_HARDSHIP)[turn % 2]
    return RecordHardship(command_id=uuid4(), member_id=admitted.member_id, on=DAY, grade=grade)


def stock(ground: Ground, in_flight: int) -> float:
    """The library's application with its cache, an aggregate a thread."""
    with stock_application(ground) as application:
        people = [person() for _ in range(in_flight)]
        application.save(*people)

        def work(someone: Person) -> None:
            for number in range(ground.sizes.saves // in_flight):
                loaded: Person = application.repository.get(someone.id)
                loaded.rename(f"{NAME} {number}")
                application.save(loaded)

        return ground.sizes.saves / in_threads(people, work)


def message_db(ground: Ground, in_flight: int) -> float:
    """Its own SQL functions, a stream and a connection a thread."""

    def work(connection: psycopg.Connection) -> None:
        stream = f"member-{uuid4()}"
        for version in range(-1, ground.sizes.saves // in_flight - 1):
            connection.execute("select * from get_last_stream_message(%s)", (stream,)).fetchone()
            connection.execute(
                "select write_message(%s::varchar, %s::varchar, 'MemberRenamed', %s::jsonb, null, %s::bigint)",
                (str(uuid4()), stream, DATA, version),
            )

    with ground.database(migrated=False) as conninfo, ExitStack() as open_connections:
        _install_message_db(conninfo)
        connect = partial(psycopg.connect, conninfo, autocommit=True, options="-c search_path=message_store")
        connections = [open_connections.enter_context(connect()) for _ in range(in_flight)]
        return ground.sizes.saves / in_threads(connections, work)


def _install_message_db(conninfo: str) -> None:
    # In the order of its own install script, without pgcrypto: what it took from there is in PostgreSQL since 13.
    order = "message-store-version hash-64 acquire-lock category is-category id cardinal-id stream-version write-message"
    functions = [f"functions/{name}.sql" for name in f"{order} get-stream-messages get-last-stream-message".split()]
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("create schema message_store")
        connection.execute("set search_path to message_store, public")
        for name in ("tables/messages.sql", "types/message.sql", *functions):
            connection.execute((MESSAGE_DB / name).read_bytes())
        for path in sorted((MESSAGE_DB / "indexes").glob("*.sql")):
            connection.execute(path.read_text().replace("CONCURRENTLY ", "").encode())


def emmett(ground: Ground, in_flight: int) -> float:
    """Its own store under Node."""
    with ground.database(migrated=False) as conninfo:
        parts = conninfo_to_dict(conninfo)
        url = f"postgresql://{parts['user']}@localhost/{parts['dbname']}?host={parts['host']}"
        argv = ["node", "emmett.js", url, str(in_flight), str(ground.sizes.saves)]
        return float(subprocess.run(argv, cwd=PEERS, check=True, stdout=subprocess.PIPE, text=True).stdout)


def umadb(ground: Ground, in_flight: int) -> float:
    """Its own server and client, a stream a thread, guarded by an append condition."""
    import umadb as uma  # only where the group `bench` is installed

    def work(client: uma.Client) -> None:
        tag = f"member-{uuid4()}"
        query = uma.Query(items=[uma.QueryItem(types=["MemberRenamed"], tags=[tag])])
        for _ in range(ground.sizes.saves // in_flight):
            last = [found.position for found in client.read(query=query, backwards=True, limit=1)]
            condition = uma.AppendCondition(fail_if_events_match=query, after=last[0] if last else None)
            client.append([uma.Event(event_type="MemberRenamed", data=DATA.encode(), tags=[tag])], condition=condition)

    with _uma_server(ground) as url:
        return ground.sizes.saves / in_threads([uma.Client(url) for _ in range(in_flight)], work)


@contextmanager
def _uma_server(ground: Ground) -> Iterator[str]:
    port = reserve_port()
    port.release()  # it does not share a port that is held
    binary = Path(sys.executable).parent / "umadb"
    with (
        TemporaryDirectory(dir=ground.folder) as folder,
        ground.process(binary, "--listen", port.address, "--db-path", Path(folder) / "uma.db", port=port.number),
    ):
        yield f"http://{port.address}"
