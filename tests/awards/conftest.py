"""Awards on a real PostgreSQL, with a membership that the test itself plays."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest

from awards.application import FactsAtHand, menu
from awards.domain.nomination import Nominee
from awards.read_models import OWN
from awards.rpc import SERVICE, Questions
from chassis.application import Application
from chassis.commands import Call
from chassis.database import Pool, open_pool
from chassis.following import Follower
from chassis.hierarchy import Hierarchy, Node, first_places
from chassis.projector import Projection
from chassis.refusals import Unavailable
from chassis.rpc import needs_of
from chassis.security import Caller, Role
from chassis.store import EventStore
from congdoan.embedded import EmbeddedPostgres
from membership.events import Level
from tests.asking import ask
from tests.authorities import PlayedAuthorities
from tests.awards.federation_of_units import UNITS
from tests.conftest import SECRET
from tests.databases import fresh_database

TODAY = date(2025, 6, 30)
LAN, MINH, LEFT = UUID(int=1001), UUID(int=1002), UUID(int=1003)
PLACES = {
    "tld": ("", ""),
    "cdvcvn": ("tld", ""),
    "ldld-vinh-phuc": ("tld", ""),
    "vinh-phuc": ("ldld-vinh-phuc", "cdvcvn"),
    "ha-noi": ("cdvcvn", ""),
    "so-y-te": ("vinh-phuc", ""),
    "so-noi-vu": ("vinh-phuc", ""),
    "gone": ("vinh-phuc", ""),
    "gone-province": ("cdvcvn", ""),
}


class PlayedMembership:
    """What membership would say; counts how often it was asked."""

    def __init__(self) -> None:
        self.members = {
            LAN: Nominee("so-y-te", active=True),
            MINH: Nominee("so-noi-vu", active=True),
            LEFT: Nominee("so-y-te", active=False),
        }
        self.asked: list[int] = []
        self.down = False

    async def nominees(self, member_ids: Sequence[UUID], unit: str) -> Mapping[UUID, Nominee]:
        self.asked.append(len(member_ids))
        if self.down:
            raise Unavailable(reason="membership")
        return {member_id: self.members[member_id] for member_id in member_ids if member_id in self.members}


def nodes() -> list[Node]:
    """The units of the small federation, as membership's read model has them."""
    since = date(2000, 1, 1)
    return [
        Node(
            unit.code,
            unit.code,
            unit.level.value,
            unit.level.depth,
            unit.level in (Level.PROVINCE, Level.MINISTRY),
            since,
            unit.dissolved_on,
            first_places(since, PLACES[unit.code][0]),
            first_places(since, PLACES[unit.code][1]),
            1,
        )
        for unit in UNITS.values()
        if unit
    ]


def call_of(role: Role, at: str) -> Call:
    """A call of somebody who holds a role at a unit."""
    return Call(Caller("officer-1", role, at, "en"))


CONFEDERATION = call_of(Role.FEDERATION_OFFICER, "tld")


@dataclass
class Awards:
    """The service without its network: commands, questions, read models."""

    application: Application
    questions: Questions
    members: PlayedMembership
    authorities: PlayedAuthorities
    store: EventStore
    pool: Pool
    tree: Hierarchy
    followers: list[Follower]

    async def execute(self, *commands: Any, call: Call = CONFEDERATION) -> None:
        """Decide and keep some commands, one after the other."""
        for command in commands:
            await self.application.execute(call, command)

    async def catch_up(self, *, batch: int = 3) -> None:
        """Let every read model take what has happened, in batches."""
        for follower in self.followers:
            while events := await self.store.read(follower.position, batch):
                await follower.take(events)

    async def ask(self, rpc: str, call: Call | None = None, /, **fields: Any) -> Any:
        """Ask a question by the name of its RPC, as the confederation unless a call is given."""
        return await ask(self.questions.answers, SERVICE, self.tree, rpc, call or CONFEDERATION, **fields)


@pytest.fixture
def database(postgres: EmbeddedPostgres) -> Iterator[str]:
    """A fresh database of this service, as a conninfo."""
    with fresh_database(postgres, [statement for model in OWN for statement in model.schema]) as conninfo:
        yield conninfo


@pytest.fixture
async def awards(database: str) -> AsyncIterator[Awards]:
    """A running service on a fresh database."""
    async with open_pool(database) as pool:
        store = EventStore("awards", database, pool, secret=SECRET, clock=lambda: datetime.now(UTC))
        await store.start()
        yield await started(store, pool)
        await store.stop()


async def started(store: EventStore, pool: Pool) -> Awards:
    """The service on a started store; another one on the same store is another process."""
    tree = Hierarchy()
    tree.put(nodes())
    members = PlayedMembership()
    authorities = PlayedAuthorities(UNITS)
    facts = FactsAtHand(tree, members, authorities)
    application = Application(store, menu(facts), needs_of([SERVICE]), tree, secret=SECRET)
    facts.live = application.live
    followers = [Follower(pool, Projection(model), lambda: datetime.now(UTC)) for model in OWN]
    for follower in followers:
        await follower.load()
    return Awards(application, Questions(pool, tree, lambda: TODAY), members, authorities, store, pool, tree, followers)
