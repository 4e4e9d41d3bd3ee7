"""Whose role suffices where? Held against a walk over the drawn tree, for every caller and every unit of it."""

from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chassis.hierarchy import Hierarchy, Node, first_places
from chassis.refusals import Forbidden, Unavailable
from chassis.security import Caller, Rights, Role, authorise
from tests.rights.trees import BEGINNING, FUNCTIONAL, LINE, DrawnTree, trees

OFFICERS = (Role.MEMBER, Role.GRASSROOTS_OFFICER, Role.PROVINCE_OFFICER, Role.FEDERATION_OFFICER)
NEEDS = st.sampled_from([*OFFICERS, Role.AUDITOR, Role.SERVICE])
UNKNOWN = "unknown"
UNHURRIED = settings(deadline=None)


def hierarchy_of(tree: DrawnTree) -> Hierarchy:
    """What the chassis holds of a drawn tree."""
    found = Hierarchy()
    for code in tree.units:
        node = Node(code, code, "", 0, False, BEGINNING, tree.dissolved.get(code), "[]", "[]", 1)
        for position, move in enumerate((move for move in tree.moves if move.unit == code), start=2):
            node = node.attached(move.kind, move.parent, move.on, position)
        found.put([node])
    return found


def rank_suffices(role: Role, needs: Role) -> bool:
    """Only officers' roles include each other."""
    return role in OFFICERS and needs in OFFICERS and OFFICERS.index(role) >= OFFICERS.index(needs)


def outcome(ask: Callable[..., object], *asked: object, **more: object) -> object:
    """What is answered, or the refusal's kind."""
    try:
        return ask(*asked, **more)
    except (Forbidden, Unavailable) as refusal:
        return type(refusal)


@st.composite
def calls(draw: st.DrawFn) -> tuple[DrawnTree, Caller, Role]:
    """A tree, somebody with a role at a unit of it or at none that is known, and what is needed."""
    tree = draw(trees())
    unit = draw(st.sampled_from([*tree.units, UNKNOWN]))
    return tree, Caller("somebody", draw(st.sampled_from(OFFICERS)), unit), draw(NEEDS)


def test_a_place_in_the_tree_of_the_chassis_is_written_as_the_drawn_one() -> None:
    assert first_places(date(2000, 1, 1), "tld") == '[["2000-01-01","tld"]]'
    assert (LINE, FUNCTIONAL) == ("line", "functional")


@UNHURRIED
@given(calls())
def test_a_right_is_a_role_that_suffices_at_the_unit_or_above_it(drawn: tuple[DrawnTree, Caller, Role]) -> None:
    tree, caller, needs = drawn
    hierarchy = hierarchy_of(tree)
    for unit in tree.units:
        allowed = rank_suffices(caller.role, needs) and caller.unit in tree.above(unit)
        assert outcome(authorise, caller, needs, unit, hierarchy) is (None if allowed else Forbidden)
        rights = Rights(caller, needs, hierarchy)
        assert not rights.asked
        assert outcome(rights.at, unit) is (None if allowed else Forbidden)
        assert rights.asked, "whoever asks has asked, whatever the answer"


@UNHURRIED
@given(calls(), st.data())
def test_what_lies_in_several_units_is_seen_by_whoever_sees_one_of_them(
    drawn: tuple[DrawnTree, Caller, Role], data: st.DataObject
) -> None:
    tree, caller, needs = drawn
    units = data.draw(st.lists(st.sampled_from(tree.units), min_size=1, max_size=3))
    allowed = rank_suffices(caller.role, needs) and any(caller.unit in tree.above(unit) for unit in units)
    assert outcome(Rights(caller, needs, hierarchy_of(tree)).at, *units) is (None if allowed else Forbidden)


@UNHURRIED
@given(calls())
def test_of_some_items_only_those_of_the_callers_units_are_seen(drawn: tuple[DrawnTree, Caller, Role]) -> None:
    tree, caller, needs = drawn
    seen = tree.seen_from(caller.unit) if rank_suffices(caller.role, needs) else set()
    items = [*tree.units, UNKNOWN, *tree.units]
    found = Rights(caller, needs, hierarchy_of(tree)).only(items, str)
    # An unknown unit is nobody's but whoever's role is said to be held just there.
    assert [code for code in found if code != UNKNOWN] == [code for code in items if code in seen]
    assert (UNKNOWN in found) == (caller.unit == UNKNOWN and rank_suffices(caller.role, needs))


