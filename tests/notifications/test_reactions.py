"""What follows from what others say, and from what we say ourselves?"""

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from chassis.events import Event, topics_of
from membership.events import (
    DataRequestAnswered,
    DataRequestCarriedOut,
    DataRequestExtended,
    ErasureCertified,
    ReportAccepted,
    ReportObligationSet,
    ReportReturned,
    ReportSubmitted,
)
from notifications.domain.delivery import PARAMETERS
from notifications.events import Channel, Owed, ReminderStep, Template
from notifications.reactions import ALL, DATA_REQUESTS, on_data_request, on_escalation, on_reminder, on_report
from tests.notifications.data_requests import (
    ABOUT,
    ANSWER_DUE_ON,
    CARRY_OUT_DUE_ON,
    PERSON,
    RECEIVED_ON,
    asked,
    received,
    request_escalated,
    request_fired,
)
from tests.notifications.recorded import RECORDED_AT, recorded
from tests.notifications.reports import AFTER, DAY, DUE_ON, SET_ON, WEEK, WHICH, escalated, fired

REPORT: dict[str, Any] = {"unit": "ba-dinh", "obligation_id": WHICH, "year": 2023}
ESCALATED_ON = date(2023, 12, 18)


def of_membership(event: Event) -> list[tuple[str, dict[str, Any]]]:
    at = recorded(event, service="membership")
    commands = on_data_request(at) if event.topic in topics_of(DATA_REQUESTS) else on_report(at)
    return [(type(command).__name__, command.model_dump(exclude={"command_id", "expected_version"})) for command in commands]


def test_a_report_is_watched_from_its_obligation_until_it_is_in_and_again_when_it_is_returned() -> None:
    owed = ReportObligationSet(**REPORT, on=SET_ON, title="Báo cáo tổng kết", due_on=DUE_ON)
    watch = {**REPORT, "title": "Báo cáo tổng kết", "due_on": DUE_ON, "on": SET_ON}
    assert of_membership(owed) == [("WatchReport", watch)]

    on = date(2023, 12, 10)
    end = {"owed": Owed.REPORT, "owed_id": WHICH, "on": on}
    assert of_membership(ReportSubmitted(**REPORT, on=on, due_on=DUE_ON)) == [("EndReminders", end)]

    new_due_on = date(2023, 12, 29)
    again = {"owed": Owed.REPORT, "owed_id": WHICH, "due_on": new_due_on, "on": on}
    assert of_membership(ReportReturned(**REPORT, on=on, due_on=new_due_on, reason="Thiếu")) == [("AwaitUntil", again)]


def test_that_a_report_was_accepted_changes_nothing() -> None:
    assert of_membership(ReportAccepted(**REPORT, on=DUE_ON)) == []


def test_a_data_request_is_watched_by_both_its_clocks_from_the_day_it_was_received() -> None:
    watch = {"request_id": asked(), "unit": "ba-dinh", "request_kind": "erasure", "on": RECEIVED_ON}
    assert of_membership(received()) == [
        ("WatchDataRequest", {**watch, "owed": Owed.DATA_REQUEST_ANSWER, "due_on": ANSWER_DUE_ON}),
        ("WatchDataRequest", {**watch, "owed": Owed.DATA_REQUEST_CARRYING_OUT, "due_on": CARRY_OUT_DUE_ON}),
    ]


def test_an_answer_ends_the_first_clock_and_a_refusal_the_second_too() -> None:
    on, later = date(2026, 11, 4), date(2026, 11, 22)
    end = {"owed_id": asked(), "on": on}
    answered = ("EndReminders", {**end, "owed": Owed.DATA_REQUEST_ANSWER})
    accepted = DataRequestAnswered(**ABOUT, on=on, accepted=True, carry_out_due_on=later, reason="")
    by_then = {**end, "owed": Owed.DATA_REQUEST_CARRYING_OUT, "due_on": later}
    assert of_membership(accepted) == [answered, ("AwaitUntil", by_then)]

    refused = accepted.model_copy(update={"accepted": False, "reason": "Điều 17"})
    assert of_membership(refused) == [answered, ("EndReminders", {**end, "owed": Owed.DATA_REQUEST_CARRYING_OUT})]


def test_an_extension_moves_the_second_clock_and_doing_it_or_the_certificate_ends_it() -> None:
    on, later = date(2026, 11, 10), date(2026, 12, 2)
    second = {"owed": Owed.DATA_REQUEST_CARRYING_OUT, "owed_id": asked(), "on": on}
    extended = DataRequestExtended(**ABOUT, on=on, carry_out_due_on=later, reason="Điều 5")
    assert of_membership(extended) == [("AwaitUntil", {**second, "due_on": later})]
    assert of_membership(DataRequestCarriedOut(**ABOUT, on=on)) == [("EndReminders", second)]
    certified = ErasureCertified(
        unit="ba-dinh", on=on, person_id=PERSON, request_id=asked(), positions=(1,), key_destroyed_at=RECORDED_AT, acknowledged=()
    )
    assert of_membership(certified) == [("EndReminders", second)]


@pytest.mark.parametrize(
    ("owed", "due", "late"),
    [
        (Owed.DATA_REQUEST_ANSWER, Template.DATA_REQUEST_ANSWER_DUE, Template.DATA_REQUEST_ANSWER_LATE),
        (Owed.DATA_REQUEST_CARRYING_OUT, Template.DATA_REQUEST_CARRYING_OUT_DUE, Template.DATA_REQUEST_CARRYING_OUT_LATE),
    ],
)
def test_the_officer_in_charge_of_a_data_request_is_told_in_the_units_inbox_and_the_superior_when_it_is_late(
    owed: Any, due: Template, late: Template
) -> None:
    reminded: list[Any] = list(on_reminder(recorded(request_fired(ReminderStep.DUE_DAY, owed=owed))))
    raised: list[Any] = list(on_escalation(recorded(request_escalated(date(2026, 11, 5), owed=owed))))

    assert [(c.unit, c.channel, c.template) for c in reminded] == [("ba-dinh", channel, due) for channel in Channel]
    assert [(c.unit, c.channel, c.template) for c in raised] == [("ha-tay", channel, late) for channel in Channel]
    for command in (*reminded, *raised):
        values = {parameter.name: parameter.value for parameter in command.parameters}
        assert values.keys() == PARAMETERS[command.template]
        assert (values["request_id"], values["request_kind"]) == (str(asked()), "erasure")
        assert str(PERSON) not in str(values)


def test_a_data_request_that_was_dealt_with_late_is_escalated_without_writing_to_anybody() -> None:
    assert list(on_escalation(recorded(request_escalated(date(2026, 11, 5), still_owed=False)))) == []


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
