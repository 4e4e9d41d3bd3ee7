"""With which keys are the keys of persons wrapped? They stand in a file of their own, beside no data.

A line a key, ``id:hex``; the first is the current one, the others are there until nothing is wrapped by them any more.
"""

import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chassis.files import write_whole

KEY_BYTES = 32
ID_BYTES = 4


class WrappingKeysUnreadable(ValueError):
    """The file of the wrapping keys is not there, not private, or holds something else; what it holds is not told."""


class WrappingKeys:
    """The wrapping keys of a file, read again when one is asked for that is not known."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._keys: Mapping[str, AESGCM] = {}

    @property
    def current(self) -> str:
        """The id of the key that stands first.

        :raises WrappingKeysUnreadable: the file cannot be used.
        """
        if not self._keys:
            self.read()
        return next(iter(self._keys))

    @property
    def ids(self) -> list[str]:
        """The ids of all keys, the current one first.

        :raises WrappingKeysUnreadable: the file cannot be used.
        """
        self.read()
        return list(self._keys)

    def key(self, name: str) -> AESGCM | None:
        """The key of an id; None when the file has no such key, also now.

        :raises WrappingKeysUnreadable: the file cannot be used.
        """
        if name not in self._keys:
            self.read()
        return self._keys.get(name)

    def read(self) -> None:
        """Read the file.

        :raises WrappingKeysUnreadable: it cannot be used.
        """
        self._keys = {name: AESGCM(key) for name, key in _lines(self._file)}

    def put_first(self, randomness: Callable[[int], bytes] = secrets.token_bytes) -> str:
        """Put a new key before the others, in the file too, and answer its id."""
        name = randomness(ID_BYTES).hex()
        lines = _lines(self._file) if self._file.exists() else []
        _write(self._file, [(name, randomness(KEY_BYTES)), *lines])
        self.read()
        return name

    def keep_only(self, name: str) -> None:
        """Take every other key out of the file."""
        _write(self._file, [line for line in _lines(self._file) if line[0] == name])
        self.read()


def _lines(file: Path) -> list[tuple[str, bytes]]:
    try:
        if file.stat().st_mode & 0o007:
            raise WrappingKeysUnreadable("the file of the wrapping keys is open to everyone")
        parted = [line.partition(":") for line in file.read_text().split()]
        found = [(name, bytes.fromhex(key)) for name, _, key in parted]
    except WrappingKeysUnreadable:
        raise
    except (OSError, ValueError):
        raise WrappingKeysUnreadable("the wrapping keys cannot be read as lines of id:hex") from None
    if not found or any(not name or len(key) != KEY_BYTES for name, key in found) or len(dict(found)) < len(found):
        raise WrappingKeysUnreadable(f"each wrapping key needs an id of its own and {KEY_BYTES} bytes")
    return found


def _write(file: Path, lines: list[tuple[str, bytes]]) -> None:
    """The whole file or the one before: whatever happens, no key is lost on the way."""
    write_whole(file, "".join(f"{name}:{key.hex()}\n" for name, key in lines).encode())
