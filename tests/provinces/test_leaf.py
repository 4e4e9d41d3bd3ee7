"""Does a province's own server, which mirrors its branch, catch up by itself: complete, in order, nothing of others?"""

from pathlib import Path

import pytest

from chassis.streams import set_up
from congdoan.embedded import EmbeddedNats
from congdoan.provinces import grant, revoke
from congdoan.provinces.listing import statuses
from congdoan.services import RECORDING
from tests.provinces.leaf import LeafNode
from tests.provinces.province import announce, patiently, services


@pytest.mark.long
async def test_a_mirror_is_cut_off_and_killed_and_the_hub_is_killed(own_nats: EmbeddedNats, tmp_path: Path) -> None:
    await set_up(own_nats.url, RECORDING)
    given = await grant(own_nats.hub, "ha-noi", tmp_path)
    count = 0

    async def happen(number: int) -> None:
        nonlocal count
        async with services(own_nats) as client:
            for code in ("ha-noi", "vinh-phuc"):
                await announce(client, code, range(count + 1, count + number + 1))
        count += number

    async with LeafNode(given, tmp_path / "leaf") as leaf:

        async def caught_up() -> bool:
            return await leaf.mirrored() >= count

        await happen(50)
        assert await leaf.mirror()
        await patiently(caught_up)
        assert not await leaf.mirror(), "it is made once"
        leaf.kill()  # cut off while the branch goes on
        await happen(200)
        await leaf.start()
        await patiently(caught_up)
        await happen(50)
        leaf.kill()  # in the middle
        await leaf.start()
        own_nats.kill()
        own_nats.start()
        await happen(50)
        await patiently(caught_up)
        assert await leaf.events() == [f"membership ha-noi {number}" for number in range(1, count + 1)]


async def test_a_revoked_leaf_node_is_turned_out(own_nats: EmbeddedNats, tmp_path: Path) -> None:
    await set_up(own_nats.url, RECORDING)
    given = await grant(own_nats.hub, "ha-noi", tmp_path)

    async with LeafNode(given, tmp_path / "leaf") as leaf:

        async def connected() -> bool:
            return [status.leaf_nodes async for status in statuses(own_nats.hub)] == [1]

        await patiently(connected)
        await leaf.mirror()
        await revoke(own_nats.hub, "ha-noi")
        await grant(own_nats.hub, "ha-noi", tmp_path / "anew")
        async with services(own_nats) as client:
            await announce(client, "ha-noi", range(1, 11))
        assert [status.leaf_nodes async for status in statuses(own_nats.hub)] == [0]
        assert await leaf.mirrored() == 0
