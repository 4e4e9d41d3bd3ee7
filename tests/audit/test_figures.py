"""Do the figures that audit derives come to what one would count by hand, on any day, for any unit?"""

from datetime import UTC, date, datetime
from random import Random
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.domain import CONTRIBUTIONS
from audit.domain.contribution import STOCK, Contribution
from audit.domain.figures import Sum, audited, percent
from audit.domain.membership_figures import unit_facts
from audit.domain.unit_tree import UnitTree
from audit.read_models.contributions import folded
from chassis.cloudevents import BrokenEvent
from chassis.events import NotReadable
from chassis.hierarchy import UnitUnknown
from chassis.recorded import RecordedEvent
from tests.audit.histories import AS_OF, HISTORIES, YEARS
from tests.audit.plain_counting import count
from tests.audit.recording import Recording

ANYONE = UUID(int=1)


def derived(recording: Recording, unit: str, year: int, as_of: date) -> dict[str, int | str | None]:
    """Every figure by audit's own rules, its tables left out."""
    tree = UnitTree()
    tree.learn(enumerate((fact for event in recording.events for fact in unit_facts(event)), 1))
    late: set[UUID] = set()
    sums = folded(part for event in recording.events for part in CONTRIBUTIONS.derived(event, late))
    day = min(as_of, date(year, 12, 31))
    units = tree.under(unit, day)
    found: dict[tuple[str, str], Sum] = {}
    for (figure, at, of_year, on, decider), part in sums.items():
        if at in units and ((of_year == STOCK and on <= day) or (of_year == year and on <= as_of)):
            found[figure, decider] = found.get((figure, decider), Sum()) + part
    return {figure.name: figure.value for figure in audited(found, tree.lineage(unit, day))}


@settings(max_examples=60, deadline=None)
@given(HISTORIES, st.data())
def test_audit_derives_what_plain_counting_finds(recording: Recording, data: st.DataObject) -> None:
    events = [event.event for event in recording.events]
    units = sorted({event.unit for event in events})
    for _ in range(5):
        unit, year, as_of = data.draw(st.sampled_from(units)), data.draw(st.sampled_from(YEARS)), data.draw(AS_OF)

        assert derived(recording, unit, year, as_of) == count(events, unit, year, as_of), (unit, year, as_of)


@settings(max_examples=20, deadline=None)
@given(HISTORIES, AS_OF, st.randoms(use_true_random=False))
def test_the_order_in_which_services_are_heard_does_not_matter(recording: Recording, as_of: date, chance: Random) -> None:
    services = ["membership", "welfare", "awards", "notifications"]
    chance.shuffle(services)
    shuffled = Recording(events=[event for service in services for event in recording.of(service)])

    assert derived(shuffled, "unit-000", 2024, as_of) == derived(recording, "unit-000", 2024, as_of)


def said(topic: str, body: bytes) -> RecordedEvent:
    return RecordedEvent("membership", 1, ANYONE, 1, topic, body, b"{}", "ha-noi", 1, datetime(2026, 1, 1, tzinfo=UTC))


JOINED = b'{"schema_version":1,"unit":"ha-noi","on":"2024-02-29"}'


def test_a_member_who_joined_is_one_more_from_that_day_on() -> None:
    assert list(CONTRIBUTIONS.derived(said("membership.member_joined", JOINED), set())) == [
        Contribution("members", "ha-noi", STOCK, date(2024, 2, 29), 1)
    ]


def test_an_event_that_is_no_part_of_a_figure_contributes_nothing() -> None:
    assert not list(CONTRIBUTIONS.derived(said("membership.unit_renamed", b"no JSON"), set()))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"no JSON", "no JSON object"),
        (b"[]", "no JSON object"),
        (JOINED.replace(b":1,", b":2,"), "schema version is none of 1 to 1"),
        (JOINED.replace(b'"schema_version":1,', b""), "schema version is none of 1 to 1"),
        (JOINED.replace(b"ha-noi", b"").replace(b'""', b"7"), "field unit"),
        (JOINED.replace(b"02-29", b"02-30"), "field on"),
    ],
)
def test_an_event_that_cannot_be_read_is_refused_without_its_values(body: bytes, reason: str) -> None:
    with pytest.raises(NotReadable, match=f"^membership.member_joined: {reason}$"):
        list(CONTRIBUTIONS.derived(said("membership.member_joined", body), set()))


def test_a_message_that_is_no_valid_event_contributes_nothing_even_with_a_good_body() -> None:
    good = said("membership.member_joined", JOINED)
    broken = BrokenEvent(**{**vars(good), "flaw": "header ce-time is missing"})

    with pytest.raises(NotReadable, match="header ce-time is missing"):
        list(CONTRIBUTIONS.derived(broken, set()))


def test_a_topic_is_declared_once() -> None:
    with pytest.raises(TypeError, match=r"membership\.member_joined"):
        CONTRIBUTIONS.of("membership.member_joined")(lambda said, late: ())


@pytest.mark.parametrize(
    ("result", "target", "expected"),
    [(2107, 1789, "117.78"), (1, 3, "33.33"), (2, 3, "66.67"), (1, 800, "0.13"), (0, 5, "0.00"), (5, 5, "100.00")],
)
def test_a_percentage_has_two_decimals_rounded_half_up(result: int, target: int, expected: str) -> None:
    assert percent(result, target) == expected


def test_without_a_target_there_is_no_percentage() -> None:
    figures = {figure.name: figure for figure in audited({("initiatives", ""): Sum(3, 3)}, {"ha-noi"})}

    assert figures["initiative_percent"].value is None
    assert figures["initiatives"].value == 3


def test_a_flag_of_a_federation_elsewhere_is_received_but_not_counted_as_the_federations() -> None:
    sums = {("flags_by_federation", "cdvcvn"): Sum(2, 2), ("flags_by_federation", "ldld-ha-noi"): Sum(1, 1)}

    assert next(figure for figure in audited(sums, {"ha-noi", "cdvcvn"}) if figure.name == "flags_by_federation").value == 2


def test_nobody_has_figures_of_a_unit_that_never_was() -> None:
    with pytest.raises(UnitUnknown, match="nowhere"):
        UnitTree().require("nowhere")
