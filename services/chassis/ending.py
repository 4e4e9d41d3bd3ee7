"""How is a task brought to its end?"""

import asyncio
from typing import Any


async def ended(task: asyncio.Task[Any] | None, patience_s: float = 1.0) -> None:
    """Cancel a task and wait for its end; once more after each `patience_s`.

    nats-py swallows a cancellation that comes in the moment it flushes, and `asyncio.wait_for` of Python 3.11, on which psycopg
    waits for its server, one that comes in the moment it ends; so a task that uses them may go on after one.
    """
    while task and not task.done():
        task.cancel()
        await asyncio.wait((task,), timeout=patience_s)
    if task and not task.cancelled():
        task.exception()  # whoever ends a task does not ask how it was
