"""How is the key replaced by which the keys of persons are wrapped? While membership runs, and again where it was ended."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chassis.key_store import KeyStore
from chassis.wrapping_keys import WrappingKeys
from congdoan import whereabouts
from congdoan.embedded import EmbeddedPostgres
from congdoan.suite import KEYS, wrapping_keys_of

DATABASE, FILE = "CONGDOAN_KEYS_DATABASE_URL", "CONGDOAN_WRAPPING_KEY_FILE"


@dataclass(frozen=True, slots=True)
class Rotated:
    """The id of the new wrapping key, and how many keys of persons were wrapped by it."""

    wrapping_key: str
    rewrapped: int

    @property
    def document(self) -> dict[str, Any]:
        """For a program."""
        return {"wrapping_key": self.wrapping_key, "rewrapped": self.rewrapped}


def key_store_of(data: Path | None) -> tuple[str, Path]:
    """Where the key store and its wrapping keys are: as the environment of membership says, else those of a running suite.

    :raises NoSuite: it is not said, and nothing runs.
    """
    if data is None and (database := os.environ.get(DATABASE)) and (file := os.environ.get(FILE)):
        return database, Path(file)
    note = whereabouts.find(data.resolve() if data else None)
    folder = Path(note.data)
    return EmbeddedPostgres(folder, Path(note.run)).conninfo(KEYS), wrapping_keys_of(folder)


async def rotate(database: str, file: Path, on_progress: Callable[[int], None]) -> Rotated:
    """Replace the wrapping key.

    :param on_progress: told how many more keys were wrapped anew.
    :raises Unavailable, WrappingKeysUnreadable, KeyUnusable: see :meth:`chassis.key_store.KeyStore.rotate`.
    """
    rewrapped = 0

    def count(number: int) -> None:
        nonlocal rewrapped
        rewrapped += number
        on_progress(number)

    keys = KeyStore(database, WrappingKeys(file))
    await keys.start()
    try:
        return Rotated(await keys.rotate(count), rewrapped)
    finally:
        await keys.stop()
