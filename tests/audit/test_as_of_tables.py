"""Do figures, tree and awards at any cut follow from the events up to it, on a real PostgreSQL, and stay what they were?"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from random import Random

import pytest

from audit.domain.as_of.unit import unit_then
from audit.domain.cut import RECORDED, Cut, closed, microseconds, shortened
from audit.domain.figures import COUNTS, AuditedFigure, Sum, audited
from audit.domain.unit_tree import UnitTree
from audit.read_models import SCHEMA, contributions
from audit.read_models.award_register import AwardKeeper, awards_as_of
from audit.read_models.contributions import (
    VERSION,
    Entry,
    FigureKeeper,
    counted_on,
    entries_behind,
    facts_behind,
    figures,
    reading,
    refresh,
)
from audit.read_models.knowledge import KnowledgeKeeper, first_beyond, heads, largest_closed, recorded_by
from audit.read_models.log import LogKeeper, positions_of
from chassis.database import Pool, migrate, open_pool
from chassis.events import Event
from chassis.following import Effect, Follower
from chassis.hierarchy import UnitUnknown
from chassis.recorded import Actor, RecordedEvent
from membership.events import UnitDissolved
from tests.audit.histories import DAYS, FIRST_DAY, YEARS
from tests.audit.plain_counting import count, established_by, lies_under, parents_on
from tests.audit.recording import Recording
from tests.audit.test_cut import NOON, Histories
from tests.audit.test_tables import drawn

SERVICES = ("membership", "welfare", "awards", "notifications")
FORMS = {"flag": "flags_received", "certificate_of_merit": "certificates_of_merit", "commendation": "commendations"}


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    """A database as audit has it."""
    migrate(database, SCHEMA)
    async with open_pool(database) as opened:
        yield opened


async def follow(pool: Pool, effect: Effect, events: Sequence[RecordedEvent], size: int = 100) -> None:
    """Take some events, from wherever the effect's follower is."""
    follower = Follower(pool, effect, lambda: NOON)
    await follower.load()
    for start in range(0, len(events), size):
        await follower.take(events[start : start + size])


async def heard(pool: Pool, recording: Recording) -> None:
    """Whatever answers as of a cut has taken a recording."""
    for service in SERVICES:
        await follow(pool, FigureKeeper(service), recording.of(service))
    await follow(pool, AwardKeeper(), recording.of("awards"))


def random_cut(chance: Random, recording: Recording) -> Cut:
    """Anywhere, the first and the last event included."""
    return Cut.of({name: chance.choice((0, last, *range(last))) for name, last in recording.positions.items()})


def within(recording: Recording, cut: Cut) -> list[Event]:
    """What had been recorded, read from the bytes."""
    return [event.event for event in recording.events if event.position <= cut[event.service]]


def told(found: Sequence[AuditedFigure]) -> dict[str, int | str | None]:
    return {figure.name: figure.value for figure in found}


@pytest.mark.parametrize(("seed", "stratum"), [(0, 8), (1, contributions.STRATUM)])
async def test_figures_tree_and_awards_at_a_cut_follow_from_the_events_up_to_it(
    pool: Pool, seed: int, stratum: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contributions, "STRATUM", stratum)
    chance = Random(seed)
    recording, tree = drawn(chance, 400), UnitTree()
    await heard(pool, recording)

    for _ in range(12):
        cut = random_cut(chance, recording)
        events, as_of, year = (
            within(recording, cut),
            FIRST_DAY + timedelta(days=chance.randrange(DAYS + 300)),
            chance.choice(YEARS),
        )
        unit = chance.choice(
            sorted({event.unit for event in events if event.topic == "membership.unit_established"} or {"unit-000"})
        )
        if not any(event.unit == unit for event in events):
            with pytest.raises(UnitUnknown):
                await figures(pool, tree, unit, year, as_of, cut)
            continue
        expected = count(events, unit, year, as_of)

        assert told(await figures(pool, tree, unit, year, as_of, cut)) == expected, (unit, year, as_of, cut)
        assert await _standing_awards(pool, tree, unit, year, as_of, cut) == {name: expected[name] for name in FORMS.values()}
        await _tree_is_right(pool, tree, events, unit, as_of, cut)


async def _standing_awards(pool: Pool, tree: UnitTree, unit: str, year: int, as_of: date, cut: Cut) -> dict[str, int]:
    """The awards of the register that were not revoked, by form, read in pages of three."""
    units, found, after = tree.under(unit, counted_on(year, as_of), cut["membership"]), list[str](), 0
    async with pool.connection() as connection:
        while page := await awards_as_of(connection, units, year, as_of, cut["awards"], after, 3):
            found += [award.given.form for award in page if award.revoked_on is None]
            after = page[-1].given.position
    return {name: found.count(form) for form, name in FORMS.items()}


async def _tree_is_right(pool: Pool, tree: UnitTree, events: list[Event], top: str, day: date, cut: Cut) -> None:
    """Each unit of the subtree, its parents and its end, as plain reading has them."""
    there = established_by(events, day)
    depths = dict(tree.depths(top, day, cut["membership"]))
    assert set(depths) == {code for code in there if lies_under(events, code, top, day, there)}
    ends = {event.unit: event.on for event in events if isinstance(event, UnitDissolved) and event.on <= day}
    async with pool.connection() as connection:
        facts = await facts_behind(connection, list(depths), cut)
    for code, depth in depths.items():
        unit = unit_then(code, depth, [fact for fact in facts if fact.unit == code], day)
        assert {unit.line_parent, unit.functional_parent} - {""} == parents_on(events, code, day)
        assert (unit.name, unit.dissolved_on) == (code, ends.get(code))
        assert tree.is_dissolved(code, day, cut["membership"]) == (code in ends)


