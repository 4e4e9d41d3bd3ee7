"""What is said of a unit's duties: its reports and its plan."""

from datetime import date
from enum import StrEnum
from uuid import UUID

from chassis.events import Event
from chassis.wording import means


class PlanItemKind(StrEnum):
    """Nhiệm vụ trọng tâm, hoạt động trọng điểm, hoạt động thường xuyên."""

    KEY_TASK = "key_task"
    FOCAL = "focal"
    REGULAR = "regular"


class ReportObligationSet(Event, topic="membership.report_obligation_set"):
    """A unit must report on a year by a day."""

    vi = "Giao nghĩa vụ báo cáo: {unit} phải nộp “{title}” năm {year}, chậm nhất ngày {due_on}."
    en = "Report obligation set: {unit} must hand in “{title}” for {year} by {due_on}."

    obligation_id: UUID
    title: str
    year: int
    due_on: date


class ReportSubmitted(Event, topic="membership.report_submitted"):
    """A unit handed its report in; late when this day is after `due_on`."""

    vi = "Nộp báo cáo: ngày {on}, {unit} nộp báo cáo năm {year}; hạn nộp là {due_on}."
    en = "Report submitted: on {on}, {unit} handed in its report for {year}; it was due on {due_on}."

    obligation_id: UUID
    year: int
    due_on: date


class ReportReturned(Event, topic="membership.report_returned"):
    """A report was returned for mending; the clock runs again until the new `due_on`."""

    vi = "Trả lại báo cáo: báo cáo năm {year} của {unit} được trả lại để sửa, hạn mới là {due_on}; lý do: {reason}."
    en = "Report returned: the report of {unit} for {year} was returned for mending, now due on {due_on}; reason: {reason}."
    meanings = means(due_on=("hạn nộp mới", "the new day by which it is due"))

    obligation_id: UUID
    year: int
    due_on: date
    reason: str


class ReportAccepted(Event, topic="membership.report_accepted"):
    """A report was accepted."""

    vi = "Chấp nhận báo cáo: báo cáo năm {year} của {unit} được chấp nhận."
    en = "Report accepted: the report of {unit} for {year} was accepted."

    obligation_id: UUID
    year: int


_OF_AN_ITEM = means(kind=("loại nội dung", "which kind of item"))


class PlanItemAdded(Event, topic="membership.plan_item_added"):
    """A unit's plan of a year has one more item."""

    vi = "Thêm nội dung kế hoạch: kế hoạch năm {year} của {unit} có thêm “{title}” ({kind})."
    en = "Plan item added: the plan of {unit} for {year} has one more item, “{title}” ({kind})."
    meanings = _OF_AN_ITEM

    year: int
    item_id: UUID
    kind: PlanItemKind
    title: str


class PlanItemCompleted(Event, topic="membership.plan_item_completed"):
    """An item of a unit's plan is done."""

    vi = "Hoàn thành nội dung kế hoạch: {unit} hoàn thành một nội dung ({kind}) của kế hoạch năm {year}."
    en = "Plan item completed: {unit} completed an item ({kind}) of its plan for {year}."
    meanings = _OF_AN_ITEM

    year: int
    item_id: UUID
    kind: PlanItemKind
