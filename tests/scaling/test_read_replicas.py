"""Questions are answered by a replica that shows what they must show; by the service's own database wherever it does not."""

from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import uuid4

import pytest

from chassis.key_store import KEY_STEPS
from chassis.streams import set_up
from congdoan.embedded import EmbeddedNats, EmbeddedPostgres
from tests.connected.example import until
from tests.databases import fresh_database
from tests.folders import fast_folder
from tests.scaling.pods import LivePod, pods_of
from tests.scaling.replica import Replica, let_pass, replica_of
from tests.serving import wrapping_key_file


class Story:
    """A pod that asks a replica, and what was recorded last."""

    def __init__(self, pod: LivePod, replica: Replica) -> None:
        self.pod, self.replica, self.position, self.units = pod, replica, 0, 0
        assert pod.running.replica
        self.reading = pod.running.replica

    async def record(self) -> str:
        """A member more, of a unit of its own, whom nobody has asked for yet."""
        self.units += 1
        member_id = str(uuid4())
        fields = {"member_id": member_id, "unit": "so-y-te", "full_name": "Đỗ Thị Ế", "national_id": f"{self.units:012d}"}
        answer = await self.pod.do("AdmitMember", **fields, birth_date="1990-01-01", on="2020-01-01")
        self.position = answer.position
        return member_id

    async def figure(self, *, seen: bool = True) -> int:
        """How many members there are, by an answer that has seen everything recorded, or any answer."""
        at_least = {"membership": self.position} if seen else {}
        answer = await self.pod.ask("GetFigures", at_least, unit="tld", year=2020)
        return int(next(figure.count for figure in answer.figures if figure.name == "members"))

    async def asked(self, *, seen: bool = True) -> tuple[int, bool]:
        """The figure, and whether the replica gave it."""
        before = self.reading.answered
        return await self.figure(seen=seen), self.reading.answered > before


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[EmbeddedPostgres, Replica]]:
    with fast_folder() as folder:
        let_pass(folder)
        with EmbeddedPostgres(folder, folder / "run") as primary:
            let_pass(folder / "run")
            with replica_of(primary, folder) as replica:
                yield primary, replica


@pytest.fixture
async def story(
    servers: tuple[EmbeddedPostgres, Replica], own_nats: EmbeddedNats, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Story]:
    for name, value in {"BEHIND_S": 1.0, "NOTED_EVERY_S": 0.2, "AVOIDED_S": 0.2, "HUNG_S": 0.5, "ANSWERED_WITHIN_S": 1.0}.items():
        monkeypatch.setattr(f"chassis.read_replica.{name}", value)
    primary, replica = servers
    await set_up(own_nats.url, ["membership"])
    with fresh_database(primary) as database, fresh_database(primary, steps=KEY_STEPS) as keys:
        there = replica.conninfo(database.partition("?")[0].rpartition("/")[2])
        more: dict[str, Any] = {"keys_database_url": keys, "wrapping_key_file": str(wrapping_key_file())}
        async with pods_of("membership", database, own_nats.url, 1, **more, read_database_url=there) as (pod,):
            await pod.do("EstablishUnit", unit="tld", level=1, name="TLĐ", on="1990-01-01")
            await pod.do("EstablishUnit", unit="so-y-te", level=5, name="Sở Y tế", line_parent="tld", on="1990-01-01")
            yield Story(pod, replica)


async def by_replica(story: Story, wanted: int) -> None:
    """The replica answers, and shows everything recorded."""

    async def does() -> bool:
        return await story.asked() == (wanted, True)

    await until(does)


async def test_a_replica_answers_and_its_faults_are_seen_by_nobody(story: Story) -> None:
    await story.record()
    await by_replica(story, 1)
    for wanted in range(2, 7):
        await story.record()
        assert await story.figure() == wanted, "whoever passes a position reads what he wrote"

    story.replica.replay(paused=True)
    try:
        await story.record()
        assert await story.asked() == (7, False), "it does not show that, so it is not asked"

        async def left_aside() -> bool:
            return await story.asked(seen=False) == (7, False)

        await until(left_aside)  # when it is too far behind, whoever asks and whatever he has seen
    finally:
        story.replica.replay(paused=False)
    await by_replica(story, 7)

    story.replica.kill()
    for wanted in (8, 9):
        await story.record()
        assert await story.asked() == (wanted, False)
    story.replica.start()
    await by_replica(story, 9)

    await until_hung(story)
    await by_replica(story, 10)


async def until_hung(story: Story) -> None:
    """It takes questions and answers none."""
    with story.replica.stopped():
        await story.record()
        assert await story.asked() == (10, False)
