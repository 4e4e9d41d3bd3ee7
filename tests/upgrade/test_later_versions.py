"""What does this version do with what a later one has said? It refuses, lays aside, and takes up what it comes to know."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import grpc
import pytest

from chassis.appends import Answer, NewEvent
from chassis.application import Application
from chassis.clients import Refused
from chassis.commands import Aggregate, Call, Command, Handler
from chassis.database import open_pool
from chassis.deadletters import Replayed, list_parked
from chassis.events import Event
from chassis.following import Follower
from chassis.hierarchy import Hierarchy
from chassis.refusals import AskedInLaterVersion, RecordedByLaterVersion, Refusal
from chassis.security import Caller, Role
from chassis.store import EventStore
from chassis.taking_up import TakingUp
from tests.chassis.probe import Obedient, batch, place, served
from tests.connected.example import METADATA, Counted, Sum, counted, record, sums
from tests.protos import message

CALL = Call(Caller("officer", Role.FEDERATION_OFFICER, "tld", service="example"))
ON = date(2026, 1, 1)
LATER = b'{"schema_version":9,"unit":"vp-001","on":"2026-01-01","number":7,"of":"a later version"}'
UNHEARD_OF = "example.unheard_of"


class Count(Command):
    """Count one more."""

    thing_id: UUID
    note: str = ""

    @property
    def aggregate_id(self) -> UUID:
        return self.thing_id


def count(state: int | None, command: Count, facts: None) -> Sequence[Event]:
    return [Counted(unit="tld", on=ON, number=(state or 0) + 1)]


async def no_facts(commands: Sequence[Command], caller: Caller) -> None:
    return None


def evolve(state: int | None, event: Event) -> int:
    assert isinstance(event, Counted)
    return event.number


COUNTING: Aggregate[int] = Aggregate("counting", evolve, lambda state: "tld", begins=(Counted,))


def application(store: Any, *, asked: type[Command] = Count, secret: bytes = bytes(32)) -> Application:
    handler: Handler[Any, Any, Any] = Handler(asked, COUNTING, count, no_facts, at=lambda *_: "tld")
    return Application(store, [handler], {asked.__name__: Role.MEMBER}, Hierarchy(), secret=secret)


def said(aggregate: UUID, version: int, topic: str = Counted.topic, body: bytes = LATER) -> NewEvent:
    return NewEvent(aggregate, version, topic, body, METADATA.encode(), "national")


async def test_nothing_is_decided_on_what_a_later_version_has_said_and_everything_else_is(store: EventStore) -> None:
    known, moved_on, begun, new = uuid4(), uuid4(), uuid4(), uuid4()
    first = uuid4()
    app = application(store)
    assert await app.execute(CALL, Count(command_id=first, thing_id=moved_on))
    await record(store, [counted(1, known), said(moved_on, 2), said(begun, 1, UNHEARD_OF), counted(2, begun, 2)], at_once=1)
    head = await store.head()
    for _ in range(2):  # the first time known from memory, and looked at again
        asked = [Count(command_id=uuid4(), thing_id=thing) for thing in (moved_on, begun)]
        outcomes = await app.execute_batch(CALL, asked)
        assert [(type(one), one.field) for one in outcomes if isinstance(one, Refusal)] == [
            (RecordedByLaterVersion, "thing_id")
        ] * 2
    assert await store.head() == head
    mixed = await app.execute_batch(CALL, [Count(command_id=uuid4(), thing_id=thing) for thing in (known, begun, new)])
    assert [type(one) for one in mixed] == [Answer, RecordedByLaterVersion, Answer]
    for thing in (moved_on, begun):
        with pytest.raises(RecordedByLaterVersion):
            await app.live.state(COUNTING, thing)
    assert await app.live.state(COUNTING, known) == 2
    again = await app.execute(CALL, Count(command_id=first, thing_id=moved_on))
    assert (again.repeated, again.version) == (True, 1), "what was answered is answered"


def test_a_command_is_the_same_to_a_version_that_knows_a_further_field() -> None:
    class Later(Count):
        reason: str = ""
        of: UUID | None = None

    Later.__name__ = Count.__name__
    given = {"command_id": uuid4(), "thing_id": uuid4(), "note": "x"}
    today, tomorrow = application(None), application(None, asked=Later)
    assert today.fingerprint(Count(**given)) == tomorrow.fingerprint(Later(**given))
    assert tomorrow.fingerprint(Later(**given)) != tomorrow.fingerprint(Later(**given, reason="y"))


def with_a_further_field(request: Any) -> bytes:
    """What a later client sends: a field of number 2047."""
    data: bytes = request.SerializeToString()
    return data + b"\xfa\x7f\x03new"


async def test_a_command_with_a_field_that_is_not_known_is_another_command() -> None:
    async with served(Obedient()) as probe:
        request = message("PlaceThingRequest")
        request.ParseFromString(with_a_further_field(place()))
        with pytest.raises(Refused) as caught:
            await probe.client().call("PlaceThing", request)
        assert (caught.value.status, caught.value.rule) == (grpc.StatusCode.UNAVAILABLE, AskedInLaterVersion.__name__)
        answers = await probe.client().call("BatchPlaceThing", batch(place(), request))
        assert [item.refusal.rule for item in answers.items] == ["", AskedInLaterVersion.__name__]


async def test_what_lies_aside_as_not_readable_is_taken_up_by_a_version_that_can_read_it(
    store: EventStore, database: str
) -> None:
    async with open_pool(database) as pool:
        effect = Sum(store.service)
        effect.topics = frozenset({Counted.topic, "example.counted_anew"})
        follower = Follower(pool, effect, lambda: datetime.now(UTC))
        await effect.prepare(pool)
        waits, stays = uuid4(), uuid4()
        anew = b'{"schema_version":1,"unit":"vp-001","on":"2026-01-01","number":5}'
        await record(store, [said(waits, 1, "example.counted_anew", anew), counted(1, waits, 2), said(stays, 1)], at_once=1)
        await follower.load()
        await follower.take(await store.read(0, 10))
        assert [(each.aggregate_id, each.waits_for) for each in await list_parked(pool, None, 9)] == [
            (waits, None), (waits, 1), (stays, None)
        ]  # fmt: skip
        taking_up = TakingUp(pool, lambda: [follower])
        assert await taking_up.take_up() == Replayed()

        class CountedAnew(Counted, topic="example.counted_anew"):
            """Now it is known."""

        assert await taking_up.take_up() == Replayed(), "this process has looked at it once"
        assert await TakingUp(pool, lambda: [follower]).take_up() == Replayed(taken=2)
        assert (await sums(pool))[waits] == (6, [1, 2])
        assert [each.aggregate_id for each in await list_parked(pool, None, 9)] == [stays]
