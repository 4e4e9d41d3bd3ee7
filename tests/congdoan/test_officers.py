"""What the command line says of officers, asked of a real membership."""

from collections.abc import AsyncIterator
from datetime import date
from uuid import UUID, uuid4

import pytest

from congdoan.clients import Federation, connected, contract_of
from congdoan.embedded import EmbeddedNats, EmbeddedPostgres
from congdoan.officers import (
    NobodyVouches,
    UnknownName,
    appoint,
    as_officer,
    delegate,
    officers,
    release,
    revoke,
    signatories,
)
from tests.issuing import issuer
from tests.serving import FOUNDER, credentials, suite_of, target_of

UNIT, CHAIR, DEPUTY = "vinh-phuc", "vinh-phuc-chair", "vinh-phuc-deputy"
ELECTED, DAY, LATER = date(2023, 5, 25), date(2024, 12, 6), date(2024, 12, 13)
POSITION, DELEGATION = UUID(int=1), UUID(int=2)


@pytest.fixture
async def federation(postgres: EmbeddedPostgres, own_nats: EmbeddedNats) -> AsyncIterator[Federation]:
    """Membership with one province, asked by the founder, beside an issuer that vouches."""
    async with suite_of(postgres, own_nats.url, "membership") as suite:
        await suite.establish("tld", 1)
        await suite.establish(UNIT, 3, "tld")
        targets = {"membership": target_of(suite.services["membership"])}
        async with connected(targets, credentials(FOUNDER), vouch=issuer().token_source) as asking:
            await appoint(asking, UNIT, CHAIR, "chair", ELECTED, None, POSITION)
            yield asking


async def seen(federation: Federation, how_many: int, matter: str, on: date) -> list[tuple[str, str]]:
    """Who could sign, once the read model shows so many: what was answered is there soon, and nothing says when."""
    while True:
        found = await signatories(federation, UNIT, matter, on)
        if len(found) == how_many:
            return [(one.officer, one.delegation_id) for one in found]


async def test_officers_are_appointed_delegate_revoke_and_are_released(federation: Federation) -> None:
    assert await seen(federation, 1, "award-decision", DAY) == [(CHAIR, "")]
    while not (found := await officers(federation, UNIT, DAY)):
        pass
    (in_office,) = found
    assert (in_office.office, in_office.since, in_office.until) == ("chair", "2023-05-25", "2028-05-24")
    assert in_office.document["position_id"] == str(POSITION)

    holder = as_officer(federation, CHAIR, UNIT)
    kept = await delegate(holder, UNIT, POSITION, DEPUTY, ["award_decision"], DAY, LATER, DELEGATION)
    assert kept.id == str(DELEGATION)
    assert await seen(federation, 2, "award_decision", DAY) == [(CHAIR, ""), (DEPUTY, str(DELEGATION))]
    assert await seen(federation, 1, "budget_approval", DAY) == [(CHAIR, "")]

    await revoke(holder, UNIT, DELEGATION, LATER)
    assert await seen(federation, 1, "award_decision", LATER) == [(CHAIR, "")]
    await release(federation, UNIT, POSITION, "retired", LATER)
    assert await seen(federation, 0, "award_decision", LATER) == []
    while await officers(federation, UNIT, LATER):
        pass


async def test_a_name_that_there_is_not_is_answered_with_those_there_are(federation: Federation) -> None:
    for asked in (
        appoint(federation, UNIT, DEPUTY, "king", DAY, None, uuid4()),
        release(federation, UNIT, POSITION, "tired", DAY),
        signatories(federation, UNIT, "war", DAY),
    ):
        with pytest.raises(UnknownName, match=r"vice_chair|retired|award_decision"):
            await asked


async def test_nobody_asks_as_another_where_nobody_vouches(federation: Federation) -> None:
    assert as_officer(federation, None, UNIT) is federation
    async with connected({}, credentials(FOUNDER)) as alone:
        with pytest.raises(NobodyVouches):
            as_officer(alone, CHAIR, UNIT)


def test_an_rpc_is_found_in_whichever_contract_of_its_service_it_stands() -> None:
    assert contract_of("membership", "AdmitMember").name == "MembershipService"
    assert contract_of("membership", "ListSignatories").name == "OfficersService"
    with pytest.raises(ValueError, match="membership answers no Dance"):
        contract_of("membership", "Dance")
