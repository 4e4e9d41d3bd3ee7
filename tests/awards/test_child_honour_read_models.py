"""Do the lists and counts of children's honours say what the events say, and do the counts add up?"""

from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from awards.events import (
    AchievementLevel,
    AchievementPrize,
    ChildAchievementRegistered,
    ChildAchievementVerified,
    ChildHonoured,
    ChildHonourPublished,
    ChildHonourWithdrawn,
    PublicationEnd,
)
from awards.read_models.child_honour_counts import CHILD_HONOUR_COUNTS
from awards.read_models.child_honours import CHILD_HONOURS
from awards.rpc import CHILD_HONOURS as CONTRACT
from awards.rpc import ChildHonoursQuestions
from chassis.calls import need_of
from chassis.commands import Call
from chassis.database import migrate, open_pool
from chassis.events import Event
from chassis.following import Follower
from chassis.hierarchy import Hierarchy
from chassis.projector import Projection
from chassis.read_models import ReadModel
from chassis.security import Caller, Rights, Role
from chassis.service import utc_now
from federation.awards.v1 import child_honours_pb2 as pb
from federation.contract.v1.contract_pb2 import PageRequest
from tests.awards import a_child_honour as a
from tests.awards.conftest import TODAY, nodes
from tests.awards.test_read_models import recorded, rows_of

UNDER_VINH_PHUC = ("so-y-te", "so-noi-vu")


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Achievements of some units, each as far as it came: registered, verified, honoured, public, public no more."""
    history: list[Event] = []
    for number in range(draw(st.integers(0, 8))):
        told: dict[str, Any] = {
            **a.TOLD,
            "achievement_id": UUID(int=100 + number),
            "child_id": UUID(int=200 + draw(st.integers(0, 2))),
            "unit": draw(st.sampled_from([*UNDER_VINH_PHUC, "ha-noi"])),
            "year": draw(st.sampled_from([2023, 2024])),
            "level": draw(st.sampled_from(AchievementLevel)),
            "prize": draw(st.sampled_from(AchievementPrize)),
        }
        on = a.WON + timedelta(days=draw(st.integers(0, 5)))
        chain: list[Event] = [
            ChildAchievementRegistered(**told, on=on),
            ChildAchievementVerified(**told, on=on),
            ChildHonoured(**told, on=on, decision_number="1"),
            ChildHonourPublished(**told, on=on),
            ChildHonourWithdrawn(**told, on=on + timedelta(days=1), ground=draw(st.sampled_from(PublicationEnd))),
        ]
        history += chain[: draw(st.integers(1, len(chain)))]
    return history


@settings(deadline=None)
@given(histories())
def test_every_honour_stands_in_one_cell_and_nothing_takes_it_out_again(history: list[Event]) -> None:
    rows = rows_of(CHILD_HONOUR_COUNTS, history).values()
    given_honours = [event for event in history if isinstance(event, ChildHonoured)]
    cells = Counter({(row.unit, row.year, row.level, row.prize, row.day): row.honoured for row in rows})
    assert cells == Counter((one.unit, one.year, one.level.value, one.prize.value, one.on) for one in given_honours)
    assert cells.total() == len(given_honours)


@settings(deadline=None)
@given(histories())
def test_what_is_public_is_what_was_published_and_not_withdrawn_since(history: list[Event]) -> None:
    rows = rows_of(CHILD_HONOURS, history)
    public = {key[0] for key, row in rows.items() if row.published_on and not row.withdrawn_on}
    published = {event.achievement_id for event in history if isinstance(event, ChildHonourPublished)}
    assert public == published - {event.achievement_id for event in history if isinstance(event, ChildHonourWithdrawn)}


def honoured(number: int, on: int = 0, *, public: bool = False, **changes: Any) -> list[Event]:
    """A child's honour, some days after the round was opened."""
    told = {**a.TOLD, "achievement_id": UUID(int=number), **changes}
    day = a.WON + timedelta(days=on)
    chain: list[Event] = [
        ChildAchievementRegistered(**told, on=day),
        ChildAchievementVerified(**told, on=day),
        ChildHonoured(**told, on=day, decision_number="1"),
    ]
    return [*chain, ChildHonourPublished(**told, on=day)] if public else chain


