"""Which day is it in Hà Nội, and at which moment does a reminder of a day go out?"""

from datetime import UTC, date, datetime, time, timedelta, timezone

HANOI = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")
"""Việt Nam has kept this offset, without summer time, since 1975; so no time zone database is needed."""

REMINDING_TIME = time(8, 0)
"""The offices open at eight."""


def hanoi_day(moment: datetime) -> date:
    """The calendar day in Hà Nội at a moment."""
    return moment.astimezone(HANOI).date()


def reminding_moment(day: date) -> datetime:
    """08:00 in Hà Nội on a day, in UTC."""
    return datetime.combine(day, REMINDING_TIME, HANOI).astimezone(UTC)


def next_reminding_moment(now: datetime) -> datetime:
    """The first 08:00 in Hà Nội after a moment, in UTC."""
    today = reminding_moment(hanoi_day(now))
    return today if today > now else reminding_moment(hanoi_day(now) + timedelta(days=1))
