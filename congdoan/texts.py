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
    # traces
    "trace": ("Vết", "Trace"),
    "begins_with": ("Bắt đầu bằng", "Begins with"),
    "services_reached": ("Dịch vụ", "Services"),
    "spans": ("Đoạn", "Spans"),
    "no_such_trace": ("Không có vết như vậy trong tệp.", "There is no such trace in the file."),
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
    # the history told again
    "history_replayed": (
        "Đã đọc lại {events} sự kiện đến lát cắt {cut}; lần đọc này được ghi với mã {replay}.",
        "{events} events were read, up to the cut {cut}; the reading is recorded as {replay}.",
    ),
    "event_unreadable": (
        "Chương trình này chưa biết đọc sự kiện loại {topic}.",
        "This program cannot read an event of the type {topic}.",
    ),
    "unknown_event": (
        "Không có loại sự kiện {name}; xem docs/events/dictionary.md.",
        "There is no event type {name}; see docs/events/dictionary.md.",
    ),
    "no_time": (
        "{option} phải là ngày (YYYY-MM-DD) hoặc thời điểm RFC 3339.",
        "{option} must be a day (YYYY-MM-DD) or a time, RFC 3339.",
    ),
    "parquet_needs_a_file": ("Parquet phải ghi vào tệp: hãy thêm --out.", "Parquet is written to a file: add --out."),
    "file_there": ("Tệp {file} đã có và đầy đủ; không ghi đè.", "{file} is there and whole; nothing is written over."),
    "other_replay": (
        "Tệp {file} thuộc về một lần đọc khác; hãy dùng đúng lệnh đã bắt đầu, hoặc xoá nó cùng tệp .part.",
        "{file} belongs to another replay; repeat the command that began it, or remove it and the file .part.",
    ),
    "member_or_unit": ("Cần đúng một trong hai: --member hoặc --unit.", "Name one: --member or --unit."),
    "told_by": ("người thực hiện: {actor} ({role}, {unit}); có hiệu lực {on}", "by {actor} ({role}, {unit}); effective {on}"),
    "told_because": ("vì {cause}: {words}", "because of {cause}: {words}"),
    "told_trace": ("vết: {trace}", "trace: {trace}"),
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
    "stream_head": ("Đã ghi", "Recorded"),
    "stream_published": ("Đã phát", "Announced"),
    "stream_differences": ("Sai khác", "Differences"),
    "stream_repairs": ("Lần sửa", "Repairs"),
    "stream_whole_at": ("Khớp trọn vẹn lúc (UTC)", "Whole at (UTC)"),
    "stream_alarm": ("Báo động, {service}: {alarm}", "Alarm, {service}: {alarm}"),
    "stream_comparing": ("Đối chiếu luồng của {service}", "Comparing the stream of {service}"),
    "topic": ("Sự kiện", "Event"),
    "reason": ("Lý do", "Reason"),
    "waits_for": ("Chờ", "Waits for"),
    "stale_read_model": (
        "Bảng đọc còn thể hiện trạng thái cũ của các đối tượng này:",
        "Read models still show these aggregates as they were:",
    ),
    "stale_reaction": (
        "Việc tiếp theo chưa được làm cho các đối tượng này:",
        "What was to be done next was not done for these aggregates:",
    ),
    "reaction": ("Việc tiếp theo", "Reaction"),
    "aggregate": ("Đối tượng", "Aggregate"),
    "stale_since": ("Từ lúc", "Since"),
    "first": ("Sự kiện đầu", "First event"),
    "waiting": ("Đang chờ", "Waiting"),
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
    "generation": ("Thế hệ", "Generation"),
    "beside": ("Bên cạnh", "Beside"),
    "rebuilding": ("Dựng lại", "Rebuilding"),
    "row": ("Dòng", "Row"),
    "differs": ("Khác ở (đang dùng → bên cạnh)", "Differs in (live → beside)"),
    "cause": ("Nguyên nhân", "Cause"),
    "because_of": ("Sự kiện", "Events"),
    "generations_compared": (
        "{read_model}, vị trí {position}: thế hệ {live} đang dùng có {rows_live} dòng, thế hệ {beside} bên cạnh có "
        "{rows_beside} dòng; {differing} dòng khác nhau, {only_live} chỉ có ở bên đang dùng, {only_beside} chỉ có ở bên cạnh.",
        "{read_model} at position {position}: generation {live}, live, has {rows_live} rows, generation {beside}, beside, "
        "{rows_beside}; {differing} rows differ, {only_live} stand only in the live one, {only_beside} only beside.",
    ),
    "switched": (
        "{read_model}: nay dùng thế hệ {live}; thế hệ {beside} vẫn được cập nhật bên cạnh.",
        "{read_model}: generation {live} answers now; generation {beside} is followed on beside it.",
    ),
    "rolled_back": (
        "{read_model}: đã quay về thế hệ {live}; thế hệ {beside} vẫn được cập nhật bên cạnh.",
        "{read_model}: back to generation {live}; generation {beside} is followed on beside it.",
    ),
    "dropped": (
        "{read_model}: chỉ còn thế hệ {live}.",
        "{read_model}: generation {live} stands alone.",
    ),
    "no_such_read_model": ("Không có bảng đọc hay bên theo dõi tên {name}.", "There is no read model or follower called {name}."),
    "in_several_services": (
        "Nhiều dịch vụ có bảng đọc này: {services}. Hãy chọn một bằng --service.",
        "Several services have this read model: {services}. Choose one by --service.",
    ),
    "stands_live": ("chỉ có ở thế hệ đang dùng", "stands only in the live generation"),
    "stands_beside": ("chỉ có ở thế hệ bên cạnh", "stands only in the generation beside"),
    "personal_differs": ("khác (dữ liệu cá nhân)", "differs (personal)"),
    "cause_not_applied": ("sự kiện không được xử lý", "not applied"),
    "cause_not_applied_one_of": ("một trong các sự kiện này không được xử lý", "one of these was not applied"),
    "cause_applied_twice": ("sự kiện được xử lý hai lần", "applied twice"),
    "cause_applied_twice_one_of": ("một trong các sự kiện này được xử lý hai lần", "one of these was applied twice"),
    "cause_stops_after": (
        "dừng lại sau sự kiện này; thiếu {later} sự kiện về sau",
        "stops after this; {later} later events missing",
    ),
    "cause_stops_after_from_first": ("không có sự kiện nào được xử lý; thiếu {later}", "none applied; {later} events missing"),
    "cause_lies_aside": ("sự kiện bị gác lại", "lie aside"),
    "others_aside": ("{aside} sự kiện khác bị gác lại", "{aside} others lie aside"),
    "cause_no_event": ("không sự kiện nào tạo ra dòng này", "no event makes this row"),
    "cause_altered": (
        "không sự kiện nào trong {events} sự kiện giải thích được: bị sửa tay, hoặc theo quy tắc cũ",
        "none of its {events} events explains it: altered by hand, or by earlier rules",
    ),
    "cause_newer_altered": (
        "dòng của thế hệ mới không phải do {events} sự kiện tạo ra",
        "the newer generation's row is not what its {events} events make",
    ),
    "cause_not_found": (
        "chưa tìm ra: dòng này có {events} sự kiện, quá nhiều để thử",
        "not found: it has {events} events, too many to try",
    ),
    "proof_exactly_once": (
        "{follower}: đã xử lý {applied} trên {followed} sự kiện của {source} đến vị trí {position}; "
        "không sự kiện nào hai lần, không thiếu sự kiện nào.",
        "{follower}: applied {applied} of {followed} events of {source} until position {position}; none twice, none missing.",
    ),
    "proof_missing": (
        "{follower}: đã xử lý {applied} trên {followed} sự kiện của {source} đến vị trí {position}; THIẾU: {missing}.",
        "{follower}: applied {applied} of {followed} events of {source} until position {position}; MISSING: {missing}.",
    ),
    "proof_twice": (
        "{follower}: đã xử lý {applied} trên {followed} sự kiện của {source} đến vị trí {position}; HAI LẦN: {twice}.",
        "{follower}: applied {applied} of {followed} events of {source} until position {position}; TWICE: {twice}.",
    ),
    "proof_missing_and_twice": (
        "{follower}: đã xử lý {applied} trên {followed} sự kiện của {source} đến vị trí {position}; "
        "THIẾU: {missing}; HAI LẦN: {twice}.",
        "{follower}: applied {applied} of {followed} events of {source} until position {position}; "
        "MISSING: {missing}; TWICE: {twice}.",
    ),
    "proof_out_of_order": (
        "{follower}: {followed} sự kiện của {source} đến vị trí {position} KHÔNG được xử lý đúng thứ tự.",
        "{follower}: the {followed} events of {source} until position {position} were NOT taken in order.",
    ),
    "proof_unnamed": (
        "{follower}: đã xử lý {applied} trên {followed} sự kiện của {source} đến vị trí {position}; KHÔNG khớp, "
        "và không chỉ ra được sự kiện nào; hãy so các dòng bằng --rows.",
        "{follower}: applied {applied} of {followed} events of {source} until position {position}; it does NOT agree, "
        "and which events are wrong cannot be told; compare the rows by --rows.",
    ),
    "proof_aside": ("Bị gác lại {parked}: {aside}.", "{parked} lie aside: {aside}."),
    "proof_since": ("Chỉ tính từ sau vị trí {since}.", "Counted only after position {since}."),
    # provinces
    "province_granted": (
        "Đã cấp quyền cho {code}. Tệp bí mật: {file}. Hướng dẫn: {page}.",
        "Granted to {code}. Credentials, secret: {file}. Instructions: {page}.",
    ),
    "province_mirrored": ("Máy chủ từ nay giữ bản sao dòng sự kiện của đơn vị.", "From now on the server mirrors the branch."),
    "province_mirrored_already": ("Máy chủ đã giữ bản sao từ trước.", "The server mirrors the branch already."),
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
    "keys_made": (
        "Đã tạo trong {folder}: {files}. Hãy giữ một bản ngoài cụm trước khi dùng thật.",
        "Made in {folder}: {files}. Keep a copy outside of the cluster before anything is real.",
    ),
    "keys_there": (
        "Mọi khoá đã có trong {folder}; không có gì thay đổi.",
        "Every key is in {folder} already; nothing was changed.",
    ),
    "credentials_written": (
        "Khoá bí mật: {file}. Trao tận tay rồi xoá tệp này.",
        "The secret key: {file}. Hand it over, then delete this file.",
    ),
    "accounts_written": (
        "Đã ghi {files}. Hãy đưa vào các secret trên cụm, rồi cho NATS đọc lại.",
        "Written: {files}. Put them into the secrets of the cluster, then have NATS read them.",
    ),
    "branches_made": ("Luồng riêng đã có: {codes}.", "The streams are there: {codes}."),
    "branches_removed": ("Đã xoá luồng riêng: {codes}.", "The streams are gone: {codes}."),
    "servers_reloaded": ("{count} máy chủ đã đọc lại cấu hình.", "{count} servers have read their configuration."),
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
    # the passport of a figure
    "replay_reason": ("Kiểm toán", "An audit"),
    "figure_reason": ("Lập hộ chiếu số liệu", "A passport of the figure"),
    "figure_stated": (
        "{figure} của {unit} năm {year}, tính đến {as_of}: {value}",
        "{figure} of {unit} for {year}, as of {as_of}: {value}",
    ),
    "figure_cut": ("Lát cắt: {cut}", "Cut: {cut}"),
    "figure_sum": (
        "Cộng trừ từ {contributions} thay đổi; xác nhận {certificate}.",
        "The sum of {contributions} changes; certificate {certificate}.",
    ),
    "positions": ("Vị trí", "Positions"),
    "certifying": ("Đang tính", "Counting"),
    "events_so_far": ("{came}/{many} sự kiện", "{came}/{many} events"),
    "one_cut": ("Chỉ chọn một trong --cut và --recorded-by.", "Take one of --cut and --recorded-by."),
    "passport_written": ("Đã ghi hộ chiếu số liệu vào {file} ({size} byte).", "The passport is in {file} ({size} bytes)."),
    "passport_refused": ("Hộ chiếu bị từ chối [{rule}]. {reason}", "The passport is refused [{rule}]. {reason}"),
    "passport_holds": (
        "Hộ chiếu đúng: {events} sự kiện, mọi bằng chứng, chữ ký và giá trị đều khớp với khoá {key}.",
        "The passport holds: {events} events, every proof, every signature and the number, by the key {key}.",
    ),
    # both clocks
    "on_both_clocks": ("Tính đến {as_of}, tại lát cắt {cut}", "As of {as_of}, at the cut {cut}"),
    "cut_named": ("Lát cắt {cut} mang tên {name}.", "The cut {cut} has the name {name}."),
    "no_moment": (
        "--recorded-by nhận một ngày (2024-12-31) hoặc một thời điểm (2024-12-31T17:00:00+07:00).",
        "--recorded-by takes a day (2024-12-31) or a time (2024-12-31T17:00:00+07:00).",
    ),
    # a verification
    "verifying": ("Đang kiểm tra", "Verifying"),
    "verifying_at": ("Đang kiểm tra {service}: {many} sự kiện", "Verifying {service}: {many} events"),
    "verify_outcome": ("Kết quả", "Outcome"),
    "verify_covered": ("Đã chốt sổ", "Covered"),
    "verify_compared": ("Số mốc", "Compared"),
    "verify_beyond": (
        "{service}: số sự kiện sau mốc chốt cuối, chưa có chữ ký nào bao trùm: {many}.",
        "{service}: events after the last checkpoint, of which nothing that was signed speaks: {many}.",
    ),
    "verify_also": (
        "{service}: các sự kiện đó giống nhau trong kho và trên luồng, đến vị trí {position}.",
        "{service}: they are the same in the store and on the stream, until position {position}.",
    ),
    "verify_witness": (
        "{file}: đã đối chiếu với mốc chốt của bên chứng kiến: {many}.",
        "{file}: compared with the checkpoints of a witness: {many}.",
    ),
    "verify_whole": ("toàn vẹn", "whole"),
    "verify_broken": ("SAI", "BROKEN"),
    "verify_gap": (
        "{service}: thiếu hoặc lặp vị trí {position}; ở đó là {found}.",
        "{service}: position {position} is missing or repeated; {found} stands there.",
    ),
    "verify_branch": (
        "{service}: vị trí {position}: thứ tự trong nhánh {branch} không liền nhau ({before}, rồi {found}).",
        "{service}: position {position}: the positions of branch {branch} do not follow on ({before}, then {found}).",
    ),
    "verify_version": (
        "{service}: vị trí {position}: phiên bản của đối tượng không liền nhau ({before}, rồi {version}).",
        "{service}: position {position}: the versions of its aggregate do not follow on ({before}, then {version}).",
    ),
    "verify_unreadable": (
        "{service}: vị trí {position} không đọc được như một sự kiện ({flaw}).",
        "{service}: what stands at position {position} is no event ({flaw}).",
    ),
    "verify_head": (
        "{service}: kho ghi vị trí cuối là {head}, nhưng có {found} sự kiện.",
        "{service}: the store says that it ends with {head}, and has {found} events.",
    ),
    "verify_branches": (
        "{service}: kho ghi vị trí cuối của các nhánh khác với các sự kiện.",
        "{service}: where the store says that its branches end is not where their events do.",
    ),
    "verify_behind": (
        "{service}: luồng đã có {stream} sự kiện, kho chỉ có {found}.",
        "{service}: the stream has {stream} events, the store {found}.",
    ),
    "verify_root": (
        "{service}: {size} sự kiện đầu không phải là những sự kiện mà mốc chốt ({source}) đã ký.",
        "{service}: the first {size} events are not those that were signed (checkpoint of {source}).",
    ),
    "verify_missing": (
        "{service}: mốc chốt ({source}) đã ký {size} sự kiện, nay chỉ có {found}.",
        "{service}: a checkpoint of {source} has {size} events; there are {found}.",
    ),
    "verify_contradiction": (
        "{service}: mốc chốt của {source} và của {against} mâu thuẫn nhau: hai lịch sử đã được ký.",
        "{service}: the checkpoints of {source} and of {against} contradict each other: two histories were signed.",
    ),
    "verify_first_bad": (
        "{service}: sự kiện sai đầu tiên ở vị trí {position}{by}.",
        "{service}: the first bad event is at position {position}{by}.",
    ),
    "verify_bad_between": (
        "{service}: sự kiện sai đầu tiên nằm sau vị trí {after} và không sau {position}{by}.",
        "{service}: the first bad event is after position {after} and not after {position}{by}.",
    ),
    "verify_by": (", theo {by}", ", as {by} shows"),
    "verify_signed_by": ("{file}: có chữ ký đúng của {provinces}.", "{file}: signed by {provinces} too."),
    "verify_unsigned": (
        "{file}: {many} mốc chốt không có chữ ký của khoá sổ cái nên không được tính.",
        "{file}: {many} checkpoints are not signed by the ledger's key and do not count.",
    ),
    "verify_no_ledger": (
        "Không đọc luồng của sổ cái: chỉ đối chiếu với các bên chứng kiến.",
        "The ledger's stream was not read: only witnesses were compared.",
    ),
    "verify_key": ("Khoá sổ cái: {key}", "Key of the ledger: {key}"),
    "verify_recorded": ("Lần kiểm tra này đã được ghi: audit/{position}.", "This verification is recorded: audit/{position}."),
    "verify_not_recorded": ("Lần kiểm tra này không được ghi ở đâu.", "This verification is recorded nowhere."),
    "verify_unavailable": ("Không đọc được: {reason}", "It cannot be read: {reason}"),
    "witness_unreadable": (
        "{file} không phải tệp mốc chốt của bên chứng kiến, hoặc chữ ký không đúng.",
        "{file} is no file in which a witness keeps checkpoints, or a signature is false.",
    ),
    "verified_unreadable": (
        "{file} không phải do lần kiểm tra trước để lại, hoặc dùng khoá sổ cái khác.",
        "{file} was not left by a verification, or by one with another key of the ledger.",
    ),
    "auditor_key_missing": ("Cùng với --server phải có --credentials.", "With --server goes --credentials."),
    "auditor_granted": (
        "Kiểm toán viên {name} đọc được các luồng ở {server} bằng khoá trong {file}.",
        "The auditor {name} may read the streams at {server} with the key in {file}.",
    ),
    "auditor_revoked": ("Kiểm toán viên {name} không còn quyền đọc.", "The auditor {name} is let in no more."),
    "no_auditor_name": (
        "Tên kiểm toán viên chỉ gồm chữ a–z, số và gạch ngang.",
        "The name of an auditor has letters a to z, digits and hyphens.",
    ),
    "not_an_auditor": ("Không có kiểm toán viên này.", "There is no such auditor."),
    "no_checkpoint_kept": ("{file} chưa giữ mốc chốt nào của {service}.", "{file} keeps no checkpoint of {service} yet."),
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
