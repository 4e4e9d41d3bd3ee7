"""What may a caller sign, and is that known to be so just now? On a real database, by a clock that the test moves."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest

from chassis.authorities import Authority, NoAuthority
from chassis.authority_register import AuthorityRegister
from chassis.confirmation import LEASE_S, Confirmation
from chassis.database import migrate, open_pool
from chassis.following import Follower
from chassis.projector import Projection
from chassis.recorded import RecordedEvent
from chassis.refusals import Unavailable
from chassis.security import Caller, Role
from membership.events import AUTHORITIES, Matter
from tests.authorities import DELEGATION, POSITION, authority, chair_of
from tests.membership import a_committee as a

LAN, MINH = Caller(a.LAN, Role.PROVINCE_OFFICER, a.UNIT), Caller(a.MINH, Role.PROVINCE_OFFICER, a.UNIT)


def recorded(position: int, event: Any) -> RecordedEvent:
    now = datetime.now(UTC)
    return RecordedEvent("membership", position, a.CHAIR, position, event.topic, event.encode(), b"", "", 0, now)


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Register:
    """The register, what it follows, and its clock."""

    def __init__(self, pool: Any) -> None:
        self.clock = Clock()
        self.follower = Follower(pool, Projection(AUTHORITIES), lambda: datetime.now(UTC))
        self.register = AuthorityRegister(pool, AUTHORITIES, self.clock)

    async def signs(self, caller: Caller, matter: str, on: date) -> Authority:
        return (await self.register.mandate(caller, matter)).at(a.UNIT, on)


@pytest.fixture
async def kept(database: str) -> AsyncIterator[Register]:
    """A register that took in an appointment and a delegation."""
    migrate(database, AUTHORITIES.schema)
    async with open_pool(database) as pool:
        register = Register(pool)
        await register.follower.load()
        await register.follower.take([recorded(1, a.appointed()), recorded(2, a.delegated())])
        yield register


async def test_each_caller_is_given_what_it_may_sign_and_nothing_else(kept: Register) -> None:
    chair = await kept.signs(LAN, Matter.BUDGET_APPROVAL, a.ELECTED_ON)
    assert (chair.position_id, chair.delegated) == (a.CHAIR, False)
    deputy = await kept.signs(MINH, Matter.AWARD_DECISION, a.AWAY_ON)
    assert deputy.signed == {"position_id": a.CHAIR, "delegation_id": a.DELEGATION}
    with pytest.raises(NoAuthority):
        await kept.signs(MINH, Matter.BUDGET_APPROVAL, a.AWAY_ON)
    with pytest.raises(NoAuthority):
        await kept.signs(Caller("", Role.SERVICE, ""), Matter.AWARD_DECISION, a.AWAY_ON)


async def test_the_position_of_the_last_change_grows_with_every_change(kept: Register) -> None:
    assert await kept.register.last_change() == 2
    await kept.follower.take([recorded(7, a.released()), recorded(8, a.revoked(with_position=True))])
    assert await kept.register.last_change() == 8
    with pytest.raises(NoAuthority):
        await kept.signs(MINH, Matter.AWARD_DECISION, a.BACK_ON)
    assert await kept.signs(MINH, Matter.AWARD_DECISION, a.BACK_ON - a.ONE_DAY)


async def test_nothing_is_signed_on_what_is_not_known_to_be_so_just_now(kept: Register) -> None:
    kept.register.lease.until(kept.clock.now + LEASE_S)
    kept.clock.now += LEASE_S - 0.001
    assert await kept.signs(LAN, Matter.AWARD_DECISION, a.AWAY_ON)
    kept.clock.now += 0.001
    with pytest.raises(Unavailable):
        await kept.signs(LAN, Matter.AWARD_DECISION, a.AWAY_ON)


async def test_it_is_confirmed_only_after_every_change_of_the_record_was_taken_in(kept: Register) -> None:
    asked = asyncio.Event()

    async def record() -> int:
        asked.set()
        return 3

    confirmation = Confirmation("authorities", kept.register.lease, lambda: kept.follower.position, record)
    await confirmation.start()
    await asked.wait()
    with pytest.raises(Unavailable):
        await kept.signs(LAN, Matter.AWARD_DECISION, a.BACK_ON)

    await kept.follower.take([recorded(3, a.released())])
    while True:
        try:
            mandate = await kept.register.mandate(LAN, Matter.AWARD_DECISION)
            break
        except Unavailable:
            await asyncio.sleep(0.01)
    await confirmation.stop()
    with pytest.raises(NoAuthority):
        mandate.at(a.UNIT, a.BACK_ON)


def test_a_position_goes_before_a_delegation_and_the_older_one_before_the_later() -> None:
    own, later = authority("u", since=date(2024, 1, 1)), authority("u", since=date(2024, 2, 1), authority_id=UUID(int=1))
    mandate = chair_of()
    assert not mandate.authorities
    delegated = authority("u", authority_id=DELEGATION)
    every = type(mandate)((delegated, later, own))
    assert every.at("u", date(2024, 3, 1)) == own
    assert every.at("u", date(2023, 3, 1)) == delegated
    assert own.signed == {"position_id": POSITION, "delegation_id": None}
