"""Two versions of a service at once on one database and stream, under load: is anything lost, misread, or decided half-knowing?

Tomorrow's version (:mod:`tests.upgrade.tomorrow`) beside today's; and, in `make long`, it takes over from today's, today's from
it again, and once more.
"""

from collections.abc import Iterator
from contextlib import AsyncExitStack

import grpc
import pytest

from chassis import clients
from chassis.key_store import KEY_STEPS
from chassis.streams import set_up
from congdoan.embedded import EmbeddedNats, EmbeddedPostgres
from tests.databases import fresh_database, new_name
from tests.folders import fast_folder
from tests.serving import built, running, target_of
from tests.upgrade.ground import NOT_HERE, Ground, Load, refusal, suspended
from tests.upgrade.pods import TODAY


@pytest.fixture
def ground(postgres: EmbeddedPostgres, own_nats: EmbeddedNats, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ground]:
    # Several addresses on one machine have no name of their own; the certificates of the run say this one.
    named = (*clients.OPTIONS, ("grpc.ssl_target_name_override", "localhost"))
    monkeypatch.setattr(clients, "OPTIONS", named)
    name = new_name()
    with fast_folder() as folder, fresh_database(postgres, steps=KEY_STEPS) as keys:
        found = Ground(postgres.conninfo(name), keys, own_nats, folder)
        with fresh_database(postgres, built("membership", found.settings).schema, name=name):
            yield found


async def test_two_versions_are_asked_at_once_and_nobody_notices(ground: Ground) -> None:
    """Today's in this process, and leading; tomorrow's beside it."""
    await set_up(ground.nats.url, ["membership"])
    async with running(built("membership", ground.settings)) as today:
        tomorrow = ground.places[0].address
        load = Load([target_of(today), tomorrow])
        await load.begin()  # the units first: whoever is ready knows them
        await ground.migrated(ground.tomorrow)
        async with ground.places[0].pod(ground.tomorrow):
            await ground.says(b"2", b"3")
            await load.more()
            member = load.members.pop()
            await suspended(tomorrow, member)
            assert await refusal(tomorrow, member) == (grpc.StatusCode.FAILED_PRECONDITION, "IsSuspended")
            assert await refusal(target_of(today), member) == (grpc.StatusCode.UNAVAILABLE, NOT_HERE)
            # Today's projects, and lays aside what it does not know; unless a busy machine had it lose the lead.
            await ground.until("select exists (select from parked) or exists (select from leaders where term > 1)")
            await load.more()
            await load.end()
            ground.is_whole(load.kept, others=1)
            await ground.shows("member_counts_v1", "member_counts_v2")
            await ground.shows_hardships()
            await ground.is_announced()
    assert load.strange == []
    assert load.refused.keys() <= {NOT_HERE}


@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("again", [False, True], ids=["and-back", "and-back-and-forth"])
@pytest.mark.long
async def test_versions_roll_forth_and_back_under_load(ground: Ground, again: bool) -> None:
    await set_up(ground.nats.url, ["membership"])
    first, second, third = ground.places
    load = Load([place.address for place in ground.places])
    released = ground.one("select max(name) from migrations")
    async with AsyncExitStack() as stack:
        old = await stack.enter_async_context(first.pod(TODAY))
        await load.begin()
        await load.more()

        await ground.migrated(ground.tomorrow)  # today's version goes on beside tomorrow's schema
        await load.more()
        new = await stack.enter_async_context(second.pod(ground.tomorrow))
        await load.more()
        watched = load.members[:3]
        load.members = load.members[3:]
        for member in watched:
            await suspended(second.address, member)
        await ground.until("select count(*) > 0 from parked")  # the old one came first, and did not know what it took
        await old.stop()
        await load.more()
        assert await refusal(second.address, watched[0]) == (grpc.StatusCode.FAILED_PRECONDITION, "IsSuspended")
        await ground.until("select count(*) = 0 from parked")  # the new one did, and took it up
        assert ground.versions_said() == {b"2", b"3"}
        await ground.shows("member_counts_v2")

        back = await stack.enter_async_context(third.pod(TODAY))
        load.known = False  # what the new one has decided on waits for it; everything else goes on
        await new.stop()
        await load.more()
        assert await refusal(third.address, watched[0]) == (grpc.StatusCode.UNAVAILABLE, NOT_HERE)
        await ground.migrated(ground.tomorrow, "--to", released)
        await load.more()
        assert ground.one("select max(name) from migrations") == released
        if again:
            await ground.migrated(ground.tomorrow)
            await stack.enter_async_context(second.pod(ground.tomorrow))
            load.known = True
            await load.more()
            await back.stop()
            await load.more()
            assert await refusal(second.address, watched[0]) == (grpc.StatusCode.FAILED_PRECONDITION, "IsSuspended")
            await ground.until("select count(*) = 0 from parked")
        await load.end()
        ground.is_whole(load.kept, others=len(watched))
        await ground.shows("member_counts_v2" if again else "member_counts_v1")
        await ground.shows_hardships()
        await ground.is_announced()
    assert load.strange == []
    assert load.refused.keys() <= {NOT_HERE}
