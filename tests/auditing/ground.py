"""A history as the suite leaves it: event stores, streams, a ledger that the real one signed, and an auditor who is let in.

The stores are copied for each attack; the streams are made again after one.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Literal

import psycopg
from nats.aio.client import Client

from audit.domain.ledger import Pace
from audit.read_models import SCHEMA
from audit.read_models.checkpoints import checkpoints_after
from audit.read_models.log import log_entries
from chassis.cloudevents import headers_of, subject_of
from chassis.database import open_pool
from chassis.ledger.leaf import leaf_hash
from chassis.ledger.merkle import Nodes, Tree, consistency_proof
from chassis.ledger.note import Checkpoint, hashes_told
from chassis.ledger.witness import CONSISTENCY, PREVIOUS_SIZE
from chassis.recorded import RecordedEvent
from chassis.streams import LEDGER, api, ensure, ledger_stream, stream_name, stream_of
from congdoan.auditing.kept import WitnessFile
from congdoan.auditing.locating import Reader
from congdoan.auditing.verified import Verified
from congdoan.auditing.verifying import Outcome, Places, Service, Verification
from congdoan.embedded import EmbeddedNats, EmbeddedPostgres
from congdoan.following.state import State
from congdoan.provinces.admitting import admit
from tests.audit.notary import SERVICES, SIGNER, Desk, Message, on_stream, signing
from tests.audit.recording import Recording
from tests.audit.test_tables import drawn
from tests.connected.example import connected, until
from tests.databases import fresh_database, new_name
from tests.folders import fast_folder

SERVICE = "membership"
SIZES = (40, 90, 140, 190)
"""Under how many events of each service, at most, checkpoints were signed."""
UNDER = SIZES[-1]
BEYOND = 7
"""How many events of the service that is attacked lie after its last checkpoint."""
PACE = Pace(timedelta(milliseconds=10), 1_000)


@dataclass
class Ground:
    """What an auditor finds, and an attacker changes."""

    postgres: EmbeddedPostgres
    nats: EmbeddedNats
    key: Path
    recording: Recording
    store: str
    """The event store as it was left; never attacked, but copied."""
    desk: Desk
    folder: Path
    attacked: str = ""

    @property
    def events(self) -> list[RecordedEvent]:
        """The history of the service that is attacked."""
        return self.recording.of(SERVICE)

    def changed(self, position: int) -> list[RecordedEvent]:
        """The same history in which one event says something else."""
        return [replace(event, body=event.body + b" ") if event.position == position else event for event in self.events]

    def sealed(self, service: str) -> Reader:
        """The leaf hashes that audit sealed."""

        async def leaves(after: int, upto: int) -> AsyncIterator[Sequence[bytes]]:
            yield [entry.leaf_hash for entry in await log_entries(self.desk.pool, service, upto - after, after)]

        return leaves

    @contextmanager
    def attack(self, *statements: str) -> Iterator[psycopg.Connection[Any]]:
        """A copy of the store, in the hands of its superuser, who has made some statements already."""
        name = new_name()
        administrator = self.postgres.conninfo("postgres")
        source = psycopg.conninfo.conninfo_to_dict(self.store)["dbname"]
        with psycopg.connect(administrator, autocommit=True) as connection:
            connection.execute(f'create database "{name}" template "{source}" strategy file_copy'.encode())
        self.attacked = self.postgres.conninfo(name)
        try:
            with psycopg.connect(self.attacked, autocommit=True) as attacker:
                for statement in statements:
                    attacker.execute(statement.encode())
                yield attacker
        finally:
            self.attacked = ""
            with psycopg.connect(administrator, autocommit=True) as connection:
                connection.execute(f'drop database "{name}" with (force)'.encode())

    async def verify(
        self,
        source: Literal["stream", "store"] = "store",
        *,
        beside: bool = True,
        places: Places | None = None,
        since: Verified | None = None,
        witnesses: Sequence[WitnessFile] = (),
    ) -> Service:
        """What is found of the service; `beside`: the other source can be read too."""
        outcome = await self.outcome(source, beside=beside, places=places, since=since, witnesses=witnesses)
        return outcome.services[0]

    async def outcome(
        self,
        source: Literal["stream", "store"] = "store",
        *,
        beside: bool = True,
        places: Places | None = None,
        since: Verified | None = None,
        witnesses: Sequence[WitnessFile] = (),
    ) -> Outcome:
        """What is found."""
        store: Callable[[str], str] = lambda _: self.attacked or self.store  # noqa: E731
        found = places or Places(self.server, store if beside or source == "store" else None)
        return await Verification(found, SIGNER.verifier, witnesses, since or Verified()).run(source, [SERVICE])

    @property
    def server(self) -> tuple[str, Path]:
        """Where the streams are read, as an auditor."""
        return f"nats://{self.nats.hub.address}", self.key


@asynccontextmanager
async def ground_of(postgres: EmbeddedPostgres) -> AsyncIterator[Ground]:
    """Servers with a history on them."""
    with fast_folder() as folder, EmbeddedNats(folder / "nats", folder) as nats, fresh_database(postgres) as store:
        recording = drawn(Random(5), 900)
        recording.events = [event for event in recording.events if event.position <= UNDER + BEYOND]
        fill(store, recording.of(SERVICE))
        async with connected(nats.url) as connection:
            await ensure(connection.client, ledger_stream())
            for service in (SERVICE,):
                await ensure(connection.client, stream_of(service))
                await announce(connection.client, recording.of(service))
        with fresh_database(postgres, SCHEMA) as database:
            async with open_pool(database) as pool:
                desk = Desk(pool)
                await sign(nats, desk, recording)
                await admit(nats.hub, "local", folder / "auditor.nk")
                yield Ground(postgres, nats, folder / "auditor.nk", recording, store, desk, folder)


def fill(store: str, events: Sequence[RecordedEvent]) -> None:
    """Put events into a store, with head and branches, as appends leave them."""
    with psycopg.connect(store) as connection:
        connection.execute("truncate events, branches")
        columns = "position, aggregate_id, version, topic, body, metadata, branch, branch_position, recorded_at"
        with connection.cursor().copy(f"copy events ({columns}) from stdin".encode()) as copy:
            for event in events:
                copy.write_row((
                    event.position, event.aggregate_id, event.version, event.topic, event.body, event.metadata_json, event.branch,
                    event.branch_position, event.recorded_at,
                ))  # fmt: skip
        connection.execute("insert into branches select branch, max(branch_position) from events group by branch")
        connection.execute("update head set position = (select max(position) from events)")


async def announce(client: Client, events: Sequence[RecordedEvent], misplaced: int = 0) -> None:
    """Have events stand on their stream; one of them perhaps under the subject of another branch."""
    js = client.jetstream()
    sent = []
    for event in events:
        branch = "another" if event.position == misplaced else event.branch
        subject = subject_of(event.service, branch, event.topic)
        sent.append(await js.publish_async(subject, event.body, headers=headers_of(event)))
    await asyncio.gather(*sent)


async def sign(nats: EmbeddedNats, desk: Desk, recording: Recording) -> None:
    """Have the ledger sign the first events, size by size, and publish it."""
    async with signing(desk, nats.url, pace=PACE) as ledger:

        async def published() -> bool:
            return not await checkpoints_after(desk.pool, ledger.published, 1)

        for upto in SIZES:
            await desk.hear(recording, upto)
            wanted = {service: min(upto, len(recording.of(service))) for service in SERVICES if recording.of(service)}
            await until(lambda wanted=wanted: {name: last.size for name, last in ledger.last.items()} == wanted)  # type: ignore[misc]
        await until(published)


async def rebuilt(ground: Ground, events: Sequence[RecordedEvent], misplaced: int = 0) -> None:
    """The stream as an attacker makes it: from nothing, with other messages; one may stand under another branch's subject."""
    async with connected(ground.nats.url) as connection:
        await api(connection.client, f"STREAM.DELETE.{stream_name(SERVICE)}")
        await ensure(connection.client, stream_of(SERVICE))
        await announce(connection.client, events, misplaced)


