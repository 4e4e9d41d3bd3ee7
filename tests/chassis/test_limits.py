"""Does each caller get its share, never more, and does it learn when to come again?"""

from fractions import Fraction
from itertools import accumulate

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from chassis.limits import WAITS_S, WHEN_ONE_LEAVES_S, Limits, rounded_up
from chassis.refusals import Overloaded
from chassis.rich_status import retry_after


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def limits(clock: Clock, per_second: float = 10, burst: float = 100, at_once: int = 1_000, max_callers: int = 1_000) -> Limits:
    return Limits(per_second, burst, at_once, clock, max_callers)


def taken(by: Limits, caller: str, cost: float = 1) -> bool:
    """Whether a call was let in; it is over at once."""
    try:
        with by.entered(caller, cost):
            return True
    except Overloaded:
        return False


def test_a_caller_that_was_silent_may_use_its_burst_and_then_what_comes_back(clock: Clock) -> None:
    limited = limits(clock, per_second=10, burst=100)
    assert sum(taken(limited, "an") for _ in range(150)) == 100
    clock.now = 1.0
    assert sum(taken(limited, "an") for _ in range(150)) == 10
    clock.now = 1_000.0
    assert sum(taken(limited, "an") for _ in range(150)) == 100, "silence is not saved up beyond the burst"


def test_one_caller_does_not_use_what_is_another_s(clock: Clock) -> None:
    limited = limits(clock)
    assert taken(limited, "an", 100)
    assert not taken(limited, "an")
    assert taken(limited, "binh", 100)


def test_a_batch_costs_its_items_also_when_they_are_counted_later(clock: Clock) -> None:
    limited = limits(clock)
    with limited.entered("an") as allowance:
        allowance.charge(90)
        with pytest.raises(Overloaded) as caught:
            allowance.charge(10)
        assert caught.value.retry_after_s == 0.2, "9 are left, the tenth comes back in 0.1 s, and then it is surely there"
        allowance.charge(9)
    assert not taken(limited, "an")


def test_what_is_refused_costs_nothing(clock: Clock) -> None:
    limited = limits(clock)
    assert taken(limited, "an", 95)
    for _ in range(50):
        assert not taken(limited, "an", 6)
    assert taken(limited, "an", 5)


def test_more_than_the_burst_is_never_let_in(clock: Clock) -> None:
    limited = limits(clock, burst=100)
    for clock.now in (0.0, 100.0, 1e6):
        assert not taken(limited, "an", 101)


def test_so_many_calls_of_a_caller_are_inside_at_once_however_they_end(clock: Clock) -> None:
    limited = limits(clock, at_once=2)
    with limited.entered("an"):
        with limited.entered("an"):
            assert not taken(limited, "an")
            with pytest.raises(Overloaded) as caught:
                limited.entered("an")
            assert caught.value.retry_after_s == WHEN_ONE_LEAVES_S
            assert taken(limited, "binh")
        with pytest.raises(ZeroDivisionError), limited.entered("an"):
            raise ZeroDivisionError
        assert taken(limited, "an")


def test_a_call_that_is_too_many_at_once_costs_nothing(clock: Clock) -> None:
    limited = limits(clock, burst=2, at_once=1)
    with limited.entered("an"):
        assert not taken(limited, "an")
    assert taken(limited, "an")


def test_a_clock_that_goes_back_hands_out_nothing_and_takes_nothing_for_good(clock: Clock) -> None:
    limited = limits(clock, per_second=10, burst=100)
    clock.now = 10.0
    assert taken(limited, "an", 50)
    clock.now = 5.0
    assert not taken(limited, "an", 51)
    clock.now = 15.0
    assert taken(limited, "an", 100)


