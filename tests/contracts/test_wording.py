"""Does every event say what it is, in Vietnamese and in English, and can one be told in words without a personal value?"""

import unicodedata
from collections.abc import Iterator
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, ClassVar, get_args
from uuid import UUID

import pytest
from pydantic import BaseModel

from awards.events import AwardForm
from chassis.events import Event
from chassis.refusals import Language
from chassis.wording import (
    TERMS,
    VALUES,
    Unworded,
    Words,
    define,
    fields_named,
    meaning_of,
    name_of,
    name_values,
    value_in_words,
)
from congdoan.event_contract.dictionary import TOLD
from congdoan.event_contract.examples import example_of
from congdoan.event_contract.schemas import every_event
from membership.events import HardshipGrade, HardshipRecorded, MemberJoined, TransferAccepted, UnitRenamed
from welfare.events import GiftDistributed

EVERY = every_event()
LANGUAGES: tuple[Language, ...] = ("vi", "en")
WHO = UUID("00000000-0000-0000-0000-000000000001")
each_event = pytest.mark.parametrize("event", EVERY, ids=lambda event: event.topic)


def parts_of(annotation: Any) -> Iterator[Any]:
    """A type, and every type within it."""
    yield annotation
    for part in get_args(annotation):
        yield from parts_of(part)