HISTORY: list[Event] = [
    *honoured(1, public=True),
    *honoured(2, on=3, prize=AchievementPrize.CONSOLATION),
    *honoured(3, unit="so-noi-vu", level=AchievementLevel.INTERNATIONAL, public=True),
    *honoured(4, unit="ha-noi"),
    *honoured(5, year=2023),
]


async def test_the_breakdown_adds_up_and_members_see_what_is_public(database: str) -> None:
    models: tuple[ReadModel[Any], ...] = (CHILD_HONOURS, CHILD_HONOUR_COUNTS)
    migrate(database, [statement for model in models for statement in model.schema])
    tree = Hierarchy()
    tree.put(nodes())
    async with open_pool(database) as pool:
        for model in models:
            follower = Follower(pool, Projection(model), utc_now)
            await follower.load()
            await follower.take([recorded(position, event) for position, event in enumerate(HISTORY, 1)])
        questions = ChildHonoursQuestions(pool, tree, lambda: TODAY)

        async def ask(rpc: str, request: Any, role: Role = Role.PROVINCE_OFFICER, unit: str = "vinh-phuc") -> Any:
            caller = Caller("somebody", role, unit)
            rights = Rights(caller, need_of(CONTRACT.methods_by_name[rpc]), tree, reading=True)
            return await questions.answers[rpc](request, Call(caller, rights=rights))

        def counted(answer: Any) -> tuple[int, dict[tuple[int, int], int], dict[int, int]]:
            cells = {(cell.level, cell.prize): cell.honours for cell in answer.cells}
            assert len(cells) == 8
            levels = {level.level: level.honours for level in answer.levels}
            assert answer.honours == sum(cells.values()) == sum(levels.values())
            for level, number in levels.items():
                assert number == sum(count for (of, _), count in cells.items() if of == level)
            return answer.honours, {key: number for key, number in cells.items() if number}, levels

        breakdown = pb.GetChildHonourBreakdownRequest(unit="vinh-phuc", year=2024)
        assert counted(await ask("GetChildHonourBreakdown", breakdown)) == (3, {(2, 1): 1, (2, 4): 1, (1, 1): 1}, {1: 1, 2: 2})
        breakdown.as_of = (a.WON + timedelta(days=2)).isoformat()
        assert counted(await ask("GetChildHonourBreakdown", breakdown))[0] == 2
        everywhere = pb.GetChildHonourBreakdownRequest(unit="tld", year=2024)
        total, *_ = counted(await ask("GetChildHonourBreakdown", everywhere, Role.AUDITOR, ""))
        parts = [pb.GetChildHonourBreakdownRequest(unit=unit, year=2024) for unit in ("vinh-phuc", "ha-noi")]
        assert total == sum([counted(await ask("GetChildHonourBreakdown", part, Role.AUDITOR, ""))[0] for part in parts]) == 4

        async def listed(role: Role, unit: str, asked: str = "vinh-phuc") -> list[int]:
            found: list[int] = []
            request = pb.ListChildHonoursRequest(unit=asked, year=2024, page=PageRequest(size=1))
            while True:
                page = await ask("ListChildHonours", request, role, unit)
                found += [UUID(honour.achievement_id).int for honour in page.honours]
                if not page.next:
                    return found
                request.page.after = page.next

        assert await listed(Role.PROVINCE_OFFICER, "vinh-phuc") == [3, 1, 2]
        assert await listed(Role.AUDITOR, "") == [3, 1, 2]
        assert await listed(Role.MEMBER, "vinh-phuc") == [3, 1]
        assert await listed(Role.MEMBER, "so-y-te", "so-y-te") == [1]
        assert await listed(Role.GRASSROOTS_OFFICER, "so-y-te") == [1, 2]
