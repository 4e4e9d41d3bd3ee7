"""What does a message say? Vietnamese first, English second; only parameters that name no person.

Words are kept in Unicode NFC. A unit is named by its name where the tree knows it, else by its code.
"""

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from string import Template as Text

from chassis.refusals import Language
from notifications.events import Template


@dataclass(frozen=True, slots=True)
class Words:
    """A message in one language."""

    subject: str
    text: str


_WORDS: Mapping[Template, Mapping[Language, tuple[str, str]]] = {
    Template.REPORT_DUE: {
        "vi": (
            "Nhắc nộp báo cáo: $title",
            "Báo cáo “$title” (năm $year) của $unit đến hạn nộp ngày $due_on. Đề nghị đơn vị nộp đúng hạn.",
        ),
        "en": (
            "Report due: $title",
            "The report “$title” (year $year) of $unit is due on $due_on. Please hand it in on time.",
        ),
    },
    Template.REPORT_OVERDUE: {
        "vi": (
            "Báo cáo đã quá hạn: $title",
            "Báo cáo “$title” (năm $year) của $unit đã quá hạn nộp ngày $due_on. "
            "Đề nghị đơn vị nộp ngay; sau ba ngày quá hạn, công đoàn cấp trên sẽ được thông báo.",
        ),
        "en": (
            "Report overdue: $title",
            "The report “$title” (year $year) of $unit was due on $due_on and is not in. "
            "Please hand it in now; three days after the due day the superior union is told.",
        ),
    },
    Template.REPORT_ESCALATED: {
        "vi": (
            "Đơn vị trực thuộc chậm báo cáo: $title",
            "$unit chưa nộp báo cáo “$title” (năm $year), hạn nộp ngày $due_on. Đề nghị công đoàn cấp trên đôn đốc.",
        ),
        "en": (
            "A unit below is late with a report: $title",
            "$unit has not handed in the report “$title” (year $year), which was due on $due_on. Please follow it up.",
        ),
    },
    Template.DATA_REQUEST_ANSWER_DUE: {
        "vi": (
            "Cần trả lời yêu cầu về dữ liệu cá nhân: $request_kind",
            "Yêu cầu $request_kind (mã $request_id) gửi đến $unit phải được trả lời chậm nhất ngày $due_on. "
            "Đề nghị cán bộ phụ trách trả lời đúng hạn.",
        ),
        "en": (
            "Data request to be answered: $request_kind",
            "The request $request_kind (id $request_id) received by $unit must be answered by $due_on. "
            "The officer in charge is asked to answer it in time.",
        ),
    },
    Template.DATA_REQUEST_ANSWER_LATE: {
        "vi": (
            "Đơn vị trực thuộc chậm trả lời yêu cầu về dữ liệu cá nhân: $request_kind",
            "$unit chưa trả lời yêu cầu $request_kind (mã $request_id), hạn trả lời ngày $due_on. "
            "Đề nghị công đoàn cấp trên đôn đốc.",
        ),
        "en": (
            "A unit below is late with answering a data request: $request_kind",
            "$unit has not answered the request $request_kind (id $request_id), which was to be answered by $due_on. "
            "Please follow it up.",
        ),
    },
    Template.DATA_REQUEST_CARRYING_OUT_DUE: {
        "vi": (
            "Cần thực hiện yêu cầu về dữ liệu cá nhân: $request_kind",
            "Yêu cầu $request_kind (mã $request_id) gửi đến $unit phải được thực hiện xong chậm nhất ngày $due_on. "
            "Đề nghị cán bộ phụ trách thực hiện đúng hạn.",
        ),
        "en": (
            "Data request to be carried out: $request_kind",
            "The request $request_kind (id $request_id) received by $unit must be carried out by $due_on. "
            "The officer in charge is asked to carry it out in time.",
        ),
    },
    Template.DATA_REQUEST_CARRYING_OUT_LATE: {
        "vi": (
            "Đơn vị trực thuộc chậm thực hiện yêu cầu về dữ liệu cá nhân: $request_kind",
            "$unit chưa thực hiện xong yêu cầu $request_kind (mã $request_id), hạn thực hiện ngày $due_on. "
            "Đề nghị công đoàn cấp trên đôn đốc.",
        ),
        "en": (
            "A unit below is late with carrying out a data request: $request_kind",
            "$unit has not carried out the request $request_kind (id $request_id), which was due on $due_on. "
            "Please follow it up.",
        ),
    },
}

REQUEST_KINDS: Mapping[str, Mapping[Language, str]] = {
    "access": {"vi": "xem dữ liệu", "en": "to see the data"},
    "correction": {"vi": "chỉnh sửa dữ liệu", "en": "to correct the data"},
    "withdrawal": {"vi": "rút lại sự đồng ý", "en": "to withdraw consent"},
    "restriction": {"vi": "hạn chế xử lý dữ liệu", "en": "to restrict processing"},
    "erasure": {"vi": "xoá dữ liệu", "en": "to erase the data"},
}
"""What a data request asks for, by membership's name of it; one that is not here yet is shown by that name."""


def words(template: Template, parameters: Mapping[str, str], name_of: Callable[[str], str], language: Language) -> Words:
    """The message of a template in one language.

    :param name_of: the name of a unit by its code.
    """
    values = {name: _shown(name, value, name_of, language) for name, value in parameters.items()}
    subject, text = _WORDS[template][language]
    return Words(_filled(subject, values), _filled(text, values))


def mail_words(template: Template, parameters: Mapping[str, str], name_of: Callable[[str], str], greeting: str) -> Words:
    """The message as a mail: subject in Vietnamese, text in both languages.

    :param greeting: whom it addresses; may be a person's name, and is kept nowhere.
    """
    vi, en = (words(template, parameters, name_of, language) for language in ("vi", "en"))
    text = f"Kính gửi {greeting},\n\n{vi.text}\n\n---\n\n{en.subject}\n\n{en.text}\n"
    return Words(vi.subject, unicodedata.normalize("NFC", text))


def _shown(name: str, value: str, name_of: Callable[[str], str], language: Language) -> str:
    match name:
        case "unit":
            return name_of(value)
        case "due_on":
            day = date.fromisoformat(value)
            return day.strftime("%d/%m/%Y") if language == "vi" else day.isoformat()
        case "request_kind" if value in REQUEST_KINDS:
            return REQUEST_KINDS[value][language]
    return value


def _filled(pattern: str, values: Mapping[str, str]) -> str:
    return unicodedata.normalize("NFC", Text(pattern).substitute(values))
