"""Why was the caller refused, and with which status?

::

    Refusal                         the caller is told: which rule, which field
    ├── Invalid                     INVALID_ARGUMENT     the input breaks a rule of its own
    ├── NotFound                    NOT_FOUND            it names something that does not exist
    ├── AlreadyExists               ALREADY_EXISTS       it would make a second of what there may be one of
    ├── RuleBroken                  FAILED_PRECONDITION  the history so far does not allow it
    ├── Conflict                    ABORTED              it was decided on an old version; read again and repeat
    ├── Unauthenticated             UNAUTHENTICATED      nobody known is asking
    ├── Forbidden                   PERMISSION_DENIED    whoever asks has no right to it
    ├── Overloaded                  RESOURCE_EXHAUSTED   too much at once; repeat after `retry_after_s`
    ├── DeadlinePassed              DEADLINE_EXCEEDED    the answer would come too late
    └── Unavailable                 UNAVAILABLE          it cannot be known or kept just now; repeat with the same id

A service names its own refusals for its rules by subclassing one of these. The sentence is the class's, in both
languages, with ``{placeholders}`` for *values that are not personal*: codes, counts, amounts, dates. A personal value
never enters a refusal, so none can reach a log.
"""

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar, Literal

Language = Literal["vi", "en"]


class Status(Enum):
    """The gRPC status of a refusal, by its name and number on the wire."""

    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    INTERNAL = 13
    UNAVAILABLE = 14
    UNAUTHENTICATED = 16


class Refusal(Exception):
    """The sentence an officer would say, in Vietnamese and English.

    :param field: path of the field it is about, as the caller wrote it (``amount_vnd``), or empty.
    :param facts: values for the placeholders of the sentence; never a personal value.
    """

    status: ClassVar[Status] = Status.FAILED_PRECONDITION
    vi: ClassVar[str] = "Yêu cầu bị từ chối."
    en: ClassVar[str] = "The request is refused."

    def __init__(self, field: str = "", **facts: object) -> None:
        super().__init__(type(self).__name__)
        self.field = field
        self.facts = facts

    @property
    def rule(self) -> str:
        """Stable name of the rule, for programs: ``BudgetExceeded``."""
        return type(self).__name__

    def sentence(self, language: Language = "vi") -> str:
        """The sentence in the caller's language."""
        return (self.vi if language == "vi" else self.en).format(**self.facts)

    def __str__(self) -> str:
        where = f" [{self.field}]" if self.field else ""
        return f"{self.rule}{where}: {self.sentence('en')}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One field, as the caller wrote it, and the rule it breaks, in both languages; never the value."""

    field: str
    vi: str
    en: str


class Invalid(Refusal):
    """The input breaks a rule of its own; `problems` names every field at once."""

    status = Status.INVALID_ARGUMENT
    vi = "Dữ liệu không hợp lệ: {problem_vi}"
    en = "The input is not valid: {problem_en}"

    def __init__(self, *problems: Problem) -> None:
        super().__init__(
            problems[0].field if problems else "",
            problem_vi="; ".join(f"{p.field}: {p.vi}" for p in problems),
            problem_en="; ".join(f"{p.field}: {p.en}" for p in problems),
        )
        self.problems = problems


class NotFound(Refusal):
    """It names something that does not exist."""

    status = Status.NOT_FOUND
    vi = "Không tìm thấy."
    en = "Not found."


class AlreadyExists(Refusal):
    """It would make a second of what there may be one of."""

    status = Status.ALREADY_EXISTS
    vi = "Đã tồn tại."
    en = "It exists already."


class RuleBroken(Refusal):
    """The history so far does not allow it."""


class Conflict(Refusal):
    """Decided on an old version of the aggregate, more often than the service retries."""

    status = Status.ABORTED
    vi = "Hồ sơ đã thay đổi trong lúc xử lý; hãy đọc lại rồi thử lại."
    en = "The record changed meanwhile; read it again and repeat."


class CommandIdReused(Refusal):
    """A command id may be repeated only with the same content."""

    status = Status.ALREADY_EXISTS
    vi = "Mã lệnh này đã dùng cho một yêu cầu khác nội dung."
    en = "This command id was already used with other content."


class IdTaken(AlreadyExists):
    """An id is given once, whatever it is given to."""

    vi = "Mã này đã được dùng cho một đối tượng khác."
    en = "This id is already taken, by something else."


class Unauthenticated(Refusal):
    """Nobody known is asking."""

    status = Status.UNAUTHENTICATED
    vi = "Chưa xác định được người gọi: {problem_vi}"
    en = "The caller is not known: {problem_en}"


class Forbidden(Refusal):
    """Whoever asks has no right to it."""

    status = Status.PERMISSION_DENIED
    vi = "Người gọi không có quyền này tại đơn vị."
    en = "The caller has no such right at the unit."


class Overloaded(Refusal):
    """More at once than the service takes; nothing was done."""

    status = Status.RESOURCE_EXHAUSTED
    vi = "Hệ thống đang quá tải; hãy thử lại sau {retry_after_s} giây."
    en = "Too much at once; repeat after {retry_after_s} seconds."

    def __init__(self, field: str = "", *, retry_after_s: float = 0.5) -> None:
        super().__init__(field, retry_after_s=retry_after_s)
        self.retry_after_s = retry_after_s


class DeadlinePassed(Refusal):
    """The awaited position was not reached before the caller's deadline."""

    status = Status.DEADLINE_EXCEEDED
    vi = "Hết thời gian chờ."
    en = "The deadline passed."


class Unavailable(Refusal):
    """It cannot be known or kept just now; repeating with the same command id is safe."""

    status = Status.UNAVAILABLE
    vi = "Tạm thời chưa thực hiện được ({reason}); hãy thử lại với cùng mã lệnh."
    en = "Not possible just now ({reason}); repeat with the same command id."


class AskedInLaterVersion(Unavailable):
    """A command has a field that this version does not know: what would be decided is not what was asked.

    Repeated, the call meets a process that does.
    """

    vi = "Yêu cầu có trường mà phiên bản này của dịch vụ chưa biết; hãy thử lại với cùng mã lệnh."
    en = "The request has a field that this version of the service does not know; repeat with the same command id."


class RecordedByLaterVersion(Unavailable):
    """While versions run side by side: what it is about was changed by a later one, and this one does not know what that means.

    Repeated, the call meets a process that does.
    """

    vi = "Hồ sơ này vừa được một phiên bản mới hơn của dịch vụ ghi; hãy thử lại với cùng mã lệnh."
    en = "A later version of the service has just recorded something of this; repeat with the same command id."
