"""Is a recorded event what its row says, and its typed event the same whichever way its bytes are decoded?"""

from dataclasses import FrozenInstanceError, fields, replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.events import SEALED, Event, NotReadable, Personal, decode
from chassis.recorded import RecordedEvent

AT = datetime(2026, 1, 1, tzinfo=UTC)


class Noted(Event, topic="recorded.noted", subject="person_id", schema_version=2):
    """Something was noted of a person, in a field of another name since."""

    upcasters = {1: lambda data: {**data, "remark": data.get("note")}}  # noqa: RUF012 - as every event declares them

    person_id: UUID
    remark: str
    name: Personal[str | None]
    born: Personal[date | None]


def recorded(body: bytes = b"{}") -> RecordedEvent:
    return RecordedEvent("example", 7, UUID(int=1), 2, Noted.topic, body, b"{}", "vinh-phuc", 3, AT)


def outcome_of(read: object) -> object:
    try:
        return read()  # type: ignore[operator]
    except NotReadable as error:
        return str(error)


def test_a_recorded_event_has_each_of_its_fields_and_keeps_them() -> None:
    values: tuple[Any, ...] = ("example", 7, UUID(int=1), 2, "topic", b"body", b"metadata", "vinh-phuc", 3, AT)
    event, names = RecordedEvent(*values), [field.name for field in fields(RecordedEvent) if field.init]

    assert [getattr(event, name) for name in names] == list(values)
    assert replace(event, version=9).version == 9
    assert event != replace(event, body=b"other")
    assert len({event, RecordedEvent(*values)}) == 1
    with pytest.raises(FrozenInstanceError):
        event.version = 3  # type: ignore[misc]


def test_the_typed_event_is_decoded_once() -> None:
    event = recorded(Noted(unit="u", on=AT.date(), person_id=UUID(int=5), remark="", name=None, born=None).encode())
    assert event.event is event.event


ID = str(UUID(int=5)).encode()
VALUES = [b"null", b'""', b'"Lan"', b'"1990-02-03"', b"7", b'"%bAAAA"' % SEALED.encode(), b'"sealed:2:x"']
OPENINGS = [b'{"schema_version":2,', b'{ "schema_version":2,', b'{"schema_version":1,', b'{"schema_version":3,', b"{", b"["]
TEXTS = [b'"x"', b'"\\"sealed:1:y"', b'"\xff"', b"9"]


@given(
    opening=st.sampled_from(OPENINGS), text=st.sampled_from(TEXTS), known=st.sampled_from([b"remark", b"note"]),
    name=st.sampled_from(VALUES), born=st.sampled_from(VALUES), end=st.sampled_from([b"}", b"", b"}}"]),
)  # fmt: skip
def test_the_quick_way_to_decode_and_the_thorough_one_come_to_the_same(
    opening: bytes, text: bytes, known: bytes, name: bytes, born: bytes, end: bytes
) -> None:
    rest = b'"unit":"u","on":"2026-01-01","person_id":"%b","%b":%b,"name":%b,"born":%b' % (ID, known, text, name, born)
    body = opening + rest + end

    quick = outcome_of(lambda: decode(Noted.topic, body))
    thorough = outcome_of(lambda: Noted.decode_body(body))
    if isinstance(thorough, str) and isinstance(quick, str):
        return  # both refuse; why may be told in other words
    assert quick == thorough
