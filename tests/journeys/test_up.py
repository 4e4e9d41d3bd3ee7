"""`congdoan up` as a person sees it: real servers, real processes, the figures that were published, and nothing left behind."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.folders import fast_folder

REPOSITORY = Path(__file__).resolve().parents[2]
# A run of tests in the background of a shell ignores Ctrl-C, and so would what it starts.
COMMAND = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from congdoan.cli import main; main()"
ORDINARY_UID = 12_345
PATIENCE_S = 240.0

pytestmark = pytest.mark.timeout(600)

PUBLISHED: dict[tuple[str, int], dict[str, int | str]] = {
    ("vinh-phuc", 2024): {"grassroots_units": 76, "members": 4_512, "gift_shares": 47, "flags_received": 1},
    ("cdvcvn", 2024): {"flags_by_confederation": 6, "flags_by_federation": 14, "honoured_delegates": 150},
    ("ha-noi", 2023): {
        "initiatives": 2_107,
        "initiative_target": 1_789,
        "initiative_percent": "117.78",
        "plan_items": 39,
        "plan_items_key_task": 9,
        "plan_items_focal": 5,
        "plan_items_regular": 25,
    },
}
AT_LEAST = {("vinh-phuc", 2024): {"certificates_of_merit": 3, "commendations": 3}, ("ha-noi", 2023): {"late_reports": 1}}


class Running:
    """A `congdoan up`, what it has said so far, and every process that ever stood below it."""

    def __init__(self, *arguments: str | Path, runtime: Path, uid: int | None = None) -> None:
        user: dict[str, Any] = {} if uid is None else {"user": uid, "group": uid, "extra_groups": []}
        paths = [REPOSITORY, REPOSITORY / "services", REPOSITORY / "proto/stubs", sysconfig.get_path("purelib")]
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("CONGDOAN_")},
            "XDG_RUNTIME_DIR": str(runtime),
            "TMPDIR": str(runtime),
            "PYTHONPATH": os.pathsep.join(map(str, paths)),
        }
        self.runtime, self.out, self.said = runtime, "", ""
        self.processes: set[tuple[int, int]] = set()
        self.process = subprocess.Popen(
            [interpreter_for(uid), "-c", COMMAND, "up", *map(str, arguments)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self.environment, cwd="/", **user,
        )  # fmt: skip
        self._readers = [threading.Thread(target=self._read, args=(name,)) for name in ("out", "said")]
        for reader in self._readers:
            reader.start()

    def _read(self, name: str) -> None:
        stream = self.process.stdout if name == "out" else self.process.stderr
        assert stream is not None
        for line in stream:
            setattr(self, name, getattr(self, name) + line)

    def until_said(self, words: str) -> None:
        """Wait until it has said some words on standard error."""
        self._until(lambda: words in self.said)

    def until_ready(self) -> None:
        """Wait until it serves; remember who is who."""
        self.until_said("Ctrl-C")
        self.processes |= set(self.below().values())

    def below(self) -> dict[str, tuple[int, int]]:
        """The processes of the suite by their command: pid and time of start."""
        children: dict[int, list[int]] = {}
        for pid in map(int, filter(str.isdecimal, os.listdir("/proc"))):
            if (parent := parent_of(pid)) is not None:
                children.setdefault(parent, []).append(pid)
        found, queue = {}, [self.process.pid]
        for pid in queue:
            queue += children.get(pid, [])
            if pid != self.process.pid and (began := began_of(pid)) is not None:
                found[f"{command_of(pid)} #{pid}"] = (pid, began)
        return found

    def pid_of(self, service: str) -> int:
        """The process of a service."""
        return next(pid for command, (pid, _) in self.below().items() if f"-m {service} serve" in command)

    def end(self, number: signal.Signals = signal.SIGINT) -> float:
        """Tell it to stop, wait for its end, and answer the seconds that took."""
        self.processes |= set(self.below().values())
        began = time.monotonic()
        self.process.send_signal(number)
        return self.wait() and time.monotonic() - began

    def wait(self) -> float:
        """Wait for its end."""
        try:
            self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            pytest.fail(f"it does not end; it said: {self.said}")
        for reader in self._readers:
            reader.join()
        return 1.0

    def survivors(self) -> set[int]:
        """Processes of it that still live."""
        return {pid for pid, began in self.processes if began_of(pid) == began}

    def left_behind(self) -> list[str]:
        """What lies in the folder of temporary files and notes."""
        return sorted(path.name for path in self.runtime.iterdir())

    def congdoan(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Another command, beside it."""
        return subprocess.run(
            [sys.executable, "-c", COMMAND, *map(str, arguments)],
            capture_output=True, text=True, env=self.environment, cwd="/", check=False, timeout=PATIENCE_S,
        )  # fmt: skip

    def positions(self, data: Path) -> dict[str, int]:
        """How far every read model is, once nothing moves."""
        models = json.loads(self.congdoan("readmodels", "list", "--data", data, "--json").stdout)["read_models"]
        assert all(model["lag"] == 0 for model in models)
        return {f"{model['service']}/{model['name']}": model["position"] for model in models}

    def _until(self, so: Any) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not so():
            if self.process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"it ended or takes too long (exit code {self.process.returncode}); it said: {self.said}")
            time.sleep(0.05)


