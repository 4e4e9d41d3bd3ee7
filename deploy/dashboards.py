"""What does an operator look at? Three boards for Grafana, each a table of panels here; `make dashboards` writes their JSON.

The files in ``k8s/components/telemetry/dashboards`` are what is applied; a test holds them against this table, and every query
against what the services really tell.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "k8s" / "components" / "telemetry" / "dashboards"
SERVICE = "$service"
"""What Grafana puts the chosen service for."""
ONE_SERVICE = f'{{app_kubernetes_io_name="{SERVICE}"}}'
BY = "app_kubernetes_io_name"
WIDTH, HEIGHT, COLUMNS = 8, 8, 3


@dataclass(frozen=True, slots=True)
class Query:
    """An expression, and how its lines are called."""

    expression: str
    legend: str = f"{{{{{BY}}}}}"

    @property
    def plain(self) -> str:
        """As Prometheus is asked, for one service."""
        return self.expression.replace(SERVICE, "membership")


@dataclass(frozen=True, slots=True)
class Panel:
    """A question, in both languages, its unit as Grafana names it, and what answers it."""

    vi: str
    en: str
    unit: str
    queries: tuple[Query, ...]

    @property
    def title(self) -> str:
        """Both languages."""
        return f"{self.vi} · {self.en}"


@dataclass(frozen=True, slots=True)
class Board:
    """A page of panels; one that is `of_one_service` lets its reader choose which."""

    uid: str
    vi: str
    en: str
    panels: tuple[Panel, ...]
    of_one_service: bool = False


def _panel(vi: str, en: str, unit: str, *queries: str | tuple[str, str]) -> Panel:
    return Panel(vi, en, unit, tuple(Query(each) if isinstance(each, str) else Query(*each) for each in queries))


def _share(status: str) -> str:
    calls = f"sum by ({BY}) (rate(congdoan_calls_total[5m]))"
    return f'sum by ({BY}) (rate(congdoan_calls_total{{status=~"{status}"}}[5m])) / {calls} or 0 * {calls}'


def _quantile(quantile: float) -> tuple[str, str]:
    buckets = f"sum by (le) (rate(congdoan_call_seconds_bucket{ONE_SERVICE}[5m]))"
    return f"histogram_quantile({quantile}, {buckets})", f"p{quantile * 100:g}"


FEDERATION = Board(
    "congdoan-federation", "Liên đoàn, nhìn một lượt", "The federation at a glance",
    (
        _panel("Bản chạy đọc được chỉ số", "Pods whose metrics are read", "none",
               f'sum by ({BY}) (up{{job="congdoan/services"}})'),
        _panel("Cuộc gọi mỗi giây", "Calls a second", "reqps", f"sum by ({BY}) (rate(congdoan_calls_total[5m]))"),
        _panel("Phần cuộc gọi thất bại", "Share of calls that fail", "percentunit", _share("UNAVAILABLE|INTERNAL")),
        _panel("Phần bị từ chối vì quá tải", "Share of calls that are shed", "percentunit", _share("RESOURCE_EXHAUSTED")),
        _panel("Sự kiện ghi mỗi giây", "Events recorded a second", "wps",
               f"sum by ({BY}) (rate(congdoan_appended_events_total[5m]))"),
        _panel(
            "Sự kiện chờ công bố", "Events waiting to be announced", "short",
            f"min by ({BY}) (congdoan_publisher_backlog_events)",
        ),
        _panel(
            "Sự kiện chưa xem tới", "Events not yet looked at", "short",
            (f"min by ({BY}, follower) (congdoan_follower_lag_events)", f"{{{{{BY}}}}} {{{{follower}}}}"),
        ),
        _panel(
            "Sự kiện để sang một bên", "Events that lie aside", "short",
            (f"max by ({BY}, follower) (congdoan_parked_events)", f"{{{{{BY}}}}} {{{{follower}}}}"),
        ),
        _panel(
            "Sự kiện chưa chốt vào sổ cái", "Events not under a checkpoint", "short",
            (
                "max by (service) (congdoan_head_position) - on (service) max by (service) (congdoan_checkpoint_size)",
                "{{service}}",
            ),
        ),
        _panel("Luồng và kho không khớp", "Stream and store disagree", "bool_yes_no", f"max by ({BY}) (congdoan_stream_alarm)"),
        _panel(
            "Lịch sử không tiếp nối", "Histories that do not go on", "bool_yes_no",
            ("max by (service) (congdoan_log_broken)", "{{service}}"), ("max(congdoan_ledger_broken)", "sổ cái · ledger"),
        ),
        _panel(
            "Thư chưa gửi", "Mails that have not left", "short",
            ("max(congdoan_mails_waiting)", "chờ · waiting"), ("max(congdoan_mails_failing)", "lỗi · failing"),
        ),
    ),
)  # fmt: skip

ONE = Board(
    "congdoan-service", "Một dịch vụ, nhìn kỹ", "One service in depth",
    (
        _panel("Cuộc gọi theo phương thức", "Calls by method", "reqps",
               (f"sum by (method) (rate(congdoan_calls_total{ONE_SERVICE}[5m]))", "{{method}}")),
        _panel("Cuộc gọi theo kết quả", "Calls by outcome", "reqps",
               (f"sum by (status, outcome) (rate(congdoan_calls_total{ONE_SERVICE}[5m]))", "{{status}} {{outcome}}")),
        _panel("Thời gian trả lời", "Time to answer", "s", _quantile(0.5), _quantile(0.95), _quantile(0.99)),
        _panel("Lệnh chờ ghi", "Commands waiting to be kept", "short", (f"congdoan_appends_waiting{ONE_SERVICE}", "{{pod}}")),
        _panel("Lệnh trong một giao dịch", "Commands a transaction", "short",
               (f"rate(congdoan_append_batch_commands_sum{ONE_SERVICE}[5m]) / "
                f"rate(congdoan_append_batch_commands_count{ONE_SERVICE}[5m])", "{{pod}}")),
        _panel("Vị trí sự kiện cuối", "Position of the last event", "short",
               (f"max by (service) (congdoan_head_position{ONE_SERVICE})", "{{service}}")),
        _panel("Các bên theo dõi còn thiếu", "What followers have before them", "short",
               (f"min by (follower) (congdoan_follower_lag_events{ONE_SERVICE})", "{{follower}}")),
        _panel("Đối chiếu luồng tới vị trí", "Stream compared up to", "short",
               (f"max(congdoan_stream_compared_position{ONE_SERVICE})", "đã so · compared"),
               (f"max(congdoan_stream_differences{ONE_SERVICE})", "khác · differences"),
               (f"max(congdoan_stream_repairs{ONE_SERVICE})", "sửa · repairs")),
        _panel("Từ lần đối chiếu trọn vẹn", "Since the last whole comparison", "s",
               (f"time() - max(congdoan_stream_whole_timestamp_seconds{ONE_SERVICE})", "tuổi · age")),
        _panel("Chứng thư còn hạn", "Certificate valid for", "s",
               (f"congdoan_certificate_expires_timestamp_seconds{ONE_SERVICE} - time()", "{{pod}}")),
        _panel("Bộ nhớ", "Memory", "bytes", (f"process_resident_memory_bytes{ONE_SERVICE}", "{{pod}}")),
        _panel("CPU", "CPU", "percentunit", (f"rate(process_cpu_seconds_total{ONE_SERVICE}[5m])", "{{pod}}")),
    ),
    of_one_service=True,
)  # fmt: skip

SERVERS = Board(
    "congdoan-servers", "NATS và PostgreSQL", "NATS and PostgreSQL",
    (
        _panel("Dịch vụ nối được tới NATS", "Services connected to NATS", "bool_yes_no",
               f"max by ({BY}) (congdoan_nats_connected)"),
        _panel("Máy chủ NATS khoẻ", "Healthy NATS servers", "none",
               ('kube_statefulset_status_replicas_ready{namespace="congdoan", statefulset="nats"}', "NATS")),
        _panel("Cơ sở dữ liệu trả lời", "Databases that answer", "bool_yes_no", f"max by ({BY}) (congdoan_database_reachable)"),
        _panel("Kho khoá trả lời", "The key store answers", "bool_yes_no", f"max by ({BY}) (congdoan_keys_reachable)"),
        _panel("Ổ đĩa còn trống", "Disk left", "percentunit",
               ('kubelet_volume_stats_available_bytes{namespace="congdoan"} / '
                'kubelet_volume_stats_capacity_bytes{namespace="congdoan"}', "{{persistentvolumeclaim}}")),
        _panel("Tuổi bản sao lưu mới nhất", "Age of the newest backup", "s",
               ("time() - max by (cnpg_io_cluster) (barman_cloud_cloudnative_pg_io_last_available_backup_timestamp)",
                "{{cnpg_io_cluster}}")),
    ),
)  # fmt: skip

BOARDS = (FEDERATION, ONE, SERVERS)


def document(board: Board) -> dict[str, Any]:
    """A board as Grafana reads it."""
    panels = [_drawn(panel, number) for number, panel in enumerate(board.panels)]
    return {
        "uid": board.uid, "title": f"{board.vi} · {board.en}", "tags": ["congdoan"], "timezone": "Asia/Ho_Chi_Minh",
        "schemaVersion": 39, "refresh": "30s", "time": {"from": "now-6h", "to": "now"}, "editable": False,
        "templating": {"list": [_SOURCE, *([_CHOICE] if board.of_one_service else [])]}, "panels": panels,
    }  # fmt: skip


_SOURCE: Mapping[str, Any] = {"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"}
_CHOICE: Mapping[str, Any] = {
    "name": "service", "label": "Dịch vụ · Service", "type": "query", "datasource": {"type": "prometheus", "uid": "$source"},
    "query": f"label_values(congdoan_database_reachable, {BY})", "refresh": 2,
}  # fmt: skip


def _drawn(panel: Panel, number: int) -> dict[str, Any]:
    source = {"type": "prometheus", "uid": "$source"}
    place = {"x": number % COLUMNS * WIDTH, "y": number // COLUMNS * HEIGHT, "w": WIDTH, "h": HEIGHT}
    targets = [
        {"refId": chr(ord("A") + at), "expr": query.expression, "legendFormat": query.legend, "datasource": source}
        for at, query in enumerate(panel.queries)
    ]
    return {
        "id": number + 1, "type": "timeseries", "title": panel.title, "datasource": source, "gridPos": place,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []}, "targets": targets,
    }  # fmt: skip


def text_of(board: Board) -> str:
    """The file of a board."""
    return json.dumps(document(board), ensure_ascii=False, indent=2) + "\n"


def write(folder: Path = FOLDER) -> None:
    """Write every board anew."""
    folder.mkdir(exist_ok=True)
    for board in BOARDS:
        (folder / f"{board.uid}.json").write_text(text_of(board))


if __name__ == "__main__":
    write()
