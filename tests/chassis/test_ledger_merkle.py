"""Is the tree that of RFC 6962, do its proofs prove what is so, and nothing that is not?"""

from collections.abc import Sequence
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chassis.ledger.merkle import (
    EMPTY_ROOT,
    Place,
    Tree,
    consistency_proof,
    consistency_spans,
    goes_on,
    includes,
    inclusion_proof,
    inclusion_spans,
    leaf_hash,
    places,
    root,
)
from tests.chassis.ledger_examples import ENTRIES

LEAVES = [leaf_hash(entry) for entry in ENTRIES]
ROOTS = [
    bytes.fromhex(known)
    for known in (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    )
]
"""Of the first 0 to 8 entries, as the tests of Certificate Transparency publish them; so are the proofs below."""
INCLUSION = {
    (0, 1): "",
    (0, 8): "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7 "
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e "
    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    (5, 8): "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b "
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0 "
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    (2, 3): "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    (1, 5): "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d "
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e "
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
}
CONSISTENCY = {
    (1, 1): "",
    (1, 8): INCLUSION[0, 8],
    (6, 8): "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a "
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0 "
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    (2, 5): "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e "
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
}
MANY = [leaf_hash(str(number).encode()) for number in range(70)]
"""More leaves than two levels of sixteen have at their edge; the number is a bound for the tests of all sizes."""
SIZES = st.integers(1, len(MANY))


