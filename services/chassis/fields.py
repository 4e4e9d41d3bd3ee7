"""Which rule must a value of a field keep, wherever it comes in?"""

import re
import unicodedata
from datetime import date
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from chassis.commands import FieldRule

EARLIEST = date(1929, 7, 28)
"""The confederation was founded on this day; nothing in its history is older."""


def _nfc(text: str) -> str:
    if not unicodedata.is_normalized("NFC", text):
        raise FieldRule("phải ở dạng Unicode NFC", "must be Unicode NFC")
    # Almost every text is printable, which is known at once; only line breaks and odd spaces are looked at one by one.
    if not text.isprintable() and any(
        unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn") and char != "\n" for char in text
    ):
        raise FieldRule("có ký tự điều khiển", "contains control characters")
    return text


def _trimmed(text: str) -> str:
    if text != text.strip():
        raise FieldRule("thừa khoảng trắng ở đầu hoặc cuối", "begins or ends with white space")
    return text


def _in_history(day: date) -> date:
    if not EARLIEST <= day <= date(2199, 12, 31):
        raise FieldRule("ngoài khoảng thời gian cho phép", "is outside of the time this register covers")
    return day


def _iso_day(value: object) -> object:
    if isinstance(value, str) and not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        raise FieldRule("phải là ngày dạng YYYY-MM-DD", "must be a day, YYYY-MM-DD")
    return value


Line = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_nfc), AfterValidator(_trimmed)]
"""One line of text: a name, a title, a number of a decision."""

Text = Annotated[str, StringConstraints(max_length=4_000), AfterValidator(_nfc)]
"""Several lines of text; may be empty."""

Code = Annotated[str, StringConstraints(min_length=2, max_length=40, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
"""The code of a unit, as in a subject or a path: lower-case words joined by hyphens."""

Vnd = Annotated[int, Field(strict=True, gt=0, le=10**15)]
"""An amount of money in whole đồng, above zero."""

Day = Annotated[date, BeforeValidator(_iso_day), AfterValidator(_in_history)]
"""A calendar day."""

Year = Annotated[int, Field(ge=1929, le=2199)]
"""A calendar year."""

Count = Annotated[int, Field(ge=1, le=1_000_000)]
"""How many, at least one."""

NationalId = Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$")]
"""Căn cước công dân: twelve digits (Law on Identification 26/2023/QH15, art. 12)."""
