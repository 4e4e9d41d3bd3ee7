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
    "events": ("Sự kiện công bố.", "Published events."),
    "events contract": (
        "Ghi lại AsyncAPI và JSON Schema của mọi sự kiện; từ chối thay đổi làm hỏng bên đọc (mã thoát 1).",
        "Write AsyncAPI and the JSON Schemas of every event anew; a breaking change is refused (exit code 1).",
    ),
    "events contract:into": ("Thư mục ghi vào.", "The folder to write to."),
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
