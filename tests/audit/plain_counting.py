"""What a history comes to, counted from scratch for one question, thing by thing, as one would by hand.

Nothing is added up beforehand and nothing is signed: a member is somewhere or nowhere on a day, a report was late or
not, a gift is with its recipient or came back.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from uuid import UUID

from awards.events import AwardForm, AwardRevoked, Decision, InitiativeAccepted, InitiativeProgrammeOpened
from chassis.events import Event
from membership.events import (
    Attachment,
    Level,
    MemberJoined,
    MemberLeft,
    PlanItemAdded,
    ReportObligationSet,
    ReportReturned,
    ReportSubmitted,
    TransferAccepted,
    UnitAttached,
    UnitDissolved,
    UnitEstablished,
)
from notifications.events import AnnouncementPublished, EscalationRaised, ReminderFired
from welfare.events import GiftDistributed, GiftReturned


def parents_on(events: Sequence[Event], unit: str, day: date) -> set[str]:
    """The parents a unit had on a day."""
    line = functional = ""
    for event in events:
        if event.unit != unit or event.on > day:
            continue
        match event:
            case UnitEstablished():
                line, functional = event.line_parent, event.functional_parent
            case UnitAttached(attachment=Attachment.LINE):
                line = event.parent
            case UnitAttached():
                functional = event.parent
    return {line, functional} - {""}


def established_by(events: Sequence[Event], day: date) -> set[str]:
    """The units that were there on a day, or before."""
    return {event.unit for event in events if isinstance(event, UnitEstablished) and event.on <= day}


def dissolved_by(events: Sequence[Event], day: date) -> set[str]:
    """The units that were there no more on a day."""
    return {event.unit for event in events if isinstance(event, UnitDissolved) and event.on <= day}


def lies_under(events: Sequence[Event], unit: str, top: str, day: date, there: set[str]) -> bool:
    """Whether a chain of units that were there leads from a unit up to another."""
    if unit not in there:
        return False
    return unit == top or any(lies_under(events, parent, top, day, there) for parent in parents_on(events, unit, day))


def above(events: Sequence[Event], unit: str, day: date) -> set[str]:
    """A unit and all above it."""
    return {unit}.union(*(above(events, parent, day) for parent in parents_on(events, unit, day)))


def count(events: Sequence[Event], unit: str, year: int, as_of: date) -> dict[str, int | str | None]:
    """Every figure of a unit with its subtree."""
    day = min(as_of, date(year, 12, 31))
    there = established_by(events, day)
    subtree = {code for code in there if lies_under(events, code, unit, day, there)}
    told = [event for event in events if event.on <= as_of]
    of_year = [event for event in told if event.unit in subtree and getattr(event, "year", None) == year]
    levels = {event.unit: event.level for event in events if isinstance(event, UnitEstablished)}
    items = [event for event in of_year if isinstance(event, PlanItemAdded)]
    gifts = _standing(of_year, GiftDistributed, GiftReturned)
    awards = _standing(of_year, Decision, AwardRevoked)
    flags = [award for award in awards if award.form is AwardForm.FLAG]
    lineage = above(events, unit, day)
    from_above = [flag for flag in flags if flag.decider in lineage]
    initiatives = sum(isinstance(event, InitiativeAccepted) for event in of_year)
    target = sum(event.target for event in of_year if isinstance(event, InitiativeProgrammeOpened))
    return {
        "grassroots_units": sum(levels[code] is Level.GRASSROOTS for code in subtree - dissolved_by(events, day)),
        "members": sum(where in subtree for where in _whereabouts(events, day)),
        "plan_items": len(items),
        **{f"plan_items_{kind}": sum(item.kind == kind for item in items) for kind in ("key_task", "focal", "regular")},
        "late_reports": _late_reports(events, subtree, year, as_of),
        "gift_shares": len(gifts),
        "gift_amount_vnd": sum(gift.amount_vnd for gift in gifts),
        "flags_received": len(flags),
        "flags_by_confederation": sum(flag.decider_level is Level.CONFEDERATION for flag in from_above),
        "flags_by_federation": sum(flag.decider_level is Level.FEDERATION for flag in from_above),
        "certificates_of_merit": sum(award.form is AwardForm.CERTIFICATE_OF_MERIT for award in awards),
        "commendations": sum(award.form is AwardForm.COMMENDATION for award in awards),
        "honoured_delegates": sum(award.form is AwardForm.PUBLIC_HONOUR and award.member_id is not None for award in awards),
        "initiatives": initiatives,
        "initiative_target": target,
        "initiative_percent": _percent(initiatives, target),
        "announcements": sum(isinstance(event, AnnouncementPublished) for event in of_year),
        "reminders_sent": sum(isinstance(event, ReminderFired) for event in of_year),
        "escalations": sum(isinstance(event, EscalationRaised) for event in of_year),
    }


def _whereabouts(events: Sequence[Event], day: date) -> list[str]:
    """The unit of each member of a day."""
    where: dict[UUID, str] = {}
    for event in events:
        match event:
            case MemberJoined() | TransferAccepted() if event.on <= day:
                where[event.member_id] = event.unit
            case MemberLeft() if event.on <= day:
                del where[event.member_id]
    return list(where.values())


def _standing(events: Sequence[Event], given: type[Any], undone: type[Any]) -> list[Any]:
    """What was given and not undone; each is undone at most once."""
    standing = [event for event in events if isinstance(event, given) and not isinstance(event, undone)]
    for event in events:
        if isinstance(event, undone):
            standing.remove(next(one for one in standing if _thing(one) == _thing(event)))
    return standing


def _thing(event: Any) -> object:
    return (
        event.nomination_id if isinstance(event, Decision) else (event.unit, event.campaign_id, event.member_id, event.amount_vnd)
    )


def _late_reports(events: Sequence[Event], units: set[str], year: int, as_of: date) -> int:
    """Walks through the days of each report: out at the end of a due day, it is late from the next."""
    owed = [event for event in events if isinstance(event, ReportObligationSet) and event.unit in units and event.year == year]
    return sum(_was_late(_about(events, report.obligation_id), as_of) for report in owed)


def _about(events: Sequence[Event], obligation_id: UUID) -> list[Event]:
    of_membership = (event for event in events if event.topic.startswith("membership."))
    return [event for event in of_membership if getattr(event, "obligation_id", None) == obligation_id]


def _was_late(events: Sequence[Event], as_of: date) -> bool:
    due: date | None = None
    for event in events:
        if due is not None and due < event.on:
            # Still out when the next thing happened, after its due day: that day had passed.
            return due < as_of
        match event:
            case ReportObligationSet() | ReportReturned():
                due = event.due_on
            case ReportSubmitted():
                due = None
    return due is not None and due + timedelta(days=1) <= as_of


def _percent(result: int, target: int) -> str | None:
    if not target:
        return None
    return format((Decimal(result) * 100 / target).quantize(Decimal("0.01"), ROUND_HALF_UP), "f")
