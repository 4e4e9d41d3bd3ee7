"""What notifications says: announcements, reminders and escalations, deliveries, channels, recipients.

The only module that another service may import. No event here carries a personal value: persons are named by member id.
"""

from notifications.events import vocabulary as vocabulary
from notifications.events.announcements import AnnouncementPublished as AnnouncementPublished
from notifications.events.announcements import AnnouncementRead as AnnouncementRead
from notifications.events.deliveries import Channel as Channel
from notifications.events.deliveries import ChannelPreferenceSet as ChannelPreferenceSet
from notifications.events.deliveries import NotificationDelivered as NotificationDelivered
from notifications.events.deliveries import NotificationFailed as NotificationFailed
from notifications.events.deliveries import NotificationParked as NotificationParked
from notifications.events.deliveries import NotificationRead as NotificationRead
from notifications.events.deliveries import NotificationRequested as NotificationRequested
from notifications.events.deliveries import NotificationRetried as NotificationRetried
from notifications.events.deliveries import NotificationSending as NotificationSending
from notifications.events.deliveries import NotificationSent as NotificationSent
from notifications.events.deliveries import NotificationWithdrawn as NotificationWithdrawn
from notifications.events.deliveries import RecipientForgotten as RecipientForgotten
from notifications.events.deliveries import RecipientKind as RecipientKind
from notifications.events.deliveries import Template as Template
from notifications.events.reminders import DataRequestClock as DataRequestClock
from notifications.events.reminders import DataRequestEscalated as DataRequestEscalated
from notifications.events.reminders import DataRequestReminderFired as DataRequestReminderFired
from notifications.events.reminders import DataRequestReminderScheduled as DataRequestReminderScheduled
from notifications.events.reminders import DataRequestRemindersEnded as DataRequestRemindersEnded
from notifications.events.reminders import DataRequestRemindersMissed as DataRequestRemindersMissed
from notifications.events.reminders import EscalationRaised as EscalationRaised
from notifications.events.reminders import Owed as Owed
from notifications.events.reminders import ReminderFired as ReminderFired
from notifications.events.reminders import ReminderScheduled as ReminderScheduled
from notifications.events.reminders import RemindersEnded as RemindersEnded
from notifications.events.reminders import RemindersMissed as RemindersMissed
from notifications.events.reminders import ReminderStep as ReminderStep
