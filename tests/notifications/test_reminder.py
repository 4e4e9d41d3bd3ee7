"""When is a unit reminded of its report, when is its superior told, and what if all of it lies in the past?"""

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest

from chassis.refusals import Unavailable
from notifications.domain.calendar import hanoi_day, next_reminding_moment, reminding_moment
from notifications.domain.duty import Report
from notifications.domain.reminder import (
    REMINDERS,
    AwaitUntil,
    EndReminders,
    Moment,
    NoStepLeft,
    NothingPlanned,
    NotWatched,
    Planned,
    StepNotDue,
    TakeReminderStep,
    WatchReport,
    await_until,
    end,
    take_step,
    watch,
)
from notifications.events import ReminderStep
from tests.given import given
from tests.notifications.reports import (
    AFTER,
    DAY,
    DUE_ON,
    ESCALATION,
    SET_ON,
    WEEK,
    WHICH,
    about,
    at,
    day_of,
    days_from_due,
    ended,
    escalated,
    fired,
    missed,
    scheduled,
)

LATER_DUE = date(2023, 12, 29)


def watching(**fields: object) -> WatchReport:
    plain = {"unit": "ba-dinh", "title": "Báo cáo tổng kết", "year": 2023, "due_on": DUE_ON, "on": SET_ON}
    return WatchReport.model_validate({"command_id": uuid4(), "obligation_id": WHICH, **plain, **fields})


def step(which: ReminderStep, due_on: date = DUE_ON) -> TakeReminderStep:
    command: TakeReminderStep = about(TakeReminderStep, due_on=due_on, step=which)
    return command


def test_reminders_come_a_week_and_a_day_before_and_a_day_after_and_the_escalation_three_days_after() -> None:
    assert [day_of(which) - DUE_ON for which in (WEEK, DAY, AFTER, ESCALATION)] == [timedelta(days) for days in (-7, -1, 1, 3)]


def test_a_day_is_that_of_ha_noi_and_reminders_go_out_at_eight_there() -> None:
    assert hanoi_day(datetime(2023, 12, 7, 16, 59, tzinfo=UTC)) == date(2023, 12, 7)
    assert hanoi_day(datetime(2023, 12, 7, 17, 0, tzinfo=UTC)) == date(2023, 12, 8)
    assert reminding_moment(date(2023, 12, 8)) == datetime(2023, 12, 8, 1, 0, tzinfo=UTC)
    assert next_reminding_moment(datetime(2023, 12, 8, 0, 59, tzinfo=UTC)) == datetime(2023, 12, 8, 1, tzinfo=UTC)
    assert next_reminding_moment(datetime(2023, 12, 8, 1, 0, tzinfo=UTC)) == datetime(2023, 12, 9, 1, tzinfo=UTC)


def test_a_report_that_is_awaited_has_its_first_reminder_planned() -> None:
    state = given(REMINDERS).when(watch, watching(), at(SET_ON)).then(scheduled(WEEK))

    assert state.planned == Planned(WEEK, late=False)


def test_a_reminder_of_today_is_not_missed_even_after_eight() -> None:
    given(REMINDERS).when(watch, watching(), days_from_due(-7, hour=23)).then(scheduled(WEEK))


@pytest.mark.parametrize(
    ("days", "passed", "following"),
    [(-6, (WEEK,), DAY), (-1, (WEEK,), DAY), (0, (WEEK, DAY), AFTER), (3, (WEEK, DAY, AFTER), ESCALATION)],
)
def test_reminders_whose_day_has_passed_are_missed_and_the_next_one_is_planned(
    days: int, passed: tuple[ReminderStep, ...], following: ReminderStep
) -> None:
    given(REMINDERS).when(watch, watching(), days_from_due(days)).then(missed(*passed, on=SET_ON), scheduled(following))


