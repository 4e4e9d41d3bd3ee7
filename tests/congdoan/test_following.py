"""What does whoever follows a branch remember, from where does it begin, and what does it refuse?"""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from chassis.ledger.note import Verifier
from chassis.ledger.witness import CheckpointContradicts, CheckpointMissing, LedgerRefused, SignatureWrong
from congdoan.following.beginning import Beginning, NoBeginning
from congdoan.following.history import EventForeign, EventMissing, heard, is_next
from congdoan.following.state import State, StateUnusable
from tests.clients.messages import events

VECTORS = json.loads((Path(__file__).parents[1] / "chassis" / "ledger_vectors.json").read_text())
VERIFIER = Verifier.read(VECTORS["verifier"])
BRANCH = "ha-noi"


def keep(state: State, message: dict[str, Any]) -> None:
    state.keep("membership", message["note"].encode(), message["headers"], VERIFIER)


@pytest.mark.parametrize(
    ("text", "position", "moment", "wanted"),
    [
        ("beginning", 1, "2020-01-01T00:00:00Z", True),
        ("membership:3,welfare:9", 2, "2026-01-01T00:00:00Z", False),
        ("membership:3,welfare:9", 3, "2020-01-01T00:00:00Z", True),
        ("welfare:9", 1, "2020-01-01T00:00:00Z", True),
        ("2026-01-31", 9, "2026-01-30T16:59:59Z", False),
        ("2026-01-31", 9, "2026-01-30T17:00:00Z", True),
        ("2026-01-31T08:00:00Z", 9, "2026-01-31T07:59:59Z", False),
    ],
)
def test_a_beginning_says_what_is_wanted(text: str, position: int, moment: str, wanted: bool) -> None:
    assert Beginning.read(text).includes("membership", position, datetime.fromisoformat(moment)) is wanted


@pytest.mark.parametrize("text", ["tomorrow", "membership:0", "membership:", "membership:1;welfare:2", "2026-13-01", ":"])
def test_what_is_no_beginning_is_refused(text: str) -> None:
    with pytest.raises(NoBeginning):
        Beginning.read(text)


def test_a_state_is_read_as_it_was_saved(tmp_path: Path) -> None:
    state = State(BRANCH, tmp_path / "state", {"membership": 7}, "2026-01-31", adopting=True)
    for message in VECTORS["accepted"]:
        keep(state, message)
    state.save()

    assert State.load(BRANCH, tmp_path / "state") == state
    with pytest.raises(StateUnusable):
        State.load("vinh-phuc", tmp_path / "state")


def test_a_checkpoint_that_was_not_saved_comes_again(tmp_path: Path) -> None:
    state = State(BRANCH, tmp_path / "state", {"membership": 7})
    first, second, third = VECTORS["accepted"]
    keep(state, first)
    state.save()
    keep(state, second)
    state._checkpoints.close()  # as when it is killed

    again = State.load(BRANCH, tmp_path / "state")
    with pytest.raises(CheckpointMissing):
        keep(again, third)
    for message in (first, second, third):
        keep(again, message)
    again.save()

    assert State.load(BRANCH, tmp_path / "state") == again


def test_a_file_that_holds_something_else_is_no_state(tmp_path: Path) -> None:
    (tmp_path / "state.checkpoints").write_text("something else, and long enough to be no database at all" * 20)
    with pytest.raises(StateUnusable):
        State.load(BRANCH, tmp_path / "state")


@pytest.mark.parametrize("vector", VECTORS["refused"], ids=lambda vector: vector["rule"])
def test_a_checkpoint_that_contradicts_is_not_kept(vector: dict[str, Any]) -> None:
    state = State(BRANCH)
    for message in VECTORS["accepted"][: vector["after"]]:
        keep(state, message)
    with pytest.raises(LedgerRefused) as refused:
        keep(state, vector["message"])
    assert refused.value.rule == vector["rule"]


def test_who_begins_in_the_middle_takes_the_first_checkpoint_that_is_signed() -> None:
    _, second, third = VECTORS["accepted"]
    forged = next(each["message"] for each in VECTORS["refused"] if each["rule"] == CheckpointContradicts.__name__)
    unsigned = next(each["message"] for each in VECTORS["refused"] if each["rule"] == SignatureWrong.__name__)
    with pytest.raises(CheckpointMissing):
        keep(State(BRANCH), second)
    state = State(BRANCH, adopting=True)
    with pytest.raises(SignatureWrong):
        keep(state, unsigned)
    keep(state, second)
    with pytest.raises(CheckpointContradicts):
        keep(state, forged)
    keep(state, third)


def test_only_the_next_event_of_the_branch_is_taken() -> None:
    first, second, third = (heard(BRANCH, each.subject, each.headers, each.body) for each in events(3))
    assert [is_next(each, 1) for each in (first, second)] == [False, True]
    with pytest.raises(EventMissing):
        is_next(third, 1)


@pytest.mark.parametrize("header", ["ce-branch", "ce-branchposition", "ce-time", "ce-metadata", "ce-type"])
def test_what_is_no_event_of_the_branch_is_refused(header: str) -> None:
    (message,) = events(1)
    for headers in ({**message.headers, header: "vinh phuc"}, {k: v for k, v in message.headers.items() if k != header}):
        if header == "ce-type" and header in headers:
            continue  # whatever it says: a type that nobody knows yet is an event too
        with pytest.raises(EventForeign):
            heard(BRANCH, message.subject, headers, message.body)
    with pytest.raises(EventForeign):
        heard(BRANCH, message.subject.replace(BRANCH, "vinh-phuc"), message.headers, message.body)
