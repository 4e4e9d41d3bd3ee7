"""What is the stream of a branch, and who makes it? The services' account does, through the branch's JetStream API."""

import asyncio
from contextlib import suppress
from typing import Any

import orjson
from nats.aio.client import Client

from chassis.streams import MAX_MESSAGE_BYTES, NOT_FOUND, JetStreamError, answer
from congdoan.provinces.configuration import BRANCH, HUB_API, api_of, delivery_of, sources_of
from congdoan.provinces.hub import REQUEST_TIMEOUT_S

BEGINS_WITHIN_S = 3.0
POLL_S = 0.05


def configuration(code: str) -> dict[str, Any]:
    """How the stream of a branch is made: everything that is the branch's, kept for ever, nothing taken out."""
    external = {"api": HUB_API, "deliver": delivery_of(code)}
    return {
        "name": BRANCH,
        "storage": "file",
        # A copy: what it loses in a crash the server fetches again. Synced one by one it fills at a tenth of the speed.
        "persist_mode": "async",
        "retention": "limits",
        "discard": "new",
        "deny_delete": True,
        "deny_purge": True,
        "max_msg_size": MAX_MESSAGE_BYTES + 4096,
        "sources": [{"name": name, "filter_subject": part, "external": external} for name, part in sources_of(code)],
    }


async def make(client: Client, code: str) -> None:
    """Make the stream, unless it is there, and wait a moment until it begins to fill.

    While the server reads its configuration, a request from account to account may get lost, and the server asks again
    only after half a minute; so nobody should have it read in this moment.

    :raises JetStreamError: the server refuses; :raises NatsError: no answer.
    """
    if await found(client, code):
        return
    await asked(client, code, f"STREAM.CREATE.{BRANCH}", configuration(code))
    with suppress(TimeoutError):
        async with asyncio.timeout(BEGINS_WITHIN_S):
            while not all(source["active"] >= 0 for source in (await info(client, code))["sources"]):
                await asyncio.sleep(POLL_S)


async def remove(client: Client, code: str) -> None:
    """Take the stream away, with all its consumers, if it is there."""
    try:
        await asked(client, code, f"STREAM.DELETE.{BRANCH}")
    except JetStreamError as error:
        if error.code != NOT_FOUND:
            raise


async def found(client: Client, code: str) -> dict[str, Any] | None:
    """What the server knows of the stream; None when there is none.

    :raises JetStreamError: the server refuses; :raises NatsError: no answer.
    """
    try:
        return await info(client, code)
    except JetStreamError as error:
        if error.code != NOT_FOUND:
            raise
        return None


async def info(client: Client, code: str) -> dict[str, Any]:
    """What the server knows of the stream.

    :raises JetStreamError: there is none (`NOT_FOUND`); :raises NatsError: no answer.
    """
    return await asked(client, code, f"STREAM.INFO.{BRANCH}")


async def asked(client: Client, code: str, request: str, body: object = None) -> dict[str, Any]:
    """The answer to a request of a branch's JetStream API.

    :raises JetStreamError: the answer is an error; :raises NatsError: there is none.
    """
    data = orjson.dumps(body) if body is not None else b""
    return answer((await client.request(f"{api_of(code)}.{request}", data, timeout=REQUEST_TIMEOUT_S)).data)
