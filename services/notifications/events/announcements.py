"""What is said of announcements, and of who has read them."""

from uuid import UUID

from chassis.events import Event
from chassis.wording import means


class AnnouncementPublished(Event, topic="notifications.announcement_published"):
    """A unit announced something to its whole subtree."""

    vi = "Phát thông báo: {unit} phát thông báo “{title}” đến mọi đơn vị trực thuộc."
    en = "Announcement published: {unit} announced “{title}” to its whole subtree."
    meanings = means(unit=("mã đơn vị phát thông báo", "code of the unit that announces it"))

    announcement_id: UUID
    year: int
    title: str
    body: str


class AnnouncementRead(Event, topic="notifications.announcement_read"):
    """A unit of the audience has read an announcement; `unit` is the reader, `published_by` the announcing unit."""

    vi = "Đọc thông báo: {unit} đã đọc thông báo {announcement_id} của {published_by}."
    en = "Announcement read: {unit} has read the announcement {announcement_id} of {published_by}."
    meanings = means(unit=("mã đơn vị đã đọc", "code of the unit that has read it"))

    announcement_id: UUID
    published_by: str
