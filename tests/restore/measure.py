"""How long does a restore take? Run by hand, on an idle machine: ``python -m tests.restore.measure 5000 50000``.

A federation of so many events loses both database servers with their disks. The base backup was taken after four fifths of them,
the archive ends before the last fiftieth, which only the streams hold. The clock runs from the first byte that is copied back
until every service is ready again, has taken everything, and the ledger has signed it; servers and services share the machine.
"""

import asyncio
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

import structlog

from congdoan.embedded import reserve_port
from tests.clients.two_branches import STAYS, Federation, id_of
from tests.notifications.mailbox import Mailbox, listening
from tests.restore.places import Places, places
from tests.restore.world import Remembering, World

BACKED_UP, ARCHIVED = 0.8, 0.98
BATCH, SETTLED_EVERY = 500, 5_000


@dataclass(frozen=True)
class Took:
    """The seconds of each step, one after the other."""

    events: int
    taken_back: int
    put_back_s: float
    served_s: float
    recovered_s: float
    converged_s: float

    def __str__(self) -> str:
        steps = (self.put_back_s, self.served_s, self.recovered_s, self.converged_s)
        told = "backup and archive put back {:.1f} s, services up {:.1f} s, recover {:.1f} s, converged {:.1f} s".format(*steps)
        whole = sum(steps)
        counted = f"{self.events:,} events, {self.taken_back:,} of them from the stream"
        return f"{counted}: {told}; together {whole:.1f} s, {whole / self.events * 10_000:.1f} s per 10,000"


async def restored(events: int) -> Took:
    """Live, lose both servers, and restore."""
    port = reserve_port()
    with places() as found, listening(Mailbox(), port.number) as smtp_url:
        world = World(found, smtp_url)
        async with world.serving() as suite:
            await lived(suite, found, events)
        for server in (found.events, found.keys):
            server.lose()
        marks = [time.perf_counter()]
        for server in (found.events, found.keys):
            await asyncio.to_thread(server.put_back)
        marks.append(time.perf_counter())
        async with world.serving() as suite:
            marks.append(time.perf_counter())
            tails = [await world.recover(service, apply=True) for service in suite.services.values()]
            marks.append(time.perf_counter())
            await suite.settle()
            while not all([await service.ready() for service in suite.services.values()]):
                await asyncio.sleep(0.1)
            marks.append(time.perf_counter())
    steps = (later - earlier for earlier, later in pairwise(marks))
    return Took(sum(tail.last for tail in tails), sum(tail.missing for tail in tails), *steps)


async def lived(suite: Remembering, found: Places, events: int) -> None:
    """So many members are admitted; backup and archive end on the way."""
    await Federation(suite).begin()
    numbers = iter(range(events))
    await admitted(suite, islice(numbers, int(events * BACKED_UP)))
    for server in (found.events, found.keys):
        await asyncio.to_thread(server.back_up)
    await admitted(suite, islice(numbers, int(events * (ARCHIVED - BACKED_UP))))
    await asyncio.to_thread(found.events.archived)
    await admitted(suite, numbers)
    await asyncio.to_thread(found.keys.archived)


async def admitted(suite: Remembering, numbers: Iterable[int]) -> None:
    """Members, many in a call; everybody has heard of them in the end."""
    numbers = iter(numbers)
    since = 0
    while batch := list(islice(numbers, BATCH)):
        items = [member(number) for number in batch]
        answer = await suite.call("membership", "BatchAdmitMember", items=items)
        assert not any(item.HasField("refusal") for item in answer.items)
        since += len(batch)
        if since >= SETTLED_EVERY:
            await suite.settle()
            since = 0
    await suite.settle()


def member(number: int) -> dict[str, str]:
    """Somebody."""
    born = {"full_name": "Nguyễn Thị Lan", "birth_date": "1985-03-08", "national_id": f"{number:012d}"}
    ids = {"command_id": id_of(f"command {number}"), "member_id": id_of(f"measured {number}")}
    return {**ids, "unit": STAYS, "on": "2010-01-01", **born}


def main(many: Sequence[str]) -> None:
    """A line for each number of events; what the services log goes to standard error."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    for events in map(int, many):
        print(asyncio.run(restored(events)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
