"""In which order do things happen, when no clock runs and no two things happen at once?

An event loop of asyncio without threads, sockets or waiting: when nothing is ready its clock jumps to the next timer. It
runs several simulated processes. Within one, callbacks run in the order in which they were registered, as asyncio promises;
which process goes on next is drawn, as the kernel of a real machine might choose. So every order that is tried could
happen, and a seed alone says which one did.
"""

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import Context, ContextVar, copy_context
from random import Random
from typing import Any

AT_ONCE = 256
"""Callbacks after which it is asked whether to go on."""

_future = asyncio.Future
_running_in: ContextVar["Process"] = ContextVar("simulated_process")


class Handle:
    """A callback that waits for its turn, or for its moment."""

    __slots__ = ("args", "callback", "context", "gone", "moment", "process")

    def __init__(
        self, process: "Process", callback: Callable[..., object], args: tuple[Any, ...], context: Context, moment: float = 0.0
    ) -> None:
        self.process, self.callback, self.args, self.context, self.moment = process, callback, args, context, moment
        self.gone = False

    def cancel(self) -> None:
        """Never call it."""
        self.gone = True

    def cancelled(self) -> bool:
        """Whether it will never be called."""
        return self.gone

    def when(self) -> float:
        """Its moment."""
        return self.moment


class Process:
    """One simulated process: its callbacks in their order, and whether it lives."""

    def __init__(self, loop: "VirtualLoop", name: str) -> None:
        self.loop, self.name = loop, name
        self.ready: deque[Handle] = deque()
        self.tasks: list[asyncio.Task[Any]] = []
        self.alive, self.paused = True, False
        self.context = copy_context()
        self.context.run(_running_in.set, self)

    def run(self, coroutine: Coroutine[Any, Any, Any], name: str = "") -> asyncio.Task[Any]:
        """Have this process do something."""
        return self.loop.create_task(coroutine, name=name or None, context=self.context.copy())

    def crash(self) -> None:
        """End it between two instructions: nothing of it is ever called again."""
        self.alive = False
        self.ready.clear()
        self.loop.forget(self)

    def pause(self) -> None:
        """Stop it, as SIGSTOP does: time goes on without it."""
        self.paused = True
        self.loop.forget(self)

    def resume(self) -> None:
        """Let it go on."""
        self.paused = False
        if self.alive and self.ready:
            self.loop.runnable.append(self)


