"""Where things stand: two database servers, each with an archive and a base backup of its own, and the NATS beside them.

As on Kubernetes, where events and keys of persons are backed up by other accounts to other places.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from chassis.key_store import KEY_STEPS
from congdoan.embedded import EmbeddedNats, EmbeddedPostgres
from tests.base_backups import archive_to, archived_up_to_now, base_backup, end_recovery, put_back
from tests.databases import copy_database
from tests.folders import fast_folder
from tests.serving import SERVICES

KEYS = "keys"


@dataclass
class Backed:
    """A PostgreSQL whose every full segment of the log is archived; it may be lost, and put back somewhere else."""

    name: str
    folder: Path
    server: EmbeddedPostgres = field(init=False)
    times: int = 0
    """How often it was put back."""

    def __post_init__(self) -> None:
        self.server = self._somewhere_else()
        self.server.start()
        self.archive_from_now()

    @property
    def archive(self) -> Path:
        """Of this server; whoever comes after it archives somewhere else."""
        return self.folder / f"archive-{self.name}-{self.times}"

    @property
    def copy(self) -> Path:
        return self.folder / f"copy-{self.name}-{self.times}"

    def archive_from_now(self) -> None:
        """Have every segment archived, which takes a restart."""
        archive_to(self.server, self.archive)
        self.server.stop()
        self.server.start()

    def conninfo(self, database: str) -> str:
        return self.server.conninfo(database)

    def back_up(self) -> None:
        """The base backup of the night; whatever is written meanwhile is in the archive."""
        base_backup(self.conninfo("postgres"), self.copy, wal="none")

    def archived(self) -> None:
        """Everything up to now is in the archive."""
        archived_up_to_now(self.server, self.archive)

    def lose(self) -> None:
        """The machine is gone, and its disk with it; what was not archived is nowhere any more."""
        self.server.kill()
        shutil.rmtree(self.server.cluster)

    def put_back(self) -> None:
        """A new server, elsewhere, on the backup and the whole archive."""
        copy, archive = self.copy, self.archive
        self.times += 1
        self.server = self._somewhere_else()
        put_back(copy, self._data, archive)
        self.server.start()
        end_recovery(self.server)

    def _somewhere_else(self) -> EmbeddedPostgres:
        return EmbeddedPostgres(self._data, self.folder / f"{self.name}{self.times}")

    @property
    def _data(self) -> Path:
        return self.folder / f"data-{self.name}-{self.times}"


@dataclass
class Places:
    """The servers of a federation; NATS outlives its databases, unless a test has it lost too."""

    folder: Path
    nats: EmbeddedNats
    events: Backed
    keys: Backed

    def rows(self, database: str, query: str) -> list[tuple[object, ...]]:
        """Straight from a database."""
        server = self.keys if database == KEYS else self.events
        with psycopg.connect(server.conninfo(database), autocommit=True) as connection:
            return connection.execute(query.encode()).fetchall()


@contextmanager
def places() -> Iterator[Places]:
    """Servers with the databases of every service, before anything happened; nothing of them is left in the end."""
    with fast_folder() as folder, EmbeddedNats(folder / "nats", folder / "run") as nats:
        folder.chmod(0o711)  # root's servers are another user, who goes through to the archives
        events, keys = (Backed(name, folder) for name in ("events", KEYS))
        found = Places(folder, nats, events, keys)
        try:
            copy_database(keys.server, KEYS, steps=KEY_STEPS)
            for name in SERVICES:
                events.server.create_database(name)
            yield found
        finally:
            for each in (found.events, found.keys):
                each.server.kill()
