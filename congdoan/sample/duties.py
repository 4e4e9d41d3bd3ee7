"""Which reports were due, and were they in on time? What was planned, and what was done?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from congdoan.sample.steps import Chapter, Dice, Step, named, step
from congdoan.sample.units import HA_NOI, VINH_PHUC

LATE_BY_DAYS = {4: 5, 11: 2, 23: 19}
"""Which of Hà Nội's grassroots unions handed their report on 2023 in late, and by how many days."""
RETURNED = 7
"""Whose report was returned once, mended and handed in before the new due day."""
SET_ON, DUE_ON, NEW_DUE_ON = date(2023, 11, 1), date(2023, 12, 15), date(2023, 12, 29)

KEY_TASKS = (
    "Tổ chức học tập, quán triệt nghị quyết đại hội công đoàn các cấp",
    "Chăm lo, bảo vệ quyền và lợi ích hợp pháp của đoàn viên",
    "Đẩy mạnh các phong trào thi đua yêu nước trong cán bộ, công chức, viên chức",
    "Phát triển đoàn viên, cập nhật dữ liệu và cấp đổi thẻ đoàn viên",
    "Nâng cao chất lượng đội ngũ cán bộ công đoàn cơ sở",
    "Đổi mới công tác tuyên truyền, giáo dục chính trị, tư tưởng",
    "Kiểm tra, giám sát việc chấp hành Điều lệ Công đoàn",
    "Quản lý, sử dụng tài chính, tài sản công đoàn đúng quy định",
    "Tham gia xây dựng Đảng, chính quyền trong sạch, vững mạnh",
)
FOCAL = (
    "Chương trình Tết sum vầy",
    "Tháng Công nhân và Tháng hành động về an toàn, vệ sinh lao động",
    "Chương trình 01 triệu sáng kiến",
    "Kỷ niệm ngày thành lập Công đoàn Việt Nam 28/7",
    "Hội thao cán bộ, công chức, viên chức",
)
REGULAR = (
    *("Giao ban công đoàn cơ sở quý I", "Giao ban công đoàn cơ sở quý II", "Giao ban công đoàn cơ sở quý III"),
    *("Giao ban công đoàn cơ sở quý IV", "Sinh hoạt chuyên đề 8/3", "Sinh hoạt chuyên đề 20/10", "Thăm hỏi đoàn viên ốm đau"),
    *("Trợ cấp đoàn viên có hoàn cảnh khó khăn", "Giám sát thực hiện chế độ, chính sách", "Hội nghị cán bộ, công chức"),
    *("Đối thoại với thủ trưởng cơ quan", "Tuyên truyền, phổ biến pháp luật", "Tập huấn nghiệp vụ công đoàn"),
    *("Tập huấn uỷ ban kiểm tra", "Kiểm tra đồng cấp", "Kiểm tra công đoàn cơ sở", "Thu, nộp kinh phí và đoàn phí"),
    *("Báo cáo thống kê sáu tháng", "Báo cáo thống kê năm", "Xếp loại công đoàn cơ sở", "Giới thiệu đoàn viên ưu tú cho Đảng"),
    *("Tuyên dương con đoàn viên học giỏi", "Vận động quỹ Mái ấm Công đoàn", "Hiến máu tình nguyện", "Xây dựng cơ quan văn hoá"),
)
_KINDS: Mapping[str, Sequence[str]] = {"key_task": KEY_TASKS, "focal": FOCAL, "regular": REGULAR}


def reports() -> Chapter:
    """Hà Nội's units report on 2023, Vĩnh Phúc's on 2024."""
    owed = [
        *((f"{HA_NOI}-cs-{number:02}", 2023, LATE_BY_DAYS.get(number, 0)) for number in range(1, 31)),
        *((f"{VINH_PHUC}-cs-{number:02}", 2024, 0) for number in range(1, 41)),
    ]
    returned = _id(f"{HA_NOI}-cs-{RETURNED:02}", 2023)
    mend = {"reason": "Thiếu phụ lục số liệu đoàn viên", "due_on": NEW_DUE_ON}
    return [
        [_obliged(unit, year) for unit, year, _ in owed],
        [_about("SubmitReport", _id(unit, year), _in_on(unit, year, late)) for unit, year, late in owed],
        [_about("ReturnReport", returned, date(2023, 12, 18), **mend)],
        [step("membership", "SubmitReport", returned, "mended", obligation_id=returned, on=date(2023, 12, 26))],
        [_about("AcceptReport", _id(unit, year), date(year + 1, 1, 8)) for unit, year, _ in owed],
    ]


def plans() -> Chapter:
    """Hà Nội's plan of 2023 and, shorter, Vĩnh Phúc's of 2024; most of it done."""
    items = [
        *(Item(HA_NOI, 2023, kind, title) for kind, titles in _KINDS.items() for title in titles),
        *(Item(VINH_PHUC, 2024, "key_task", title) for title in KEY_TASKS[:5]),
        *(Item(VINH_PHUC, 2024, "focal", title) for title in FOCAL[:3]),
    ]
    done = [item for item in items if Dice("done", item.item_id).happens(0.85)]
    return [
        [item.added() for item in items],
        [item.completed(date(item.year, 12, Dice("day", item.item_id).between(1, 28))) for item in done],
    ]


@dataclass(frozen=True, slots=True)
class Item:
    """An item of a unit's plan of a year; `name` tells apart what has the same title."""

    unit: str
    year: int
    kind: str
    title: str
    name: str = ""

    @property
    def item_id(self) -> UUID:
        """Follows from where it stands."""
        return named("plan", self.unit, self.year, self.kind, self.title, self.name)

    def added(self) -> Step:
        """It is planned, before the year begins."""
        return self._about("AddPlanItem", date(self.year - 1, 12, 20), kind=self.kind, title=self.title)

    def completed(self, on: date) -> Step:
        """It is done."""
        return self._about("CompletePlanItem", on)

    def _about(self, rpc: str, on: date, **fields: object) -> Step:
        key = {"unit": self.unit, "year": self.year, "item_id": self.item_id}
        return step("membership", rpc, self.item_id, **key, on=on, **fields)


def _id(unit: str, year: int) -> UUID:
    return named("report", unit, year)


def _obliged(unit: str, year: int) -> Step:
    title = f"Báo cáo tổng kết hoạt động công đoàn năm {year}"
    return _about(
        "SetReportObligation", _id(unit, year), _in(year, SET_ON), unit=unit, year=year, title=title, due_on=_in(year, DUE_ON)
    )


def _in_on(unit: str, year: int, late_by_days: int) -> date:
    due_on = _in(year, DUE_ON)
    if late_by_days:
        return due_on + timedelta(days=late_by_days)
    return due_on - timedelta(days=Dice("report", unit, year).between(0, 12))


def _in(year: int, day: date) -> date:
    return day.replace(year=year)


def _about(rpc: str, obligation: UUID, on: date, **fields: object) -> Step:
    return step("membership", rpc, obligation, obligation_id=obligation, on=on, **fields)
