"""What does the command line say, in Vietnamese and in English?"""

from collections.abc import Mapping
from typing import Literal

Language = Literal["vi", "en"]

_FIGURES: Mapping[str, tuple[str, str]] = {
    "grassroots_units": ("Công đoàn cơ sở", "Grassroots unions"),
    "members": ("Đoàn viên", "Members"),
    "plan_items": ("Nội dung kế hoạch", "Plan items"),
    "plan_items_key_task": ("– nhiệm vụ trọng tâm", "– key tasks"),
    "plan_items_focal": ("– hoạt động trọng điểm", "– focal activities"),
    "plan_items_regular": ("– hoạt động thường xuyên", "– regular activities"),
    "late_reports": ("Báo cáo chậm", "Late reports"),
    "gift_shares": ("Suất quà đã trao", "Gift shares given"),
    "gift_amount_vnd": ("Trị giá quà (đồng)", "Worth of gifts (đồng)"),
    "flags_received": ("Cờ thi đua được tặng", "Flags received"),
    "flags_by_confederation": ("– của Tổng Liên đoàn", "– by the confederation"),
    "flags_by_federation": ("– của cấp liên đoàn, công đoàn ngành", "– by the federation"),
    "certificates_of_merit": ("Bằng khen", "Certificates of merit"),
    "commendations": ("Giấy khen", "Commendations"),
    "honoured_delegates": ("Đại biểu được tuyên dương", "Delegates honoured"),
    "initiatives": ("Sáng kiến được công nhận", "Initiatives accepted"),
    "initiative_target": ("Chỉ tiêu sáng kiến", "Target of initiatives"),
    "initiative_percent": ("Tỷ lệ so với chỉ tiêu (%)", "Percent of the target"),
    "announcements": ("Thông báo đã phát hành", "Announcements published"),
    "reminders_sent": ("Lời nhắc đã gửi", "Reminders sent"),
    "escalations": ("Báo cáo chậm đã chuyển cấp trên", "Late reports taken to the superior"),
}

