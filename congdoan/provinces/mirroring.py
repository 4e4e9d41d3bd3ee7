"""How does a province's own server, a leaf node, come to mirror its branch? By one stream, made once."""

import asyncio

from nats.aio.client import Client
from nats.errors import Error as NatsError

from chassis.streams import NOT_FOUND, JetStreamError, api
from congdoan.provinces.configuration import BRANCH
from congdoan.provinces.hub import connected
from congdoan.provinces.instructions import MIRRORED

RETRY_S = 0.5


async def mirror(url: str, patience_s: float) -> bool:
    """Make the stream on the leaf node at `url`, unless it is there; whether it was made.

    It may be made before the leaf node has reached the centre: it fills as soon as it has.

    :param patience_s: for a leaf node that is just starting.
    :raises HubUnavailable: it cannot be reached; :raises JetStreamError: it refuses.
    """
    async with connected(url) as client:
        until = asyncio.get_running_loop().time() + patience_s
        while True:
            try:
                return await _made(client)
            except NatsError:  # JetStream is ready a moment after the server
                if asyncio.get_running_loop().time() > until:
                    raise
            await asyncio.sleep(RETRY_S)


async def _made(client: Client) -> bool:
    try:
        await api(client, f"STREAM.INFO.{BRANCH}")
    except JetStreamError as error:
        if error.code != NOT_FOUND:
            raise
        await api(client, f"STREAM.CREATE.{BRANCH}", MIRRORED)
        return True
    return False
