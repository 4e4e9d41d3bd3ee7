"""What do the fields of the federation's events mean, and their values, in Vietnamese and English?

What recurs in several services is said here too: membership's are the units, persons and years that all of them tell of.
"""

from chassis.wording import define, name_values
from membership.events.data_requests import DataRequestKind, FieldClass
from membership.events.duties import PlanItemKind
from membership.events.families import ConsentGiver, ConsentPurpose
from membership.events.members import HardshipGrade
from membership.events.offices import Matter, Office, ReleaseReason
from membership.events.units import Attachment, Level

define(
    year=("năm mà sự việc được tính vào", "the year for which it counts"),
    name=("tên gọi", "what it is called"),
    title=("tiêu đề", "its title"),
    reason=("lý do; không bao giờ chứa dữ liệu cá nhân", "why; it never holds anything personal"),
    due_on=("ngày đến hạn", "the day by which it is due"),
    closes_on=("ngày cuối cùng còn được đăng ký", "the last day on which something can be registered"),
)

# units
define(
    level=("cấp của đơn vị", "the unit's level"),
    line_parent=(
        "mã đơn vị cấp trên trực tiếp (giao chỉ tiêu, xếp loại, khen thưởng); trống khi không có",
        "code of the line parent (assigns targets, rates, awards); empty when there is none",
    ),
    functional_parent=(
        "mã đơn vị cấp trên về chuyên môn (hướng dẫn nghiệp vụ); trống khi không có",
        "code of the functional parent (guides); empty when there is none",
    ),
    from_branch=("mã nhánh trước đó", "code of the branch before"),
    to_branch=("mã nhánh mới", "code of the branch from now on"),
    units=("mã các đơn vị cùng chuyển, gồm chính đơn vị này", "codes of the units that move along, itself among them"),
    former_name=("tên trước đây", "what it was called before"),
    attachment=("quan hệ với đơn vị cấp trên", "which kind of parent"),
    parent=("mã đơn vị cấp trên mới; trống khi không có", "code of the new parent; empty when there is none"),
    former_parent=("mã đơn vị cấp trên trước đây; trống khi không có", "code of the former parent; empty when there was none"),
)

# members, their children, and what they agree to
define(
    member_id=(
        "mã đoàn viên; không đổi suốt đời, không chứa dữ liệu cá nhân",
        "id of the member; for life, nothing personal in it",
    ),
    person_id=("mã của đoàn viên hoặc của con đoàn viên", "id of a member, or of a member's child"),
    child_id=("mã của con đoàn viên", "id of a member's child"),
    full_name=("họ và tên", "full name"),
    birth_date=("ngày sinh", "date of birth"),
    phone=("số điện thoại", "telephone number"),
    email=("địa chỉ thư điện tử", "e-mail address"),
    national_id=("số căn cước công dân", "number of the national identity card"),
    national_id_hash=(
        "giá trị băm có khoá của số căn cước: cùng một số thì cùng một giá trị",
        "keyed hash of the national id: the same for the same number",
    ),
    grade=("mức độ khó khăn", "how severe the hardship is"),
    details=("hoàn cảnh cụ thể", "what the hardship is"),
    transfer_id=("mã lần chuyển sinh hoạt; nối các sự kiện của một lần chuyển", "id of the transfer; the same in all its events"),
    to_unit=("mã đơn vị nơi đến", "code of the unit to which the member moves"),
    from_unit=("mã đơn vị nơi đi", "code of the unit from which the member came"),
    joined_on=("ngày vào công đoàn; trống khi không biết", "the day the member joined the union; empty when it is not told"),
    hardship=(
        "mức độ khó khăn; trống khi không có hoặc không biết",
        "the grade of hardship; empty when there is none or it is not told",
    ),
    reading_id=(
        "mã lần đọc; chung cho các đơn vị được đọc trong một lần",
        "id of the reading; shared by the units read from in one call",
    ),
    reader=("người đọc, theo thẻ truy cập", "who read, as the token says"),
    reader_role=("vai trò của người đọc", "the role in which it was read"),
    reader_unit=("mã đơn vị của người đọc", "code of the reader's unit"),
    member_ids=("mã các đoàn viên, hoặc con đoàn viên, được đọc", "ids of the members, or children, that were read about"),
    fields=("các mục đã được đọc", "which fields were read"),
    purpose=("mục đích được đồng ý", "what is agreed to"),
    given_by=("ai thể hiện sự đồng ý", "who speaks"),
    guardian_id=(
        "mã đoàn viên đồng ý thay cho con; trống khi người giám hộ không phải là đoàn viên",
        "id of the member who spoke for a child; empty where that is no member",
    ),
    text_version=("phiên bản của văn bản đã được xem khi đồng ý", "version of the text that was shown"),
    evidence=("nơi lưu bản đồng ý đã ký", "where the signed form or file is kept"),
)

