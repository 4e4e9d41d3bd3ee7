"""Where is the recorded history of a release put, so that today's programs meet it? Into databases like those of its day."""

import json
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from chassis.database import migrate
from chassis.key_store import KEY_STEPS
from chassis.service import Service
from congdoan.embedded import EmbeddedPostgres
from tests.databases import new_name
from tests.serving import SERVICES, built, settings_of
from tests.upgrade.dumps import restored
from tests.upgrade.record import FIRST, KEYS

NOWHERE, NOBODY = "nats://127.0.0.1:1", "127.0.0.1:1"


@dataclass(frozen=True)
class Release:
    """A recorded release, unpacked: what was told of it, its keys, and its databases, each under a name of its own."""

    postgres: EmbeddedPostgres
    folder: Path
    names: dict[str, str]

    @cached_property
    def told(self) -> dict[str, Any]:
        """What was recorded of it in figures."""
        found: dict[str, Any] = json.loads((FIRST / "recorded.json").read_text())
        return found

    @cached_property
    def commands(self) -> list[dict[str, Any]]:
        """The commands that were given, as they were asked and first answered."""
        return [json.loads(line) for line in (self.folder / "commands.jsonl").read_text().splitlines()]

    def conninfo(self, name: str) -> str:
        """Of a service's database, or of the keys'."""
        return self.postgres.conninfo(self.names[name])

    def service(self, name: str, nats_url: str = NOWHERE, **more: Any) -> Service:
        """A service of today on its database of then, with its keys of then."""
        more = {"secret": self.told["secret"], **more}
        if name == "membership":
            more = {**more, "keys_database_url": self.conninfo(KEYS), "wrapping_key_file": str(self.folder / "wrapping-keys")}
        else:
            more = {"membership_target": NOBODY, **more}
        if name == "audit":
            more |= {"ledger_key_file": str(self.folder / "ledger-key")}
        return built(name, settings_of(name, self.conninfo(name), nats_url, **more))

    @contextmanager
    def copied(self) -> Iterator["Release"]:
        """The same once more, for whoever goes on with it; whoever still looks at the databases is sent away."""
        copy = Release(self.postgres, self.folder, {name: new_name() for name in self.names})
        copying = sql.SQL("create database {} template {} strategy file_copy")
        leaving = sql.SQL("select pg_terminate_backend(pid) from pg_stat_activity where datname = {}")
        try:
            for name, database in copy.names.items():
                self._administer(leaving.format(sql.Literal(self.names[name])))
                self._administer(copying.format(sql.Identifier(database), sql.Identifier(self.names[name])))
            yield copy
        finally:
            copy.drop()

    def drop(self) -> None:
        """Let go of the databases."""
        for database in self.names.values():
            self._administer(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(database)))

    def _administer(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.postgres.conninfo("postgres"), autocommit=True) as connection:
            connection.execute(statement)

    def migrate(self) -> None:
        """Bring every database to today's schema, as the step before the services does."""
        for name in SERVICES:
            migrate(self.conninfo(name), self.service(name).schema)
        migrate(self.conninfo(KEYS), steps=KEY_STEPS)


@contextmanager
def release(postgres: EmbeddedPostgres, folder: Path) -> Iterator[Release]:
    """The first release, as its databases were restored from the recording."""
    with tarfile.open(FIRST / "history.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    for file in ("wrapping-keys", "ledger-key"):
        (folder / file).chmod(0o600)
    found = Release(postgres, folder, {name: new_name() for name in (*SERVICES, KEYS)})
    try:
        for name, database in found.names.items():
            postgres.create_database(database)
            restored(postgres.conninfo(database), folder / f"{name}.sql")
        yield found
    finally:
        found.drop()
