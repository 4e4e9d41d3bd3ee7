"""What notifications says: announcements, reminders and escalations, deliveries, channels.

The only module that another service may import. No event here carries a personal value: persons are named by member id.
"""

from datetime import date, datetime, timedelta
from enum import StrEnum
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


class ReminderStep(StrEnum):
    """When a unit is reminded of a report, and when its superior is told (the federation's practice: T-7, T-1, T+1, T+3)."""

    WEEK_BEFORE = "week_before"
    DAY_BEFORE = "day_before"
    DAY_AFTER = "day_after"
    ESCALATION = "escalation"

    def day(self, due_on: date) -> date:
        """The day of this step for a report due on a day."""
        return due_on + timedelta(days=_OFFSETS_DAYS[self])


_OFFSETS_DAYS = {
    ReminderStep.WEEK_BEFORE: -7,
    ReminderStep.DAY_BEFORE: -1,
    ReminderStep.DAY_AFTER: 1,
    ReminderStep.ESCALATION: 3,
}


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
