"""What is said of honours of members' children, from the achievement to its publication."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from pydantic import BaseModel

from chassis.authorities import Signed
from chassis.events import Event
from chassis.wording import Words, means


class AchievementLevel(StrEnum):
    """Quốc tế, quốc gia: of which level a contest is in which a member's child won."""

    INTERNATIONAL = "international"
    NATIONAL = "national"


class AchievementPrize(StrEnum):
    """Giải nhất, nhì, ba, khuyến khích."""

    FIRST = "first"
    SECOND = "second"
    THIRD = "third"
    CONSOLATION = "consolation"


class PublicationEnd(StrEnum):
    """Why the honour of a child is public no longer: a consent was taken back, or the child was erased."""

    GUARDIAN_CONSENT = "guardian_consent"
    CHILD_CONSENT = "child_consent"
    ERASURE = "erasure"


class ChildAchievement(BaseModel):
    """What every event of an achievement tells. A child is named by `child_id` only; `unit` is its parent's.

    `contest` is the contest in which the prize was won: what, not who.
    """

    meanings: ClassVar[Mapping[str, Words]] = means(
        unit=("mã đơn vị của cha hoặc mẹ", "code of the parent's unit"),
        level=("cấp của cuộc thi", "the level of the contest"),
    )

    achievement_id: UUID
    round_id: UUID
    round_unit: str
    year: int
    child_id: UUID
    level: AchievementLevel
    prize: AchievementPrize
    contest: str


class ChildHonourRoundOpened(Event, topic="awards.child_honour_round_opened"):
    """A unit honours members' children for a year; achievements are registered from `on` to `closes_on`."""

    vi = "Mở đợt tuyên dương con đoàn viên: {unit} mở đợt “{name}” năm {year}, nhận thành tích từ {on} đến {closes_on}."
    en = "Child honour round opened: {unit} opened “{name}” for {year}; achievements are registered from {on} to {closes_on}."
    meanings = means(unit=("mã đơn vị mở đợt tuyên dương", "code of the unit that opens the round"))

    round_id: UUID
    year: int
    name: str
    closes_on: date


class ChildAchievementRegistered(ChildAchievement, Event, topic="awards.child_achievement_registered"):
    """The achievement of a member's child was registered in a round."""

    vi = "Đăng ký thành tích của con đoàn viên: thành tích của {child_id} được đăng ký: {prize} {level}, {contest}."
    en = "Child achievement registered: an achievement of {child_id} was registered: {prize} prize, {level}, {contest}."


class ChildAchievementVerified(ChildAchievement, Event, topic="awards.child_achievement_verified"):
    """The round's unit has seen the proof of an achievement."""

    vi = "Xác minh thành tích của con đoàn viên: {round_unit} đã xem minh chứng về {prize} {level} của {child_id}, {contest}."
    en = "Child achievement verified: {round_unit} has seen the proof of the {prize} prize ({level}) of {child_id}, {contest}."


class ChildHonoured(ChildAchievement, Signed, Event, topic="awards.child_honoured"):
    """A child was honoured for an achievement (tuyên dương); nothing of it is public by that."""

    vi = (
        "Tuyên dương con đoàn viên: {round_unit} tuyên dương {child_id}, quyết định số {decision_number}; việc này chưa "
        "được công bố."
    )
    en = "Child honoured: {round_unit} honoured {child_id}, decision {decision_number}; nothing of it is public by that."

    decision_number: str


class ChildHonourPublished(ChildAchievement, Event, topic="awards.child_honour_published"):
    """The honour of a child is public from this day on, with the consents the law asks for."""

    vi = "Công bố tuyên dương con đoàn viên: từ ngày {on}, tuyên dương {child_id} được công bố, có đủ sự đồng ý theo luật."
    en = "Child honour published: from {on} on, the honour of {child_id} is public, with the consents the law asks for."


class ChildHonourWithdrawn(ChildAchievement, Event, topic="awards.child_honour_withdrawn"):
    """The honour of a child is public no longer; that it was honoured stands."""

    vi = (
        "Ngừng công bố tuyên dương con đoàn viên: tuyên dương {child_id} không còn công khai ({ground}); việc tuyên dương "
        "vẫn có giá trị."
    )
    en = "Child honour withdrawn: the honour of {child_id} is public no longer ({ground}); that it was honoured stands."

    ground: PublicationEnd
