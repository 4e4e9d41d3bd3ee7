"""A ledger that kills itself, by SIGKILL, at the worst moment: ``python -m tests.audit.doomed MOMENT DATABASE URL EVENTS``."""

import asyncio
import os
import signal
import sys
from typing import Any

import audit.ledger
from chassis.database import open_pool
from chassis.streams import Connection
from tests.audit.notary import SERVICES, Desk, signing


async def main(moment: str, database: str, url: str, events: str) -> None:
    """Signs what is sealed, and dies at a moment.

    ``signed``: the first checkpoint is signed and not stored yet. ``stored``: all are stored and none is on the stream.
    ``published``: the first is on the stream and nobody here knows it yet.
    """
    if moment == "signed":
        audit.ledger.add_checkpoint = die  # type: ignore[attr-defined,assignment]
    elif moment == "stored":
        audit.ledger.Ledger._publish = die  # type: ignore[method-assign,assignment]
    else:
        _die_after_the_first_request()
    async with open_pool(database) as pool:
        desk = Desk(pool)
        desk.heard.update(dict.fromkeys(SERVICES, int(events)))
        async with signing(desk, url):
            await asyncio.sleep(60)


def _die_after_the_first_request() -> None:
    request = Connection.request

    async def last_words(self: Connection, *values: Any, **options: Any) -> Any:
        await request(self, *values, **options)
        die()

    Connection.request = last_words  # type: ignore[method-assign]


def die(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
