"""Welfare on a real PostgreSQL, with a membership that the test itself plays."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest

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
from tests.asking import ask
from tests.authorities import PlayedAuthorities
from tests.conftest import SECRET
from tests.databases import fresh_database
from tests.welfare import tet_campaign as tet
from welfare.application import Membership, RecipientsAtHand, menu
from welfare.read_models import ALL
from welfare.rpc import SERVICE, Questions

TODAY = date(2024, 12, 31)


class PlayedMembership:
    """What membership would say; counts how often it was asked."""

    def __init__(self) -> None:
        self.members = {
            tet.LAN: Membership("active", tet.SCHOOL, in_subtree=True),
            tet.MINH: Membership("active", tet.COURT, in_subtree=True),
        }
        self.asked: list[tuple[int, str]] = []
        self.down = False

    async def check(self, member_ids: Sequence[UUID], unit: str) -> Mapping[UUID, Membership]:
        self.asked.append((len(member_ids), unit))
        if self.down:
            raise Unavailable(reason="membership")
        unknown = Membership("unknown", "", in_subtree=False)
        return {member_id: self.members.get(member_id, unknown) for member_id in member_ids}


def unit(code: str, parent: str, *, dissolved_on: date | None = None) -> Node:
    """A unit below its parent since 2000."""
    since = date(2000, 1, 1)
    return Node(
        code, code, "grassroots", 3, code in (tet.HOLDER, "ha-noi"), since, dissolved_on, first_places(since, parent), "[]", 1
    )


def call_of(role: Role, at: str) -> Call:
    """A call of somebody who holds a role at a unit."""
    return Call(Caller("officer-1", role, at, "en"))


GRASSROOTS = call_of(Role.GRASSROOTS_OFFICER, tet.SCHOOL)
PROVINCE = call_of(Role.PROVINCE_OFFICER, tet.HOLDER)
FEDERATION = call_of(Role.FEDERATION_OFFICER, "cdvcvn")


@dataclass
class Welfare:
    """The service without its network: commands, questions, read models."""

    application: Application
    questions: Questions
    members: PlayedMembership
    authorities: PlayedAuthorities
    store: EventStore
    pool: Pool
    tree: Hierarchy
    followers: list[Follower] = field(default_factory=list)

    async def execute(self, *commands: Any, call: Call = PROVINCE) -> None:
        """Decide and keep some commands, one after the other."""
        for command in commands:
            await self.application.execute(call, command)

    async def catch_up(self, *, batch: int = 3) -> None:
        """Let every read model take what has happened, in batches."""
        for follower in self.followers:
            while events := await self.store.read(follower.position, batch):
                await follower.take(events)

    async def ask(self, rpc: str, call: Call | None = None, /, **fields: Any) -> Any:
        """Ask a question by the name of its RPC, as the federation unless a call is given."""
        return await ask(self.questions.answers, SERVICE, self.tree, rpc, call or FEDERATION, **fields)


@pytest.fixture
def database(postgres: EmbeddedPostgres) -> Iterator[str]:
    """A fresh database of this service, as a conninfo."""
    with fresh_database(postgres, [statement for model in ALL for statement in model.schema]) as conninfo:
        yield conninfo


@pytest.fixture
async def welfare(database: str) -> AsyncIterator[Welfare]:
    """A running service on a fresh database."""
    async with open_pool(database) as pool:
        store = EventStore("welfare", database, pool, secret=SECRET, clock=lambda: datetime.now(UTC))
        await store.start()
        yield await started(store, pool)
        await store.stop()


async def started(store: EventStore, pool: Pool) -> Welfare:
    """The service on a started store; another one on the same store is another process."""
    tree = Hierarchy()
    tree.put([unit("cdvcvn", ""), unit(tet.HOLDER, "cdvcvn"), unit("ha-noi", "cdvcvn"), unit("ha-noi-so", "ha-noi")])
    tree.put([unit(tet.SCHOOL, tet.HOLDER), unit(tet.COURT, tet.HOLDER), unit("gone", tet.HOLDER, dissolved_on=date(2023, 1, 1))])
    members = PlayedMembership()
    authorities = PlayedAuthorities(["cdvcvn", tet.HOLDER, tet.SCHOOL, "ha-noi"])
    recipients = RecipientsAtHand(tree, members, authorities)
    application = Application(store, menu(recipients), needs_of([SERVICE]), tree, secret=SECRET)
    recipients.live = application.live
    followers = [Follower(pool, Projection(model), lambda: datetime.now(UTC)) for model in ALL]
    for follower in followers:
        await follower.load()
    return Welfare(application, Questions(pool, tree, lambda: TODAY), members, authorities, store, pool, tree, followers)
