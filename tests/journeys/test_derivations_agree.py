"""Do the services' read models, a rebuild of them, and audit's own derivation come to the same figures?

The histories are random, with backdated events, transfers, units that move and dissolve, returns and revocations. What
the services answer is asked through their own queries; audit shares with them neither event class nor tree nor table.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest

import awards.read_models.figures
import membership.read_models.figures
import notifications.read_models.figures
import welfare.read_models.figures
from audit.domain.unit_tree import UnitTree
from audit.read_models import SCHEMA
from audit.read_models import contributions as audited
from awards.events import AwardForm, AwardScope, FlagAwarded
from awards.read_models.award_counts import AWARD_COUNTS
from awards.read_models.initiative_counts import INITIATIVE_COUNTS
from chassis.database import Pool, fetch, migrate, open_pool
from chassis.following import Effect, Follower
from chassis.hierarchy import Hierarchy
from chassis.projector import Projection
from chassis.read_models import ReadModel
from chassis.recorded import RecordedEvent
from membership.events import UNITS, Attachment, Level, UnitAttached, UnitEstablished
from membership.read_models.member_counts import MEMBER_COUNTS
from membership.read_models.plan_items import PLAN_ITEMS
from membership.read_models.reports import REPORTS
from notifications.read_models.figures import NOTICES
from tests.audit.histories import DAYS, FIRST_DAY, YEARS
from tests.audit.recording import Recording, id_of
from tests.audit.test_tables import drawn
from welfare.read_models.gifts_by_day import GIFTS_BY_DAY

MODELS: tuple[ReadModel[Any], ...] = (
    UNITS, MEMBER_COUNTS, PLAN_ITEMS, REPORTS, GIFTS_BY_DAY, AWARD_COUNTS, INITIATIVE_COUNTS, NOTICES,
)  # fmt: skip
SERVICES = ("membership", "welfare", "awards", "notifications")
ANSWERS = (
    membership.read_models.figures.figures,
    welfare.read_models.figures.figures,
    awards.read_models.figures.figures,
    notifications.read_models.figures.figures,
)
Question = tuple[str, int, date]
Rows = dict[str, list[tuple[object, ...]]]


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    """One database with the tables of all services: their names differ."""
    migrate(database, [*SCHEMA, *(statement for model in MODELS for statement in model.schema)])
    async with open_pool(database) as opened:
        yield opened


async def follow(pool: Pool, effect: Effect, events: Sequence[RecordedEvent], sizes: Iterable[int]) -> None:
    """Take a history from the follower's position on, in batches of these sizes."""
    follower = Follower(pool, effect, lambda: datetime(2026, 1, 1, tzinfo=UTC))
    await follower.load()
    start = 0
    for size in sizes:
        await follower.take(events[start : start + size])
        start += size
        if start >= len(events):
            return


async def build(pool: Pool, recording: Recording, sizes: Sequence[int]) -> tuple[Hierarchy, Rows]:
    """The services' read models from the first event on, in one process; their rows as they stand then."""
    tree = Hierarchy()
    for model in MODELS:
        projection = Projection(model, on_rows=tree.put if model is UNITS else None)
        await follow(pool, projection, recording.of(model.source), sizes)
    return tree, {model.table: sorted(await fetch(pool, f"select * from {model.table}", ()), key=str) for model in MODELS}


async def forget(pool: Pool) -> None:
    """As before the first event."""
    async with pool.connection() as connection:
        await connection.execute(f"truncate followers, parked, {', '.join(model.table for model in MODELS)}".encode())


async def told_by_services(pool: Pool, tree: Hierarchy, question: Question) -> dict[str, object]:
    """What the services' own queries answer; a decimal as the text that callers see."""
    figures = {name: value for answer in ANSWERS for name, value in (await answer(pool, tree, *question)).items()}
    return {name: format(value, "f") if isinstance(value, Decimal) else value for name, value in figures.items()}


async def derived_by_audit(pool: Pool, tree: UnitTree, question: Question) -> dict[str, object]:
    """What audit answers."""
    return {figure.name: figure.value for figure in await audited.figures(pool, tree, *question)}


def questions(recording: Recording, chance: Random, many: int) -> list[Question]:
    """Units, years and days at random; the unit at the top and the last day among them."""
    units = sorted({event.event.unit for event in recording.events})
    drawn_days = [FIRST_DAY + timedelta(days=chance.randrange(DAYS + 300)) for _ in range(many)]
    asked = [(chance.choice(units), chance.choice(YEARS), day) for day in drawn_days]
    return [*asked, *(("unit-000", year, FIRST_DAY + timedelta(days=DAYS + 300)) for year in YEARS)]


@pytest.mark.parametrize("seed", range(4))
async def test_read_models_their_rebuild_and_the_auditor_agree(pool: Pool, seed: int) -> None:
    chance = Random(seed)
    recording = drawn(chance, 400)
    asked = questions(recording, chance, 20)
    for service in SERVICES:
        await follow(
            pool, audited.FigureKeeper(service), recording.of(service), [chance.randint(1, 50) for _ in recording.events]
        )
    by_audit = [await derived_by_audit(pool, UnitTree(), question) for question in asked]

    tree, rows = await build(pool, recording, [chance.randint(1, 50) for _ in recording.events])
    by_services = [await told_by_services(pool, tree, question) for question in asked]
    await forget(pool)
    rebuilt_tree, rebuilt = await build(pool, recording, [len(recording.events)])
    once_more = [await told_by_services(pool, rebuilt_tree, question) for question in asked]

    assert rebuilt == rows
    assert once_more == by_services
    for question, audit, services in zip(asked, by_audit, by_services, strict=True):
        assert audit == services, question


async def test_a_flag_stays_the_federations_when_the_unit_moves_away_later(pool: Pool) -> None:
    recording = Recording()
    for unit, level, parent in (("tld", "confederation", ""), ("cdvcvn", "federation", "tld"), ("ldld", "federation", "tld")):
        established = UnitEstablished(
            unit=unit, on=date(2000, 1, 1), name=unit, level=Level(level), line_parent=parent, functional_parent=""
        )
        recording.record(id_of(unit, 0), established)
    moving = UnitEstablished(
        unit="so-y-te", on=date(2000, 1, 1), name="x", level=Level.GRASSROOTS, line_parent="cdvcvn", functional_parent=""
    )
    moved = UnitAttached(unit="so-y-te", on=date(2025, 3, 1), attachment=Attachment.LINE, parent="ldld", former_parent="cdvcvn")
    flag = FlagAwarded(
        unit="so-y-te", on=date(2024, 12, 20), nomination_id=id_of("flag", 0), member_id=None, form=AwardForm.FLAG,
        scope=AwardScope.COMPREHENSIVE, theme="", year=2024, decider="cdvcvn", decider_level=Level.FEDERATION,
        decision_number="1/QĐ", decided_on=date(2024, 12, 20), rule_set="999/QĐ-TLĐ",
    )  # fmt: skip
    recording.record(id_of("so-y-te", 0), moving)
    recording.record(id_of("so-y-te", 0), moved)
    recording.record(id_of("flag", 0), flag)
    question = ("so-y-te", 2024, date(2025, 6, 1))
    for service in SERVICES:
        await follow(pool, audited.FigureKeeper(service), recording.of(service), [100])
    tree, _ = await build(pool, recording, [100])

    by_audit, by_services = await derived_by_audit(pool, UnitTree(), question), await told_by_services(pool, tree, question)

    assert by_audit["flags_by_federation"] == 1
    assert by_audit == by_services
