"""A streaming replica of a PostgreSQL, as CloudNativePG runs them: it replays the log as it comes, and answers questions."""

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from congdoan.embedded import EmbeddedPostgres
from tests.base_backups import base_backup


class Replica(EmbeddedPostgres):
    """A server that follows another; it may be paused, as a whole or in its replaying."""

    def replay(self, *, paused: bool) -> None:
        """Let it replay what comes, or only keep it."""
        with psycopg.connect(self.conninfo("postgres"), autocommit=True) as connection:
            connection.execute("select pg_wal_replay_pause()" if paused else "select pg_wal_replay_resume()")

    def processes(self) -> list[int]:
        """The server and everything it has started."""
        assert self.pid
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [self.pid, *map(int, children)]

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Nothing of it runs: it takes what it is sent, and answers nothing."""
        found = self.processes()
        for pid in found:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in found:
                os.kill(pid, signal.SIGCONT)


@contextmanager
def replica_of(primary: EmbeddedPostgres, folder: Path) -> Iterator[Replica]:
    """A running replica, whose data lie in a folder; it is made from a copy, and follows from there."""
    data = folder / "replica"
    data.mkdir(mode=0o700)
    base_backup(primary.conninfo("postgres"), data / "postgres")
    for lock in (data / "postgres").glob(".s.PGSQL.*"):  # of the other one's socket, which stands in its folder
        lock.unlink()
    (data / "postgres" / "standby.signal").touch(mode=0o600)
    with (data / "postgres" / "postgresql.auto.conf").open("a") as settings:
        settings.write(f"primary_conninfo = '{primary.conninfo('postgres')}'\n")
    EmbeddedPostgres.hand_over(data / "postgres")
    with Replica(data, folder / "replica-run") as replica:
        yield replica
    shutil.rmtree(data)


def let_pass(folder: Path) -> None:
    """A server that root started is somebody else, and reaches the other one through the folders above its socket."""
    if os.geteuid() == 0:
        folder.chmod(0o711)
