"""How large may the files of a running server grow? Set from outside, for whichever user it runs as.

    python -I -S limits_of_files.py UID|- BYTES|- PID ...

The kernel lets only a process of the same user change the limits of another one; so root becomes that user first.
"""

import contextlib
import os
import resource
import sys


def main(uid: str, size: str, *pids: str) -> None:
    """Set the soft limit of each process, and of what it will start; "-" for none."""
    if uid != "-":
        os.setgroups([])
        os.setresgid(int(uid), int(uid), int(uid))
        os.setresuid(int(uid), int(uid), int(uid))
    soft = resource.RLIM_INFINITY if size == "-" else int(size)
    for pid in map(int, pids):
        with contextlib.suppress(ProcessLookupError):
            _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))


if __name__ == "__main__":
    main(*sys.argv[1:])
