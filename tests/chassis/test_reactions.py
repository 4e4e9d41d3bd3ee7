"""Does each event cause its commands once, in order, with its own chain of causes — and what if one is refused?"""

import asyncio
from collections.abc import Iterable
from datetime import UTC, date, datetime
from uuid import UUID, uuid4

import pytest

from chassis.appends import Answer
from chassis.commands import Call, Command
from chassis.events import Event
from chassis.following import Effect, Unprocessable
from chassis.reactions import NUMBERED_LATER, CommandReaction, Reaction, command_id
from chassis.recorded import Actor, Metadata, RecordedEvent
from chassis.refusals import Conflict, DeadlinePassed, NotFound, Overloaded, Refusal, RuleBroken, Unavailable
from chassis.security import Caller, Role

CALLER = Caller("reacting", Role.SERVICE, "national")
ANY_TRANSACTION: object = None


class Rung(Event, topic="reacting.rung"):
    """A bell rang."""

    times: int


class Ring(Command):
    """Ring another bell."""

    number: int

    @property
    def aggregate_id(self) -> UUID:
        return UUID(int=self.number)


class RungEnough(RuleBroken):
    """Enough for today."""


def rung(position: int, aggregate: int = 1, times: int = 1) -> RecordedEvent:
    event = Rung(unit="so-y-te", on=date(2025, 1, 2), times=times)
    actor = Actor("officer", "grassroots_officer", "so-y-te")
    metadata = Metadata("so-y-te", event.on, actor, uuid4(), "chain-7", "cause-6", f"00-{position:032x}-{1:016x}-01")
    now = datetime(2025, 1, 2, tzinfo=UTC)
    return RecordedEvent(
        "bells", position, UUID(int=aggregate), position, Rung.topic, event.encode(), metadata.encode(), "national", position, now
    )


def rings(at: RecordedEvent) -> Iterable[Command]:
    assert isinstance(at.event, Rung)
    return [Ring(command_id=NUMBERED_LATER, number=number) for number in range(at.event.times)]


class Belfry:
    """Keeps commands as an application does: a command id takes effect once."""

    def __init__(self, refuses: dict[UUID, Refusal] | None = None) -> None:
        self.kept: dict[UUID, tuple[Call, Command]] = {}
        self.asked = 0
        self.refuses = refuses or {}

    async def execute(self, call: Call, command: Command) -> Answer:
        self.asked += 1
        # The earlier an event, the longer its commands take: whatever could overtake them does.
        for _ in range(40 - int(call.causation_id.partition("/")[2])):
            await asyncio.sleep(0)
        if refusal := self.refuses.get(command.command_id):
            raise refusal
        self.kept.setdefault(command.command_id, (call, command))
        return Answer(1, uuid4(), 1)


def reaction(belfry: Belfry, *nothing_to_do: type[Refusal]) -> CommandReaction:
    return CommandReaction(Reaction("echo", "bells", frozenset({Rung.topic}), rings, nothing_to_do), belfry, CALLER)


async def take(effect: Effect, *events: RecordedEvent) -> None:
    await effect.take(events, ANY_TRANSACTION)  # type: ignore[arg-type]
    await effect.taken(events)


async def test_an_event_delivered_again_has_no_second_effect() -> None:
    belfry = Belfry()

    for _ in range(3):
        await take(reaction(belfry), rung(1, times=2), rung(2, aggregate=2))

    assert belfry.asked == 9
    assert len(belfry.kept) == 3


async def test_command_ids_follow_from_reaction_event_and_number_alone() -> None:
    belfry = Belfry()
    await take(reaction(belfry), rung(1, times=2))

    assert list(belfry.kept) == [command_id("echo", rung(1), 0), command_id("echo", rung(1), 1)]
    others = {command_id("other", rung(1), 0), command_id("echo", rung(2), 0)}
    assert len(others | set(belfry.kept)) == 4


async def test_the_service_acts_and_the_chain_of_causes_and_the_trace_go_on() -> None:
    belfry = Belfry()
    event = rung(8)
    await take(reaction(belfry), event)

    ((call, _),) = belfry.kept.values()
    assert call.caller == CALLER
    assert (call.correlation_id, call.causation_id) == ("chain-7", "bells/8")
    assert call.traceparent == event.metadata.traceparent


async def test_events_of_one_aggregate_are_taken_in_order() -> None:
    belfry = Belfry()
    events = [rung(position, aggregate=position % 3) for position in range(1, 31)]
    await take(reaction(belfry), *events)

    order = [call.causation_id for call, _ in belfry.kept.values()]
    for aggregate in range(3):
        own = [event.id for event in events if event.aggregate_id == UUID(int=aggregate)]
        assert [cause for cause in order if cause in own] == own


async def test_a_refused_command_makes_the_first_of_its_events_unprocessable() -> None:
    refused: dict[UUID, Refusal] = {command_id("echo", rung(position), 0): RungEnough() for position in (2, 3)}

    with pytest.raises(Unprocessable) as caught:
        await take(reaction(Belfry(refused)), rung(3, aggregate=3), rung(1), rung(2, aggregate=2))

    assert caught.value.event.id == "bells/2"
    assert "RungEnough" in caught.value.reason


async def test_a_refusal_that_means_nothing_to_do_passes() -> None:
    belfry = Belfry({command_id("echo", rung(1), 0): RungEnough(), command_id("echo", rung(2), 0): NotFound()})

    await take(reaction(belfry, RungEnough), rung(1, times=2))
    assert len(belfry.kept) == 1
    with pytest.raises(Unprocessable):
        await take(reaction(belfry, RungEnough), rung(2))


@pytest.mark.parametrize("passing", [Unavailable(reason="database"), Overloaded(), DeadlinePassed(), Conflict()])
async def test_what_passes_is_tried_again_and_parks_nothing(passing: Refusal) -> None:
    belfry = Belfry({command_id("echo", rung(1), 0): passing, command_id("echo", rung(2), 0): RungEnough()})

    with pytest.raises(Unavailable):
        await take(reaction(belfry), rung(2, aggregate=2), rung(1))


async def test_bytes_that_are_no_event_are_unprocessable_and_tell_no_value() -> None:
    good = rung(1)
    broken = RecordedEvent(
        good.service, 1, good.aggregate_id, 1, good.topic, b'{"schema_version":1,"times":"secret"}', good.metadata_json, "b", 1,
        good.recorded_at,
    )  # fmt: skip

    with pytest.raises(Unprocessable) as caught:
        await take(reaction(Belfry()), broken)

    assert "secret" not in caught.value.reason
