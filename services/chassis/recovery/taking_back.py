"""How does what only the stream has become part of the store again, as if it had never been away?

In one transaction, under the row that every append locks: the events as they are, how far branches have come, the ids of
commands, and what the events claim across aggregates, which follows from each event and the state it met. Where somebody was
erased meanwhile it cannot be known what they gave back, so all claims are made anew from the whole history. What a command
said is not in its events, so its fingerprint is not known; such an id gives its first answer to whoever repeats it for the
same aggregate (:mod:`chassis.batches`).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from nats.aio.client import Client

from chassis.batches import CLAIM_DELTAS, UNKNOWN_FINGERPRINT
from chassis.claims import stored_key
from chassis.commands import Aggregate
from chassis.database import Connection
from chassis.events import Event, NotReadable, is_sealed
from chassis.ledger.leaf import leaf_hash
from chassis.ledger.note import Verifier
from chassis.recorded import RecordedEvent
from chassis.recovery.tail import PAGE, CannotRecover, Tail, examined, head_of, pages
from chassis.sealing import Sealer
from chassis.store import COLUMNS

Aggregates = Sequence[Aggregate[Any]]


class Keeper:
    """Takes back the tail of one service.

    :param aggregates: every kind the service's events may belong to.
    :param secret: the key of its keyed hashes.
    :param sealer: opens personal values, where its events have some.
    """

    def __init__(self, service: str, aggregates: Aggregates, secret: bytes, sealer: Sealer | None) -> None:
        self.service, self._aggregates, self._secret, self._sealer = service, aggregates, secret, sealer

    async def take_back(self, database: Connection, client: Client, verifier: Verifier | None) -> Tail:
        """Examine the tail, and append it: all of it or nothing.

        :param verifier: the ledger's public key; without it nobody's signature is asked for.
        :raises CannotRecover: something does not agree, and nothing was changed; :raises Unavailable: no key store.
        """
        async with database.transaction():
            await head_of(database, lock=True)
            tail = await examined(database, client, self.service, verifier)
            if tail.missing:
                await self._append(database, client, tail)
        return tail

    async def _append(self, database: Connection, client: Client, tail: Tail) -> None:
        states, claims, moved = _States(database, self._aggregates, self._sealer), Counter[str](), _Moved()
        tree = tail.stored.copy()
        async for page in pages(client, self.service, tail.head, tail.last):
            tree.extend([leaf_hash(event) for event in page])
            claims.update(await states.claimed_by(page))
            moved.by(page)
            await _insert(database, page)
        if tree.root != tail.tree.root:
            raise CannotRecover("the stream changed meanwhile")
        await _settle(database, tail, moved)
        if states.some_lost:
            await self._claim_anew(database)
        else:
            await self._claim(database, claims)
        await database.execute("select pg_notify('events', %s)", (str(tail.last),))

    async def _claim_anew(self, database: Connection) -> None:
        """What everybody claims, from the first event on: somebody was erased, and what was claimed cannot be known by name."""
        await database.execute("delete from claims")
        async with database.cursor(name="histories", binary=True) as cursor:
            await cursor.execute(f"select {COLUMNS} from events order by aggregate_id, version".encode())
            states = _States(database, self._aggregates, self._sealer)
            while rows := await cursor.fetchmany(PAGE):
                events = [RecordedEvent(self.service, *row) for row in rows]  # type: ignore[arg-type]
                await self._claim(database, await states.claimed_by(events, from_the_first=True))
                states.keep_only(events[-1].aggregate_id)

    async def _claim(self, database: Connection, changes: Mapping[str, int]) -> None:
        deltas = {stored_key(key, self._secret): delta for key, delta in changes.items() if delta}
        await database.execute(_CLAIM, (list(deltas), list(deltas.values())))
        await database.execute("delete from claims where claim = any(%s) and holders = 0", (list(deltas),))


class _States:
    """The aggregates of the tail, as each event met them."""

    def __init__(self, database: Connection, aggregates: Aggregates, sealer: Sealer | None) -> None:
        self._database, self._aggregates, self._sealer = database, aggregates, sealer
        self._found: dict[UUID, tuple[Aggregate[Any], Any]] = {}
        self.some_lost = False
        """Whether personal values could not be had any more of which something may have been claimed."""

    async def claimed_by(self, events: Sequence[RecordedEvent], *, from_the_first: bool = False) -> Counter[str]:
        """By how much the claims of each key change; the states go on.

        :param from_the_first: nothing stands before these events but what was given before.
        :raises CannotRecover: an aggregate is of no kind that this service has, or a key is missing.
        """
        if not from_the_first:
            await self._load({event.aggregate_id for event in events} - self._found.keys())
        await self._open(events)
        deltas: Counter[str] = Counter()
        for event in events:
            kind, state = self._found.get(event.aggregate_id) or (self._kind_of(event), None)
            for claim in kind.claims(state, _opened(event)):
                deltas[claim.key] += CLAIM_DELTAS[claim.mode]
            self._found[event.aggregate_id] = kind, kind.evolve(state, _opened(event))
        return deltas

    def keep_only(self, aggregate_id: UUID) -> None:
        """Nothing more comes of any other."""
        self._found = {aggregate_id: self._found[aggregate_id]}

    async def _load(self, ids: Iterable[UUID]) -> None:
        query = f"select {COLUMNS} from events where aggregate_id = any(%s) order by aggregate_id, version".encode()
        cursor = self._database.cursor(binary=True)
        rows = await (await cursor.execute(query, (list(ids),))).fetchall()
        history = [RecordedEvent("", *row) for row in rows]  # type: ignore[arg-type]
        await self._open(history)
        for event in history:
            kind, state = self._found.get(event.aggregate_id) or (self._kind_of(event), None)
            self._found[event.aggregate_id] = kind, kind.evolve(state, _opened(event))

    async def _open(self, events: Sequence[RecordedEvent]) -> None:
        if self._sealer:
            await self._sealer.open(events)
            self.some_lost = self.some_lost or any(map(_is_lost, events))

    def _kind_of(self, first: RecordedEvent) -> Aggregate[Any]:
        kind = next((kind for kind in self._aggregates if kind.begins_with(first.topic)), None)
        if kind is None:
            raise CannotRecover(f"{first.topic} at {first.position} begins no aggregate of this service")
        return kind


def _opened(recorded: RecordedEvent) -> Event:
    try:
        return recorded.event
    except NotReadable:
        told = f"event {recorded.position} cannot be opened: is the key store restored to the end of its archive?"
        raise CannotRecover(told) from None


def _is_lost(recorded: RecordedEvent) -> bool:
    """Whether it has sealed values of somebody who was erased."""
    event = _opened(recorded)
    return is_sealed(type(event), recorded.body) and all(getattr(event, name) in (None, "") for name in event.personal_fields)


class _Moved:
    """Where the last events of the tail stand by which units changed branches, and places; 0: none did."""

    def __init__(self) -> None:
        self.branches_at = self.places_at = 0

    def by(self, events: Sequence[RecordedEvent]) -> None:
        for event in events:
            if event.event.moves != "nothing":
                self.places_at = event.position
            if event.event.moves == "branches":
                self.branches_at = event.position


async def _insert(database: Connection, events: Sequence[RecordedEvent]) -> None:
    rows = [
        (e.position, e.aggregate_id, e.version, e.topic, e.body, e.metadata_json, e.branch, e.branch_position, e.recorded_at)
        for e in events
    ]
    commands = {e.metadata.command_id: e.position for e in events if e.metadata.command_id}
    async with database.cursor() as cursor:
        await cursor.executemany(f"insert into events ({COLUMNS}) values (%s, %s, %s, %s, %s, %s, %s, %s, %s)".encode(), rows)
        await cursor.executemany(
            """insert into commands as c (command_id, fingerprint, position) values (%s, %s, %s)
               on conflict (command_id) do update set position = excluded.position""",
            [(command_id, UNKNOWN_FINGERPRINT, position) for command_id, position in commands.items()],
        )


async def _settle(database: Connection, tail: Tail, moved: _Moved) -> None:
    async with database.cursor() as cursor:
        await cursor.executemany(
            """insert into branches (branch, position) values (%s, %s)
               on conflict (branch) do update set position = excluded.position""",
            list(tail.branches.items()),
        )
    await database.execute(
        "update head set position = %s, places_at = greatest(places_at, %s), branches_at = greatest(branches_at, %s)",
        (tail.last, moved.places_at, moved.branches_at),
    )


# Not `on conflict`: the row that it proposes is held against the table's check, and that is a change and no number of holders.
_CLAIM = """with changes as (select * from unnest(%s::bytea[], %s::integer[]) as c (claim, delta)),
                 known as (update claims set holders = holders + delta from changes
                            where claims.claim = changes.claim returning claims.claim)
            insert into claims select claim, delta from changes where claim not in (select claim from known)"""
