"""Do the real servers start, come back, and leave nothing behind, whoever starts them and however they are ended?"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import nats
import psycopg
import pytest

from congdoan.embedded import (
    BackOff,
    ChildProcess,
    DataFolderInUse,
    DataFolderUnusable,
    Death,
    EmbeddedNats,
    EmbeddedPostgres,
    EmbeddedServerError,
    RunFolderTooLong,
    ServerDidNotStart,
    ServerNotInstalled,
    ServiceProcess,
    Supervisor,
    binaries,
    folder,
    postgres,
    reserve_port,
)
from congdoan.embedded import nats as embedded_nats

ROOT = os.geteuid() == 0
ORDINARY_UID = 12_345  # without a line in /etc/passwd, as in many containers
REPOSITORY = Path(__file__).parents[2]
PATIENCE_S = 80.0
SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]


# -- what the tests stand on -------------------------------------------------------------------------------------------


@pytest.fixture
def run() -> Iterator[Path]:
    """A private folder with a short path: pytest's own are too long for a socket."""
    made = Path(tempfile.mkdtemp(prefix="congdoan-"))
    yield made
    shutil.rmtree(made)


@pytest.fixture
def pg(tmp_path: Path, run: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(tmp_path / "data", run)
    with server:
        yield server


@pytest.fixture
def bus(tmp_path: Path, run: Path) -> Iterator[EmbeddedNats]:
    server = EmbeddedNats(tmp_path / "data", run)
    with server:
        yield server


@pytest.fixture(autouse=True)
def _no_child_is_left() -> Iterator[None]:
    before = set(descendants(os.getpid()))
    yield
    eventually(lambda: set(descendants(os.getpid())) <= before)


def eventually(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def parents() -> dict[int, int]:
    """Every living process of the machine and its parent; zombies are not alive."""
    found = {}
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        try:
            state, parent = Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if state != "Z":
            found[int(pid)] = int(parent)
    return found


def descendants(pid: int) -> list[int]:
    tree = parents()
    found = [pid]
    for ancestor in found:
        found += [child for child, parent in tree.items() if parent == ancestor]
    return found[1:]


def alive(pids: list[int]) -> list[int]:
    return sorted(set(pids) & set(parents()))


def rows(url: str, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def python(script: str, *arguments: str | Path, uid: int | None = None) -> subprocess.Popen[str]:
    """`script` in an interpreter of its own, its output to be read; as another user when `uid` is given."""
    user: dict[str, Any] = {} if uid is None else {"user": uid, "group": uid, "extra_groups": []}
    folders = (REPOSITORY, REPOSITORY / "services", REPOSITORY / "proto" / "stubs", sysconfig.get_path("purelib"))
    environment = os.environ | {"PYTHONPATH": ":".join(map(str, folders))}
    return subprocess.Popen(
        [interpreter_for(uid), "-c", script, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
        cwd="/",
        start_new_session=True,
        **user,
    )


def interpreter_for(uid: int | None) -> str:
    """Ours may be in root's home, where another user cannot reach it."""
    if uid is None:
        return sys.executable
    for candidate in filter(None, (sys.executable, shutil.which("python3.11", path="/usr/local/bin:/usr/bin"))):
        with_user: dict[str, Any] = {"user": uid, "group": uid, "extra_groups": []}
        try:
            subprocess.run([candidate, "-c", "pass"], check=True, cwd="/", **with_user)
        except (OSError, subprocess.CalledProcessError):
            continue
        return candidate
    pytest.fail(f"no Python 3.11 that uid {uid} can run")


def heard(process: subprocess.Popen[str]) -> Any:
    """The next line that the script prints, as JSON."""
    assert process.stdout is not None
    line = process.stdout.readline()
    try:
        return json.loads(line)
    except ValueError:
        pytest.fail(f"the script said: {line}{process.stdout.read()}")


def end(process: subprocess.Popen[str]) -> str:
    """Wait for it; the rest of what it printed."""
    return process.communicate(timeout=60)[0]


# -- a child process ---------------------------------------------------------------------------------------------------


def test_a_child_has_a_session_of_its_own_so_ctrl_c_does_not_reach_it(tmp_path: Path) -> None:
    child = ChildProcess(SLEEPER, log=tmp_path / "log")
    assert os.getsid(child.pid) == os.getpgid(child.pid) == child.pid
    assert child.terminate() == -signal.SIGTERM
    assert not child.running


def test_a_child_that_ignores_sigterm_is_killed_with_its_own_children(tmp_path: Path) -> None:
    shell = ["/bin/sh", "-c", "trap '' TERM; sleep 600 & echo up; while :; do sleep 600; done"]
    child = ChildProcess(shell, log=tmp_path / "log")
    eventually(lambda: child.log_tail() == "up" and len(descendants(child.pid)) == 2)
    family = [child.pid, *descendants(child.pid)]
    assert child.terminate(timeout_s=0.1) == -signal.SIGKILL
    eventually(lambda: not alive(family))


def test_what_a_child_leaves_in_its_group_goes_with_it(tmp_path: Path) -> None:
    child = ChildProcess(["/bin/sh", "-c", "sleep 600 & echo $!; exit 3"], log=tmp_path / "log")
    assert child.wait(PATIENCE_S) == 3
    eventually(lambda: not alive([int(child.log_tail())]))


def test_the_end_of_the_log_is_that_of_this_run(tmp_path: Path) -> None:
    for words in ("first", "second\nthird"):
        child = ChildProcess(["/bin/echo", words], log=tmp_path / "log")
        assert child.wait(PATIENCE_S) == 0
    assert child.log_tail() == "second\nthird"
    assert child.log_tail(1) == "third"
    assert (tmp_path / "log").read_text() == "first\nsecond\nthird\n"


def test_a_program_that_cannot_be_run_says_why_in_the_log(tmp_path: Path) -> None:
    child = ChildProcess([tmp_path / "nothing"], log=tmp_path / "log")
    assert child.wait(PATIENCE_S) == 126
    assert "No such file or directory" in child.log_tail()


def test_a_child_gets_the_user_the_folder_and_the_environment_it_was_meant_to_have(tmp_path: Path) -> None:
    uid = ORDINARY_UID if ROOT else None
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    show = ["/bin/sh", "-c", "id -u; id -G; echo $ONLY $HOME; kill -PIPE $$; echo not reached"]
    with groups_of_root([4]):
        child = ChildProcess(show, log=tmp_path / "log", uid=uid, cwd=private, env={"ONLY": "this"})
    assert child.wait(PATIENCE_S) == -signal.SIGPIPE, "the signals Python ignores are as they should be"
    expected = str(ORDINARY_UID if ROOT else os.geteuid())
    assert child.log_tail().splitlines()[0] == expected
    assert not ROOT or child.log_tail().splitlines()[1] == expected, "no group of root's is left to it"
    assert child.log_tail().splitlines()[2] == "this"


@contextlib.contextmanager
def groups_of_root(groups: list[int]) -> Iterator[None]:
    """For a moment we belong to these groups as well, if we are root."""
    before = os.getgroups()
    if ROOT:
        os.setgroups(groups)
    yield
    if ROOT:
        os.setgroups(before)


SUITE = """
import json, sys, time
from pathlib import Path
from congdoan.embedded import EmbeddedNats, EmbeddedPostgres, ServiceProcess, Supervisor

data, run = Path(sys.argv[1]), Path(sys.argv[2])
pg, bus = EmbeddedPostgres(data, run), EmbeddedNats(data, run)
service = ServiceProcess(
    "service", [sys.executable, "-c", "import time; time.sleep(600)"], log=run / "service.log", is_ready=lambda: True
)
with Supervisor() as suite:
    suite.start(pg, bus)
    suite.start(service)
    suite.watch(lambda death: print(json.dumps(death.name), flush=True))
    print(json.dumps("up"), flush=True)
    time.sleep(600)
"""


def test_nothing_outlives_a_suite_that_is_killed_and_its_data_is_there_for_the_next(tmp_path: Path, run: Path) -> None:
    suite = python(SUITE, tmp_path / "data", run)
    assert heard(suite) == "up"
    server = EmbeddedPostgres(tmp_path / "data", run)
    rows(server.conninfo("postgres"), "create table kept as select 'Đoàn kết' as word")
    with computing_for_ever(server) as backend:
        family = descendants(suite.pid)
        assert backend in family
        suite.kill()
        end(suite)
        with server:  # at once: it waits for the dying
            assert rows(server.conninfo("postgres"), "select word from kept") == [("Đoàn kết",)]
    eventually(lambda: not alive(family))


def test_nothing_is_left_after_ctrl_c_however_often_it_is_pressed(tmp_path: Path, run: Path) -> None:
    suite = python(SUITE, tmp_path / "data", run)
    assert heard(suite) == "up"
    family = descendants(suite.pid)
    for _ in range(5):
        os.killpg(suite.pid, signal.SIGINT)
        time.sleep(0.002)
    said = end(suite)
    assert suite.returncode == -signal.SIGINT, said
    assert alive(family) == []
    assert list(run.iterdir()) == [run / "service.log"]
    assert "database system is shut down" in (tmp_path / "data/postgres.log").read_text(), "it was not killed"


@pytest.mark.parametrize("after_s", [0.0, 0.05, 0.2, 0.4, 0.8])
def test_nothing_is_left_after_sigterm_in_the_middle_of_the_start(after_s: float, tmp_path: Path, run: Path) -> None:
    suite = python(SUITE.replace("with Supervisor", "print(json.dumps(1), flush=True)\nwith Supervisor"), tmp_path / "data", run)
    assert heard(suite) == 1
    time.sleep(after_s)
    family = descendants(suite.pid)
    suite.terminate()
    said = end(suite)
    assert suite.returncode in (128 + signal.SIGTERM, -signal.SIGTERM), said
    eventually(lambda: not alive(family))
    with EmbeddedPostgres(tmp_path / "data", run):
        """What is there is whole, or is made anew."""


# -- PostgreSQL --------------------------------------------------------------------------------------------------------


def test_postgres_keeps_vietnamese_text_and_is_durable(pg: EmbeddedPostgres) -> None:
    pg.create_database("membership")
    url = pg.conninfo("membership")
    assert rows(url, "select lower('NGUYỄN THỊ ĐÀO'), pg_encoding_to_char(encoding) from pg_database limit 1") == [
        ("nguyễn thị đào", "UTF8")
    ]
    for name in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums"):
        assert rows(url, f"show {name}") == [("on",)]


def test_a_database_is_made_once_and_asked_for_often(pg: EmbeddedPostgres) -> None:
    for _ in range(2):
        pg.create_database('quốc "gia"')
    assert rows(pg.conninfo('quốc "gia"'), "select current_database()") == [('quốc "gia"',)]


def test_postgres_can_be_reached_by_a_socket_in_a_private_folder_and_by_nothing_else(
    pg: EmbeddedPostgres, tmp_path: Path
) -> None:
    assert pg.pid is not None
    inodes = {os.readlink(fd) for fd in Path(f"/proc/{pg.pid}/fd").iterdir()}
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            assert f"socket:[{line.split()[9]}]" not in inodes, "it has a TCP port"
    cluster = tmp_path / "data/postgres"
    assert stat.S_IMODE(cluster.stat().st_mode) == 0o700
    assert stat.S_IMODE((cluster / ".s.PGSQL.5432").stat().st_mode) == 0o700


def test_postgres_is_never_root_and_no_permission_above_its_folder_is_opened(tmp_path: Path, run: Path) -> None:
    """Its cluster is below a folder that its user may not enter."""
    locked = tmp_path / "locked"
    data = locked / "deeper/data"
    data.mkdir(parents=True)
    locked.chmod(0o700)
    above = [data, *data.parents]
    before = [(path.stat().st_mode, path.stat().st_uid) for path in above]
    with EmbeddedPostgres(data, run) as server:
        owner = Path(f"/proc/{server.pid}").stat().st_uid
        assert owner == (postgres.SERVER_UID if ROOT else os.geteuid())
        assert rows(server.conninfo("postgres"), "select 1") == [(1,)]
    assert [(path.stat().st_mode, path.stat().st_uid) for path in above] == before


def test_a_killed_postgres_comes_back_with_its_data(pg: EmbeddedPostgres) -> None:
    url = pg.conninfo("postgres")
    rows(url, "create table kept (number int)")
    for number in range(3):
        rows(url, f"insert into kept values ({number})")
        pg.kill()
        assert pg.exit_code == -signal.SIGKILL
        pg.start()
        assert rows(url, "select count(*) from kept") == [(number + 1,)]


def test_a_busy_backend_does_not_outlive_its_killed_server(pg: EmbeddedPostgres) -> None:
    """Its client lives on, and PostgreSQL itself would let it finish its query."""
    assert pg.pid is not None
    with computing_for_ever(pg) as backend:
        family = [pg.pid, *descendants(pg.pid)]
        assert backend in family
        pg.kill()
        assert alive(family) == []
    pg.start()


@contextlib.contextmanager
def computing_for_ever(server: EmbeddedPostgres) -> Iterator[int]:
    """A backend that is busy with a query of ours; its end is waited for."""
    connection = psycopg.connect(server.conninfo("postgres"))
    backend = connection.info.backend_pid

    def ask() -> None:
        with pytest.raises(psycopg.OperationalError):
            connection.execute("select count(*) from generate_series(1, 100000000000)")

    client = threading.Thread(target=ask)
    client.start()
    busy = f"select 1 from pg_stat_activity where pid = {backend} and state = 'active'"
    eventually(lambda: rows(server.conninfo("postgres"), busy))
    yield backend
    client.join(PATIENCE_S)
    assert not client.is_alive()


def test_a_stopped_postgres_leaves_nothing_outside_its_data_folder(tmp_path: Path, run: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "data", run)
    server.start()
    assert server.pid is not None
    family = [server.pid, *descendants(server.pid)]
    segment = (tmp_path / "data/postgres/postmaster.pid").read_text().splitlines()[6].split()[1]
    assert segment in shared_memory()
    assert not [pid for pid in family if "/dev/shm/" in Path(f"/proc/{pid}/maps").read_text()]
    server.stop()
    assert server.exit_code == 0
    assert alive(family) == []
    assert segment not in shared_memory()
    assert list(run.iterdir()) == []
    server.stop()  # a second time is nothing
    with server:
        assert server.ready()


def shared_memory() -> list[str]:
    return [line.split()[1] for line in Path("/proc/sysvipc/shm").read_text().splitlines()]


def test_one_data_folder_is_refused_to_a_second_suite(
    pg: EmbeddedPostgres, tmp_path: Path, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "_PATIENCE_S", 0.2)
    second = EmbeddedPostgres(tmp_path / "data", run / "second")
    with pytest.raises(DataFolderInUse, match=rf"another suite \(process {os.getpid()}\)"):
        second.start()
    assert not second.running
    assert rows(pg.conninfo("postgres"), "select 1") == [(1,)]


def test_a_folder_with_a_server_that_somebody_else_started_is_refused_too(
    pg: EmbeddedPostgres, tmp_path: Path, run: Path
) -> None:
    (tmp_path / "data/postgres.lock").unlink()  # a server started by hand holds no lock
    with pytest.raises(DataFolderInUse, match="another PostgreSQL runs on"):
        EmbeddedPostgres(tmp_path / "data", run / "second").start()
    assert rows(pg.conninfo("postgres"), "select 1") == [(1,)]


def test_a_stale_pid_file_is_no_obstacle_although_its_pid_is_alive_again(pg: EmbeddedPostgres, tmp_path: Path) -> None:
    cluster = tmp_path / "data/postgres"
    pg.kill()
    stranger = ChildProcess(["/bin/sleep", "600"], log=tmp_path / "log", uid=cluster.stat().st_uid if ROOT else None)
    for file in (cluster / "postmaster.pid", cluster / ".s.PGSQL.5432.lock"):
        file.write_text("\n".join([str(stranger.pid), *file.read_text().splitlines()[1:]]))
    pg.start()
    assert rows(pg.conninfo("postgres"), "select 1") == [(1,)]
    stranger.kill()


def test_half_a_cluster_left_by_a_kill_is_made_anew(tmp_path: Path, run: Path) -> None:
    half = tmp_path / "data/postgres.new/base"
    half.mkdir(parents=True)
    (half.parent / "PG_VERSION").write_text("18\n")
    with EmbeddedPostgres(tmp_path / "data", run) as server:
        assert rows(server.conninfo("postgres"), "select 1") == [(1,)]
    assert not half.parent.exists()


def test_a_postgres_that_does_not_start_says_why(tmp_path: Path, run: Path) -> None:
    with EmbeddedPostgres(tmp_path / "data", run):
        pass
    control = tmp_path / "data/postgres/global/pg_control"
    control.rename(tmp_path / "aside")
    server = EmbeddedPostgres(tmp_path / "data", run)
    with pytest.raises(ServerDidNotStart, match=r"postgres ended, exit code 2.*\n.*could not find the database system"):
        server.start()
    (tmp_path / "aside").rename(control)
    with server:
        assert server.ready(), "the failure left no claim on the folder"


def test_a_cluster_of_another_version_is_refused_with_advice(tmp_path: Path, run: Path) -> None:
    with EmbeddedPostgres(tmp_path / "data", run):
        pass
    (tmp_path / "data/postgres/PG_VERSION").write_text("17\n")
    with pytest.raises(DataFolderUnusable, match="was made by PostgreSQL 17, and this is 18"):
        EmbeddedPostgres(tmp_path / "data", run).start()


def test_a_run_folder_with_too_long_a_path_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(RunFolderTooLong, match="107 are allowed"):
        EmbeddedPostgres(tmp_path, Path("/tmp") / ("x" * 90))
    EmbeddedPostgres(tmp_path, Path("/tmp") / ("x" * 79))


def test_binaries_that_the_servers_user_cannot_reach_are_copied_once(
    tmp_path: Path, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = tmp_path / "hidden"
    wheel = binaries._wheel()
    for part in (wheel.name, f"{wheel.name}.libs"):
        shutil.copytree(wheel.parent / part, hidden / part)
    hidden.chmod(0o700)
    cache = Path(tempfile.mkdtemp(prefix="congdoan-"))
    cache.chmod(0o755)
    monkeypatch.setattr(binaries, "_wheel", lambda: hidden / wheel.name)
    monkeypatch.setattr(binaries, "BINARY_CACHE", cache)
    try:
        with EmbeddedPostgres(tmp_path / "data", run) as server:
            assert rows(server.conninfo("postgres"), "select 1") == [(1,)]
            first = [(path, path.stat().st_mtime_ns) for path in cache.iterdir()]
            assert len(first) == (1 if ROOT else 0)
            server.stop()
            server.start()
            assert [(path, path.stat().st_mtime_ns) for path in cache.iterdir()] == first
    finally:
        shutil.rmtree(cache)


ORDINARY = """
import json, os, sys
from pathlib import Path
import psycopg
from congdoan.embedded import EmbeddedNats, EmbeddedPostgres

data, run = Path(sys.argv[1]), Path(sys.argv[2])
with EmbeddedPostgres(data, run) as pg, EmbeddedNats(data, run) as bus:
    pg.create_database("membership")
    with psycopg.connect(pg.conninfo("membership")) as connection:
        answer = connection.execute("select 1").fetchone()[0]
    owners = {os.stat(f"/proc/{server.pid}").st_uid for server in (pg, bus)}
    print(json.dumps([answer, bus.healthy(), sorted(owners), os.getuid()]), flush=True)
"""


def test_an_ordinary_user_runs_both_servers_even_one_without_a_name(run: Path) -> None:
    uid = ORDINARY_UID if ROOT else None
    home = run / "home"
    home.mkdir()
    if ROOT:
        run.chmod(0o711)
        os.chown(home, ORDINARY_UID, ORDINARY_UID)
    suite = python(ORDINARY, home / "data", home / "run", uid=uid)
    expected = ORDINARY_UID if ROOT else os.getuid()
    assert heard(suite) == [1, True, [expected], expected]
    assert end(suite) == ""
    assert suite.returncode == 0
    if ROOT:  # and root may go on with what that user began, as that user
        with EmbeddedPostgres(home / "data", home / "run") as server:
            assert Path(f"/proc/{server.pid}").stat().st_uid == ORDINARY_UID
            assert rows(server.conninfo("membership"), "select 1") == [(1,)]


def test_a_folder_of_another_user_is_refused_with_advice(tmp_path: Path, run: Path) -> None:
    blocked = tmp_path / "data"
    blocked.write_text("a file where the folder should be")
    with pytest.raises(DataFolderUnusable, match="cannot make the folder"):
        EmbeddedPostgres(blocked, run).start()
    if ROOT:
        said = end(python(ORDINARY, run, run / "run", uid=ORDINARY_UID))
        assert "DataFolderUnusable: uid 12345 cannot write" in said
        assert "Start as that user" in said


# -- NATS --------------------------------------------------------------------------------------------------------------


async def publish(url: str, number: int) -> None:
    client = await nats.connect(url)
    stream = client.jetstream()
    await stream.add_stream(name="told", subjects=["told"])
    await stream.publish("told", str(number).encode())
    await client.close()


async def told(url: str) -> int:
    client = await nats.connect(url)
    info = await client.jetstream().stream_info("told")
    await client.close()
    return info.state.messages


def test_a_killed_nats_comes_back_on_its_ports_with_its_messages(bus: EmbeddedNats) -> None:
    url, monitoring_url = bus.url, bus.monitoring_url
    for number in range(3):
        asyncio.run(publish(url, number))
        bus.kill()
        assert not bus.healthy()
        bus.start()
        assert (bus.url, bus.monitoring_url) == (url, monitoring_url)
        assert asyncio.run(told(url)) == number + 1


def test_a_client_of_nats_finds_it_again_by_itself(bus: EmbeddedNats) -> None:
    async def stay_connected() -> None:
        back = asyncio.Event()

        async def reconnected() -> None:
            back.set()

        client = await nats.connect(bus.url, max_reconnect_attempts=-1, reconnect_time_wait=0.05, reconnected_cb=reconnected)
        bus.kill()
        bus.start()
        await asyncio.wait_for(back.wait(), PATIENCE_S)
        await client.close()

    asyncio.run(stay_connected())


def test_nats_lets_nobody_in_without_the_token(bus: EmbeddedNats) -> None:
    async def knock() -> None:
        await nats.connect(bus.url.replace(f"services:{bus.token}@", ""), allow_reconnect=False, max_reconnect_attempts=0)

    with pytest.raises(nats.errors.Error, match="Authorization Violation"):
        asyncio.run(knock())


def test_the_token_is_kept_for_this_user_alone_and_is_on_no_command_line(bus: EmbeddedNats, tmp_path: Path, run: Path) -> None:
    for secret in (tmp_path / "data/nats.token", run / "nats.conf"):
        assert bus.token in secret.read_text()
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert bus.token not in Path(f"/proc/{bus.pid}/cmdline").read_text()
    assert bus.token not in (tmp_path / "data/nats.log").read_text()
    bus.stop()
    assert list(run.iterdir()) == [], "nor is it left in the run folder"
    assert EmbeddedNats(tmp_path / "data", run).token == bus.token, "it is the same at the next start"


def test_nats_is_durable_and_listens_to_this_machine_only(bus: EmbeddedNats) -> None:
    with urllib.request.urlopen(f"{bus.monitoring_url}/varz") as answer:
        varz = json.load(answer)
    assert varz["jetstream"]["config"]["sync_interval"] > 0
    assert varz["jetstream"]["config"].get("sync_always") is True
    assert varz["max_payload"] == 1024 * 1024
    assert (varz["host"], varz["http_host"]) == ("127.0.0.1", "127.0.0.1")


def test_one_data_folder_is_refused_to_a_second_nats(
    bus: EmbeddedNats, tmp_path: Path, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "_PATIENCE_S", 0.2)
    with pytest.raises(DataFolderInUse, match="another suite"):
        EmbeddedNats(tmp_path / "data", run).start()
    assert bus.healthy()
    assert (run / "nats.conf").exists(), "the refused one has not touched what is not its own"


def test_an_old_or_missing_nats_is_refused(tmp_path: Path, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "nats-server"
    old.write_text("#!/bin/sh\necho nats-server: v2.14.9\n")
    old.chmod(0o755)
    monkeypatch.setattr(embedded_nats, "_binary", lambda: old)
    with pytest.raises(ServerNotInstalled, match=r"must be version 2\.15 or later; it says 'nats-server: v2\.14\.9'"):
        EmbeddedNats(tmp_path / "data", run).start()


# -- ports -------------------------------------------------------------------------------------------------------------


def test_a_wanted_port_is_taken_when_nobody_listens_there() -> None:
    earlier = reserve_port()
    number = earlier.number
    earlier.release()
    wanted = reserve_port(number)
    assert wanted.number == number
    wanted.release()
    with socket.create_server(("127.0.0.1", number), reuse_port=True):
        assert reserve_port(number).number != number


GRPC_SERVER = """
import asyncio, os, sys
import grpc

async def pid(request, context):
    return str(os.getpid()).encode()

async def main():
    server = grpc.aio.server()
    method = grpc.unary_unary_rpc_method_handler(pid)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("probe", {"Pid": method}),))
    server.add_insecure_port(sys.argv[1])
    await server.start()
    await server.wait_for_termination()

asyncio.run(main())
"""


def test_a_call_to_a_reserved_port_reaches_the_child_and_never_the_holder(tmp_path: Path) -> None:
    port = reserve_port()
    for _ in range(2):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port.number))
        child = ChildProcess([sys.executable, "-c", GRPC_SERVER, port.address], log=tmp_path / "log")
        for _ in range(25):
            with grpc.insecure_channel(port.address, [("grpc.use_local_subchannel_pool", 1)]) as channel:
                call: Any = channel.unary_unary("/probe/Pid")
                assert int(call(b"", wait_for_ready=True, timeout=PATIENCE_S)) == child.pid
        child.kill()
    port.release()


def test_a_reserved_port_is_given_to_nobody_else_while_its_child_is_away() -> None:
    port = reserve_port()
    ip_local_port_range = 51  # of <linux/in.h>, since Linux 6.3: what "any port" may be for one socket
    only_this_one = struct.pack("I", port.number | port.number << 16)
    for options in ((), (socket.SO_REUSEADDR,), (socket.SO_REUSEPORT,), (socket.SO_REUSEADDR, socket.SO_REUSEPORT)):
        with socket.socket() as other:
            for option in options:
                other.setsockopt(socket.SOL_SOCKET, option, 1)
            try:
                other.setsockopt(socket.IPPROTO_IP, ip_local_port_range, only_this_one)
            except OSError:  # an older kernel: any of them all, then
                other.bind(("127.0.0.1", 0))
                assert other.getsockname()[1] != port.number
                continue
            with pytest.raises(OSError, match="Address already in use"):
                other.bind(("127.0.0.1", 0))
    assert len({port.number, *(reserve_port().number for _ in range(100))}) >= 2
    port.release()


# -- the supervisor ----------------------------------------------------------------------------------------------------


class Puppet:
    """Something supervised that writes down what is done to it."""

    start_timeout_s = 1.0

    def __init__(self, name: str, diary: list[str], fails: bool = False) -> None:
        self.name, self.diary, self.fails = name, diary, fails
        self.running = False
        self.exit_code: int | None = None

    def launch(self) -> None:
        if self.fails:
            raise ServerDidNotStart(f"{self.name} is broken")
        self.diary.append(f"{self.name} launched")
        self.running = True

    def ready(self) -> bool:
        return self.running

    def stop(self, timeout_s: float) -> None:
        self.diary.append(f"{self.name} stopped")
        self.running = False

    def kill(self) -> None:
        self.running = False

    def log_tail(self, lines: int) -> str:
        return "its last words"

    def not_started(self) -> EmbeddedServerError:
        return ServerDidNotStart(self.name)


def test_what_started_last_stops_first() -> None:
    diary: list[str] = []
    with Supervisor() as suite:
        suite.start(Puppet("postgres", diary), Puppet("nats", diary))
        suite.start(Puppet("membership", diary))
        diary.clear()
    assert diary == ["membership stopped", "nats stopped", "postgres stopped"]


def test_only_the_first_wish_to_end_raises_and_none_after_the_suite_is_over() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with Supervisor():
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
    with Supervisor(), pytest.raises(SystemExit, match="143"):
        signal.raise_signal(signal.SIGTERM)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_a_wish_to_end_waits_until_a_child_is_launched() -> None:
    diary: list[str] = []
    hasty, late = Puppet("hasty", diary), Puppet("late", diary)
    launch = hasty.launch

    def interrupted() -> None:
        signal.raise_signal(signal.SIGINT)
        launch()

    hasty.launch = interrupted  # type: ignore[method-assign]
    with Supervisor() as suite, pytest.raises(KeyboardInterrupt):
        suite.start(hasty, late)
    assert diary == ["hasty launched", "hasty stopped"]


def test_one_that_fails_to_start_stops_those_before_it() -> None:
    diary: list[str] = []
    with Supervisor() as suite:
        suite.start(Puppet("postgres", diary))
        with pytest.raises(ServerDidNotStart, match="membership is broken"):
            suite.start(Puppet("nats", diary), Puppet("membership", diary, fails=True), Puppet("awards", diary))
        assert diary == ["postgres launched", "nats launched", "membership stopped", "nats stopped", "postgres stopped"]


def test_one_that_cannot_be_stopped_is_killed_and_the_others_stop_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    diary: list[str] = []
    first, stubborn = Puppet("first", diary), Puppet("stubborn", diary)

    def refuse(timeout_s: float) -> None:
        raise OSError("no")

    stubborn.stop = refuse  # type: ignore[method-assign]
    with Supervisor() as suite:
        suite.start(first, stubborn)
    assert not stubborn.running
    assert diary[-1] == "first stopped"
    assert "stubborn did not stop as it should" in caplog.text


def test_the_wait_before_a_restart_doubles_and_is_forgotten_after_a_longer_life() -> None:
    back_off = BackOff()
    assert [back_off.after_a_life_of(1.0) for _ in range(8)] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    assert [back_off.after_a_life_of(lived_s) for lived_s in (30.0, 0.0)] == [0.1, 0.2]


def service(name: str, argv: list[str], run: Path) -> ServiceProcess:
    return ServiceProcess(name, argv, log=run / f"{name}.log", is_ready=lambda: True)


def kill_from_outside(victim: ServiceProcess) -> None:
    """And wait until it is there again."""
    before = victim.pid
    assert before is not None
    os.kill(before, signal.SIGKILL)
    eventually(lambda: victim.running and victim.pid != before)


def test_what_dies_is_restarted_and_its_death_is_told(run: Path) -> None:
    deaths: list[Death] = []
    speaker = service("speaker", ["/bin/sh", "-c", "echo last words; exec sleep 600"], run)
    with Supervisor() as suite:
        suite.start(speaker)
        suite.watch(deaths.append)
        for _ in range(2):
            eventually(lambda: speaker.log_tail() == "last words")
            kill_from_outside(speaker)
        restarted = speaker.pid
    assert deaths == [
        Death("speaker", -signal.SIGKILL, restart, delay_s, "last words") for restart, delay_s in ((1, 0.1), (2, 0.2))
    ]
    assert speaker.exit_code == -signal.SIGTERM, "the thread that restarted it has not taken it along"
    assert restarted is not None
    assert alive([restarted]) == []


def test_servers_that_are_killed_from_outside_are_brought_back_with_their_data(tmp_path: Path, run: Path) -> None:
    pg, bus = EmbeddedPostgres(tmp_path / "data", run), EmbeddedNats(tmp_path / "data", run)
    deaths: list[Death] = []
    with Supervisor() as suite:
        suite.start(pg, bus)
        suite.watch(deaths.append)
        rows(pg.conninfo("postgres"), "create table kept (number int)")
        for server in (pg, bus):
            assert server.pid is not None
            os.kill(server.pid, signal.SIGKILL)
        eventually(lambda: len(deaths) == 2 and pg.ready() and bus.ready())
        assert rows(pg.conninfo("postgres"), "select count(*) from kept") == [(0,)]
    assert {death.name for death in deaths} == {"postgres", "nats"}
    assert pg.exit_code == 0


def test_a_restart_that_fails_is_told_and_tried_again() -> None:
    deaths: list[Death] = []
    puppet = Puppet("puppet", [])
    with Supervisor() as suite:
        suite.start(puppet)
        puppet.running, puppet.fails = False, True
        suite.watch(deaths.append)
        eventually(lambda: len(deaths) >= 2)
        puppet.fails = False
        eventually(lambda: puppet.running)
    assert (deaths[0].reason, deaths[1].reason) == ("its last words", "puppet is broken")
    assert [death.restart for death in deaths[:2]] == [1, 2]


def test_a_listener_that_fails_does_not_end_the_watch(run: Path, caplog: pytest.LogCaptureFixture) -> None:
    def fail(death: Death) -> None:
        raise ValueError("a listener's mistake")

    sleeper = service("sleeper", SLEEPER, run)
    with Supervisor() as suite:
        suite.start(sleeper)
        suite.watch(fail)
        for _ in range(2):
            kill_from_outside(sleeper)
    assert "a listener's mistake" in caplog.text


def test_a_listener_may_stop_the_suite(run: Path) -> None:
    sleeper, over = service("sleeper", SLEEPER, run), threading.Event()
    with Supervisor() as suite:

        def give_up(death: Death) -> None:
            suite.stop()
            over.set()

        suite.start(sleeper)
        suite.watch(give_up)
        assert sleeper.pid is not None
        os.kill(sleeper.pid, signal.SIGKILL)
        assert over.wait(PATIENCE_S)
        assert not sleeper.running


def test_one_that_will_not_end_is_killed_when_its_share_of_the_time_is_over(run: Path) -> None:
    deaf = service("deaf", ["/bin/sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 1; done"], run)
    polite = service("polite", SLEEPER, run)
    with Supervisor(stop_budget_s=0.5) as suite:
        suite.start(polite, deaf)
        eventually(lambda: deaf.log_tail() == "deaf")
    assert deaf.exit_code == -signal.SIGKILL
    assert polite.exit_code == -signal.SIGTERM


def test_a_service_that_ends_before_it_is_ready_is_an_error_with_its_log(run: Path) -> None:
    broken = ServiceProcess("broken", ["/bin/sh", "-c", "echo no such setting; exit 2"], log=run / "log", is_ready=lambda: False)
    with Supervisor() as suite, pytest.raises(ServerDidNotStart, match=r"broken ended, exit code 2.*\n.*no such setting"):
        suite.start(broken)


def test_a_service_that_is_never_ready_is_an_error_and_is_stopped(run: Path) -> None:
    never = ServiceProcess("never", SLEEPER, log=run / "log", is_ready=lambda: False, start_timeout_s=0.2)
    with pytest.raises(ServerDidNotStart, match=r"never is not ready after 0\.2 s"):
        never.start()
    assert never.exit_code == -signal.SIGKILL
