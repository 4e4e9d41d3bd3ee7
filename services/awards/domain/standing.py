"""Where does a unit stand, and may it decide, endorse or receive? What decisions see of the tree."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from chassis.hierarchy import UnitUnknown
from chassis.refusals import RuleBroken
from membership.events import Level


class UnitIsDissolved(RuleBroken):
    """Nothing new can happen in a unit that was dissolved."""

    vi = "Đơn vị {code} đã giải thể ngày {on}."
    en = "The unit {code} was dissolved on {on}."


class DeciderNotAbove(RuleBroken):
    """A decision by an equal level is none: the decider is of a level above the recipient."""

    vi = "Đơn vị quyết định {decider} phải ở cấp cao hơn đối tượng được khen thưởng."
    en = "The deciding unit {decider} must be of a level above the recipient."


class DeciderElsewhere(RuleBroken):
    """Only a unit above the recipient, by line or by function, decides on it."""

    vi = "Đơn vị {unit} không trực thuộc đơn vị quyết định {decider}."
    en = "The unit {unit} does not lie under the deciding unit {decider}."


class ReviewerElsewhere(RuleBroken):
    """A nomination is endorsed or returned on its way: between the recipient and the decider, or by the decider."""

    vi = "Đơn vị {reviewer} không nằm giữa đối tượng được khen thưởng và đơn vị quyết định {decider}."
    en = "The unit {reviewer} is neither between the recipient and the deciding unit {decider} nor that unit."


class NotBefore(RuleBroken):
    """What follows cannot be dated before what it follows on."""

    vi = "Ngày phải từ {earliest} trở đi."
    en = "The day must be {earliest} or later."


@dataclass(frozen=True, slots=True)
class Standing:
    """A unit as the tree has it now; `above` are the unit itself and all above it, by line and by function."""

    code: str
    level: Level
    above: tuple[str, ...]
    dissolved_on: date | None = None


Units = Mapping[str, Standing | None]
"""The units that decisions name, by code; None for one that is not known."""


def open_unit(units: Units, code: str, field: str = "unit") -> Standing:
    """:raises UnitUnknown: it was never established. :raises UnitIsDissolved: it is no more."""
    unit = units.get(code)
    if unit is None:
        raise UnitUnknown(field, code=code)
    if unit.dissolved_on is not None:
        raise UnitIsDissolved(field, code=code, on=unit.dissolved_on)
    return unit


def decider_above(units: Units, decider: str, unit: str, *, person: bool) -> Standing:
    """The decider of an award, checked against its recipient.

    A person stands one level below its unit, so a unit may honour its own members but never itself or an equal.

    :raises UnitUnknown, UnitIsDissolved, DeciderNotAbove, DeciderElsewhere:
    """
    recipient = open_unit(units, unit)
    deciding = open_unit(units, decider, "decider")
    if deciding.level.depth >= recipient.level.depth + (1 if person else 0):
        raise DeciderNotAbove("decider", decider=decider)
    if decider not in recipient.above:
        raise DeciderElsewhere("decider", unit=unit, decider=decider)
    return deciding


def reviewer_between(units: Units, reviewer: str, decider: str, unit: str, *, person: bool) -> None:
    """Check that a unit stands on a nomination's way: above the recipient, and at or under the decider.

    :raises UnitUnknown, UnitIsDissolved, ReviewerElsewhere:
    """
    recipient = open_unit(units, unit)
    reviewing = open_unit(units, reviewer, "reviewer")
    above_recipient = reviewer in recipient.above and (person or reviewer != unit)
    if not above_recipient or decider not in reviewing.above:
        raise ReviewerElsewhere("reviewer", reviewer=reviewer, decider=decider)


def not_before(earliest: date, on: date, field: str = "on") -> None:
    """:raises NotBefore: the day lies before what it follows on."""
    if on < earliest:
        raise NotBefore(field, earliest=earliest)
