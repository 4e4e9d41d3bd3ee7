"""What is said of requests about personal data, of legal holds, and of erasure."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from chassis.events import Event
from chassis.wording import means


class DataRequestKind(StrEnum):
    """What a person may ask about its data (Law 91/2025/QH15, art. 4): see, mend, take consent back, restrict, erase."""

    ACCESS = "access"
    CORRECTION = "correction"
    WITHDRAWAL = "withdrawal"
    RESTRICTION = "restriction"
    ERASURE = "erasure"


class FieldClass(StrEnum):
    """The classes of personal data that a legal hold may keep from erasure."""

    IDENTITY = "identity"
    CONTACT = "contact"
    HARDSHIP = "hardship"
    PHOTO = "photo"


_OF_A_REFERENCE = means(
    reason=(
        "tham chiếu ngắn (số văn bản, điều luật); không có dữ liệu cá nhân",
        "a short reference (document, article); nothing personal",
    )
)


class DataRequestReceived(Event, topic="membership.data_request_received"):
    """A person asks something about its data; it is to be answered and carried out by the days that stand here."""

    vi = (
        "Tiếp nhận yêu cầu về dữ liệu: {person_id} yêu cầu {kind}; hạn trả lời {answer_due_on}, hạn thực hiện {carry_out_due_on}."
    )
    en = (
        "Data request received: {person_id} requests {kind}; to be answered by {answer_due_on}, carried out by "
        "{carry_out_due_on}."
    )

    request_id: UUID
    person_id: UUID
    kind: DataRequestKind
    received_on: date
    answer_due_on: date
    carry_out_due_on: date


class DataRequestAnswered(Event, topic="membership.data_request_answered"):
    """A data request was accepted, or refused for a reason: a short reference (document, article), nothing personal."""

    vi = "Trả lời yêu cầu về dữ liệu: yêu cầu {kind} của {person_id} được trả lời (chấp nhận: {accepted}); căn cứ: {reason}."
    en = "Data request answered: the request ({kind}) of {person_id} was answered (accepted: {accepted}); ground: {reason}."
    meanings = _OF_A_REFERENCE

    request_id: UUID
    person_id: UUID
    kind: DataRequestKind
    accepted: bool
    carry_out_due_on: date
    reason: str


class DataRequestExtended(Event, topic="membership.data_request_extended"):
    """A data request may take until a later day, once; `reason` is a short reference, nothing personal."""

    vi = "Gia hạn yêu cầu về dữ liệu: yêu cầu {kind} của {person_id} được gia hạn đến {carry_out_due_on}; căn cứ: {reason}."
    en = "Data request extended: the request ({kind}) of {person_id} may take until {carry_out_due_on}; ground: {reason}."
    meanings = _OF_A_REFERENCE

    request_id: UUID
    person_id: UUID
    kind: DataRequestKind
    carry_out_due_on: date
    reason: str


class DataRequestCarriedOut(Event, topic="membership.data_request_carried_out"):
    """What a person asked for was done; late when this day is after the one it was due."""

    vi = "Thực hiện xong yêu cầu về dữ liệu: yêu cầu {kind} của {person_id} đã được thực hiện ngày {on}."
    en = "Data request carried out: what {person_id} asked for ({kind}) was done on {on}."

    request_id: UUID
    person_id: UUID
    kind: DataRequestKind


class LegalHoldPlaced(Event, topic="membership.legal_hold_placed"):
    """The law keeps a class of a person's data from erasure; `basis` is the article or document, `reason` a short
    reference (a case number): nothing personal."""

    vi = "Lưu giữ theo pháp luật: dữ liệu {field_class} của {person_id} chưa được xoá theo {basis}; tham chiếu: {reason}."
    en = "Legal hold placed: data of {person_id} ({field_class}) is kept from erasure by {basis}; reference: {reason}."
    meanings = _OF_A_REFERENCE

    hold_id: UUID
    person_id: UUID
    field_class: FieldClass
    basis: str
    reason: str


class LegalHoldLifted(Event, topic="membership.legal_hold_lifted"):
    """A legal hold ended; `reason` is a short reference, nothing personal."""

    vi = "Chấm dứt lưu giữ theo pháp luật: lệnh lưu giữ {hold_id} đối với {person_id} chấm dứt; tham chiếu: {reason}."
    en = "Legal hold lifted: the hold {hold_id} on data of {person_id} ended; reference: {reason}."
    meanings = _OF_A_REFERENCE

    hold_id: UUID
    person_id: UUID
    reason: str


class SubjectErased(Event, topic="membership.subject_erased"):
    """A person is erased: its keys are destroyed, and whoever follows clears what it keeps about it.

    `awaited` are the services and the branches (codes of units) that must acknowledge before a certificate is made.
    """

    vi = "Xoá dữ liệu cá nhân: khoá của {person_id} bị huỷ; bên nhận xoá mọi dữ liệu còn giữ về người này rồi xác nhận."
    en = (
        "Subject erased: the keys of {person_id} are destroyed; whoever follows clears what it keeps about this person, "
        "and says so."
    )

    person_id: UUID
    request_id: UUID
    awaited: tuple[str, ...] = ()


class ErasureAcknowledged(Event, topic="membership.erasure_acknowledged"):
    """`by`, a service or the unit of a branch, keeps nothing of an erased person any more; it had followed
    membership's history `up_to` this position."""

    vi = "Xác nhận đã xoá: {by} không còn giữ dữ liệu nào về {person_id}."
    en = "Erasure acknowledged: {by} keeps nothing of {person_id} any more."

    person_id: UUID
    request_id: UUID
    by: str
    up_to: int


class Acknowledgement(BaseModel):
    """Who acknowledged an erasure, and when."""

    model_config = ConfigDict(frozen=True)

    by: str
    at: datetime


class ErasureCertified(Event, topic="membership.erasure_certified"):
    """All have acknowledged: nobody can read the sealed events of these positions, nor the person, any more."""

    vi = "Chứng nhận xoá dữ liệu: tất cả đã xác nhận; không ai còn đọc được dữ liệu cá nhân của {person_id}."
    en = "Erasure certified: all have acknowledged; nobody can read personal data of {person_id} any more."

    person_id: UUID
    request_id: UUID
    positions: tuple[int, ...]
    key_destroyed_at: datetime
    acknowledged: tuple[Acknowledgement, ...]
