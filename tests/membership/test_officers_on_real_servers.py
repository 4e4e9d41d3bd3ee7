"""Who may sign, on real servers: officers in membership, budgets in welfare, awards in awards, NATS between them."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from grpc import StatusCode

from awards.events import AwardDecided, AwardRevoked
from chassis.clients import Refused
from chassis.security import Caller, Role
from congdoan.embedded import EmbeddedNats, EmbeddedPostgres
from federation.awards.v1 import awards_pb2
from federation.membership.v1 import officers_pb2 as pb
from tests.serving import FOUNDER, Suite, suite_of
from welfare.events import BudgetApproved

PROVINCE = Caller("officer-lan", Role.PROVINCE_OFFICER, "vinh-phuc", "en")
DEPUTY = Caller("officer-minh", Role.PROVINCE_OFFICER, "vinh-phuc", "en")
STRANGER = Caller("officer-hoa", Role.PROVINCE_OFFICER, "ha-noi", "en")
ABOVE = Caller("officer-cuong", Role.FEDERATION_OFFICER, "cdvcvn", "en")
AUDITOR = Caller("auditor-1", Role.AUDITOR, "", "en")
WELFARE = Caller("welfare", Role.SERVICE, "")

ELECTED, ENDS = date(2023, 5, 25), date(2028, 5, 24)
TODAY = date(2024, 1, 10)
ONE_DAY = timedelta(days=1)
AWARD, BUDGET = pb.MATTER_AWARD_DECISION, pb.MATTER_BUDGET_APPROVAL


class Officers:
    """The suite, and how the tests call it."""

    def __init__(self, suite: Suite) -> None:
        self.suite = suite

    async def do(self, rpc: str, caller: Caller = FOUNDER, on: date = TODAY, **fields: Any) -> Any:
        return await self.suite.do("membership", rpc, caller, **{"unit": "vinh-phuc", **fields}, on=on.isoformat())

    async def appoint(self, officer: str, unit: str = "vinh-phuc", on: date = ELECTED, office: Any = pb.OFFICE_CHAIR) -> str:
        position_id = str(uuid4())
        await self.do("AppointOfficer", on=on, unit=unit, officer=officer, office=office, position_id=position_id)
        return position_id

    async def release(self, position_id: str, on: date) -> None:
        await self.do("ReleaseOfficer", on=on, position_id=position_id, reason=pb.RELEASE_REASON_MOVED)

    async def delegate(self, position_id: str, caller: Caller = PROVINCE, to: str = DEPUTY.id, **fields: Any) -> str:
        delegation_id = str(uuid4())
        named: dict[str, Any] = {"delegation_id": delegation_id, "position_id": position_id, "to_officer": to}
        plain = {"matters": [AWARD], "until": (TODAY + 9 * ONE_DAY).isoformat()}
        await self.do("DelegateAuthority", caller, **named, **{**plain, **fields})
        return delegation_id

    async def campaign(self) -> str:
        campaign_id = str(uuid4())
        fields: dict[str, Any] = {"campaign_id": campaign_id, "year": 2024, "name": "Tết", "occasion": campaign_id}
        await self.suite.do("welfare", "OpenGiftCampaign", unit="vinh-phuc", on="2000-02-01", **fields)
        return campaign_id

    async def approve(self, caller: Caller = PROVINCE, on: date = TODAY, campaign_id: str = "") -> BudgetApproved:
        """Approve the budget of a campaign, another one unless it is named; what was recorded of it."""
        campaign_id = campaign_id or await self.campaign()
        fields = {"campaign_id": campaign_id, "amount_vnd": 1_000, "on": on.isoformat()}
        answer = await self.suite.do("welfare", "ApproveBudget", caller, **fields)
        (recorded,) = await self.suite.services["welfare"].store.read(answer.position - 1, 1)
        assert isinstance(recorded.event, BudgetApproved)
        return recorded.event

    async def signatories(self, matter: Any, on: date, unit: str = "vinh-phuc") -> list[tuple[str, bool]]:
        """Who could sign, and whether by delegation."""
        fields = {"unit": unit, "matter": matter, "on": on.isoformat()}
        answer = await self.suite.call("membership", "ListSignatories", AUDITOR, **fields)
        return [(one.officer, one.HasField("delegation_id")) for one in answer.signatories]


@pytest.fixture
async def officers(postgres: EmbeddedPostgres, own_nats: EmbeddedNats) -> AsyncIterator[Officers]:
    """Membership and welfare, with two provinces under the federation."""
    async with suite_of(postgres, own_nats.url, "membership", "welfare") as suite:
        await suite.establish("tld", 1)
        await suite.establish("cdvcvn", 2, "tld")
        for code in ("vinh-phuc", "ha-noi"):
            await suite.establish(code, 3, "cdvcvn")
        yield Officers(suite)


async def refused(call: Any, status: StatusCode, rule: str, *fields: str) -> Refused:
    with pytest.raises(Refused) as caught:
        await call
    assert (caught.value.status, caught.value.rule) == (status, rule)
    assert [field for field, _ in caught.value.fields] == list(fields)
    return caught.value


async def no_authority(call: Any) -> None:
    await refused(call, StatusCode.FAILED_PRECONDITION, "NoAuthority", "on")


async def test_a_budget_is_approved_only_while_a_position_is_held_at_the_day_of_the_decision(officers: Officers) -> None:
    await no_authority(officers.approve())
    position = await officers.appoint(PROVINCE.id)
    event = await officers.approve()
    assert (event.position_id, event.delegation_id) == (UUID(position), None)
    await no_authority(officers.approve(on=ELECTED - ONE_DAY))
    for day in (ELECTED, ENDS):
        await officers.approve(on=day)
    await no_authority(officers.approve(on=ENDS + ONE_DAY))

    await officers.release(position, on=TODAY)
    await no_authority(officers.approve(on=TODAY))
    await officers.approve(on=TODAY - ONE_DAY)


async def test_a_position_of_another_unit_signs_nothing_here_and_one_above_signs_where_its_role_is_held(
    officers: Officers,
) -> None:
    await officers.appoint(PROVINCE.id, unit="ha-noi")
    await no_authority(officers.approve())
    await officers.appoint(STRANGER.id)
    await refused(officers.approve(STRANGER), StatusCode.PERMISSION_DENIED, "Forbidden")
    await no_authority(officers.approve(ABOVE))
    await officers.appoint(ABOVE.id, unit="cdvcvn")
    await officers.approve(ABOVE)


async def test_a_delegation_signs_until_it_is_revoked_or_its_position_ends(officers: Officers) -> None:
    position = await officers.appoint(PROVINCE.id)
    awards_only = await officers.delegate(position)
    await no_authority(officers.approve(DEPUTY))
    delegation = await officers.delegate(position, matters=[BUDGET])
    event = await officers.approve(DEPUTY)
    assert (event.position_id, event.delegation_id) == (UUID(position), UUID(delegation))

    await officers.do("RevokeDelegation", PROVINCE, delegation_id=delegation, on=TODAY + ONE_DAY)
    await officers.approve(DEPUTY)
    await no_authority(officers.approve(DEPUTY, on=TODAY + ONE_DAY))
    assert await officers.signatories(AWARD, TODAY + ONE_DAY) == [(PROVINCE.id, False), (DEPUTY.id, True)]

    await officers.release(position, on=TODAY + ONE_DAY)
    assert await officers.signatories(AWARD, TODAY + ONE_DAY) == []
    assert await officers.signatories(AWARD, TODAY) == [(PROVINCE.id, False), (DEPUTY.id, True)]
    over = officers.do("RevokeDelegation", PROVINCE, delegation_id=awards_only, on=TODAY)
    await refused(over, StatusCode.FAILED_PRECONDITION, "DelegationEnded", "delegation_id")


async def test_only_the_holder_delegates_and_only_above_are_officers_appointed(officers: Officers) -> None:
    position = await officers.appoint(PROVINCE.id)
    await refused(officers.delegate(position, DEPUTY), StatusCode.PERMISSION_DENIED, "NotTheHolder", "position_id")
    await officers.delegate(position)
    again = officers.delegate(position, DEPUTY, to="officer-x")
    await refused(again, StatusCode.PERMISSION_DENIED, "DelegatedFurther", "position_id")

    plain: dict[str, Any] = {"position_id": str(uuid4()), "officer": "officer-x", "office": pb.OFFICE_VICE_CHAIR}
    await refused(officers.do("AppointOfficer", PROVINCE, **plain), StatusCode.PERMISSION_DENIED, "Forbidden")
    await officers.do("AppointOfficer", ABOVE, **plain)
    lesser = Caller("officer-y", Role.PROVINCE_OFFICER, "tld", "en")
    top = {**plain, "position_id": str(uuid4()), "unit": "tld"}
    await refused(officers.do("AppointOfficer", lesser, **top), StatusCode.PERMISSION_DENIED, "Forbidden")
    await officers.do("AppointOfficer", **top)


async def test_of_many_who_are_made_chair_at_once_one_is(officers: Officers) -> None:
    outcomes = await asyncio.gather(*(officers.appoint(f"officer-{n}") for n in range(8)), return_exceptions=True)
    rules = [outcome.rule for outcome in outcomes if isinstance(outcome, Refused)]
    assert rules == ["ChairTaken"] * 7
    assert len(await officers.signatories(BUDGET, TODAY)) == 1


async def test_a_position_id_is_given_once_in_the_federation(officers: Officers) -> None:
    position = await officers.appoint(PROVINCE.id)
    plain: dict[str, Any] = {"position_id": position, "officer": "officer-x", "office": pb.OFFICE_CHAIR}
    elsewhere = officers.do("AppointOfficer", unit="ha-noi", **plain)
    await refused(elsewhere, StatusCode.ALREADY_EXISTS, "PositionExists", "position_id")


async def test_officers_are_listed_by_unit_and_day_page_by_page(officers: Officers) -> None:
    position = await officers.appoint(PROVINCE.id)
    await officers.appoint(DEPUTY.id, office=pb.OFFICE_STANDING_MEMBER, on=ELECTED + ONE_DAY)
    await officers.appoint(STRANGER.id, unit="ha-noi")
    await officers.release(position, on=TODAY)

    async def listed(unit: str, on: date, caller: Caller = ABOVE) -> list[str]:
        found, after = [], ""
        while True:
            page = {"size": 1, "after": after}
            asked = {"unit": unit, "on": on.isoformat(), "page": page}
            answer = await officers.suite.call("membership", "ListOfficers", caller, **asked)
            found += [one.officer for one in answer.officers]
            after = answer.next
            if not after:
                return found

    assert await listed("cdvcvn", TODAY - ONE_DAY) == [STRANGER.id, PROVINCE.id, DEPUTY.id]
    assert await listed("cdvcvn", TODAY) == [STRANGER.id, DEPUTY.id]
    assert await listed("vinh-phuc", ELECTED, PROVINCE) == [PROVINCE.id]
    await refused(listed("vinh-phuc", TODAY, STRANGER), StatusCode.PERMISSION_DENIED, "Forbidden")
    bad = officers.suite.call("membership", "ListSignatories", ABOVE, unit="vinh-phuc")
    await refused(bad, StatusCode.INVALID_ARGUMENT, "Invalid", "matter")


async def test_whoever_follows_learns_the_position_of_the_last_change_and_nobody_else(officers: Officers) -> None:
    async def position() -> int:
        return int((await officers.suite.call("membership", "GetAuthoritiesPosition", WELFARE)).position)

    assert await position() == 0
    await officers.appoint(PROVINCE.id)
    changed = officers.suite.seen["membership"]
    assert await position() == changed
    await officers.appoint(DEPUTY.id, office=pb.OFFICE_STANDING_MEMBER)
    assert await position() == changed, "who signs nothing changes no authority"
    asked = officers.suite.call("membership", "GetAuthoritiesPosition", ABOVE)
    await refused(asked, StatusCode.PERMISSION_DENIED, "Forbidden")


async def test_an_award_is_decided_and_revoked_under_a_position_at_the_decider(
    postgres: EmbeddedPostgres, own_nats: EmbeddedNats
) -> None:
    async with suite_of(postgres, own_nats.url, "membership", "awards") as suite:
        await suite.establish("tld", 1)
        await suite.establish("cdvcvn", 2, "tld")
        await suite.establish("vinh-phuc", 3, "cdvcvn")
        await suite.establish("so-y-te", 5, "vinh-phuc")
        officers, award = Officers(suite), {"nomination_id": str(uuid4())}
        told = {"unit": "so-y-te", "decider": "vinh-phuc", "form": awards_pb2.AWARD_FORM_COMMENDATION, "year": 2024}
        scope, day = awards_pb2.AWARD_SCOPE_COMPREHENSIVE, TODAY.isoformat()
        await suite.do("awards", "ProposeAward", **award, **told, scope=scope, citation="Xuất sắc", on=day)
        await suite.do("awards", "EndorseAward", **award, reviewer="vinh-phuc", on=day)
        decide = {**award, "decision_number": "57/QĐ-CĐVC", "on": day}
        await no_authority(suite.do("awards", "DecideAward", PROVINCE, **decide))
        await suite.appoint("cdvcvn", FOUNDER)
        await no_authority(suite.do("awards", "DecideAward", FOUNDER, **decide))

        position = await officers.appoint(PROVINCE.id)
        delegation = await officers.delegate(position)
        await suite.do("awards", "DecideAward", DEPUTY, **decide)
        late = {**award, "reason": "Kê khai không đúng", "on": (TODAY + 10 * ONE_DAY).isoformat()}
        await no_authority(suite.do("awards", "RevokeAward", DEPUTY, **late))
        await suite.do("awards", "RevokeAward", PROVINCE, **late)

        events = [recorded.event for recorded in await suite.services["awards"].store.read(0, 100)]
        signed = [(one.position_id, one.delegation_id) for one in events if isinstance(one, AwardDecided | AwardRevoked)]
        assert signed == [(UUID(position), UUID(delegation)), (UUID(position), None)]
