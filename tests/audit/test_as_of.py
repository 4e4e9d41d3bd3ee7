"""Do member, campaign, unit and award stand as one would find by reading their events up to a cut and a day?"""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.domain.as_of.award import STEPS, AwardStep, award_step, awards_then
from audit.domain.as_of.campaign import campaign_then
from audit.domain.as_of.member import MemberThen, member_then
from audit.domain.as_of.unit import unit_then
from audit.domain.unit_tree import FactKind, UnitFact
from awards.events import ArtefactRecovered, AwardForm, AwardPresented, AwardRevoked, AwardScope, CommendationAwarded
from chassis.events import Event, NotReadable
from chassis.recorded import RecordedEvent
from membership.events import (
    HardshipEnded,
    HardshipGrade,
    HardshipRecorded,
    Level,
    MemberJoined,
    MemberLeft,
    MemberReleased,
    SubjectErased,
    TransferAccepted,
    TransferRefused,
    TransferRequested,
)
from tests.audit.recording import Recording, id_of
from tests.welfare import tet_campaign as tet
from tests.welfare.histories import histories, recorded, rows_after
from welfare.read_models.campaigns import CAMPAIGNS

WHO, DAY = id_of("member", 1), date(2024, 3, 1)
NOBODY = dict.fromkeys(("full_name", "national_id", "national_id_hash", "birth_date", "phone", "email"))


def on(days: int) -> date:
    return DAY + timedelta(days=days)


def joined(**more: Any) -> MemberJoined:
    return MemberJoined(**{"unit": "so-y-te", "on": DAY, "member_id": WHO, **NOBODY, **more})


def transfer(cls: type[Any], days: int, **more: Any) -> Event:
    made: Event = cls(**{"unit": "so-y-te", "on": on(days), "member_id": WHO, "transfer_id": WHO, "to_unit": "ha-noi", **more})
    return made


def of_member(*events: Event) -> list[RecordedEvent]:
    recording = Recording()
    return [recording.record(WHO, event) for event in events]


def test_nobody_is_a_member_before_it_joined() -> None:
    assert member_then(of_member(joined()), on(-1)) is None
    assert member_then([], on(1)) is None


def test_a_member_is_where_the_last_event_that_counts_left_it() -> None:
    hardship = HardshipRecorded(unit="so-y-te", on=on(1), member_id=WHO, grade=HardshipGrade.SPECIAL_HARDSHIP, details=None)
    events = of_member(
        joined(),
        hardship,
        transfer(TransferRequested, 2),
        transfer(MemberReleased, 3),
        transfer(TransferAccepted, 4, unit="ha-noi", from_unit="so-y-te"),
        HardshipEnded(unit="ha-noi", on=on(5), member_id=WHO),
        MemberLeft(unit="ha-noi", on=on(6), member_id=WHO, reason="nghỉ hưu"),
        SubjectErased(unit="ha-noi", on=on(7), person_id=WHO, request_id=WHO, awaited=()),
    )
    at = MemberThen(WHO, "so-y-te", DAY, 1)
    expected = [
        at,
        at := replace(at, position=2, hardship="special_hardship"),
        at := replace(at, position=3, transfer_to="ha-noi"),
        at := replace(at, position=4, released=True),
        at := replace(at, position=5, unit="ha-noi", transfer_to="", released=False),
        at := replace(at, position=6, hardship=""),
        at := replace(at, position=7, left_on=on(6)),
        replace(at, position=8, erased=True),
    ]

    assert [member_then(events, on(days)) for days in range(8)] == expected
    assert [member_then(events[:upto], on(99)) for upto in range(1, 9)] == expected
    assert member_then(events[4:], on(99), expected[3]) == expected[-1]
    assert [member.status for member in (expected[5], expected[6])] == ["active", "left"]


def test_a_refused_transfer_leads_nowhere() -> None:
    events = of_member(joined(), transfer(TransferRequested, 1), transfer(TransferRefused, 2, reason="không đủ hồ sơ"))

    assert member_then(events, on(2)) == MemberThen(WHO, "so-y-te", DAY, 3)


