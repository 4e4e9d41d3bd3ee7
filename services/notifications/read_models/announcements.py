"""What was announced to a unit, who has read it, and how far did it reach?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from uuid import UUID

from chassis.database import Pool, fetch, fetch_rows
from chassis.read_models import ReadModel
from chassis.recorded import RecordedEvent
from notifications.events import AnnouncementPublished, AnnouncementRead


@dataclass(frozen=True, slots=True)
class AnnouncementRow:
    """What was announced; `position` orders the announcements."""

    announcement_id: UUID
    unit: str
    title: str
    body: str
    published_on: date
    position: int


@dataclass(frozen=True, slots=True)
class ReadingRow:
    """A unit has read an announcement."""

    announcement_id: UUID
    reader: str
    read_on: date


@dataclass(frozen=True, slots=True)
class Reach:
    """Units of an announcement's audience, and those of them that have read it."""

    audience: int
    read: int

    @property
    def percent(self) -> Decimal:
        """read ÷ audience, half up, two decimals; zero where there is nobody to reach."""
        share = Decimal(100 * self.read) / self.audience if self.audience else Decimal(0)
        return share.quantize(Decimal("0.01"), ROUND_HALF_UP)


ANNOUNCEMENTS = ReadModel(
    "announcements", 1, AnnouncementRow, key=("announcement_id",), source="notifications", indexes=(("unit", "position"),)
)
READINGS = ReadModel("announcement_readings", 1, ReadingRow, key=("announcement_id", "reader"), source="notifications")


@ANNOUNCEMENTS.on(AnnouncementPublished, key=lambda event: (event.announcement_id,))
def published(row: AnnouncementRow | None, event: AnnouncementPublished, at: RecordedEvent) -> AnnouncementRow:
    """One more announcement."""
    return AnnouncementRow(event.announcement_id, event.unit, event.title, event.body, event.on, at.position)


@READINGS.on(AnnouncementRead, key=lambda event: (event.announcement_id, event.unit))
def read(row: ReadingRow | None, event: AnnouncementRead, at: RecordedEvent) -> ReadingRow:
    """One more reader."""
    return ReadingRow(event.announcement_id, event.unit, event.on)


async def announcement(pool: Pool, announcement_id: UUID) -> AnnouncementRow | None:
    """One announcement."""
    rows = await fetch_rows(pool, ANNOUNCEMENTS, "announcement_id = %s", (announcement_id,))
    return rows[0] if rows else None


async def reach(pool: Pool, announcement_id: UUID, audience: Sequence[str], day: date) -> Reach:
    """How many of some units had read an announcement until a day."""
    query = f"select count(*) from {READINGS.table} where announcement_id = %s and reader = any(%s) and read_on <= %s"
    rows = await fetch(pool, query, (announcement_id, list(audience), day))
    return Reach(len(audience), int(rows[0][0]))


async def announcements_to(
    pool: Pool, reader: str, announcers: Sequence[str], size: int, before: int | None
) -> list[tuple[AnnouncementRow, date | None]]:
    """One page of what some units announced, newest first, each with the day `reader` read it.

    The newest of each announcer are taken and merged, so that a page costs the same however much was ever announced.

    :param before: position of the last announcement of the page before.
    """
    columns = ", ".join(f"a.{name}" for name in ANNOUNCEMENTS.columns)
    query = f"""
        select {columns}, r.read_on
          from unnest(%s::text[]) as u (code)
         cross join lateral (select * from {ANNOUNCEMENTS.table} where unit = u.code {"and position < %s" if before else ""}
                              order by position desc limit %s) as a
          left join {READINGS.table} r on r.announcement_id = a.announcement_id and r.reader = %s
         order by a.position desc limit %s"""
    values: tuple[Any, ...] = (list(announcers), *((before,) if before else ()), size, reader, size)
    return [(AnnouncementRow(*row[:-1]), row[-1]) for row in await fetch(pool, query, values)]
