"""Given a history, when a command is decided, then these events — or this refusal. Every rule is told in these words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import pytest

from chassis.commands import Aggregate, Command
from chassis.events import Event
from chassis.refusals import Refusal

S = TypeVar("S")
Decide = Callable[[Any, Any, Any], Sequence[Event]]


@dataclass(frozen=True)
class Given(Generic[S]):
    """An aggregate with a history."""

    aggregate: Aggregate[S]
    history: tuple[Event, ...]

    @property
    def state(self) -> S | None:
        """What the history makes of it; each event passes through its stored bytes, as in a replay."""
        if self.history:
            assert self.aggregate.begins_with(self.history[0].topic), "a history begins with an event of its kind"
        state: S | None = None
        for event in self.history:
            state = self.aggregate.evolve(state, type(event).decode_body(event.encode()))
        return state

    def when(self, decide: Decide, command: Command, facts: object = None) -> "When[S]":
        """A command is decided."""
        return When(self, decide, command, facts)


@dataclass(frozen=True)
class When(Generic[S]):
    """A command about to be decided."""

    given: Given[S]
    decide: Decide
    command: Command
    facts: object

    def then(self, *expected: Event) -> S:
        """These events happen, and the aggregate takes them; what it is afterwards comes back."""
        events = self.events
        assert events == list(expected)
        return state_after(self.given.aggregate, *self.given.history, *events)

    @property
    def events(self) -> list[Event]:
        """What happens, for a test that is about some of it."""
        return list(self.decide(self.given.state, self.command, self.facts))

    def refused(self, refusal: type[Refusal], field: str | None = None) -> Refusal:
        """It is refused for this rule, in both languages, naming this field."""
        with pytest.raises(refusal) as caught:
            self.decide(self.given.state, self.command, self.facts)
        assert type(caught.value) is refusal
        if field is not None:
            assert caught.value.field == field
        assert caught.value.sentence("vi") != caught.value.sentence("en")
        return caught.value


def given(aggregate: Aggregate[S], *history: Event) -> Given[S]:
    """An aggregate to which these events have happened."""
    return Given(aggregate, history)


def state_after(aggregate: Aggregate[S], *history: Event) -> S:
    """What a history makes of an aggregate."""
    state = given(aggregate, *history).state
    assert state is not None
    return state
