"""Honours of children beside membership, on real servers: consents are asked for, and what is public ends with them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import grpc
import pytest
from grpc import StatusCode

from chassis.clients import Refused
from chassis.security import Caller, Role
from congdoan.embedded import EmbeddedNats, EmbeddedPostgres
from federation.awards.v1 import child_honours_pb2 as pb
from federation.membership.v1 import consents_pb2, personal_data_pb2
from tests.serving import Suite, suite_of

PROVINCE = Caller("officer-vinh-phuc", Role.PROVINCE_OFFICER, "vinh-phuc", "en")
OFFICER = Caller("officer-y-te", Role.GRASSROOTS_OFFICER, "so-y-te", "en")
NEIGHBOUR = Caller("officer-noi-vu", Role.GRASSROOTS_OFFICER, "so-noi-vu", "en")
MEMBER = Caller("a-member", Role.MEMBER, "so-y-te", "en")
AUDITOR = Caller("auditor-1", Role.AUDITOR, "", "en")
SELF, GUARDIAN = consents_pb2.CONSENT_GIVER_SELF, consents_pb2.CONSENT_GIVER_GUARDIAN


class Honours:
    """Both services, a round, and a child of seven and more."""

    def __init__(self, suite: Suite) -> None:
        self.suite, self.parent, self.kid, self.round_id = suite, str(uuid4()), str(uuid4()), str(uuid4())

    async def begin(self) -> None:
        """A province with two grassroots unions, a member with a child, a round that is open."""
        await self.suite.establish("tld", 1)
        await self.suite.establish("vinh-phuc", 3, "tld")
        for code in ("so-y-te", "so-noi-vu"):
            await self.suite.establish(code, 5, "vinh-phuc")
        await self.suite.appoint("vinh-phuc", PROVINCE, (2026,))
        person = {"full_name": "Nguyễn Thị Lan", "national_id": "001185012345", "birth_date": "1985-03-08"}
        await self.tell("AdmitMember", member_id=self.parent, unit="so-y-te", on="2020-01-01", **person)
        child = {"full_name": "Nguyễn Minh Anh", "birth_date": "2015-03-08"}
        await self.tell("RegisterChild", child_id=self.kid, member_id=self.parent, on="2026-01-05", **child)
        fields: dict[str, Any] = {"round_id": self.round_id, "unit": "vinh-phuc", "year": 2026, "name": "Tuyên dương 1/6"}
        await self.do("OpenChildHonourRound", **fields, on="2026-02-01", closes_on="2026-06-30")

    async def tell(self, rpc: str, **fields: Any) -> None:
        await self.suite.do("membership", rpc, **fields)

    async def do(self, rpc: str, caller: Caller = PROVINCE, on: str = "2026-03-01", **fields: Any) -> Any:
        return await self.suite.do("awards", rpc, caller, on=on, **fields)

    async def consent(self, rpc: str, given_by: Any, on: str = "2026-02-01") -> None:
        fields: dict[str, Any] = {"person_id": self.kid, "purpose": consents_pb2.CONSENT_PURPOSE_CHILD_HONOUR_PUBLICATION}
        form = {"text_version": "2026-01", "evidence": "Phiếu 17"} if rpc == "GiveConsent" else {}
        await self.tell(rpc, given_by=given_by, on=on, **fields, **form)

    async def erase(self, on: str) -> None:
        """The child, on the request of its guardian."""
        which: dict[str, Any] = {"request_id": str(uuid4()), "on": on}
        kind = personal_data_pb2.DATA_REQUEST_KIND_ERASURE
        await self.tell("ReceiveDataRequest", person_id=self.kid, kind=kind, **which)
        await self.tell("AnswerDataRequest", accepted=True, **which)
        await self.tell("EraseSubject", person_id=self.kid, **which)

    async def honour(self, contest: str = "Toán quốc gia", prize: Any = pb.ACHIEVEMENT_PRIZE_FIRST) -> str:
        """The id of an achievement for which the child was honoured."""
        which: dict[str, Any] = {"achievement_id": str(uuid4())}
        what: dict[str, Any] = {"level": pb.ACHIEVEMENT_LEVEL_NATIONAL, "prize": prize, "contest": contest}
        await self.do("RegisterChildAchievement", OFFICER, round_id=self.round_id, child_id=self.kid, **which, **what)
        await self.do("VerifyChildAchievement", **which)
        await self.do("HonourChild", decision_number="12/QĐ-CĐVC", **which)
        return str(which["achievement_id"])

    async def publish(self, achievement_id: str, on: str = "2026-03-02") -> None:
        await self.do("PublishChildHonour", on=on, child_id=self.kid, achievement_id=achievement_id)

    async def listed(self, caller: Caller = OFFICER, unit: str = "so-y-te") -> list[pb.ChildHonour]:
        return list((await self.suite.call("awards", "ListChildHonours", caller, unit=unit, year=2026)).honours)

    async def ended(self) -> list[pb.ChildHonour]:
        """The honours, as soon as none of them is public any more."""
        async with asyncio.timeout(60):
            while True:
                found = await self.listed()
                if all(honour.withdrawn_on for honour in found if honour.published_on):
                    return found
                await asyncio.sleep(0.05)

    async def breakdown(self) -> tuple[int, dict[tuple[int, int], int]]:
        answer = await self.suite.call("awards", "GetChildHonourBreakdown", AUDITOR, unit="tld", year=2026)
        return answer.honours, {(cell.level, cell.prize): cell.honours for cell in answer.cells if cell.honours}


@pytest.fixture
async def honours(postgres: EmbeddedPostgres, own_nats: EmbeddedNats) -> AsyncIterator[Honours]:
    async with suite_of(postgres, own_nats.url, "membership", "awards") as suite:
        honours = Honours(suite)
        await honours.begin()
        yield honours


async def refused(call: Any, rule: str, status: StatusCode = StatusCode.FAILED_PRECONDITION) -> None:
    with pytest.raises(Refused) as caught:
        await call
    assert (caught.value.status, caught.value.rule) == (status, rule)


async def test_an_honour_is_public_only_with_both_consents_and_ends_when_one_is_taken_back(honours: Honours) -> None:
    which = await honours.honour()
    await refused(honours.publish(which), "GuardianConsentMissing")
    await honours.consent("GiveConsent", GUARDIAN)
    await refused(honours.publish(which), "ChildConsentMissing")
    await honours.consent("GiveConsent", SELF)
    assert await honours.listed(MEMBER) == []
    await honours.publish(which)
    assert [(one.achievement_id, one.published_on) for one in await honours.listed(MEMBER)] == [(which, "2026-03-02")]

    await honours.consent("WithdrawConsent", SELF, "2026-04-01")

    (honour,) = await honours.ended()
    assert (honour.status, honour.withdrawn_on) == (pb.ACHIEVEMENT_STATUS_HONOURED, "2026-04-01")
    assert await honours.listed(MEMBER) == []
    await refused(honours.publish(which, "2026-04-02"), "ChildConsentMissing")
    # Nor as of a day on which it still held: it would be public from now on.
    await refused(honours.publish(which, "2026-03-15"), "ChildConsentMissing")
    await honours.consent("GiveConsent", SELF, "2026-05-01")
    await honours.publish(which, "2026-05-02")
    (again,) = await honours.listed(MEMBER)
    assert (again.published_on, again.withdrawn_on) == ("2026-05-02", "")
    assert await honours.breakdown() == (1, {(pb.ACHIEVEMENT_LEVEL_NATIONAL, pb.ACHIEVEMENT_PRIZE_FIRST): 1})


async def test_nothing_of_an_erased_child_stays_public_and_the_counts_stand(honours: Honours) -> None:
    for giver in (GUARDIAN, SELF):
        await honours.consent("GiveConsent", giver)
    for contest, prize in (("Toán", pb.ACHIEVEMENT_PRIZE_FIRST), ("Cờ vua", pb.ACHIEVEMENT_PRIZE_THIRD)):
        await honours.publish(await honours.honour(contest, prize))
    before = await honours.breakdown()

    await honours.erase("2026-04-01")

    assert {honour.withdrawn_on for honour in await honours.ended()} == {"2026-04-01"}
    assert before == await honours.breakdown()
    assert before[0] == 2
    other: dict[str, Any] = {"achievement_id": str(uuid4()), "round_id": honours.round_id, "child_id": honours.kid}
    what: dict[str, Any] = {"level": 1, "prize": 1, "contest": "Vật lý"}
    await refused(honours.do("RegisterChildAchievement", **other, **what), "ChildUnknown", StatusCode.NOT_FOUND)


async def test_each_step_is_for_the_officers_of_its_unit(honours: Honours) -> None:
    which: dict[str, Any] = {"achievement_id": str(uuid4())}
    fields: dict[str, Any] = {"round_id": honours.round_id, "child_id": honours.kid, "level": 1, "prize": 4, "contest": "Tin học"}
    denied = StatusCode.PERMISSION_DENIED
    await refused(honours.do("RegisterChildAchievement", NEIGHBOUR, **which, **fields), "Forbidden", denied)
    await honours.do("RegisterChildAchievement", OFFICER, **which, **fields)
    again = honours.do("RegisterChildAchievement", OFFICER, achievement_id=str(uuid4()), **fields)
    await refused(again, "AchievementExists", StatusCode.ALREADY_EXISTS)
    await refused(honours.do("VerifyChildAchievement", OFFICER, **which), "Forbidden", denied)
    await refused(honours.do("HonourChild", decision_number="1", **which), "NotVerified")
    await honours.do("VerifyChildAchievement", **which)
    other = Caller("officer-2", Role.PROVINCE_OFFICER, "vinh-phuc", "en")
    await refused(honours.do("HonourChild", other, decision_number="1", **which), "NoAuthority")
    await refused(honours.suite.call("awards", "ListChildHonours", NEIGHBOUR, unit="so-y-te", year=2026), "Forbidden", denied)
    assert [one.status for one in await honours.listed(PROVINCE, "vinh-phuc")] == [pb.ACHIEVEMENT_STATUS_VERIFIED]
    assert [one.status for one in await honours.listed(AUDITOR, "tld")] == [pb.ACHIEVEMENT_STATUS_VERIFIED]


async def test_the_rounds_of_a_subtree_are_listed(honours: Honours) -> None:
    answer = await honours.suite.call("awards", "ListChildHonourRounds", OFFICER, unit="vinh-phuc", year=2026)
    assert not answer.rounds

    answer = await honours.suite.call("awards", "ListChildHonourRounds", PROVINCE, unit="vinh-phuc", year=2026)
    (found,) = answer.rounds
    assert (found.round_id, found.unit, found.name) == (honours.round_id, "vinh-phuc", "Tuyên dương 1/6")
    assert (found.opened_on, found.closes_on) == ("2026-02-01", "2026-06-30")


async def test_without_membership_nothing_is_published(honours: Honours) -> None:
    for giver in (GUARDIAN, SELF):
        await honours.consent("GiveConsent", giver)
    which = await honours.honour()
    head = await honours.suite.services["awards"].store.head()
    await honours.suite.services["membership"].stop()
    told = {"command_id": str(uuid4()), "child_id": honours.kid, "achievement_id": which, "on": "2026-03-02"}
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await honours.suite.ask_once("awards", "PublishChildHonour", PROVINCE, **told)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert await honours.suite.services["awards"].store.head() == head
