"""How much memory does it take? ``python -m benchmarks.memory replay|verify CONNINFO``: the MiB by which the process grew."""

import gc
import sys
from contextlib import aclosing
from pathlib import Path

import uvloop

import membership.events  # noqa: F401 - knows the events
from benchmarks.ground import store_on
from chassis.run import GC_THRESHOLDS
from congdoan.auditing.rows import snapshot
from congdoan.auditing.walking import Start, Walk


async def replay(conninfo: str) -> float:
    """Decode every event of a store; by how much the process exceeded, at its largest, what it took before."""
    async with store_on(conninfo) as (store, _):
        for event in await store.read(0, 10):
            assert event.event
        base = peak_mib()
        async with aclosing(store.replay()) as pages:
            async for events in pages:
                assert all(event.event for event in events)
        return peak_mib() - base


def verify(conninfo: str) -> float:
    """Walk the history of a store, its versions and branches as well."""
    with snapshot(conninfo, "membership") as store:
        for part in store.parts(upto=10):
            assert part.leaves
        base, walk = peak_mib(), Walk(Start(), ())
        for part in store.parts():
            assert walk.take(part)
        walk.end()
        assert not walk.flaws
        return peak_mib() - base


def peak_mib() -> float:
    """The largest size of this program so far; `getrusage` would count that of the one that started it as well."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith("VmHWM:"))) / 1024


if __name__ == "__main__":
    gc.set_threshold(*GC_THRESHOLDS)
    what, conninfo = sys.argv[1:]
    print(uvloop.run(replay(conninfo)) if what == "replay" else verify(conninfo))
