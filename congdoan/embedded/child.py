"""How does a program come to life as another user, and unable to outlive the suite?

Never imported: `ChildProcess` runs this file as a script, which becomes the program by `exec`. A script, and not a
`preexec_fn`, because a `preexec_fn` forces a real `fork` upon the suite: that is unsafe beside other threads and wakes
the fork handlers of gRPC. Only cheap modules are imported, for every start of a child waits for them.

    python -I -S child.py PARENT_PID UID|- GID|- PROGRAM [ARGUMENT ...]
"""

import ctypes
import os
import sys

CANNOT_RUN = 126  # what a shell answers when a program is there but cannot be run

_PR_SET_PDEATHSIG = 1
_SIGKILL = 9
_SIGPIPE, _SIGXFSZ = 13, 25


def main(parent_pid: str, uid: str, gid: str, *command: str) -> None:
    """Become `command`; return never, or with a SystemExit that says why not."""
    try:
        if uid != "-":
            _become(int(uid), int(gid))
        _die_with(int(parent_pid))
        _undo_what_python_ignores()
        os.execv(command[0], command)
    except OSError as error:
        print(f"cannot run {command[0]} (uid {os.getuid()}): {error.strerror}", file=sys.stderr, flush=True)
        raise SystemExit(CANNOT_RUN) from None


def _become(uid: int, gid: int) -> None:
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def _die_with(parent_pid: int) -> None:
    """Ask the kernel for SIGKILL when the parent dies. Comes after setuid, which would clear the wish."""
    libc = ctypes.CDLL(None, use_errno=True)
    no_argument = ctypes.c_ulong(0)
    if libc.prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(_SIGKILL), no_argument, no_argument, no_argument):
        raise OSError(ctypes.get_errno(), "the kernel refused PR_SET_PDEATHSIG")
    if os.getppid() != parent_pid:  # it died before the wish was made
        raise SystemExit(CANNOT_RUN)


def _undo_what_python_ignores() -> None:
    """Python ignores these two signals at its start, and exec would hand that down."""
    libc = ctypes.CDLL(None)
    libc.signal.argtypes, libc.signal.restype = (ctypes.c_int, ctypes.c_void_p), ctypes.c_void_p
    for signal_number in (_SIGPIPE, _SIGXFSZ):
        libc.signal(signal_number, None)


if __name__ == "__main__":
    main(*sys.argv[1:])