def test_the_escalation_of_a_day_long_past_waits_for_the_next_morning_whether_the_report_came_in() -> None:
    loaded_on = date(2026, 11, 20)
    state = (
        given(REMINDERS)
        .when(watch, watching(), at(loaded_on, hour=14))
        .then(missed(WEEK, DAY, AFTER, on=SET_ON), scheduled(ESCALATION, fires_on=date(2026, 11, 21)))
    )

    assert state.planned == Planned(ESCALATION, late=True)


def test_a_report_is_watched_once() -> None:
    given(REMINDERS, scheduled(WEEK)).when(watch, watching(), at(SET_ON)).refused(NoStepLeft, "due_on")


def test_a_step_that_is_taken_reminds_and_plans_the_next() -> None:
    state = (
        given(REMINDERS, scheduled(WEEK))
        .when(take_step, step(WEEK), days_from_due(-7))
        .then(fired(WEEK), scheduled(DAY, on=date(2023, 12, 8)))
    )
    assert state.planned == Planned(DAY, late=False)

    history = (scheduled(WEEK), fired(WEEK), scheduled(DAY), fired(DAY), scheduled(AFTER))
    given(REMINDERS, *history).when(take_step, step(AFTER), days_from_due(1)).then(
        fired(AFTER), scheduled(ESCALATION, on=date(2023, 12, 16))
    )


def test_a_reminder_delayed_by_an_outage_is_still_sent_until_the_day_of_the_next() -> None:
    late = given(REMINDERS, scheduled(WEEK)).when(take_step, step(WEEK), days_from_due(-2))
    late.then(fired(WEEK, on=date(2023, 12, 13)), scheduled(DAY, on=date(2023, 12, 13)))


def test_a_reminder_overtaken_by_the_day_of_the_next_is_missed() -> None:
    too_late = given(REMINDERS, scheduled(WEEK)).when(take_step, step(WEEK), days_from_due(-1))
    too_late.then(missed(WEEK, on=date(2023, 12, 14)), scheduled(DAY, on=date(2023, 12, 14)))


def test_three_days_after_the_due_day_the_line_parent_of_that_day_is_told_and_nothing_more_is_planned() -> None:
    history = (scheduled(AFTER), fired(AFTER), scheduled(ESCALATION))

    state = given(REMINDERS, *history).when(take_step, step(ESCALATION), days_from_due(3)).then(escalated(date(2023, 12, 18)))

    assert state.planned is None


def test_an_escalation_found_out_about_later_is_dated_back_and_names_the_parent_the_unit_had_then() -> None:
    history = (missed(WEEK, DAY, AFTER, on=SET_ON), scheduled(ESCALATION, fires_on=date(2026, 11, 21)))

    given(REMINDERS, *history).when(take_step, step(ESCALATION), at(date(2026, 11, 21))).then(
        escalated(date(2023, 12, 18), retrospective=True)
    )


def test_the_unit_at_the_top_has_nobody_to_be_told() -> None:
    planned = scheduled(ESCALATION).model_copy(update={"unit": "top"})
    expected = escalated(date(2023, 12, 18), superior="").model_copy(update={"unit": "top"})
    given(REMINDERS, planned).when(take_step, step(ESCALATION), days_from_due(3)).then(expected)


def test_a_report_that_is_in_ends_what_was_planned() -> None:
    handed_in = about(EndReminders, on=date(2023, 12, 10))
    state = given(REMINDERS, scheduled(DAY)).when(end, handed_in, days_from_due(-5)).then(ended(date(2023, 12, 10)))

    assert state.planned is None


@pytest.mark.parametrize(("days", "escalates"), [(3, False), (4, True)])
def test_a_report_that_came_in_after_the_escalation_day_is_escalated_in_retrospect(days: int, escalates: bool) -> None:
    on = DUE_ON + timedelta(days=days)
    history = (missed(WEEK, DAY, AFTER, on=SET_ON), scheduled(ESCALATION, fires_on=date(2026, 11, 21)))
    raised = [escalated(date(2023, 12, 18), retrospective=True, still_out=False)] if escalates else []

    given(REMINDERS, *history).when(end, about(EndReminders, on=on), at(date(2026, 11, 20))).then(*raised, ended(on))


