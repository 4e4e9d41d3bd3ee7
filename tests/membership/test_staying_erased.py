"""Who was erased stays so at each start, whichever database was put back."""

from collections.abc import Collection
from uuid import UUID, uuid4

import psycopg
import pytest

from chassis.database import Connection, migrate, open_pool
from chassis.recorded import RecordedEvent
from chassis.refusals import Unavailable
from membership.reactions import DestroyKeys, StayErased
from membership.read_models.members import MEMBERS
from tests.membership.a_data_request import PERSON, erased
from tests.membership.test_acknowledging import recorded


class PlayedKeys:
    """A key store."""

    def __init__(self, *buried: UUID, away: bool = False) -> None:
        self.tombs, self.away = set(buried), away
        self.destroyed: list[UUID] = []

    async def destroy(self, persons: Collection[UUID]) -> None:
        if self.away:
            raise Unavailable(reason="key store")
        self.destroyed += persons
        self.tombs.update(persons)

    async def erased(self, after: UUID) -> list[UUID]:
        """One after the other: a page holds one."""
        return sorted(tomb for tomb in self.tombs if tomb > after)[:1]


@pytest.fixture
def membership(database: str) -> str:
    """Membership's database with one member in clear, and a follower that has come to position 9."""
    migrate(database, [*MEMBERS.schema, *DestroyKeys.schema])
    with psycopg.connect(database) as connection:
        columns = [name for name in MEMBERS.columns if name not in ("hardship", "left_on")]
        texts = {"member_id": PERSON, "joined_on": "2020-01-01", "birth_date": "1990-01-01", "erased": False}
        values = [texts.get(name, "Đỗ Thị Ế") for name in columns]
        marks = ", ".join(["%s"] * len(values))
        connection.execute(f"insert into {MEMBERS.table} ({', '.join(columns)}) values ({marks})".encode(), values)
        connection.execute("insert into followers (follower, position) values (%s, 9), ('destroy_keys', 9)", (MEMBERS.name,))
    return database


async def started(database: str, keys: PlayedKeys) -> None:
    async with open_pool(database) as pool:
        await StayErased(pool, keys, (MEMBERS,)).start()


def positions(database: str) -> dict[str, int]:
    with psycopg.connect(database) as connection:
        return dict(connection.execute("select follower, position from followers").fetchall())


def rows(database: str, table: str) -> int:
    with psycopg.connect(database) as connection:
        return len(connection.execute(f"select 1 from {table}".encode()).fetchall())


async def test_an_erasure_destroys_the_key_and_is_remembered_with_the_position(membership: str) -> None:
    keys = PlayedKeys()
    async with open_pool(membership) as pool:
        async with pool.connection() as connection, connection.transaction():
            await DestroyKeys(keys).take([recorded(erased())], connection)
        assert (keys.destroyed, rows(membership, "erased")) == ([PERSON], 1)
        keys.destroyed.clear()
        await StayErased(pool, keys, (MEMBERS,)).start()
    assert keys.destroyed == [PERSON]
    assert positions(membership) == {MEMBERS.name: 9, "destroy_keys": 9}


async def test_a_key_store_that_is_away_stops_both_the_effect_and_the_start(membership: str) -> None:
    keys = PlayedKeys(away=True)
    async with open_pool(membership) as pool:
        async with pool.connection() as connection:
            with pytest.raises(Unavailable):
                await DestroyKeys(keys).take([recorded(erased())], connection)
            assert rows(membership, "erased") == 0
            await connection.execute("insert into erased values (%s)", (PERSON,))
        with pytest.raises(Unavailable):
            await StayErased(pool, keys, (MEMBERS,)).start()


async def test_a_tombstone_that_the_history_does_not_know_has_the_names_built_anew_once(membership: str) -> None:
    keys = PlayedKeys(uuid4(), uuid4())
    with psycopg.connect(membership) as connection:
        query = "insert into parked values (%s, 4, %s, 'a.topic', 'a reason', null, '', now())"
        connection.execute(query.encode(), (MEMBERS.name, uuid4()))
    await started(membership, keys)
    assert (rows(membership, MEMBERS.table), positions(membership)[MEMBERS.name]) == (0, 0)
    assert rows(membership, "parked") == 0, "it comes again with the history"
    with psycopg.connect(membership) as connection:
        connection.execute("update followers set position = 9")
    await started(membership, keys)
    assert positions(membership)[MEMBERS.name] == 9


async def test_an_erasure_that_only_the_stream_has_is_done_again_where_both_databases_were_put_back(membership: str) -> None:
    keys = PlayedKeys()

    async def announced(database: Connection, topics: frozenset[str]) -> list[RecordedEvent]:
        assert topics == DestroyKeys.topics
        return [recorded(erased())]

    async with open_pool(membership) as pool:
        await StayErased(pool, keys, (MEMBERS,), announced).start()
    assert keys.destroyed == [PERSON]
    assert (rows(membership, MEMBERS.table), positions(membership)[MEMBERS.name]) == (0, 0)


async def test_where_only_the_position_is_behind_nothing_is_built_anew(membership: str) -> None:
    event = recorded(erased())
    with psycopg.connect(membership) as connection:
        connection.execute(
            "insert into events values (%s, %s, 2, %s, %s, %s, 'vinh-phuc', 1, now())",
            (event.position, PERSON, event.topic, event.body, event.metadata_json),
        )
    await started(membership, PlayedKeys(PERSON))
    assert (rows(membership, MEMBERS.table), positions(membership)[MEMBERS.name]) == (1, 9)
