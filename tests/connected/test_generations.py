"""Is a read model rebuilt in the open: under load, with every difference explained, and no reader ever led backwards?"""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from uuid import UUID, uuid4

import psycopg
import pytest

from chassis.appends import Append
from chassis.database import fetch, migrate
from chassis.deadletters import Replayed, replay
from chassis.generations.tables import NothingBeside, NothingNewBeside, NothingToRollBackTo, clear
from chassis.store import EventStore
from chassis.tally import Finding, Verdict
from congdoan.embedded import EmbeddedPostgres
from tests.connected.example import PATIENCE_S, connected, opened, publishing, record, until
from tests.connected.shelves import (
    Kept,
    ThingTagged,
    clear_shelf,
    kept_of_another,
    kept_of_own,
    model_of,
    put,
    record_shelves,
    tag_of_old,
    told,
)
from tests.databases import fresh_database

SERVICE = "example"


@pytest.fixture
def shelved(postgres: EmbeddedPostgres) -> Iterator[str]:
    """A database of a service that keeps shelves."""
    with fresh_database(postgres, model_of(SERVICE).schema) as conninfo:
        yield conninfo


@pytest.fixture
async def own(shelved: str) -> AsyncIterator[tuple[EventStore, Kept]]:
    async with opened(SERVICE, shelved) as store, kept_of_own(store, shelved) as kept:
        yield store, kept


class Traffic:
    """Commands and readers that go on until they are told to stop; each reader looks for a step backwards."""

    def __init__(self, store: EventStore, kept: Kept) -> None:
        self._store, self._kept, self._going = store, kept, True
        self.recorded = self.read = 0

    async def write(self, shelf: UUID, version: int) -> None:
        """Put things on a shelf, and see each at once: whoever waits for a position reads it."""
        while self._going:
            version += 1
            answer = await self._store.append(Append((put(shelf, version, version),)))
            await self._kept.follower.at_least(answer.position, PATIENCE_S)
            ((seen,),) = await fetch(self._kept.pool, "select position from shelves_v3 where shelf_id = %s", (shelf,))
            assert seen >= answer.position, "what was recorded and awaited is not seen"
            self.recorded += 1

    async def look(self, shelf: UUID) -> None:
        """By statements that the sessions have prepared, and by one that reads the table twice."""
        before = (0, 0)
        query = """select max(s.position), (select many from shelves_v3 where shelf_id = %s) from shelves_v3 s"""
        while self._going:
            (seen,) = await fetch(self._kept.pool, query, (shelf,))
            assert all(one >= other for one, other in zip(seen, before, strict=True)), "a reader was led backwards"
            before = seen
            self.read += 1

    async def more(self) -> None:
        """Some more of both."""
        recorded, read = self.recorded + 15, self.read + 30
        await until(lambda: self.recorded >= recorded and self.read >= read)

    def stop(self) -> None:
        self._going = False


