"""After a schedule, when everything is quiet: is anything broken?

What clients were told, the events and the read models go to the checker of the fault suite (:mod:`tests.faults.checker`). What
only a simulation can see is held against the events here: the stream byte for byte, the claims, every follower's tally, the
state of each aggregate in the memory of each process, and what a reaction should have led to.
"""

from collections import Counter, defaultdict
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar
from uuid import UUID

from chassis.batches import CLAIM_DELTAS
from chassis.claims import stored_key
from chassis.cloudevents import headers_of, subject_of
from chassis.commands import Aggregate
from chassis.hierarchy import Hierarchy
from chassis.live_aggregates import UNKNOWN
from chassis.reactions import command_id
from chassis.read_models import Key, ReadModel
from chassis.recorded import RecordedEvent
from chassis.sealing import Sealer
from chassis.streams import stream_name
from chassis.tally import Sums, Tally, Verdict, chained, judged, named
from membership.domain.report import OBLIGATION
from membership.events import UNITS, MemberJoined, MemberLeft, ReportObligationSet
from membership.events.units import unit_after
from membership.read_models.member_counts import MEMBER_COUNTS
from notifications.domain.reminder import REMINDERS, reminders_id
from notifications.events import Owed
from tests.faults.checker import check
from tests.simulation.bus import CONTROL
from tests.simulation.database import Database
from tests.simulation.nodes import MODELS, REACTIONS, SECRET, Node
from tests.simulation.world import World

T = TypeVar("T")
Histories = dict[str, list[RecordedEvent]]


def breaches(world: World) -> list[str]:
    """Everything that is broken."""
    histories = {name: recorded(database) for name, database in world.databases.items()}
    for events in histories.values():
        at_once(Sealer(world.keys).open(events))
    found = [str(broken) for broken in check(world.history, _lines(histories), _evidence(world, histories))]
    for name, events in histories.items():
        found += _stream(world, name, events)
        found += _claims(world, name, events)
    for node in world.nodes_of():
        found += _memory(node, histories)
    found += _branches(histories["membership"])
    found += _reminders(histories)
    found += _totals(world, histories["membership"])
    return found


def recorded(database: Database) -> list[RecordedEvent]:
    """The history of a service."""
    return [RecordedEvent(database.name, *row) for row in database.events]