@pytest.mark.parametrize(("special", "grade"), [(True, "special_hardship"), (False, "hardship")])
def test_a_hardship_of_the_first_version_has_its_grade(special: bool, grade: str) -> None:
    first, hardship = of_member(joined(), joined())
    body = {"schema_version": 1, "unit": "so-y-te", "on": "2024-03-02", "member_id": str(WHO), "special": special}
    old = replace(hardship, topic="membership.hardship_recorded", body=orjson.dumps(body))

    assert member_then([first, old], on(1)) == MemberThen(WHO, "so-y-te", DAY, 2, hardship=grade)


def test_what_cannot_be_read_is_not_passed_over() -> None:
    first, later = of_member(joined(), joined())

    with pytest.raises(NotReadable):
        member_then([first, replace(later, body=b'{"schema_version":9}')], on(1))


@settings(max_examples=60, deadline=None)
@given(histories(), st.integers(0, 60), st.integers(-5, 60))
def test_a_campaign_stands_as_welfare_says(events: list[Event], upto: int, days: int) -> None:
    of_this = [event for event in events if getattr(event, "campaign_id", None) == tet.CAMPAIGN][:upto]
    as_of = tet.BUDGET_ON + timedelta(days=days)
    rows = rows_after(CAMPAIGNS, [event for event in of_this if event.on <= as_of])

    found = campaign_then(recorded(of_this), as_of)

    if not rows:
        assert found is None
        return
    assert found is not None
    row, told = rows[tet.CAMPAIGN,], found.told
    for name in (*CAMPAIGNS.columns, "left_vnd"):
        assert (told[name] if name in told else getattr(found, name)) == getattr(row, name), name


def test_of_a_unit_the_fact_recorded_last_stands() -> None:
    facts = [
        UnitFact("so-y-te", FactKind.ESTABLISHED, DAY, "", 1),
        UnitFact("so-y-te", FactKind.NAMED, DAY, "Sở Y tế", 1),
        UnitFact("so-y-te", FactKind.LEVEL, DAY, "grassroots", 1),
        UnitFact("so-y-te", FactKind.LINE, on(9), "ha-noi", 4),
        UnitFact("so-y-te", FactKind.LINE, on(5), "vinh-phuc", 7),
        UnitFact("so-y-te", FactKind.DISSOLVED, on(20), "", 8),
    ]

    found = [unit_then("so-y-te", 1, facts, on(days)) for days in (0, 5, 9, 20)]

    assert [unit.line_parent for unit in found] == ["", "vinh-phuc", "vinh-phuc", "vinh-phuc"]
    assert [unit.dissolved_on for unit in found] == [None, None, None, on(20)]
    assert {(unit.name, unit.level, unit.established_on, unit.depth) for unit in found} == {("Sở Y tế", "grassroots", DAY, 1)}
    assert unit_then("so-y-te", 1, facts, on(-1)).established_on is None


def test_what_became_of_an_award_is_told_with_it() -> None:
    told = {
        "unit": "so-y-te", "nomination_id": WHO, "member_id": WHO, "form": AwardForm.COMMENDATION, "scope": AwardScope.ADHOC,
        "theme": "", "year": 2024, "decider": "ha-noi", "decider_level": Level.PROVINCE, "decision_number": "12/QĐ-CĐ",
        "decided_on": DAY, "rule_set": "999/QĐ-TLĐ",
    }  # fmt: skip
    recording = Recording()
    recorded_ = [
        recording.record(WHO, event)
        for event in (
            CommendationAwarded(on=DAY, **told),
            AwardPresented(on=on(1), presenter="ha-noi", **told),
            AwardRevoked(on=on(2), reason="sai quy trình", signed_by=None, **told),
            ArtefactRecovered(on=on(3), **told),
        )
    ]

    steps = [award_step(event) for event in recorded_]

    whose = ("so-y-te", 2024, str(WHO), "commendation", "adhoc", "", "ha-noi", "12/QĐ-CĐ", DAY)
    assert steps[0] == AwardStep(1, UUID(str(WHO)), "given", DAY, *whose)
    assert [step.step for step in steps] == [STEPS[event.topic] for event in recorded_]
    (award,) = awards_then(steps[:1], steps[1:])
    assert award.later == {"presented_on": on(1), "revoked_on": on(2), "recovered_on": on(3)}
