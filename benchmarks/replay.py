"""How much memory does a replay take? ``python -m benchmarks.replay CONNINFO`` prints the MiB by which it grew."""

import resource
import sys

import uvloop

import membership.events  # noqa: F401 - knows the events
from benchmarks.ground import store_on

PAGE = 2_000


async def replay(conninfo: str) -> float:
    """Decode every event of a store; by how much the process exceeded, at its largest, what it took before."""
    async with store_on(conninfo) as (store, _):
        for event in await store.read(0, 10):
            assert event.event
        base, position = peak_mib(), 0
        while events := await store.read(position, PAGE):
            assert all(event.event for event in events)
            position = events[-1].position
        return peak_mib() - base


def peak_mib() -> float:
    """The largest size of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    print(uvloop.run(replay(sys.argv[1])))
