"""Has everyone seen everything: every read model, every reaction, the auditor?"""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from congdoan.clients import Federation

PATIENCE_S = 60.0
"""How long nothing may move before we give up."""

_LOOK_EVERY_S = 0.05


class NotCaughtUp(Exception):
    """Somebody does not come any further."""


async def caught_up(federation: Federation, patience_s: float = PATIENCE_S) -> Mapping[str, Any]:
    """Wait until every follower of every history has reached its head, and no history has grown meanwhile.

    A reaction may itself record something; so the end is when a whole look finds everything still and seen. Answers the
    last status of each service.

    :raises NotCaughtUp: nothing has moved for `patience_s` seconds, and something is still to be seen.
    """
    before: dict[str, bytes] = {}
    since = time.monotonic()
    while True:
        statuses = await _statuses(federation)
        behind = _behind(statuses)
        now = {name: _standing(status) for name, status in statuses.items()}
        if now != before:
            before, since = now, time.monotonic()
        elif not behind:
            return statuses
        elif time.monotonic() - since > patience_s:
            raise NotCaughtUp("; ".join(behind))
        await asyncio.sleep(_LOOK_EVERY_S)


async def heads(federation: Federation) -> dict[str, int]:
    """The last position of each history."""
    return {name: status.head for name, status in (await _statuses(federation)).items()}


async def _statuses(federation: Federation) -> dict[str, Any]:
    found = await asyncio.gather(*(federation.operate(name, "GetStatus") for name in federation.services))
    return dict(zip(federation.services, found, strict=True))


def _standing(status: Any) -> bytes:
    """Everything that ends to move; the comparison of stream and store never does."""
    told = type(status)()
    told.CopyFrom(status)
    told.ClearField("stream")
    return bytes(told.SerializeToString(deterministic=True))


def _behind(statuses: Mapping[str, Any]) -> list[str]:
    """Who has something left to see, in words for an operator."""
    behind = [f"{name}: published {status.published} of {status.head}" for name, status in statuses.items() if status.backlog]
    for name, status in statuses.items():
        for follower in status.followers:
            head = statuses[follower.source].head if follower.source in statuses else follower.position
            if follower.position < head:
                behind.append(f"{name}/{follower.name}: {follower.position} of {head} in {follower.source}")
    return behind
