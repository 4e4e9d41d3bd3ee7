"""Does a personal value stand in clear anywhere in membership's history, and is it gone for good once its key is? On a
real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from chassis.appends import Append
from chassis.application import Application
from chassis.commands import Call
from chassis.database import Pool, fetch, fetch_rows, migrate, open_pool
from chassis.deadletters import list_parked, replay
from chassis.events import Event
from chassis.following import Follower
from chassis.hierarchy import Hierarchy
from chassis.key_store import KeyStore
from chassis.parking import packed, unpacked
from chassis.projector import Projection
from chassis.read_models import ReadModel
from chassis.refusals import Refusal, Unavailable
from chassis.rpc import needs_of
from chassis.sealing import PersonErased, Sealer
from chassis.security import Caller, Role
from chassis.store import EventStore
from congdoan.embedded import EmbeddedPostgres
from membership.application import UnitsAtHand, menu
from membership.domain.member import (
    MEMBER,
    AdmitMember,
    CorrectMemberDetails,
    LeaveUnion,
    NationalIdTaken,
    RecordHardship,
    keyed_hash_of_ids,
)
from membership.domain.unit import EstablishUnit
from membership.events import Level, MemberJoined, SubjectErased, unit_after
from membership.read_models.member_counts import MEMBER_COUNTS
from membership.read_models.members import MEMBERS, MemberRow, members_by_national_id
from membership.rpc import SERVICE
from tests.conftest import SECRET
from tests.keys import fresh_keys, opened, wrapping_file

DAY, BORN = date(2020, 1, 1), date(1977, 3, 9)
NAME, NEW_NAME, NATIONAL_ID, PHONE = "Đặng Thị Đánh Dấu", "Đặng Thị Đổi Tên", "077177399555", "0977399555"
EMAIL, DETAILS = "danh.dau@example.vn", "Bệnh hiểm nghèo, một mình nuôi con"
MARKS = [NAME, NEW_NAME, NATIONAL_ID, PHONE, EMAIL, DETAILS, BORN.isoformat()]
CALL = Call(Caller("membership", Role.SERVICE, "membership"))


class Membership:
    """Membership's commands and its members, as one process has them."""

    def __init__(self, store: EventStore, pool: Pool, keys: KeyStore) -> None:
        self.store, self.pool, self.keys, self.sealer, tree = store, pool, keys, Sealer(keys), Hierarchy()
        units = UnitsAtHand(keyed_hash_of_ids(SECRET), tree)
        self.application = Application(store, menu(units), needs_of([SERVICE]), tree, secret=SECRET, sealer=self.sealer)
        self.live = units.live = self.application.live
        self.tree = tree

    async def establish(self) -> None:
        for code, level, parent in (("tld", Level.CONFEDERATION, None), ("so-y-te", Level.GRASSROOTS, "tld")):
            await self.do(EstablishUnit, unit=code, name=code, level=level, line_parent=parent)
        for recorded in await self.store.read(0, 2):
            self.tree.put([unit_after(None, recorded.event, recorded.position)])

    async def do(self, cls: type[Any], **fields: Any) -> Any:
        return await self.application.execute(CALL, cls.model_validate({"command_id": uuid4(), "on": DAY, **fields}))

    async def admit(self, **fields: Any) -> UUID:
        who = uuid4()
        plain = {"unit": "so-y-te", "full_name": NAME, "national_id": NATIONAL_ID, "birth_date": BORN}
        await self.do(AdmitMember, member_id=who, **{**plain, "phone": PHONE, "email": EMAIL, **fields})
        return who

    async def journey(self) -> UUID:
        who = await self.admit()
        await self.do(RecordHardship, member_id=who, grade="hardship", details=DETAILS)
        await self.do(CorrectMemberDetails, member_id=who, full_name=NEW_NAME)
        return who

    async def erase(self, who: UUID) -> None:
        """As the erasure does it: the event, then the keys."""
        event = SubjectErased(unit="so-y-te", on=DAY, person_id=who, request_id=uuid4())
        await self.append(who, event)
        await self.keys.destroy([who])

    async def append(self, who: UUID, event: Event) -> None:
        command = LeaveUnion(command_id=uuid4(), member_id=who, on=DAY, reason="x")
        version = await self.store.version(who) + 1
        await self.store.append(Append((self.application.new_event(CALL, command, event, version, {}),)))
        self.live.distrust()

    async def project(self, model: ReadModel[Any]) -> Follower:
        """A read model, from where it stands to the head."""
        follower = Follower(self.pool, Projection(model, sealer=self.sealer), lambda: datetime.now(UTC))
        await follower.load()
        events = [event for event in await self.store.read(follower.position, 1_000) if event.topic in model.topics]
        if events:
            await follower.take(events)
        return follower

    async def members(self) -> list[MemberRow]:
        await self.project(MEMBERS)
        return await fetch_rows(self.pool, MEMBERS, "true order by joined_on, member_id")

    async def rebuilt(self) -> list[MemberRow]:
        await fetch(self.pool, f"with a as (delete from {MEMBERS.table}) delete from followers returning 1")
        return await self.members()


