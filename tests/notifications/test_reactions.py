"""What follows from what others say, and from what we say ourselves?"""

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from chassis.events import Event
from membership.events import ReportAccepted, ReportObligationSet, ReportReturned, ReportSubmitted
from notifications.domain.delivery import PARAMETERS
from notifications.events import Channel, ReminderStep, Template
from notifications.reactions import ALL, on_escalation, on_reminder, on_report
from tests.notifications.recorded import recorded
from tests.notifications.reports import AFTER, DAY, DUE_ON, SET_ON, WEEK, WHICH, escalated, fired

REPORT: dict[str, Any] = {"unit": "ba-dinh", "obligation_id": WHICH, "year": 2023}
ESCALATED_ON = date(2023, 12, 18)


def of_report(event: Event) -> list[tuple[str, dict[str, Any]]]:
    commands = on_report(recorded(event, service="membership"))
    return [(type(command).__name__, command.model_dump(exclude={"command_id", "expected_version"})) for command in commands]


def test_a_report_is_watched_from_its_obligation_until_it_is_in_and_again_when_it_is_returned() -> None:
    owed = ReportObligationSet(**REPORT, on=SET_ON, title="Báo cáo tổng kết", due_on=DUE_ON)
    watch = {**REPORT, "title": "Báo cáo tổng kết", "due_on": DUE_ON, "on": SET_ON}
    assert of_report(owed) == [("WatchReport", watch)]

    on = date(2023, 12, 10)
    end = {"obligation_id": WHICH, "on": on}
    assert of_report(ReportSubmitted(**REPORT, on=on, due_on=DUE_ON)) == [("EndReminders", end)]

    new_due_on = date(2023, 12, 29)
    again = {"obligation_id": WHICH, "due_on": new_due_on, "on": on}
    assert of_report(ReportReturned(**REPORT, on=on, due_on=new_due_on, reason="Thiếu")) == [("AwaitReportAgain", again)]


def test_that_a_report_was_accepted_changes_nothing() -> None:
    assert of_report(ReportAccepted(**REPORT, on=DUE_ON)) == []


@pytest.mark.parametrize(
    ("step", "template"), [(WEEK, Template.REPORT_DUE), (DAY, Template.REPORT_DUE), (AFTER, Template.REPORT_OVERDUE)]
)
def test_a_reminder_goes_to_the_unit_through_every_channel(step: ReminderStep, template: Template) -> None:
    commands: list[Any] = list(on_reminder(recorded(fired(step))))

    assert [(c.unit, c.channel, c.template) for c in commands] == [("ba-dinh", channel, template) for channel in Channel]
    assert all({p.name for p in c.parameters} == PARAMETERS[template] for c in commands)
    assert {c.on for c in commands} == {date(2026, 11, 21)}


def test_an_escalation_goes_to_the_superior() -> None:
    commands: list[Any] = list(on_escalation(recorded(escalated(ESCALATED_ON))))

    assert [(c.unit, c.channel) for c in commands] == [("ha-noi", channel) for channel in Channel]
    assert {(p.name, p.value) for p in commands[0].parameters} >= {("unit", "ba-dinh"), ("due_on", "2023-12-15")}


def test_an_escalation_of_the_past_floods_nobody_with_mail() -> None:
    still_out: list[Any] = list(on_escalation(recorded(escalated(ESCALATED_ON, retrospective=True))))
    came_in = list(on_escalation(recorded(escalated(ESCALATED_ON, retrospective=True, still_out=False))))

    assert [c.channel for c in still_out] == [Channel.IN_APP]
    assert came_in == []


def test_nobody_is_told_where_there_is_no_superior() -> None:
    assert list(on_escalation(recorded(escalated(ESCALATED_ON, superior="")))) == []


def test_deliveries_are_named_after_their_cause_and_channel() -> None:
    def ids(position: int) -> list[UUID]:
        return [command.aggregate_id for command in on_reminder(recorded(fired(WEEK), position))]

    assert ids(1) == ids(1)
    assert len({*ids(1), *ids(2)}) == 4


def test_every_reaction_has_a_name_of_its_own() -> None:
    assert len({reaction.name for reaction in ALL}) == len(ALL)
