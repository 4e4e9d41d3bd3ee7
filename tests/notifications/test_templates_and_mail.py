"""What does a message say, and is it a mail that any server and reader takes?"""

import unicodedata
from datetime import UTC, datetime
from email import message_from_bytes, policy
from typing import Any
from uuid import UUID

import pytest

from membership.events import DataRequestKind
from notifications.domain.delivery import PARAMETERS
from notifications.events import Template
from notifications.mail import MailRefused, SmtpSession, mail, message_id
from notifications.templates import REQUEST_KINDS, Words, mail_words, words

VALUES = {"unit": "ba-dinh", "title": "Báo cáo $tổng kết", "year": "2023", "due_on": "2023-12-15"}
OF_REPORTS = (Template.REPORT_DUE, Template.REPORT_OVERDUE, Template.REPORT_ESCALATED)
NAMES = {"ba-dinh": unicodedata.normalize("NFD", "CĐCS Ba Đình")}
SENDER, WHICH = "congdoan@example.vn", UUID(int=51)
OF_A_REQUEST = {"unit": "ba-dinh", "request_id": str(WHICH), "request_kind": "erasure", "due_on": "2023-12-15"}
NOW = datetime(2025, 3, 1, 2, 0, tzinfo=UTC)


def name_of(code: str) -> str:
    return NAMES.get(code, code)


@pytest.mark.parametrize("template", list(Template))
@pytest.mark.parametrize("language", ["vi", "en"])
def test_every_template_tells_all_it_is_given_in_both_languages(template: Template, language: Any) -> None:
    values = VALUES if template in OF_REPORTS else OF_A_REQUEST
    told = words(template, values, name_of, language)

    assert PARAMETERS[template] == values.keys()
    assert "CĐCS Ba Đình" in told.text
    assert ("15/12/2023" if language == "vi" else "2023-12-15") in told.text
    assert unicodedata.is_normalized("NFC", told.subject + told.text)
    if template in OF_REPORTS:
        assert "Báo cáo $tổng kết" in told.subject
        assert "2023" in told.text
    else:
        assert REQUEST_KINDS["erasure"][language] in told.subject
        assert REQUEST_KINDS["erasure"][language] in told.text
        assert str(WHICH) in told.text


def test_what_a_data_request_asks_for_is_said_in_words_and_one_of_a_later_kind_by_its_name() -> None:
    assert REQUEST_KINDS.keys() == {kind.value for kind in DataRequestKind}
    told = words(Template.DATA_REQUEST_ANSWER_DUE, {**OF_A_REQUEST, "request_kind": "portability"}, name_of, "en")
    assert "portability" in told.subject


def test_a_mail_is_vietnamese_first_english_second_and_keeps_its_letters() -> None:
    told = mail_words(Template.REPORT_OVERDUE, VALUES, name_of, "Công đoàn Ba Đình")
    sent = mail(WHICH, SENDER, "Công đoàn Ba Đình", "vp@badinh.example", told, NOW).as_bytes()
    read = message_from_bytes(sent, policy=policy.default)
    body = read.get_content()

    assert read["Subject"] == "Báo cáo đã quá hạn: Báo cáo $tổng kết"
    assert read["To"].addresses[0].display_name == "Công đoàn Ba Đình"
    assert body.startswith("Kính gửi Công đoàn Ba Đình,")
    assert 0 < body.index("quá hạn nộp") < body.index("was due on")
    assert sent.isascii()
    assert all(len(line) <= 998 for line in sent.splitlines())


def test_the_message_id_is_the_same_at_every_attempt_and_no_machine_answers() -> None:
    first, second = (mail(WHICH, SENDER, "", "vp@badinh.example", Words("s", "t"), NOW) for _ in range(2))

    assert first["Message-ID"] == second["Message-ID"] == message_id(WHICH, SENDER) == f"<{WHICH}@example.vn>"
    assert first["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize("address", ["", "nobody", "a@b\nBcc: c@d.vn", "@d.vn"])
def test_an_address_that_cannot_stand_in_a_mail_is_refused_for_good_and_not_repeated(address: str) -> None:
    with pytest.raises(MailRefused) as caught:
        mail(WHICH, SENDER, "", address, Words("s", "t"), NOW)

    assert caught.value.permanent
    assert "nobody" not in str(caught.value)


@pytest.mark.parametrize("name", ["Lê\nBcc: x@y.vn", "Lê\r\nBcc: x@y.vn"])
def test_a_name_cannot_smuggle_a_header_in(name: str) -> None:
    with pytest.raises(MailRefused):
        mail(WHICH, SENDER, name, "a@b.vn", Words("s", "t"), NOW)


@pytest.mark.parametrize("url", ["http://mail", "smtp://", "mail:25"])
def test_a_mail_server_is_named_by_an_smtp_url(url: str) -> None:
    with pytest.raises(ValueError, match="CONGDOAN_SMTP_URL"):
        SmtpSession(url)
