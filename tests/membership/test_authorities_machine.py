"""Whatever is asked of a committee in whatever order: who may sign on a day is what anybody would count from the commands."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from chassis.authorities import Authority, Mandate, NoAuthority
from chassis.read_models import Key
from chassis.recorded import RecordedEvent
from chassis.refusals import Refusal
from membership.domain.committee import COMMITTEE, Committee, OfficeFacts
from membership.domain.delegation import delegate, revoke
from membership.domain.office import appoint, release
from membership.events import AUTHORITIES, Matter
from tests.membership import a_committee as a

FIRST = date(2024, 1, 1)
OFFICERS = ("officer-a", "officer-b", "officer-c")
POSITIONS = tuple(UUID(int=number) for number in range(1, 5))
DELEGATIONS = tuple(UUID(int=number) for number in range(11, 14))
days = st.integers(0, 12).map(lambda number: FIRST + timedelta(days=number))
ALL_DAYS = [FIRST + timedelta(days=number) for number in range(-1, 15)]


@dataclass
class Lasting:
    """What was accepted, plainly: who may sign what, from when to when, and every day from which that is over."""

    officer: str
    matters: frozenset[str]
    since: date
    until: date
    over_from: list[date] = field(default_factory=list)
    chair: bool = False

    def covers(self, day: date) -> bool:
        return self.since <= day <= self.until and all(day < over for over in self.over_from)


class Officers(RuleBasedStateMachine):
    """A small committee for two weeks, so that rules are met often."""

    def __init__(self) -> None:
        super().__init__()
        self.state: Committee | None = None
        self.rows: dict[Key, Authority | None] = {}
        self.events = 0
        self.positions: dict[UUID, Lasting] = {}
        self.delegations: dict[UUID, tuple[UUID, Lasting]] = {}

    @rule(position=st.sampled_from(POSITIONS), officer=st.sampled_from(OFFICERS), on=days, until=days, chair=st.booleans())
    def appoints(self, position: UUID, officer: str, on: date, until: date, chair: bool) -> None:
        office = "chair" if chair else "vice_chair"
        if self.happens(appoint, a.appoint(position_id=position, officer=officer, on=on, until=until, office=office)):
            self.positions[position] = Lasting(officer, frozenset(Matter), on, until, chair=chair)

    @rule(position=st.sampled_from(POSITIONS), on=days)
    def releases(self, position: UUID, on: date) -> None:
        if self.happens(release, a.release(position_id=position, on=on)):
            self.positions[position].over_from.append(on)

    @rule(
        delegation=st.sampled_from(DELEGATIONS), position=st.sampled_from(POSITIONS), to=st.sampled_from(OFFICERS),
        matters=st.lists(st.sampled_from(Matter), min_size=1, max_size=2), on=days, until=days,
    )  # fmt: skip
    def delegates(self, delegation: UUID, position: UUID, to: str, matters: list[Matter], on: date, until: date) -> None:
        named: dict[str, Any] = {"delegation_id": delegation, "position_id": position, "to_officer": to, "matters": matters}
        holder = self.positions[position].officer if position in self.positions else ""
        if self.happens(delegate, a.delegate(**named, on=on, until=until), holder):
            self.delegations[delegation] = position, Lasting(to, frozenset(matters), on, until)

    @rule(delegation=st.sampled_from(DELEGATIONS), on=days)
    def revokes(self, delegation: UUID, on: date) -> None:
        position, lasting = self.delegations.get(delegation, (None, None))
        holder = self.positions[position].officer if position else ""
        if self.happens(revoke, a.revoke(delegation_id=delegation, on=on), holder) and lasting:
            lasting.over_from.append(on)

    def happens(self, decide: Any, command: Any, caller: str = "") -> bool:
        """Whether the rules took a command; its events went into the state and into the rows."""
        try:
            events = decide(self.state, command, OfficeFacts(caller, nationwide=True, units=a.UNITS))
        except Refusal:
            return False
        for event in events:
            self.state = COMMITTEE.evolve(self.state, event)
            self.events += 1
            where = (self.events, command.aggregate_id, self.events, event.topic, event.encode(), b"")
            AUTHORITIES.apply(self.rows, RecordedEvent("membership", *where, "", 0, datetime.now(UTC)))
        return True

    def lasting(self, day: date) -> Sequence[Lasting]:
        """Everything by which somebody signs on a day; a delegation only while its position is held."""
        held = [one for one in self.positions.values() if one.covers(day)]
        return held + [one for position, one in self.delegations.values() if one.covers(day) and self.positions[position] in held]

    @invariant()
    def who_may_sign_is_what_anybody_would_count(self) -> None:
        for day in ALL_DAYS:
            expected = {(one.officer, matter) for one in self.lasting(day) for matter in one.matters}
            assert {(officer, matter) for officer in OFFICERS for matter in Matter if self.may(officer, matter, day)} == expected

    @invariant()
    def a_unit_has_at_most_one_chair(self) -> None:
        for day in ALL_DAYS:
            assert sum(one.chair and one.covers(day) for one in self.positions.values()) <= 1

    @invariant()
    def what_is_signed_is_signed_under_a_position_that_is_held(self) -> None:
        for row in filter(None, self.rows.values()):
            for day in ALL_DAYS:
                if row.since <= day <= row.until:
                    assert self.positions[row.position_id].covers(day)

    def may(self, officer: str, matter: Matter, day: date) -> bool:
        rows = [row for row in self.rows.values() if row and (row.officer, row.matter) == (officer, matter)]
        try:
            return Mandate(tuple(rows)).at(a.UNIT, day) in rows
        except NoAuthority:
            return False


TestOfficers = Officers.TestCase
TestOfficers.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
