"""From where on does somebody want the events of a branch? `beginning`, a day, a moment, or positions."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Self

VIETNAM = timezone(timedelta(hours=7))
_POSITION = re.compile(r"([a-z]+):([1-9][0-9]*)")


class NoBeginning(ValueError):
    """A text says no place from which to begin."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """The first events that are wanted: of each service from a branch position on, and none recorded before `since`."""

    positions: Mapping[str, int] = field(default_factory=dict)
    since: datetime | None = None

    @classmethod
    def read(cls, text: str) -> Self:
        """``beginning``; ``2026-01-31``, a day in Vietnam; ``2026-01-31T08:00:00Z``; ``membership:1200,welfare:30``.

        A service that positions do not name is wanted from its first event on.

        :raises NoBeginning: it is none of these.
        """
        if text == "beginning":
            return cls()
        if ":" in text and not text[0].isdigit():
            found = [_POSITION.fullmatch(part.strip()) for part in text.split(",")]
            if not all(found):
                raise NoBeginning
            return cls({part[1]: int(part[2]) for part in found if part})
        try:
            since = datetime.fromisoformat(text)
        except ValueError:
            raise NoBeginning from None
        return cls(since=since if since.tzinfo else since.replace(tzinfo=VIETNAM))

    def includes(self, service: str, position: int, recorded_at: datetime) -> bool:
        """Whether an event is wanted."""
        return position >= self.positions.get(service, 1) and (self.since is None or recorded_at >= self.since)
