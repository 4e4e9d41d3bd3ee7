"""Who was honoured for 2024, by whom, and how did it come to that?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from congdoan.sample.bodies import CENTRAL
from congdoan.sample.officers import IN_PLACE_OF_THE_CHAIR, LABOUR_FEDERATION, signatory
from congdoan.sample.people import members_of
from congdoan.sample.steps import Chapter, Sender, Stage, Step, named, step
from congdoan.sample.units import CONFEDERATION, FEDERATION, VINH_PHUC

YEAR = 2024
BY_CONFEDERATION, BY_FEDERATION, DELEGATES = 6, 14, 150
"""Flags and delegates of the federation's year, as published."""

MERIT_BY_LABOUR_FEDERATION, MERIT_BY_FEDERATION, COMMENDED = 4, 2, 9
MERIT_MENDED, COMMENDED_AND_REVOKED = 0, 8
"""Which certificate's nomination was returned once, and which commendation did not last."""

DELEGATES_THEME = "Tham mưu giỏi, phục vụ tốt"
PROPOSED, ENDORSED, DECIDED = date(2024, 11, 11), date(2024, 11, 25), date(2024, 12, 6)
FEDERATION_CONFERENCE, VINH_PHUC_CONFERENCE = date(2024, 12, 20), date(2025, 1, 9)


@dataclass(frozen=True, slots=True)
class Award:
    """An award from its nomination on."""

    form: str
    recipient: Mapping[str, object]
    decider: str
    reviewer: str
    decision: str
    citation: str
    presented_on: date
    theme: str = ""

    @property
    def nomination_id(self) -> UUID:
        """Follows from who is honoured with what by whom."""
        return named("nomination", YEAR, self.form, self.decider, *self.recipient.values())


def chapter() -> Chapter:
    """Quotas and nominations, one of them mended; decisions; presentations; and one that was undone."""
    awards = [*_flags(), *_merit(), *_commendations(), *_delegates()]
    mended, revoked = _merit()[MERIT_MENDED], _commendations()[COMMENDED_AND_REVOKED]
    return [
        [*_quotas(), *(_propose(award) for award in awards)],
        [_of("ReturnAward", mended, date(2024, 11, 15), reviewer=VINH_PHUC, reason="Thiếu số liệu chứng minh thành tích")],
        [_of("ResubmitAward", mended, date(2024, 11, 19), citation=f"{mended.citation}, có số liệu kèm theo")],
        [_of("EndorseAward", award, ENDORSED, reviewer=award.reviewer) for award in awards],
        [_of("DecideAward", award, DECIDED, decision_number=award.decision).by(_signed_by(award)) for award in awards],
        [_of("PresentAward", award, award.presented_on, presenter=_presenter(award)) for award in awards],
        [_of("RevokeAward", revoked, date(2025, 4, 10), reason="Kê khai thành tích không đúng").by(signatory(VINH_PHUC))],
        [_of("RecoverArtefact", revoked, date(2025, 5, 5))],
    ]


def _flags() -> list[Award]:
    central = [code for code, _ in CENTRAL]
    to_confederation = [*central[:4], "ha-noi", "da-nang"][:BY_CONFEDERATION]
    parts = [f"{code}-cs-01" for code in central[:3]]
    to_federation = [*central[4:12], "hai-duong", "nghe-an", "khanh-hoa", *parts][:BY_FEDERATION]
    leading = "Dẫn đầu phong trào thi đua và hoạt động công đoàn năm 2024"
    return [
        *(_flag(unit, CONFEDERATION, FEDERATION, "2215/QĐ-TLĐ", leading) for unit in to_confederation),
        *(_flag(unit, FEDERATION, FEDERATION, "338/QĐ-CĐVC", leading) for unit in to_federation),
        _flag(f"{VINH_PHUC}-cs-17", LABOUR_FEDERATION, VINH_PHUC, "912/QĐ-LĐLĐ", "Đơn vị xuất sắc năm 2024"),
    ]