async def test_the_cut_of_now_is_what_is_answered_without_one(pool: Pool) -> None:
    recording, tree = drawn(Random(3), 300), UnitTree()
    await heard(pool, recording)

    for unit in sorted({event.event.unit for event in recording.events}):
        question = (pool, tree, unit, 2024, date(2025, 6, 1))
        assert await figures(*question, Cut.of(recording.positions)) == await figures(*question)


async def test_an_answer_at_a_cut_stays_after_more_events_and_after_a_rebuild(pool: Pool) -> None:
    recording, tree = drawn(Random(4), 600), UnitTree()
    half = Recording(recording.events[: len(recording.events) // 2])
    cut = Cut.of({service: len(half.of(service)) for service in SERVICES})
    questions = [(unit, year, date(2025, 6, 1), cut) for unit in ("unit-000", "unit-001x") for year in YEARS]
    await heard(pool, half)
    first = [await figures(pool, tree, *question) for question in questions]
    assert any(figure.value for figure in first[0])

    await heard(pool, recording)
    later = [await figures(pool, tree, *question) for question in questions]
    async with pool.connection() as connection:
        for table in ("contributions", "entries", "unit_facts", "late"):
            await connection.execute(f"truncate {table}_v{VERSION}".encode())
        await connection.execute("delete from followers")
        await connection.execute("truncate award_steps_v1")
    await heard(pool, recording)
    rebuilt = [await figures(pool, UnitTree(), *question) for question in questions]

    assert first == later == rebuilt
    assert rebuilt != [await figures(pool, UnitTree(), *question[:3]) for question in questions]


async def test_a_figure_adds_up_from_the_entries_behind_it_page_by_page(pool: Pool) -> None:
    chance = Random(5)
    recording, tree = drawn(chance, 400), UnitTree()
    await heard(pool, recording)
    cut = Cut.of({service: position * 3 // 4 for service, position in recording.positions.items()})
    unit, year, as_of = "unit-000", 2024, date(2025, 6, 1)
    units, lineage = tree_at(await learned(pool, tree), unit, counted_on(year, as_of), cut)

    entries: list[Entry] = []
    async with pool.connection() as connection, connection.transaction():
        await reading(connection)
        after = ("", 0, 0)
        while page := await entries_behind(connection, units, COUNTS, year, as_of, cut, after=after, size=7):
            entries += page
            after = (page[-1].service, page[-1].position, page[-1].number)

    sums: dict[tuple[str, str], Sum] = {}
    for entry in entries:
        key = entry.figure, entry.decider
        sums[key] = sums.get(key, Sum()) + Sum(entry.amount, 1)
    assert [(e.service, e.position, e.number) for e in entries] == sorted((e.service, e.position, e.number) for e in entries)
    assert all(entry.position <= cut[entry.service] for entry in entries)
    assert audited(sums, lineage) == await figures(pool, tree, unit, year, as_of, cut)


async def learned(pool: Pool, tree: UnitTree) -> UnitTree:
    """A tree that knows everything."""
    async with pool.connection() as connection:
        await refresh(connection, tree)
    return tree


def tree_at(tree: UnitTree, unit: str, day: date, cut: Cut) -> tuple[list[str], set[str]]:
    """Subtree and lineage."""
    return tree.under(unit, day, cut["membership"]), tree.lineage(unit, day, cut["membership"])


@pytest.mark.parametrize("size", [1, 1_000])
async def test_cuts_asked_of_the_table_are_those_that_follow_from_the_events(pool: Pool, size: int) -> None:
    chance, recording = Random(6), drawn(Random(6), 150)
    events = [_caused(chance, event, recording.positions) for event in recording.events]
    found = Histories(events)
    for service in SERVICES:
        of_service = [event for event in events if event.service == service]
        await follow(pool, LogKeeper(service), of_service)
        await follow(pool, KnowledgeKeeper(service, SERVICES), of_service, size)
    there = Cut.of(recording.positions)

    assert await heads(pool, [*SERVICES, "audit"]) == Cut.of({**recording.positions, "audit": 0})
    for second in range(-5, 160, 11):
        at = NOON + timedelta(seconds=second)
        limits = [(service, RECORDED, microseconds(at)) for service in SERVICES]
        by_time = await recorded_by(pool, there, at)
        assert by_time == shortened(there, found.first_beyond(limits))
        assert await largest_closed(pool, by_time) == closed(by_time, found.first_beyond)
    assert await first_beyond(pool, []) == []


def _caused(chance: Random, event: RecordedEvent, ends: dict[str, int]) -> RecordedEvent:
    """An event of a service that names any event of another as its cause, every other time, on a clock that goes astray."""
    other = chance.choice(SERVICES)
    cause = f"{other}/{chance.randint(1, ends[other] + 1)}" if chance.random() < 0.1 else "a command"
    metadata = replace(event.metadata, actor=Actor("reaction", "service", ""), causation_id=cause)
    at = NOON + timedelta(seconds=event.position + chance.randint(-5, 5))
    return replace(event, metadata_json=metadata.encode(), recorded_at=at)


async def test_the_events_of_one_thing_are_found_by_index_up_to_a_position(pool: Pool) -> None:
    events = drawn(Random(7), 200).of("membership")
    await follow(pool, LogKeeper("membership"), events)
    one = max(events, key=lambda event: event.version).aggregate_id
    expected = [event.position for event in events if event.aggregate_id == one]

    assert len(expected) > 2
    assert await positions_of(pool, "membership", one, 1_000) == expected
    assert await positions_of(pool, "membership", one, expected[-1] - 1) == expected[:-1]
