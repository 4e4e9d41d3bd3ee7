"""Does a passport hold by its bytes and a public key alone, and is whatever was changed in it named?"""

from collections import defaultdict
from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.domain.figures import COUNTS
from audit.domain.passport.recount import SOURCES, Query
from audit.domain.passport.refusals import PassportRefused, PassportUnreadable
from chassis.ledger.descent import Descent, WayBroken, halves, opened
from chassis.ledger.merkle import includes, inclusion_proof, root
from chassis.ledger.merkle import leaf_hash as leaf_of
from tests.audit.histories import AS_OF, HISTORIES, YEARS
from tests.audit.notary import SIGNER
from tests.audit.passports import CUT, FEW, FIGURES, checked, made, nodes_over, passport, refused, rewritten
from tests.audit.plain_checking import inclusion_proofs
from tests.audit.plain_counting import count
from tests.audit.recording import Recording

# What it says


@settings(max_examples=25, deadline=None)
@given(HISTORIES, st.data())
def test_what_a_passport_states_is_what_plain_counting_finds(recording: Recording, data: st.DataObject) -> None:
    events = [event.event for event in recording.events]
    unit = data.draw(st.sampled_from(sorted({event.unit for event in events})))
    year, as_of, beyond = data.draw(st.sampled_from(YEARS)), data.draw(AS_OF), data.draw(st.integers(0, 3))
    for figure in data.draw(st.lists(st.sampled_from(FIGURES), min_size=3, max_size=3)):
        query, complete = Query(figure, unit, year, as_of), data.draw(st.booleans())
        cut = {service: data.draw(st.integers(min(1, last), last)) for service, last in recording.positions.items()}
        within = [event.event for event in recording.events if event.position <= cut[event.service]]

        found = checked(passport(recording, query, defaultdict(int, cut), complete=complete, beyond=beyond).written())

        if unit in {event.unit for event in within}:
            assert found.statement.value == count(within, unit, year, as_of)[figure]


def test_every_figure_has_its_service() -> None:
    assert {*SOURCES} == {*COUNTS, "initiative_percent"}


def test_one_that_shows_every_event_states_the_same() -> None:
    for figure in FIGURES:
        part, whole = checked(made(figure, cut=CUT).written()), checked(made(figure, cut=CUT, complete=True, beyond=3).written())

        assert part.statement.value == whole.statement.value
        assert whole.events == sum(CUT[one.service] for one in whole.statement.standing)


def test_it_can_be_read_as_lines_of_json() -> None:
    first, *_, last = [orjson.loads(line) for line in made().written().splitlines()]

    assert orjson.loads(first["note"].split("\n")[1])["figure"] == "members"
    assert last["end"] == len(made().written().splitlines()) - 1


@pytest.mark.parametrize("figure", ["members", "flags_by_federation", "initiative_percent"])
def test_whoever_writes_a_checker_by_the_page_alone_finds_the_same(figure: str) -> None:
    for complete in (False, True):
        data = made(figure, cut=CUT, complete=complete, beyond=3).written()

        found = inclusion_proofs(data.splitlines(keepends=True), str(SIGNER.verifier))

        assert found == checked(data).statement.document


# The way down


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 200), st.data())
def test_the_way_to_some_leaves_leads_to_them_and_tells_each_hash_once(size: int, data: st.DataObject) -> None:
    leaves = [leaf_of(number.to_bytes(2)) for number in range(size)]
    nodes, chosen = nodes_over(leaves), sorted(data.draw(st.sets(st.integers(0, size - 1), min_size=1)))
    descent, before, told = Descent(root(nodes, size), size), None, list[bytes]()
    for index in chosen:
        way = halves(nodes, opened(before, index, size))
        assert descent.leaf(index, way) == leaves[index]
        before, told = index, [*told, *way]
    assert len({*told}) == len(told)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 200), st.data())
