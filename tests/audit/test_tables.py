"""Do the log and the figures come out right on a real PostgreSQL, whatever the batches and whatever goes wrong between?"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest

from audit.domain.seal import GENESIS, LogBroken, Tail, seal
from audit.domain.unit_tree import UnitTree
from audit.read_models import SCHEMA
from audit.read_models.award_register import AwardKeeper
from audit.read_models.contributions import FigureKeeper, figures
from audit.read_models.log import LogKeeper, log_end, log_entries
from chassis.database import Pool, fetch, migrate, open_pool
from chassis.following import Follower
from chassis.hierarchy import UnitUnknown
from chassis.recorded import RecordedEvent
from tests.audit.histories import DAYS, FIRST_DAY, YEARS, history
from tests.audit.plain_counting import count
from tests.audit.recording import Recording

SERVICES = ("membership", "welfare", "awards", "notifications")


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    """A database as audit has it."""
    migrate(database, SCHEMA)
    async with open_pool(database) as opened:
        yield opened


def drawn(chance: Random, moves: int) -> Recording:
    """A random history."""
    numbers = (23, 41, 41, DAYS)
    return history(tuple(map(chance.randrange, numbers)) for _ in range(moves))  # type: ignore[misc]


async def follow(
    pool: Pool, effect: LogKeeper | FigureKeeper | AwardKeeper, events: Sequence[RecordedEvent], size: int = 1_000
) -> Follower:
    """Take some events in batches of a size, from wherever the effect's follower is."""
    follower = Follower(pool, effect, lambda: datetime(2026, 1, 1, tzinfo=UTC))
    await follower.load()
    for start in range(0, len(events), size):
        await follower.take(events[start : start + size])
    return follower


@pytest.mark.parametrize("seed", range(4))
async def test_the_tables_answer_what_plain_counting_finds(pool: Pool, seed: int) -> None:
    chance = Random(seed)
    recording = drawn(chance, 300)
    events = [event.event for event in recording.events]
    units = sorted({event.unit for event in events})
    for service in SERVICES:
        await follow(pool, FigureKeeper(service), recording.of(service), chance.randint(1, 40))
    tree = UnitTree()

    for _ in range(15):
        unit, year, as_of = chance.choice(units), chance.choice(YEARS), FIRST_DAY + timedelta(days=chance.randrange(DAYS + 300))
        found = {figure.name: figure.value for figure in await figures(pool, tree, unit, year, as_of)}

        assert found == count(events, unit, year, as_of), (unit, year, as_of)


async def test_every_figure_of_a_busy_history_stands_on_events(pool: Pool) -> None:
    recording = drawn(Random(5), 2_000)
    for service in SERVICES:
        await follow(pool, FigureKeeper(service), recording.of(service))

    tree, units = UnitTree(), {event.event.unit for event in recording.of("membership")}
    asked = [(unit, year) for unit in units for year in YEARS]
    found = [figure for unit, year in asked for figure in await figures(pool, tree, unit, year, date(2027, 1, 1))]

    assert {figure.name for figure in found} == {figure.name for figure in found if figure.value and figure.events}
    assert [figure for figure in found if figure.value and not figure.events] == []


async def test_events_taken_twice_count_once(pool: Pool) -> None:
    recording = drawn(Random(6), 200)
    tree, question = UnitTree(), ("unit-000", 2024, date(2027, 1, 1))
    for service in SERVICES:
        await follow(pool, FigureKeeper(service), recording.of(service))
    once = await figures(pool, tree, *question)

    for service in SERVICES:
        await follow(pool, FigureKeeper(service), recording.of(service), 3)

    assert await figures(pool, tree, *question) == once


async def test_a_tree_asked_before_learns_what_happened_since(pool: Pool) -> None:
    recording = drawn(Random(7), 200)
    events, half, tree = recording.of("membership"), len(recording.of("membership")) // 2, UnitTree()
    question = ("unit-000", 2024, date(2027, 1, 1))
    await follow(pool, FigureKeeper("membership"), events[:half])
    await figures(pool, tree, *question)

    await follow(pool, FigureKeeper("membership"), events[half:])

    assert await figures(pool, tree, *question) == await figures(pool, UnitTree(), *question)


