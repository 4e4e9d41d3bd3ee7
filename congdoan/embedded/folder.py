"""How is a data folder kept to one server at a time?"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path

from congdoan.embedded.errors import DataFolderInUse, DataFolderUnusable

_PATIENCE_S = 5.0  # for a server whose suite was killed a moment ago and which is still dying
_POLL_S = 0.01


class FolderLock:
    """A claim on a data folder that lasts while *any* process holds it.

    The server inherits `fd`, and its own children do: so the kernel itself says whether something still lives on the
    folder, even when the suite was killed and even from another container; a pid in a file says neither.
    """

    def __init__(self, fd: int) -> None:
        self.fd = fd

    @classmethod
    def claim(cls, path: Path, meanwhile: Callable[[], object] = lambda: None) -> FolderLock:
        """Take the lock file `path`, made with its folder if need be; `meanwhile` is called while waiting.

        :raises DataFolderInUse: somebody still holds it after five seconds.
        :raises DataFolderUnusable: this user cannot write there.
        """
        fd = _opened(path)
        try:
            _lock(fd, path, meanwhile)
        except BaseException:
            os.close(fd)
            raise
        os.ftruncate(fd, 0)
        os.pwrite(fd, b"%d\n" % os.getpid(), 0)  # for the message to whoever comes second
        return cls(fd)

    def release(self) -> None:
        """Let go of it here; whoever inherited it holds it on. May be called twice."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def make_private_folder(folder: Path) -> None:
    """Make `folder` for this user alone, and what is missing above it; one that exists is left as it is.

    :raises DataFolderUnusable: it cannot be made.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise DataFolderUnusable(f"cannot make the folder {folder}: {error.strerror}") from error


def _opened(path: Path) -> int:
    make_private_folder(path.parent)
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except PermissionError as error:
        raise DataFolderUnusable(
            f"uid {os.geteuid()} cannot write {path}. Was the folder made by another user (root, perhaps)? "
            "Start as that user, or choose another data folder."
        ) from error


def _lock(fd: int, path: Path, meanwhile: Callable[[], object]) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            return fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                holder = os.pread(fd, 32, 0).decode().strip()
                raise DataFolderInUse(
                    f"{path.parent} is in use by another suite (process {holder}). Stop it, or choose another folder."
                ) from None
        meanwhile()
        time.sleep(_POLL_S)
