"""Which variables does membership read besides those of every service? Where the keys of persons are."""

from datetime import date
from pathlib import Path

from pydantic import Field

from chassis.settings import Settings as EveryServices


class Settings(EveryServices):
    """What membership is told."""

    keys_database_url: str = Field(repr=False)
    """Of the key store, a database of its own with a backup of its own; holds its password."""
    exchanged_days: dict[date, bool] = Field(default_factory=dict)
    """Days that a decision of the Prime Minister made free (true) or working days (false): ``{"2026-01-02": true}``."""
    wrapping_key_file: Path
    """The keys by which those of persons are wrapped, lines of ``id:hex``, the current one first; open to its owner alone."""
