"""Does what an operator looks at name what there is? The boards against their table, the manifests, and the metrics told."""

import json
import re
from pathlib import Path

import pytest

import chassis.metrics
from chassis.metrics import Metrics
from deploy.dashboards import BOARDS, FOLDER, Board, text_of
from tests.deploy.rendered import rendered
from tests.watching.promql import named, parsed
from tests.watching.rules import rules

OTHERS = {
    "up": "Prometheus itself",
    "process_resident_memory_bytes": "prometheus_client",
    "process_cpu_seconds_total": "prometheus_client",
    "kube_statefulset_replicas": "kube-state-metrics",
    "kube_statefulset_status_replicas_ready": "kube-state-metrics",
    "kube_deployment_status_replicas_available": "kube-state-metrics",
    "kubelet_volume_stats_available_bytes": "kubelet",
    "kubelet_volume_stats_capacity_bytes": "kubelet",
    "barman_cloud_cloudnative_pg_io_last_available_backup_timestamp": "CloudNativePG's Barman Cloud plugin",
}
"""What others tell, by the names of their documentation."""
SERVICES = Path(__file__).parents[2] / "services"


def code_of(package: Path) -> str:
    """Everything that is written in it."""
    return "\n".join(path.read_text() for path in package.rglob("*.py"))


def told(package: Path = SERVICES) -> set[str]:
    """Every metric that a service of ours tells, by its name in the code."""
    return set(re.findall(r'"(congdoan_[a-z_]+)"', code_of(package)))


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_a_board_is_as_its_table_says(board: Board) -> None:
    assert (FOLDER / f"{board.uid}.json").read_text() == text_of(board), "run `make dashboards`"


def test_grafana_finds_every_board() -> None:
    (config,) = [
        each
        for each in rendered("national").of("ConfigMap")
        if each["metadata"].get("labels", {}).get("grafana_dashboard") == "1"
    ]
    boards = {name: json.loads(text) for name, text in config["data"].items()}
    assert set(boards) == {f"{board.uid}.json" for board in BOARDS} == {path.name for path in FOLDER.iterdir()}
    for board in boards.values():
        vi, _, en = board["title"].partition(" · ")
        assert vi
        assert en
        assert len({(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in board["panels"]}) == len(board["panels"])


def test_every_query_is_one_and_names_what_is_told() -> None:
    queries = [query.plain for board in BOARDS for panel in board.panels for query in panel.queries]
    known = {name + end for name in told() for end in ("", "_total", "_bucket", "_sum", "_count")} | OTHERS.keys()
    for query in [*queries, *(rule.expression for rule in rules())]:
        parsed(query)
        assert named(query) - known == set(), query


def documented(text: str) -> set[str]:
    """Every metric that is described, by its name in the code: a counter's lacks the end that Prometheus gives it."""
    return {name.removesuffix("_total") for name in re.findall(r"``(congdoan_[a-z_]+)", text)}


def test_every_metric_is_described_and_nothing_else_is() -> None:
    assert told(SERVICES / "chassis") == documented(chassis.metrics.__doc__ or "")
    for package in SERVICES.iterdir():
        if package.name != "chassis":
            assert told(package) == documented(code_of(package)), package.name
    exposed = {family.name for family in Metrics().registry.collect() if family.name.startswith("congdoan_")}
    assert told() > told(SERVICES / "chassis") > exposed, "as they are written, they are found"
