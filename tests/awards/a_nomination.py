"""The history of one nomination, from which the tests of awards take what they need."""

from datetime import date
from typing import Any
from uuid import UUID, uuid4

from awards.domain.decision import DecideAward
from awards.domain.nomination import (
    AwardFacts,
    Nominee,
)
from awards.domain.proposal import (
    ProposeAward,
)
from awards.events import (
    ArtefactRecovered,
    AwardDecided,
    AwardEndorsed,
    AwardForm,
    AwardPresented,
    AwardProposed,
    AwardReturned,
    AwardRevoked,
    AwardScope,
    FlagAwarded,
    QuotaUse,
)
from chassis.commands import parse
from membership.events import Level
from tests.authorities import POSITION, chair_of
from tests.awards.federation_of_units import UNITS

ID, WHO = UUID(int=1), UUID(int=2)
PROPOSED_ON, ENDORSED_ON, DECIDED_ON, LATER = date(2024, 11, 20), date(2024, 12, 1), date(2024, 12, 20), date(2025, 3, 1)
NOMINEES = {WHO: Nominee("so-y-te", active=True), UUID(int=3): Nominee("so-y-te", active=False)}
FACTS = AwardFacts(UNITS, NOMINEES, mandate=chair_of(*UNITS))

TOLD: dict[str, Any] = {
    "unit": "so-y-te",
    "nomination_id": ID,
    "member_id": None,
    "form": AwardForm.FLAG,
    "scope": AwardScope.COMPREHENSIVE,
    "theme": "",
    "year": 2024,
    "decider": "cdvcvn",
}
GIVEN: dict[str, Any] = {
    "decider_level": Level.FEDERATION,
    "decision_number": "345/QĐ-CĐVC",
    "decided_on": DECIDED_ON,
    "rule_set": "999/QĐ-TLĐ",
}
PERSON = {"member_id": WHO, "form": AwardForm.COMMENDATION}
FREE = (QuotaUse(theme="", at_most=None, revision=0),)


def proposed(**fields: Any) -> AwardProposed:
    return AwardProposed(**{**TOLD, "on": PROPOSED_ON, "citation": "Xuất sắc", **fields})


def endorsed(**fields: Any) -> AwardEndorsed:
    return AwardEndorsed(**{**TOLD, "on": ENDORSED_ON, "reviewer": "vinh-phuc", **fields})


def returned(**fields: Any) -> AwardReturned:
    return AwardReturned(**{**TOLD, "on": ENDORSED_ON, "reviewer": "vinh-phuc", "reason": "Thiếu minh chứng", **fields})


def decided(**fields: Any) -> tuple[AwardDecided, FlagAwarded]:
    told = {**TOLD, **GIVEN, "on": DECIDED_ON, **fields}
    quotas = told.pop("quotas", FREE)
    return AwardDecided(**told, quotas=quotas, position_id=POSITION), FlagAwarded(**told)


def after(cls: type[Any], **fields: Any) -> Any:
    return cls(**{**TOLD, **GIVEN, "on": LATER, **fields})


IN_HAND = (proposed(), endorsed())
AWARDED = (*IN_HAND, *decided())
PRESENTED = after(AwardPresented, presenter="ldld-vinh-phuc")
REVOKED = after(AwardRevoked, reason="Khai man thành tích", position_id=POSITION)
RECOVERED = after(ArtefactRecovered)


def proposal(**fields: Any) -> ProposeAward:
    plain: dict[str, Any] = {
        "command_id": uuid4(),
        "nomination_id": ID,
        "unit": "so-y-te",
        "form": "flag",
        "scope": "comprehensive",
        "year": 2024,
        "decider": "cdvcvn",
        "citation": "Xuất sắc",
        "on": PROPOSED_ON.isoformat(),
    }
    return parse(ProposeAward, {name: value for name, value in {**plain, **fields}.items() if value is not None})


def about(cls: type[Any], on: date = LATER, **fields: Any) -> Any:
    return parse(cls, {"command_id": str(uuid4()), "nomination_id": str(ID), "on": on.isoformat(), **fields})


DECIDE = about(DecideAward, DECIDED_ON, decision_number="345/QĐ-CĐVC")
