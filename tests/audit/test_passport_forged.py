"""By which rule is a forged passport refused?

Whoever forges writes every digest anew, knows every hash of the trees, and has no key; or, further below, has the key too.
"""

import base64
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from audit.domain.passport import refusals
from audit.domain.passport.lines import LineWrong
from audit.domain.passport.lines import read as read_line
from audit.domain.passport.recount import Query
from audit.domain.passport.refusals import PassportRefused, PassportUnreadable
from chassis.ledger.leaf import leaf_hash
from chassis.ledger.merkle import Tree, root
from chassis.ledger.note import Signer
from tests.audit.passports import (
    CUT,
    DAY,
    FEW,
    HISTORY,
    NODES,
    Passport,
    checked,
    made,
    nodes_over,
    passport,
    refused,
    rewritten,
    told_anew,
)
from tests.audit.test_tables import drawn


def with_event(made: Passport, number: int, **fields: Any) -> Passport:
    event, way = made.events[number]
    return replace(made, events=[*made.events[:number], (replace(event, **fields), way), *made.events[number + 1 :]])


def first(made: Passport, service: str) -> int:
    return next(number for number, (event, _) in enumerate(made.events) if event.service == service)


def without(made: Passport, number: int) -> Passport:
    return replace(made, events=[*made.events[:number], *made.events[number + 1 :]])


def signed_anew(made: Passport, **fields: Any) -> Passport:
    """What only whoever has the ledger's key can forge."""
    return replace(made, statement=replace(made.statement, **fields))


def restated(made: Passport) -> Passport:
    """The same, its statement made to fit its events in all but the number."""
    standing = []
    for one in made.statement.standing:
        tree = Tree()
        for event, _ in made.events:
            if event.service == one.service:
                tree.add(leaf_hash(event))
        standing.append(replace(one, events=tree.size, events_root=tree.root))
    return signed_anew(made, standing=tuple(standing))


@pytest.mark.parametrize(
    "fields",
    [
        {"aggregate_id": UUID(int=1)}, {"version": 7}, {"topic": "welfare.gift_returned"}, {"branch": "elsewhere"},
        {"branch_position": 77}, {"recorded_at": datetime(2020, 1, 1, tzinfo=UTC)}, {"metadata_json": b"{}"}, {"body": b"{}"},
        {"body": b"\xff"},
    ],
)  # fmt: skip
def test_an_event_that_is_another_in_any_part_is_refused_by_its_name(fields: dict[str, Any]) -> None:
    right = made("gift_amount_vnd", cut=CUT)
    number = first(right, "welfare")

    found = refused(with_event(right, number, **fields).written())

    assert (found.rule, found.facts["event"]) == ("EventForged", right.events[number][0].id)
    assert found.facts["line"] == number + 4


def test_an_amount_that_is_another_is_refused() -> None:
    right = made("gift_amount_vnd", cut=CUT)
    number = first(right, "welfare")
    body = right.events[number][0].body
    more = orjson.dumps({**orjson.loads(body), "amount_vnd": orjson.loads(body)["amount_vnd"] + 1})

    assert refused(with_event(right, number, body=more).written()).rule == "EventForged"


