"""May this be announced, and has this unit read it?

An announcement is one small aggregate, and each unit's reading of it another: 120,000 units may read at once without
waiting for one another, and no history grows with the audience.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated
from uuid import UUID, uuid5

from pydantic import StringConstraints

from chassis.commands import Aggregate, Command
from chassis.events import Event
from chassis.fields import Code, Day, Line, Text
from chassis.hierarchy import Node, UnitUnknown
from chassis.refusals import AlreadyExists, NotFound, RuleBroken
from notifications.events import AnnouncementPublished, AnnouncementRead

_READINGS = UUID("8a0b1f3e-50a6-5f0d-9d0b-5d8f4e2a7c11")

Body = Annotated[Text, StringConstraints(min_length=1)]


class AnnouncementExists(AlreadyExists):
    """An announcement id is given once."""

    vi = "Mã thông báo này đã được dùng."
    en = "This announcement id is already taken."


class AnnouncementUnknown(NotFound):
    """Nothing was announced under this id."""

    vi = "Không có thông báo này."
    en = "There is no such announcement."


class UnitIsNotThere(RuleBroken):
    """Only a unit that exists on the day can announce or read."""

    vi = "Đơn vị {code} không tồn tại vào ngày {on}."
    en = "The unit {code} does not exist on {on}."


class NotInAudience(RuleBroken):
    """Only units of the announcing unit's subtree are its audience."""

    vi = "Đơn vị {code} không thuộc phạm vi nhận thông báo này."
    en = "The unit {code} is not in the audience of this announcement."


class AlreadyRead(RuleBroken):
    """A unit reads an announcement once."""

    vi = "Đơn vị đã xác nhận đọc thông báo này."
    en = "The unit has read this announcement already."


class ReadBeforePublished(RuleBroken):
    """Nothing can be read before it is announced."""

    vi = "Thông báo được phát ngày {published_on}; không thể đọc trước ngày đó."
    en = "The announcement is of {published_on}; it cannot have been read before."


@dataclass(frozen=True, slots=True)
class Announcement:
    """What was announced, as far as a decision needs it."""

    announcement_id: UUID
    unit: str
    published_on: date


@dataclass(frozen=True, slots=True)
class Reading:
    """One unit has read one announcement."""

    unit: str


def reading_id(announcement_id: UUID, reader: str) -> UUID:
    """The aggregate id of a unit's reading of an announcement."""
    return uuid5(_READINGS, f"{announcement_id}/{reader}")


class PublishAnnouncement(Command):
    """Announce something to a subtree."""

    announcement_id: UUID
    unit: Code
    title: Line
    body: Body
    on: Day

    @property
    def aggregate_id(self) -> UUID:
        """The announcement's own id."""
        return self.announcement_id


class MarkAnnouncementRead(Command):
    """A unit of the audience has read an announcement."""

    announcement_id: UUID
    reader: Code
    on: Day

    @property
    def aggregate_id(self) -> UUID:
        """The reading's id."""
        return reading_id(self.announcement_id, self.reader)


@dataclass(frozen=True, slots=True)
class Audience:
    """What decisions must see: the units named, the announcements named, and who lies under whom as of now."""

    units: Mapping[str, Node | None]
    announcements: Mapping[UUID, Announcement | None]
    is_under: Callable[[str, str], bool]


def publish(state: Announcement | None, command: PublishAnnouncement, audience: Audience) -> list[Event]:
    """:raises AnnouncementExists, UnitUnknown, UnitIsNotThere:"""
    if state is not None:
        raise AnnouncementExists("announcement_id")
    _there(audience, command.unit, command.on, "unit")
    return [
        AnnouncementPublished(
            unit=command.unit,
            on=command.on,
            announcement_id=command.announcement_id,
            year=command.on.year,
            title=command.title,
            body=command.body,
        )
    ]


def mark_read(state: Reading | None, command: MarkAnnouncementRead, audience: Audience) -> list[Event]:
    """:raises AlreadyRead, AnnouncementUnknown, UnitUnknown, UnitIsNotThere, NotInAudience, ReadBeforePublished:"""
    if state is not None:
        raise AlreadyRead("announcement_id")
    announcement = audience.announcements.get(command.announcement_id)
    if announcement is None:
        raise AnnouncementUnknown("announcement_id")
    _there(audience, command.reader, command.on, "reader")
    if not audience.is_under(command.reader, announcement.unit):
        raise NotInAudience("reader", code=command.reader)
    if command.on < announcement.published_on:
        raise ReadBeforePublished("on", published_on=announcement.published_on)
    return [
        AnnouncementRead(
            unit=command.reader, on=command.on, announcement_id=command.announcement_id, published_by=announcement.unit
        )
    ]


def reader(state: Reading | None, command: Command, _: object) -> str:
    """Where a reading is decided: at the reader, where it comes into being."""
    assert isinstance(command, MarkAnnouncementRead)
    return state.unit if state else command.reader


def _there(audience: Audience, code: str, on: date, field: str) -> None:
    node = audience.units.get(code)
    if node is None:
        raise UnitUnknown(field, code=code)
    if not node.exists(on):
        raise UnitIsNotThere(field, code=code, on=on)


def evolve(state: Announcement | None, event: Event) -> Announcement:
    """The announcement after one more event."""
    match event:
        case AnnouncementPublished():
            return Announcement(event.announcement_id, event.unit, event.on)
    raise AssertionError(f"{event.topic} is no event of an announcement")


def evolve_reading(state: Reading | None, event: Event) -> Reading:
    """The reading after one more event."""
    match event:
        case AnnouncementRead():
            return Reading(event.unit)
    raise AssertionError(f"{event.topic} is no event of a reading")


ANNOUNCEMENT = Aggregate("announcement", evolve, lambda announcement: announcement.unit, begins=(AnnouncementPublished,))
READING = Aggregate("announcement_reading", evolve_reading, lambda reading: reading.unit, begins=(AnnouncementRead,))
