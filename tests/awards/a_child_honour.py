"""A child honoured in a round, as the tests tell it."""

from datetime import date
from typing import Any
from uuid import UUID, uuid4

from awards.domain.child_honour import (
    HonourChild,
    HonourFacts,
    RegisterChildAchievement,
    VerifyChildAchievement,
    Word,
)
from awards.domain.child_honour_round import OpenChildHonourRound, Round
from awards.domain.child_publication import PublishChildHonour, ReviewChildPublications
from awards.events import (
    AchievementLevel,
    AchievementPrize,
    ChildAchievementRegistered,
    ChildAchievementVerified,
    ChildHonoured,
    ChildHonourPublished,
    ChildHonourRoundOpened,
)
from chassis.commands import parse
from tests.authorities import POSITION, chair_of
from tests.awards.federation_of_units import UNITS

ROUND_ID, ACHIEVEMENT_ID, KID = UUID(int=31), UUID(int=32), UUID(int=33)
OPENS, WON, SEEN, HONOURED, PUBLISHED, CLOSES, LATER = (
    date(2024, 5, 1),
    date(2024, 5, 20),
    date(2024, 5, 25),
    date(2024, 6, 1),
    date(2024, 6, 2),
    date(2024, 6, 30),
    date(2024, 9, 1),
)
AGREED = Word("so-y-te", parent_active=True, guardian_agrees=True, child_must_agree=True, child_agrees=True)
DAYS = (OPENS, WON, SEEN, HONOURED, PUBLISHED, CLOSES, LATER)
TOLD: dict[str, Any] = {
    "unit": "so-y-te",
    "achievement_id": ACHIEVEMENT_ID,
    "round_id": ROUND_ID,
    "round_unit": "vinh-phuc",
    "year": 2024,
    "child_id": KID,
    "level": AchievementLevel.NATIONAL,
    "prize": AchievementPrize.FIRST,
    "contest": "Học sinh giỏi quốc gia môn Toán",
}
OPENED = ChildHonourRoundOpened(
    unit="vinh-phuc", on=OPENS, round_id=ROUND_ID, year=2024, name="Tuyên dương 1/6", closes_on=CLOSES
)
REGISTERED = ChildAchievementRegistered(**TOLD, on=WON)
VERIFIED = ChildAchievementVerified(**TOLD, on=SEEN)
GIVEN = ChildHonoured(**TOLD, on=HONOURED, decision_number="12/QĐ-CĐVC", position_id=POSITION)
PUBLIC = ChildHonourPublished(**TOLD, on=PUBLISHED)


def facts(word: Word | None = AGREED, on: date | None = None) -> HonourFacts:
    """What decisions see; membership says the same on every day unless one is given."""
    words = {(KID, day): word for day in ([on] if on else DAYS)} if word else {}
    rounds = {ROUND_ID: Round(ROUND_ID, "vinh-phuc", 2024, OPENS, CLOSES)}
    return HonourFacts(UNITS, rounds, words, chair_of("vinh-phuc"))


def opening(**fields: Any) -> OpenChildHonourRound:
    plain = {"round_id": ROUND_ID, "unit": "vinh-phuc", "year": 2024, "name": "Tuyên dương 1/6"}
    days = {"on": OPENS.isoformat(), "closes_on": CLOSES.isoformat()}
    return parse(OpenChildHonourRound, {"command_id": uuid4(), **plain, **days, **fields})


def registration(**fields: Any) -> RegisterChildAchievement:
    of = {name: TOLD[name] for name in ("achievement_id", "round_id", "child_id", "level", "prize", "contest")}
    return parse(RegisterChildAchievement, {"command_id": uuid4(), "on": WON.isoformat(), **of, **fields})


def verification(**fields: Any) -> VerifyChildAchievement:
    plain = {"achievement_id": ACHIEVEMENT_ID, "on": SEEN.isoformat()}
    return parse(VerifyChildAchievement, {"command_id": uuid4(), **plain, **fields})


def honouring(**fields: Any) -> HonourChild:
    plain = {"achievement_id": ACHIEVEMENT_ID, "on": HONOURED.isoformat(), "decision_number": "12/QĐ-CĐVC"}
    return parse(HonourChild, {"command_id": uuid4(), **plain, **fields})


def publication(**fields: Any) -> PublishChildHonour:
    plain = {"achievement_id": ACHIEVEMENT_ID, "child_id": KID, "on": PUBLISHED.isoformat()}
    return parse(PublishChildHonour, {"command_id": uuid4(), **plain, **fields})


def reviewing(on: date = LATER, child_id: UUID = KID) -> ReviewChildPublications:
    return parse(ReviewChildPublications, {"command_id": uuid4(), "child_id": child_id, "on": on.isoformat()})
