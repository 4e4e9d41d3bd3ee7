"""Is this cursor one that we gave, for this very list?

A cursor says where a reader goes on, so that nothing is kept for it meanwhile. What it says is for nobody else to read or to
make: a keyed hash of it, and of the list it belongs to, stands with it.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from hashlib import blake2b
from typing import Any

import orjson

from chassis.refusals import Invalid, Problem

_HASH_BYTES = 16


class CursorForged(Invalid):
    """Only a cursor of this list says where it goes on; whoever has lost it begins anew."""

    def __init__(self, field: str = "after") -> None:
        super().__init__(Problem(field, "không phải vị trí trang của danh sách này", "is no `next` of this list"))


class Cursors:
    """Writes and reads the cursors of some lists.

    :param secret: of the service; the hash is keyed with it.
    """

    def __init__(self, secret: bytes) -> None:
        self._key = blake2b(secret, person=b"cursors").digest()

    def write(self, of: str, parts: list[Any]) -> str:
        """Where a list goes on: plain values, which JSON can hold."""
        content = orjson.dumps(parts)
        return urlsafe_b64encode(self._hash(of, content) + content).decode().rstrip("=")

    def read(self, of: str, cursor: str) -> list[Any]:
        """What was written.

        :raises CursorForged: it was not, or for another list.
        """
        try:
            data = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        except (NotBase64, ValueError):
            raise CursorForged() from None
        content = data[_HASH_BYTES:]
        if not hmac.compare_digest(data[:_HASH_BYTES], self._hash(of, content)):
            raise CursorForged()
        parts: list[Any] = orjson.loads(content)
        return parts

    def _hash(self, of: str, content: bytes) -> bytes:
        return blake2b(of.encode() + b"\0" + content, key=self._key, digest_size=_HASH_BYTES).digest()
