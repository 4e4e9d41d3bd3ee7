"""When is the officer in charge reminded of a data request, and when is the superior told?"""

from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest

from notifications.domain.duty import SCHEDULES, step_day
from notifications.domain.reminder import (
    REMINDERS,
    AwaitUntil,
    EndReminders,
    NoStepLeft,
    NothingPlanned,
    TakeReminderStep,
    WatchDataRequest,
    await_until,
    end,
    reminders_id,
    take_step,
    watch,
)
from notifications.events import Owed, ReminderStep
from tests.given import given
from tests.notifications.data_requests import (
    ANSWER,
    CARRY_OUT_DUE_ON,
    CARRYING_OUT,
    DUE_ON,
    RECEIVED_ON,
    asked,
    request_ended,
    request_escalated,
    request_fired,
    request_missed,
    request_scheduled,
)
from tests.notifications.reports import at

RECEIPT, DUE_DAY = ReminderStep.ON_RECEIPT, ReminderStep.DUE_DAY
FIVE, DAY, ESCALATION = ReminderStep.FIVE_DAYS_BEFORE, ReminderStep.DAY_BEFORE, ReminderStep.ESCALATION
WEDNESDAY, THURSDAY = date(2026, 11, 4), date(2026, 11, 5)


def watching(owed: Owed) -> WatchDataRequest:
    told = {"unit": "ba-dinh", "request_kind": "erasure", "due_on": DUE_ON[owed], "on": RECEIVED_ON}
    return WatchDataRequest.model_validate({"command_id": uuid4(), "request_id": asked(), "owed": owed, **told})


def about(cls: type[Any], owed: Owed, **fields: Any) -> Any:
    return cls.model_validate({"command_id": uuid4(), "owed": owed, "owed_id": asked(), **fields})


def step(which: ReminderStep, owed: Owed, due_on: date | None = None) -> Any:
    return about(TakeReminderStep, owed, due_on=due_on or DUE_ON[owed], step=which)


def test_an_answer_is_reminded_of_on_receipt_and_on_its_day_and_escalated_the_day_after() -> None:
    days = {which: step_day(ANSWER, which, RECEIVED_ON, WEDNESDAY) for which in SCHEDULES[ANSWER]}
    assert days == {RECEIPT: RECEIVED_ON, DUE_DAY: WEDNESDAY, ESCALATION: THURSDAY}


def test_the_carrying_out_is_reminded_of_five_days_and_a_day_before_and_on_its_day_and_escalated_the_day_after() -> None:
    days = {which: step_day(CARRYING_OUT, which, RECEIVED_ON, CARRY_OUT_DUE_ON) for which in SCHEDULES[CARRYING_OUT]}
    expected = {FIVE: -5, DAY: -1, DUE_DAY: 0, ESCALATION: 1}
    assert days == {which: CARRY_OUT_DUE_ON + timedelta(days=number) for which, number in expected.items()}


@pytest.mark.parametrize("owed", Owed)
def test_the_days_of_a_schedule_follow_one_another_and_the_escalation_is_the_last(owed: Owed) -> None:
    days = [step_day(owed, which, RECEIVED_ON, CARRY_OUT_DUE_ON) for which in SCHEDULES[owed]]
    assert days == sorted(set(days))
    assert list(SCHEDULES[owed])[-1] is ESCALATION


def test_the_day_a_request_is_received_is_not_missed_even_after_eight() -> None:
    given(REMINDERS).when(watch, watching(ANSWER), at(RECEIVED_ON, hour=16)).then(request_scheduled(RECEIPT))
    given(REMINDERS).when(watch, watching(CARRYING_OUT), at(RECEIVED_ON, hour=16)).then(
        request_scheduled(FIVE, owed=CARRYING_OUT)
    )


def test_a_request_recorded_a_day_later_is_reminded_of_on_the_day_of_its_answer() -> None:
    given(REMINDERS).when(watch, watching(ANSWER), at(date(2026, 11, 3))).then(
        request_missed(RECEIPT, on=RECEIVED_ON), request_scheduled(DUE_DAY)
    )