# officers
define(
    position_id=("mã chức vụ", "id of the position"),
    delegation_id=("mã uỷ quyền", "id of the delegation"),
    officer=("cán bộ, theo thẻ truy cập; không phải tên người", "the officer, as its token says; no name of a person"),
    to_officer=("cán bộ được uỷ quyền, theo thẻ truy cập", "the officer who may sign instead, as its token says"),
    office=("chức vụ", "the office"),
    matters=("những việc được ký", "what may be signed"),
    until=("ngày cuối cùng còn hiệu lực", "the last day on which it holds"),
    with_position=("có phải do chức vụ chấm dứt hay không", "whether it ended because the position did"),
)

# reports and plans
define(
    obligation_id=("mã nghĩa vụ báo cáo", "id of the report obligation"),
    item_id=("mã nội dung kế hoạch", "id of the plan's item"),
)

# requests about personal data, and erasure
define(
    request_id=("mã yêu cầu của chủ thể dữ liệu", "id of the data request"),
    kind=("điều được yêu cầu", "what is asked for"),
    received_on=("ngày nhận yêu cầu", "the day on which it was received"),
    answer_due_on=("hạn trả lời", "the day by which it must be answered"),
    carry_out_due_on=("hạn thực hiện", "the day by which it must be carried out"),
    accepted=("yêu cầu có được chấp nhận hay không", "whether it was accepted"),
    hold_id=("mã lệnh lưu giữ", "id of the legal hold"),
    field_class=("loại dữ liệu phải lưu giữ", "the class of data that is kept"),
    basis=("điều luật hoặc văn bản làm căn cứ", "the article or document that asks for it"),
    awaited=(
        "các dịch vụ và các nhánh (mã đơn vị) phải xác nhận đã xoá",
        "the services and the branches (codes of units) that must acknowledge",
    ),
    by=("dịch vụ hoặc đơn vị đầu nhánh đã xác nhận", "the service, or the unit of the branch, that acknowledged"),
    up_to=("vị trí trong lịch sử của membership mà bên xác nhận đã đọc đến", "how far it had followed membership's history"),
    at=("thời điểm xác nhận", "when it acknowledged"),
    positions=(
        "vị trí trong lịch sử của membership của các sự kiện không còn đọc được phần cá nhân",
        "positions in membership's history of the events whose personal values nobody can read any more",
    ),
    key_destroyed_at=("thời điểm huỷ khoá", "when the keys were destroyed"),
    acknowledged=("ai đã xác nhận, vào lúc nào", "who acknowledged, and when"),
)

name_values(Level, "tổng liên đoàn", "công đoàn ngành trung ương", "cấp tỉnh", "ban, bộ, ngành", "cơ sở", "bộ phận", "tổ")
name_values(Attachment, "cấp trên trực tiếp", "cấp trên về chuyên môn")
name_values(HardshipGrade, "khó khăn", "đặc biệt khó khăn")
name_values(Office, "chủ tịch", "phó chủ tịch", "uỷ viên ban thường vụ", "chủ nhiệm uỷ ban kiểm tra")
name_values(Matter, "quyết định khen thưởng", "phê duyệt kinh phí")
name_values(ReleaseReason, "thôi chức vụ", "điều động", "nghỉ hưu", "cách chức", "từ trần")
name_values(PlanItemKind, "nhiệm vụ trọng tâm", "hoạt động trọng điểm", "hoạt động thường xuyên")
name_values(ConsentPurpose, "nhận tin qua thư điện tử", "công bố tuyên dương con", "công bố hình ảnh", "nhận ưu đãi của đối tác")
name_values(ConsentGiver, "chính người đó", "người giám hộ")
name_values(DataRequestKind, "xem dữ liệu", "chỉnh sửa dữ liệu", "rút lại sự đồng ý", "hạn chế xử lý dữ liệu", "xoá dữ liệu")
name_values(FieldClass, "nhân thân", "liên lạc", "hoàn cảnh khó khăn", "hình ảnh")
