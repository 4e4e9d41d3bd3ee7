"""As what can a replay be written? Known without importing what writes it: completion in a shell waits for every import."""

from enum import StrEnum
from pathlib import Path


class Format(StrEnum):
    """JSON Lines, CSV (RFC 4180, UTF-8, with a line of headings) or Parquet."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"

    @classmethod
    def of(cls, file: Path) -> "Format":
        """As the name of a file says; JSON Lines where it says nothing."""
        return next((one for one in cls if file.suffix == f".{one}"), cls.JSONL)