def test_what_nobody_answers_goes_from_reminder_to_reminder_to_the_superior() -> None:
    history: list[Any] = [request_scheduled(RECEIPT)]
    on_receipt = given(REMINDERS, *history).when(take_step, step(RECEIPT, ANSWER), at(RECEIVED_ON, hour=16))
    on_receipt.then(request_fired(RECEIPT), request_scheduled(DUE_DAY, on=RECEIVED_ON))
    history += [request_fired(RECEIPT), request_scheduled(DUE_DAY)]
    on_its_day = given(REMINDERS, *history).when(take_step, step(DUE_DAY, ANSWER), at(WEDNESDAY))
    on_its_day.then(request_fired(DUE_DAY), request_scheduled(ESCALATION, on=WEDNESDAY))
    history += [request_fired(DUE_DAY), request_scheduled(ESCALATION, on=WEDNESDAY)]
    state = given(REMINDERS, *history).when(take_step, step(ESCALATION, ANSWER), at(THURSDAY)).then(request_escalated(THURSDAY))
    assert state.planned is None


def test_an_answer_in_time_ends_its_reminders_and_no_step_follows() -> None:
    history = (request_scheduled(RECEIPT), request_fired(RECEIPT), request_scheduled(DUE_DAY))
    answered = about(EndReminders, ANSWER, on=WEDNESDAY)
    given(REMINDERS, *history).when(end, answered, at(WEDNESDAY)).then(request_ended(WEDNESDAY))
    given(REMINDERS, *history, request_ended(WEDNESDAY)).when(take_step, step(DUE_DAY, ANSWER), at(WEDNESDAY)).refused(
        NothingPlanned, "owed_id"
    )


@pytest.mark.parametrize(("on", "escalates"), [(THURSDAY, False), (date(2026, 11, 6), True)])
def test_an_answer_that_is_told_of_after_the_day_of_the_escalation_counts_as_escalated(on: date, escalates: bool) -> None:
    raised = [request_escalated(THURSDAY, retrospective=True, still_owed=False)] if escalates else []
    late = given(REMINDERS, request_scheduled(ESCALATION)).when(end, about(EndReminders, ANSWER, on=on), at(on))
    late.then(*raised, request_ended(on))


def test_more_time_moves_every_step_that_is_still_ahead() -> None:
    on, later = date(2026, 11, 13), date(2026, 12, 2)
    history = (
        request_scheduled(FIVE, owed=CARRYING_OUT),
        request_fired(FIVE, owed=CARRYING_OUT),
        request_scheduled(DAY, owed=CARRYING_OUT),
    )
    extended = about(AwaitUntil, CARRYING_OUT, due_on=later, on=on)
    moved = request_scheduled(FIVE, on, CARRYING_OUT, later)
    state = given(REMINDERS, *history).when(await_until, extended, at(on)).then(moved)
    assert state.due_on == later
    given(REMINDERS, *history, moved).when(take_step, step(DAY, CARRYING_OUT), at(date(2026, 11, 16))).refused(NothingPlanned)
    given(REMINDERS, *history, moved).when(take_step, step(FIVE, CARRYING_OUT, later), at(date(2026, 11, 27))).then(
        request_fired(FIVE, owed=CARRYING_OUT, due_on=later), request_scheduled(DAY, date(2026, 11, 27), CARRYING_OUT, later)
    )


def test_a_day_that_stays_the_same_changes_nothing() -> None:
    same = about(AwaitUntil, CARRYING_OUT, due_on=CARRY_OUT_DUE_ON, on=WEDNESDAY)
    planned = given(REMINDERS, request_scheduled(FIVE, owed=CARRYING_OUT))
    planned.when(await_until, same, at(WEDNESDAY)).refused(NoStepLeft, "due_on")


def test_each_clock_of_a_request_has_reminders_of_its_own() -> None:
    assert len({reminders_id(owed, asked()) for owed in Owed}) == len(Owed)
    assert watching(ANSWER).aggregate_id == step(RECEIPT, ANSWER).aggregate_id != watching(CARRYING_OUT).aggregate_id


def test_a_clock_of_a_request_is_watched_once() -> None:
    given(REMINDERS, request_scheduled(RECEIPT)).when(watch, watching(ANSWER), at(RECEIVED_ON)).refused(NoStepLeft)
