"""Does today's program read the history of the first release as it was meant? For ever: what was recorded then is never changed.

A later release may say that a read model now has other rows, by naming it in `first_release/differences.json` with the reason,
for review; an event, an answer to a command, a signed checkpoint or a byte on a stream never differs.
"""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from uuid import UUID

import psycopg
import pytest

from chassis.commands import Aggregate
from chassis.generations.tables import clear
from chassis.ledger.leaf import leaf_hash
from chassis.ledger.merkle import Tree, goes_on
from chassis.ledger.note import Checkpoint, Verifier, hashes_read
from chassis.projector import Projection
from chassis.recorded import RecordedEvent
from chassis.service import Service
from chassis.streams import set_up
from congdoan.embedded import EmbeddedNats
from tests.connected.example import publishing
from tests.serving import PATIENCE_S, SERVICES, Suite, running, services_target_of
from tests.upgrade.past import Release
from tests.upgrade.record import FIRST
from tests.upgrade.told import events_told, figures_told, read_models_of, rows_told, stream_told

RECORDED: dict[str, Any] = json.loads((FIRST / "recorded.json").read_text())
DIFFERENCES: dict[str, str] = json.loads((FIRST / "differences.json").read_text())
OF_EACH_RPC = 2


@pytest.fixture(scope="module")
def past(kept: Release) -> Iterator[Release]:
    """The databases of the first release, brought to today's schema."""
    with kept.copied() as found:
        found.migrate()
        yield found


@asynccontextmanager
async def opened(past: Release, name: str) -> AsyncIterator[Service]:
    """A service of today of which nothing runs but the way to its database, and to its keys."""
    service = past.service(name)
    await service.pool.open()
    await service.store.start()
    if service.keys:
        await service.keys.start()
    try:
        yield service
    finally:
        await service.store.stop()
        if service.keys:
            await service.keys.stop()
        await service.pool.close()


async def history(service: Service) -> list[RecordedEvent]:
    """Every event as it is stored, opened where there are keys."""
    events = await service.store.read(0, 1_000_000)
    if service.sealer:
        await service.sealer.open(events)
    return events


@pytest.mark.parametrize("name", SERVICES)
async def test_every_event_is_read_and_told_in_words_and_every_aggregate_loads(past: Release, name: str) -> None:
    told = events_told(past.conninfo(name))
    assert told == {part: RECORDED["services"][name][part] for part in told}, "every byte is as it was"
    async with opened(past, name) as service:
        events = await history(service)
    assert len(events) == told["events"] > 0
    for recorded in events:
        assert recorded.event.in_words("vi"), recorded.id
        assert recorded.event.in_words("en"), recorded.id
        assert recorded.metadata.actor.id, recorded.id
    kinds, states = aggregates_of(name), dict[UUID, tuple[Aggregate[Any], Any]]()
    for recorded in events:
        begins = (next(kind for kind in kinds if kind.begins_with(recorded.topic)), None) if recorded.version == 1 else None
        kind, state = begins or states[recorded.aggregate_id]
        states[recorded.aggregate_id] = (kind, kind.evolve(state, recorded.event))
    assert all(kind.unit(state) is not None for kind, state in states.values())


def aggregates_of(service: str) -> list[Aggregate[Any]]:
    """Every kind of aggregate that a service has."""
    found = (
        value for name, module in list(sys.modules.items()) if name.startswith(f"{service}.") for value in vars(module).values()
    )
    return list({value.name: value for value in found if isinstance(value, Aggregate)}.values())


async def test_every_read_model_made_anew_says_what_it_said_then(past: Release) -> None:
    differing: dict[str, tuple[Any, Any]] = {}
    with past.copied() as copy:
        async with AsyncExitStack() as stack:
            services = {name: await stack.enter_async_context(opened(copy, name)) for name in SERVICES}
            histories = {name: await service.store.read(0, 1_000_000) for name, service in services.items()}
            for name, service in services.items():
                await made_anew(service, histories)
                told = {model.name: rows_told(copy.conninfo(name), model) for model in read_models_of(service)}
                recorded = RECORDED["services"][name]["read_models"]
                unlike = (one for one in recorded if told.get(one) != recorded[one])
                differing |= {f"{name}/{one}": (recorded[one], told.get(one)) for one in unlike}
    assert differing.keys() == DIFFERENCES.keys(), differing


