"""What have PostgreSQL, NATS and our own services in common, as children of the suite?"""

from __future__ import annotations

import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Protocol, Self

from congdoan.embedded.errors import EmbeddedServerError, ServerDidNotStart
from congdoan.embedded.process import ChildProcess

_POLL_S = 0.01


class Supervised(Protocol):
    """What a supervisor needs of anything it starts, restarts and stops."""

    @property
    def name(self) -> str: ...

    @property
    def start_timeout_s(self) -> float: ...

    @property
    def running(self) -> bool: ...

    @property
    def exit_code(self) -> int | None: ...

    def launch(self) -> None:
        """Start it without waiting for it; nothing happens when it runs already."""

    def ready(self) -> bool:
        """Whether it can be used now. Never raises because it cannot."""

    def stop(self, timeout_s: float) -> None:
        """Ask it to end, and kill it after `timeout_s` seconds. Nothing of it is left."""

    def kill(self) -> None:
        """SIGKILL, at once. Nothing of it is left."""

    def log_tail(self, lines: int) -> str: ...

    def not_started(self) -> EmbeddedServerError:
        """The error that says why it ended, or is not ready, as well as its log tells."""


def wait_until_ready(server: Supervised) -> None:
    """Return when `server` is ready.

    :raises EmbeddedServerError: it ended, or takes too long; the error is its own `not_started`.
    """
    deadline = time.monotonic() + server.start_timeout_s
    while not server.ready():
        if not server.running or time.monotonic() > deadline:
            raise server.not_started()
        time.sleep(_POLL_S)


class ServerProcess(ABC):
    """A child process that is ready at some moment after its launch. Fulfils `Supervised`."""

    start_timeout_s: float = 60.0
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM

    def __init__(self, name: str) -> None:
        self.name = name
        self._process: ChildProcess | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Launch it and return when it is ready.

        :raises EmbeddedServerError: it does not start; nothing of it runs then.
        """
        try:
            self.launch()
            wait_until_ready(self)
        except BaseException:
            self.kill()
            raise

    @abstractmethod
    def launch(self) -> None:
        """Start it without waiting for it; nothing happens when it runs already."""

    @abstractmethod
    def ready(self) -> bool:
        """Whether it can be used now. Never raises because it cannot."""

    def stop(self, timeout_s: float = 10.0) -> None:
        """Ask it to end, and kill it after `timeout_s` seconds. Nothing of it is left."""
        if self._process:
            self._process.terminate(timeout_s, self.stop_signal)
        self._clear_away()

    def kill(self) -> None:
        """SIGKILL, at once. Nothing of it is left."""
        if self._process:
            self._process.kill()
        self._clear_away()

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.running

    @property
    def pid(self) -> int | None:
        """Its process id, also after its end; None before the first launch."""
        return self._process.pid if self._process else None

    @property
    def exit_code(self) -> int | None:
        """See `ChildProcess.returncode`; None before the first launch."""
        return self._process.returncode if self._process else None

    def log_tail(self, lines: int = 20) -> str:
        """The last lines it has written since its latest launch."""
        return self._process.log_tail(lines) if self._process else ""

    def not_started(self) -> EmbeddedServerError:
        """The error that says why it ended, or is not ready, as well as its log tells."""
        late = f"is not ready after {self.start_timeout_s:g} s"
        what = late if self.running else f"ended, exit code {self.exit_code}"
        return ServerDidNotStart(f"{self.name} {what}. The end of its log:\n{self.log_tail() or '(nothing written)'}")

    def _clear_away(self) -> None:  # noqa: B027 - most leave nothing
        """Take away what an ended process, or a launch that failed, may have left. May be called twice."""


class ServiceProcess(ServerProcess):
    """One of our own programs, ready when `is_ready` says so."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str | Path],
        *,
        log: Path,
        is_ready: Callable[[], bool],
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        start_timeout_s: float = 30.0,
    ) -> None:
        super().__init__(name)
        self.start_timeout_s = start_timeout_s
        self._argv, self._log, self._is_ready, self._env, self._cwd = argv, log, is_ready, env, cwd

    def launch(self) -> None:
        if not self.running:
            self._process = ChildProcess(self._argv, log=self._log, env=self._env, cwd=self._cwd)

    def ready(self) -> bool:
        return self.running and self._is_ready()
