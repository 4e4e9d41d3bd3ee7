"""Where do the servers of the tests keep their data? In memory, on a machine with room for it, and else on its disk.

Their settings stay those of the suite: what was acknowledged was synced, and survives a `kill -9`. Only the time is saved
that a disk takes; what is lost without power, no test can show.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MEMORY = Path("/dev/shm")
ROOM = 4 * 1024**3
"""Bytes: far more than the servers of a run write. In a container there is often less, and then it is the disk."""

_PREFIX = "congdoan-tests-"


@contextmanager
def fast_folder() -> Iterator[Path]:
    """A private folder with a short path: pytest's own are too long for a socket. Nothing of it is left."""
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=_place()))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep() -> None:
    """Take away what killed runs left: memory is too dear to wait for the next start of the machine."""
    for folder in MEMORY.glob(f"{_PREFIX}*"):
        pid = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if not Path("/proc", pid).exists():
            shutil.rmtree(folder, ignore_errors=True)


def _place() -> Path | None:
    """None for wherever temporary files lie."""
    try:
        free = os.statvfs(MEMORY)
    except OSError:
        return None
    return MEMORY if free.f_bavail * free.f_frsize >= ROOM and os.access(MEMORY, os.W_OK) else None
