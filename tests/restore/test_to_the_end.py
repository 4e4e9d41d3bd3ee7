"""Everything was archived: are other servers the same federation, with the streams still there, and with the streams lost too?"""

import asyncio
import shutil
from pathlib import Path

import pytest

from chassis.streams import LEDGER, stream_name
from congdoan.embedded import reserve_port
from congdoan.provinces import grant, make_streams
from tests.clients.programs import Branch, python_subscriber
from tests.clients.two_branches import HA_NOI, STAYS, YEAR, Federation
from tests.notifications.mailbox import Mailbox, listening
from tests.provinces.province import patiently
from tests.restore.places import places
from tests.restore.world import Remembering, World

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


async def test_the_streams_are_there_and_equal_and_then_they_are_lost_too(tmp_path: Path) -> None:
    port = reserve_port()
    with places() as found, listening(Mailbox(), port.number) as smtp_url:
        world = World(found, smtp_url)
        granted = await grant(found.nats.hub, HA_NOI, tmp_path)
        branch = Branch(HA_NOI, granted.url, granted.file, str(world.verifier))
        subscriber = python_subscriber(tmp_path)
        async with world.serving() as suite:
            await Federation(suite).begin()
            await asyncio.to_thread(found.events.back_up)
            await asyncio.to_thread(found.keys.back_up)
            await a_year(suite)
        await the_machine_is_lost(world)
        for server in (found.events, found.keys):
            await asyncio.to_thread(server.archive_from_now)
            await asyncio.to_thread(server.back_up)
        history, announced = world.history(), await world.announced()

        async with world.serving() as suite:  # NATS is there: looked at once, and everybody goes on
            for service in suite.services.values():
                tail = await world.recover(service, apply=True)
                assert (tail.missing, tail.head) == (0, tail.last)
            await go_on(world, suite, history, announced)
            assert (await subscriber.take_all(branch))[0] == 0
        announced = await world.announced()
        await the_machine_is_lost(world)
        history = world.history()
        found.nats.stop()
        shutil.rmtree(found.nats.hub.data / "jetstream")
        found.nats.start()
        await make_streams(found.nats.hub)

        async with world.serving() as suite:  # republished from the stores, the ledger from audit's
            await go_on(world, suite, history, announced)
            wanted = await Federation(suite).figures(HA_NOI)

            async def equal() -> bool:
                assert (await subscriber.take_all(branch))[0] == 0
                return bool((await subscriber.figures(branch, YEAR))["figures"] == wanted)

            await patiently(equal)
            await suite.settle()
            for source, outcome in (await world.verified(subscriber.kept)).items():
                assert outcome.whole, (source, outcome)


async def the_machine_is_lost(world: World) -> None:
    """After the last segment was archived."""
    for server in (world.places.events, world.places.keys):
        await asyncio.to_thread(server.archived)
        await asyncio.to_thread(server.lose)
        await asyncio.to_thread(server.put_back)


async def a_year(suite: Remembering) -> None:
    """Something of every service that a province copies."""
    federation = Federation(suite)
    await federation.open_campaign(HA_NOI)
    await federation.give(HA_NOI, who=f"{STAYS}/0")
    await federation.leave(f"{STAYS}/1")
    await suite.settle()


async def go_on(
    world: World, suite: Remembering, history: dict[str, list[tuple[object, ...]]], announced: dict[str, bytes]
) -> None:
    """Every answer stands, every stream says what it said, message by message, and what is new comes after it."""
    await suite.settle()
    assert world.history() == history
    now = await world.announced()
    assert not_carried_on(announced, now) == []
    assert [one.answer for one in world.acknowledged] == [await suite.again(one) for one in world.acknowledged]
    await Federation(suite).admit(f"after/{len(world.acknowledged)}", STAYS)
    await suite.settle()
    assert (await suite.proven()).keys() == suite.services.keys()
    grown = await world.announced()
    assert not_carried_on(now, grown) == []
    assert {name for name in grown if grown[name] != now[name]} >= {stream_name("membership"), LEDGER}


def not_carried_on(before: dict[str, bytes], after: dict[str, bytes]) -> list[str]:
    """The streams that do not begin with everything they said before."""
    return [name for name, text in before.items() if not after[name].startswith(text)]
