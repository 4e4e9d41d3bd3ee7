"""Is the cause of a differing row named rightly, whatever its events, and whatever went wrong with which of them?"""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from chassis.generations.causes import CauseKind, cause_of, last_set

Row = tuple[int, ...] | None
Happened = tuple[int, str]
"""A position and what it does: adds itself to the row, takes the last away, deletes the row, or cannot be without one."""


def evolve(row: Row, event: Happened) -> Row:
    position, what = event
    match what:
        case "deletes":
            return None
        case "needs":
            assert row is not None
            return (*row, position)
        case "takes":
            return (row or ())[:-1]
        case _:
            return (*(row or ()), position)


def made_of(events: Sequence[Happened]) -> Row:
    row: Row = None
    for event in events:
        row = evolve(row, event)
    return row


def adding(*positions: int) -> list[Happened]:
    return [(position, "adds") for position in positions]


kinds = st.sampled_from(["adds", "adds", "adds", "takes", "deletes", "needs"])


@st.composite
def histories(draw: st.DrawFn) -> list[Happened]:
    """Events that fit each other, as a follower took them."""
    taken: list[Happened] = []
    for position, what in enumerate(draw(st.lists(kinds, min_size=1, max_size=12)), 1):
        if what != "needs" or made_of(taken) is not None:
            taken.append((position, what))
    return taken or adding(1)


@given(histories(), st.data())
def test_an_event_that_was_left_out_is_named(events: list[Happened], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(events) - 1))
    try:
        older = made_of([*events[:place], *events[place + 1 :]])
    except AssertionError:
        return
    if older == made_of(events):
        return
    cause = cause_of(evolve, events, older, made_of(events))
    assert cause.kind is CauseKind.NOT_APPLIED
    assert events[place] in cause.events
    assert cause.alternatives == (len(cause.events) > 1)
    assert all(made_of([e for e in events if e is not named]) == older for named in cause.events)


@given(st.integers(2, 20), st.data())
def test_one_that_came_twice_is_named(many: int, data: st.DataObject) -> None:
    events = adding(*range(1, many + 1))
    place = data.draw(st.integers(0, many - 1))
    cause = cause_of(evolve, events, made_of([*events[: place + 1], *events[place:]]), made_of(events))
    assert (cause.kind, list(cause.events), cause.alternatives) == (CauseKind.APPLIED_TWICE, [events[place]], False)


@given(st.integers(3, 16), st.data())
def test_pieces_that_were_left_out_or_came_twice_are_named(many: int, data: st.DataObject) -> None:
    events = adding(*range(1, many + 1))
    start = data.draw(st.integers(0, many - 3))
    end = data.draw(st.integers(start + 2, many - 1))
    left_out = cause_of(evolve, events, made_of([*events[:start], *events[end:]]), made_of(events))
    again = cause_of(evolve, events, made_of([*events[:end], *events[start:]]), made_of(events))
    assert (left_out.kind, list(left_out.events)) == (CauseKind.NOT_APPLIED, events[start:end])
    assert (again.kind, list(again.events)) == (CauseKind.APPLIED_TWICE, events[start:end])


@given(st.integers(2, 20), st.data())
def test_a_row_that_stopped_says_after_which_event_and_how_many_are_missing(many: int, data: st.DataObject) -> None:
    events = adding(*range(1, many + 1))
    stopped = data.draw(st.integers(0, many - 2))
    cause = cause_of(evolve, events, made_of(events[:stopped]), made_of(events))
    assert (cause.kind, cause.later) == (CauseKind.STOPS_AFTER, many - stopped)
    assert list(cause.events) == events[max(0, stopped - 1) : stopped]


@given(histories(), st.integers())
def test_a_row_that_no_fault_of_following_makes_was_altered(events: list[Happened], by_hand: int) -> None:
    cause = cause_of(evolve, events, (-1, by_hand), made_of(events))
    assert (cause.kind, cause.events) == (CauseKind.ALTERED, ())


@given(histories())
def test_a_second_generation_that_is_not_what_its_events_make_is_told(events: list[Happened]) -> None:
    assert cause_of(evolve, events, made_of(events), (-1,)).kind is CauseKind.NEWER_ALTERED


def test_what_lies_aside_is_the_cause_before_anything_else() -> None:
    events = adding(1, 2, 3, 4)
    aside = cause_of(evolve, events, made_of(events[:2]), made_of(events), aside=events[2:])
    both = cause_of(evolve, events, made_of(events[:1]), made_of(events[:3]), events[1:], newer_aside=events[3:])
    missing = cause_of(evolve, events, made_of([events[0]]), made_of(events), aside=events[2:])
    assert (missing.kind, list(missing.events), missing.aside) == (CauseKind.NOT_APPLIED, [events[1]], 2)
    assert (aside.kind, list(aside.events)) == (CauseKind.LIES_ASIDE, events[2:])
    assert (both.kind, list(both.events)) == (CauseKind.LIES_ASIDE, events[1:3])


def test_each_column_is_told_the_event_that_set_it_last() -> None:
    def moved(row: complex | None, event: Happened) -> complex:
        if event[1] == "needs":
            raise ValueError
        return (row or 0j) + (event[0] if event[1] == "adds" else event[0] * 1j)

    events = [(1, "adds"), (2, "takes"), (3, "adds"), (4, "needs"), (5, "takes")]
    assert last_set(moved, events, ["real", "imag"]) == {"real": (3, "adds"), "imag": (5, "takes")}
    assert last_set(moved, events, ["real", "imag"], aside=[events[4]]) == {"real": (3, "adds"), "imag": (2, "takes")}
    assert last_set(moved, [], ["real"]) == {}


def test_a_row_without_events_has_none_as_its_cause() -> None:
    nothing: list[Happened] = []
    assert cause_of(evolve, nothing, (7,), None).kind is CauseKind.NO_EVENT
    assert cause_of(evolve, nothing, None, (7,)).kind is CauseKind.NEWER_ALTERED


def test_where_any_of_several_explains_it_all_of_them_are_named() -> None:
    def count(row: int | None, event: Happened) -> int:
        return (row or 0) + 1

    cause = cause_of(count, adding(1, 2, 3), 2, 3)
    assert (cause.kind, list(cause.events), cause.alternatives) == (CauseKind.NOT_APPLIED, adding(1, 2, 3), True)


def test_a_search_that_takes_too_long_says_so_and_nothing_else() -> None:
    events = adding(*range(700))
    assert cause_of(evolve, events, (-1,), made_of(events)).kind is CauseKind.NOT_FOUND
