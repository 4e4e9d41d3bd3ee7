"""Do the rows of the read models say what the events say? Random histories, folded and recomputed."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from awards import events
from awards.domain.nomination import NOMINATION
from awards.events import (
    AwardDecided,
    AwardForm,
    AwardProposed,
    AwardResubmitted,
    AwardRevoked,
    AwardScope,
    CertificateOfMeritAwarded,
    CommendationAwarded,
    FlagAwarded,
    InitiativeAccepted,
    InitiativeProgrammeOpened,
    InitiativeRegistered,
    InitiativeRejected,
    PublicHonourAwarded,
    QuotaSet,
    QuotaUse,
)
from awards.read_models import OF_CHILDREN, OWN
from awards.read_models.award_counts import AWARD_COUNTS
from awards.read_models.initiative_counts import INITIATIVE_COUNTS
from awards.read_models.initiatives import INITIATIVES
from awards.read_models.nominations import NOMINATIONS
from awards.read_models.programmes import PROGRAMMES
from awards.read_models.quotas import QUOTAS
from chassis.events import Event
from chassis.read_models import Key, ReadModel
from chassis.recorded import RecordedEvent
from membership.events import Level
from tests.awards import a_nomination as example

START = date(2024, 1, 1)
GIVEN: dict[AwardForm, Any] = {
    AwardForm.FLAG: FlagAwarded,
    AwardForm.CERTIFICATE_OF_MERIT: CertificateOfMeritAwarded,
    AwardForm.COMMENDATION: CommendationAwarded,
    AwardForm.PUBLIC_HONOUR: PublicHonourAwarded,
}


def recorded(position: int, event: Event) -> RecordedEvent:
    return RecordedEvent(
        "awards", position, UUID(int=1), position, event.topic, event.encode(), b"", "national", position, datetime.now(UTC)
    )


def rows_of(model: ReadModel[Any], history: Iterable[Event]) -> dict[Key, Any]:
    """The rows of a history; each event passes through its bytes, and each row is as wide as its table."""
    rows: dict[Key, Any] = {}
    for position, event in enumerate(history, 1):
        if event.topic in model.topics:
            model.apply(rows, recorded(position, event))
    found = {key: row for key, row in rows.items() if row is not None}
    for key, row in found.items():
        assert key == tuple(getattr(row, name) for name in model.key)
    return found


@st.composite
def awards(draw: st.DrawFn) -> list[Event]:
    """Awards of every form to units and persons, decided and some of them revoked, in the order of their days."""
    history: list[Event] = []
    for number in range(draw(st.integers(0, 8))):
        form = draw(st.sampled_from(AwardForm))
        level, decider = draw(st.sampled_from([(Level.CONFEDERATION, "tld"), (Level.FEDERATION, "cdvcvn")]))
        scope = draw(st.sampled_from(AwardScope))
        on = START + timedelta(days=draw(st.integers(0, 6)))
        told: dict[str, Any] = {
            "unit": draw(st.sampled_from(["so-y-te", "so-noi-vu"])),
            "nomination_id": UUID(int=number),
            "member_id": UUID(int=100) if form is not AwardForm.FLAG and draw(st.booleans()) else None,
            "form": form,
            "scope": scope,
            "theme": draw(st.sampled_from(["An toàn", "AN TOÀN", "Văn hóa"])) if scope is AwardScope.THEMATIC else "",
            "year": draw(st.sampled_from([2023, 2024])),
            "decider": decider,
        }
        decision = {"decider_level": level, "decision_number": "1", "decided_on": on, "rule_set": "999/QĐ-TLĐ"}
        uses = tuple(
            QuotaUse(theme=theme, at_most=300 if theme else None, revision=0) for theme in dict.fromkeys(("", told["theme"]))
        )
        history.append(AwardProposed(**told, on=START, citation=""))
        history.append(AwardDecided(**told, **decision, on=on, quotas=uses))
        history.append(GIVEN[form](**told, **decision, on=on))
        if draw(st.booleans()):
            revoked_on = on + timedelta(days=draw(st.integers(0, 4)))
            history.append(AwardRevoked(**told, **decision, on=revoked_on, reason="x"))
    return history


def standing(history: Sequence[Event], day: date) -> list[Any]:
    """The awards that stand on a day, straightforwardly."""
    gone = {event.nomination_id for event in history if isinstance(event, AwardRevoked) and event.on <= day}
    return [e for e in history if isinstance(e, tuple(GIVEN.values())) and e.on <= day and e.nomination_id not in gone]  # type: ignore[attr-defined]


COLUMN = {
    AwardForm.FLAG: "flags",
    AwardForm.CERTIFICATE_OF_MERIT: "certificates_of_merit",
    AwardForm.COMMENDATION: "commendations",
    AwardForm.PUBLIC_HONOUR: "honoured_members",
}


@settings(max_examples=80, deadline=None)
@given(awards())
def test_counts_of_awards_are_those_of_the_awards_that_stand_on_each_day(history: list[Event]) -> None:
    rows = rows_of(AWARD_COUNTS, history).values()

    for day in (START + timedelta(days=days) for days in range(12)):
        counted: Counter[tuple[object, ...]] = Counter()
        for row in rows:
            if row.day <= day:
                for column in COLUMN.values():
                    counted[row.unit, row.year, row.decider, row.decider_level, column] += getattr(row, column)
        expected = Counter(
            (event.unit, event.year, event.decider, event.decider_level.value, COLUMN[event.form])
            for event in standing(history, day)
            if event.form is not AwardForm.PUBLIC_HONOUR or event.member_id
        )
        assert {key: count for key, count in counted.items() if count} == expected


@settings(max_examples=80, deadline=None)
@given(awards())
def test_the_use_of_a_quota_is_the_number_of_awards_that_stand(history: list[Event]) -> None:
    rows = rows_of(QUOTAS, history)
    last = date.max
    of_form = Counter((event.decider, event.year, event.form.value, "") for event in standing(history, last))
    of_theme = Counter(
        (event.decider, event.year, event.form.value, event.theme.casefold()) for event in standing(history, last) if event.theme
    )

    assert {key: row.decided for key, row in rows.items() if row.decided} == {**of_form, **of_theme}
    assert all(row.at_most == (300 if row.theme else None) for row in rows.values())


def test_a_quota_shows_before_and_after_it_is_used() -> None:
    fields: dict[str, Any] = {"form": AwardForm.FLAG, "year": 2024, "theme": "", "revision": 1}
    first = QuotaSet(unit="cdvcvn", on=START, at_most=14, former_at_most=None, **fields)
    second = QuotaSet(unit="cdvcvn", on=START, at_most=20, former_at_most=14, **{**fields, "revision": 2})

    (row,) = rows_of(QUOTAS, [first, *example.AWARDED, second]).values()

    assert (row.at_most, row.decided, row.theme) == (20, 1, "")


def test_a_nomination_shows_everything_that_became_of_it() -> None:
    history = (
        example.proposed(),
        example.returned(),
        AwardResubmitted(**example.TOLD, on=example.ENDORSED_ON, citation="Đã bổ sung"),
        example.endorsed(),
        *example.decided(),
        example.PRESENTED,
        example.REVOKED,
        example.RECOVERED,
    )
    stages = [next(iter(rows_of(NOMINATIONS, history[:length]).values())).status for length in range(1, len(history) + 1)]
    (row,) = rows_of(NOMINATIONS, history).values()

    assert stages == [
        "proposed",
        "returned",
        "proposed",
        "endorsed",
        "decided",
        "decided",
        "presented",
        "revoked",
        "revoked",
    ]
    told = {field.name: getattr(row, field.name) for field in fields(row)}
    assert told == {
        "nomination_id": example.ID,
        "unit": "so-y-te",
        "member_id": None,
        "form": "flag",
        "scope": "comprehensive",
        "theme": "",
        "year": 2024,
        "decider": "cdvcvn",
        "citation": "Đã bổ sung",
        "status": "revoked",
        "proposed_on": example.PROPOSED_ON,
        "endorsed_by": "vinh-phuc",
        "return_reason": "Thiếu minh chứng",
        "decided_on": example.DECIDED_ON,
        "decider_level": "federation",
        "decision_number": "345/QĐ-CĐVC",
        "rule_set": "999/QĐ-TLĐ",
        "presenter": "ldld-vinh-phuc",
        "presented_on": example.LATER,
        "revoked_on": example.LATER,
        "revocation_reason": "Khai man thành tích",
        "recovered_on": example.LATER,
    }
    assert NOMINATION.evolve(None, history[0]).nomination_id == row.nomination_id


@st.composite
def initiatives(draw: st.DrawFn) -> list[Event]:
    """Programmes of two years and initiatives in them: registered, accepted, rejected or left open."""
    history: list[Event] = []
    for programme in range(draw(st.integers(1, 3))):
        year = draw(st.sampled_from([2023, 2024]))
        target = draw(st.integers(1, 50))
        history.append(
            InitiativeProgrammeOpened(
                unit="vinh-phuc", on=START, programme_id=UUID(int=programme), year=year, name="x", target=target, closes_on=START
            )
        )
        for number in range(draw(st.integers(0, 6))):
            told: dict[str, Any] = {
                "unit": draw(st.sampled_from(["vinh-phuc", "so-y-te"])),
                "initiative_id": UUID(int=100 * programme + number + 10),
                "programme_id": UUID(int=programme),
                "programme_unit": "vinh-phuc",
                "year": year,
            }
            on = START + timedelta(days=draw(st.integers(0, 3)))
            history.append(InitiativeRegistered(**told, on=START, author_id=None, title="x"))
            match draw(st.sampled_from(["accepted", "rejected", "open"])):
                case "accepted":
                    history.append(InitiativeAccepted(**told, on=on))
                case "rejected":
                    history.append(InitiativeRejected(**told, on=on, reason="x"))
    return history


@settings(max_examples=60, deadline=None)
@given(initiatives())
def test_programmes_and_counts_of_initiatives_are_those_of_the_initiatives(history: list[Event]) -> None:
    listed = list(rows_of(INITIATIVES, history).values())
    programmes = rows_of(PROGRAMMES, history).values()
    opened = [event for event in history if isinstance(event, InitiativeProgrammeOpened)]

    assert [(row.programme_id, row.registered, row.accepted, row.rejected, row.target) for row in programmes] == [
        (
            event.programme_id,
            sum(1 for row in listed if row.programme_id == event.programme_id),
            sum(1 for row in listed if (row.programme_id, row.status) == (event.programme_id, "accepted")),
            sum(1 for row in listed if (row.programme_id, row.status) == (event.programme_id, "rejected")),
            event.target,
        )
        for event in opened
    ]
    counts = rows_of(INITIATIVE_COUNTS, history).values()
    for day in (START + timedelta(days=days) for days in range(5)):
        counted: Counter[tuple[str, int]] = Counter()
        for row in counts:
            if row.day <= day:
                counted[row.unit, row.year] += row.accepted
        accepted = [event for event in history if isinstance(event, InitiativeAccepted) and event.on <= day]
        assert +counted == Counter((event.unit, event.year) for event in accepted)
    assert sum(row.target for row in counts) == sum(event.target for event in opened)
    assert {row.judged_on is None for row in listed if row.status == "registered"} <= {True}
    assert {row.judged_on is None for row in listed if row.status != "registered"} <= {False}


def test_every_event_of_awards_is_followed_by_a_read_model() -> None:
    followed = frozenset().union(*(model.topics for model in (*OWN, *OF_CHILDREN)))

    every = {
        value.topic
        for value in vars(events).values()
        if isinstance(value, type) and issubclass(value, Event) and value is not Event
    }

    assert every <= followed
