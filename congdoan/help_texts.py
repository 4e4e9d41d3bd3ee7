"""What does `--help` say, in the language that was asked for?

The texts stand here by the path of the command, and after a colon the name of the option; the declarations in
:mod:`congdoan.cli` carry none. Commands and options are typer's own classes, which it does not export.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from congdoan.texts import Language

_DATA = (
    "Thư mục dữ liệu của hệ thống (mặc định: hệ thống khởi động sau cùng).",
    "Data folder of the suite (default: the latest one).",
)
_JSON = ("In một tài liệu JSON.", "Print one JSON document.")
_LANG = ("Ngôn ngữ: vi hoặc en.", "Language: vi or en.")

TEXTS: Mapping[str, tuple[str, str]] = {
    "": (
        "Sổ đăng ký của liên đoàn công đoàn, lưu thành lịch sử các sự kiện.",
        "The register of a trade-union federation, kept as a history of events.",
    ),
    "up": (
        "Chạy toàn bộ hệ thống trên máy này: máy chủ, năm dịch vụ, liên đoàn mẫu và bảng tổng kết năm.",
        "Run the whole suite on this machine: servers, five services, the sample federation and the year's summaries.",
    ),
    "up:empty": ("Không nạp liên đoàn mẫu.", "Without the sample federation."),
    "up:data": (
        "Giữ lịch sử trong thư mục này; lần chạy sau nối tiếp. Không có: thư mục tạm, xoá khi dừng.",
        "Keep the history in this folder; the next run continues it. Without: a temporary folder, gone at the end.",
    ),
    "up:exit": ("Dừng sau khi in bảng tổng kết.", "Stop after the summaries."),
    "up:json": (
        "In bảng tổng kết thành một tài liệu JSON; mọi thứ khác ra stderr.",
        "Print the summaries as one JSON document; all else goes to stderr.",
    ),
    "up:traces": (
        "Ghi vết của mọi cuộc gọi vào tệp này (JSON, mỗi dòng một đoạn); xem bằng `congdoan traces show`.",
        "Write the traces of all calls to this file (JSON lines); `congdoan traces show` tells them.",
    ),
    "traces": ("Vết của một cuộc gọi qua các dịch vụ.", "What a call led to, from service to service."),
    "traces list": ("Liệt kê các vết trong tệp do `up --traces` ghi.", "List the traces of a file that `up --traces` wrote."),
    "traces list:file": ("Tệp vết.", "The file of the traces."),
    "traces show": (
        "Một vết thành cây: vết được nêu, hoặc vết đi qua nhiều dịch vụ nhất.",
        "One trace as a tree: the one named, or the one that reaches the most services.",
    ),
    "traces show:file": ("Tệp vết.", "The file of the traces."),
    "traces show:trace": ("Mã của vết, như `traces list` nêu.", "Id of the trace, as `traces list` tells it."),
    "traces show:rpc": ("Chỉ xét vết bắt đầu bằng RPC này.", "Only traces that begin with this RPC."),
    "serve": (
        "Chạy một dịch vụ, cấu hình bằng biến môi trường CONGDOAN_…",
        "Run one service, configured by the variables CONGDOAN_…",
    ),
    "serve:service": ("membership, welfare, awards, notifications, audit", "membership, welfare, awards, notifications, audit"),
    "report": ("Báo cáo.", "Reports."),
    "report summary": (
        "Tổng kết năm của một đơn vị: số liệu của dịch vụ và của kiểm toán.",
        "A unit's year: the figures of the services, and of the auditor.",
    ),
    "report summary:unit": ("Mã đơn vị, ví dụ vinh-phuc.", "Code of the unit, e.g. vinh-phuc."),
    "report summary:year": ("Năm.", "Year."),
    "report summary:as_of": ("Tính đến ngày (YYYY-MM-DD; mặc định: hôm nay).", "As of a day (YYYY-MM-DD; default: today)."),
    "deadletters": ("Sự kiện bị gác lại.", "Events that lie aside."),
    "deadletters list": (
        "Liệt kê sự kiện mà một bên theo dõi chưa xử lý được.",
        "List the events that a follower could not take.",
    ),
    "deadletters replay": (
        "Xử lý lại; sự kiện vẫn chưa xử lý được thì giữ nguyên chỗ (mã thoát 1).",
        "Offer them again; what still cannot be taken stays (exit code 1).",
    ),
    "deadletters replay:follower": ("Chỉ của một bên theo dõi.", "Only those of one follower."),
    "readmodels": ("Bảng đọc.", "Read models."),
    "readmodels list": ("Liệt kê bảng đọc và mức cập nhật.", "List the read models, and how far each has come."),
    "readmodels rebuild": (
        "Dựng lại bảng đọc bên cạnh bảng đang dùng; nêu dòng khác nhau và sự kiện gây ra (mã thoát 1 nếu có dòng khác).",
        "Rebuild a read model beside the live one; show the rows that differ, and by which events (exit code 1 if some do).",
    ),
    "readmodels rebuild:rows": ("Nêu nhiều nhất bấy nhiêu dòng khác nhau.", "Show at most so many differing rows."),
    "readmodels rebuild:switch_when_equal": ("Chuyển sang thế hệ mới nếu không có gì khác.", "Switch when nothing differs."),
    "readmodels switch": ("Dùng thế hệ mới.", "Let the newer generation answer."),
    "readmodels rollback": ("Quay về thế hệ cũ.", "Go back to the older generation."),
    "readmodels drop": ("Bỏ thế hệ bên cạnh.", "End the generation beside."),
    "readmodels prove": (
        "Chứng minh mỗi vị trí được xử lý đúng một lần (mã thoát 1 nếu không).",
        "Show that every position was applied exactly once (exit code 1 if not).",
    ),
    "readmodels prove:with_rows": (
        "Cả các dòng: dựng lại bên cạnh rồi so sánh.",
        "The rows too: build them again beside, and compare.",
    ),
    "readmodels prove:name": (
        "Bảng đọc hay bên theo dõi; mặc định: tất cả.",
        "A read model or another follower; default: everybody.",
    ),
    "readmodels rebuild:name": ("Bảng đọc, ví dụ members.", "A read model, e.g. members."),
    "readmodels switch:name": ("Bảng đọc, ví dụ members.", "A read model, e.g. members."),
    "readmodels rollback:name": ("Bảng đọc, ví dụ members.", "A read model, e.g. members."),
    "readmodels drop:name": ("Bảng đọc, ví dụ members.", "A read model, e.g. members."),
    "provinces": (
        "Hệ thống của tỉnh, bộ, ngành nhận sự kiện của mình.",
        "Systems of provinces and ministries receive what is theirs.",
    ),
    "provinces grant": (
        "Cấp quyền cho hệ thống của một đơn vị: một tệp bí mật và một trang hướng dẫn. Nếu lệnh bị ngắt, hãy chạy lại.",
        "Let the system of a unit in: one credentials file, one page of instructions. If it is interrupted, run it again.",
    ),
    "provinces limit": ("Đặt hạn mức khác cho một đơn vị; khoá giữ nguyên.", "Give a unit other limits; its key stays."),
    "provinces revoke": (
        "Thu hồi quyền ngay lập tức: ngắt mọi kết nối, xoá tài khoản và luồng sự kiện riêng.",
        "End a grant at once: connections, account and stream of its own.",
    ),
    "provinces mirror": (
        "Cho máy chủ nút lá của tỉnh giữ bản sao dòng sự kiện của mình; chạy lại được.",
        "Have a province's leaf node mirror its branch; may be repeated.",
    ),
    "provinces mirror:server": (
        "Địa chỉ nút lá, kể cả tên và mật khẩu; hoặc biến CONGDOAN_LEAF_URL.",
        "The leaf node's address, with user and password; or the variable CONGDOAN_LEAF_URL.",
    ),
    "provinces accounts": (
        "NATS trên cụm: ghi các tệp cho biết ai được vào (tỉnh, kiểm toán viên); chạy lại được.",
        "NATS on a cluster: write the files that say who is let in, provinces and auditors; may be repeated.",
    ),
    "provinces accounts:folder": (
        "Thư mục giữ mọi thứ đã cấp; cất như cất khoá.",
        "The folder of everything that was granted; keep it as keys are kept.",
    ),
    "provinces accounts:grant": ("Cấp quyền cho đơn vị này.", "Let this unit in."),
    "provinces accounts:revoke": ("Không cho đơn vị này vào nữa.", "Let this unit in no more."),
    "provinces accounts:forget": (
        "Xoá tài khoản của đơn vị đã thu hồi, sau `provinces streams --remove`.",
        "Take the account of a revoked unit away, after `provinces streams --remove`.",
    ),
    "provinces accounts:admit": ("Cho kiểm toán viên này đọc các luồng.", "Let this auditor read the streams."),
    "provinces accounts:dismiss": ("Không cho kiểm toán viên này đọc nữa.", "Let this auditor read no more."),
    "provinces streams": (
        "NATS trên cụm: tạo luồng riêng của các đơn vị đã cấp quyền; chạy lại được.",
        "NATS on a cluster: make the streams of granted units; may be repeated.",
    ),
    "provinces streams:codes": ("Mã các đơn vị.", "The codes of the units."),
    "provinces streams:server": (
        "Địa chỉ NATS, kể cả tên và mật khẩu của các dịch vụ; hoặc biến CONGDOAN_NATS_URL.",
        "Address of NATS, with user and password of the services; or the variable CONGDOAN_NATS_URL.",
    ),
    "provinces streams:remove": ("Xoá luồng thay vì tạo.", "Take the streams away instead."),
    "provinces reload": (
        "NATS trên cụm: mọi máy chủ đọc lại cấu hình và chứng chỉ; không ai bị ngắt kết nối.",
        "NATS on a cluster: every server reads its configuration and its certificate anew; nobody is cut off.",
    ),
    "provinces reload:server": (
        "Địa chỉ NATS, kể cả tên và mật khẩu của người vận hành; hoặc biến CONGDOAN_NATS_SYSTEM_URL.",
        "Address of NATS, with user and password of the operator; or the variable CONGDOAN_NATS_SYSTEM_URL.",
    ),
    "provinces list": (
        "Các đơn vị đã được cấp quyền: ai đang kết nối, liên lạc cuối, còn chậm bao nhiêu sự kiện.",
        "Everyone who was granted: who is connected, the last contact, how many events each is behind.",
    ),
    ":code": ("Mã công đoàn tỉnh, thành phố hoặc bộ, ngành.", "The code of a union of a province or ministry."),
    ":out": ("Thư mục ghi tệp bí mật và hướng dẫn.", "The folder of the credentials and instructions."),
    ":renew": ("Thay khoá; khoá cũ hết hiệu lực.", "Another key; the old one ends."),
    ":connections": ("Số kết nối tối đa cùng lúc.", "Connections at the same time, at most."),
    ":leaf_nodes": ("Số nút lá tối đa cùng lúc.", "Leaf nodes at the same time, at most."),
    ":subscriptions": ("Số đăng ký tối đa của một kết nối.", "Subscriptions of one connection, at most."),
    ":consumers": ("Số bộ đọc (consumer) tối đa.", "Consumers, at most."),
    ":bytes": ("Dung lượng tối đa của luồng riêng (byte).", "Bytes of its own stream, at most."),
    ":acknowledgements": (
        "Số sự kiện đã giao mà chưa xác nhận, tối đa cho mỗi bộ đọc.",
        "Events given and not acknowledged, at most, for each consumer.",
    ),
    ":payload": ("Cỡ tối đa của một thông điệp gửi lên (byte).", "Bytes of one message that it sends, at most."),
    "keys": ("Khoá mã hoá dữ liệu cá nhân.", "The keys of personal data."),
    "keys make": (
        "Tạo các khoá mà những dịch vụ trên cụm cần, mỗi khoá một tệp; khoá đã có được giữ nguyên.",
        "Make the keys that services on a cluster need, a file each; those that are there stay.",
    ),
    "keys make:folder": ("Thư mục giữ khoá, ngoài cụm.", "The folder of the keys, outside of the cluster."),
    "keys rotate": (
        "Thay khoá dùng để bọc khoá của từng người, trong khi dịch vụ vẫn chạy; bị ngắt thì chạy lại là tiếp tục.",
        "Replace the key by which the keys of persons are wrapped, while services run; ended early, run it again.",
    ),
    "ledger": ("Sổ cái có chữ ký của mọi sự kiện.", "The signed ledger of all events."),
    "ledger key": (
        "In khoá công khai để kiểm tra mọi mốc chốt sổ; chỉ in khoá ra stdout.",
        "Print the public key by which every checkpoint is verified; standard output has the key and nothing else.",
    ),
    "ledger checkpoints": (
        "Liệt kê các mốc chốt sổ mới nhất; mốc mới nhất ở cuối.",
        "List the last checkpoints, the newest at the end.",
    ),
    "ledger checkpoints:service": (
        "Chỉ của một dịch vụ: membership, welfare, awards hoặc notifications.",
        "Only those of one service: membership, welfare, awards or notifications.",
    ),
    "ledger checkpoints:last": ("Bao nhiêu mốc (mặc định: 10).", "How many (default: 10)."),
    "audit": (
        "Kiểm toán: đọc lại lịch sử, xác minh và chứng minh.",
        "Audit: the history told again, verified and proved.",
    ),
    "audit replay": (
        "Đọc lại mọi sự kiện khớp bộ lọc, mỗi sự kiện một dòng; bị ngắt thì chạy lại đúng lệnh. Lần đọc được ghi lại.",
        "Every event that matches, one a row; interrupted, the same command completes the file. The reading is recorded.",
    ),
    "audit replay:reason": (
        "Lý do đọc, được ghi vào lịch sử (mặc định: kiểm toán).",
        "Why it is read, which is kept in the history (default: an audit).",
    ),
    "audit replay:recorded_from": (
        "Ghi từ ngày này hoặc thời điểm này (RFC 3339).",
        "Recorded from this day, or this time (RFC 3339), on.",
    ),
    "audit replay:recorded_to": (
        "Ghi đến hết ngày này, hoặc trước thời điểm này.",
        "Recorded until the end of this day, or before this time.",
    ),
    "audit replay:effective_from": ("Có hiệu lực từ ngày này.", "Effective from this day on."),
    "audit replay:effective_to": ("Có hiệu lực đến hết ngày này.", "Effective until this day, itself too."),
    "audit replay:branch": ("Báo trong nhánh này; national: không thuộc nhánh nào.", "Told in this branch; national: in none."),
    "audit replay:unit": (
        "Của đơn vị này và các đơn vị trực thuộc, kể cả đã giải thể.",
        "Of this unit and all below it, dissolved ones too.",
    ),
    "audit replay:member": ("Về đoàn viên (hoặc con đoàn viên) mang mã này.", "About the member, or member's child, of this id."),
    "audit replay:service": ("Do dịch vụ này ghi; có thể lặp lại.", "Recorded by this service; may be repeated."),
    "audit replay:event": (
        "Loại sự kiện, ví dụ member_joined; có thể lặp lại.",
        "Type of the event, e.g. member_joined; may be repeated.",
    ),
    "audit replay:command": ("Do lệnh mang mã này gây ra.", "Brought about by the command of this id."),
    "audit replay:actor": ("Do người này thực hiện (mã trong thẻ truy cập).", "Done by this one, as its token says."),
    "audit replay:correlation": (
        "Thuộc chuỗi bắt đầu bằng lệnh này.",
        "Of the chain that began with this command.",
    ),
    "audit replay:cut": (
        "Đến lát cắt này: tên đã đặt, hoặc membership:1250,welfare:310 (mặc định: tất cả đến lúc này).",
        "Up to this cut: its name, or membership:1250,welfare:310 (default: everything by now).",
    ),
    "audit replay:format": (
        "jsonl, csv hoặc parquet (mặc định: theo tên tệp, hoặc jsonl).",
        "jsonl, csv or parquet (default: as the file is named, or jsonl).",
    ),
    "audit replay:out": ("Ghi vào tệp này (không có: ra stdout).", "Write to this file (without: to standard output)."),
    "audit timeline": (
        "Câu chuyện của một đoàn viên hay một đơn vị qua mọi dịch vụ, theo thứ tự thời gian. Lần đọc được ghi lại.",
        "The story of a member or a unit across services, in the order of time. The reading is recorded.",
    ),
    "audit timeline:reason": (
        "Lý do đọc, được ghi vào lịch sử (mặc định: kiểm toán).",
        "Why it is read, which is kept in the history (default: an audit).",
    ),
    "audit timeline:member": ("Mã đoàn viên (hoặc con đoàn viên).", "Id of the member, or of a member's child."),
    "audit timeline:unit": ("Mã đơn vị; gồm các đơn vị trực thuộc.", "Code of the unit; with all below it."),
    "audit timeline:cut": ("Đến lát cắt này (mặc định: tất cả đến lúc này).", "Up to this cut (default: everything by now)."),
    "audit timeline:json": ("Mỗi sự kiện một dòng JSON.", "One line of JSON an event."),
    "audit reconcile": (
        "Luồng sự kiện của mỗi dịch vụ có đúng từng byte với kho sự kiện không; mã thoát 1 khi chưa rõ hoặc không đúng.",
        "Whether the stream of each service says what its store holds, byte for byte; exit code 1 when not, or not known.",
    ),
    "audit reconcile:service": ("Chỉ một dịch vụ.", "Of one service alone."),
    "audit reconcile:now": (
        "Đối chiếu toàn bộ ngay bây giờ và chờ kết quả.",
        "Compare everything now, and wait for the outcome.",
    ),
    "audit figure": (
        "Một số liệu cùng mọi sự kiện làm nên nó; --out ghi hộ chiếu mà ai có khoá công khai cũng kiểm tra được.",
        "A figure with every event it stands on; --out writes a passport that whoever has the public key can check.",
    ),
    "audit figure:name": ("Tên chỉ tiêu, ví dụ members.", "Name of the figure, e.g. members."),
    "audit figure:year": ("Năm.", "The year."),
    "audit figure:as_of": ("Tính đến ngày (YYYY-MM-DD; mặc định: hôm nay).", "As of a day (YYYY-MM-DD; default: today)."),
    "audit figure:cut": (
        "Lát cắt: tên đã đặt, hoặc membership:1250,welfare:310 (mặc định: tất cả đến lúc này).",
        "The cut: its name, or membership:1250,welfare:310 (default: everything by now).",
    ),
    "audit figure:recorded_by": (
        "Chỉ những gì được ghi đến hết ngày này, hoặc đến thời điểm này.",
        "Only what was recorded by the end of this day, or by this time.",
    ),
    "audit figure:complete": (
        "Kèm mọi sự kiện của các dịch vụ đến lát cắt, để không thể thiếu sự kiện nào; chỉ kiểm toán.",
        "With every event of its services up to the cut, so that none can be missing; for auditors alone.",
    ),
    "audit figure:out": ("Ghi hộ chiếu vào tệp này.", "Write the passport to this file."),
    "audit figure:reason": ("Lý do; được ghi vào lịch sử.", "The reason; it is kept in the history."),
    "audit verify": (
        "Đối chiếu mọi sự kiện với những gì sổ cái đã ký và các bên chứng kiến đã giữ; mã thoát 1 khi có gì sai.",
        "Compare every event with what the ledger signed and what witnesses kept; exit code 1 when something is wrong.",
    ),
    "audit verify:source": ("Đọc từ luồng (stream) hay kho sự kiện (store).", "Read the stream, or the event store."),
    "audit verify:service": ("Chỉ dịch vụ này; có thể lặp lại.", "Of this service alone; may be repeated."),
    "audit verify:key": (
        "Khoá công khai của sổ cái, hoặc tệp chứa khoá (mặc định: của hệ thống trên máy này).",
        "Public key of the ledger, or a file with it in (default: that of the suite on this machine).",
    ),
    "audit verify:witness": (
        "Tệp mốc chốt mà một tỉnh đã giữ, hoặc một mốc chốt có đồng ký; có thể lặp lại.",
        "A file in which a province kept checkpoints, or one checkpoint that it signed too; may be repeated.",
    ),
    "audit verify:witness_key": (
        "Khoá chứng kiến của tỉnh (tên+mã+khoá), hoặc tệp chứa khoá; có thể lặp lại.",
        "A province's key as a witness (name+id+key), or a file with it in; may be repeated.",
    ),
    "audit verify:since": (
        "Chỉ kiểm tra phần sau lần trước; tệp này giữ đã kiểm tra đến đâu.",
        "Verify only what came after the last time; this file keeps how far that was.",
    ),
    "audit verify:server": ("Địa chỉ NATS, khi hệ thống ở máy khác.", "Address of NATS, when the suite is elsewhere."),
    "audit verify:credentials": ("Tệp khoá của kiểm toán viên.", "The file of the auditor's key."),
    "audit verify:store": (
        "Chuỗi kết nối tới kho sự kiện; {service} thay cho tên dịch vụ.",
        "Connection string of the event store; {service} stands for the name of the service.",
    ),
    "audit verify:offline": ("Không hỏi và không ghi gì ở dịch vụ kiểm toán.", "Ask audit nothing, and have it record nothing."),
    "audit grant": (
        "Cho một kiểm toán viên ở nơi khác đọc các luồng: một tệp khoá.",
        "Let an auditor elsewhere read the streams: one file with a key.",
    ),
    "audit grant:name": ("Tên kiểm toán viên.", "Name of the auditor."),
    "audit grant:out": ("Ghi khoá vào tệp này.", "Write the key to this file."),
    "audit revoke": ("Thu hồi quyền đọc ngay lập tức.", "End it, at once."),
    "audit revoke:name": ("Tên kiểm toán viên.", "Name of the auditor."),
    "audit role": (
        "In các lệnh SQL cho vai trò chỉ đọc của kiểm toán viên, để chủ cơ sở dữ liệu chạy.",
        "The SQL of the auditor's role, which may only read; for the owner of the database.",
    ),
    "ledger cosign": (
        "Đồng ký mốc chốt lớn nhất mà tỉnh đã giữ, bằng khoá chứng kiến của tỉnh.",
        "Sign the largest checkpoint that a province keeps, by its key as a witness.",
    ),
    "ledger cosign:credentials": ("Tệp khoá <mã>.nk của tỉnh.", "The province's credentials, <code>.nk."),
    "ledger cosign:state": ("Tệp trạng thái của congdoan events follow.", "The state of congdoan events follow."),
    "ledger cosign:service": ("Tên dịch vụ.", "Name of the service."),
    "ledger cosign:out": ("Ghi vào tệp này (không có: ra stdout).", "Write to this file (without: to standard output)."),
    "ledger witness-key": (
        "Khoá chứng kiến công khai của tỉnh, để trao cho kiểm toán viên.",
        "The public key of a province as a witness, to be handed to auditors.",
    ),
    "ledger witness-key:credentials": ("Tệp khoá <mã>.nk của tỉnh.", "The province's credentials, <code>.nk."),
    "audit check": (
        "Kiểm tra hộ chiếu số liệu, không cần mạng. Mã thoát 0: đúng; 1: bị từ chối; 2: không phải hộ chiếu, hoặc khoá sai.",
        "Check a figure passport, offline. Exit code 0: it holds; 1: it is refused; 2: no passport, or no key.",
    ),
    "audit check:file": ("Tệp hộ chiếu.", "The passport."),
    "audit check:key": (
        "Khoá công khai của sổ cái, tên+mã+khoá, hoặc tệp chứa nó (mặc định: của hệ thống trên máy này).",
        "The public key of the ledger, name+id+key, or a file that holds it (default: that of this machine's suite).",
    ),
    "audit cut": ("Lát cắt qua lịch sử của mọi dịch vụ.", "Cuts through the histories of all services."),
    "audit cut name": ("Đặt tên cho một lát cắt; tên không bao giờ đổi nghĩa.", "Give a cut a name, for ever."),
    "audit cut name:name": ("Tên: chữ thường không dấu, nối bằng gạch ngang.", "The name: lower-case words joined by hyphens."),
    "audit cut name:at": ("Các vị trí, membership:1250,welfare:310.", "The positions, membership:1250,welfare:310."),
    "audit cut name:recorded_by": (
        "Chỉ những gì đã được ghi đến hết ngày này, hoặc đến thời điểm này (RFC 3339).",
        "Only what was recorded by the end of this day, or by this time (RFC 3339).",
    ),
    "audit cut list": ("Liệt kê các lát cắt đã đặt tên.", "List the named cuts."),
    "audit cut show": ("Lát cắt theo tên, theo thời điểm, hoặc lúc này.", "A cut by its name, by time, or of now."),
    "audit cut show:cut": ("Tên, hoặc các vị trí.", "Its name, or positions."),
    "audit cut show:recorded_by": (
        "Chỉ những gì đã được ghi đến hết ngày này, hoặc đến thời điểm này (RFC 3339).",
        "Only what was recorded by the end of this day, or by this time (RFC 3339).",
    ),
    "audit asof": (
        "Điều gì đúng vào một ngày, theo những gì đã được ghi đến một lát cắt.",
        "What was true on a day, by what had been recorded at a cut.",
    ),
    "audit asof summary": ("Tổng kết năm của một đơn vị, do kiểm toán tính.", "A unit's year, as the auditor derives it."),
    "audit asof summary:unit": ("Mã đơn vị.", "Code of the unit."),
    "audit asof summary:year": ("Năm.", "The year."),
    "audit asof summary:as_of": (
        "Đúng vào ngày nào (YYYY-MM-DD; mặc định: hôm nay).",
        "True on which day (YYYY-MM-DD; default: today).",
    ),
    "audit asof summary:cut": (
        "Lát cắt: tên đã đặt, hoặc membership:1250,welfare:310 (mặc định: tất cả đến lúc này).",
        "The cut: its name, or membership:1250,welfare:310 (default: everything by now).",
    ),
    "audit asof summary:recorded_by": (
        "Chỉ những gì đã được ghi đến hết ngày này, hoặc đến thời điểm này (RFC 3339).",
        "Only what was recorded by the end of this day, or by this time (RFC 3339).",
    ),
    "audit asof tree": ("Một đơn vị và mọi đơn vị trực thuộc.", "A unit and everything under it."),
    "audit asof tree:unit": ("Mã đơn vị.", "Code of the unit."),
    "audit asof tree:as_of": (
        "Đúng vào ngày nào (YYYY-MM-DD; mặc định: hôm nay).",
        "True on which day (YYYY-MM-DD; default: today).",
    ),
    "audit asof tree:cut": (
        "Lát cắt: tên đã đặt, hoặc membership:1250,welfare:310 (mặc định: tất cả đến lúc này).",
        "The cut: its name, or membership:1250,welfare:310 (default: everything by now).",
    ),
    "audit asof tree:recorded_by": (
        "Chỉ những gì đã được ghi đến hết ngày này, hoặc đến thời điểm này (RFC 3339).",
        "Only what was recorded by the end of this day, or by this time (RFC 3339).",
    ),
    "audit asof tree:dissolved": ("Cả đơn vị đã giải thể.", "Also units that were dissolved."),
    "audit asof member": (
        "Một đoàn viên ở đâu, tình trạng thế nào; không có dữ liệu cá nhân.",
        "Where and what a member was; nothing personal.",
    ),
    "audit asof member:member": ("Mã đoàn viên.", "Id of the member."),
    "audit asof member:as_of": (
        "Đúng vào ngày nào (YYYY-MM-DD; mặc định: hôm nay).",
        "True on which day (YYYY-MM-DD; default: today).",
    ),
    "audit asof member:cut": (
        "Lát cắt: tên đã đặt, hoặc membership:1250,welfare:310 (mặc định: tất cả đến lúc này).",
        "The cut: its name, or membership:1250,welfare:310 (default: everything by now).",
    ),
    "audit asof member:recorded_by": (
        "Chỉ những gì đã được ghi đến hết ngày này, hoặc đến thời điểm này (RFC 3339).",
        "Only what was recorded by the end of this day, or by this time (RFC 3339).",
    ),
    "audit asof campaign": ("Một đợt tặng quà.", "A gift campaign."),
    "audit asof campaign:campaign": ("Mã đợt tặng quà.", "Id of the campaign."),
    "audit asof campaign:as_of": (
        "Đúng vào ngày nào (YYYY-MM-DD; mặc định: hôm nay).",
        "True on which day (YYYY-MM-DD; default: today).",
    ),
    "audit asof campaign:cut": (
        "Lát cắt: tên đã đặt, hoặc membership:1250,welfare:310 (mặc định: tất cả đến lúc này).",
        "The cut: its name, or membership:1250,welfare:310 (default: everything by now).",
    ),
    "audit asof campaign:recorded_by": (
        "Chỉ những gì đã được ghi đến hết ngày này, hoặc đến thời điểm này (RFC 3339).",
        "Only what was recorded by the end of this day, or by this time (RFC 3339).",
    ),
    "audit asof awards": ("Sổ khen thưởng của một đơn vị trong năm.", "The award register of a unit for a year."),
    "audit asof awards:unit": ("Mã đơn vị.", "Code of the unit."),
    "audit asof awards:year": ("Năm.", "The year."),
    "audit asof awards:as_of": (
        "Đúng vào ngày nào (YYYY-MM-DD; mặc định: hôm nay).",
        "True on which day (YYYY-MM-DD; default: today).",
    ),
    "audit asof awards:cut": (
        "Lát cắt: tên đã đặt, hoặc membership:1250,welfare:310 (mặc định: tất cả đến lúc này).",
        "The cut: its name, or membership:1250,welfare:310 (default: everything by now).",
    ),
    "audit asof awards:recorded_by": (
        "Chỉ những gì đã được ghi đến hết ngày này, hoặc đến thời điểm này (RFC 3339).",
        "Only what was recorded by the end of this day, or by this time (RFC 3339).",
    ),
    "events": ("Sự kiện công bố.", "Published events."),
    "events contract": (
        "Ghi lại AsyncAPI, JSON Schema và từ điển của mọi sự kiện; từ chối thay đổi làm hỏng bên đọc (mã thoát 1).",
        "Write AsyncAPI, the JSON Schemas and the dictionary of every event anew; a breaking change is refused (exit code 1).",
    ),
    "events contract:into": ("Thư mục ghi vào.", "The folder to write to."),
    "events follow": (
        "Theo dõi sự kiện của một nhánh: mỗi sự kiện một dòng JSON; chạy lại thì nối tiếp. Mã thoát 4: thiếu sự kiện; 5: sự kiện "
        "của nhánh khác; 6: mốc chốt sổ mâu thuẫn.",
        "Follow the events of a branch, one line of JSON each; run again, it goes on. Exit codes 4: an event is missing; 5: an "
        "event of another branch; 6: a checkpoint that contradicts.",
    ),
    "events follow:province": ("Mã nhánh, ví dụ ha-noi.", "Code of the branch, e.g. ha-noi."),
    "events follow:credentials": (
        "Tệp khoá được cấp (mặc định: của hệ thống trên máy này).",
        "The credentials that were granted (default: those on this machine's suite).",
    ),
    "events follow:server": (
        "Địa chỉ NATS, ví dụ nats://may-chu:4222 (mặc định: hệ thống trên máy này).",
        "Where NATS is, e.g. nats://hub:4222 (default: this machine's suite).",
    ),
    "events follow:ledger_key": (
        "Khoá công khai của sổ cái, tên+mã+khoá (mặc định: của hệ thống trên máy này).",
        "The public key of the ledger, name+id+key (default: that of this machine's suite).",
    ),
    "events follow:state": (
        "Tệp trạng thái; các mốc chốt sổ nằm cạnh, trong tệp .checkpoints. Không có: nối tiếp từ chỗ máy chủ nhớ.",
        "The state file; the ledger's checkpoints stand beside it, in .checkpoints. Without: on from where the server says.",
    ),
    "events follow:begin": (
        "Bắt đầu từ: beginning, ngày, thời điểm, hoặc membership:1200,welfare:30; chỉ dùng khi chưa có trạng thái.",
        "Where to begin: beginning, a day, a moment, or membership:1200,welfare:30; counts as long as there is no state.",
    ),
    "events follow:fast": (
        "In các đơn vị và đoàn viên hiện nay trước, rồi sự kiện tiếp theo.",
        "Print units and members as they are now, then the events after that.",
    ),
    "events follow:exit_when_caught_up": ("Dừng khi đã nhận đủ.", "End when nothing is left."),
    "events follow:name": (
        "Tên bên nhận, để hai chương trình cùng nhánh không lẫn nhau.",
        "Name of the consumer, so that two programs of one branch do not mix.",
    ),
    "token": ("Thẻ truy cập trên máy này.", "Tokens on this machine."),
    "token issue": (
        "Cấp một thẻ truy cập; chỉ in thẻ ra stdout.",
        "Issue a token; standard output has the token and nothing else.",
    ),
    "token issue:role": (
        "Vai trò: member, grassroots_officer, province_officer, federation_officer, auditor.",
        "The role: member, grassroots_officer, province_officer, federation_officer, auditor.",
    ),
    "token issue:unit": (
        "Mã đơn vị nơi giữ vai trò; auditor không cần.",
        "Code of the unit at which the role is held; an auditor needs none.",
    ),
    "token issue:subject": ("Mã người dùng (mặc định: congdoan).", "Id of the user (default: congdoan)."),
    "token issue:minutes": (
        "Thời hạn, tính bằng phút (mặc định 15, nhiều nhất 1440).",
        "Minutes it lives (default 15, at most 1440).",
    ),
    "token rotate": (
        "Thay khoá ký; thẻ đã cấp vẫn dùng được đến khi hết hạn.",
        "Have a new key sign; tokens already issued stay valid until they expire.",
    ),
    "officers": ("Chức vụ, uỷ quyền và thẩm quyền ký.", "Offices, delegations, and who may sign."),
    "officers appoint": (
        "Bổ nhiệm cán bộ vào một chức vụ; in mã chức vụ. Do cấp trên trực tiếp quyết định.",
        "Appoint an officer; prints the id of the position. Decided by the line parent.",
    ),
    "officers appoint:officer": (
        "Mã người dùng trong thẻ truy cập (không phải họ tên).",
        "Subject of the officer's token, no name.",
    ),
    "officers appoint:office": (
        "Chức vụ: chair, vice_chair, standing_member, inspection_head.",
        "The office: chair, vice_chair, standing_member, inspection_head.",
    ),
    "officers appoint:until": (
        "Ngày cuối (mặc định và muộn nhất: năm năm trừ một ngày).",
        "Last day (default, and at the latest: five years less a day).",
    ),
    "officers release": (
        "Cho thôi chức vụ từ một ngày; uỷ quyền của chức vụ ấy cũng hết hiệu lực.",
        "Release an officer from a day on; the position's delegations end with it.",
    ),
    "officers release:reason": (
        "Lý do: resigned, moved, retired, dismissed, deceased.",
        "The reason: resigned, moved, retired, dismissed, deceased.",
    ),
    "officers delegate": (
        "Người giữ chức vụ uỷ quyền cho người khác ký thay; in mã uỷ quyền.",
        "Let another sign in the place of a position's holder; prints the id of the delegation.",
    ),
    "officers delegate:to": ("Mã người dùng của người ký thay.", "Subject of the token of whoever will sign."),
    "officers delegate:matter": (
        "Việc được ký: award_decision, budget_approval (có thể lặp lại).",
        "What is signed: award_decision, budget_approval (may be repeated).",
    ),
    "officers delegate:until": ("Ngày cuối, trong thời gian giữ chức vụ.", "Last day, while the position is held."),
    "officers revoke": ("Người giữ chức vụ thu hồi uỷ quyền từ một ngày.", "Take a delegation back from a day on."),
    "officers revoke:delegation": ("Mã uỷ quyền.", "Id of the delegation."),
    "officers list": (
        "Ai giữ chức vụ gì trong một đơn vị và các đơn vị trực thuộc vào một ngày.",
        "Who holds which office in a unit and below it on a day.",
    ),
    "officers signatories": ("Ai được ký một việc tại một đơn vị vào một ngày.", "Who could sign a matter at a unit on a day."),
    "officers signatories:matter": ("Việc: award_decision, budget_approval.", "The matter: award_decision, budget_approval."),
    "consents": ("Sự đồng ý của đoàn viên và con đoàn viên.", "What members and their children agree to."),
    "consents give": (
        "Ghi nhận một người đồng ý với một mục đích, kèm chứng cứ.",
        "Record that a person agrees to a purpose, with the evidence.",
    ),
    "consents give:text": ("Phiên bản của văn bản đã cho xem, ví dụ 2026-01.", "Which text was shown, e.g. 2026-01."),
    "consents give:evidence": (
        "Nơi lưu phiếu đã ký hoặc tệp: số phiếu, mã băm.",
        "Where the signed form or file is kept: its number, its hash.",
    ),
    "consents give:guardian": ("Mã đoàn viên của người giám hộ.", "Member id of the guardian."),
    "consents withdraw": ("Ghi nhận việc rút lại sự đồng ý; không cần lý do.", "Record that a consent is taken back; no reason."),
    "consents list": ("Một người đã đồng ý và rút lại những gì.", "What a person agreed to, and took back."),
    "children": ("Con của đoàn viên.", "The children of members."),
    "children register": ("Ghi nhận con của một đoàn viên; in mã của trẻ.", "Record a member's child; prints its id."),
    "children register:parent": ("Mã đoàn viên của cha hoặc mẹ.", "Member id of the parent."),
    "children register:name": ("Họ và tên của trẻ.", "Name of the child."),
    "children register:born": ("Ngày sinh (YYYY-MM-DD).", "Day of birth (YYYY-MM-DD)."),
    "children correct": ("Sửa thông tin của trẻ; mục không nêu giữ nguyên.", "Correct what is recorded; the rest stays."),
    "children correct:child": ("Mã của trẻ.", "Id of the child."),
    "children correct:name": ("Họ và tên của trẻ.", "Name of the child."),
    "children correct:born": ("Ngày sinh (YYYY-MM-DD).", "Day of birth (YYYY-MM-DD)."),
    "children list": ("Con của một đoàn viên.", "The children of a member."),
    "children list:parent": ("Mã đoàn viên của cha hoặc mẹ.", "Member id of the parent."),
    "members": ("Đoàn viên.", "Members."),
    "members names": (
        "Họ tên của đoàn viên; ngoài đơn vị mình chỉ đọc với lý do, và việc đọc được ghi lại.",
        "Names of members; outside of one's own units for a reason only, and the reading is recorded.",
    ),
    "members names:people": ("Mã đoàn viên, nhiều nhất 1000.", "Member ids, at most 1,000."),
    "members names:as_province": (
        "Hỏi với tư cách hệ thống của tỉnh: tệp khoá <mã>.nk được cấp cho tỉnh.",
        "Ask as a province's system: the key file <code>.nk that the province was given.",
    ),
    "members names:reason": ("Lý do đọc; không ghi dữ liệu cá nhân.", "Why they are read; nothing personal."),
    "members readings": (
        "Ai đã đọc dữ liệu của đoàn viên trong một đơn vị và các đơn vị trực thuộc.",
        "Who read data of members of a unit and below it.",
    ),
    ":person": ("Mã đoàn viên hoặc mã của trẻ.", "Id of the member or child."),
    ":purpose": (
        "Mục đích: email_notices, child_honour_publication, photo_publication, partner_offers.",
        "The purpose: email_notices, child_honour_publication, photo_publication, partner_offers.",
    ),
    ":by": ("Ai đồng ý: self hoặc guardian (mặc định: self).", "Who speaks: self or guardian (default: self)."),
    ":unit": ("Mã đơn vị, ví dụ vinh-phuc.", "Code of the unit, e.g. vinh-phuc."),
    ":on": ("Ngày (YYYY-MM-DD; mặc định: hôm nay).", "The day (YYYY-MM-DD; default: today)."),
    ":position": ("Mã chức vụ.", "Id of the position."),
    ":holder": (
        "Hỏi với tư cách người dùng này; chỉ với hệ thống trên máy này.",
        "Ask as this user; only of a suite of this machine.",
    ),
    "datarequests": ("Yêu cầu của chủ thể dữ liệu.", "What people ask about their data."),
    "datarequests receive": (
        "Ghi nhận yêu cầu; in mã yêu cầu. Phải trả lời trong 2 ngày làm việc.",
        "Record a request; prints its id. It is to be answered within 2 working days.",
    ),
    "datarequests receive:kind": (
        "Loại: access, correction, withdrawal, restriction, erasure.",
        "The kind: access, correction, withdrawal, restriction, erasure.",
    ),
    "datarequests receive:on": ("Ngày nhận (YYYY-MM-DD; mặc định: hôm nay).", "Day of receipt (YYYY-MM-DD; default: today)."),
    "datarequests answer": ("Chấp nhận yêu cầu, hoặc từ chối kèm lý do.", "Accept a request, or refuse it for a reason."),
    "datarequests answer:accepted": ("Chấp nhận hoặc từ chối.", "Accept or refuse."),
    "datarequests extend": (
        "Gia hạn thực hiện, một lần, trước ngày đến hạn.",
        "Take longer to carry a request out: once, told before it is due.",
    ),
    "datarequests extend:until": ("Ngày đến hạn mới (YYYY-MM-DD).", "The new due day (YYYY-MM-DD)."),
    "datarequests carry-out": (
        "Ghi nhận yêu cầu đã thực hiện xong (yêu cầu xoá xong khi có chứng nhận).",
        "Record that a request is carried out (an erasure is by its certificate).",
    ),
    "datarequests list": (
        "Yêu cầu của người thuộc một đơn vị và các đơn vị trực thuộc, và yêu cầu nào trễ hạn.",
        "The requests of people of a unit and below it, and what of them is late.",
    ),
    "datarequests list:open_only": ("Chỉ yêu cầu chưa xong.", "Only open ones."),
    "datarequests list:due_before": ("Chỉ yêu cầu đến hạn trước ngày (YYYY-MM-DD).", "Only those due before a day (YYYY-MM-DD)."),
    "holds": ("Dữ liệu phải lưu giữ theo pháp luật.", "What the law keeps from erasure."),
    "holds place": (
        "Giữ một loại dữ liệu của một người, không cho xoá; in mã lưu giữ.",
        "Keep a class of a person's data from erasure; prints the id of the hold.",
    ),
    "holds place:field_class": (
        "Loại dữ liệu: identity, contact, hardship, photo.",
        "The class: identity, contact, hardship, photo.",
    ),
    "holds place:basis": ("Căn cứ: điều luật, văn bản.", "The basis: article or document."),
    "holds lift": ("Chấm dứt việc lưu giữ.", "End a legal hold."),
    "holds lift:hold": ("Mã lưu giữ.", "Id of the hold."),
    "holds list": (
        "Việc lưu giữ đối với người thuộc một đơn vị và các đơn vị trực thuộc.",
        "The legal holds on people of a unit and below it.",
    ),
    "holds list:live_only": ("Chỉ việc lưu giữ còn hiệu lực.", "Only those not lifted."),
    "erasure": ("Xoá dữ liệu cá nhân.", "Erasing personal data."),
    "erasure erase": (
        "Xoá dữ liệu của một người theo yêu cầu đã chấp nhận. Khoá bị huỷ; không thể khôi phục.",
        "Erase a person on its accepted request. The key is destroyed; nothing brings it back.",
    ),
    "erasure acknowledge": (
        "Xác nhận thay một tỉnh hoặc ngành rằng không còn giữ gì của người đã được xoá.",
        "Acknowledge for a province or central union that nothing is kept of the erased person.",
    ),
    "erasure acknowledge:branch": ("Mã đơn vị của tỉnh hoặc ngành.", "Code of the province's or central union's unit."),
    "erasure status": (
        "Ai đã xác nhận việc xoá, còn chờ ai; con nào của người này còn ghi nhận.",
        "Who has acknowledged an erasure, and who is awaited; which children of the person are still registered.",
    ),
    "erasure certificate": ("In chứng nhận xoá.", "Print the certificate of an erasure."),
    "erasure certificate:out": ("Ghi vào tệp này.", "Write it to this file."),
    ":request": ("Mã yêu cầu.", "Id of the request."),
    ":reason": (
        "Lý do: số văn bản, điều luật, số hồ sơ; không ghi dữ liệu cá nhân.",
        "The reason: a document, an article, a file number; nothing personal.",
    ),
    ":service": ("Chỉ ở dịch vụ này.", "Only in this service."),
    ":data": _DATA,
    ":json": _JSON,
    ":lang": _LANG,
}
"""Vietnamese and English; an option without a text of its command has that of its name."""


def language_of(arguments: Sequence[str], environment: Mapping[str, str]) -> Language:
    """The language in which help is wanted: known before the arguments are looked at."""
    wanted = environment.get("CONGDOAN_LANG", "vi")
    for before, argument in zip(("", *arguments), arguments, strict=False):
        if before == "--lang" or argument.startswith("--lang="):
            wanted = argument.removeprefix("--lang=")
    return "en" if wanted == "en" else "vi"


def translate(command: Any, language: Language) -> None:
    """Put the texts of a language into a command and everything below it."""
    column = 0 if language == "vi" else 1
    for path, below in _walk("", command):
        if path in TEXTS:
            below.help = TEXTS[path][column]
            below.short_help = TEXTS[path][column]
        for parameter in below.params:
            text = text_of(path, parameter)
            if text and hasattr(parameter, "help"):
                parameter.help = text[column]


def text_of(path: str, parameter: Any) -> tuple[str, str] | None:
    """The texts of an option or argument of a command."""
    return TEXTS.get(f"{path}:{parameter.name}") or TEXTS.get(f":{parameter.name}")


def undocumented(command: Any) -> list[str]:
    """The commands and options for which nothing stands here; typer's own options for completion have their words."""
    missing = []
    for path, below in _walk("", command):
        if path not in TEXTS:
            missing.append(path)
        missing += [f"{path}:{each.name}" for each in below.params if not text_of(path, each) and not _of_typer(each)]
    return missing


def _walk(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    yield path, command
    for name, below in getattr(command, "commands", {}).items():
        yield from _walk(f"{path} {name}".strip(), below)


def _of_typer(parameter: Any) -> bool:
    return parameter.name in ("install_completion", "show_completion", "help")
