"""Does a province get anything that is another's, or change anything at all, whatever it tries? The server answers."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import nats
import pytest
from nats.aio.client import Client
from nats.errors import Error as NatsError

from chassis.streams import LEDGER, set_up
from congdoan.embedded import EmbeddedNats
from congdoan.provinces import Credentials, grant, revoke
from congdoan.provinces.configuration import API, BRANCH
from congdoan.provinces.keys import seed_of
from congdoan.services import RECORDING
from tests.provinces.attacker import (
    FORBIDDEN_SUBSCRIPTIONS,
    FOREIGN,
    MEMBERSHIP,
    OWN,
    Attacker,
    fingerprint,
    forbidden_requests,
)
from tests.provinces.leaf import LeafNode
from tests.provinces.province import announce, patiently, province, read, services

EVENTS = range(1, 11)


@dataclass
class Ground:
    """Two branches with events that tell whose they are, and readers of both."""

    nats: EmbeddedNats
    services: Client
    own: Credentials
    foreign: Credentials
    before: dict[str, Any]

    async def unchanged(self) -> bool:
        """Whether everything is as it was."""
        return await fingerprint(self.services) == self.before


@pytest.fixture
async def ground(own_nats: EmbeddedNats, tmp_path: Path) -> AsyncIterator[Ground]:
    await set_up(own_nats.url, RECORDING)
    async with services(own_nats) as client:
        for service in RECORDING:
            for code in (OWN, FOREIGN):
                await announce(client, code, EVENTS, service)
        own, foreign = [await grant(own_nats.hub, code, tmp_path) for code in (OWN, FOREIGN)]
        for given in (own, foreign):
            async with province(given) as system:
                await read(system, len(EVENTS) * len(RECORDING) // 2)
        yield Ground(own_nats, client, own, foreign, await fingerprint(client))


async def test_every_request_but_those_of_a_reader_is_refused(ground: Ground) -> None:
    refused: list[str] = []

    async def keep(error: Exception) -> None:
        refused.append(str(error).lower())

    client = await nats.connect(ground.own.url, nkeys_seed=str(ground.own.file), error_cb=keep)
    attacker = Attacker(client)
    await attacker.ask_for_everything()
    assert attacker.answered == []
    assert attacker.seen == []
    told = "\n".join(refused)
    for subject, _ in forbidden_requests():
        mapped = subject.lower().replace("$js.hub.api", "$js.api")  # by the server itself, before it looks
        assert f'permissions violation for publish to "{mapped}"' in told, subject
    await client.close()
    assert await ground.unchanged()


async def test_every_subscription_but_the_own_inbox_is_refused(ground: Ground) -> None:
    refused: list[str] = []

    async def keep(error: Exception) -> None:
        refused.append(str(error).lower())

    client = await nats.connect(ground.own.url, nkeys_seed=str(ground.own.file), error_cb=keep)
    attacker = Attacker(client)
    await attacker.hear_everything()
    await attacker.listen("_INBOX.>")
    await happen(ground)
    told = "\n".join(refused)
    for subject in FORBIDDEN_SUBSCRIPTIONS:
        assert f'permissions violation for subscription to "{subject.lower()}"' in told, subject
    assert attacker.seen == [], "nor is anything heard of what others receive in their inboxes"
    await client.close()


async def test_a_body_that_asks_for_more_than_its_subject_is_refused(ground: Ground) -> None:
    async with province(ground.own) as client:
        answers = await Attacker(client).ask_with_other_bodies()
        assert [bool(answer.get("error")) for answer in answers] == [True] * len(answers), answers
    assert await ground.unchanged()


async def test_the_widest_filter_of_the_own_stream_gives_what_is_the_own(ground: Ground) -> None:
    async with province(ground.own) as client:
        wide = await client.jetstream(domain="branch").pull_subscribe("federation.>", durable="wide", stream=BRANCH)
        messages = await wide.fetch(100, timeout=20)
        assert messages
        assert all(f".{OWN}." in message.subject and FOREIGN.encode() not in message.data for message in messages)


async def test_nothing_comes_or_happens_by_a_detour(ground: Ground) -> None:
    async with province(ground.own) as client:
        attacker = Attacker(client)
        for subject in ("_INBOX.>", "mirror.>", "$JSC.R.>"):
            await attacker.listen(subject)
        await attacker.ask_by_detours()
        await attacker.have_pushed()
        await attacker.acknowledge_of_others()
        await happen(ground)
        assert attacker.seen, "its own events did come"
        assert attacker.foreign == []
    await asyncio.sleep(0)
    after = await fingerprint(ground.services)
    assert own_part(after) == own_part(ground.before)
    assert sequences(after) == {name: number + added(name) for name, number in sequences(ground.before).items()}


async def test_a_leaf_node_may_do_no_more_than_a_client(ground: Ground, tmp_path: Path) -> None:
    async with LeafNode(ground.own, tmp_path / "leaf") as leaf:
        client = await leaf.connect()
        attacker = Attacker(client)
        await attacker.hear_everything()
        await attacker.ask_for_everything()
        await attacker.ask_with_other_bodies()
        await attacker.ask_by_detours()
        await attacker.acknowledge_of_others()
        await happen(ground)
        assert (await attacker.request(f"{API}.STREAM.INFO.{BRANCH}", "")) is not None, "the leaf node is connected"
        assert attacker.foreign == []
        await client.close()
    after = await fingerprint(ground.services)
    assert own_part(after) == own_part(ground.before)
    assert sequences(after) == {name: number + added(name) for name, number in sequences(ground.before).items()}


async def test_nobody_enters_without_a_key_that_is_in_force(ground: Ground, tmp_path: Path) -> None:
    async def enters(**options: Any) -> bool:
        try:
            client = await nats.connect(ground.own.url, allow_reconnect=False, error_cb=ignored, **options)
        except NatsError:
            return False
        await client.close()
        return True

    assert await enters(nkeys_seed=str(ground.own.file))
    assert not await enters()
    assert not await enters(nkeys_seed_str=seed_of(bytes(32)))
    assert not await enters(user="services", password="")
    assert not await enters(user="operator", password="operator")
    assert not await enters(token=ground.nats.token)
    old = ground.own.file.read_text()
    await grant(ground.nats.hub, OWN, tmp_path, renew=True)
    assert await enters(nkeys_seed=str(ground.own.file))
    assert not await enters(nkeys_seed_str=old)
    await revoke(ground.nats.hub, OWN)
    assert not await enters(nkeys_seed=str(ground.own.file))


async def test_no_leaf_node_enters_without_a_key_that_is_in_force(ground: Ground, tmp_path: Path) -> None:
    forged = tmp_path / "forged.nk"
    forged.write_text(seed_of(bytes(32)))
    async with LeafNode(replace(ground.own, file=forged), tmp_path / "leaf") as leaf:

        async def refused() -> bool:
            return "authorization violation" in leaf.log.lower()

        await patiently(refused)
        client = await leaf.connect()
        assert await Attacker(client).request(f"{API}.STREAM.INFO.{BRANCH}", "") is None
        await client.close()


async def test_the_attacks_find_what_is_there_when_somebody_may_do_everything(ground: Ground) -> None:
    attacker = Attacker(ground.services)
    await attacker.hear_everything()
    await happen(ground)
    assert attacker.foreign
    await attacker.ask_for_everything()
    assert {f"$JS.API.STREAM.MSG.GET.{MEMBERSHIP}", f"branches.{FOREIGN}.api.STREAM.INFO.{BRANCH}"} <= {
        subject for subject, _ in attacker.answered
    }
    async with services(ground.nats) as fresh:
        after = await fingerprint(fresh)
    assert after != ground.before
    assert LEDGER not in after, "it was deleted"


async def ignored(_: Exception) -> None:
    """The test asks whether it is let in."""


async def happen(ground: Ground) -> None:
    """Something happens in both branches, and the other province reads it."""
    for code in (OWN, FOREIGN):
        await announce(ground.services, code, [11, 12])
    async with province(ground.foreign) as system:
        await read(system, 2, durable="beside")


def added(name: str) -> int:
    """How many messages :func:`happen` adds to a stream."""
    return {MEMBERSHIP: 4, f"{OWN} {BRANCH}": 2, f"{FOREIGN} {BRANCH}": 2}.get(name, 0)


def own_part(found: dict[str, Any]) -> dict[str, Any]:
    """How streams are configured, since when they are there, and how far the readers have come."""
    return {name: told if not isinstance(told, tuple) else told[:2] for name, told in found.items()}


def sequences(found: dict[str, Any]) -> dict[str, int]:
    """How far each stream is; no message was taken out."""
    states = {name: told[2] for name, told in found.items() if isinstance(told, tuple)}
    assert {name: state for name, state in states.items() if state["last_seq"] - state["messages"]} == {}, "taken out"
    return {name: told[2]["last_seq"] for name, told in found.items() if isinstance(told, tuple)}
