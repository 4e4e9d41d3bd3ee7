"""Is every change that an administrator with all rights makes to a history noticed, and the first bad position named?"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest
import pytest_asyncio

from chassis.ledger.witness import CheckpointGoesBack, ConsistencyBroken
from chassis.recorded import RecordedEvent
from congdoan.auditing.kept import read_witness
from congdoan.auditing.verifying import Places
from congdoan.embedded import EmbeddedPostgres
from tests.audit.notary import SIGNER
from tests.auditing.ground import BEYOND, SIZES, UNDER, Ground, forge_everything, ground_of, kept_by_province, rebuilt

pytestmark = pytest.mark.asyncio(loop_scope="module")
AT = 100
"""Where a history is attacked: between the second and the third checkpoint."""
LAST = UNDER + BEYOND


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ground(postgres: EmbeddedPostgres) -> AsyncIterator[Ground]:
    async with ground_of(postgres) as found:
        yield found


async def test_a_history_that_nobody_changed_is_whole_by_either_source(ground: Ground) -> None:
    for source in ("store", "stream"):
        found = await ground.verify(source)

        assert found.whole, (source, found.walk.flaws, found.span)
        assert found.walk.size == LAST
        assert found.covered == UNDER
        assert found.walk.compared["ledger"].many == len(SIZES)
        assert found.checked_until == (LAST if source == "store" else 0)


SHIFTED = (
    "alter table events drop constraint events_pkey",
    "drop index events_by_aggregate",
    f"update events set position = position + 1 where position >= {AT}",
    f"""insert into events select {AT}, gen_random_uuid(), 1, topic, body, metadata, 'made-up', 1, recorded_at
        from events where position = {AT + 1}""",
    "insert into branches values ('made-up', 1)",
    "update head set position = position + 1",
)
SWAPPED = f"""update events a set aggregate_id = b.aggregate_id, version = b.version, topic = b.topic, body = b.body,
    metadata = b.metadata, recorded_at = b.recorded_at from events b
    where (a.position, b.position) in (({AT}, {AT + 1}), ({AT + 1}, {AT}))"""
NEWEST = (
    f"delete from events where position > {UNDER - 20}",
    "truncate branches",
    "insert into branches select branch, max(branch_position) from events group by branch",
    "update head set position = (select max(position) from events)",
)
ATTACKS = {
    "the body of a row": ((f"update events set body = body || '\\x20' where position = {AT}",), AT),
    "its metadata": (
        (f"update events set metadata = replace(encode(metadata, 'escape'), 'officer', 'nobody')::bytea where position = {AT}",),
        AT,
    ),
    "a row is deleted": ((f"delete from events where position = {AT}",), AT),
    "one is inserted": (SHIFTED, AT),
    "two change places": (("drop index events_by_aggregate", SWAPPED), AT),
    "the time is put back": ((f"update events set recorded_at = recorded_at - interval '1 day' where position = {AT}",), AT),
    "a row without a value": (
        ("alter table events alter body drop not null", f"update events set body = null where position = {AT}"),
        AT,
    ),
    "the newest are gone, with the head": (NEWEST, UNDER - 19),
    "all are gone": (("truncate events, branches", "update head set position = 0"), 1),
    "one beyond the last checkpoint": ((f"update events set body = body || '\\x20' where position = {LAST - 2}",), LAST - 2),
    "the newest beyond it, with the head": (
        (f"delete from events where position > {UNDER + 2}", *NEWEST[1:]),
        UNDER + 3,
    ),
    "one is put behind the head": (
        (
            f"""insert into events select {LAST + 1}, gen_random_uuid(), 1, topic, body, metadata, branch, 99999, now()
                from events where position = 1""",
        ),
        LAST + 1,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("statements", "first"), ATTACKS.values(), ids=ATTACKS)
async def test_a_change_in_the_store_is_noticed_and_the_first_bad_position_named(
    ground: Ground, statements: Sequence[str], first: int
) -> None:
    with ground.attack(*statements):
        found = await ground.verify("store")

        assert not found.whole
        assert (found.first_bad or (found.span and found.span.upto)) == first, (found.span, found.walk.flaws)
        if found.first_bad:
            assert found.named_by == "stream"


async def test_with_the_checkpoints_alone_the_span_between_two_of_them_is_named(ground: Ground) -> None:
    alone = Places(None, lambda _: ground.attacked)
    witness = [read_witness(await kept_by_province(ground, UNDER), SIGNER.verifier)]
    with ground.attack(*ATTACKS["its metadata"][0]):
        found = await ground.verify(places=alone, witnesses=witness)

    assert found.first_bad is None
    assert found.span
    assert (found.span.start.size, found.span.upto) == (SIZES[1], SIZES[2])
    assert found.span.by
    assert found.span.by.source == "ha-noi.state.checkpoints"


async def test_what_audit_sealed_names_the_position_where_the_stream_was_changed_as_well(ground: Ground) -> None:
    forged = ground.changed(AT)
    await rebuilt(ground, forged)
    try:
        with ground.attack(*ATTACKS["the body of a row"][0]):
            places = Places(ground.server, lambda _: ground.attacked, ground.sealed)
            found = await ground.verify(places=places)
    finally:
        await rebuilt(ground, ground.events)

    assert (found.first_bad, found.named_by) == (AT, "audit")


def without(events: Sequence[RecordedEvent]) -> list[RecordedEvent]:
    """A stream on which everything after the missing event was told one position earlier."""
    return [*events[: AT - 1], *(replace(event, position=event.position - 1) for event in events[AT:])]


@pytest.mark.parametrize("attack", ["replaced", "missing", "cut", "another's subject", "gone"])
async def test_a_stream_that_was_made_anew_is_noticed_and_the_first_bad_position_named(ground: Ground, attack: str) -> None:
    events = ground.events
    made = {
        "replaced": ground.changed(AT),
        "missing": without(events),
        "cut": events[:AT],
        "another's subject": events,
        "gone": [],
    }[attack]
    await rebuilt(ground, made, misplaced=AT if attack == "another's subject" else 0)
    try:
        found = await ground.verify("stream")
        alone = await ground.verify("stream", beside=False)
    finally:
        await rebuilt(ground, events)

    assert not found.whole
    assert not alone.whole
    wanted = {"cut": AT + 1, "gone": 1}.get(attack, AT)
    assert (found.first_bad, found.named_by) == (wanted, "store")
    assert alone.span
    assert alone.span.start.size < wanted <= alone.span.upto


async def test_a_history_that_was_rewritten_and_signed_anew_contradicts_a_witness(ground: Ground) -> None:
    file = await kept_by_province(ground, SIZES[2], "vinh-phuc.state")
    witness = [read_witness(file, SIGNER.verifier)]
    async with forge_everything(ground, AT):
        believed = await ground.verify("store")
        found = await ground.verify("store", witnesses=witness)
        of_stream = await ground.verify("stream", witnesses=witness)

    assert believed.whole, "whoever kept nothing sees nothing"
    for each in (found, of_stream):
        assert each.span
        assert (each.span.start.size, each.span.upto) == (SIZES[1], SIZES[2])
        assert each.span.contradicted == ("ledger",)
        assert each.walk.compared["vinh-phuc.state.checkpoints"].mismatched
    assert (await ground.verify(witnesses=[read_witness(file, SIGNER.verifier)])).whole, "and the true one does not"


async def test_a_ledger_whose_checkpoints_do_not_go_on_is_noticed(ground: Ground) -> None:
    async with forge_everything(ground, AT, only_the_newest=True):
        found = await ground.verify("store")

    assert not found.whole
    assert isinstance(found.refused, ConsistencyBroken)


async def test_what_was_verified_once_is_not_read_again(ground: Ground) -> None:
    first = await ground.outcome("store")
    with ground.attack(*ATTACKS["the body of a row"][0]):
        later = await ground.verify("store", since=first.verified)

    assert later.whole, "what was changed lies before the part that was looked at"
    assert (later.walk.start.size, later.walk.size) == (UNDER, LAST)


async def test_a_ledger_that_lost_its_newest_checkpoints_is_noticed_by_whoever_verified_under_them(ground: Ground) -> None:
    first = await ground.outcome("store")
    async with forge_everything(ground, LAST + 1, kept=2):
        later = await ground.verify("store", since=first.verified)
        believed = await ground.verify("store")

    assert isinstance(later.refused, CheckpointGoesBack)
    assert believed.whole, "whoever kept nothing sees nothing"
    assert believed.covered == SIZES[1]