async def made_anew(service: Service, histories: Mapping[str, Sequence[RecordedEvent]]) -> None:
    """Empty every read model of a service and have it take the whole of the history that it follows."""
    for effect in (follower.effect for follower in service._followers):
        if isinstance(effect, Projection):
            events = [event for event in histories[effect.source] if event.topic in effect.topics]
            async with service.pool.connection() as connection, connection.transaction():
                await clear(connection, effect.model)
                await effect.take(events, connection)


def test_the_differences_that_were_reviewed_are_of_read_models_that_there_were() -> None:
    every = {f"{name}/{model}" for name, service in RECORDED["services"].items() for model in service["read_models"]}
    assert DIFFERENCES.keys() <= every
    assert all(reason.strip() for reason in DIFFERENCES.values())


async def test_every_signed_checkpoint_holds_over_the_events_that_it_was_signed_for(past: Release) -> None:
    verifier = Verifier.read(RECORDED["ledger"])
    query = "select service, size, previous_size, consistency, note from checkpoints order by number"
    with psycopg.connect(past.conninfo("audit")) as connection:
        signed = connection.execute(query).fetchall()
    trees, leaves, roots = dict[str, Tree](), dict[str, list[bytes]](), dict[tuple[str, int], bytes]()
    for name in SERVICES:
        async with opened(past, name) as service:
            leaves[name], trees[name] = [leaf_hash(event) for event in await service.store.read(0, 1_000_000)], Tree()
    for service, size, previous, consistency, note in signed:
        checkpoint, tree = Checkpoint.read(verifier.open(bytes(note))), trees[service]
        tree.extend(leaves[service][tree.size : size])
        assert (checkpoint.service, checkpoint.size, checkpoint.root) == (service, size, tree.root)
        roots[service, size] = tree.root
        if previous:
            assert goes_on(previous, roots[service, previous], size, tree.root, hashes_read(consistency))
    assert {name: tree.size for name, tree in trees.items()} == {name: len(leaves[name]) for name in SERVICES}


async def test_the_streams_filled_anew_have_the_same_bytes(past: Release, own_nats: EmbeddedNats) -> None:
    for name in SERVICES:
        recorded = RECORDED["services"][name]
        async with opened(past, name) as service, publishing(service.store, past.conninfo(name), own_nats.url) as publisher:
            async with asyncio.timeout(PATIENCE_S):
                while publisher.published < recorded["events"]:
                    await asyncio.sleep(0.02)
        assert await stream_told(own_nats, name) == recorded["stream"]


async def test_a_command_that_is_repeated_today_is_answered_as_it_was_then(past: Release, own_nats: EmbeddedNats) -> None:
    """And the year says what it said: all five services of today, on copies of the databases of then."""
    with past.copied() as copy:
        await set_up(own_nats.url, SERVICES)
        async with AsyncExitStack() as stack:
            services: dict[str, Service] = {}
            for name in SERVICES:
                services[name] = await stack.enter_async_context(running(copy.service(name, own_nats.url, **_beside(services))))
            suite = Suite(services)
            stack.push_async_callback(suite.close)
            heads = {name: await service.store.head() for name, service in services.items()}
            asked: Counter[tuple[str, str]] = Counter()
            for command in past.commands:
                service, rpc = command["service"], command["rpc"]
                asked[service, rpc] += 1
                if asked[service, rpc] <= OF_EACH_RPC:
                    answer = await suite.call(service, rpc, **command["fields"])
                    assert answer == type(answer).FromString(bytes.fromhex(command["answer"])), (service, rpc)
            assert len(asked) > 60
            for name in ("membership", "welfare", "awards"):
                assert await services[name].store.head() == heads[name], "nothing happened twice"
            figures = await figures_told(suite, RECORDED["recorded_at"][:10])
    assert figures == RECORDED["figures"]


def _beside(services: dict[str, Service]) -> dict[str, Any]:
    return {"membership_target": services_target_of(services["membership"])} if services else {}
