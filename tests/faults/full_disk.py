"""How does a disk get full under a running server, and room again, on any machine and for any user?

Where the machine lets one mount, the folder is a small disk in memory, and a file takes what is left of it. Else the kernel
refuses the server to make its files larger, which fails in the same call for another reason; that way is taken everywhere too.
"""

import ctypes
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from congdoan.embedded import ServerProcess
from congdoan.embedded.running import running_processes

BALLAST = "ballast"
_DETACHED = 2
_libc = ctypes.CDLL(None, use_errno=True)


class Disk(Protocol):
    """Where a server keeps its files."""

    def fill(self, server: ServerProcess) -> None:
        """Leave no room."""

    def make_room(self, server: ServerProcess) -> None:
        """As it was."""


class SmallDisk:
    """A disk in memory.

    :param folder: where it is mounted.
    """

    def __init__(self, folder: Path) -> None:
        self._ballast = folder / BALLAST

    def fill(self, server: ServerProcess) -> None:
        """A file takes everything that is left."""
        with self._ballast.open("ab") as ballast:
            while room := _room(self._ballast):
                os.posix_fallocate(ballast.fileno(), ballast.seek(0, os.SEEK_END), room)

    def make_room(self, server: ServerProcess) -> None:
        """The file is gone."""
        self._ballast.unlink()


class FilesThatMayNotGrow:
    """A limit of the kernel on how large the files of a server may be.

    :param largest: bytes; a file that is larger already cannot even be written to at its end.
    """

    def __init__(self, largest: int) -> None:
        self._largest = largest

    def fill(self, server: ServerProcess) -> None:
        """For the server, and for each process it has."""
        self._limit(server, str(self._largest))

    def make_room(self, server: ServerProcess) -> None:
        """No limit."""
        self._limit(server, "-")

    def _limit(self, server: ServerProcess, size: str) -> None:
        pids = [pid for pid, process in running_processes().items() if server.pid in (pid, process.parent)]
        owner = os.stat(f"/proc/{server.pid}").st_uid
        program = [sys.executable, "-I", "-S", str(Path(__file__).with_name("limits_of_files.py"))]
        subprocess.run([*program, "-" if owner == os.geteuid() else str(owner), size, *map(str, pids)], check=True)


@cache
def may_mount() -> bool:
    """Whether this machine lets this user mount."""
    with TemporaryDirectory(prefix="congdoan-mount-") as folder:
        if not _mounted(Path(folder), 1 << 20):
            return False
        _unmount(Path(folder))
        return True


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[SmallDisk]:
    """A disk of so many bytes in an empty folder, for a while."""
    folder.mkdir(exist_ok=True)
    assert _mounted(folder, size), "ask `may_mount` first"
    try:
        yield SmallDisk(folder)
    finally:
        _unmount(folder)


def _mounted(folder: Path, size: int) -> bool:
    return bool(_libc.mount(b"none", os.fsencode(folder), b"tmpfs", 0, f"size={size},mode=0755".encode()) == 0)


def _unmount(folder: Path) -> None:
    _libc.umount2(os.fsencode(folder), _DETACHED)


def _room(file: Path) -> int:
    left = os.statvfs(file)
    return left.f_bavail * left.f_frsize