@pytest.mark.parametrize("figure", ["members", "flags_by_federation", "initiative_percent"])
def test_an_event_that_was_left_out_is_missed_even_where_every_way_is_right(figure: str) -> None:
    right = made(figure, cut=CUT)
    for number in (0, len(right.events) // 2, len(right.events) - 1):
        service = right.events[number][0].service
        assert refused(told_anew(without(right, number), NODES).written()).rule == "EventsOther"
        if number < len(right.events) - 1:
            assert refused(without(right, number).written()).rule in ("ProofBroken", "EventsOther")
        assert refused(told_anew(without(right, number), NODES).written()).facts["service"] == service


def test_an_event_that_was_added_is_refused_whether_it_counts_or_not() -> None:
    right = made(cut=CUT)
    shown = {event.id for event, _ in right.events}
    others = [event for event in HISTORY.of("membership")[: CUT["membership"]] if event.id not in shown]
    for other in (others[0], others[-1]):
        events = sorted([*right.events, (other, [])], key=lambda one: one[0].position)
        found = refused(told_anew(replace(right, events=events), NODES).written())
        assert (found.rule, found.facts["event"]) == ("EventWithoutPart", other.id)
    counting = replace(right, statement=right.statement, events=made().events)
    late = next(event for event, _ in counting.events if event.position > CUT["membership"])
    beyond = made(cut=CUT, beyond=5)
    found = refused(told_anew(replace(beyond, events=[*beyond.events, (late, [])]), NODES).written())
    assert (found.rule, found.facts["event"]) == ("EventAfterCut", late.id)


def test_an_event_of_another_unit_is_named_even_where_it_was_signed() -> None:
    right, whole = made(cut=CUT), made(cut=CUT)
    unit = next(code for code in ("unit-003xx", "unit-001", "unit-002", "unit-003x") if evidence_of(code))
    part = passport(HISTORY, Query("members", unit, 2024, DAY), CUT)
    inside = {event.id for event, _ in part.events}
    foreign = next(event for event, _ in whole.events if event.topic == "membership.member_joined" and event.id not in inside)
    events = sorted([*part.events, (foreign, [])], key=lambda one: one[0].position)

    found = refused(restated(told_anew(replace(part, events=events), NODES)).written())

    assert (found.rule, found.facts["event"]) == ("EventWithoutPart", foreign.id)
    assert checked(right.written()).events == len(right.events)


def evidence_of(unit: str) -> bool:
    """Whether the unit is one, and not everything lies in it."""
    found = passport(HISTORY, Query("members", unit, 2024, DAY), CUT)
    return 0 < len(found.events) < len(made(cut=CUT).events)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("value", 5), ("unit", "unit-001"), ("year", 2023), ("as_of", "2025-01-01"), ("figure", "plan_items"),
        ("cut", {"membership": 3}), ("complete", True), ("contributions", 1), ("certificate", "another"), ("standing", []),
    ],
)  # fmt: skip
def test_nothing_stated_can_be_changed_without_the_key(name: str, value: Any) -> None:
    def change(lines: list[dict[str, Any]]) -> None:
        origin, stated, rest = lines[0]["note"].split("\n", 2)
        lines[0]["note"] = "\n".join((origin, orjson.dumps({**orjson.loads(stated), name: value}).decode(), rest))

    found = refused(rewritten(made(cut=CUT).written(), change))

    assert (found.rule, found.facts["line"]) == ("StatementNotSigned", 1)


def test_another_key_signs_nothing_here() -> None:
    other = Signer("congdoan-ledger", bytes(32))

    assert refused(replace(made(), signer=other).written()).rule == "StatementNotSigned"
    mixed = replace(made(), signer=other).written().splitlines()
    assert refused(rewritten(made().written(), partial(with_line, read(mixed, 1)))).rule == "CheckpointNotSigned"


def with_line(line: dict[str, Any], lines: list[dict[str, Any]]) -> None:
    """Another checkpoint in the place of the first."""
    lines[1] = line


def read(lines: list[bytes], number: int) -> dict[str, Any]:
    """What a line says."""
    return {name: value for name, value in orjson.loads(lines[number]).items() if name != "sha256"}


def test_a_checkpoint_that_was_signed_for_another_size_is_not_the_stated_one() -> None:
    for other in (made(cut={**CUT, "membership": 40}), made(cut=CUT, beyond=2)):
        older = read(other.written().splitlines(), 1)
        found = refused(rewritten(made(cut=CUT).written(), partial(with_line, older)))
        assert (found.rule, found.facts["line"]) == ("CheckpointOther", 2)


def test_a_half_of_a_way_that_is_another_is_named_with_its_event() -> None:
    data = made(cut=CUT).written()
    chance = Random(3)
    steps = [(at, step) for at, line in enumerate(data.splitlines()) for step, _ in enumerate(orjson.loads(line).get("way", []))]
    for at, step in chance.sample(steps, 20):

        def change(lines: list[dict[str, Any]], at: int = at, step: int = step) -> None:
            half = bytearray(base64.b64decode(lines[at]["way"][step]))
            half[chance.randrange(64)] ^= 1
            lines[at]["way"][step] = base64.b64encode(half).decode()

        found = refused(rewritten(data, change))
        event = read(data.splitlines(), at)["event"]
        assert (found.rule, found.facts["line"]) == ("ProofBroken", at + 1)
        assert found.facts["event"] == f"{event['service']}/{event['position']}"


