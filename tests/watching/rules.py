"""Which alerts are there, and when does each fire over what was read? As Prometheus does: true for so long, and then fired."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.watching.promql import Labels, Series, evaluate

TELEMETRY = Path(__file__).parents[2] / "deploy" / "k8s" / "components" / "telemetry"
UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


@dataclass(frozen=True, slots=True)
class Rule:
    """An alert: fires once its expression has given something for so many seconds."""

    name: str
    expression: str
    for_s: float
    severity: str
    annotations: tuple[tuple[str, str], ...]

    def fires(self, series: Series, moments: Sequence[float]) -> list[bool]:
        """At each of some moments, in order: whether it fires then."""
        watch = Watch(self)
        return [watch.fires(series, at) for at in moments]


class Watch:
    """A rule, looked at again and again: since when its expression has given each of its series."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.since: dict[Labels, float] = {}
        """Empty when the rule is silent, and nothing is about to make it fire."""

    def fires(self, series: Series, at: float) -> bool:
        """Whether it fires at a moment, later than all it was asked about."""
        self.since = {labels: self.since.get(labels, at) for labels in evaluate(self.rule.expression, series, at)}
        return any(at - began >= self.rule.for_s for began in self.since.values())


def seconds(text: str) -> float:
    """What ``1h30m`` is in seconds."""
    return float(sum(int(number) * UNITS_S[unit] for number, unit in re.findall(r"(\d+)([smhd])", text)))


@cache
def documents() -> list[dict[str, Any]]:
    """The file of the alerts, as it is applied."""
    return list(yaml.safe_load_all((TELEMETRY / "alerts.yaml").read_text()))


def rules() -> list[Rule]:
    """Every alert."""
    return list(_rules())


def _rules() -> Iterator[Rule]:
    for document in documents():
        for group in document["spec"]["groups"]:
            for rule in group["rules"]:
                notes = tuple(sorted(rule["annotations"].items()))
                yield Rule(rule["alert"], rule["expr"], seconds(rule.get("for", "0s")), rule["labels"]["severity"], notes)
