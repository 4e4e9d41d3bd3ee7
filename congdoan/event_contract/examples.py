"""What does each event look like when a province receives it? One of each, always the same, made by the classes themselves.

Whatever is told of the federation is invented; what belongs to a person stands sealed, as it does on the stream.
"""

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from hashlib import sha512
from types import NoneType
from typing import Any, get_args, get_origin
from uuid import UUID, uuid5

import orjson
from pydantic import BaseModel

from chassis.cloudevents import headers_of, subject_of
from chassis.events import SEALED, BrokenSeal, Event
from chassis.recorded import Actor, Metadata, RecordedEvent
from chassis.streams import stream_name

BRANCH = "vinh-phuc"
STREAM_SOURCE = "Nats-Stream-Source"
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
_NAMES = UUID("9c1f6f0e-5d34-5a0e-8f6b-3f0c5a7d2b41")
_DAY = date(2026, 1, 15)
RECORDED_AT = datetime(2026, 1, 15, 2, 30, 12, 345678, tzinfo=UTC)
_NEW_UNIT = {"name": "Công đoàn cơ sở Sở Y tế", "line_parent": "vinh-phuc", "functional_parent": ""}

OF_FIELDS: Mapping[str, Any] = {
    "unit": "so-y-te", "on": _DAY, "year": 2026, "reason": "Theo đề nghị của đơn vị", "due_on": date(2026, 12, 15),
    "closes_on": date(2026, 6, 30), "until": date(2028, 12, 31), "joined_on": date(2020, 5, 12),
    "to_unit": "so-tu-phap", "from_unit": "so-tu-phap", "from_branch": "hai-duong", "to_branch": BRANCH, "units": ["so-y-te"],
    "former_name": "Công đoàn Sở Y tế", "parent": BRANCH, "former_parent": "hai-duong", **_NEW_UNIT, "open": True,
    "accepted": True, "fires_at": datetime(2026, 12, 8, 1, tzinfo=UTC), "retry_at": RECORDED_AT + timedelta(minutes=5),
    "reader": "auditor-1", "reader_role": "auditor", "reader_unit": "", "fields": ["full_name"],
    "officer": "officer-vinh-phuc", "to_officer": "officer-so-y-te", "text_version": "2026-01", "title": "Báo cáo năm 2026",
    "received_on": _DAY, "answer_due_on": date(2026, 1, 19), "carry_out_due_on": date(2026, 2, 4),
    "basis": "Luật 91/2025/QH15, Điều 14", "awaited": ["welfare", BRANCH], "by": "welfare", "up_to": 1234, "positions": [17, 203],
    "occasion": "Tết Sum vầy", "campaign_unit": BRANCH, "amount_vnd": 1_300_000, "former_amount_vnd": 40_000_000,
    "approved_amount_vnd": 1_300_000, "budget_vnd": 61_100_000, "given_vnd": 53_900_000, "shares": 47,
    "theme": "", "decider": "cdvcvn", "decision_number": "12/QĐ-CĐVC", "decided_on": _DAY, "rule_set": "999/QĐ-TLĐ",
    "citation": "Hoàn thành xuất sắc nhiệm vụ năm 2025", "reviewer": BRANCH, "presenter": BRANCH, "at_most": 12,
    "former_at_most": 10, "revision": 2, "target": 60, "programme_unit": BRANCH, "round_unit": BRANCH,
    "contest": "Kỳ thi chọn học sinh giỏi quốc gia môn Toán", "published_by": BRANCH, "body": "Kính mời dự hội nghị tổng kết.",
    "service": "membership", "position": 1250, "services": [], "topics": [], "of_unit": BRANCH, "branch": "", "actor": "",
    "correlation": "", "superior": BRANCH, "request_kind": "access", "recipient": "so-y-te", "attempt": 1, "attempts": 8,
    "office_address": "",
    "message_id": "<010e2268-990b-5ec9-ae5f-2959e0c41e1f@congdoan.example>",
    "parameters": {"unit": "so-y-te", "title": "Báo cáo năm 2026", "year": "2026", "due_on": "2026-12-15"},
}  # fmt: skip
"""What stands in a field of this name; ids, days, moments and choices without an entry follow from the field alone."""

_OF_AWARDS = ("proposed", "endorsed", "returned", "resubmitted", "decided", "presented", "revoked")
_OF_ACHIEVEMENTS = ("achievement_registered", "achievement_verified", "honoured", "honour_published", "honour_withdrawn")
_ANYTHING = dict.fromkeys(
    ("recorded_from", "recorded_before", "effective_from", "effective_to", "member_id", "of_command"),
)
_HASH = "e3yd0Zm5Dk2lA0Jw4tq0nS1ccqRzKXfVhEwpJfcb8aM="
_UNCHANGED = {"full_name": None, "birth_date": None}