def _flag(unit: str, decider: str, reviewer: str, decision: str, citation: str) -> Award:
    presented_on = VINH_PHUC_CONFERENCE if decider == LABOUR_FEDERATION else FEDERATION_CONFERENCE
    return Award("flag", {"unit": unit}, decider, reviewer, decision, citation, presented_on)


def _merit() -> list[Award]:
    citation = "Hoàn thành xuất sắc nhiệm vụ công đoàn năm 2024"
    units = [f"{VINH_PHUC}-cs-{number:02}" for number in (8, 16, 18, 27, 31, 44)]
    own, functional = units[:MERIT_BY_LABOUR_FEDERATION], units[MERIT_BY_LABOUR_FEDERATION:][:MERIT_BY_FEDERATION]
    form = "certificate_of_merit"
    return [
        *(Award(form, {"unit": u}, LABOUR_FEDERATION, VINH_PHUC, "913/QĐ-LĐLĐ", citation, VINH_PHUC_CONFERENCE) for u in own),
        *(Award(form, {"unit": u}, FEDERATION, VINH_PHUC, "340/QĐ-CĐVC", citation, VINH_PHUC_CONFERENCE) for u in functional),
    ]


def _commendations() -> list[Award]:
    units = [f"{VINH_PHUC}-cs-{number:02}" for number in range(1, 31)]
    citation = "Có thành tích xuất sắc trong hoạt động công đoàn năm 2024"
    return [
        _to_person("commendation", member.member_id, VINH_PHUC, member.unit, "57/QĐ-CĐVC", citation, VINH_PHUC_CONFERENCE)
        for member in members_of(units, COMMENDED, "commendations")
    ]


def _delegates() -> list[Award]:
    places = [*(f"{code}-cs-{number:02}" for code, _ in CENTRAL for number in range(1, 6))]
    places += [f"{province}-cs-{number:02}" for province in ("hai-duong", "thanh-hoa", "nghe-an") for number in range(1, 7)]
    own = [f"{VINH_PHUC}-cs-{number:02}" for number in range(41, 61)]
    chosen = [*members_of(own, 6, "delegates"), *members_of(places, DELEGATES - 6, "delegates")]
    return [
        _to_person(
            *("public_honour", member.member_id, FEDERATION, FEDERATION, "305/QĐ-CĐVC", "Đại biểu được tuyên dương năm 2024"),
            FEDERATION_CONFERENCE,
            DELEGATES_THEME,
        )
        for member in chosen
    ]


def _to_person(form: str, member_id: UUID, decider: str, reviewer: str, *more: object) -> Award:
    decision, citation, presented_on, *theme = more
    return Award(form, {"member_id": member_id}, decider, reviewer, decision, citation, presented_on, *theme)  # type: ignore[arg-type]


def _quotas() -> Stage:
    quotas: Sequence[tuple[str, str, int]] = (
        (CONFEDERATION, "flag", 10),
        (FEDERATION, "flag", 20),
        (VINH_PHUC, "commendation", 40),
    )
    return [
        step("awards", "SetQuota", decider, form, decider=decider, form=form, year=YEAR, at_most=at_most, on=date(2024, 2, 1))
        for decider, form, at_most in quotas
    ]


def _signed_by(award: Award) -> Sender:
    return IN_PLACE_OF_THE_CHAIR.sender if award.decider == VINH_PHUC else signatory(award.decider)


def _presenter(award: Award) -> str:
    return VINH_PHUC if award.presented_on == VINH_PHUC_CONFERENCE and award.decider == FEDERATION else award.decider


def _propose(award: Award) -> Step:
    scope = {"scope": "thematic", "theme": award.theme} if award.theme else {"scope": "comprehensive"}
    fields = {"form": award.form, "year": YEAR, "decider": award.decider, "citation": award.citation}
    return _of("ProposeAward", award, PROPOSED, **award.recipient, **fields, **scope)


def _of(rpc: str, award: Award, on: date, **fields: object) -> Step:
    return step("awards", rpc, award.nomination_id, nomination_id=award.nomination_id, on=on, **fields)