@pytest.fixture
def keys_database(postgres: EmbeddedPostgres) -> Iterator[str]:
    with fresh_keys(postgres) as conninfo:
        yield conninfo


@pytest.fixture
def process(database: str, keys_database: str, tmp_path: Path) -> Any:
    """One more process of membership."""
    migrate(database, [*MEMBERS.schema, *MEMBER_COUNTS.schema])

    @asynccontextmanager
    async def running() -> AsyncIterator[Membership]:
        async with open_pool(database) as pool, opened(keys_database, wrapping_file(tmp_path)) as keys:
            store = EventStore("membership", database, pool, secret=SECRET, clock=lambda: datetime.now(UTC))
            await store.start()
            try:
                yield Membership(store, pool, keys)
            finally:
                await store.stop()

    return running


@pytest.fixture
async def membership(process: Any) -> AsyncIterator[Membership]:
    async with process() as running:
        await running.establish()
        yield running


def everything_in(conninfo: str, but: Sequence[str] = ()) -> str:
    """Every row of every table as text, and every bytea also as the text it may be."""
    with psycopg.connect(conninfo) as connection:
        tables = connection.execute("select tablename from pg_tables where schemaname = 'public'").fetchall()
        rows = [
            value
            for (table,) in tables
            if table not in but
            for row in connection.execute(f"select * from {table}")
            for value in row
        ]
    return "\n".join(value.decode(errors="replace") if isinstance(value, bytes) else str(value) for value in rows)


async def test_nothing_personal_stands_in_clear_in_the_history_or_the_key_store(
    membership: Membership, database: str, keys_database: str
) -> None:
    await membership.journey()
    await membership.members()
    dumped = everything_in(database, but=[MEMBERS.table]) + everything_in(keys_database)
    assert [mark for mark in MARKS if mark in dumped] == []
    assert keyed_hash_of_ids(SECRET)(NATIONAL_ID) not in dumped
    assert "sealed:1:" in dumped
    # The check itself finds what is there.
    assert [mark for mark in MARKS if mark in everything_in(database)] == [NEW_NAME, PHONE, EMAIL, BORN.isoformat()]


async def test_membership_reads_its_own_history_whole(membership: Membership, process: Any) -> None:
    who = await membership.journey()
    (row,) = await membership.members()
    assert (row.full_name, row.birth_date, row.phone, row.email, row.erased) == (NEW_NAME, BORN, PHONE, EMAIL, False)
    async with process() as another:
        state = await another.live.state(MEMBER, who)
        assert state == await membership.live.state(MEMBER, who)
        assert state.national_id_hash == keyed_hash_of_ids(SECRET)(NATIONAL_ID)


async def test_without_keys_every_event_is_read_and_says_no_personal_value(membership: Membership) -> None:
    who = await membership.journey()
    joined, *_ = [recorded.event for recorded in await membership.store.load(who)]
    assert isinstance(joined, MemberJoined)
    personal = {name: getattr(joined, name) for name in MemberJoined.personal_fields}
    assert set(personal.values()) == {None}
    await membership.project(MEMBER_COUNTS)