def soon() -> float:
    """Ten seconds, on a machine that has no more to do than it can; as many times that as it has too much."""
    return 10.0 * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def interpreter_for(uid: int | None) -> str:
    """Ours may be in root's home, where another user cannot reach it."""
    if uid is None:
        return sys.executable
    for candidate in filter(None, (sys.executable, shutil.which("python3.11", path="/usr/local/bin:/usr/bin"))):
        user: dict[str, Any] = {"user": uid, "group": uid, "extra_groups": []}
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            subprocess.run([candidate, "-c", f"open({str(REPOSITORY / 'pyproject.toml')!r})"], check=True, cwd="/", **user)
            return candidate
    pytest.skip(f"uid {uid} can reach no Python 3.11, or not this repository")


def stat_of(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the name; empty when there is no such process, or only its zombie."""
    try:
        fields = Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
    return [] if fields[0] == "Z" else fields


def parent_of(pid: int) -> int | None:
    fields = stat_of(pid)
    return int(fields[1]) if fields else None


def began_of(pid: int) -> int | None:
    fields = stat_of(pid)
    return int(fields[19]) if fields else None


def command_of(pid: int) -> str:
    try:
        return Path("/proc", str(pid), "cmdline").read_text().replace("\0", " ").strip()
    except OSError:
        return ""


@pytest.fixture
def runtime() -> Iterator[Path]:
    """A short folder for everything temporary, so that what is left behind is seen."""
    with fast_folder() as folder:
        yield folder


@pytest.fixture
def data() -> Iterator[Path]:
    """Where a history is kept longer than one suite."""
    with fast_folder() as folder:
        yield folder / "history"


@contextlib.contextmanager
def suite(*arguments: str | Path, runtime: Path, uid: int | None = None) -> Iterator[Running]:
    """A running `congdoan up`, killed at the end of a test that failed."""
    running = Running(*arguments, runtime=runtime, uid=uid)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
            running.wait()


def check_published(document: dict[str, Any]) -> None:
    summaries = {(summary["unit"], summary["year"]): summary["figures"] for summary in document["summaries"]}
    for unit_and_year, figures in PUBLISHED.items():
        told = summaries[unit_and_year]
        assert {name: told[name]["value"] for name in figures} == figures
        assert all(told[name]["events"] > 0 for name in figures)
    for unit_and_year, least in AT_LEAST.items():
        assert all(summaries[unit_and_year][name]["value"] >= number for name, number in least.items())
    disagreed = {
        (unit, name): figure
        for (unit, _), figures in summaries.items()
        for name, figure in figures.items()
        if figure["value"] != figure["audited"]
    }
    assert disagreed == {}


def test_the_suite_tells_the_published_figures_survives_a_killed_service_and_goes_on_where_it_was(
    runtime: Path, data: Path
) -> None:
    """One long story, for each chapter of it would cost another start of everything."""
    with suite("--data", data, "--json", "--lang", "en", runtime=runtime) as first:
        first.until_ready()
        document = json.loads(first.out)
        check_published(document)
        check_reports(first, data, document)
        check_the_history_is_whole(first, data)
        check_a_killed_service_comes_back(first, data, document)
        check_a_second_suite_beside_it(first, data)
        before = first.positions(data)
        assert first.end(signal.SIGINT) <= soon()
        assert first.process.returncode == 0
        assert (first.survivors(), first.left_behind()) == (set(), [])
        assert not (data / "suite.json").exists()

    with suite("--data", data, "--json", "--lang", "en", runtime=runtime) as second:
        second.until_ready()
        assert "nothing is fed" in second.said
        assert second.positions(data) == before
        assert figures_of(json.loads(second.out)) == figures_of(document)
        assert second.end(signal.SIGTERM) <= soon()
        assert second.process.returncode == 0
        assert (second.survivors(), second.left_behind()) == (set(), [])


def figures_of(document: dict[str, Any]) -> dict[str, Any]:
    return {summary["unit"]: summary["figures"] for summary in document["summaries"]}


def check_reports(running: Running, data: Path, document: dict[str, Any]) -> None:
    """The same summary is answered for asking, by the folder and without; other days and units have other figures."""
    ha_noi = next(summary for summary in document["summaries"] if summary["unit"] == "ha-noi")
    by_folder = running.congdoan("report", "summary", "--unit", "ha-noi", "--year", "2023", "--json", "--data", data)
    assert (by_folder.returncode, json.loads(by_folder.stdout)) == (0, ha_noi)
    earlier = ("--unit", "vinh-phuc", "--year", "2024", "--as-of", "2024-01-25")
    gifts = json.loads(running.congdoan("report", "summary", *earlier, "--json").stdout)["figures"]["gift_shares"]
    assert gifts["value"] == gifts["audited"]
    assert 0 < gifts["value"] < 47
    table = running.congdoan("report", "summary", "--unit", "ha-noi", "--year", "2023")
    assert table.returncode == 0
    assert "117,78" in table.stdout
    assert running.congdoan("report", "summary", "--unit", "nowhere", "--year", "2023").returncode == 2
    aside = running.congdoan("deadletters", "list", "--json")
    assert json.loads(aside.stdout) == {"dead_letters": [], "stale": []}


def check_the_history_is_whole(running: Running, data: Path) -> None:
    """An auditor finds nothing wrong, by stream and store, goes on from there, and that it was done is recorded."""
    since = ("--since", data / "verified")
    for source in ("stream", "store"):
        told = running.congdoan("audit", "verify", "--from", source, *since, "--data", data, "--json")
        found = json.loads(told.stdout)
        assert (told.returncode, found["whole"]) == (0, True), told.stdout
        assert {service["service"] for service in found["services"]} >= {"membership", "audit"}
        assert found["recorded"] > 0
    assert found["services"][0]["first_position"] > 1
    assert (data / "secrets/auditor.nk").stat().st_mode & 0o077 == 0
    assert running.congdoan("audit", "verify", "--key", "nothing", "--data", data).returncode == 2


def check_a_killed_service_comes_back(running: Running, data: Path, document: dict[str, Any]) -> None:
    killed = running.pid_of("welfare")
    os.kill(killed, signal.SIGKILL)
    running.until_said("welfare ended (-9); restart 1")
    deadline = time.monotonic() + PATIENCE_S
    while (again := running.congdoan("report", "summary", "--unit", "vinh-phuc", "--year", "2024", "--json")).returncode == 3:
        assert time.monotonic() < deadline, again.stderr
    assert json.loads(again.stdout)["figures"] == figures_of(document)["vinh-phuc"]
    assert running.pid_of("welfare") != killed


def check_a_second_suite_beside_it(running: Running, data: Path) -> None:
    """It has nothing of the first one's, and takes nothing of it; one on the same folder is refused."""
    with suite("--empty", "--lang", "en", runtime=running.runtime) as beside:
        beside.until_ready()
        nearest = beside.congdoan("report", "summary", "--unit", "vinh-phuc", "--year", "2024")
        assert nearest.returncode == 2, "the latest suite is asked, and it is empty"
        assert beside.end() <= soon()
        assert (beside.process.returncode, beside.survivors()) == (0, set())
    with suite("--data", data, "--exit", "--lang", "en", runtime=running.runtime) as refused:
        refused.wait()
        assert refused.process.returncode == 1
        assert "in use" in refused.said
    assert running.congdoan("report", "summary", "--unit", "vinh-phuc", "--year", "2024").returncode == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="whoever is not root runs all of this as an ordinary user anyway")
