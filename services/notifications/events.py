"""What notifications says: announcements, reminders and escalations, deliveries, channels, recipients.

The only module that another service may import. No event here carries a personal value: persons are named by member id.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

from chassis.events import Event


class Channel(StrEnum):
    """How a message reaches its recipient. The in-app inbox is always open."""

    IN_APP = "in_app"
    EMAIL = "email"


class RecipientKind(StrEnum):
    """A unit's officers, or one member."""

    UNIT = "unit"
    MEMBER = "member"


class Template(StrEnum):
    """What a message says; the words are in :mod:`notifications.templates`."""

    REPORT_DUE = "report_due"
    REPORT_OVERDUE = "report_overdue"
    REPORT_ESCALATED = "report_escalated"
    DATA_REQUEST_ANSWER_DUE = "data_request_answer_due"
    DATA_REQUEST_ANSWER_LATE = "data_request_answer_late"
    DATA_REQUEST_CARRYING_OUT_DUE = "data_request_carrying_out_due"
    DATA_REQUEST_CARRYING_OUT_LATE = "data_request_carrying_out_late"


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


class AnnouncementPublished(Event, topic="notifications.announcement_published"):
    """A unit announced something to its whole subtree."""

    announcement_id: UUID
    year: int
    title: str
    body: str


class AnnouncementRead(Event, topic="notifications.announcement_read"):
    """A unit of the audience has read an announcement; `unit` is the reader, `published_by` the announcing unit."""

    announcement_id: UUID
    published_by: str


class ReminderScheduled(Event, topic="notifications.reminder_scheduled"):
    """The next reminder of a report, or its escalation, will come at `fires_at` unless the report is in by then."""

    obligation_id: UUID
    title: str
    year: int
    due_on: date
    step: ReminderStep
    fires_at: datetime


class RemindersMissed(Event, topic="notifications.reminders_missed"):
    """The days of these reminders had passed before they could be sent; they were not sent."""

    obligation_id: UUID
    year: int
    due_on: date
    steps: tuple[ReminderStep, ...]


class ReminderFired(Event, topic="notifications.reminder_fired"):
    """A unit is reminded of a report that is not in."""

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

    obligation_id: UUID
    title: str
    year: int
    due_on: date
    superior: str
    retrospective: bool
    still_out: bool


class RemindersEnded(Event, topic="notifications.reminders_ended"):
    """The report is in; what was still planned will not happen."""

    obligation_id: UUID
    year: int
    due_on: date


DataRequestClock = Literal[Owed.DATA_REQUEST_ANSWER, Owed.DATA_REQUEST_CARRYING_OUT]
"""Which of the two clocks of a data request runs out."""


class DataRequestReminderScheduled(Event, topic="notifications.data_request_reminder_scheduled"):
    """The next reminder of a data request, or its escalation, will come at `fires_at` unless it is dealt with by then.

    ``request_kind`` is membership's name of what is asked for; the person who asks is not told here.
    """

    request_id: UUID
    request_kind: str
    owed: DataRequestClock
    due_on: date
    step: ReminderStep
    fires_at: datetime


class DataRequestRemindersMissed(Event, topic="notifications.data_request_reminders_missed"):
    """The days of these reminders had passed before they could be sent; they were not sent."""

    request_id: UUID
    request_kind: str
    owed: DataRequestClock
    due_on: date
    steps: tuple[ReminderStep, ...]


class DataRequestReminderFired(Event, topic="notifications.data_request_reminder_fired"):
    """A unit is reminded of a data request that it has not answered, or not carried out."""

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

    request_id: UUID
    request_kind: str
    owed: DataRequestClock
    due_on: date
    superior: str
    retrospective: bool
    still_owed: bool


class DataRequestRemindersEnded(Event, topic="notifications.data_request_reminders_ended"):
    """The data request was answered, carried out or refused; what was still planned will not happen."""

    request_id: UUID
    request_kind: str
    owed: DataRequestClock
    due_on: date


class NotificationRequested(Event, topic="notifications.notification_requested"):
    """A message shall reach a recipient: a unit's code or a member's id. `unit` is the recipient's unit."""

    delivery_id: UUID
    recipient_kind: RecipientKind
    recipient: str
    channel: Channel
    template: Template
    parameters: dict[str, str]


class NotificationSending(Event, topic="notifications.notification_sending"):
    """An attempt begins; recorded before the mail leaves. Nobody else tries until `until`.

    ``doubtful``: an earlier attempt began and its outcome was never heard of, so the recipient may get the mail twice,
    under the same Message-ID.
    """

    delivery_id: UUID
    channel: Channel
    attempt: int
    until: datetime
    doubtful: bool


class NotificationSent(Event, topic="notifications.notification_sent"):
    """The mail server took the message over; what it does with it is not known here."""

    delivery_id: UUID
    channel: Channel
    attempt: int
    message_id: str


class NotificationDelivered(Event, topic="notifications.notification_delivered"):
    """The message lies in the recipient's inbox."""

    delivery_id: UUID
    channel: Channel


class NotificationFailed(Event, topic="notifications.notification_failed"):
    """An attempt failed; the next one is due at `retry_at`, or none is when it is empty. The reason names no person."""

    delivery_id: UUID
    channel: Channel
    attempt: int
    reason: str
    retry_at: datetime | None


class NotificationParked(Event, topic="notifications.notification_parked"):
    """The message is given up until somebody has it retried."""

    delivery_id: UUID
    channel: Channel
    attempts: int
    reason: str


class NotificationRetried(Event, topic="notifications.notification_retried"):
    """A parked message shall be sent again from `retry_at` on; its attempts count anew."""

    delivery_id: UUID
    channel: Channel
    retry_at: datetime


class NotificationWithdrawn(Event, topic="notifications.notification_withdrawn"):
    """The message is taken back for good: it is sent no more, and lies in no inbox. The reason names no person."""

    delivery_id: UUID
    channel: Channel
    reason: str


class NotificationRead(Event, topic="notifications.notification_read"):
    """A message in an inbox was read."""

    delivery_id: UUID


class ChannelPreferenceSet(Event, topic="notifications.channel_preference_set"):
    """A channel is open or closed for a unit or a member from now on.

    ``office_address`` is the address of a unit's office, an organisation's and no person's; empty for members.
    """

    recipient_kind: RecipientKind
    recipient: str
    channel: Channel
    open: bool
    office_address: str


class RecipientForgotten(Event, topic="notifications.recipient_forgotten"):
    """A member was erased: nothing is addressed to it from now on, and what was on its way is withdrawn."""

    member_id: UUID
