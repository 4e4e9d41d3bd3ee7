"""How does a test play a province, and the services that announce what concerns it?"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import TimeoutError as NothingCame

from congdoan.embedded import EmbeddedNats
from congdoan.provinces import Credentials
from congdoan.provinces.configuration import PROVINCE_DOMAIN

PATIENCE_S = 20.0


async def silent(_: Exception) -> None:
    """An error that the test looks for elsewhere."""


@asynccontextmanager
async def services(hub: EmbeddedNats, **options: Any) -> AsyncIterator[Client]:
    """The services' account."""
    client = await nats.connect(hub.url, error_cb=silent, **options)
    try:
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def province(credentials: Credentials, **options: Any) -> AsyncIterator[Client]:
    """A province's system, let in by its key."""
    client = await nats.connect(credentials.url, nkeys_seed=str(credentials.file), error_cb=silent, **options)
    try:
        yield client
    finally:
        await client.close()


async def announce(client: Client, code: str, numbers: Sequence[int], service: str = "membership") -> None:
    """Announce events of a branch; each tells whose it is, and its number there."""
    for number in numbers:
        headers = {"ce-id": f"{service}/{code}/{number}", "ce-branchposition": str(number)}
        subject = f"federation.{service}.{code}.happened"
        await client.jetstream().publish(subject, f"{service} {code} {number}".encode(), headers=headers)


async def read(client: Client, count: int, durable: str = "reader", **options: Any) -> list[Msg]:
    """The next `count` events of the branch's stream, acknowledged; fewer when no more come."""
    reading = await client.jetstream(domain=PROVINCE_DOMAIN).pull_subscribe("", durable=durable, stream="BRANCH", **options)
    found: list[Msg] = []
    while len(found) < count:
        try:
            messages = await reading.fetch(count - len(found), timeout=PATIENCE_S)
        except NothingCame:
            break
        for message in messages:
            await message.ack_sync()
        found += messages
    await reading.unsubscribe()
    return found


async def patiently(condition: Callable[[], Awaitable[bool]]) -> None:
    """Return when it holds."""
    async with asyncio.timeout(3 * PATIENCE_S):
        while not await condition():
            await asyncio.sleep(0.05)


def told(messages: Sequence[Msg]) -> list[str]:
    """What some events say."""
    return [message.data.decode() for message in messages]
