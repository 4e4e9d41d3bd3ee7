"""Does our evaluator say of an expression what Prometheus says? By the examples of its own documentation and test suite."""

from math import isnan

import pytest

from tests.watching.promql import Series, Untranslated, evaluate, named

# From https://prometheus.io/docs/prometheus/latest/querying/operators/#vector-matching
MATCHING = """
errors{method="get",code="500"} 24
errors{method="get",code="404"} 30
errors{method="put",code="501"} 3
errors{method="post",code="500"} 6
errors{method="post",code="404"} 21
requests{method="get"} 600
requests{method="del"} 34
requests{method="post"} 120
"""


def told(text: str, at: float = 0.0, series: Series | None = None) -> Series:
    series = series or Series()
    for line in text.split("\n"):
        if line:
            name, _, rest = line.partition("{")
            labels, _, value = rest.rpartition("} ")
            pairs = (pair.split("=") for pair in labels.split(",") if pair)
            series.add(name, frozenset((key, said.strip('"')) for key, said in pairs), at, float(value))
    return series


def of(expression: str, series: Series, at: float = 0.0) -> dict[str, float]:
    found = evaluate(expression, series, at)
    return {",".join(f"{key}={value}" for key, value in sorted(labels)): number for labels, number in found.items()}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ('errors{code="500"} / on (method) requests', {"method=get": 0.04, "method=post": 0.05}),
        ('errors{code="500"} / ignoring (code) requests', {"method=get": 0.04, "method=post": 0.05}),
        (
            "errors / on (method) group_left () requests",
            {
                "code=500,method=get": 0.04, "code=404,method=get": 0.05,
                "code=500,method=post": 0.05, "code=404,method=post": 0.175,
            },
        ),
        ("sum by (method) (errors) > 25", {"method=get": 54, "method=post": 27}),
        ("max(errors)", {"": 30}),
        ("count by (code) (errors)", {"code=500": 2, "code=404": 2, "code=501": 1}),
        ("requests unless on (method) errors", {"method=del": 34}),
        ('requests and on (method) errors{code="404"}', {"method=get": 600, "method=post": 120}),
        ("requests > 500 or requests < 50", {"method=get": 600, "method=del": 34}),
        ('errors{code=~"5.."} > 5', {"code=500,method=get": 24, "code=500,method=post": 6}),
        ('errors{code!~"5..",method!="get"}', {"code=404,method=post": 21}),
        ("100 < requests", {"method=get": 600, "method=post": 120}),
        ("2 * min(requests) + 1", {"": 69}),
        ("time() - 5", {"": -5}),
        ("nothing == 0 or 0 * max(requests)", {"": 0}),
    ],
)  # fmt: skip
def test_operators_are_those_of_prometheus(expression: str, expected: dict[str, float]) -> None:
    assert of(expression, told(MATCHING)) == pytest.approx(expected)


def test_what_prometheus_would_refuse_is_refused() -> None:
    for wrong in ("errors / on (method) requests", "requests / on (method) group_left () errors"):
        with pytest.raises(ValueError, match="matching"):
            evaluate(wrong, told(MATCHING), 0.0)
    with pytest.raises(ValueError, match="expected type matrix"):
        evaluate("rate(errors)", told(MATCHING), 0.0)


@pytest.mark.parametrize(
    "expression",
    [
        "avg(requests)", "topk(1, requests)", "sum without (method) (errors)", "requests > bool 100", "1 > bool 0",
        "requests % 7", "abs(requests)", "absent(requests)", "requests @ 0",
        "requests * on (method) group_right () errors", "-requests",
    ],
)  # fmt: skip
def test_what_no_rule_has_said_yet_is_not_guessed(expression: str) -> None:
    with pytest.raises(Untranslated):
        evaluate(expression, told(MATCHING), 0.0)


def test_what_is_no_number_is_neither_greatest_nor_least() -> None:
    series = told('a{b="1"} NaN\na{b="2"} 1\nc{b="1"} NaN')
    assert (of("max(a)", series), of("min(a)", series)) == ({"": 1}, {"": 1})
    assert isnan(of("max(c)", series)[""])
    assert of("max(c) == 0", series) == {}


def test_ranges_look_back_and_a_counter_that_fell_began_anew() -> None:
    series = Series()
    for number, value in enumerate([0, 10, 20, 5, 15]):
        series.add("calls_total", frozenset(), 60.0 * number, float(value))
    assert of("increase(calls_total[5m])", series, 240.0) == {"": 35}
    assert of("rate(calls_total[5m])", series, 240.0) == {"": 35 / 300}
    assert of("changes(calls_total[2m])", series, 240.0) == {"": 1}, "a range begins after its left end"
    assert of("max_over_time(calls_total[5m]) - min_over_time(calls_total[5m])", series, 240.0) == {"": 20}
    assert of("calls_total offset 2m", series, 240.0) == {"": 20}
    assert of("rate(calls_total[1m])", series, 240.0) == {}, "one sample is no rate"


def test_a_sample_answers_for_five_minutes_unless_its_series_ended() -> None:
    series = told('up{job="a"} 1\nup{job="b"} 1')
    series.add("up", frozenset({("job", "b")}), 60.0, None)
    assert of("up", series, 299.0) == {"job=a": 1}
    assert of("up", series, 300.0) == {}
    assert of('up{job="b"} offset 1m', series, 119.0) == {"job=b": 1}


def test_a_share_of_nothing_is_no_number_and_is_above_no_threshold() -> None:
    series = told('errors{a="1"} 0\nrequests{a="1"} 0')
    assert isnan(of("errors / requests", series)["a=1"])
    assert of("errors / requests > 0.1", series) == {}


def test_a_quantile_lies_within_its_bucket() -> None:
    buckets = "\n".join(f'b{{le="{bound}"}} {count}' for bound, count in (("0.1", 50), ("0.2", 100), ("+Inf", 100)))
    assert of("histogram_quantile(0.75, b)", told(buckets)) == {"": pytest.approx(0.15)}
    assert of("histogram_quantile(1, b)", told(buckets)) == {"": pytest.approx(0.2)}


def test_the_metrics_of_an_expression_are_named() -> None:
    assert named("time() - max by (a) (x) > 1 and changes(y[5m]) == 0 or z offset 5m > 0") == {"x", "y", "z"}