async def test_a_national_id_is_claimed_by_its_hash_in_every_process(membership: Membership, process: Any) -> None:
    who = await membership.admit()
    async with process() as another:
        for fact in await membership.store.read(0, 2):
            another.tree.put([unit_after(None, fact.event, fact.position)])
        with pytest.raises(NationalIdTaken):
            await another.admit()
        await another.do(LeaveUnion, member_id=who, reason="Nghỉ hưu")
        again = await another.admit()
        rows = await another.members()
        assert {row.member_id for row in rows} == {who, again}
        found = await members_by_national_id(another.pool, keyed_hash_of_ids(SECRET)(NATIONAL_ID))
        assert [row.member_id for row in found] == [again, who]


async def test_after_the_erasure_a_rebuild_and_the_live_rows_are_the_same_and_hold_no_value(
    membership: Membership, process: Any, database: str
) -> None:
    erased, other = await membership.journey(), await membership.admit(national_id="0" * 12, full_name="Lê Ân")
    await membership.members()
    await membership.erase(erased)
    live = {row.member_id: row for row in await membership.members()}
    dumped = everything_in(database)
    assert [mark for mark in (NAME, NEW_NAME, NATIONAL_ID, DETAILS) if mark in dumped] == []
    assert keyed_hash_of_ids(SECRET)(NATIONAL_ID) not in dumped
    assert (live[erased].full_name, live[erased].erased, live[erased].hardship) == (None, True, "hardship")
    assert (live[other].full_name, live[other].erased) == ("Lê Ân", False)
    assert {row.member_id: row for row in await membership.rebuilt()} == live
    async with process() as another:
        state = await another.live.state(MEMBER, erased)
        assert state == await membership.live.state(MEMBER, erased)
        assert (state.national_id_hash, state.unit) == (None, "so-y-te")
        assert await another.members() == list(live.values()) or {row.member_id for row in live.values()}


async def test_nothing_personal_is_recorded_of_whoever_has_no_key_any_more(membership: Membership) -> None:
    who, other = await membership.admit(), await membership.admit(national_id="0" * 12)
    await membership.keys.destroy([who])
    commands = [
        CorrectMemberDetails(command_id=uuid4(), member_id=member, on=DAY, full_name=NEW_NAME) for member in (who, other, who)
    ]
    refused, taken, again = await membership.application.execute_batch(CALL, commands)
    assert isinstance(refused, PersonErased)
    assert isinstance(again, PersonErased)
    assert not isinstance(taken, Refusal)
    assert await membership.store.version(who) == 1
    # What is not personal goes on, on the state that is in the history.
    answer = await membership.do(LeaveUnion, member_id=who, reason="Nghỉ hưu")
    assert answer.version == 2


async def test_what_is_refused_makes_no_key(membership: Membership, keys_database: str) -> None:
    with pytest.raises(Refusal):
        await membership.admit(unit="nowhere")
    stranger = Call(Caller("stranger", Role.GRASSROOTS_OFFICER, "elsewhere"))
    command = AdmitMember(
        command_id=uuid4(), member_id=uuid4(), unit="so-y-te", full_name=NAME, national_id=NATIONAL_ID, birth_date=BORN, on=DAY
    )
    with pytest.raises(Refusal):
        await membership.application.execute(stranger, command)
    assert "sealed" not in everything_in(keys_database)
    with psycopg.connect(keys_database) as connection:
        assert connection.execute("select count(*) from person_keys").fetchone() == (0,)