def at_once(coroutine: Coroutine[Any, Any, T]) -> T:
    """What comes of a coroutine that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
    raise AssertionError("it waits")


def followers_of(service: str) -> Iterator[tuple[str, str, frozenset[str]]]:
    """Everybody who follows a history in a service: name, source, topics."""
    for model in MODELS[service]:
        yield model.name, model.source, model.topics
    for reaction in REACTIONS.get(service, ()):
        yield reaction.name, reaction.source, reaction.topics


def _lines(histories: Histories) -> Iterator[dict[str, Any]]:
    for service, events in histories.items():
        for event in events:
            yield {
                "service": service, "position": event.position, "aggregate": str(event.aggregate_id), "version": event.version,
                "command": str(event.metadata.command_id or ""), "topic": event.topic, "branch": event.branch,
                "branch_position": event.branch_position,
            }  # fmt: skip


def _evidence(world: World, histories: Histories) -> Iterator[dict[str, Any]]:
    for service, database in world.databases.items():
        for name, source, topics in followers_of(service):
            yield _tallied(f"{service} {name}", database, name, histories[source], topics)
        for model in MODELS[service]:
            yield _rows(f"{service} {model.name}", database, model, histories[model.source])


def _tallied(what: str, database: Database, name: str, events: list[RecordedEvent], topics: frozenset[str]) -> dict[str, Any]:
    position, since, count, total, squares, chain = database.tables["followers"].get(name, (0, 0, 0, 0, 0, b""))
    due = [event.position for event in events if event.topic in topics]
    tally = Tally(since, Sums(count, total, squares), chain)
    finding = judged(Sums().plus(due), chained(b"", due), tally) or named(due, tally)
    parked = [row[1] for row in database.tables.get("parked", {}).values() if row[0] == name]
    head = max(due, default=0)
    return {
        "kind": "follower", "what": what, "missing": list(finding.missing), "twice": list(finding.twice), "parked": parked,
        "position": position, "head": head, "verdict": str(finding.verdict or Verdict.EXACTLY_ONCE),
    }  # fmt: skip


def _rows(what: str, database: Database, model: ReadModel[Any], events: list[RecordedEvent]) -> dict[str, Any]:
    rows: dict[Key, Any] = {}
    for event in events:
        model.apply(rows, event)
    expected = {key: tuple([getattr(row, column) for column in model.columns]) for key, row in rows.items() if row is not None}
    found = database.tables.get(model.table, {})
    differing = sorted(str(key) for key in expected.keys() & found.keys() if expected[key] != found[key])
    return {
        "kind": "rows", "what": what, "differing": differing,
        "only_live": sorted(map(str, found.keys() - expected.keys())),
        "only_beside": sorted(map(str, expected.keys() - found.keys())),
    }  # fmt: skip


def _stream(world: World, service: str, events: list[RecordedEvent]) -> Iterator[str]:
    """What stands at a sequence is the event of that position, byte for byte."""
    messages = world.bus.streams[stream_name(service)].messages
    if len(messages) != len(events):
        yield f"I3 the stream of {service} holds {len(messages)} messages, its store {len(events)} events"
    for event, message in zip(events, messages, strict=False):
        subject = subject_of(service, event.branch, event.topic)
        headers = {name: value for name, value in message.headers.items() if name not in CONTROL}
        if (subject, headers_of(event), event.body) != (message.subject, headers, message.body):
            yield f"I3 at sequence {event.position} of {service} stands something else"


def _claims(world: World, service: str, events: list[RecordedEvent]) -> Iterator[str]:
    """Who holds what follows from the events."""
    kinds, holders = _kinds(world, service), Counter[bytes]()
    for history in _by_aggregate(events).values():
        kind, state = _kind_of(kinds, history), None
        for event in history:
            for claim in kind.claims(state, event.event):
                holders[stored_key(claim.key, SECRET)] += CLAIM_DELTAS[claim.mode]
            state = kind.evolve(state, event.event)
    expected = {key: count for key, count in holders.items() if count}
    if any(count < -1 for count in expected.values()):
        yield f"I7 something in {service} is held by several that only one may hold"
    if expected != world.databases[service].claims:
        yield f"I5 the claims of {service} are not those that its events make"


def _memory(node: Node, histories: Histories) -> Iterator[str]:
    """What a process believes of an aggregate is what the history said until that version; its tree is that of its units."""
    kinds = list({handler.aggregate.name: handler.aggregate for handler in node.application.handlers.values()}.values())
    by_aggregate = _by_aggregate(histories[node.service])
    for aggregate_id, entry in node.application.live._entries.items():
        history = by_aggregate.get(aggregate_id, [])
        if entry.version == UNKNOWN or entry.lock.locked():
            continue
        if entry.version > len(history):
            yield f"I1 {node.process.name} believes in version {entry.version} of {aggregate_id}, of {len(history)}"
        elif history:
            kind = _kind_of(kinds, history)
            if entry.state != _state(kind, history[: entry.version]):
                yield f"I5 {node.process.name} believes something else of {aggregate_id} than its {entry.version} events say"
    units = [event for event in histories["membership"] if event.topic in UNITS.topics]
    rows: dict[Key, Any] = {}
    for event in units:
        UNITS.apply(rows, event)
    for (code,), row in rows.items():
        if (known := node.tree.get(code)) != row:
            yield f"I2 the tree of {node.process.name} shows {code} as {known}, its events say {row}"


def _branches(events: list[RecordedEvent]) -> Iterator[str]:
    """Each event is told where its unit lay when its command was decided."""
    tree, before = Hierarchy(), Hierarchy()
    command: UUID | None = None
    for recorded_event in events:
        if recorded_event.metadata.command_id != command:
            command = recorded_event.metadata.command_id
            before.put(tree._nodes.values())
        event = recorded_event.event
        if (branch := event.branch_in(before)) != recorded_event.branch:
            yield f"I3 membership/{recorded_event.position} is told in {recorded_event.branch}, and happened in {branch}"
        if event.topic in UNITS.topics:
            tree.put([unit_after(tree.get(event.unit), event, recorded_event.position)])


def _reminders(histories: Histories) -> Iterator[str]:
    """Each report that is owed is watched once; what is in is not waited for any more."""
    watched = _by_aggregate(histories["notifications"])
    commands = {event.metadata.command_id for event in histories["notifications"]}
    for obligation_id, history in _by_aggregate(histories["membership"]).items():
        if history[0].topic != ReportObligationSet.topic:
            continue
        if command_id("watch_reports", history[0], 0) not in commands:
            yield f"I2 nobody watches the report {obligation_id}"
            continue
        report = _state(OBLIGATION, history)
        reminders = _state(REMINDERS, watched[reminders_id(Owed.REPORT, obligation_id)])
        if not report.awaited and reminders.planned is not None:
            yield f"I2 the report {obligation_id} is in, and {reminders.planned.step} is planned"


def _totals(world: World, events: list[RecordedEvent]) -> Iterator[str]:
    """As many members as joined and did not leave; nobody's national id belongs to two who are active."""
    active: dict[UUID, str] = {}
    for event in events:
        match event.event:
            case MemberJoined() as joined:
                active[event.aggregate_id] = joined.national_id_hash or ""
            case MemberLeft():
                del active[event.aggregate_id]
    counted = sum(row[2] for row in world.databases["membership"].tables.get(MEMBER_COUNTS.table, {}).values())
    if counted != len(active):
        yield f"I5 {counted} members are counted, {len(active)} are there"
    if len(set(active.values())) < len(active):
        yield "I7 two active members have one national id"


def _by_aggregate(events: list[RecordedEvent]) -> dict[UUID, list[RecordedEvent]]:
    found: dict[UUID, list[RecordedEvent]] = defaultdict(list)
    for event in events:
        found[event.aggregate_id].append(event)
    return found


def _kinds(world: World, service: str) -> list[Aggregate[Any]]:
    handlers = world.nodes[service][0].application.handlers.values()
    return list({handler.aggregate.name: handler.aggregate for handler in handlers}.values())


def _kind_of(kinds: list[Aggregate[Any]], history: list[RecordedEvent]) -> Aggregate[Any]:
    return next(kind for kind in kinds if kind.begins_with(history[0].topic))


def _state(kind: Aggregate[Any], history: list[RecordedEvent]) -> Any:
    state = None
    for event in history:
        state = kind.evolve(state, event.event)
    return state
