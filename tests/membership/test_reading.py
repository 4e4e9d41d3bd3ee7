"""What is kept of a reading before anything is told?"""

from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest

from chassis.commands import parse
from chassis.refusals import Invalid
from membership.domain.reading import (
    READING,
    NameWithheld,
    ReadingExists,
    ReasonMissing,
    RecordReading,
    at_reader,
    record,
)
from membership.events import PersonalDataRead
from tests.given import given

ID, LAN, ON = UUID(int=1), UUID(int=2), date(2026, 2, 1)
TOLD: dict[str, Any] = {
    "reading_id": ID,
    "reader": "officer-noi-vu",
    "reader_role": "grassroots_officer",
    "reader_unit": "so-noi-vu",
    "member_ids": (LAN,),
    "reason": "Tiếp nhận chuyển sinh hoạt",
}
READ = PersonalDataRead(unit="so-y-te", on=ON, fields=("full_name",), **TOLD)


def reading(**fields: Any) -> RecordReading:
    plain = {"command_id": uuid4(), "unit": "so-y-te", "on": ON.isoformat(), "fields_read": ("full_name",), **TOLD}
    return parse(RecordReading, {**plain, **fields})


def test_who_read_what_of_whom_and_why_is_kept_in_the_members_unit() -> None:
    given(READING).when(record, reading()).then(READ)


def test_a_reading_is_kept_once_a_unit() -> None:
    given(READING, READ).when(record, reading()).refused(ReadingExists, "reading_id")
    assert reading().aggregate_id == reading(reason="Việc khác").aggregate_id != reading(unit="so-noi-vu").aggregate_id


def test_in_ones_own_units_no_reason_is_asked_for() -> None:
    given(READING).when(record, reading(reason=None)).then(READ.model_copy(update={"reason": ""}))


def test_the_right_is_the_readers_own() -> None:
    assert at_reader(None, reading(), None) == "so-noi-vu"


@pytest.mark.parametrize("reason", ["", " ", "Gọi 0912 345 678", "lan@example.vn", "x" * 121])
def test_a_reason_says_something_and_nothing_personal(reason: str) -> None:
    with pytest.raises(Invalid) as caught:
        reading(reason=reason)
    assert caught.value.field == "reason"


def test_what_is_withheld_says_the_same_of_the_unknown_and_the_foreign() -> None:
    withheld, missing = NameWithheld("member_ids"), ReasonMissing()
    assert withheld.facts == {}
    assert missing.field == "reason"
    assert withheld.sentence("vi") != withheld.sentence("en")
