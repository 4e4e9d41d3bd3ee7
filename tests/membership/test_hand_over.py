"""Wherever units are put: each branch is told of exactly its own, and of every hand-over both hear."""

import asyncio
from collections import Counter, defaultdict
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from chassis.commands import Aggregate
from chassis.events import Event
from chassis.hierarchy import NATIONAL, Hierarchy, Node
from chassis.refusals import Refusal
from chassis.security import Caller, Role
from membership.application import UnitsAtHand
from membership.domain import hand_over, unit
from membership.domain.unit import UNIT, AttachUnit, EstablishUnit, unit_id
from membership.events import UNITS, Attachment, Level, UnitArrived, UnitAttached, UnitMovedAway, unit_after
from tests.membership.a_province import Copy

DAY = date(2020, 1, 1)
FOUNDER = Caller("founder", Role.FEDERATION_OFFICER, "u-0")
BELOW = [Level.PROVINCE, Level.MINISTRY, *[Level.GRASSROOTS] * 3, *[Level.SECTION] * 3, *[Level.GROUP] * 2]


class Live:
    """Every unit, in memory."""

    def __init__(self) -> None:
        self.states: dict[UUID, Any] = {}

    async def state(self, aggregate: Aggregate[Any], aggregate_id: UUID) -> Any:
        return self.states.get(aggregate_id)


class Federation:
    """Membership's units without a server, and what each branch makes of what it is told."""

    def __init__(self) -> None:
        self.tree, self.live = Hierarchy(), Live()
        self.units = UnitsAtHand(str, self.tree)
        self.units.live = self.live  # type: ignore[assignment]
        self.copies: dict[str, Copy] = defaultdict(lambda: Copy(""))
        self.told: Counter[str] = Counter()
        self.position = 0

    def establish(self, code: str, level: Level, line: str | None = None, functional: str | None = None) -> list[Event]:
        command = EstablishUnit(
            command_id=uuid4(), unit=code, name=code, level=level, line_parent=line, functional_parent=functional, on=DAY
        )
        facts = asyncio.run(self.units.lineages([command], FOUNDER))
        return self.keep(unit.establish(self.live.states.get(unit_id(code)), command, facts))

    def attach(self, code: str, attachment: Attachment, parent: str | None, on: date = DAY) -> list[Event]:
        command = AttachUnit(command_id=uuid4(), unit=code, attachment=attachment, parent=parent, on=on)
        facts = asyncio.run(self.units.surroundings([command], FOUNDER))
        return self.keep(unit.attach(self.live.states.get(unit_id(code)), command, facts))

    def keep(self, events: list[Event]) -> list[Event]:
        """As the application does it: where each is told is known before any of them has an effect."""
        branches = [event.branch_in(self.tree) for event in events]
        key = unit_id(events[0].unit)
        for event in events:
            self.position += 1
            self.live.states[key] = UNIT.evolve(self.live.states.get(key), event)
            if event.topic in UNITS.topics:
                self.tree.put([unit_after(self.tree.get(event.unit), event, self.position)])
        for event, branch in zip(events, branches, strict=True):
            self._tell(event, branch)
        return events

    def _tell(self, event: Event, branch: str) -> None:
        self.told[branch] += 1
        copy = self.copies[branch]
        for arrived in copy.take(event.topic, event.model_dump(mode="json"), self.told[branch]):
            copy.put_unit(row_of(self.tree.require(arrived)))

    def branches(self) -> dict[str, str]:
        return {code: self.tree.branch_of(code) for code in self.tree.under("u-0", dissolved=True)}


def row_of(node: Node) -> dict[str, Any]:
    return {
        "unit": node.code,
        "name": node.name,
        "level": node.level,
        "line_parent": node.place("line"),
        "functional_parent": node.place("functional"),
        "established_on": node.established_on.isoformat(),
        "dissolved_on": None,
    }