@settings(deadline=None)
@given(
    per_second=st.integers(1, 64),
    burst=st.integers(1, 256),
    calls=st.lists(st.tuples(st.integers(0, 256), st.integers(1, 64)), max_size=60),
)
def test_in_no_window_is_more_let_in_than_the_burst_and_what_came_back_in_it(
    per_second: int, burst: int, calls: list[tuple[int, int]]
) -> None:
    clock = Clock()
    limited = limits(clock, per_second=per_second, burst=burst)
    times = list(accumulate((Fraction(wait, 64) for wait, _ in calls)))
    let_in = []
    for at, (_, cost) in zip(times, calls, strict=True):
        clock.now = float(at)  # exact: in 64ths of a second
        let_in.append(cost if taken(limited, "an", cost) else 0)
    for first in range(len(calls)):
        for last in range(first, len(calls)):
            assert sum(let_in[first : last + 1]) <= burst + per_second * (times[last] - times[first])


@settings(deadline=None)
@given(
    per_second=st.floats(0.01, 1e5),
    burst=st.integers(1, 1_000),
    spent=st.integers(0, 1_000),
    cost=st.integers(1, 1_000),
)
def test_who_comes_again_when_it_was_told_to_is_let_in(per_second: float, burst: int, spent: int, cost: int) -> None:
    clock = Clock()
    limited = limits(clock, per_second=per_second, burst=burst)
    taken(limited, "an", min(spent, burst))
    try:
        limited.entered("an", min(cost, burst))
    except Overloaded as refused:
        told = retry_after(refused)
        assume(told is not None and told < WAITS_S[-1])  # the longest time that is told
        clock.now += told or 0.0
        assert taken(limited, "an", min(cost, burst))


@given(seconds=st.floats(0, 4_000))
def test_times_are_told_in_few_values_never_too_short_and_at_most_two_and_a_half_times_too_long(seconds: float) -> None:
    told = rounded_up(seconds)
    assert told in WAITS_S
    assert told >= seconds
    assert told <= max(0.01, 2.5 * seconds + 1e-4)


# -- memory ----------------------------------------------------------------------------------------------------------


def test_so_many_callers_are_remembered_and_a_full_allowance_is_forgotten_first(clock: Clock) -> None:
    limited = limits(clock, per_second=10, burst=100, max_callers=3)
    for caller in ("an", "binh", "chi"):
        assert taken(limited, caller, 50)
    clock.now = 5.0
    assert taken(limited, "an", 50)
    assert taken(limited, "dung")
    assert len(limited) == 3
    assert not taken(limited, "an", 51), "an is not the one that was forgotten"


def test_an_allowance_that_is_used_up_is_not_renewed_by_forgetting_it(clock: Clock) -> None:
    limited = limits(clock, per_second=10, burst=100, max_callers=2)
    assert taken(limited, "an", 100)
    assert taken(limited, "binh", 100)
    with pytest.raises(Overloaded) as caught:
        limited.entered("chi")
    assert caught.value.retry_after_s == 20.0, "a burst comes back in 10 s, and then one of them is surely full"
    assert not taken(limited, "an")
    clock.now = caught.value.retry_after_s
    assert taken(limited, "chi")


def test_a_caller_with_a_call_inside_is_not_forgotten(clock: Clock) -> None:
    limited = limits(clock, at_once=1, max_callers=2)
    with limited.entered("an"):
        clock.now = 1_000.0
        assert taken(limited, "binh")
        clock.now = 2_000.0
        assert taken(limited, "chi")
        assert not taken(limited, "an"), "its call is still inside"
    assert len(limited) == 2


@settings(deadline=None)
@given(calls=st.lists(st.tuples(st.integers(0, 20), st.sampled_from("abcdefgh"), st.integers(1, 20)), max_size=80))
def test_what_is_forgotten_changes_nothing_for_whoever_is_let_in(calls: list[tuple[int, str, int]]) -> None:
    clock = Clock()
    few, many = (limits(clock, per_second=4, burst=20, max_callers=size) for size in (3, 1_000))
    for wait, caller, cost in calls:
        clock.now += wait / 4
        if taken(few, caller, cost):
            assert taken(many, caller, cost)
        elif caller in few._allowances:
            assert not taken(many, caller, cost)
        else:
            many._allowances.pop(caller, None)  # it was not let in for want of room, so nothing is known of it
        assert len(few) <= 3
