"""How does a replay become a file that is whole, or goes on where it was interrupted?

Rows are written into ``FILE.part``; after each page ``FILE.resume`` says how many bytes of it are good and which page is
next, and that the same command is asked again. What was written after that is cut off, so nothing stands in the file
twice or half. At the end ``FILE.part`` becomes the file. Parquet has its index at the end and cannot be gone on with, so its
rows are kept as lines until they are all there.
"""

import asyncio
import csv
import io
import os
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID, uuid4

import orjson

from chassis.files import write_whole
from congdoan.auditing.formats import Format
from congdoan.auditing.replaying import COLUMNS, NUMBERS, Page, Told, line
from congdoan.texts import Language

ROWS_AT_ONCE = 10_000
"""Rows of a row group of Parquet; so many are in memory."""


class FileThere(Exception):
    """There is such a file already, and it is whole; nothing is written over."""


class OtherReplay(Exception):
    """What was begun in this place is another replay, or written otherwise."""


@dataclass(slots=True)
class Place:
    """Where a replay is written, and how far it came.

    :param asked: everything by which the same command is known again.
    """

    file: Path
    format: Format
    language: Language
    asked: Mapping[str, Any]
    command_id: UUID
    size: int = 0
    events: int = 0
    after: str = ""
    complete: bool = False

    @classmethod
    def find(cls, file: Path, format: Format, language: Language, asked: Mapping[str, Any]) -> "Place":
        """A new place, or where the same command was interrupted.

        :raises FileThere: the file is whole. :raises OtherReplay: something else was begun there.
        :raises OSError: the folder cannot be read.
        """
        place = cls(file, format, language, orjson.loads(orjson.dumps(asked, default=str)), uuid4())
        try:
            kept = orjson.loads(place._state.read_bytes())
            if kept["asked"] != {**place.asked, "format": format.value, "lang": language}:
                raise OtherReplay(place._state)
            place.command_id, place.size, place.events = UUID(kept["command_id"]), int(kept["size"]), int(kept["events"])
            place.after, place.complete = str(kept["after"]), bool(kept["complete"])
        except FileNotFoundError:
            if file.exists():
                raise FileThere(file) from None
        except (LookupError, TypeError, ValueError):
            raise OtherReplay(place._state) from None
        return place

    async def write(self, pages: Callable[[str], AsyncIterator[Page]], tell: Callable[[Page], None]) -> None:
        """Write the pages that are not there yet, and make the file whole.

        :param pages: the pages from one on. :param tell: is told of each that is written.
        :raises OSError: it cannot be written; the same command goes on.
        """
        if self.complete and self.file.exists():
            return self._clear()
        self._save()
        with os.fdopen(os.open(self._part, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as stream:
            stream.truncate(self.size)
            stream.seek(self.size)
            if not self.complete:
                async for page in pages(self.after):
                    self._take(stream, page)
                    tell(page)
        if self.format is Format.PARQUET:
            await asyncio.to_thread(_to_parquet, self._part, self.file)
        else:
            self._part.replace(self.file)
        return self._clear()

    def _clear(self) -> None:
        """Nothing is left but the file."""
        self._part.unlink(missing_ok=True)
        self._state.unlink()

    def _take(self, stream: BinaryIO, page: Page) -> None:
        head = heading() if self.format is Format.CSV and not self.size else b""
        stream.write(head + b"".join(rows_of(page.events, self.format, self.language)))
        stream.flush()
        os.fsync(stream.fileno())
        self.size, self.events = stream.tell(), self.events + len(page.events)
        self.after, self.complete = page.following, not page.following
        self._save()

    def _save(self) -> None:
        asked = {**self.asked, "format": self.format.value, "lang": self.language}
        place = {"size": self.size, "events": self.events, "after": self.after, "complete": self.complete}
        write_whole(self._state, orjson.dumps({"asked": asked, "command_id": self.command_id, **place}))

    @property
    def _part(self) -> Path:
        return self.file.with_name(f"{self.file.name}.part")

    @property
    def _state(self) -> Path:
        return self.file.with_name(f"{self.file.name}.resume")


def heading() -> bytes:
    """The first line of CSV."""
    return _csv([COLUMNS])


def rows_of(events: Iterable[Told], format: Format, language: Language) -> Iterable[bytes]:
    """Events as they are written; for Parquet as the lines that it is made of."""
    rows = (told.row(language) for told in events)
    match format:
        case Format.CSV:
            return [_csv(row.values() for row in rows)]
        case Format.PARQUET:
            return [orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows]
    return [line(row) for row in rows]


def _csv(rows: Iterable[Iterable[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _to_parquet(lines: Path, file: Path) -> None:
    """Write lines as Parquet, so many rows at a time; the file is whole or not there."""
    import pyarrow
    from pyarrow import parquet

    schema = pyarrow.schema([(name, pyarrow.int64() if name in NUMBERS else pyarrow.string()) for name in COLUMNS])
    unfinished = file.with_name(f"{file.name}.unfinished")
    with lines.open("rb") as stream, parquet.ParquetWriter(unfinished, schema, compression="zstd") as writer:
        while some := [orjson.loads(one) for one in islice(stream, ROWS_AT_ONCE)]:
            writer.write_table(pyarrow.Table.from_pylist(some, schema=schema))
    with unfinished.open("rb") as stream:
        os.fsync(stream.fileno())
    unfinished.chmod(0o600)
    unfinished.replace(file)
