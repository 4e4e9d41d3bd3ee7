"""What is said of a unit's duties: its reports and its plan."""

from datetime import date
from enum import StrEnum
from uuid import UUID

from chassis.events import Event


class PlanItemKind(StrEnum):
    """Nhiệm vụ trọng tâm, hoạt động trọng điểm, hoạt động thường xuyên."""

    KEY_TASK = "key_task"
    FOCAL = "focal"
    REGULAR = "regular"


class ReportObligationSet(Event, topic="membership.report_obligation_set"):
    """A unit must report on a year by a day."""

    obligation_id: UUID
    title: str
    year: int
    due_on: date


class ReportSubmitted(Event, topic="membership.report_submitted"):
    """A unit handed its report in; late when this day is after `due_on`."""

    obligation_id: UUID
    year: int
    due_on: date


class ReportReturned(Event, topic="membership.report_returned"):
    """A report was returned for mending; the clock runs again until the new `due_on`."""

    obligation_id: UUID
    year: int
    due_on: date
    reason: str


class ReportAccepted(Event, topic="membership.report_accepted"):
    """A report was accepted."""

    obligation_id: UUID
    year: int


class PlanItemAdded(Event, topic="membership.plan_item_added"):
    """A unit's plan of a year has one more item."""

    year: int
    item_id: UUID
    kind: PlanItemKind
    title: str


class PlanItemCompleted(Event, topic="membership.plan_item_completed"):
    """An item of a unit's plan is done."""

    year: int
    item_id: UUID
    kind: PlanItemKind
