"""The real service, which kills itself by SIGKILL at one place: ``python -m tests.faults.doomed POINT NTH SERVICE``.

The place is reached for the NTH time. A place that is there no more is an error: the service does not start, and nothing struck.
"""

import os
import runpy
import signal
import sys
from collections.abc import Callable
from typing import Any

from nats.aio.client import Client

from chassis import group_commit
from chassis.group_commit import Writer
from chassis.projector import Projection

SMALL_BATCH_EVENTS = 37
"""Fewer than a batch RPC has commands, so that some of them are durable and others not."""


def committed(die: Callable[[], None]) -> None:
    """Between the commit of some commands and their answers."""
    answer = Writer._answer

    def dying(self: Writer, *values: Any) -> None:
        die()
        answer(self, *values)

    Writer._answer = dying  # type: ignore[method-assign, assignment]


def half_committed(die: Callable[[], None]) -> None:
    """In the middle of a batch RPC: its first commands are durable, the others not."""
    assert group_commit.MAX_BATCH_EVENTS > SMALL_BATCH_EVENTS
    group_commit.MAX_BATCH_EVENTS = SMALL_BATCH_EVENTS
    committed(die)


def published(die: Callable[[], None]) -> None:
    """Between the stream's answer to a batch and whatever the publisher does next."""
    request = Client.request

    async def dying(self: Client, subject: str, *values: Any, **options: Any) -> Any:
        answer = await request(self, subject, *values, **options)
        if subject.startswith("federation."):
            die()
        return answer

    Client.request = dying  # type: ignore[method-assign]


def half_published(die: Callable[[], None]) -> None:
    """In the middle of a batch on its way to the stream: all but its last message are sent."""
    send = Client._send_command

    async def dying(self: Client, command: bytes, *values: Any, **options: Any) -> None:
        await send(self, command, *values, **options)
        if command.startswith(b"HPUB federation.") and b"Nats-Batch-Id" in command:
            await self._flush_pending()
            die()

    Client._send_command = dying  # type: ignore[method-assign, assignment]


def effect(die: Callable[[], None]) -> None:
    """Between the effect of a follower and its commit: rows are written, and the position is not."""
    take = Projection.take

    async def dying(self: Projection[Any], *values: Any) -> None:
        await take(self, *values)
        die()

    Projection.take = dying  # type: ignore[method-assign, assignment]


def taken(die: Callable[[], None]) -> None:
    """Between the commit of a follower's effect and whatever follows it: nothing is acknowledged to the stream."""

    async def dying(self: Projection[Any], *values: Any) -> None:
        die()

    Projection.taken = dying  # type: ignore[method-assign, assignment]


POINTS: dict[str, Callable[[Callable[[], None]], None]] = {
    place.__name__.replace("_", "-"): place for place in (committed, half_committed, published, half_published, effect, taken)
}


def nth(number: int) -> Callable[[], None]:
    """What ends this process when it is called for the nth time."""
    left = number

    def die() -> None:
        nonlocal left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    return die


if __name__ == "__main__":
    point, number, service = sys.argv[1:]
    POINTS[point](nth(int(number)))
    sys.argv = [service, "serve"]
    runpy.run_module(service, run_name="__main__", alter_sys=True)
