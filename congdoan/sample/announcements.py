"""What was announced, and who has read it?"""

from datetime import date, timedelta

from congdoan.sample.steps import Chapter, Dice, Step, named, step
from congdoan.sample.units import FEDERATION, PROVINCES, VINH_PHUC

_INVITATION = named("announcement", VINH_PHUC, "conference")
_PROGRAMME = named("announcement", FEDERATION, "2024")
_INVITED_ON, _PROGRAMMED_ON = date(2025, 1, 2), date(2024, 1, 15)


def chapter() -> Chapter:
    """Two announcements; most of those they were meant for have read them."""
    readers = [f"{VINH_PHUC}-cs-{number:02}" for number in range(1, 76) if Dice("reads", number).happens(0.9)]
    return [
        [
            step(
                *("notifications", "PublishAnnouncement", _INVITATION),
                announcement_id=_INVITATION, unit=VINH_PHUC, on=_INVITED_ON, title="Hội nghị tổng kết công đoàn năm 2024",
                body="Kính mời các công đoàn cơ sở dự hội nghị tổng kết, sáng ngày 09/01/2025, tại hội trường tỉnh.",
            ),
            step(
                *("notifications", "PublishAnnouncement", _PROGRAMME),
                announcement_id=_PROGRAMME, unit=FEDERATION, on=_PROGRAMMED_ON, title="Chương trình công tác năm 2024",
                body="Công đoàn Viên chức Việt Nam gửi các đơn vị chương trình công tác năm 2024 để triển khai thực hiện.",
            ),
        ],
        [
            *(_read(_INVITATION, unit, _INVITED_ON) for unit in readers),
            *(_read(_PROGRAMME, province.code, _PROGRAMMED_ON) for province in PROVINCES),
        ],
    ]  # fmt: skip


def _read(announcement: object, reader: str, published_on: date) -> Step:
    on = published_on + timedelta(days=Dice("read", announcement, reader).between(0, 5))
    return step("notifications", "MarkAnnouncementRead", announcement, reader, announcement_id=announcement, reader=reader, on=on)
