"""How are schedules shared out? A process for some of them at a time, on every core that this one may use.

Each is forked from one that has everything loaded, and collects no garbage: what its schedules leave behind goes with it.
"""

import ctypes
import gc
import os
import pickle
import selectors
import signal
import sys
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeVar

T = TypeVar("T")
READ_BYTES = 1 << 20
_PR_SET_PDEATHSIG = 1


@dataclass
class _Child:
    """A process that works: where its answer is read, and what came of it so far."""

    pid: int
    pipe: int
    said: bytearray = field(default_factory=bytearray)


def cores() -> int:
    """How many processes can work at once: the cores that the kernel lets this one have."""
    return len(os.sched_getaffinity(0))


def each_in_a_process(jobs: Iterable[Callable[[], T]]) -> Iterator[T]:
    """What each job answers, as it comes; who stops asking ends those that still work.

    :raises ChildProcessError: a job failed; its error stands on the standard error.
    """
    waiting, working = deque(jobs), dict[int, _Child]()
    gc.collect()
    gc.freeze()  # else the first collection in a child would write to every page that it shares
    with selectors.DefaultSelector() as selector:
        try:
            while waiting or working:
                while waiting and len(working) < cores():
                    child = _begun(waiting.popleft())
                    working[child.pipe] = child
                    selector.register(child.pipe, selectors.EVENT_READ)
                for key, _ in selector.select():
                    child = working[key.fd]
                    if read := os.read(child.pipe, READ_BYTES):
                        child.said += read
                        continue
                    selector.unregister(child.pipe)
                    del working[child.pipe]
                    yield _answer(child)
        finally:
            for child in working.values():
                os.kill(child.pid, signal.SIGKILL)
                os.close(child.pipe)
                os.waitpid(child.pid, 0)
            gc.unfreeze()


def _begun(job: Callable[[], Any]) -> _Child:
    reading, writing = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        _work(job, writing)
    os.close(writing)
    return _Child(pid, reading)


def _work(job: Callable[[], Any], pipe: int) -> NoReturn:
    """In the child: answer, and be gone without a word of the interpreter's."""
    status = 1
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        gc.disable()
        with open(pipe, "wb") as answer:
            pickle.dump(job(), answer)
        status = 0
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(status)


def _answer(child: _Child) -> Any:
    os.close(child.pipe)
    _, status = os.waitpid(child.pid, 0)
    if status:
        raise ChildProcessError(f"a process of the simulation ended with {os.waitstatus_to_exitcode(status)}")
    return pickle.loads(child.said)
