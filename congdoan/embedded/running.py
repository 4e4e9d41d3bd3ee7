"""What else runs on this machine, and whose child is it?"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple


class RunningProcess(NamedTuple):
    program: str
    parent: int
    command: str
    """The command line, each word ended by NUL."""


def running_process(pid: str) -> RunningProcess | None:
    """What runs as `pid`; None for nothing and for a zombie. So much of anyone's process may be read by anyone."""
    try:
        head, _, tail = Path("/proc", pid, "stat").read_text(errors="replace").rpartition(")")
        command = Path("/proc", pid, "cmdline").read_text(errors="replace")
    except OSError:
        return None
    state, parent = tail.split()[:2]
    return None if state == "Z" else RunningProcess(head.partition("(")[2], int(parent), command)


def running_processes() -> dict[int, RunningProcess]:
    found = {int(pid): running_process(pid) for pid in os.listdir("/proc") if pid.isdecimal()}
    return {pid: process for pid, process in found.items() if process}
