"""Is a cut the largest part of all histories that is closed under causes and within a time, whatever the clocks said?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import product
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.domain.cut import RECORDED, Cut, Limit, Reach, cause_of, closed, microseconds, reaches, shortened
from chassis.recorded import Actor, Metadata, RecordedEvent
from chassis.refusals import Invalid
from chassis.security import Caller, Role

SERVICES = ("awards", "membership", "welfare")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


BY_A_SERVICE = Caller("welfare", Role.SERVICE, "").actor.role


def told(service: str, position: int, cause: str = "a command", role: str = BY_A_SERVICE, second: int = 0) -> RecordedEvent:
    """An event of which only its causes and its time matter."""
    metadata = Metadata("ha-noi", date(2026, 1, 1), Actor("anybody", role, ""), None, "chain", cause)
    at = NOON + timedelta(seconds=second)
    return RecordedEvent(
        service, position, UUID(int=position), 1, f"{service}.something", b"{}", metadata.encode(), "national", position, at
    )


@dataclass
class Histories:
    """Some histories, and what follows of them by looking at every event."""

    events: list[RecordedEvent]

    @property
    def heads(self) -> Cut:
        return Cut.of({service: sum(event.service == service for event in self.events) for service in SERVICES})

    def holds(self, cut: Cut, second: int) -> bool:
        """Whether everything in a cut was recorded by a second, and has its cause in it."""
        inside = [event for event in self.events if event.position <= cut[event.service]]
        causes = [cause for event in inside if (cause := cause_of(event))]
        in_time = all(event.recorded_at <= NOON + timedelta(seconds=second) for event in inside)
        return in_time and all(position <= cut[service] for service, position in causes if service in SERVICES)

    def largest(self, within: Cut, second: int) -> Cut:
        """The union of all cuts that hold: every one is tried."""
        tried = (Cut.of(dict(zip(SERVICES, at, strict=True))) for at in product(*(range(within[s] + 1) for s in SERVICES)))
        good = [cut for cut in tried if self.holds(cut, second)]
        return Cut.of({service: max(cut[service] for cut in good) for service in SERVICES})

    def first_beyond(self, limits: Sequence[Limit]) -> list[tuple[str, int]]:
        """The same question as to the table, of the same rows."""
        rows = list(self.rows())
        found = ([r for r in rows if (r.service, r.clock) == limit[:2] and r.reached > limit[2]] for limit in limits)
        return [(beyond[0].service, min(one.position for one in beyond)) for beyond in found if beyond]

    def rows(self) -> Iterator[Reach]:
        for service in {event.service for event in self.events}:
            yield from reaches((event for event in self.events if event.service == service), {})


_EVENT = st.tuples(st.sampled_from(SERVICES), st.sampled_from(SERVICES), st.integers(0, 6), st.integers(-3, 5))


@st.composite
def histories(draw: st.DrawFn) -> Histories:
    """Up to a dozen events that name any cause, also one that never comes, on clocks that go back and forth."""
    events: list[RecordedEvent] = []
    for service, of, cause, step in draw(st.lists(_EVENT, max_size=12)):
        position = sum(event.service == service for event in events) + 1
        events.append(told(service, position, f"{of}/{cause}" if cause else "a command", second=len(events) + step))
    return Histories(events)


@settings(max_examples=150, deadline=None)
@given(histories(), st.integers(-3, 20))
def test_a_cut_by_time_is_the_largest_that_is_closed(found: Histories, second: int) -> None:
    at = microseconds(NOON + timedelta(seconds=second))
    by_time = shortened(found.heads, found.first_beyond([(service, RECORDED, at) for service in SERVICES]))

    cut = closed(by_time, found.first_beyond)

    assert cut == found.largest(found.heads, second)
    assert closed(cut, found.first_beyond) == cut


def test_what_reached_no_further_leaves_no_row() -> None:
    events = [told("welfare", 1, second=5), told("welfare", 2, second=3), told("welfare", 3, "membership/7", second=5)]
    events += [told("welfare", 4, "membership/6", second=9)]

    reached: dict[str, int] = {}

    rows = list(reaches(events, reached))

    at = [microseconds(NOON + timedelta(seconds=second)) for second in (5, 9)]
    assert rows == [
        Reach("welfare", RECORDED, at[0], 1),
        Reach("welfare", "membership", 7, 3),
        Reach("welfare", RECORDED, at[1], 4),
    ]
    assert reached == {RECORDED: at[1], "membership": 7}


@pytest.mark.parametrize(
    ("event", "cause"),
    [
        (told("welfare", 3, "membership/7"), ("membership", 7)),
        (told("welfare", 3, "membership/7", role="province_officer"), None),
        (told("welfare", 3, "welfare/2"), None),
        (told("welfare", 3, "membership/0"), None),
        (told("welfare", 3, "019f-command"), None),
    ],
)
def test_a_cause_is_what_a_service_says_of_another_ones_event(event: RecordedEvent, cause: tuple[str, int] | None) -> None:
    assert cause_of(event) == cause


@given(st.dictionaries(st.sampled_from(SERVICES), st.integers(0, 10**17)))
def test_a_cut_is_read_back_from_its_line(positions: dict[str, int]) -> None:
    cut = Cut.of(positions)

    assert not positions or Cut.parse(str(cut)) == cut
    assert (cut.positions, [cut[service] for service in SERVICES]) == (positions, [positions.get(s, 0) for s in SERVICES])


@pytest.mark.parametrize(
    "text", ["", "welfare", "welfare:-1", "welfare:01", "welfare:1,welfare:2", "welfare:1,", "1:welfare", "a:1" * 400]
)
def test_a_line_that_is_no_cut_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        Cut.parse(text, "cut.vector")

    assert caught.value.field == "cut.vector"
