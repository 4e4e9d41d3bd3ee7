"""Every pod answers, whoever leads: commands, questions that have seen what was answered elsewhere, and what an operator asks."""

import asyncio
from collections.abc import Sequence
from itertools import count
from typing import Any
from uuid import uuid4

from chassis.database import Connection
from chassis.following import Unprocessable
from chassis.key_store import KEY_STEPS
from chassis.recorded import RecordedEvent
from chassis.streams import set_up
from congdoan.embedded import EmbeddedNats, EmbeddedPostgres
from federation.operations.v1 import operations_pb2 as operations
from tests.connected.example import until
from tests.databases import fresh_database
from tests.scaling.pods import LivePod, leader_among, pods_of
from tests.serving import services_target_of, wrapping_key_file

CAMPAIGNS = "campaigns"
YEARS = count(2001)


async def consumers(pod: LivePod) -> int:
    """How many there are on the server, of all streams."""
    return sum([stream.state.consumer_count for stream in await pod.running.bus.client.jetstream().streams_info()])


async def campaign(pod: LivePod, name: str) -> tuple[str, int]:
    """Open one at a pod: its id, and the position of the answer."""
    campaign_id = str(uuid4())
    fields = {"campaign_id": campaign_id, "unit": "tld", "year": next(YEARS), "name": name, "on": "2024-01-02"}
    return campaign_id, (await pod.do("OpenGiftCampaign", **fields)).position


async def test_pods_of_two_services_side_by_side(postgres: EmbeddedPostgres, own_nats: EmbeddedNats) -> None:
    await set_up(own_nats.url, ["membership", "welfare"])
    with (
        fresh_database(postgres) as members,
        fresh_database(postgres, steps=KEY_STEPS) as keys,
        fresh_database(postgres) as gifts,
    ):
        secrets = {"keys_database_url": keys, "wrapping_key_file": str(wrapping_key_file())}
        async with pods_of("membership", members, own_nats.url, 2, **secrets) as membership:
            target = services_target_of(membership[1].running)
            async with pods_of("welfare", gifts, own_nats.url, 1, membership_target=target) as first:
                await until(lambda: all(feed.healthy for feed in first[0].running._feeds.feeds))  # type: ignore[union-attr]
                alone = await consumers(first[0])
                async with pods_of("welfare", gifts, own_nats.url, 2, membership_target=target, instance="later") as later:
                    welfare = [*first, *later]
                    assert [pod.leads for pod in (*membership, *welfare)] == [True, False, True, False, False]
                    await commands_and_questions_at_every_pod(membership, welfare)
                    assert await consumers(first[0]) == alone > 0, "nobody but the leader has any"
                    await what_an_operator_asks(welfare)
                    await what_lay_aside_is_known_at_every_pod(membership, welfare)
                    await a_rebuild_ordered_elsewhere(welfare)
                    await the_leader_leaves(welfare, alone)


async def commands_and_questions_at_every_pod(membership: Sequence[LivePod], welfare: Sequence[LivePod]) -> None:
    """Whatever is answered at one is seen at every other that is asked for it."""
    unit: dict[str, Any] = {"level": 1, "name": "TLĐ", "on": "2000-01-01"}
    position = (await membership[1].do("EstablishUnit", unit="tld", **unit)).position
    below: dict[str, Any] = {"level": 3, "name": "Vĩnh Phúc", "line_parent": "tld", "on": "2001-01-01"}
    position = (await membership[0].do("EstablishUnit", unit="vinh-phuc", **below)).position
    for pod in membership:
        assert (await pod.ask("GetUnit", {"membership": position}, unit="vinh-phuc")).name == "Vĩnh Phúc"
    for number, pod in enumerate(welfare):
        campaign_id, gift = await campaign(pod, f"Tết {number}")
        for other in welfare:
            seen = {"welfare": gift, "membership": position}
            assert (await other.ask("GetCampaign", seen, campaign_id=campaign_id)).name == f"Tết {number}"
    # Nothing more is recorded that would concern those who follow units: still every pod comes to know that.
    basis: dict[str, Any] = {"level": 5, "name": "Sở Y tế", "line_parent": "vinh-phuc", "on": "2001-01-01"}
    await membership[1].do("EstablishUnit", unit="so-y-te", **basis)
    member = {"member_id": str(uuid4()), "unit": "so-y-te", "full_name": "Đỗ Thị Ế", "national_id": "001185000001"}
    position = (await membership[1].do("AdmitMember", **member, birth_date="1990-01-01", on="2020-01-01")).position
    for pod in (*membership, *welfare):
        await pod.ask("GetStatus", {"membership": position})
        assert await pod.running.ready()


