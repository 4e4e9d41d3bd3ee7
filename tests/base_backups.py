"""How is a running PostgreSQL copied whole, and how does a server come up on the copy?

A copy is what ``pg_basebackup`` writes while the server goes on. With the archive of the write-ahead log beside it, a new
server replays everything since: to the end of the archive, or to a point before it.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from congdoan.embedded.binaries import binaries_for
from congdoan.embedded.errors import EmbeddedServerError
from congdoan.embedded.postgres import EmbeddedPostgres

ARCHIVED_WITHIN_S = 60.0
RECOVERED_WITHIN_S = 600.0
_POLL_S = 0.02


class CopyFailed(EmbeddedServerError):
    """The server could not be copied; the message carries what the program said."""


def base_backup(conninfo: str, into: Path, *, wal: str = "stream") -> Path:
    """Copy a running server into the folder `into`, which must not exist; the folder, of the owner who runs this.

    :param conninfo: of the server, as somebody who may replicate.
    :param wal: ``stream`` brings the log that makes the copy whole, ``none`` leaves that to an archive.
    :raises CopyFailed: it did not go well; the folder is gone then.
    """
    program = binaries_for(None) / "pg_basebackup"
    words = ["-d", conninfo, "-D", str(into), "--checkpoint=fast", f"--wal-method={wal}", "--no-sync", "--no-password"]
    done = subprocess.run([str(program), *words], capture_output=True, text=True, check=False)
    if done.returncode:
        shutil.rmtree(into, ignore_errors=True)
        raise CopyFailed(f"pg_basebackup: {done.stderr.strip()}")
    into.chmod(0o700)
    return into


def archive_to(postgres: EmbeddedPostgres, folder: Path) -> None:
    """Have every full segment of the write-ahead log copied into a folder, from the next start of the server on.

    A segment is whole under its name or not there, and none is ever written over.
    """
    folder.mkdir(mode=0o700, parents=True)
    owner = postgres.cluster.stat()
    os.chown(folder, owner.st_uid, owner.st_gid)
    place = shlex.quote(str(folder))
    command = f"test ! -f {place}/%f && cp %p {place}/%f.part && mv {place}/%f.part {place}/%f"
    _settle(postgres.cluster, {"archive_mode": "on", "archive_command": command})


def archived_up_to_now(postgres: EmbeddedPostgres, folder: Path) -> str:
    """End the segment that is being written and wait until the archive has it; its name.

    :raises CopyFailed: it does not arrive.
    """
    import psycopg  # slow to import, and the command line imports this package

    with psycopg.connect(postgres.conninfo("postgres"), autocommit=True) as connection:
        # A segment in which nothing stands is never archived.
        connection.execute("select pg_logical_emit_message(false, 'archived', '')")
        row = connection.execute("select pg_walfile_name(pg_switch_wal())").fetchone()
    assert row
    deadline = time.monotonic() + ARCHIVED_WITHIN_S
    while not (folder / str(row[0])).exists():
        if time.monotonic() > deadline:
            raise CopyFailed(f"segment {row[0]} is not in the archive after {ARCHIVED_WITHIN_S:g} s")
        time.sleep(_POLL_S)
    return str(row[0])


def put_back(copy: Path, data: Path, archive: Path | None = None, *, until: Mapping[str, str] | None = None) -> None:
    """Lay a copy where an `EmbeddedPostgres` on `data` will come up on it and replay the archive, to its end unless told.

    :param until: the recovery target, as PostgreSQL's settings name it (``{"recovery_target_lsn": "0/3000060"}``).
    """
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    cluster = data / "postgres"
    shutil.copytree(copy, cluster)
    settings = {"archive_mode": "off", "archive_command": "", **(until or {})}
    if archive is not None:
        settings |= {"restore_command": f"cp {shlex.quote(str(archive))}/%f %p", "recovery_target_action": "promote"}
        (cluster / "recovery.signal").touch(mode=0o600)
    (cluster / "postgresql.auto.conf").write_text("")
    _settle(cluster, settings)
    owner = archive.stat() if archive is not None else None
    EmbeddedPostgres.hand_over(cluster, owner.st_uid if owner else None)


def end_recovery(postgres: EmbeddedPostgres) -> None:
    """Return when a started server has replayed its archive, and can be written to.

    :raises CopyFailed: it ended, or does not come to an end.
    """
    import psycopg

    deadline = time.monotonic() + RECOVERED_WITHIN_S
    while True:
        with psycopg.connect(postgres.conninfo("postgres"), autocommit=True) as connection:
            if connection.execute("select pg_is_in_recovery()").fetchone() == (False,):
                return
        if not postgres.running or time.monotonic() > deadline:
            raise CopyFailed(f"the recovery does not end:\n{postgres.log_tail(5)}")
        time.sleep(_POLL_S)


def _settle(cluster: Path, settings: Mapping[str, str]) -> None:
    """Write settings where the server reads them last, as ALTER SYSTEM does."""
    lines = [f"{name} = '{value.replace(chr(39), 2 * chr(39))}'\n" for name, value in settings.items()]
    with (cluster / "postgresql.auto.conf").open("a") as file:
        file.writelines(lines)