_PHRASES: Mapping[str, tuple[str, str]] = {
    # a summary
    "figure": ("Chỉ tiêu", "Figure"),
    "value": ("Giá trị", "Value"),
    "audited": ("Kiểm toán", "Audited"),
    "events": ("Sự kiện", "Events"),
    "summary_title": ("{name} · năm {year}", "{name} · {year}"),
    "summary_as_of": ("tính đến {as_of}", "as of {as_of}"),
    "disagreement": (
        "Có chỉ tiêu mà dịch vụ và kiểm toán tính khác nhau (chữ đỏ).",
        "There are figures on which service and auditor disagree (red).",
    ),
    "no_figures": ("không có số liệu", "nothing to tell"),
    # the suite
    "starting_servers": ("Khởi động NATS và PostgreSQL", "Starting NATS and PostgreSQL"),
    "preparing": ("Tạo lược đồ và luồng sự kiện", "Setting up schemas and streams"),
    "starting_services": ("Khởi động các dịch vụ", "Starting the services"),
    "feeding": ("Nạp liên đoàn mẫu", "Feeding the sample federation"),
    "already_fed": ("Liên đoàn mẫu đã có đủ, không nạp lại.", "The sample federation is all there; nothing is fed."),
    "catching_up": ("Chờ mọi bên cập nhật xong", "Waiting until everyone has caught up"),
    "ready": ("Sẵn sàng sau {seconds:.1f} giây.", "Ready after {seconds:.1f} seconds."),
    "service": ("Dịch vụ", "Service"),
    "listens": ("gRPC", "gRPC"),
    "metrics": ("Chỉ số", "Metrics"),
    "data_in": ("Dữ liệu: {data}", "Data: {data}"),
    "press_ctrl_c": ("Nhấn Ctrl-C để dừng.", "Ctrl-C stops it."),
    "stopping": ("Đang dừng…", "Stopping…"),
    "restarted": (
        "{name} đã dừng ({exit}); khởi động lại lần {restart} sau {delay:.1f} giây. {reason}",
        "{name} ended ({exit}); restart {restart} after {delay:.1f} s. {reason}",
    ),
    "parked": ("{service}/{follower}: {count} sự kiện bị gác lại.", "{service}/{follower}: {count} events lie aside."),
    # what can go wrong
    "no_suite": ("Không có hệ thống nào đang chạy; hãy chạy `congdoan up`.", "No suite is running; start one: `congdoan up`."),
    "no_suite_on": ("Không có hệ thống nào đang chạy trên {data}.", "No suite is running on {data}."),
    "unavailable": ("Dịch vụ không trả lời: {reason}", "A service does not answer: {reason}"),
    "refused": ("Bị từ chối: {reason}", "Refused: {reason}"),
    "failed": ("Không hoàn thành: {reason}", "Failed: {reason}"),
    "unknown_service": ("Không có dịch vụ {name}; có: {known}.", "There is no service {name}; there are: {known}."),
    "not_all_said": ("Thiếu biến môi trường {name}.", "The variable {name} is missing."),
    "no_province_key": (
        "Tệp không chứa khoá của hệ thống tỉnh (tệp <mã>.nk được cấp cho tỉnh).",
        "The file holds no key of a province's system (the file <code>.nk that the province was given).",
    ),
    # tokens
    "no_issuer": (
        "Thư mục {data} chưa có nơi cấp thẻ truy cập; hãy chạy `congdoan up --data` với thư mục này.",
        "{data} has no token issuer; start a suite on it: `congdoan up --data`.",
    ),
    "unknown_role": ("Không có vai trò này; có: {known}.", "There is no such role; there are: {known}."),
    "role_not_issued": ("Vai trò này không được cấp thẻ truy cập.", "No token is issued for this role."),
    "unit_missing": ("Vai trò này phải kèm mã đơn vị (--unit).", "This role is held at a unit: name it (--unit)."),
    "unit_malformed": ("Mã đơn vị sai định dạng.", "This is no code of a unit."),
    "subject_malformed": (
        "Mã người dùng (--subject) phải có từ 1 đến 200 ký tự in được.",
        "The subject has 1 to 200 printable characters.",
    ),
    "lifetime_refused": ("Thời hạn phải từ 1 phút đến 24 giờ.", "A token lives from a minute to 24 hours."),
    "token_key_rotated": (
        "Khoá {key} ký từ bây giờ; thẻ đã cấp vẫn dùng được đến khi hết hạn.",
        "The key {key} signs from now on; tokens already issued stay valid until they expire.",
    ),
    # officers
    "recorded": ("Đã ghi nhận {id} (vị trí {position}).", "Recorded: {id} (position {position})."),
    "written_to": ("Đã ghi vào {file}.", "Written to {file}."),
    "none": ("không có", "none"),
    "data_request": ("Yêu cầu", "Request"),
    "kind": ("Loại", "Kind"),
    "status": ("Tình trạng", "Status"),
    "received_on": ("Ngày nhận", "Received on"),
    "due_on": ("Đến hạn", "Due on"),
    "late": ("Trễ hạn", "Late"),
    "data_subject": ("Người", "Person"),
    "hold": ("Lưu giữ", "Hold"),
    "field_class": ("Loại dữ liệu", "Class"),
    "basis": ("Căn cứ", "Basis"),
    "placed_on": ("Từ ngày", "Since"),
    "lifted_on": ("Đến ngày", "Lifted on"),
    "by": ("Bên xác nhận", "By"),
    "at": ("Lúc", "At"),
    "registered_children": (
        "Con của người này chưa được xoá theo, vẫn còn ghi nhận: {children}.",
        "Children of this person are not erased with it, and are still registered: {children}.",
    ),
    "erasure_certificate": (
        """CHỨNG NHẬN XOÁ DỮ LIỆU CÁ NHÂN
(Luật 91/2025/QH15, Nghị định 356/2025/NĐ-CP)

Mã người:            {person_id}
Theo yêu cầu:        {request_id}
Đơn vị:              {unit}
Ngày xoá:            {erased_on} (vị trí {position})
Khoá bị huỷ lúc:     {key_destroyed_at}
Ngày chứng nhận:     {certified_on}
Vị trí các sự kiện không ai còn mở được: {positions}
Các bên đã xác nhận không còn giữ gì:
{acknowledged}""",
        """CERTIFICATE OF ERASURE OF PERSONAL DATA
(Law 91/2025/QH15, Decree 356/2025/ND-CP)

Id of the person:    {person_id}
On the request:      {request_id}
Unit:                {unit}
Erased on:           {erased_on} (position {position})
Key destroyed at:    {key_destroyed_at}
Certified on:        {certified_on}
Positions of the events that nobody can open any more: {positions}
Those who acknowledged that they keep nothing:
{acknowledged}""",
    ),
    "nobody_in_office": ("Không có ai.", "There is nobody."),
    "unknown_name": ("Không có tên này; có: {known}.", "There is no such name; there are: {known}."),
    "nobody_vouches": (
        "Chỉ có thể hỏi thay người khác (--as) với hệ thống trên máy này.",
        "Only a suite of this machine can be asked as somebody else (--as).",
    ),
    "unit": ("Đơn vị", "Unit"),
    "officer": ("Cán bộ", "Officer"),
    "office": ("Chức vụ", "Office"),
    "since": ("Từ ngày", "Since"),
    "until": ("Đến ngày", "Until"),
    "held_as": ("Mã chức vụ", "Position id"),
    "delegation": ("Mã uỷ quyền", "Delegation id"),
    # consents, children, names
    "none_found": ("Không có gì.", "There is nothing."),
    "purpose": ("Mục đích", "Purpose"),
    "given_by": ("Người đồng ý", "Given by"),
    "text_version": ("Văn bản", "Text"),
    "evidence": ("Chứng cứ", "Evidence"),
    "given_on": ("Ngày đồng ý", "Given on"),
    "withdrawn_on": ("Ngày rút lại", "Withdrawn on"),
    "child_id": ("Mã của trẻ", "Child id"),
    "member_id": ("Mã đoàn viên", "Member id"),
    "full_name": ("Họ và tên", "Name"),
    "birth_date": ("Ngày sinh", "Born on"),
    "registered_on": ("Ngày ghi nhận", "Recorded on"),
    "erased": ("Đã xoá", "Erased"),
    "refusal": ("Vì sao không cho biết", "Why it is not told"),
    "on_day": ("Ngày", "Day"),
    "reader": ("Người đọc", "Reader"),
    "reader_role": ("Vai trò", "Role"),
    "members_read": ("Đoàn viên", "Members"),
    # operations
    "nothing_aside": ("Không có sự kiện nào bị gác lại.", "No event lies aside."),
    "follower": ("Bên theo dõi", "Follower"),
    "source": ("Nguồn", "Source"),
    "position": ("Vị trí", "Position"),
    "topic": ("Sự kiện", "Event"),
    "reason": ("Lý do", "Reason"),
    "waits_for": ("Chờ", "Waits for"),
    "replayed": (
        "{follower}: đã xử lý {taken}, còn gác lại {parked}.",
        "{follower}: {taken} taken, {parked} still lie aside.",
    ),
    "rotated": (
        "Khoá bọc mới {wrapping_key}: đã bọc lại {rewrapped} khoá cá nhân.",
        "New wrapping key {wrapping_key}: {rewrapped} keys of persons were wrapped anew.",
    ),
    "read_model": ("Bảng đọc", "Read model"),
    "version": ("Phiên bản", "Version"),
    "lag": ("Còn chậm", "Lag"),
    # provinces
    "province_granted": (
        "Đã cấp quyền cho {code}. Tệp bí mật: {file}. Hướng dẫn: {page}.",
        "Granted to {code}. Credentials, secret: {file}. Instructions: {page}.",
    ),
    "province_limited": ("Đã đặt hạn mức mới cho {code}.", "{code} has other limits now."),
    "province_revoked": (
        "Đã thu hồi quyền của {code}; mọi kết nối đã bị ngắt.",
        "Revoked from {code}; every connection of it has ended.",
    ),
    "not_a_branch": (
        "{code} không phải là công đoàn tỉnh, thành phố hay bộ, ngành nên không có luồng sự kiện riêng.",
        "{code} is no union of a province or ministry, so it has no events of its own.",
    ),
    "already_granted": (
        "{code} đã được cấp quyền; muốn thay khoá, hãy thêm --renew.",
        "{code} is granted already; for another key, add --renew.",
    ),
    "not_granted": ("Đơn vị này chưa được cấp quyền.", "This unit was not granted anything."),
    "credentials_in_the_way": (
        "Tệp {file} đã có và không phải của lần cấp quyền này; hãy chuyển nó đi hoặc chọn --out khác.",
        "{file} exists and is not of this grant; move it away, or choose another --out.",
    ),
    "hub_unavailable": (
        "Máy chủ NATS không trả lời; hãy chạy lại lệnh này. {reason}",
        "The NATS server does not answer; run this command again. {reason}",
    ),
    "branch": ("Đơn vị", "Branch"),
    "granted_at": ("Ngày cấp", "Granted"),
    "connections": ("Kết nối", "Connections"),
    "leaf_nodes": ("Nút lá", "Leaf nodes"),
    "last_contact": ("Liên lạc cuối", "Last contact"),
    "behind": ("Chưa chép", "Not copied"),
    "unfinished": (
        "{code}: lệnh cấp quyền hoặc thu hồi trước đó chưa xong; hãy chạy lại.",
        "{code}: its grant or revocation was not finished; run that command again.",
    ),
    # the ledger
    "checkpoint": ("Mốc chốt sổ", "Checkpoint"),
    "signed_at": ("Ký lúc", "Signed at"),
    "root": ("Mã băm gốc", "Root hash"),
    # a branch that is followed
    "following_again": ("{reason}; đang thử lại", "{reason}; trying again"),
    "ledger_key_unreadable": (
        "Khoá sổ cái phải có dạng tên+mã+khoá, như congdoan ledger key in ra.",
        "The key of the ledger must be told as name+id+key, as congdoan ledger key prints it.",
    ),
    "no_credentials": (
        "Không có tệp khoá của {province}: hãy cấp bằng congdoan provinces grant, hoặc chỉ ra bằng --credentials.",
        "There are no credentials of {province}: congdoan provinces grant writes them; or say where with --credentials.",
    ),
    "state_unusable": (
        "{file} không phải là tệp trạng thái của nhánh này.",
        "{file} is no state of this branch.",
    ),
    "beginning_unreadable": (
        "--from nhận beginning, một ngày (2026-01-31), một thời điểm, hoặc các vị trí (membership:1200,welfare:30).",
        "--from takes beginning, a day (2026-01-31), a moment, or positions (membership:1200,welfare:30).",
    ),
}


def figure_label(name: str, language: Language) -> str:
    """What a figure is called on a page; its stable name when this version does not know it."""
    return _FIGURES[name][_COLUMN[language]] if name in _FIGURES else name


def figure_order(name: str) -> int:
    """Where a figure stands in a table."""
    return list(_FIGURES).index(name) if name in _FIGURES else len(_FIGURES)


def say(phrase: str, language: Language, **facts: object) -> str:
    """A phrase in a language, with its facts."""
    return _PHRASES[phrase][_COLUMN[language]].format(**facts)


_COLUMN: Mapping[Language, int] = {"vi": 0, "en": 1}