class VirtualLoop(asyncio.AbstractEventLoop):
    """The event loop of all simulated processes.

    :param random: chooses which process goes on.
    """

    def __init__(self, random: Random) -> None:
        self._random, self._now, self._timers_made = random, 0.0, 0
        self._timers: list[tuple[float, int, Handle]] = []
        self.runnable: list[Process] = []
        self.steps, self._ended = 0, False
        self.failures: list[str] = []
        """What nobody caught."""
        self.outside = Process(self, "outside")
        """Where the servers live, and whoever calls."""
        self.processes: list[Process] = [self.outside]

    def process(self, name: str) -> Process:
        """A new process."""
        made = Process(self, name)
        self.processes.append(made)
        return made

    def forget(self, process: Process) -> None:
        """Let a process not go on."""
        if process in self.runnable:
            self.runnable.remove(process)

    def run_until(self, done: Callable[[], bool], latest: float, max_steps: int) -> bool:
        """Run until something is so, at most until a moment; whether it came to be, or too many steps were made, or one failed.

        :param done: asked whenever the clock has moved, and now and then.
        """
        asyncio._set_running_loop(self)
        try:
            while not (self.failures or self.steps > max_steps or done()):
                called = 0 if self.runnable else self._advance(latest)
                if called is None:
                    return False
                self._step(AT_ONCE - called)
            return True
        finally:
            asyncio._set_running_loop(None)

    def end(self) -> None:
        """Leave nothing behind: whatever still waits is closed, and nothing it does then matters."""
        self._ended = True
        self._timers.clear()
        # A task that is closed may begin others in its last words: they are closed as well.
        asyncio._set_running_loop(self)
        try:
            while tasks := [task for process in self.processes for task in process.tasks]:
                for process in self.processes:
                    process.ready.clear()
                    process.tasks.clear()
                for task in tasks:
                    _close(task)
        finally:
            asyncio._set_running_loop(None)

    def _step(self, at_most: int) -> None:
        """Run so many callbacks, or what is ready."""
        runnable, draw = self.runnable, self._random.random
        for _ in range(at_most):
            many = len(runnable)
            if not many:
                return
            at = int(draw() * many) if many > 1 else 0
            process = runnable[at]
            handle = process.ready.popleft()
            if not process.ready:
                runnable[at] = runnable[-1]
                runnable.pop()
            if not handle.gone:
                self.steps += 1
                handle.context.run(handle.callback, *handle.args)

    def _advance(self, latest: float) -> int | None:
        """Let the clock jump to the next timers; None when they lie beyond `latest`, else how many callbacks were called.

        One timer alone, as nearly all are, needs not wait for its turn.
        """
        timers = self._timers
        while timers and (timers[0][2].gone or not timers[0][2].process.alive):
            heapq.heappop(timers)
        if not timers or timers[0][0] > latest:
            return None
        moment, _, handle = heapq.heappop(timers)
        if moment > self._now:
            self._now = moment
        if (not timers or timers[0][0] > self._now) and not handle.process.paused:
            self.steps += 1
            handle.context.run(handle.callback, *handle.args)
            return 1
        self._enqueue(handle)
        while timers and timers[0][0] <= self._now:
            handle = heapq.heappop(timers)[2]
            if not handle.gone:
                self._enqueue(handle)
        return 0

    def _enqueue(self, handle: Handle) -> None:
        process = handle.process
        if not process.alive or self._ended:
            return
        if not process.ready and not process.paused:
            self.runnable.append(process)
        process.ready.append(handle)

    # What asyncio asks of a loop.

    def time(self) -> float:
        return self._now

    def call_soon(self, callback: Callable[..., object], *args: Any, context: Context | None = None) -> Any:  # type: ignore[override]
        if context is None:
            context = copy_context()
        process = context.get(_running_in, self.outside)
        handle = Handle(process, callback, args, context)
        if process.alive and not self._ended:
            if not process.ready and not process.paused:
                self.runnable.append(process)
            process.ready.append(handle)
        return handle

    def call_later(self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None) -> Any:  # type: ignore[override]
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None) -> Any:  # type: ignore[override]
        context = context or copy_context()
        return self._at(context.get(_running_in, self.outside), when, callback, args, context)

    def at_server(self, delay: float, callback: Callable[..., object], *args: Any) -> None:
        """Have something happen outside of every process."""
        self.at_moment(self._now + delay, callback, *args)

    def at_moment(self, when: float, callback: Callable[..., object], *args: Any) -> None:
        """Have something happen outside of every process at a moment: of several at the same one, in this order."""
        if not self._ended:
            outside, self._timers_made = self.outside, self._timers_made + 1
            heapq.heappush(self._timers, (when, self._timers_made, Handle(outside, callback, args, outside.context, when)))

    def _at(
        self, process: Process, when: float, callback: Callable[..., object], args: tuple[Any, ...], context: Context
    ) -> Handle:
        handle = Handle(process, callback, args, context, when)
        if not self._ended:
            self._timers_made += 1
            heapq.heappush(self._timers, (when, self._timers_made, handle))
        return handle

    def create_future(self) -> asyncio.Future[Any]:
        return _future(loop=self)

    def create_task(self, coro: Any, *, name: str | None = None, context: Context | None = None) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=self, name=name, context=context)
        (context or copy_context()).get(_running_in, self.outside).tasks.append(task)
        return task

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return not self._ended

    def is_closed(self) -> bool:
        return self._ended

    def _timer_handle_cancelled(self, handle: object) -> None:
        """Its timer is passed over."""

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        # A call whose caller has gone leaves a future behind that nobody looks at.
        if not self._ended and context.get("message") != "Future exception was never retrieved":
            self.failures.append(f"{context.get('message')}: {context.get('exception')!r}")


def _close(task: asyncio.Task[Any]) -> None:
    if not task.done():
        task._log_destroy_pending = False  # type: ignore[attr-defined]
        with suppress(BaseException):
            task.get_coro().close()


def running_process() -> Process:
    """The process that runs now."""
    return _running_in.get()
