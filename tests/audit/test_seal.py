"""Is what follows on sealed, and nothing else; and does the seal break when a single byte changes?"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.domain.seal import GENESIS, LogBroken, Tail, seal
from chassis.cloudevents import BrokenEvent, headers_of, recorded_event, subject_of
from chassis.ledger.leaf import canonical, leaf_hash
from chassis.recorded import RecordedEvent
from tests.audit.histories import HISTORIES
from tests.audit.recording import Recording

EVENT = RecordedEvent(
    "membership", 7, UUID("0190a6b2-0000-7000-8000-000000000001"), 3, "membership.member_left", b'{"schema_version":1}',
    b'{"unit":"ha-noi"}', "ha-noi", 5, datetime(2024, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
)  # fmt: skip
EVENTS = st.builds(
    RecordedEvent,
    st.sampled_from(["membership", "welfare"]), st.integers(1, 2**53), st.uuids(), st.integers(1, 2**31 - 1),
    st.text(max_size=30), st.binary(max_size=30), st.binary(max_size=30), st.text(max_size=10), st.integers(1, 2**53),
    st.datetimes(timezones=st.just(UTC)),
)  # fmt: skip


def test_the_canonical_bytes_are_those_that_the_format_promises() -> None:
    assert canonical(EVENT) == bytes.fromhex(
        "0000000a" "6d656d62657273686970"  # membership
        "0000000000000007"
        "0190a6b2000070008000000000000001"
        "00000003"
        "00000016" "6d656d626572736869702e6d656d6265725f6c656674"  # membership.member_left
        "00000006" "68612d6e6f69"  # ha-noi
        "0000000000000005"
        "00062a99ba0c5fff"
        "00000011" "7b22756e6974223a2268612d6e6f69227d"  # {"unit":"ha-noi"}
        "00000014" "7b22736368656d615f76657273696f6e223a317d"  # {"schema_version":1}
    )  # fmt: skip


def test_the_leaf_is_one_of_a_merkle_tree_of_rfc_6962() -> None:
    assert leaf_hash(EVENT) == sha256(b"\0" + canonical(EVENT)).digest()


@given(EVENTS, EVENTS)
def test_no_two_events_share_their_bytes(one: RecordedEvent, other: RecordedEvent) -> None:
    assert (canonical(one) == canonical(other)) == (one == other)


CHANGES: dict[str, Callable[[RecordedEvent], Any]] = {
    "service": lambda event: "welfare",
    "position": lambda event: event.position + 1,
    "aggregate_id": lambda event: UUID(int=event.aggregate_id.int ^ 1),
    "version": lambda event: event.version + 1,
    "topic": lambda event: event.topic + "x",
    "branch": lambda event: event.branch + "x",
    "branch_position": lambda event: event.branch_position + 1,
    "recorded_at": lambda event: event.recorded_at + timedelta(microseconds=1),
}


@pytest.mark.parametrize("field", CHANGES)
def test_the_leaf_changes_with_every_field(field: str) -> None:
    assert leaf_hash(replace(EVENT, **{field: CHANGES[field](EVENT)})) != leaf_hash(EVENT)


@pytest.mark.parametrize("field", ["body", "metadata_json"])
def test_the_leaf_changes_with_every_bit_of_the_bytes_received(field: str) -> None:
    data = getattr(EVENT, field)
    hashes = {leaf_hash(EVENT)}
    for place in range(len(data) * 8):
        changed = bytearray(data)
        changed[place // 8] ^= 1 << place % 8
        hashes.add(leaf_hash(RecordedEvent(**{**vars(EVENT), field: bytes(changed)})))

    assert len(hashes) == 1 + len(data) * 8


def test_moving_a_byte_from_one_part_to_the_next_changes_the_leaf() -> None:
    assert leaf_hash(replace(EVENT, metadata_json=b"ab", body=b"c")) != leaf_hash(replace(EVENT, metadata_json=b"a", body=b"bc"))
    assert leaf_hash(replace(EVENT, topic="ab", branch="c")) != leaf_hash(replace(EVENT, topic="a", branch="bc"))


def test_what_comes_over_the_stream_has_the_leaf_of_what_was_recorded() -> None:
    event = replace(EVENT, metadata_json='{"unit":"ha-noi","actor":{"id":"Nguyễn %41"}}'.encode())
    received = recorded_event(subject_of(event.service, event.branch, event.topic), headers_of(event), event.body, event.position)

    assert leaf_hash(received) == leaf_hash(event)


@settings(max_examples=40, deadline=None)
@given(HISTORIES, st.integers(1, 7))
def test_a_history_is_sealed_alike_in_whatever_batches_it_comes(recording: Recording, size: int) -> None:
    events = recording.of("membership")
    whole = seal(Tail("membership"), events)
    tail = Tail("membership")
    parts = [entry for start in range(0, len(events), size) for entry in seal(tail, events[start : start + size])]

    assert parts == whole
    assert [entry.position for entry in whole] == list(range(1, len(events) + 1))
    chain = GENESIS
    for event, entry in zip(events, whole, strict=True):
        chain = sha256(chain + leaf_hash(event)).digest()
        assert (entry.chain_hash, entry.unit) == (chain, event.event.unit)


@settings(max_examples=40, deadline=None)
@given(HISTORIES, st.data())
def test_an_event_that_was_changed_changes_every_chain_hash_from_there_on(recording: Recording, data: st.DataObject) -> None:
    events = recording.of("membership")
    at = data.draw(st.integers(0, len(events) - 1))
    changed = [*events[:at], replace(events[at], body=events[at].body + b" "), *events[at + 1 :]]

    before, after = seal(Tail("membership"), events), seal(Tail("membership"), changed)

    assert [one.chain_hash == other.chain_hash for one, other in zip(before, after, strict=True)] == [
        place < at for place in range(len(events))
    ]


FLAWS: dict[str, tuple[Callable[[RecordedEvent], RecordedEvent], str]] = {
    "a position is missing": (lambda event: replace(event, position=event.position + 1), "position 4 follows on 2"),
    "a position is repeated": (lambda event: replace(event, position=event.position - 1), "position 2 follows on 2"),
    "a branch position is missing": (
        lambda event: replace(event, branch_position=event.branch_position + 1),
        "branch position 4 follows on 2",
    ),
    "a version is missing": (
        lambda event: replace(event, version=event.version + 1),
        "version 4 of its aggregate follows on 2",
    ),
    "an aggregate begins in the middle": (
        lambda event: replace(event, aggregate_id=UUID(int=9)),
        "version 3 of its aggregate follows on 0",
    ),
    "it belongs to another service": (lambda event: replace(event, service="welfare"), "it is an event of welfare"),
    "it is no event": (
        lambda event: BrokenEvent(**{**vars(event), "flaw": "header ce-time is missing"}),
        "it is no event: header ce-time is missing",
    ),
}  # fmt: skip


@pytest.mark.parametrize("flaw", FLAWS)
def test_what_does_not_follow_on_is_refused_by_name(flaw: str) -> None:
    first, second, third = (replace(EVENT, position=n, version=n, branch_position=n) for n in (1, 2, 3))
    break_it, reason = FLAWS[flaw]
    tail = Tail("membership")

    with pytest.raises(LogBroken, match=f"^membership/{break_it(third).position}: {reason}$"):
        seal(tail, [first, second, break_it(third)])

    assert tail.position == 2
    assert [entry.position for entry in seal(tail, [third])] == [3]


@settings(max_examples=40, deadline=None)
@given(HISTORIES, st.data())
def test_a_history_with_any_event_left_out_or_two_swapped_is_refused_there(recording: Recording, data: st.DataObject) -> None:
    events = recording.of("membership")
    at = data.draw(st.integers(0, len(events) - 2))
    without = [*events[:at], *events[at + 1 :]]
    swapped = [*events[:at], events[at + 1], events[at], *events[at + 2 :]]

    for broken in (without, swapped):
        with pytest.raises(LogBroken) as caught:
            seal(Tail("membership"), broken)
        assert caught.value.position == at + 2


def test_metadata_that_cannot_be_read_is_sealed_all_the_same() -> None:
    first = replace(EVENT, position=1, version=1, branch_position=1, metadata_json=b"no JSON")

    (entry,) = seal(Tail("membership"), [first])

    assert (entry.unit, entry.leaf_hash) == ("", leaf_hash(first))