def test_what_lies_beside_the_way_is_the_inclusion_proof(size: int, data: st.DataObject) -> None:
    leaves = [leaf_of(number.to_bytes(2)) for number in range(size)]
    nodes, index = nodes_over(leaves), data.draw(st.integers(0, size - 1))
    spans = opened(None, index, size)
    beside = [both[32:] if index < left[1] else both[:32] for (left, _), both in zip(spans, halves(nodes, spans), strict=True)]

    assert beside[::-1] == inclusion_proof(nodes, index, size)
    assert includes(root(nodes, size), size, index, leaves[index], beside[::-1])


@pytest.mark.parametrize("change", [lambda way: way[:-1], lambda way: [*way, way[0]], lambda way: [way[0][:63], *way[1:]]])
def test_a_way_that_is_too_short_or_too_long_leads_nowhere(change: Any) -> None:
    nodes = nodes_over([leaf_of(bytes([number])) for number in range(9)])
    way = halves(nodes, opened(None, 4, 9))

    with pytest.raises(WayBroken):
        Descent(root(nodes, 9), 9).leaf(4, change(way))


def test_a_way_leads_to_the_right_alone() -> None:
    nodes = nodes_over([leaf_of(bytes([number])) for number in range(9)])
    descent = Descent(root(nodes, 9), 9)
    descent.leaf(4, halves(nodes, opened(None, 4, 9)))

    for index in (4, 3, 9):
        with pytest.raises(WayBroken):
            descent.leaf(index, [])
        with pytest.raises(ValueError, match="no way"):
            opened(4, index, 9)


# Damage: one byte is another


def test_each_byte_that_is_changed_is_named_by_its_line() -> None:
    # A small one, so that each of its bytes has its turn.
    starts = [0, *(at + 1 for at, byte in enumerate(FEW) if byte == 10)]
    chance = Random(7)
    for at in chance.sample(range(len(FEW)), 500):
        changed = bytearray(FEW)
        changed[at] ^= 1 << chance.randrange(8)
        line = sum(start <= at for start in starts)

        with pytest.raises((PassportRefused, PassportUnreadable)) as caught:
            checked(bytes(changed))
        if at < len(b'{"passport":'):
            continue
        # Where a line ends too early, or not at all, two lines are one.
        assert abs(int(str(caught.value.facts["line"])) - line) <= (FEW[at] == 10)
        assert caught.value.rule in ("LineDamaged", "EventDamaged", "ProofDamaged", "EndMissing"), caught.value


def test_of_a_damaged_line_it_is_told_whether_the_event_or_its_proof_is_another() -> None:
    lines = made().written().splitlines(keepends=True)
    number = next(at for at, line in enumerate(lines) if b'"body":"' in line and b'"way":["' in line)
    event = orjson.loads(lines[number])["event"]
    body, way = lines[number].replace(b"2023-", b"2022-", 1), lines[number].replace(b'"way":["', b'"way":["AA')
    other_way = way.replace(orjson.loads(lines[number])["way"][0].encode(), b"", 1)
    assert body != lines[number]

    for line, rule in ((body, "EventDamaged"), (other_way, "LineDamaged")):
        found = refused(b"".join([*lines[:number], line, *lines[number + 1 :]]))
        assert (found.rule, found.facts["line"]) == (rule, number + 1)
        assert found.facts.get("event") in (None, f"{event['service']}/{event['position']}")


def test_lines_that_went_came_or_changed_places_are_named() -> None:
    lines = made().written().splitlines(keepends=True)
    for at in (1, 2, 3, len(lines) // 2, len(lines) - 1):
        assert refused(b"".join(lines[:at] + lines[at + 1 :])).facts["line"] == at + 1
        assert refused(b"".join(lines[:at] + lines[at - 1 :])).facts["line"] == at + 1
        assert refused(b"".join([*lines[:at], lines[0], *lines[at:]])).facts["line"] == at + 1
    assert refused(b"".join([*lines, lines[-1]])).rule == "LineDamaged"
    assert refused(b"".join(lines[:-1])).rule == "EndMissing"


def test_what_is_no_passport_is_told_from_one_that_is_not_believed() -> None:
    other_format = rewritten(made().written(), lambda lines: lines[0].update(passport=2))
    for data in (b"", b"\n", b"{}\n", b"no passport", bytes(1_000), b'{"passport":1}\n', other_format):
        with pytest.raises(PassportUnreadable):
            checked(data)
