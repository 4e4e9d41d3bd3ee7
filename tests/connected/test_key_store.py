"""Are the keys of persons made once, kept secret, destroyed for good, and wrapped anew without a stop? On a real PostgreSQL."""

import asyncio
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chassis.key_store import KeyStore, KeyUnusable
from chassis.refusals import Unavailable
from chassis.wrapping_keys import WrappingKeys, WrappingKeysUnreadable
from congdoan.embedded import EmbeddedPostgres
from tests.keys import fresh_keys, opened, wrapping_file

NONCE, AAD = bytes(12), b"place"


@pytest.fixture
def database(postgres: EmbeddedPostgres) -> Iterator[str]:
    """An empty key store."""
    with fresh_keys(postgres) as conninfo:
        yield conninfo


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return wrapping_file(tmp_path)


def same(one: AESGCM | None, other: AESGCM | None) -> bool:
    """Whether two ciphers have one key."""
    assert one
    assert other
    return one.encrypt(NONCE, b"x", AAD) == other.encrypt(NONCE, b"x", AAD)


def rows(conninfo: str, query: str) -> list[Any]:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        cursor = connection.execute(query.encode())
        return cursor.fetchall() if cursor.description else []


async def test_a_key_is_made_once_and_found_by_every_process(database: str, file: Path) -> None:
    who, nobody = uuid4(), uuid4()
    async with opened(database, file) as one, opened(database, file) as other:
        made = (await one.keys_for([who], create=True))[who]
        found = await other.keys_for([who, nobody])
        assert same(made, found[who])
        assert nobody not in found


async def test_two_processes_that_make_keys_of_the_same_persons_at_once_make_the_same(database: str, file: Path) -> None:
    persons = [uuid4() for _ in range(50)]
    async with opened(database, file) as one, opened(database, file) as other:
        answers = await asyncio.gather(
            *[keys.keys_for(asked, create=True) for asked in (persons, persons[::-1]) for keys in (one, other) for _ in range(3)]
        )
    assert all(same(answer[person], answers[0][person]) for answer in answers for person in persons)
    assert rows(database, "select count(*) from person_keys") == [(50,)]


async def test_no_key_stands_in_the_database_as_it_is(database: str, file: Path) -> None:
    drawn: list[bytes] = []

    def randomness(size: int) -> bytes:
        drawn.append(os.urandom(size))
        return drawn[-1]

    async with opened(database, file, randomness=randomness) as keys:
        await keys.keys_for([uuid4()], create=True)
    ((wrapped,),) = rows(database, "select wrapped from person_keys")
    keys_drawn = [bits for bits in drawn if len(bits) == 32]
    assert keys_drawn
    assert all(key not in wrapped for key in keys_drawn)


async def test_a_wrapped_key_moved_to_another_person_is_no_key(database: str, file: Path) -> None:
    who, other = uuid4(), uuid4()
    async with opened(database, file) as keys:
        await keys.keys_for([who, other], create=True)
    rows(database, f"update person_keys set wrapped = (select wrapped from person_keys where person = '{who}')")
    async with opened(database, file) as keys:
        assert set(await keys.keys_for([who, other])) == {who}
        with pytest.raises(KeyUnusable):
            await keys.rotate()


async def test_a_destroyed_key_is_gone_from_the_memory_of_every_process(database: str, file: Path) -> None:
    who, other = uuid4(), uuid4()
    async with opened(database, file) as one, opened(database, file) as two:
        for keys in (one, two):
            await keys.keys_for([who, other], create=True)
            assert (await keys.keys_for([who]))[who]
        await one.destroy([who])
        for keys in (one, two):
            assert await keys.keys_for([who]) == {who: None}
            assert await keys.keys_for([who], create=True) == {who: None}
            assert (await keys.keys_for([other]))[other]
        await two.destroy([who])
    assert rows(database, "select person from erased_persons") == [(who,)]
    assert rows(database, "select person from person_keys") == [(other,)]


