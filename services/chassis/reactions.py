"""What do we do when a history says something? Commands, each of which takes effect once, however often the event comes.

A reaction is a pure function from an event to commands. Their ids follow from the event, so a repetition is answered by
the first effect; who, why and in which trace is taken over from the event. Events of one aggregate are taken in order,
those of different aggregates side by side.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID, uuid5

from chassis.appends import Answer
from chassis.commands import Call, Command
from chassis.database import Connection
from chassis.following import Unprocessable, unprocessable
from chassis.recorded import RecordedEvent
from chassis.refusals import Conflict, DeadlinePassed, Overloaded, Refusal, Unavailable
from chassis.security import Caller

MAX_AT_ONCE = 64
NUMBERED_LATER = UUID(int=0)
"""The command id that a reaction leaves open; it is given by the event that causes the command."""

Taking = Callable[[str, str, str], AbstractContextManager[str]]
"""Opens a span from follower, event id and the event's traceparent; gives the traceparent for what is done about it."""

_COMMANDS = UUID("0b5c2f63-2c5e-5a0e-8d0f-7c3c1d7f6b88")
_PASSING = (Unavailable, Overloaded, DeadlinePassed, Conflict)


class CommandPath(Protocol):
    """What decides and keeps commands; see :mod:`chassis.application`."""

    async def execute(self, call: Call, command: Command) -> Answer:
        """:raises Refusal: what stands against the command."""


@dataclass(frozen=True)
class Reaction:
    """What to do about some events of a service.

    :param name: unique in the service, and stable: position and command ids belong to it.
    :param commands: pure; leaves the command ids open (`NUMBERED_LATER`).
    :param nothing_to_do: refusals that mean just this; the event counts as taken.
    """

    name: str
    source: str
    topics: frozenset[str]
    commands: Callable[[RecordedEvent], Iterable[Command]]
    nothing_to_do: tuple[type[Refusal], ...] = ()


def command_id(reaction: str, event: RecordedEvent, number: int) -> UUID:
    """The id of the command with a number, from 0, that a reaction derives from an event."""
    return uuid5(_COMMANDS, f"{reaction}/{event.id}/{number}")


class CommandReaction:
    """The effect of a reaction, for a follower to drive.

    :param caller: the service itself.
    :param taking: opens the span of each event; nothing is traced when left out.
    """

    def __init__(self, reaction: Reaction, commands: CommandPath, caller: Caller, taking: Taking | None = None) -> None:
        self.name, self.source, self.topics = reaction.name, reaction.source, reaction.topics
        self._reaction, self._path, self._caller = reaction, commands, caller
        self._taking = taking or _untraced
        self._places = asyncio.Semaphore(MAX_AT_ONCE)

    async def take(self, events: Sequence[RecordedEvent], transaction: Connection) -> None:
        """Execute what follows from some events; the commands are durable before the position is.

        :raises Unprocessable: a command is refused; :raises Unavailable: not just now, take the events again.
        """
        histories: dict[UUID, list[RecordedEvent]] = {}
        for event in events:
            histories.setdefault(event.aggregate_id, []).append(event)
        ends = await asyncio.gather(*map(self._in_order, histories.values()), return_exceptions=True)
        failures = [end for end in ends if end is not None]
        for failure in failures:
            if not isinstance(failure, Unprocessable):
                raise failure
        if failures:
            raise min((end for end in failures if isinstance(end, Unprocessable)), key=lambda end: end.event.position)

    async def taken(self, events: Sequence[RecordedEvent]) -> None:
        """Nothing is left to do."""

    async def _in_order(self, events: Sequence[RecordedEvent]) -> None:
        async with self._places:
            for event in events:
                await self._react(event)

    async def _react(self, event: RecordedEvent) -> None:
        try:
            metadata = event.metadata
            with self._taking(self.name, event.id, metadata.traceparent) as traceparent:
                call = Call(self._caller, metadata.correlation_id, event.id, traceparent)
                for number, command in enumerate(self._reaction.commands(event)):
                    await self._execute(call, command.model_copy(update={"command_id": command_id(self.name, event, number)}))
        except _PASSING as passing:
            raise Unavailable(reason=f"{self.name} at {event.id}: {passing.rule}") from passing
        except Exception as error:
            raise unprocessable(event, error) from error

    async def _execute(self, call: Call, command: Command) -> None:
        try:
            await self._path.execute(call, command)
        except self._reaction.nothing_to_do:
            return


def _untraced(follower: str, event_id: str, traceparent: str) -> AbstractContextManager[str]:
    return nullcontext(traceparent)
