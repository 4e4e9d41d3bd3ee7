"""Does the stream of each service say what the service recorded, and when was that last seen to the end?"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from congdoan.clients import Federation

LOOK_EVERY_S = 0.2

Progress = Callable[[str, int, int], None]
"""Told a service, how many of its positions are compared, and how many there are."""


@dataclass(frozen=True, slots=True)
class StreamState:
    """How far the stream of a service was compared with its store, and what came of it.

    ``whole_at``: end of the last sweep that found every event in its place (RFC 3339), empty before the first;
    ``differences`` and ``repairs``: so far; ``alarm``: what an operator must look at, else empty.
    """

    service: str
    head: int
    published: int
    compared: int
    whole_at: str
    differences: int
    repairs: int
    alarm: str

    @property
    def in_order(self) -> bool:
        """Whether the last sweep found everything in its place, and nothing stands in the way since."""
        return bool(self.whole_at) and not self.alarm

    @property
    def document(self) -> Mapping[str, object]:
        """As JSON knows it."""
        return {name: getattr(self, name) for name in (*self.__slots__, "in_order")}

    @property
    def row(self) -> Sequence[object]:
        """As a table shows it."""
        counts = (self.head, self.published, self.differences, self.repairs)
        whole_at = f"{datetime.fromisoformat(self.whole_at):%Y-%m-%d %H:%M:%S}" if self.whole_at else "–"
        return self.service, *counts, whole_at


async def streams(federation: Federation, service: str = "") -> list[StreamState]:
    """The state of the stream of a service, or of all when it is empty.

    :raises Refused: a service does not answer; :raises KeyError: there is no such service.
    """
    wanted = _wanted(federation, service)
    statuses = await asyncio.gather(*(federation.operate(name, "GetStatus") for name in wanted))
    return [_state(status) for status in statuses if status.HasField("stream")]


async def sweep(federation: Federation, service: str, progress: Progress) -> list[StreamState]:
    """Have everything compared now, of a service or of all, and wait until it is.

    :raises Refused: a service does not answer; :raises KeyError: there is no such service.
    """
    await asyncio.gather(*(_swept(federation, name, progress) for name in _wanted(federation, service)))
    return await streams(federation, service)


def _wanted(federation: Federation, service: str) -> Sequence[str]:
    if service and service not in federation.services:
        raise KeyError(service)
    return (service,) if service else federation.services


async def _swept(federation: Federation, service: str, progress: Progress) -> None:
    number = (await federation.operate(service, "SweepStream")).sweep
    while True:
        status = await federation.operate(service, "GetStatus")
        progress(service, status.stream.compared, status.published)
        if status.stream.answered >= number:
            return
        await asyncio.sleep(LOOK_EVERY_S)


def _state(status: Any) -> StreamState:
    one = status.stream
    positions = (status.head, status.published, one.compared)
    return StreamState(status.service, *positions, one.whole_at, one.differences, one.repairs, one.alarm)