async def test_while_the_keys_are_away_only_what_needs_them_is_refused_and_nothing_is_kept(
    membership: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = await membership.admit()

    async def away(*_: Any, **__: Any) -> Any:
        raise Unavailable(reason="key store")

    with monkeypatch.context() as patched:
        patched.setattr(KeyStore, "keys_for", away)
        with pytest.raises(Unavailable):
            await membership.admit(national_id="0" * 12)
        with pytest.raises(Unavailable):
            await membership.do(CorrectMemberDetails, member_id=who, full_name=NEW_NAME)
        with pytest.raises(Unavailable):
            await membership.members()
        assert await membership.store.head() == 3
    await membership.do(CorrectMemberDetails, member_id=who, full_name=NEW_NAME)
    assert [row.full_name for row in await membership.members()] == [NEW_NAME]


async def test_a_value_that_looks_sealed_is_a_value_like_any_other(membership: Membership) -> None:
    for number, name in enumerate(("sealed:1:", "sealed:1:AAAA", "sealed:")):
        await membership.admit(full_name=name, national_id=f"{number:012}")
    assert {row.full_name for row in await membership.members()} == {"sealed:1:", "sealed:1:AAAA", "sealed:"}


async def test_an_event_moved_to_another_member_is_parked_with_its_reason_and_without_a_value(
    membership: Membership, database: str
) -> None:
    who, other = await membership.admit(), await membership.admit(national_id="0" * 12, full_name="Lê Ân")
    with psycopg.connect(database, autocommit=True) as connection:
        right = connection.execute("select body from events where aggregate_id = %s", (other,)).fetchone()
        stolen = connection.execute("select body from events where aggregate_id = %s", (who,)).fetchone()
        assert right
        assert stolen
        forged = bytes(stolen[0]).replace(str(who).encode(), str(other).encode())
        connection.execute("update events set body = %s where aggregate_id = %s", (stolen[0], other))
    assert [row.full_name for row in await membership.members()] == [NAME]
    (parked,) = await list_parked(membership.pool, None, 10)
    assert parked.aggregate_id == other
    assert parked.reason == "not readable: membership.member_joined: full_name was not sealed for this place"
    dumped = everything_in(database, but=[MEMBERS.table])
    assert [mark for mark in MARKS if mark in dumped] == []
    # Nor does it become readable under the other's own id.
    follower = Follower(membership.pool, Projection(MEMBERS, sealer=membership.sealer), lambda: datetime.now(UTC))
    outcomes = []
    for body in (forged, bytes(right[0])):
        await mend(membership.pool, body)
        outcomes.append(await replay(membership.pool, follower))
    assert [(outcome.taken, outcome.parked) for outcome in outcomes] == [(0, 1), (1, 0)]
    assert {row.full_name for row in await membership.members()} == {NAME, "Lê Ân"}


async def mend(pool: Pool, body: bytes) -> None:
    """Put other bytes into the one parked event."""
    ((event,),) = await fetch(pool, "select event from parked")
    changed = packed(replace(unpacked(event), body=body))
    await fetch(pool, "update parked set event = %s returning 1", (changed,))


async def test_events_with_personal_fields_cannot_be_kept_without_a_sealer(membership: Membership) -> None:
    unsealed = Application(
        membership.store, membership.application.handlers.values(), needs_of([SERVICE]), membership.tree, secret=SECRET
    )
    command = AdmitMember(
        command_id=uuid4(), member_id=uuid4(), unit="so-y-te", full_name=NAME, national_id=NATIONAL_ID, birth_date=BORN, on=DAY
    )
    with pytest.raises(RuntimeError, match="nothing here seals them"):
        await unsealed.execute(CALL, command)
    assert await membership.store.head() == 2


async def test_many_admitted_at_once_in_two_processes_keep_their_order_and_their_names(
    membership: Membership, process: Any
) -> None:
    async with process() as another:
        for fact in await membership.store.read(0, 2):
            another.tree.put([unit_after(None, fact.event, fact.position)])
        names = [f"Người {number}" for number in range(60)]
        admitted = await asyncio.gather(
            *[
                (membership if number % 2 else another).admit(full_name=name, national_id=f"{number:012}")
                for number, name in enumerate(names)
            ]
        )
        corrections = [
            (membership, another)[turn % 2].do(CorrectMemberDetails, member_id=who, phone=f"09{turn:08}")
            for who in admitted
            for turn in range(2)
        ]
        await asyncio.gather(*corrections)
        rows = {row.member_id: row for row in await another.members()}
    assert [rows[who].full_name for who in admitted] == names
    assert {rows[who].phone for who in admitted} <= {"0900000000", "0900000001"}
    assert {await membership.store.version(who) for who in admitted} == {3}
