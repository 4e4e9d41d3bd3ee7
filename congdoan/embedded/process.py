"""How is a program run so that it never outlives the suite, and nothing of it stays behind?"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

_LAUNCHER = Path(__file__).with_name("child.py")
_POLL_S = 0.005
_TAIL_BYTES = 64 * 1024


class ChildProcess:
    """A program, running from the moment this object exists; Linux only.

    It leads a session of its own, so that a Ctrl-C at the terminal reaches the suite and not the child behind its
    back. The kernel kills it (SIGKILL) when the *thread* that made this object ends, or the whole process does: make
    it from the main thread, or from one that lives as long as the suite. Its own children are in its process group,
    unless they leave it, and are killed when it ends.
    """

    def __init__(
        self,
        argv: Sequence[str | Path],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        uid: int | None = None,
        gid: int | None = None,
        pass_fds: Sequence[int] = (),
    ) -> None:
        """Start `argv` (the program by its whole path), its output appended to `log`.

        `env` is its whole environment (default: ours). `uid` needs root; `gid` defaults to the same number. `cwd` is
        entered before the user changes: it may be a folder that the user could not reach by path.
        A program that cannot be run ends at once with exit code 126, the reason in the log.
        """
        self._log = log
        self._reaping = threading.Lock()
        user = ["-", "-"] if uid is None else [str(uid), str(uid if gid is None else gid)]
        output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            self._log_start = os.fstat(output).st_size
            self._popen = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_LAUNCHER), str(os.getpid()), *user, *map(str, argv)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=env,
                cwd=cwd,
                start_new_session=True,
                pass_fds=pass_fds,
            )
        finally:
            os.close(output)

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def running(self) -> bool:
        return self.returncode is None

    @property
    def returncode(self) -> int | None:
        """The exit code, the negative number of the signal that ended it, or None while it runs."""
        with self._reaping:
            if self._popen.returncode is None and self._has_ended():
                # While it is a zombie its pid, which is its group's id, cannot be given to anyone else.
                self._kill_group()
                self._popen.wait()
            return self._popen.returncode

    def wait(self, timeout_s: float) -> int | None:
        """Wait for its end; the exit code, or None when it still runs after `timeout_s` seconds."""
        deadline = time.monotonic() + timeout_s
        while (code := self.returncode) is None and time.monotonic() < deadline:
            time.sleep(_POLL_S)
        return code

    def terminate(self, timeout_s: float = 10.0, with_signal: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end; after `timeout_s` seconds SIGKILL it and its group. Returns the exit code."""
        with self._reaping:
            if self._popen.returncode is None:
                os.kill(self.pid, with_signal)
        code = self.wait(timeout_s)
        return self.kill() if code is None else code

    def kill(self) -> int:
        """SIGKILL it and its group, and wait for its end. Returns the exit code."""
        while (code := self.returncode) is None:
            self._kill_group()
            time.sleep(_POLL_S)
        return code

    def log_tail(self, lines: int = 20) -> str:
        """The last lines it has written itself, at most 64 KiB of them; not those of an earlier run."""
        try:
            with self._log.open("rb") as log:
                end = log.seek(0, os.SEEK_END)
                log.seek(max(self._log_start, end - _TAIL_BYTES))
                written = log.read().decode(errors="replace")
        except FileNotFoundError:  # somebody tidied up
            return ""
        return "\n".join(written.splitlines()[-lines:])

    def _has_ended(self) -> bool:
        """Whether it is a zombie, leaving it one."""
        try:
            return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        except ChildProcessError:  # somebody else in this process waits for every child
            return True

    def _kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)


def plain_environment(**more: str) -> dict[str, str]:
    """An environment for a program that must not see ours: no secrets, no locale, no PG* or NATS* variables."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    return kept | more
