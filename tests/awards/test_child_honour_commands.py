"""Children's honours through the whole path of a command, on a real database, with a membership that the test plays."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from awards import reactions
from awards.application import ChildFactsAtHand, child_menu, own_menu
from awards.domain.child_honour import AchievementExists, Word
from awards.events import ChildHonourPublished, ChildHonourWithdrawn, PublicationEnd
from awards.rpc import CHILD_HONOURS
from chassis.application import Application
from chassis.commands import Call
from chassis.database import Pool, open_pool
from chassis.following import Follower
from chassis.hierarchy import Hierarchy
from chassis.reactions import CommandReaction
from chassis.recorded import Actor, Metadata, RecordedEvent
from chassis.refusals import Refusal, Unavailable
from chassis.rpc import needs_of
from chassis.security import Caller, Role
from chassis.service import utc_now
from chassis.store import EventStore
from membership.events import ConsentGiver, ConsentPurpose, ConsentWithdrawn
from tests.authorities import PlayedAuthorities
from tests.awards import a_child_honour as a
from tests.awards.conftest import CONFEDERATION, nodes
from tests.awards.federation_of_units import UNITS
from tests.conftest import SECRET

SELF = Caller("awards", Role.SERVICE, "")


class PlayedChildren:
    """What membership would say of children; counts how often it was asked."""

    def __init__(self) -> None:
        self.word: Word | None = a.AGREED
        self.asked: list[int] = []
        self.down = False

    async def words(self, child_ids: Sequence[UUID], on: date) -> Mapping[UUID, Word]:
        self.asked.append(len(child_ids))
        if self.down:
            raise Unavailable(reason="membership")
        return dict.fromkeys(child_ids, self.word) if self.word else {}


class Honours:
    """The commands on children's honours, and what follows from events."""

    def __init__(self, pool: Pool, store: EventStore, followers: Mapping[str, Follower], application: Application) -> None:
        self.pool, self.store, self.followers, self.application = pool, store, followers, application
        self.children = PlayedChildren()

    async def execute(self, *commands: Any) -> None:
        for command in commands:
            await self.application.execute(Call(CONFEDERATION.caller), command)

    async def hear(self, event: RecordedEvent) -> None:
        """Membership says something."""
        await self.followers["end_child_publications"].take([event])

    async def parked(self) -> int:
        """How many events could not be taken."""
        async with self.pool.connection() as connection:
            row = await (await connection.execute("select count(*) from parked")).fetchone()
        assert row
        return int(str(row[0]))

    async def history(self) -> list[RecordedEvent]:
        return await self.store.read(0, 1_000)


@pytest.fixture
async def honours(database: str) -> AsyncIterator[Honours]:
    async with open_pool(database) as pool:
        store = EventStore("awards", database, pool, secret=SECRET, clock=utc_now)
        await store.start()
        tree = Hierarchy()
        tree.put(nodes())
        children = PlayedChildren()
        facts = ChildFactsAtHand(tree, children, PlayedAuthorities(UNITS))
        own = own_menu(facts)
        needs = {**needs_of([CHILD_HONOURS]), **{handler.command.__name__: Role.SERVICE for handler in own}}
        application = Application(store, [*child_menu(facts), *own], needs, tree, secret=SECRET)
        facts.live = application.live
        effects = [CommandReaction(reaction, application, SELF) for reaction in reactions.ALL]
        followers = {effect.name: Follower(pool, effect, utc_now) for effect in effects}
        for follower in followers.values():
            await follower.load()
        found = Honours(pool, store, followers, application)
        found.children = children
        yield found
        assert await found.parked() == 0
        await store.stop()


UNTIL_HONOURED = (a.opening(), a.registration(), a.verification(), a.honouring())


def withdrawal(position: int = 1) -> RecordedEvent:
    """The child takes its consent back; membership says so at a position of its history."""
    of: dict[str, Any] = {"person_id": a.KID, "purpose": ConsentPurpose.CHILD_HONOUR_PUBLICATION}
    event = ConsentWithdrawn(unit="so-y-te", on=a.LATER, given_by=ConsentGiver.SELF, **of)
    metadata = Metadata("so-y-te", a.LATER, Actor("officer-1", "grassroots_officer", "so-y-te"), None, "", "")
    return RecordedEvent(
        "membership", position, a.KID, 1, event.topic, event.encode(), metadata.encode(), "vinh-phuc", position, utc_now()
    )


async def test_a_consent_taken_back_ends_what_is_public_once_however_often_it_is_told(honours: Honours) -> None:
    await honours.execute(*UNTIL_HONOURED, a.publication())
    honours.children.word = None
    event = withdrawal()
    await honours.hear(event)
    await honours.hear(event)
    last = (await honours.history())[-1]
    assert last.event == ChildHonourWithdrawn(**a.TOLD, on=a.LATER, ground=PublicationEnd.ERASURE)
    assert (last.position, last.metadata.actor.role) == (6, "service")
    assert last.metadata.causation_id == event.id


async def test_nothing_happens_where_nothing_is_public_or_all_still_agree(honours: Honours) -> None:
    await honours.hear(withdrawal(1))
    await honours.execute(*UNTIL_HONOURED, a.publication())
    await honours.hear(withdrawal(2))
    assert isinstance((await honours.history())[-1].event, ChildHonourPublished)


async def test_a_consent_taken_back_between_the_question_and_the_publication_ends_it_too(honours: Honours) -> None:
    await honours.execute(*UNTIL_HONOURED)
    await honours.hear(withdrawal())
    await honours.execute(a.publication())
    honours.children.word = Word("so-y-te", parent_active=True, guardian_agrees=True, child_must_agree=True)
    published = (await honours.history())[-1]
    await honours.followers["review_child_publications"].take([published])
    ended = (await honours.history())[-1].event
    assert ended == ChildHonourWithdrawn(**a.TOLD, on=a.PUBLISHED, ground=PublicationEnd.CHILD_CONSENT)


async def test_what_membership_cannot_say_just_now_is_asked_again_and_nothing_ends_meanwhile(honours: Honours) -> None:
    await honours.execute(*UNTIL_HONOURED, a.publication())
    honours.children.down = True
    with pytest.raises(Unavailable):
        await honours.hear(withdrawal())
    assert len(await honours.history()) == 5
    with pytest.raises(Unavailable):
        await honours.execute(a.publication(on=a.LATER.isoformat()))
    honours.children.down, honours.children.word = False, None
    await honours.hear(withdrawal())
    assert len(await honours.history()) == 6


async def test_a_batch_asks_membership_once_a_day_and_registers_each_achievement_once(honours: Honours) -> None:
    await honours.execute(a.opening())
    contests = ["Toán", "toán ", "Văn", "Lý"]
    fields = [{"achievement_id": UUID(int=500 + number), "contest": name.strip()} for number, name in enumerate(contests)]
    fields[3]["on"] = a.SEEN.isoformat()
    outcomes = await honours.application.execute_batch(Call(CONFEDERATION.caller), [a.registration(**one) for one in fields])
    assert honours.children.asked == [1, 1]
    assert [type(outcome) for outcome in outcomes if isinstance(outcome, Refusal)] == [AchievementExists]
    assert isinstance(outcomes[1], AchievementExists)