def by_definition(leaves: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962, 2.1, as it is written there."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256().digest()
    k = max(2**power for power in range(len(leaves).bit_length()) if 2**power < len(leaves))
    return sha256(b"\1" + by_definition(leaves[:k]) + by_definition(leaves[k:])).digest()


def path_by_definition(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PATH of RFC 6962, 2.1.1, as it is written there."""
    if len(leaves) < 2:
        return []
    k = max(2**power for power in range(len(leaves).bit_length()) if 2**power < len(leaves))
    if m < k:
        return [*path_by_definition(m, leaves[:k]), by_definition(leaves[k:])]
    return [*path_by_definition(m - k, leaves[k:]), by_definition(leaves[:k])]


def proof_by_definition(m: int, leaves: Sequence[bytes], whole: bool = True) -> list[bytes]:
    """SUBPROOF of RFC 6962, 2.1.2, as it is written there; PROOF with the last argument true."""
    if m == len(leaves):
        return [] if whole else [by_definition(leaves)]
    k = max(2**power for power in range(len(leaves).bit_length()) if 2**power < len(leaves))
    if m <= k:
        return [*proof_by_definition(m, leaves[:k], whole), by_definition(leaves[k:])]
    return [*proof_by_definition(m - k, leaves[k:], False), by_definition(leaves[:k])]


def node(place: Place, leaves: Sequence[bytes] = MANY) -> bytes:
    level, index = place
    part = leaves[index << level : index + 1 << level]
    assert len(part) == 1 << level, f"{place} is not complete"
    return by_definition(part)


def hashes(text: str) -> list[bytes]:
    return [bytes.fromhex(part) for part in text.split()]


@pytest.mark.parametrize("size", range(9))
def test_the_roots_are_those_that_the_authors_of_the_rfc_publish(size: int) -> None:
    assert root(lambda place: node(place, LEAVES), size) == ROOTS[size]


@pytest.mark.parametrize("leaf", INCLUSION)
def test_the_inclusion_proofs_are_those_that_the_authors_publish(leaf: tuple[int, int]) -> None:
    index, size = leaf
    proof = inclusion_proof(lambda place: node(place, LEAVES), index, size)

    assert proof == hashes(INCLUSION[leaf])
    assert includes(ROOTS[size], size, index, LEAVES[index], proof)


@pytest.mark.parametrize("sizes", CONSISTENCY)
def test_the_consistency_proofs_are_those_that_the_authors_publish(sizes: tuple[int, int]) -> None:
    before, size = sizes
    proof = consistency_proof(lambda place: node(place, LEAVES), before, size)

    assert proof == hashes(CONSISTENCY[sizes])
    assert goes_on(before, ROOTS[before], size, ROOTS[size], proof)


def test_trees_of_all_sizes_are_those_of_the_definition() -> None:
    tree = Tree()
    for size in range(len(MANY) + 1):
        assert root(node, size) == tree.root == by_definition(MANY[:size])
        assert (tree.size, len(tree.edge)) == (size, size.bit_count())
        if size < len(MANY):
            tree.add(MANY[size])


@given(SIZES, st.data())
def test_proofs_of_inclusion_are_those_of_the_definition_and_hold(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(node, index, size)

    assert proof == path_by_definition(index, MANY[:size])
    assert includes(root(node, size), size, index, MANY[index], proof)


@given(SIZES, st.data())
def test_proofs_of_consistency_are_those_of_the_definition_and_hold(size: int, data: st.DataObject) -> None:
    before = data.draw(st.integers(1, size))
    proof = consistency_proof(node, before, size)

    assert proof == proof_by_definition(before, MANY[:size])
    assert goes_on(before, root(node, before), size, root(node, size), proof)


def test_every_tree_goes_on_from_none_without_a_proof() -> None:
    assert goes_on(0, EMPTY_ROOT, 5, root(node, 5), [])
    assert consistency_proof(node, 0, 5) == []
    assert not goes_on(0, root(node, 1), 5, root(node, 5), [])
    assert not goes_on(0, EMPTY_ROOT, 5, root(node, 5), [MANY[0]])


def mutated(proof: Sequence[bytes], data: st.DataObject) -> list[bytes]:
    """A proof of the same or another length, in which something is different."""
    changed = list(proof)
    at = data.draw(st.integers(0, len(changed)))
    how = data.draw(st.sampled_from(["put in", "take out", "change", "swap"]))
    if how == "put in" or at == len(changed):
        changed.insert(at, data.draw(st.sampled_from([MANY[0], EMPTY_ROOT, *proof])))
    elif how == "take out":
        del changed[at]
    elif how == "swap" and len(changed) > 1:
        changed[at], changed[at - 1] = changed[at - 1], changed[at]
    else:
        changed[at] = flipped(changed[at], data)
    return changed


def flipped(known: bytes, data: st.DataObject) -> bytes:
    """A hash with one bit changed."""
    bit = data.draw(st.integers(0, 8 * len(known) - 1))
    return bytes(byte ^ (1 << bit % 8 if place == bit // 8 else 0) for place, byte in enumerate(known))


@settings(max_examples=400)
@given(SIZES, st.data())
def test_no_inclusion_is_proved_by_anything_else(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    known, proof = root(node, size), inclusion_proof(node, index, size)

    assert not includes(known, size, index, MANY[index], mutated(proof, data))
    assert not includes(flipped(known, data), size, index, MANY[index], proof)
    assert not includes(known, size, index, flipped(MANY[index], data), proof)
    other = data.draw(st.integers(-1, size + 1).filter(lambda other: other != index))
    assert not includes(known, size, other, MANY[index], proof)


@settings(max_examples=400)
@given(SIZES, st.data())
def test_no_tree_goes_on_from_another_by_anything_else(size: int, data: st.DataObject) -> None:
    before = data.draw(st.integers(1, size))
    known, after, proof = root(node, before), root(node, size), consistency_proof(node, before, size)

    assert not goes_on(before, known, size, after, mutated(proof, data))
    assert not goes_on(before, flipped(known, data), size, after, proof)
    assert not goes_on(before, known, size, flipped(after, data), proof)
    if before != size:
        assert not goes_on(size, after, before, known, proof)


@settings(max_examples=200)
@given(st.integers(2, len(MANY)), st.data())
def test_a_tree_in_which_an_old_leaf_was_changed_goes_on_from_nothing_that_had_it(size: int, data: st.DataObject) -> None:
    before = data.draw(st.integers(1, size - 1))
    at = data.draw(st.integers(0, before - 1))
    rewritten = [*MANY[:at], leaf_hash(b"something else"), *MANY[at + 1 :]]
    proof = consistency_proof(lambda place: node(place, rewritten), before, size)

    assert not goes_on(before, root(node, before), size, by_definition(rewritten[:size]), proof)


@pytest.mark.parametrize(("before", "size"), [(5, 4), (-1, 4), (1, 0)])
def test_there_is_no_proof_of_what_cannot_be(before: int, size: int) -> None:
    with pytest.raises(ValueError, match="does not go on"):
        consistency_spans(before, size)
    assert not goes_on(before, EMPTY_ROOT, size, EMPTY_ROOT, [])


@pytest.mark.parametrize(("index", "size"), [(4, 4), (-1, 4), (0, 0)])
def test_there_is_no_proof_of_a_leaf_that_is_not_there(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="there is no leaf"):
        inclusion_spans(index, size)


@given(st.integers(1, 2**50), st.data())
def test_proofs_are_made_of_few_complete_subtrees_however_large_the_tree(size: int, data: st.DataObject) -> None:
    before, index = data.draw(st.integers(1, size)), data.draw(st.integers(0, size - 1))
    for spans in (inclusion_spans(index, size), consistency_spans(before, size), [(0, size)]):
        assert len(spans) <= size.bit_length() + 1
        wanted = places(spans)
        assert len(wanted) <= 2 * size.bit_length() + 1
        assert all(index + 1 << level <= size for level, index in wanted)


@given(st.lists(st.integers(0, 40), max_size=12))
def test_leaves_that_are_added_together_make_the_tree_of_leaves_added_one_by_one(parts: list[int]) -> None:
    together, one_by_one = Tree(), Tree()
    for part in parts:
        leaves = [leaf_hash(bytes([number])) for number in range(part)]
        together.extend(leaves)
        for leaf in leaves:
            one_by_one.add(leaf)
        assert (together.size, together.edge, together.root) == (one_by_one.size, one_by_one.edge, one_by_one.root)
