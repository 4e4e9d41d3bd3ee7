"""What does an expression of an alert or a panel come to, at a moment, over samples that were read?

The part of PromQL that our rules and dashboards are written in, as Prometheus defines it
(https://prometheus.io/docs/prometheus/latest/querying/basics/), parsed by the grammar of a port of Prometheus's own. What is
used nowhere yet is refused, and nothing is guessed. One difference: `rate` and `increase` are not extrapolated to the ends of
their range, which falls out of every share of two rates.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from functools import cache
from itertools import pairwise
from math import isnan
from operator import add, eq, ge, gt, le, lt, mul, ne, sub, truediv
from typing import Any

import promql_parser

LOOKBACK_S = 300.0
"""A sample answers for so long, unless its series ended."""

Labels = frozenset[tuple[str, str]]
Vector = dict[Labels, float]
Value = float | Vector
Sample = tuple[float, float | None]
"""A moment and a number; None where the series ended."""

ARITHMETIC: Mapping[str, Callable[[float, float], float]] = {"+": add, "-": sub, "*": mul, "/": truediv}
COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {"==": eq, "!=": ne, ">": gt, ">=": ge, "<": lt, "<=": le}
SETS = frozenset({"and", "or", "unless"})
OPERATORS = ARITHMETIC.keys() | COMPARISONS.keys() | SETS


def _numbers(values: list[float]) -> list[float]:
    """Those that are numbers, or all when none is: NaN is neither greatest nor least."""
    return [value for value in values if not isnan(value)] or values


AGGREGATIONS: Mapping[str, Callable[[list[float]], float]] = {
    "sum": sum,
    "max": lambda values: max(_numbers(values)),
    "min": lambda values: min(_numbers(values)),
    "count": len,
}


class Untranslated(ValueError):
    """Prometheus may take it; nothing here says what it comes to."""


class Series:
    """What was read: samples in the order of time, by name and labels."""

    def __init__(self) -> None:
        self._kept: dict[str, dict[Labels, tuple[list[float], list[float | None]]]] = {}

    def add(self, name: str, labels: Labels, at: float, value: float | None) -> None:
        """Keep a sample, later than all of its series."""
        times, values = self._kept.setdefault(name, {}).setdefault(labels, ([], []))
        times.append(at)
        values.append(value)

    def of(self, name: str) -> Iterator[Labels]:
        """The labels of the series of a metric."""
        yield from self._kept.get(name, ())

    def last(self, name: str, labels: Labels, at: float) -> float | None:
        """The number that holds at a moment; None when there is none."""
        times, values = self._kept[name][labels]
        found = bisect_right(times, at) - 1
        return values[found] if found >= 0 and times[found] > at - LOOKBACK_S else None

    def between(self, name: str, labels: Labels, after: float, upto: float) -> list[float]:
        """The numbers of a range."""
        times, values = self._kept[name][labels]
        found = values[bisect_right(times, after) : bisect_right(times, upto)]
        return [value for value in found if value is not None]


@cache
def parsed(expression: str) -> Any:
    """The tree of an expression.

    :raises ValueError: Prometheus would not take it.
    """
    return promql_parser.parse(expression)


def named(expression: str) -> set[str]:
    """Every metric that an expression names."""
    return {str(each.name) for each in _nodes(parsed(expression)) if isinstance(each, promql_parser.VectorSelector)}


def evaluate(expression: str, series: Series, at: float) -> Vector:
    """What an expression comes to at a moment, without the names of metrics; a number as a vector of itself.

    :raises ValueError: Prometheus would not take it; :raises Untranslated: it says what no rule of ours has said yet.
    """
    value = _value(parsed(expression), series, at)
    return value if isinstance(value, dict) else {frozenset(): value}


def _value(tree: Any, series: Series, at: float) -> Value:
    match tree:
        case promql_parser.NumberLiteral():
            return float(tree.val)
        case promql_parser.ParenExpr():
            return _value(tree.expr, series, at)
        case promql_parser.VectorSelector():
            return _selected(tree, series, at)
        case promql_parser.AggregateExpr():
            return _aggregated(tree, _vector(tree.expr, series, at))
        case promql_parser.Call():
            return _called(tree, series, at)
        case promql_parser.BinaryExpr():
            return _combined(tree, _value(tree.lhs, series, at), _value(tree.rhs, series, at))
        case _:
            raise Untranslated(f"{type(tree).__name__} is used nowhere yet")


def _vector(tree: Any, series: Series, at: float) -> Vector:
    value = _value(tree, series, at)
    if not isinstance(value, dict):
        raise Untranslated("a number stands where a vector must")
    return value


def _selected(selector: Any, series: Series, at: float) -> Vector:
    moment = at - (selector.offset.total_seconds() if selector.offset else 0.0)
    if selector.at is not None:
        raise Untranslated("@ is used nowhere yet")
    found = ((labels, series.last(selector.name, labels, moment)) for labels in _matching(selector, series))
    return {labels: value for labels, value in found if value is not None}


def _matching(selector: Any, series: Series) -> Iterator[Labels]:
    for labels in series.of(selector.name):
        known = dict(labels)
        if all(_matches(matcher, known.get(matcher.name, "")) for matcher in selector.matchers.matchers):
            yield labels


def _matches(matcher: Any, value: str) -> bool:
    match matcher.op:
        case promql_parser.MatchOp.Equal:
            return bool(value == matcher.value)
        case promql_parser.MatchOp.NotEqual:
            return bool(value != matcher.value)
        case promql_parser.MatchOp.Re:
            return re.fullmatch(matcher.value, value) is not None
        case _:
            return re.fullmatch(matcher.value, value) is None


def _aggregated(tree: Any, vector: Vector) -> Vector:
    by: set[str] = set()
    if tree.modifier is not None:
        if tree.modifier.type != promql_parser.AggModifierType.By:
            raise Untranslated("without is used nowhere yet")
        by = set(tree.modifier.labels)
    groups: dict[Labels, list[float]] = {}
    for labels, value in vector.items():
        groups.setdefault(_only(labels, by), []).append(value)
    function = AGGREGATIONS.get(str(tree.op))
    if function is None or tree.param is not None:
        raise Untranslated(f"{tree.op} is used nowhere yet")
    return {labels: float(function(values)) for labels, values in groups.items()}


def _called(call: Any, series: Series, at: float) -> Value:
    name = call.func.name
    if name == "time":
        return at
    if name == "histogram_quantile":
        quantile, buckets = call.args
        return _quantiles(float(quantile.val), _vector(buckets, series, at))
    function = RANGES.get(name)
    if function is None:
        raise Untranslated(f"{name} is used nowhere yet")
    (argument,) = call.args
    matrix, seconds = argument.vector_selector, argument.range.total_seconds()
    upto = at - (matrix.offset or timedelta()).total_seconds()
    found: Vector = {}
    for labels in _matching(matrix, series):
        numbers = series.between(matrix.name, labels, upto - seconds, upto)
        if len(numbers) >= NEEDED.get(name, 1):
            found[labels] = function(numbers, seconds)
    return found


def _increase(numbers: list[float]) -> float:
    """How much a counter grew; one that fell began anew."""
    return sum(later - earlier if later >= earlier else later for earlier, later in pairwise(numbers))


RANGES: Mapping[str, Callable[[list[float], float], float]] = {
    "changes": lambda numbers, _: float(sum(one != other for one, other in pairwise(numbers))),
    "increase": lambda numbers, _: _increase(numbers),
    "rate": lambda numbers, seconds: _increase(numbers) / seconds,
    "max_over_time": lambda numbers, _: max(numbers),
    "min_over_time": lambda numbers, _: min(numbers),
}
NEEDED = {"increase": 2, "rate": 2}


def _quantiles(quantile: float, buckets: Vector) -> Vector:
    """By straight lines within the buckets of a histogram."""
    groups: dict[Labels, list[tuple[float, float]]] = {}
    for labels, count in buckets.items():
        bound = float(dict(labels)["le"])
        groups.setdefault(frozenset(each for each in labels if each[0] != "le"), []).append((bound, count))
    found: Vector = {}
    for labels, unsorted in groups.items():
        bounds, counts = zip(*sorted(unsorted), strict=True)
        wanted = quantile * counts[-1]
        if counts[-1] == 0:
            found[labels] = float("nan")
            continue
        at = bisect_left(counts, wanted)
        if at == len(bounds) - 1:
            found[labels] = bounds[-2]
            continue
        low, before = (bounds[at - 1], counts[at - 1]) if at else (0.0, 0.0)
        found[labels] = low + (bounds[at] - low) * (wanted - before) / ((counts[at] - before) or 1.0)
    return found


def _combined(tree: Any, left: Value, right: Value) -> Value:
    operator, modifier = str(tree.op), tree.modifier
    if operator not in OPERATORS or (modifier is not None and modifier.return_bool):
        raise Untranslated(f"{operator}, or its bool, is used nowhere yet")
    if isinstance(left, dict) and isinstance(right, dict):
        key = _key(modifier)
        if operator in SETS:
            return _of_sets(operator, left, right, key)
        return _matched(operator, left, right, key, modifier)
    if isinstance(left, dict) and not isinstance(right, dict):
        return _kept(operator, [(labels, value, right, value) for labels, value in left.items()])
    if isinstance(right, dict) and not isinstance(left, dict):
        return _kept(operator, [(labels, left, value, value) for labels, value in right.items()])
    assert not isinstance(left, dict)
    assert not isinstance(right, dict)
    return float(COMPARISONS[operator](left, right)) if operator in COMPARISONS else ARITHMETIC[operator](left, right)


def _key(modifier: Any) -> Callable[[Labels], Labels]:
    """By which labels the sides are matched."""
    if modifier is None or modifier.matching is None:
        return lambda labels: labels
    names = set(modifier.matching.labels)
    if modifier.matching.type == promql_parser.LabelModifierType.Include:
        return lambda labels: _only(labels, names)
    return lambda labels: frozenset(each for each in labels if each[0] not in names)


def _of_sets(operator: str, left: Vector, right: Vector, key: Callable[[Labels], Labels]) -> Vector:
    there = {key(labels) for labels in (left if operator == "or" else right)}
    if operator == "or":
        return left | {labels: value for labels, value in right.items() if key(labels) not in there}
    return {labels: value for labels, value in left.items() if (key(labels) in there) == (operator == "and")}


def _matched(operator: str, left: Vector, right: Vector, key: Callable[[Labels], Labels], modifier: Any) -> Vector:
    """One with one, or many on the left with one on the right."""
    cardinality = modifier.card if modifier else promql_parser.VectorMatchCardinality.OneToOne
    many = cardinality == promql_parser.VectorMatchCardinality.ManyToOne
    if not many and cardinality != promql_parser.VectorMatchCardinality.OneToOne:
        raise Untranslated("group_right is used nowhere yet")
    partners: dict[Labels, float] = {}
    for labels, value in right.items():
        if key(labels) in partners:
            raise ValueError(f"many-to-many matching: {sorted(key(labels))}")
        partners[key(labels)] = value
    met = [key(labels) for labels in left]
    if not many and len(met) != len(set(met)):
        raise ValueError("many-to-one matching must be said: group_left")
    found = ((labels, value, partners.get(key(labels))) for labels, value in left.items())
    narrow = key if not many else (lambda labels: labels)
    return _kept(operator, [(narrow(labels), one, other, one) for labels, one, other in found if other is not None])


def _kept(operator: str, pairs: list[tuple[Labels, float, float, float]]) -> Vector:
    """What a comparison leaves of its vector, or what arithmetic makes of it."""
    if operator in COMPARISONS:
        return {labels: value for labels, one, other, value in pairs if COMPARISONS[operator](one, other)}
    return {
        labels: _divided(one, other) if operator == "/" else ARITHMETIC[operator](one, other) for labels, one, other, _ in pairs
    }


def _divided(one: float, other: float) -> float:
    if other == 0:
        return float("nan") if one == 0 else float("inf") * one
    return one / other


def _only(labels: Labels, names: set[str]) -> Labels:
    return frozenset(each for each in labels if each[0] in names)


def _nodes(tree: Any) -> Iterator[Any]:
    yield tree
    for name in ("expr", "lhs", "rhs", "vector_selector"):
        if (child := getattr(tree, name, None)) is not None:
            yield from _nodes(child)
    for child in getattr(tree, "args", ()):
        yield from _nodes(child)
