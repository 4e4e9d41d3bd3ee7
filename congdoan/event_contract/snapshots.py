"""What does a province ask for a fast start, and what is it answered? The units and members of its branch, page by page."""

from typing import Any

from chassis.wording import meaning_of
from congdoan.event_contract.schemas import Json
from membership.events import HardshipGrade, Level, MemberJoined, UnitEstablished

_DAY = {"type": "string", "format": "date"}
_NO_DAY = {"type": ["string", "null"], "format": "date"}
_POSITION = {"type": "integer", "minimum": 0}


def schemas(name: str) -> Json:
    """What is answered: a page, or a refusal; by their names."""
    return {f"{name}.page": _page(), f"{name}.refusal": _refusal()}


def messages(name: str) -> Json:
    """The messages of request and answer, by their names."""
    return {
        f"{name}.request": {
            "name": f"{name}.request",
            "title": "Snapshot request",
            "summary": "Asks for a page: the first, or the one after `after`; of the whole branch, or of what lies under `unit`.",
            "payload": _object(
                {
                    "after": {"type": "string", "description": "`next` of the page before, as it is; absent for the first page."},
                    "unit": {"type": "string", "description": "Code of a unit of the branch; the same on every page."},
                    "lang": {"type": "string", "enum": ["vi", "en"], "description": "Language of a refusal."},
                },
                required=[],
            ),
            "examples": [{"name": "first", "payload": {}}, {"name": "arrived", "payload": {"unit": "so-y-te"}}],
        },
        f"{name}.page": {
            "name": f"{name}.page",
            "title": "Snapshot page",
            "summary": "Units first, then members; no personal value. Or a refusal.",
            "payload": {"oneOf": [{"$ref": f"#/components/schemas/{one}"} for one in schemas(name)]},
            "examples": [{"name": "only page", "payload": _example()}, {"name": "refusal", "payload": _refused()}],
        },
    }


def _page() -> Json:
    fields: Json = {
        "position": {
            **_POSITION,
            "description": "Branch position of membership that the first page shows: take the events after it.",
        },
        "recorded_at": {"type": "string", "format": "date-time", "description": "When the first page was made."},
        "units": {"type": "array", "items": _unit()},
        "members": {"type": "array", "items": _member()},
        "next": {"type": ["string", "null"], "description": "Ask with it for the next page; null on the last."},
    }
    return _object(fields)


def _unit() -> Json:
    told = {name: meaning_of(UnitEstablished, name) for name in ("name", "level", "line_parent", "functional_parent")}
    fields: Json = {"unit": {"type": "string", "description": "code of the unit", "x-vi": "mã đơn vị"}}
    fields |= {name: {"type": "string", "description": words[1], "x-vi": words[0]} for name, words in told.items()}
    fields["level"] = {**fields["level"], "enum": list(Level)}
    days: Json = {
        "established_on": {**_DAY, "description": "the day it was established", "x-vi": "ngày thành lập"},
        "dissolved_on": {**_NO_DAY, "description": "the day it was dissolved, or null", "x-vi": "ngày giải thể, hoặc null"},
    }
    return _object({**fields, **days})


def _member() -> Json:
    _, what = meaning_of(MemberJoined, "member_id")
    fields: Json = {
        "member_id": {"type": "string", "format": "uuid", "description": what, "x-vi": "mã đoàn viên"},
        "unit": {"type": "string", "description": "code of its unit", "x-vi": "mã đơn vị"},
        "joined_on": {**_DAY, "description": "the day the member joined the union", "x-vi": "ngày vào công đoàn"},
        "left_on": {**_NO_DAY, "description": "the day the member left, or null", "x-vi": "ngày thôi sinh hoạt, hoặc null"},
        "hardship": {
            "type": ["string", "null"],
            "enum": [*HardshipGrade, None],
            "description": "the grade of hardship, or null",
            "x-vi": "mức độ khó khăn, hoặc null",
        },
    }
    return _object(fields)


def _refusal() -> Json:
    error: Json = {
        "rule": {"type": "string", "description": "Stable name of the rule, for programs."},
        "message": {"type": "string", "description": "For people."},
        "retry_after_s": {"type": "number", "description": "Ask again after so many seconds; absent where that does not help."},
    }
    return _object({"error": _object(error, required=["rule", "message"])})


def _object(properties: Json, required: list[str] | None = None) -> Json:
    return {"type": "object", "properties": properties, "required": list(properties) if required is None else required}


def _example() -> Json:
    unit: dict[str, Any] = {
        "unit": "so-y-te", "name": "Công đoàn cơ sở Sở Y tế", "level": "grassroots", "line_parent": "vinh-phuc",
        "functional_parent": "", "established_on": "1998-03-02", "dissolved_on": None,
    }  # fmt: skip
    member: dict[str, Any] = {
        "member_id": "427ed426-b5d8-5aca-b05c-6c850728606b", "unit": "so-y-te", "joined_on": "2020-05-12", "left_on": None,
        "hardship": "hardship",
    }  # fmt: skip
    return {"position": 412, "recorded_at": "2026-01-15T02:30:12.345678Z", "units": [unit], "members": [member], "next": None}


def _refused() -> Json:
    return {"error": {"rule": "UnitElsewhere", "message": "Đơn vị này không thuộc nhánh của bên hỏi."}}
