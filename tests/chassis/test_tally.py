"""Does a follower's tally tell which positions it left out or took twice, however the history was split?"""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from chassis.tally import Finding, Sums, Tally, Verdict, chained, judged, named

followed = st.lists(st.integers(1, 9), min_size=1, max_size=60).map(
    lambda steps: [sum(steps[: n + 1]) for n in range(len(steps))]
)
"""Positions that concern a follower, in order, with those between them that do not."""


def tally_of(batches: Sequence[Sequence[int]], aside: Sequence[int] = ()) -> Tally:
    tally = Tally()
    for batch in batches:
        tally = tally.moved(batch, [position for position in batch if position not in aside])
    return tally


def finding(positions: Sequence[int], tally: Tally, aside: Sequence[int] = ()) -> Finding:
    due = [position for position in positions if position not in aside]
    return judged(Sums().plus(due), chained(b"", positions), tally) or named(due, tally)


@given(followed, st.data())
def test_each_once_is_each_once_in_whatever_batches_with_some_aside(positions: list[int], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(positions)))
    aside = data.draw(st.lists(st.sampled_from(positions), unique=True))
    tally = tally_of([positions[:cut], positions[cut:]], aside)
    assert tally == tally_of([[position] for position in positions], aside)
    assert finding(positions, tally, aside).verdict is Verdict.EXACTLY_ONCE


@given(followed, st.data())
def test_a_piece_that_was_left_out_is_named(positions: list[int], data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(positions) - 1))
    end = data.draw(st.integers(start + 1, len(positions)))
    found = finding(positions, tally_of([positions[:start], positions[end:]]))
    assert (found.verdict, list(found.missing), list(found.twice)) == (Verdict.MISSING, positions[start:end], [])


@given(followed, st.data())
def test_a_piece_that_came_twice_is_named(positions: list[int], data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(positions) - 1))
    end = data.draw(st.integers(start + 1, len(positions)))
    found = finding(positions, tally_of([positions[:end], positions[start:]]))
    assert (found.verdict, list(found.twice), list(found.missing)) == (Verdict.TWICE, positions[start:end], [])


@given(st.sets(st.integers(1, 500), min_size=5, max_size=40), st.data())
def test_one_left_out_and_another_twice_are_both_named(found: set[int], data: st.DataObject) -> None:
    positions = sorted(found)
    missing, twice = data.draw(st.lists(st.sampled_from(positions), min_size=2, max_size=2, unique=True))
    taken = [position for position in positions if position != missing]
    said = finding(positions, tally_of([taken, [twice]]))
    assert said == Finding(Verdict.MISSING_AND_TWICE, (missing,), (twice,))


def test_two_apart_from_each_other_are_named_and_three_are_not_guessed() -> None:
    positions = list(range(1, 101))
    two, three = (finding(positions, tally_of([[p for p in positions if p not in gone]])) for gone in ((7, 61), (7, 30, 61)))
    assert two == Finding(Verdict.MISSING, (7, 61))
    assert three.verdict in (Verdict.UNNAMED, Verdict.MISSING)
    assert len(three.missing) in (0, 3)


def test_another_order_is_not_the_same() -> None:
    assert finding([1, 2, 3], tally_of([[1, 3, 2]])).verdict is Verdict.OUT_OF_ORDER


def test_what_lay_aside_and_is_lost_is_missing() -> None:
    tally = tally_of([[1, 2, 3]], aside=[2])
    assert finding([1, 2, 3], tally) == Finding(Verdict.MISSING, (2,))
