"""What do the fields of the notifications' events mean, and their values, in Vietnamese and English?"""

from chassis.wording import define, name_values
from notifications.events.deliveries import Channel, RecipientKind, Template
from notifications.events.reminders import Owed, ReminderStep

define(
    announcement_id=("mã thông báo", "id of the announcement"),
    published_by=("mã đơn vị phát thông báo", "code of the unit that announced it"),
    body=("nội dung thông báo", "the text of the announcement"),
)

define(
    step=("bước nhắc", "which reminder it is"),
    steps=("các bước nhắc", "which reminders they are"),
    fires_at=("thời điểm sẽ nhắc", "when it will come"),
    superior=(
        "mã đơn vị cấp trên trực tiếp được báo; trống ở đơn vị cao nhất",
        "code of the line parent that is told; empty at the top",
    ),
    retrospective=(
        "ngày phải báo đã qua khi hệ thống biết việc này; `on` là ngày lẽ ra phải báo",
        "the day had passed when this became known; `on` is the day on which it would have been told",
    ),
    still_out=("khi ghi nhận, báo cáo vẫn chưa nộp", "whether the report was still out when this was recorded"),
    request_kind=("điều được yêu cầu, theo cách gọi của membership", "what is asked for, by membership's name of it"),
    owed=("việc phải làm đến hạn", "what is due"),
    still_owed=("khi ghi nhận, đơn vị vẫn chưa làm", "whether the unit still owed it when this was recorded"),
)

define(
    delivery_id=("mã lượt gửi; nối các sự kiện của một tin", "id of the delivery; the same in all events of a message"),
    recipient_kind=("người nhận là đơn vị hay đoàn viên", "whether the recipient is a unit or a member"),
    recipient=("mã đơn vị hoặc mã đoàn viên nhận tin", "the recipient: code of a unit or id of a member"),
    channel=("kênh gửi tin", "how the message goes"),
    template=("mẫu tin", "what the message says"),
    parameters=(
        "các giá trị điền vào mẫu tin, theo tên; không có dữ liệu cá nhân",
        "what fills the template, by name; nothing personal",
    ),
    attempt=("lần gửi thứ mấy", "which attempt it is"),
    attempts=("số lần đã gửi", "how many attempts there were"),
    doubtful=(
        "không rõ kết quả của lần trước, nên người nhận có thể nhận hai thư cùng Message-ID",
        "the outcome of an earlier attempt was never heard of: the mail may come twice, under the same Message-ID",
    ),
    message_id=("Message-ID của thư", "the Message-ID of the mail"),
    retry_at=("thời điểm gửi lại; trống khi không gửi lại", "when the next attempt is due; empty when there is none"),
    open=("kênh mở hay đóng", "whether the channel is open"),
    office_address=(
        "địa chỉ thư của văn phòng đơn vị, không phải của cá nhân; trống với đoàn viên",
        "address of the unit's office, no person's; empty for members",
    ),
)

name_values(Owed, "nộp báo cáo", "trả lời yêu cầu về dữ liệu", "thực hiện yêu cầu về dữ liệu")
name_values(
    ReminderStep,
    "trước một tuần",
    "trước một ngày",
    "sau một ngày",
    "chuyển cấp trên",
    "khi tiếp nhận",
    "trước năm ngày",
    "ngày đến hạn",
)
name_values(Channel, "hộp thư trong ứng dụng", "thư điện tử")
name_values(RecipientKind, "đơn vị", "đoàn viên")
name_values(
    Template,
    "báo cáo sắp đến hạn",
    "báo cáo quá hạn",
    "báo cáo chậm của cấp dưới",
    "sắp đến hạn trả lời yêu cầu về dữ liệu",
    "quá hạn trả lời yêu cầu về dữ liệu",
    "sắp đến hạn thực hiện yêu cầu về dữ liệu",
    "quá hạn thực hiện yêu cầu về dữ liệu",
)
