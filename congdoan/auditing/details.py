"""What are the details called that stand under “as of”, and their values, in Vietnamese and in English?"""

from collections.abc import Mapping
from enum import StrEnum

from awards.events import AwardForm
from chassis.wording import VALUES
from congdoan.texts import Language
from membership.events import HardshipGrade, Level

_CALLED: Mapping[str, tuple[str, str]] = {
    # a cut
    "name": ("Tên", "Name"),
    "cut": ("Lát cắt", "Cut"),
    "named_by": ("Người đặt tên", "Named by"),
    "named_on": ("Ngày đặt tên", "Named on"),
    # a unit
    "unit": ("Đơn vị", "Unit"),
    "level": ("Cấp", "Level"),
    "line_parent": ("Cấp trên trực tiếp", "Line parent"),
    "functional_parent": ("Cấp trên về chuyên môn", "Functional parent"),
    "established_on": ("Ngày thành lập", "Established on"),
    "dissolved_on": ("Ngày giải thể", "Dissolved on"),
    # a member
    "member_id": ("Đoàn viên", "Member"),
    "status": ("Tình trạng", "Status"),
    "joined_on": ("Ngày kết nạp", "Joined on"),
    "left_on": ("Ngày thôi sinh hoạt", "Left on"),
    "hardship": ("Hoàn cảnh", "Hardship"),
    "transfer_to": ("Đang chuyển đến", "Moving to"),
    "released": ("Nơi cũ đã đồng ý", "Released"),
    "erased": ("Đã xoá dữ liệu cá nhân", "Personal data erased"),
    "position": ("Vị trí của sự kiện cuối", "Position of the last event"),
    # a campaign
    "campaign_id": ("Đợt tặng quà", "Campaign"),
    "year": ("Năm", "Year"),
    "occasion": ("Nhân dịp", "Occasion"),
    "opened_on": ("Ngày mở", "Opened on"),
    "closed_on": ("Ngày kết thúc", "Closed on"),
    "budget_vnd": ("Kinh phí (đồng)", "Budget (đồng)"),
    "approved_vnd": ("Đã duyệt, chưa trao (đồng)", "Approved, not handed over (đồng)"),
    "given_vnd": ("Đã trao (đồng)", "Given (đồng)"),
    "confirmed_vnd": ("Đã xác nhận nhận quà (đồng)", "Receipt confirmed (đồng)"),
    "returned_vnd": ("Đã trả lại (đồng)", "Returned (đồng)"),
    "left_vnd": ("Còn lại (đồng)", "Left (đồng)"),
    "proposed": ("Suất đề nghị", "Shares proposed"),
    "approved": ("Suất đã duyệt", "Shares approved"),
    "distributed": ("Suất đã trao", "Shares handed over"),
    "confirmed": ("Suất đã xác nhận", "Shares confirmed"),
    "rejected": ("Số lần không duyệt", "Times rejected"),
    "returned": ("Số lần trả lại", "Times returned"),
    # an award
    "form": ("Hình thức", "Form"),
    "decider": ("Nơi quyết định", "Decided by"),
    "decision_number": ("Số quyết định", "Decision"),
    "decided_on": ("Ngày quyết định", "Decided on"),
    "presented_on": ("Ngày trao", "Presented on"),
    "revoked_on": ("Ngày thu hồi", "Revoked on"),
}
_STATUSES = {"active": ("đang sinh hoạt", "active"), "left": ("đã thôi sinh hoạt", "left")}
_ENUMS: Mapping[str, type[StrEnum]] = {"level": Level, "hardship": HardshipGrade, "form": AwardForm}


def called(detail: str, language: Language) -> str:
    """What a detail is called on a page."""
    return _CALLED[detail][language == "en"]


def in_words(detail: str, value: object, language: Language) -> object:
    """A value on a page: the word for a choice, anything else as it is."""
    words = VALUES[_ENUMS[detail]] if detail in _ENUMS else _STATUSES if detail == "status" else {}
    return words[str(value)][language == "en"] if value in words else "✓" if value is True else value