@UNHURRIED
@given(calls(), st.sampled_from([None, date(2005, 1, 1), date(2026, 1, 1)]), st.booleans())
def test_a_list_is_filtered_by_the_units_of_the_subtree_that_are_the_callers(
    drawn: tuple[DrawnTree, Caller, Role], on: date | None, dissolved: bool
) -> None:
    tree, caller, _ = drawn
    hierarchy, seen = hierarchy_of(tree), tree.seen_from(caller.unit)
    for unit in tree.units:
        expected = tree.subtree(unit, on, dissolved) & seen
        found = outcome(Rights(caller, caller.role, hierarchy).among, unit, on, dissolved=dissolved)
        if expected or caller.unit in tree.above(unit):
            assert isinstance(found, list)
            assert (set(found), len(found)) == (expected, len(expected))
        else:
            assert found is Forbidden


@UNHURRIED
@given(calls())
def test_what_belongs_to_no_unit_is_for_whoever_stands_under_nobody(drawn: tuple[DrawnTree, Caller, Role]) -> None:
    tree, caller, needs = drawn
    top = tree.above(caller.unit) == {caller.unit}
    allowed = rank_suffices(caller.role, needs) and top
    assert outcome(Rights(caller, needs, hierarchy_of(tree)).nationwide) is (None if allowed else Forbidden)


def test_before_the_first_unit_is_established_nobody_stands_above_anybody() -> None:
    first = Caller("first", Role.FEDERATION_OFFICER, "tld")
    Rights(first, Role.FEDERATION_OFFICER, Hierarchy()).nationwide()
    with pytest.raises(Forbidden):
        Rights(first, Role.SERVICE, Hierarchy()).nationwide()


@UNHURRIED
@given(calls(), st.sampled_from([None, date(2005, 1, 1), date(2026, 1, 1)]), st.booleans())
def test_a_tree_that_is_perhaps_stale_widens_no_right_beyond_the_own_unit(
    drawn: tuple[DrawnTree, Caller, Role], on: date | None, dissolved: bool
) -> None:
    tree, caller, needs = drawn
    stale = hierarchy_of(tree)
    stale.lease.end()
    assert not stale.lease.holds
    for unit in tree.units:
        found = outcome(authorise, caller, needs, unit, stale)
        if unit == caller.unit and rank_suffices(caller.role, needs):
            assert found is None, "the own unit needs no tree"
        else:
            assert found in (Forbidden, Unavailable)
        listed = outcome(Rights(caller, caller.role, stale).among, unit, on, dissolved=dissolved)
        assert listed in (Forbidden, Unavailable) or listed == [] or listed == [caller.unit]
    assert outcome(Rights(caller, needs, stale).nationwide) in (Forbidden, Unavailable)


@UNHURRIED
@given(trees(), NEEDS, st.booleans())
def test_auditors_read_everywhere_and_decide_nowhere(tree: DrawnTree, needs: Role, reading: bool) -> None:
    auditor, hierarchy = Caller("auditor", Role.AUDITOR, ""), hierarchy_of(tree)
    allowed = reading and needs is not Role.SERVICE
    for unit in tree.units:
        found = outcome(authorise, auditor, needs, unit, hierarchy, reading=reading)
        assert found is (None if allowed else Forbidden)


@UNHURRIED
@given(trees())
def test_a_service_for_which_a_call_is_open_sees_every_unit_also_by_a_stale_tree(tree: DrawnTree) -> None:
    stale = hierarchy_of(tree)
    stale.lease.end()
    officer = Caller("officer", Role.GRASSROOTS_OFFICER, tree.units[-1], service="welfare")
    rights = Rights(officer, Role.SERVICE, stale, trusted=True)
    rights.nationwide()
    for unit in tree.units:
        rights.at(unit)
        assert set(rights.among(unit, dissolved=True)) == tree.subtree(unit, dissolved=True)
    assert rights.only(tree.units, str) == tree.units
