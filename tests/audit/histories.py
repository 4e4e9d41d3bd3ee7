"""Random histories of the whole federation as its services would record them, and what they come to by plain counting.

A history is drawn as a list of moves, each of four numbers; a move that would be refused by the services is passed
over. Days are drawn freely, so that events are recorded long after they were true, in any order among each other; only
within one aggregate does time go on, as the services' rules have it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from hypothesis import strategies as st

from awards.events import (
    AwardForm,
    AwardRevoked,
    AwardScope,
    CertificateOfMeritAwarded,
    CommendationAwarded,
    FlagAwarded,
    InitiativeAccepted,
    InitiativeProgrammeOpened,
    PublicHonourAwarded,
)
from chassis.events import Event
from membership.events import (
    Attachment,
    Level,
    MemberJoined,
    MemberLeft,
    PlanItemAdded,
    PlanItemKind,
    ReportAccepted,
    ReportObligationSet,
    ReportReturned,
    ReportSubmitted,
    TransferAccepted,
    UnitAttached,
    UnitDissolved,
    UnitEstablished,
)
from notifications.events import AnnouncementPublished, EscalationRaised, ReminderFired, ReminderStep
from tests.audit.recording import Recording, id_of
from welfare.events import GiftDistributed, GiftForm, GiftReturned, ReturnReason

FIRST_DAY = date(2023, 1, 1)
DAYS = 1_000
YEARS = (2023, 2024, 2025)
_LEVELS = [*Level]
Award = FlagAwarded | CertificateOfMeritAwarded | CommendationAwarded | PublicHonourAwarded
FORMS: dict[type[Award], AwardForm] = {
    FlagAwarded: AwardForm.FLAG,
    CertificateOfMeritAwarded: AwardForm.CERTIFICATE_OF_MERIT,
    CommendationAwarded: AwardForm.COMMENDATION,
    PublicHonourAwarded: AwardForm.PUBLIC_HONOUR,
}


@dataclass
class _Unit:
    level: Level
    line: str
    functional: str
    since: date
    dissolved: bool = False


@dataclass
class _Report:
    unit: str
    year: int
    due_on: date
    since: date
    awaited: bool = True
    accepted: bool = False


class Federation:
    """What the moves of a history lead to; each method is one kind of move."""

    def __init__(self) -> None:
        self.recording = Recording()
        self.units: dict[str, _Unit] = {}
        self.members: list[tuple[str, date] | None] = []
        self.reports: list[_Report] = []
        self.gifts: list[tuple[GiftDistributed, bool]] = []
        self.awards: list[tuple[Award, bool]] = []
        self.made = 0
        self.establish(0, 0, FIRST_DAY)
        self.establish(1, 0, FIRST_DAY)

    def move(self, kind: int, one: int, other: int, day: int) -> None:
        """One move by its numbers."""
        moves: list[Callable[[int, int, date], object]] = [
            self.establish, self.attach, self.dissolve, self.join, self.join, self.transfer, self.leave, self.plan, self.oblige,
            self.submit, self.submit, self.send_back, self.accept, self.give, self.take_back, self.award, self.award,
            self.revoke, self.open_programme, self.accept_initiative, self.announce, self.remind, self.escalate,
        ]  # fmt: skip
        moves[kind % len(moves)](one, other, FIRST_DAY + timedelta(days=day))

    def establish(self, one: int, other: int, on: date) -> None:
        """A unit under a unit of a level above, and perhaps another."""
        level = _LEVELS[one % len(_LEVELS)] if self.units else Level.CONFEDERATION
        above = [code for code, unit in self.units.items() if unit.level.depth < level.depth and not unit.dissolved]
        if self.units and not above:
            return
        code = f"unit-{len(self.units):03}" + "x" * (one % 3)
        line = above[other % len(above)] if above else ""
        functional = above[one % len(above)] if above and one % 2 else ""
        self.units[code] = _Unit(level, line, functional, on)
        established = UnitEstablished(unit=code, on=on, name=code, level=level, line_parent=line, functional_parent=functional)
        self._say(f"unit/{code}", 0, established)

    def attach(self, one: int, other: int, on: date) -> None:
        """A unit under another parent."""
        code = self._unit(one)
        unit = self.units[code]
        above = [parent for parent, its in self.units.items() if its.level.depth < unit.level.depth]
        if unit.dissolved or not above:
            return
        kind = Attachment.FUNCTIONAL if other % 2 else Attachment.LINE
        parent = above[other % len(above)] if kind is Attachment.LINE or other % 3 else ""
        unit.since = max(unit.since, on)
        former = unit.line if kind is Attachment.LINE else unit.functional
        unit.line, unit.functional = (parent, unit.functional) if kind is Attachment.LINE else (unit.line, parent)
        self._say(f"unit/{code}", 0, UnitAttached(unit=code, on=unit.since, attachment=kind, parent=parent, former_parent=former))

    def dissolve(self, one: int, other: int, on: date) -> None:
        """Any unit but the first, whether or not anything is left in it: the worst case."""
        code = self._unit(one)
        unit = self.units[code]
        if code != next(iter(self.units)) and not unit.dissolved and other % 3 == 0:
            unit.dissolved, unit.since = True, max(unit.since, on)
            self._say(f"unit/{code}", 0, UnitDissolved(unit=code, on=unit.since, level=unit.level, reason="sáp nhập"))

    def join(self, one: int, other: int, on: date) -> None:
        """A new member of any unit."""
        unit, number = self._unit(one), len(self.members)
        self.members.append((unit, on))
        joined = MemberJoined(
            unit=unit, on=on, member_id=id_of("member", number), full_name="Nguyễn Văn A", national_id=f"{number:012}",
            national_id_hash=f"{number:012}", birth_date=date(1990, 1, 1), phone="", email="",
        )  # fmt: skip
        self._say("member", number, joined)

    def transfer(self, one: int, other: int, on: date) -> None:
        """A member moves, possibly on the day it came."""
        number, at = self._member(one)
        if at is not None:
            unit, on = self._unit(other), max(on, at[1])
            self.members[number] = (unit, on)
            accepted = TransferAccepted(
                unit=unit, on=on, member_id=id_of("member", number), transfer_id=id_of("transfer", self._next()), from_unit=at[0]
            )
            self._say("member", number, accepted)

    def leave(self, one: int, other: int, on: date) -> None:
        """A member leaves."""
        number, at = self._member(one)
        if at is not None:
            self.members[number] = None
            self._say(
                "member", number, MemberLeft(unit=at[0], on=max(on, at[1]), member_id=id_of("member", number), reason="nghỉ hưu")
            )

    def plan(self, one: int, other: int, on: date) -> None:
        """An item of a plan."""
        kind, item = [*PlanItemKind][one % 3], self._next()
        self._say("plan", item, PlanItemAdded(
            unit=self._unit(one), on=on, year=YEARS[other % 3], item_id=id_of("item", item), kind=kind, title="Chăm lo Tết",
        ))  # fmt: skip

    def oblige(self, one: int, other: int, on: date) -> None:
        """A report is owed, for some days from then on."""
        number, unit, due_on = len(self.reports), self._unit(one), on + timedelta(days=other * 5)
        self.reports.append(_Report(unit, YEARS[one % 3], due_on, on))
        self._say("report", number, ReportObligationSet(
            unit=unit, on=on, obligation_id=id_of("report", number), title="Báo cáo năm", year=YEARS[one % 3], due_on=due_on,
        ))  # fmt: skip

    def submit(self, one: int, other: int, on: date) -> None:
        """A report comes in, early or late."""
        number, report = self._report(one)
        if report is not None and report.awaited:
            report.awaited, report.since = False, max(report.since, on)
            self._say("report", number, ReportSubmitted(
                unit=report.unit, on=report.since, obligation_id=id_of("report", number), year=report.year, due_on=report.due_on,
            ))  # fmt: skip

    def send_back(self, one: int, other: int, on: date) -> None:
        """A report is returned; the new due day may lie before the old one."""
        number, report = self._report(one)
        if report is not None and not report.awaited and not report.accepted:
            report.awaited, report.since = True, max(report.since, on)
            report.due_on = report.since + timedelta(days=other)
            self._say("report", number, ReportReturned(
                unit=report.unit, on=report.since, obligation_id=id_of("report", number), year=report.year, due_on=report.due_on,
                reason="thiếu phụ lục",
            ))  # fmt: skip

    def accept(self, one: int, other: int, on: date) -> None:
        """A report is accepted."""
        number, report = self._report(one)
        if report is not None and not report.awaited and not report.accepted:
            report.accepted, report.since = True, max(report.since, on)
            accepted = ReportAccepted(unit=report.unit, on=report.since, obligation_id=id_of("report", number), year=report.year)
            self._say("report", number, accepted)

    def give(self, one: int, other: int, on: date) -> None:
        """A gift to a member or, every third time, to a collective."""
        number = len(self.gifts)
        gift = GiftDistributed(
            unit=self._unit(one), on=on, campaign_id=id_of("campaign", other), year=YEARS[other % 3], occasion="Tết",
            campaign_unit=self._unit(other), member_id=id_of("member", one) if other % 3 else None,
            amount_vnd=100_000 * (1 + one), approved_amount_vnd=10_000_000, form=GiftForm.CASH,
        )  # fmt: skip
        self.gifts.append((gift, False))
        self._say("gift", number, gift)

    def take_back(self, one: int, other: int, on: date) -> None:
        """A gift comes back."""
        if self.gifts and not self.gifts[number := one % len(self.gifts)][1]:
            gift = self.gifts[number][0]
            self.gifts[number] = (gift, True)
            more = {**gift.model_dump(), "on": max(on, gift.on), "reason": ReturnReason.DECLINED, "was_confirmed": False}
            self._say("gift", number, GiftReturned(**more))

    def award(self, one: int, other: int, on: date) -> None:
        """An award of any form, decided by a unit above or, every fourth time, by any."""
        number, cls, unit = len(self.awards), [*FORMS][one % 4], self._unit(one)
        decider = self._above(unit, other) if other % 4 else self._unit(other)
        award = cls(
            unit=unit, on=on, nomination_id=id_of("award", number), member_id=None if other % 2 else id_of("member", one),
            form=FORMS[cls], scope=AwardScope.COMPREHENSIVE, theme="", year=YEARS[other % 3], decider=decider,
            decider_level=self.units[decider].level, decision_number="1/QĐ", decided_on=on, rule_set="999/QĐ-TLĐ",
        )  # fmt: skip
        self.awards.append((award, False))
        self._say("award", number, award)

    def revoke(self, one: int, other: int, on: date) -> None:
        """An award is revoked."""
        if self.awards and not self.awards[number := one % len(self.awards)][1]:
            award = self.awards[number][0]
            self.awards[number] = (award, True)
            more = {**award.model_dump(), "on": max(on, award.on), "reason": "sai quy trình"}
            self._say("award", number, AwardRevoked(**more))

    def open_programme(self, one: int, other: int, on: date) -> None:
        """A programme with a target."""
        number = self._next()
        self._say("programme", number, InitiativeProgrammeOpened(
            unit=self._unit(one), on=on, programme_id=id_of("programme", number), year=YEARS[other % 3],
            name="Một triệu sáng kiến", target=1 + one, closes_on=on + timedelta(days=365),
        ))  # fmt: skip

    def accept_initiative(self, one: int, other: int, on: date) -> None:
        """An initiative counts."""
        number = self._next()
        self._say("initiative", number, InitiativeAccepted(
            unit=self._unit(one), on=on, initiative_id=id_of("initiative", number), programme_id=id_of("programme", other),
            programme_unit=self._unit(other), year=YEARS[other % 3],
        ))  # fmt: skip

    def announce(self, one: int, other: int, on: date) -> None:
        """An announcement."""
        number = self._next()
        self._say("announcement", number, AnnouncementPublished(
            unit=self._unit(one), on=on, announcement_id=id_of("announcement", number), year=YEARS[other % 3],
            title="Thông báo", body="",
        ))  # fmt: skip

    def remind(self, one: int, other: int, on: date) -> None:
        """A reminder of a report."""
        number, report = self._report(one)
        if report is not None:
            self._say("reminders", number, ReminderFired(
                unit=report.unit, on=on, obligation_id=id_of("report", number), title="Báo cáo năm", year=report.year,
                due_on=report.due_on, step=ReminderStep.DAY_AFTER,
            ))  # fmt: skip

    def escalate(self, one: int, other: int, on: date) -> None:
        """An escalation of a report."""
        number, report = self._report(one)
        if report is not None:
            self._say("reminders", number, EscalationRaised(
                unit=report.unit, on=on, obligation_id=id_of("report", number), title="Báo cáo năm", year=report.year,
                due_on=report.due_on, superior="", retrospective=False, still_out=True,
            ))  # fmt: skip

    def _say(self, kind: str, number: int, event: Event) -> None:
        self.recording.record(id_of(kind, number), event)

    def _next(self) -> int:
        self.made += 1
        return self.made

    def _unit(self, number: int) -> str:
        return [*self.units][number % len(self.units)]

    def _above(self, unit: str, number: int) -> str:
        """The first federation above a unit, or, for every other number, the first unit of any level."""
        queue = [unit]
        for code in queue:
            if code != unit and (number % 2 == 0 or self.units[code].level is Level.FEDERATION):
                return code
            queue += [parent for parent in (self.units[code].line, self.units[code].functional) if parent]
        return unit

    def _member(self, number: int) -> tuple[int, tuple[str, date] | None]:
        number = number % len(self.members) if self.members else 0
        return number, self.members[number] if self.members else None

    def _report(self, number: int) -> tuple[int, _Report | None]:
        number = number % len(self.reports) if self.reports else 0
        return number, self.reports[number] if self.reports else None


def history(moves: Iterable[tuple[int, int, int, int]]) -> Recording:
    """The recording of some moves."""
    federation = Federation()
    for move in moves:
        federation.move(*move)
    return federation.recording


_MOVES = st.tuples(st.integers(0, 22), st.integers(0, 40), st.integers(0, 40), st.integers(0, DAYS))
HISTORIES = st.one_of(st.lists(_MOVES, max_size=20), st.lists(_MOVES, min_size=60, max_size=120)).map(history)
AS_OF = st.integers(0, DAYS + 300).map(lambda days: FIRST_DAY + timedelta(days=days))
