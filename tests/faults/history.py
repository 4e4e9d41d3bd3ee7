"""What does a run leave in its files? JSON lines: what clients sent and were told, what was recorded, what was made of it.

The history of the clients: ``invoke`` before a command is sent for the first time, then ``ok`` (it is in the history at a
position), ``fail`` (refused), or ``info`` (the outcome is not known; it is sent again under its id). ``read``: a question that
must have seen a position.
"""

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

Line = dict[str, Any]

BUFFER_BYTES = 1 << 16


class Lines:
    """A file to which lines are appended."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=BUFFER_BYTES)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, raised: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def write(self, **line: Any) -> None:
        """One more line."""
        self._file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))

    def close(self) -> None:
        """With everything that was written in the file."""
        self._file.close()


def lines(*paths: Path) -> Iterator[Line]:
    """The lines of some files, one after the other; a file that is not there has none."""
    for path in paths:
        if path.exists():
            with path.open("rb") as file:
                yield from map(orjson.loads, file)