class Moves(RuleBasedStateMachine):
    """A federation whose units are put here and there, by line and by function."""

    @initialize()
    def founded(self) -> None:
        self.federation = Federation()
        self.codes, self.on = ["u-0", "u-1"], DAY
        self.federation.establish("u-0", Level.CONFEDERATION)
        self.federation.establish("u-1", Level.FEDERATION, "u-0")

    @rule(data=st.data(), level=st.sampled_from(BELOW))
    def established(self, data: st.DataObject, level: Level) -> None:
        code = f"u-{len(self.codes)}"
        parents = st.sampled_from(self.codes)
        line, functional = data.draw(parents), data.draw(st.none() | parents)
        try:
            self.federation.establish(code, level, line, functional)
        except Refusal:
            return
        self.codes.append(code)

    @rule(data=st.data(), attachment=st.sampled_from(Attachment))
    def attached(self, data: st.DataObject, attachment: Attachment) -> None:
        codes = st.sampled_from(self.codes)
        code, parent = data.draw(codes), data.draw(st.none() | codes)
        before = self.federation.branches()
        self.on += timedelta(days=1)
        try:
            events = self.federation.attach(code, attachment, parent, self.on)
        except Refusal:
            return
        self.both_hear(before, self.federation.branches(), events)

    def both_hear(self, before: dict[str, str], after: dict[str, str], events: list[Event]) -> None:
        """Who changes branches is named once to the one and once to the other; and nobody else is."""
        moved = {code: (branch, after[code]) for code, branch in before.items() if branch != after[code]}
        attached, *others = events
        assert isinstance(attached, UnitAttached)
        for kind in (UnitMovedAway, UnitArrived):
            told = [event for event in others if isinstance(event, kind)]
            named = {code: (event.from_branch, event.to_branch) for event in told for code in event.units}
            assert named == moved
            assert sum(len(event.units) for event in told) == len(named)
            assert all(event.unit in event.units for event in told)
        assert all(code not in moved for code, branch in before.items() if branch == code), "a branch stays itself"

    @invariant()
    def each_branch_knows_its_own_units_and_no_others(self) -> None:
        for branch in {NATIONAL, *self.federation.copies}:
            own = {code for code, lies_in in self.federation.branches().items() if lies_in == branch}
            copy = self.federation.copies[branch]
            assert copy.units == {code: row_of(self.federation.tree.require(code)) for code in own}, branch


TestMoves = Moves.TestCase
TestMoves.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)


def two_provinces() -> Federation:
    federation = Federation()
    federation.establish("u-0", Level.CONFEDERATION)
    federation.establish("u-1", Level.FEDERATION, "u-0")
    for province in ("ha-noi", "vinh-phuc"):
        federation.establish(province, Level.PROVINCE, "u-1")
    federation.establish("so-y-te", Level.GRASSROOTS, "vinh-phuc")
    federation.establish("khoa-noi", Level.SECTION, "so-y-te")
    return federation


def test_a_unit_that_moves_to_another_province_is_said_to_have_left_the_one_and_come_to_the_other() -> None:
    attached, away, arrived = two_provinces().attach("so-y-te", Attachment.LINE, "ha-noi")
    ways = {"from_branch": "vinh-phuc", "to_branch": "ha-noi", "units": ("so-y-te", "khoa-noi")}
    assert isinstance(attached, UnitAttached)
    assert away == UnitMovedAway(unit="so-y-te", on=DAY, **ways)
    assert arrived == UnitArrived(
        unit="so-y-te", on=DAY, name="so-y-te", level=Level.GRASSROOTS, line_parent="ha-noi", functional_parent="", **ways
    )


def test_what_stays_in_its_branch_is_only_attached() -> None:
    federation = two_provinces()
    assert [type(event) for event in federation.attach("vinh-phuc", Attachment.FUNCTIONAL, "u-0")] == [UnitAttached]
    assert [type(event) for event in federation.attach("so-y-te", Attachment.FUNCTIONAL, "ha-noi")] == [UnitAttached]


def test_what_lies_elsewhere_by_function_goes_there_when_its_line_lies_in_no_branch_any_more() -> None:
    federation = two_provinces()
    federation.establish("benh-vien", Level.GRASSROOTS, "ha-noi")
    assert len(federation.attach("khoa-noi", Attachment.FUNCTIONAL, "benh-vien")) == 1
    told = federation.attach("so-y-te", Attachment.LINE, "u-1")[1:]
    assert [(type(event).__name__, event.branch_in(federation.tree), event.units) for event in told] == [  # type: ignore[attr-defined]
        ("UnitMovedAway", "vinh-phuc", ("so-y-te",)),
        ("UnitArrived", NATIONAL, ("so-y-te",)),
        ("UnitMovedAway", "vinh-phuc", ("khoa-noi",)),
        ("UnitArrived", "ha-noi", ("khoa-noi",)),
    ]


def test_more_units_than_one_event_names_are_told_by_several() -> None:
    federation = two_provinces()
    for number in range(hand_over.MAX_UNITS):
        federation.establish(f"to-{number}", Level.GROUP, "khoa-noi")
    told = federation.attach("so-y-te", Attachment.LINE, "ha-noi")[1:]
    assert [len(event.units) for event in told] == [hand_over.MAX_UNITS, hand_over.MAX_UNITS, 2, 2]  # type: ignore[attr-defined]