async def test_rebuilt_under_load_told_why_it_differs_switched_and_rolled_back(own: tuple[EventStore, Kept]) -> None:
    store, kept = own
    shelves = await record_shelves(store, 40, 5)
    await record(store, [clear_shelf(shelves[9], 6)])
    await kept.caught_up()
    sound = await kept.rows()
    dull, lost, short, twice, ghost, old, cleared = (*shelves[:6], shelves[9])
    position = {thing: 40 * (thing - 1) + 1 for thing in range(1, 6)}
    await kept.run("update shelves_v3 set things = 'dust' where shelf_id = %s", dull)
    await kept.run("delete from shelves_v3 where shelf_id = %s", lost)
    await kept.run("update shelves_v3 set things = '1 2 4 5', many = 4 where shelf_id = %s", short)
    await kept.run("update shelves_v3 set things = '1 2 3 3 4 5', many = 6 where shelf_id = %s", twice)
    await kept.run("update shelves_v3 set shelf_id = %s where shelf_id = %s", nobody := uuid4(), ghost)
    await kept.run(
        "update shelves_v3 set things = '1 2', many = 2, keeper = 'keeper 2', position = %s where shelf_id = %s",
        position[2] + 5,
        old,
    )
    await kept.run("insert into shelves_v3 values (%s, '1 2 3 4 5', 5, 'keeper 5', %s)", cleared, position[5] + 9)

    traffic = Traffic(store, kept)
    busy = [uuid4() for _ in range(2)]
    async with asyncio.TaskGroup() as going:
        for shelf in busy:
            await record(store, [put(shelf, 1, 1)])
        await kept.caught_up()
        for shelf in busy:
            going.create_task(traffic.write(shelf, 1))
            going.create_task(traffic.look(shelf))
        await traffic.more()
        with pytest.raises(NothingBeside):
            await kept.beside.change_places(kept.model)
        await kept.build()
        await kept.beside.begin(kept.model)  # once more is the same
        found = await kept.compare()
        assert (found.differing, found.only_live, found.only_beside) == (4, 2, 2), "and the busy ones do not differ"
        assert found.rows_live == found.rows_beside
        by_row = told(found)
        assert by_row.pop(str(dull)) == ("altered", [])
        assert by_row.pop(str(lost)) == by_row.pop(str(ghost)) == ("stops_after", [])
        assert by_row.pop(str(short)) == ("not_applied", [position[3] + 2])
        assert by_row.pop(str(twice)) == ("applied_twice", [position[3] + 3])
        assert by_row.pop(str(old)) == ("stops_after", [position[2] + 5])
        assert by_row.pop(str(cleared)) == ("not_applied", [201])
        assert by_row == {str(nobody): ("no_event", [])}
        personal = [column for difference in found.shown for column in difference.columns if column.name == "keeper"]
        assert {(column.personal, column.live, column.beside) for column in personal} == {(True, None, None)}
        (stale,) = (difference for difference in found.shown if difference.key == [str(old)])
        assert [(c.name, c.personal, c.live) for c in stale.columns if c.name in ("many", "keeper")] == [
            ("many", False, "2"),
            ("keeper", True, None),
        ]
        (altered,) = (difference for difference in found.shown if difference.key == [str(dull)])
        assert [(c.name, c.set_by and c.set_by.position) for c in altered.columns] == [("things", position[5])]

        with pytest.raises(NothingToRollBackTo):
            await kept.beside.change_places(kept.model, back=True)
        switched = await kept.beside.change_places(kept.model)
        assert (switched.live, switched.beside) == (2, 1)
        assert {key: row for key, row in (await kept.rows()).items() if key not in busy} == sound
        await traffic.more()
        assert told(await kept.compare())[str(short)] == ("not_applied", [position[3] + 2]), "of the older one still"
        with pytest.raises(NothingNewBeside):
            await kept.beside.begin(kept.model)

        back = await kept.beside.change_places(kept.model, back=True)
        assert (back.live, back.beside) == (1, 2)
        assert nobody in await kept.rows()
        await traffic.more()
        for _ in range(6):
            await kept.beside.change_places(kept.model, back=(await kept.beside.standing_of(kept.model)).newer_is_live)
        await kept.beside.change_places(kept.model)
        await traffic.more()
        await kept.beside.drop(kept.model)
        await traffic.more()
        traffic.stop()

    await kept.caught_up()
    assert {key: row for key, row in (await kept.rows()).items() if key not in busy} == sound
    proven = await kept.prove()
    assert (proven.since, proven.followed, proven.applied) == (0, proven.position, proven.position)
    assert proven.finding.verdict is Verdict.EXACTLY_ONCE
    assert not await fetch(kept.pool, "select 1 from followers where follower like '%%.be%%'")
    names = "select schemaname, indexname from pg_indexes where tablename = 'shelves_v3' order by 2"
    assert await fetch(kept.pool, names) == [("public", f"shelves_v3_{name}") for name in ("1", "full", "pkey")], (
        "all of the second generation is where the first was, and nothing else"
    )
    await asyncio.to_thread(migrate, kept.database, kept.model.schema)


