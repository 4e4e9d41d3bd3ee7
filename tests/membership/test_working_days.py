"""By when is something due that is counted in working days?"""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from membership.domain.working_days import closed_in_viet_nam, working_day_after

CLOSED = closed_in_viet_nam()
DAYS = st.dates(date(2024, 1, 1), date(2030, 12, 31))


@pytest.mark.parametrize(
    ("received", "due"),
    [
        (date(2026, 3, 2), date(2026, 3, 4)),  # Monday: Tuesday, Wednesday
        (date(2026, 3, 5), date(2026, 3, 9)),  # Thursday: Friday, Monday
        (date(2026, 3, 6), date(2026, 3, 10)),  # Friday: Monday, Tuesday
        (date(2026, 3, 7), date(2026, 3, 10)),  # Saturday
        (date(2026, 3, 8), date(2026, 3, 10)),  # Sunday
        # Tết 2026 begins on Tuesday, 17 February; free from Monday 16 to Friday 20.
        (date(2026, 2, 12), date(2026, 2, 23)),  # Thursday: Friday 13, Monday 23
        (date(2026, 2, 13), date(2026, 2, 24)),  # Friday: Monday 23, Tuesday 24
        (date(2026, 2, 18), date(2026, 2, 24)),  # in the middle of Tết
        (date(2026, 4, 24), date(2026, 4, 29)),  # the Hùng kings' day is a Sunday, so Monday 27 is free
        (date(2026, 4, 28), date(2026, 5, 4)),  # Wednesday 29; Thursday 30 and Friday 1 May are free; Monday 4
    ],
)
def test_an_answer_is_due_on_the_second_working_day_after(received: date, due: date) -> None:
    assert working_day_after(received, 2, CLOSED) == due


def test_a_day_that_was_exchanged_by_decision_is_told_by_an_exception() -> None:
    # Friday 2 January 2026 was free, and worked on Saturday 10 January instead.
    decreed = closed_in_viet_nam({date(2026, 1, 2): True, date(2026, 1, 10): False})
    assert working_day_after(date(2025, 12, 31), 1, CLOSED) == date(2026, 1, 2)
    assert working_day_after(date(2025, 12, 31), 1, decreed) == date(2026, 1, 5)
    assert working_day_after(date(2026, 1, 9), 1, decreed) == date(2026, 1, 10)


def test_the_first_working_day_after_has_number_one() -> None:
    with pytest.raises(ValueError, match="number 1"):
        working_day_after(date(2026, 3, 2), 0, CLOSED)


@given(DAYS, st.integers(1, 30))
@settings(max_examples=200, deadline=None)
def test_counting_day_by_day_comes_to_the_same(day: date, n: int) -> None:
    due = working_day_after(day, n, CLOSED)
    between = [day + timedelta(days=step) for step in range(1, (due - day).days + 1)]
    assert sum(not CLOSED(each) for each in between) == n
    assert not CLOSED(due)


@given(DAYS)
@settings(max_examples=200, deadline=None)
def test_no_weekend_is_a_working_day_without_a_decision(day: date) -> None:
    assert CLOSED(day) or day.weekday() < 5


@given(DAYS, DAYS, st.integers(1, 10))
@settings(max_examples=100, deadline=None)
def test_what_is_received_later_is_never_due_earlier(one: date, other: date, n: int) -> None:
    first, second = sorted((one, other))
    assert working_day_after(first, n, CLOSED) <= working_day_after(second, n, CLOSED)
