"""A stale tree widens no right: whoever lost a unit loses the rights there, whatever happens to the stream meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from time import monotonic
from typing import Any
from uuid import uuid4

import grpc
import pytest

from chassis import confirmation
from chassis.confirmation import LEASE_S, Confirmation
from chassis.lease import Lease
from chassis.refusals import Unavailable
from chassis.security import Caller, Role
from congdoan.embedded import EmbeddedNats, EmbeddedPostgres
from tests.serving import PATIENCE_S, Suite, suite_of

CAMPAIGN = {"campaign_id": str(uuid4())}
SUPERIOR = Caller("officer-bac", Role.PROVINCE_OFFICER, "bac", "en")
NEIGHBOUR = Caller("officer-nam", Role.PROVINCE_OFFICER, "nam", "en")
OWN = Caller("officer-cs-a", Role.GRASSROOTS_OFFICER, "cs-a", "en")
SHORT_LEASE_S = 3.0
"""Of the services of these tests: whether a lease is kept, and ends, shows in a shorter time than the real one takes."""


@pytest.fixture
async def suite(postgres: EmbeddedPostgres, own_nats: EmbeddedNats, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Suite]:
    """Membership and welfare; the campaign is of a grassroots union under the north."""
    monkeypatch.setattr(confirmation, "LEASE_S", SHORT_LEASE_S)
    async with suite_of(postgres, own_nats.url, "membership", "welfare") as suite:
        for code, level, parent in (("tld", 1, ""), ("bac", 3, "tld"), ("nam", 3, "tld"), ("cs-a", 5, "bac")):
            await suite.establish(code, level, parent)
        await suite.do("welfare", "OpenGiftCampaign", **CAMPAIGN, unit="cs-a", year=2024, name="Tết", on="2024-01-02")
        for caller in (SUPERIOR, OWN):
            await suite.call("welfare", "GetCampaign", caller, **CAMPAIGN)
        yield suite


async def outcome(suite: Suite, caller: Caller) -> str:
    """What somebody is answered who asks for the campaign, once."""
    try:
        await suite.ask_once("welfare", "GetCampaign", caller, **CAMPAIGN)
    except grpc.aio.AioRpcError as error:
        return str(error.code().name)
    return "OK"


async def until(suite: Suite, caller: Caller, expected: str, *others: str) -> None:
    """Ask until it is answered so; every answer before is one of some others."""
    async with asyncio.timeout(PATIENCE_S):
        while (found := await outcome(suite, caller)) != expected:
            assert found in others, f"{caller.id}: {found}"
            await asyncio.sleep(0.05)


async def test_as_long_as_no_unit_moves_an_outage_of_the_stream_changes_nothing(suite: Suite, own_nats: EmbeddedNats) -> None:
    await asyncio.to_thread(own_nats.kill)
    await asyncio.sleep(SHORT_LEASE_S + 1.0)

    # On a busy machine a confirmation may come late; without one there would be no answer at all any more.
    await until(suite, SUPERIOR, "OK", "UNAVAILABLE")
    await until(suite, NEIGHBOUR, "PERMISSION_DENIED")


async def test_whoever_lost_a_unit_while_the_stream_is_away_is_answered_no_longer_than_the_lease(
    suite: Suite, own_nats: EmbeddedNats
) -> None:
    await asyncio.to_thread(own_nats.kill)
    await suite.do("membership", "AttachUnit", unit="cs-a", attachment=1, parent="nam", on="2025-01-01")
    moved_at = monotonic()

    while True:
        asked_at = monotonic()
        found = await outcome(suite, SUPERIOR)
        assert found in ("OK", "UNAVAILABLE")
        if found == "UNAVAILABLE":
            break
        assert asked_at < moved_at + SHORT_LEASE_S, "answered after its right was over"
        await asyncio.sleep(0.05)
    for _ in range(20):
        assert await outcome(suite, SUPERIOR) == "UNAVAILABLE"
        assert await outcome(suite, NEIGHBOUR) == "PERMISSION_DENIED", "what is not known yet gives no right either"
        assert await outcome(suite, OWN) == "OK", "the own unit needs no tree"
        await asyncio.sleep(0.05)

    await asyncio.to_thread(own_nats.start)
    await until(suite, SUPERIOR, "PERMISSION_DENIED", "UNAVAILABLE")
    await until(suite, NEIGHBOUR, "OK", "UNAVAILABLE")


async def test_without_membership_only_rights_at_the_own_unit_are_left_when_the_lease_ends(suite: Suite) -> None:
    await suite.services["membership"].stop()

    await until(suite, SUPERIOR, "UNAVAILABLE", "OK")
    assert await outcome(suite, OWN) == "OK"


class Granted(Lease):
    """A lease that remembers until when it was granted last; 0 when it ended."""

    granted = 0.0

    def until(self, moment: float) -> None:
        self.granted = moment
        super().until(moment)


class Tree:
    """A tree and its clock, both turned by hand."""

    def __init__(self) -> None:
        self.now, self.position = 100.0, 0
        self.lease = Granted(lambda: self.now)

    def confirmed_by(self, record: Callable[[], Awaitable[int]]) -> Confirmation:
        return Confirmation("units", self.lease, lambda: self.position, record)


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confirmation, "EVERY_S", 0.001)


async def looked(condition: Any) -> None:
    """Let the confirmation go on until something is so."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.001)


async def test_nothing_is_confirmed_before_the_record_was_asked_and_reached(often: None) -> None:
    tree, record, asked = Tree(), asyncio.Event(), 0

    async def position() -> int:
        nonlocal asked
        asked += 1
        await record.wait()
        return 7

    watching = tree.confirmed_by(position)
    assert not tree.lease.holds
    await watching.start()
    await looked(lambda: asked == 1)
    assert not tree.lease.holds, "the record has not answered"
    record.set()
    tree.position, tree.now = 6, 150.0
    await asyncio.sleep(0.05)
    assert not tree.lease.holds, "the tree is one behind the record"
    tree.position = 7
    await looked(lambda: tree.lease.granted > 0.0)
    assert tree.lease.granted == 100.0 + LEASE_S, "the lease begins when the record was asked, not when the tree had come as far"
    await watching.stop()


async def test_a_record_that_does_not_answer_prolongs_nothing(often: None) -> None:
    tree, silent, failures = Tree(), False, 0

    async def position() -> int:
        nonlocal failures
        if silent:
            failures += 1
            raise Unavailable(reason="membership")
        return 0

    watching = tree.confirmed_by(position)
    await watching.start()
    await looked(lambda: tree.lease.granted == 100.0 + LEASE_S)
    silent = True
    await looked(lambda: failures > 1)
    tree.now = 200.0
    seen = failures
    await looked(lambda: failures > seen + 2)
    assert not tree.lease.holds
    silent = False
    await looked(lambda: tree.lease.granted == 200.0 + LEASE_S)
    await watching.stop()
