"""A sender that works until somebody kills it: ``python -m tests.notifications.doomed DATABASE SMTP_URL CLOCK_SHIFT_S``."""

import asyncio
import sys
from datetime import timedelta

from tests.notifications.running import ShiftedClock, running


async def main(database: str, smtp_url: str, clock_shift_s: str) -> None:
    async with running(database, ShiftedClock(timedelta(seconds=float(clock_shift_s)))) as service:
        await service.sender(smtp_url).run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
