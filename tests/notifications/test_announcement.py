"""What may be announced, and who has read it?"""

from datetime import date
from typing import Any
from uuid import UUID, uuid4

from chassis.hierarchy import Hierarchy, Node, UnitUnknown, first_places
from notifications.domain import announcement
from notifications.domain.announcement import ANNOUNCEMENT, READING, Announcement, Audience
from notifications.events import AnnouncementPublished, AnnouncementRead
from tests.given import given

WHICH = UUID(int=11)
ON, LATER = date(2025, 1, 2), date(2025, 1, 5)


def unit(code: str, parent: str, dissolved_on: date | None = None) -> Node:
    return Node(
        code, code, "grassroots", 3, False, date(2010, 1, 1), dissolved_on, first_places(date(2010, 1, 1), parent), "[]", 1
    )


TREE = Hierarchy()
TREE.put(
    [
        unit("vinh-phuc", ""),
        unit("so-y-te", "vinh-phuc"),
        unit("so-noi-vu", "vinh-phuc"),
        unit("gone", "vinh-phuc", date(2019, 1, 1)),
        unit("ha-noi", ""),
    ]
)
PUBLISHED = AnnouncementPublished(
    unit="vinh-phuc", on=ON, announcement_id=WHICH, year=2025, title="Hội nghị tổng kết", body="Kính mời."
)
READ = AnnouncementRead(unit="so-y-te", on=LATER, announcement_id=WHICH, published_by="vinh-phuc")


def audience(*announced: Announcement) -> Audience:
    codes = ("vinh-phuc", "so-y-te", "so-noi-vu", "gone", "ha-noi")
    return Audience({code: TREE.get(code) for code in codes}, {one.announcement_id: one for one in announced}, TREE.is_under)


KNOWN = audience(Announcement(WHICH, "vinh-phuc", ON))


def publish(**fields: Any) -> announcement.PublishAnnouncement:
    plain = {"announcement_id": WHICH, "unit": "vinh-phuc", "title": "Hội nghị tổng kết", "body": "Kính mời.", "on": ON}
    return announcement.PublishAnnouncement.model_validate({"command_id": uuid4(), **plain, **fields})


def mark_read(**fields: Any) -> announcement.MarkAnnouncementRead:
    plain = {"announcement_id": WHICH, "reader": "so-y-te", "on": LATER}
    return announcement.MarkAnnouncementRead.model_validate({"command_id": uuid4(), **plain, **fields})


def test_a_unit_announces_to_its_subtree_and_the_year_is_that_of_the_day() -> None:
    assert given(ANNOUNCEMENT).when(announcement.publish, publish(), audience()).then(PUBLISHED).unit == "vinh-phuc"


def test_an_announcement_is_made_once_and_by_a_unit_that_is_there() -> None:
    given(ANNOUNCEMENT, PUBLISHED).when(announcement.publish, publish(), KNOWN).refused(
        announcement.AnnouncementExists, "announcement_id"
    )
    given(ANNOUNCEMENT).when(announcement.publish, publish(unit="nowhere"), audience()).refused(UnitUnknown, "unit")
    given(ANNOUNCEMENT).when(announcement.publish, publish(unit="gone"), audience()).refused(announcement.UnitIsNotThere, "unit")


def test_each_unit_of_the_audience_reads_once_the_announcing_one_included() -> None:
    given(READING).when(announcement.mark_read, mark_read(), KNOWN).then(READ)
    given(READING).when(announcement.mark_read, mark_read(reader="vinh-phuc"), KNOWN).then(
        READ.model_copy(update={"unit": "vinh-phuc"})
    )
    given(READING, READ).when(announcement.mark_read, mark_read(), KNOWN).refused(announcement.AlreadyRead, "announcement_id")


def test_only_a_living_unit_below_the_announcing_one_reads() -> None:
    given(READING).when(announcement.mark_read, mark_read(reader="ha-noi"), KNOWN).refused(announcement.NotInAudience, "reader")
    given(READING).when(announcement.mark_read, mark_read(reader="gone"), KNOWN).refused(announcement.UnitIsNotThere, "reader")
    given(READING).when(announcement.mark_read, mark_read(reader="nowhere"), KNOWN).refused(UnitUnknown, "reader")


def test_nothing_is_read_that_was_not_announced_or_not_yet() -> None:
    given(READING).when(announcement.mark_read, mark_read(), audience()).refused(
        announcement.AnnouncementUnknown, "announcement_id"
    )
    given(READING).when(announcement.mark_read, mark_read(on="2025-01-01"), KNOWN).refused(announcement.ReadBeforePublished, "on")


def test_each_reader_has_an_aggregate_of_its_own_decided_at_the_reader() -> None:
    assert mark_read().aggregate_id != mark_read(reader="so-noi-vu").aggregate_id
    assert mark_read().aggregate_id != mark_read(announcement_id=UUID(int=12)).aggregate_id
    assert announcement.reader(None, mark_read(reader="so-noi-vu"), KNOWN) == "so-noi-vu"
    assert announcement.reader(given(READING, READ).state, mark_read(), KNOWN) == "so-y-te"
