"""Which units does the sample have, and how did they come to stand where they stand?"""

from dataclasses import dataclass, replace
from datetime import date

from congdoan.sample.bodies import CENTRAL, CENTRAL_PARTS, PROVINCIAL
from congdoan.sample.steps import Chapter, Dice, Stage, Step, step

CONFEDERATION = "tld"
FEDERATION = "cdvcvn"
FOUNDED = date(1994, 7, 2)
VINH_PHUC, HA_NOI = "vinh-phuc", "ha-noi"


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit at its beginning."""

    code: str
    name: str
    level: str
    established_on: date
    line: str = ""
    functional: str = ""


@dataclass(frozen=True, slots=True)
class Province:
    """A province or city with its federation of labour and its civil servants' union."""

    code: str
    kind: str
    name: str
    since: date
    grassroots: int

    @property
    def labour_federation(self) -> str:
        """The code of the line parent of its civil servants' union."""
        return f"ldld-{self.code}"


PROVINCES = (
    Province(VINH_PHUC, "tỉnh", "Vĩnh Phúc", date(1997, 3, 1), 75),
    Province(HA_NOI, "thành phố", "Hà Nội", date(1994, 12, 20), 30),
    Province("hai-duong", "tỉnh", "Hải Dương", date(1997, 4, 15), 6),
    Province("thanh-hoa", "tỉnh", "Thanh Hoá", date(1995, 5, 10), 6),
    Province("nghe-an", "tỉnh", "Nghệ An", date(1995, 3, 8), 6),
    Province("da-nang", "thành phố", "Đà Nẵng", date(1997, 2, 20), 6),
    Province("khanh-hoa", "tỉnh", "Khánh Hoà", date(1995, 9, 1), 5),
    Province("can-tho", "thành phố", "Cần Thơ", date(2004, 2, 16), 5),
)

MERGED_AWAY = "vinh-phuc-cs-so-du-lich"
"""Dissolved in 2008 when its office was joined to that of `MERGED_INTO`; its members had gone there before."""
MERGED_INTO = "vinh-phuc-cs-26"
RENAMED = "vinh-phuc-cs-25"
FORMER_NAME = "Sở Bưu chính, Viễn thông Vĩnh Phúc"
MOVED = "vinh-phuc-cs-thong-ke"
"""Under the union of a central agency until 2020, under that of the province since."""
FOUNDED_LATER = "vinh-phuc-cs-dan-toc-ton-giao"
"""Not there yet at the end of 2024."""
MERGED_ON, RENAMED_ON, MOVED_ON, LATER_ON = date(2008, 7, 1), date(2008, 4, 15), date(2020, 1, 1), date(2025, 3, 1)


def above() -> list[Unit]:
    """Every unit above the grassroots, parents first."""
    labour = [
        Unit(p.labour_federation, f"Liên đoàn Lao động {p.kind} {p.name}", "federation", date(1946, 7, 20), CONFEDERATION)
        for p in PROVINCES
    ]
    provincial = [
        Unit(p.code, f"Công đoàn Viên chức {p.kind} {p.name}", "province", p.since, p.labour_federation, FEDERATION)
        for p in PROVINCES
    ]
    central = [Unit(code, f"Công đoàn {name}", "ministry", date(1994, 9, 1), FEDERATION) for code, name in CENTRAL]
    return [
        Unit(CONFEDERATION, "Tổng Liên đoàn Lao động Việt Nam", "confederation", date(1929, 7, 28)),
        Unit(FEDERATION, "Công đoàn Viên chức Việt Nam", "federation", FOUNDED, CONFEDERATION),
        *labour,
        *provincial,
        *central,
    ]


def grassroots() -> list[Unit]:
    """Every grassroots union that is there from early on."""
    units = [
        _grassroots(province.code, f"{province.code}-cs-{number:02}", _named(body, province), province.since)
        for province in PROVINCES
        for number, body in enumerate(PROVINCIAL[: province.grassroots], 1)
    ]
    units += [
        _grassroots(code, f"{code}-cs-{number:02}", f"{part} {name}", date(1995, 1, 10))
        for code, name in CENTRAL
        for number, part in enumerate(CENTRAL_PARTS, 1)
    ]
    former = {RENAMED: f"Công đoàn cơ sở {FORMER_NAME}"}
    return [
        *(replace(unit, name=former.get(unit.code, unit.name)) for unit in units),
        _grassroots(VINH_PHUC, MERGED_AWAY, "Sở Du lịch Vĩnh Phúc", date(1997, 6, 2)),
        _grassroots("bo-ke-hoach-va-dau-tu", MOVED, "Cục Thống kê tỉnh Vĩnh Phúc", date(1997, 6, 2)),
    ]


def later() -> list[Unit]:
    """Those established after the end of 2024."""
    return [_grassroots(VINH_PHUC, FOUNDED_LATER, "Sở Dân tộc và Tôn giáo", LATER_ON)]


def chapter() -> Chapter:
    """Units from the top down, then what changed in them; the one that ends waits until its members are elsewhere."""
    rows = [*above(), *grassroots(), *later()]
    from_the_top = (("confederation",), ("federation",), ("province", "ministry"), ("grassroots",))
    stages = [[_establish(unit) for unit in rows if unit.level in levels] for levels in from_the_top]
    return [*stages, _changes()]


def ending() -> Stage:
    """The unit whose members have left for another is dissolved."""
    reason = "Sáp nhập về Sở Văn hoá, Thể thao và Du lịch"
    return [step("membership", "DissolveUnit", MERGED_AWAY, unit=MERGED_AWAY, on=MERGED_ON, reason=reason)]


def _changes() -> Stage:
    renamed = {"unit": RENAMED, "on": RENAMED_ON, "name": "Công đoàn cơ sở Sở Thông tin và Truyền thông tỉnh Vĩnh Phúc"}
    moved = {"unit": MOVED, "attachment": "line", "parent": VINH_PHUC, "on": MOVED_ON}
    return [
        step("membership", "RenameUnit", RENAMED, **renamed),
        step("membership", "AttachUnit", MOVED, **moved),
    ]


def _establish(unit: Unit) -> Step:
    return step(
        *("membership", "EstablishUnit", unit.code),
        unit=unit.code, name=unit.name, level=unit.level, on=unit.established_on,
        line_parent=unit.line, functional_parent=unit.functional,
    )  # fmt: skip


def _grassroots(parent: str, code: str, body: str, since: date) -> Unit:
    dice = Dice("unit", code)
    on = date(since.year + dice.between(1, 3), 12, dice.between(1, 28)) if since < LATER_ON else since
    return Unit(code, f"Công đoàn cơ sở {body}", "grassroots", on, parent)


def _named(body: str, province: Province) -> str:
    if province.kind == "thành phố":
        body = body.replace("tỉnh", "thành phố").replace("Tỉnh", "Thành")
    return f"{body} {province.name}"
