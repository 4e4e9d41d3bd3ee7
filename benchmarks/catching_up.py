"""How fast does one province catch up with a long history, with every rule by which a branch is followed?

Held against a plain nats-py subscriber that reads the hub's own stream and only counts.
"""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import nats
import uvloop
from nats.js.api import AckPolicy, ConsumerConfig

from benchmarks.admissions import BRANCH
from benchmarks.filling import fill
from benchmarks.ground import Ground, bus_on, empty_stream, store_on
from benchmarks.measuring import Result, Row
from chassis.database import AppendSignal
from chassis.ledger.note import Signer
from chassis.publisher import Publisher
from chassis.streams import set_up, stream_name
from congdoan.following.follower import BATCH, Follower, Place
from congdoan.following.state import State
from congdoan.provinces import Credentials, grant, revoke
from congdoan.provinces.branch_streams import info
from congdoan.services import RECORDING

SERVICE = "membership"
AIM = 0.5


def rows(ground: Ground) -> list[Row]:
    """One run: the history is too long for more."""
    return [Row(f"catch-up over {ground.sizes.old:,} events", lambda rounds: caught_up(ground))]


def caught_up(ground: Ground) -> Sequence[Result]:
    """How fast the branch's stream fills, and how fast it is read."""
    with ground.database() as conninfo, TemporaryDirectory(prefix="congdoan-") as folder:
        fill(conninfo, ground.sizes.old)
        return uvloop.run(_run(ground, conninfo, Path(folder)))


async def _run(ground: Ground, conninfo: str, folder: Path) -> list[Result]:
    events = ground.sizes.old
    await empty_stream(ground.nats.url, SERVICE)
    await set_up(ground.nats.url, RECORDING)
    published = await _published(ground, conninfo, events)
    began = time.perf_counter()
    credentials = await grant(ground.nats.hub, BRANCH, folder)
    try:
        filled = await _filled(ground, events, began)
        plain = await _read_plainly(ground, events)
        followed = await _followed(credentials, folder, events)
    finally:
        await revoke(ground.nats.hub, BRANCH)
    return [
        Result(f"catch-up of one province over {events:,} events", "plain nats-py, no rules", followed, plain, AIM),
        Result(f"a branch's stream filled with {events:,} events", "the publisher onto the hub's", filled, published),
    ]


async def _published(ground: Ground, conninfo: str, events: int) -> float:
    async with store_on(conninfo, SERVICE) as (store, _), bus_on(ground.nats.url) as bus:
        publisher = Publisher(store, bus, AppendSignal(conninfo))
        began = time.perf_counter()
        await publisher.start()
        while publisher.published < events:
            await asyncio.sleep(0.001)
        took = time.perf_counter() - began
        await publisher.stop()
    return events / took


async def _filled(ground: Ground, events: int, began: float) -> float:
    async with ground.nats.hub.services() as client:
        while (await info(client, BRANCH))["state"]["messages"] < events:
            await asyncio.sleep(0.01)
    return events / (time.perf_counter() - began)


async def _read_plainly(ground: Ground, events: int) -> float:
    client = await nats.connect(ground.nats.url)
    unacknowledged = ConsumerConfig(ack_policy=AckPolicy.NONE)
    reading = await client.jetstream().pull_subscribe("", stream=stream_name(SERVICE), config=unacknowledged)
    began, count = time.perf_counter(), 0
    while count < events:
        count += len(await reading.fetch(BATCH, timeout=30))
    took = time.perf_counter() - began
    await client.close()
    return events / took


async def _followed(credentials: Credentials, folder: Path, events: int) -> float:
    """Every event as a line, the state saved after each batch."""
    place = Place(credentials.url, credentials.file, "bench", Signer("bench", bytes(32)).verifier)
    state, written = State.load(BRANCH, folder / "state.json"), 0

    def write(lines: Sequence[bytes]) -> None:
        nonlocal written
        written += len(lines)

    began = time.perf_counter()
    await Follower(place, state, None, write, lambda said: None, until_caught_up=True).follow()
    assert written == events, "each event once"
    return events / (time.perf_counter() - began)
