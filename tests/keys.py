"""Where do the keys of persons lie in a test? In a fresh database, and a file of wrapping keys beside it."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from chassis.database import migrate
from chassis.key_store import KEY_STEPS, KeyStore
from chassis.wrapping_keys import WrappingKeys
from congdoan.embedded import EmbeddedPostgres
from tests.databases import fresh_database


@contextmanager
def fresh_keys(postgres: EmbeddedPostgres) -> Iterator[str]:
    """An empty key store, as a conninfo."""
    with fresh_database(postgres, steps=KEY_STEPS) as conninfo:
        yield conninfo


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
