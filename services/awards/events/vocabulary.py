"""What do the fields of the awards' events mean, and their values, in Vietnamese and English?"""

from awards.events.child_honours import AchievementLevel, AchievementPrize, PublicationEnd
from awards.events.nominations import AwardForm, AwardScope
from chassis.wording import define, name_values

define(
    nomination_id=(
        "mã đề nghị khen thưởng; nối các sự kiện của một khen thưởng",
        "id of the nomination; the same in all its events",
    ),
    form=("hình thức khen thưởng", "the form of the award"),
    scope=("phạm vi khen thưởng", "what of the work is awarded"),
    theme=("chuyên đề; trống khi không phải khen theo chuyên đề", "the theme; empty unless it is about one"),
    decider=("mã đơn vị quyết định", "code of the unit that decides"),
    decider_level=("cấp của đơn vị quyết định khi đó", "the level the decider had then"),
    decision_number=("số quyết định", "number of the decision"),
    decided_on=("ngày quyết định", "the day of the decision"),
    rule_set=("quy chế khen thưởng có hiệu lực vào ngày quyết định", "the award regulation in force on the day of the decision"),
    citation=("thành tích được nêu trong đề nghị", "what the award is proposed for"),
    reviewer=("mã đơn vị xem xét đề nghị", "code of the unit that reviews the nomination"),
    presenter=("mã đơn vị trao khen thưởng", "code of the unit that hands it over"),
    quotas=("những chỉ tiêu mà quyết định này được tính vào", "the quotas that the decision counts against"),
    at_most=("số lượng tối đa; trống khi không giới hạn", "how many at most; empty when nothing limits it"),
    former_at_most=("số lượng tối đa trước đó; trống khi đặt lần đầu", "how many before; empty when this is the first quota"),
    revision=("lần đặt thứ mấy, từ 1", "how often it was set, from 1"),
)

define(
    programme_id=("mã chương trình sáng kiến", "id of the initiative programme"),
    programme_unit=("mã đơn vị mở chương trình", "code of the unit that opened the programme"),
    initiative_id=("mã sáng kiến", "id of the initiative"),
    author_id=("mã đoàn viên là tác giả; trống khi không nêu", "id of the member whose it is; empty when none is named"),
    target=("chỉ tiêu số sáng kiến", "how many initiatives there should be"),
)

define(
    round_id=("mã đợt tuyên dương", "id of the honour round"),
    round_unit=("mã đơn vị mở đợt tuyên dương", "code of the unit that opened the round"),
    achievement_id=("mã thành tích; nối các sự kiện của một thành tích", "id of the achievement; the same in all its events"),
    prize=("giải đạt được", "which prize it is"),
    contest=("cuộc thi; không bao giờ nêu tên người", "the contest in which it was won; it never names a person"),
    ground=("vì sao thôi công bố", "why it is public no longer"),
)

name_values(AwardForm, "cờ thi đua", "bằng khen", "giấy khen", "tuyên dương")
name_values(AwardScope, "toàn diện", "chuyên đề", "đột xuất")
name_values(AchievementLevel, "quốc tế", "quốc gia")
name_values(AchievementPrize, "giải nhất", "giải nhì", "giải ba", "giải khuyến khích")
name_values(PublicationEnd, "người giám hộ rút lại sự đồng ý", "trẻ rút lại sự đồng ý", "dữ liệu của trẻ đã xoá")
