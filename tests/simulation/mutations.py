"""Would the simulation notice if the product were wrong? Small wrong versions of it, each of which must be found.

Those at the end are defects that the simulation has found in the product; here they are put back.
"""

import inspect
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from math import inf
from typing import Any
from unittest.mock import patch

from chassis import application, batches, following, positions, publisher, pulling, reactions
from chassis.database import Connection
from chassis.recorded import RecordedEvent
from chassis.refusals import Refusal, Unavailable
from tests.simulation import history_statements, statements
from tests.simulation.bus import parsed
from tests.simulation.database import Rows, Session

Patches = Callable[[], Iterable[Any]]


def _publisher_without_sequence() -> Iterable[Any]:
    real = publisher._batch

    def wrong(events: Sequence[RecordedEvent], after: int) -> Any:
        batch = real(events, after)
        headers = {name: value for name, value in batch.headers.items() if name != "Nats-Expected-Last-Sequence"}
        return replace(batch, headers=headers, frames=b"".join(map(_unexpecting, parsed(batch.frames))))

    yield patch.object(publisher, "_batch", wrong)


def _unexpecting(message: tuple[str, dict[str, str], bytes]) -> bytes:
    subject, headers, body = message
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items() if name != "Nats-Expected-Last-Sequence")
    head = f"NATS/1.0\r\n{lines}\r\n".encode()
    return b"HPUB %b %d %d\r\n%b%b\r\n" % (subject.encode(), len(head), len(head) + len(body), head, body)


class _Nothing:
    """An effect that has happened before."""

    def __init__(self, effect: following.Effect) -> None:
        self.name, self.source, self.topics, self.taken = effect.name, effect.source, effect.topics, effect.taken

    async def take(self, events: Sequence[RecordedEvent], transaction: Connection) -> None:
        """Nothing."""


def _position_apart() -> Iterable[Any]:
    real = following.Follower._take

    async def wrong(self: following.Follower, events: Sequence[RecordedEvent], reached: int) -> Any:
        effect, term = self.effect, self._fence.term if self._fence else None
        async with self._pool.connection() as connection, connection.transaction():
            await self._hold(connection, self._kept, term)
            await effect.take(events, connection)
        self.effect = _Nothing(effect)
        try:
            return await real(self, events, reached)
        finally:
            self.effect = effect

    yield patch.object(following.Follower, "_take", wrong)


def _arrays(change: Callable[[list[Any]], None]) -> Iterable[Any]:
    """What is handed to ``append_batch``, changed."""
    real = batches.Plan.arrays

    def wrong(self: batches.Plan, *about: Any) -> tuple[object, ...]:
        values = list(real(self, *about))
        change(values)
        return tuple(values)

    yield patch.object(batches.Plan, "arrays", wrong)


def _no_command_ids(values: list[Any]) -> None:
    values[0:3] = [], [], []


def _no_places_seen(values: list[Any]) -> None:
    values[16:18] = None, None


def _no_position_check() -> Iterable[Any]:
    real = following.Follower._hold

    async def wrong(self: following.Follower, connection: Connection, held: int, term: int | None) -> Any:
        try:
            return await real(self, connection, held, None)
        except following.Overtaken:
            position = await positions.locked_position(connection, self.name)
            return await real(self, connection, position or 0, None)

    async def load(self: following.Follower) -> None:
        if not self._loaded:
            await begin(self)

    begin = following.Follower.load
    yield patch.object(following.Follower, "_hold", wrong)
    yield patch.object(following.Follower, "load", load)


def _no_claims_checked() -> Iterable[Any]:
    def wrong(session: Session, values: Sequence[Any]) -> Rows:
        changed, held = list(values), session.database.claims
        changed[13] = ["none" for _ in values[13]]
        # What is taken already is left as it is: a second taking would be refused by the table's own constraint.
        changes = zip(values[12], values[14], strict=True)
        changed[14] = [delta if held.get(claim, 0) + delta >= -1 else 0 for claim, delta in changes]
        return history_statements.append_batch(session, changed)

    yield _instead_of_append_batch(wrong)


def _instead_of_append_batch(wrong: Callable[[Session, Sequence[Any]], Rows]) -> Any:
    (text,) = (text for text in statements._STATEMENTS if "append_batch" in text)
    return patch.dict(statements._STATEMENTS, {text: wrong})


