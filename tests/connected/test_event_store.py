"""Is an acknowledged command in the history once and for ever? Shown on a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from chassis.appends import Answer, Append, Arrangement, Claimed, NewEvent, Rearranged, StaleVersion
from chassis.claims import Claim
from chassis.database import open_pool
from chassis.events import Moves
from chassis.recorded import RecordedEvent
from chassis.refusals import AlreadyExists, CommandIdReused, Invalid, Unavailable
from chassis.store import REPLAYED_AT_ONCE, EventStore

SECRET = b"a secret of at least 32 bytes ..."
PATIENCE_S = 120


class Taken(AlreadyExists):
    """Only one may hold it."""


def new_event(aggregate: UUID | None = None, version: int = 1, *, branch: str = "national", body: bytes = b"{}") -> NewEvent:
    return NewEvent(aggregate or uuid4(), version, "test.happened", body, b"{}", branch)


def command(
    *events: NewEvent, claims: tuple[Claim, ...] = (), command_id: UUID | None = None, content: bytes = b"same"
) -> Append:
    return Append(events or (new_event(),), command_id or uuid4(), content, claims)


@asynccontextmanager
async def opened(conninfo: str) -> AsyncIterator[EventStore]:
    pool = open_pool(conninfo)
    await pool.open()
    store = EventStore("test", conninfo, pool, secret=SECRET, clock=lambda: datetime.now(UTC))
    await store.start()
    try:
        yield store
    finally:
        await store.stop()
        await pool.close()


async def everything(store: EventStore) -> list[RecordedEvent]:
    found: list[RecordedEvent] = []
    while batch := await store.read(found[-1].position if found else 0, 1_000):
        found += batch
    return found


async def test_positions_are_gap_free_and_in_the_order_of_submission(database: str) -> None:
    async with opened(database) as store:
        appends = [command(new_event(), new_event()) for _ in range(300)]
        answers = await asyncio.gather(*[store.submit(append) for append in appends])
        events = await everything(store)
    assert [event.position for event in events] == list(range(1, 601))
    assert [answer.position for answer in answers] == list(range(2, 601, 2))
    assert [event.aggregate_id for event in events] == [event.aggregate_id for append in appends for event in append.events]


async def test_each_branch_has_gap_free_positions_of_its_own(database: str) -> None:
    async with opened(database) as store:
        branches = ["ha-noi", "vinh-phuc", "ha-noi", "national", "vinh-phuc", "ha-noi"] * 20
        await asyncio.gather(*[store.append(command(new_event(branch=branch))) for branch in branches])
        events = await everything(store)
    for branch in set(branches):
        numbers = [event.branch_position for event in events if event.branch == branch]
        assert numbers == list(range(1, branches.count(branch) + 1))


async def test_one_stale_command_is_refused_alone(database: str) -> None:
    async with opened(database) as store:
        known = uuid4()
        await store.append(command(new_event(known)))
        good = [command() for _ in range(20)]
        outcomes = await asyncio.gather(
            *[store.append(append) for append in [*good[:10], command(new_event(known, 1)), *good[10:]]], return_exceptions=True
        )
        stored = await everything(store)
    assert [type(outcome) for outcome in outcomes] == [Answer] * 10 + [StaleVersion] + [Answer] * 10
    assert len(stored) == 21


async def test_a_command_on_a_version_that_is_not_there_yet_is_stale(database: str) -> None:
    async with opened(database) as store:
        with pytest.raises(StaleVersion):
            await store.append(command(new_event(version=3)))
        assert await store.head() == 0


async def test_commands_on_one_aggregate_follow_one_another_in_one_batch(database: str) -> None:
    async with opened(database) as store:
        one = uuid4()
        answers = await asyncio.gather(*[store.submit(command(new_event(one, version))) for version in range(1, 51)])
        assert [answer.version for answer in answers] == list(range(1, 51))
        assert [event.version for event in await store.load(one)] == list(range(1, 51))


async def test_what_follows_on_a_refused_command_is_refused_as_stale(database: str) -> None:
    async with opened(database) as store:
        one, taken = uuid4(), Claim("the-only-one", "take", Taken)
        await store.append(command(claims=(taken,)))
        outcomes = await asyncio.gather(
            store.append(command(new_event(one, 1), claims=(taken,))),
            store.append(command(new_event(one, 2))),
            return_exceptions=True,
        )
        assert [type(outcome) for outcome in outcomes] == [Claimed, StaleVersion]
        assert await store.load(one) == []


async def test_a_repeated_command_id_gets_the_first_answer_and_has_no_second_effect(database: str) -> None:
    async with opened(database) as store:
        append = command(new_event(), new_event())
        first = await store.append(append)
        again = await asyncio.gather(*[store.append(append) for _ in range(5)])
        assert {(answer.position, answer.aggregate_id, answer.version) for answer in again} == {
            (first.position, first.aggregate_id, first.version)
        }
        assert all(answer.repeated for answer in again)
        assert await store.head() == 2


async def test_the_same_command_id_with_other_content_is_refused(database: str) -> None:
    async with opened(database) as store:
        append = command(content=b"one")
        await store.append(append)
        with pytest.raises(CommandIdReused):
            await store.append(command(command_id=append.command_id, content=b"other"))
        with pytest.raises(CommandIdReused):
            await store.answer_to(append.command_id or uuid4(), b"other", uuid4())
        assert await store.head() == 1


async def test_of_two_commands_with_one_id_in_one_batch_one_takes_effect(database: str) -> None:
    async with opened(database) as store:
        command_id = uuid4()
        first, second = await asyncio.gather(*[store.append(command(command_id=command_id)) for _ in range(2)])
        assert (first.position, second.position) == (1, 1)
        assert await store.head() == 1


async def test_what_one_has_taken_nobody_else_can_take_until_it_is_released(database: str) -> None:
    async with opened(database) as store:
        take, release = Claim("national-id:001", "take", Taken), Claim("national-id:001", "release")
        await store.append(command(claims=(take,)))
        with pytest.raises(Claimed):
            await store.append(command(claims=(take,)))
        await store.append(command(claims=(release,)))
        await store.append(command(claims=(take,)))


async def test_what_is_shared_cannot_be_taken_and_what_is_taken_cannot_be_shared(database: str) -> None:
    async with opened(database) as store:
        share, unshare = Claim("unit:a", "share"), Claim("unit:a", "unshare")
        take = Claim("unit:a", "take", Taken)
        await asyncio.gather(*[store.append(command(claims=(share,))) for _ in range(3)])
        for _ in range(3):
            with pytest.raises(Claimed):
                await store.append(command(claims=(take,)))
            await store.append(command(claims=(unshare,)))
        await store.append(command(claims=(take,)))
        with pytest.raises(Claimed):
            await store.append(command(claims=(share,)))


async def test_many_give_a_shared_claim_back_in_one_batch(database: str) -> None:
    async with open_pool(database) as pool:
        batches: list[int] = []
        store = EventStore(
            "test", database, pool, secret=SECRET, clock=lambda: datetime.now(UTC), on_batch=lambda _, many: batches.append(many)
        )
        share, unshare, take = Claim("unit:a", "share"), Claim("unit:a", "unshare"), Claim("unit:a", "take", Taken)
        await store.start()
        for claim, times in ((share, 5), (unshare, 4)):
            await asyncio.gather(*[store.submit(command(claims=(claim,))) for _ in range(times)])
        assert batches == [5, 4]
        with pytest.raises(Claimed):
            await store.append(command(claims=(take,)))
        await store.append(command(claims=(unshare,)))
        await store.append(command(claims=(take,)))
        await store.stop()


async def test_at_most_so_many_share_a_limited_claim_however_many_try_at_once(database: str) -> None:
    async with opened(database) as store:
        claim = Claim("quota:flag:2024", "share", Taken, limit=7)
        outcomes = await asyncio.gather(*[store.append(command(claims=(claim,))) for _ in range(20)], return_exceptions=True)
        assert sum(isinstance(outcome, Answer) for outcome in outcomes) == 7
        assert sum(isinstance(outcome, Claimed) for outcome in outcomes) == 13


async def test_no_claim_can_be_read_in_the_database(database: str) -> None:
    async with opened(database) as store:
        await store.append(command(claims=(Claim("national-id:001099012345", "take"),)))
    with psycopg.connect(database) as connection:
        ((claim,),) = connection.execute("select claim from claims").fetchall()
    assert len(claim) == 16
    assert b"001099012345" not in bytes(claim)


async def test_a_value_the_database_refuses_is_refused_alone(database: str) -> None:
    async with opened(database) as store:
        poison = Append((NewEvent(uuid4(), 1, "test.\x00happened", b"{}", b"{}", "national"),), uuid4())
        appends = [command() for _ in range(30)]
        outcomes = await asyncio.gather(
            *[store.append(a) for a in [*appends[:11], poison, *appends[11:]]], return_exceptions=True
        )
        assert [number for number, outcome in enumerate(outcomes) if isinstance(outcome, Invalid)] == [11]
        assert await store.head() == 30


@pytest.mark.parametrize(("events", "size"), [(2_500, 200), (1_000, 2_000), (20, 100_000)])
async def test_a_large_append_does_not_hang(database: str, events: int, size: int) -> None:
    """With psycopg 3.2.13 and later the stock recorder waits for ever on such an append, holding its table lock."""
    async with opened(database) as store, asyncio.timeout(PATIENCE_S):
        body = b'{"text":"' + b"x" * size + b'"}'
        await store.append(command(*[new_event(body=body) for _ in range(events)]))
        assert await store.head() == events


async def test_an_event_too_large_for_the_bus_is_refused_before_it_is_kept(database: str) -> None:
    async with opened(database) as store:
        with pytest.raises(Invalid):
            await store.append(command(new_event(body=b"x" * 300_000)))
        assert await store.head() == 0


def test_a_naive_reader_of_a_naive_table_loses_events(database: str) -> None:
    """The danger that the head row guards against: numbers are drawn before they are committed."""
    with (
        psycopg.connect(database) as slow,
        psycopg.connect(database) as fast,
        psycopg.connect(database, autocommit=True) as reader,
    ):
        reader.execute("create table naive (id bigserial primary key, note text)")
        slow.execute("insert into naive (note) values ('drawn first, committed last')")
        fast.execute("insert into naive (note) values ('drawn last, committed first')")
        fast.commit()
        seen = [number for (number,) in reader.execute("select id from naive where id > 0 order by id")]
        slow.commit()
        seen += [number for (number,) in reader.execute("select id from naive where id > %s order by id", (seen[-1],))]
        kept = [number for (number,) in reader.execute("select id from naive order by id")]
    assert kept == [1, 2]
    assert seen == [2], "the naive reader has become safe: this test no longer shows the danger"


async def test_a_naive_reader_of_this_store_loses_nothing_while_two_writers_race(database: str) -> None:
    async with opened(database) as one, opened(database) as other:
        done = asyncio.Event()

        async def write(store: EventStore) -> None:
            for _ in range(40):
                await asyncio.gather(*[store.append(command()) for _ in range(10)])

        async def read() -> list[int]:
            seen: list[int] = []
            while True:
                finished = done.is_set()
                batch = await one.read(seen[-1] if seen else 0, 100)
                seen += [event.position for event in batch]
                if finished and not batch:
                    return seen

        reading = asyncio.create_task(read())
        await asyncio.gather(write(one), write(other))
        done.set()
        assert await reading == list(range(1, 801))


async def test_a_connection_lost_in_mid_load_loses_and_doubles_nothing(database: str) -> None:
    async with opened(database) as store:
        struck = 0
        numbers = count()
        acknowledged: list[Answer] = []

        async def write() -> None:
            while next(numbers) < 1_500:
                acknowledged.append(await store.append(command()))

        async def strike() -> None:
            nonlocal struck
            with psycopg.connect(database, autocommit=True) as connection:
                for _ in range(15):
                    await asyncio.sleep(0.02)
                    killed = connection.execute(
                        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()"
                        " and query like '%append_batch%' and pid <> pg_backend_pid()"
                    ).fetchall()
                    struck += len(killed)

        striking = asyncio.create_task(strike())
        await asyncio.gather(*[write() for _ in range(32)])
        await striking
        events = await everything(store)
    assert struck > 0
    assert len(acknowledged) == 1_500
    assert sorted(answer.position for answer in acknowledged) == [event.position for event in events] == list(range(1, 1_501))


async def test_without_a_database_a_command_is_unavailable_and_its_repetition_settles_it(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chassis.group_commit.OUTAGE_PATIENCE_S", 0.2)
    async with opened(database) as store:
        append = command()
        name = conninfo_to_dict(database)["dbname"]
        with psycopg.connect(make_conninfo(database, dbname="postgres"), autocommit=True) as connection:
            connection.execute(f'alter database "{name}" allow_connections false')
            connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (name,))
            with pytest.raises(Unavailable):
                await store.append(append)
            connection.execute(f'alter database "{name}" allow_connections true')
        assert (await store.append(append)).position == 1
        assert await store.head() == 1


def decided(seen: Arrangement | None, moves: Moves = "nothing") -> Append:
    return Append((new_event(),), uuid4(), b"", (), seen, moves)


async def test_what_was_decided_before_a_hand_over_is_not_kept_after_it(database: str) -> None:
    async with opened(database) as store:
        before = Arrangement(0)
        answers = [store.submit(decided(before)) for _ in range(3)]
        moving = store.submit(decided(before, "branches"))
        late = [store.submit(decided(before)) for _ in range(3)]
        outcomes = await asyncio.gather(*answers, moving, *late, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [Answer] * 4 + [Rearranged] * 3
        assert await store.arrangement() == Arrangement(4, 4)
        assert (await store.append(decided(Arrangement(4)))).position == 5
        with pytest.raises(Rearranged):
            await store.append(decided(Arrangement(3)))
        assert (await store.append(decided(None))).position == 6, "who stands on no tree is not asked"


async def test_what_stands_on_all_places_is_kept_only_while_no_unit_has_another(database: str) -> None:
    async with opened(database) as store:
        seen = Arrangement(0, 0)
        established = store.submit(decided(Arrangement(0), "places"))
        moved = store.submit(decided(seen, "places"))
        outcomes = await asyncio.gather(established, moved, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [Answer, Rearranged]
        assert await store.arrangement() == Arrangement(0, 1)
        assert (await store.append(decided(Arrangement(0, 1), "places"))).position == 2
        assert (await store.append(decided(Arrangement(0)))).position == 3, "nobody changed branches"


async def test_a_repeated_command_has_its_first_answer_also_after_a_hand_over(database: str) -> None:
    async with opened(database) as store:
        first = decided(Arrangement(0), "branches")
        answer = await store.append(first)
        with pytest.raises(Rearranged):
            await store.append(first)
        again = replace(first, seen=Arrangement(answer.position))
        assert await store.append(again) == replace(answer, repeated=True)


async def test_of_a_branch_and_of_all_the_ends_are_told_as_of_one_moment(database: str) -> None:
    async with opened(database) as store:
        assert await store.branch_head("ha-noi") == (0, 0)
        for branch in ("ha-noi", "vinh-phuc", "ha-noi"):
            await store.append(command(new_event(branch=branch)))
        assert await store.branch_head("ha-noi") == (2, 3)
        assert await store.branch_head("nowhere") == (0, 3)


async def test_a_replay_gives_every_event_once_in_pages_and_may_be_left(database: str) -> None:
    events = REPLAYED_AT_ONCE + 3
    async with opened(database) as store:
        assert [page async for page in store.replay()] == []
        await store.append(command(*(new_event() for _ in range(events))))
        pages = [[event.position for event in page] async for page in store.replay()]
        assert [len(page) for page in pages] == [REPLAYED_AT_ONCE, 3]
        assert [position for page in pages for position in page] == list(range(1, events + 1))
        assert [event.position async for page in store.replay(events - 2) for event in page] == [events - 1, events]
        assert [page async for page in store.replay(topics=frozenset({"test.other"}))] == []
        async with aclosing(store.replay()) as replay:
            async for _ in replay:
                break
        assert await store.head() == events