def test_events_stand_once_and_in_their_order() -> None:
    right = made("gift_shares", cut=CUT)
    swapped = replace(right, events=[right.events[1], right.events[0], *right.events[2:]])
    twice = replace(right, events=[right.events[0], *right.events])
    services = replace(right, events=[*right.events[5:], *right.events[:5]])

    assert refused(twice.written()).rule == "EventOutOfOrder"
    assert refused(swapped.written()).rule in ("ProofBroken", "EventOutOfOrder")
    assert refused(services.written()).rule in ("ProofBroken", "EventsOther", "EventOutOfOrder")


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: lines.pop(2),
        lambda lines: lines.insert(3, lines[2]),
        lambda lines: lines.insert(3, lines[0]),
        lambda lines: lines[-1].update(end=7),
        lambda lines: lines[-2].update(more=1),
        lambda lines: lines[-2]["event"].update(position="9"),
        lambda lines: lines[-2]["event"].update(version=2**40),
        lambda lines: lines[-2]["event"].update(recorded_at="2026-01-01T00:00:00+00:00"),
        lambda lines: lines.insert(4, {"nothing": 1}),
    ],
)
def test_a_line_that_does_not_belong_there_is_refused(change: Any) -> None:
    assert refused(rewritten(made("gift_shares", cut=CUT).written(), change)).rule == "LineOutOfPlace"


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(max_size=4) | st.just("AAAA"),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["event", "way", "a"]), inner, max_size=2),
    max_leaves=4,
)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, FEW.count(b"\n") - 1), ANYTHING, st.data())
def test_whatever_stands_in_a_line_it_is_refused_by_a_rule(number: int, value: Any, data: st.DataObject) -> None:
    def change(lines: list[dict[str, Any]]) -> None:
        within = lines[number]["event"] if "event" in lines[number] and data.draw(st.booleans()) else lines[number]
        name = data.draw(st.sampled_from(sorted(within)))
        assume(within[name] != value)
        within[name] = value

    with pytest.raises((PassportRefused, PassportUnreadable)):
        checked(rewritten(FEW, change))


def test_a_figure_of_nothing_has_its_checkpoints_too() -> None:
    nothing = passport(HISTORY, Query("gift_shares", "unit-000", 2024, date(1990, 1, 1)), CUT).written()
    assert checked(nothing).events == 0

    assert refused(rewritten(nothing, lambda lines: (lines.pop(2), lines[-1].update(end=2)))).rule == "LineOutOfPlace"


def test_nothing_is_said_twice_in_one_line() -> None:
    lines = made(cut=CUT).written().splitlines()
    content = lines[5].rpartition(b',"sha256"')[0].replace(b'"version":', b'"version":9,"version":')

    with pytest.raises(LineWrong):
        read_line(content + b"}")


def test_what_goes_on_after_the_end_is_refused() -> None:
    assert refused(rewritten(made().written(), lambda lines: lines.append(lines[-2]))).rule == "EndMissing"


# Whoever has the key can sign a false statement: the events still come to another number


def test_a_false_number_is_refused_even_where_it_was_signed() -> None:
    right = made(cut=CUT)
    number, contributions = int(right.statement.value or 0), right.statement.contributions

    found = refused(signed_anew(right, value=number + 1).written())
    assert (found.rule, found.facts["found"], found.facts["stated"]) == ("FigureDiffers", number, number + 1)
    assert refused(signed_anew(right, contributions=contributions + 1).written()).rule == "FigureDiffers"


def test_a_hidden_event_is_found_where_every_event_is_promised() -> None:
    right = made(cut=CUT, complete=True)
    for number in (0, 60, len(right.events) - 1):
        found = refused(restated(told_anew(without(right, number), NODES)).written())
        assert (found.rule, found.facts["event"]) == ("HistoryNotWhole", right.events[number][0].id)


@pytest.mark.parametrize(
    "fields",
    [{"figure": "happiness"}, {"figure": "gift_shares"}, {"standing": ()}, {"year": 0}, {"cut": {**CUT, "membership": 10**9}}],
)
def test_a_statement_that_cannot_be_of_its_figure_is_refused_even_where_it_was_signed(fields: dict[str, Any]) -> None:
    assert refused(signed_anew(made(cut=CUT), **fields).written()).rule in ("StatementContradictsItself", "StatementNotSigned")


def test_an_event_that_audit_cannot_read_is_refused_even_where_it_was_signed() -> None:
    recording = drawn(Random(5), 60)
    broken = next(number for number, event in enumerate(recording.events) if event.topic == "membership.member_joined")
    recording.events[broken] = replace(recording.events[broken], body=b"{}")
    whole = passport(drawn(Random(5), 60), Query("members", "unit-000", 2024, DAY), complete=True)
    leaves = [leaf_hash(event) for event in recording.of("membership")]
    nodes, size = nodes_over(leaves), len(leaves)
    forged = replace(
        whole,
        checkpoints=[replace(whole.checkpoints[0], root=root(nodes, size))],
        events=[(event, []) for event in recording.of("membership")],
    )
    stated = restated(told_anew(forged, {"membership": nodes}))
    standing = tuple(replace(one, root=root(nodes, size)) for one in stated.statement.standing)

    assert refused(signed_anew(stated, standing=standing).written()).rule == "EventUnreadable"


def test_every_rule_of_refusal_is_shown_by_a_test() -> None:
    rules = {name for name, found in vars(refusals).items() if isinstance(found, type) and issubclass(found, PassportRefused)}
    source = "".join(file.read_text() for file in Path(__file__).parent.glob("test_passport*.py"))

    assert {rule for rule in rules - {"PassportRefused"} if f'"{rule}"' not in source} == set()
