"""What do membership's events contribute to the figures, and to the tree?"""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta

from audit.domain.contribution import CONTRIBUTIONS, STOCK, Contribution, Late, Said, said_by
from audit.domain.unit_tree import FactKind, UnitFact
from chassis.recorded import RecordedEvent

PLAN_ITEM_KINDS = ("key_task", "focal", "regular")
UNIT_TOPICS = frozenset(f"membership.unit_{what}" for what in ("established", "attached", "renamed", "dissolved"))


def unit_facts(event: RecordedEvent) -> Iterator[UnitFact]:
    """What an event says of a unit; nothing when it is no event of `UNIT_TOPICS`.

    :raises NotReadable: it lacks what its topic promises.
    """
    if event.topic not in UNIT_TOPICS:
        return
    said = said_by(event)
    unit, on = said.text("unit"), said.day("on")
    for kind, value in _told_of_unit(said):
        yield UnitFact(unit, kind, on, value, event.position)


def _told_of_unit(said: Said) -> Iterator[tuple[FactKind, str]]:
    match said.topic.partition(".")[2]:
        case "unit_established":
            yield FactKind.ESTABLISHED, ""
            yield FactKind.LINE, said.text("line_parent")
            yield FactKind.FUNCTIONAL, said.text("functional_parent")
            yield FactKind.LEVEL, said.text("level")
            yield FactKind.NAMED, said.text("name")
        case "unit_renamed":
            yield FactKind.NAMED, said.text("name")
        case "unit_dissolved":
            yield FactKind.DISSOLVED, ""
        case _:
            yield FactKind(said.one_of("attachment", (FactKind.LINE, FactKind.FUNCTIONAL))), said.text("parent")


@CONTRIBUTIONS.of("membership.unit_established")
def unit_established(said: Said, late: Late) -> Iterable[Contribution]:
    """A grassroots union is one more."""
    yield from _grassroots(said, 1)


@CONTRIBUTIONS.of("membership.unit_dissolved")
def unit_dissolved(said: Said, late: Late) -> Iterable[Contribution]:
    """A grassroots union is one less."""
    yield from _grassroots(said, -1)


def _grassroots(said: Said, by: int) -> Iterable[Contribution]:
    if said.text("level") == "grassroots":
        yield Contribution("grassroots_units", said.text("unit"), STOCK, said.day("on"), by)


@CONTRIBUTIONS.of("membership.member_joined")
def member_joined(said: Said, late: Late) -> Iterable[Contribution]:
    """One more in the unit."""
    yield Contribution("members", said.text("unit"), STOCK, said.day("on"), 1)


@CONTRIBUTIONS.of("membership.member_left")
def member_left(said: Said, late: Late) -> Iterable[Contribution]:
    """One less in the unit that was left."""
    yield Contribution("members", said.text("unit"), STOCK, said.day("on"), -1)


@CONTRIBUTIONS.of("membership.transfer_accepted")
def transfer_accepted(said: Said, late: Late) -> Iterable[Contribution]:
    """One less in the old unit, one more in the new one, from the same day on."""
    yield Contribution("members", said.text("from_unit"), STOCK, said.day("on"), -1)
    yield Contribution("members", said.text("unit"), STOCK, said.day("on"), 1)


@CONTRIBUTIONS.of("membership.plan_item_added")
def plan_item_added(said: Said, late: Late) -> Iterable[Contribution]:
    """One more item, and one more of its kind."""
    kind = said.one_of("kind", PLAN_ITEM_KINDS)
    for figure in ("plan_items", f"plan_items_{kind}"):
        yield Contribution(figure, said.text("unit"), said.whole("year"), said.day("on"), 1)


# A report is counted late from the day after its due day the moment it is asked for, and counted off again when it is
# in by then. A due day that passed is therefore counted without anybody saying so on that day.


@CONTRIBUTIONS.of("membership.report_obligation_set")
def report_obligation_set(said: Said, late: Late) -> Iterable[Contribution]:
    """Late from the day after the due day, unless the report is in by then."""
    yield _late_report(said, 1)


@CONTRIBUTIONS.of("membership.report_submitted")
def report_submitted(said: Said, late: Late) -> Iterable[Contribution]:
    """In time: it will not be late for this due day. Not in time: it was, once and for all."""
    if said.day("on") > said.day("due_on"):
        late.add(said.aggregate_id)
    elif said.aggregate_id not in late:
        yield _late_report(said, -1)


@CONTRIBUTIONS.of("membership.report_returned")
def report_returned(said: Said, late: Late) -> Iterable[Contribution]:
    """The clock runs again, until the new due day; a report that was late is counted already."""
    if said.aggregate_id not in late:
        yield _late_report(said, 1)


def _late_report(said: Said, by: int) -> Contribution:
    return Contribution("late_reports", said.text("unit"), said.whole("year"), _after(said.day("due_on")), by)


def _after(day: date) -> date:
    return day + timedelta(days=1)