async def what_an_operator_asks(welfare: Sequence[LivePod]) -> None:
    """Whoever answers: who leads, how far everybody is, what is announced."""
    head = (await welfare[1].ask("AwaitPosition")).position
    for pod in welfare:
        status = await pod.ask("GetStatus", {"welfare": head})
        assert (status.leader, status.term, status.leads) == ("welfare-0", 1, pod is welfare[0])
        assert (status.head, status.published, status.backlog) == (head, head, 0)
        assert {each.position for each in status.followers if each.source == "welfare"} == {head}
        samples = pod.running.metrics.registry.get_sample_value
        assert (samples("congdoan_leader"), samples("congdoan_leader_term")) == (pod is welfare[0], 1)


async def what_lay_aside_is_known_at_every_pod(membership: Sequence[LivePod], welfare: Sequence[LivePod]) -> None:
    """A replay at any pod changes the tree in the memory of each, though no position moves."""
    units = welfare[0].running._units_follower
    taking = units.effect.take

    async def mistaken(events: Sequence[RecordedEvent], transaction: Connection) -> None:
        raise Unprocessable(events[0], "a mistake of the program")

    units.effect.take = mistaken  # type: ignore[method-assign]
    fields: dict[str, Any] = {"level": 5, "name": "Sở Nội vụ", "line_parent": "vinh-phuc", "on": "2001-01-01"}
    position = (await membership[0].do("EstablishUnit", unit="so-noi-vu", **fields)).position
    for pod in welfare:
        await pod.ask("GetStatus", {"membership": position})
        assert pod.running.tree.get("so-noi-vu") is None
    units.effect.take = taking  # type: ignore[method-assign]
    replayed = await welfare[1].ask("ReplayDeadLetters", follower=units.name)
    assert (replayed.taken, replayed.parked) == (1, 0)
    await until(lambda: all(pod.running.tree.get("so-noi-vu") for pod in welfare))


async def a_rebuild_ordered_elsewhere(welfare: Sequence[LivePod]) -> None:
    """A pod that does not lead takes the order; the one that leads does the work."""
    ordered = welfare[1]
    begun = await ordered.ask("RebuildReadModel", read_model=CAMPAIGNS)
    assert begun.HasField("beside")

    async def built() -> bool:
        found = {each.read_model: each for each in (await welfare[2].ask("ListGenerations")).generations}
        return bool(found[begun.read_model].beside_position >= found[begun.read_model].live_position > 0)

    await until(built)
    assert (await ordered.ask("CompareGenerations", read_model=CAMPAIGNS)).only_live == 0
    switched = await ordered.ask("SwitchReadModel", read_model=CAMPAIGNS)
    assert switched.live == 2
    campaign_id, position = await campaign(welfare[2], "Tết sau")
    for pod in welfare:
        assert (await pod.ask("GetCampaign", {"welfare": position}, campaign_id=campaign_id)).name == "Tết sau"
        proven = await pod.ask("ProveFollower", {"welfare": position}, follower=CAMPAIGNS)
        assert proven.verdict == operations.PROOF_VERDICT_EXACTLY_ONCE
    await ordered.ask("DropGeneration", read_model=CAMPAIGNS)


async def the_leader_leaves(welfare: Sequence[LivePod], alone: int) -> None:
    """Another leads at once, with as many consumers as there were; nothing is to be waited for."""
    await welfare[0].running.stop()
    rest = welfare[1:]
    leader = await leader_among(rest)
    assert leader.running.leadership.term == 2
    for pod in rest:
        campaign_id, position = await campaign(pod, f"Tết của {pod.name}")
        await asyncio.gather(*(other.ask("GetCampaign", {"welfare": position}, campaign_id=campaign_id) for other in rest))
    assert (await rest[0].ask("AwaitPosition")).position > 0

    async def as_before() -> bool:
        return await consumers(rest[0]) == alone

    await until(as_before)
