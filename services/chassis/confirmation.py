"""Is what we follow of a record that of just now? A right may follow from it only while that is known.

Every second it is asked how far the record has come, and looked whether we have come as far; then what we have holds for
a few seconds. So whoever lost a unit, or a position, loses the rights there within `LEASE_S`, whatever happens to the
stream between; and as long as nothing moves, an outage of the stream changes nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable

import psycopg
import structlog

from chassis.clients import Refused
from chassis.ending import ended
from chassis.lease import Lease
from chassis.refusals import Refusal

EVERY_S = 1.0
LEASE_S = 10.0
LOOK_EVERY_S = 0.02

log = structlog.get_logger(__name__)


class Confirmation:
    """Keeps a lease on what follows a record, as long as it is as far as the record.

    :param what: is confirmed, for the log.
    :param position: how far we have come.
    :param record: how far the record has come, asked of whoever keeps it.
    """

    def __init__(self, what: str, lease: Lease, position: Callable[[], int], record: Callable[[], Awaitable[int]]) -> None:
        self._what, self._lease, self._position, self._record = what, lease, position, record
        self.task: asyncio.Task[None] | None = None
        lease.end()

    async def start(self) -> None:
        """Confirm from now on."""
        self.task = asyncio.create_task(self._confirm(), name=f"{self._what}-confirmation")

    async def stop(self) -> None:
        """Confirm no more."""
        await ended(self.task)

    async def _confirm(self) -> None:
        known = True
        while True:
            asked_at = self._lease.now
            try:
                async with asyncio.timeout(LEASE_S):
                    await self._reached(await self._record())
                # What moves after the question is seen by the next one; so the lease begins with the question.
                self._lease.until(asked_at + LEASE_S)
                known = True
            # A timeout is an OSError.
            except (Refusal, Refused, psycopg.Error, OSError) as error:
                if known:
                    log.warning("not confirmed against its record", what=self._what, reason=type(error).__name__)
                known = False
            await asyncio.sleep(EVERY_S)

    async def _reached(self, position: int) -> None:
        while self._position() < position:
            await asyncio.sleep(LOOK_EVERY_S)
