"""Where do the keys of persons lie in a test? In a fresh database, and a file of wrapping keys beside it."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from psycopg import sql

from chassis.database import migrate
from chassis.key_store import KEY_STEPS, KeyStore
from chassis.wrapping_keys import WrappingKeys
from congdoan.embedded import EmbeddedPostgres


@contextmanager
def fresh_keys(postgres: EmbeddedPostgres) -> Iterator[str]:
    """An empty key store, as a conninfo."""
    name = f"keys_{uuid4().hex}"
    postgres.create_database(name)
    try:
        migrate(postgres.conninfo(name), steps=KEY_STEPS)
        yield postgres.conninfo(name)
    finally:
        with psycopg.connect(postgres.conninfo("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def wrapping_file(folder: Path) -> Path:
    """A file with one wrapping key."""
    file = folder / "wrapping"
    if not file.exists():
        WrappingKeys(file).put_first()
    return file


def key_settings(conninfo: str, folder: Path) -> dict[str, Any]:
    """What membership is told of a key store, whose schema is made if need be."""
    migrate(conninfo, steps=KEY_STEPS)
    return {"keys_database_url": conninfo, "wrapping_key_file": wrapping_file(folder)}


@asynccontextmanager
async def opened(conninfo: str, file: Path, **more: Any) -> AsyncIterator[KeyStore]:
    """The key store as one process has it, listening."""
    keys = KeyStore(conninfo, WrappingKeys(file), **more)
    await keys.start()
    try:
        await keys.heard()
        yield keys
    finally:
        await keys.stop()