def test_an_ordinary_user_runs_the_suite_and_it_prints_one_document_and_ends(runtime: Path) -> None:
    os.chown(runtime, ORDINARY_UID, ORDINARY_UID)
    with suite("--empty", "--exit", "--json", runtime=runtime, uid=ORDINARY_UID) as running:
        running.wait()
        assert running.process.returncode == 0, running.said
        assert json.loads(running.out) == {"summaries": []}
        assert running.left_behind() == []


def test_a_suite_that_is_told_to_stop_while_it_starts_leaves_nothing(runtime: Path) -> None:
    with suite("--lang", "en", runtime=runtime) as running:
        running._until(lambda: any("-m membership serve" in command for command in running.below()))
        assert running.end(signal.SIGTERM) <= soon()
        assert running.process.returncode == 128 + signal.SIGTERM
        assert (running.survivors(), running.left_behind(), running.out) == (set(), [], "")


@pytest.mark.long
def test_what_a_killed_suite_left_is_taken_away_by_the_next(runtime: Path) -> None:
    with suite("--empty", runtime=runtime) as killed:
        killed.until_ready()
        killed.process.kill()
        killed.wait()
        assert killed.left_behind() != []
    with suite("--empty", "--exit", runtime=runtime) as next_one:
        next_one.wait()
        assert next_one.process.returncode == 0
        assert (killed.survivors(), next_one.left_behind()) == (set(), [])
