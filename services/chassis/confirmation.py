"""Is the tree at hand that of just now? A right may follow from it only while that is known. So it is with authorities.

Every second it is asked how far the tree of the record has come, and looked whether ours has come as far; then ours holds
for a few seconds. So whoever lost a unit loses the rights there within `LEASE_S`, whatever happens to the stream between,
and as long as no unit moves, an outage of the stream changes nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

import psycopg
import structlog

from chassis.clients import Refused
from chassis.refusals import Refusal
from chassis.streams import ended

EVERY_S = 1.0
LEASE_S = 10.0
LOOK_EVERY_S = 0.02

log = structlog.get_logger(__name__)


class Confirmed(Protocol):
    """What follows a record and must be as far: see :class:`~chassis.hierarchy.Hierarchy`."""

    @property
    def now(self) -> float:
        """Its own clock, monotonic seconds."""

    @property
    def position(self) -> int:
        """How far it has come."""

    def confirmed(self, until: float) -> None:
        """It was that of just now; it may be relied upon until then."""


class Confirmation:
    """Keeps saying of a tree that it is that of just now, as long as it is.

    :param record: the position of the last unit event in the record, asked of whoever keeps it.
    """

    def __init__(self, tree: Confirmed, record: Callable[[], Awaitable[int]]) -> None:
        self._tree, self._record = tree, record
        self.task: asyncio.Task[None] | None = None
        tree.confirmed(0.0)

    async def start(self) -> None:
        """Confirm from now on."""
        self.task = asyncio.create_task(self._confirm(), name="tree-confirmation")

    async def stop(self) -> None:
        """Confirm no more."""
        await ended(self.task)

    async def _confirm(self) -> None:
        known = True
        while True:
            asked_at = self._tree.now
            try:
                async with asyncio.timeout(LEASE_S):
                    await self._reached(await self._record())
                # What moves after the question is seen by the next one; so the lease begins with the question.
                self._tree.confirmed(asked_at + LEASE_S)
                known = True
            # A timeout is an OSError.
            except (Refusal, Refused, psycopg.Error, OSError) as error:
                if known:
                    log.warning("the tree of units is not confirmed", reason=type(error).__name__)
                known = False
            await asyncio.sleep(EVERY_S)

    async def _reached(self, position: int) -> None:
        while self._tree.position < position:
            await asyncio.sleep(LOOK_EVERY_S)
