"""Is the stored tree the one over the log, in whatever batches it grew, and does growing it cost the same however long it is?"""

import asyncio
from collections.abc import AsyncIterator
from random import Random

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.domain.ledger import ARITY, STRIDE, nodes_of, parents, stored, subtree
from audit.read_models import SCHEMA, nodes
from audit.read_models.log import LogKeeper
from audit.read_models.nodes import TreeIncomplete, grow_all, tree_of
from chassis.database import Pool, fetch, migrate, open_pool
from chassis.following import Follower
from chassis.ledger.leaf import canonical
from chassis.ledger.merkle import (
    Place,
    Tree,
    consistency_proof,
    consistency_spans,
    goes_on,
    includes,
    inclusion_proof,
    inclusion_spans,
    leaf_hash,
    root,
)
from tests.audit.notary import seal
from tests.audit.test_tables import drawn

SERVICE = "membership"
MANY = 1_200
LEAVES = [leaf_hash(str(number).encode()) for number in range(MANY)]


def levels(leaves: list[bytes]) -> dict[Place, bytes]:
    """What is stored of a tree, its leaves too."""
    found: dict[Place, bytes] = {}
    level = 0
    while leaves:
        found |= {(level, index): leaf for index, leaf in enumerate(leaves)}
        leaves, level = parents(leaves[: len(leaves) // ARITY * ARITY]), level + STRIDE
    return found


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    await asyncio.to_thread(migrate, database, SCHEMA)
    async with open_pool(database) as opened:
        yield opened


async def kept(pool: Pool) -> list[tuple[int, int, bytes]]:
    """Everything that is stored of the tree."""
    return [
        (level, at, found) for level, at, found in await fetch(pool, "select level, index, hash from ledger_nodes order by 1, 2")
    ]


@settings(max_examples=60, deadline=None)
@given(st.integers(1, MANY), st.data())
def test_what_is_stored_makes_every_root_and_every_proof(size: int, data: st.DataObject) -> None:
    before, index = data.draw(st.integers(1, size)), data.draw(st.integers(0, size - 1))
    spans = [(0, size), (0, before), *inclusion_spans(index, size), *consistency_spans(before, size)]
    everything = levels(LEAVES[:size])
    reader = nodes_of({place: everything[place] for place in stored(spans)})
    tree = Tree()
    for leaf in LEAVES[:size]:
        tree.add(leaf)

    assert root(reader, size) == tree.root
    assert includes(tree.root, size, index, LEAVES[index], inclusion_proof(reader, index, size))
    proof = consistency_proof(reader, before, size)
    assert goes_on(before, root(reader, before), size, tree.root, proof)


@given(st.integers(1, 2**50), st.data())
def test_few_stored_hashes_are_read_however_long_the_log_is(size: int, data: st.DataObject) -> None:
    before = data.draw(st.integers(1, size))
    wanted = stored([(0, size), *consistency_spans(before, size)])

    assert len(wanted) == len(set(wanted)) <= 2 * ARITY * (size.bit_length() // STRIDE + 1)
    assert all(level % STRIDE == 0 and index + 1 << level <= size for level, index in wanted)


@pytest.mark.parametrize("size", [1, 7, 100, 1_000])
async def test_the_tree_grows_with_the_log_in_whatever_batches_it_comes(pool: Pool, size: int) -> None:
    events = drawn(Random(51), 900).of(SERVICE)[:320]
    await seal(pool, SERVICE, events, size)

    leaves = [leaf for (leaf,) in await fetch(pool, "select leaf_hash from log where service = %s order by position", (SERVICE,))]
    assert await kept(pool) == [(*place, found) for place, found in sorted(levels(leaves).items()) if place[0]]
    assert [(level, at) for level, at, _ in await kept(pool)] == [*((4, index) for index in range(20)), (8, 0)]


async def test_a_log_that_is_older_than_its_tree_gets_it_part_by_part(
    pool: Pool, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = drawn(Random(52), 2_000).of(SERVICE)
    await seal(pool, SERVICE, events)
    whole = await kept(pool)
    assert len(whole) > 40

    for left in (0, 3, 17, len(whole)):
        with psycopg.connect(database) as connection:
            # As if a version without a tree had gone on, or a fill had ended early: nothing above what lacks something below.
            for level, below in ((4, left), (8, left // ARITY)):
                connection.execute("delete from ledger_nodes where level = %s and index >= %s", (level, below))
        monkeypatch.setattr(nodes, "STEP", 100)
        monkeypatch.setattr(nodes, "BATCH", 3)
        await grow_all(pool, SERVICE)
        assert await kept(pool) == whole


async def test_what_comes_while_an_old_log_gets_its_tree_waits_for_a_part_of_it_only(
    pool: Pool, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = drawn(Random(56), 1_000).of(SERVICE)
    await seal(pool, SERVICE, events[:350])
    with psycopg.connect(database) as connection:
        connection.execute("delete from ledger_nodes")

    monkeypatch.setattr(nodes, "STEP", 160)
    await seal(pool, SERVICE, events[:360])
    assert [(level, index) for level, index, _ in await kept(pool)] == [(4, index) for index in range(10)]
    await grow_all(pool, SERVICE)
    await seal(pool, SERVICE, events)

    leaves = [leaf_hash(canonical(event)) for event in events]
    assert await kept(pool) == [(*place, found) for place, found in sorted(levels(leaves).items()) if place[0]]


async def test_an_entry_that_was_taken_out_is_noticed(pool: Pool, database: str) -> None:
    await seal(pool, SERVICE, drawn(Random(53), 300).of(SERVICE))
    with psycopg.connect(database) as connection:
        connection.execute("delete from log where position = 20")
        connection.execute("delete from ledger_nodes")

    with pytest.raises(TreeIncomplete, match=r"^membership has \d+ hashes of level 0 from 0 to \d+$"):
        await grow_all(pool, SERVICE)


async def test_an_entry_that_was_taken_out_stops_the_log_before_the_next_subtree(pool: Pool, database: str) -> None:
    events = drawn(Random(55), 300).of(SERVICE)
    keeper, position = LogKeeper(SERVICE), await seal(pool, SERVICE, events[:40])
    with psycopg.connect(database) as connection:
        connection.execute("delete from log where position = 35")

    follower = Follower(pool, keeper, lambda: events[0].recorded_at)
    await follower.load()
    await follower.take(events[position:45])
    with pytest.raises(TreeIncomplete):
        await follower.take(events[45:60])
    assert keeper.broken is not None
    assert keeper.broken.reason == "membership has 15 hashes of level 0 from 32 to 48"


async def test_a_tree_that_lacks_a_hash_is_not_read(pool: Pool, database: str) -> None:
    await seal(pool, SERVICE, drawn(Random(54), 300).of(SERVICE))
    with psycopg.connect(database) as connection:
        connection.execute("delete from ledger_nodes where level = 4 and index = 1")

    async with pool.connection() as session, session.transaction():
        await tree_of(session, SERVICE, [(0, 16)])
        with pytest.raises(TreeIncomplete, match=r"^1 hashes of membership are not there$"):
            await tree_of(session, SERVICE, [(0, 33)])


def test_a_subtree_is_above_a_power_of_two() -> None:
    with pytest.raises(ValueError, match="zip"):
        subtree(LEAVES[:3])
