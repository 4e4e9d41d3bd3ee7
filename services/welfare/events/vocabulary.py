"""What do the fields of welfare's events mean, and their values, in Vietnamese and English?"""

from chassis.wording import define, name_values
from welfare.events.gifts import GiftForm, RejectionReason, ReturnReason, ShareStatus

define(
    campaign_id=("mã đợt tặng quà", "id of the gift campaign"),
    occasion=("dịp tặng quà", "what the campaign is held for"),
    campaign_unit=("mã đơn vị tổ chức đợt tặng quà", "code of the unit that holds the campaign"),
    amount_vnd=("số tiền, tính bằng đồng", "the amount, in đồng"),
    former_amount_vnd=("kinh phí trước đó, tính bằng đồng", "the budget before, in đồng"),
    approved_amount_vnd=(
        "số tiền đã duyệt cho suất quà; phần không dùng trở về kinh phí",
        "what was approved for the share, in đồng; what is not used of it is available again",
    ),
    was_approved=("suất quà đã được duyệt trước đó hay chưa", "whether it had been approved before"),
    was_confirmed=("việc nhận quà đã được xác nhận hay chưa", "whether its receipt had been confirmed"),
    budget_vnd=("kinh phí của đợt, tính bằng đồng", "the budget of the campaign, in đồng"),
    given_vnd=("tổng số tiền đã trao, tính bằng đồng", "how much was given in all, in đồng"),
    shares=("số suất quà đã trao", "how many shares were given"),
)
name_values(GiftForm, "tiền mặt", "hiện vật", "phiếu quà", "chuyến xe đưa về quê đón Tết")
name_values(ShareStatus, "đề nghị", "đã duyệt", "không duyệt", "đã trao", "đã xác nhận", "trả lại")
name_values(
    RejectionReason,
    "không thuộc đối tượng",
    "đã được hỗ trợ ở nơi khác",
    "thiếu hồ sơ",
    "hết kinh phí",
    "đã thôi hoặc chuyển sinh hoạt",
    "lý do khác",
)
name_values(ReturnReason, "người nhận từ chối", "không gặp được người nhận", "đã thôi sinh hoạt", "trao nhầm", "lý do khác")
