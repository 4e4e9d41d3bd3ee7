"""How do the servers and services of one suite start in order, come back when they die, and leave nothing behind?"""

from __future__ import annotations

import contextlib
import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import FrameType
from typing import Self

from congdoan.embedded.server import Supervised, wait_until_ready

_LOOK_EVERY_S = 0.05
_PATIENCE_S = 1.0
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Death:
    """Something that should run has ended, or could not be started again."""

    name: str
    exit_code: int | None
    """Negative: the number of the signal that ended it. None: it was never running."""
    restart: int
    """Which restart this leads to, counted from 1 since the start of the suite."""
    delay_s: float
    """After how many seconds."""
    reason: str
    """The last line of its log, or the error that kept it from starting."""


@dataclass(slots=True)
class BackOff:
    """How long to wait before the next restart: the longer, the more often it dies, until it lives for a while."""

    first_s: float = 0.1
    longest_s: float = 5.0
    forgiven_after_s: float = 30.0
    _next_s: float = field(default=0.0, init=False)

    def after_a_life_of(self, lived_s: float) -> float:
        """The seconds to wait now."""
        delay_s = self.first_s if lived_s >= self.forgiven_after_s or not self._next_s else self._next_s
        self._next_s = min(2 * delay_s, self.longest_s)
        return delay_s


class Supervisor:
    """The children of one suite.

    with Supervisor() as suite:
        suite.start(postgres, nats)  # side by side; returns when all are ready
        suite.start(membership, awards)
        suite.watch(on_death)
        ...                          # at the block's end, and after whatever breaks it, all stop, last started first

    Call `start` from the main thread, or from one that lives as long as the suite: a child dies with the thread that
    launched it (see `ChildProcess`). The watching thread, which launches at a restart, ends after all children.
    Inside `with`, in the main thread, the first SIGINT raises KeyboardInterrupt, the first SIGTERM or SIGHUP raises
    SystemExit(128 + number), and those after it have no effect, for by then all are stopping. While a child is being
    launched the signal waits, so that none is forgotten half-way.
    """

    def __init__(self, stop_budget_s: float = 10.0) -> None:
        """`stop_budget_s`: how many seconds `stop` may take for all children together."""
        self._stop_budget_s = stop_budget_s
        self._children: list[_Child] = []
        self._one_at_a_time = threading.Lock()  # a restart and the stop do not meet
        self._stopping, self._stopped = threading.Event(), threading.Event()
        self._watcher: threading.Thread | None = None
        self._signals = _HeldSignals()

    def __enter__(self) -> Self:
        self._signals.take_over()
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.stop()
        finally:
            self._signals.give_back()

    def start(self, *children: Supervised) -> None:
        """Launch these, and return when each is ready. May be called again for more, also while watching.

        :raises EmbeddedServerError: one does not start; the whole suite is stopped by then.
        """
        try:
            for child in children:
                with self._signals.held(), self._one_at_a_time:
                    self._children.append(_Child(child))
                    child.launch()
            for child in children:
                wait_until_ready(child)
        except BaseException:
            self.stop()
            raise

    def watch(self, on_death: Callable[[Death], None]) -> None:
        """From now on, restart what dies, after a delay; `on_death` is called in the watching thread.

        It sees what ended, not what hangs.
        """
        self._watcher = threading.Thread(target=self._keep_alive, args=(on_death,), name="watcher", daemon=True)
        self._watcher.start()

    def stop(self) -> None:
        """Stop all, the last started first, in the time given; what does not end in its share of it is killed.

        Never raises for a child; may be called twice.
        """
        with self._signals.held():
            self._stopping.set()
            deadline = time.monotonic() + self._stop_budget_s
            with self._one_at_a_time:
                while self._children:
                    share_s = max(0.0, deadline - time.monotonic()) / len(self._children)
                    _stop(self._children.pop().process, share_s)
            self._stopped.set()
            if self._watcher and self._watcher is not threading.current_thread():
                self._watcher.join(_PATIENCE_S)  # it may be busy in the listener, which is not ours

    def _keep_alive(self, on_death: Callable[[Death], None]) -> None:
        while not self._stopping.wait(_LOOK_EVERY_S):
            with self._one_at_a_time:
                deaths = [child.look() for child in self._children]  # none when it was stopped meanwhile
            for death in filter(None, deaths):
                _tell(on_death, death)
        self._stopped.wait()  # the children launched here would die with this thread


@dataclass(slots=True)
class _Child:
    process: Supervised
    launched_at: float = field(default_factory=time.monotonic)
    restarts: int = 0
    due_at: float | None = None
    back_off: BackOff = field(default_factory=BackOff)
    error: str = ""

    def look(self) -> Death | None:
        """Restart it when that is due; when it has just died, say so and set the time."""
        if not self.process.running and self.due_at is None:
            return self._mourn()
        if self.due_at is not None and time.monotonic() >= self.due_at:
            self._relaunch()
        return None

    def _mourn(self) -> Death:
        now = time.monotonic()
        delay_s = self.back_off.after_a_life_of(now - self.launched_at)
        self.restarts, self.due_at = self.restarts + 1, now + delay_s
        reason = self.error or self.process.log_tail(1)
        return Death(self.process.name, self.process.exit_code, self.restarts, delay_s, reason)

    def _relaunch(self) -> None:
        self.launched_at, self.due_at, self.error = time.monotonic(), None, ""
        try:
            self.process.launch()
        except Exception as error:  # the next look finds it dead, tells why, and waits longer
            self.error = str(error)


def _tell(on_death: Callable[[Death], None], death: Death) -> None:
    try:
        on_death(death)
    except Exception:  # a listener's mistake must not end the watch
        _log.exception("the listener to the death of %s failed", death.name)


def _stop(process: Supervised, timeout_s: float) -> None:
    try:
        process.stop(timeout_s)
    except Exception:  # the others must stop all the same
        _log.exception("%s did not stop as it should; it is killed", process.name)
        with contextlib.suppress(Exception):
            process.kill()


class _HeldSignals:
    """Ctrl-C and its like, turned into exceptions, but not in the middle of what must be done whole."""

    def __init__(self) -> None:
        self._before: dict[signal.Signals, object] = {}
        self._depth = 0
        self._waiting: int | None = None
        self._raised = False

    def take_over(self) -> None:
        """Python lets only the main thread do this; elsewhere signals stay what they are.

        One that is ignored (nohup, a background job of a shell) stays ignored.
        """
        if _in_main_thread():
            heeded = [number for number in _STOP_SIGNALS if signal.getsignal(number) not in (signal.SIG_IGN, None)]
            self._before = {number: signal.signal(number, self._arrived) for number in heeded}

    def give_back(self) -> None:
        while self._before:
            signal.signal(*self._before.popitem())  # type: ignore[arg-type]

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Signals wait till the end of the outermost of these blocks. Python delivers them to the main thread only."""
        if not _in_main_thread():
            yield
            return
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            if self._waiting is not None and not self._depth:
                self._raise_once(self._waiting)

    def _arrived(self, number: int, _frame: FrameType | None) -> None:
        if self._depth:
            self._waiting = number
        else:
            self._raise_once(number)

    def _raise_once(self, number: int) -> None:
        if self._raised:
            return
        self._raised = True
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        raise SystemExit(128 + number)


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
