"""Is a large map a value: right, unchanged by what comes after, the same whatever the order?"""

from collections.abc import Hashable
from uuid import UUID, uuid5

from hypothesis import given
from hypothesis import strategies as st

from welfare.domain.persistent_map import PersistentMap


class Colliding:
    """A key whose hash is that of all its kind."""

    def __init__(self, name: int) -> None:
        self.name = name

    def __hash__(self) -> int:
        return 7

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Colliding) and other.name == self.name


KEYS = st.one_of(st.uuids(), st.text(max_size=3), st.integers(-50, 50), st.builds(Colliding, st.integers(0, 80)))


def built(entries: list[tuple[Hashable, int]]) -> PersistentMap[Hashable, int]:
    found: PersistentMap[Hashable, int] = PersistentMap()
    for key, value in entries:
        found = found.put(key, value)
    return found


@given(st.lists(st.tuples(KEYS, st.integers()), max_size=300), KEYS)
def test_it_answers_what_a_dict_answers(entries: list[tuple[Hashable, int]], other: Hashable) -> None:
    found, expected = built(entries), dict(entries)

    assert all(found.get(key) == value for key, value in expected.items())
    assert found.get(other) == expected.get(other)


@given(st.lists(st.tuples(KEYS, st.integers()), max_size=120), st.lists(st.tuples(KEYS, st.integers()), max_size=120))
def test_a_map_stays_as_it_was_when_another_is_made_of_it(
    entries: list[tuple[Hashable, int]], later: list[tuple[Hashable, int]]
) -> None:
    before, twin = built(entries), built(entries)

    after = before
    for key, value in later:
        after = after.put(key, value)

    assert before == twin
    assert all(before.get(key) == dict(entries).get(key) for key, _ in [*entries, *later])


@given(st.dictionaries(KEYS, st.integers(), max_size=150), st.randoms())
def test_maps_of_the_same_entries_are_equal_in_whatever_order_they_came(entries: dict[Hashable, int], random: object) -> None:
    shuffled = list(entries.items())
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    assert built(shuffled) == built(list(entries.items()))


def test_a_map_is_shaped_by_its_entries_also_where_a_whole_leaf_falls_on_one_side() -> None:
    crowd: list[tuple[Hashable, int]] = [(number * 64, number) for number in range(33)]
    alone: list[tuple[Hashable, int]] = [(1, 1)]

    assert built(crowd + alone) == built(alone + crowd)


def test_keys_that_no_hash_tells_apart_are_still_kept_apart() -> None:
    found = built([(Colliding(number), number) for number in range(100)])

    assert [found.get(Colliding(number)) for number in range(101)] == [*range(100), None]


def test_a_new_entry_copies_little_however_large_the_map_is() -> None:
    keys = [uuid5(UUID(int=0), str(number)) for number in range(20_000)]
    large = built([(key, 1) for key in keys])

    after = large.put(keys[0], 2)

    assert nodes_of_its_own(after, large) <= 8
    assert (large.get(keys[0]), after.get(keys[0]), after.get(keys[1])) == (1, 2, 1)


def nodes_of_its_own(found: PersistentMap[Hashable, int], shared_with: PersistentMap[Hashable, int]) -> int:
    """How many nodes of a map are not nodes of the other."""

    def nodes(node: object) -> set[int]:
        return {id(node)}.union(*(nodes(child) for child in node)) if isinstance(node, tuple) else {id(node)}

    return len(nodes(found._root) - nodes(shared_with._root))
