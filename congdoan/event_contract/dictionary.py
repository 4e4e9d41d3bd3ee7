"""What does each event mean, in Vietnamese and in English? One page of all of them, from the words of the classes."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin
from uuid import UUID

from pydantic import BaseModel

from chassis.cloudevents import ROOT
from chassis.events import Event, personal_fields_of
from chassis.vietnamese import sort_key
from chassis.wording import VALUES, meaning_of, name_of, sentence_of
from congdoan.event_contract.schemas import events_of, schema_name
from congdoan.services import RECORDING, SERVICES

HEAD = """\
# Từ điển sự kiện · Dictionary of events

Trang này được lập từ mã nguồn bằng `make contracts`. Mỗi sự kiện được báo cho nhánh (tỉnh, hoặc công đoàn ban, bộ, ngành
Trung ương) của đơn vị nêu trong `unit` vào lúc ghi nhận, trừ khi ghi khác. Trường đánh dấu 🔒 thuộc về một người: trên luồng
chỉ có bản mã, chuỗi rỗng hoặc null. Mọi trường đều bắt buộc, trừ trường ghi “có thể vắng”.

This page is made from the code by `make contracts`. Each event is told to the branch (a province, or a central union) of
the unit in `unit` as of its recording, unless it says otherwise. A field marked 🔒 belongs to a person: on the stream stands
ciphertext, an empty text or null. Every field is required, unless it says “may be absent”.
"""
TITLES = {
    "membership": "Đơn vị, đoàn viên, cán bộ, báo cáo, dữ liệu cá nhân · Units, members, officers, reports, personal data",
    "welfare": "Phúc lợi · Welfare",
    "awards": "Thi đua khen thưởng · Awards",
    "notifications": "Thông báo, nhắc việc, gửi tin · Notifications",
    "audit": "Kiểm toán: ai đã xem gì · Audit: who was given what",
}
TOLD = {
    "membership.unit_established": (
        "nhánh mà đơn vị thuộc về từ khi thành lập; mỗi tỉnh, mỗi ban, bộ, ngành là một nhánh",
        "the branch in which it lies from then on; a province or central union is its own",
    ),
    "membership.unit_attached": (
        "nhánh của đơn vị trước khi thay đổi", "the branch in which the unit lay before"
    ),
    "membership.unit_moved_away": ("nhánh mà đơn vị rời đi (`from_branch`)", "the branch that is left (`from_branch`)"),
    "membership.unit_arrived": ("nhánh mà đơn vị đến (`to_branch`)", "the branch in which it arrives (`to_branch`)"),
}  # fmt: skip
"""Who is told, where that is not the branch of `unit` as of the recording."""
TOLD_NOBODY = ("không tỉnh nào; nhánh luôn là `national`", "no province; the branch is always `national`")
_TYPES: Mapping[type, str] = {str: "text", int: "integer", bool: "boolean", UUID: "uuid"}


def page() -> str:
    """The page, as Markdown."""
    return HEAD + "".join(_service(service) for service in SERVICES)


def _service(service: str) -> str:
    events = sorted(events_of(service), key=lambda event: sort_key(name_of(event, "vi")))
    index = "".join(f"- [{name_of(event, 'vi')}](#{_anchor(event)}) · {name_of(event, 'en')}\n" for event in events)
    return f"\n## {TITLES[service]}\n\n`{ROOT}.{service}.{{branch}}.…`\n\n{index}" + "".join(_event(event) for event in events)


def _event(event: type[Event]) -> str:
    lines = [
        f'\n### <a id="{_anchor(event)}"></a>{name_of(event, "vi")} · {name_of(event, "en")}\n',
        f"`{event.topic}` · [v{event.schema_version}](schemas/{schema_name(event)})\n",
        f"{sentence_of(event, 'vi', _field_names('vi'))}  ",
        f"{sentence_of(event, 'en', _field_names('en'))}\n",
    ]
    lines.append(_told(event))
    lines += ["| trường · field | kiểu · type | nghĩa | meaning |", "|---|---|---|---|", *_rows(event), ""]
    return "\n".join(lines)


def _told(event: type[Event]) -> str:
    """Who receives it."""
    unit = meaning_of(event, "unit")
    usual = f"nhánh của `unit` ({unit[0]})", f"the branch of `unit` ({unit[1]})"
    nobody = event.topic.partition(".")[0] not in RECORDING
    vi, en = TOLD_NOBODY if nobody else TOLD.get(event.topic, usual)
    return f"Báo cho · told to: {vi} · {en}\n"


def _rows(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    personal = personal_fields_of(model)
    for name, field in model.model_fields.items():
        vi, en = meaning_of(model, name)
        kind, inner = _kind(field.annotation)
        lock = " 🔒" if name in personal else ""
        absent = "" if field.is_required() else " · có thể vắng · may be absent"
        choices_vi, choices_en = _choices(field.annotation)
        yield f"| `{prefix}{name}`{lock} | {kind}{absent} | {vi}{choices_vi} | {en}{choices_en} |"
        if inner:
            yield from _rows(inner, f"{prefix}{name}[].")


def _kind(annotation: Any) -> tuple[str, type[BaseModel] | None]:
    """What a type is called, and the model within it."""
    if get_origin(annotation) is tuple:
        kind, inner = _kind(get_args(annotation)[0])
        return f"list of {kind}", inner
    if get_origin(annotation) in (UnionType, Union):
        kind, inner = _kind(next(one for one in get_args(annotation) if one is not NoneType))
        return f"{kind} or null", inner
    if get_origin(annotation) is dict:
        return "texts by name", None
    if get_origin(annotation) is Literal or issubclass(annotation, StrEnum):
        return "choice", None
    if issubclass(annotation, BaseModel):
        return "object", annotation
    return _TYPES.get(annotation, annotation.__name__), None


def _choices(annotation: Any) -> tuple[str, str]:
    """The values of a list, with what each means."""
    found = _values(annotation)
    vi = "; ".join(f"`{value.value}` {VALUES[type(value)][value.value][0]}" for value in found)
    return (f": {vi}", f": {', '.join(f'`{value.value}`' for value in found)}") if found else ("", "")


def _values(annotation: Any) -> list[StrEnum]:
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return list(annotation)
    if isinstance(annotation, StrEnum):
        return [annotation]
    return [value for one in get_args(annotation) for value in _values(one)]


def _field_names(language: Literal["vi", "en"]) -> Any:
    word = " hoặc " if language == "vi" else " or "
    return lambda names: word.join(f"`{name}`" for name in names.split("|"))


def _anchor(event: type[Event]) -> str:
    return event.topic.replace(".", "-").replace("_", "-")
