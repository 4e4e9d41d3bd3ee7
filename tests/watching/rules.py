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
        since: dict[Labels, float] = {}
        firing = []
        for at in moments:
            found = evaluate(self.expression, series, at)
            since = {labels: since.get(labels, at) for labels in found}
            firing.append(any(at - began >= self.for_s for began in since.values()))
        return firing


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