OF_EVENTS: Mapping[str, Mapping[str, Any]] = {
    **{f"membership.unit_{name}": {"level": "grassroots"} for name in ("established", "dissolved", "arrived")},
    **{f"awards.award_{name}": {"form": "certificate_of_merit"} for name in _OF_AWARDS},
    **{f"awards.{form}_awarded": {"form": form} for form in ("certificate_of_merit", "commendation", "public_honour")},
    **{f"awards.child_{name}": {"level": "national"} for name in _OF_ACHIEVEMENTS},
    "audit.history_verified": {
        "unit": "",
        "source": "stream",
        "whole": True,
        "key": f"congdoan-ledger+1a2b3c4d+{'A' * 44}",
        "witnesses": 1,
        "signed_by": ["ha-noi"],
        "parts": [
            {"service": "membership", "after": 0, "upto": 1250, "covered": 1248, "bad_after": None, "bad_upto": None},
        ],
    },
    "audit.history_replayed": {**_ANYTHING, "unit": "", "services": [], "topics": []},
    "audit.figure_certified": {
        "unit": "",
        "cut": [{"service": "membership", "position": 1250}],
        "figure": "members",
        "as_of": date(2026, 12, 31),
        "complete": False,
        "value": "4512",
        "contributions": 4750,
        "standing": [{"service": "membership", "size": 1250, "root": _HASH, "events": 1117, "events_root": _HASH}],
    },
    "audit.cut_named": {"unit": "", "name": "2025-cuoi-nam", "recorded_by": datetime(2025, 12, 31, 17, tzinfo=UTC)},
    "membership.member_details_corrected": {**_UNCHANGED, "email": None},
    "membership.child_details_corrected": {"full_name": None},
    "membership.unit_moved_away": {"from_branch": BRANCH, "to_branch": "hai-duong"},
    "membership.plan_item_added": {"title": "Thăm đoàn viên có hoàn cảnh khó khăn dịp Tết"},
    "membership.consent_given": {"guardian_id": None},
    "welfare.gift_campaign_opened": {"unit": BRANCH, "name": "Tết Sum vầy – Xuân ơn Đảng"},
    "welfare.budget_approved": {"unit": BRANCH, "amount_vnd": 61_100_000},
    "welfare.budget_adjusted": {"unit": BRANCH, "amount_vnd": 61_100_000},
    "welfare.gift_campaign_closed": {"unit": BRANCH},
    "awards.flag_awarded": {"member_id": None},
    "awards.quota_set": {"unit": BRANCH},
    "awards.initiative_programme_opened": {"unit": BRANCH, "name": "01 triệu sáng kiến"},
    "awards.initiative_registered": {"title": "Số hoá hồ sơ đoàn viên"},
    "awards.child_honour_round_opened": {"unit": BRANCH, "name": "Tuyên dương con đoàn viên học giỏi"},
    "notifications.announcement_published": {"unit": BRANCH, "title": "Hội nghị tổng kết năm 2025"},
    "notifications.notification_sending": {"until": RECORDED_AT + timedelta(minutes=2)},
    "notifications.notification_failed": {"reason": "451"},
    "notifications.notification_parked": {"reason": "451"},
}
"""What is told otherwise in an event of this topic."""


class ExampleSeal:
    """Looks like ciphertext, always the same; nothing can be opened that was never sealed."""

    def close(self, values: list[tuple[str, bytes]]) -> list[str]:
        """Texts of the length and alphabet of sealed ones."""
        return [SEALED + urlsafe_b64encode(sha512(name.encode() + value).digest()[:54]).decode() for name, value in values]

    def open(self, name: str, sealed: str) -> Any:
        """:raises BrokenSeal: always."""
        raise BrokenSeal("was never sealed")


@dataclass(frozen=True, slots=True)
class Example:
    """An event as it is received: headers, and the bytes of the body."""

    event: Event
    headers: Mapping[str, str]
    body: bytes

    @property
    def payload(self) -> Any:
        """The body as a value."""
        return orjson.loads(self.body)


def example_of(cls: type[Event], number: int = 1) -> Example:
    """One event of a class.

    :param number: its position in the history of its service and, in this world of one branch, in the branch.
    """
    event = cls.model_validate(_fields(cls, OF_EVENTS.get(cls.topic, {})))
    service = cls.topic.partition(".")[0]
    actor = Actor("officer-vinh-phuc", "province_officer", BRANCH)
    command = _id("command_id")
    metadata = Metadata(event.unit, event.on, actor, command, str(command), str(command), TRACEPARENT)
    aggregate = event.person if cls.subject else _id(f"{service} aggregate")
    body = event.encode(ExampleSeal())
    recorded = RecordedEvent(
        service, 1_000 + number, aggregate, 1, cls.topic, body, metadata.encode(), BRANCH, number, RECORDED_AT
    )
    return Example(event, headers_of(recorded), body)


def source_header(example: Example) -> str:
    """What the server adds as it takes the event into the stream of a branch: its own words, of no meaning for a reader."""
    service, position = example.headers["ce-id"].split("/")
    subject = subject_of(service, BRANCH, example.event.topic)
    return f"{stream_name(service)}:rHkKZCSl {position} federation.{service}.{BRANCH}.> > {subject} PTimqjz6"


def _fields(cls: type[BaseModel], special: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: special[name] if name in special else _value(name, field.annotation) for name, field in cls.model_fields.items()
    }


def _value(name: str, annotation: Any) -> Any:
    """A value of a field: the first choice, that of its name, or the one that follows from its type."""
    options = [one for one in get_args(annotation) if one not in (NoneType, Ellipsis)]
    if get_origin(annotation) is tuple:
        return OF_FIELDS.get(name) or [_value(name, options[0])]
    kind = options[0] if options else annotation
    if isinstance(kind, StrEnum):
        return kind
    if issubclass(kind, StrEnum):
        return next(iter(kind))
    if issubclass(kind, BaseModel):
        return _fields(kind, {})
    if name in OF_FIELDS:
        return OF_FIELDS[name]
    return {UUID: _id(name), datetime: RECORDED_AT, date: _DAY, bool: False, str: f"{name} of nobody"}[kind]


def _id(name: str) -> UUID:
    """The same id wherever a field of the same name stands; a person is the member."""
    return uuid5(_NAMES, {"person_id": "member_id", "member_ids": "member_id", "author_id": "member_id"}.get(name, name))
