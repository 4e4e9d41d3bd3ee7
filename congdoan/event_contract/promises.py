"""What may a province's system rely on? In English and in Vietnamese, for its developers."""

ENGLISH = """\
Everything that happens in your branch (a province, or a central union), as the federation's services record it, and nothing
of anyone else's. You read the stream `BRANCH` of your own account (JetStream domain `branch`), by a durable pull consumer
with explicit acknowledgement.

- **Bytes.** CloudEvents 1.0 in binary mode: attributes in headers, the stored JSON as the body, byte for byte; the ledger's
  hashes are over these bytes. A header value holds printable ASCII; whatever else, and `%`, is percent-encoded (UTF-8).
- **Order.** For each service, events come in the order in which they were recorded, and `ce-branchposition` goes up by
  exactly one, from 1. Events of different services are interleaved arbitrarily.
- **At least once.** An event may come again; `ce-id` stays the same. Keep {service: last branch position} in the same
  transaction as the effect: lower or equal was seen before, skip it; the next one, take it; higher is a gap: stop loudly,
  then read again from the beginning, skipping what was seen. Acknowledge after your own commit.
- **Where to go on.** Your positions are the truth. The sequence of `BRANCH` is a convenience: the stream may be made anew,
  and then interleaves the services otherwise.
- **Kept for ever.** You can always read from the first event, from a sequence or from a time.
- **Hand-overs.** A member who is transferred to another branch leaves by `membership.member_moved_away`, told to the branch
  that is left, and arrives by `membership.transfer_accepted`, told to the other one. A unit that comes to lie in another
  branch leaves by `membership.unit_moved_away` and arrives by `membership.unit_arrived`, with everything that lies under it
  (`units`); what is recorded later about these is told to the new branch, which asks for a snapshot of the unit.
- **Personal fields** (`x-personal`) are null, empty, or ciphertext (`sealed:1:` and base64url) that only membership can
  open. Names of your own members are answered by its gRPC API to the identity of your branch. After
  `membership.subject_erased`, clear what you keep about the person and acknowledge.
- **What may come.** New events, new fields, new values of a list, new headers: pass over what you do not know, and count
  the event's position. What was released stays: no field goes, changes its type or becomes required under the same
  `schema_version`. An event in a `schema_version` you do not know must not be guessed at: stop and look here.
- **Checkpoints.** Keep each one. One that contradicts an earlier one proves that the history was rewritten: stop and say
  so.
- **Fast start.** Ask `snapshot` for the units and members of your branch, keep `position` of the first page, then take the
  events of membership after it. Each event sets what it says, so what a later page showed early is said again.
"""

VIETNAMESE = """\
Mọi sự việc trong nhánh của bạn (một tỉnh, hoặc một công đoàn ban, bộ, ngành Trung ương) như các dịch vụ của liên đoàn ghi
lại, và không có gì của nhánh khác. Hệ thống của bạn đọc luồng `BRANCH` trong tài khoản riêng (miền JetStream
`branch`), bằng một bên nhận bền (durable pull consumer) có xác nhận.

- **Từng byte.** CloudEvents 1.0 dạng nhị phân: thuộc tính nằm trong header, thân là JSON đúng từng byte như đã lưu; sổ cái
  băm chính các byte này. Giá trị header chỉ gồm ASCII in được; ký tự khác và `%` được mã hoá phần trăm (UTF-8).
- **Thứ tự.** Với mỗi dịch vụ, sự kiện đến theo đúng thứ tự ghi nhận và `ce-branchposition` tăng đúng một đơn vị, từ 1. Sự
  kiện của các dịch vụ khác nhau xen kẽ tuỳ ý.
- **Ít nhất một lần.** Một sự kiện có thể đến lại, với cùng `ce-id`. Hãy lưu {dịch vụ: vị trí nhánh cuối} trong cùng giao
  dịch với kết quả xử lý: nhỏ hơn hoặc bằng là đã xử lý, bỏ qua; kế tiếp thì xử lý; lớn hơn là thiếu: dừng và báo rõ, rồi
  đọc lại từ đầu, bỏ qua những gì đã xử lý. Chỉ xác nhận sau khi giao dịch của bạn hoàn tất.
- **Đọc tiếp từ đâu.** Các vị trí bạn lưu là căn cứ. Số thứ tự của `BRANCH` chỉ để tiện: luồng có thể được lập lại, khi đó
  các dịch vụ xen kẽ theo cách khác.
- **Lưu mãi mãi.** Lúc nào cũng đọc lại được từ sự kiện đầu tiên, từ một số thứ tự hoặc từ một thời điểm.
- **Bàn giao.** Đoàn viên chuyển sang nhánh khác rời đi bằng `membership.member_moved_away` (báo cho nhánh cũ) và đến bằng
  `membership.transfer_accepted` (báo cho nhánh mới). Đơn vị chuyển sang nhánh khác rời đi bằng `membership.unit_moved_away`
  và đến bằng `membership.unit_arrived`, cùng các đơn vị trực thuộc (`units`); những gì ghi nhận sau đó được báo cho nhánh
  mới, và nhánh mới xin dữ liệu hiện tại của đơn vị.
- **Dữ liệu cá nhân** (`x-personal`) là null, chuỗi rỗng, hoặc bản mã (`sealed:1:` và base64url) mà chỉ membership mở được.
  Tên đoàn viên trong nhánh được hỏi qua gRPC bằng danh tính của nhánh. Sau `membership.subject_erased`, hãy xoá những gì
  còn giữ về người đó và xác nhận.
- **Những gì có thể thêm.** Sự kiện mới, trường mới, giá trị mới của một danh mục, header mới: bỏ qua điều chưa biết và vẫn
  tính vị trí. Những gì đã công bố thì giữ nguyên: không trường nào mất đi, đổi kiểu hoặc thành bắt buộc trong cùng
  `schema_version`. Gặp `schema_version` chưa biết thì không được đoán: hãy dừng và xem lại tài liệu này.
- **Mốc kiểm.** Hãy lưu từng mốc. Mốc mâu thuẫn với mốc trước chứng tỏ lịch sử đã bị viết lại: dừng và báo ngay.
- **Khởi đầu nhanh.** Gọi `snapshot` để lấy các đơn vị và đoàn viên của nhánh, giữ `position` của trang đầu, rồi nhận các sự
  kiện của membership sau vị trí đó. Mỗi sự kiện đặt lại điều nó nêu, nên điều mà trang sau đã cho thấy sớm sẽ được nhắc
  lại.
"""

NKEY = """\
NATS nkey (Ed25519): the server sends a nonce, the client signs it with the seed (`SU…`) of the credentials file. The key lets in
at the account of one branch, and nowhere else."""

CHECKPOINT = """\
What the ledger says of itself: so many events of a service under this RFC 6962 root at this time, as a note signed with Ed25519
(c2sp.org/signed-note). Each names the size of the one before, and proves that its tree goes on from that one."""
