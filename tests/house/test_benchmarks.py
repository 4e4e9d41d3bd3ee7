"""Does every row of the benchmarks still run? A little of each, once; no time is asserted."""

import pytest

from benchmarks import __main__ as benchmarks
from benchmarks.measuring import Result, race, within


@pytest.mark.long
@pytest.mark.timeout(300)
def test_every_row_runs(capsys: pytest.CaptureFixture[str]) -> None:
    results = benchmarks.run(["--short"])
    assert {result.against for result in results} >= {"empty gRPC echo", "one message at a time", "limit", "offered"}
    assert all(result.theirs > 0 and result.ours >= 0 for result in results)
    printed = capsys.readouterr().out
    assert "full command in process" in printed


def test_only_the_rows_asked_for_are_run() -> None:
    rows = [race(name, lambda: 1.0, {}) for name in ("publisher", "replay")]
    assert benchmarks.chosen(rows, ["repl"]) == rows[1:]
    assert benchmarks.chosen(rows, []) == rows


def test_the_medians_of_a_race_are_compared() -> None:
    ours, theirs = iter([9.0, 40.0, 20.0]), iter([10.0, 1.0, 30.0])
    (result,) = race("row", lambda: next(ours), {"peer": lambda: next(theirs)}, aim=2.0).measure(3)
    assert result == Result("row", "peer", 20.0, 10.0, aim=2.0)
    assert result.reached


@pytest.mark.parametrize(("amount", "reached"), [(4.0, True), (5.0, True), (5.1, False)])
def test_an_amount_is_good_within_its_limit(amount: float, reached: bool) -> None:
    assert within("delay", amount, 5.0, " ms").reached is reached


def test_what_has_no_aim_is_neither_good_nor_bad() -> None:
    assert Result("row", "peer", 1.0, 2.0).reached is None
