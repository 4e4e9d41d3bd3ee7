"""May this officer be appointed, be released? And what may an office sign?

Whoever stands above a unit by line appoints and releases its officers; at the top, where nobody stands above, the top
itself does.
"""

from collections.abc import Mapping
from datetime import date, timedelta

from chassis.events import Event
from chassis.fields import Day
from chassis.refusals import Forbidden, RuleBroken
from membership.domain.committee import (
    Committee,
    CommitteeCommand,
    Held,
    Matters,
    OfficeFacts,
    Officer,
    Position,
    PositionCommand,
    PositionExists,
    known_position,
)
from membership.domain.unit import not_before, open_unit
from membership.events import DelegationRevoked, Matter, Office, OfficerAppointed, OfficerReleased, ReleaseReason

TERM_YEARS = 5
"""The term of a congress, and so of whom it elects, at every level (Charter of the Trade Unions of Viet Nam)."""

SIGNS: Mapping[Office, Matters] = {
    Office.CHAIR: (Matter.AWARD_DECISION, Matter.BUDGET_APPROVAL),
    Office.VICE_CHAIR: (Matter.AWARD_DECISION, Matter.BUDGET_APPROVAL),
    Office.STANDING_MEMBER: (),
    Office.INSPECTION_HEAD: (),
}
"""What an office may sign. Our rule, not a regulation's: chair and vice chairs sign for the unit; who inspects signs nothing
that is inspected, and a member of the standing committee signs by delegation alone. It is stored with each appointment."""


class TermTooLong(RuleBroken):
    """An appointment lasts one term at most."""

    vi = "Nhiệm kỳ không quá năm năm: muộn nhất đến ngày {latest}."
    en = "A term lasts five years at most: until {latest} at the latest."


class EndsBeforeItBegins(RuleBroken):
    """The last day is not before the first."""

    vi = "Ngày cuối phải từ {on} trở đi."
    en = "The last day must be {on} or later."


class ChairTaken(RuleBroken):
    """A unit has one chair at a time; the next one follows on the last day of the one before, or on a release."""

    vi = "Đơn vị đã có chủ tịch từ {since} đến {until}."
    en = "The unit has a chair from {since} to {until}."


class AlreadyInOffice(RuleBroken):
    """Nobody holds the same office of a unit twice at a time; a person may hold several offices, in several units."""

    vi = "Người này đã giữ chức vụ đó tại đơn vị từ {since} đến {until}."
    en = "The officer holds this office of the unit from {since} to {until}."


class PositionEnded(RuleBroken):
    """A position whose last day is past, or that was released, is held by nobody any more."""

    vi = "Chức vụ chỉ được giữ đến ngày {until}."
    en = "The position was held until {until}."


class AppointOfficer(PositionCommand):
    """Appoint an officer to an office of a unit; for the whole term when `until` is left out."""

    officer: Officer
    office: Office
    until: Day | None = None


class ReleaseOfficer(PositionCommand):
    """Release an officer from a position: `on` is the first day without it."""

    reason: ReleaseReason


def appointing_unit(state: Committee | None, command: CommitteeCommand, facts: OfficeFacts) -> str:
    """Where officers of a unit are appointed and released: at its line parent, at the top by the top itself.

    :raises Forbidden: at the top, by whose role is not one of the top.
    """
    unit = facts.units.get(command.unit)
    if unit is None:
        return command.unit
    if not unit.line_parent and not facts.nationwide:
        raise Forbidden()
    return unit.line_parent or unit.code


def appoint(state: Committee | None, command: AppointOfficer, facts: OfficeFacts) -> list[Event]:
    """:raises PositionExists, UnitUnknown, UnitIsDissolved, NotBefore, EndsBeforeItBegins, TermTooLong, ChairTaken,
    AlreadyInOffice:"""
    if state is not None and command.position_id in state.positions:
        raise PositionExists("position_id")
    unit = open_unit(facts.units.get(command.unit), command.unit)
    not_before(unit.established_on, command.on)
    until = _last_day(command)
    _check_free(state, command, Held(command.on, until))
    return [
        OfficerAppointed(
            unit=command.unit,
            on=command.on,
            position_id=command.position_id,
            officer=command.officer,
            office=command.office,
            matters=SIGNS[command.office],
            until=until,
        )
    ]


def release(state: Committee | None, command: ReleaseOfficer, _: object) -> list[Event]:
    """Its delegations end with it, each told by an event of its own. A position is released once.

    :raises PositionUnknown, NotBefore, PositionEnded:
    """
    committee, position = known_position(state, command.position_id)
    held_on(position, command.on)
    if position.held.ended:
        raise PositionEnded("position_id", until=position.held.until)
    told = {"unit": committee.unit, "on": command.on, "position_id": position.position_id}
    ending = [one for one in committee.delegations_of(position.position_id) if one.held.until >= command.on]
    return [
        OfficerReleased(**told, officer=position.officer, office=position.office, reason=command.reason),
        *(
            DelegationRevoked(**told, delegation_id=one.delegation_id, to_officer=one.to_officer, with_position=True)
            for one in ending
        ),
    ]


def held_on(position: Position, on: date) -> None:
    """:raises NotBefore: it is not held yet. :raises PositionEnded: it is held no more."""
    not_before(position.held.since, on)
    if on > position.held.until:
        raise PositionEnded("position_id", until=position.held.until)


def end_of_term(since: date) -> date:
    """The last day of a term: five years less a day; a term that begins on 29 February ends on 28 February."""
    year = since.year + TERM_YEARS
    if (since.month, since.day) == (2, 29):
        return date(year, 2, 28)
    return since.replace(year=year) - timedelta(days=1)


def _last_day(command: AppointOfficer) -> date:
    latest = end_of_term(command.on)
    until = command.until or latest
    if until < command.on:
        raise EndsBeforeItBegins("until", on=command.on)
    if until > latest:
        raise TermTooLong("until", latest=latest)
    return until


def _check_free(state: Committee | None, command: AppointOfficer, wanted: Held) -> None:
    for position in state.positions.values() if state else ():
        if position.office is not command.office or not position.held.overlaps(wanted):
            continue
        days = {"since": position.held.since, "until": position.held.until}
        if position.officer == command.officer:
            raise AlreadyInOffice("officer", **days)
        if command.office is Office.CHAIR:
            raise ChairTaken("office", **days)
