"""Is a damaged stream put right so that everyone has each event once: another service, the auditor, a province, its mirror?

A suite on real servers: membership records, welfare and audit follow, Hà Nội reads its branch and mirrors it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest
from nats.aio.client import Client

from chassis import streams
from chassis.reconciliation.branch_places import BRANCH
from chassis.security import Caller, Role
from chassis.streams import stream_name
from congdoan.auditing.reconciling import sweep
from congdoan.clients import connected
from congdoan.embedded import EmbeddedNats, EmbeddedPostgres, reserve_port
from congdoan.provinces import branch_streams, grant
from federation.contract.v1 import contract_pb2
from tests.connected import damage
from tests.provinces.leaf import LeafNode
from tests.provinces.province import patiently, province, read, services
from tests.serving import Suite, credentials, suite_of, target_of

AUDITOR = Caller("kiểm-toán", Role.AUDITOR, "", "vi")
CODE = "ha-noi"
EVENTS = "federation.membership.>"
PROVINCE, GRASSROOTS = 3, 5
HARMS: Sequence[damage.Damage] = (damage.deleted, damage.one_changed, damage.replaced_by_its_like)


@pytest.mark.long
async def test_whatever_was_done_to_a_stream_everyone_has_each_event_once(
    own_nats: EmbeddedNats, postgres: EmbeddedPostgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chassis.reconciliation.sealed.HOLDS_S", 0.0)
    audits = reserve_port()
    told: dict[str, dict[str, Any]] = {
        "membership": {"audit_target": audits.address},
        "audit": {"service_listen": audits.address},
    }
    async with suite_of(postgres, own_nats.url, "membership", "welfare", "audit", **told) as suite, services(own_nats) as bus:
        given = await grant(own_nats.hub, CODE, tmp_path)
        await suite.establish("tld", 1)
        await suite.establish(CODE, PROVINCE, "tld")
        for number in range(10):
            await suite.establish(f"{CODE}-{number}", GRASSROOTS, CODE)
        async with LeafNode(given, tmp_path / "leaf") as leaf, province(given) as system:
            await leaf.mirror()
            positions: list[int] = []
            for number, harm in enumerate(HARMS):
                await has_all(bus, leaf, 11 + number)
                await harmed(suite, bus, harm)
                await whole(suite, bus)
                await suite.establish(f"{CODE}-{10 + number}", GRASSROOTS, CODE)
                await has_all(bus, leaf, 12 + number)
                positions += await heard(system, 12 + number - len(positions))
                assert positions == list(range(1, 13 + number)), harm.__name__
                assert await counted(suite) == 11 + number, harm.__name__
        await a_tampered_store_is_copied_nowhere(suite, bus)
        for name in ("welfare", "audit"):
            assert aside(suite, name) == 0
        state = await suite.call("membership", "GetStatus")
        assert (state.stream.repairs, state.stream.alarm) == (4, "")


async def harmed(suite: Suite, bus: Client, harm: damage.Damage) -> None:
    """Somebody damages membership's stream, quicker than it looks."""
    membership = suite.services["membership"]
    assert membership.publisher
    assert membership.reconciler
    await membership.reconciler.stop()
    await membership.publisher.stop()
    await harm(bus, "membership")
    await membership.publisher.start()
    await membership.reconciler.start()


async def whole(suite: Suite, bus: Client) -> None:
    """Wait until the stream is there with everything, open to all, and compared."""

    async def so() -> bool:
        try:
            found = await streams.info(bus, stream_name("membership"))
        except streams.JetStreamError:
            return False
        status = await suite.call("membership", "GetStatus")
        done = found["state"]["messages"] == found["state"]["last_seq"] == status.head
        return done and not streams.is_closed(found["config"])

    await patiently(so)
    told: list[tuple[str, int, int]] = []
    async with connected({"membership": target_of(suite.services["membership"])}, credentials(AUDITOR)) as federation:
        (state,) = await sweep(federation, "membership", lambda *progress: told.append(progress))
    assert state.in_order
    assert state.document["alarm"] == ""
    assert told[-1] == ("membership", state.head, state.head)


async def has_all(bus: Client, leaf: LeafNode, many: int) -> None:
    """Wait until the branch's stream and its mirror hold so many events, and none of them twice."""

    async def so() -> bool:
        state = (await branch_streams.asked(bus, CODE, f"STREAM.INFO.{BRANCH}", {"subjects_filter": EVENTS}))["state"]
        held = sum(state.get("subjects", {}).values())
        assert held <= many, "an event of the branch came twice"
        return bool(held == many and await leaf.mirrored(EVENTS) == many)

    await patiently(so)


async def heard(system: Client, many: int) -> list[int]:
    """The branch positions of the next so many events of membership, as a subscriber takes them; checkpoints are passed over."""
    positions: list[int] = []
    while len(positions) < many:
        (message,) = await read(system, 1)
        if message.subject.startswith("federation.membership."):
            positions.append(int((message.headers or {})["ce-branchposition"]))
    return positions


async def counted(suite: Suite) -> int:
    """The grassroots units of Hà Nội, as the auditor and welfare know them."""
    asked = {"unit": CODE, "year": 2024, "as_of": "2024-12-31"}
    answer: contract_pb2.GetFiguresResponse = await suite.call("audit", "GetFigures", **asked)
    (audited,) = [figure.count for figure in answer.figures if figure.name == "grassroots_units"]
    await suite.call("welfare", "GetFigures", **asked)
    known = [unit for unit in suite.services["welfare"].tree.under(CODE) if unit != CODE]
    assert len(known) == audited
    return audited


async def a_tampered_store_is_copied_nowhere(suite: Suite, bus: Client) -> None:
    """Audit sealed what membership said; so what its store says now is not announced, until it is as it was."""
    membership = suite.services["membership"]
    assert membership.publisher
    with psycopg.connect(membership.settings.database_url) as connection:
        query = "update events set body = %s where position = 3"
        ((body,),) = connection.execute("select body from events where position = 3").fetchall()
        connection.execute(query, (body.replace(b'"name":"', b'"name":"x'),))
        connection.commit()
        await harmed(suite, bus, damage.deleted)

        async def refused() -> bool:
            return bool(membership.publisher and membership.publisher.trouble == "store differs from the ledger at membership/3")

        await patiently(refused)
        connection.execute(query, (body,))
    await membership.publisher.stop()
    await membership.publisher.start()
    await whole(suite, bus)


def aside(suite: Suite, name: str) -> int:
    """How many events a service could not take."""
    with psycopg.connect(suite.services[name].settings.database_url) as connection:
        ((many,),) = connection.execute("select count(*) from parked").fetchall()
    return int(many)