async def test_what_lies_aside_is_the_cause_until_it_is_replayed_through_the_upcaster_that_was_mended(
    own: tuple[EventStore, Kept], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, kept = own
    shelf, other = uuid4(), uuid4()
    await record(store, [put(shelf, 1, 1), tag_of_old(shelf, "tag:7", 2), put(shelf, 3, 3), tag_of_old(other, "tag 9", 1)])
    await record(store, [put(other, 2, 2)])
    await kept.caught_up()
    before = await kept.prove()
    assert (before.followed, before.applied, list(before.parked)) == (5, 1, [2, 3, 4, 5])
    assert before.finding.verdict is Verdict.EXACTLY_ONCE

    mended = {1: lambda fields: {**fields, "tag": int(fields["tagged"].replace(":", " ").split(" ")[1])}}
    monkeypatch.setattr(ThingTagged, "upcasters", mended)
    await kept.build()
    assert told(await kept.compare()) == {str(shelf): ("lies_aside", [2, 3])}, "no shelf was there for the other tag"
    position = await kept.standing_of(kept.follower)
    assert await replay(kept.pool, kept.follower, shelf) == Replayed(taken=2, parked=0)
    assert await kept.standing_of(kept.follower) == position, "nobody was rewound"
    assert (await kept.rows())[shelf].things == "1#7 3"
    assert (await kept.compare()).equal
    after = await kept.prove()
    assert (after.applied, list(after.parked), after.finding.verdict) == (3, [4, 5], Verdict.EXACTLY_ONCE)

    await kept.run("delete from parked where position = 4")
    assert (await kept.prove()).finding == Finding(Verdict.MISSING, (4,))


async def test_positions_that_were_skipped_or_taken_again_are_named(shelved: str) -> None:
    async with opened(SERVICE, shelved) as store:
        async with kept_of_own(store, shelved) as kept:
            await record_shelves(store, 10, 3)
            await kept.caught_up()
        await fetch_run(shelved, "update followers set position = 21")
        async with kept_of_own(store, shelved) as kept:
            await kept.caught_up()
            again = (await kept.prove()).finding
            assert (again.verdict, list(again.twice)) == (Verdict.TWICE, list(range(22, 31)))
            await kept.build()
            found = await kept.compare()
            assert {cause for cause, _ in told(found).values()} == {"applied_twice"}
            assert sorted(at for _, events in told(found).values() for at in events) == list(range(22, 31))
            await kept.beside.change_places(kept.model)
            assert (await kept.prove()).finding.verdict is Verdict.EXACTLY_ONCE
            await kept.beside.drop(kept.model)
        await record(store, [put(shelf, 1) for shelf in (uuid4(), uuid4(), uuid4())])
        await fetch_run(shelved, "update followers set position = 32")
        async with kept_of_own(store, shelved) as kept:
            await kept.caught_up()
            skipped = (await kept.prove()).finding
            assert (skipped.verdict, list(skipped.missing)) == (Verdict.MISSING, [31, 32])


async def fetch_run(conninfo: str, statement: str) -> None:
    async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as connection:
        await connection.execute(statement.encode())


async def test_another_services_history_comes_again_from_its_first_event_and_nobody_is_rewound(
    postgres: EmbeddedPostgres, database: str, nats_url: str
) -> None:
    source = f"source{uuid4().hex[:8]}"
    with fresh_database(postgres, model_of(source).schema) as reading:
        async with (
            opened(source, database) as store,
            publishing(store, database, nats_url),
            connected(nats_url) as bus,
            kept_of_another(store, reading, bus, nats_url) as kept,
        ):
            shelves = await record_shelves(store, 30, 3)
            await kept.caught_up()
            await kept.run("update shelves_v3 set many = 9 where shelf_id = %s", shelves[0])
            await kept.build()
            found = await kept.compare()
            assert told(found) == {str(shelves[0]): ("altered", [])}
            await kept.beside.change_places(kept.model)
            await record(store, [put(shelves[0], 4, 4)])
            await kept.caught_up()
            assert (await kept.rows())[shelves[0]].things == "1 2 3 4"
            for follower in (kept.follower, *kept.beside.followers):
                proven = await kept.prove(follower)
                assert (proven.followed, proven.applied, proven.finding.verdict) == (91, 91, Verdict.EXACTLY_ONCE)
            await kept.beside.change_places(kept.model, back=True)
            assert (await kept.rows())[shelves[0]].many == 10, "the older one was followed on"


async def test_a_process_killed_while_it_builds_or_switches_leaves_whole_generations_to_go_on_from(shelved: str) -> None:
    async with opened(SERVICE, shelved) as store:
        await record_shelves(store, 60, 4)
        for moment in ("building", "switching"):
            program = (sys.executable, "-m", "tests.connected.doomed_generations", shelved, moment)
            doomed = await asyncio.create_subprocess_exec(*program)
            async with asyncio.timeout(PATIENCE_S):
                assert await doomed.wait() == -signal.SIGKILL
        async with kept_of_own(store, shelved) as kept:
            standing = await kept.beside.standing_of(kept.model)
            assert (standing.live, standing.beside) == (1, 2)
            await until(lambda: bool(kept.beside.followers))
            await kept.caught_up()
            found = await kept.compare()
            assert (found.equal, found.rows_live, found.rows_beside) == (True, 60, 60)
            for follower in (kept.follower, *kept.beside.followers):
                proven = await kept.prove(follower)
                assert (proven.applied, proven.finding.verdict) == (240, Verdict.EXACTLY_ONCE)
            assert (await kept.beside.change_places(kept.model)).live == 2


async def test_another_process_of_the_service_goes_along_and_starts_anew_where_the_first_one_does(
    own: tuple[EventStore, Kept], shelved: str
) -> None:
    store, kept = own
    await record_shelves(store, 20, 4)
    async with kept_of_own(store, shelved) as other:
        await kept.build()
        await until(lambda: bool(other.beside.followers))
        (first,) = other.beside.followers
        await other.caught_up()
        await kept.beside.change_places(kept.model)
        await record_shelves(store, 5, 1)
        await other.caught_up()
        assert await other.rows() == await kept.rows()
        # Dropped and begun again between two looks of the other, whose follower finds itself before the first event.
        await kept.beside.drop(kept.model)
        await kept.build()
        await record_shelves(store, 5, 1)
        await until(lambda: bool(other.beside.followers) and other.beside.followers != [first])
        await other.caught_up()
        assert (await other.compare()).equal
        for each in (other.follower, *other.beside.followers):
            proven = await other.prove(each)
            assert (proven.applied, proven.finding.verdict) == (90, Verdict.EXACTLY_ONCE)
        await kept.beside.drop(kept.model)
        await until(lambda: not other.beside.followers)


async def test_both_generations_are_cleared_when_names_must_go(own: tuple[EventStore, Kept]) -> None:
    store, kept = own
    await record_shelves(store, 3, 2)
    await kept.caught_up()
    await kept.build()
    async with kept.pool.connection() as connection, connection.transaction():
        await clear(connection, kept.model)
    await record_shelves(store, 1, 1)
    await until(lambda: all_there(kept))
    assert (await kept.compare()).equal
    assert (await kept.prove()).finding.verdict is Verdict.EXACTLY_ONCE


async def all_there(kept: Kept) -> bool:
    rows = await fetch(kept.pool, "select (select count(*) from shelves_v3), (select count(*) from beside.shelves_v3)")
    return rows == [(4, 4)]