def models_of(event: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """A class, and every class that stands in one of its fields."""
    yield event
    for field in event.model_fields.values():
        for part in parts_of(field.annotation):
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from models_of(part)


def words_of(event: type[Event]) -> Iterator[Words]:
    """Everything that is said of an event."""
    yield event.vi, event.en
    for model in models_of(event):
        for name, field in model.model_fields.items():
            yield meaning_of(model, name)
            for part in parts_of(field.annotation):
                if isinstance(part, type) and issubclass(part, StrEnum):
                    yield from VALUES[part].values()


@each_event
def test_an_event_has_a_name_and_a_sentence_in_both_languages(event: type[Event]) -> None:
    for language in LANGUAGES:
        assert name_of(event, language)
        assert (event.vi if language == "vi" else event.en).endswith(".")
    assert name_of(event, "en").replace(" ", "").lower() == event.__name__.lower()


@each_event
def test_each_field_and_each_value_has_words_in_both_languages(event: type[Event]) -> None:
    for vi, en in words_of(event):
        for text in (vi, en):
            assert text.strip() == text
            assert text
            assert unicodedata.is_normalized("NFC", text), text
        assert en.isascii() or all(letter in "đồngĐ“”" for letter in en if not letter.isascii()), en


@each_event
def test_a_sentence_names_fields_of_its_event_and_none_that_belongs_to_a_person(event: type[Event]) -> None:
    assert fields_named(event) <= set(event.model_fields) - set(event.personal_fields)


@each_event
def test_an_event_can_be_told_in_words_and_nothing_sealed_or_raw_is_in_them(event: type[Event]) -> None:
    told = example_of(event).event
    for language in LANGUAGES:
        sentence = told.in_words(language)
        assert sentence.endswith(".")
        assert not set("{}<>") & set(sentence)
        assert "of nobody" not in sentence


def test_names_of_events_are_not_taken_twice() -> None:
    for language in LANGUAGES:
        names = [name_of(event, language) for event in EVERY]
        assert sorted(set(names)) == sorted(names)


def test_whoever_is_told_otherwise_is_named_in_the_dictionary() -> None:
    assert {event.topic for event in EVERY if "branch_in" in vars(event)} <= TOLD.keys()


def test_a_member_who_joined_is_told_of_without_the_name() -> None:
    event = MemberJoined(
        unit="so-y-te", on=date(2026, 1, 2), member_id=WHO, full_name="Nguyễn Thị Lan", national_id="001085000001",
        national_id_hash="x", birth_date=date(1985, 3, 8), phone=None, email=None,
    )  # fmt: skip
    assert event.in_words("vi") == f"Đoàn viên {WHO} được kết nạp tại đơn vị so-y-te."
    assert event.in_words("en") == f"{WHO} became a member in the unit so-y-te."


@pytest.mark.parametrize(
    ("member_id", "vi", "en"),
    [
        (WHO, f"1.300.000 đồng (tiền mặt) được trao cho {WHO}", f"1,300,000 đồng (cash) was handed to {WHO}"),
        (None, "1.300.000 đồng (tiền mặt) được trao cho so-y-te", "1,300,000 đồng (cash) was handed to so-y-te"),
    ],
)
def test_the_first_field_with_a_value_is_told(member_id: UUID | None, vi: str, en: str) -> None:
    example = example_of(GiftDistributed).event
    assert isinstance(example, GiftDistributed)
    event = example.model_copy(update={"member_id": member_id})
    assert vi in event.in_words("vi")
    assert en in event.in_words("en")


@pytest.mark.parametrize(
    ("field", "value", "vi", "en"),
    [
        ("on", date(2026, 1, 2), "02/01/2026", "2026-01-02"),
        ("at", datetime(2026, 1, 2, 3, 4, tzinfo=UTC), "03:04 ngày 02/01/2026 (UTC)", "2026-01-02 03:04 (UTC)"),
        ("year", 2026, "2026", "2026"),
        ("accepted", True, "có", "yes"),
        ("accepted", False, "không", "no"),
        ("parent", "", "không có", "none"),
        ("at_most", None, "không có", "none"),
        ("units", (), "không có", "none"),
        ("units", ("a", "b"), "a, b", "a, b"),
        ("form", AwardForm.CERTIFICATE_OF_MERIT, "bằng khen", "certificate of merit"),
        ("grades", (HardshipGrade.SPECIAL_HARDSHIP,), "đặc biệt khó khăn", "special hardship"),
    ],
)
def test_a_value_is_told_as_readers_of_the_language_write_it(field: str, value: object, vi: str, en: str) -> None:
    assert (value_in_words(field, value, "vi"), value_in_words(field, value, "en")) == (vi, en)


def test_a_value_that_looks_like_a_field_stays_what_it_is() -> None:
    event = UnitRenamed(unit="so-y-te", on=date(2026, 1, 2), name="{former_name}", former_name="x")
    assert event.in_words("en") == "The unit so-y-te is now called “{former_name}”, formerly “x”."


def test_a_field_of_special_meaning_says_so_and_every_other_one_means_the_same_everywhere() -> None:
    assert meaning_of(TransferAccepted, "unit") == ("mã đơn vị mới", "code of the new unit")
    assert meaning_of(MemberJoined, "unit") == Event.meanings["unit"]
    assert meaning_of(MemberJoined, "member_id") == meaning_of(HardshipRecorded, "member_id") == TERMS["member_id"]


def test_every_term_is_used() -> None:
    used = {name for event in EVERY for model in models_of(event) for name in model.model_fields}
    assert used >= TERMS.keys()


def test_what_has_no_words_is_noticed() -> None:
    class Silent(Event, topic="test.silent"):
        """Says nothing."""

        nobody_said_what_this_is: int

    silent = Silent(unit="x", on=date(2026, 1, 2), nobody_said_what_this_is=1)
    with pytest.raises(Unworded, match="Silent"):
        silent.in_words("vi")
    with pytest.raises(Unworded, match=r"Silent\.nobody_said_what_this_is"):
        meaning_of(Silent, "nobody_said_what_this_is")


def test_nothing_is_said_twice() -> None:
    class Rank(StrEnum):
        """Two of them."""

        ONE = "one"
        TWO = "two"

    with pytest.raises(Unworded, match="member_id said twice"):
        define(member_id=("mã", "id"), never_said=("ai", "who"))
    with pytest.raises(Unworded, match="HardshipGrade"):
        name_values(HardshipGrade, "khó khăn", "đặc biệt khó khăn")
    with pytest.raises(Unworded, match="Rank"):
        name_values(Rank, "một")


class WithSpecial(BaseModel):
    """A field that means something special here."""

    meanings: ClassVar[dict[str, Words]] = {"reason": ("căn cứ", "ground")}
    reason: str


def test_a_class_within_an_event_may_say_what_its_fields_mean() -> None:
    assert meaning_of(WithSpecial, "reason") == ("căn cứ", "ground")
