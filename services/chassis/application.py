"""How is a command authorised, loaded, decided and saved? Once, here, for every service.

Aggregates live in a bounded cache, decisions are made in memory on the event loop, and only the append waits for the
disk, together with everything else in flight. The items of a batch are decided one by one, each on the state its
predecessors leave, and go to the store together; what one item breaks is answered to that item alone. Only what has
personal fields waits for the keys of its persons before it goes there.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Protocol
from uuid import UUID

from chassis import security
from chassis.appends import Answer, Append, Arrangement, Claimed, NewEvent, Rearranged, StaleVersion
from chassis.claims import Claim
from chassis.commands import Call, Command, Handler
from chassis.events import Branches, Event, Moves
from chassis.live_aggregates import UNKNOWN, Live, LiveAggregates
from chassis.recorded import Metadata
from chassis.refusals import Conflict, Forbidden, IdTaken, Overloaded, RecordedByLaterVersion, Refusal, Unavailable
from chassis.sealing import Keys, Sealer
from chassis.security import Role, authorise
from chassis.store import EventStore

MAX_ATTEMPTS = 8

AnyHandler = Handler[Any, Any, Any]
Outcome = Answer | Refusal


class Tree(security.Tree, Branches, Protocol):
    """What the application must know of the units: whose subtree, which branch."""

    def __contains__(self, unit: object) -> bool:
        """Whether a unit is known."""


async def _no_units(position: int) -> None:
    """No unit is established or moved in this history."""


class Application:
    """The one path of every command of a service.

    :param needs: the role each command's RPC states in its proto.
    :param on_events: called with the events of each command that this process appended, in the aggregate's order.
    :param sealer: seals personal values; without it an event that has some cannot be kept.
    :param tree_at: waits until the tree shows a position of the own history; for a service whose own units they are.
    """

    def __init__(
        self,
        store: EventStore,
        menu: Iterable[AnyHandler],
        needs: Mapping[str, Role],
        tree: Tree,
        *,
        secret: bytes,
        on_events: Callable[[Sequence[Event], int], None] = lambda events, position: None,
        sealer: Sealer | None = None,
        tree_at: Callable[[int], Awaitable[None]] = _no_units,
    ) -> None:
        self._store, self._needs, self._tree, self._on_events = store, needs, tree, on_events
        self._secret, self._sealer, self._tree_at = secret, sealer, tree_at
        self._seen: Arrangement | None = None
        self.handlers: dict[type[Command], AnyHandler] = {handler.command: handler for handler in menu}
        self.live = LiveAggregates(store, sealer)

    async def execute(self, call: Call, command: Command) -> Answer:
        """Decide and keep one command.

        :raises Refusal: what stands against it; nothing happened then.
        """
        (outcome,) = await self.execute_batch(call, (command,))
        if isinstance(outcome, Refusal):
            raise outcome
        return outcome

    async def execute_batch(self, call: Call, commands: Sequence[Command]) -> list[Outcome]:
        """Decide and keep some commands of one kind; one outcome an item, in their order.

        :raises Unavailable: the facts they depend on cannot be known; nothing happened then.
        """
        outcomes: dict[int, Outcome] = {}
        open_items = list(range(len(commands)))
        for attempts in range(MAX_ATTEMPTS):
            handler = self.handlers[type(commands[0])]
            asked = [commands[item] for item in open_items]
            seen = await self._look(handler)
            facts = await handler.facts(asked, call.caller)
            expected_new = handler.creates and attempts == 0
            async with self.live.of(handler.aggregate, [command.aggregate_id for command in asked], expected_new) as live:
                results = await _Attempt(self, call, handler, facts, live, seen, first=attempts == 0).run(asked)
            outcomes.update({item: result for item, result in zip(open_items, results, strict=True) if result is not None})
            open_items = [item for item in open_items if item not in outcomes]
            if not open_items:
                break
        return [outcomes.get(item, _GIVEN_UP) for item in range(len(commands))]

    def fingerprint(self, command: Command) -> bytes:
        """Keyed hash of a command's content: tells a repetition from other content under the same id.

        What has its default is left out: a version that knows a further field says the same of a command that was given to the
        one before.
        """
        content = command.__pydantic_serializer__.to_json(command, exclude_defaults=True)
        return blake2b(content, key=self._secret, digest_size=16, person=type(command).__name__.encode()[:16]).digest()

    def authorise(self, call: Call, handler: AnyHandler, state: Any, command: Any, facts: Any) -> None:
        """Check the right at the aggregate's own unit, or at the unit where it is about to come into being.

        :raises Forbidden: the caller has no such right there.
        """
        if handler.at is not None:
            unit = handler.at(state, command, facts)
        else:
            unit = getattr(command, "unit", "") if state is None else handler.aggregate.unit(state)
        try:
            authorise(call.caller, self._needs[type(command).__name__], unit, self._tree)
        except Forbidden:
            if not self._tree.ancestors(unit):
                # Nobody has a right at a unit that does not exist; what is missing is the more useful answer.
                handler.decide(state, command, facts)
            raise

    async def keys_of(self, events: Iterable[Event]) -> Keys:
        """The keys that some events with personal fields need before they can be stored.

        :raises Unavailable: they cannot be had just now.
        """
        if self._sealer is None:
            raise RuntimeError("an event has personal fields, and nothing here seals them")
        return await self._sealer.keys_of(events)

    def new_event(self, call: Call, command: Command, event: Event, version: int, keys: Keys) -> NewEvent:
        """An event as it will be stored.

        :raises PersonErased: it holds personal values of somebody who was erased.
        """
        aggregate_id = command.aggregate_id
        body = self._sealer.stored(event, aggregate_id, version, keys) if self._sealer else event.encode()
        command_id = str(command.command_id)
        metadata = Metadata(
            event.unit,
            event.on,
            call.caller.actor,
            command.command_id,
            call.correlation_id or command_id,
            call.causation_id or command_id,
            call.traceparent,
        )
        return NewEvent(aggregate_id, version, event.topic, body, metadata.encode(), event.branch_in(self._tree))

    def keep(self, append: Append) -> asyncio.Future[Answer]:
        """Hand a decided command to the store; the answer comes when it is durable.

        :raises Overloaded: too many wait.
        """
        return self._store.submit(append)

    async def version(self, aggregate_id: UUID) -> int:
        """The version of an aggregate in the history, 0 when it is not there."""
        return await self._store.version(aggregate_id)

    async def first_answer(self, command: Command) -> Answer | None:
        """The answer given before to this command id, if any."""
        return await self._store.answer_to(command.command_id, self.fingerprint(command), command.aggregate_id)

    def kept(self, events: Sequence[Event], position: int) -> None:
        """Tell whoever must know at once what this process appended."""
        self._on_events(events, position)
        if self._seen and position > self._seen.branches_at and any(event.moves == "branches" for event in events):
            self._seen = Arrangement(position)

    def rearranged(self) -> None:
        """Units have moved that this process did not see move: look at them again, and at everything that was decided on them."""
        self._seen = None
        self.live.distrust()

    async def find_places(self, events: Iterable[Event]) -> None:
        """Have the tree know every unit that some events name: another process may have established one just now.

        :raises Unavailable: it does not show what is recorded just now.
        """
        if any(unit not in self._tree for event in events for unit in event.placed_by):
            found = await self._store.arrangement()
            await self._tree_at(found.places_at or 0)

    async def _look(self, handler: AnyHandler) -> Arrangement:
        """Which moves of units the tree shows, before anything is decided on it.

        :raises Unavailable: it does not show them just now.
        """
        if self._seen and not handler.sees_places:
            return self._seen
        found = await self._store.arrangement()
        await self._tree_at(max(found.branches_at, found.places_at or 0))
        self._seen = Arrangement(found.branches_at)
        return found if handler.sees_places else self._seen


_GIVEN_UP = Conflict()
Started = tuple[Command, Sequence[Event], asyncio.Future[Answer] | Refusal]


@dataclass(slots=True)
class _Decided:
    """What came out of a decision: events after a version, with their claims, or a refusal."""

    command: Command
    events: Sequence[Event] = ()
    version: int = 0
    claims: tuple[Claim, ...] = ()
    refusal: Refusal | None = None


def _moves(events: Sequence[Event]) -> Moves:
    """What some events change of the places of units."""
    moves = {event.moves for event in events}
    return "branches" if "branches" in moves else "places" if "places" in moves else "nothing"


def _field_of_id(command: Command) -> str:
    """Which field of a command holds the id of its aggregate; none where that follows from several."""
    return next((name for name in type(command).model_fields if getattr(command, name) == command.aggregate_id), "")


class _Attempt:
    """One go at a batch: decide every item on the states at hand, keep them together, say what came out.

    The answer of an item is None when it must be decided again, on newer versions.
    """

    def __init__(
        self,
        app: Application,
        call: Call,
        handler: AnyHandler,
        facts: Any,
        live: dict[UUID, Live],
        seen: Arrangement,
        first: bool = False,
    ) -> None:
        self.app, self.call, self.handler, self.facts, self.live, self.first = app, call, handler, facts, live, first
        self.seen = seen

    async def run(self, commands: Sequence[Command]) -> list[Outcome | None]:
        outcomes: list[Outcome | None] = []
        unsettled = dict(self.live)
        try:
            # Everything decidable goes to the store in one go; the store keeps this order.
            decided = [self._decide(command) for command in commands]
            personal = [event for one in decided for event in one.events if event.personal_fields]
            keys = await self._keys(decided, personal) if personal else {}
            await self.app.find_places(event for one in decided for event in one.events)
            started = [self._start(one, keys) for one in decided]
            for command, events, pending in started:
                outcomes.append(await self._finish(command, events, pending))
            unsettled = self._undone(started, outcomes)
        finally:
            # A state that may hold what was not kept - refused late, repeated, never heard of again - is loaded anew.
            for entry in unsettled.values():
                entry.version = UNKNOWN
        return outcomes

    def _decide(self, command: Command) -> _Decided:
        """Decide a command; the state moves on at once."""
        entry, aggregate = self.live[command.aggregate_id], self.handler.aggregate
        if entry.later:
            return _Decided(command, refusal=RecordedByLaterVersion(_field_of_id(command)))
        is_other = entry.is_other_than(aggregate)
        state = None if is_other else entry.state
        try:
            self.app.authorise(self.call, self.handler, state, command, self.facts)
            if command.expected_version is not None and command.expected_version != entry.version:
                raise Conflict("expected_version")
            events = self.handler.decide(state, command, self.facts)
            if is_other:
                # There is none of this kind, which most decisions refuse by themselves; and none can begin here.
                raise IdTaken(_field_of_id(command))
        except Refusal as refusal:
            return _Decided(command, refusal=refusal)
        if not entry.version:
            entry.begun = events[0].topic
        version, claims = entry.version, list[Claim]()
        for event in events:
            claims.extend(aggregate.claims(entry.state, event))
            entry.state = aggregate.evolve(entry.state, event)
            entry.version += 1
        return _Decided(command, events, version, tuple(claims))

    async def _keys(self, decided: Sequence[_Decided], personal: Sequence[Event]) -> Keys:
        """The keys of everyone whom the events tell of; what needs one is refused when they cannot be had."""
        try:
            return await self.app.keys_of(personal)
        except Refusal as refusal:
            for one in decided:
                if any(event.personal_fields for event in one.events):
                    one.refusal = refusal
            return {}

    def _start(self, one: _Decided, keys: Keys) -> Started:
        """Hand a decided command to the store."""
        command, events = one.command, one.events
        if one.refusal:
            return command, events, one.refusal
        try:
            stored = tuple(
                [
                    self.app.new_event(self.call, command, event, one.version + number, keys)
                    for number, event in enumerate(events, 1)
                ]
            )
            fingerprint = self.app.fingerprint(command)
            append = Append(stored, command.command_id, fingerprint, one.claims, self.seen, _moves(events))
            return command, events, self.app.keep(append)
        except Refusal as refusal:
            return command, events, refusal

    async def _finish(
        self, command: Command, events: Sequence[Event], pending: asyncio.Future[Answer] | Refusal
    ) -> Outcome | None:
        if isinstance(pending, Refusal):
            return await self._refused(command, pending)
        try:
            answer = await pending
        except StaleVersion:
            return None
        except Rearranged:
            self.app.rearranged()
            return None
        except Claimed as held:
            if held.claim.refusal is None:
                # What it was decided on has changed, perhaps by another process; the rule itself will say what.
                self.app.live.distrust()
                return None
            return await self._repetition_or(command, held.claim.refusal())
        except Refusal as refusal:
            return refusal
        if not answer.repeated:
            self.app.kept(events, answer.position)
        return answer

    async def _refused(self, command: Command, refusal: Refusal) -> Outcome | None:
        """Nothing is refused for good on a state from memory: another process may have moved the aggregate on."""
        outcome = await self._repetition_or(command, refusal)
        entry = self.live[command.aggregate_id]
        if outcome is not refusal or not self.first or entry.fresh or isinstance(refusal, Overloaded | Unavailable):
            return outcome
        if await self.app.version(command.aggregate_id) == entry.version:
            return outcome
        entry.version = UNKNOWN
        return None

    async def _repetition_or(self, command: Command, refusal: Refusal) -> Outcome:
        """What was done already is not refused when it is asked for again: the first answer stands."""
        try:
            return await self.app.first_answer(command) or refusal
        except Refusal as reused:
            return reused

    def _undone(self, started: Sequence[Started], outcomes: Sequence[Outcome | None]) -> dict[UUID, Live]:
        """The aggregates whose state moved on by events that are not in the history."""
        return {
            command.aggregate_id: self.live[command.aggregate_id]
            for (command, events, _), outcome in zip(started, outcomes, strict=True)
            if events and (not isinstance(outcome, Answer) or outcome.repeated)
        }