def _stale_accepted() -> Iterable[Any]:
    def wrong(session: Session, values: Sequence[Any]) -> Rows:
        changed, reached = list(values), dict[Any, int]()
        changed[3:5] = [], []
        changed[6] = []
        for aggregate in values[5]:
            reached[aggregate] = reached.get(aggregate, len(session.database.versions.get(aggregate, ()))) + 1
            changed[6].append(reached[aggregate])
        return history_statements.append_batch(session, changed)

    yield _instead_of_append_batch(wrong)


def _astray_unnoticed() -> Iterable[Any]:
    real = pulling.Pull._receive

    async def wrong(self: pulling.Pull, message: Any) -> None:
        if message.reply:
            self._next_sequence = message.metadata.sequence.consumer
        await real(self, message)

    yield patch.object(pulling.Pull, "_receive", wrong)


def _state_not_undone() -> Iterable[Any]:
    yield patch.object(application._Attempt, "_undone", lambda *_: {})


def _reaction_gives_up() -> Iterable[Any]:
    real = reactions.CommandReaction._execute

    async def wrong(self: reactions.CommandReaction, *about: Any) -> None:
        try:
            await real(self, *about)
        except Unavailable:
            return

    yield patch.object(reactions.CommandReaction, "_execute", wrong)


def _refused_again() -> Iterable[Any]:
    async def wrong(self: Any, command: Any, refusal: Refusal) -> Refusal:
        return refusal

    yield patch.object(application._Attempt, "_repetition_or", wrong)


# What was found in the product.


def _first_look_passes_over() -> Iterable[Any]:
    load, see = following.Follower.load, following.Follower.see

    async def nothing(after: int) -> None:
        """What another process took between the start and the first look is not read."""

    @contextmanager
    def unheard(self: following.Follower) -> Iterator[None]:
        kept, self._on_overtaken = self._on_overtaken, self._on_overtaken if self._loaded else nothing
        try:
            yield
        finally:
            self._on_overtaken = kept

    async def wrong_load(self: following.Follower) -> None:
        with unheard(self):
            await load(self)

    async def wrong_see(self: following.Follower, position: int) -> None:
        with unheard(self):
            await see(self, position)

    yield patch.object(following.Follower, "load", wrong_load)
    yield patch.object(following.Follower, "see", wrong_see)


def _repetitions_in_a_batch() -> Iterable[Any]:
    # A dictionary by position keeps one of each; here every event has a place of its own.
    source = inspect.getsource(following.Follower.take)
    kept = "list({event.position: event for event in events if event.position > self.position}.values())"
    assert kept in source, "the line that keeps one of each is another one now"
    names: dict[str, Any] = {}
    wrong = source.replace(kept, "[event for event in events if event.position > self.position]")
    exec(compile(textwrap.dedent(wrong), following.__file__, "exec"), vars(following), names)
    yield patch.object(following.Follower, "take", names["take"])


def _pending_believed() -> Iterable[Any]:
    async def nothing(self: pulling.Pull, after: int) -> float:
        return inf

    yield patch.object(pulling.Pull, "next_sequence", nothing)


MUTATIONS: Mapping[str, Patches] = {
    "a publisher that expects no sequence": _publisher_without_sequence,
    "a follower that keeps its position apart from its effect": _position_apart,
    "a writer that does not tell a repeated command": partial(_arrays, _no_command_ids),
    "a follower that does not look where its position is": _no_position_check,
    "claims that are not checked": _no_claims_checked,
    "a stale version that is accepted": _stale_accepted,
    "an append that does not say which places it has seen": partial(_arrays, _no_places_seen),
    "a reader that does not notice a message astray": _astray_unnoticed,
    "a state in memory that was never kept": _state_not_undone,
    "a reaction that gives up what is not possible just now": _reaction_gives_up,
    "a repetition that is refused": _refused_again,
    "a first look that passes over what others took meanwhile": _first_look_passes_over,
    "a batch in which an event may come twice": _repetitions_in_a_batch,
    "a feed that believes what the server has counted": _pending_believed,
}


@contextmanager
def mutated(name: str) -> Iterator[None]:
    """Have the product be wrong in one way."""
    statements.statement.cache_clear()
    with ExitStack() as stack:
        for each in MUTATIONS[name]() if name else ():
            stack.enter_context(each)
        try:
            yield
        finally:
            statements.statement.cache_clear()