@asynccontextmanager
async def forge_everything(
    ground: Ground, position: int, *, only_the_newest: bool = False, kept: int | None = None
) -> AsyncIterator[None]:
    """Somebody has every server, and the key of the ledger: store, stream and ledger are those of another past.

    :param only_the_newest: of the ledger's stream only the last checkpoint is made anew.
    :param kept: the ledger's stream has so many of its checkpoints and no more.
    """
    forged = ground.changed(position)
    async with connected(ground.nats.url) as connection:
        true = [message for message in await on_stream(connection.client) if message.service == SERVICE]
    known = [message for message in true if size_of(message.note) < position] if not only_the_newest else true[:-1]
    try:
        await rebuilt(ground, forged)
        await publish_ledger(ground, [*known, *signed(forged, true, len(known))][:kept])
        with ground.attack() as attacker:
            fill(attacker.info.dsn, forged)
            yield
    finally:
        await rebuilt(ground, ground.events)
        await publish_ledger(ground, true)


def signed(events: Sequence[RecordedEvent], true: Sequence[Message], known: int) -> Iterator[Message]:
    """The checkpoints of other events, at the sizes of the true ones after the first few."""
    leaves = [leaf_hash(event) for event in events]
    sizes = [size_of(message.note) for message in true]
    nodes = nodes_over(leaves)
    for number in range(known, len(true)):
        before, size = sizes[number - 1] if number else 0, sizes[number]
        tree = Tree()
        tree.extend(leaves[:size])
        note = SIGNER.sign(Checkpoint(SERVICE, size, tree.root, datetime.now(UTC)).text)
        proof = hashes_told(consistency_proof(nodes, before, size))
        yield Message(true[number].subject, {PREVIOUS_SIZE: str(before), CONSISTENCY: proof}, note)


def nodes_over(leaves: Sequence[bytes]) -> Nodes:
    def node(place: tuple[int, int]) -> bytes:
        tree = Tree()
        tree.extend(leaves[place[1] << place[0] : place[1] + 1 << place[0]])
        return tree.root

    return node


async def publish_ledger(ground: Ground, messages: Sequence[Message]) -> None:
    async with connected(ground.nats.url) as connection:
        await api(connection.client, f"STREAM.DELETE.{LEDGER}")
        await ensure(connection.client, ledger_stream())
        for message in messages:
            await connection.client.jetstream().publish(message.subject, message.note, headers=message.headers)


def size_of(note: bytes) -> int:
    """The size that a checkpoint says."""
    return int(note.split(b"\n")[1])


async def kept_by_province(ground: Ground, upto: int, name: str = "ha-noi.state") -> Path:
    """The file in which a province that follows its branch keeps the checkpoints that it received, the first few of them."""
    state = State("ha-noi", ground.folder / name)
    async with connected(ground.nats.url) as connection:
        for message in await on_stream(connection.client):
            if message.service == SERVICE and size_of(message.note) <= upto:
                state.keep(SERVICE, message.note, message.headers, SIGNER.verifier)
    state.save()
    return ground.folder / name
