"""Is this report due, in, returned, accepted? Lateness follows from the days of the events."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from chassis.commands import Aggregate, Command
from chassis.events import Event
from chassis.fields import Code, Day, Line, Year
from chassis.refusals import AlreadyExists, NotFound, RuleBroken
from membership.domain.unit import Unit, not_before, open_unit
from membership.events import ReportAccepted, ReportObligationSet, ReportReturned, ReportSubmitted


class ObligationExists(AlreadyExists):
    """An obligation id is given once."""

    vi = "Mã nghĩa vụ báo cáo này đã được dùng."
    en = "This obligation id is already taken."


class ObligationUnknown(NotFound):
    """No such report was asked for."""

    vi = "Không có nghĩa vụ báo cáo này."
    en = "There is no such report obligation."


class ReportNotAwaited(RuleBroken):
    """A report is handed in once, and again after it was returned."""

    vi = "Báo cáo đã nộp, không chờ nộp nữa."
    en = "The report is in; none is awaited."


class ReportNotIn(RuleBroken):
    """Only a report that was handed in can be returned or accepted."""

    vi = "Chưa có báo cáo nào được nộp để xem xét."
    en = "No report is in to be judged."


@dataclass(frozen=True, slots=True)
class Obligation:
    """A report a unit owes; `awaited` until it is in, `accepted` at the end."""

    obligation_id: UUID
    unit: str
    year: int
    due_on: date
    changed_on: date
    awaited: bool = True
    accepted: bool = False


class ReportCommand(Command):
    """A command about one report."""

    obligation_id: UUID
    on: Day

    @property
    def aggregate_id(self) -> UUID:
        """The obligation's own id."""
        return self.obligation_id


class SetReportObligation(ReportCommand):
    """Oblige a unit to report."""

    unit: Code
    title: Line
    year: Year
    due_on: Day


class SubmitReport(ReportCommand):
    """Hand in a report."""


class ReturnReport(ReportCommand):
    """Return a report with a new due day."""

    reason: Line
    due_on: Day


class AcceptReport(ReportCommand):
    """Accept a report."""


def oblige(state: Obligation | None, command: SetReportObligation, units: Mapping[str, Unit | None]) -> list[Event]:
    """:raises ObligationExists, UnitUnknown, UnitIsDissolved, NotBefore:"""
    if state is not None:
        raise ObligationExists("obligation_id")
    open_unit(units.get(command.unit), command.unit)
    not_before(command.on, command.due_on, "due_on")
    return [
        ReportObligationSet(
            unit=command.unit,
            on=command.on,
            obligation_id=command.obligation_id,
            title=command.title,
            year=command.year,
            due_on=command.due_on,
        )
    ]


def submit(state: Obligation | None, command: SubmitReport, _: object) -> list[Event]:
    """:raises ObligationUnknown, ReportNotAwaited, NotBefore:"""
    report = _known(state, command.on)
    if not report.awaited:
        raise ReportNotAwaited("obligation_id")
    return [
        ReportSubmitted(
            unit=report.unit, on=command.on, obligation_id=report.obligation_id, year=report.year, due_on=report.due_on
        )
    ]


def send_back(state: Obligation | None, command: ReturnReport, _: object) -> list[Event]:
    """:raises ObligationUnknown, ReportNotIn, NotBefore:"""
    report = _handed_in(state, command.on)
    not_before(command.on, command.due_on, "due_on")
    return [
        ReportReturned(
            unit=report.unit,
            on=command.on,
            obligation_id=report.obligation_id,
            year=report.year,
            due_on=command.due_on,
            reason=command.reason,
        )
    ]


def accept(state: Obligation | None, command: AcceptReport, _: object) -> list[Event]:
    """:raises ObligationUnknown, ReportNotIn, NotBefore:"""
    report = _handed_in(state, command.on)
    return [ReportAccepted(unit=report.unit, on=command.on, obligation_id=report.obligation_id, year=report.year)]


def _known(state: Obligation | None, on: date) -> Obligation:
    if state is None:
        raise ObligationUnknown("obligation_id")
    not_before(state.changed_on, on)
    return state


def _handed_in(state: Obligation | None, on: date) -> Obligation:
    report = _known(state, on)
    if report.awaited or report.accepted:
        raise ReportNotIn("obligation_id")
    return report


def evolve(state: Obligation | None, event: Event) -> Obligation:
    """The obligation after one more event."""
    match event:
        case ReportObligationSet():
            return Obligation(event.obligation_id, event.unit, event.year, event.due_on, event.on)
        case ReportSubmitted() if state:
            return replace(state, awaited=False, changed_on=event.on)
        case ReportReturned() if state:
            return replace(state, awaited=True, due_on=event.due_on, changed_on=event.on)
        case ReportAccepted() if state:
            return replace(state, accepted=True, changed_on=event.on)
    raise AssertionError(f"{event.topic} is no event of a report obligation")


OBLIGATION = Aggregate("report_obligation", evolve, lambda report: report.unit, begins=(ReportObligationSet,))
