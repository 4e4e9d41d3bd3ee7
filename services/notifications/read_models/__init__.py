"""The questions notifications answers, one a file: rows, a pure evolve, the query."""

from typing import Any

from chassis.read_models import ReadModel
from notifications.read_models.announcements import ANNOUNCEMENTS, READINGS
from notifications.read_models.deliveries import DELIVERIES
from notifications.read_models.figures import NOTICES
from notifications.read_models.inbox import INBOX
from notifications.read_models.reminders import REMINDER_ROWS

ALL: tuple[ReadModel[Any], ...] = (ANNOUNCEMENTS, READINGS, REMINDER_ROWS, DELIVERIES, INBOX, NOTICES)