async def test_an_event_that_cannot_be_read_waits_aside_and_the_other_figures_go_on(pool: Pool) -> None:
    topic = "membership.member_joined"
    first, second, *others = (event for event in drawn(Random(8), 100).of("membership") if event.topic == topic)
    events = [replace(first, position=1), replace(second, position=2, body=b'{"schema_version":9}')]
    events += [replace(event, position=place) for place, event in enumerate(others, 3)]

    await follow(pool, FigureKeeper("membership"), events)

    parked = await fetch(pool, "select position, reason from parked", ())
    counted = await fetch(pool, "select sum(amount)::bigint, sum(events)::bigint from contributions_v2", ())
    assert parked == [(2, "not readable: membership.member_joined: schema version is none of 1 to 1")]
    assert counted == [(len(events) - 1, len(events) - 1)]


async def test_no_figure_is_asked_of_a_unit_that_never_was(pool: Pool) -> None:
    with pytest.raises(UnitUnknown):
        await figures(pool, UnitTree(), "nowhere", 2024, date(2024, 12, 31))


async def test_the_log_is_the_same_in_whatever_batches_the_events_come(pool: Pool) -> None:
    recording = drawn(Random(9), 150)
    for service, size in zip(SERVICES, (1, 7, 64, 1_000), strict=True):
        events = recording.of(service)
        sealed = seal(Tail(service), events)

        await follow(pool, LogKeeper(service), events, size)

        assert await log_end(pool, service) == (sealed[-1].position, sealed[-1].chain_hash)
        assert await log_entries(pool, service, 1_000, 0) == sealed
        assert await log_entries(pool, service, 2, 3) == sealed[3:5]


async def test_the_log_of_a_service_nobody_heard_of_is_empty(pool: Pool) -> None:
    assert await log_end(pool, "membership") == (0, GENESIS)


@pytest.mark.parametrize("size", [1, 1_000])
async def test_a_missing_event_stops_the_log_before_it_until_the_event_comes(pool: Pool, size: int) -> None:
    events = drawn(Random(10), 60).of("membership")
    keeper = LogKeeper("membership")

    with pytest.raises(LogBroken, match=r"^membership/21: position 21 follows on 19$"):
        await follow(pool, keeper, [*events[:19], *events[20:]], size)

    assert keeper.broken is not None
    assert (keeper.broken.position, keeper.broken.reason) == (21, "position 21 follows on 19")
    assert (await log_end(pool, "membership"))[0] == (19 if size == 1 else 0)
    follower = await follow(pool, keeper, events)
    assert (await log_end(pool, "membership"))[0] == follower.position == len(events)
    assert keeper.broken is None


@pytest.mark.parametrize("change", ["version", "branch_position"])
async def test_a_gap_across_batches_is_found_in_versions_and_branches_too(pool: Pool, change: str) -> None:
    events = drawn(Random(11), 200).of("membership")
    at = next(place for place, event in enumerate(events) if place > 20 and event.version > 1)
    keeper = LogKeeper("membership")
    await follow(pool, keeper, events[:at])

    with pytest.raises(LogBroken, match="follows on"):
        await follow(pool, keeper, [replace(events[at], **{change: getattr(events[at], change) + 1})])

    assert (await log_end(pool, "membership"))[0] == at


async def test_nothing_personal_is_kept_in_the_log_or_the_figures(pool: Pool) -> None:
    recording = drawn(Random(12), 200)
    assert any(b"Nguy\xe1\xbb\x85n V\xc4\x83n A" in event.body for event in recording.events)
    for service in SERVICES:
        await follow(pool, LogKeeper(service), recording.of(service))
        await follow(pool, FigureKeeper(service), recording.of(service))
    await follow(pool, AwardKeeper(), recording.of("awards"))

    tables = ("log", "contributions_v2", "entries_v2", "unit_facts_v2", "late_v2", "award_steps_v1", "parked")
    rows = [str(row) for table in tables for row in await fetch(pool, f"select t::text from {table} t", ())]

    assert len(rows) > 200
    assert [row for row in rows if "Nguyễn" in row or "000000000001" in row] == []
