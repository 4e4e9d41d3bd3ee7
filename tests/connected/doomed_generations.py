"""Rebuilds a read model and kills itself, by SIGKILL: ``python -m tests.connected.doomed_generations DATABASE MOMENT``.

The moment is in the middle of the building, or in the change of places before it is durable.
"""

import asyncio
import sys
from collections.abc import Sequence
from typing import Any

from chassis import projector
from chassis.generations import beside
from chassis.generations.beside import SecondGenerations
from chassis.projector import Projection
from chassis.recorded import RecordedEvent
from tests.connected.doomed import die
from tests.connected.example import opened
from tests.connected.shelves import kept_of_own

FEW_AT_ONCE = 50


async def rebuild(database: str, moment: str) -> None:
    """Rebuild, and die."""
    exchange = SecondGenerations._exchange

    async def dying(self: SecondGenerations, *values: Any) -> None:
        await exchange(self, *values)
        die()

    class Dying(Projection[Any]):
        async def taken(self, events: Sequence[RecordedEvent]) -> None:
            if moment == "building" and self.name.endswith(".beside"):
                die()

    SecondGenerations._exchange = dying  # type: ignore[method-assign, assignment]
    projector.BATCH_EVENTS = FEW_AT_ONCE
    beside.Projection = Dying  # type: ignore[attr-defined]
    async with opened("example", database) as store, kept_of_own(store, database) as kept:
        await kept.caught_up()
        await kept.build()
        await kept.beside.change_places(kept.model)


if __name__ == "__main__":
    asyncio.run(rebuild(*sys.argv[1:]))
