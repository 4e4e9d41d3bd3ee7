"""Who might these people be? Names as they are common in Vietnam; nobody's in particular.

The numbers begin with 097, which no province has: none can be the national id of a living person. Mail goes to
`example`, which no one can own (RFC 2606).
"""

import unicodedata
from dataclasses import dataclass
from datetime import date, timedelta

from congdoan.sample.steps import Dice

_FAMILY = (
    *("Nguyễn",) * 31, *("Trần",) * 11, *("Lê",) * 10, *("Phạm",) * 7, *("Hoàng",) * 5, *("Phan",) * 4, *("Vũ",) * 4,
    *("Đặng",) * 3, *("Bùi",) * 3, *("Đỗ",) * 3, *("Hồ",) * 2, *("Ngô",) * 2, *("Dương",) * 2,
    "Lý", "Đào", "Đinh", "Tạ", "Lưu", "Kim", "Hà", "Cao", "Chu", "Tô", "Mai", "Trịnh", "Quách", "Phùng",
)  # fmt: skip
_MIDDLE = {
    "woman": ("Thị", "Thị", "Thị", "Thị Thanh", "Thị Thu", "Thị Ngọc", "Ngọc", "Thu", "Thuỳ", "Minh", "Bích", "Hồng", "Mai"),
    "man": ("Văn", "Văn", "Văn", "Đức", "Hữu", "Quang", "Minh", "Xuân", "Ngọc", "Quốc", "Thành", "Đình", "Công", "Trọng"),
}
_GIVEN = {
    "woman": (
        "Hương", "Lan", "Hoa", "Hằng", "Hà", "Thảo", "Trang", "Linh", "Nga", "Yến", "Thuỷ", "Hạnh", "Phượng", "Nhung", "Oanh",
        "Loan", "Huệ", "Mai", "Ngân", "Quỳnh", "Tuyết", "Vân", "Xuân", "Ánh", "Diệp", "Duyên", "Giang", "Hiền", "Liên", "Ly",
    ),
    "man": (
        "Hùng", "Dũng", "Cường", "Tuấn", "Hải", "Long", "Sơn", "Nam", "Thắng", "Hoàng", "Đạt", "Kiên", "Trung", "Khánh", "Bình",
        "Quân", "Phong", "Thành", "Tùng", "Việt", "Vinh", "Lâm", "Mạnh", "Nghĩa", "Phúc", "Quyết", "Toàn", "Ước", "Đông", "Khôi",
    ),
}  # fmt: skip
_ELDEST = date(1965, 1, 1)
_YOUNGEST = date(2000, 12, 31)
_NO_PROVINCE = "097"


@dataclass(frozen=True, slots=True)
class Person:
    """A person who never was."""

    full_name: str
    birth_date: date
    national_id: str
    email: str


def person(dice: Dice, number: int) -> Person:
    """The person with this number, below 1,000,000; two numbers never share a national id."""
    sex = "woman" if dice.happens(0.48) else "man"
    words = (dice.one_of(_FAMILY), dice.one_of(_MIDDLE[sex]), dice.one_of(_GIVEN[sex]))
    birth_date = _ELDEST + timedelta(days=dice.between(0, (_YOUNGEST - _ELDEST).days))
    # As on a real card: province, century and sex, year of birth, six more digits.
    century_and_sex = 2 * (birth_date.year // 100 - 19) + (sex == "woman")
    return Person(
        unicodedata.normalize("NFC", " ".join(words)),
        birth_date,
        f"{_NO_PROVINCE}{century_and_sex}{birth_date.year % 100:02}{number:06}",
        f"doan-vien-{number:06}@congdoan.example",
    )
