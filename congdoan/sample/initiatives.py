"""Which initiatives did Hà Nội's civil servants bring into the programme "01 triệu sáng kiến" in 2023?"""

from datetime import date, timedelta
from functools import cache

from congdoan.sample.people import Member, people
from congdoan.sample.steps import Chapter, Dice, Stage, Step, named, step
from congdoan.sample.units import HA_NOI

PROGRAMME = named("programme", HA_NOI, 2023)
TARGET = 1_789
"""The only whole target of which the published 2,107 initiatives are the published 117.78 %."""
ACCEPTED, REJECTED, WAITING = 2_107, 93, 15
_MEANS = (
    *("Ứng dụng công nghệ thông tin trong", "Số hoá hồ sơ phục vụ", "Rút ngắn thời gian thực hiện", "Đổi mới quy trình"),
    *("Xây dựng phần mềm hỗ trợ", "Nâng cao hiệu quả", "Giảm chi phí cho", "Phối hợp liên ngành trong", "Chuẩn hoá biểu mẫu cho"),
)
_SUBJECTS = (
    *("công tác tiếp công dân", "giải quyết thủ tục hành chính", "quản lý văn bản đến và đi", "công tác lưu trữ"),
    *("quản lý tài sản công", "thanh tra chuyên ngành", "cấp phép xây dựng", "thu thuế hộ kinh doanh", "đào tạo cán bộ"),
    *("theo dõi giải ngân đầu tư công", "thống kê số liệu ngành", "tuyên truyền chính sách", "chi trả bảo hiểm xã hội"),
)
OPENS, CLOSES = date(2023, 1, 3), date(2023, 12, 20)


def chapter() -> Chapter:
    """The programme, the initiatives registered in it, and the judgement on most of them."""
    last = ACCEPTED + REJECTED
    judged: Stage = [_judged("AcceptInitiative", number) for number in range(1, ACCEPTED + 1)]
    judged += [_judged("RejectInitiative", number, reason="Giải pháp không mới") for number in range(ACCEPTED + 1, last + 1)]
    return [
        [
            step(
                *("awards", "OpenInitiativeProgramme", PROGRAMME),
                programme_id=PROGRAMME, unit=HA_NOI, year=2023, name="01 triệu sáng kiến", target=TARGET,
                opens_on=OPENS, closes_on=CLOSES,
            )
        ],
        [_registered(number) for number in range(1, last + WAITING + 1)],
        judged,
    ]  # fmt: skip


def _registered(number: int) -> Step:
    dice = Dice("initiative", number)
    unit = f"{HA_NOI}-cs-{dice.between(1, 30):02}"
    fields: dict[str, object] = {"initiative_id": named("initiative", number), "programme_id": PROGRAMME, "unit": unit}
    fields["title"] = f"{dice.one_of(_MEANS)} {dice.one_of(_SUBJECTS)}"
    if dice.happens(0.8):  # the others have several authors
        fields["author_id"] = dice.one_of(_staying(unit)).member_id
    return step("awards", "RegisterInitiative", number, **fields, on=_registered_on(number))


def _judged(rpc: str, number: int, **fields: object) -> Step:
    on = _registered_on(number) + timedelta(days=Dice("judged", number).between(5, 30))
    return step("awards", rpc, number, initiative_id=named("initiative", number), on=min(on, date(2023, 12, 29)), **fields)


def _registered_on(number: int) -> date:
    return OPENS + timedelta(days=Dice("registered", number).between(0, (CLOSES - OPENS).days))


@cache
def _staying(unit: str) -> list[Member]:
    moving = {move.member.number for move in people().moves}
    return [member for member in people().elsewhere[unit] if member.number not in moving]
