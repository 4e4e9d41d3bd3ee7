"""What is said of messages on their way, of the channels they take, and of recipients."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from chassis.events import Event
from chassis.wording import means


class Channel(StrEnum):
    """How a message reaches its recipient. The in-app inbox is always open."""

    IN_APP = "in_app"
    EMAIL = "email"


class RecipientKind(StrEnum):
    """A unit's officers, or one member."""

    UNIT = "unit"
    MEMBER = "member"


class Template(StrEnum):
    """What a message says; the words are in :mod:`notifications.templates`."""

    REPORT_DUE = "report_due"
    REPORT_OVERDUE = "report_overdue"
    REPORT_ESCALATED = "report_escalated"
    DATA_REQUEST_ANSWER_DUE = "data_request_answer_due"
    DATA_REQUEST_ANSWER_LATE = "data_request_answer_late"
    DATA_REQUEST_CARRYING_OUT_DUE = "data_request_carrying_out_due"
    DATA_REQUEST_CARRYING_OUT_LATE = "data_request_carrying_out_late"


class NotificationRequested(Event, topic="notifications.notification_requested"):
    """A message shall reach a recipient: a unit's code or a member's id. `unit` is the recipient's unit."""

    vi = "Yêu cầu gửi tin: cần gửi tin “{template}” đến {recipient} qua {channel}."
    en = "Notification requested: a message ({template}) shall reach {recipient} by {channel}."
    meanings = means(
        unit=("mã đơn vị nhận tin, hoặc đơn vị của đoàn viên nhận tin", "code of the recipient, or of the unit of a member")
    )

    delivery_id: UUID
    recipient_kind: RecipientKind
    recipient: str
    channel: Channel
    template: Template
    parameters: dict[str, str]


class NotificationSending(Event, topic="notifications.notification_sending"):
    """An attempt begins; recorded before the mail leaves. Nobody else tries until `until`.

    ``doubtful``: an earlier attempt began and its outcome was never heard of, so the recipient may get the mail twice,
    under the same Message-ID.
    """

    vi = "Bắt đầu gửi tin: lần gửi thứ {attempt} của lượt gửi {delivery_id} bắt đầu; trước {until} không ai khác gửi."
    en = "Notification sending: attempt {attempt} of the delivery {delivery_id} begins; nobody else tries until {until}."
    meanings = means(until=("trước thời điểm này không ai khác gửi", "nobody else tries before this"))

    delivery_id: UUID
    channel: Channel
    attempt: int
    until: datetime
    doubtful: bool


class NotificationSent(Event, topic="notifications.notification_sent"):
    """The mail server took the message over; what it does with it is not known here."""

    vi = "Đã gửi tin: máy chủ thư đã nhận lượt gửi {delivery_id} ở lần gửi thứ {attempt}."
    en = "Notification sent: the mail server took over the delivery {delivery_id} at attempt {attempt}."

    delivery_id: UUID
    channel: Channel
    attempt: int
    message_id: str


class NotificationDelivered(Event, topic="notifications.notification_delivered"):
    """The message lies in the recipient's inbox."""

    vi = "Tin đã đến: lượt gửi {delivery_id} đã nằm trong hộp thư của người nhận."
    en = "Notification delivered: the delivery {delivery_id} lies in the recipient's inbox."

    delivery_id: UUID
    channel: Channel


class NotificationFailed(Event, topic="notifications.notification_failed"):
    """An attempt failed; the next one is due at `retry_at`, or none is when it is empty. The reason names no person."""

    vi = "Gửi tin không thành: lần gửi thứ {attempt} của lượt gửi {delivery_id} không thành: {reason}; gửi lại: {retry_at}."
    en = "Notification failed: attempt {attempt} of the delivery {delivery_id} failed: {reason}; next attempt: {retry_at}."

    delivery_id: UUID
    channel: Channel
    attempt: int
    reason: str
    retry_at: datetime | None


class NotificationParked(Event, topic="notifications.notification_parked"):
    """The message is given up until somebody has it retried."""

    vi = "Tạm dừng gửi tin: lượt gửi {delivery_id} tạm dừng sau {attempts} lần gửi ({reason}) đến khi có người cho gửi lại."
    en = (
        "Notification parked: the delivery {delivery_id} is given up after {attempts} attempts ({reason}) until somebody "
        "has it retried."
    )

    delivery_id: UUID
    channel: Channel
    attempts: int
    reason: str


class NotificationRetried(Event, topic="notifications.notification_retried"):
    """A parked message shall be sent again from `retry_at` on; its attempts count anew."""

    vi = "Cho gửi lại tin: lượt gửi {delivery_id} được gửi lại từ {retry_at}; số lần gửi đếm lại từ đầu."
    en = "Notification retried: the delivery {delivery_id} shall be sent again from {retry_at} on; its attempts count anew."

    delivery_id: UUID
    channel: Channel
    retry_at: datetime


class NotificationWithdrawn(Event, topic="notifications.notification_withdrawn"):
    """The message is taken back for good: it is sent no more, and lies in no inbox. The reason names no person."""

    vi = "Thu hồi tin: lượt gửi {delivery_id} bị thu hồi hẳn: không gửi nữa, không còn trong hộp thư nào; lý do: {reason}."
    en = "Notification withdrawn: the delivery {delivery_id} is taken back for good and lies in no inbox; reason: {reason}."

    delivery_id: UUID
    channel: Channel
    reason: str


class NotificationRead(Event, topic="notifications.notification_read"):
    """A message in an inbox was read."""

    vi = "Đọc tin: tin của lượt gửi {delivery_id} đã được đọc."
    en = "Notification read: the message of the delivery {delivery_id} was read."

    delivery_id: UUID


class ChannelPreferenceSet(Event, topic="notifications.channel_preference_set"):
    """A channel is open or closed for a unit or a member from now on.

    ``office_address`` is the address of a unit's office, an organisation's and no person's; empty for members.
    """

    vi = "Chọn kênh nhận tin: kênh {channel} của {recipient} từ nay mở: {open}."
    en = "Channel preference set: the channel {channel} of {recipient} is open from now on: {open}."

    recipient_kind: RecipientKind
    recipient: str
    channel: Channel
    open: bool
    office_address: str


class RecipientForgotten(Event, topic="notifications.recipient_forgotten"):
    """A member was erased: nothing is addressed to it from now on, and what was on its way is withdrawn."""

    vi = "Ngừng gửi tin cho người đã xoá: dữ liệu của đoàn viên {member_id} đã xoá; không gửi gì nữa, tin đang gửi bị thu hồi."
    en = (
        "Recipient forgotten: the member {member_id} was erased; nothing is addressed to it from now on, and what was on "
        "its way is withdrawn."
    )

    member_id: UUID
