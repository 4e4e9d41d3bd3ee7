"""Whatever is asked of a member in whatever order: its replay is its live state, and it is of one unit at a time."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from chassis.events import Event
from chassis.refusals import Refusal
from membership.domain import member, transfer
from membership.domain.member import MEMBER, Member
from membership.domain.unit import Unit
from membership.events import Level, MemberJoined, MemberLeft, TransferAccepted

CODES = ("so-y-te", "so-noi-vu", "so-cong-thuong")
UNITS = {code: Unit(code, code, Level.GRASSROOTS, "vinh-phuc", "", date(2000, 1, 1), date(2000, 1, 1)) for code in CODES}
ENTRANCE = member.Entrance(UNITS, lambda national_id: f"hash of {national_id}")
TRANSFERS = tuple(UUID(int=number) for number in range(1, 4))


class MemberMachine(RuleBasedStateMachine):
    """Every command on one member, days now and then running backwards."""

    def __init__(self) -> None:
        super().__init__()
        self.who = uuid4()
        self.day = date(2020, 1, 1)
        self.history: list[Event] = []
        self.state: Member | None = None
        self.claims: dict[str, int] = {}

    def try_(self, decide: Any, command: type[Any], days: int, **fields: Any) -> None:
        on = self.day + timedelta(days=days)
        values = {"command_id": uuid4(), "member_id": self.who, "on": on, **fields}
        try:
            events = decide(self.state, command.model_validate(values), ENTRANCE if decide is member.admit else UNITS)
        except Refusal:
            return
        for event in events:
            for claim in MEMBER.claims(self.state, event):
                self.claims[claim.key] = self.claims.get(claim.key, 0) + (1 if claim.mode in ("take", "share") else -1)
            self.state = MEMBER.evolve(self.state, event)
            self.history.append(event)
        self.day = max(self.day, on)

    days = st.integers(-3, 30)

    @initialize(unit=st.sampled_from(CODES))
    def admit(self, unit: str) -> None:
        self.try_(
            member.admit,
            member.AdmitMember,
            0,
            unit=unit,
            full_name="Lê Văn Đức",
            national_id="001190012345",
            birth_date="1990-01-02",
        )

    @rule(days=days)
    def leave(self, days: int) -> None:
        self.try_(member.leave, member.LeaveUnion, days, reason="Nghỉ hưu")

    @rule(days=days, which=st.sampled_from(TRANSFERS), unit=st.sampled_from(CODES))
    def request(self, days: int, which: UUID, unit: str) -> None:
        self.try_(transfer.request_transfer, transfer.RequestTransfer, days, transfer_id=which, to_unit=unit)

    @rule(days=days, which=st.sampled_from(TRANSFERS))
    def release(self, days: int, which: UUID) -> None:
        self.try_(transfer.release, transfer.ReleaseMember, days, transfer_id=which)

    @rule(days=days, which=st.sampled_from(TRANSFERS))
    def accept(self, days: int, which: UUID) -> None:
        self.try_(transfer.accept_transfer, transfer.AcceptTransfer, days, transfer_id=which)

    @rule(days=days, which=st.sampled_from(TRANSFERS))
    def refuse(self, days: int, which: UUID) -> None:
        self.try_(transfer.refuse_transfer, transfer.RefuseTransfer, days, transfer_id=which, reason="Chưa có biên chế")

    @rule(days=days, grade=st.sampled_from(["hardship", "special_hardship"]))
    def record(self, days: int, grade: str) -> None:
        self.try_(member.record_hardship, member.RecordHardship, days, grade=grade, details="x")

    @rule(days=days)
    def end(self, days: int) -> None:
        self.try_(member.end_hardship, member.EndHardship, days)

    @invariant()
    def replay_equals_live_state(self) -> None:
        state: Member | None = None
        for event in self.history:
            state = MEMBER.evolve(state, type(event).decode_body(event.encode()))
        assert state == self.state

    @invariant()
    def the_unit_follows_from_joining_and_accepted_transfers(self) -> None:
        moves = [event.unit for event in self.history if isinstance(event, MemberJoined | TransferAccepted)]
        assert moves == [] or (self.state is not None and self.state.unit == moves[-1])

    @invariant()
    def what_a_member_claims_is_its_unit_and_id_while_active_and_nothing_after(self) -> None:
        held = {key: number for key, number in self.claims.items() if number}
        if self.state is None or any(isinstance(event, MemberLeft) for event in self.history):
            assert held == {}
        else:
            assert held == {"national-id:hash of 001190012345": 1, f"unit:{self.state.unit}": 1}

    @invariant()
    def days_never_run_backwards(self) -> None:
        days = [event.on for event in self.history]
        assert days == sorted(days)


TestMember = MemberMachine.TestCase
TestMember.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
