"""Why does a row say something else than its events say? Which of them was left out, came twice, lies aside; or was it none?

Pure. The events of the row are evolved as they are, and then as if one thing had gone wrong; what leads to the row that
stands there names the cause. The simplest explanation goes first: of one event left out before two, of events left out
before events taken twice. Where several events would explain it alike (three who joined, and the count is two), all of
them are named.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Generic, TypeVar

E = TypeVar("E")
Row = Any | None
Evolve = Callable[[Row, E], Row]

MAX_STEPS = 200_000
"""How often events are evolved in search of one cause, about a second's work."""
NO_ROW = object()
"""What becomes of a row that an event does not fit: nothing equals it."""


class CauseKind(StrEnum):
    """What went wrong."""

    NOT_APPLIED = "not_applied"
    """One of these events was not applied, or these in one piece."""
    APPLIED_TWICE = "applied_twice"
    """One of these events was applied twice, or these in one piece."""
    STOPS_AFTER = "stops_after"
    """The row is that of this event (none: of before the first); what came later is missing."""
    LIES_ASIDE = "lies_aside"
    """These events could not be taken, and wait."""
    NO_EVENT = "no_event"
    """No event makes this row."""
    ALTERED = "altered"
    """The events lead elsewhere however one of them is missed or repeated: altered by hand, or by earlier rules."""
    NEWER_ALTERED = "newer_altered"
    """It is the newer row that is not what the events make."""
    NOT_FOUND = "not_found"
    """The row has more events than were tried."""


@dataclass(frozen=True, slots=True)
class Cause(Generic[E]):
    """What went wrong, by which events; any one of them, if they are `alternatives`.

    :param later: how many events after these are missing too.
    :param aside: how many others lie aside.
    """

    kind: CauseKind
    events: Sequence[E] = ()
    alternatives: bool = False
    later: int = 0
    aside: int = 0


def cause_of(
    evolve: Evolve[E],
    events: Sequence[E],
    older: Row,
    newer: Row,
    aside: Collection[E] = (),
    newer_aside: Collection[E] = (),
) -> Cause[E]:
    """Why an older row differs from the newer one.

    :param events: all that change the row, in order.
    :param aside: those that could not be taken by whoever made the older row, or the newer one.
    """
    if not events:
        return Cause(CauseKind.NO_EVENT if newer is None else CauseKind.NEWER_ALTERED)
    taken = [event for event in events if event not in newer_aside]
    waiting = [event for event in taken if event in aside]
    search = _Search(evolve, taken, MAX_STEPS)
    try:
        if search.whole() != newer:
            return Cause(CauseKind.NEWER_ALTERED)
        if waiting:
            without = _Search(evolve, [event for event in taken if event not in aside], MAX_STEPS)
            if without.whole() == older:
                return Cause(CauseKind.LIES_ASIDE, waiting)
            if cause := without.cause(older):
                return replace(cause, aside=len(waiting))
        return search.cause(older) or Cause(CauseKind.ALTERED)
    except _Exhausted:
        return Cause(CauseKind.NOT_FOUND)


def last_set(evolve: Evolve[E], events: Sequence[E], names: Sequence[str], aside: Collection[E] = ()) -> dict[str, E]:
    """By which event each of some columns got the value it has now, as far as there is one."""
    found: dict[str, E] = {}
    row: Row = None
    for event in events:
        if event in aside:
            continue
        try:
            before, row = row, evolve(row, event)
        except Exception:  # nobody has taken it
            continue
        found.update({name: event for name in names if getattr(before, name, NO_ROW) != getattr(row, name, NO_ROW)})
    return found


class _Exhausted(Exception):
    """More was tried than is worth it."""


class _Search(Generic[E]):
    """Tries what may have gone wrong with some events, as often as it may."""

    def __init__(self, evolve: Evolve[E], events: Sequence[E], steps: int) -> None:
        self._evolve, self._events, self._left = evolve, events, steps
        self._states: list[Any] = [None]

    def whole(self) -> Any:
        """What all the events make."""
        return self.of(self._events)

    def of(self, events: Sequence[E], row: Any = None) -> Any:
        """What events make of a row."""
        for event in events:
            if row is NO_ROW:
                break
            row = self._step(row, event)
        return row

    def cause(self, row: Row) -> Cause[E] | None:
        """The simplest cause by which the events make this row."""
        for event in self._events:
            state = self._states[-1]
            self._states.append(NO_ROW if state is NO_ROW else self._step(state, event))
        many = len(self._events)
        if omitted := [k for k in range(many) if self._without(k, k + 1) == row]:
            return self._one_of(CauseKind.NOT_APPLIED, omitted)
        if (stopped := next((k for k in reversed(range(many)) if self._states[k] == row), None)) is not None:
            return Cause(CauseKind.STOPS_AFTER, self._events[max(0, stopped - 1) : stopped], later=many - stopped)
        if repeated := [k for k in range(many) if self._again(k, k + 1) == row]:
            return self._one_of(CauseKind.APPLIED_TWICE, repeated)
        for start, end in self._pieces():
            if self._without(start, end) == row:
                return Cause(CauseKind.NOT_APPLIED, self._events[start:end])
        for start, end in self._pieces():
            if self._again(start, end) == row:
                return Cause(CauseKind.APPLIED_TWICE, self._events[start:end])
        return None

    def _one_of(self, kind: CauseKind, places: Sequence[int]) -> Cause[E]:
        return Cause(kind, [self._events[place] for place in places], alternatives=len(places) > 1)

    def _pieces(self) -> Iterator[tuple[int, int]]:
        """Every run of two or more events, the shortest first."""
        many = len(self._events)
        return ((start, start + length) for length in range(2, many + 1) for start in range(many - length + 1))

    def _without(self, start: int, end: int) -> Any:
        return self.of(self._events[end:], self._states[start])

    def _again(self, start: int, end: int) -> Any:
        return self.of(self._events[start:], self._states[end])

    def _step(self, row: Any, event: E) -> Any:
        self._left -= 1
        if self._left < 0:
            raise _Exhausted
        try:
            return self._evolve(row, event)
        except Exception:  # whatever it is: so it cannot have happened
            return NO_ROW
