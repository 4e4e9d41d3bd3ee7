"""An id is given once: whoever names it as something else is told so, whatever it is and wherever it is known from."""

import importlib
import pkgutil
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest

from chassis.appends import Arrangement
from chassis.application import Application
from chassis.commands import Aggregate, Call, Command, Handler
from chassis.events import Event
from chassis.hierarchy import Hierarchy
from chassis.live_aggregates import LiveAggregates
from chassis.recorded import Actor, Metadata, RecordedEvent
from chassis.refusals import IdTaken, NotFound
from chassis.security import Caller, Role
from congdoan.services import RECORDING
from tests.connected.example import Counted

THING = UUID(int=7)
CALL = Call(Caller("officer", Role.FEDERATION_OFFICER, "tld", service="example"))
NOW = datetime(2026, 3, 2, tzinfo=UTC)


def kinds(service: str) -> Iterator[Aggregate[Any]]:
    """Every kind of aggregate of a service."""
    domain = importlib.import_module(f"{service}.domain")
    for module in pkgutil.iter_modules(domain.__path__, f"{service}.domain."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, Aggregate):
                yield value


KINDS = {service: {kind.name: kind for kind in kinds(service)} for service in RECORDING}
PAIRS = [
    pytest.param(one, event, id=f"{one.name} at {event.topic}")
    for named in KINDS.values()
    for one in named.values()
    for other in named.values()
    for event in other.begins
    if not one.begins_with(event.topic)
]


class OneHistory:
    """A store in which an id has one event; its values are not read as something else's."""

    def __init__(self, event: type[Event], body: bytes = b"not to be read") -> None:
        said = Metadata("tld", date(2026, 3, 2), Actor("x", "service", ""), None, "", "").encode()
        self.history = [RecordedEvent("example", 1, THING, 1, event.topic, body, said, "", 0, NOW)]

    async def load(self, aggregate_id: UUID) -> list[RecordedEvent]:
        return self.history

    async def version(self, aggregate_id: UUID) -> int:
        return len(self.history)

    async def answer_to(self, command_id: UUID, fingerprint: bytes, acts_on: UUID) -> None:
        return None

    async def arrangement(self) -> Arrangement:
        return Arrangement(0)


class Begin(Command):
    """Begin, or go on."""

    thing_id: UUID

    @property
    def aggregate_id(self) -> UUID:
        return self.thing_id


class Missing(NotFound):
    """There is none."""


def begins(state: Any, command: Begin, facts: None) -> Sequence[Event]:
    assert state is None
    return [Event.model_construct(unit="tld", on=NOW.date())]


def goes_on(state: Any, command: Begin, facts: None) -> Sequence[Event]:
    assert state is None
    raise Missing("thing_id")


async def no_facts(commands: Sequence[Command], caller: Caller) -> None:
    return None


def application(store: Any, kind: Aggregate[Any], decide: Any) -> Application:
    handler = Handler(Begin, kind, decide, no_facts, at=lambda state, command, facts: "tld")
    return Application(store, [handler], {"Begin": Role.MEMBER}, Hierarchy(), secret=b"x" * 32)


def test_every_service_has_kinds_and_each_says_how_it_begins() -> None:
    assert all(KINDS.values())
    assert all(kind.begins for named in KINDS.values() for kind in named.values())


@pytest.mark.parametrize(("kind", "event"), PAIRS)
async def test_what_is_something_else_can_not_begin_again_and_is_not_there(kind: Aggregate[Any], event: type[Event]) -> None:
    store: Any = OneHistory(event)
    assert await LiveAggregates(store).state(kind, THING) is None
    for decide, rule in ((begins, IdTaken), (goes_on, Missing)):
        app = application(store, kind, decide)
        for _ in range(2):
            (refusal,) = await app.execute_batch(CALL, [Begin(command_id=UUID(int=8), thing_id=THING)])
            assert isinstance(refusal, rule)
            assert refusal.field == "thing_id"


async def test_who_was_looked_at_as_something_else_is_still_known_as_what_it_is() -> None:
    another = KINDS["membership"]["member"]
    counting: Aggregate[Event] = Aggregate("counting", lambda state, event: event, lambda state: "", begins=(Counted,))
    counted = Counted(unit="tld", on=NOW.date(), number=3)
    live = LiveAggregates(OneHistory(Counted, counted.encode()))  # type: ignore[arg-type]
    for _ in range(2):
        assert await live.state(another, THING) is None
        assert await live.state(counting, THING) == counted
