"""Is each way in which a stream can differ from what is recorded told, and nothing else?"""

from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from chassis.cloudevents import headers_of, subject_of
from chassis.ledger.leaf import leaf_hash
from chassis.reconciliation.comparing import Announced, Kind, differences, says
from chassis.recorded import Actor, Metadata, RecordedEvent
from chassis.streams import altered, closed, is_closed, stream_of

METADATA = Metadata("vp-001", date(2026, 1, 1), Actor("nguyễn.văn.ổn%", "member", "vp-001"), None, "c", "c").encode()
AT = datetime(2026, 1, 1, tzinfo=UTC)
POSITIONS = range(1, 9)


def recorded(position: int) -> RecordedEvent:
    return RecordedEvent(
        "example", position, UUID(int=position), 1, "example.counted", b'{"number":1}', METADATA, "vinh-phuc", position, AT
    )


def announced(event: RecordedEvent) -> Announced:
    headers = {**headers_of(event), "Nats-Batch-Id": "b", "Nats-Batch-Sequence": "1"}
    return Announced(event.position, subject_of(event.service, event.branch, event.topic), headers, event.body)


EVENTS = [recorded(position) for position in POSITIONS]
MESSAGES = [announced(event) for event in EVENTS]


def test_what_the_publisher_sends_is_no_difference() -> None:
    assert list(differences(EVENTS, MESSAGES, POSITIONS)) == []


@given(missing=st.sets(st.sampled_from(POSITIONS)), lost=st.sets(st.sampled_from(POSITIONS)))
def test_what_is_missing_on_either_side_is_told_by_its_position(missing: set[int], lost: set[int]) -> None:
    found = differences(
        [event for event in EVENTS if event.position not in lost],
        [message for message in MESSAGES if message.sequence not in missing],
        POSITIONS,
    )
    expected = dict.fromkeys(missing - lost, Kind.MISSING) | dict.fromkeys(lost - missing, Kind.UNRECORDED)
    assert {one.position: one.kind for one in found} == expected


@given(position=st.sampled_from(POSITIONS), part=st.sampled_from(["subject", "body", "header", "one more", "one less", "place"]))
def test_a_message_of_which_anything_is_altered_is_told_with_what_it_says(position: int, part: str) -> None:
    message = MESSAGES[position - 1]
    headers = dict(message.headers)
    match part:
        case "subject":
            message = replace(message, subject="federation.example.ha-noi.counted")
        case "body":
            message = replace(message, body=message.body + b" ")
        case "header":
            message = replace(message, headers=headers | {"ce-time": "2001-01-01T00:00:00+00:00"})
        case "one more":
            message = replace(message, headers=headers | {"ce-extra": "1"})
        case "one less":
            message = replace(message, headers={name: value for name, value in headers.items() if name != "ce-branch"})
        case "place":
            message = replace(MESSAGES[position % len(MESSAGES)], sequence=position)
    (found,) = differences(EVENTS, [*MESSAGES[: position - 1], message, *MESSAGES[position:]], POSITIONS)
    assert (found.position, found.kind, found.stored_hash) == (position, Kind.CHANGED, leaf_hash(EVENTS[position - 1]))
    assert found.message == message.text
    assert message.body in message.text
    assert not says(message, EVENTS[position - 1])


def test_a_stream_is_as_it_must_be_whether_it_is_closed_or_not() -> None:
    stream = stream_of("example")
    for one in (stream, closed(stream)):
        assert altered(one.configuration, stream) == {}
    assert is_closed(closed(stream).configuration)
    assert not is_closed(stream.configuration)


def test_what_would_change_what_a_stream_holds_is_told() -> None:
    stream = stream_of("example")
    found = {**stream.configuration, "deny_delete": False, "max_age": 5, "sealed": True, "republish": {"dest": "elsewhere"}}
    assert altered(found, stream) == {"deny_delete": True, "max_age": 0, "sealed": None, "republish": None}
