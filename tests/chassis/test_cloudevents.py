"""Is an event on the bus the same event when it comes back, whatever it holds, and is what is none recognised?"""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nats.aio.client import Client

from chassis.cloudevents import (
    BrokenEvent,
    escaped,
    filters_for,
    header_block,
    headers_of,
    readable,
    recorded_event,
    subject_of,
    unescaped,
)
from chassis.events import NotReadable
from chassis.recorded import RecordedEvent

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
texts = st.text(max_size=20)


def event(**values: Any) -> RecordedEvent:
    given_values: dict[str, Any] = {
        "service": "example",
        "position": 7,
        "aggregate_id": UUID(int=5),
        "version": 2,
        "topic": "example.counted",
        "body": b'{"schema_version":1}',
        "metadata_json": b'{"actor":{"id":"a"},"traceparent":"%b"}' % PARENT.encode(),
        "branch": "vinh-phuc",
        "branch_position": 3,
        "recorded_at": datetime(2026, 11, 22, 1, 2, 3, 4, UTC),
    }
    return RecordedEvent(**(given_values | values))


def received(sent: RecordedEvent) -> RecordedEvent:
    """The event as a client makes it of what goes over the wire."""
    headers = Client._parse_header_lines(header_block(sent))
    assert headers == headers_of(sent)
    return recorded_event(subject_of(sent.service, sent.branch, sent.topic), headers, sent.body, sent.position)


@given(st.binary(max_size=30), st.binary(max_size=50), st.datetimes(timezones=st.just(UTC)))
def test_every_event_comes_back_as_it_was(body: bytes, metadata: bytes, recorded_at: datetime) -> None:
    sent = event(body=body, metadata_json=metadata, recorded_at=recorded_at)
    assert received(sent) == sent


@given(texts, st.text(min_size=1, max_size=20))
def test_a_branch_or_topic_of_any_text_comes_back_and_makes_one_subject_of_four_parts_or_more(branch: str, name: str) -> None:
    try:
        sent = event(branch=branch, topic=f"example.{name}")
        sent.branch.encode()
        sent.topic.encode()
    except UnicodeEncodeError:
        return
    assert received(sent) == sent
    subject = subject_of(sent.service, branch, sent.topic)
    assert subject.split(".")[:2] == ["federation", "example"]
    assert subject.isascii()
    assert not set(subject) & set(" *>\t\r\n")
    assert all(subject.split("."))


@given(st.binary())
def test_what_is_escaped_is_plain_and_comes_back(data: bytes) -> None:
    value = escaped(data).decode("ascii")
    assert value == value.strip()
    assert value.isprintable()
    assert unescaped(value) == data


def test_the_attributes_are_those_of_cloudevents() -> None:
    assert headers_of(event()) == {
        "ce-specversion": "1.0",
        "ce-id": "example/7",
        "ce-source": "/federation/example",
        "ce-type": "example.counted",
        "ce-time": "2026-11-22T01:02:03.000004+00:00",
        "ce-subject": "00000000-0000-0000-0000-000000000005",
        "content-type": "application/json",
        "ce-position": "7",
        "ce-aggregateversion": "2",
        "ce-branch": "vinh-phuc",
        "ce-branchposition": "3",
        "ce-metadata": '{"actor":{"id":"a"},"traceparent":"%s"}' % PARENT,  # noqa: UP031
        "traceparent": PARENT,
    }


@pytest.mark.parametrize(
    "metadata", [b"{}", b"", b"no json", b'{"traceparent":""}', b'{"traceparent":"00-x"}', b'{"id":"\\"traceparent\\":\\"00-"}']
)
def test_only_a_trace_that_is_one_is_passed_on(metadata: bytes) -> None:
    assert "traceparent" not in headers_of(event(metadata_json=metadata))


@pytest.mark.parametrize(
    ("change", "flaw"),
    [
        ({"ce-position": None}, "header ce-position is missing"),
        ({"ce-metadata": None}, "header ce-metadata is missing"),
        ({"ce-position": "8"}, "ce-position is 8, the stream's sequence 7"),
        ({"ce-position": "x"}, "a header has no valid value"),
        ({"ce-time": "yesterday"}, "a header has no valid value"),
        ({"ce-time": "2026-11-22T01:02:03"}, "a header has no valid value"),
        ({"ce-subject": "x"}, "a header has no valid value"),
    ],
)
def test_a_message_that_is_no_event_tells_its_flaw_when_it_is_read(change: dict[str, str | None], flaw: str) -> None:
    headers = {name: value for name, value in {**headers_of(event()), **change}.items() if value is not None}
    broken = recorded_event("federation.example.vinh-phuc.counted", headers, b"{}", 7)
    assert isinstance(broken, BrokenEvent)
    assert (broken.flaw, broken.position, broken.topic, broken.id) == (flaw, 7, "example.counted", "example/7")
    assert broken.aggregate_id in (UUID(int=5), UUID(int=0))
    with pytest.raises(NotReadable, match=flaw):
        _ = broken.event
    with pytest.raises(NotReadable):
        _ = broken.metadata


@pytest.mark.parametrize("subject", ["", "federation", "federation.example", "federation.example.x.y.z"])
def test_a_message_without_anything_is_still_answered(subject: str) -> None:
    assert isinstance(recorded_event(subject, None, b"", 3), BrokenEvent)


def test_a_broken_event_that_was_kept_is_broken_again() -> None:
    broken = recorded_event("federation.example.vinh-phuc.counted", {}, b"{}", 7)
    kept = RecordedEvent("example", 7, broken.aggregate_id, 0, broken.topic, b"{}", b"{}", "vinh-phuc", 0, datetime.now(UTC))
    assert isinstance(readable(kept), BrokenEvent)
    assert readable(event()) == event()


def test_filters_name_the_events_of_a_service_in_every_branch() -> None:
    assert filters_for("example", frozenset()) == ["federation.example.>"]
    topics = frozenset({"example.noted", "example.unit.counted"})
    assert filters_for("example", topics) == ["federation.example.*.noted", "federation.example.*.unit.counted"]