async def test_a_process_that_does_not_confirm_is_waited_for_and_told_of(
    database: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(database, file) as keys:
        with psycopg.connect(database, autocommit=True, application_name="congdoan-keys 0"), monkeypatch.context() as impatient:
            impatient.setattr("chassis.key_store.DROPPED_WITHIN_S", 0.2)
            with pytest.raises(Unavailable):
                await keys.destroy([uuid4()])
        await keys.destroy([uuid4()])


async def test_a_process_that_cannot_listen_keeps_no_key_in_memory(database: str, file: Path) -> None:
    who = uuid4()
    async with opened(database, file) as keys:
        await keys.keys_for([who], create=True)
        query = "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'congdoan-keys %'"
        rows(database, f"{query} and datname = current_database()")
        while keys._listener.listening.is_set():
            await asyncio.sleep(0.01)
        rows(database, "delete from person_keys")
        assert await keys.keys_for([who]) == {}
        await keys.heard()


async def test_a_key_is_kept_in_memory_for_a_while_and_no_longer(database: str, file: Path) -> None:
    who, now = uuid4(), 0.0
    async with opened(database, file, clock=lambda: now, cached_for_s=60.0) as keys:
        await keys.keys_for([who], create=True)
        rows(database, "delete from person_keys")
        assert (await keys.keys_for([who]))[who]
        now = 61.0
        assert await keys.keys_for([who]) == {}


async def test_making_a_key_and_destroying_it_at_once_ends_without_a_key(database: str, file: Path) -> None:
    persons = [uuid4() for _ in range(20)]
    async with opened(database, file) as one, opened(database, file) as two:
        making = [two.keys_for([person], create=True) for person in persons for _ in range(2)]
        await asyncio.gather(*making[::2], one.destroy(persons), *making[1::2])
        assert await two.keys_for(persons) == dict.fromkeys(persons)
    assert rows(database, "select count(*) from person_keys") == [(0,)]


async def test_the_erased_stay_erased_when_a_backup_brings_their_keys_back(database: str, file: Path) -> None:
    who, other = uuid4(), uuid4()
    async with opened(database, file) as keys:
        await keys.keys_for([who, other], create=True)
        rows(database, "create table backup as select * from person_keys")
        await keys.destroy([who])
    rows(database, "insert into person_keys select * from backup on conflict do nothing")
    assert len(rows(database, "select * from person_keys")) == 2
    async with opened(database, file) as keys:
        assert await keys.keys_for([who]) == {who: None}
        assert rows(database, "select person from person_keys") == [(other,)]
    # A backup from before the erasure holds no tombstone either; the events of the history bring it back.
    rows(database, "truncate erased_persons; truncate person_keys; insert into person_keys select * from backup")
    async with opened(database, file) as keys:
        await keys.destroy([who])
        assert await keys.keys_for([who]) == {who: None}


async def keys_of(database: str, file: Path, persons: list[UUID]) -> dict[UUID, AESGCM | None]:
    async with opened(database, file) as keys:
        return dict(await keys.keys_for(persons, create=True))


async def test_the_wrapping_key_is_replaced_and_every_key_stays_what_it_was(database: str, file: Path) -> None:
    persons = [uuid4() for _ in range(5)]
    before, (first,) = await keys_of(database, file, persons), WrappingKeys(file).ids
    async with opened(database, file) as keys:
        new = await keys.rotate()
    assert WrappingKeys(file).ids == [new] != [first]
    assert rows(database, "select distinct wrapping_key from person_keys") == [(new,)]
    after = await keys_of(database, file, persons)
    assert all(same(before[person], after[person]) for person in persons)


class Ended(Exception):
    """The process was killed here."""


@pytest.mark.parametrize("at", ["put_first", "rewrap", "rewrap later", "keep_only"])
async def test_a_rotation_ended_anywhere_goes_on_when_it_is_run_again(
    database: str, file: Path, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    persons = [uuid4() for _ in range(5)]
    before, calls = await keys_of(database, file, persons), 0
    rewrap = KeyStore.rewrap

    async def in_twos(keys: KeyStore, after: UUID) -> Any:
        nonlocal calls
        calls += 1
        if at == "rewrap" or (at == "rewrap later" and calls == 2):
            raise Ended
        return await rewrap(keys, after, 2)

    with monkeypatch.context() as patched:
        patched.setattr(KeyStore, "rewrap", in_twos)
        if at == "put_first":
            put_first = WrappingKeys.put_first

            def then_ended(keys: WrappingKeys) -> str:
                put_first(keys)
                raise Ended

            patched.setattr(WrappingKeys, "put_first", then_ended)
        if at == "keep_only":
            patched.setattr(WrappingKeys, "keep_only", lambda keys, name: ended())
        async with opened(database, file) as keys:
            with pytest.raises(Ended):
                await keys.rotate()
    assert len(WrappingKeys(file).ids) == 2
    # What lies between is a working store: old keys are found, new ones made.
    newcomer = uuid4()
    between = await keys_of(database, file, [*persons, newcomer])
    async with opened(database, file) as keys:
        new = await keys.rotate()
    after = await keys_of(database, file, [*persons, newcomer])
    assert WrappingKeys(file).ids == [new]
    assert rows(database, "select distinct wrapping_key from person_keys") == [(new,)]
    assert all(same(before[person], after[person]) and same(between[person], after[person]) for person in persons)
    assert same(between[newcomer], after[newcomer])


def ended() -> None:
    raise Ended


async def test_the_file_of_a_key_store_that_is_not_there_stays_as_it_is(postgres: EmbeddedPostgres, file: Path) -> None:
    before = file.read_bytes()
    keys = KeyStore(postgres.conninfo("postgres"), WrappingKeys(file))
    await keys.start()
    try:
        with pytest.raises(Unavailable):
            await keys.rotate()
    finally:
        await keys.stop()
    assert file.read_bytes() == before


async def test_while_keys_are_made_and_found_the_wrapping_key_is_replaced(database: str, file: Path) -> None:
    made: dict[UUID, AESGCM | None] = {}
    async with opened(database, file) as rotating, opened(database, file, cached_for_s=0.0) as serving:
        done = asyncio.Event()

        async def work() -> None:
            while not done.is_set():
                who = uuid4()
                made.update(await serving.keys_for([who], create=True))
                some = list(made)[-5:]
                found = await serving.keys_for(some)
                assert all(same(found[person], made[person]) for person in some)

        workers = [asyncio.create_task(work()) for _ in range(4)]
        for _ in range(3):
            before = len(made)
            while len(made) < before + 5:
                await asyncio.sleep(0.01)
            await rotating.rotate()
        done.set()
        await asyncio.gather(*workers)
    (only,) = WrappingKeys(file).ids
    assert rows(database, "select distinct wrapping_key from person_keys") == [(only,)]
    async with opened(database, file) as keys:
        found = await keys.keys_for(list(made))
        assert all(same(found[person], key) for person, key in made.items())


async def test_the_key_store_being_away_is_said_and_ends_with_its_return(
    database: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = uuid4()
    nowhere = KeyStore("postgresql://postgres@127.0.0.1:1/keys?connect_timeout=1", WrappingKeys(file))
    nowhere._pool.timeout = 0.2
    await nowhere.start()
    try:
        for create in (False, True):
            with pytest.raises(Unavailable):
                await nowhere.keys_for([who], create=create)
        with pytest.raises(Unavailable):
            await nowhere.destroy([who])
    finally:
        await nowhere.stop()
    async with opened(database, file) as keys:
        file.rename(file.with_suffix(".away"))
        with pytest.raises(Unavailable):
            await keys.keys_for([who], create=True)
        file.with_suffix(".away").rename(file)
        assert (await keys.keys_for([who], create=True))[who]


def test_the_file_of_the_wrapping_keys_is_its_owners_alone(tmp_path: Path) -> None:
    file = wrapping_file(tmp_path)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    WrappingKeys(file).put_first()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.chmod(0o644)
    with pytest.raises(WrappingKeysUnreadable, match="open to everyone"):
        WrappingKeys(file).read()


@pytest.mark.parametrize("text", ["", "a:zz", "a:00", f"a:{'00' * 32}\na:{'11' * 32}", f":{'00' * 32}", "00" * 32])
def test_a_file_that_holds_something_else_is_refused_without_its_content(tmp_path: Path, text: str) -> None:
    file = tmp_path / "wrapping"
    file.touch(mode=0o600)
    file.write_text(text)
    with pytest.raises(WrappingKeysUnreadable) as refused:
        WrappingKeys(file).read()
    assert text not in str(refused.value) or not text
