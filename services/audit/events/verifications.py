"""What is said of every verification: who compared which history with what was signed, and how it came out?"""

from collections.abc import Mapping
from typing import ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from audit.events.access import OfReader
from chassis.events import Event
from chassis.wording import Words, means


class VerifiedPart(BaseModel):
    """What was verified of the history of one service, from the event after `after` to `upto`.

    Where something is wrong, the first bad event lies after `bad_after` and not after `bad_upto`; None where nothing is.
    """

    model_config = ConfigDict(frozen=True)
    meanings: ClassVar[Mapping[str, Words]] = means(
        after=("bắt đầu kiểm tra sau vị trí này", "the verification began after this position"),
        upto=("vị trí cuối đã đọc", "the last position that was read"),
        covered=("vị trí cuối nằm dưới một mốc chốt sổ khớp", "the last position under a checkpoint that matched"),
        bad_after=(
            "sự kiện sai đầu tiên nằm sau vị trí này; trống khi không sai",
            "the first bad event lies after this position",
        ),
        bad_upto=(
            "sự kiện sai đầu tiên không nằm sau vị trí này; trống khi không sai",
            "the first bad event is not after this one",
        ),
    )

    service: str
    after: int
    upto: int
    covered: int
    bad_after: int | None
    bad_upto: int | None


class HistoryVerified(OfReader, Event, topic="audit.history_verified"):
    """Somebody verified histories, with a program of their own, and reports what came out."""

    vi = "Kiểm tra lịch sử: {reader} ({reader_role}) đối chiếu lịch sử ({source}) với sổ cái; toàn vẹn: {whole}."
    en = "History verified: {reader} ({reader_role}) compared the history ({source}) with the ledger; whole: {whole}."
    meanings: ClassVar[Mapping[str, Words]] = means(
        verification_id=("mã lần kiểm tra", "id of the verification"),
        source=("đọc từ luồng sự kiện (stream) hay kho sự kiện (store)", "read from the stream or from the store"),
        whole=("không thấy gì sai", "whether nothing was found wrong"),
        key=("khoá công khai dùng để kiểm tra", "the public key of the ledger that was trusted"),
        witnesses=("số tệp của bên chứng kiến đã đối chiếu", "how many files of witnesses were compared"),
        signed_by=("các tỉnh có chữ ký đồng xác nhận đã kiểm tra", "the provinces whose signatures were verified"),
        parts=("đã kiểm tra gì, theo dịch vụ", "what was verified, by service"),
    )

    verification_id: UUID
    source: str
    whole: bool
    key: str
    witnesses: int
    signed_by: tuple[str, ...]
    parts: tuple[VerifiedPart, ...]
