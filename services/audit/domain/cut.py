"""Which part of all histories together was known at one moment, so that no event in it lacks its cause?

A cut is a position a service: everything up to there is in it, nothing after. It is *causally closed* when no event in it was
caused by an event outside of it. Causes are what stands in the metadata of events: a service that reacts to the event of another
one names it. Both that and the recorded time go on a clock of each history that never goes back, by its running maximum: so a
few rows, the reaches, answer how long a prefix keeps within a bound, however the clocks of machines were set.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import orjson

from chassis.recorded import RecordedEvent
from chassis.refusals import Invalid, Problem

RECORDED = "recorded"
"""The clock of recorded time, in microseconds since 1970; every other clock is the positions of the service of its name."""

MAX_TEXT = 1_000
_PART = re.compile(r"([a-z][a-z-]{0,39}):(0|[1-9][0-9]{0,17})")
_CAUSE = re.compile(r"([a-z][a-z-]{0,39})/([1-9][0-9]{0,17})")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Cut:
    """A position a service, in alphabetical order of the services; one that is not named is at 0."""

    parts: tuple[tuple[str, int], ...] = ()

    @classmethod
    def of(cls, positions: Mapping[str, int]) -> "Cut":
        """The cut at some positions."""
        return cls(tuple(sorted(positions.items())))

    @classmethod
    def parse(cls, text: str, field: str = "cut") -> "Cut":
        """The cut of a line of text, ``membership:1250,welfare:310``.

        :raises Invalid: it is not of that form, or names a service twice.
        """
        found = [_PART.fullmatch(part.strip()) for part in text.split(",")] if len(text) <= MAX_TEXT else [None]
        positions = {part[1]: int(part[2]) for part in found if part}
        if len(positions) < len(found):
            raise Invalid(Problem(field, "phải có dạng membership:1250,welfare:310", "must be like membership:1250,welfare:310"))
        return cls.of(positions)

    def __str__(self) -> str:
        return ",".join(f"{service}:{position}" for service, position in self.parts)

    def __getitem__(self, service: str) -> int:
        return next((position for name, position in self.parts if name == service), 0)

    @property
    def positions(self) -> dict[str, int]:
        """Position by service."""
        return dict(self.parts)

    def over(self, services: Iterable[str]) -> "Cut":
        """The same cut, written over some services."""
        return Cut.of({service: self[service] for service in services})

    def beyond(self, heads: "Cut") -> list[str]:
        """The services of which it asks for more than there is."""
        return [service for service, position in self.parts if position > heads[service]]


@dataclass(frozen=True, slots=True)
class Reach:
    """From `position` on, the history of a service has reached so far on a clock; before, it had reached less."""

    service: str
    clock: str
    reached: int
    position: int


def microseconds(at: datetime) -> int:
    """A time on the clock of recorded time."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def cause_of(event: RecordedEvent) -> tuple[str, int] | None:
    """The event of another service that led to an event: service and position; None when there is none.

    What the suite's own services say of causes is believed, and nothing else: a caller may write any position into its call,
    and would hold every cut back by one that never comes.
    """
    if b'"service"' not in event.metadata_json:
        return None
    try:
        metadata = orjson.loads(event.metadata_json)
        by, cause = metadata["actor"]["role"], _CAUSE.fullmatch(metadata["causation_id"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None
    return (cause[1], int(cause[2])) if by == "service" and cause and cause[1] != event.service else None


def reaches(events: Iterable[RecordedEvent], reached: MutableMapping[str, int]) -> Iterator[Reach]:
    """Where some events of a service bring its history further on a clock.

    :param reached: how far it was on each clock before, and is afterwards.
    """
    for event in events:
        cause = cause_of(event)
        for clock, value in ((RECORDED, microseconds(event.recorded_at)), *([cause] if cause else [])):
            if clock not in reached or value > reached[clock]:
                reached[clock] = value
                yield Reach(event.service, clock, value, event.position)


Limit = tuple[str, str, int]
"""A service, a clock, and how far on it the service's history may have reached."""


def limits(cut: Cut) -> list[Limit]:
    """What must hold of each service's prefix so that a cut is closed: it knows of every other no more than is in the cut."""
    services = [service for service, _ in cut.parts]
    return [(service, other, cut[other]) for service in services for other in services if other != service]


def shortened(cut: Cut, firsts: Sequence[tuple[str, int]]) -> Cut:
    """A cut without the events from some on, each given by service and position."""
    positions = cut.positions
    for service, position in firsts:
        positions[service] = min(positions[service], position - 1)
    return Cut.of(positions)


def closed(cut: Cut, first_beyond: Callable[[Sequence[Limit]], Sequence[tuple[str, int]]]) -> Cut:
    """The largest causally closed cut within another.

    There is one: of two closed cuts the larger position of each service makes a closed one again. What is taken away in a round
    may have been the cause of something else, so it goes on until nothing is.

    :param first_beyond: the first event of each service that reached beyond a limit, where there is one.
    """
    while (shorter := shortened(cut, first_beyond(limits(cut)))) != cut:
        cut = shorter
    return cut