def test_an_escalated_report_that_comes_in_changes_nothing_more() -> None:
    history = (scheduled(ESCALATION), escalated(date(2023, 12, 18)))
    given(REMINDERS, *history).when(end, about(EndReminders, on=date(2023, 12, 20)), days_from_due(5)).refused(NothingPlanned)


def test_nothing_fires_for_a_report_that_came_in_before() -> None:
    history = (scheduled(WEEK), ended(date(2023, 12, 1)))
    given(REMINDERS, *history).when(take_step, step(WEEK), days_from_due(-7)).refused(NothingPlanned)


def test_a_step_is_taken_once_and_only_while_it_is_the_planned_one_for_its_due_day() -> None:
    history = (scheduled(WEEK), fired(WEEK), scheduled(DAY))
    given(REMINDERS, *history).when(take_step, step(WEEK), days_from_due(-7)).refused(NothingPlanned)
    given(REMINDERS, *history).when(take_step, step(AFTER), days_from_due(1)).refused(NothingPlanned)
    given(REMINDERS, *history).when(take_step, step(DAY, LATER_DUE), days_from_due(-1)).refused(NothingPlanned)


def test_no_step_is_taken_before_its_day() -> None:
    given(REMINDERS, scheduled(WEEK)).when(take_step, step(WEEK), days_from_due(-8, hour=23)).refused(StepNotDue, "step")
    escalation = given(REMINDERS, scheduled(ESCALATION)).when(take_step, step(ESCALATION), days_from_due(2, hour=23))
    escalation.refused(StepNotDue, "step")


def test_a_returned_report_is_awaited_by_its_new_day() -> None:
    on = date(2023, 12, 18)
    again = about(AwaitUntil, due_on=LATER_DUE, on=on)
    history = (scheduled(WEEK), fired(WEEK), scheduled(DAY), ended(date(2023, 12, 10)))

    state = given(REMINDERS, *history).when(await_until, again, at(on)).then(scheduled(WEEK, on, LATER_DUE))

    assert (state.due_on, state.duty) == (LATER_DUE, Report(WHICH, "ba-dinh", "Báo cáo tổng kết", 2023))


def test_a_report_returned_with_the_same_day_repeats_no_step() -> None:
    on = date(2023, 12, 8)
    again = about(AwaitUntil, due_on=DUE_ON, on=on)
    history = (scheduled(WEEK), fired(WEEK), scheduled(DAY), ended(on))

    given(REMINDERS, *history).when(await_until, again, at(on)).then(scheduled(DAY, on))


def test_what_is_still_planned_is_not_planned_again() -> None:
    same = about(AwaitUntil, due_on=DUE_ON, on=date(2023, 12, 12))
    given(REMINDERS, scheduled(DAY)).when(await_until, same, days_from_due(-3)).refused(NoStepLeft, "due_on")
    done = (scheduled(ESCALATION), missed(WEEK, DAY, AFTER, on=SET_ON), escalated(date(2023, 12, 18)))
    same = about(AwaitUntil, due_on=DUE_ON, on=DUE_ON)
    given(REMINDERS, *done).when(await_until, same, days_from_due(0)).refused(NoStepLeft, "due_on")


def test_nobody_is_reminded_of_a_report_that_was_never_asked_for() -> None:
    for decide, command in (
        (take_step, step(WEEK)),
        (end, about(EndReminders, on=SET_ON)),
        (await_until, about(AwaitUntil, due_on=LATER_DUE, on=SET_ON)),
    ):
        given(REMINDERS).when(decide, command, at(SET_ON)).refused(NotWatched, "owed_id")


def test_a_step_is_decided_again_when_its_unit_was_not_looked_up() -> None:
    with pytest.raises(Unavailable):
        Moment(at(DUE_ON).now, {}).superior("ba-dinh", DUE_ON)
