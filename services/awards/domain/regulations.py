"""Under which award regulation was it decided, and what does that one limit? Versioned data, chosen by the decision's day.

A decision stores the number of the regulation that applied, so a later regulation changes nothing that was decided.
"""

from dataclasses import dataclass
from datetime import date

from awards.events import AwardForm, AwardScope
from chassis.refusals import RuleBroken
from membership.events import Level


class NoRegulationInForce(RuleBroken):
    """What was decided before the first regulation this register knows cannot be judged by one."""

    vi = "Ngày {on} chưa có quy chế khen thưởng nào mà hệ thống biết; sớm nhất là {earliest}."
    en = "No award regulation that this register knows was in force on {on}; the earliest is of {earliest}."


@dataclass(frozen=True, slots=True)
class Regulation:
    """A regulation on awards, by its number, in force from a day until the next one's.

    `confederation_certificates_a_theme`: at most so many thematic certificates of merit of the confederation per theme
    and year; None when it sets no limit.
    """

    number: str
    in_force_from: date
    confederation_certificates_a_theme: int | None = None


REGULATIONS = (
    Regulation("777/QĐ-TLĐ", date(2004, 5, 26)),
    Regulation("1564/QĐ-TLĐ", date(2014, 12, 24)),
    # Art. 15.4 brings the limit; no text at hand lifts it, so the regulations that follow carry it on. Of the next two
    # the year is certain, the day as documents cite it.
    Regulation("2106/QĐ-TLĐ", date(2017, 12, 6), 300),
    Regulation("1689/QĐ-TLĐ", date(2019, 11, 12), 300),
    Regulation("999/QĐ-TLĐ", date(2024, 5, 29), 300),
)


def regulation_on(on: date) -> Regulation:
    """The regulation in force on a day.

    :raises NoRegulationInForce: the day lies before the first one known.
    """
    in_force = [regulation for regulation in REGULATIONS if regulation.in_force_from <= on]
    if not in_force:
        raise NoRegulationInForce("on", on=on, earliest=REGULATIONS[0].in_force_from)
    return in_force[-1]


def most_of_a_theme(on: date, form: AwardForm, scope: AwardScope, decider_level: Level) -> int | None:
    """How many awards of one theme and year the regulation of a day allows a decider, or None (2106/QĐ-TLĐ, art. 15.4).

    :raises NoRegulationInForce: see :func:`regulation_on`.
    """
    limited = (AwardForm.CERTIFICATE_OF_MERIT, AwardScope.THEMATIC, Level.CONFEDERATION)
    return regulation_on(on).confederation_certificates_a_theme if (form, scope, decider_level) == limited else None
