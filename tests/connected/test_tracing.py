"""Is it one trace from an officer's call through the history and the bus to what another service does about it?"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from chassis.appends import Answer, Append
from chassis.commands import Call, Command
from chassis.database import open_pool
from chassis.feed import Feeds
from chassis.following import Follower
from chassis.reactions import NUMBERED_LATER, CommandReaction, Reaction
from chassis.refusals import Refusal
from chassis.security import Caller, Role
from chassis.store import EventStore
from chassis.telemetry import Tracing
from tests.chassis.probe import Obedient, place, served
from tests.connected.example import METADATA, PATIENCE_S, Counted, counted, opened, publishing


class Recording(Obedient):
    """Keeps one event for each command, with the trace of its call."""

    def __init__(self, store: EventStore) -> None:
        super().__init__()
        self._store = store

    async def execute(self, call: Call, command: Command) -> Answer:
        event = replace(counted(1), metadata=replace(METADATA, traceparent=call.traceparent).encode())
        return await self._store.append(Append((event,), command.command_id))

    async def execute_batch(self, call: Call, commands: Sequence[Command]) -> list[Answer | Refusal]:
        return [await self.execute(call, command) for command in commands]


class Note(Command):
    @property
    def aggregate_id(self) -> UUID:
        return self.command_id


async def test_one_trace_leads_from_the_call_through_history_and_bus_to_the_reaction(database: str, nats_url: str) -> None:
    exporter = InMemorySpanExporter()
    tracing = Tracing("example", SimpleSpanProcessor(exporter))
    noting = Obedient()
    service = f"example-{uuid4().hex[:10]}"
    reaction = Reaction("notes", service, frozenset({Counted.topic}), lambda event: [Note(command_id=NUMBERED_LATER)])
    effect = CommandReaction(reaction, noting, Caller("reader", Role.SERVICE, "national"), tracing.taking)
    async with opened(service, database) as store, publishing(store, database, nats_url), open_pool(database) as pool:
        feeds = Feeds(nats_url, "reader", [Follower(pool, effect, lambda: datetime.now(UTC))], tracer_provider=tracing.provider)
        await feeds.start()
        async with served(Recording(store), serving=tracing.serving) as probe:
            answer = await probe.client().call("PlaceThing", place())
        await feeds.feeds[0].at_least(answer.position, PATIENCE_S)
        await feeds.stop()

    [(call, _)] = noting.asked
    spans = {span.name: span for span in exporter.get_finished_spans()}
    server, taking = spans["probe.v1.ProbeService/PlaceThing"], spans[f"notes takes {service}"]
    assert server.context is not None
    assert taking.context is not None
    assert taking.parent is not None
    assert taking.parent.span_id == server.context.span_id
    assert call.traceparent.startswith(f"00-{server.context.trace_id:032x}-{taking.context.span_id:016x}-")
    others = [span for span in exporter.get_finished_spans() if span not in (server, taking)]
    assert others, "FastStream tells of the delivery"
    assert all(span.context and span.context.trace_id == server.context.trace_id for span in others)
