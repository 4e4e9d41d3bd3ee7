"""Does a walk along a history see what does not follow on, and say no more than its evidence shows?"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from chassis.ledger.leaf import leaf_hash
from chassis.ledger.merkle import Tree
from chassis.recorded import RecordedEvent
from congdoan.auditing import versions
from congdoan.auditing.locating import span_of
from congdoan.auditing.verified import Verified, VerifiedUnreadable
from congdoan.auditing.versions import KEY
from congdoan.auditing.walking import Kept, Part, Start, Walk
from tests.audit.test_tables import drawn

EVENTS = drawn(Random(3), 500).of("membership")[:120]


def part_of(events: Sequence[RecordedEvent]) -> Part:
    return Part(
        [event.position for event in events],
        [leaf_hash(event) for event in events],
        [event.branch.encode() for event in events],
        [event.branch_position for event in events],
        [KEY.pack(event.position, event.aggregate_id.bytes, event.version) for event in events],
    )


def kept(size: int, source: str = "ledger", events: Sequence[RecordedEvent] = EVENTS) -> Kept:
    tree = Tree()
    tree.extend([leaf_hash(event) for event in events[:size]])
    return Kept(size, tree.root, source, 0)


def walked(events: Sequence[RecordedEvent], *checkpoints: Kept, start: Start | None = None, many: int = 17) -> Walk:
    walk = Walk(start or Start(), sorted(checkpoints))
    for first in range(0, len(events), many):
        if not walk.take(part_of(events[first : first + many])):
            break
    walk.end()
    return walk


def changed(at: int, **fields: object) -> list[RecordedEvent]:
    return [replace(event, **fields) if event.position == at else event for event in EVENTS]  # type: ignore[arg-type]


@pytest.mark.parametrize("many", [1, 17, 1_000])
def test_a_walk_in_any_parts_meets_every_checkpoint_and_goes_on_from_each(many: int) -> None:
    walk = walked(EVENTS, kept(5), kept(64), kept(64, "ha-noi"), kept(100), many=many)

    assert (walk.flaws, walk.missing, span_of(walk)) == ({}, {}, None)
    assert {name: one.many for name, one in walk.compared.items()} == {"ledger": 3, "ha-noi": 1}
    again = walk.compared["ledger"].matched
    assert again and again.size == 100  # noqa: PT018 - one leads to the other
    later = walked(EVENTS[100:], kept(100), kept(120), start=again, many=many)
    assert (later.flaws, later.compared["ledger"].many, later.tree.root) == ({}, 2, walk.tree.root)


@pytest.mark.parametrize(
    ("events", "kind", "at"),
    [
        ([*EVENTS[:40], *EVENTS[41:]], "gap", 41),
        ([*EVENTS[:40], EVENTS[39], *EVENTS[40:]], "gap", 41),
        (EVENTS[1:], "gap", 1),
        (changed(50, branch_position=EVENTS[49].branch_position + 1), "branch", 50),
        (changed(50, version=EVENTS[49].version + 1), "version", 50),
        (changed(1, version=2), "version", 1),
    ],
)
def test_what_does_not_follow_on_is_named_with_its_position(events: Sequence[RecordedEvent], kind: str, at: int) -> None:
    assert walked(events).flaws[kind].position == at


def test_versions_are_followed_however_much_goes_through_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "HELD_EVENTS", 16)
    assert walked(EVENTS).flaws == {}
    assert walked(changed(50, version=EVENTS[49].version + 1)).flaws["version"].position == 50


def test_the_first_bad_event_lies_between_the_last_checkpoint_that_matches_and_the_first_that_does_not() -> None:
    walk = walked(changed(70, body=b"{}"), kept(30), kept(60, "ha-noi"), kept(90), kept(80, "ha-noi"), kept(120))

    span = span_of(walk)
    assert span
    assert (span.start.size, span.upto, span.contradicted) == (60, 80, ())
    assert span.by
    assert span.by.source == "ha-noi"


def test_a_checkpoint_of_more_events_than_there_are_says_that_some_are_missing() -> None:
    walk = walked(EVENTS[:75], kept(60), kept(90), kept(120))

    span = span_of(walk)
    assert span
    assert (span.start.size, span.upto, walk.missing["ledger"].size) == (60, 90, 90)


def test_a_ledger_that_goes_with_the_events_and_against_a_witness_is_not_relied_on() -> None:
    forged = changed(70, body=b"{}")
    walk = walked(forged, kept(60, "ha-noi"), kept(90, "ha-noi"), *(kept(size, "ledger", forged) for size in (80, 100, 120)))

    span = span_of(walk)
    assert span
    assert (span.start.size, span.upto, span.contradicted) == (60, 90, ("ledger",))


def test_what_was_verified_is_kept_in_a_file_and_another_key_does_not_go_on_from_it(tmp_path: Path) -> None:
    walk = walked(EVENTS, kept(100))
    file, matched = tmp_path / "verified", walk.compared["ledger"].matched
    assert matched
    verified = Verified("key", 9, {"membership": matched})
    assert Verified.read(file, "key") == Verified("key"), "there is none yet"
    verified.write(file)

    assert Verified.read(file, "key") == verified
    assert Verified.read(file, "key").ledger().witnesses["membership"].root == kept(100).root
    with pytest.raises(VerifiedUnreadable):
        Verified.read(file, "another")
    file.write_text(file.read_text().replace('"size": 100', '"size": 101'))
    with pytest.raises(VerifiedUnreadable):
        Verified.read(file, "key")
