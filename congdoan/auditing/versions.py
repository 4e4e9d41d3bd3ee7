"""Does each aggregate's version follow on its last one, when nobody can remember a million aggregates?

What was seen of each event goes to a file, into one of 256 parts by the aggregate's id; at the end each part is looked
at alone, with its own aggregates in memory: 36 bytes an event on disk, a 256th of the aggregates in memory.
"""

import struct
import tempfile
from collections.abc import Iterator, Sequence

PARTS = 256
HELD_EVENTS = 65_536
"""How many events wait in memory before they go to the file."""

KEY = struct.Struct(">q4x16s4xi")
"""What is to be seen of an event: position, id of the aggregate, version. Padded so that it is a slice of a row."""
_PART = 27
"""Which byte of it says the part: the last of the id, for the first of some kinds of id are those of the time."""


class Versions:
    """The versions of every aggregate, in order of position.

    :param whole: the history is seen from its beginning, so each aggregate begins with version 1.
    """

    def __init__(self, whole: bool) -> None:
        self._whole = whole
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - it goes with this object
        self._held: list[list[bytes]] = [[] for _ in range(PARTS)]
        self._extents: list[list[tuple[int, int]]] = [[] for _ in range(PARTS)]
        self._many = 0

    def take(self, keys: Sequence[bytes]) -> None:
        """See some more events."""
        held = self._held
        for key in keys:
            held[key[_PART]].append(key)
        self._many += len(keys)
        if self._many >= HELD_EVENTS:
            self._put_away()

    def first_flaw(self) -> tuple[int, int, int] | None:
        """The first event whose version does not follow on: its position, its version and the one before; None when all do."""
        self._put_away()
        flaws = (self._flaw_in(part) for part in range(PARTS))
        return min((flaw for flaw in flaws if flaw), default=None)

    def _put_away(self) -> None:
        at = self._file.seek(0, 2)
        for part, keys in enumerate(self._held):
            if keys:
                data = b"".join(keys)
                self._file.write(data)
                self._extents[part].append((at, len(data)))
                at += len(data)
                keys.clear()
        self._many = 0

    def _flaw_in(self, part: int) -> tuple[int, int, int] | None:
        last: dict[bytes, int] = {}
        for position, aggregate, version in self._seen(part):
            before = last.get(aggregate, 0)
            if version != before + 1 and (before or self._whole):
                return position, version, before
            last[aggregate] = version
        return None

    def _seen(self, part: int) -> Iterator[tuple[int, bytes, int]]:
        for at, size in self._extents[part]:
            self._file.seek(at)
            yield from KEY.iter_unpack(self._file.read(size))
