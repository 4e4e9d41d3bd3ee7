"""What a province is told when it asks what its branch looks like: exactly what its events say, whatever goes on meanwhile."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import date, timedelta
from itertools import count
from random import Random
from typing import Any
from uuid import uuid4

import orjson
import pytest
import pytest_asyncio
from nats.aio.client import Client

from chassis import answering
from chassis.clients import Refused
from chassis.hierarchy import NATIONAL, Hierarchy
from chassis.recorded import RecordedEvent
from chassis.security import Caller, Role
from congdoan.embedded import EmbeddedNats, EmbeddedPostgres
from membership.events import UNITS, unit_after
from membership.read_models.branch_snapshot import MEMBERS_OF_BRANCH
from membership.read_models.members import MEMBERS
from membership.rpc import snapshots
from tests.membership.a_province import Ask, Copy
from tests.serving import Suite, a_nats_of_its_own, built, request_of, running, suite_of

PROVINCES = ("ha-noi", "vinh-phuc")
UNITS_OF = {
    "ha-noi": ["hn-a", "hn-b", "hn-c"],
    "vinh-phuc": ["vp-a", "vp-b", "vp-c"],
    "cdvcvn": ["tu-a"],
}
UNDER = {"hn-a-1": "hn-a", "vp-a-1": "vp-a", "tu-a-1": "tu-a", "vp-a-2": "vp-a-1"}
NUMBERS = count(10**11)
ROWS_OF_MEMBERS = f"""
    insert into {MEMBERS.table} (member_id, unit, name_key, name_folded, joined_on, hardship, erased)
    select gen_random_uuid(), units[1 + number %% cardinality(units)], '', '', '2020-01-01', 'special_hardship', false
      from (select generate_series(1, %s) as number, %s::text[] as units)"""


class Provinces:
    """A running membership with two provinces that ask it."""

    def __init__(self, suite: Suite, client: Client) -> None:
        self.suite, self.service, self.client = suite, suite.services["membership"], client

    async def ask(self, branch: str, question: Mapping[str, Any] | bytes = b"") -> Any:
        """Ask as a branch."""
        data = question if isinstance(question, bytes) else orjson.dumps(question)
        while True:
            answer = await self.client.request(f"branches.{branch}.snapshot", data, timeout=20)
            page = orjson.loads(answer.data)
            if page.get("error", {}).get("rule") not in ("Overloaded", "Unavailable"):
                return page
            await asyncio.sleep(page["error"]["retry_after_s"])

    def asking(self, branch: str) -> Ask:
        return lambda request: self.ask(branch, request)

    async def do(self, rpc: str, **fields: Any) -> Any:
        return await self.suite.do("membership", rpc, **fields)

    async def history(self) -> list[RecordedEvent]:
        """Everything recorded so far."""
        return await self.service.store.read(0, 1_000_000)

    async def copy_of(self, branch: str, copy: Copy | None = None) -> Copy:
        """A copy, brought up to date by the events of its branch."""
        copy = copy or Copy(branch)
        for recorded in await self.history():
            if recorded.branch == branch:
                arrived = copy.take(recorded.topic, orjson.loads(recorded.body), recorded.branch_position)
                await copy.fetch(self.asking(branch), arrived)
        return copy

    async def snapshot_of(self, branch: str, between: Callable[[], Awaitable[None]] | None = None) -> Copy:
        """A copy made of a snapshot alone."""
        copy = Copy(branch)
        copy.position = await copy.walk(self.asking(branch), between=between)
        return copy


@pytest.fixture
async def provinces(postgres: EmbeddedPostgres, own_nats: EmbeddedNats) -> AsyncIterator[Provinces]:
    async with provinces_on(postgres, own_nats.url) as begun:
        yield begun


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def unchanged(postgres: EmbeddedPostgres) -> AsyncIterator[Provinces]:
    """For the tests that only ask."""
    with a_nats_of_its_own() as nats:
        async with provinces_on(postgres, nats.url) as begun:
            yield begun


@asynccontextmanager
async def provinces_on(postgres: EmbeddedPostgres, nats_url: str) -> AsyncIterator[Provinces]:
    async with suite_of(postgres, nats_url, "membership") as suite:
        await suite.establish("tld", 1)
        await suite.establish("cdvcvn", 2, "tld")
        for province in PROVINCES:
            await suite.establish(province, 3, "cdvcvn")
        for parent, codes in UNITS_OF.items():
            for code in codes:
                await suite.establish(code, 5, parent)
        for depth, (code, parent) in enumerate(UNDER.items()):
            await suite.establish(code, 6 if depth < 3 else 7, parent)
        client = Client()
        await client.connect(nats_url)
        yield Provinces(suite, client)
        await client.close()


class Life:
    """Members who join, move and leave, and units that are put elsewhere; drawn by a seed, some commands at a time."""

    def __init__(self, provinces: Provinces, seed: int) -> None:
        self.provinces, self.random = provinces, Random(seed)
        self.units = [*(code for codes in UNITS_OF.values() for code in codes), *UNDER]
        self.members: dict[str, str] = {}
        self.day = date(2020, 1, 1)

    async def go_on(self, steps: int = 6) -> None:
        """Some commands at once."""
        self.day += timedelta(days=1)
        await asyncio.gather(*[self._step() for _ in range(steps)])

    async def _step(self) -> None:
        kinds = (
            self._admit,
            self._admit,
            self._transfer,
            self._transfer,
            self._hardship,
            self._leave,
            self._rename,
            self._attach,
        )
        with suppress(Refused):  # the rules hold whatever is drawn; what they refuse did not happen
            await self.random.choice(kinds)()

    async def _do(self, rpc: str, **fields: Any) -> None:
        await self.provinces.do(rpc, on=self.day.isoformat(), **fields)

    def _member(self) -> tuple[str, str]:
        return self.random.choice(list(self.members.items()) or [(str(uuid4()), "hn-a")])

    async def _admit(self) -> None:
        member_id, unit = str(uuid4()), self.random.choice(self.units)
        named = {"full_name": "Đỗ Thị Ế", "national_id": f"{next(NUMBERS)}", "birth_date": "1990-01-01"}
        await self._do("AdmitMember", member_id=member_id, unit=unit, **named)
        self.members[member_id] = unit

    async def _transfer(self) -> None:
        (member_id, _), to_unit, move = self._member(), self.random.choice(self.units), str(uuid4())
        await self._do("RequestTransfer", member_id=member_id, transfer_id=move, to_unit=to_unit)
        await self._do("ReleaseMember", member_id=member_id, transfer_id=move)
        await self._do("AcceptTransfer", member_id=member_id, transfer_id=move)

    async def _hardship(self) -> None:
        member_id, _ = self._member()
        await self._do("RecordHardship", member_id=member_id, grade=self.random.choice((1, 2)))
        if self.random.random() < 0.3:
            await self._do("EndHardship", member_id=member_id)

    async def _leave(self) -> None:
        member_id, _ = self._member()
        await self._do("LeaveUnion", member_id=member_id, reason="Nghỉ hưu")
        self.members.pop(member_id, None)

    async def _rename(self) -> None:
        await self._do("RenameUnit", unit=self.random.choice(self.units), name=f"Công đoàn {next(NUMBERS)}")

    async def _attach(self) -> None:
        unit = self.random.choice(self.units)
        parent = self.random.choice([*PROVINCES, "cdvcvn", *self.units])
        await self._do("AttachUnit", unit=unit, attachment=self.random.choice((1, 1, 2)), parent=parent)


def the_same(one: Copy, other: Copy) -> None:
    assert one.units == other.units
    assert one.members == other.members


def told_where_it_lay(history: list[RecordedEvent]) -> None:
    """Each event in the branch in which its unit lay after all that was recorded before it, with the next number there."""
    tree, positions = Hierarchy(), Counter[str]()
    for recorded in history:
        assert recorded.branch == recorded.event.branch_in(tree), recorded.id
        positions[recorded.branch] += 1
        assert recorded.branch_position == positions[recorded.branch]
        if recorded.topic in UNITS.topics:
            tree.put([unit_after(tree.get(recorded.event.unit), recorded.event, recorded.position)])
    assert positions.keys() == {NATIONAL, *PROVINCES}


async def admitted_by(suite: Suite, caller: Caller) -> None:
    """Somebody is admitted by an officer of the unit itself, who has not waited for anything."""
    named = {"full_name": "Đỗ Thị Ế", "national_id": f"{next(NUMBERS)}", "birth_date": "1990-01-01", "on": "2020-01-01"}
    fields = {"command_id": str(uuid4()), "member_id": str(uuid4()), "unit": caller.unit, **named}
    request = request_of("membership", "AdmitMember", **fields)
    await suite.client("membership", "AdmitMember", caller).call("AdmitMember", request, timeout_s=120)


@pytest.mark.parametrize("seed", range(3))
async def test_a_snapshot_and_the_events_after_it_are_what_all_events_are(
    provinces: Provinces, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(snapshots, "ROWS", 7)
    monkeypatch.setattr(snapshots, "UNIT_ROWS", 2)
    life = Life(provinces, seed)
    for _ in range(5):
        await life.go_on()
    begun = {branch: await provinces.snapshot_of(branch, between=life.go_on) for branch in PROVINCES}
    for _ in range(3):
        await life.go_on()
    for branch in PROVINCES:
        after = await provinces.copy_of(branch, begun[branch])
        from_the_beginning = await provinces.copy_of(branch)
        the_same(after, from_the_beginning)
        now = await provinces.snapshot_of(branch)
        the_same(now, after)
        assert now.position == after.position
        assert all(row["unit"] in now.units for row in now.members.values())
    topics = {recorded.topic for recorded in await provinces.history()}
    assert {"membership.unit_arrived", "membership.member_moved_away", "membership.hardship_recorded"} <= topics


async def test_each_event_is_told_where_its_unit_lies_also_while_units_are_put_elsewhere(provinces: Provinces) -> None:
    async def admitted(unit: str) -> None:
        named = {"full_name": "Đỗ Thị Ế", "national_id": f"{next(NUMBERS)}", "birth_date": "1990-01-01"}
        await provinces.do("AdmitMember", member_id=str(uuid4()), unit=unit, on="2020-01-01", **named)

    async def put(unit: str, parent: str, day: int) -> None:
        await provinces.do("AttachUnit", unit=unit, attachment=1, parent=parent, on=f"2020-02-{day:02d}")

    for day in range(1, 9):
        parent = PROVINCES[1 - day % 2]
        under = [admitted(("vp-a", "vp-a-1", "vp-a-2")[number % 3]) for number in range(60)]
        await asyncio.gather(*under[:30], put("vp-a", parent, day), *under[30:])
    told_where_it_lay(await provinces.history())


async def test_a_branch_that_has_just_heard_of_an_arrival_is_told_who_has_arrived(provinces: Provinces) -> None:
    life = Life(provinces, 2)
    for _ in range(3):
        await life.go_on()
    for number, (unit, parent) in enumerate((("vp-a", "ha-noi"), ("hn-b", "vinh-phuc"), ("vp-a", "vinh-phuc")), 1):
        await provinces.do("AttachUnit", unit=unit, attachment=1, parent=parent, on=f"2021-01-0{number}")
        arrived = next(event for event in reversed(await provinces.history()) if event.topic == "membership.unit_arrived")
        page = await provinces.ask(parent, {"unit": unit})
        assert page["position"] >= arrived.branch_position
        assert {row["unit"] for row in page["units"]} >= set(orjson.loads(arrived.body)["units"])


@pytest.mark.parametrize(
    ("question", "rule", "said"),
    [
        (b"{", "Invalid", "đối tượng JSON"),
        (b"[]", "Invalid", "đối tượng JSON"),
        (b'"\xff"', "Invalid", "đối tượng JSON"),
        (b"x" * (answering.MAX_QUESTION_BYTES + 1), "Invalid", "quá lớn"),
        ({"unit": "Hà Nội"}, "Invalid", "unit"),
        ({"unit": 7, "lang": "en"}, "Invalid", "unit"),
        ({"after": "x" * 2_000}, "Invalid", "after"),
        ({"after": "bịa"}, "CursorForged", "vị trí trang"),
        ({"after": "AAAA", "lang": "en"}, "CursorForged", "is no `next` of this list"),
        ({"unit": "hn-a"}, "UnitElsewhere", "không thuộc nhánh"),
        ({"unit": "cdvcvn", "lang": "en"}, "UnitElsewhere", "does not lie in the branch"),
        ({"unit": "nowhere"}, "UnitElsewhere", "không thuộc nhánh"),
    ],
)
@pytest.mark.asyncio(loop_scope="module")
async def test_what_cannot_be_answered_is_refused_by_its_rule(
    unchanged: Provinces, question: Mapping[str, Any] | bytes, rule: str, said: str
) -> None:
    error = (await unchanged.ask("vinh-phuc", question))["error"]
    assert (error["rule"], said in error["message"]) == (rule, True), error


async def test_a_branch_is_answered_about_itself_whatever_it_says(provinces: Provinces, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "UNIT_ROWS", 1)
    page = await provinces.ask("vinh-phuc", {"branch": "ha-noi", "province": "ha-noi", "unit": None})
    assert [row["unit"] for row in page["units"]] == ["vinh-phuc"]
    own = await provinces.ask("vinh-phuc", {"after": page["next"]})
    assert [row["unit"] for row in own["units"]] == ["vp-a"]
    for branch, more in (("ha-noi", {}), ("vinh-phuc", {"unit": "vp-a"})):
        refused = await provinces.ask(branch, {"after": page["next"], **more})
        assert refused["error"]["rule"] == "CursorForged"
    tampered = page["next"][:-2] + ("AA" if page["next"][-2:] != "AA" else "BB")
    assert (await provinces.ask("vinh-phuc", {"after": tampered}))["error"]["rule"] == "CursorForged"
    for nobody in ("cdvcvn", "vp-a", "nowhere", "national"):
        assert (await provinces.ask(nobody))["error"]["rule"] == "BranchUnknown"


async def test_whoever_asks_too_much_at_once_is_told_when_to_come_again_and_everybody_else_is_answered(
    provinces: Provinces,
) -> None:
    questions = [provinces.client.request("branches.vinh-phuc.snapshot", b"{}", timeout=20) for _ in range(60)]
    answers = [orjson.loads(answer.data) for answer in await asyncio.gather(*questions)]
    refused = [answer["error"] for answer in answers if "error" in answer]
    assert {error["rule"] for error in refused} == {"Overloaded"}
    assert all(error["retry_after_s"] > 0 for error in refused)
    assert len(answers) - len(refused) == answering.AT_ONCE_EACH
    assert "error" not in await provinces.ask("ha-noi")


async def test_a_large_branch_is_read_by_its_index_and_no_page_is_larger_than_a_message(provinces: Provinces) -> None:
    service, units = provinces.service, [f"vp-{number:04d}-{'x' * 32}" for number in range(1_200)]
    node = service.tree.require("vp-a")
    service.tree.put(replace(node, code=code, name="“" * 200, position=10**6 + place) for place, code in enumerate(units))
    others = [f"elsewhere-{number}" for number in range(300)]
    async with service.pool.connection() as connection:
        await connection.execute(ROWS_OF_MEMBERS, (45_000, [*units, *others]))
        await connection.execute(f"analyze {MEMBERS.table}".encode())
        plan = await connection.execute(
            f"explain (format json) {MEMBERS_OF_BRANCH}".encode(), (sorted(units), units[600], uuid4(), 1_001)
        )
        told = orjson.dumps(await plan.fetchone()).decode()
    assert "Seq Scan" not in told, told
    assert '"Sort"' not in told, told
    sizes: list[int] = []

    async def ask(question: Mapping[str, Any]) -> Any:
        page = await provinces.ask("vinh-phuc", question)
        sizes.append(len(orjson.dumps(page)))
        assert len(page["units"]) + len(page["members"]) <= snapshots.ROWS
        return page

    copy = Copy("vinh-phuc")
    await copy.walk(ask)
    assert set(units) < set(copy.units)
    assert len(copy.members) == 36_000
    assert max(sizes) < answering.MAX_ANSWER_BYTES


async def test_of_two_processes_each_tells_where_a_unit_lies_that_the_other_has_just_put_there(provinces: Provinces) -> None:
    first = provinces.suite
    settings = provinces.service.settings.model_copy(update={"listen": "127.0.0.1:0", "service_listen": "127.0.0.1:0"})
    async with running(built("membership", settings)) as service:
        second = Suite({"membership": service})
        for number in range(1, 13):
            code = f"hn-moi-{number}"
            await first.establish(code, 5, PROVINCES[number % 2], on="2000-01-01")
            officer = Caller(f"officer-{number}", Role.GRASSROOTS_OFFICER, code, "en")
            await admitted_by(second, officer)
            attached = {"unit": code, "attachment": 1, "parent": PROVINCES[1 - number % 2], "on": "2010-01-01"}
            moving = first.do("membership", "AttachUnit", **attached)
            await asyncio.gather(moving, *[admitted_by(second, officer) for _ in range(5)])
            await admitted_by(second, officer)
        await second.close()
    told_where_it_lay(await provinces.history())
