"""What is said of what units owe: when they are reminded of it, and when their superior is told."""

from datetime import date, datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

from chassis.events import Event


class Owed(StrEnum):
    """What a unit owes until a day: a report, the answer to a data request, or the carrying out of one."""

    REPORT = "report"
    DATA_REQUEST_ANSWER = "data_request_answer"
    DATA_REQUEST_CARRYING_OUT = "data_request_carrying_out"


class ReminderStep(StrEnum):
    """When a unit is reminded of what it owes, and when its superior is told; which steps there are depends on what it is.

    Counted from the due day, but for the day of receipt; the days are in :mod:`notifications.domain.duty`.
    """

    WEEK_BEFORE = "week_before"
    DAY_BEFORE = "day_before"
    DAY_AFTER = "day_after"
    ESCALATION = "escalation"
    ON_RECEIPT = "on_receipt"
    FIVE_DAYS_BEFORE = "five_days_before"
    DUE_DAY = "due_day"


class ReminderScheduled(Event, topic="notifications.reminder_scheduled"):
    """The next reminder of a report, or its escalation, will come at `fires_at` unless the report is in by then."""

    vi = "Lên lịch nhắc báo cáo: {unit} sẽ được nhắc về “{title}” ({step}) lúc {fires_at} nếu đến khi đó chưa nộp."
    en = "Reminder scheduled: {unit} will be reminded of “{title}” ({step}) at {fires_at} unless it is in by then."

    obligation_id: UUID
    title: str
    year: int
    due_on: date
    step: ReminderStep
    fires_at: datetime


class RemindersMissed(Event, topic="notifications.reminders_missed"):
    """The days of these reminders had passed before they could be sent; they were not sent."""

    vi = "Bỏ lỡ lời nhắc báo cáo: lời nhắc ({steps}) về báo cáo hạn {due_on} của {unit} đã quá ngày nên không gửi."
    en = "Reminders missed: reminders ({steps}) of the report of {unit} due on {due_on} were past their days and not sent."

    obligation_id: UUID
    year: int
    due_on: date
    steps: tuple[ReminderStep, ...]


class ReminderFired(Event, topic="notifications.reminder_fired"):
    """A unit is reminded of a report that is not in."""

    vi = "Nhắc báo cáo: {unit} được nhắc về “{title}”, hạn {due_on} ({step})."
    en = "Reminder fired: {unit} is reminded of “{title}”, due on {due_on} ({step})."

    obligation_id: UUID
    title: str
    year: int
    due_on: date
    step: ReminderStep


class EscalationRaised(Event, topic="notifications.escalation_raised"):
    """A report was not in three days after its due day, so its unit's line parent is told.

    ``retrospective``: the day had passed when the obligation became known here, as when a history is loaded; `on` is
    then the day it would have been raised. ``still_out`` tells whether the report was out when this was recorded.
    ``superior`` is empty for the unit at the top.
    """

    vi = "Báo cáo chậm chuyển cấp trên: báo cáo “{title}” hạn {due_on} của {unit} chưa nộp; cấp trên được báo: {superior}."
    en = "Escalation raised: “{title}” of {unit}, due on {due_on}, was not in; the superior that is told: {superior}."

    obligation_id: UUID
    title: str
    year: int
    due_on: date
    superior: str
    retrospective: bool
    still_out: bool


class RemindersEnded(Event, topic="notifications.reminders_ended"):
    """The report is in; what was still planned will not happen."""

    vi = "Ngừng nhắc báo cáo: báo cáo hạn {due_on} của {unit} đã nộp; các lời nhắc còn lại bị huỷ."
    en = "Reminders ended: the report of {unit} due on {due_on} is in; what was still planned will not happen."

    obligation_id: UUID
    year: int
    due_on: date


DataRequestClock = Literal[Owed.DATA_REQUEST_ANSWER, Owed.DATA_REQUEST_CARRYING_OUT]
"""Which of the two clocks of a data request runs out."""


class DataRequestReminderScheduled(Event, topic="notifications.data_request_reminder_scheduled"):
    """The next reminder of a data request, or its escalation, will come at `fires_at` unless it is dealt with by then.

    ``request_kind`` is membership's name of what is asked for; the person who asks is not told here.
    """

    vi = "Lên lịch nhắc yêu cầu về dữ liệu: {unit} sẽ được nhắc ({step}) việc {owed} hạn {due_on} lúc {fires_at} nếu chưa xong."
    en = (
        "Data request reminder scheduled: {unit} will be reminded ({step}) of {owed}, due on {due_on}, at {fires_at} unless done."
    )

    request_id: UUID
    request_kind: str
    owed: DataRequestClock
    due_on: date
    step: ReminderStep
    fires_at: datetime


class DataRequestRemindersMissed(Event, topic="notifications.data_request_reminders_missed"):
    """The days of these reminders had passed before they could be sent; they were not sent."""

    vi = "Bỏ lỡ lời nhắc về yêu cầu dữ liệu: lời nhắc ({steps}) việc {owed} hạn {due_on} của {unit} đã quá ngày nên không gửi."
    en = (
        "Data request reminders missed: reminders ({steps}) of {owed} of {unit}, due on {due_on}, were past their days "
        "and not sent."
    )

    request_id: UUID
    request_kind: str
    owed: DataRequestClock
    due_on: date
    steps: tuple[ReminderStep, ...]


class DataRequestReminderFired(Event, topic="notifications.data_request_reminder_fired"):
    """A unit is reminded of a data request that it has not answered, or not carried out."""

    vi = "Nhắc yêu cầu về dữ liệu: {unit} được nhắc ({step}) việc {owed}, hạn {due_on}."
    en = "Data request reminder fired: {unit} is reminded ({step}) of {owed}, due on {due_on}."

    request_id: UUID
    request_kind: str
    owed: DataRequestClock
    due_on: date
    step: ReminderStep


class DataRequestEscalated(Event, topic="notifications.data_request_escalated"):
    """A data request was not answered, or not carried out, on the day after its due day, so the line parent is told.

    ``retrospective`` and ``superior`` are as in `EscalationRaised`; ``still_owed`` tells whether the unit still owed it
    when this was recorded.
    """

    vi = "Yêu cầu về dữ liệu chậm chuyển cấp trên: {unit} quá hạn {due_on} việc {owed}; cấp trên được báo: {superior}."
    en = "Data request escalated: {unit} is past the due day {due_on} of {owed}; the superior that is told: {superior}."

    request_id: UUID
    request_kind: str
    owed: DataRequestClock
    due_on: date
    superior: str
    retrospective: bool
    still_owed: bool


class DataRequestRemindersEnded(Event, topic="notifications.data_request_reminders_ended"):
    """The data request was answered, carried out or refused; what was still planned will not happen."""

    vi = "Ngừng nhắc yêu cầu về dữ liệu: việc {owed} hạn {due_on} của {unit} đã xong; các lời nhắc còn lại bị huỷ."
    en = "Data request reminders ended: {owed} of {unit}, due on {due_on}, is dealt with; what was still planned will not happen."

    request_id: UUID
    request_kind: str
    owed: DataRequestClock
    due_on: date
